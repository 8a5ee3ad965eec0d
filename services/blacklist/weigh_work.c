#include "weigh_work.h"

#include <errno.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include <tip/alloc.h>
#include <tip/clock.h>
#include <tip/log.h>

struct weigh_order *weigh_order_new(size_t n)
{
    struct weigh_order *order = tip_new(struct weigh_order);

    order->items = tip_new_array(n, struct weigh_item);
    order->weights = tip_new_array(n, struct bl_weight);
    order->overlaps = tip_new_array(n, struct weigh_overlaps);
    return order;
}

void weigh_order_destroy(struct weigh_order **orderp)
{
    struct weigh_order *order = tip_take(*orderp);

    if (!order)
        return;
    for (size_t i = 0; i < order->n; i++) {
        for (size_t j = 0; j < order->items[i].n_derived_from; j++)
            free(order->items[i].derived_from[j]);
        free(order->items[i].derived_from);
    }
    bl_witnesses_destroy(&order->witnesses);
    free(order->items);
    free(order->weights);
    free(order->overlaps);
    free(order->warninglists);
    free(order);
}

/* Sources mapped for as long as it takes. */
struct weigh_maps {
    struct bl_seen_map *maps;
    struct bl_weigh_source *sources;
    size_t n;
};

static void weigh_maps_deinit(struct weigh_maps *maps)
{
    for (size_t i = 0; i < maps->n; i++)
        bl_seen_map_close(&maps->maps[i]);
    free(maps->maps);
    free(maps->sources);
}

static int weigh_maps_open(struct weigh_maps *maps, const struct weigh_order *order)
{
    *maps = (struct weigh_maps){.maps = tip_new_array(order->n, struct bl_seen_map),
                                .sources = tip_new_array(order->n, struct bl_weigh_source),
                                .n = order->n};
    for (size_t i = 0; i < order->n; i++) {
        struct weigh_item *item = &order->items[i];
        const struct work_seen which = {order->dir, item->name, order->shelf, item->version, item->fetched_unix_ms};
        int r = work_seen_open(&maps->maps[i], &which);

        if (r && !bl_files_is_lost(r))
            return r;
        item->is_lost = r != 0;
        maps->sources[i] =
            (struct bl_weigh_source){.name = item->name,
                                     .group = item->group,
                                     .derived_from = (const char *const *)item->derived_from,
                                     .n_derived_from = item->n_derived_from,
                                     .category = item->category,
                                     .seen = maps->maps[i].seen,
                                     .ok_s = (uint32_t)(item->ok_unix_ms / TIP_SECOND_MS),
                                     .interval_s = (item->interval_ms + TIP_SECOND_MS - 1) / TIP_SECOND_MS};
    }
    return 0;
}

static int weigh_lists(struct weigh_order *order, struct bl_reference *reference)
{
    int r = order->warninglists ? bl_warninglists_load(reference, order->warninglists, &order->lists) : 0;

    if (r)
        tip_error("weights.lists_unread", "dir=%s", order->warninglists);
    if (order->lists.n_damaged)
        tip_warn("weights.lists_damaged", "dir=%s files=%zu", order->warninglists, order->lists.n_damaged);
    return r ? r : bl_reference_finish(reference);
}

enum tip_tlp weigh_item_tlp(const struct weigh_order *order, size_t at)
{
    size_t copied = order->weights[at].copied_from;
    enum tip_tlp own = order->items[at].tlp, other = copied < order->n ? order->items[copied].tlp : own;

    return other > own ? other : own;
}

static void weigh_choose(struct weigh_order *order, const struct bl_overlaps *overlaps)
{
    tip_auto(tip_free) struct bl_overlap_side *sides = tip_new_array(order->n, struct bl_overlap_side);

    for (size_t i = 0; i < order->n; i++)
        sides[i] = (struct bl_overlap_side){.name = order->items[i].name, .marking = (int)order->items[i].tlp};
    for (size_t i = 0; i < order->n; i++) {
        struct weigh_overlaps *told = &order->overlaps[i];

        told->n = bl_overlaps_strongest(overlaps, i, sides, (int)weigh_item_tlp(order, i), told->best, TIP_OVERLAPS_MAX,
                                        &told->n_all);
    }
}

static int weigh_run(struct weigh_order *order)
{
    tip_auto(bl_reference_destroy) struct bl_reference *reference = bl_reference_new();
    tip_auto(weigh_maps_deinit) struct weigh_maps maps = {0};
    tip_auto(bl_overlaps_destroy) struct bl_overlaps *overlaps = NULL;
    struct bl_weigh_job job = {.reference = reference, .now_s = (uint32_t)(order->now_unix_ms / TIP_SECOND_MS)};
    int r = weigh_lists(order, reference);

    r = r ? r : weigh_maps_open(&maps, order);
    bl_witnesses_build(order->witnesses);
    job.witnesses = order->witnesses;
    job.exposure = (double)bl_witnesses_count(order->witnesses);
    job.sources = maps.sources;
    job.n_sources = maps.n;
    if (r || order->n > BL_WEIGH_SOURCES_MAX)
        return r ? r : -ENOBUFS;
    job.overlaps = overlaps = bl_overlaps_new(order->n);
    r = bl_weigh(&job, order->weights);
    if (!r)
        weigh_choose(order, overlaps);
    return r;
}

void weigh_order_run(void *job)
{
    struct weigh_order *order = *(struct weigh_order **)job;

    order->error = weigh_run(order);
    (void)malloc_trim(0); /* reference lists are large, and the next time is far away */
}
