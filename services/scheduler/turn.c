#include "turn.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include <sodium/randombytes.h>

#include <tip/log.h>
#include <topics.h>

#include "app.h"
#include "codec.h"
#include "io/store.h"

#define TURN_HEARD_MS      (5 * TIP_SECOND_MS) /* reports are taken as heard for so long */
#define TURN_INPUT_SAVE_MS TIP_MINUTE_MS       /* of a position that nothing followed from */

enum { TURN_EVENT_BYTES = 2048, TURN_STATE_BYTES = 4096, TURN_ROOM_BYTES = 256 * 1024 };

bool turn_has_room(const struct app *app)
{
    return tip_outbox_has_room(app->outbox, TURN_ROOM_BYTES + sched_n_jobs(app->sched) * TURN_EVENT_BYTES);
}

void turn_begin(struct app *app, struct turn *turn)
{
    bool is_up = app->fetch && tip_bus_is_up(app->bus, NULL);

    *turn = (struct turn){.now = {.now_ms = tip_loop_now_ms(), .wall_unix_ms = tip_loop_wall_ms()}};
    randombytes_buf(turn->now.random, sizeof(turn->now.random));
    if (is_up && tip_fetch_is_current(app->fetch, NULL))
        app->heard_ms = turn->now.now_ms;
    turn->now.hears_reports = is_up && app->heard_ms && turn->now.now_ms - app->heard_ms < TURN_HEARD_MS;
}

void turn_step(struct app *app, struct turn *turn, const struct sched_event *event)
{
    (void)!sched_step(app->sched, event, &turn->now, &turn->actions); /* fails for operators' events only */
}

static int turn_publish(struct app *app, struct tip_outbox_txn *txn, const struct sched_action *action,
                        const struct turn *turn)
{
    char topic[TIP_TOPIC_MAX + 1];
    struct tip_event event;
    const char *prefix = codec_event(&event, action);
    int r = tip_topic(topic, prefix, action->module);

    event.id = tip_id_new(app->loop);
    event.observed_unix_ms = turn->now.wall_unix_ms;
    return r ? r : tip_outbox_publish(txn, topic, TIP_TLP_AMBER, &event, NULL);
}

/* A hold that ended by itself stands in the audit log like one that an operator ended. */
static int turn_lifted(struct app *app, struct tip_outbox_txn *txn, const struct sched_action *action,
                       const struct turn *turn)
{
    const struct tip_event event = {
        .id = tip_id_new(app->loop),
        .kind = TIP_EVENT_CONTROL_APPLIED,
        .kind_name = "",
        .observed_unix_ms = turn->now.wall_unix_ms,
        .control_applied = {.service = "scheduler",
                            .actor = "scheduler",
                            .action = "release",
                            .target = action->job,
                            .reason = "its time is over",
                            .call_id = tip_id_new(app->loop),
                            .result = "released by itself",
                            .ok = true},
    };
    char topic[TIP_TOPIC_MAX + 1];
    int r = tip_topic(topic, TIP_TOPIC_CONTROL_APPLIED, "scheduler");

    return r ? r : tip_outbox_publish(txn, topic, TIP_TLP_AMBER, &event, NULL);
}

static int turn_perform(struct app *app, struct tip_outbox_txn *txn, const struct sched_action *action,
                        const struct turn *turn)
{
    switch (action->kind) {
    case SCHED_ACT_DUE:
    case SCHED_ACT_OVERDUE:
        return turn_publish(app, txn, action, turn);
    case SCHED_ACT_FORGET:
        return store_job_delete(txn, action->key);
    case SCHED_ACT_LIFTED:
        return turn_lifted(app, txn, action, turn);
    case SCHED_ACT_CLOSED:
    case SCHED_ACT_JOINED:
    case SCHED_ACT_UNKNOWN:
    case SCHED_ACT_COALESCED:
    case SCHED_ACTION_COUNT:
        break;
    }
    return 0;
}

static int turn_save_job(struct tip_outbox_txn *txn, struct sched_job *job, const struct turn *turn)
{
    tip_auto(tip_buf_deinit) struct tip_buf bytes;
    int r;

    tip_buf_init(&bytes, TURN_STATE_BYTES);
    r = codec_stored_write(job, &turn->now, &bytes);
    return r ? r : store_job_put(txn, job->key, bytes.data, bytes.len);
}

static int turn_save(struct app *app, struct tip_outbox_txn *txn, const struct turn *turn)
{
    int r = 0;

    for (size_t i = 0; !r && i < turn->actions.n; i++)
        r = turn_perform(app, txn, &turn->actions.items[i], turn);
    for (size_t i = 0; !r && i < sched_n_jobs(app->sched); i++) {
        if (sched_job_at(app->sched, i)->is_changed)
            r = turn_save_job(txn, sched_job_at(app->sched, i), turn);
    }
    if (!r && app->next_seq)
        r = tip_outbox_input_put(txn, SCHED_CONSUMER, &app->journal_id, app->next_seq);
    return r;
}

