/*
 * Serving a queue: TAKE says how many jobs may come, again each second, so a broker that has restarted learns of us
 * within one. What was lost on the way the caller repeats.
 */
#include "bus_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <tip/alloc.h>
#include <tip/call.h>
#include <tip/fail.h>
#include <tip/log.h>

enum { SERVE_TAKE_MS = 1000, SERVE_CREDIT_MAX = 1024 };

struct tip_job {
    struct tip_serve *serve; /* NULL once it is gone: the answer is lost */
    struct tip_job *next;
    struct tip_id id;
    uint32_t attempt;
    char *caller;
    uint8_t *body;
    size_t body_len;
    int64_t deadline_ms;
};

struct tip_serve {
    struct tip_bus *bus;
    char *queue;
    uint32_t credit;
    uint32_t n_jobs;
    struct tip_job *jobs;
    struct tip_zsock *socket;
    struct tip_timer timer;
    struct tip_buf head;
    void (*on_job)(void *ctx, struct tip_job *job);
    void *ctx;
};

static void serve_take(struct tip_serve *serve)
{
    uint32_t free_slots = serve->n_jobs < serve->credit ? serve->credit - serve->n_jobs : 0;

    if (!bus_write_take(&serve->head, serve->queue, free_slots, serve->bus->name))
        bus_say(serve->socket, &serve->head);
}

static void serve_on_timer(void *ctx)
{
    serve_take(ctx);
}

/* ---- jobs ---- */

static void job_free(struct tip_job *job)
{
    free(job->caller);
    free(job->body);
    free(job);
}

static bool serve_has(const struct tip_serve *serve, const struct tip_id *id)
{
    for (const struct tip_job *job = serve->jobs; job; job = job->next) {
        if (tip_id_equal(&job->id, id))
            return true;
    }
    return false;
}

static void serve_refuse(struct tip_serve *serve, const struct bus_job *job)
{
    struct bus_end end = {
        .id = job->id, .attempt = job->attempt, .code = TIP_FAILURE_UNAVAILABLE, .reason = "too many calls at once"};

    serve->bus->stats.jobs_failed++;
    if (!bus_write_fail(&serve->head, &end))
        bus_say(serve->socket, &serve->head);
}

/* Between two TAKEs the broker may count one job too few, so a second credit's worth is taken before it is refused. */
static void serve_on_job(struct tip_serve *serve, const struct bus_job *from)
{
    struct tip_job *job;

    if (serve_has(serve, &from->id))
        return;
    if (serve->n_jobs >= 2 * serve->credit || from->body_len > TIP_CALL_BYTES_MAX) {
        serve_refuse(serve, from);
        return;
    }
    job = tip_new(struct tip_job);
    *job = (struct tip_job){.serve = serve, .next = serve->jobs, .id = from->id, .attempt = from->attempt};
    job->caller = tip_strdup(from->caller);
    job->body = tip_memdup(from->body, from->body_len);
    job->body_len = from->body_len;
    job->deadline_ms = tip_loop_now_ms() + from->deadline_ms;
    serve->jobs = job;
    serve->n_jobs++;
    serve->bus->stats.jobs++;
    serve->on_job(serve->ctx, job); /* may be the end of serve */
}

static void serve_on_message(void *ctx, const struct tip_zmsg *msg)
{
    struct tip_serve *serve = ctx;
    struct bus_frame frame;

    if (!bus_receive(serve->bus, serve->socket, msg, &frame))
        return;
    if (frame.kind == BUS_FRAME_REFUSED)
        tip_warn("serve.refused", "queue=%s reason=%s", serve->queue, frame.refused.reason);
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
            r = bus_send(serve->socket, &serve->head, NULL);
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
    dealer.ctx = serve;
    dealer.on_writable = serve_on_timer; /* connected: say it at once */
    r = bus_dealer_open(&serve->socket, bus, &dealer);
    if (r)
        return r;
    serve_take(serve);
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
    tip_buf_deinit(&serve->head);
    free(serve->queue);
    free(serve);
    *servep = NULL;
}
