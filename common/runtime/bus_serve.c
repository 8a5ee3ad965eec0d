/*
 * Serving a queue: TAKE says how many jobs may come, again each second, so a broker that has restarted learns of us
 * within one. What was lost on the way the caller repeats. A TAKE does not count the jobs that are on their way to us;
 * so that these do not pile up, the next one waits for the PONG to a PING sent before the last one: what was sent
 * earlier has come by then. So never more than twice the credit is here.
 *
 * Whose a job is: the broker counts a lease from when it sent the JOB or heard the RENEW, and takes all of them back
 * when it has not heard us for SERVE_SILENCE_MS. We do not know these moments, but a PING that was answered was heard
 * after it was sent, so we count from there: a lease is over here before it is over there.
 */
#include "bus_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <tip/alloc.h>
#include <tip/call.h>
#include <tip/fail.h>
#include <tip/log.h>

enum {
    SERVE_TAKE_MS = 1000,
    SERVE_CREDIT_MAX = 1024,
    SERVE_SILENCE_MS = 15000, /* WORK_SILENCE_MS of the broker */
    SERVE_NONCES_A_MS = 1024  /* a nonce is the time it was sent, and a number */
};

struct tip_job {
    struct tip_serve *serve; /* NULL once it is gone: the answer is lost */
    struct tip_job *next;
    struct tip_id id;
    uint32_t attempt;
    char *caller;
    uint8_t *body;
    size_t body_len;
    int64_t deadline_ms;
    int64_t lease_ms;       /* as it was put */
    int64_t lease_end_ms;   /* ours before */
    uint64_t renewal;       /* the PING behind a RENEW; 0: none is under way */
    int64_t renewal_end_ms; /* what lease_end_ms will be */
    bool is_lost;
    bool is_told; /* of that */
};

struct tip_serve {
    struct tip_bus *bus;
    char *queue;
    uint32_t credit;
    uint32_t n_jobs;
    struct tip_job *jobs;
    struct tip_zsock *socket;
    struct tip_timer timer;
    struct tip_timer notice; /* somebody wants to be told of a lost job */
    struct tip_buf head;
    uint64_t nonce;   /* of the last PING */
    int64_t heard_ms; /* by the broker, at least then; 0: never */
    uint64_t take;    /* the PING before a TAKE; 0: it was answered */
    bool wants_take;  /* once it is */
    bool renews;
    void (*on_job)(void *ctx, struct tip_job *job);
    void (*on_lost)(void *ctx, struct tip_job *job);
    void *ctx;
};

/* ---- leases ---- */

static bool serve_is_heard(const struct tip_serve *serve, int64_t now_ms)
{
    return serve->heard_ms && now_ms < serve->heard_ms + SERVE_SILENCE_MS;
}

bool tip_job_is_ours(const struct tip_job *job)
{
    int64_t now_ms = tip_loop_now_ms();

    return job->serve && !job->is_lost && now_ms < job->lease_end_ms && serve_is_heard(job->serve, now_ms);
}

static void job_lose(struct tip_job *job)
{
    if (job->is_lost)
        return;
    job->is_lost = true;
    job->serve->bus->stats.jobs_lost++;
    if (job->serve->on_lost)
        tip_timer_start(&job->serve->notice, 0);
}

/* One a turn: whoever is told may end jobs, or the whole queue. */
static void serve_on_notice(void *ctx)
{
    struct tip_serve *serve = ctx;
    struct tip_job *job = serve->jobs;

    while (job && (!job->is_lost || job->is_told))
        job = job->next;
    if (!job)
        return;
    job->is_told = true;
    tip_timer_start(&serve->notice, 0);
    serve->on_lost(serve->ctx, job);
}

/* With the connection everything that was leased on it is gone. */
static void serve_on_cut(struct tip_serve *serve)
{
    for (struct tip_job *job = serve->jobs; job; job = job->next)
        job_lose(job);
}

static int serve_say(struct tip_serve *serve)
{
    int r = bus_send(serve->socket, &serve->head, NULL);

    if (r)
        serve_on_cut(serve);
    return r;
}

