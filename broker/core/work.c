#include "core/work_private.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tip/alloc.h>
#include <tip/utf8.h>

enum { WORK_WHY_BYTES = 256, WORK_SENTENCE_BYTES = 512 };

static const char work_why_lease[] = "its lease ran out";
static const char work_why_silent[] = "its worker fell silent";
static const char work_why_gone[] = "its worker is gone";
static const char work_why_revoked[] = "its worker's key was revoked";

struct work *work_new(const struct work_limits *limits, const struct work_out *out, int64_t now_ms)
{
    struct work *work = tip_new(struct work);

    work->born_ms = now_ms;
    work->limits = *limits;
    work->out = *out;
    TAILQ_INIT(&work->heard);
    TAILQ_INIT(&work->gone);
    TAILQ_INIT(&work->ready);
    TAILQ_INIT(&work->kept);
    return work;
}

bool work_queue_valid(const char *queue)
{
    size_t n = strlen(queue);

    return n >= 1 && n <= WORK_NAME_MAX && strspn(queue, "abcdefghijklmnopqrstuvwxyz0123456789_.-") == n;
}

/* ---- a job begins and ends ---- */

static struct job *work_find(const struct work *work, const uint8_t *id)
{
    struct job *job;

    tip_hash_find_bytes(work->jobs, id, WORK_ID_BYTES, job);
    return job;
}

/* Whose turn it is: instances of those inside have one each, a key outside has one. */
static const char *work_caller(const struct broker_peer *from, const struct work_put *put)
{
    return access_is_internal(from->key) ? put->caller : from->key->name;
}

static struct job *work_add(struct work *work, const struct broker_peer *from, const struct work_put *put,
                            int64_t now_ms)
{
    const bool is_inside = access_is_internal(from->key);
    const uint32_t most_ms = is_inside ? WORK_DEADLINE_MAX_MS : WORK_OUTSIDE_MAX_MS;
    struct job *job = tip_new(struct job);
    uint32_t left_ms = put->deadline_ms;

    if (left_ms == 0 || left_ms > most_ms)
        left_ms = most_ms;
    memcpy(job->id, put->id, WORK_ID_BYTES);
    job->max_attempts = put->max_attempts ? put->max_attempts : 1;
    if (job->max_attempts > WORK_ATTEMPTS_MAX)
        job->max_attempts = WORK_ATTEMPTS_MAX;
    job->lease_ms = put->lease_ms;
    job->put_ms = now_ms;
    job->deadline_ms = now_ms + left_ms;
    job->body = tip_memdup(put->body, put->body_len);
    job->body_len = put->body_len;
    job->line = work_line_make(work_queue_make(work, put->queue), work_caller(from, put));
    job->line->n_jobs++;
    job->outside = is_inside ? NULL : from->key;
    outside_add(&work->outside, job->outside, job->body_len);
    work->stats.bytes += job->body_len;
    tip_hash_add_key(work->jobs, id, job);
    due_set(&work->due, &job->due, job->deadline_ms);
    work_line_add(work, job, false);
    return job;
}

/* Takes it from its worker; it is nowhere then. */
static void job_leave_worker(struct work *work, struct job *job)
{
    TAILQ_REMOVE(&job->worker->running, job, link);
    job->worker->conn->n_running--;
    job->worker->queue->n_running--;
    work->stats.n_running--;
    job->worker = NULL;
}

static void work_remove(struct work *work, struct job *job)
{
    struct line *line = job->line;
    struct queue *queue = line->queue;

    if (job->worker)
        job_leave_worker(work, job);
    else
        work_line_remove(work, job);
    due_remove(&work->due, &job->due);
    tip_hash_remove(work->jobs, job);
    work->stats.bytes -= job->body_len;
    outside_remove(&work->outside, job->outside, job->body_len);
    if (--line->n_jobs == 0) {
        tip_hash_remove(queue->lines, line);
        free(line);
    }
    work_queue_rest(work, queue);
    free(job->why);
    free(job->body);
    free(job);
}

void work_destroy(struct work **workp)
{
    struct work *work = *workp;
    struct conn *conn, *next_conn;
    struct job *job, *next_job;

    if (!work)
        return;
    tip_hash_each (work->jobs, job, next_job)
        work_remove(work, job);
    tip_hash_each (work->conns, conn, next_conn)
        work_conn_free(work, conn);
    work_queues_free(work);
    due_deinit(&work->due);
    outside_deinit(&work->outside);
    free(work);
    *workp = NULL;
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
    job->line->queue->failed++;
    for (size_t i = 0; i < job->n_callers; i++)
        work->out.failed(work->out.ctx, &job->callers[i], job->id, reason, code);
    work_remove(work, job);
}

