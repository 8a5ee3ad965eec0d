#include "app.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <tip/admin.h>
#include <tip/alloc.h>
#include <tip/clock.h>
#include <tip/log.h>
#include <topics.h>

#include "io/store.h"

#define APP_TICK_MS     TIP_SECOND_MS
#define APP_PURGE_MS    TIP_MINUTE_MS
#define APP_REMEMBER_MS TIP_DAY_MS

enum { APP_STATE_BYTES = 16 * 1024, APP_POOL_JOBS = 4096 };

static const struct tip_metric_row app_metrics[APP_M_COUNT] = {
    [APP_M_FETCHES] = {TIP_METRIC_COUNTER, "tip_blacklist_fetches_total", "", "Transfers begun."},
    [APP_M_NOT_MODIFIED] = {TIP_METRIC_COUNTER, "tip_blacklist_not_modified_total", "",
                            "Transfers that found the body unchanged."},
    [APP_M_OK] = {TIP_METRIC_COUNTER, "tip_blacklist_collections_total", "end=\"ok\"", "Collections ended, by how."},
    [APP_M_FAILED] = {TIP_METRIC_COUNTER, "tip_blacklist_collections_total", "end=\"failed\"",
                      "Collections ended, by how."},
    [APP_M_BYTES] = {TIP_METRIC_COUNTER, "tip_blacklist_fetched_bytes_total", "", "Bytes of bodies."},
    [APP_M_LINES] = {TIP_METRIC_COUNTER, "tip_blacklist_lines_total", "", "Lines read."},
    [APP_M_REJECTED] = {TIP_METRIC_COUNTER, "tip_blacklist_rejected_lines_total", "", "Lines without an entry."},
    [APP_M_VERSIONS] = {TIP_METRIC_COUNTER, "tip_blacklist_versions_total", "", "Versions published."},
    [APP_M_PARTS] = {TIP_METRIC_COUNTER, "tip_blacklist_parts_total", "", "Events with listings or verdicts."},
    [APP_M_VERDICTS] = {TIP_METRIC_COUNTER, "tip_blacklist_verdicts_total", "", "Verdicts published."},
    [APP_M_RUNS] = {TIP_METRIC_COUNTER, "tip_blacklist_runs_total", "", "Runs heard of."},
    [APP_M_RUNS_REPEATED] = {TIP_METRIC_COUNTER, "tip_blacklist_runs_repeated_total", "", "Runs heard of again."},
    [APP_M_RUNS_EXPIRED] = {TIP_METRIC_COUNTER, "tip_blacklist_runs_expired_total", "", "Runs heard of too late."},
    [APP_M_MALFORMED] = {TIP_METRIC_COUNTER, "tip_blacklist_events_malformed_total", "", "Input that was no event."},
    [APP_M_BREAKS] = {TIP_METRIC_COUNTER, "tip_blacklist_input_breaks_total", "",
                      "Times that events may have been lost."},
    [APP_M_HELD_BACK] = {TIP_METRIC_COUNTER, "tip_blacklist_held_back_total", "",
                         "Times that something waited because the outbox is full."},
    [APP_M_CALLS] = {TIP_METRIC_COUNTER, "tip_blacklist_calls_total", "", "Calls of control.blacklist."},
    [APP_M_CALLS_REPEATED] = {TIP_METRIC_COUNTER, "tip_blacklist_calls_repeated_total", "",
                              "Calls answered again as before."},
    [APP_M_UNEXPECTED] = {TIP_METRIC_COUNTER, "tip_blacklist_unexpected_total", "",
                          "Things that happened to a source in a phase that does not know them."},
    [APP_M_SOURCES] = {TIP_METRIC_GAUGE, "tip_blacklist_sources", "", "Configured sources."},
    [APP_M_ENTRIES] = {TIP_METRIC_GAUGE, "tip_blacklist_entries", "", "Entries of all current versions."},
    [APP_M_JOBS] = {TIP_METRIC_GAUGE, "tip_blacklist_jobs", "", "Versions, baselines and weights to be published."},
    [APP_M_SNAPSHOTS] = {TIP_METRIC_COUNTER, "tip_blacklist_snapshots_total", "end=\"ok\"",
                         "Snapshots of the verdicts, by how they ended."},
    [APP_M_SNAPSHOTS_FAILED] = {TIP_METRIC_COUNTER, "tip_blacklist_snapshots_total", "end=\"failed\"",
                                "Snapshots of the verdicts, by how they ended."},
    [APP_M_SNAPSHOT_PAGES] = {TIP_METRIC_COUNTER, "tip_blacklist_snapshot_pages_total", "", "Pages sent."},
    [APP_M_SNAPSHOT_MISSED] = {TIP_METRIC_COUNTER, "tip_blacklist_snapshot_missed_total", "",
                               "Calls for pages that got none."},
    [APP_M_SNAPSHOT_BYTES] = {TIP_METRIC_GAUGE, "tip_blacklist_snapshot_bytes", "", "Of snapshots on the disk."},
    [APP_M_JOBS_AGAIN] = {TIP_METRIC_COUNTER, "tip_blacklist_jobs_again_total", "",
                          "Times that a job could not be planned for want of memory or descriptors."},
    [APP_M_RESTS] = {TIP_METRIC_COUNTER, "tip_blacklist_verdict_rests_total", "",
                     "Times that verdicts waited because verdict_rate was reached."},
    [APP_M_CLOCK_BACK] = {TIP_METRIC_COUNTER, "tip_blacklist_clock_back_total", "",
                          "Times that the score time was ahead of the clock by more than an hour and went back."},
    [APP_M_PAUSED] = {TIP_METRIC_GAUGE, "tip_blacklist_paused", "",
                      "1 while nothing is collected because the bus takes nothing."},
    [APP_M_EXPORTS_WRITTEN] = {TIP_METRIC_COUNTER, "tip_blacklist_exports_total", "end=\"written\"",
                               "Exports worked out, by how they ended."},
    [APP_M_EXPORTS_UNCHANGED] = {TIP_METRIC_COUNTER, "tip_blacklist_exports_total", "end=\"unchanged\"",
                                 "Exports worked out, by how they ended."},
    [APP_M_EXPORTS_FAILED] = {TIP_METRIC_COUNTER, "tip_blacklist_exports_total", "end=\"failed\"",
                              "Exports worked out, by how they ended."},
    [APP_M_EXPORTS_HELD] = {TIP_METRIC_GAUGE, "tip_blacklist_exports_held", "",
                            "Exports that are not published because they would lose too much, or are too large."},
    [APP_M_EXPORT_ENTRIES] = {TIP_METRIC_GAUGE, "tip_blacklist_export_entries", "", "Entries of all exports in force."},
    [APP_M_OBSERVED_TRAP] = {TIP_METRIC_COUNTER, "tip_blacklist_observations_total", "what=\"trap\"",
                             "TIP's own observations that were taken, by what saw them."},
    [APP_M_OBSERVED_FLUX] = {TIP_METRIC_COUNTER, "tip_blacklist_observations_total", "what=\"flux\"",
                             "TIP's own observations that were taken, by what saw them."},
    [APP_M_OBSERVED_SMTP] = {TIP_METRIC_COUNTER, "tip_blacklist_observations_total", "what=\"smtp\"",
                             "TIP's own observations that were taken, by what saw them."},
    [APP_M_OBSERVED_REPEATED] = {TIP_METRIC_COUNTER, "tip_blacklist_observations_repeated_total", "",
                                 "Observations that were known already."},
    [APP_M_UNBELIEVED_MALFORMED] = {TIP_METRIC_COUNTER, "tip_blacklist_observations_unbelieved_total",
                                    "why=\"malformed\"", "Observations that were not taken, by why."},
    [APP_M_UNBELIEVED_DEEP] = {TIP_METRIC_COUNTER, "tip_blacklist_observations_unbelieved_total", "why=\"deep\"",
                               "Observations that were not taken, by why."},
    [APP_M_UNBELIEVED_TREATED] = {TIP_METRIC_COUNTER, "tip_blacklist_observations_unbelieved_total", "why=\"treated\"",
                                  "Observations that were not taken, by why."},
    [APP_M_UNBELIEVED_UNSCORED] = {TIP_METRIC_COUNTER, "tip_blacklist_observations_unbelieved_total",
                                   "why=\"unscored\"", "Observations that were not taken, by why."},
    [APP_M_UNBELIEVED_LATE] = {TIP_METRIC_COUNTER, "tip_blacklist_observations_unbelieved_total", "why=\"late\"",
                               "Observations that were not taken, by why."},
    [APP_M_UNBELIEVED_FULL] = {TIP_METRIC_COUNTER, "tip_blacklist_observations_unbelieved_total", "why=\"full\"",
                               "Observations that were not taken, by why."},
    [APP_M_FORGOTTEN_FULL_TRAP] = {TIP_METRIC_COUNTER, "tip_blacklist_observations_forgotten_total",
                                   "why=\"full\",what=\"trap\"",
                                   "Observations that were forgotten, by why and what had seen them."},
    [APP_M_FORGOTTEN_FULL_FLUX] = {TIP_METRIC_COUNTER, "tip_blacklist_observations_forgotten_total",
                                   "why=\"full\",what=\"flux\"",
                                   "Observations that were forgotten, by why and what had seen them."},
    [APP_M_FORGOTTEN_FULL_SMTP] = {TIP_METRIC_COUNTER, "tip_blacklist_observations_forgotten_total",
                                   "why=\"full\",what=\"smtp\"",
                                   "Observations that were forgotten, by why and what had seen them."},
    [APP_M_FORGOTTEN_OVER_TRAP] = {TIP_METRIC_COUNTER, "tip_blacklist_observations_forgotten_total",
                                   "why=\"old\",what=\"trap\"",
                                   "Observations that were forgotten, by why and what had seen them."},
    [APP_M_FORGOTTEN_OVER_FLUX] = {TIP_METRIC_COUNTER, "tip_blacklist_observations_forgotten_total",
                                   "why=\"old\",what=\"flux\"",
                                   "Observations that were forgotten, by why and what had seen them."},
    [APP_M_FORGOTTEN_OVER_SMTP] = {TIP_METRIC_COUNTER, "tip_blacklist_observations_forgotten_total",
                                   "why=\"old\",what=\"smtp\"",
                                   "Observations that were forgotten, by why and what had seen them."},
    [APP_M_OBSERVATIONS_TRAP] = {TIP_METRIC_GAUGE, "tip_blacklist_observations", "what=\"trap\"",
                                 "Observations that are kept, by what saw them."},
    [APP_M_OBSERVATIONS_FLUX] = {TIP_METRIC_GAUGE, "tip_blacklist_observations", "what=\"flux\"",
                                 "Observations that are kept, by what saw them."},
    [APP_M_OBSERVATIONS_SMTP] = {TIP_METRIC_GAUGE, "tip_blacklist_observations", "what=\"smtp\"",
                                 "Observations that are kept, by what saw them."},
    [APP_M_EXEMPTED] = {TIP_METRIC_COUNTER, "tip_blacklist_exempted_total", "",
                        "Verdicts published that a reference list has put down."},
    [APP_M_EXEMPT_LISTS] = {TIP_METRIC_GAUGE, "tip_blacklist_exempt_lists", "",
                            "Reference lists in force for what they exempt."},
    [APP_M_EXEMPT_ENTRIES] = {TIP_METRIC_GAUGE, "tip_blacklist_exempt_entries", "",
                              "Ranges and names that they exempt."},
    [APP_M_LOOKUPS] = {TIP_METRIC_COUNTER, "tip_blacklist_lookups_total", "end=\"ok\"",
                       "Calls of verdict.lookup, by how they ended."},
    [APP_M_LOOKUPS_REFUSED] = {TIP_METRIC_COUNTER, "tip_blacklist_lookups_total", "end=\"refused\"",
                               "Calls of verdict.lookup, by how they ended."},
    [APP_M_LOOKUP_INDICATORS] = {TIP_METRIC_COUNTER, "tip_blacklist_lookup_indicators_total", "",
                                 "Indicators that were looked up."},
    [APP_M_LOOKUP_BUILDS] = {TIP_METRIC_COUNTER, "tip_blacklist_lookup_indexes_total", "",
                             "Indexes built for lookups."},
    [APP_M_LOOKUP_ENTRIES] = {TIP_METRIC_GAUGE, "tip_blacklist_lookup_entries", "",
                              "Verdicts in the indexes of all audiences that ask."},
    [APP_M_LOOKUP_BYTES] = {TIP_METRIC_GAUGE, "tip_blacklist_lookup_bytes", "", "Of those indexes, in memory."},
    [APP_M_SHELF_CHECKED] = {TIP_METRIC_COUNTER, "tip_blacklist_shelf_total", "end=\"checked\"",
                             "Files of what sources have said that were asked for, by whether they were mapped and "
                             "checked already."},
    [APP_M_SHELF_TAKEN] = {TIP_METRIC_COUNTER, "tip_blacklist_shelf_total", "end=\"taken\"",
                           "Files of what sources have said that were asked for, by whether they were mapped and "
                           "checked already."},
    [APP_M_SHELF_BYTES] = {TIP_METRIC_GAUGE, "tip_blacklist_shelf_bytes", "", "Of those that stay mapped."},
};

