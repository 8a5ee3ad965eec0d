#include "writer.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <tip/alloc.h>
#include <tip/loop.h>

#include "apply.h"
#include "io/migrate.h"
#include "io/position.h"

enum { WRITER_AGAIN_MAX = 5, WRITER_SAMPLES_MAX = 64 };

struct store_writer {
    char *conninfo, *password, *consumer;
    void (*on_stored)(void *ctx, const struct store_age *age);
    void *ctx;
    int64_t silence_ms;
    struct store_db *db; /* NULL while away or on standby */
    uint8_t ikey_key[16];
    struct tip_uuid journal; /* the last one whose number was asked for */
    int16_t journal_number;
};

struct store_writer *store_writer_new(const struct store_writer_options *options)
{
    struct store_writer *writer = tip_new(struct store_writer);

    writer->conninfo = tip_strdup(options->conninfo);
    writer->password = tip_strdup(options->password);
    writer->consumer = tip_strdup(options->consumer);
    writer->on_stored = options->on_stored;
    writer->ctx = options->ctx;
    writer->silence_ms = options->silence_ms;
    return writer;
}

void store_writer_destroy(struct store_writer **writerp)
{
    struct store_writer *writer = *writerp;

    if (!writer)
        return;
    store_db_destroy(&writer->db);
    free(writer->conninfo);
    free(writer->password);
    free(writer->consumer);
    free(writer);
    *writerp = NULL;
}

const char *store_end_name(enum store_end end)
{
    static const char *const names[STORE_END_COUNT] = {
        [STORE_END_DONE] = "done",       [STORE_END_MOVED] = "moved",       [STORE_END_AWAY] = "away",
        [STORE_END_STANDBY] = "standby", [STORE_END_MISMATCH] = "mismatch",
    };

    return end < STORE_END_COUNT ? names[end] : "";
}

/* ---- connection ---- */

static void writer_say(struct store_outcome *outcome, enum store_end end, const char *why)
{
    outcome->end = end;
    snprintf(outcome->why, sizeof(outcome->why), "%s", why);
}

/* A failed call: the connection goes, so that the next one starts from what the server says. */
static void writer_failed(struct store_writer *writer, int code, struct store_outcome *outcome)
{
    writer_say(outcome, STORE_END_AWAY, store_db_why(writer->db));
    outcome->counts.retries++;
    if (code == STORE_DB_E_AGAIN || code == STORE_DB_E_SLOW)
        store_db_rollback(writer->db);
    else
        store_db_destroy(&writer->db);
}

static int writer_check(struct store_writer *writer, struct store_db *db, struct store_outcome *outcome)
{
    bool mine = false;
    int r = store_schema_check(db, outcome->why);

    if (r) {
        outcome->end = r == STORE_DB_E_SCHEMA ? STORE_END_MISMATCH : STORE_END_AWAY;
        return r;
    }
    r = store_position_claim(db, writer->consumer, &mine);
    if (!r && !mine) {
        writer_say(outcome, STORE_END_STANDBY, "another storage with this consumer name is at work");
        return STORE_DB_E_AWAY;
    }
    if (!r)
        r = store_position_prepare(db, writer->consumer, writer->ikey_key);
    if (r)
        writer_say(outcome, STORE_END_AWAY, store_db_why(db));
    return r;
}

/* @return true with a connection that may write; else the outcome says why not */
static bool writer_connect(struct store_writer *writer, struct store_outcome *outcome)
{
    struct store_db_options options = {.conninfo = writer->conninfo,
                                       .password = writer->password,
                                       .role = "tip_storage",
                                       .silence_ms = writer->silence_ms,
                                       .lock_timeout_ms = 10000};
    tip_auto(store_db_destroy) struct store_db *db = NULL;
    int r;

    *outcome = (struct store_outcome){.end = STORE_END_DONE};
    if (writer->db)
        return true;
    r = store_db_open(&db, &options, outcome->why);
    if (r) {
        outcome->end = r == STORE_DB_E_SCHEMA ? STORE_END_MISMATCH : STORE_END_AWAY;
        return false;
    }
    if (writer_check(writer, db, outcome))
        return false;
    writer->db = tip_take(db);
    writer->journal = (struct tip_uuid){{0}};
    return true;
}