static void work_succeed(struct work *work, struct job *job, const struct work_answer *answer)
{
    work->stats.done++;
    job->line->queue->done++;
    for (size_t i = 0; i < job->n_callers; i++)
        work->out.result(work->out.ctx, &job->callers[i], job->id, answer->body, answer->body_len);
    work_remove(work, job);
}

/* ---- leases ---- */

static int64_t job_lease_end(const struct job *job, uint32_t lease_ms, int64_t now_ms)
{
    int64_t end_ms = now_ms + (lease_ms < WORK_LEASE_MIN_MS ? WORK_LEASE_MIN_MS : lease_ms);

    return lease_ms == 0 || end_ms > job->deadline_ms ? job->deadline_ms : end_ms;
}

static void job_lease(struct work *work, struct job *job, uint32_t lease_ms, int64_t now_ms)
{
    job->lease_end_ms = job_lease_end(job, lease_ms, now_ms);
    due_set(&work->due, &job->due, job->lease_end_ms);
}

static enum work_sent work_offer(struct work *work, const struct job *job, const struct worker *worker, int64_t now_ms)
{
    const struct work_job out = {
        .id = job->id,
        .queue = job->line->queue->name,
        .caller = job->line->caller,
        .body = job->body,
        .body_len = job->body_len,
        .attempt = job->attempt + 1,
        .left_ms = job->deadline_ms - now_ms,
        .lease_ms = job_lease_end(job, job->lease_ms, now_ms) - now_ms,
    };

    return work->out.job(work->out.ctx, &worker->conn->peer, &out);
}

static void work_assign(struct work *work, struct job *job, struct worker *worker, int64_t now_ms)
{
    work_line_remove(work, job);
    job->worker = worker;
    job->attempt++;
    TAILQ_INSERT_TAIL(&worker->running, job, link);
    worker->conn->n_running++;
    worker->queue->n_running++;
    work->stats.n_running++;
    job_lease(work, job, job->lease_ms, now_ms);
}

static void job_given_up(struct work *work, struct job *job, uint32_t code)
{
    char reason[WORK_SENTENCE_BYTES];
    const char *queue = job->line->queue->name;

    if (job->attempt == 1)
        (void)snprintf(reason, sizeof(reason), "the one attempt at '%s' failed, because %s", queue, job->why);
    else
        (void)snprintf(reason, sizeof(reason), "all %u attempts at '%s' failed, the last because %s", job->attempt,
                       queue, job->why);
    work_fail(work, job, reason, code);
}

/* A lease has ended without an answer. Its worker gets nothing more until it asks again: it may be stopped. */
static void work_put_back(struct work *work, struct job *job, const char *why, uint32_t code)
{
    char text[WORK_WHY_BYTES];

    tip_utf8_copy(text, sizeof(text), why, strlen(why));
    free(job->why);
    job->why = tip_strdup(text);
    work_worker_credit(job->worker, 0);
    if (job->attempt >= job->max_attempts) {
        job_given_up(work, job, code);
        return;
    }
    work->stats.retried++;
    job->line->queue->retried++;
    job_leave_worker(work, job);
    due_set(&work->due, &job->due, job->deadline_ms);
    work_line_add(work, job, true);
}

/* Says so to a worker that can hear it. */
static void work_take_away(struct work *work, struct job *job)
{
    if (job->worker->conn->why != work_why_gone)
        work->out.lost(work->out.ctx, &job->worker->conn->peer, job->id, job->attempt);
}

/* ---- what follows from what was said ---- */

static void work_expire(struct work *work, struct job *job);

static bool work_dispatch_one(struct work *work, struct queue *queue, int64_t now_ms)
{
    struct worker *worker;
    struct job *job;

    if (TAILQ_EMPTY(&queue->turns) || TAILQ_EMPTY(&queue->idle))
        return false;
    job = work_line_next(queue);
    if (job->deadline_ms <= now_ms) {
        work_expire(work, job);
        return true;
    }
    worker = work_worker_next(queue);
    switch (work_offer(work, job, worker, now_ms)) {
    case WORK_SENT:
        work_assign(work, job, worker, now_ms);
        break;
    case WORK_BUSY:
        work_worker_credit(worker, 0);
        break;
    case WORK_GONE:
        work_conn_leave(work, worker->conn, work_why_gone);
        break;
    }
    return true;
}

