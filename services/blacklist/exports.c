#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tip/alloc.h>
#include <tip/clock.h>
#include <tip/crc32c.h>
#include <tip/log.h>
#include <topics.h>

#include "app.h"

enum { EXPORT_AGAIN_MS = 3600 * 1000 }; /* what ends by time alone ends here, too */

struct app_export *exports_find(struct app *app, const char *name)
{
    for (size_t i = 0; i < app->exports.n; i++) {
        if (!strcmp(app->exports.items[i].spec.name, name))
            return &app->exports.items[i];
    }
    return NULL;
}

void exports_dir(const struct app *app, const char *name, char dir[static WORK_PATH + 32])
{
    (void)snprintf(dir, WORK_PATH + 32, "%s/%s", app->exports.dir, name); /* names are short */
}

/* ---- configuration ---- */

static int exports_make_dir(struct app *app, const struct bl_options *options)
{
    struct app_exports *exports = &app->exports;
    int n;

    if (options->export_dir)
        n = snprintf(exports->dir, sizeof(exports->dir), "%s", options->export_dir);
    else
        n = snprintf(exports->dir, sizeof(exports->dir), "%s/exports", tip_service_data_dir(app->service));
    if (n < 0 || (size_t)n >= sizeof(exports->dir))
        return -ENAMETOOLONG;
    return options->exports.n ? bl_export_make_dir(exports->dir) : 0;
}

/* What is in force after a start stands on the disk. */
static void exports_begin(struct app *app, struct app_export *export)
{
    tip_auto(bl_export_last_close) struct bl_export_last last = {0};
    char dir[WORK_PATH + 32];

    exports_dir(app, export->spec.name, dir);
    if (!bl_export_last_open(&last, dir))
        export->mark = last.mark;
    export->n_entries = export->mark.n_items;
}

int exports_configure(struct app *app, const struct bl_options *options)
{
    tip_auto(export_specs_deinit) struct export_specs specs = {0};
    struct app_exports *exports = &app->exports;
    struct app_export *items;
    int r = exports_make_dir(app, options);

    if (r)
        return r;
    (void)!export_specs_make(&specs, &options->exports, NULL); /* they were checked before the start */
    items = tip_new_array(specs.n, struct app_export);
    for (size_t i = 0; i < specs.n; i++) {
        const struct app_export *old = exports_find(app, specs.items[i].name);

        if (old)
            items[i] = *old;
        items[i].spec = specs.items[i];
        items[i].is_due = true;
        if (!old)
            exports_begin(app, &items[i]);
        else if (export_fingerprint(&old->spec) != export_fingerprint(&specs.items[i]))
            items[i].started_ms = 0; /* until it is worked out anew there is nothing to give */
    }
    free(exports->items);
    exports->items = items;
    exports->n = specs.n;
    exports->interval_ms = options->export_interval_ms;
    (void)snprintf(exports->producer, sizeof(exports->producer), "%s", options->contact ? options->contact : "TIP");
    return 0;
}

void exports_free(struct app *app)
{
    free(app->exports.items);
}

void exports_touch(struct app *app)
{
    for (size_t i = 0; i < app->exports.n; i++)
        app->exports.items[i].is_due = true;
}

/* ---- an order for the pool ---- */

/* In the order of names, as the lists are: so what is written does not depend on the order in which they came. */
static void exports_sources(struct app *app, struct export_job *job)
{
    job->n_sources = job->order.n_lists;
    job->sources = tip_new_array(job->n_sources, struct export_source);
    for (size_t i = 0; i < job->n_sources; i++) {
        const struct bl_spec *spec = bl_specs_find(&app->specs, job->order.lists[i].name);

        if (!spec)
            continue;
        job->sources[i].category = spec->category;
        job->sources[i].attribution = spec->attribution ? tip_strdup(spec->attribution) : NULL;
        job->sources[i].licence = spec->licence ? tip_strdup(spec->licence) : NULL;
    }
}

/* Changes when a list is marked otherwise, or what may be given on. Sources stay, so nothing else moves it. */
static uint32_t exports_withheld(const struct app *app, enum tip_tlp audience)
{
    struct app_source *source, *next;
    uint32_t withheld = 0;

    tip_hash_each (app->sources, source, next) {
        if (app_source_tlp(source) > audience)
            withheld += tip_crc32c(0, source->name, strlen(source->name)); /* in any order */
    }
    return withheld;
}

static void exports_alarm(struct app *app, const struct app_export *export, bool raised)
{
    char name[EXPORT_NAME + sizeof("export_")];
    struct tip_event event = {.id = tip_id_new(app->loop),
                              .kind = TIP_EVENT_SYSTEM_ALARM,
                              .kind_name = "",
                              .observed_unix_ms = tip_loop_wall_ms()};
    char topic[TIP_TOPIC_MAX + 1];
    int r = tip_topic(topic, TIP_TOPIC_SYSTEM_ALARM, tip_service_name(app->service));

    (void)snprintf(name, sizeof(name), "export_%s", export->spec.name); /* it fits */
    event.system_alarm = (struct tip_system_alarm){
        .service = tip_service_name(app->service), .name = name, .detail = export->why, .raised = raised};
    r = r ? r : tip_bus_live(app->bus, topic, TIP_TLP_AMBER, &event);
    if (r)
        tip_warn("alarm.lost", "name=%s error=%s", name, strerror(-r));
}