/* ---- transactions ---- */

bool app_has_room(struct app *app, size_t bytes)
{
    if (tip_outbox_has_room(app->outbox, bytes))
        return true;
    tip_metric_inc(app->m[APP_M_HELD_BACK]);
    return false;
}

struct tip_outbox_txn *app_begin(struct app *app)
{
    struct tip_outbox_txn *txn = NULL;

    if (tip_outbox_begin(app->outbox, &txn)) {
        tip_error("outbox.failed", "error=%s", "cannot begin a transaction");
        abort();
    }
    return txn;
}

void app_commit(struct app *app, struct tip_outbox_txn **txnp, int r)
{
    if (!r)
        r = tip_outbox_commit(txnp);
    else
        tip_outbox_abort(txnp);
    if (!r)
        return;
    app->is_stopping = true; /* what is in memory is ahead of what is stored: nothing may follow from it */
    tip_service_fail(app->service, "cannot store what happened: %s", strerror(-r));
}

int app_publish(struct app *app, struct tip_outbox_txn *txn, const char *prefix, const char *name, enum tip_tlp tlp,
                struct tip_event *event)
{
    char topic[TIP_TOPIC_MAX + 1];
    int r = tip_topic(topic, prefix, name);

    event->id = tip_id_new(app->loop);
    event->observed_unix_ms = tip_loop_wall_ms();
    return r ? r : tip_outbox_publish(txn, topic, tlp, event, NULL);
}

