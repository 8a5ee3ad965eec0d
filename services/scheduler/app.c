#include "app.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <tip/admin.h>
#include <tip/alloc.h>
#include <tip/log.h>
#include <topics.h>

#include "codec.h"
#include "control.h"
#include "io/store.h"
#include "turn.h"

#define APP_WATCH_MS       TIP_SECOND_MS /* the wall clock may be set: look at it that often */
#define APP_BEHIND_MS      INT64_C(100)  /* and at its own readiness */
#define APP_RETRY_MS       TIP_SECOND_MS
#define APP_ANSWERS_FOR_MS TIP_DAY_MS

static const struct tip_metric_row app_metrics[APP_M_COUNT] = {
    [APP_M_STARTED] = {TIP_METRIC_COUNTER, "tip_scheduler_runs_total", "", "Runs started."},
    [APP_M_DONE] = {TIP_METRIC_COUNTER, "tip_scheduler_runs_ended_total", "end=\"done\"", "Runs ended, by how."},
    [APP_M_FAILED] = {TIP_METRIC_COUNTER, "tip_scheduler_runs_ended_total", "end=\"failed\"", "Runs ended, by how."},
    [APP_M_OVERDUE] = {TIP_METRIC_COUNTER, "tip_scheduler_runs_ended_total", "end=\"overdue\"", "Runs ended, by how."},
    [APP_M_UNKNOWN] = {TIP_METRIC_COUNTER, "tip_scheduler_reports_unknown_total", "",
                       "Reports of runs that are not open: repeated, late, or of another scheduler."},
    [APP_M_COALESCED] = {TIP_METRIC_COUNTER, "tip_scheduler_events_coalesced_total", "",
                         "Events that found the job they start pending already."},
    [APP_M_MALFORMED] = {TIP_METRIC_COUNTER, "tip_scheduler_events_malformed_total", "",
                         "Reports that were no events."},
    [APP_M_CALLS] = {TIP_METRIC_COUNTER, "tip_scheduler_calls_total", "", "Calls of control.scheduler."},
    [APP_M_CALLS_REPEATED] = {TIP_METRIC_COUNTER, "tip_scheduler_calls_repeated_total", "",
                              "Calls answered again as before."},
    [APP_M_BREAKS] = {TIP_METRIC_COUNTER, "tip_scheduler_input_breaks_total", "",
                      "Times that events may have been lost."},
    [APP_M_HELD_BACK] = {TIP_METRIC_COUNTER, "tip_scheduler_held_back_total", "",
                         "Times that nothing was started because the outbox is full."},
    [APP_M_LATE] = {TIP_METRIC_HISTOGRAM, "tip_scheduler_start_late_seconds", "", "From the due time to the start."},
    [APP_M_JOBS] = {TIP_METRIC_GAUGE, "tip_scheduler_jobs", "", "Configured jobs."},
    [APP_M_OPEN] = {TIP_METRIC_GAUGE, "tip_scheduler_runs_open", "", "Runs without a report so far."},
};

/* ---- time ---- */

void app_arm(struct app *app)
{
    int64_t most = app->is_current ? APP_WATCH_MS : APP_BEHIND_MS, wait;
    struct turn turn;

    turn_begin(app, &turn);
    wait = sched_wait_ms(app->sched, &turn.now);
    if (wait > most)
        wait = most;
    tip_timer_start(&app->tick, wait > 0 ? wait : 1);
}

static void app_tell_ready(struct app *app)
{
    app->is_current = tip_fetch_is_current(app->fetch, NULL);
    tip_admin_ready(tip_service_admin(app->service), "reports", app->is_current, "%s",
                    app->is_current ? "all are heard" : "not all are heard yet");
}

static void app_on_tick(void *ctx)
{
    struct app *app = ctx;
    struct turn turn;

    app_tell_ready(app);
    if (!turn_has_room(app)) {
        tip_metric_inc(app->m[APP_M_HELD_BACK]);
        tip_warn("outbox.full", "waiting=%" PRIu64, tip_outbox_n_waiting(app->outbox));
        tip_timer_start(&app->tick, APP_RETRY_MS);
        return;
    }
    turn_begin(app, &turn);
    turn_step(app, &turn, &(struct sched_event){.kind = SCHED_EV_TICK});
    if (!turn_commit(app, &turn, NULL, NULL))
        app_arm(app);
}

static int app_purge(void *ctx, struct tip_outbox_txn *txn)
{
    struct app *app = ctx;

    return store_answers_purge(txn, tip_loop_wall_ms() - APP_ANSWERS_FOR_MS, &app->n_answers);
}

static void app_on_purge(void *ctx)
{
    struct app *app = ctx;
    struct turn turn;

    turn_begin(app, &turn);
    if (!turn_commit(app, &turn, app->n_answers ? app_purge : NULL, app))
        tip_timer_start(&app->purge, TIP_MINUTE_MS);
}

