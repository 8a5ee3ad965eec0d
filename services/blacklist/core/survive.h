#pragma once
/*
 * How long an entry of a source goes on meaning something: its half-life, learned from how long entries stay.
 *
 * Kaplan-Meier over the window: an entry is at risk from the age at which it was first under observation to the age at
 * which it left (removed) or is now (not removed yet). Entries that stood there at the first fetch are left out, for
 * nobody knows how old they are. The half-life is the median, 6 hours to 180 days. A list that hardly ever removes
 * anything (less than 1 % of it in 60 days) says nothing by it: then it is what is known of its category.
 *
 * Ages are counted in quarter hours, cut.
 */
#include <stddef.h>
#include <stdint.h>

#include "core/category.h"
#include "core/seen.h"

enum {
    BL_SURVIVE_STEP_S = 15 * 60,
    BL_SURVIVE_MIN_S = 6 * 60 * 60,
    BL_SURVIVE_MAX_S = 180 * 24 * 60 * 60,
    BL_SURVIVE_APPEND_S = 60 * 24 * 60 * 60,
    BL_SURVIVE_FEW = 30 /* with fewer entries of known age there is nothing to learn from */
};

enum bl_survive_basis {
    BL_SURVIVE_DEFAULT,  /* too little is known: of its category */
    BL_SURVIVE_MEASURED, /* the median */
    BL_SURVIVE_BEYOND,   /* more than half outlive what was observed: so long at least, or its category's if longer */
    BL_SURVIVE_APPEND,   /* nothing is removed: of its category */
    BL_SURVIVE_BASIS_COUNT
};

struct bl_survival {
    int64_t half_life_s;
    enum bl_survive_basis basis;
    uint64_t n_known, n_removed;        /* entries of known age at risk in the window; of them removed */
    uint64_t n_held_60d, n_removed_60d; /* entries listed at some time of the last 60 days, of any age; that left */
    int64_t observed_s;                 /* since the first fetch */
};

const char *bl_survive_basis_name(enum bl_survive_basis basis);

/** What is known of a category beforehand, in seconds. */
int64_t bl_survive_default(enum bl_category category);

/** @param now_s  not before the newest time in `seen` */
struct bl_survival bl_survive(const struct bl_seen *seen, enum bl_category category, uint32_t now_s);
