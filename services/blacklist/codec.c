#include "codec.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include <tip/alloc.h>
#include <tip/clock.h>
#include <tip/utf8.h>
#include <topics.h>

#include "core/flag.h"

_Static_assert((int)BL_FLAG_SUBTREE == (int)TIP_LISTING_SUBTREE &&
                   (int)BL_FLAG_SPECIAL_USE == (int)TIP_LISTING_SPECIAL_USE &&
                   (int)BL_FLAG_BAD_IDNA == (int)TIP_LISTING_BAD_IDNA &&
                   (int)BL_FLAG_HOST_BITS == (int)TIP_LISTING_HOST_BITS &&
                   (int)BL_FLAG_PUBLIC_SUFFIX == (int)TIP_LISTING_PUBLIC_SUFFIX,
               "flags of the core are those of the wire");
_Static_assert((int)BL_PART_ENTRIES <= (int)TIP_BATCH_ENTRIES_MAX && (int)BL_PART_BYTES < (int)TIP_BATCH_BYTES_MAX &&
                   (int)BL_RAW_MAX == (int)TIP_RAW_MAX,
               "a part of the core fits an event");

/* ---- events of a plan ---- */

/* A run of indices being turned into entries: where they lie, and what is filled. */
struct codec_fill {
    const struct tip_buf *indices;
    const struct bl_map *map;
    struct codec_scratch *scratch;
    size_t used;
    bool with_evidence;
    const struct bl_seen *stated; /* where times of the list's own stand; NULL: none are told */
};

/* By what its list has said when the plan is done. */
static const struct bl_seen *codec_seen(const struct work_plan *plan)
{
    return &plan->lists->sources[plan->order.self].seen[BL_AFTER];
}

static int64_t codec_stated(const struct codec_fill *fill, const struct bl_item *item)
{
    if (!fill->stated)
        return 0;
    return (int64_t)bl_seen_stated(bl_seen_find(fill->stated, item->kind, item->value, item->len)) * TIP_SECOND_MS;
}

static void codec_entry(struct codec_fill *fill, size_t index)
{
    struct bl_item *item = &fill->scratch->items[fill->used];
    struct tip_listing_entry *entry = &fill->scratch->entries[fill->used++];

    bl_set_item(&fill->map->file.set, index, item);
    *entry = (struct tip_listing_entry){.kind = item->kind, .value = item->value, .value_len = item->len};
    if (!fill->with_evidence)
        return;
    entry->flags = item->flags;
    entry->line = item->line;
    entry->raw = (const uint8_t *)bl_body_raw(&fill->map->body, item->at, &entry->raw_len);
    entry->stated_unix_ms = codec_stated(fill, item);
}

static struct tip_listing_entry *codec_entries(struct codec_fill *fill, uint32_t from, uint32_t to)
{
    struct tip_listing_entry *first = &fill->scratch->entries[fill->used];

    for (uint32_t i = from; i < to; i++)
        codec_entry(fill, bl_diff_at(fill->indices, i));
    return first;
}

/*
 * When the list last named what has left it. All of a part left in the same step, so one entry says it of all; only
 * where the clock went back may they differ.
 */
static int64_t codec_confirmed(const struct work_plan *plan, const struct bl_part *cut)
{
    for (uint32_t i = cut->removed_from; plan->lists && i < cut->removed_to; i++) {
        const struct bl_seen_times *times;
        struct bl_item item;

        bl_set_item(&plan->from.file.set, bl_diff_at(&plan->diff.removed, i), &item);
        times = bl_seen_find(codec_seen(plan), item.kind, item.value, item.len);
        if (times) /* else it is forgotten: too many have left */
            return (int64_t)times->last_s * TIP_SECOND_MS;
    }
    return 0;
}

static void codec_delta(struct tip_event *event, const struct codec_part *part, struct codec_scratch *scratch)
{
    const struct work_plan *plan = part->plan;
    const struct bl_part *cut = bl_part_at(&plan->parts, part->index);
    struct tip_listing_delta *delta = &event->listing_delta;
    struct codec_fill fill = {.scratch = scratch, .stated = plan->is_stated ? codec_seen(plan) : NULL};

    *delta = (struct tip_listing_delta){
        .source = plan->order.name,
        .stream = part->stream,
        .from_version = plan->order.from,
        .to_version = plan->order.to,
        .part = (uint32_t)part->index + 1,
        .n_parts = (uint32_t)work_plan_listings(plan),
        .n_removed = cut->removed_to - cut->removed_from,
        .n_changed = cut->changed_to - cut->changed_from,
        .n_added = cut->added_to - cut->added_from,
        .fetched_unix_ms = part->fetched_unix_ms,
        .confirmed_unix_ms = codec_confirmed(plan, cut),
    };
    fill.indices = &plan->diff.removed;
    fill.map = &plan->from;
    delta->removed = codec_entries(&fill, cut->removed_from, cut->removed_to);
    fill.indices = &plan->diff.changed;
    fill.map = &plan->to;
    fill.with_evidence = true;
    delta->changed = codec_entries(&fill, cut->changed_from, cut->changed_to);
    fill.indices = &plan->diff.added;
    delta->added = codec_entries(&fill, cut->added_from, cut->added_to);
}

