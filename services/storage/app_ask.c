/*
 * Asking owners for baselines. What is wanted stands in the database, so it outlives this process; here is only when to
 * ask again.
 */
#include "app.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <sodium/randombytes.h>

#include <tip/alloc.h>
#include <tip/call.h>
#include <tip/log.h>
#include <topics.h>

#define ASK_QUEUE TIP_QUEUE_CONTROL "blacklist"

enum { ASK_LOOK_MS = 2000, ASK_DEADLINE_MS = 10000, ASK_BODY_BYTES = 4096 };

/* ---- jobs of the writer ---- */

struct ask_job {
    struct store_writer *writer;
    struct store_needs *needs; /* owned; of a list */
    char name[STORE_ASK_NAME_MAX + 1];
    char since[STORE_WRITER_SINCE];
    struct store_outcome outcome;
};

static void ask_list(void *ctx)
{
    struct ask_job *job = ctx;

    store_writer_needs(job->writer, job->needs, &job->outcome);
}

static void ask_taken(void *ctx)
{
    struct ask_job *job = ctx;

    store_writer_taken(job->writer, job->since, &job->outcome);
}

static void ask_orphan(void *ctx)
{
    struct ask_job *job = ctx;

    store_writer_orphan(job->writer, job->name, &job->outcome);
}

static void ask_submit(struct app *app, const struct ask_job *job, void (*work)(void *), void (*done)(void *, void *))
{
    struct ask_job copy = *job;

    copy.writer = app->writer;
    app->n_jobs++;
    app_writer_began(app);
    if (tip_pool_submit(
            app->write_pool,
            &(struct tip_pool_job){.input = &copy, .size = sizeof(copy), .work = work, .done = done, .ctx = app}))
        abort(); /* there is room for all that can be under way */
}

/* If it could not be noted the owner is asked once more, and says it again. */
static void ask_on_noted(void *ctx, void *opaque)
{
    struct app *app = ctx;
    struct ask_job *job = opaque;

    (void)app_writer_ended(app, &job->outcome);
    if (job->outcome.needs) { /* something more was lost between the question and its answer */
        store_asks_again(&app->asks, "*", tip_loop_now_ms());
        app_ask_soon(app);
    }
    app_job_ended(app);
}

/* ---- calls ---- */

static void ask_ended(struct app *app, const char *name, enum store_ask_end end, const char *why)
{
    if (end == STORE_ASK_FAILED) {
        tip_metric_inc(app->m[APP_M_ASK_FAILED]);
        tip_debug("baseline.unanswered", "source=%s why=%s", name, why);
    } else if (end == STORE_ASK_REFUSED) {
        tip_metric_inc(app->m[APP_M_ASK_FAILED]);
        tip_warn("baseline.refused", "source=%s why=%s", name, why);
    } else {
        tip_info("baseline.asked", "source=%s answer=%s", name, why);
    }
    store_asks_end(&app->asks, name, end, tip_loop_now_ms(), randombytes_random());
}

static void ask_on_answer(struct app *app, const struct app_call *call, const uint8_t *body, size_t n)
{
    struct tip_control_answer *answer = NULL;
    const char *name = call->name;
    struct ask_job job = {.needs = NULL};

    if (tip_control_answer_decode(body, n, &answer)) {
        ask_ended(app, name, STORE_ASK_FAILED, "the answer cannot be read");
        return;
    }
    ask_ended(app, name, answer->ok ? STORE_ASK_TAKEN : STORE_ASK_REFUSED, answer->result);
    memcpy(job.since, call->since, sizeof(job.since));
    if (answer->ok && !strcmp(name, "*"))
        ask_submit(app, &job, ask_taken, ask_on_noted);
    tip_call_free(&answer);
}

