/*
 * The owner's side: three views, each a queue, a shelf of files, and at most one snapshot being taken, for which calls
 * may wait. Pages are read by a thread of their own.
 */
#include <tip/snapshot.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <tip/alloc.h>
#include <tip/log.h>
#include <topics.h>

#include "place.h"
#include "snapshot_file.h"
#include "snapshot_take.h"

enum {
    SERVE_CREDIT = 16, /* calls of a view at once */
    SERVE_WAITING = 2 * SERVE_CREDIT,
    SERVE_PAGES_MAX = TIP_TLP_COUNT * SERVE_WAITING,
    SERVE_REST_MS = 1000 /* between two tries of a view: nobody makes us copy all day */
};

static const uint64_t serve_bytes_max = UINT64_C(1) << 30;

struct view {
    struct tip_snapshots *all;
    enum tip_tlp tlp;
    struct tip_serve *queue;
    struct snapshot_shelf shelf;
    struct snapshot_take *take; /* NULL: none */
    int64_t tried_ms;           /* 0: never */
    struct tip_job *waiting[SERVE_WAITING];
    size_t n_waiting;
};

struct tip_snapshots {
    struct tip_loop *loop;
    struct tip_bus *bus;
    struct tip_snapshot_config config;
    struct snapshot_place place;
    struct tip_pool *files; /* pages are read there, and copies of the loop written */
    struct view views[TIP_TLP_COUNT];
    struct tip_snapshot_stats stats;
};

/** One page on its way out. */
struct page_job {
    struct view *view; /* for the loop's side */
    struct tip_job *job;
    struct snapshot_place place;
    struct snapshot_meta meta;
    uint32_t page;
    struct tip_buf answer;
    int result;
};

static void view_answer(struct view *view, struct tip_job *job, const struct snapshot_meta *meta, uint32_t page);

static void view_refuse(struct view *view, struct tip_job *job, enum tip_failure failure, const char *reason)
{
    if (failure == TIP_FAILURE_NOT_FOUND)
        view->all->stats.missed++;
    else
        view->all->stats.refused++;
    tip_job_fail(&job, failure, reason);
}

/* ---- what there is ---- */

static bool view_is_of_journal(const struct view *view, const struct snapshot_meta *meta)
{
    struct tip_id journal_id;

    return !tip_bus_journal(view->all->bus, &journal_id) || tip_id_equal(&journal_id, &meta->journal_id);
}

/* The newest, if it may be served to whoever begins. */
static const struct snapshot_meta *view_young(const struct view *view, const struct tip_id *other_than)
{
    const struct snapshot_meta *newest = &view->shelf.items[0];
    int64_t age_ms;

    if (view->shelf.n == 0 || tip_id_equal(&newest->id, other_than) || !view_is_of_journal(view, newest))
        return NULL;
    age_ms = tip_loop_wall_ms() - newest->taken_unix_ms; /* a clock that went back makes it old */
    return age_ms >= 0 && age_ms <= view->all->config.young_ms ? newest : NULL;
}

/* It cannot be read: it is as if it had never been there. */
static void view_forget(struct view *view, const struct tip_id *id)
{
    struct snapshot_shelf *shelf = &view->shelf;

    for (size_t i = 0; i < shelf->n; i++) {
        if (!tip_id_equal(&shelf->items[i].id, id))
            continue;
        snapshot_remove(&view->all->place, &shelf->items[i]);
        shelf->n--;
        memmove(shelf->items + i, shelf->items + i + 1, (shelf->n - i) * sizeof(*shelf->items));
        return;
    }
}

/* ---- taking one ---- */

static void view_log_end(const struct view *view, int result, const struct snapshot_meta *meta)
{
    int64_t took_ms = tip_loop_now_ms() - view->tried_ms;

    if (result)
        tip_warn("snapshot.failed", "stream=%s tlp=%s error=%s", view->all->place.stream, tip_tlp_name(view->tlp),
                 strerror(-result));
    else
        tip_info("snapshot.taken", "stream=%s tlp=%s seq=%llu bytes=%llu took_ms=%lld", view->all->place.stream,
                 tip_tlp_name(view->tlp), (unsigned long long)meta->seq, (unsigned long long)meta->size,
                 (long long)took_ms);
}

