#include "collect.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <tip/alloc.h>
#include <tip/log.h>

#include "core/etiquette.h"

/* ---- fetching ---- */

static size_t collect_n_fetching(struct app *app)
{
    struct app_source *source, *next;
    size_t n = 0;

    tip_hash_each (app->sources, source, next)
        n += source->fetch != NULL;
    return n;
}

/* The one that waits longest among those whose host is free. */
static struct app_source *collect_next(struct app *app)
{
    struct app_source *source, *next, *best = NULL;
    char host[256];

    tip_hash_each (app->sources, source, next) {
        if (source->machine.phase != BL_SOURCE_QUEUED || !source->spec || source->start_unix_ms > tip_loop_wall_ms() ||
            (best && best->asked < source->asked))
            continue;
        bl_spec_host(source->spec->url, host);
        if (!pace_host_is_busy(app, host))
            best = source;
    }
    return best;
}

void collect_go_on(struct app *app)
{
    struct app_source *source, *next;

    while (!app->is_stopping && !pause_is_on(app) && (int64_t)collect_n_fetching(app) < app->concurrency &&
           (source = collect_next(app)))
        collect_step(source, BL_SOURCE_EV_SLOT);
    tip_hash_each (app->sources, source, next)
        collect_settle(source);
}

static void collect_go_on_soon(void *ctx)
{
    collect_go_on(ctx);
}

static void collect_failed(struct app_source *source, const char *reason, const char *detail)
{
    collect_end(source, false, reason, detail);
    collect_step(source, BL_SOURCE_EV_FAILED);
}

static void collect_on_fetched(void *ctx, const struct bl_fetched *fetched)
{
    struct app_source *source = ctx;
    char reason[32];
    char detail[STATE_DETAIL + 1];

    strcpy(reason, fetched->reason);
    collect_text(detail, sizeof(detail), fetched->detail);
    source->retry_after_ms = pace_heard(source, fetched);
    tip_metric_add(source->app->m[APP_M_BYTES], fetched->n_bytes);
    if (!*reason || !strcmp(reason, "unchanged"))
        source->fetched = fetched->validators;
    bl_fetch_destroy(&source->fetch);
    if (!*reason) {
        collect_step(source, BL_SOURCE_EV_BODY);
    } else if (!strcmp(reason, "unchanged") || !strcmp(reason, "not_modified")) {
        if (!strcmp(reason, "unchanged"))
            source->stored.validators = source->fetched;
        tip_metric_inc(source->app->m[APP_M_NOT_MODIFIED]);
        source->stored.n_added = source->stored.n_removed = source->stored.n_changed = 0;
        collect_end(source, true, reason, *detail ? detail : "the same bytes as last time");
        collect_step(source, BL_SOURCE_EV_NOT_MODIFIED);
    } else {
        collect_failed(source, reason, detail);
    }
    collect_go_on(source->app);
}

static void collect_fetch(struct app_source *source)
{
    struct app *app = source->app;
    struct bl_fetch_order order = {
        .spec = source->spec,
        .user_agent = app->user_agent,
        .path = source->body,
        .validators = source->stored.validators,
        .on_end = collect_on_fetched,
        .ctx = source,
    };
    int r;

    if (!source->stored.version || source->stored.fingerprint != (int64_t)source->spec->fingerprint ||
        source->stored.guard.held_since_unix_ms)
        order.validators.known = false;
    bl_spec_host(source->spec->url, source->host);
    (void)snprintf(source->body, sizeof(source->body), "%s/%s-%" PRIu64 ".fetch", app->dir, source->name,
                   ++app->n_bodies);
    source->stored.asked_unix_ms = tip_loop_wall_ms();
    tip_metric_inc(app->m[APP_M_FETCHES]);
    r = bl_fetch_open(&source->fetch, app->http, &order);
    if (r)
        collect_failed(source, "io_error", strerror(-r));
}

/* ---- reading ---- */