int app_deed_tell(struct app *app, struct tip_outbox_txn *txn, const struct app_deed *deed)
{
    struct tip_event event = {.kind = TIP_EVENT_CONTROL_APPLIED,
                              .kind_name = "",
                              .control_applied = {.service = "blacklist",
                                                  .actor = deed->actor ? deed->actor : "blacklist",
                                                  .action = deed->action,
                                                  .target = deed->target,
                                                  .reason = deed->reason,
                                                  .call_id = deed->call_id ? *deed->call_id : tip_id_new(app->loop),
                                                  .result = deed->result,
                                                  .ok = true}};

    return app_publish(app, txn, TIP_TOPIC_CONTROL_APPLIED, "blacklist", TIP_TLP_AMBER, &event);
}

/* ---- sources ---- */

struct app_source *app_source_find(struct app *app, const char *name)
{
    struct app_source *source;

    tip_hash_find_text(app->sources, name, source);
    return source;
}

int app_source_put(struct tip_outbox_txn *txn, const struct app_source *source)
{
    tip_auto(tip_buf_deinit) struct tip_buf bytes;
    int r;

    tip_buf_init(&bytes, APP_STATE_BYTES);
    r = codec_stored_write(&source->stored, &bytes);
    return r ? r : store_put(txn, STORE_SOURCE, source->name, strlen(source->name), bytes.data, bytes.len);
}

