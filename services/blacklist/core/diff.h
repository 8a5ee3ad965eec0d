#pragma once
/*
 * What changed between two versions: one merge over both.
 */
#include <stddef.h>
#include <stdint.h>

#include <tip/buf.h>

#include "core/seen.h"
#include "core/set.h"

/** Indices in ascending order. 4 bytes an entry. */
struct bl_diff {
    struct tip_buf added; /* uint32_t, into the new set */
    struct tip_buf
        changed; /* uint32_t, into the new set: same indicator, other flags or another time of the list's own */
    struct tip_buf removed; /* uint32_t, into the old set */
};

void bl_diff_init(struct bl_diff *diff);
void bl_diff_deinit(struct bl_diff *diff);

/** @return 0 or -ENOBUFS */
tip_nodiscard int bl_diff_run(struct bl_diff *diff, const struct bl_set *from, const struct bl_set *to);

/**
 * Counts as changed, too, what stays and of which the list says another time than before. O(n), behind bl_diff_run.
 *
 * @param before, after  what the list had said with the old set, and has with the new one
 * @return 0 or -ENOBUFS
 */
tip_nodiscard int bl_diff_restated(struct bl_diff *diff, const struct bl_set *to, const struct bl_seen *before,
                                   const struct bl_seen *after);

static inline size_t bl_diff_count(const struct tip_buf *list)
{
    return list->len / sizeof(uint32_t);
}

static inline uint32_t bl_diff_at(const struct tip_buf *list, size_t i)
{
    return ((const uint32_t *)(const void *)list->data)[i];
}
