#pragma once
/*
 * Weighing all sources, in the pool: an order with everything it needs, and what came out.
 */
#include "core/weight.h"
#include "core/witness.h"
#include "io/warninglists.h"
#include "work.h"

struct weigh_item {
    char name[TIP_NAME_MAX + 1], group[TIP_NAME_MAX + 1];
    char **derived_from; /* owned */
    size_t n_derived_from;
    enum bl_category category;
    uint64_t version;
    int64_t fetched_unix_ms, ok_unix_ms, interval_ms;
    enum tip_tlp tlp;
    bool is_lost; /* set: its file went away meanwhile */
};

/** What a source has in common with those that its event may name. */
struct weigh_overlaps {
    size_t n, n_all; /* told, and in all */
    struct bl_overlap best[TIP_OVERLAPS_MAX];
};

struct weigh_order {
    char dir[WORK_PATH];
    struct bl_shelf *shelf; /* of that directory; NULL: none */
    char *warninglists;     /* owned; NULL for none */
    int64_t now_unix_ms;
    struct weigh_item *items; /* owned */
    size_t n;
    struct bl_witnesses *witnesses; /* kept: what TIP saw itself */

    struct bl_weight *weights;       /* set: one an item */
    struct weigh_overlaps *overlaps; /* set: one an item */
    struct bl_warninglists lists;
    int error;
};

/** Room for n items. */
struct weigh_order *weigh_order_new(size_t n);
void weigh_order_destroy(struct weigh_order **orderp);

/** Who may see what is told of an item: it names the list that it copies, and that may be for fewer people. */
enum tip_tlp weigh_item_tlp(const struct weigh_order *order, size_t at);

/** For the pool. @param job  a struct weigh_order ** */
void weigh_order_run(void *job);