static void ask_on_unknown(struct app *app, const char *name, const char *why)
{
    struct ask_job job = {.needs = NULL};

    snprintf(job.name, sizeof(job.name), "%s", name);
    tip_error("source.orphaned", "source=%s why=%s", name, why);
    tip_metric_inc(app->m[APP_M_ORPHANS]);
    ask_ended(app, name, STORE_ASK_REFUSED, why);
    ask_submit(app, &job, ask_orphan, ask_on_noted);
}

static void ask_on_end(void *ctx, enum tip_failure failure, const char *reason, const uint8_t *body, size_t n)
{
    struct app_call call = *(struct app_call *)ctx;

    ((struct app_call *)ctx)->app = NULL;
    if (call.app->state == APP_STOPPING)
        return;
    if (failure == TIP_FAILURE_NONE)
        ask_on_answer(call.app, &call, body, n);
    else if (failure == TIP_FAILURE_NOT_FOUND && strcmp(call.name, "*") != 0)
        ask_on_unknown(call.app, call.name, reason);
    else if (failure == TIP_FAILURE_REFUSED || failure == TIP_FAILURE_INVALID)
        ask_ended(call.app, call.name, STORE_ASK_REFUSED, reason);
    else
        ask_ended(call.app, call.name, STORE_ASK_FAILED, reason);
}

static struct app_call *ask_free_call(struct app *app)
{
    for (size_t i = 0; i < STORE_ASK_RUNNING_MAX; i++) {
        if (!app->calls[i].app)
            return &app->calls[i];
    }
    return NULL;
}

static int ask_call(struct app *app, struct app_call *call)
{
    const struct tip_control_request request = {
        .actor = "storage", .action = "baseline", .target = call->name, .reason = "storage has missed changes"};
    tip_auto(tip_buf_deinit) struct tip_buf body;
    struct tip_id id = tip_id_random();
    int r;

    tip_buf_init(&body, ASK_BODY_BYTES);
    r = tip_control_request_encode(&request, &body);
    return r ? r : tip_call(app->bus, &id, ASK_QUEUE, body.data, body.len, ASK_DEADLINE_MS, ask_on_end, call);
}

static void ask_next(struct app *app)
{
    struct app_call *call;
    const char *name;

    while ((call = ask_free_call(app)) && (name = store_asks_next(&app->asks, tip_loop_now_ms()))) {
        call->app = app;
        snprintf(call->name, sizeof(call->name), "%s", name);
        memcpy(call->since, app->all_since, sizeof(call->since));
        tip_metric_inc(app->m[APP_M_ASKED]);
        if (ask_call(app, call)) {
            ask_ended(app, call->name, STORE_ASK_FAILED, "the call could not be made");
            call->app = NULL;
        }
    }
}

/* ---- looking ---- */

static void ask_on_list(void *ctx, void *opaque)
{
    struct app *app = ctx;
    struct ask_job *job = opaque;
    bool is_done = app_writer_ended(app, &job->outcome);

    app->is_listing = false;
    if (is_done && app->state == APP_ACTIVE) {
        store_asks_set(&app->asks, (const char(*)[STORE_ASK_NAME_MAX + 1]) job->needs->names, job->needs->n,
                       tip_loop_now_ms());
        memcpy(app->all_since, job->needs->all_since, sizeof(app->all_since));
        ask_next(app);
    }
    if (app->state == APP_ACTIVE && (!is_done || job->needs->n))
        tip_timer_start(&app->ask, ASK_LOOK_MS);
    free(job->needs);
    app_job_ended(app);
}

void app_ask_on_timer(void *ctx)
{
    struct app *app = ctx;
    struct ask_job job = {.needs = NULL};

    if (app->state != APP_ACTIVE || app->is_listing)
        return;
    app->is_listing = true;
    job.needs = tip_new(struct store_needs);
    ask_submit(app, &job, ask_list, ask_on_list);
}

void app_ask_soon(struct app *app)
{
    if (app->state == APP_ACTIVE && !app->is_listing)
        tip_timer_start(&app->ask, 0);
}
