#include "check.h"
#include "random.h"

#include <errno.h>

#include <tip/ranges.h>

enum { MODEL_CELLS = 512 };

#define M(name) v4_##name
#define T(name) tip_ranges4_##name
#define ADDR    uint32_t
#define RANGES  tip_ranges4
#define BUILD   tip_ranges4_build
#define CUT     tip_ranges4_cut
#define TO      tip_addr_to4
#include "ranges_model.h"

#include "ranges_family.h"
#undef M
#undef T
#undef ADDR
#undef RANGES
#undef BUILD
#undef CUT
#undef TO

#define M(name) v6_##name
#define T(name) tip_ranges6_##name
#define ADDR    tip_u128
#define RANGES  tip_ranges6
#define BUILD   tip_ranges6_build
#define CUT     tip_ranges6_cut
#define TO      tip_addr_to6
#include "ranges_model.h"

#include "ranges_family.h"

/* All 128 bits take part in the order. */
static void test_every_bit(void **state)
{
    struct tip_ranges6_build build;
    struct tip_ranges6 set;

    (void)state;
    tip_ranges6_build_init(&build, 128);
    for (unsigned bit = 128; bit-- > 1;)
        assert_int_equal(tip_ranges6_add(&build, (tip_u128)1 << bit, (tip_u128)1 << bit), 0);
    assert_int_equal(tip_ranges6_build_finish(&build, &set), 0);
    assert_int_equal(set.n, 127);
    for (unsigned i = 0; i < 127; i++)
        assert_true(set.at[i].lo == (tip_u128)1 << (i + 1));
    tip_ranges6_build_deinit(&build);
}

static void test_counts_of_everything(void **state)
{
    static const struct tip_range4 all4 = {0, UINT32_MAX};
    static const struct tip_range6 all6 = {0, (tip_u128)-1};
    struct tip_ranges4 set4 = {&all4, 1};
    struct tip_ranges6 set6 = {&all6, 1};

    (void)state;
    assert_int_equal(tip_ranges4_count(&set4), 1ull << 32);
    assert_true(tip_ranges6_count(&set6) == (tip_u128)-1);
}

static void test_cut_text(void **state)
{
    static const struct tip_range4 ranges4[] = {{0x0a000001, 0x0a000004}, {0xc0000200, 0xc00002ff}};
    struct tip_ranges4_cut cut = {.set = {ranges4, 2}};
    struct tip_prefix prefix;
    char text[256] = "";

    (void)state;
    while (tip_ranges4_cut_next(&cut, &prefix)) {
        tip_prefix_format(&prefix, text + strlen(text));
        strcat(text, " ");
    }
    assert_string_equal(text, "10.0.0.1/32 10.0.0.2/31 10.0.0.4/32 192.0.2.0/24 ");
}

static void test_numbers(void **state)
{
    struct tip_addr addr, again;

    (void)state;
    assert_int_equal(tip_addr_parse(&addr, "2001:db8::1", 11), 0);
    assert_true(tip_addr_to6(&addr) == ((tip_u128)0x20010db8 << 96 | 1));
    again = tip_addr_from6(tip_addr_to6(&addr));
    assert_int_equal(tip_addr_compare(&addr, &again), 0);
    again = tip_addr_from6((tip_u128)0xffffc0000201);
    assert_int_equal(again.family, 4);
    assert_int_equal(tip_addr_to4(&again), 0xc0000201);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(v4_test_tables),  cmocka_unit_test(v6_test_tables),
        cmocka_unit_test(v4_test_lookup),  cmocka_unit_test(v6_test_lookup),
        cmocka_unit_test(v4_test_random),  cmocka_unit_test(v6_test_random),
        cmocka_unit_test(v4_test_cap),     cmocka_unit_test(v6_test_cap),
        cmocka_unit_test(v4_test_settles), cmocka_unit_test(v6_test_settles),
        cmocka_unit_test(v4_test_cuts),    cmocka_unit_test(v6_test_cuts),
        cmocka_unit_test(test_every_bit),  cmocka_unit_test(test_counts_of_everything),
        cmocka_unit_test(test_cut_text),   cmocka_unit_test(test_numbers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