void store_writer_position(struct store_writer *writer, struct store_outcome *outcome)
{
    int r;

    if (!writer_connect(writer, outcome))
        return;
    r = store_position_lock(writer->db, writer->consumer, &outcome->position);
    if (r)
        writer_failed(writer, r, outcome);
}

/* ---- transactions ---- */

static int writer_journal(struct store_writer *writer, const struct tip_uuid *journal)
{
    int r;

    if (tip_uuid_compare(journal, &writer->journal) == 0)
        return 0;
    r = store_journal_number(writer->db, journal, &writer->journal_number);
    if (!r)
        writer->journal = *journal;
    return r;
}

enum { WRITER_E_MOVED = 201 };

/* Begins, and makes sure that nobody has moved the position in the meantime. */
static int writer_begin(struct store_writer *writer, const struct store_position *from, struct store_position *foundp)
{
    int r = store_db_script(writer->db, "begin");

    if (!r)
        r = store_position_lock(writer->db, writer->consumer, foundp);
    if (r)
        return r;
    return store_position_equal(foundp, from) ? 0 : WRITER_E_MOVED;
}

static int writer_commit(struct store_writer *writer, const struct store_position *next)
{
    int r = writer_journal(writer, &next->journal);

    if (!r)
        r = store_position_move(writer->db, writer->consumer, writer->journal_number, next->next_seq);
    return r ? r : store_db_script(writer->db, "commit");
}

/* After any failure inside a transaction. The number of a journal made in it is gone too. */
static void writer_undo(struct store_writer *writer)
{
    store_db_rollback(writer->db);
    writer->journal = (struct tip_uuid){{0}};
}

static int64_t writer_age_us(int64_t now_us, int64_t then_us)
{
    return now_us > then_us ? now_us - then_us : 0; /* clocks of two machines may differ */
}

/* Of each event how old it was at the moment of the commit. */
static void writer_tell_ages(const struct store_writer *writer, const struct store_apply *apply,
                             const struct store_range *range)
{
    const size_t step = range->n / WRITER_SAMPLES_MAX + 1;
    const int64_t now_us = tip_loop_wall_us();
    int64_t commit_us, observed_ms;

    for (size_t i = 0; writer->on_stored && i < range->n; i++) {
        if (!store_apply_times(apply, range->first + i, &commit_us, &observed_ms))
            continue;
        writer->on_stored(
            writer->ctx,
            &(struct store_age){writer_age_us(now_us, commit_us),
                                writer_age_us(now_us, observed_ms < now_us / 1000 ? observed_ms * 1000 : now_us),
                                i % step == 0});
    }
}

/* One range of a batch as one transaction. */
static int writer_range(struct store_writer *writer, struct store_apply *apply, const struct store_range *range,
                        struct store_outcome *outcome)
{
    struct store_counts counts = {.transactions = 1};
    struct store_position found = {0};
    bool needs = false;
    int r = writer_begin(writer, &range->from, &found);

    if (!r)
        r = writer_journal(writer, &range->next.journal);
    if (!r)
        r = store_apply_range(apply, range, writer->journal_number, &counts, &needs);
    if (!r)
        r = writer_commit(writer, &range->next);
    if (r) {
        outcome->position = found;
        writer_undo(writer);
        return r;
    }
    writer_tell_ages(writer, apply, range);
    outcome->position = range->next;
    outcome->needs |= needs;
    store_counts_add(&outcome->counts, &counts);
    return 0;
}

static int writer_range_retried(struct store_writer *writer, struct store_apply *apply, const struct store_range *range,
                                struct store_outcome *outcome)
{
    int r = writer_range(writer, apply, range, outcome);

    for (int i = 0; r == STORE_DB_E_AGAIN && i < WRITER_AGAIN_MAX; i++) {
        outcome->counts.retries++;
        r = writer_range(writer, apply, range, outcome);
    }
    return r;
}

/* The server refuses something in this range: find it, set it aside, store the rest. */
static int writer_halve(struct store_writer *writer, struct store_apply *apply, const struct store_range *range,
                        struct store_outcome *outcome)
{
    int r = writer_range_retried(writer, apply, range, outcome);
    struct store_range left, right;

