#include "core/survive.h"

#include <stdlib.h>

#include <tip/alloc.h>
#include <tip/cleanup.h>

enum { SURVIVE_STEPS = BL_SURVIVE_MAX_S / BL_SURVIVE_STEP_S + 1, SURVIVE_DAY_S = 24 * 60 * 60 };

/* At an age: how many come under observation, are removed, go out of sight. */
struct survive_step {
    uint32_t n_in, n_removed, n_out;
};

struct survive {
    const struct bl_seen *seen;
    uint32_t now_s, from_s; /* the window */
    struct survive_step *steps;
    struct bl_survival found;
};

const char *bl_survive_basis_name(enum bl_survive_basis basis)
{
    static const char *const names[BL_SURVIVE_BASIS_COUNT] = {
        [BL_SURVIVE_DEFAULT] = "category",
        [BL_SURVIVE_MEASURED] = "measured",
        [BL_SURVIVE_BEYOND] = "beyond",
        [BL_SURVIVE_APPEND] = "append_only",
    };

    return names[basis];
}

int64_t bl_survive_default(enum bl_category category)
{
    static const int days[BL_CATEGORY_COUNT] = {
        [BL_CATEGORY_OTHER] = 7,      [BL_CATEGORY_SPAM] = 7,     [BL_CATEGORY_SCAN] = 7,
        [BL_CATEGORY_ATTACK] = 7,     [BL_CATEGORY_BOTNET] = 7,   [BL_CATEGORY_C2] = 14,
        [BL_CATEGORY_MALWARE] = 60,   [BL_CATEGORY_PHISHING] = 1, [BL_CATEGORY_FRAUD] = 90,
        [BL_CATEGORY_HIJACKED] = 365, [BL_CATEGORY_PROXY] = 14,   [BL_CATEGORY_DISPOSABLE] = 90,
        [BL_CATEGORY_TRACKER] = 90,   [BL_CATEGORY_BOGON] = 365,
    };

    return (int64_t)days[category] * SURVIVE_DAY_S;
}

static size_t survive_step_of(uint32_t from_s, uint32_t to_s)
{
    size_t step = to_s > from_s ? (to_s - from_s) / BL_SURVIVE_STEP_S : 0;

    return step < SURVIVE_STEPS ? step : SURVIVE_STEPS - 1;
}

static void survive_entry(struct survive *survive, const struct bl_seen_times *times)
{
    bool is_listed = times->state & BL_SEEN_LISTED;
    uint32_t end_s = is_listed ? survive->now_s : times->last_s;
    uint32_t came_s = bl_seen_came(times);

    if (survive->now_s - end_s < BL_SURVIVE_APPEND_S) {
        survive->found.n_held_60d++;
        survive->found.n_removed_60d += !is_listed;
    }
    if ((times->state & BL_SEEN_STOCK) || end_s < survive->from_s ||
        (times->state & BL_SEEN_STATED && times->n_returned))
        return; /* by our own account nobody knows since when */
    survive->found.n_known++;
    survive->found.n_removed += !is_listed;
    survive->steps[survive_step_of(came_s, survive->from_s)].n_in++;
    if (is_listed)
        survive->steps[survive_step_of(came_s, end_s)].n_out++;
    else
        survive->steps[survive_step_of(came_s, end_s)].n_removed++;
}

/* The first step at which at most half are left; SURVIVE_STEPS: none. `lastp`: the last step anybody was at risk. */
static size_t survive_median(const struct survive *survive, size_t *lastp)
{
    double alive = 1;
    uint64_t n_at_risk = 0;

    *lastp = 0;
    for (size_t i = 0; i < SURVIVE_STEPS; i++) {
        const struct survive_step *step = &survive->steps[i];

        n_at_risk += step->n_in;
        if (n_at_risk)
            *lastp = i;
        if (step->n_removed)
            alive *= 1 - (double)step->n_removed / (double)n_at_risk;
        if (alive <= 0.5)
            return i;
        n_at_risk -= step->n_removed + step->n_out;
    }
    return SURVIVE_STEPS;
}

static int64_t survive_clamp(int64_t s)
{
    if (s < BL_SURVIVE_MIN_S)
        return BL_SURVIVE_MIN_S;
    return s > BL_SURVIVE_MAX_S ? BL_SURVIVE_MAX_S : s;
}

static void survive_judge(struct survive *survive, int64_t usual_s)
{
    struct bl_survival *found = &survive->found;
    size_t last;
    size_t median = survive_median(survive, &last);

    found->half_life_s = usual_s;
    if (found->observed_s >= BL_SURVIVE_APPEND_S && found->n_removed_60d * 100 < found->n_held_60d) {
        found->basis = BL_SURVIVE_APPEND;
    } else if (found->n_known < BL_SURVIVE_FEW) {
        found->basis = BL_SURVIVE_DEFAULT;
    } else if (median < SURVIVE_STEPS) {
        found->basis = BL_SURVIVE_MEASURED;
        found->half_life_s = survive_clamp((int64_t)median * BL_SURVIVE_STEP_S);
    } else if (found->observed_s >= BL_SURVIVE_APPEND_S) {
        int64_t at_least = survive_clamp((int64_t)last * BL_SURVIVE_STEP_S);

        found->basis = BL_SURVIVE_BEYOND;
        found->half_life_s = at_least > usual_s ? at_least : usual_s;
    }
}

struct bl_survival bl_survive(const struct bl_seen *seen, enum bl_category category, uint32_t now_s)
{
    tip_auto(tip_free) struct survive_step *steps = tip_new_array(SURVIVE_STEPS, struct survive_step);
    struct survive survive = {.seen = seen,
                              .now_s = now_s,
                              .from_s = now_s > BL_SEEN_WINDOW_S ? now_s - BL_SEEN_WINDOW_S : 0,
                              .steps = steps,
                              .found = {.observed_s = seen->born_s && now_s > seen->born_s ? now_s - seen->born_s : 0}};

    for (size_t i = 0; i < bl_seen_count(seen); i++)
        survive_entry(&survive, bl_seen_at(seen, i));
    survive_judge(&survive, bl_survive_default(category));
    return survive.found;
}