/* What a connection had goes back, to be given to others. */
static void work_settle_conn(struct work *work, struct conn *conn)
{
    struct worker *worker;
    struct job *job;

    TAILQ_FOREACH (worker, &conn->workers, in_conn) {
        while ((job = TAILQ_FIRST(&worker->running))) {
            work_take_away(work, job);
            work_put_back(work, job, conn->why, WORK_FAILURE_DEADLINE);
        }
    }
    work_conn_free(work, conn);
}

/* At the end of everything: nothing here calls itself, however many workers turn out to be gone. */
static void work_settle(struct work *work, int64_t now_ms)
{
    struct queue *queue;
    struct conn *conn;

    while ((queue = TAILQ_FIRST(&work->ready)) || !TAILQ_EMPTY(&work->gone)) {
        conn = TAILQ_FIRST(&work->gone);
        if (conn) {
            work_settle_conn(work, conn);
            continue;
        }
        if (work_dispatch_one(work, queue, now_ms))
            continue;
        TAILQ_REMOVE(&work->ready, queue, in_ready);
        queue->is_ready = false;
    }
}

/* ---- what peers say ---- */

static bool work_put_valid(const struct work_put *put)
{
    return put->id_len == WORK_ID_BYTES && work_queue_valid(put->queue) && put->body_len <= WORK_BODY_MAX &&
           (put->caller[0] == 0 || work_queue_valid(put->caller));
}

static bool work_has_room(const struct work *work, const struct broker_peer *from, const struct work_put *put)
{
    const struct work_limits *limits = &work->limits;
    const struct queue *queue = work_queue_find(work, put->queue);
    const struct line *line = queue ? work_line_find(queue, work_caller(from, put)) : NULL;

    if (!access_is_internal(from->key) &&
        ((queue && queue->n_waiting + queue->n_running >= limits->queue_max / 2) ||
         !outside_has_room(&work->outside, from->key, put->body_len, limits->jobs_max, limits->bytes_max)))
        return false;
    return (!queue || queue->n_waiting + queue->n_running < work->limits.queue_max) &&
           (!line || line->n_jobs < work->limits.caller_max) &&
           work->stats.n_waiting + work->stats.n_running < work->limits.jobs_max &&
           work->stats.bytes + put->body_len <= work->limits.bytes_max;
}

static int work_full(struct work *work, const char *name)
{
    struct queue *queue = work_queue_find(work, name);

    if (queue)
        queue->full++;
    return WORK_E_FULL;
}

/* Who has just begun does not know yet what is served. */
static bool work_is_served(const struct work *work, const char *queue, int64_t now_ms)
{
    return work_queue_find(work, queue) || now_ms - work->born_ms < WORK_SILENCE_MS;
}

/* An id is a secret between a caller and the broker: whoever repeats it comes with the same key. */
static bool job_is_of(const struct job *job, const struct broker_peer *from)
{
    return job->n_callers == 0 || job->callers[0].key == from->key;
}

int work_put(struct work *work, const struct broker_peer *from, const struct work_put *put, int64_t now_ms)
{
    struct job *job;

    if (!work_put_valid(put))
        return WORK_E_INVALID;
    job = work_find(work, put->id);
    if (job && (strcmp(job->line->queue->name, put->queue) != 0 || !job_is_of(job, from)))
        return WORK_E_INVALID;
    if (job) {
        job_join(job, from);
        return 0;
    }
    if (!access_is_internal(from->key) && !work_is_served(work, put->queue, now_ms)) {
        work->stats.failed++;
        work->stats.nobody++;
        return WORK_E_NOBODY;
    }
    if (!work_has_room(work, from, put))
        return work_full(work, put->queue);
    job = work_add(work, from, put, now_ms);
    job_join(job, from);
    work_settle(work, now_ms);
    return 0;
}

