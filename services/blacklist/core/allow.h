#pragma once
/*
 * The allow and deny list of the operators: which entry decides on an indicator. Up to BL_ALLOW_MAX entries, found in
 * O(log n) and the depth of what encloses: 129 prefixes, or 127 labels.
 *
 *   - An entry bears on its own indicator, and on the endpoints and URLs there. With `subtree` also on everything
 * inside the prefix, or below the domain.
 *   - Where several bear, a configured one (own networks) decides; else the most specific one.
 *   - allow: score 0. deny: score 1 of what is listed at all, and of its own indicator though nobody lists it.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <tip/addr.h>
#include <tip/buf.h>
#include <tip/indicator.h>

#include "core/set.h"

enum { BL_ALLOW_MAX = 100000 };

enum bl_rule { BL_RULE_NONE, BL_RULE_ALLOW, BL_RULE_DENY };

/** What decides about an entry. `id` is the caller's name for it. */
struct bl_allow_entry {
    uint64_t id;
    enum bl_rule rule;
    bool is_subtree;
    bool is_configured;
};

struct bl_allow;

struct bl_allow *bl_allow_new(void);
void bl_allow_destroy(struct bl_allow **allowp);
struct bl_allow *bl_allow_copy(const struct bl_allow *allow);

/**
 * Adds an entry; bl_allow_build comes before any question.
 *
 * @param kind  ip, net or domain, its value canonical
 * @return 0, or -EINVAL for another kind
 */
tip_nodiscard int bl_allow_add(struct bl_allow *allow, const struct bl_allow_entry *entry, enum tip_kind kind,
                               const char *value, size_t len);

/** Sorts. Of entries with the same indicator a configured one stays, else the last. */
void bl_allow_build(struct bl_allow *allow);

size_t bl_allow_count(const struct bl_allow *allow);

/** How an indicator stands; rule is BL_RULE_NONE when no entry bears on it. */
struct bl_allow_hit {
    enum bl_rule rule;
    bool is_self; /* the entry names this very indicator */
    bool is_configured;
    bool is_subtree; /* the entry bears on all inside or below, too */
    uint64_t id;
};

/** @param allow  NULL is an empty list */
struct bl_allow_hit bl_allow_find(const struct bl_allow *allow, enum tip_kind kind, const char *value, size_t len);

/** The same for an entry of a set. */
struct bl_allow_hit bl_allow_find_in(const struct bl_allow *allow, const struct bl_set *set, size_t index);

/** What becomes of a score. */
double bl_allow_score(const struct bl_allow_hit *hit, double score);

/** The i-th indicator, in the order of the list; its text is in `text` or lives as long as the list. */
struct bl_allow_item {
    struct bl_allow_entry entry;
    enum tip_kind kind;
    const char *value;
    size_t len;
    char text[TIP_PREFIX_TEXT];
};

void bl_allow_item(const struct bl_allow *allow, size_t i, struct bl_allow_item *item);
