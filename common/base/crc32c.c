#include <tip/crc32c.h>

#include <string.h>

#include "crc32c_table.h"

static uint64_t crc32c_load(const uint8_t *at)
{
    uint64_t word;

    memcpy(&word, at, sizeof(word));
    return word;
}

static uint32_t crc32c_table_run(uint32_t crc, const uint8_t *at, size_t n)
{
    for (; n >= 8; n -= 8, at += 8) {
        uint64_t word = crc32c_load(at) ^ crc;

        crc = crc32c_table[7][word & 0xff] ^ crc32c_table[6][word >> 8 & 0xff] ^ crc32c_table[5][word >> 16 & 0xff] ^
              crc32c_table[4][word >> 24 & 0xff] ^ crc32c_table[3][word >> 32 & 0xff] ^
              crc32c_table[2][word >> 40 & 0xff] ^ crc32c_table[1][word >> 48 & 0xff] ^ crc32c_table[0][word >> 56];
    }
    while (n--)
        crc = crc32c_table[0][(crc ^ *at++) & 0xff] ^ crc >> 8;
    return crc;
}

#ifdef __x86_64__
#include <nmmintrin.h>

__attribute__((target("sse4.2"))) static uint32_t crc32c_sse_run(uint32_t crc, const uint8_t *at, size_t n)
{
    uint64_t wide = crc;

    for (; n >= 8; n -= 8, at += 8)
        wide = _mm_crc32_u64(wide, crc32c_load(at));
    crc = (uint32_t)wide;
    while (n--)
        crc = _mm_crc32_u8(crc, *at++);
    return crc;
}
#endif

uint32_t tip_crc32c(uint32_t seed, const void *bytes, size_t n)
{
#ifdef __x86_64__
    if (__builtin_cpu_supports("sse4.2"))
        return ~crc32c_sse_run(~seed, bytes, n);
#endif
    return ~crc32c_table_run(~seed, bytes, n);
}

uint32_t tip_crc32c_portable(uint32_t seed, const void *bytes, size_t n)
{
    return ~crc32c_table_run(~seed, bytes, n);
}
