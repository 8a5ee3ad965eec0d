/*
 * Two sets of ranges from any bytes: what the operations give adds up, the sweep over both says the same, and IPv6 does
 * as IPv4 when every address is a block of 2^96.
 */
#include "fuzz.h"

#include <tip/overlap.h>

enum { RANGES_MAX = 4096, STEP = 6 };

struct fuzz_sets {
    struct tip_ranges4_build build4[2];
    struct tip_ranges6_build build6[2];
    struct tip_ranges4 set4[2];
    struct tip_ranges6 set6[2];
};

static tip_u128 fuzz_low(uint32_t lo)
{
    return (tip_u128)lo << 96;
}

static tip_u128 fuzz_high(uint32_t hi)
{
    return fuzz_low(hi) | (((tip_u128)1 << 96) - 1);
}

/* One byte says which set and how wide, four where, one how many. */
static void fuzz_fill(struct fuzz_sets *sets, const uint8_t *data, size_t size)
{
    for (; size >= STEP; data += STEP, size -= STEP) {
        size_t i = data[0] & 1;
        uint32_t lo, n = (uint32_t)data[5] << (data[0] >> 1) % 25;
        int r;

        memcpy(&lo, data + 1, sizeof(lo));
        r = tip_ranges4_add(&sets->build4[i], lo, lo + n);
        assert(r == (lo + n < lo ? TIP_RANGES_E_ORDER : 0));
        assert(tip_ranges6_add(&sets->build6[i], fuzz_low(lo), fuzz_high(lo + n)) == r);
    }
}

static void fuzz_same(struct tip_ranges4 set4, struct tip_ranges6 set6)
{
    assert(set4.n == set6.n);
    for (size_t i = 0; i < set4.n; i++) {
        assert(set4.at[i].lo <= set4.at[i].hi && (!i || (uint64_t)set4.at[i - 1].hi + 1 < set4.at[i].lo));
        assert(fuzz_low(set4.at[i].lo) == set6.at[i].lo && fuzz_high(set4.at[i].hi) == set6.at[i].hi);
        assert(tip_ranges4_find(&set4, set4.at[i].lo) == i && tip_ranges6_find(&set6, set6.at[i].hi) == i);
        assert(tip_ranges4_contain(&set4, set4.at[i].lo, set4.at[i].hi));
    }
}

/* Each of the three in both families; returns its addresses. */
static uint64_t fuzz_both(const struct fuzz_sets *sets,
                          int (*run4)(struct tip_buf *, const struct tip_ranges4 *, const struct tip_ranges4 *),
                          int (*run6)(struct tip_buf *, const struct tip_ranges6 *, const struct tip_ranges6 *))
{
    tip_auto(tip_buf_deinit) struct tip_buf out4;
    tip_auto(tip_buf_deinit) struct tip_buf out6;
    struct tip_ranges4 set4;

    tip_buf_init(&out4, 1 << 20);
    tip_buf_init(&out6, 1 << 20);
    assert(!run4(&out4, &sets->set4[0], &sets->set4[1]) && !run6(&out6, &sets->set6[0], &sets->set6[1]));
    set4 = tip_ranges4_of(&out4);
    fuzz_same(set4, tip_ranges6_of(&out6));
    return tip_ranges4_count(&set4);
}

static void fuzz_operations(const struct fuzz_sets *sets)
{
    uint64_t a = tip_ranges4_count(&sets->set4[0]), b = tip_ranges4_count(&sets->set4[1]);
    uint64_t all = fuzz_both(sets, tip_ranges4_union, tip_ranges6_union);
    uint64_t common = fuzz_both(sets, tip_ranges4_intersect, tip_ranges6_intersect);
    uint64_t less = fuzz_both(sets, tip_ranges4_subtract, tip_ranges6_subtract);
    tip_auto(tip_overlap4_destroy) struct tip_overlap4 *overlap = NULL;
    tip_auto(tip_overlap6_destroy) struct tip_overlap6 *overlap6 = NULL;
    tip_auto(tip_buf_deinit) struct tip_buf joined4;
    tip_auto(tip_buf_deinit) struct tip_buf joined6;

    tip_buf_init(&joined4, 1 << 20);
    tip_buf_init(&joined6, 1 << 20);
    assert(a + b == all + common && a == less + common);
    assert(!tip_overlap4_open(&overlap, sets->set4, 2, &joined4) &&
           !tip_overlap6_open(&overlap6, sets->set6, 2, &joined6));
    fuzz_same(tip_ranges4_of(&joined4), tip_ranges6_of(&joined6));
    assert(overlap->total == all && overlap->volume[0] == a && overlap->volume[1] == b);
    assert(tip_overlap4_pair(overlap, 0, 1) == common && overlap->histogram[2] == common);
    assert(overlap->exclusive[0] == less && overlap->histogram[1] == all - common);
    assert(tip_overlap6_pair(overlap6, 1, 0) >> 96 == common || common == 1ull << 32);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz_sets sets;

    for (size_t i = 0; i < 2; i++) {
        tip_ranges4_build_init(&sets.build4[i], RANGES_MAX);
        tip_ranges6_build_init(&sets.build6[i], RANGES_MAX);
    }
    fuzz_fill(&sets, data, size);
    for (size_t i = 0; i < 2; i++) {
        assert(!tip_ranges4_build_finish(&sets.build4[i], &sets.set4[i]));
        assert(!tip_ranges6_build_finish(&sets.build6[i], &sets.set6[i]));
        fuzz_same(sets.set4[i], sets.set6[i]);
    }
    fuzz_operations(&sets);
    for (size_t i = 0; i < 2; i++) {
        tip_ranges4_build_deinit(&sets.build4[i]);
        tip_ranges6_build_deinit(&sets.build6[i]);
    }
    return 0;
}
