#include "core/law.h"

#include <math.h>

#include "core/flag.h"

double bl_decayed(double p, int64_t age_s, int64_t half_life_s)
{
    double left = age_s > 0 ? p * exp2(-(double)age_s / (double)half_life_s) : p;

    return left < BL_SHARE_LEAST ? 0 : left;
}

double bl_law_share(const struct bl_law *law, const struct bl_seen_times *times, uint32_t tau_s)
{
    bool is_listed = times && times->state & BL_SEEN_LISTED;
    uint32_t from_s;

    if (!times || law->weight <= 0 || times->flags & BL_FLAG_NEVER_SCORED)
        return 0;
    if (is_listed && (!tau_s || !bl_law_counts_from_start(law)))
        return law->weight;
    if (!tau_s || law->half_life_s <= 0)
        return 0;
    if (!is_listed && (int64_t)tau_s - times->last_s > BL_SEEN_WINDOW_S)
        return 0;
    from_s = bl_law_counts_from_start(law) ? times->since_s : times->last_s;
    return bl_decayed(law->weight, (int64_t)tau_s - from_s, law->half_life_s);
}

bool bl_law_fades(const struct bl_law *law, const struct bl_seen_times *times, uint32_t tau_s)
{
    if (!tau_s || !times || law->half_life_s <= 0 || (times->state & BL_SEEN_LISTED && !law->is_append))
        return false;
    return bl_law_share(law, times, tau_s) > 0;
}
