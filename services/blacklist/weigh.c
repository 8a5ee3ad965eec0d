/*
 * Weights: when they are measured, and when what came out is told. A weight whose file says it is measured too, but
 * what the file says stays in force.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <tip/alloc.h>
#include <tip/clock.h>
#include <tip/log.h>
#include <topics.h>

#include "app.h"
#include "core/worth.h"
#include "io/store.h"
#include "weigh_overlap.h"

enum { WEIGH_BYTES = 16 * 1024, WEIGH_WAITS = 120 /* ticks */ };

bool app_source_is_fixed(const struct app_source *source)
{
    return source->spec && source->spec->weight >= 0;
}

double app_source_weight(const struct app_source *source)
{
    if (app_source_is_fixed(source))
        return source->spec->weight;
    return source->stored.weighed_unix_ms ? source->stored.measured : BL_WEIGHT_PRIOR;
}

/* ---- the order ---- */

static void weigh_item_fill(struct weigh_item *item, const struct app_source *source)
{
    const struct bl_spec *spec = source->spec;
    double weight;

    strcpy(item->name, source->name);
    strcpy(item->group, spec->group);
    item->derived_from = tip_new_array(spec->n_derived_from, char *);
    for (size_t i = 0; i < spec->n_derived_from; i++)
        item->derived_from[item->n_derived_from++] = tip_strdup(spec->derived_from[i]);
    item->category = spec->category;
    item->tlp = app_source_tlp(source);
    publish_stands(source, &item->version, &weight);
    item->fetched_unix_ms = source->stored.fetched_unix_ms;
    item->ok_unix_ms = source->stored.ok_unix_ms;
    item->interval_ms = spec->interval_ms;
    if (source->stored.is_stale) { /* fetched well, and dead: it is as fresh as its last change */
        item->ok_unix_ms = app_source_moved(source);
        item->interval_ms = app_source_cadence(source);
    }
}

static bool weigh_wants(const struct app_source *source)
{
    return source->spec && source->stored.version && bl_is_enabled(source->spec, &source->stored);
}

static struct weigh_order *weigh_order_make(struct app *app)
{
    struct weigh_order *order = weigh_order_new(tip_hash_count(app->sources));
    struct app_source *source, *next;

    order->now_unix_ms = tip_loop_wall_ms();
    order->warninglists = tip_strdup(app->weigh.warninglists);
    order->witnesses = observe_at(app, app->observe.last, TIP_TLP_AMBER);
    strcpy(order->dir, app->dir);
    order->shelf = app->shelf;
    tip_hash_each (app->sources, source, next) {
        if (weigh_wants(source))
            weigh_item_fill(&order->items[order->n++], source);
    }
    return order;
}

/* ---- what came out, as the event has it ---- */

struct weigh_told {
    struct tip_event event;
    struct tip_role_hits hits[BL_ROLE_COUNT];
    struct tip_source_overlap overlaps[TIP_OVERLAPS_MAX];
};

static void weigh_hits(struct weigh_told *told, const struct bl_weight *weight)
{
    struct tip_source_weight *event = &told->event.source_weight;

    event->hits = told->hits;
    for (int i = 0; i < BL_ROLE_COUNT; i++) {
        if (weight->hits[i] > 0)
            told->hits[event->n_hits++] =
                (struct tip_role_hits){.role = bl_role_name((enum bl_role)i), .n = weight->hits[i]};
    }
}

static void weigh_tell(struct weigh_told *told, const struct weigh_order *order, size_t at)
{
    const struct bl_weight *w = &order->weights[at];
    const struct bl_survival *life = &w->survival;

    told->event = (struct tip_event){.kind = TIP_EVENT_SOURCE_WEIGHT, .kind_name = ""};
    told->event.source_weight = (struct tip_source_weight){
        .source = order->items[at].name,
        .reason = "measured",
        .measured_unix_ms = (int64_t)w->now_s * TIP_SECOND_MS,
        .measured = w->weight,
        .trust = w->trust,
        .trust_low = w->trust_low,
        .trust_high = w->trust_high,
        .n_entries = w->n_entries,
        .n_confirmed = w->n_confirmed,
        .exposure = w->exposure,
        .penalties = w->penalties,
        .independence = w->independence,
        .n_scored = w->n_scored,
        .n_exclusive = w->n_exclusive,
        .n_copied = w->n_copied,
        .copied_from = w->copied_from < order->n ? order->items[w->copied_from].name : "",
        .lead = w->lead,
        .n_shared = w->n_shared,
        .lead_sum = w->lead_sum,
        .freshness = w->freshness,
        .ok_unix_ms = (int64_t)w->ok_s * TIP_SECOND_MS,
        .interval_ms = (uint64_t)w->interval_s * TIP_SECOND_MS,
        .half_life_ms = (uint64_t)life->half_life_s * TIP_SECOND_MS,
        .half_life_basis = bl_survive_basis_name(life->basis),
        .law_basis = "",
        .n_known = life->n_known,
        .n_removed = life->n_removed,
        .n_held_60d = life->n_held_60d,
        .n_removed_60d = life->n_removed_60d,
        .observed_ms = (uint64_t)life->observed_s * TIP_SECOND_MS,
    };
    weigh_hits(told, w);
    weigh_overlap_tell(&told->event.source_weight, told->overlaps, order, at);
}

