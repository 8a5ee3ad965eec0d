#pragma once
/*
 * Taking one snapshot: the end of the journal, a copy step by step, a durable file. One object a try; it tells once how
 * that ended, and may be destroyed then.
 */
#include <tip/bus.h>
#include <tip/loop.h>
#include <tip/pool.h>

#include "snapshot_file.h"

struct snapshot_take;

struct snapshot_take_order {
    struct tip_loop *loop;
    struct tip_bus *bus;
    struct tip_pool *writers; /* for files */
    const struct tip_snapshot_config *config;
    const struct snapshot_place *place;
    enum tip_tlp tlp;
    const struct snapshot_meta *oldest; /* to be removed when this one is whole; zero id: none */
    /** @param result  0, or a negative errno: -ETIMEDOUT when the broker did not say where the journal ends */
    void (*on_end)(void *ctx, int result, const struct snapshot_meta *meta);
    void *ctx;
};

tip_nodiscard int snapshot_take_open(struct snapshot_take **takep, const struct snapshot_take_order *order);

/** Not while one of its jobs is in a pool. */
void snapshot_take_destroy(struct snapshot_take **takep);
