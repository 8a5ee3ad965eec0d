#pragma once
/*
 * When an event was committed, by its number, in 40 KiB. Pure.
 *
 * Level k keeps 128 moments that are at least 2^k seconds apart; so what is a minute old is known to a second, and
 * what is days old to a thirty-second of its age.
 */
#include <stdint.h>

enum { JOURNAL_TIMES_LEVELS = 20, JOURNAL_TIMES_ENTRIES = 128 };

struct journal_time {
    uint64_t seq; /* of the first event committed then */
    int64_t us;
};

struct journal_times_level {
    struct journal_time entries[JOURNAL_TIMES_ENTRIES]; /* a ring */
    unsigned n, next;
};

/** Zeroed memory knows nothing. */
struct journal_times {
    struct journal_times_level levels[JOURNAL_TIMES_LEVELS];
};

/** Event `seq` was committed at `us`. Both grow from call to call; cheap when the last moment is less than 1 s ago. */
void journal_times_note(struct journal_times *times, uint64_t seq, int64_t us);

/** The commit time of `seq`, or a moment before it by at most 1 s or 1/32 of its age; 0 when all that is known is
 * later.
 */
int64_t journal_times_at(const struct journal_times *times, uint64_t seq);
