#pragma once
/*
 * Sets of addresses: sorted, disjoint, non-adjacent ranges [lo, hi], IPv4 as 32 bit and IPv6 as 128 bit numbers in host
 * order. A set is a view of an immutable array, 8 bytes (IPv6: 32) a range; whoever made the array owns it, so a set
 * may as well lie in a mapped file.
 *
 *     tip_ranges4_build_init(&build, 1000000);
 *     while (!r && more)
 *         r = tip_ranges4_add(&build, lo, hi);
 *     r = r ? r : tip_ranges4_build_finish(&build, &set);
 *     … set …
 *     tip_ranges4_build_deinit(&build);
 *
 * This is what a list covers, for counting, comparing and looking up. Which line said it, with its flags, one version
 * beside the next, is the set of services/blacklist/core/set.h: 16 bytes an entry, host by host, nothing joined.
 *
 * Both families are one text (ranges_family.h); only what is said of IPv4 is written out here.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <tip/addr.h>
#include <tip/buf.h>
#include <tip/cleanup.h>

__extension__ typedef unsigned __int128 tip_u128;

/** lo is above hi. */
enum { TIP_RANGES_E_ORDER = 1 };

struct tip_range4 {
    uint32_t lo, hi; /* both inside */
};

struct tip_range6 {
    tip_u128 lo, hi;
};

struct tip_ranges4 {
    const struct tip_range4 *at;
    size_t n;
};

struct tip_ranges6 {
    const struct tip_range6 *at;
    size_t n;
};

/** A set in the making; owns the array. */
struct tip_ranges4_build {
    struct tip_buf items; /* struct tip_range4 */
    size_t ranges_max;
    bool sorted; /* already a set */
};

struct tip_ranges6_build {
    struct tip_buf items; /* struct tip_range6 */
    size_t ranges_max;
    bool sorted;
};

/** @param ranges_max  most ranges the finished set may have */
void tip_ranges4_build_init(struct tip_ranges4_build *build, size_t ranges_max);
void tip_ranges6_build_init(struct tip_ranges6_build *build, size_t ranges_max);
void tip_ranges4_build_deinit(struct tip_ranges4_build *build);
void tip_ranges6_build_deinit(struct tip_ranges6_build *build);

/**
 * Adds a range, in any order; they may overlap. Ranges in ascending order are joined as they come; others are sorted
 * and joined each time a large array is full, before it grows. So memory is in proportion to the ranges that remain,
 * not to the lines read (2.5 times ranges_max at most, while it sorts), and the time for n lines is O(n).
 *
 * @return 0, TIP_RANGES_E_ORDER, or -ENOBUFS: more than ranges_max ranges
 */
tip_nodiscard int tip_ranges4_add(struct tip_ranges4_build *build, uint32_t lo, uint32_t hi);
tip_nodiscard int tip_ranges6_add(struct tip_ranges6_build *build, tip_u128 lo, tip_u128 hi);

/** Adds a whole set: how many sets become one. Returns 0 or -ENOBUFS. */
tip_nodiscard int tip_ranges4_add_set(struct tip_ranges4_build *build, const struct tip_ranges4 *set);
tip_nodiscard int tip_ranges6_add_set(struct tip_ranges6_build *build, const struct tip_ranges6 *set);

/**
 * Sorts (radix sort, 11 bits a pass, none when all came in order) and joins.
 *
 * @param set  the result; it lives until the next change of the build
 * @return 0 or -ENOBUFS
 */
tip_nodiscard int tip_ranges4_build_finish(struct tip_ranges4_build *build, struct tip_ranges4 *set);
tip_nodiscard int tip_ranges6_build_finish(struct tip_ranges6_build *build, struct tip_ranges6 *set);

/**
 * Two sets to a third: one walk over both, O(a.n + b.n).
 *
 * @param out  overwritten; its owner and its cap are the caller's. tip_ranges4_of is the set in it
 * @return 0, or -ENOBUFS when the cap of `out` is reached; then its content is of no use
 */
tip_nodiscard int tip_ranges4_union(struct tip_buf *out, const struct tip_ranges4 *a, const struct tip_ranges4 *b);
tip_nodiscard int tip_ranges6_union(struct tip_buf *out, const struct tip_ranges6 *a, const struct tip_ranges6 *b);
tip_nodiscard int tip_ranges4_intersect(struct tip_buf *out, const struct tip_ranges4 *a, const struct tip_ranges4 *b);
tip_nodiscard int tip_ranges6_intersect(struct tip_buf *out, const struct tip_ranges6 *a, const struct tip_ranges6 *b);

/** What is in a and not in b. */
tip_nodiscard int tip_ranges4_subtract(struct tip_buf *out, const struct tip_ranges4 *a, const struct tip_ranges4 *b);
tip_nodiscard int tip_ranges6_subtract(struct tip_buf *out, const struct tip_ranges6 *a, const struct tip_ranges6 *b);

/** The set that a buffer of ranges holds; valid until the buffer changes. */
struct tip_ranges4 tip_ranges4_of(const struct tip_buf *items);
struct tip_ranges6 tip_ranges6_of(const struct tip_buf *items);

/** Addresses inside, O(n). All of IPv6 counts 2^128 - 1: nothing else reaches that number. */
uint64_t tip_ranges4_count(const struct tip_ranges4 *set);
tip_u128 tip_ranges6_count(const struct tip_ranges6 *set);

/** Index of the range that holds `addr`, or of the first one behind it, or n. O(log n). */
size_t tip_ranges4_find(const struct tip_ranges4 *set, uint32_t addr);
size_t tip_ranges6_find(const struct tip_ranges6 *set, tip_u128 addr);

/** Are all addresses of [lo, hi] inside? For one address lo == hi. O(log n). */
bool tip_ranges4_contain(const struct tip_ranges4 *set, uint32_t lo, uint32_t hi);
bool tip_ranges6_contain(const struct tip_ranges6 *set, tip_u128 lo, tip_u128 hi);

/**
 * The fewest prefixes of a set, ascending; tip_range cuts each range. Zero a cut but for its set:
 *
 *     struct tip_ranges4_cut cut = {.set = set};
 *     while (tip_ranges4_cut_next(&cut, &prefix)) …
 */
struct tip_ranges4_cut {
    struct tip_ranges4 set;
    size_t next;
    bool inside;
    struct tip_range range;
};

struct tip_ranges6_cut {
    struct tip_ranges6 set;
    size_t next;
    bool inside;
    struct tip_range range;
};

bool tip_ranges4_cut_next(struct tip_ranges4_cut *cut, struct tip_prefix *prefix);
bool tip_ranges6_cut_next(struct tip_ranges6_cut *cut, struct tip_prefix *prefix);

/** An IPv6 address as a number, both ways; what lies in ::ffff:0:0/96 comes back as IPv4. */
tip_u128 tip_addr_to6(const struct tip_addr *addr);
struct tip_addr tip_addr_from6(tip_u128 host);
