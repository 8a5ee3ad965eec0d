#pragma once
/*
 * The one that writes: a connection, and batches turned into transactions. Blocking; lives in one thread of the pool.
 *
 * One batch is one transaction: lock the offset row, compare it with where the batch begins, COPY events, upsert rows,
 * move the offset, commit. So an event has its effect exactly once, whatever dies when: after a lost answer to a commit
 * the offset says what happened. A batch the server refuses is halved until the event that is to blame stands alone;
 * that one goes to event_reject.
 */
#include <stdbool.h>
#include <stdint.h>

#include "batch.h"
#include "io/db.h"

struct store_writer;

/** An event whose transaction has just committed: how old it was then. */
struct store_age {
    int64_t commit_us, observed_us; /* since the broker's commit; since what it says was observed. Never negative */
    bool is_sample;                 /* one of at most 64 evenly over its transaction */
};

struct store_writer_options {
    const char *conninfo, *password;
    const char *consumer;
    int64_t silence_ms;                                        /* as of store_db_options */
    void (*on_stored)(void *ctx, const struct store_age *age); /* on the writer's thread; NULL for nobody */
    void *ctx;
};

/** How a call to the writer ended. */
enum store_end {
    STORE_END_DONE,     /* the position has moved to where the work leads */
    STORE_END_MOVED,    /* the position was another one: go on from there */
    STORE_END_AWAY,     /* no database, or no luck: repeat after a pause */
    STORE_END_STANDBY,  /* another storage with this consumer name is at work */
    STORE_END_MISMATCH, /* the schema is not this program's */
    STORE_END_COUNT
};

struct store_counts {
    uint64_t events, rejects, rejected_rows;
    uint64_t listed, removed, closed, verdicts;
    uint64_t repeated, waiting, breaks, gaps; /* parts passed over, chains broken, records missing */
    uint64_t clamped, baselines;
    uint64_t transactions, retries, bytes;
};

struct store_outcome {
    enum store_end end;
    struct store_position position; /* with DONE and MOVED */
    struct store_counts counts;
    bool needs; /* somebody is to be asked for a baseline, as far as this call has noticed */
    char why[STORE_DB_WHY_BYTES];
};

/** Copies the options; connects at the first call. */
struct store_writer *store_writer_new(const struct store_writer_options *options);
void store_writer_destroy(struct store_writer **writerp);

/** Connects if needed, checks schema and lock, and tells the position. */
void store_writer_position(struct store_writer *writer, struct store_outcome *outcome);

void store_writer_batch(struct store_writer *writer, const struct store_batch *batch, struct store_outcome *outcome);

/** Records of the journal are lost: notes the gap, wants all baselines, goes on from `next`. */
struct store_break {
    struct store_position from, next;
    uint64_t lost_from, lost_to; /* 0: not known */
    const char *reason;          /* static */
};

void store_writer_break(struct store_writer *writer, const struct store_break *lost, struct store_outcome *outcome);

/** Names to be asked for baselines, "*" first. */
enum { STORE_WRITER_NEEDS_MAX = 64, STORE_WRITER_SINCE = 40 };

struct store_needs {
    size_t n;
    char names[STORE_WRITER_NEEDS_MAX][TIP_NAME_MAX + 1];
    char all_since[STORE_WRITER_SINCE]; /* of "*", when it is among them */
};

void store_writer_needs(struct store_writer *writer, struct store_needs *needs, struct store_outcome *outcome);

/** The owner has answered: "*", wanted since then, was taken (if it is wanted anew: outcome->needs); or the source is
 * not known there. */
void store_writer_taken(struct store_writer *writer, const char *since, struct store_outcome *outcome);
void store_writer_orphan(struct store_writer *writer, const char *source, struct store_outcome *outcome);

const char *store_end_name(enum store_end end);
