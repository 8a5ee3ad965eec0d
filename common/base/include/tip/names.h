#pragma once
/*
 * Sets of domain names: is this name listed, itself or by a name above it?
 *
 * Names lie in one arena; a table with open addressing finds them by SipHash under the key of this process
 * (<tip/hash.h>), so names made to collide collide nowhere. A name costs its length, 8 bytes, and 11 to 22 bytes of
 * table. Names are canonical (<tip/domain.h>): lower case, no final dot; nothing here parses.
 *
 * The versions of a list, with the line of each entry, are sets of services/blacklist/core/set.h.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <tip/buf.h>
#include <tip/cleanup.h>

/** What an entry lists; `*.example.org` in RPZ is BELOW only, "a domain and all below it" is both. */
enum tip_names_scope {
    TIP_NAMES_SELF = 1,  /* the name */
    TIP_NAMES_BELOW = 2, /* every name that ends in `.name` */
};

/** Empty, or longer than TIP_DOMAIN_MAX. */
enum { TIP_NAMES_E_LENGTH = 1 };

struct tip_name {
    uint32_t at; /* in the arena; no NUL follows */
    uint8_t len;
    uint8_t scope; /* enum tip_names_scope, or-ed */
};

struct tip_names_slot {
    uint32_t hash;
    uint32_t index; /* of the name plus one; 0: free */
};

struct tip_names {
    struct tip_buf names; /* struct tip_name, in the order they came */
    struct tip_buf arena;
    struct tip_names_slot *slots;
    size_t n_slots;     /* a power of two, or 0 */
    uint64_t depths[2]; /* bit n: a name of n labels lists what is below it */
};

/** @param names_max  most names; @param bytes_max  most bytes in all names, below 4 GiB */
void tip_names_init(struct tip_names *names, size_t names_max, size_t bytes_max);
void tip_names_deinit(struct tip_names *names);

/**
 * Adds a name; of one that is there the scopes are added up. O(len) on average.
 *
 * @param scope  SELF, BELOW or both
 * @return 0, TIP_NAMES_E_LENGTH, or -ENOBUFS at a cap; then nothing has changed
 */
tip_nodiscard int tip_names_add(struct tip_names *names, const char *name, size_t len, unsigned scope);

size_t tip_names_count(const struct tip_names *names);

/** The i-th name that was added; its bytes are tip_names_text. Both live until the next addition. */
const struct tip_name *tip_names_at(const struct tip_names *names, size_t i);
const char *tip_names_text(const struct tip_names *names, const struct tip_name *name);

/** The entry of exactly this name, whatever its scope, or NULL. */
const struct tip_name *tip_names_find(const struct tip_names *names, const char *name, size_t len);

/**
 * The entry that lists a name: its own (SELF), or the nearest one above it (BELOW); NULL if there is none.
 *
 * Labels count from the end, the root; only at depths where the set has a subtree is anything hashed. At worst
 * O(labels * len), 127 * 253 bytes.
 */
const struct tip_name *tip_names_cover(const struct tip_names *names, const char *name, size_t len);

/** Entries that both sets hold, by name alone. O(the smaller set). */
size_t tip_names_common(const struct tip_names *a, const struct tip_names *b);
