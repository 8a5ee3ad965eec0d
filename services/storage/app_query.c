/* Serving store.query: each call is a job of a reading thread; while all readers are busy it waits in line. */
#include "app.h"

#include <stdlib.h>

#include <tip/alloc.h>
#include <tip/call.h>
#include <tip/log.h>
#include <topics.h>

struct query_job {
    struct query_job *next; /* in line */
    size_t slot;            /* of the reader that it has */
    struct store_reader *reader;
    struct tip_job *job;           /* to be answered */
    struct tip_store_query *query; /* owned */
    int64_t lag;
    struct tip_buf answer;
    enum tip_failure failure;
    int64_t took_ms;
    char why[STORE_READER_WHY_BYTES];
};

static void query_run(void *ctx)
{
    struct query_job *job = ctx;
    int64_t began_ms = tip_loop_now_ms();

    job->failure = store_reader_run(job->reader, job->query, job->lag, &job->answer, job->why);
    job->took_ms = tip_loop_now_ms() - began_ms;
}

static void query_next(struct app *app);

static void query_on_end(void *ctx, void *opaque)
{
    struct app *app = ctx;
    struct query_job *job = opaque;

    app->readers[job->slot].is_busy = false;
    tip_metric_observe(app->m[APP_M_QUERY_S], (double)job->took_ms / 1000);
    if (job->failure == TIP_FAILURE_NONE) {
        tip_metric_inc(app->m[APP_M_QUERIES]);
        tip_job_done(&job->job, job->answer.data, job->answer.len);
    } else {
        tip_metric_inc(app->m[APP_M_QUERIES_FAILED]);
        tip_debug("query.failed", "name=%s failure=%s why=%s", job->query->name, tip_failure_name(job->failure),
                  job->why);
        tip_job_fail(&job->job, job->failure, job->why);
    }
    tip_buf_deinit(&job->answer);
    tip_call_free(&job->query);
    query_next(app);
    app_job_ended(app);
}

/* The first that is free: where little is asked, few connections are made. */
static bool query_find_reader(const struct app *app, size_t *slotp)
{
    for (*slotp = 0; *slotp < (size_t)app->limits.readers; ++*slotp) {
        if (!app->readers[*slotp].is_busy)
            return true;
    }
    return false;
}

/* Whoever waited longest, as long as there are readers. */
static void query_next(struct app *app)
{
    struct query_job *job;
    size_t slot;

    while ((job = app->waiting) && query_find_reader(app, &slot)) {
        app->waiting = job->next;
        if (!app->waiting)
            app->waiting_end = &app->waiting;
        app->n_waiting--;
        app->readers[slot].is_busy = true;
        job->slot = slot;
        job->reader = app->readers[slot].reader;
        tip_buf_init(&job->answer, TIP_CALL_BYTES_MAX);
        if (tip_pool_submit(
                app->read_pool,
                &(struct tip_pool_job){
                    .input = job, .size = sizeof(*job), .work = query_run, .done = query_on_end, .ctx = app}))
            abort(); /* there is a thread for each reader */
        free(job);
    }
}

static void query_on_job(void *ctx, struct tip_job *call)
{
    struct app *app = ctx;
    struct query_job *job;
    struct tip_store_query *query;
    size_t n;
    const uint8_t *body = tip_job_body(call, &n);
    uint64_t lag = 0;

    if (tip_store_query_decode(body, n, &query)) {
        tip_metric_inc(app->m[APP_M_QUERIES_FAILED]);
        tip_job_fail(&call, TIP_FAILURE_INVALID, "the query cannot be read");
        return;
    }
    job = tip_new(struct query_job); /* as many as the credit of the queue says */
    *job = (struct query_job){.job = call, .query = query, .lag = -1};
    if (app->fetch) {
        (void)tip_fetch_is_current(app->fetch, &lag);
        job->lag = (int64_t)lag;
    }
    *app->waiting_end = job;
    app->waiting_end = &job->next;
    app->n_waiting++;
    app->n_jobs++;
    query_next(app);
}

void app_query_forget(struct app *app)
{
    struct query_job *job;

    while ((job = app->waiting)) {
        app->waiting = job->next;
        tip_job_fail(&job->job, TIP_FAILURE_UNAVAILABLE, "the service ends");
        tip_call_free(&job->query);
        free(job);
        app->n_jobs--;
    }
    app->waiting_end = &app->waiting;
    app->n_waiting = 0;
}

int app_query_open(struct app *app)
{
    return tip_serve_open(&app->serve, app->bus, TIP_QUEUE_STORE_QUERY, (uint32_t)app->limits.queries, query_on_job,
                          app);
}
