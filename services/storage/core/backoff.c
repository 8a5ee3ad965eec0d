#include "core/backoff.h"

int64_t store_backoff_ms(unsigned n_failures, int64_t low_ms, int64_t high_ms, uint32_t random)
{
    int64_t ms = low_ms;

    for (unsigned i = 1; i < n_failures && ms < high_ms; i++)
        ms *= 2;
    if (ms > high_ms)
        ms = high_ms;
    return ms / 2 + (int64_t)(random % (uint64_t)(ms - ms / 2 + 1));
}