static void serve_ping(struct tip_serve *serve)
{
    uint64_t least = (uint64_t)tip_loop_now_ms() * SERVE_NONCES_A_MS;

    serve->nonce = serve->nonce < least ? least : serve->nonce + 1;
    if (!bus_write_ping(&serve->head, serve->nonce))
        (void)serve_say(serve); /* the next one is a second away */
}

static void job_on_pong(struct tip_job *job, uint64_t nonce)
{
    if (!job->renewal || nonce < job->renewal)
        return;
    job->renewal = 0;
    if (job->renewal_end_ms > job->lease_end_ms)
        job->lease_end_ms = job->renewal_end_ms;
}

static void serve_take(struct tip_serve *serve)
{
    uint32_t free_slots = serve->n_jobs < serve->credit ? serve->credit - serve->n_jobs : 0;

    serve->wants_take = serve->take != 0;
    if (serve->wants_take)
        return;
    serve_ping(serve);
    serve->take = serve->nonce;
    if (!bus_write_take(&serve->head, serve->queue, free_slots, serve->bus->name))
        (void)serve_say(serve); /* repeated each second */
}

static void serve_on_pong(struct tip_serve *serve, uint64_t nonce)
{
    int64_t sent_ms = (int64_t)(nonce / SERVE_NONCES_A_MS);

    if (nonce > serve->nonce)
        return; /* none of ours */
    if (sent_ms > serve->heard_ms)
        serve->heard_ms = sent_ms;
    for (struct tip_job *job = serve->jobs; job; job = job->next)
        job_on_pong(job, nonce);
    if (nonce >= serve->take)
        serve->take = 0;
    if (serve->wants_take)
        serve_take(serve);
}

static void serve_on_lost(struct tip_serve *serve, const struct bus_answer *lost)
{
    for (struct tip_job *job = serve->jobs; job; job = job->next) {
        if (tip_id_equal(&job->id, &lost->id) && job->attempt == lost->attempt)
            job_lose(job);
    }
}

void tip_job_renew(struct tip_job *job, uint64_t lease_ms)
{
    struct tip_serve *serve = job->serve;
    int64_t wanted_ms = lease_ms ? (int64_t)lease_ms : job->lease_ms;

    if (!serve || job->is_lost || lease_ms > UINT32_MAX)
        return;
    if (bus_write_renew(&serve->head, &job->id, job->attempt, (uint32_t)lease_ms) || serve_say(serve))
        return;
    serve_ping(serve);
    job->renewal = serve->nonce;
    job->renewal_end_ms = (int64_t)(serve->nonce / SERVE_NONCES_A_MS) + wanted_ms;
    if (job->renewal_end_ms > job->deadline_ms)
        job->renewal_end_ms = job->deadline_ms;
}

static void serve_renew(struct tip_serve *serve, int64_t now_ms)
{
    for (struct tip_job *job = serve->jobs; job; job = job->next) {
        if (job->lease_end_ms < job->deadline_ms && job->lease_end_ms - now_ms < job->lease_ms / 2 + SERVE_TAKE_MS)
            tip_job_renew(job, 0);
    }
}

void tip_serve_leases(struct tip_serve *serve, void (*on_lost)(void *ctx, struct tip_job *job), bool renew)
{
    serve->on_lost = on_lost;
    serve->renews = renew;
}

static void serve_on_timer(void *ctx)
{
    struct tip_serve *serve = ctx;

    serve->take = 0; /* a broker that has not answered for a second is another one now */
    serve_take(serve);
    if (serve->renews)
        serve_renew(serve, tip_loop_now_ms());
    for (struct tip_job *job = serve->jobs; job; job = job->next) {
        if (serve->on_lost && !tip_job_is_ours(job))
            job_lose(job);
    }
}

/* ---- jobs ---- */

static void job_free(struct tip_job *job)
{
    free(job->caller);
    free(job->body);
    free(job);
}

