#include <stdlib.h>
#include <string.h>

#include <tip/alloc.h>
#include <tip/log.h>
#include <tip/uuid.h>
#include <topics.h>

#include "app.h"
#include "io/store.h"

enum { RUNS_MAX = 16, RUN_BYTES = 512 * 1024 };

static void run_free(struct bl_run *run)
{
    free(run->subs);
    free(run);
}

static int run_put(struct tip_outbox_txn *txn, const struct bl_run *run)
{
    tip_auto(tip_buf_deinit) struct tip_buf bytes;
    int r;

    tip_buf_init(&bytes, RUN_BYTES);
    r = codec_run_write(run, &bytes);
    return r ? r : store_put(txn, STORE_RUN, run->id.bytes, sizeof(run->id.bytes), bytes.data, bytes.len);
}

static void run_text(const struct tip_id *id, char text[static TIP_UUID_TEXT])
{
    struct tip_uuid uuid;

    memcpy(uuid.bytes, id->bytes, sizeof(uuid.bytes));
    tip_uuid_format(&uuid, text);
}

static int run_report(struct app *app, struct tip_outbox_txn *txn, const struct bl_run *run)
{
    char summary[TIP_TEXT_MAX];
    char id[TIP_UUID_TEXT];
    struct tip_event event;
    const char *prefix = codec_run_report(&event, run, summary);

    run_text(&run->id, id);
    tip_info("run.ended", "run=%s summary=%s", id, summary);
    return app_publish(app, txn, prefix, "blacklist", TIP_TLP_AMBER, &event);
}

/* Reports a run and forgets it. */
static int run_end(struct app *app, struct tip_outbox_txn *txn, struct bl_run **runp)
{
    struct bl_run *run = *runp;
    int r = run_report(app, txn, run);

    r = r ? r : store_delete(txn, STORE_RUN, run->id.bytes, sizeof(run->id.bytes));
    *runp = run->next;
    app->n_runs--;
    run_free(run);
    return r;
}

/* ---- a new run ---- */

static bool run_wants(const struct app_source *source, const struct tip_schedule_due *due)
{
    return source->spec && (!*due->target || !strcmp(due->target, source->name)) &&
           (bl_is_enabled(source->spec, &source->stored) || *due->target);
}

static enum bl_sub_state run_sub_state(const struct app_source *source, const struct tip_schedule_due *due)
{
    const struct bl_source_pace pace = {.interval_ms = source->spec->interval_ms};

    if (collect_refuses(source))
        return BL_SUB_SKIPPED;
    return due->force || bl_source_due(&source->machine, &pace, tip_loop_wall_ms()) ? BL_SUB_PENDING : BL_SUB_SKIPPED;
}

/* Of lists that keep a floor together one goes, that which was asked longest ago; the others stay due. */
static bool run_yields(struct app *app, const struct bl_run *run, const struct app_source *source)
{
    for (size_t i = 0; i < run->n_subs; i++) {
        const struct app_source *other = app_source_find(app, run->subs[i].name);

        if (run->subs[i].state == BL_SUB_PENDING && other && other != source && pace_shares(source, other) &&
            pace_goes_before(other, source))
            return true;
    }
    return false;
}

static void run_queue(struct app *app, struct bl_run *run)
{
    for (size_t i = 0; i < run->n_subs; i++) {
        struct app_source *source = app_source_find(app, run->subs[i].name);

        if (run->subs[i].state != BL_SUB_PENDING || !source || !source->spec->publisher ||
            !run_yields(app, run, source))
            continue;
        run->subs[i].state = BL_SUB_SKIPPED;
        source->is_urgent = false;
    }
}

static struct bl_run *run_make(struct app *app, const struct tip_schedule_due *due)
{
    struct bl_run *run = tip_new(struct bl_run);
    struct app_source *source, *next;

    run->id = due->run_id;
    run->deadline_unix_ms = due->deadline_unix_ms;
    run->subs = tip_new_array(tip_hash_count(app->sources), struct bl_sub);
    tip_hash_each (app->sources, source, next) {
        if (!run_wants(source, due))
            continue;
        strcpy(run->subs[run->n_subs].name, source->name);
        run->subs[run->n_subs].state = run_sub_state(source, due);
        source->is_urgent = due->force && run->subs[run->n_subs].state == BL_SUB_PENDING;
        run->n_subs++;
    }
    run_queue(app, run);
    return run;
}

static int run_refuse(struct app *app, struct tip_outbox_txn *txn, const struct tip_schedule_due *due, const char *why)
{
    struct tip_event event = {.kind = TIP_EVENT_SCHEDULE_FAILED,
                              .kind_name = "",
                              .schedule_report = {.run_id = due->run_id, .module = "blacklist", .summary = why}};

    tip_warn("run.refused", "job=%s target=%s why=%s", due->job, due->target, why);
    return app_publish(app, txn, TIP_TOPIC_SCHEDULE_FAILED, "blacklist", TIP_TLP_AMBER, &event);
}

static int run_begin(struct app *app, struct tip_outbox_txn *txn, const struct tip_schedule_due *due)
{
    struct bl_run *run = run_make(app, due);
    char id[TIP_UUID_TEXT];

    run_text(&run->id, id);
    tip_info("run.begun", "run=%s job=%s target=%s pending=%zu skipped=%zu", id, due->job, due->target,
             bl_run_count(run, BL_SUB_PENDING), bl_run_count(run, BL_SUB_SKIPPED));
    run->next = app->runs;
    app->runs = run;
    app->n_runs++;
    return bl_run_count(run, BL_SUB_PENDING) ? run_put(txn, run) : run_end(app, txn, &app->runs);
}