bool app_source_is_over(const struct app_source *source)
{
    return !source->spec || source->stored.override == BL_OVERRIDE_RETIRED;
}

enum tip_tlp app_source_tlp(const struct app_source *source)
{
    if (source->spec)
        return source->spec->tlp;
    return source->stored.tlp ? (enum tip_tlp)source->stored.tlp : TIP_TLP_AMBER;
}

int app_report_put(struct tip_outbox_txn *txn, const char *name, const struct bl_report *report)
{
    tip_auto(tip_buf_deinit) struct tip_buf bytes;
    int r;

    tip_buf_init(&bytes, 2 * sizeof(*report));
    r = codec_report_write(report, &bytes);
    return r ? r : store_put(txn, STORE_REPORT, name, strlen(name), bytes.data, bytes.len);
}

struct bl_report *app_report_get(struct tip_outbox_txn *txn, const char *name)
{
    tip_auto(tip_free) struct bl_report *report = tip_new(struct bl_report);
    const void *bytes;
    size_t n;

    if (store_get(txn, STORE_REPORT, name, strlen(name), &bytes, &n) || codec_report_read(report, bytes, n))
        return NULL;
    return tip_take(report);
}

static struct app_source *app_source_add(struct app *app, const char *name)
{
    struct app_source *source = tip_new(struct app_source);

