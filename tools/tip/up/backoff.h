#pragma once
/* How long to wait before a process that ended is started again. */
#include <stdint.h>

enum { BACKOFF_FIRST_MS = 200, BACKOFF_MAX_MS = 30000, BACKOFF_GOOD_MS = 10000 };

/**
 * Doubles from 0.2 s to 30 s; a process that ran for 10 s starts over.
 *
 * @param last_ms  what this returned before, 0 the first time
 * @param ran_ms   how long the process lived
 */
static inline int64_t backoff_next(int64_t last_ms, int64_t ran_ms)
{
    if (last_ms == 0 || ran_ms >= BACKOFF_GOOD_MS)
        return BACKOFF_FIRST_MS;
    return last_ms * 2 < BACKOFF_MAX_MS ? last_ms * 2 : BACKOFF_MAX_MS;
}
