/* Partitions ahead, retention, and the alarms that storage raises. */
#include "app.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <tip/log.h>
#include <topics.h>

#include "io/upkeep.h"

enum { UPKEEP_EVERY_MS = 3600000, UPKEEP_RETRY_MS = 60000 };

static void upkeep_work(void *ctx)
{
    store_upkeep_run(ctx);
}

static void upkeep_say(struct app *app, const struct store_upkeep *upkeep)
{
    if (upkeep->n_made || upkeep->n_dropped || upkeep->n_swept || upkeep->n_runs)
        tip_info("upkeep.done",
                 "partitions_made=%" PRId64 " dropped=%" PRId64 " events_swept=%" PRId64 " runs=%" PRId64,
                 upkeep->n_made, upkeep->n_dropped, upkeep->n_swept, upkeep->n_runs);
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

static void upkeep_on_end(void *ctx, void *opaque)
{
    struct app *app = ctx;
    struct store_upkeep *upkeep = opaque;

    if (upkeep->code) {
        tip_metric_inc(app->m[APP_M_UPKEEP_FAILED]);
        tip_warn("upkeep.failed", "why=%s", upkeep->why);
    } else {
        upkeep_say(app, upkeep);
    }
    if (app->state == APP_ACTIVE)
        tip_timer_start(&app->upkeep, upkeep->code ? UPKEEP_RETRY_MS : UPKEEP_EVERY_MS);
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
        .keep_listing_ms = app->limits.keep_listing_ms,
        .keep_verdict_ms = app->limits.keep_verdict_ms,
        .keep_schedule_ms = app->limits.keep_schedule_ms,
    };

    if (!tip_pool_submit(
            app->upkeep_pool,
            &(struct tip_pool_job){
                .input = &upkeep, .size = sizeof(upkeep), .work = upkeep_work, .done = upkeep_on_end, .ctx = app}))
        app->n_jobs++; /* else one is under way */
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