/* Is there anything that a start after a kill would miss? */
static bool turn_is_changed(const struct app *app, const struct turn *turn)
{
    for (size_t i = 0; i < turn->actions.n; i++) {
        if (turn->actions.items[i].kind != SCHED_ACT_UNKNOWN && turn->actions.items[i].kind != SCHED_ACT_COALESCED)
            return true;
    }
    for (size_t i = 0; i < sched_n_jobs(app->sched); i++) {
        if (sched_job_at(app->sched, i)->is_changed)
            return true;
    }
    return turn->now.now_ms - app->input_saved_ms >= TURN_INPUT_SAVE_MS;
}

static void turn_tell_start(struct app *app, const struct sched_action *action, const char *run)
{
    int64_t late_ms = action->run.started_unix_ms - action->run.due_unix_ms;

    tip_metric_inc(app->m[APP_M_STARTED]);
    tip_metric_observe(app->m[APP_M_LATE], (double)late_ms / 1000);
    tip_info("run.due", "job=%s module=%s target=%s run=%s late_ms=%" PRId64, action->job, action->module,
             action->target, run, late_ms);
}

static void turn_tell_end(struct app *app, const struct sched_action *action, const char *run, int64_t now_unix_ms)
{
    static const int counters[SCHED_END_COUNT] = {[SCHED_END_NONE] = APP_M_DONE,
                                                  [SCHED_END_DONE] = APP_M_DONE,
                                                  [SCHED_END_FAILED] = APP_M_FAILED,
                                                  [SCHED_END_OVERDUE] = APP_M_OVERDUE};
    int64_t took_ms = now_unix_ms - action->run.started_unix_ms;

    tip_metric_inc(app->m[counters[action->end]]);
    if (action->end == SCHED_END_DONE)
        tip_info("run.done", "job=%s module=%s run=%s took_ms=%" PRId64, action->job, action->module, run, took_ms);
    else
        tip_warn("run.bad", "job=%s module=%s run=%s end=%s took_ms=%" PRId64, action->job, action->module, run,
                 sched_end_name(action->end), took_ms);
}

static void turn_tell(struct app *app, const struct sched_action *action, const struct turn *turn)
{
    char run[TIP_UUID_TEXT];

    tip_uuid_format(&action->run.id, run);
    switch (action->kind) {
    case SCHED_ACT_DUE:
        turn_tell_start(app, action, run);
        return;
    case SCHED_ACT_OVERDUE:
    case SCHED_ACT_CLOSED:
        turn_tell_end(app, action, run, turn->now.wall_unix_ms);
        return;
    case SCHED_ACT_UNKNOWN:
        tip_metric_inc(app->m[APP_M_UNKNOWN]);
        return;
    case SCHED_ACT_COALESCED:
        tip_metric_inc(app->m[APP_M_COALESCED]);
        return;
    case SCHED_ACT_LIFTED:
        tip_info("job.released", "job=%s why=%s", action->job, "its time is over");
        return;
    case SCHED_ACT_JOINED:
    case SCHED_ACT_FORGET:
    case SCHED_ACTION_COUNT:
        return;
    }
}

static int turn_store(struct app *app, struct turn *turn, int (*also)(void *ctx, struct tip_outbox_txn *txn), void *ctx)
{
    tip_auto(tip_outbox_abort) struct tip_outbox_txn *txn = NULL;
    int r = tip_outbox_begin(app->outbox, &txn);

    if (!r)
        r = turn_save(app, txn, turn);
    if (!r && also)
        r = also(ctx, txn);
    if (!r)
        r = tip_outbox_commit(&txn);
    if (r)
        return r;
    app->input_saved_ms = turn->now.now_ms;
    for (size_t i = 0; i < sched_n_jobs(app->sched); i++)
        sched_job_at(app->sched, i)->is_changed = false;
    return 0;
}

int turn_commit(struct app *app, struct turn *turn, int (*also)(void *ctx, struct tip_outbox_txn *txn), void *ctx)
{
    int r = 0;

    if (app->has_failed)
        r = -ECANCELED;
    else if (also || turn_is_changed(app, turn))
        r = turn_store(app, turn, also, ctx);
    if (r && !app->has_failed)
        tip_service_fail(app->service, "cannot store what was decided: %s", strerror(-r));
    app->has_failed = r != 0;
    for (size_t i = 0; !r && i < turn->actions.n; i++)
        turn_tell(app, &turn->actions.items[i], turn);
    turn_drop(turn);
    return r;
}

void turn_drop(struct turn *turn)
{
    sched_actions_deinit(&turn->actions);
}