int runs_take(struct app *app, struct tip_outbox_txn *txn, const struct tip_schedule_due *due)
{
    const struct app_source *target = *due->target ? app_source_find(app, due->target) : NULL;
    const void *seen;
    size_t n;
    int r;

    if (strcmp(due->module, "blacklist"))
        return 0;
    if (!store_dated_get(txn, STORE_SEEN, &due->run_id, &seen, &n)) {
        tip_metric_inc(app->m[APP_M_RUNS_REPEATED]);
        return 0;
    }
    if (due->expires_unix_ms && due->expires_unix_ms <= tip_loop_wall_ms()) {
        tip_metric_inc(app->m[APP_M_RUNS_EXPIRED]);
        tip_warn("run.expired", "job=%s target=%s", due->job, due->target);
        return 0;
    }
    tip_metric_inc(app->m[APP_M_RUNS]);
    r = store_dated_put(txn, STORE_SEEN, &due->run_id, tip_loop_wall_ms(), NULL, 0);
    if (r)
        return r;
    if (*due->target && (!target || !target->spec))
        return run_refuse(app, txn, due, "there is no such source");
    if (target && target->stored.override == BL_OVERRIDE_DISABLED)
        return run_refuse(app, txn, due, "an operator has disabled the source");
    if (target && collect_refuses(target))
        return run_refuse(app, txn, due, collect_refuses(target));
    return app->n_runs >= RUNS_MAX ? run_refuse(app, txn, due, "too many runs are open") : run_begin(app, txn, due);
}

/* ---- runs under way ---- */

void runs_go_on(struct app *app)
{
    for (struct bl_run *run = app->runs; run; run = run->next) {
        for (size_t i = 0; i < run->n_subs; i++) {
            struct app_source *source = app_source_find(app, run->subs[i].name);

            if (run->subs[i].state == BL_SUB_PENDING && source)
                collect_ask(source);
        }
    }
}

static bool run_mark(struct bl_run *run, const char *source, bool ok)
{
    for (size_t i = 0; i < run->n_subs; i++) {
        if (run->subs[i].state == BL_SUB_PENDING && !strcmp(run->subs[i].name, source)) {
            run->subs[i].state = ok ? BL_SUB_OK : BL_SUB_FAILED;
            return true;
        }
    }
    return false;
}

int runs_mark(struct app *app, struct tip_outbox_txn *txn, const char *source, bool ok)
{
    struct bl_run **runp = &app->runs;
    int r = 0;

    while (!r && *runp) {
        struct bl_run *run = *runp;

        if (!run_mark(run, source, ok)) {
            runp = &run->next;
        } else if (bl_run_count(run, BL_SUB_PENDING)) {
            r = run_put(txn, run);
            runp = &run->next;
        } else {
            r = run_end(app, txn, runp);
        }
    }
    return r;
}

/* Does a run that may still go on wait for the source? */
static bool runs_want(const struct app *app, const char *source, int64_t now_unix_ms)
{
    for (const struct bl_run *run = app->runs; run; run = run->next) {
        for (size_t i = 0; run->deadline_unix_ms > now_unix_ms && i < run->n_subs; i++) {
            if (run->subs[i].state == BL_SUB_PENDING && !strcmp(run->subs[i].name, source))
                return true;
        }
    }
    return false;
}

static void run_cancel(struct app *app, const struct bl_run *run, int64_t now_unix_ms)
{
    for (size_t i = 0; i < run->n_subs; i++) {
        struct app_source *source = app_source_find(app, run->subs[i].name);

        if (run->subs[i].state == BL_SUB_PENDING && source && !runs_want(app, source->name, now_unix_ms))
            collect_cancel(source, "deadline", "the deadline of the run passed");
    }
}

void runs_tick(struct app *app)
{
    int64_t now_unix_ms = tip_loop_wall_ms();

    for (struct bl_run *run = app->runs; run; run = run->next) {
        if (run->deadline_unix_ms <= now_unix_ms)
            run_cancel(app, run, now_unix_ms);
    }
    collect_go_on(app);
    for (struct bl_run **runp = &app->runs; *runp && app_has_room(app, APP_ROOM_SMALL);) {
        if ((*runp)->deadline_unix_ms <= now_unix_ms) {
            struct tip_outbox_txn *txn = app_begin(app);

            app_commit(app, &txn, run_end(app, txn, runp));
        } else {
            runp = &(*runp)->next;
        }
    }
}

/* ---- start and end ---- */

static int runs_visit(void *ctx, const void *key, size_t key_len, const void *bytes, size_t n)
{
    struct app *app = ctx;
    struct bl_run *run = tip_new(struct bl_run);

    if (key_len != sizeof(run->id.bytes) || codec_run_read(run, bytes, n)) {
        run_free(run);
        return 0;
    }
    memcpy(run->id.bytes, key, key_len);
    run->next = app->runs;
    app->runs = run;
    app->n_runs++;
    return 0;
}

int runs_load(struct app *app, struct tip_outbox_txn *txn)
{
    return store_each(txn, STORE_RUN, runs_visit, app);
}

void runs_free(struct app *app)
{
    struct bl_run *run;

    while ((run = app->runs)) {
        app->runs = run->next;
        run_free(run);
    }
}