int work_take(struct work *work, const struct broker_peer *from, const char *queue_name, uint32_t credit,
              int64_t now_ms)
{
    struct worker *worker;
    struct queue *queue;

    if (!work_queue_valid(queue_name))
        return WORK_E_INVALID;
    queue = work_queue_make(work, queue_name);
    worker = work_worker_make(work, from, queue, now_ms);
    if (!worker) {
        work_queue_rest(work, queue);
        return WORK_E_FULL;
    }
    work_conn_heard(work, worker->conn, now_ms);
    work_worker_credit(worker, credit);
    work_queue_ready(work, queue);
    work_settle(work, now_ms);
    return 0;
}

void work_heard(struct work *work, const struct broker_peer *from, int64_t now_ms)
{
    struct conn *conn = work_conn_find(work, from);

    if (conn)
        work_conn_heard(work, conn, now_ms);
}

/* The job that this worker holds; else it is counted where it belongs best. */
static struct job *work_held(struct work *work, const struct broker_peer *from, const uint8_t *id, uint32_t attempt)
{
    const struct conn *conn = work_conn_find(work, from);
    struct job *job = work_find(work, id);

    if (job && job->worker && job->attempt == attempt && job->worker->conn == conn)
        return job;
    work->stats.lost++;
    if (job)
        job->line->queue->lost++;
    else if (conn && !TAILQ_EMPTY(&conn->workers))
        TAILQ_FIRST(&conn->workers)->queue->lost++;
    return NULL;
}

int work_answer(struct work *work, const struct broker_peer *from, const struct work_answer *answer, int64_t now_ms)
{
    uint32_t code = answer->code ? answer->code : WORK_FAILURE_REFUSED;
    char why[WORK_WHY_BYTES];
    struct job *job;

    if (answer->id_len != WORK_ID_BYTES || answer->body_len > WORK_BODY_MAX)
        return WORK_E_INVALID;
    work_heard(work, from, now_ms);
    job = work_held(work, from, answer->id, answer->attempt);
    if (!job)
        return WORK_E_LOST;
    if (!answer->reason) {
        work_succeed(work, job, answer);
    } else if (code == WORK_FAILURE_UNAVAILABLE && job->max_attempts > 1) {
        (void)snprintf(why, sizeof(why), "its worker said: %s", answer->reason);
        work_put_back(work, job, why, code);
    } else {
        work_fail(work, job, answer->reason, code);
    }
    work_settle(work, now_ms);
    return 0;
}

int work_renew(struct work *work, const struct broker_peer *from, const struct work_renewal *renewal, int64_t now_ms)
{
    struct job *job;

    if (renewal->id_len != WORK_ID_BYTES)
        return WORK_E_LOST;
    work_heard(work, from, now_ms);
    job = work_held(work, from, renewal->id, renewal->attempt);
    if (!job)
        return WORK_E_LOST;
    job_lease(work, job, renewal->lease_ms ? renewal->lease_ms : job->lease_ms, now_ms);
    return 0;
}

void work_gone(struct work *work, const struct broker_peer *from, int64_t now_ms)
{
    struct conn *conn = work_conn_find(work, from);

    if (conn)
        work_conn_leave(work, conn, work_why_gone);
    work_settle(work, now_ms);
}

static bool peer_is_revoked(const struct broker_peer *peer)
{
    return peer->key && peer->key->revoked;
}

/* A job that runs is finished, and answered to nobody. */
static void job_revoke(struct work *work, struct job *job)
{
    size_t n = job->n_callers;

    for (size_t i = n; i-- > 0;) {
        if (peer_is_revoked(&job->callers[i]))
            job->callers[i] = job->callers[--job->n_callers];
    }
    if (job->n_callers < n && job->n_callers == 0 && !job->worker)
        work_fail(work, job, "its caller's key was revoked", WORK_FAILURE_REFUSED);
}

void work_revoke(struct work *work, int64_t now_ms)
{
    struct conn *conn, *next_conn;
    struct job *job, *next_job;

    tip_hash_each (work->conns, conn, next_conn) {
        if (peer_is_revoked(&conn->peer))
            work_conn_leave(work, conn, work_why_revoked);
    }
    tip_hash_each (work->jobs, job, next_job) {
        job_revoke(work, job);
    }
    work_settle(work, now_ms);
}

/* ---- time ---- */

