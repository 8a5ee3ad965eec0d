#pragma once
/*
 * Work: jobs under leases, handed to whoever serves their queue. Pure: time is an argument, what is to be sent goes out
 * through struct work_out.
 *
 *              PUT            JOB to a worker with credit           DONE, FAIL
 *     caller ------> waiting -----------------------------> running ----------> RESULT or FAILED to its callers
 *                     ^  |                                  |  |
 *                     |  | deadline                deadline |  | the lease ran out, the worker fell silent or is
 *                     |  +--------> FAILED <----------------+  | gone, it said FAIL UNAVAILABLE
 *                     |                                        |
 *                     +--- an attempt is left: attempt + 1 ----+---- none is: FAILED
 *
 * Within a queue callers take turns, whoever has the most jobs; a job that goes back stands first in the line of its
 * caller. A call is a job with one attempt: it fails as soon as its worker is known to be away, at its deadline at the
 * latest. Jobs live in memory and callers repeat them; a repeated id joins the job that is there. What a worker says
 * about a job that is not its own any more is LOST.
 *
 * Those outside (a key of role consumer) have what outside.h says and a turn a key, and make no queues but in the
 * first WORK_SILENCE_MS: a call of theirs to one that is not known fails at once.
 *
 * A worker loses its leases when they run out; WORK_SILENCE_MS after it was heard last (stopped, cut off), however long
 * they are; and within WORK_PROBE_MS once its connection is known to be gone (killed).
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <tip/cleanup.h>

#include "core/peer.h"

enum {
    WORK_ID_BYTES = 16,
    WORK_NAME_MAX = 64,
    WORK_BODY_MAX = 1 << 20,
    WORK_CALLERS_MAX = 4,          /* connections that wait for one job */
    WORK_DEADLINE_MAX_MS = 600000, /* a longer one is cut to this; 0 is this */
    WORK_OUTSIDE_MAX_MS = 60000,   /* likewise, of those outside */
    WORK_LEASE_MIN_MS = 2000,      /* a shorter one is raised: workers count from their last PONG, a second old */
    WORK_ATTEMPTS_MAX = 100,
    WORK_SILENCE_MS = 15000, /* TAKE comes each 10 s, or more often; any frame counts */
    WORK_PROBE_MS = 1000,    /* how often a worker with leases is asked whether it is there */
    WORK_QUEUES_KEPT = 64    /* names without jobs and workers whose counters are kept */
};

/** As in bus.proto. */
enum work_failure {
    WORK_FAILURE_REFUSED = 1,
    WORK_FAILURE_DEADLINE = 3,
    WORK_FAILURE_NO_WORKER = 4,
    WORK_FAILURE_UNAVAILABLE = 5
};

struct work_limits {
    size_t queue_max;  /* jobs of one queue, waiting and running */
    size_t caller_max; /* of these, of one caller */
    size_t jobs_max;   /* of all queues */
    size_t workers_max;
    size_t bytes_max; /* of bodies */
};

/** A job as a worker gets it. */
struct work_job {
    const uint8_t *id; /* 16 bytes */
    const char *queue;
    const char *caller;
    const uint8_t *body;
    size_t body_len;
    uint32_t attempt;
    int64_t left_ms, lease_ms;
};

enum work_sent {
    WORK_SENT,
    WORK_BUSY, /* it does not read: nothing more for it until it asks again */
    WORK_GONE  /* there is no such connection any more */
};

struct work_out {
    enum work_sent (*job)(void *ctx, const struct broker_peer *to, const struct work_job *job);
    void (*result)(void *ctx, const struct broker_peer *to, const uint8_t *id, const uint8_t *body, size_t n);
    void (*failed)(void *ctx, const struct broker_peer *to, const uint8_t *id, const char *reason, uint32_t code);
    /** A worker's lease was taken from it. */
    void (*lost)(void *ctx, const struct broker_peer *to, const uint8_t *id, uint32_t attempt);
    /** A PING. */
    enum work_sent (*probe)(void *ctx, const struct broker_peer *to);
    void *ctx;
};

struct work;