    source->app = app;
    (void)snprintf(source->name, sizeof(source->name), "%s", name);
    tip_hash_add_text(app->sources, name, source);
    return source;
}

static void app_sources_free(struct app *app)
{
    struct app_source *source, *next;

    tip_hash_each (app->sources, source, next) {
        tip_hash_remove(app->sources, source);
        bl_fetch_destroy(&source->fetch);
        free(source->end.report);
        free(source);
    }
}

/* Joins the sources with their files. What a new rule means is worked out by the next run. */
static void app_configure(struct app *app, const struct bl_options *options)
{
    struct app_source *source, *next;

    app->concurrency = options->concurrency;
    app->n_new_allowed = options->new_allow_private.n;
    for (size_t i = 0; i < app->n_new_allowed; i++)
        app->new_allowed[i] = options->new_allow_private.items[i];
    app->interval_floor_ms = options->interval_floor_ms;
    app->has_contact = options->contact && *options->contact;
    free(app->user_agent);
    app->user_agent = tip_strdup(options->user_agent);
    if (!app->user_agent && asprintf(&app->user_agent, "TIP/" TIP_VERSION " (+%s)",
                                     options->contact ? options->contact : "https://www.tip-project.example/") == -1)
        abort();
    app->verdict_rate = options->verdict_rate;
    bl_shelf_bound(app->shelf, (uint64_t)options->shelf_bytes);
    tip_hash_each (app->sources, source, next)
        source->spec = bl_specs_find(&app->specs, source->name);
    for (size_t i = 0; i < app->specs.n; i++) {
        source = app_source_find(app, app->specs.items[i].name);
        if (!source)
            source = app_source_add(app, app->specs.items[i].name);
        source->spec = &app->specs.items[i];
        if (source->stored.fingerprint != (int64_t)source->spec->fingerprint)
            source->machine.next_unix_ms = 0;
    }
    voters_configure(app);
    clock_configure(app, options);
}

/*
 * Over, and others still have something of it: what it lists, also when its version was lost; or that it failed, though
 * it never listed anything.
 */
static bool app_source_has_to_end(const struct app_source *source)
{
    const struct bl_stored *stored = &source->stored;

    return !bl_source_busy(&source->machine) && !source->end.is_set && !stored->is_held &&
           (stored->n_entries || (!stored->version && *stored->reason));
}

/* What is over ends; weights that changed are told. */
static void app_settle_sources(struct app *app)
{
    struct app_source *source, *next;
    struct tip_outbox_txn *txn;
    int r = 0;

    tip_hash_each (app->sources, source, next) {
        if (!app_source_is_over(source))
            continue;
        if (source->spec)
            collect_cancel(source, "retired", "an operator has retired it");
        else
            collect_cancel(source, "removed", "its file is gone");
        if (app_source_has_to_end(source))
            collect_retire(source);
    }
    txn = app_begin(app);
    tip_hash_each (app->sources, source, next)
        r = r ? r : law_settle(source, txn);
    tip_hash_each (app->sources, source, next)
        r = r ? r : publish_weigh(source, txn);
    app_commit(app, &txn, r);
}