    if (r != STORE_DB_E_DATA)
        return r;
    if (range->n == 1) {
        if (!store_apply_reject(apply, range->first, store_db_why(writer->db)))
            return STORE_DB_E_AWAY; /* not even as a reject: let someone look, and lose nothing */
        return writer_halve(writer, apply, range, outcome);
    }
    if (range->n == 0)
        return STORE_DB_E_AWAY;
    store_range_split(apply, range, &left, &right);
    r = writer_halve(writer, apply, &left, outcome);
    return r ? r : writer_halve(writer, apply, &right, outcome);
}

void store_writer_batch(struct store_writer *writer, const struct store_batch *batch, struct store_outcome *outcome)
{
    tip_auto(store_apply_destroy) struct store_apply *apply = NULL;
    struct store_range all;
    int r;

    if (!writer_connect(writer, outcome))
        return;
    apply = store_apply_new(writer->db, batch, writer->ikey_key, writer->consumer);
    all = store_range_all(batch);
    r = writer_halve(writer, apply, &all, outcome);
    if (r == WRITER_E_MOVED)
        outcome->end = STORE_END_MOVED;
    else if (r)
        writer_failed(writer, r, outcome);
    else
        outcome->counts.bytes = batch->bytes;
}

static int writer_break(struct store_writer *writer, const struct store_break *lost, struct store_position *foundp)
{
    struct store_gap gap = {.from_seq = lost->lost_from, .to_seq = lost->lost_to, .reason = lost->reason};
    int r = writer_begin(writer, &lost->from, foundp);

    if (!r)
        r = writer_journal(writer, &lost->next.journal);
    gap.journal = writer->journal_number;
    if (!r)
        r = store_gap_note(writer->db, &gap);
    if (!r)
        r = store_need_all(writer->db, writer->consumer, lost->reason);
    return r ? r : writer_commit(writer, &lost->next);
}

void store_writer_break(struct store_writer *writer, const struct store_break *lost, struct store_outcome *outcome)
{
    int r;

    if (!writer_connect(writer, outcome))
        return;
    r = writer_break(writer, lost, &outcome->position);
    if (!r) {
        outcome->position = lost->next;
        outcome->needs = true;
        outcome->counts.gaps = outcome->counts.transactions = 1;
        return;
    }
    writer_undo(writer);
    if (r == WRITER_E_MOVED)
        outcome->end = STORE_END_MOVED;
    else
        writer_failed(writer, r, outcome);
}

/* ---- who is to be asked ---- */

void store_writer_needs(struct store_writer *writer, struct store_needs *needs, struct store_outcome *outcome)
{
    tip_auto(store_result_clear) PGresult *result = NULL;
    int r;

    needs->n = 0;
    if (!writer_connect(writer, outcome))
        return;
    r = store_needs_list(writer->db, writer->consumer, STORE_WRITER_NEEDS_MAX, &result);
    if (r) {
        writer_failed(writer, r, outcome);
        return;
    }
    for (int i = 0; i < PQntuples(result) && i < STORE_WRITER_NEEDS_MAX; i++)
        snprintf(needs->names[needs->n++], sizeof(needs->names[0]), "%s", PQgetvalue(result, i, 0));
    if (needs->n && !strcmp(needs->names[0], "*"))
        snprintf(needs->all_since, sizeof(needs->all_since), "%s", PQgetvalue(result, 0, 1));
}

void store_writer_taken(struct store_writer *writer, const char *since, struct store_outcome *outcome)
{
    bool taken = false;
    int r;

    if (!writer_connect(writer, outcome))
        return;
    r = store_need_all_taken(writer->db, writer->consumer, since, &taken);
    if (!r)
        r = store_gaps_close(writer->db);
    outcome->needs = !r && !taken;
    if (r)
        writer_failed(writer, r, outcome);
}

void store_writer_orphan(struct store_writer *writer, const char *source, struct store_outcome *outcome)
{
    int r;

    if (!writer_connect(writer, outcome))
        return;
    r = store_source_orphan(writer->db, source);
    if (!r)
        r = store_gaps_close(writer->db);
    if (r)
        writer_failed(writer, r, outcome);
}
