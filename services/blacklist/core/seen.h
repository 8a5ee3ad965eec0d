#pragma once
/*
 * What a source has said over time: of each entry when it was first seen, since when it has been listed without a
 * break, when it was last seen, and how often it came back. Entries that left are kept for a window. It is sorted as
 * the sets are (core/set.h), so one walk over what was known and the new set makes what is known now; it lies in a file
 * of its own beside the set of its version, in pieces as they lie in memory.
 *
 * Times are seconds since 1970: a list is fetched every few minutes at most.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <tip/cleanup.h>

#include "core/set.h"

enum {
    BL_SEEN_HEADER = 64,
    BL_SEEN_WINDOW_S = 90 * 24 * 60 * 60, /* how long what left is remembered, and what weights look at */
    BL_SEEN_GONE_MAX = 1000000,           /* most entries that left; days that do not fit are forgotten, oldest first */
};

enum bl_seen_state {
    BL_SEEN_LISTED = 1, /* in the version that this belongs to */
    BL_SEEN_STOCK = 2,  /* stood there when the source was first fetched: since when is not known */
    BL_SEEN_STATED = 4  /* since_s is what the list itself says (core/stated.h) */
};

struct bl_seen_times {
    uint32_t first_s, since_s, last_s; /* first: ever; since: of the last time it came, unless it is stated; last: that
                                          it was there */
    uint16_t n_returned;               /* stops at 65535 */
    uint8_t flags;                     /* enum bl_flag */
    uint8_t state;                     /* enum bl_seen_state */
};

struct bl_seen_ip4 {
    uint32_t addr;
    struct bl_seen_times times;
};

struct bl_seen_text {
    uint32_t text; /* in the arena; a NUL follows */
    uint16_t len;
    uint8_t kind; /* enum tip_kind */
    uint8_t zero;
    struct bl_seen_times times;
};

/** A view; whoever made it owns the arrays. */
struct bl_seen {
    const struct bl_seen_ip4 *ip4;
    const struct bl_seen_text *text;
    const char *arena;
    size_t n_ip4, n_text, n_arena;
    uint64_t version;
    uint32_t born_s, updated_s; /* the first fetch, 0: there was none yet; and that of this version */
};

enum { BL_SEEN_E_DAMAGED = 1 };

/** When it came by our own account; of what came back and says its own time, when it came first. */
static inline uint32_t bl_seen_came(const struct bl_seen_times *times)
{
    return times->state & BL_SEEN_STATED ? times->first_s : times->since_s;
}

/** What the list itself says when it saw it; 0: nothing, or it is not known at all. */
static inline uint32_t bl_seen_stated(const struct bl_seen_times *times)
{
    return times && times->state & BL_SEEN_STATED ? times->since_s : 0;
}

struct bl_seen_update {
    struct bl_seen before; /* all zero: nothing is known, and all that is listed is stock */
    struct bl_set now;
    uint64_t version;
    uint32_t now_s;
    uint32_t
        confirmed_s; /* until then what was listed before was seen again and again; 0: since before.updated_s only */
    size_t gone_max; /* at most BL_SEEN_GONE_MAX */
    bool is_unborn;  /* nothing is known and nothing listed, for it was never fetched: what comes next is stock */
};

/**
 * Writes what is known with the new version, O(before + now), in pieces of any size and without memory in proportion.
 *
 * @param write  takes the bytes of the file one after the other; not 0 ends the writing
 * @param headp  the first 64 bytes: put them at offset 0 afterwards, for only then are they known
 * @return 0, or what `write` returned
 */
tip_nodiscard int bl_seen_write(const struct bl_seen_update *update,
                                int (*write)(void *ctx, const void *bytes, size_t n), void *ctx,
                                unsigned char headp[static BL_SEEN_HEADER]);

/** Does the list say another time than before of anything that stays? O(before + now) */
bool bl_seen_is_restated(const struct bl_seen_update *update);

/**
 * Reads a mapped file: checksum, bounds, order.
 *
 * @param bytes  aligned to 4; the view points into them
 * @return 0 or BL_SEEN_E_DAMAGED
 */
tip_nodiscard int bl_seen_read(struct bl_seen *seen, const void *bytes, size_t n);

static inline size_t bl_seen_count(const struct bl_seen *seen)
{
    return seen->n_ip4 + seen->n_text;
}

/** Times of the i-th entry, IPv4 hosts first. */
static inline const struct bl_seen_times *bl_seen_at(const struct bl_seen *seen, size_t i)
{
    return i < seen->n_ip4 ? &seen->ip4[i].times : &seen->text[i - seen->n_ip4].times;
}

/** What is known of an indicator, or NULL. `kind` and `value` as in a set: IPv4 hosts as text too. O(log n). */
const struct bl_seen_times *bl_seen_find(const struct bl_seen *seen, enum tip_kind kind, const char *value, size_t len);

/**
 * The same of an entry of a set, for walks through one in its order.
 *
 * @param fromp  a cursor: 0 at first; moved forward to where the search ended
 */
const struct bl_seen_times *bl_seen_next(const struct bl_seen *seen, size_t *fromp, const struct bl_set *set,
                                         size_t index);

/** Does it say times of its own, of whatever entry? O(n) */
bool bl_seen_states(const struct bl_seen *seen);

/** Order of two texts, as memcmp: that of the sets. */
int bl_seen_text_compare(const struct bl_seen *a, size_t i, const struct bl_seen *b, size_t j);