/* ---- time ---- */

static void app_tell_ready(struct app *app)
{
    struct tip_admin *admin = tip_service_admin(app->service);
    bool is_current = tip_fetch_is_current(app->fetch, NULL);

    tip_admin_ready(admin, "runs", is_current, "%s", is_current ? "all are heard" : "not all are heard yet");
}

static void app_purge(struct app *app)
{
    int64_t before = tip_loop_wall_ms() - APP_REMEMBER_MS;
    struct tip_outbox_txn *txn;
    int r;

    if (tip_loop_now_ms() - app->purged_ms < APP_PURGE_MS)
        return;
    app->purged_ms = tip_loop_now_ms();
    txn = app_begin(app);
    r = store_dated_purge(txn, STORE_SEEN, before);
    r = r ? r : store_dated_purge(txn, STORE_ANSWER, before);
    r = r ? r : input_put(app, txn);
    app_commit(app, &txn, r);
}

static void app_on_tick(void *ctx)
{
    struct app *app = ctx;

    app_tell_ready(app);
    pause_tick(app);
    operator_tick(app);
    observe_tick(app);
    collect_tick(app);
    stale_tick(app);
    weigh_tick(app);
    clock_tick(app);
    exempts_tick(app);
    runs_tick(app);
    app_settle_sources(app);
    publish_go_on(app);
    exports_tick(app);
    lookup_tick(app);
    bl_shelf_sweep(app->shelf);
    app_purge(app);
}

static void app_on_space(void *ctx)
{
    struct app *app = ctx;

    collect_go_on(app);
    publish_go_on(app);
}

/* ---- start ---- */

static int app_load_source(void *ctx, const void *key, size_t key_len, const void *bytes, size_t n)
{
    struct app *app = ctx;
    char name[TIP_NAME_MAX + 1];
    struct app_source *source;

    if (key_len > TIP_NAME_MAX)
        return 0;
    memcpy(name, key, key_len);
    name[key_len] = '\0';
    source = app_source_add(app, name);
    if (codec_stored_read(&source->stored, bytes, n))
        tip_error("source.unreadable", "source=%s", name);
    source->machine.next_unix_ms = source->stored.next_unix_ms;
    source->machine.n_failures = (uint32_t)source->stored.n_failures;
    source->machine.phase = source->stored.n_failures ? BL_SOURCE_BACKOFF : BL_SOURCE_IDLE;
    return 0;
}

static int app_load(struct app *app)
{
    tip_auto(tip_outbox_abort) struct tip_outbox_txn *txn = NULL;
    int r = tip_outbox_begin(app->outbox, &txn);

    r = r ? r : store_each(txn, STORE_SOURCE, app_load_source, app);
    r = r ? r : operator_load(app, txn);
    r = r ? r : observe_load(app, txn);
    r = r ? r : runs_load(app, txn);
    r = r ? r : publish_load(app, txn);
    r = r ? r : clock_load(app, txn);
    r = r ? r : tried_load(app, txn);
    r = r ? r : exempts_load(app, txn);
    r = r ? r : input_load(app, txn);
    return r ? r : tip_outbox_commit(&txn); /* what no build reads any more is gone */
}

static bool app_keeps(void *ctx, const char *name, uint64_t version)
{
    const struct app_source *source = app_source_find(ctx, name);

    return source && (version == source->stored.version || version == source->stored.pending);
}