/* ---- what the bus brings ---- */

static bool app_is_under(const struct tip_record *record, const char *prefix)
{
    return strncmp(record->stamp.topic, prefix, strlen(prefix)) == 0;
}

static void app_hear(struct app *app, struct turn *turn, const struct tip_record *record)
{
    tip_auto(tip_event_destroy) struct tip_event *event = NULL;
    struct sched_event report;
    const char *reason = "";

    turn_step(app, turn, &(struct sched_event){.kind = SCHED_EV_TOPIC, .topic = record->stamp.topic});
    if (!app_is_under(record, TIP_TOPIC_SCHEDULE_DONE) && !app_is_under(record, TIP_TOPIC_SCHEDULE_FAILED))
        return;
    if (tip_event_decode(record->event, record->event_len, &event, &reason) || !codec_report(&report, event)) {
        tip_metric_inc(app->m[APP_M_MALFORMED]);
        tip_warn("report.malformed", "topic=%s seq=%" PRIu64 " reason=%s", record->stamp.topic, record->stamp.seq,
                 reason ? reason : "");
        return;
    }
    turn_step(app, turn, &report);
}

static void app_on_batch(void *ctx, const struct tip_fetch_batch *batch)
{
    struct app *app = ctx;
    struct turn turn;

    if (!turn_has_room(app)) {
        tip_metric_inc(app->m[APP_M_HELD_BACK]);
        tip_fetch_retry(app->fetch, APP_RETRY_MS);
        return;
    }
    turn_begin(app, &turn);
    for (size_t i = 0; i < batch->n_records; i++)
        app_hear(app, &turn, &batch->records[i]);
    app->journal_id = batch->journal_id;
    app->next_seq = batch->next_seq;
    if (turn_commit(app, &turn, NULL, NULL))
        return;
    tip_fetch_done(app->fetch, &batch->journal_id, batch->next_seq);
    app_arm(app);
}

/* Reports may be lost: those runs will be overdue. So may be what starts `after` jobs: they start, once. */
static void app_on_break(void *ctx, enum tip_fetch_break why, const struct tip_id *journal_id, uint64_t next_seq)
{
    static const char *const names[] = {
        [TIP_FETCH_NEW_JOURNAL] = "new_journal", [TIP_FETCH_TRIMMED] = "trimmed", [TIP_FETCH_DAMAGED] = "damaged"};
    struct app *app = ctx;
    struct turn turn;

    tip_warn("input.break", "why=%s next_seq=%" PRIu64, names[why], next_seq);
    tip_metric_inc(app->m[APP_M_BREAKS]);
    turn_begin(app, &turn);
    turn_step(app, &turn, &(struct sched_event){.kind = SCHED_EV_TOPIC});
    app->journal_id = *journal_id;
    app->next_seq = next_seq;
    if (turn_commit(app, &turn, NULL, NULL))
        return;
    tip_fetch_done(app->fetch, journal_id, next_seq);
    app_arm(app);
}

static int app_listen(struct app *app)
{
    const struct tip_fetch_config config = {
        .consumer = SCHED_CONSUMER,
        .prefixes = app->jobs.prefixes,
        .journal_id = app->journal_id,
        .from_seq = app->next_seq,
        .on_batch = app_on_batch,
        .on_break = app_on_break,
        .ctx = app,
    };

    tip_fetch_destroy(&app->fetch);
    return tip_fetch_open(&app->fetch, app->bus, &config);
}

/* ---- jobs ---- */

static void app_configure(struct app *app, struct turn *turn, const struct sched_options *options)
{
    app->manual_deadline_ms = options->manual_deadline_ms;
    sched_configure(app->sched, app->jobs.specs, app->jobs.n, &turn->now, &turn->actions);
}

static void app_warn_of_past(struct app *app)
{
    for (size_t i = 0; i < app->jobs.n; i++) {
        const struct sched_job *job = sched_job_at(app->sched, i);

        if (job->spec.rule == SCHED_AT && job->next_ms == SCHED_NEVER && !job->state.started_unix_ms)
            tip_warn("job.past", "job=%s rule=%s", job->spec.name, job->spec.rule_text);
    }
}

int app_reload(struct app *app, const struct sched_options *options, char *why)
{
    struct sched_jobs jobs, old = app->jobs;
    struct turn turn;
    int r = sched_jobs_make(&jobs, options, NULL);

    if (r || !turn_has_room(app)) {
        sched_jobs_deinit(&jobs);
        snprintf(why, TIP_SERVICE_WHY_BYTES, "%s", r ? "a job is bad" : "the outbox is full: try later");
        return r ? r : -EAGAIN;
    }
    app->jobs = jobs;
    turn_begin(app, &turn);
    app_configure(app, &turn, options);
    app_warn_of_past(app);
    r = turn_commit(app, &turn, NULL, NULL) ? 0 : app_listen(app); /* a failed commit has ended the process */
    if (r)
        tip_service_fail(app->service, "cannot listen to the bus: %s", strerror(-r));
    sched_jobs_deinit(&old);
    app_arm(app);
    return 0;
}

