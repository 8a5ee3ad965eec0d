#pragma once
/*
 * Which verdicts something that happened has moved. They are told in the order block, slow, watch, removal, by the
 * higher of the tiers before and after, within a
 * tier those that are marked alike together, and those in the order of the sets.
 */
#include "core/score.h"

/** A verdict that is told: where its indicator stands, 8 bytes. What it says is worked out when it is (core/score.h).
 */
struct bl_verdict {
    uint32_t index;
    uint16_t keys; /* 2 * number of a source + side, or BL_TELL_EXTRA */
    uint8_t rank;  /* by tier, block first, then by marking and depth: see bl_tell_is_alike */
    uint8_t n_reasons;
};

enum { BL_TELL_EXTRA = UINT16_MAX };

enum bl_told {
    BL_TOLD_MOVED,   /* what has changed in a way that has to be told */
    BL_TOLD_WATCHED, /* what is at least `watch` afterwards */
    BL_TOLD_EVERY
};

struct bl_tell {
    struct bl_score_job *job;
    struct bl_seen extra; /* indicators that stand in no list, or need not */
    enum bl_told what;
    bool is_first;            /* not what a source before the one in question names, too */
    struct tip_buf *verdicts; /* struct bl_verdict */
    bool capped;              /* also what needs two independent sources to stay so high, moved or not */
    uint32_t next_s; /* in: the last second of interest; out: the first at which time alone moves one of those seen */
    bool is_found;   /* out: there is such a second */
};

/** By another version of one source. @return 0 or -ENOBUFS, as all of them */
tip_nodiscard int bl_tell_version(struct bl_tell *tell, size_t source);

/**
 * By another weight or half-life of one source.
 *
 * @param capped  also what comes so high that it needs two independent sources: whom it is independent of has changed
 */
tip_nodiscard int bl_tell_law(struct bl_tell *tell, size_t source, bool capped);

/** All that a source names or has named; without a half-life what it names, unless everything is told. */
tip_nodiscard int bl_tell_list(struct bl_tell *tell, size_t source);

/** Those in `extra`. */
tip_nodiscard int bl_tell_extra(struct bl_tell *tell);

/** By time. `extra`: the indicators that TIP has seen itself. */
tip_nodiscard int bl_tell_clock(struct bl_tell *tell);

/** By another table of exemptions. `extra` as for time. */
tip_nodiscard int bl_tell_exempt(struct bl_tell *tell);

/** Puts them into order. */
void bl_tell_sort(struct tip_buf *verdicts);

/** Are they marked alike and equally deep? Only such go into one event: it is marked and as deep as each in it. */
bool bl_tell_is_alike(const struct bl_verdict *a, const struct bl_verdict *b);

struct bl_key bl_tell_key(const struct bl_tell *tell, const struct bl_verdict *verdict);

static inline size_t bl_tell_count(const struct tip_buf *verdicts)
{
    return verdicts->len / sizeof(struct bl_verdict);
}

static inline const struct bl_verdict *bl_tell_at(const struct tip_buf *verdicts, size_t i)
{
    return (const struct bl_verdict *)(const void *)verdicts->data + i;
}
