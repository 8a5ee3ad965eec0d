#pragma once
/*
 * What TIP saw itself, by indicator: how many independent observations of each kind there are, and when the last one
 * was. Built from observations, immutable afterwards and in the order of the sets (core/set.h), so that it can be
 * walked beside them, and shared by all who ask about the same moment.
 *
 * Observations that may not count (bl_evidence_counts) are passed over, and what is not independent of each other
 * (bl_evidence_independent) counts once.
 * Neither the order in which they are added nor adding one again changes anything.
 */
#include <stddef.h>
#include <stdint.h>

#include "core/evidence.h"
#include "core/key.h"
#include "core/set.h"

/** Of one indicator. A kind with n = 0 was not seen. */
struct bl_witness {
    uint16_t n[BL_EVIDENCE_KIND_COUNT]; /* independent observations; stops at 65535 */
    uint32_t last_s[BL_EVIDENCE_KIND_COUNT];
    uint8_t tlp[BL_EVIDENCE_KIND_COUNT];   /* the strictest marking of the observations */
    uint8_t depth[BL_EVIDENCE_KIND_COUNT]; /* of the deepest */
};

struct bl_witnesses;

/** A table is shared: it goes with the last who keeps it. Any thread may keep and give up. */
struct bl_witnesses *bl_witnesses_new(void);
struct bl_witnesses *bl_witnesses_keep(struct bl_witnesses *witnesses);
void bl_witnesses_destroy(struct bl_witnesses **witnessesp);

/**
 * A table of what another has, in as far as an audience may see it. What is added and removed comes on top: so one
 * that differs in little costs whoever makes it little, and the pool one walk.
 *
 * @param base      kept until this one is built; it need not be built yet
 * @param audience  the strictest marking that is taken over
 */
struct bl_witnesses *bl_witnesses_from(struct bl_witnesses *base, uint8_t audience);

/** Copies an observation; bl_witnesses_build comes before any question. */
void bl_witnesses_add(struct bl_witnesses *witnesses, const struct bl_observation *observation);

/** One that the other table has, equal in all. */
void bl_witnesses_remove(struct bl_witnesses *witnesses, const struct bl_observation *observation);

/** Sorts and counts, O(n + m log m) for m that are added; what it was made from is built, too. By one thread at a time;
 * once: again it does nothing. */
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

/** The i-th indicator as a key; its text lives as long as the table. */
struct bl_key bl_witnesses_key(const struct bl_witnesses *witnesses, size_t i);

/**
 * Looks for an indicator.
 *
 * @param cursorp  for walks in ascending order: 0 at first; moved forward to where the search ended
 * @return whether it is there; then *cursorp is its number
 */
bool bl_witnesses_seek(const struct bl_witnesses *witnesses, size_t *cursorp, const struct bl_key *key);

/** The observations of the i-th indicator. */
const struct bl_observation *bl_witnesses_of(const struct bl_witnesses *witnesses, size_t i, size_t *np);

/**
 * The indicators of which the two tables do not say the same, in the order of the sets.
 *
 * @param each  not 0 ends the walk
 * @return 0, or what `each` returned
 */
tip_nodiscard int bl_witnesses_differ(const struct bl_witnesses *a, const struct bl_witnesses *b,
                                      int (*each)(void *ctx, const struct bl_witnesses_item *item), void *ctx);