/* Versions whose files are damaged are as if they had never been fetched. */
static int app_check_files(struct app *app)
{
    struct app_source *source, *next;

    bl_files_sweep(app->dir, app_keeps, app);
    tip_hash_each (app->sources, source, next) {
        tip_auto(bl_map_close) struct bl_map map = {0};
        int r = bl_map_open(&map, app->dir, source->name, source->stored.version);

        if (r && !bl_files_is_lost(r))
            return r;
        if (!r)
            continue;
        tip_error("version.lost", "source=%s version=%" PRIu64, source->name, source->stored.version);
        source->stored.version = 0;
        source->stored.validators.known = false;
        source->machine.next_unix_ms = 0;
    }
    return 0;
}

static void app_resume(struct app *app)
{
    struct app_source *source, *next;

    tip_hash_each (app->sources, source, next) {
        if (source->stored.pending)
            collect_resume(source);
    }
}

static int app_refuse(const char *why, int r)
{
    tip_error("service.refused", "why=%s error=%s", why, strerror(-r));
    return r;
}

static int app_load_specs(struct bl_specs *specs, const struct bl_options *options,
                          char why[static TIP_SERVICE_WHY_BYTES])
{
    tip_auto(tip_conf_destroy) struct tip_conf *conf = tip_conf_new();

    if (!bl_specs_load(specs, options, conf))
        return 0;
    (void)snprintf(why, TIP_SERVICE_WHY_BYTES, "%s",
                   tip_conf_n_errors(conf) ? tip_conf_error(conf, 0) : "a source is bad");
    bl_specs_deinit(specs);
    return -EINVAL;
}

static void app_shelf_on_metrics(struct app *app)
{
    struct bl_shelf_stats stats = bl_shelf_stats(app->shelf);

    tip_metric_set(app->m[APP_M_SHELF_CHECKED], (double)stats.n_checked);
    tip_metric_set(app->m[APP_M_SHELF_TAKEN], (double)stats.n_taken);
    tip_metric_set(app->m[APP_M_SHELF_BYTES], (double)stats.bytes);
}

static void app_on_metrics(void *ctx)
{
    struct app *app = ctx;
    struct app_source *source, *next;
    uint64_t entries = 0;

    tip_hash_each (app->sources, source, next)
        entries += source->stored.version ? source->stored.n_entries : 0;
    tip_metric_set(app->m[APP_M_SOURCES], (double)app->specs.n);
    tip_metric_set(app->m[APP_M_ENTRIES], (double)entries);
    tip_metric_set(app->m[APP_M_JOBS], (double)app->n_jobs);
    for (int what = 0; what < BL_EVIDENCE_ABANDONMENT; what++)
        tip_metric_set(app->m[APP_M_OBSERVATIONS_TRAP + what], (double)observe_count(app, (enum bl_evidence_kind)what));
    snapshot_on_metrics(app);
    exports_on_metrics(app);
    exempts_on_metrics(app);
    lookup_on_metrics(app);
    app_shelf_on_metrics(app);
}

static int app_make(struct app *app, const struct bl_options *options)
{
    const struct tip_pool_options pool = {.name = "lists", .n_threads = 1, .n_jobs_max = APP_POOL_JOBS};
    char why[TIP_SERVICE_WHY_BYTES];
    int r;

    if (snprintf(app->dir, sizeof(app->dir), "%s/sets", tip_service_data_dir(app->service)) >= WORK_PATH - 128)
        return app_refuse("the data directory's path is too long", -ENAMETOOLONG);
    if (mkdir(app->dir, 0700) == -1 && errno != EEXIST)
        return app_refuse("cannot make the directory of versions", -errno);
    r = app_load_specs(&app->specs, options, why);
    if (r)
        return app_refuse(why, r);
    r = tip_pool_open(&app->pool, app->loop, &pool);
    if (r)
        return app_refuse("cannot start the pool", r);
    app->shelf = bl_shelf_new(&(struct bl_shelf_options){
        .bytes_max = (uint64_t)options->shelf_bytes, .now_ms = tip_loop_now_ms, .wall_ms = tip_loop_wall_ms});
    app->http = tip_http_new(app->loop);
    app->scratch = tip_new(struct codec_scratch);
    r = app_load(app);
    if (r)
        return app_refuse("cannot read the state", r);
    r = exempts_open(app);
    return r ? app_refuse("cannot make the directory of exemptions", r) : 0;
}

