#include "core/overlap.h"

#include <stdlib.h>
#include <string.h>

#include <tip/alloc.h>
#include <tip/cleanup.h>

/* Of two sources, the lower number and the higher one. */
struct overlap_cell {
    double shared;
    double low_first, high_first;
};

struct bl_overlaps {
    size_t n;
    struct overlap_cell *cells; /* [n * (n - 1) / 2] by overlap_at */
};

static size_t overlap_at(size_t low, size_t high)
{
    return high * (high - 1) / 2 + low;
}

struct bl_overlaps *bl_overlaps_new(size_t n)
{
    struct bl_overlaps *overlaps = tip_new(struct bl_overlaps);

    overlaps->n = n;
    overlaps->cells = tip_new_array(n * (n - 1) / 2 + 1, struct overlap_cell);
    return overlaps;
}

void bl_overlaps_destroy(struct bl_overlaps **overlapsp)
{
    struct bl_overlaps *overlaps = tip_take(*overlapsp);

    if (!overlaps)
        return;
    free(overlaps->cells);
    free(overlaps);
}

static void overlap_count(struct overlap_cell *cell, const struct bl_holder *low, const struct bl_holder *high,
                          double n)
{
    cell->shared += n;
    if (low->times->first_s < high->times->first_s)
        cell->low_first += n;
    else if (low->times->first_s > high->times->first_s)
        cell->high_first += n;
}

void bl_overlaps_add(struct bl_overlaps *overlaps, const struct bl_holder *holders, const double *counts, size_t n)
{
    for (size_t high = 1; high < n; high++) {
        for (size_t low = 0; low < high; low++) {
            double least = counts[low] < counts[high] ? counts[low] : counts[high];

            if (least > 0)
                overlap_count(&overlaps->cells[overlap_at(holders[low].source, holders[high].source)], &holders[low],
                              &holders[high], least);
        }
    }
}

struct bl_overlap bl_overlaps_get(const struct bl_overlaps *overlaps, size_t one, size_t other)
{
    bool is_low = one < other;
    const struct overlap_cell *cell = &overlaps->cells[is_low ? overlap_at(one, other) : overlap_at(other, one)];

    return (struct bl_overlap){.other = other,
                               .n_shared = cell->shared,
                               .n_first = is_low ? cell->low_first : cell->high_first,
                               .n_late = is_low ? cell->high_first : cell->low_first};
}

static bool overlap_before(const struct bl_overlap *a, const struct bl_overlap *b, const struct bl_overlap_side *sides)
{
    if (a->n_shared != b->n_shared)
        return a->n_shared > b->n_shared;
    return strcmp(sides[a->other].name, sides[b->other].name) < 0;
}

size_t bl_overlaps_strongest(const struct bl_overlaps *overlaps, size_t source, const struct bl_overlap_side *sides,
                             int marking_max, struct bl_overlap *to, size_t max, size_t *n_allp)
{
    size_t n = 0;

    *n_allp = 0;
    for (size_t i = 0; i < overlaps->n; i++) {
        struct bl_overlap overlap;
        size_t at;

        if (i == source || sides[i].marking > marking_max)
            continue;
        overlap = bl_overlaps_get(overlaps, source, i);
        if (overlap.n_shared <= 0)
            continue;
        ++*n_allp;
        if (n == max && (!max || !overlap_before(&overlap, &to[n - 1], sides)))
            continue;
        for (at = n < max ? n++ : n - 1; at && overlap_before(&overlap, &to[at - 1], sides); at--)
            to[at] = to[at - 1];
        to[at] = overlap;
    }
    return n;
}
