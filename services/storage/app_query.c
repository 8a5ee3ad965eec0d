/* Serving store.query: each call is a job of the reading thread. */
#include "app.h"

#include <stdlib.h>

#include <tip/alloc.h>
#include <tip/call.h>
#include <tip/log.h>
#include <topics.h>

struct query_job {
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

static void query_on_end(void *ctx, void *opaque)
{
    struct app *app = ctx;
    struct query_job *job = opaque;

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
    app_job_ended(app);
}

static void query_on_job(void *ctx, struct tip_job *call)
{
    struct app *app = ctx;
    struct query_job job = {.reader = app->reader, .job = call, .lag = -1};
    size_t n;
    const uint8_t *body = tip_job_body(call, &n);
    uint64_t lag = 0;

    if (tip_store_query_decode(body, n, &job.query)) {
        tip_metric_inc(app->m[APP_M_QUERIES_FAILED]);
        tip_job_fail(&call, TIP_FAILURE_INVALID, "the query cannot be read");
        return;
    }
    if (app->fetch) {
        (void)tip_fetch_is_current(app->fetch, &lag);
        job.lag = (int64_t)lag;
    }
    tip_buf_init(&job.answer, TIP_CALL_BYTES_MAX);
    if (!tip_pool_submit(
            app->read_pool,
            &(struct tip_pool_job){
                .input = &job, .size = sizeof(job), .work = query_run, .done = query_on_end, .ctx = app})) {
        app->n_jobs++;
        return;
    }
    tip_metric_inc(app->m[APP_M_QUERIES_FAILED]);
    tip_call_free(&job.query);
    tip_job_fail(&call, TIP_FAILURE_UNAVAILABLE, "too many queries at once");
}

int app_query_open(struct app *app)
{
    return tip_serve_open(&app->serve, app->bus, TIP_QUEUE_STORE_QUERY, (uint32_t)app->limits.queries, query_on_job,
                          app);
}
