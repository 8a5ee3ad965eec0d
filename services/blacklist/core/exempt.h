#pragma once
/*
 * What reference lists (core/reference.h) exempt: the last thing that is done to a score, but for the operators' word.
 *
 *   - hard (infrastructure, resolver, sinkhole, peer): the score is 0;
 *   - soft (top site, scanner): a quarter of it, and it means the very indicator, nothing below or inside.
 *
 * An address or network is exempt when all of it lies in entries, a name when it is one, or lies below one that was
 * given with a leading dot; endpoints go by their address, URLs, digests and the rest are never. Of several the hard
 * ones decide, then the order of roles, then that of names. What is wider than an entry is not exempt: an export is cut
 * around what is (core/export_cut.h).
 *
 * A table is immutable, and a file as it lies in memory on a little-endian machine, checksummed; what was not written
 * by bl_exempt_build_finish is refused:
 *
 *     offset  bytes
 *     0       8      "TIPEXEM1"
 *     8       4      CRC-32C of bytes 12 to the end
 *     12      4      0
 *     16      8      IPv6 ranges, 48 bytes each: disjoint and ascending, each with the list that decides
 *     24      8      lists, 8 bytes each
 *     32      8      names, 12 bytes each
 *     40      8      slots of names, 4 bytes each: a hash table
 *     48      8      IPv4 ranges, 12 bytes each
 *     56      8      bytes of the arena
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <tip/addr.h>
#include <tip/buf.h>
#include <tip/cleanup.h>
#include <tip/indicator.h>
#include <tip/ranges.h>

#include "core/reference.h"

enum {
    BL_EXEMPT_LISTS_MAX = 4096,
    BL_EXEMPT_RANGES_MAX = 1000000,
    BL_EXEMPT_NAMES_MAX = 1000000,
    BL_EXEMPT_LIST_NAME = 48, /* longer names are cut */
    BL_EXEMPT_BYTES_MAX = 256 * 1024 * 1024,
};

#define BL_EXEMPT_SOFTENED 0.25

enum bl_exempt_effect { BL_EXEMPT_NOT, BL_EXEMPT_SOFT, BL_EXEMPT_HARD };

/** What an entry of a list does. */
enum bl_exempt_effect bl_exempt_effect(enum bl_role role);

struct bl_exempt_range4 {
    uint32_t lo, hi;
    uint16_t list, zero;
};

struct bl_exempt_range6 {
    tip_u128 lo, hi;
    uint16_t list, zero[7];
};

struct bl_exempt_list {
    uint32_t name; /* in the arena */
    uint16_t len;
    uint8_t role, zero;
};

struct bl_exempt_name {
    uint32_t text; /* in the arena */
    uint16_t len;
    uint16_t is_above;    /* something below it is exempt wholly */
    uint16_t self, below; /* the list that decides on it, and on what is below; UINT16_MAX: none */
};

/** A view; the bytes are the caller's. Zeroed it exempts nothing. */
struct bl_exempt {
    const struct bl_exempt_range6 *ranges6;
    const struct bl_exempt_list *lists;
    const struct bl_exempt_name *names;
    const uint32_t *slots; /* of a name + 1, or 0 */
    const struct bl_exempt_range4 *ranges4;
    const char *arena;
    size_t n6, n_lists, n_names, n_slots, n4, n_arena;
};

enum { BL_EXEMPT_E_DAMAGED = 1 };

/** Reads a mapped file. @param bytes  aligned to 16 @return 0 or BL_EXEMPT_E_DAMAGED */
tip_nodiscard int bl_exempt_read(struct bl_exempt *exempt, const void *bytes, size_t n);

struct bl_exempt_hit {
    uint8_t effect; /* enum bl_exempt_effect */
    uint16_t list;  /* that decides */
};

/** @param exempt  NULL exempts nothing, here and below */
struct bl_exempt_hit bl_exempt_find(const struct bl_exempt *exempt, enum tip_kind kind, const char *value, size_t len);

/** The same for an IPv4 host. @param cursorp  0 at first; hosts in ascending order are cheap */
struct bl_exempt_hit bl_exempt_find4(const struct bl_exempt *exempt, size_t *cursorp, uint32_t addr);

/** What becomes of a score. */
double bl_exempt_score(const struct bl_exempt_hit *hit, double score);

/** Of what a hit names. */
enum bl_role bl_exempt_role(const struct bl_exempt *exempt, uint16_t list);
const char *bl_exempt_name(const struct bl_exempt *exempt, uint16_t list);

/** How much of a block is exempt wholly? */
enum bl_exempt_part { BL_EXEMPT_NONE, BL_EXEMPT_SOME, BL_EXEMPT_ALL };
enum bl_exempt_part bl_exempt_hard_in(const struct bl_exempt *exempt, const struct tip_prefix *prefix);

/** Is something below the name exempt wholly? */
bool bl_exempt_is_above(const struct bl_exempt *exempt, const char *name, size_t len);

/* ---- making one ---- */

/** Owns what was added. */
struct bl_exempt_build {
    struct tip_buf lists, events4, events6, names, arena;
};

void bl_exempt_build_init(struct bl_exempt_build *build);
void bl_exempt_build_deinit(struct bl_exempt_build *build);

/**
 * Adds an entry, list by list.
 *
 * @return 0, BL_REFERENCE_E_UNKNOWN: neither address, prefix nor name, or more than may be exempt at once (wider than
 * /8, IPv6 /19; all below a public suffix), or -ENOBUFS
 */
tip_nodiscard int bl_exempt_build_add(struct bl_exempt_build *build, enum bl_role role, const char *list,
                                      const char *text, size_t len);

/** Appends the file; equal entries make equal bytes, in whatever order they came. @return 0 or -ENOBUFS */
tip_nodiscard int bl_exempt_build_finish(struct bl_exempt_build *build, struct tip_buf *file);
