#pragma once
/*
 * Cutting changes into parts that fit an event: at most 1,000 entries and 64 KiB. The cuts depend on the sets alone,
 * so whoever cuts again after a crash finds the same parts.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <tip/buf.h>

#include "core/diff.h"
#include "core/set.h"

enum { BL_PART_ENTRIES = 1000, BL_PART_BYTES = 60 * 1024 };

/** Entries [from, to) of each list, all in one event. */
struct bl_part {
    uint32_t added_from, added_to;
    uint32_t changed_from, changed_to;
    uint32_t removed_from, removed_to;
};

/** The body that the evidence of a set lies in. */
struct bl_body {
    const char *bytes;
    size_t n;
};

/** The line at an offset, cut at BL_RAW_MAX, without its end; NULL and 0 behind the body. */
const char *bl_body_raw(const struct bl_body *body, uint32_t at, uint16_t *lenp);

/** What an entry costs at most on the wire. */
size_t bl_part_cost(size_t value_len, size_t raw_len);

/**
 * The parts of a difference: removed first, then changed, then added. A difference of nothing has one empty part.
 *
 * @param parts  filled with struct bl_part
 * @param body   of `to`
 * @return 0 or -ENOBUFS
 */
tip_nodiscard int bl_part_cut(struct tip_buf *parts, const struct bl_diff *diff, const struct bl_set *from,
                              const struct bl_set *to, const struct bl_body *body);

static inline size_t bl_part_count(const struct tip_buf *parts)
{
    return parts->len / sizeof(struct bl_part);
}

static inline const struct bl_part *bl_part_at(const struct tip_buf *parts, size_t i)
{
    return (const struct bl_part *)(const void *)parts->data + i;
}
