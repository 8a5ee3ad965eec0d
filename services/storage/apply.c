#include "apply.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <tip/alloc.h>
#include <tip/event.h>

#include "codec.h"
#include "io/activity.h"
#include "io/position.h"
#include "io/rows.h"
#include "io/source.h"

/* Rows gathered before they are written: bounds memory, and is plenty for one statement. */
enum { APPLY_ROWS_MAX = 16384 };

struct apply_item {
    struct tip_event *event; /* NULL for a reject */
    char *reject;
};

struct store_apply {
    struct store_db *db;
    const struct store_batch *batch;
    const uint8_t *ikey_key;
    const char *consumer;
    struct apply_item *items;
    struct store_rows rows;
    struct store_listing *listings;
    struct store_verdict *verdicts;
    struct store_told *told;

    /* of the transaction under way */
    int16_t journal;
    struct store_sources sources;
    struct store_counts *counts;
    size_t n_listings, n_verdicts;
    bool needs, closed;
};

/* ---- the batch ---- */

static void apply_decode(struct store_apply *apply, size_t i)
{
    const struct store_record *record = &apply->batch->records[i];
    const char *reason = "";
    struct tip_event **eventp = &apply->items[i].event;
    int r = store_codec_read(record->event, record->event_len, eventp, &reason);

    if (!r && (*eventp)->kind != TIP_EVENT_NONE && !tip_event_is_under(*eventp, record->topic)) {
        tip_event_destroy(eventp);
        reason = "its kind does not belong under this topic";
        r = STORE_CODEC_E_REJECT;
    }
    if (r)
        apply->items[i].reject = tip_strdup(r < 0 ? strerror(-r) : reason);
}

struct store_apply *store_apply_new(struct store_db *db, const struct store_batch *batch, const uint8_t *ikey_key,
                                    const char *consumer)
{
    struct store_apply *apply = tip_new(struct store_apply);

    apply->db = db;
    apply->batch = batch;
    apply->ikey_key = ikey_key;
    apply->consumer = consumer;
    apply->items = tip_new_array(batch->n_records + 1, struct apply_item);
    apply->listings = tip_new_array(APPLY_ROWS_MAX, struct store_listing);
    apply->verdicts = tip_new_array(APPLY_ROWS_MAX, struct store_verdict);
    apply->told = tip_new_array(APPLY_ROWS_MAX, struct store_told);
    store_rows_init(&apply->rows, db);
    for (size_t i = 0; i < batch->n_records; i++)
        apply_decode(apply, i);
    return apply;
}

static void apply_verdicts_clear(struct store_apply *apply)
{
    store_codec_verdicts_free(apply->verdicts, apply->n_verdicts);
    apply->n_verdicts = 0;
}

void store_apply_destroy(struct store_apply **applyp)
{
    struct store_apply *apply = *applyp;

    if (!apply)
        return;
    for (size_t i = 0; i < apply->batch->n_records; i++) {
        tip_event_destroy(&apply->items[i].event);
        free(apply->items[i].reject);
    }
    apply_verdicts_clear(apply);
    store_sources_deinit(&apply->sources);
    store_rows_deinit(&apply->rows);
    free(apply->items);
    free(apply->listings);
    free(apply->verdicts);
    free(apply->told);
    free(apply);
    *applyp = NULL;
}

bool store_apply_reject(struct store_apply *apply, size_t i, const char *reason)
{
    if (apply->items[i].reject)
        return false;
    tip_event_destroy(&apply->items[i].event);
    apply->items[i].reject = tip_strdup(reason);
    return true;
}

struct store_range store_range_all(const struct store_batch *batch)
{
    return (struct store_range){.n = batch->n_records, .from = batch->from, .next = batch->next};
}

void store_range_split(const struct store_apply *apply, const struct store_range *range, struct store_range *left,
                       struct store_range *right)
{
    size_t middle = range->first + range->n / 2;
    struct store_position between = {range->next.journal, apply->batch->records[middle].seq};

    *left = (struct store_range){range->first, range->n / 2, range->from, between};
    *right = (struct store_range){middle, range->n - range->n / 2, between, range->next};
}

void store_counts_add(struct store_counts *sum, const struct store_counts *more)
{
    const uint64_t *from = (const uint64_t *)more;
    uint64_t *to = (uint64_t *)sum;

    for (size_t i = 0; i < sizeof(*sum) / sizeof(*to); i++)
        to[i] += from[i];
}

/* ---- rows gathered ---- */

static int apply_flush(struct store_apply *apply)
{
    size_t n_listings = store_listing_fold(apply->listings, apply->n_listings);
    size_t n_told = store_told_fold(apply->told, apply->verdicts, apply->n_verdicts), n_verdicts;
    int r = store_listings_write(&apply->rows, apply->listings, n_listings);

    if (!r)
        r = store_told_write(&apply->rows, apply->told, n_told);
    n_verdicts = store_verdict_fold(apply->verdicts, apply->n_verdicts); /* moves them: after what points to them */
    if (!r)
        r = store_verdicts_write(&apply->rows, apply->verdicts, n_verdicts);
    apply->n_listings = 0;
    apply_verdicts_clear(apply);
    return r;
}