static void codec_baseline(struct tip_event *event, const struct codec_part *part, struct codec_scratch *scratch)
{
    const struct work_plan *plan = part->plan;
    const struct bl_part *cut = bl_part_at(&plan->parts, part->index);
    struct codec_fill fill = {.indices = &plan->diff.added,
                              .map = &plan->to,
                              .scratch = scratch,
                              .with_evidence = true,
                              .stated = plan->is_stated ? codec_seen(plan) : NULL};

    event->listing_baseline = (struct tip_listing_baseline){
        .source = plan->order.name,
        .stream = part->stream,
        .baseline_id = part->baseline_id,
        .version = plan->order.to,
        .part = (uint32_t)part->index + 1,
        .n_parts = (uint32_t)work_plan_listings(plan),
        .n_entries = cut->added_to - cut->added_from,
        .entries = codec_entries(&fill, cut->added_from, cut->added_to),
        .fetched_unix_ms = part->fetched_unix_ms,
    };
}

const char *codec_listing(struct tip_event *event, const struct codec_part *part, struct codec_scratch *scratch)
{
    bool is_delta = part->plan->order.kind == WORK_VERSION && part->plan->order.from;

    *event =
        (struct tip_event){.kind = is_delta ? TIP_EVENT_LISTING_DELTA : TIP_EVENT_LISTING_BASELINE, .kind_name = ""};
    if (is_delta)
        codec_delta(event, part, scratch);
    else
        codec_baseline(event, part, scratch);
    return is_delta ? TIP_TOPIC_LISTING_DELTA : TIP_TOPIC_LISTING_BASELINE;
}

/* ---- other events ---- */

/* A query may hold a key, a name may be a person's: neither is told. */
static void codec_url(char to[static TIP_INDICATOR_MAX + 1], const char *url)
{
    size_t n = strcspn(url, "?#");

    (void)tip_utf8_copy(to, n < TIP_INDICATOR_MAX ? n + 1 : TIP_INDICATOR_MAX + 1, url, n);
}

static void codec_rejects(struct tip_source_state *state, const struct bl_report *report,
                          struct codec_source_scratch *scratch)
{
    for (size_t i = 0; i < report->n_sample; i++)
        scratch->rejects[i] = (struct tip_listing_reject){
            .line = report->sample[i].line,
            .reason = report->sample[i].reason,
            .raw = (const uint8_t *)report->sample[i].raw,
            .raw_len = report->sample[i].raw_len,
        };
    for (size_t i = 0; i < report->n_counts; i++)
        scratch->counts[i] = (struct tip_reject_count){.reason = report->counts[i].reason, .n = report->counts[i].n};
    state->rejects = scratch->rejects;
    state->n_rejects = report->n_sample;
    state->counts = scratch->counts;
    state->n_counts = report->n_counts;
}

const char *codec_source(struct tip_event *event, const struct codec_source *source,
                         struct codec_source_scratch *scratch)
{
    const struct bl_stored *stored = source->stored;

    codec_url(scratch->url, source->url);
    *event = (struct tip_event){.kind = source->is_held ? TIP_EVENT_SOURCE_HELD
                                        : source->ok    ? TIP_EVENT_SOURCE_OK
                                                        : TIP_EVENT_SOURCE_FAILED,
                                .kind_name = ""};
    event->source_state = (struct tip_source_state){
        .source = source->name,
        .reason = stored->reason,
        .detail = stored->detail,
        .url = scratch->url,
        .stream = source->stream,
        .version = stored->version,
        .n_entries = stored->n_entries,
        .n_added = stored->n_added,
        .n_removed = stored->n_removed,
        .n_changed = stored->n_changed,
        .n_lines = stored->n_lines,
        .n_rejected = stored->n_rejected,
        .n_bytes = stored->n_bytes,
        .n_special = stored->n_special,
        .weight = source->weight,
        .n_failures = (uint32_t)stored->n_failures,
        .next_unix_ms = stored->next_unix_ms,
    };
    if (!source->ok) { /* of the body that failed, if there was one */
        event->source_state.n_added = event->source_state.n_removed = event->source_state.n_changed = 0;
        event->source_state.n_lines = source->report ? source->report->n_lines : 0;
        event->source_state.n_rejected = source->report ? source->report->n_rejected : 0;
    }
    if (source->report)
        codec_rejects(&event->source_state, source->report, scratch);
    if (source->is_held)
        return TIP_TOPIC_SOURCE_HELD;
    return source->ok ? TIP_TOPIC_SOURCE_OK : TIP_TOPIC_SOURCE_FAILED;
}

