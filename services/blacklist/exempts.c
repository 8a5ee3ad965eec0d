/*
 * The table of exemptions (core/exempt.h): when the directory of reference lists is looked at, which table is in force,
 * and the job that lets verdicts follow when another one is to be. Tables are numbered; the one in force stays beside
 * the newest one until that job is done, so both sides can be scored after a restart, too.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <tip/alloc.h>
#include <tip/clock.h>
#include <tip/log.h>

#include "app.h"
#include "exempt_work.h"
#include "io/files.h"
#include "io/store.h"

enum { EXEMPTS_AGAIN_MS = 10 * 60 * 1000 };

struct exempts_numbers {
    uint64_t last, in_force;
};

static int exempts_numbers_put(const struct app_exempts *exempts, struct tip_outbox_txn *txn)
{
    const struct exempts_numbers numbers = {.last = exempts->last, .in_force = exempts->in_force};
    uint8_t key[8];

    store_number_key(0, key);
    return store_put(txn, STORE_EXEMPT, key, sizeof(key), &numbers, sizeof(numbers));
}

int exempts_load(struct app *app, struct tip_outbox_txn *txn)
{
    struct exempts_numbers numbers;
    uint8_t key[8];
    const void *bytes;
    size_t n;
    int r;

    store_number_key(0, key);
    r = store_get(txn, STORE_EXEMPT, key, sizeof(key), &bytes, &n);
    if (r)
        return r == -ENOENT ? 0 : r;
    if (n != sizeof(numbers)) {
        tip_error("exempt.unreadable", "bytes=%zu", n);
        return 0;
    }
    memcpy(&numbers, bytes, sizeof(numbers));
    app->exempts.last = numbers.last;
    app->exempts.in_force = numbers.in_force;
    return 0;
}

/*
 * A table that is gone: its lists are read again, and the next job tells all that it may have moved. Returns 0, or a
 * negative errno: something is short that may be there later.
 */
static int exempts_open_table(struct app *app, struct bl_exempt_map **mapp, uint64_t number)
{
    struct app_exempts *exempts = &app->exempts;
    int r = number && number != exempts->lost ? bl_exempt_map_open(mapp, exempts->dir, number) : 0;

    if (!bl_files_is_lost(r))
        return r;
    tip_error("exempt.lost", "number=%" PRIu64 " effect=\"nothing is told until the lists are read again\"", number);
    exempts->lost = number;
    exempts->stamp = 0;
    exempts->is_wanted = true;
    return 0;
}

int exempts_open(struct app *app)
{
    struct app_exempts *exempts = &app->exempts;
    int r;

    if (snprintf(exempts->dir, sizeof(exempts->dir), "%s/exempt", tip_service_data_dir(app->service)) >=
        (int)sizeof(exempts->dir))
        return -ENAMETOOLONG;
    if (mkdir(exempts->dir, 0700) == -1 && errno != EEXIST)
        return -errno;
    bl_exempt_sweep(exempts->dir, exempts->in_force, exempts->last);
    r = exempts_open_table(app, &exempts->map, exempts->in_force);
    return r || exempts->map || exempts->last == exempts->in_force
               ? r
               : exempts_open_table(app, &exempts->coming, exempts->last);
}

void exempts_free(struct app *app)
{
    bl_exempt_map_destroy(&app->exempts.map);
    bl_exempt_map_destroy(&app->exempts.coming);
}

void exempts_look(struct app *app)
{
    app->exempts.is_wanted = true;
}

/* ---- for those who score ---- */

/* While the one in force is lost the newest stands for it: what the lists say now is nearer to it than nothing. */
static struct bl_exempt_map *exempts_table(const struct app_exempts *exempts)
{
    return exempts->map || !exempts->in_force ? exempts->map : exempts->coming;
}

struct bl_exempt_map *exempts_in_force(const struct app *app)
{
    return bl_exempt_map_hold(exempts_table(&app->exempts));
}

static int exempts_coming(struct app *app, struct bl_exempt_map **mapp, uint64_t number)
{
    struct app_exempts *exempts = &app->exempts;
    int r = 0;

    if (exempts->coming && exempts->coming->number != number)
        bl_exempt_map_destroy(&exempts->coming);
    if (!exempts->coming)
        r = exempts_open_table(app, &exempts->coming, number);
    *mapp = bl_exempt_map_hold(exempts->coming);
    return r;
}

struct bl_exempt_map *exempts_stand(struct app *app)
{
    const struct bl_job *first = app->jobs;
    struct bl_exempt_map *map;

    if (app->n_jobs && first->kind == WORK_EXEMPT && (app->publish.is_active || bl_job_has_begun(first)) &&
        !exempts_coming(app, &map, first->to))
        return map;
    return exempts_in_force(app);
}

int exempts_order(struct app *app, struct bl_job *job, struct work_order *order)
{
    const struct app_exempts *exempts = &app->exempts;
    struct bl_exempt_map *coming;
    int r;

    if (!bl_job_has_begun(job)) {
        job->from = exempts->in_force;
        job->to = exempts->last;
    }
    r = exempts_coming(app, &coming, job->to);
    *order = (struct work_order){.kind = WORK_EXEMPT,
                                 .from = job->from,
                                 .to = job->to,
                                 .allow = operator_in_force(app),
                                 .is_lost = exempts->in_force && !exempts->map,
                                 .exempt_to = coming};
    strcpy(order->name, CODEC_EXEMPT);
    return r;
}

/* ---- changes ---- */

