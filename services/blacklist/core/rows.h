#pragma once
/*
 * All that sources have said, indicator by indicator in the order of the sets: a merge of n sorted lists.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/key.h"

struct bl_rows_head {
    uint64_t order;
    uint16_t list;
};

struct bl_rows {
    const struct bl_seen **lists;
    uint32_t *at;
    struct bl_rows_head *heap;
    size_t n_heap;
};

/** One of them that names the indicator. */
struct bl_rows_entry {
    uint16_t list;
    uint32_t index;
};

/** Lists are borrowed, at most 65535. */
void bl_rows_init(struct bl_rows *rows, const struct bl_seen *const *lists, size_t n);
void bl_rows_deinit(struct bl_rows *rows);

/**
 * The next indicator.
 *
 * @param entries  room for all lists; filled in the order of their numbers
 * @return how many name it; 0 at the end
 */
size_t bl_rows_next(struct bl_rows *rows, struct bl_rows_entry *entries);
