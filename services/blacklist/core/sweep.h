#pragma once
/*
 * One walk over everything that many sources have said: indicator by indicator, in the order of the sets, with all that
 * hold it. O(E log n) for E entries of n sources, memory in proportion to n.
 */
#include <stddef.h>

#include "core/seen.h"

/** A source that holds, or held, the indicator. */
struct bl_holder {
    size_t source;
    const struct bl_seen_times *times;
};

/** @param holders  n of them in ascending order of their number; valid during the call */
typedef void bl_sweep_fn(void *ctx, const struct bl_holder *holders, size_t n);

/** @param seens  n of them, at least 1 */
void bl_sweep(const struct bl_seen *const *seens, size_t n, bl_sweep_fn *visit, void *ctx);
