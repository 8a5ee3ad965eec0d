#pragma once
/* How long to wait before trying again. */
#include <stdint.h>

/**
 * Doubles from low to high with each failure, and takes a random part between a half and all of it, so that many who
 * failed together do not come back together.
 *
 * @param n_failures  in a row, from 1
 * @param random      any 32 bits
 */
int64_t store_backoff_ms(unsigned n_failures, int64_t low_ms, int64_t high_ms, uint32_t random);