size_t bl_run_count(const struct bl_run *run, enum bl_sub_state state)
{
    size_t n = 0;

    for (size_t i = 0; i < run->n_subs; i++)
        n += run->subs[i].state == state;
    return n;
}

const char *codec_run_report(struct tip_event *event, const struct bl_run *run, char summary[static TIP_TEXT_MAX])
{
    size_t n_late = bl_run_count(run, BL_SUB_PENDING);
    size_t n_ok = bl_run_count(run, BL_SUB_OK);
    size_t n_failed = bl_run_count(run, BL_SUB_FAILED) + n_late;
    size_t n_skipped = bl_run_count(run, BL_SUB_SKIPPED);
    bool ok = n_ok || !n_failed;

    (void)snprintf(summary, TIP_TEXT_MAX, "%zu %s ended well, %zu failed, %zu not due", n_ok,
                   n_ok == 1 ? "source" : "sources", n_failed - n_late, n_skipped);
    if (n_late)
        (void)snprintf(summary + strlen(summary), TIP_TEXT_MAX - strlen(summary), ", %zu did not end by the deadline",
                       n_late);
    *event = (struct tip_event){.kind = ok ? TIP_EVENT_SCHEDULE_DONE : TIP_EVENT_SCHEDULE_FAILED, .kind_name = ""};
    event->schedule_report = (struct tip_schedule_report){
        .run_id = run->id,
        .module = "blacklist",
        .summary = summary,
        .n_ok = (uint32_t)n_ok,
        .n_failed = (uint32_t)n_failed,
        .n_skipped = (uint32_t)n_skipped,
    };
    return ok ? TIP_TOPIC_SCHEDULE_DONE : TIP_TOPIC_SCHEDULE_FAILED;
}

/* ---- stored state ---- */

enum codec_type { CODEC_INT, CODEC_REAL, CODEC_BOOL, CODEC_TEXT, CODEC_HEX };

struct codec_row {
    const char *key;
    enum codec_type type;
    size_t offset, size;
};

#define CODEC_ROW(key, type, of, member)                                                  \
    {                                                                                     \
        key, type, offsetof(struct of, member), sizeof(((const struct of *)NULL)->member) \
    }