static void exports_say(struct app *app, const struct app_export *export, enum export_end before)
{
    static const int metrics[EXPORT_END_COUNT] = {[EXPORT_UNCHANGED] = APP_M_EXPORTS_UNCHANGED,
                                                  [EXPORT_WRITTEN] = APP_M_EXPORTS_WRITTEN,
                                                  [EXPORT_FAILED] = APP_M_EXPORTS_FAILED};

    if (metrics[export->end])
        tip_metric_inc(app->m[metrics[export->end]]);
    if (export->end == EXPORT_WRITTEN)
        tip_info("export.written", "view=%s entries=%zu serial=%" PRIu32, export->spec.name, export->n_entries,
                 export->mark.serial);
    else if (export->end == EXPORT_HELD)
        tip_warn("export.held", "view=%s why=%s", export->spec.name, export->why);
    else if (export->end == EXPORT_FAILED)
        tip_error("export.failed", "view=%s why=%s", export->spec.name, export->why);
    if (export->end == EXPORT_HELD || export->end == EXPORT_FAILED)
        exports_alarm(app, export, true);
    else if (before == EXPORT_HELD || before == EXPORT_FAILED)
        exports_alarm(app, export, false);
}

static void exports_end(struct app *app, struct app_export *export, const struct export_job *job)
{
    enum export_end before = export->end;

    export->end = job->end;
    strcpy(export->why, job->why);
    export->n_entries = job->n_entries;
    export->n_before = job->n_before;
    export->n_gone = job->n_gone;
    if (job->end != EXPORT_FAILED) /* what was published before may not even have been found */
        export->mark = job->mark;
    export->ran_unix_ms = tip_loop_wall_ms();
    export->n_runs++;
    if (job->is_released && job->end != EXPORT_FAILED) /* it was for this once, whatever came of it */
        export->is_released = false;
    exports_say(app, export, before);
}

static void exports_on_done(void *ctx, void *opaque)
{
    struct export_job *job = opaque;
    struct app *app = ctx;
    struct app_export *export = exports_find(app, job->spec.name);

    app->exports.is_running = false;
    if (export && export_fingerprint(&export->spec) == export_fingerprint(&job->spec))
        exports_end(app, export, job); /* else its record was changed meanwhile, and it is due again */
    export_job_deinit(job);
    if (!app->is_stopping)
        exports_tick(app);
}

static void exports_start(struct app *app, struct app_export *export)
{
    struct export_job job = {.spec = export->spec,
                             .withheld = exports_withheld(app, export->spec.audience),
                             .is_released = export->is_released,
                             .order = {.stream = *tip_outbox_stream(app->outbox), .now_unix_ms = tip_loop_wall_ms()}};

    exports_dir(app, export->spec.name, job.dir);
    strcpy(job.producer, app->exports.producer);
    strcpy(job.order.dir, app->dir);
    job.order.shelf = app->shelf;
    snapshot_lists(app, export->spec.audience, &job.order);
    job.order.allow = operator_seen(app, export->spec.audience);
    job.order.witnesses = observe_at(app, observe_stands(app), export->spec.audience);
    exports_sources(app, &job);
    if (tip_pool_submit(
            app->pool,
            &(struct tip_pool_job){
                .input = &job, .size = sizeof(job), .work = export_job_run, .done = exports_on_done, .ctx = app})) {
        export_job_deinit(&job); /* the pool is full: the next tick tries again */
        return;
    }
    export->is_due = false;
    export->started_ms = tip_loop_now_ms();
    app->exports.is_running = true;
}

static bool exports_is_ready(const struct app *app, const struct app_export *export)
{
    int64_t rested_ms = tip_loop_now_ms() - export->started_ms;

    if (!export->started_ms)
        return true;
    return rested_ms >= EXPORT_AGAIN_MS || (export->is_due && rested_ms >= app->exports.interval_ms);
}

/* The one that has waited longest. */
void exports_tick(struct app *app)
{
    struct app_export *chosen = NULL;

    if (app->exports.is_running || app->is_stopping)
        return;
    for (size_t i = 0; i < app->exports.n; i++) {
        struct app_export *export = &app->exports.items[i];

        if (exports_is_ready(app, export) && (!chosen || export->started_ms < chosen->started_ms))
            chosen = export;
    }
    if (chosen)
        exports_start(app, chosen);
}

void exports_on_metrics(struct app *app)
{
    size_t n_held = 0;
    uint64_t entries = 0;

    for (size_t i = 0; i < app->exports.n; i++) {
        n_held += app->exports.items[i].end == EXPORT_HELD;
        entries += app->exports.items[i].mark.n_items;
    }
    tip_metric_set(app->m[APP_M_EXPORTS_HELD], (double)n_held);
    tip_metric_set(app->m[APP_M_EXPORT_ENTRIES], (double)entries);
}
