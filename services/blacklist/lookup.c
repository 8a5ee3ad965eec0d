/*
 * Serving `verdict.lookup.<tlp>`. An index is built when somebody asks, and anew after what changes verdicts, for as
 * long as somebody goes on asking; calls are answered from the last one meanwhile. It is no older than its rest: ten
 * times as long as building it takes, so that this never costs more than a tenth of a core for each audience that asks.
 */
#include <errno.h>
#include <string.h>

#include <tip/log.h>
#include <topics.h>

#include "app.h"

enum {
    LOOKUP_REST_FACTOR = 10,
    LOOKUP_IDLE_MS = 15 * 60 * 1000 /* without a call: its memory is given back */
};

static void lookup_settle(struct lookup_view *view);

static void lookup_refuse(struct lookup_view *view, struct tip_job *job, enum tip_failure failure, const char *why)
{
    tip_metric_inc(view->app->m[APP_M_LOOKUPS_REFUSED]);
    tip_job_fail(&job, failure, why);
}

/* ---- answering ---- */

static void lookup_reply(struct lookup_view *view, struct tip_job *job, const struct tip_verdict_lookup *lookup)
{
    tip_auto(tip_buf_deinit) struct tip_buf body;
    int r;

    tip_buf_init(&body, TIP_CALL_BYTES_MAX);
    r = lookup_answer(view->index, lookup, &body);
    if (r) {
        lookup_refuse(view, job, r == -EMSGSIZE || r == -ENOBUFS ? TIP_FAILURE_INVALID : TIP_FAILURE_UNAVAILABLE,
                      "the answer would be larger than 1 MiB: ask about fewer at once");
        return;
    }
    tip_metric_inc(view->app->m[APP_M_LOOKUPS]);
    tip_metric_add(view->app->m[APP_M_LOOKUP_INDICATORS], lookup->n_items);
    tip_job_done(&job, body.data, body.len);
}

static void lookup_take(struct lookup_view *view, struct tip_job *job)
{
    tip_auto(tip_call_free) struct tip_verdict_lookup *lookup = NULL;
    size_t n;
    const uint8_t *body = tip_job_body(job, &n);

    if (tip_verdict_lookup_decode(body, n, &lookup))
        lookup_refuse(view, job, TIP_FAILURE_INVALID,
                      "the request cannot be read, or it asks about more than 1000 indicators");
    else if (view->index)
        lookup_reply(view, job, lookup);
    else if (view->n_waiting == LOOKUP_WAITING_MAX)
        lookup_refuse(view, job, TIP_FAILURE_UNAVAILABLE, "too many wait for the first index: try again");
    else
        view->waiting[view->n_waiting++] = job;
}

/* Nobody asks any more: neither what is there nor what is being built is for whoever asks next, days later. */
static void lookup_forget(struct lookup_view *view)
{
    if (!view->is_wanted || view->n_waiting || tip_loop_now_ms() - view->asked_ms < LOOKUP_IDLE_MS)
        return;
    view->is_wanted = false;
    view->is_void = true;
    lookup_index_destroy(&view->index);
}

static void lookup_on_job(void *ctx, struct tip_job *job)
{
    struct lookup_view *view = ctx;

    lookup_forget(view); /* no tick may have come since */
    view->asked_ms = tip_loop_now_ms();
    view->is_wanted = true;
    lookup_take(view, job);
    lookup_settle(view);
}

/* Whoever waited is answered, or told that there is nothing to answer with. */
static void lookup_release(struct lookup_view *view, const char *why)
{
    size_t n = view->n_waiting;

    view->n_waiting = 0;
    for (size_t i = 0; i < n; i++) {
        if (view->index)
            lookup_take(view, view->waiting[i]);
        else
            lookup_refuse(view, view->waiting[i], TIP_FAILURE_UNAVAILABLE, why);
    }
}

/* ---- building ---- */

static void lookup_on_built(void *ctx, void *opaque)
{
    struct lookup_work *work = opaque;
    struct lookup_view *view = ctx;
    struct bl_index_stats stats;

    view->is_building = false;
    view->ended_ms = tip_loop_now_ms();
    view->took_ms = view->ended_ms - view->began_ms;
    if (work->error) {
        tip_error("lookup.failed", "tlp=%s error=%s", tip_tlp_name(view->tlp), strerror(-work->error));
        view->is_stale = true;
        lookup_release(view, "what is told could not be read: try again");
        return;
    }
    if (view->is_void) { /* the rules of who sees what changed meanwhile, or nobody asked any more */
        lookup_index_destroy(&work->index);
        lookup_settle(view);
        return;
    }
    lookup_index_destroy(&view->index);
    view->index = work->index;
    stats = bl_index_stats(view->index->index);
    tip_info("lookup.built", "tlp=%s hosts=%zu others=%zu records=%zu bytes=%zu took_ms=%lld", tip_tlp_name(view->tlp),
             stats.n_ip4, stats.n_text, stats.n_records, stats.bytes, (long long)view->took_ms);
    tip_metric_inc(view->app->m[APP_M_LOOKUP_BUILDS]);
    lookup_release(view, "the service ends");
    lookup_settle(view);
}