static const struct codec_row stored_rows[] = {
    CODEC_ROW("version", CODEC_INT, bl_stored, version),
    CODEC_ROW("pending", CODEC_INT, bl_stored, pending),
    CODEC_ROW("last_number", CODEC_INT, bl_stored, last_number),
    CODEC_ROW("weight", CODEC_REAL, bl_stored, weight),
    CODEC_ROW("half_life", CODEC_INT, bl_stored, half_life_s),
    CODEC_ROW("append", CODEC_BOOL, bl_stored, is_append),
    CODEC_ROW("stated", CODEC_BOOL, bl_stored, is_stated),
    CODEC_ROW("law_basis", CODEC_TEXT, bl_stored, law_basis),
    CODEC_ROW("kin", CODEC_INT, bl_stored, kin),
    CODEC_ROW("kin_of", CODEC_HEX, bl_stored, kin_of),
    CODEC_ROW("measured_independence", CODEC_REAL, bl_stored, measured_independence),
    CODEC_ROW("measured_half_life", CODEC_INT, bl_stored, measured_half_life_s),
    CODEC_ROW("measured_append", CODEC_BOOL, bl_stored, measured_append),
    CODEC_ROW("tlp", CODEC_INT, bl_stored, tlp),
    CODEC_ROW("fingerprint", CODEC_INT, bl_stored, fingerprint),
    CODEC_ROW("etag", CODEC_TEXT, bl_stored, validators.etag),
    CODEC_ROW("last_modified", CODEC_TEXT, bl_stored, validators.last_modified),
    CODEC_ROW("hash", CODEC_HEX, bl_stored, validators.hash),
    CODEC_ROW("known", CODEC_BOOL, bl_stored, validators.known),
    CODEC_ROW("next", CODEC_INT, bl_stored, next_unix_ms),
    CODEC_ROW("fetched", CODEC_INT, bl_stored, fetched_unix_ms),
    CODEC_ROW("ok", CODEC_INT, bl_stored, ok_unix_ms),
    CODEC_ROW("failures", CODEC_INT, bl_stored, n_failures),
    CODEC_ROW("reason", CODEC_TEXT, bl_stored, reason),
    CODEC_ROW("detail", CODEC_TEXT, bl_stored, detail),
    CODEC_ROW("n_entries", CODEC_INT, bl_stored, n_entries),
    CODEC_ROW("n_added", CODEC_INT, bl_stored, n_added),
    CODEC_ROW("n_removed", CODEC_INT, bl_stored, n_removed),
    CODEC_ROW("n_changed", CODEC_INT, bl_stored, n_changed),
    CODEC_ROW("n_lines", CODEC_INT, bl_stored, n_lines),
    CODEC_ROW("n_rejected", CODEC_INT, bl_stored, n_rejected),
    CODEC_ROW("n_special", CODEC_INT, bl_stored, n_special),
    CODEC_ROW("n_bytes", CODEC_INT, bl_stored, n_bytes),
    CODEC_ROW("override", CODEC_INT, bl_stored, override),
    CODEC_ROW("held", CODEC_BOOL, bl_stored, is_held),
    CODEC_ROW("held_until", CODEC_INT, bl_stored, held_until_unix_ms),
    CODEC_ROW("hold_reason", CODEC_TEXT, bl_stored, hold_reason),
    CODEC_ROW("changed_at", CODEC_INT, bl_stored, changed_unix_ms),
    CODEC_ROW("measured", CODEC_REAL, bl_stored, measured),
    CODEC_ROW("measured_rest", CODEC_REAL, bl_stored, measured_rest),
    CODEC_ROW("measured_late", CODEC_BOOL, bl_stored, measured_late),
    CODEC_ROW("weighed", CODEC_INT, bl_stored, weighed_unix_ms),
    CODEC_ROW("asked_at", CODEC_INT, bl_stored, asked_unix_ms),
    CODEC_ROW("told", CODEC_INT, bl_stored, told_unix_ms),
    CODEC_ROW("terms_at", CODEC_INT, bl_stored, terms_unix_ms),
    CODEC_ROW("stale", CODEC_BOOL, bl_stored, is_stale),
    CODEC_ROW("guard", CODEC_HEX, bl_stored, guard), /* of another build: it is learned anew */
};

static const struct codec_row job_rows[] = {
    CODEC_ROW("kind", CODEC_INT, bl_job, kind),
    CODEC_ROW("name", CODEC_TEXT, bl_job, name),
    CODEC_ROW("from", CODEC_INT, bl_job, from),
    CODEC_ROW("to", CODEC_INT, bl_job, to),
    CODEC_ROW("weight_before", CODEC_REAL, bl_job, before.weight),
    CODEC_ROW("weight_after", CODEC_REAL, bl_job, after.weight),
    CODEC_ROW("half_life_before", CODEC_INT, bl_job, before.half_life_s),
    CODEC_ROW("half_life_after", CODEC_INT, bl_job, after.half_life_s),
    CODEC_ROW("append_before", CODEC_BOOL, bl_job, before.is_append),
    CODEC_ROW("append_after", CODEC_BOOL, bl_job, after.is_append),
    CODEC_ROW("kin_after", CODEC_INT, bl_job, kin_after),
    CODEC_ROW("kin_of_after", CODEC_HEX, bl_job, kin_of_after),
    CODEC_ROW("baseline_id", CODEC_HEX, bl_job, baseline_id),
    CODEC_ROW("plan", CODEC_INT, bl_job, plan),
    CODEC_ROW("next", CODEC_INT, bl_job, next),
};

#define ROWS(rows) rows, sizeof(rows) / sizeof(*(rows))

static json_t *codec_hex(const uint8_t *bytes, size_t n)
{
    static const char digits[] = "0123456789abcdef";
    tip_auto(tip_free) char *text = tip_new_array(2 * n + 1, char);

    for (size_t i = 0; i < n; i++) {
        text[2 * i] = digits[bytes[i] >> 4];
        text[2 * i + 1] = digits[bytes[i] & 15];
    }
    return json_string(text);
}

static unsigned codec_digit(char c)
{
    return (unsigned)(c <= '9' ? c - '0' : c - 'a' + 10) & 15;
}

