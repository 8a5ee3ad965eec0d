#include "core/worth.h"

#include <math.h>
#include <stdlib.h>

#define WORTH_SLACK 1e-9

/* Freshness falls a little between any two fetches: overdue is who is a tenth of its interval behind. */
static bool worth_is_late(const struct bl_weight *weight)
{
    return weight->now_s > weight->ok_s && (int64_t)(weight->now_s - weight->ok_s) * 10 > weight->interval_s * 11;
}

struct bl_worth bl_worth_of(const struct bl_weight *weight)
{
    return (struct bl_worth){.is_told = true,
                             .weight = weight->weight,
                             .rest = weight->freshness > 0 ? weight->weight / weight->freshness : 0,
                             .is_late = worth_is_late(weight),
                             .half_life_s = weight->survival.half_life_s,
                             .is_append = weight->survival.basis == BL_SURVIVE_APPEND};
}

static bool worth_moved(double before, double now)
{
    return fabs(now - before) >= BL_WORTH_MOVED - WORTH_SLACK;
}

bool bl_worth_telling(const struct bl_worth *told, const struct bl_weight *weight)
{
    const struct bl_worth now = bl_worth_of(weight);

    if (!told->is_told || told->is_append != now.is_append ||
        llabs(told->half_life_s - now.half_life_s) > told->half_life_s / 10)
        return true;
    return worth_moved(told->weight, now.weight) && (told->is_late || now.is_late || worth_moved(told->rest, now.rest));
}