int app_open(struct app **appp, struct tip_service *service, const struct bl_options *options)
{
    tip_auto(app_destroy) struct app *app = tip_new(struct app);
    int r;

    app->service = service;
    app->loop = tip_service_loop(service);
    tip_timer_init(&app->tick, app->loop, app_on_tick, app);
    publish_init(app);
    r = tip_service_bus_open(&app->place, service);
    if (r)
        return r;
    app->outbox = tip_service_bus_outbox(app->place);
    app->bus = tip_service_bus_bus(app->place);
    tip_metrics_add(tip_service_metrics(service), app_metrics, APP_M_COUNT, app->m);
    tip_metrics_on_read(tip_service_metrics(service), app_on_metrics, app);
    r = app_make(app, options);
    if (r)
        return r;
    r = app_check_files(app);
    if (r)
        return app_refuse("cannot read the versions", r);
    app_configure(app, options);
    operator_configure(app, options);
    observe_configure(app, options);
    weigh_configure(app, options);
    exempts_look(app);
    r = exports_configure(app, options);
    if (r)
        return app_refuse("cannot make the directory of exports", r);
    app_resume(app);
    app_settle_sources(app);
    runs_go_on(app);
    r = input_open(app);
    if (!r)
        r = tip_serve_open(&app->serve, app->bus, TIP_QUEUE_CONTROL "blacklist", 16, control_on_job, app);
    r = r ? r : snapshot_open(app);
    r = r ? r : lookup_open(app);
    if (r)
        return app_refuse("cannot listen to the bus", r);
    tip_bus_on_space(app->bus, app_on_space, app);
    tip_timer_every(&app->tick, APP_TICK_MS);
    app_tell_ready(app);
    collect_go_on(app);
    publish_go_on(app);
    *appp = tip_take(app);
    return 0;
}

/* ---- reload and end ---- */

int app_reload(struct app *app, const struct bl_options *options, char *why)
{
    struct bl_specs specs;
    struct bl_specs old = app->specs;
    int r = app_load_specs(&specs, options, why);

    if (r)
        return r;
    app->specs = specs;
    app_configure(app, options);
    operator_configure(app, options);
    observe_configure(app, options);
    weigh_configure(app, options);
    exempts_look(app);
    bl_specs_deinit(&old);
    if (exports_configure(app, options))
        tip_error("export.dir", "why=%s", "the directory of exports cannot be made: the views stay as they were");
    lookup_void(app);
    app_settle_sources(app);
    collect_go_on(app);
    publish_go_on(app);
    return 0;
}

void app_stop(struct app *app)
{
    struct app_source *source, *next;

    app->is_stopping = true;
    tip_timer_stop(&app->tick);
    tip_serve_destroy(&app->serve);
    tip_fetch_destroy(&app->fetch);
    tip_hash_each (app->sources, source, next)
        bl_fetch_destroy(&source->fetch); /* its run is kept: it is asked again after the start */
    tip_service_bus_drain(app->place);
}

void app_destroy(struct app **appp)
{
    struct app *app = tip_take(*appp);

    if (!app)
        return;
    app->is_stopping = true;
    tip_pool_destroy(&app->pool); /* what is done now is done again after the start */
    control_free(app);
    tip_snapshots_destroy(&app->snapshots);
    tip_snapshots_destroy(&app->allow_snapshots);
    lookup_free(app);
    tip_serve_destroy(&app->serve);
    tip_fetch_destroy(&app->fetch);
    app_sources_free(app);
    tip_http_destroy(&app->http);
    publish_free(app);
    weigh_free(app);
    operator_free(app);
    observe_free(app);
    exports_free(app);
    exempts_free(app);
    runs_free(app);
    bl_shelf_destroy(&app->shelf);
    bl_specs_deinit(&app->specs);
    tip_loop_defer_cancel(app->loop, app);
    tip_timer_deinit(&app->tick);
    tip_metrics_on_read_cancel(tip_service_metrics(app->service), app);
    tip_service_bus_destroy(&app->place);
    free(app->scratch);
    free(app->user_agent);
    free(app);
}
