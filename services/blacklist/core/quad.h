#pragma once
/*
 * The strict dotted quad of tip_addr4_parse_fast without its branches: lists hold millions, and the lengths of their
 * parts cannot be predicted. One load finds all dots and the end; the parts are then read side by side.
 */
#include <string.h>

#include <tip/addr.h>

#ifdef __SSE2__
#include <emmintrin.h>

/* The number of `n` (1 to 3) digits at text[0..3]; *badp is set when they are no number of 0 to 255. */
static inline uint32_t bl_quad_part(const char *text, unsigned n, uint32_t *badp)
{
    uint32_t word, digits, value;

    memcpy(&word, text, sizeof(word));
    digits = word << (32 - 8 * n); /* the last digit in the highest byte, zeros below the first */
    value = (digits >> 8 & 15) * 100 + (digits >> 16 & 15) * 10 + (digits >> 24 & 15);
    *badp |= value > 255 || (n > 1 && (word & 255) == '0');
    return value;
}

/**
 * As tip_addr4_parse_fast for a text with at least 16 readable bytes.
 *
 * @return bytes read, or 0: then tip_addr4_parse_fast has the last word
 */
static inline size_t bl_quad_parse(const char *text, uint32_t *hostp)
{
    const __m128i bytes = _mm_loadu_si128((const __m128i *)(const void *)text);
    /* digits are the bytes from '0' to '9': moved to the bottom of the signed range they are the smallest ten */
    const __m128i moved = _mm_add_epi8(bytes, _mm_set1_epi8((char)(128 - '0')));
    unsigned other = ~(unsigned)_mm_movemask_epi8(_mm_cmplt_epi8(moved, _mm_set1_epi8(-128 + 10))) & 0xffff;
    unsigned dots = (unsigned)_mm_movemask_epi8(_mm_cmpeq_epi8(bytes, _mm_set1_epi8('.')));
    unsigned ends[4], lens[4];
    uint32_t bad = 0;
    uint32_t host = 0;
    unsigned start = 0;

    for (int i = 0; i < 4; i++) { /* a bit behind the last keeps ctz defined */
        ends[i] = (unsigned)__builtin_ctz(other | 0x10000);
        other &= other - 1;
        lens[i] = ends[i] - start;
        bad |= lens[i] - 1 > 2;
        start = ends[i] + 1;
    }
    if (bad || (dots & ((1u << ends[3]) - 1)) != (1u << ends[0] | 1u << ends[1] | 1u << ends[2]))
        return 0;
    start = 0;
    for (int i = 0; i < 4; i++) {
        host = host << 8 | bl_quad_part(text + start, lens[i], &bad);
        start = ends[i] + 1;
    }
    *hostp = host;
    return bad ? 0 : ends[3];
}
#else
static inline size_t bl_quad_parse(const char *text, uint32_t *hostp)
{
    return tip_addr4_parse_fast(text, text + 16, hostp);
}
#endif