struct app_restore {
    struct app *app;
    struct turn *turn;
};

static int app_restore_job(void *ctx, const char *key, const void *bytes, size_t n)
{
    const struct app_restore *restore = ctx;
    struct codec_stored stored;

    if (codec_stored_read(&stored, bytes, n)) {
        tip_warn("job.unreadable", "key=%s", key);
        return 0;
    }
    if (sched_restore(restore->app->sched, key, stored.is_manual ? &stored.spec : NULL, &stored.state,
                      &restore->turn->now)) {
        struct sched_action gone = {.kind = SCHED_ACT_FORGET};

        snprintf(gone.key, sizeof(gone.key), "%s", key);
        sched_actions_add(&restore->turn->actions, &gone);
    }
    return 0;
}

static int app_restore(struct app *app, struct turn *turn)
{
    tip_auto(tip_outbox_abort) struct tip_outbox_txn *txn = NULL;
    int r = tip_outbox_begin(app->outbox, &txn);

    if (!r)
        r = store_jobs_each(txn, app_restore_job, &(struct app_restore){app, turn});
    if (!r)
        r = tip_outbox_input_get(txn, SCHED_CONSUMER, &app->journal_id, &app->next_seq);
    return r == -ENOENT ? 0 : r;
}

/* ---- telling ---- */

static void app_on_metrics(void *ctx)
{
    struct app *app = ctx;
    size_t n_open = 0;

    for (size_t i = 0; i < sched_n_jobs(app->sched); i++)
        n_open += sched_job_at(app->sched, i)->state.is_open;
    tip_metric_set(app->m[APP_M_JOBS], (double)app->jobs.n);
    tip_metric_set(app->m[APP_M_OPEN], (double)n_open);
}

/* ---- beginning and end ---- */

static int app_start(struct app *app, const struct sched_options *options)
{
    tip_auto(turn_drop) struct turn turn = {0};
    int r = sched_jobs_make(&app->jobs, options, NULL);

    app->outbox = tip_service_bus_outbox(app->place);
    app->bus = tip_service_bus_bus(app->place);
    turn_begin(app, &turn);
    if (!r) {
        app_configure(app, &turn, options);
        r = app_restore(app, &turn);
    }
    if (!r)
        r = turn_commit(app, &turn, app_purge, app);
    if (!r)
        r = app_listen(app);
    if (!r)
        r = tip_serve_open(&app->serve, app->bus, TIP_QUEUE_CONTROL "scheduler", CONTROL_CREDIT, control_on_job, app);
    if (r) {
        tip_error("service.refused", "why=%s error=%s", "cannot begin", strerror(-r));
        return r;
    }
    app_warn_of_past(app);
    tip_timer_start(&app->purge, TIP_MINUTE_MS);
    app_tell_ready(app);
    app_arm(app);
    return 0;
}

int app_open(struct app **appp, struct tip_service *service, const struct sched_options *options)
{
    tip_auto(app_destroy) struct app *app = tip_new(struct app);
    int r;

    app->service = service;
    app->loop = tip_service_loop(service);
    app->sched = sched_new();
    tip_metrics_add(tip_service_metrics(service), app_metrics, APP_M_COUNT, app->m);
    tip_metrics_on_read(tip_service_metrics(service), app_on_metrics, app);
    tip_timer_init(&app->tick, app->loop, app_on_tick, app);
    tip_timer_init(&app->purge, app->loop, app_on_purge, app);
    r = tip_service_bus_open(&app->place, service);
    if (!r)
        r = app_start(app, options);
    if (r)
        return r;
    *appp = tip_take(app);
    return 0;
}

void app_stop(struct app *app)
{
    tip_timer_stop(&app->tick);
    tip_timer_stop(&app->purge);
    tip_serve_destroy(&app->serve);
    tip_fetch_destroy(&app->fetch);
    tip_service_bus_drain(app->place);
}

void app_destroy(struct app **appp)
{
    struct app *app = *appp;

    if (!app)
        return;
    tip_metrics_on_read_cancel(tip_service_metrics(app->service), app);
    tip_timer_deinit(&app->tick);
    tip_timer_deinit(&app->purge);
    tip_serve_destroy(&app->serve);
    tip_fetch_destroy(&app->fetch);
    tip_service_bus_destroy(&app->place);
    sched_destroy(&app->sched);
    sched_jobs_deinit(&app->jobs);
    free(app);
    *appp = NULL;
}
