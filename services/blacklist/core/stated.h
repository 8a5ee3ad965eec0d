#pragma once
/*
 * When a list itself says that it saw its entries: a time for each of its lines. It stands beside a set, by the line
 * that is an entry's evidence, for as long as the delivery is being read: what becomes of it stands in core/seen.h.
 */
#include <stddef.h>
#include <stdint.h>

#include <tip/cleanup.h>

struct bl_stated {
    uint32_t line; /* ascending */
    uint32_t at_s; /* 0: it says nothing, or nothing that can be believed */
};

enum {
    BL_STATED_E_SYNTAX = 1, /* no time */
    BL_STATED_E_RANGE       /* before 1990, or in the future */
};

/**
 * A time as lists write it: RFC 3339, `2026-11-22 04:00:00` (also with ` UTC` behind it), the day alone, or the seconds
 * since 1970. What names no offset is UTC; fractions of a second are cut.
 *
 * @param now_s  later times are not believed; 0: nobody knows
 * @param at_sp  set on success
 * @return 0, BL_STATED_E_SYNTAX or BL_STATED_E_RANGE
 */
tip_nodiscard int bl_stated_parse(uint32_t *at_sp, const char *text, size_t len, uint32_t now_s);

/** What stands at a line; 0: nothing. O(log n) */
uint32_t bl_stated_at(const struct bl_stated *stated, size_t n, uint32_t line);

/** Two lines hold the same entry, and `line` is the one that is kept: the later of both times is its. */
void bl_stated_join(struct bl_stated *stated, size_t n, uint32_t line, uint32_t other);