static void serve_refuse(struct tip_serve *serve, const struct bus_job *job)
{
    struct bus_end end = {
        .id = job->id, .attempt = job->attempt, .code = TIP_FAILURE_UNAVAILABLE, .reason = "too many calls at once"};

    serve->bus->stats.jobs_failed++;
    if (!bus_write_fail(&serve->head, &end))
        (void)serve_say(serve); /* then its lease ends */
}

/* A lease as long as the deadline cannot be followed by another one, so it need not be counted from our last PING. */
static int64_t serve_lease_end(const struct tip_serve *serve, const struct bus_job *job, int64_t now_ms)
{
    if (!job->lease_ms || job->lease_ms >= job->deadline_ms)
        return now_ms + job->deadline_ms;
    return (serve->heard_ms ? serve->heard_ms : now_ms) + job->lease_ms;
}

static struct tip_job *job_new(struct tip_serve *serve, const struct bus_job *from, int64_t now_ms)
{
    struct tip_job *job = tip_new(struct tip_job);

    *job = (struct tip_job){.serve = serve, .next = serve->jobs, .id = from->id, .attempt = from->attempt};
    job->caller = tip_strdup(from->caller);
    job->body = tip_memdup(from->body, from->body_len);
    job->body_len = from->body_len;
    job->deadline_ms = now_ms + from->deadline_ms;
    job->lease_ms = from->lease_ms ? from->lease_ms : from->deadline_ms;
    job->lease_end_ms = serve_lease_end(serve, from, now_ms);
    serve->jobs = job;
    serve->n_jobs++;
    serve->bus->stats.jobs++;
    return job;
}

/* One that comes again, after a restart of the broker, is the one that is there, unless it was given up. */
static bool serve_has(struct tip_serve *serve, const struct bus_job *from, int64_t now_ms)
{
    for (struct tip_job *job = serve->jobs; job; job = job->next) {
        if (!tip_id_equal(&job->id, &from->id))
            continue;
        if (job->attempt == from->attempt && !job->is_told) {
            job->is_lost = false;
            job->lease_end_ms = serve_lease_end(serve, from, now_ms);
            return true;
        }
        job_lose(job);
    }
    return false;
}

static void serve_on_job(struct tip_serve *serve, const struct bus_job *from)
{
    int64_t now_ms = tip_loop_now_ms();

    if (serve_lease_end(serve, from, now_ms) <= now_ms) { /* it lay here while we were stopped */
        serve->bus->stats.jobs_lost++;
        return;
    }
    if (serve_has(serve, from, now_ms))
        return;
    if (serve->n_jobs >= 2 * serve->credit || from->body_len > TIP_CALL_BYTES_MAX)
        serve_refuse(serve, from);
    else
        serve->on_job(serve->ctx, job_new(serve, from, now_ms)); /* may be the end of serve */
}

static void serve_on_message(void *ctx, const struct tip_zmsg *msg)
{
    struct tip_serve *serve = ctx;
    struct bus_frame frame;

    if (!bus_receive(serve->bus, serve->socket, msg, &frame))
        return;
    if (frame.kind == BUS_FRAME_REFUSED)
        tip_warn("serve.refused", "queue=%s reason=%s", serve->queue, frame.refused.reason);
    else if (frame.kind == BUS_FRAME_PONG)
        serve_on_pong(serve, frame.pong.nonce);
    else if (frame.kind == BUS_FRAME_LOST)
        serve_on_lost(serve, &frame.answer);
    else if (frame.kind == BUS_FRAME_JOB && strcmp(frame.job.queue, serve->queue) == 0)
        serve_on_job(serve, &frame.job);
    bus_frame_deinit(&frame);
}

static void serve_forget(struct tip_serve *serve, struct tip_job *job)
{
    struct tip_job **at = &serve->jobs;

    while (*at != job)
        at = &(*at)->next;
    *at = job->next;
    serve->n_jobs--;
}

