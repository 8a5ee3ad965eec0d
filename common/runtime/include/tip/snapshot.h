#pragma once
/*
 * State and follow: who owns the state of a stream serves snapshots of it; who wants that state reads one, then the
 * events behind it.
 *
 * A snapshot is an immutable file, n x { u32 len, Event }, as one audience may see the state, with a journal id and a
 * number N: every event of the owner up to N was in its state before the copy began. A reader applies the file, fetches
 * from N + 1 in that journal, applies what comes, and stands where the owner stands. Why that converges, though the
 * copy is fuzzy (taken piece by piece while the state changes):
 *
 *   - Take a key. If an event behind N speaks of it, the last of them decides, whatever the file said: events are
 * absolute
 *     ("score is 0.91"), in order for each key, and harmless when they come twice.
 *   - If none does, then the key has not changed since before the copy began, so the file has it as it is.
 *
 * What the owner must keep for that:
 *
 *   1. A change and its event become durable together (one transaction of the outbox), and from then on a copy that
 * begins shows the change, or one that came after it. It may show it earlier: an event may come late, never the change.
 *   2. Events are absolute, and go through one outbox in the order of the changes of each key.
 *   3. A key that vanished is told by an event, not by silence.
 *
 * N is the end of the journal, asked for (FETCH of one record: BATCH.head_seq) before the copy begins: whatever of ours
 * stands in the journal then has left the outbox, so its change is in the state by (1). What waits in the outbox, acked
 * or not, comes behind N or is in the file too. So neither acks nor what the broker remembers of a publisher matter; a
 * broker or an owner that has just started, and an owner that has been silent for longer than the journal reaches back,
 * serve snapshots that can be followed (docs/adr/0006).
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <tip/bus.h>
#include <tip/pool.h>

enum {
    TIP_SNAPSHOT_KEPT = 2,             /* of a view, also over a restart of the owner: who reads one goes on with it */
    TIP_SNAPSHOT_STEP_BYTES = 1 << 20, /* most that one step may add */
    TIP_SNAPSHOT_YOUNG_MS = 60 * 1000, /* such a one is served again */
    TIP_SNAPSHOT_STREAM_MAX = 32
};

/* ---- the owner ---- */

struct tip_snapshots;
struct tip_snapshot_out; /* where a step puts events */

struct tip_snapshot_config {
    const char *stream;    /* [a-z0-9_-]: the queues are snapshot.<stream>.<clear|green|amber> */
    const char *dir;       /* <data>/snapshots, made when missing */
    int64_t young_ms;      /* 0: TIP_SNAPSHOT_YOUNG_MS */
    uint64_t bytes_max;    /* of one file; 0: 1 GiB. So at most 3 of them for each of 3 views are on the disk */
    struct tip_pool *pool; /* where steps run; NULL: on the loop, a few milliseconds at a time */
    /**
     * A copy of what this audience may see begins now: rule 1 counts from here.
     *
     * @param copyp  set to what step and end get
     * @return 0, or a negative errno: nobody gets it, and end is not called
     */
    int (*begin)(void *ctx, enum tip_tlp audience, void **copyp);
    /**
     * Adds the next events with tip_snapshot_add. In the pool it must touch nothing but the copy.
     *
     * @return 0 for more, TIP_SNAPSHOT_E_END after the last one, negative errno
     */
    int (*step)(void *copy, struct tip_snapshot_out *out);
    void (*end)(void *ctx, void *copy); /* on the loop, however it ended */
    void *ctx;
};

enum { TIP_SNAPSHOT_E_END = 1 };

/**
 * Serves the three views. Files of an earlier life are taken over.
 *
 * @param bus  with work and fetch; borrowed
 * @return 0 or negative errno
 */
tip_nodiscard int tip_snapshots_open(struct tip_snapshots **snapshotsp, struct tip_loop *loop, struct tip_bus *bus,
                                     const struct tip_snapshot_config *config);

/** Before the bus; after the pool that it was given. */
void tip_snapshots_destroy(struct tip_snapshots **snapshotsp);

/** An event as the bus carries it. @return 0; -ENOBUFS: more than a step may add; -EMSGSIZE above TIP_EVENT_BYTES_MAX
 */
tip_nodiscard int tip_snapshot_add(struct tip_snapshot_out *out, const uint8_t *event, size_t n);

struct tip_snapshot_stats {
    uint64_t taken, failed;  /* copies */
    uint64_t pages;          /* answered */
    uint64_t missed;         /* asked of a snapshot that is not there (any more) */
    uint64_t refused;        /* calls that could not be read, or found too much to do */
    uint64_t n_files, bytes; /* on the disk now, complete ones */
    uint64_t last_ms;        /* that the newest copy took */
};

void tip_snapshots_stats(const struct tip_snapshots *snapshots, struct tip_snapshot_stats *stats);

/* ---- the reader ---- */

struct tip_snapshot_reader;

/** How it ended. */
struct tip_snapshot_end {
    /**
     * 0: every event was handed over; fetch from seq + 1 of journal_id. -ETIMEDOUT: the deadline passed, `failure` says
     * what the last answer was. -EACCES: not for us. -EFBIG: larger than bytes_max. -EBADMSG: damaged, time and again.
     * Else what on_event returned, or what befell the spool.
     */
    int result;
    enum tip_failure failure;
    const char *why;
    struct tip_id snapshot_id, journal_id;
    uint64_t seq, size, n_events;
    int64_t taken_unix_ms;
};

struct tip_snapshot_read_config {
    const char *stream;
    enum tip_tlp audience;
    const char *spool_dir;    /* NULL: $TMPDIR or /tmp. The file has no name there */
    uint64_t bytes_max;       /* 0: 1 GiB */
    uint64_t deadline_ms;     /* for the whole of it, restarts of the owner and the broker included */
    struct tip_id other_than; /* not this one: what stood behind it is gone from the journal */
    /** The file has come whole, and these will be its events: n_events is not known yet. May be NULL. */
    void (*on_begin)(void *ctx, const struct tip_snapshot_end *end);
    /**
     * One event of a file that has come whole and has the right sha256; never before. A few milliseconds' worth in a
     * turn.
     *
     * @return 0 to go on; a negative errno ends the reading
     */
    int (*on_event)(void *ctx, const uint8_t *event, size_t n);
    void (*on_end)(void *ctx, const struct tip_snapshot_end *end); /* once; may destroy the reader */
    void *ctx;
};

/** Asks for page 0, then keeps 8 pages in flight; at most so many lie in memory. @return 0 or negative errno */
tip_nodiscard int tip_snapshot_read(struct tip_snapshot_reader **readerp, struct tip_loop *loop, struct tip_bus *bus,
                                    const struct tip_snapshot_read_config *config);

/** At any time; before its end on_end is then not called. */
void tip_snapshot_reader_destroy(struct tip_snapshot_reader **readerp);
