#pragma once
/*
 * How far each source can be trusted: weight = P * I * (0.5 + 0.5 N) * R, from what all sources have said over the
 * window (core/seen.h), what nobody should list (core/reference.h) and what TIP saw itself (core/evidence.h).
 *
 * An entry counts 1 while it is listed, and 2^(-age / 30 d) after it left: all counts below are sums of that, so they
 * are no integers, decay by themselves, and come out the same however often and in whatever order they are counted.
 *
 *   P  trust         (T + 2) / (T + 5 F + 4), and the interval that holds 90 % of Beta(T + 2, 5 F + 2).
 *                    T = confirmed * min(1, 10^4 / exposure): entries that TIP saw itself within 7 days after they
 *                    came. Of those that stood there when the source was first fetched: within 7 days after that,
 *                    for it listed them before TIP saw them, if nobody knows how long.
 *                    F = penalties * min(1, 10^4 / entries): what nobody should list. Sources below 10,000 entries
 *                    are not scaled up: little is known of them, and they stay near 0.5.
 *   I  independence  max(0.05, (exclusive - copied) / scored): scored are the entries that may ever count, exclusive
 *                    those that no source it is declared to be derived from has too, copied those of them that one
 *                    other source had first: the one that had most. Sources of its own maintainer, and those that are
 *                    declared to be derived from it, do not count: neither here nor as witnesses below. At the very
 *                    same second the one whose name sorts first was first, so two that are equal never vote twice.
 *   N  lead          mean of 2^(-(first - earliest first) / 24 h) over the entries shared with a source of another
 *                    maintainer whose I is at least 0.5 (who copies is no witness); 0.5 with fewer than 30.
 *   R  freshness     min(1, 2^(-(now - last ok) / (4 * interval))).
 *
 * O(E log n) for E entries of n sources; memory n^2 numbers. What each two of them share comes from the same walk
 * (core/overlap.h).
 */
#include <stddef.h>
#include <stdint.h>

#include "core/category.h"
#include "core/overlap.h"
#include "core/reference.h"
#include "core/seen.h"
#include "core/survive.h"
#include "core/witness.h"

enum { BL_WEIGH_SOURCES_MAX = 4096, BL_WEIGH_FEW = 30, BL_WEIGH_MEMORY_S = 30 * 24 * 60 * 60 };

/** Of a source of which nothing is known: P = N = 0.5, I = R = 1. */
#define BL_WEIGHT_PRIOR 0.375

/** A source as it is weighed. */
struct bl_weigh_source {
    const char *name, *group;
    const char *const *derived_from; /* names of sources or groups */
    size_t n_derived_from;
    enum bl_category category;
    struct bl_seen seen;
    uint32_t ok_s;      /* last time it was fetched well; 0: never */
    int64_t interval_s; /* more than 0 */
};

struct bl_weigh_job {
    const struct bl_weigh_source *sources;
    size_t n_sources;
    const struct bl_reference *reference;
    const struct bl_witnesses *witnesses; /* built; NULL: nothing was seen */
    double exposure;                      /* distinct indicators that TIP saw itself in the window */
    uint32_t now_s;                       /* not before any time in the sources */
    struct bl_overlaps *overlaps;         /* filled with the scored entries of each two; NULL: nobody asks */
};

struct bl_weight {
    double weight;
    double trust, trust_low, trust_high, independence, lead, freshness;

    /* trust */
    double n_entries, n_confirmed, exposure;
    double penalties;           /* sum of the heaviest hit of each entry */
    double hits[BL_ROLE_COUNT]; /* entries by role */

    /* independence */
    double n_scored, n_exclusive, n_copied;
    size_t copied_from; /* index of the source; n_sources: none */

    /* lead */
    double n_shared, lead_sum;

    /* freshness */
    uint32_t now_s, ok_s;
    int64_t interval_s;

    struct bl_survival survival;
};

/**
 * @param weights  one a source, in their order
 * @return 0, or -ENOBUFS: too many sources
 */
tip_nodiscard int bl_weigh(const struct bl_weigh_job *job, struct bl_weight *weights);

/** The product and its parts from the counts alone: for whoever holds only those. */
void bl_weight_finish(struct bl_weight *weight);
