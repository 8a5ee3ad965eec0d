#pragma once
/*
 * How n sets lie over each other: addresses in common of every pair, addresses that only one of them has, and how many
 * addresses are in exactly k of them. One sweep over all sets at once.
 *
 * Time O(R (log n + m)) for R ranges in all and at most m sets that hold one address; memory n^2 / 2 numbers for the
 * result and O(n) beside it: nothing is copied or merged. Both families are one text (overlap_family.h).
 */
#include <tip/ranges.h>

/** Most sets in one sweep: 8 million pairs, 64 MiB (IPv6: 128 MiB). */
enum { TIP_OVERLAP_SETS_MAX = 4096 };

/** Addresses; the arrays belong to the object. */
struct tip_overlap4 {
    size_t n_sets;
    uint64_t total;      /* in the union */
    uint64_t *volume;    /* [n_sets] in this set */
    uint64_t *exclusive; /* [n_sets] in this set only */
    uint64_t *histogram; /* [n_sets + 1] in exactly k sets; [0] stays 0 */
    uint64_t *pairs;     /* tip_overlap4_pair */
};

/** As IPv4; numbers stop at 2^128 - 1. */
struct tip_overlap6 {
    size_t n_sets;
    tip_u128 total;
    tip_u128 *volume;
    tip_u128 *exclusive;
    tip_u128 *histogram;
    tip_u128 *pairs;
};

/**
 * @param sets    n of them, borrowed for the call
 * @param joined  NULL, or overwritten with the union (tip_ranges4_of): with many sets several times faster than sorting
 *                them into one by tip_ranges4_add_set
 * @return 0, or -ENOBUFS: more than TIP_OVERLAP_SETS_MAX, `joined` full, or no memory
 */
tip_nodiscard int tip_overlap4_open(struct tip_overlap4 **overlapp, const struct tip_ranges4 *sets, size_t n,
                                    struct tip_buf *joined);
tip_nodiscard int tip_overlap6_open(struct tip_overlap6 **overlapp, const struct tip_ranges6 *sets, size_t n,
                                    struct tip_buf *joined);
void tip_overlap4_destroy(struct tip_overlap4 **overlapp);
void tip_overlap6_destroy(struct tip_overlap6 **overlapp);

/** Addresses that sets i and j (below n_sets) have in common; i == j: the volume. */
uint64_t tip_overlap4_pair(const struct tip_overlap4 *overlap, size_t i, size_t j);
tip_u128 tip_overlap6_pair(const struct tip_overlap6 *overlap, size_t i, size_t j);
