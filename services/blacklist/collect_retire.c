/* Versions without a body: what a source lists ends, is lost, or is held no more. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <tip/log.h>

#include "collect.h"

void collect_lost(struct app_source *source)
{
    source->stored.version = source->stored.pending = 0;
    source->stored.validators.known = false;
    source->stored.next_unix_ms = source->machine.next_unix_ms = 0;
    if (source->machine.phase == BL_SOURCE_PUBLISHING)
        source->machine.phase = BL_SOURCE_BACKOFF;
    collect_end(source, false, "lost_version",
                app_source_is_over(source)
                    ? "the files of the version are damaged or gone: it ends with an empty baseline"
                    : "the files of the version are damaged or gone: it is fetched again");
    collect_settle(source);
}

/* While the file was being written the source may have come back: then nothing has happened. */
static void collect_on_retired(void *ctx, void *opaque)
{
    const struct work_parse *job = opaque;
    struct app_source *source = app_source_find(ctx, job->name);

    if (!source) /* cannot be: sources stay */
        return;
    source->is_retiring = false;
    if (*job->why) {
        tip_error("source.not_retired", "source=%s error=%s", source->name, job->detail);
        return;
    }
    if (!app_source_is_over(source) || bl_source_busy(&source->machine) || source->stored.version != job->from) {
        bl_files_remove(job->dir, job->name, job->to);
        return;
    }
    tip_info("source.retired", "source=%s entries=%" PRIu64, source->name, source->stored.n_entries);
    source->fetched = (struct bl_validators){0};
    collect_changed(source, job);
    collect_step(source, BL_SOURCE_EV_RESUME);
}

void collect_retire(struct app_source *source)
{
    struct work_parse job = {.from = source->stored.version,
                             .to = source->stored.last_number + 1,
                             .guard = source->stored.guard,
                             .now_unix_ms = tip_loop_wall_ms(),
                             .ok_unix_ms = source->stored.ok_unix_ms,
                             .n_removed = source->stored.n_entries};

    if (source->is_retiring)
        return;
    strcpy(job.dir, source->app->dir);
    job.shelf = source->app->shelf;
    strcpy(job.name, source->name);
    if (tip_pool_submit(source->app->pool, &(struct tip_pool_job){.input = &job,
                                                                  .size = sizeof(job),
                                                                  .work = work_retire_run,
                                                                  .done = collect_on_retired,
                                                                  .ctx = source->app}))
        return; /* the pool is full: the next tick tries again */
    source->is_retiring = true;
    source->stored.last_number = job.to; /* nobody else takes this number while the file is being written */
}

/* ---- holds ---- */

int collect_release(struct app_source *source, struct tip_outbox_txn *txn)
{
    source->stored.is_held = false;
    source->stored.held_until_unix_ms = 0;
    *source->stored.hold_reason = '\0';
    source->stored.guard.is_released = source->stored.guard.held_since_unix_ms != 0;
    source->stored.next_unix_ms = source->machine.next_unix_ms = 0;
    return app_source_put(txn, source);
}

static int collect_hold_over(struct app_source *source)
{
    const struct app_deed deed = {
        .action = "release", .target = source->name, .reason = "its time is over", .result = "released by itself"};
    struct tip_outbox_txn *txn = app_begin(source->app);
    int r = collect_release(source, txn);

    tip_info("source.released", "source=%s why=%s", source->name, deed.reason);
    r = r ? r : app_deed_tell(source->app, txn, &deed);
    app_commit(source->app, &txn, r);
    return r;
}

void collect_tick(struct app *app)
{
    int64_t now_unix_ms = tip_loop_wall_ms();
    struct app_source *source, *next;

    tip_hash_each (app->sources, source, next) {
        int64_t until = source->stored.held_until_unix_ms;

        if (source->stored.is_held && until && until <= now_unix_ms && app_has_room(app, APP_ROOM_SMALL) &&
            collect_hold_over(source))
            return;
    }
}
