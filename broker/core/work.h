#pragma once
/*
 * Calls: jobs with one attempt, handed to whoever serves their queue. Pure: time is an argument, what is to be sent
 * goes out through struct work_out.
 *
 *     PUT -> waits in its queue -> JOB to a worker with credit -> DONE or FAIL -> RESULT or FAILED to the callers
 *
 * At its deadline a call fails, with a sentence that says whether anybody serves the queue at all. Jobs live in memory
 * and callers repeat them; a repeated id joins the job that is there.
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
    WORK_SILENCE_MS = 30000        /* a worker that has not asked for so long is gone */
};

/** As in bus.proto. */
enum work_failure { WORK_FAILURE_REFUSED = 1, WORK_FAILURE_DEADLINE = 3, WORK_FAILURE_NO_WORKER = 4 };

struct work_limits {
    size_t queue_max; /* jobs of one queue, waiting and running */
    size_t jobs_max;  /* of all queues */
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
    int64_t left_ms;
};

struct work_out {
    /** @return false when that peer is gone: the job stays in its queue */
    bool (*job)(void *ctx, const struct broker_peer *to, const struct work_job *job);
    void (*result)(void *ctx, const struct broker_peer *to, const uint8_t *id, const uint8_t *body, size_t n);
    void (*failed)(void *ctx, const struct broker_peer *to, const uint8_t *id, const char *reason, uint32_t code);
    void *ctx;
};

struct work;

struct work *work_new(const struct work_limits *limits, const struct work_out *out);
void work_destroy(struct work **workp);

struct work_put {
    const uint8_t *id;
    size_t id_len;
    const char *queue;
    const char *caller;
    const uint8_t *body;
    size_t body_len;
    uint32_t deadline_ms;
};

enum {
    WORK_E_INVALID = 1, /* id, queue, caller or body break a bound */
    WORK_E_FULL = 2,    /* the queue, or the memory for all of them */
    WORK_E_LOST = 3     /* not this worker's job, or not any more */
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

/** DONE or FAIL: 0, WORK_E_LOST or WORK_E_INVALID. */
tip_nodiscard int work_answer(struct work *work, const struct broker_peer *from, const struct work_answer *answer);

/** Whether the worker may go on with a job: 0 or WORK_E_LOST. */
tip_nodiscard int work_renew(const struct work *work, const struct broker_peer *from, const uint8_t *id, size_t id_len,
                             uint32_t attempt);

/** Deadlines and silent workers. */
void work_tick(struct work *work, int64_t now_ms);

struct work_stats {
    size_t n_waiting, n_running, n_workers, n_queues, bytes;
    uint64_t done, failed, late, nobody; /* ends of calls */
};

void work_stats(const struct work *work, struct work_stats *stats);

/** [a-z0-9_.-], 1 to 64 bytes. */
bool work_queue_valid(const char *queue);