static int weigh_put(struct app *app, struct tip_outbox_txn *txn, struct tip_event *event)
{
    tip_auto(tip_buf_deinit) struct tip_buf bytes;
    const char *name = event->source_weight.source;
    int r;

    tip_buf_init(&bytes, WEIGH_BYTES);
    event->id = tip_id_new(app->loop);
    event->observed_unix_ms = tip_loop_wall_ms();
    r = tip_event_encode(event, &bytes);
    return r ? r : store_put(txn, STORE_WEIGHT, name, strlen(name), bytes.data, bytes.len);
}

/* It names the list that this one copies, and that may be for fewer people. */
static enum tip_tlp weigh_tlp(const struct app_source *source, const char *copied_from)
{
    const struct app_source *copied = *copied_from ? app_source_find(source->app, copied_from) : source;
    enum tip_tlp own = app_source_tlp(source), other = copied ? app_source_tlp(copied) : TIP_TLP_AMBER;

    return other > own ? other : own;
}

/* What was last measured of it; NULL: nothing. The caller's. */
static struct tip_event *weigh_get(const struct app_source *source, struct tip_outbox_txn *txn)
{
    tip_auto(tip_event_destroy) struct tip_event *measured = NULL;
    const void *bytes;
    const char *why = "";
    size_t n;

    if (store_get(txn, STORE_WEIGHT, source->name, strlen(source->name), &bytes, &n) ||
        tip_event_decode(bytes, n, &measured, &why) || measured->kind != TIP_EVENT_SOURCE_WEIGHT)
        return NULL;
    return tip_take(measured);
}

int weigh_publish(struct app_source *source, struct tip_outbox_txn *txn, double before, const char *reason)
{
    tip_auto(tip_event_destroy) struct tip_event *measured = weigh_get(source, txn);
    struct tip_event event = {
        .kind = TIP_EVENT_SOURCE_WEIGHT, .kind_name = "", .source_weight = {.half_life_basis = "", .copied_from = ""}};
    enum tip_tlp tlp;
    int r;

    if (measured)
        event.source_weight = measured->source_weight;
    event.source_weight.source = source->name;
    event.source_weight.weight = source->stored.weight;
    event.source_weight.before = before;
    event.source_weight.fixed = app_source_is_fixed(source);
    event.source_weight.reason = reason;
    law_fill(source, &event.source_weight);
    tlp = weigh_tlp(source, event.source_weight.copied_from);
    weigh_overlap_filter(source, &event.source_weight, tlp);
    r = app_source_put(txn, source);
    return r ? r : app_publish(source->app, txn, TIP_TOPIC_SOURCE_WEIGHT, source->name, tlp, &event);
}

/* ---- is it worth telling? ---- */

static bool weigh_has_moved(const struct bl_stored *stored, const struct bl_weight *weight)
{
    const struct bl_worth told = {.is_told = stored->weighed_unix_ms != 0,
                                  .weight = stored->measured,
                                  .rest = stored->measured_rest,
                                  .is_late = stored->measured_late,
                                  .half_life_s = stored->measured_half_life_s,
                                  .is_append = stored->measured_append};

    return bl_worth_telling(&told, weight);
}

static void weigh_keep(struct bl_stored *stored, const struct bl_weight *weight, int64_t now_unix_ms)
{
    const struct bl_worth told = bl_worth_of(weight);

    stored->measured = told.weight;
    stored->measured_rest = told.rest;
    stored->measured_late = told.is_late;
    stored->measured_independence = weight->independence;
    stored->measured_half_life_s = told.half_life_s;
    stored->measured_append = told.is_append;
    stored->weighed_unix_ms = now_unix_ms;
}

/*
 * The weight stands, and the rest of the event with it: what is told is not in force before verdicts have followed, and
 * for what others share they do not move.
 */