static void codec_unhex(uint8_t *to, size_t n, const char *text)
{
    for (size_t i = 0; i < n && text[0] && text[1]; i++, text += 2)
        to[i] = (uint8_t)(codec_digit(text[0]) << 4 | codec_digit(text[1]));
}

static json_t *codec_value_write(const struct codec_row *row, const void *from)
{
    const char *at = (const char *)from + row->offset;

    switch (row->type) {
    case CODEC_INT:
        return json_integer(*(const int64_t *)(const void *)at);
    case CODEC_REAL:
        return json_real(*(const double *)(const void *)at);
    case CODEC_BOOL:
        return json_boolean(*(const bool *)(const void *)at);
    case CODEC_TEXT:
        return json_string(at);
    case CODEC_HEX:
        return codec_hex((const uint8_t *)at, row->size);
    }
    return NULL;
}

/* What is missing or of another type stays zero. */
static void codec_value_read(const struct codec_row *row, void *to, const json_t *value)
{
    const char *text = json_is_string(value) ? json_string_value(value) : "";
    char *at = (char *)to + row->offset;

    switch (row->type) {
    case CODEC_INT:
        *(int64_t *)(void *)at = json_integer_value(value);
        return;
    case CODEC_REAL:
        *(double *)(void *)at = json_number_value(value);
        return;
    case CODEC_BOOL:
        *(bool *)(void *)at = json_is_true(value);
        return;
    case CODEC_TEXT:
        (void)tip_utf8_copy(at, row->size, text, strlen(text));
        return;
    case CODEC_HEX:
        codec_unhex((uint8_t *)at, row->size, strlen(text) == 2 * row->size ? text : "");
        return;
    }
}

static int codec_json_append(json_t *object, struct tip_buf *out)
{
    tip_auto(tip_free) char *text = json_dumps(object, JSON_COMPACT);

    json_decref(object);
    return text ? tip_buf_append_text(out, text) : -ENOMEM;
}

static int codec_rows_write(const struct codec_row *rows, size_t n, const void *from, struct tip_buf *out)
{
    json_t *object = json_object();

    for (size_t i = 0; i < n; i++)
        json_object_set_new(object, rows[i].key, codec_value_write(&rows[i], from));
    return codec_json_append(object, out);
}

static int codec_rows_read(const struct codec_row *rows, size_t n, void *to, const void *bytes, size_t n_bytes)
{
    json_t *object = json_loadb(bytes, n_bytes, 0, NULL);
    bool ok = json_is_object(object);

    for (size_t i = 0; ok && i < n; i++)
        codec_value_read(&rows[i], to, json_object_get(object, rows[i].key));
    json_decref(object);
    return ok ? 0 : CODEC_E_FOREIGN;
}

int codec_stored_write(const struct bl_stored *stored, struct tip_buf *out)
{
    return codec_rows_write(ROWS(stored_rows), stored, out);
}

int codec_stored_read(struct bl_stored *stored, const void *bytes, size_t n)
{
    int r;

    *stored = (struct bl_stored){0};
    r = codec_rows_read(ROWS(stored_rows), stored, bytes, n);
    if (!stored->changed_unix_ms)
        stored->changed_unix_ms = stored->fetched_unix_ms; /* written by an older build */
    if (stored->override < BL_OVERRIDE_NONE || stored->override >= BL_OVERRIDE_COUNT)
        stored->override = BL_OVERRIDE_NONE;
    return r;
}

int codec_job_write(const struct bl_job *job, struct tip_buf *out)
{
    struct bl_job kept = *job;

    kept.plan = STATE_PLAN;
    return codec_rows_write(ROWS(job_rows), &kept, out);
}

int codec_job_read(struct bl_job *job, const void *bytes, size_t n)
{
    *job = (struct bl_job){0};
    if (codec_rows_read(ROWS(job_rows), job, bytes, n))
        return CODEC_E_FOREIGN;
    if (job->plan != STATE_PLAN) { /* `next` counts parts of a plan that this build cuts otherwise */
        job->is_again = job->next;
        job->next = 0;
    }
    return job->kind < 0 || job->kind >= WORK_KIND_COUNT ? CODEC_E_FOREIGN : 0;
}

static const struct codec_row clock_rows[] = {CODEC_ROW("tau", CODEC_INT, bl_clock_state, tau_s)};

int codec_clock_write(const struct bl_clock_state *clock, struct tip_buf *out)
{
    return codec_rows_write(ROWS(clock_rows), clock, out);
}

int codec_clock_read(struct bl_clock_state *clock, const void *bytes, size_t n)
{
    *clock = (struct bl_clock_state){0};
    return codec_rows_read(ROWS(clock_rows), clock, bytes, n);
}

