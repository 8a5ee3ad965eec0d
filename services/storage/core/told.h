#pragma once
/*
 * What a batch told of each indicator, one after the other: for the history of verdicts.
 *
 * The last word is not enough here, and what was told must not depend on where batches begin and end. So all of them
 * stay but those that say what the one before said, and those that were taken back within the same millisecond. The
 * same is said by a verdict of the same tier, score to a step of 0.05 (as its owner tells changes), families, named
 * lists, reach and marking: a baseline tells everything again, a little further faded. Only its times count then. A
 * statement must not touch an indicator twice: what an indicator was told next goes into the next round.
 */
#include "core/fold.h"

struct store_told {
    const struct store_verdict *verdict;          /* borrowed; the first of those that say the same */
    int64_t next_change_unix_ms, expires_unix_ms; /* of the last of them */
    uint32_t order, round;                        /* set by folding */
};

/** When it counts as told: the millisecond of its commit. Whoever asks for that time, as it is shown, means it. */
static inline int64_t store_told_us(int64_t commit_unix_us)
{
    return commit_unix_us - commit_unix_us % 1000;
}

/**
 * @param told  room for n
 * @return how many are left, ordered by round and key
 */
size_t store_told_fold(struct store_told *told, const struct store_verdict *rows, size_t n);

/** How many rows from the first on are of one round. */
size_t store_told_run(const struct store_told *told, size_t n);
