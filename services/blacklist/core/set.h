#pragma once
/*
 * A set: the entries of one version of a list, immutable and sorted, without duplicates.
 *
 * IPv4 hosts are packed numbers; everything else is canonical text in an arena. An entry is named by its index: the
 * IPv4 hosts come first, by number, then the texts by kind and bytes. Evidence is a line number and an offset into the
 * kept body, so no line is ever copied. Members are fixed in size and order: a set file is these arrays as they lie in
 * memory (core/setfile.h).
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <tip/indicator.h>

#include "core/stated.h"

struct bl_ip4 {
    uint32_t addr; /* host order */
    uint32_t line; /* in the body, from 1 */
    uint32_t at;   /* offset in the body where the evidence starts */
    uint32_t flags;
};

struct bl_text {
    uint32_t text; /* offset in the arena; a NUL follows the text */
    uint32_t line;
    uint32_t at;
    uint16_t len;
    uint8_t kind; /* enum tip_kind */
    uint8_t flags;
};

/** A view; whoever made it owns the arrays. */
struct bl_set {
    const struct bl_ip4 *ip4;
    const struct bl_text *text;
    const char *arena;
    size_t n_ip4, n_text, n_arena;
    const struct bl_stated *stated; /* of a delivery that says times; a file holds none */
    size_t n_stated;
};

/** One entry, unpacked. `value` points into the set's arena or at `text4`. */
struct bl_item {
    enum tip_kind kind;
    unsigned flags;
    uint32_t line, at;
    uint16_t len;
    const char *value; /* NUL terminated */
    char text4[16];
};

static inline size_t bl_set_count(const struct bl_set *set)
{
    return set->n_ip4 + set->n_text;
}

/** Fills *item; it must stay where it is while `value` is used. */
void bl_set_item(const struct bl_set *set, size_t index, struct bl_item *item);

unsigned bl_set_flags(const struct bl_set *set, size_t index);

/** May count for a verdict: nothing in its flags forbids it. */
bool bl_set_scored(const struct bl_set *set, size_t index);

/** Order of entry i of a and j of b, as memcmp. */
int bl_set_compare(const struct bl_set *a, size_t i, const struct bl_set *b, size_t j);

/**
 * The same indicator in another set.
 *
 * @param fromp  a cursor for walks in ascending order: 0 at first; moved forward to where the search ended
 * @return whether it is there; then *fromp is its index
 */
bool bl_set_find(const struct bl_set *set, size_t *fromp, const struct bl_set *other, size_t index);

/** IPv4 as text with its NUL; returns its length. */
size_t bl_ip4_format(uint32_t addr, char text[static 16]);