static const struct codec_row tried_rows[] = {
    CODEC_ROW("asked", CODEC_INT, bl_tried, asked_unix_ms),
    CODEC_ROW("told", CODEC_INT, bl_tried, told_unix_ms),
};

int codec_tried_write(const struct bl_tried *tried, struct tip_buf *out)
{
    return codec_rows_write(ROWS(tried_rows), tried, out);
}

int codec_tried_read(struct bl_tried *tried, const void *bytes, size_t n)
{
    *tried = (struct bl_tried){.asked_unix_ms = 0};
    return codec_rows_read(ROWS(tried_rows), tried, bytes, n);
}

static const char *const sub_names[BL_SUB_STATE_COUNT] = {
    [BL_SUB_PENDING] = "pending", [BL_SUB_OK] = "ok", [BL_SUB_FAILED] = "failed", [BL_SUB_SKIPPED] = "skipped"};

int codec_run_write(const struct bl_run *run, struct tip_buf *out)
{
    json_t *subs = json_object();

    for (size_t i = 0; i < run->n_subs; i++)
        json_object_set_new(subs, run->subs[i].name, json_string(sub_names[run->subs[i].state]));
    return codec_json_append(json_pack("{sI so}", "deadline", (json_int_t)run->deadline_unix_ms, "subs", subs), out);
}

static enum bl_sub_state codec_sub_state(const char *name)
{
    for (int i = 0; name && i < BL_SUB_STATE_COUNT; i++) {
        if (!strcmp(sub_names[i], name))
            return (enum bl_sub_state)i;
    }
    return BL_SUB_FAILED;
}

int codec_run_read(struct bl_run *run, const void *bytes, size_t n)
{
    json_t *object = json_loadb(bytes, n, 0, NULL);
    json_t *subs = json_object_get(object, "subs");
    const char *name;
    json_t *state;

    run->deadline_unix_ms = json_integer_value(json_object_get(object, "deadline"));
    run->subs = tip_new_array(json_object_size(subs), struct bl_sub);
    json_object_foreach(subs, name, state)
    {
        struct bl_sub *sub = &run->subs[run->n_subs++];

        (void)tip_utf8_copy(sub->name, sizeof(sub->name), name, strlen(name));
        sub->state = codec_sub_state(json_string_value(state));
    }
    json_decref(object);
    return subs ? 0 : CODEC_E_FOREIGN;
}

int codec_word_write(const struct bl_word *word, struct tip_buf *out)
{
    json_t *object =
        json_pack("{sI sI sI sI sb sb ss ss ss sI sI}", "born", (json_int_t)word->born, "died", (json_int_t)word->died,
                  "rule", (json_int_t)word->rule, "kind", (json_int_t)word->kind, "subtree", word->is_subtree,
                  "configured", word->is_configured, "value", word->value, "reason", word->reason, "actor", word->actor,
                  "since", (json_int_t)word->since_unix_ms, "until", (json_int_t)word->until_unix_ms);

    return object ? codec_json_append(object, out) : -EINVAL;
}

static const char *codec_word_text(char *to, size_t room, const json_t *value)
{
    const char *text = json_is_string(value) ? json_string_value(value) : "";

    (void)tip_utf8_copy(to, room, text, strlen(text)); /* its length */
    return to;
}

int codec_word_read(struct bl_word *word, struct codec_word_texts *texts, const void *bytes, size_t n)
{
    json_t *object = json_loadb(bytes, n, 0, NULL);

    *word = (struct bl_word){
        .born = (uint64_t)json_integer_value(json_object_get(object, "born")),
        .died = (uint64_t)json_integer_value(json_object_get(object, "died")),
        .rule = json_integer_value(json_object_get(object, "rule")),
        .kind = json_integer_value(json_object_get(object, "kind")),
        .is_subtree = json_is_true(json_object_get(object, "subtree")),
        .is_configured = json_is_true(json_object_get(object, "configured")),
        .value = codec_word_text(texts->value, sizeof(texts->value), json_object_get(object, "value")),
        .reason = codec_word_text(texts->reason, sizeof(texts->reason), json_object_get(object, "reason")),
        .actor = codec_word_text(texts->actor, sizeof(texts->actor), json_object_get(object, "actor")),
        .since_unix_ms = json_integer_value(json_object_get(object, "since")),
        .until_unix_ms = json_integer_value(json_object_get(object, "until")),
    };
    json_decref(object);
    return object ? 0 : CODEC_E_FOREIGN;
}

