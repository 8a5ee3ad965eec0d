#include "core/work.h"

#include <stdlib.h>
#include <string.h>

#include <tip/alloc.h>

/** One that waits or runs. All jobs of all queues are in one list, in order of arrival. */
struct job {
    uint8_t id[WORK_ID_BYTES];
    char queue[WORK_NAME_MAX + 1];
    char caller[WORK_NAME_MAX + 1];
    struct broker_peer callers[WORK_CALLERS_MAX];
    size_t n_callers;
    struct broker_peer worker;
    uint32_t attempt; /* 0: waits */
    int64_t deadline_ms;
    uint8_t *body;
    size_t body_len;
    struct job *next;
};

/** What one connection has said about one queue. */
struct worker {
    struct broker_peer peer;
    char queue[WORK_NAME_MAX + 1];
    uint32_t credit;
    int64_t heard_ms;
};

struct work {
    struct work_limits limits;
    struct work_out out;
    struct job *first, **tail;
    struct worker *workers;
    size_t n_workers;
    struct work_stats stats;
};

struct work *work_new(const struct work_limits *limits, const struct work_out *out)
{
    struct work *work = tip_new(struct work);

    work->limits = *limits;
    work->out = *out;
    work->tail = &work->first;
    return work;
}

static void job_free(struct job *job)
{
    free(job->body);
    free(job);
}

void work_destroy(struct work **workp)
{
    struct work *work = *workp;

    while (work && work->first) {
        struct job *job = work->first;

        work->first = job->next;
        job_free(job);
    }
    if (work)
        free(work->workers);
    free(work);
    *workp = NULL;
}

bool work_queue_valid(const char *queue)
{
    size_t n = strlen(queue);

    return n >= 1 && n <= WORK_NAME_MAX && strspn(queue, "abcdefghijklmnopqrstuvwxyz0123456789_.-") == n;
}

/* ---- jobs ---- */

static struct job *work_find(const struct work *work, const uint8_t *id, size_t id_len)
{
    if (id_len != WORK_ID_BYTES)
        return NULL;
    for (struct job *job = work->first; job; job = job->next) {
        if (memcmp(job->id, id, WORK_ID_BYTES) == 0)
            return job;
    }
    return NULL;
}

static void work_remove(struct work *work, struct job *job)
{
    struct job **at = &work->first;

    while (*at != job)
        at = &(*at)->next;
    *at = job->next;
    if (work->tail == &job->next)
        work->tail = at;
    if (job->attempt)
        work->stats.n_running--;
    else
        work->stats.n_waiting--;
    work->stats.bytes -= job->body_len;
    job_free(job);
}

/* Whoever repeats a call wants the answer; of too many, the oldest connection is the likeliest to be gone. */
static void job_join(struct job *job, const struct broker_peer *caller)
{
    for (size_t i = 0; i < job->n_callers; i++) {
        if (broker_peer_equal(&job->callers[i], caller))
            return;
    }
    if (job->n_callers == WORK_CALLERS_MAX) {
        memmove(job->callers, job->callers + 1, (WORK_CALLERS_MAX - 1) * sizeof(*job->callers));
        job->n_callers--;
    }
    job->callers[job->n_callers++] = *caller;
}

static void work_fail(struct work *work, struct job *job, const char *reason, uint32_t code)
{
    work->stats.failed++;
    for (size_t i = 0; i < job->n_callers; i++)
        work->out.failed(work->out.ctx, &job->callers[i], job->id, reason, code);
    work_remove(work, job);
}

static void work_succeed(struct work *work, struct job *job, const struct work_answer *answer)
{
    work->stats.done++;
    for (size_t i = 0; i < job->n_callers; i++)
        work->out.result(work->out.ctx, &job->callers[i], job->id, answer->body, answer->body_len);
    work_remove(work, job);
}

/* ---- workers ---- */

static struct worker *work_worker(const struct work *work, const struct broker_peer *peer, const char *queue)
{
    for (size_t i = 0; i < work->n_workers; i++) {
        struct worker *worker = &work->workers[i];

        if (broker_peer_equal(&worker->peer, peer) && strcmp(worker->queue, queue) == 0)
            return worker;
    }
    return NULL;
}

static void work_drop(struct work *work, struct worker *worker)
{
    *worker = work->workers[--work->n_workers];
}

static bool work_is_served(const struct work *work, const char *queue)
{
    for (size_t i = 0; i < work->n_workers; i++) {
        if (strcmp(work->workers[i].queue, queue) == 0)
            return true;
    }
    return false;
}

/* Of those with credit the one with the most, so that equals share. */
static struct worker *work_idle(const struct work *work, const char *queue)
{
    struct worker *best = NULL;

    for (size_t i = 0; i < work->n_workers; i++) {
        struct worker *worker = &work->workers[i];

        if (worker->credit && strcmp(worker->queue, queue) == 0 && (!best || worker->credit > best->credit))
            best = worker;
    }
    return best;
}

/* Gives a waiting job to a worker, if there is one that can still be reached. */
static void work_assign(struct work *work, struct job *job, int64_t now_ms)
{
    struct work_job out = {
        .id = job->id,
        .queue = job->queue,
        .caller = job->caller,
        .body = job->body,
        .body_len = job->body_len,
        .attempt = 1,
        .left_ms = job->deadline_ms - now_ms,
    };
    struct worker *worker;

    while ((worker = work_idle(work, job->queue))) {
        if (!work->out.job(work->out.ctx, &worker->peer, &out)) {
            work_drop(work, worker);
            continue;
        }
        worker->credit--;
        job->worker = worker->peer;
        job->attempt = 1;
        work->stats.n_waiting--;
        work->stats.n_running++;
        return;
    }
}