void collect_order(const struct app_source *source, const struct bl_spec *spec, struct work_parse *job)
{
    *job = (struct work_parse){
        .format = spec->format,
        .can_be_empty = spec->can_be_empty,
        .container = spec->container,
        .max_bytes = spec->max_bytes,
        .from = source->stored.version,
        .to = source->stored.last_number + 1,
        .has_new_rules = source->stored.fingerprint != (int64_t)spec->fingerprint,
        .is_guarded = spec->guard && source->stored.fingerprint == (int64_t)spec->fingerprint,
        .guard = source->stored.guard,
        .interval_ms = spec->interval_ms,
        .changed_unix_ms = source->stored.changed_unix_ms,
        .now_unix_ms = tip_loop_wall_ms(),
        .ok_unix_ms = source->stored.ok_unix_ms,
    };
    if (!job->is_guarded)
        job->guard = (struct bl_guard){0}; /* read by other rules, or not watched: what was learned means nothing */
    job->is_held = source->stored.is_held;
    job->is_guarded = job->is_guarded && !job->is_held;
    strcpy(job->dir, source->app->dir);
    job->shelf = source->app->shelf;
    strcpy(job->name, source->name);
    strcpy(job->member, spec->member);
}

/* What was held may have been released while the job had its copy. */
static void collect_guard(struct app_source *source, const struct work_parse *job)
{
    struct bl_guard *guard = &source->stored.guard;
    bool is_released = guard->is_released && guard->held_since_unix_ms == job->guard.held_since_unix_ms;

    *guard = job->guard;
    if (is_released)
        guard->is_released = 1;
}

static void collect_counts(struct bl_stored *stored, const struct work_parse *job)
{
    stored->n_entries = job->n_entries;
    stored->n_added = job->n_added;
    stored->n_removed = job->n_removed;
    stored->n_changed = job->n_changed;
    stored->n_lines = job->report.n_lines;
    stored->n_rejected = job->report.n_rejected;
    stored->n_special = job->report.n_special;
    stored->n_bytes = job->n_bytes;
}

void collect_changed(struct app_source *source, const struct work_parse *job)
{
    struct app *app = source->app;
    struct tip_outbox_txn *txn = app_begin(app);
    bool is_first = !source->stored.version;
    struct bl_law law = is_first ? app_source_law(source) : bl_stored_law(&source->stored);
    struct bl_job publish = {.kind = WORK_VERSION,
                             .from = job->from,
                             .to = job->to,
                             .before = law,
                             .after = law,
                             .kin_after = is_first ? app_source_kin(source) : source->stored.kin,
                             .kin_of_after = is_first ? app_source_kin_of(source) : source->stored.kin_of,
                             .baseline_id = tip_id_random()};
    int r;

    strcpy(publish.name, source->name);
    source->stored.pending = source->stored.last_number = job->to;
    source->stored.validators = source->fetched;
    source->stored.fingerprint = job->fingerprint;
    source->stored.fetched_unix_ms = source->stored.changed_unix_ms = tip_loop_wall_ms();
    collect_guard(source, job);
    collect_counts(&source->stored, job);
    r = app_source_put(txn, source);
    r = r ? r : app_report_put(txn, source->name, &job->report);
    r = r ? r : publish_add(app, txn, &publish);
    app_commit(app, &txn, r);
}

static void collect_same(struct app_source *source, const struct work_parse *job)
{
    source->stored.validators = source->fetched;
    source->stored.fingerprint = job->fingerprint;
    collect_guard(source, job);
    source->stored.n_lines = job->report.n_lines;
    source->stored.n_rejected = job->report.n_rejected;
    source->stored.n_added = source->stored.n_removed = source->stored.n_changed = 0;
    collect_end(source, true, job->why, job->detail);
    collect_step(source, BL_SOURCE_EV_SAME);
}

/* Compared, and thrown away: what would have changed is said, and the body is fetched again once it is released. */
static void collect_held(struct app_source *source, const struct work_parse *job)
{
    char detail[STATE_DETAIL + 1];

    bl_files_remove(job->dir, job->name, job->to);
    source->stored.n_added = job->n_added;
    source->stored.n_removed = job->n_removed;
    source->stored.n_changed = job->n_changed;
    (void)snprintf(detail, sizeof(detail), "held: %" PRIu64 " would be added, %" PRIu64 " removed", job->n_added,
                   job->n_removed);
    collect_end(source, true, "held", detail);
    source->end.is_held = true;
    collect_step(source, BL_SOURCE_EV_SAME);
}

/* The guard does not believe it: it is fetched again soon, whole, until later ones agree or an operator releases it. */
static void collect_guarded(struct app_source *source, const struct work_parse *job)
{
    collect_guard(source, job);
    source->stored.n_added = job->n_added;
    source->stored.n_removed = job->n_removed;
    source->stored.n_changed = job->n_changed;
    collect_end(source, true, job->hold, job->detail);
    source->end.is_held = source->end.is_guarded = true;
    collect_step(source, BL_SOURCE_EV_SAME);
}