static void view_on_taken(void *ctx, int result, const struct snapshot_meta *meta)
{
    struct view *view = ctx;
    struct snapshot_meta copy = *meta, gone;

    view_log_end(view, result, meta);
    if (result) {
        view->all->stats.failed++;
    } else {
        view->all->stats.taken++;
        view->all->stats.last_ms = (uint64_t)(tip_loop_now_ms() - view->tried_ms);
        (void)snapshot_shelf_add(&view->shelf, &copy, &gone); /* removed already, with the last write */
    }
    snapshot_take_destroy(&view->take);
    while (view->n_waiting > 0) {
        struct tip_job *job = view->waiting[--view->n_waiting];

        if (result)
            view_refuse(view, job, TIP_FAILURE_UNAVAILABLE,
                        result == -ENOSPC ? "no space for a snapshot" : "a snapshot could not be taken");
        else
            view_answer(view, job, &copy, 0);
    }
}

static int view_take(struct view *view)
{
    struct tip_snapshots *all = view->all;
    const struct snapshot_take_order order = {
        .loop = all->loop,
        .bus = all->bus,
        .writers = all->files,
        .config = &all->config,
        .place = &all->place,
        .tlp = view->tlp,
        .oldest = view->shelf.n == TIP_SNAPSHOT_KEPT ? &view->shelf.items[TIP_SNAPSHOT_KEPT - 1] : NULL,
        .on_end = view_on_taken,
        .ctx = view,
    };

    view->tried_ms = tip_loop_now_ms();
    return snapshot_take_open(&view->take, &order);
}

static bool view_is_resting(const struct view *view)
{
    return view->tried_ms && tip_loop_now_ms() - view->tried_ms < SERVE_REST_MS;
}

/* Whoever comes while one is being taken waits for it. */
static void view_wait(struct view *view, struct tip_job *job)
{
    if (!view->take && view_is_resting(view))
        view_refuse(view, job, TIP_FAILURE_UNAVAILABLE, "the last snapshot was tried just now");
    else if (view->n_waiting == SERVE_WAITING)
        view_refuse(view, job, TIP_FAILURE_UNAVAILABLE, "too many wait for a snapshot");
    else if (!view->take && view_take(view))
        view_refuse(view, job, TIP_FAILURE_UNAVAILABLE, "a snapshot could not be begun");
    else
        view->waiting[view->n_waiting++] = job;
}

/* ---- pages ---- */

static void page_work(void *arg)
{
    struct page_job *job = arg;

    tip_buf_init(&job->answer, TIP_CALL_BYTES_MAX);
    job->result = snapshot_page_read(&job->place, &job->meta, job->page, &job->answer);
}

static void page_done(void *ctx, void *arg)
{
    struct page_job *job = arg;
    struct view *view = ctx;

    if (job->result == -ENOENT || job->result == -EIO) {
        if (snapshot_shelf_find(&view->shelf, &job->meta.id))
            tip_error("snapshot.lost", "stream=%s tlp=%s error=%s", job->place.stream, tip_tlp_name(view->tlp),
                      strerror(-job->result));
        view_forget(view, &job->meta.id);
        view_refuse(view, job->job, TIP_FAILURE_NOT_FOUND, "there is no such snapshot any more");
    } else if (job->result) {
        view_refuse(view, job->job, TIP_FAILURE_UNAVAILABLE, strerror(-job->result));
    } else {
        view->all->stats.pages++;
        tip_job_done(&job->job, job->answer.data, job->answer.len);
    }
    tip_buf_deinit(&job->answer);
}

static void view_answer(struct view *view, struct tip_job *job, const struct snapshot_meta *meta, uint32_t page)
{
    struct page_job task = {.view = view, .job = job, .place = view->all->place, .meta = *meta, .page = page};

    if (tip_pool_submit(view->all->files,
                        &(struct tip_pool_job){
                            .input = &task, .size = sizeof(task), .work = page_work, .done = page_done, .ctx = view}))
        view_refuse(view, job, TIP_FAILURE_UNAVAILABLE, "too many pages at once");
}

static void view_answer_known(struct view *view, struct tip_job *job, const struct tip_snapshot_request *request)
{
    const struct snapshot_meta *meta = snapshot_shelf_find(&view->shelf, &request->snapshot_id);

    if (!meta || !view_is_of_journal(view, meta))
        view_refuse(view, job, TIP_FAILURE_NOT_FOUND, "there is no such snapshot: begin anew");
    else if (request->page > 0 && request->page >= tip_snapshot_pages(meta->size))
        view_refuse(view, job, TIP_FAILURE_INVALID, "there is no such page");
    else
        view_answer(view, job, meta, request->page);
}

