/* Serving `snapshot.verdict.<tlp>`: which lists count, from where on; the rest is done in the pool (view.h). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tip/alloc.h>

#include "app.h"
#include "view.h"

/*
 * Of a version that is being published the lists' files count, whether its events are out or not: an event that comes
 * later than the change that it tells does no harm. Jobs are planned in the same pool, one after the other, and a file
 * goes after the job behind the next plan: so what is named here is there when the pool comes to it.
 */
void snapshot_lists(struct app *app, enum tip_tlp audience, struct view_order *order)
{
    const struct voters_wish wish = {.audience = audience, .is_newest = true};
    struct work_voters voters = voters_make(app, &wish);

    order->lists = voters.items;
    order->n_lists = voters.n;
    order->tau_s = clock_stands(app);
    order->exempt = exempts_stand(app);
}

static int snapshot_begin(void *ctx, enum tip_tlp audience, void **copyp)
{
    struct app *app = ctx;
    struct view_order order = {.stream = *tip_outbox_stream(app->outbox), .now_unix_ms = tip_loop_wall_ms()};

    strcpy(order.dir, app->dir);
    order.shelf = app->shelf;
    snapshot_lists(app, audience, &order);
    order.allow = operator_seen(app, audience);
    order.witnesses = observe_at(app, observe_stands(app), audience);
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

/* ---- the allow and deny list: amber, so that others see an empty one ---- */

struct snapshot_allow {
    struct tip_id stream;
    uint64_t change;
    int64_t now_unix_ms;
    size_t n, next;
    struct tip_allow_entry *entries; /* texts are copies */
};

static int snapshot_allow_begin(void *ctx, enum tip_tlp audience, void **copyp)
{
    struct snapshot_allow *copy = tip_new(struct snapshot_allow);
    struct app *app = ctx;
    struct operator_entry *entry, *next;

    copy->stream = *tip_outbox_stream(app->outbox);
    copy->change = app->operator.last;
    copy->now_unix_ms = tip_loop_wall_ms();
    copy->entries = tip_new_array(tip_hash_count(app->operator.standing), struct tip_allow_entry);
    tip_hash_each (app->operator.standing, entry, next) {
        struct tip_allow_entry *to = &copy->entries[copy->n];

        if (audience < TIP_TLP_AMBER)
            break;
        *to = operator_told(entry);
        to->value = tip_strdup(to->value);
        to->reason = tip_strdup(to->reason);
        to->actor = tip_strdup(to->actor);
        copy->n++;
    }
    *copyp = copy;
    return 0;
}

enum { SNAPSHOT_ALLOW_ENTRIES = 40 }; /* of the longest: they fit into an event, whatever they say */

static int snapshot_allow_step(void *opaque, struct tip_snapshot_out *out)
{
    struct snapshot_allow *copy = opaque;
    struct tip_event event = {
        .id = tip_id_random(), .kind = TIP_EVENT_CONTROL_ALLOW, .kind_name = "", .observed_unix_ms = copy->now_unix_ms};
    tip_auto(tip_buf_deinit) struct tip_buf bytes;
    size_t n = copy->n - copy->next < SNAPSHOT_ALLOW_ENTRIES ? copy->n - copy->next : SNAPSHOT_ALLOW_ENTRIES;
    int r;

    tip_buf_init(&bytes, TIP_EVENT_BYTES_MAX);
    if (!n)
        return TIP_SNAPSHOT_E_END;
    event.allow_changes = (struct tip_allow_changes){
        .n_added = n, .added = copy->entries + copy->next, .stream = copy->stream, .change = copy->change};
    r = tip_event_encode(&event, &bytes);
    copy->next += n;
    return r ? r : tip_snapshot_add(out, bytes.data, bytes.len);
}

static void snapshot_allow_end(void *ctx, void *opaque)
{
    struct snapshot_allow *copy = opaque;

    (void)ctx;
    for (size_t i = 0; i < copy->n; i++) {
        free((void *)(uintptr_t)copy->entries[i].value);
        free((void *)(uintptr_t)copy->entries[i].reason);
        free((void *)(uintptr_t)copy->entries[i].actor);
    }
    free(copy->entries);
    free(copy);
}

static int snapshot_allow_open(struct app *app, const char *dir)
{
    const struct tip_snapshot_config config = {.stream = "allow",
                                               .dir = dir,
                                               .young_ms = 1000, /* it is short, and people look at once */
                                               .pool = app->pool,
                                               .begin = snapshot_allow_begin,
                                               .step = snapshot_allow_step,
                                               .end = snapshot_allow_end,
                                               .ctx = app};

    return tip_snapshots_open(&app->allow_snapshots, app->loop, app->bus, &config);
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
    int r;

    (void)snprintf(dir, sizeof(dir), "%s/snapshots", tip_service_data_dir(app->service)); /* as long as that of sets */
    r = tip_snapshots_open(&app->snapshots, app->loop, app->bus, &config);
    (void)snprintf(dir, sizeof(dir), "%s/allowed", tip_service_data_dir(app->service));
    return r ? r : snapshot_allow_open(app, dir);
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
