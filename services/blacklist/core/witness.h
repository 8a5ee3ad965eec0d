#pragma once
/*
 * What TIP saw itself, by indicator: how many independent observations of each kind there are, and when the last one
 * was. Built from observations, immutable afterwards and in the order of the sets (core/set.h), so that it can be
 * walked beside them and handed to the pool.
 *
 * Observations that may not count (bl_evidence_counts) are passed over, and what is not independent of each other
 * (bl_evidence_independent) counts once.
 * Neither the order in which they are added nor adding one again changes anything.
 */
#include <stddef.h>
#include <stdint.h>

#include "core/evidence.h"
#include "core/set.h"

/** Of one indicator. A kind with n = 0 was not seen. */
struct bl_witness {
    uint16_t n[BL_EVIDENCE_KIND_COUNT]; /* independent observations; stops at 65535 */
    uint32_t last_s[BL_EVIDENCE_KIND_COUNT];
    uint8_t tlp;   /* the strictest marking of the observations */
    uint8_t depth; /* of the deepest */
};

struct bl_witnesses;

struct bl_witnesses *bl_witnesses_new(void);
void bl_witnesses_destroy(struct bl_witnesses **witnessesp);

/** Copies an observation; bl_witnesses_build comes before any question. */
void bl_witnesses_add(struct bl_witnesses *witnesses, const struct bl_observation *observation);

/** Sorts and counts: O(n log n). Once: again it does nothing. */
void bl_witnesses_build(struct bl_witnesses *witnesses);

/** Indicators. NULL has none, here and below. */
size_t bl_witnesses_count(const struct bl_witnesses *witnesses);

/** The i-th indicator in the order of the sets; `value` lives as long as the table. */
struct bl_witnesses_item {
    enum tip_kind kind;
    const char *value;
    size_t len;
    const struct bl_witness *witness;
};

struct bl_witnesses_item bl_witnesses_at(const struct bl_witnesses *witnesses, size_t i);

/** What was seen of an indicator, or NULL: O(log n). */
const struct bl_witness *bl_witnesses_find(const struct bl_witnesses *witnesses, enum tip_kind kind, const char *value,
                                           size_t len);

/** The same for an entry of a set. */
const struct bl_witness *bl_witnesses_find_in(const struct bl_witnesses *witnesses, const struct bl_set *set,
                                              size_t index);

/** All observations that count, those of one indicator side by side: what bl_weigh takes. */
const struct bl_observation *bl_witnesses_observations(const struct bl_witnesses *witnesses, size_t *np);

/**
 * The indicators of which the two tables do not say the same, in the order of the sets.
 *
 * @param each  not 0 ends the walk
 * @return 0, or what `each` returned
 */
tip_nodiscard int bl_witnesses_differ(const struct bl_witnesses *a, const struct bl_witnesses *b,
                                      int (*each)(void *ctx, const struct bl_witnesses_item *item), void *ctx);