static int weigh_settle_overlaps(struct app_source *source, struct tip_outbox_txn *txn, struct weigh_told *told)
{
    tip_auto(tip_event_destroy) struct tip_event *measured = weigh_get(source, txn);
    struct tip_source_weight *last = measured ? &measured->source_weight : NULL;
    const struct tip_source_weight *now = &told->event.source_weight;
    int r;

    if (!last || !weigh_overlap_moved(last, now))
        return 0;
    last->overlaps = now->overlaps;
    last->n_overlaps = now->n_overlaps;
    last->overlap_count = now->overlap_count;
    last->overlaps_unix_ms = now->overlaps_unix_ms;
    last->overlaps_scored = now->overlaps_scored;
    r = weigh_put(source->app, txn, measured);
    return r ? r : weigh_publish(source, txn, source->stored.weight, "overlap");
}

static int weigh_settle(struct app_source *source, struct tip_outbox_txn *txn, const struct weigh_order *order,
                        size_t at)
{
    struct weigh_told told = {0};
    struct bl_law law, stands;
    int r;

    if (!weigh_wants(source) || order->items[at].is_lost || publish_is_weighing(source))
        return 0;
    weigh_tell(&told, order, at);
    if (!weigh_has_moved(&source->stored, &order->weights[at]))
        return weigh_settle_overlaps(source, txn, &told);
    weigh_keep(&source->stored, &order->weights[at], order->now_unix_ms);
    r = weigh_put(source->app, txn, &told.event);
    r = r ? r : app_source_put(txn, source);
    r = r ? r : publish_weigh(source, txn); /* the verdicts that move go before it */
    law = app_source_law(source);
    stands = bl_stored_law(&source->stored);
    if (!bl_law_equals(&law, &stands))
        return r;
    return r ? r : weigh_publish(source, txn, source->stored.weight, "measured");
}

/* ---- when ---- */

static void weigh_end(struct app *app, const struct weigh_order *order)
{
    struct tip_outbox_txn *txn = app_begin(app);
    int r = 0;

    for (size_t i = 0; !r && i < order->n; i++) {
        struct app_source *source = app_source_find(app, order->items[i].name);

        if (source)
            r = weigh_settle(source, txn, order, i);
    }
    app_commit(app, &txn, r);
    tip_info("weights.measured", "sources=%zu lists=%zu ms=%lld", order->n, order->lists.n_files,
             (long long)(tip_loop_now_ms() - app->weigh.begun_ms));
    publish_go_on(app);
}

static void weigh_on_done(void *ctx, void *opaque)
{
    struct app *app = ctx;

    (void)opaque; /* a copy of the pointer that the app keeps */
    if (app->weigh.order->error)
        tip_warn("weights.failed", "error=%s", strerror(-app->weigh.order->error));
    else if (!app->is_stopping)
        weigh_end(app, app->weigh.order);
    weigh_order_destroy(&app->weigh.order);
}

static void weigh_start(struct app *app)
{
    struct weigh_order *order = weigh_order_make(app);

    app->weigh.order = order;
    app->weigh.begun_ms = tip_loop_now_ms();
    app->weigh.n_waited = 0;
    if (!order->n || tip_pool_submit(app->pool, &(struct tip_pool_job){.input = &order,
                                                                       .size = sizeof(struct weigh_order *),
                                                                       .work = weigh_order_run,
                                                                       .done = weigh_on_done,
                                                                       .ctx = app})) {
        weigh_order_destroy(&app->weigh.order); /* nothing to weigh, or the pool is full: the next tick tries again */
        return;
    }
    app->weigh.last_unix_ms = order->now_unix_ms;
    exempts_look(app); /* at the same lists */
}

/* Collecting and publishing go first, but not for ever. */
static bool weigh_waits(struct app *app)
{
    if (!app->runs && !app->n_jobs)
        return false;
    return app->weigh.n_waited++ < WEIGH_WAITS;
}

void weigh_tick(struct app *app)
{
    int64_t since_ms = tip_loop_wall_ms() - app->weigh.last_unix_ms;

    if (app->is_stopping || app->weigh.order || (since_ms >= 0 && since_ms < app->weigh.interval_ms) ||
        weigh_waits(app) || !app_has_room(app, APP_ROOM_SMALL + tip_hash_count(app->sources) * WEIGH_BYTES))
        return;
    weigh_start(app);
}

void weigh_configure(struct app *app, const struct bl_options *options)
{
    struct app_source *source, *next;

    free(app->weigh.warninglists);
    app->weigh.warninglists = tip_strdup(options->warninglists);
    app->weigh.interval_ms = options->weights_interval_ms;
    tip_hash_each (app->sources, source, next) {
        if (source->stored.weighed_unix_ms > app->weigh.last_unix_ms)
            app->weigh.last_unix_ms = source->stored.weighed_unix_ms;
    }
}

void weigh_free(struct app *app)
{
    weigh_order_destroy(&app->weigh.order);
    free(app->weigh.warninglists);
}
