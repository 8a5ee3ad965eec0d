/* Partitions ahead, retention, the scheduler's runs of both, and the alarms that storage raises. */
#include "app.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <tip/log.h>
#include <topics.h>

#include "io/upkeep.h"

#define UPKEEP_MODULE "storage"

enum { UPKEEP_EVERY_MS = 3600000, UPKEEP_RETRY_MS = 60000 };

static void upkeep_work(void *ctx)
{
    store_upkeep_run(ctx);
}

static void upkeep_say(struct app *app, const struct store_upkeep *upkeep)
{
    if (upkeep->n_made || upkeep->n_dropped || upkeep->n_swept || upkeep->n_runs || upkeep->n_rejects ||
        upkeep->n_history)
        tip_info("upkeep.done",
                 "partitions_made=%" PRId64 " dropped=%" PRId64 " events_swept=%" PRId64 " runs=%" PRId64
                 " rejects=%" PRId64 " history=%" PRId64,
                 upkeep->n_made, upkeep->n_dropped, upkeep->n_swept, upkeep->n_runs, upkeep->n_rejects,
                 upkeep->n_history);
    if (upkeep->default_filled) {
        tip_error("partition.missing", "why=%s", "events of days without a partition were found and moved");
        tip_metric_inc(app->m[APP_M_DEFAULT_FILLED]);
    }
    if (upkeep->default_filled != app->is_default_alarm)
        app_alarm(app, "default_partition", upkeep->default_filled,
                  upkeep->default_filled ? "events of days without a partition: is a clock wrong?" : "empty again");
    app->is_default_alarm = upkeep->default_filled;
    if (app->is_reject_alarm && tip_loop_now_ms() - app->rejected_ms >= UPKEEP_EVERY_MS) {
        app_alarm(app, "events_rejected", false, "none for an hour");
        app->is_reject_alarm = false;
    }
}

/* ---- runs of the scheduler ---- */

static int run_publish(struct app *app, const struct tip_event *event)
{
    tip_auto(tip_outbox_abort) struct tip_outbox_txn *txn = NULL;
    char topic[TIP_TOPIC_MAX + 1];
    bool is_done = event->kind == TIP_EVENT_SCHEDULE_DONE;
    int r = tip_topic(topic, is_done ? TIP_TOPIC_SCHEDULE_DONE : TIP_TOPIC_SCHEDULE_FAILED, UPKEEP_MODULE);

    if (!r)
        r = tip_outbox_begin(app->outbox, &txn);
    if (!r)
        r = tip_outbox_publish(txn, topic, TIP_TLP_AMBER, event, NULL);
    return r ? r : tip_outbox_commit(&txn);
}

/* One that cannot be reported is overdue one day, and another one starts. */
static void run_report(struct app *app, const struct tip_id *id, const char *summary, bool is_done)
{
    const struct tip_event event = {
        .id = tip_id_new(app->loop),
        .kind = is_done ? TIP_EVENT_SCHEDULE_DONE : TIP_EVENT_SCHEDULE_FAILED,
        .kind_name = "",
        .observed_unix_ms = tip_loop_wall_ms(),
        .schedule_report = {
            .run_id = *id, .module = UPKEEP_MODULE, .summary = summary, .n_ok = is_done, .n_failed = !is_done}};
    int r = run_publish(app, &event);

    if (r)
        tip_warn("run.unreported", "error=%s", strerror(-r));
}

/* Those that were known when the upkeep began; later ones wait for the next, which begins at once. */
static void runs_report(struct app *app, const struct store_upkeep *upkeep)
{
    char summary[TIP_TEXT_MAX];
    size_t kept = 0;

    if (upkeep->code)
        snprintf(summary, sizeof(summary), "%.*s", (int)sizeof(summary) - 1, upkeep->why);
    else
        snprintf(summary, sizeof(summary),
                 "partitions: %" PRId64 " made, %" PRId64 " dropped; swept: %" PRId64 " events, %" PRId64
                 " runs, %" PRId64 " rejects, %" PRId64 " rows of history",
                 upkeep->n_made, upkeep->n_dropped, upkeep->n_swept, upkeep->n_runs, upkeep->n_rejects,
                 upkeep->n_history);
    for (size_t i = 0; i < app->n_runs; i++) {
        if (app->runs[i].is_served)
            run_report(app, &app->runs[i].id, summary, !upkeep->code);
        else
            app->runs[kept++] = app->runs[i];
    }
    app->n_runs = kept;
}

