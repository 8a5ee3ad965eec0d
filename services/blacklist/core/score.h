#pragma once
/*
 * The first score: noisy-or of the weights of the lists that name the very same indicator, 1 - prod(1 - w).
 * Special-use entries and public suffixes never count. Last of all the allow and deny list decides (core/allow.h).
 *
 * A verdict is worth publishing when its tier changed, or when it is at least `watch` and its score moved to another
 * step of 0.05. It is decided from the sets before and after alone, so nothing needs to be remembered of what was
 * published. Below `watch` there is one verdict, the removal, then silence.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <tip/buf.h>

#include "core/allow.h"
#include "core/diff.h"
#include "core/set.h"

enum { BL_SCORE_REASONS = 3, BL_SCORE_VOTERS = 4096 };

/** A list that counts besides the one that changes. Its place in the array is its number. */
struct bl_voter {
    struct bl_set set;
    double weight;
    uint8_t tlp; /* marking: a verdict takes the strictest of its lists */
    size_t cursor;
};

struct bl_verdict {
    uint32_t index;                    /* of the indicator */
    bool in_old;                       /* index is of the set before, else after */
    uint8_t tlp;                       /* the strictest of the voters; 0 when the list is alone */
    bool self;                         /* the list itself is among those that count */
    uint8_t rule;                      /* enum bl_rule: of the allow and deny list, that has decided */
    uint16_t count;                    /* of voters, the list itself not among them */
    uint16_t voters[BL_SCORE_REASONS]; /* the strongest, strongest first */
    double score;                      /* of the lists alone */
};

/** The list that changes, or is scored again, or asked for in full. */
struct bl_score_job {
    struct bl_set before, after;
    double weight_before, weight_after;
    const struct bl_allow *allow_before, *allow_after; /* NULL: empty */
    struct bl_voter *voters;                           /* cursors are used up */
    size_t n_voters;
};

/** What is told: the lists' score, or the operators' word. */
static inline double bl_verdict_score(const struct bl_verdict *verdict)
{
    const struct bl_allow_hit hit = {.rule = (enum bl_rule)verdict->rule, .is_self = true};

    return bl_allow_score(&hit, verdict->score);
}

/** 0 to 3, the tiers of <tip/event.h>: none < 0.3 <= watch < 0.6 <= slow < 0.9 <= block. */
int bl_score_tier(double score);

/** Must the change from one score to the other be told? */
bool bl_score_moved(double before, double after);

/**
 * Verdicts of what a new version changes, in the order removed, changed, added.
 *
 * @param verdicts  filled with struct bl_verdict
 * @return 0 or -ENOBUFS
 */
tip_nodiscard int bl_score_diff(struct tip_buf *verdicts, struct bl_score_job *job, const struct bl_diff *diff);

/** Verdicts that move with the weight of the list `after`. */
tip_nodiscard int bl_score_weight(struct tip_buf *verdicts, struct bl_score_job *job);

/** Every verdict of the list `after` that is at least `watch`, moved or not: what there is. */
tip_nodiscard int bl_score_full(struct tip_buf *verdicts, struct bl_score_job *job);

/** Likewise, also below `watch`: for those who may have missed the removal of one that fell below it. */
tip_nodiscard int bl_score_every(struct tip_buf *verdicts, struct bl_score_job *job);

static inline size_t bl_score_count(const struct tip_buf *verdicts)
{
    return verdicts->len / sizeof(struct bl_verdict);
}

static inline const struct bl_verdict *bl_score_at(const struct tip_buf *verdicts, size_t i)
{
    return (const struct bl_verdict *)(const void *)verdicts->data + i;
}