static void collect_on_parsed(void *ctx, void *opaque)
{
    struct work_parse *job = opaque;
    struct app_source *source = app_source_find(ctx, job->name);

    if (!source) /* cannot be: sources stay */
        return;
    tip_metric_add(source->app->m[APP_M_LINES], job->report.n_lines);
    tip_metric_add(source->app->m[APP_M_REJECTED], job->report.n_rejected);
    if (*job->why || *job->hold)
        source->end.report = tip_memdup(&job->report, sizeof(job->report));
    if (*job->hold) {
        collect_guarded(source, job);
    } else if (!*job->why && (source->stored.is_held || job->is_held)) {
        collect_held(source, job);
    } else if (!*job->why) {
        collect_changed(source, job);
        collect_step(source, BL_SOURCE_EV_CHANGED);
    } else if (!strcmp(job->why, "unchanged")) {
        collect_same(source, job);
    } else {
        if (!strcmp(job->why, "lost_version"))
            source->stored.version = 0; /* the next one is a baseline */
        collect_failed(source, job->why, job->detail);
    }
    collect_go_on(source->app);
}

static void collect_parse(struct app_source *source)
{
    struct work_parse job;
    int r;

    if (!source->spec) {
        (void)unlink(source->body); /* what stays is swept at the next start */
        collect_failed(source, "removed", "its file is gone");
        return;
    }
    collect_order(source, source->spec, &job);
    strcpy(job.body, source->body);
    job.fingerprint = source->spec->fingerprint;
    r = tip_pool_submit(
        source->app->pool,
        &(struct tip_pool_job){
            .input = &job, .size = sizeof(job), .work = work_parse_run, .done = collect_on_parsed, .ctx = source->app});
    if (r) {
        (void)unlink(source->body);
        collect_failed(source, "busy", "too many lists wait to be read");
    }
}

/* ---- the machine ---- */

/* Nobody waits for it: then not on the full hour, when everybody comes. */
static void collect_wait(struct app_source *source)
{
    source->start_unix_ms = 0;
    if (!source->is_urgent && source->spec)
        source->start_unix_ms = source->asked_unix_ms +
                                bl_etiquette_wait(source->spec->interval_ms, source->asked_unix_ms, collect_chance());
    source->is_urgent = false;
}

void collect_step(struct app_source *source, enum bl_source_event event)
{
    const char *before = bl_source_phase_name(source->machine.phase);
    enum bl_source_action action = bl_source_step(&source->machine, event);

    tip_debug("source.step", "source=%s event=%s before=%s after=%s", source->name, bl_source_event_name(event), before,
              bl_source_phase_name(source->machine.phase));
    switch (action) {
    case BL_SOURCE_ACT_NONE:
        if (event != BL_SOURCE_EV_ASK)
            tip_metric_inc(source->app->m[APP_M_UNEXPECTED]);
        return;
    case BL_SOURCE_ACT_WAIT:
        source->asked = ++source->app->n_asked;
        source->asked_unix_ms = tip_loop_wall_ms();
        collect_wait(source);
        return;
    case BL_SOURCE_ACT_FETCH:
        collect_fetch(source);
        return;
    case BL_SOURCE_ACT_PARSE:
        collect_parse(source);
        return;
    case BL_SOURCE_ACT_PUBLISH:
        publish_go_on(source->app);
        return;
    case BL_SOURCE_ACT_END_OK:
    case BL_SOURCE_ACT_END_FAILED:
        tip_loop_defer(source->app->loop, collect_go_on_soon, source->app);
        return;
    }
}

void collect_ask(struct app_source *source)
{
    if (!source->end.is_set) /* one that has ended but was not told yet is joined */
        collect_step(source, BL_SOURCE_EV_ASK);
}

void collect_cancel(struct app_source *source, const char *reason, const char *detail)
{
    if (source->machine.phase != BL_SOURCE_QUEUED && source->machine.phase != BL_SOURCE_FETCHING)
        return;
    bl_fetch_destroy(&source->fetch);
    collect_failed(source, reason, detail);
}

void collect_resume(struct app_source *source)
{
    collect_step(source, BL_SOURCE_EV_RESUME);
}
