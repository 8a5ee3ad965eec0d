/* Serving `snapshot.verdict.<tlp>`: which lists count, from where on; the rest is done in the pool (view.h). */
#include <stdio.h>
#include <string.h>

#include <tip/alloc.h>

#include "app.h"
#include "view.h"

/*
 * Of a version that is being published the lists' files count, whether its events are out or not: an event that comes
 * later than the change that it tells does no harm. Jobs are planned in the same pool, one after the other, and a file
 * goes after the job behind the next plan: so what is named here is there when the pool comes to it.
 */
static void snapshot_lists(struct app *app, enum tip_tlp audience, struct view_order *order)
{
    struct app_source *source, *next;

    order->lists = tip_new_array(tip_hash_count(app->sources), struct work_voter);
    tip_hash_each (app->sources, source, next) {
        struct work_voter *list = &order->lists[order->n_lists];

        list->tlp = app_source_tlp(source);
        publish_stands(source, &list->version, &list->weight);
        if (!list->version || list->weight <= 0 || list->tlp > audience)
            continue;
        strcpy(list->name, source->name);
        order->n_lists++;
    }
}

static int snapshot_begin(void *ctx, enum tip_tlp audience, void **copyp)
{
    struct app *app = ctx;
    struct view_order order = {.stream = *tip_outbox_stream(app->outbox), .now_unix_ms = tip_loop_wall_ms()};

    strcpy(order.dir, app->dir);
    snapshot_lists(app, audience, &order);
    *copyp = view_new(&order);
    return 0;
}

static int snapshot_step(void *copy, struct tip_snapshot_out *out)
{
    return view_step(copy, out);
}

static void snapshot_end(void *ctx, void *copy)
{
    struct view *view = copy;

    (void)ctx;
    view_destroy(&view);
}

int snapshot_open(struct app *app)
{
    char dir[WORK_PATH];
    const struct tip_snapshot_config config = {.stream = "verdict",
                                               .dir = dir,
                                               .pool = app->pool,
                                               .begin = snapshot_begin,
                                               .step = snapshot_step,
                                               .end = snapshot_end,
                                               .ctx = app};

    (void)snprintf(dir, sizeof(dir), "%s/snapshots", tip_service_data_dir(app->service)); /* as long as that of sets */
    return tip_snapshots_open(&app->snapshots, app->loop, app->bus, &config);
}

void snapshot_on_metrics(struct app *app)
{
    struct tip_snapshot_stats stats;

    if (!app->snapshots)
        return;
    tip_snapshots_stats(app->snapshots, &stats);
    tip_metric_set(app->m[APP_M_SNAPSHOTS], (double)stats.taken);
    tip_metric_set(app->m[APP_M_SNAPSHOTS_FAILED], (double)stats.failed);
    tip_metric_set(app->m[APP_M_SNAPSHOT_PAGES], (double)stats.pages);
    tip_metric_set(app->m[APP_M_SNAPSHOT_MISSED], (double)(stats.missed + stats.refused));
    tip_metric_set(app->m[APP_M_SNAPSHOT_BYTES], (double)stats.bytes);
}
