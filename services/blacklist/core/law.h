#pragma once
/*
 * What a source's word about an entry is worth at a time: p = weight * 2^(-age / half-life). While a list that removes
 * what is over names an entry its age is 0; when it left the age counts from when it was last there. A list that hardly
 * ever removes anything says nothing by going on: there the age counts from when the entry came, always.
 *
 * What is worth less than 0.001 is worth nothing, nor is what left before the window of core/seen.h.
 */
#include <stdbool.h>
#include <stdint.h>

#include "core/seen.h"

#define BL_SHARE_LEAST 0.001

/** How far a source is trusted, and for how long. */
struct bl_law {
    double weight;
    int64_t half_life_s; /* 0: what leaves counts no more at once */
    bool is_append;      /* nothing is ever removed; means nothing without a half-life */
};

static inline bool bl_law_equals(const struct bl_law *a, const struct bl_law *b)
{
    return a->weight == b->weight && a->half_life_s == b->half_life_s && a->is_append == b->is_append;
}

/** Do entries age from when they came, whether they are listed or not? */
static inline bool bl_law_counts_from_start(const struct bl_law *law)
{
    return law->is_append && law->half_life_s > 0;
}

/** p after a time; 0 when that is less than BL_SHARE_LEAST. @param age_s  below 0 is 0 */
double bl_decayed(double p, int64_t age_s, int64_t half_life_s);

/**
 * The share of the source in an entry's score.
 *
 * @param times  NULL: it never named it
 * @param tau_s  0: before any time was counted: what is listed counts whole, and nothing else
 */
double bl_law_share(const struct bl_law *law, const struct bl_seen_times *times, uint32_t tau_s);

/** Does that share become less by time alone? */
bool bl_law_fades(const struct bl_law *law, const struct bl_seen_times *times, uint32_t tau_s);