static void lookup_build(struct lookup_view *view)
{
    struct app *app = view->app;
    struct lookup_work work = {.order = {.stream = *tip_outbox_stream(app->outbox), .now_unix_ms = tip_loop_wall_ms()}};

    strcpy(work.order.dir, app->dir);
    work.order.shelf = app->shelf;
    snapshot_lists(app, view->tlp, &work.order);
    work.order.allow = operator_seen(app, view->tlp);
    work.order.witnesses = observe_at(app, observe_stands(app), view->tlp);
    if (tip_pool_submit(
            app->pool,
            &(struct tip_pool_job){
                .input = &work, .size = sizeof(work), .work = lookup_work_run, .done = lookup_on_built, .ctx = view})) {
        lookup_work_deinit(&work); /* the pool is full: the next tick tries again */
        return;
    }
    view->is_building = true;
    view->is_stale = view->is_void = false;
    view->began_ms = tip_loop_now_ms();
}

static bool lookup_is_resting(const struct lookup_view *view)
{
    return view->index && tip_loop_now_ms() - view->ended_ms < LOOKUP_REST_FACTOR * view->took_ms;
}

/* Builds what is wanted and is not there, or is not true any more. */
static void lookup_settle(struct lookup_view *view)
{
    if (!view->app || view->app->is_stopping || !view->is_wanted || view->is_building || lookup_is_resting(view))
        return;
    if (!view->index || view->is_stale)
        lookup_build(view);
}

/* ---- what the rest of the service says ---- */

void lookup_touch(struct app *app)
{
    for (size_t i = TIP_TLP_CLEAR; i < TIP_TLP_COUNT; i++) {
        app->lookups[i].is_stale = true;
        lookup_settle(&app->lookups[i]);
    }
}

void lookup_void(struct app *app)
{
    for (size_t i = TIP_TLP_CLEAR; i < TIP_TLP_COUNT; i++) {
        app->lookups[i].is_void = true;
        lookup_index_destroy(&app->lookups[i].index);
        lookup_settle(&app->lookups[i]);
    }
}

void lookup_tick(struct app *app)
{
    for (size_t i = TIP_TLP_CLEAR; i < TIP_TLP_COUNT; i++) {
        struct lookup_view *view = &app->lookups[i];

        lookup_forget(view);
        lookup_settle(view);
    }
}

void lookup_on_metrics(struct app *app)
{
    size_t entries = 0, bytes = 0;

    for (size_t i = TIP_TLP_CLEAR; i < TIP_TLP_COUNT; i++) {
        struct bl_index_stats stats = {0};

        if (app->lookups[i].index)
            stats = bl_index_stats(app->lookups[i].index->index);
        entries += stats.n_ip4 + stats.n_text;
        bytes += stats.bytes;
    }
    tip_metric_set(app->m[APP_M_LOOKUP_ENTRIES], (double)entries);
    tip_metric_set(app->m[APP_M_LOOKUP_BYTES], (double)bytes);
}

/* ---- beginning and end ---- */

int lookup_open(struct app *app)
{
    int r = 0;

    for (enum tip_tlp tlp = TIP_TLP_CLEAR; !r && tlp < TIP_TLP_COUNT; tlp++) {
        struct lookup_view *view = &app->lookups[tlp];
        tip_auto(tip_buf_deinit) struct tip_buf queue;

        view->app = app;
        view->tlp = tlp;
        tip_buf_init(&queue, TIP_NAME_MAX);
        r = tip_buf_append_format(&queue, "%s%s", TIP_QUEUE_LOOKUP, tip_tlp_name(tlp));
        r = r ? r : tip_serve_open(&view->queue, app->bus, tip_buf_text(&queue), LOOKUP_CREDIT, lookup_on_job, view);
    }
    return r;
}

void lookup_free(struct app *app)
{
    for (size_t i = TIP_TLP_CLEAR; i < TIP_TLP_COUNT; i++) {
        lookup_index_destroy(&app->lookups[i].index);
        lookup_release(&app->lookups[i], "the service ends");
        tip_serve_destroy(&app->lookups[i].queue);
    }
}