static void run_take(struct app *app, const struct tip_schedule_due *due)
{
    tip_metric_inc(app->m[APP_M_RUNS]);
    if (due->expires_unix_ms && due->expires_unix_ms <= tip_loop_wall_ms()) {
        tip_metric_inc(app->m[APP_M_RUNS_EXPIRED]);
        return;
    }
    if (app->n_runs == APP_RUNS_MAX) {
        run_report(app, &due->run_id, "too many runs are open", false);
        return;
    }
    app->runs[app->n_runs++] = (struct app_run){.id = due->run_id};
    if (!app->is_upkeep && app->state == APP_ACTIVE)
        tip_timer_start(&app->upkeep, 0);
}

void app_upkeep_hear(struct app *app, const struct store_batch *batch)
{
    static const char topic[] = TIP_TOPIC_SCHEDULE_DUE UPKEEP_MODULE ".";

    for (size_t i = 0; i < batch->n_records; i++) {
        tip_auto(tip_event_destroy) struct tip_event *event = NULL;
        const struct store_record *record = &batch->records[i];
        const char *reason;

        if (!strcmp(record->topic, topic) && !tip_event_decode(record->event, record->event_len, &event, &reason) &&
            event->kind == TIP_EVENT_SCHEDULE_DUE)
            run_take(app, &event->schedule_due);
    }
}

/* ---- upkeep ---- */

static uint64_t upkeep_pause_ms(const struct app *app, const struct store_upkeep *upkeep)
{
    return app->n_runs ? 0 : upkeep->code ? UPKEEP_RETRY_MS : UPKEEP_EVERY_MS;
}

static void upkeep_on_end(void *ctx, void *opaque)
{
    struct app *app = ctx;
    struct store_upkeep *upkeep = opaque;

    app->is_upkeep = false;
    runs_report(app, upkeep);
    if (upkeep->code) {
        tip_metric_inc(app->m[APP_M_UPKEEP_FAILED]);
        tip_warn("upkeep.failed", "why=%s", upkeep->why);
    } else {
        upkeep_say(app, upkeep);
    }
    if (app->state == APP_ACTIVE)
        tip_timer_start(&app->upkeep, upkeep_pause_ms(app, upkeep));
    app_job_ended(app);
}

void app_upkeep_on_timer(void *ctx)
{
    struct app *app = ctx;
    struct store_upkeep upkeep = {
        .conninfo = app->database,
        .password = app->password,
        .silence_ms = app->limits.answer_timeout_ms,
        .partitions_ahead = (int)app->limits.partitions_ahead,
        .now_unix_ms = tip_loop_wall_ms(),
        .keep_events_ms = app->limits.keep_events_ms,
        .keep_history_ms = app->limits.keep_history_ms,
    };

    memcpy(upkeep.keep_ms, app->limits.keep_ms, sizeof(upkeep.keep_ms));
    if (tip_pool_submit(
            app->upkeep_pool,
            &(struct tip_pool_job){
                .input = &upkeep, .size = sizeof(upkeep), .work = upkeep_work, .done = upkeep_on_end, .ctx = app}))
        return; /* one is under way */
    app->n_jobs++;
    app->is_upkeep = true;
    for (size_t i = 0; i < app->n_runs; i++)
        app->runs[i].is_served = true;
}

static int alarm_publish(struct tip_outbox_txn *txn, const struct tip_event *event)
{
    char topic[TIP_TOPIC_MAX + 1];
    int r = tip_topic(topic, TIP_TOPIC_SYSTEM_ALARM, event->system_alarm.service);

    return r ? r : tip_outbox_publish(txn, topic, TIP_TLP_AMBER, event, NULL);
}

void app_alarm(struct app *app, const char *name, bool raised, const char *detail)
{
    const struct tip_event event = {
        .id = tip_id_new(app->loop),
        .kind = TIP_EVENT_SYSTEM_ALARM,
        .kind_name = "",
        .observed_unix_ms = tip_loop_wall_ms(),
        .system_alarm = {.service = tip_service_name(app->service), .name = name, .detail = detail, .raised = raised}};
    tip_auto(tip_outbox_abort) struct tip_outbox_txn *txn = NULL;
    int r = tip_outbox_begin(app->outbox, &txn);

    if (!r)
        r = alarm_publish(txn, &event);
    if (!r)
        r = tip_outbox_commit(&txn);
    if (r)
        tip_warn("alarm.lost", "name=%s error=%s", name, strerror(-r));
}