enum { CODEC_REPORT_MAGIC = 0x31524c42 };

int codec_report_write(const struct bl_report *report, struct tip_buf *out)
{
    const uint32_t head[2] = {CODEC_REPORT_MAGIC, sizeof(*report)};
    int r = tip_buf_append(out, head, sizeof(head));

    return r ? r : tip_buf_append(out, report, sizeof(*report));
}

int codec_report_read(struct bl_report *report, const void *bytes, size_t n)
{
    uint32_t head[2];

    if (n != sizeof(head) + sizeof(*report))
        return CODEC_E_FOREIGN;
    memcpy(head, bytes, sizeof(head));
    if (head[0] != CODEC_REPORT_MAGIC || head[1] != sizeof(*report))
        return CODEC_E_FOREIGN;
    memcpy(report, (const char *)bytes + sizeof(head), sizeof(*report));
    return report->n_sample > BL_REPORT_SAMPLE || report->n_counts > BL_REPORT_REASONS ? CODEC_E_FOREIGN : 0;
}

/* ---- for people ---- */

static json_t *codec_time(int64_t unix_ms)
{
    char text[TIP_CLOCK_TEXT];

    if (!unix_ms)
        return json_null();
    (void)tip_clock_format(unix_ms, text); /* its length */
    return json_string(text);
}

static json_t *codec_spec_json(const struct bl_spec *spec)
{
    char url[TIP_INDICATOR_MAX + 1];
    char interval[TIP_DURATION_TEXT];

    if (!spec)
        return json_null();
    codec_url(url, spec->url);
    (void)tip_duration_format((uint64_t)spec->interval_ms, interval); /* its length */
    return json_pack("{ss sb ss ss ss so ss ss ss ss? ss? ss? sb}", "url", url, "enabled", spec->enabled, "kind",
                     bl_kind_names[spec->format.kind], "type", bl_type_names[spec->format.type], "interval", interval,
                     "weight", spec->weight < 0 ? json_null() : json_real(spec->weight), "tlp", tip_tlp_name(spec->tlp),
                     "category", bl_category_names[spec->category], "group", spec->group, "licence", spec->licence,
                     "attribution", spec->attribution, "terms", spec->terms, "redistribute", spec->redistribute);
}

bool bl_is_enabled(const struct bl_spec *spec, const struct bl_stored *stored)
{
    return spec && (stored->override ? stored->override == BL_OVERRIDE_ENABLED : spec->enabled);
}

static const char *const override_names[BL_OVERRIDE_COUNT] = {[BL_OVERRIDE_NONE] = "",
                                                              [BL_OVERRIDE_ENABLED] = "enabled",
                                                              [BL_OVERRIDE_DISABLED] = "disabled",
                                                              [BL_OVERRIDE_RETIRED] = "retired"};

/* What the guard says, and by what figures. */
static json_t *codec_guard_json(const struct bl_stored *stored)
{
    const struct bl_guard *guard = &stored->guard;
    const struct bl_limits limits = bl_guard_limits(guard);
    const char *state = guard->held_since_unix_ms ? "held" : stored->n_failures ? "failed" : "ok";

    return json_pack("{ss ss so sI sI sb sI sf sf sf}", "state", state, "why", guard->why, "since",
                     codec_time(guard->held_since_unix_ms), "entries", (json_int_t)guard->held_entries, "agreeing",
                     (json_int_t)guard->n_agreeing, "released", guard->is_released != 0, "steps",
                     (json_int_t)guard->n_steps, "removed_max", (double)limits.removed / BL_GUARD_ONE, "added_max",
                     (double)limits.added / BL_GUARD_ONE, "lost_max", (double)limits.lost / BL_GUARD_ONE);
}

static json_t *codec_duration(int64_t ms)
{
    char text[TIP_DURATION_TEXT];

    if (!ms)
        return json_null();
    (void)tip_duration_format((uint64_t)ms, text); /* its length */
    return json_string(text);
}