static void view_on_job(void *ctx, struct tip_job *job)
{
    tip_auto(tip_call_free) struct tip_snapshot_request *request = NULL;
    struct view *view = ctx;
    const struct snapshot_meta *young;
    size_t n;
    const uint8_t *body = tip_job_body(job, &n);

    if (tip_snapshot_request_decode(body, n, &request)) {
        view_refuse(view, job, TIP_FAILURE_INVALID, "the request cannot be read");
        return;
    }
    if (!tip_id_is_zero(&request->snapshot_id)) {
        view_answer_known(view, job, request);
        return;
    }
    young = view_young(view, &request->other_than);
    if (young)
        view_answer(view, job, young, 0);
    else
        view_wait(view, job);
}

/* ---- beginning and end ---- */

static int view_open(struct tip_snapshots *all, enum tip_tlp tlp)
{
    struct view *view = &all->views[tlp];
    tip_auto(tip_buf_deinit) struct tip_buf queue;
    int r;

    view->all = all;
    view->tlp = tlp;
    tip_buf_init(&queue, TIP_NAME_MAX);
    r = tip_buf_append_format(&queue, "%s%s.%s", TIP_QUEUE_SNAPSHOT, all->place.stream, tip_tlp_name(tlp));
    return r ? r : tip_serve_open(&view->queue, all->bus, tip_buf_text(&queue), SERVE_CREDIT, view_on_job, view);
}

static bool snapshots_stream_valid(const char *stream)
{
    size_t n = strlen(stream);

    return n > 0 && n <= TIP_SNAPSHOT_STREAM_MAX && strspn(stream, "abcdefghijklmnopqrstuvwxyz0123456789_-") == n;
}

static int snapshots_place(struct tip_snapshots *all, const struct tip_snapshot_config *config)
{
    if (!snapshots_stream_valid(config->stream) || strlen(config->dir) >= sizeof(all->place.dir))
        return -EINVAL;
    strcpy(all->place.stream, config->stream);
    strcpy(all->place.dir, config->dir);
    return place_make_private(config->dir);
}

static int snapshots_load(struct tip_snapshots *all)
{
    struct snapshot_shelf shelves[TIP_TLP_COUNT];
    int r = snapshot_shelves_load(shelves, &all->place);

    for (size_t tlp = 0; !r && tlp < TIP_TLP_COUNT; tlp++)
        all->views[tlp].shelf = shelves[tlp];
    return r;
}

int tip_snapshots_open(struct tip_snapshots **snapshotsp, struct tip_loop *loop, struct tip_bus *bus,
                       const struct tip_snapshot_config *config)
{
    tip_auto(tip_snapshots_destroy) struct tip_snapshots *all = tip_new(struct tip_snapshots);
    const struct tip_pool_options files = {.name = "snapshots", .n_threads = 1, .n_jobs_max = SERVE_PAGES_MAX};
    int r;

    all->loop = loop;
    all->bus = bus;
    all->config = *config;
    all->config.young_ms = config->young_ms ? config->young_ms : TIP_SNAPSHOT_YOUNG_MS;
    all->config.bytes_max = config->bytes_max ? config->bytes_max : serve_bytes_max;
    r = snapshots_place(all, config);
    if (!r)
        r = snapshots_load(all);
    if (!r)
        r = tip_pool_open(&all->files, loop, &files);
    for (enum tip_tlp tlp = TIP_TLP_CLEAR; !r && tlp < TIP_TLP_COUNT; tlp++)
        r = view_open(all, tlp);
    if (r)
        return r;
    *snapshotsp = tip_take(all);
    return 0;
}

static void view_close(struct view *view)
{
    snapshot_take_destroy(&view->take);
    while (view->n_waiting > 0)
        tip_job_fail(&view->waiting[--view->n_waiting], TIP_FAILURE_UNAVAILABLE, "the service ends");
    tip_serve_destroy(&view->queue);
}

void tip_snapshots_destroy(struct tip_snapshots **snapshotsp)
{
    struct tip_snapshots *all = *snapshotsp;

    if (!all)
        return;
    tip_pool_destroy(&all->files); /* delivers what is under way */
    for (size_t tlp = 0; tlp < TIP_TLP_COUNT; tlp++)
        view_close(&all->views[tlp]);
    free(all);
    *snapshotsp = NULL;
}

void tip_snapshots_stats(const struct tip_snapshots *all, struct tip_snapshot_stats *stats)
{
    *stats = all->stats;
    for (size_t tlp = 0; tlp < TIP_TLP_COUNT; tlp++) {
        const struct snapshot_shelf *shelf = &all->views[tlp].shelf;

        stats->n_files += shelf->n;
        for (size_t i = 0; i < shelf->n; i++)
            stats->bytes += shelf->items[i].size + SNAPSHOT_META_BYTES;
    }
}
