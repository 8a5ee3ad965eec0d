#pragma once
/*
 * The last few hundred of many measurements, and where their middle and their tail lie. Pure; for what an operator asks
 * now, where a histogram since the start would answer about last week.
 */
#include <stddef.h>
#include <stdint.h>

enum { TIP_RECENT_MAX = 512 };

/** Zeroed memory is an empty one. */
struct tip_recent {
    int64_t values[TIP_RECENT_MAX];
    size_t n, next;
};

void tip_recent_add(struct tip_recent *recent, int64_t value);

/** The value that a share of 0 to 1 of the last TIP_RECENT_MAX does not pass (nearest rank); 0 when there is none. */
int64_t tip_recent_quantile(const struct tip_recent *recent, double share);