int codec_source_json(const struct codec_shown *shown, struct tip_buf *out)
{
    const struct bl_stored *stored = shown->stored;
    json_t *object = json_pack("{ss ss so sI sI sI sI sI sI sI sI sI sf ss ss sI so so so}", "name", shown->name,
                               "state", bl_source_phase_name(shown->phase), "config", codec_spec_json(shown->spec),
                               "version", (json_int_t)stored->version, "entries", (json_int_t)stored->n_entries,
                               "added", (json_int_t)stored->n_added, "removed", (json_int_t)stored->n_removed,
                               "changed", (json_int_t)stored->n_changed, "lines", (json_int_t)stored->n_lines,
                               "rejected", (json_int_t)stored->n_rejected, "special", (json_int_t)stored->n_special,
                               "bytes", (json_int_t)stored->n_bytes, "weight", stored->weight, "reason", stored->reason,
                               "detail", stored->detail, "failures", (json_int_t)stored->n_failures, "fetched",
                               codec_time(stored->fetched_unix_ms), "ok", codec_time(stored->ok_unix_ms), "next",
                               codec_time(stored->next_unix_ms));

    json_object_set_new(object, "enabled", json_boolean(bl_is_enabled(shown->spec, stored)));
    json_object_set_new(object, "override", json_string(override_names[stored->override]));
    json_object_set_new(object, "held", json_boolean(stored->is_held));
    json_object_set_new(object, "held_until", codec_time(stored->is_held ? stored->held_until_unix_ms : 0));
    json_object_set_new(object, "hold_reason", json_string(stored->hold_reason));
    json_object_set_new(object, "guard", codec_guard_json(stored));
    json_object_set_new(object, "changed_at", codec_time(stored->changed_unix_ms));
    json_object_set_new(object, "cadence", codec_duration(shown->cadence_ms));
    json_object_set_new(object, "measured", stored->weighed_unix_ms ? json_real(stored->measured) : json_null());
    json_object_set_new(object, "weighed_at", codec_time(stored->weighed_unix_ms));
    json_object_set_new(object, "verified", json_boolean(stored->ok_unix_ms != 0));
    json_object_set_new(object, "terms_accepted", codec_time(stored->terms_unix_ms));
    json_object_set_new(object, "public", json_boolean(shown->spec && shown->spec->is_public));
    json_object_set_new(object, "stale", json_boolean(stored->is_stale));
    return object ? codec_json_append(object, out) : -ENOMEM;
}

int codec_allow_json(const struct tip_allow_entry *entry, struct tip_buf *out)
{
    json_t *object =
        json_pack("{ss ss ss ss ss ss so so sb}", "rule", tip_allow_rule_name(entry->rule), "kind",
                  tip_kind_name(entry->kind), "value", entry->value, "scope", tip_allow_scope_name(entry->scope),
                  "reason", entry->reason, "actor", entry->actor, "since", codec_time(entry->since_unix_ms), "until",
                  codec_time(entry->until_unix_ms), "configured", entry->configured);

    return object ? codec_json_append(object, out) : -ENOMEM;
}

int codec_reject_json(const struct bl_reject *reject, struct tip_buf *out)
{
    char raw[4 * BL_RAW_MAX];
    json_t *object;

    (void)tip_utf8_copy(raw, sizeof(raw), reject->raw, reject->raw_len);
    object = json_pack("{sI ss ss}", "line", (json_int_t)reject->line, "reason", reject->reason, "raw", raw);
    return object ? codec_json_append(object, out) : -ENOMEM;
}

int codec_samples_json(const struct work_samples *samples, enum work_side side, struct tip_buf *out)
{
    char text[4 * WORK_SAMPLE_TEXT];
    json_t *array = json_array();

    for (size_t i = 0; i < samples->n[side]; i++) {
        (void)tip_utf8_copy(text, sizeof(text), samples->text[side][i], strlen(samples->text[side][i]));
        json_array_append_new(array, json_string(text));
    }
    return codec_json_append(array, out);
}

int codec_lines_json(const char *text, struct tip_buf *out)
{
    json_t *array = json_array();

    for (size_t n; *text; text += n + (text[n] != '\0')) {
        n = strcspn(text, "\n");
        json_array_append_new(array, json_stringn(text, n));
    }
    return codec_json_append(array, out);
}

int codec_readings_json(const struct guess_order *guess, struct tip_buf *out)
{
    char text[4 * GUESS_READING_TEXT];
    json_t *array = json_array();

    for (size_t i = 0; i < guess->n_readings; i++) {
        const struct guess_reading *reading = &guess->readings[i];

        (void)tip_utf8_copy(text, sizeof(text), reading->text, strlen(reading->text));
        json_array_append_new(array, json_pack("{ss sI sI}", "reading", text, "accepted", (json_int_t)reading->accepted,
                                               "rejected", (json_int_t)reading->rejected));
    }
    return codec_json_append(array, out);
}

int codec_counts_json(const struct bl_report *report, struct tip_buf *out)
{
    json_t *object = json_object();

    for (size_t i = 0; i < report->n_counts; i++)
        json_object_set_new(object, report->counts[i].reason, json_integer((json_int_t)report->counts[i].n));
    return codec_json_append(object, out);
}
