/*
 * The score time: one number for all verdicts, kept in the outbox. Only a WORK_CLOCK job moves it, and tells what decay
 * has moved in between. When the next one is due is not kept: the walk of each job finds it.
 */
#include <errno.h>
#include <inttypes.h>

#include <tip/buf.h>
#include <tip/clock.h>
#include <tip/log.h>

#include "app.h"
#include "io/store.h"

enum { CLOCK_BYTES = 1024, CLOCK_KEY_BYTES = 8, CLOCK_AT_LEAST_S = 60 * 60, CLOCK_AHEAD_S = 60 * 60 };

static uint32_t clock_now_s(void)
{
    return (uint32_t)(tip_loop_wall_ms() / TIP_SECOND_MS);
}

int clock_load(struct app *app, struct tip_outbox_txn *txn)
{
    uint8_t key[CLOCK_KEY_BYTES];
    const void *bytes;
    size_t n;
    int r;

    store_number_key(0, key);
    r = store_get(txn, STORE_CLOCK, key, sizeof(key), &bytes, &n);
    if (!r && codec_clock_read(&app->clock.state, bytes, n))
        tip_error("clock.unreadable", "bytes=%zu", n); /* it is counted anew, from nothing */
    return r == -ENOENT ? 0 : r;
}

void clock_configure(struct app *app, const struct bl_options *options)
{
    app->clock.floor_ms = options->verdict_clock_ms;
}

uint32_t clock_tau(const struct app *app)
{
    return (uint32_t)app->clock.state.tau_s;
}

uint32_t clock_stands(const struct app *app)
{
    const struct bl_job *first = app->jobs;

    if (app->n_jobs && first->kind == WORK_CLOCK && (app->publish.is_active || bl_job_has_begun(first)))
        return (uint32_t)first->to;
    return clock_tau(app);
}

/* The clock was wrong when it was counted up to there: nothing would decay until the day comes. */
static bool clock_is_ahead(const struct app *app, uint32_t now_s)
{
    return clock_tau(app) > now_s && clock_tau(app) - now_s > CLOCK_AHEAD_S;
}

void clock_order(struct app *app, struct bl_job *job)
{
    uint32_t now_s = clock_now_s();

    if (bl_job_has_begun(job)) /* as it was when its first part went out */
        return;
    app->clock.next_s = UINT32_MAX; /* its walk finds the next one */
    job->from = clock_tau(app);
    job->to = now_s > job->from ? now_s : job->from; /* a clock that is set does not make it run backwards */
    if (!clock_is_ahead(app, now_s))
        return;
    job->to = now_s;
    tip_warn("clock.back", "from=%" PRIu64 " to=%" PRIu64, job->from, job->to);
    tip_metric_inc(app->m[APP_M_CLOCK_BACK]);
}

void clock_heard(struct app *app, const struct bl_tell *tell)
{
    if (tell->is_found && tell->next_s < app->clock.next_s)
        app->clock.next_s = tell->next_s;
}

int clock_set(struct app *app, struct tip_outbox_txn *txn, uint64_t tau_s)
{
    tip_auto(tip_buf_deinit) struct tip_buf bytes;
    uint8_t key[CLOCK_KEY_BYTES];
    int r;

    app->clock.state.tau_s = (int64_t)tau_s;
    tip_buf_init(&bytes, CLOCK_BYTES);
    store_number_key(0, key);
    r = codec_clock_write(&app->clock.state, &bytes);
    return r ? r : store_put(txn, STORE_CLOCK, key, sizeof(key), bytes.data, bytes.len);
}

/* Not more often than the floor; else when something crosses, and each hour: crossings are looked for so far ahead. */
static bool clock_is_due(const struct app *app)
{
    int64_t since_ms = tip_loop_wall_ms() - app->clock.state.tau_s * TIP_SECOND_MS;
    uint32_t now_s = clock_now_s();

    if (clock_is_ahead(app, now_s))
        return true;
    if (since_ms < app->clock.floor_ms || now_s <= clock_tau(app))
        return false;
    return now_s >= app->clock.next_s || since_ms >= CLOCK_AT_LEAST_S * TIP_SECOND_MS;
}

void clock_tick(struct app *app)
{
    struct bl_job job = {.kind = WORK_CLOCK};
    struct tip_outbox_txn *txn;

    if (app->is_stopping || !clock_is_due(app) || !app_has_room(app, APP_ROOM_SMALL))
        return;
    for (size_t i = 0; i < app->n_jobs; i++) {
        if (app->jobs[i].kind == WORK_CLOCK)
            return;
    }
    txn = app_begin(app);
    app_commit(app, &txn, publish_add(app, txn, &job));
}