/* Unmarked is amber. */
static int16_t apply_tlp(const struct store_record *record)
{
    return record->tlp > TIP_TLP_NONE && record->tlp < TIP_TLP_COUNT ? record->tlp : TIP_TLP_AMBER;
}

static struct store_codec_context apply_context(struct store_apply *apply, const struct store_record *record)
{
    return (struct store_codec_context){.ikey_key = apply->ikey_key,
                                        .tlp = apply_tlp(record),
                                        .commit_unix_us = record->commit_unix_us,
                                        .clampedp = &apply->counts->clamped};
}

static int64_t apply_observed(struct store_apply *apply, size_t i)
{
    return store_clamp_ms(apply->items[i].event->observed_unix_ms, apply->batch->records[i].commit_unix_us,
                          &apply->counts->clamped);
}

bool store_apply_times(const struct store_apply *apply, size_t i, int64_t *commit_unix_usp, int64_t *observed_unix_msp)
{
    if (!apply->items[i].event)
        return false;
    *commit_unix_usp = apply->batch->records[i].commit_unix_us;
    *observed_unix_msp = apply->items[i].event->observed_unix_ms;
    return true;
}

/* ---- events ---- */

static int apply_copy(struct store_apply *apply, const struct store_range *range)
{
    int r = range->n ? store_events_begin(&apply->rows) : 0;

    for (size_t i = range->first; !r && i < range->first + range->n; i++) {
        if (apply->items[i].reject)
            continue;
        r = store_events_put(&apply->rows, apply->journal, &apply->batch->records[i], apply->items[i].event,
                             apply_observed(apply, i));
    }
    return r || !range->n ? r : store_events_end(&apply->rows);
}

static int apply_rejects(struct store_apply *apply, const struct store_range *range)
{
    int r = 0;

    for (size_t i = range->first; !r && i < range->first + range->n; i++) {
        if (!apply->items[i].reject)
            continue;
        apply->counts->rejects++;
        r = store_reject_put(&apply->rows, apply->journal, &apply->batch->records[i], apply->items[i].reject);
    }
    return r;
}

/* ---- lists ---- */

static int apply_entries(struct store_apply *apply, const struct store_record *record, const struct tip_event *event,
                         const struct store_source *source)
{
    struct store_codec_context context = apply_context(apply, record);
    size_t n = store_codec_n_listings(event);
    int r = 0;

    assert(n <= APPLY_ROWS_MAX);
    if (apply->n_listings + n > APPLY_ROWS_MAX)
        r = apply_flush(apply);
    if (r)
        return r;
    context.source_id = source->id;
    context.mark = source->chain.mark;
    store_codec_listings(event, &context, apply->listings + apply->n_listings);
    for (size_t i = 0; i < n; i++) {
        bool listed = apply->listings[apply->n_listings + i].listed;

        apply->counts->listed += listed;
        apply->counts->removed += !listed;
    }
    apply->n_listings += n;
    return 0;
}

/* The last part of a baseline: what it did not name is no longer listed. */
static int apply_close(struct store_apply *apply, const struct store_record *record, const struct tip_event *event,
                       const struct store_source *source, bool first)
{
    const struct store_close close = {.read_unix_ms = store_clamp_ms(event->listing_baseline.fetched_unix_ms,
                                                                     record->commit_unix_us, &apply->counts->clamped),
                                      .stream_unix_us = record->epoch_unix_us,
                                      .told_unix_us = store_told_us(record->commit_unix_us)};
    uint64_t n_closed = 0;
    int r = apply_flush(apply);

    if (!r && !first) /* the first of all has nothing before it */
        r = store_listings_close(&apply->rows, source, &close, &n_closed);
    apply->counts->closed += n_closed;
    apply->counts->baselines++;
    apply->closed = true;
    return r;
}

static int apply_break(struct store_apply *apply, const struct store_record *record, struct store_source *source)
{
    struct store_gap gap = {.journal = apply->journal, .from_seq = record->seq, .to_seq = record->seq};

    gap.source_id = source->id;
    gap.reason = source->break_reason = "a part does not continue what is stored";
    apply->counts->breaks++;
    apply->needs = true;
    return store_gap_note(apply->db, &gap);
}

static int apply_listing(struct store_apply *apply, const struct store_record *record, const struct tip_event *event)
{
    struct store_source *source = store_sources_get(&apply->sources, store_codec_source(event));
    bool first = !source->chain.version && source->chain.mark <= 1;
    struct store_part part = {.part = 0};
    enum store_step step;
    int r;

    (void)store_codec_part(event, &part); /* is one */
    step = store_chain_step(&source->chain, &part);
    source->chain_moved |= step != STORE_STEP_REPEATED && step != STORE_STEP_WAITING;
    switch (step) {
    case STORE_STEP_APPLY:
        return apply_entries(apply, record, event, source);
    case STORE_STEP_CLOSE:
        r = apply_entries(apply, record, event, source);
        return r ? r : apply_close(apply, record, event, source, first && source->chain.mark == 1);
    case STORE_STEP_REPEATED:
        apply->counts->repeated++;
        return 0;
    case STORE_STEP_WAITING:
        apply->counts->waiting++;
        return 0;
    case STORE_STEP_BREAK:
        return apply_break(apply, record, source);
    case STORE_STEP_COUNT:
        break;
    }
    return 0;
}

