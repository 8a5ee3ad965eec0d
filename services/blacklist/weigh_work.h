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
    bool is_lost; /* set: its file went away meanwhile */
};

struct weigh_order {
    char dir[WORK_PATH];
    char *warninglists; /* owned; NULL for none */
    int64_t now_unix_ms;
    struct weigh_item *items; /* owned */
    size_t n;
    struct bl_witnesses *witnesses; /* kept: what TIP saw itself */

    struct bl_weight *weights; /* set: one an item */
    struct bl_warninglists lists;
    int error;
};

/** Room for n items. */
struct weigh_order *weigh_order_new(size_t n);
void weigh_order_destroy(struct weigh_order **orderp);

/** For the pool. @param job  a struct weigh_order ** */
void weigh_order_run(void *job);