static void work_expire(struct work *work, struct job *job)
{
    struct queue *queue = job->line->queue;
    bool served = job->worker || job->why || queue->n_workers;
    char reason[WORK_SENTENCE_BYTES];

    if (job->worker)
        work_take_away(work, job);
    if (served) {
        work->stats.late++;
        queue->late++;
    } else {
        work->stats.nobody++;
        queue->nobody++;
    }
    if (!served)
        (void)snprintf(reason, sizeof(reason), "no service answers '%s'", queue->name);
    else if (!job->why)
        (void)snprintf(reason, sizeof(reason), "'%s' did not answer in time", queue->name);
    else
        (void)snprintf(reason, sizeof(reason), "'%s' did not answer in time, in %u attempts; one failed because %s",
                       queue->name, job->attempt, job->why);
    work_fail(work, job, reason, served ? WORK_FAILURE_DEADLINE : WORK_FAILURE_NO_WORKER);
}

static void work_due(struct work *work, struct job *job, int64_t now_ms)
{
    if (job->deadline_ms <= now_ms) {
        work_expire(work, job);
        return;
    }
    work_take_away(work, job);
    work_put_back(work, job, work_why_lease, WORK_FAILURE_DEADLINE);
}

static void work_probe(struct work *work, int64_t now_ms)
{
    struct conn *conn, *next;

    if (now_ms < work->probe_ms)
        return;
    work->probe_ms = now_ms + WORK_PROBE_MS;
    for (conn = TAILQ_FIRST(&work->heard); conn; conn = next) {
        next = TAILQ_NEXT(conn, link);
        if (conn->n_running && work->out.probe(work->out.ctx, &conn->peer) == WORK_GONE)
            work_conn_leave(work, conn, work_why_gone);
    }
}

void work_tick(struct work *work, int64_t now_ms)
{
    struct due_item *item;
    struct conn *conn;

    while ((conn = TAILQ_FIRST(&work->heard)) && now_ms - conn->heard_ms >= WORK_SILENCE_MS)
        work_conn_leave(work, conn, work_why_silent);
    work_probe(work, now_ms);
    while ((item = due_first(&work->due)) && item->at_ms <= now_ms)
        work_due(work, (struct job *)((char *)item - offsetof(struct job, due)), now_ms);
    work_settle(work, now_ms);
}

int64_t work_next_ms(const struct work *work)
{
    const struct due_item *item = due_first(&work->due);
    const struct conn *conn = TAILQ_FIRST(&work->heard);
    int64_t next_ms = item ? item->at_ms : INT64_MAX;

    if (conn && conn->heard_ms + WORK_SILENCE_MS < next_ms)
        next_ms = conn->heard_ms + WORK_SILENCE_MS;
    if (work->stats.n_running && work->probe_ms < next_ms)
        next_ms = work->probe_ms;
    return next_ms;
}

/* ---- what there is ---- */

void work_stats(const struct work *work, struct work_stats *stats)
{
    *stats = work->stats;
    stats->n_queues = tip_hash_count(work->queues) - work->n_kept;
}

static uint64_t queue_credit(const struct queue *queue)
{
    const struct worker *worker;
    uint64_t credit = 0;

    TAILQ_FOREACH (worker, &queue->idle, in_idle)
        credit += worker->credit;
    return credit;
}

/* Within a line the first is the oldest, unless a younger one went back before it. */
static int64_t queue_oldest_ms(const struct queue *queue, int64_t now_ms)
{
    const struct line *line;
    int64_t oldest_ms = 0;

    TAILQ_FOREACH (line, &queue->turns, turn) {
        const struct job *job = TAILQ_FIRST(&line->waiting);

        if (now_ms - job->put_ms > oldest_ms)
            oldest_ms = now_ms - job->put_ms;
    }
    return oldest_ms;
}

void work_each_queue(const struct work *work, int64_t now_ms,
                     void (*fn)(void *ctx, const struct work_queue_stats *stats), void *ctx)
{
    struct queue *queue, *next;

    tip_hash_each (work->queues, queue, next) {
        const struct work_queue_stats stats = {
            .name = queue->name,
            .n_waiting = queue->n_waiting,
            .n_running = queue->n_running,
            .n_workers = queue->n_workers,
            .n_callers = tip_hash_count(queue->lines),
            .credit = queue_credit(queue),
            .done = queue->done,
            .failed = queue->failed,
            .late = queue->late,
            .nobody = queue->nobody,
            .retried = queue->retried,
            .full = queue->full,
            .lost = queue->lost,
            .oldest_ms = queue_oldest_ms(queue, now_ms),
        };

        fn(ctx, &stats);
    }
}