/* ---- the rest ---- */

static int apply_verdicts(struct store_apply *apply, const struct store_record *record, const struct tip_event *event)
{
    struct store_codec_context context = apply_context(apply, record);
    size_t n = event->verdict_changes.n_verdicts;
    int r = 0;

    assert(n <= APPLY_ROWS_MAX);
    if (apply->n_verdicts + n > APPLY_ROWS_MAX)
        r = apply_flush(apply);
    if (r)
        return r;
    store_codec_verdicts(event, &context, apply->verdicts + apply->n_verdicts);
    apply->n_verdicts += n;
    apply->counts->verdicts += n;
    return 0;
}

static int apply_source(struct store_apply *apply, size_t i)
{
    const struct tip_event *event = apply->items[i].event;
    const struct store_source *source = store_sources_get(&apply->sources, store_codec_source(event));

    if (event->kind == TIP_EVENT_SOURCE_WEIGHT)
        return store_source_weight(apply->db, source, event, apply_tlp(&apply->batch->records[i]),
                                   apply_observed(apply, i));
    return store_source_state(apply->db, source, event, apply_observed(apply, i));
}

/* A weight may name a list that is marked stricter than its own: it says nothing of the marking of its source. */
static void apply_mark(struct store_apply *apply, const struct store_record *record, const struct tip_event *event)
{
    if (store_codec_source(event) && event->kind != TIP_EVENT_SOURCE_WEIGHT)
        store_sources_get(&apply->sources, store_codec_source(event))->tlp = apply_tlp(record);
}

static int apply_one(struct store_apply *apply, size_t i)
{
    const struct store_record *record = &apply->batch->records[i];
    const struct tip_event *event = apply->items[i].event;

    apply->counts->events++;
    apply_mark(apply, record, event);
    if (event->kind == TIP_EVENT_LISTING_DELTA || event->kind == TIP_EVENT_LISTING_BASELINE)
        return apply_listing(apply, record, event);
    if (event->kind == TIP_EVENT_VERDICT_CHANGES)
        return apply_verdicts(apply, record, event);
    if (store_codec_source(event))
        return apply_source(apply, i);
    return store_activity_is(event) ? store_activity_write(apply->db, event, apply_observed(apply, i)) : 0;
}

/* ---- a range ---- */

/* The journal is dense and nothing is filtered: a number that is not there is a record that was lost. */
static int apply_gap(struct store_apply *apply, uint64_t from_seq, uint64_t to_seq, bool fresh)
{
    struct store_gap gap = {.journal = apply->journal, .from_seq = from_seq, .to_seq = to_seq};
    int r;

    gap.reason = fresh ? "the journal begins later than storage" : "records are missing";
    apply->counts->gaps++;
    apply->needs = true;
    r = store_gap_note(apply->db, &gap);
    return r ? r : store_need_all(apply->db, apply->consumer, gap.reason);
}

static int apply_gaps(struct store_apply *apply, const struct store_range *range)
{
    uint64_t expected = range->from.next_seq ? range->from.next_seq : 1;
    int r = 0;

    for (size_t i = 0; !r && i <= range->n; i++) {
        uint64_t seq = i < range->n ? apply->batch->records[range->first + i].seq : range->next.next_seq;

        if (seq > expected)
            r = apply_gap(apply, expected, seq - 1, !range->from.next_seq && !i);
        expected = seq + 1;
    }
    return r;
}

static int apply_sources(struct store_apply *apply, const struct store_range *range)
{
    store_sources_deinit(&apply->sources);
    for (size_t i = range->first; i < range->first + range->n; i++) {
        const char *name = apply->items[i].reject ? NULL : store_codec_source(apply->items[i].event);

        if (name)
            store_sources_want(&apply->sources, name);
    }
    return store_sources_load(apply->db, &apply->sources);
}

static int apply_finish(struct store_apply *apply)
{
    int r = apply_flush(apply);

    if (!r)
        r = store_sources_save(apply->db, &apply->sources);
    return r || !apply->closed ? r : store_gaps_close(apply->db);
}

int store_apply_range(struct store_apply *apply, const struct store_range *range, int16_t journal,
                      struct store_counts *counts, bool *needsp)
{
    int r;

    apply->journal = journal;
    apply->counts = counts;
    apply->n_listings = 0;
    apply_verdicts_clear(apply);
    apply->needs = apply->closed = false;
    r = apply_gaps(apply, range);
    if (!r)
        r = apply_sources(apply, range);
    if (!r)
        r = apply_rejects(apply, range);
    if (!r)
        r = apply_copy(apply, range);
    for (size_t i = range->first; !r && i < range->first + range->n; i++) {
        if (!apply->items[i].reject)
            r = apply_one(apply, i);
    }
    if (!r)
        r = apply_finish(apply);
    *needsp = apply->needs;
    return r;
}