static void job_end(struct tip_job **jobp, int (*write)(struct tip_buf *out, const struct bus_end *end),
                    const struct bus_end *end)
{
    struct tip_job *job = tip_take(*jobp);
    struct tip_serve *serve = job->serve;
    int r;

    if (serve) {
        serve_forget(serve, job);
        r = write(&serve->head, end);
        if (!r)
            r = serve_say(serve);
        if (r)
            tip_warn("serve.answer_lost", "queue=%s error=%s", serve->queue, r < 0 ? strerror(-r) : "not connected");
        serve_take(serve);
    }
    job_free(job);
}

void tip_job_done(struct tip_job **jobp, const uint8_t *body, size_t n)
{
    struct bus_end end = {.id = (*jobp)->id, .attempt = (*jobp)->attempt, .body = body, .body_len = n};

    if (n > TIP_CALL_BYTES_MAX)
        tip_job_fail(jobp, TIP_FAILURE_REFUSED, "the answer is too large");
    else
        job_end(jobp, bus_write_done, &end);
}

void tip_job_fail(struct tip_job **jobp, enum tip_failure failure, const char *reason)
{
    struct bus_end end = {.id = (*jobp)->id, .attempt = (*jobp)->attempt, .code = (uint32_t)failure, .reason = reason};

    if ((*jobp)->serve)
        (*jobp)->serve->bus->stats.jobs_failed++;
    job_end(jobp, bus_write_fail, &end);
}

void tip_job_drop(struct tip_job **jobp)
{
    struct tip_job *job = tip_take(*jobp);
    struct tip_serve *serve = job->serve;

    if (serve) {
        serve_forget(serve, job);
        serve_take(serve);
    }
    job_free(job);
}

const struct tip_id *tip_job_id(const struct tip_job *job)
{
    return &job->id;
}

const char *tip_job_caller(const struct tip_job *job)
{
    return job->caller;
}

const uint8_t *tip_job_body(const struct tip_job *job, size_t *np)
{
    *np = job->body_len;
    return job->body;
}

uint64_t tip_job_deadline_ms(const struct tip_job *job)
{
    return (uint64_t)job->deadline_ms;
}

uint32_t tip_job_attempt(const struct tip_job *job)
{
    return job->attempt;
}

/* ---- the queue ---- */

int tip_serve_open(struct tip_serve **servep, struct tip_bus *bus, const char *queue, uint32_t credit,
                   void (*on_job)(void *ctx, struct tip_job *job), void *ctx)
{
    tip_auto(tip_serve_destroy) struct tip_serve *serve = NULL;
    struct bus_dealer dealer = {.endpoint = bus->work, .immediate = true, .on_message = serve_on_message};
    int r;

    if (!bus->work || credit == 0 || credit > SERVE_CREDIT_MAX)
        return tip_fail(-EINVAL);
    serve = tip_new(struct tip_serve);
    serve->bus = bus;
    serve->queue = tip_strdup(queue);
    serve->credit = credit;
    serve->on_job = on_job;
    serve->ctx = ctx;
    tip_buf_init(&serve->head, BUS_FRAME_CALL_MAX);
    tip_timer_init(&serve->timer, bus->loop, serve_on_timer, serve);
    tip_timer_init(&serve->notice, bus->loop, serve_on_notice, serve);
    dealer.ctx = serve;
    dealer.on_writable = serve_on_timer; /* connected: say it at once */
    r = bus_dealer_open(&serve->socket, bus, &dealer);
    if (r)
        return r;
    serve_on_timer(serve);
    tip_timer_every(&serve->timer, SERVE_TAKE_MS);
    *servep = tip_take(serve);
    return 0;
}

void tip_serve_destroy(struct tip_serve **servep)
{
    struct tip_serve *serve = *servep;

    if (!serve)
        return;
    for (struct tip_job *job = serve->jobs; job; job = job->next)
        job->serve = NULL;
    tip_zsock_destroy(&serve->socket);
    tip_timer_deinit(&serve->timer);
    tip_timer_deinit(&serve->notice);
    tip_buf_deinit(&serve->head);
    free(serve->queue);
    free(serve);
    *servep = NULL;
}
