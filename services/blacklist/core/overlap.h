#pragma once
/*
 * What every two of n sources have in common, and who had it first. Filled by the walk that measures independence
 * (weight.h): it has all holders of an entry in its hands, names as well as addresses, with their times. Three numbers
 * a pair, 12 n^2 bytes in all; O(1) for each pair of holders of an entry.
 *
 * An entry counts for two sources as much as for the one for which it counts less: then what they share is never more
 * than what either has, and the number is the same whoever asks.
 */
#include <stddef.h>
#include <stdint.h>

#include "core/sweep.h"

/** Of one source and another, as the one sees it. */
struct bl_overlap {
    size_t other;
    double n_shared; /* entries of both */
    double n_first;  /* of them those that the one had first */
    double n_late;   /* of them those that the other had first; the rest both have since the same second */
};

/** What is told of a source: those that share most, in this order; of equal ones the one whose name sorts first. */
struct bl_overlap_side {
    const char *name;
    int marking; /* for whom it is: more is for fewer */
};

struct bl_overlaps;

/** @param n  sources, at least 1 */
struct bl_overlaps *bl_overlaps_new(size_t n);
void bl_overlaps_destroy(struct bl_overlaps **overlapsp);

/**
 * One entry.
 *
 * @param holders  n of them in ascending order of their source
 * @param counts   how much it counts for each; 0: not at all
 */
void bl_overlaps_add(struct bl_overlaps *overlaps, const struct bl_holder *holders, const double *counts, size_t n);

/** @param one  not other */
struct bl_overlap bl_overlaps_get(const struct bl_overlaps *overlaps, size_t one, size_t other);

/**
 * The strongest overlaps of a source with those whose marking is at most `marking_max`.
 *
 * @param sides    one a source
 * @param to       room for max
 * @param n_allp   how many there are in all
 * @return how many stand in `to`
 */
size_t bl_overlaps_strongest(const struct bl_overlaps *overlaps, size_t source, const struct bl_overlap_side *sides,
                             int marking_max, struct bl_overlap *to, size_t max, size_t *n_allp);
