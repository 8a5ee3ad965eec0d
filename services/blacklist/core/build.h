#pragma once
/*
 * Building a set: entries in the order of the file, then one sort.
 *
 * Memory for n IPv4 hosts: 16 n bytes, and during the sort as much again, but 16 MiB at most; nothing else. A text
 * costs 16 bytes and its length, and 32 more during the sort. Where a list says times each entry costs 8 bytes more.
 */
#include <stdint.h>

#include <tip/buf.h>

#include "core/set.h"

enum { BL_BUILD_E_FULL = 1 }; /* more entries or bytes than allowed */

enum { BL_BUILD_BESIDE = 1 << 20 }; /* hosts */

struct bl_build {
    struct tip_buf ip4;    /* struct bl_ip4 */
    struct tip_buf text;   /* struct bl_text */
    struct tip_buf arena;  /* their bytes */
    struct tip_buf stated; /* struct bl_stated */
    uint32_t last4;        /* the last address, and whether all came in order so far */
    bool sorted4;
};

/** @param entries_max  of each of the two arrays */
void bl_build_init(struct bl_build *build, size_t entries_max);
void bl_build_deinit(struct bl_build *build);

/** @return 0 or BL_BUILD_E_FULL */
tip_nodiscard int bl_build_text(struct bl_build *build, enum tip_kind kind, const char *value, size_t len,
                                const struct bl_text *where);

/** When the list says that it saw what stands at a line; lines in ascending order. @return 0 or BL_BUILD_E_FULL */
tip_nodiscard int bl_build_state(struct bl_build *build, uint32_t line, uint32_t at_s);

/** Room for one more IPv4 host, or NULL. It counts once bl_build_push4 is called. */
struct bl_ip4 *bl_build_room4(struct bl_build *build);

/** The IPv4 host that was just written into bl_build_room4's place. */
static inline void bl_build_push4(struct bl_build *build, uint32_t addr)
{
    build->sorted4 &= addr >= build->last4;
    build->last4 = addr;
    build->ip4.len += sizeof(struct bl_ip4);
}

/**
 * Sorts and drops duplicates: the first line wins, flags of the others are added, and the latest time is its.
 *
 * @return 0 or -ENOMEM
 */
tip_nodiscard int bl_build_finish(struct bl_build *build);

/** The set; it lives as long as the build. */
struct bl_set bl_build_set(const struct bl_build *build);