/* ---- what peers say ---- */

static bool work_put_valid(const struct work_put *put)
{
    return put->id_len == WORK_ID_BYTES && work_queue_valid(put->queue) && put->body_len <= WORK_BODY_MAX &&
           (put->caller[0] == 0 || work_queue_valid(put->caller));
}

static bool work_has_room(const struct work *work, const struct work_put *put)
{
    size_t n = 0;

    for (const struct job *job = work->first; job; job = job->next)
        n += strcmp(job->queue, put->queue) == 0;
    return n < work->limits.queue_max && work->stats.n_waiting + work->stats.n_running < work->limits.jobs_max &&
           work->stats.bytes + put->body_len <= work->limits.bytes_max;
}

static struct job *work_add(struct work *work, const struct work_put *put, int64_t now_ms)
{
    struct job *job = tip_new(struct job);
    uint32_t left_ms = put->deadline_ms;

    if (left_ms == 0 || left_ms > WORK_DEADLINE_MAX_MS)
        left_ms = WORK_DEADLINE_MAX_MS;
    memcpy(job->id, put->id, WORK_ID_BYTES);
    memcpy(job->queue, put->queue, strlen(put->queue));
    memcpy(job->caller, put->caller, strlen(put->caller));
    job->body = tip_memdup(put->body, put->body_len);
    job->body_len = put->body_len;
    job->deadline_ms = now_ms + left_ms;
    *work->tail = job;
    work->tail = &job->next;
    work->stats.n_waiting++;
    work->stats.bytes += job->body_len;
    return job;
}

int work_put(struct work *work, const struct broker_peer *from, const struct work_put *put, int64_t now_ms)
{
    struct job *job;

    if (!work_put_valid(put))
        return WORK_E_INVALID;
    job = work_find(work, put->id, put->id_len);
    if (job) {
        job_join(job, from);
        return 0;
    }
    if (!work_has_room(work, put))
        return WORK_E_FULL;
    job = work_add(work, put, now_ms);
    job_join(job, from);
    work_assign(work, job, now_ms);
    return 0;
}

int work_take(struct work *work, const struct broker_peer *from, const char *queue, uint32_t credit, int64_t now_ms)
{
    struct worker *worker;

    if (!work_queue_valid(queue))
        return WORK_E_INVALID;
    worker = work_worker(work, from, queue);
    if (!worker) {
        if (work->n_workers == work->limits.workers_max)
            return WORK_E_FULL;
        work->workers = tip_realloc(work->workers, work->n_workers + 1, sizeof(*work->workers));
        worker = &work->workers[work->n_workers++];
        *worker = (struct worker){.peer = *from};
        memcpy(worker->queue, queue, strlen(queue));
    }
    worker->credit = credit;
    worker->heard_ms = now_ms;
    for (struct job *job = work->first; job; job = job->next) {
        if (!job->attempt && strcmp(job->queue, queue) == 0)
            work_assign(work, job, now_ms);
    }
    return 0;
}

static struct job *work_running(const struct work *work, const struct broker_peer *from, const uint8_t *id,
                                size_t id_len, uint32_t attempt)
{
    struct job *job = work_find(work, id, id_len);

    if (!job || job->attempt == 0 || job->attempt != attempt || !broker_peer_equal(&job->worker, from))
        return NULL;
    return job;
}

int work_answer(struct work *work, const struct broker_peer *from, const struct work_answer *answer)
{
    struct job *job;

    if (answer->id_len != WORK_ID_BYTES || answer->body_len > WORK_BODY_MAX)
        return WORK_E_INVALID;
    job = work_running(work, from, answer->id, answer->id_len, answer->attempt);
    if (!job)
        return WORK_E_LOST;
    if (answer->reason)
        work_fail(work, job, answer->reason, answer->code ? answer->code : WORK_FAILURE_REFUSED);
    else
        work_succeed(work, job, answer);
    return 0;
}

int work_renew(const struct work *work, const struct broker_peer *from, const uint8_t *id, size_t id_len,
               uint32_t attempt)
{
    return work_running(work, from, id, id_len, attempt) ? 0 : WORK_E_LOST;
}

/* ---- time ---- */

static void work_expire(struct work *work, struct job *job)
{
    char reason[WORK_NAME_MAX + 64] = "no service answers '";
    bool served = job->attempt || work_is_served(work, job->queue);

    if (served) {
        work->stats.late++;
        strcpy(reason, "'");
    } else {
        work->stats.nobody++;
    }
    strcat(strcat(reason, job->queue), served ? "' did not answer in time" : "'");
    work_fail(work, job, reason, served ? WORK_FAILURE_DEADLINE : WORK_FAILURE_NO_WORKER);
}

void work_tick(struct work *work, int64_t now_ms)
{
    struct job *job, *next;

    for (size_t i = work->n_workers; i-- > 0;) {
        if (now_ms - work->workers[i].heard_ms > WORK_SILENCE_MS)
            work_drop(work, &work->workers[i]);
    }
    for (job = work->first; job; job = next) {
        next = job->next;
        if (job->deadline_ms <= now_ms)
            work_expire(work, job);
    }
}

static bool job_is_first_of_queue(const struct work *work, const struct job *job)
{
    const struct job *other = work->first;

    while (other != job && strcmp(other->queue, job->queue) != 0)
        other = other->next;
    return other == job;
}

void work_stats(const struct work *work, struct work_stats *stats)
{
    *stats = work->stats;
    stats->n_workers = work->n_workers;
    for (const struct job *job = work->first; job; job = job->next)
        stats->n_queues += job_is_first_of_queue(work, job);
}
