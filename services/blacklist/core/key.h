#pragma once
/*
 * An indicator by itself, in the order of the sets: IPv4 hosts by number, then texts by kind and bytes.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/seen.h"
#include "core/set.h"

struct bl_key {
    const char *value; /* NULL: an IPv4 host */
    uint32_t addr;
    uint16_t len;
    uint8_t kind; /* enum tip_kind */
};

/** Of the i-th entry; its text lives as long as the view. */
struct bl_key bl_key_at(const struct bl_seen *seen, size_t i);

int bl_key_compare(const struct bl_key *a, const struct bl_key *b);

/**
 * Looks for it in what a source has said.
 *
 * @param cursorp  for walks in ascending order: 0 at first; moved forward to where the search ended
 * @return what is known of it, or NULL
 */
const struct bl_seen_times *bl_key_seek(const struct bl_seen *seen, size_t *cursorp, const struct bl_key *key);

/** Fills *item with kind and value; it must stay where it is while `value` is used. */
void bl_key_item(const struct bl_key *key, struct bl_item *item);