/* Verdicts follow. A job that waits already takes the change along. */
static int exempts_queue(struct app *app, struct tip_outbox_txn *txn)
{
    struct bl_job job = {.kind = WORK_EXEMPT};

    if (app->exempts.last == app->exempts.in_force || publish_is_queued(app, WORK_EXEMPT, ""))
        return 0;
    return publish_add(app, txn, &job);
}

int exempts_in_force_set(struct app *app, struct tip_outbox_txn *txn, uint64_t number)
{
    struct app_exempts *exempts = &app->exempts;
    struct bl_exempt_map *map;
    int r = exempts_coming(app, &map, number);

    if (r) /* it was open when the job began */
        return r;
    bl_exempt_map_destroy(&exempts->coming);
    bl_exempt_map_destroy(&exempts->map);
    exempts->map = map;
    exempts->in_force = number;
    r = exempts_numbers_put(exempts, txn);
    return r ? r : exempts_queue(app, txn);
}

/* Not while the pool may be writing a table; what is left goes with the next one. */
void exempts_sweep(const struct app *app)
{
    if (!app->exempts.is_looking)
        bl_exempt_sweep(app->exempts.dir, app->exempts.in_force, app->exempts.last);
}

bool exempts_are_awaited(const struct app *app)
{
    return app->weigh.warninglists && !exempts_table(&app->exempts) && !app->exempts.has_looked;
}

/* Then the first table holds at once: there is nothing that would have to follow. */
static bool exempts_has_told_nothing(struct app *app)
{
    struct app_source *source, *next;

    if (app->exempts.in_force || app->publish.is_active || (app->n_jobs && bl_job_has_begun(app->jobs)) ||
        observe_stands(app))
        return false;
    tip_hash_each (app->sources, source, next) {
        if (source->stored.version)
            return false;
    }
    return true;
}

/* The new table, where the one in force is lost: it stands for it until its own job is done. */
static int exempts_stand_in(struct app *app)
{
    struct app_exempts *exempts = &app->exempts;
    struct bl_exempt_map *map = NULL;
    int r = exempts->in_force && !exempts->map ? exempts_coming(app, &map, exempts->last) : 0;

    bl_exempt_map_destroy(&map);
    return r;
}

static void exempts_take(struct app *app, const struct exempt_work *work)
{
    struct app_exempts *exempts = &app->exempts;
    struct tip_outbox_txn *txn;
    int r;

    exempts->stamp = work->is_waiting || exempts->is_wanted ? 0 : work->stamp; /* wanted: a table was lost meanwhile */
    if (work->is_waiting)
        exempts->again_ms = tip_loop_now_ms() + BL_WARNINGLISTS_FRESH_S * 1000;
    if (!work->is_new)
        return;
    tip_info("exempt.table", "number=%" PRIu64 " files=%zu passed=%zu", work->last + 1, work->lists.n_files,
             work->lists.n_passed);
    exempts->last = work->last + 1;
    txn = app_begin(app);
    if (exempts_has_told_nothing(app)) {
        r = exempts_in_force_set(app, txn, exempts->last);
    } else {
        r = exempts_stand_in(app);
        r = r ? r : exempts_numbers_put(exempts, txn);
        r = r ? r : exempts_queue(app, txn);
    }
    app_commit(app, &txn, r);
}

static void exempts_on_done(void *ctx, void *opaque)
{
    struct exempt_work *work = opaque;
    struct app *app = ctx;

    app->exempts.is_looking = false;
    app->exempts.has_looked = true;
    app->exempts.again_ms = tip_loop_now_ms() + (work->error ? EXEMPTS_AGAIN_MS : app->weigh.interval_ms);
    if (work->error)
        tip_error("exempt.lists_unread", "dir=%s error=%s effect=\"the lists stay as they were\"",
                  work->warninglists ? work->warninglists : "", strerror(-work->error));
    else if (!app->is_stopping)
        exempts_take(app, work);
    exempt_work_deinit(work);
    if (!app->is_stopping)
        publish_go_on(app);
}

void exempts_tick(struct app *app)
{
    struct app_exempts *exempts = &app->exempts;
    struct exempt_work work = {
        .last = exempts->last, .is_lost = exempts->in_force && !exempts_table(exempts), .stamp = exempts->stamp};

    if (exempts->again_ms && tip_loop_now_ms() >= exempts->again_ms)
        exempts->is_wanted = true;
    if (!exempts->is_wanted || exempts->is_looking || app->is_stopping || !app_has_room(app, APP_ROOM_SMALL))
        return;
    strcpy(work.dir, exempts->dir);
    work.warninglists = tip_strdup(app->weigh.warninglists);
    if (tip_pool_submit(
            app->pool,
            &(struct tip_pool_job){
                .input = &work, .size = sizeof(work), .work = exempt_work_run, .done = exempts_on_done, .ctx = app})) {
        exempt_work_deinit(&work); /* the pool is full: the next tick tries again */
        return;
    }
    exempts->again_ms = 0;
    exempts->is_wanted = false;
    exempts->is_looking = true;
}

void exempts_on_metrics(const struct app *app)
{
    const struct bl_exempt *exempt = bl_exempt_of(app->exempts.map);

    tip_metric_set(app->m[APP_M_EXEMPT_LISTS], exempt ? (double)exempt->n_lists : 0);
    tip_metric_set(app->m[APP_M_EXEMPT_ENTRIES], exempt ? (double)(exempt->n4 + exempt->n6 + exempt->n_names) : 0);
}
