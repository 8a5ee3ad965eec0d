#include "core/cadence.h"

#include <stddef.h>
#include <stdlib.h>

static int cadence_compare(const void *a, const void *b)
{
    uint16_t x = *(const uint16_t *)a, y = *(const uint16_t *)b;

    return (x > y) - (x < y);
}

static int64_t cadence_learned(const struct bl_guard *guard)
{
    size_t n_steps = guard->n_steps < BL_GUARD_STEPS ? (size_t)guard->n_steps : BL_GUARD_STEPS;
    uint16_t gaps[BL_GUARD_STEPS];
    size_t n = 0;

    for (size_t i = 0; i < n_steps; i++) {
        if (guard->steps[i].gap_min)
            gaps[n++] = guard->steps[i].gap_min;
    }
    if (n < BL_CADENCE_GAPS)
        return 0;
    qsort(gaps, n, sizeof(*gaps), cadence_compare);
    return (int64_t)gaps[(n * 9 + 9) / 10 - 1] * 60 * 1000;
}

int64_t bl_cadence_expected(const struct bl_guard *guard, int64_t stated_ms, int64_t interval_ms)
{
    int64_t learned = stated_ms ? 0 : cadence_learned(guard);

    if (stated_ms)
        return stated_ms;
    return learned && learned < interval_ms ? interval_ms : learned;
}

bool bl_cadence_is_stale(int64_t expected_ms, int64_t moved_unix_ms, int64_t now_unix_ms)
{
    return expected_ms && moved_unix_ms && now_unix_ms - moved_unix_ms > BL_CADENCE_TIMES * expected_ms;
}
