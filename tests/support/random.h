#pragma once
/* Random test input that can be had again: everything comes from TIP_SEED, printed when a test starts. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* splitmix64 (Steele, Lea, Flood 2014) */
static inline uint64_t test_random(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;

    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return z ^ z >> 31;
}

static inline uint64_t test_seed(void)
{
    const char *text = getenv("TIP_SEED");
    uint64_t seed = text ? strtoull(text, NULL, 0) : 1;

    fprintf(stderr, "TIP_SEED=%llu\n", (unsigned long long)seed);
    return seed;
}