/** @param now_ms  until WORK_SILENCE_MS later it is not known which queues are served */
struct work *work_new(const struct work_limits *limits, const struct work_out *out, int64_t now_ms);
void work_destroy(struct work **workp);

struct work_put {
    const uint8_t *id;
    size_t id_len;
    const char *queue;
    const char *caller;
    const uint8_t *body;
    size_t body_len;
    uint32_t deadline_ms;
    uint32_t lease_ms;     /* 0: as long as the deadline */
    uint32_t max_attempts; /* 0 and 1: a call */
};

enum {
    WORK_E_INVALID = 1, /* id, queue, caller or body break a bound */
    WORK_E_FULL = 2,    /* the queue, the caller's part of it, or the memory for all of them */
    WORK_E_LOST = 3,    /* not this worker's job, or not any more */
    WORK_E_NOBODY = 4   /* a queue that nobody serves, from outside */
};

tip_nodiscard int work_put(struct work *work, const struct broker_peer *from, const struct work_put *put,
                           int64_t now_ms);

/** `credit` replaces what the worker said before for this queue: 0, WORK_E_INVALID or WORK_E_FULL. */
tip_nodiscard int work_take(struct work *work, const struct broker_peer *from, const char *queue, uint32_t credit,
                            int64_t now_ms);

struct work_answer {
    const uint8_t *id;
    size_t id_len;
    uint32_t attempt;
    const uint8_t *body; /* of a DONE */
    size_t body_len;
    const char *reason; /* of a FAIL, else NULL */
    uint32_t code;
};

/**
 * DONE or FAIL: 0, WORK_E_LOST or WORK_E_INVALID. A FAIL UNAVAILABLE gives the job to another while attempts are left;
 * any other code is final.
 */
tip_nodiscard int work_answer(struct work *work, const struct broker_peer *from, const struct work_answer *answer,
                              int64_t now_ms);

struct work_renewal {
    const uint8_t *id;
    size_t id_len;
    uint32_t attempt;
    uint32_t lease_ms; /* from now; 0: as the caller said */
};

/** More time for a job, not past its deadline: 0 or WORK_E_LOST. */
tip_nodiscard int work_renew(struct work *work, const struct broker_peer *from, const struct work_renewal *renewal,
                             int64_t now_ms);

/** A PING or a PONG: it is there. */
void work_heard(struct work *work, const struct broker_peer *from, int64_t now_ms);

/** A connection has ended, or must: its leases go back. */
void work_gone(struct work *work, const struct broker_peer *from, int64_t now_ms);

/** Keys were revoked: what their workers have goes back, and their callers hear nothing any more. */
void work_revoke(struct work *work, int64_t now_ms);

/** Deadlines, leases, silent workers. */
void work_tick(struct work *work, int64_t now_ms);

/** When work_tick has something to do next; INT64_MAX for never. */
int64_t work_next_ms(const struct work *work);

struct work_stats {
    size_t n_waiting, n_running, n_workers, n_queues, bytes;
    uint64_t done, failed; /* ends of jobs */
    uint64_t late, nobody; /* of the failed: served, but not in time; nobody serves the queue */
    uint64_t retried;      /* leases after which a job went back */
    uint64_t lost;         /* answers and renewals that were not accepted */
};

void work_stats(const struct work *work, struct work_stats *stats);

/** One queue: as above, and what its workers would take now. */
struct work_queue_stats {
    const char *name;
    size_t n_waiting, n_running, n_workers, n_callers;
    uint64_t credit;
    uint64_t done, failed, late, nobody, retried, lost;
    uint64_t full;     /* calls that were not taken */
    int64_t oldest_ms; /* how long the oldest waiting job has been here; 0: none waits */
};

/** Every queue with jobs or workers, and the WORK_QUEUES_KEPT last that had some. */
void work_each_queue(const struct work *work, int64_t now_ms,
                     void (*fn)(void *ctx, const struct work_queue_stats *stats), void *ctx);

/** [a-z0-9_.-], 1 to 64 bytes. */
bool work_queue_valid(const char *queue);
