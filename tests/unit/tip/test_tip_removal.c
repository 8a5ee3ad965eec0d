#include "check.h"

#include <string.h>

#include "removal.h"

enum { DAY_S = 24 * 60 * 60 };

static bool near(double a, double b)
{
    return a - b < 1e-9 && b - a < 1e-9;
}

static void test_removal_is_a_noisy_or_of_what_is_left(void **state)
{
    static const struct removal_share shares[] = {
        {.name = "a", .p = 0.6}, {.name = "b", .p = 0.5}, {.name = "c", .p = 0.5}};

    (void)state;
    assert_true(near(removal_score(shares, 3, 3), 0.9));
    assert_true(near(removal_score(shares, 3, 0), 0.75));
    assert_true(near(removal_score(shares, 3, 2), 0.8));
    assert_true(near(removal_score(shares, 0, 0), 0));
}

static void test_removal_halves(void **state)
{
    (void)state;
    assert_true(near(removal_decayed(0.8, 0, DAY_S), 0.8));
    assert_true(near(removal_decayed(0.8, -5, DAY_S), 0.8));
    assert_true(near(removal_decayed(0.8, DAY_S, DAY_S), 0.4));
    assert_true(near(removal_decayed(0.8, 20 * DAY_S, DAY_S), 0));
    assert_true(near(removal_decayed(0.8, 0, 0), 0.8));
    assert_true(near(removal_decayed(0.8, 1, 0), 0));
    assert_int_equal(removal_family_half_life_s("trap"), 3 * DAY_S);
    assert_int_equal(removal_family_half_life_s("list"), 0);
}

/* 0.6 falls to 0.3 in one half-life; two shares as the sum of both says, here held against a walk in steps. */
static void test_removal_knows_when_it_is_over(void **state)
{
    struct removal_share shares[] = {{.name = "a", .p = 0.6, .half_life_s = DAY_S}, {.name = "b", .p = 0.5}};
    int64_t walked = 0;

    (void)state;
    assert_in_range(removal_below_s(shares, 1, 0.3), DAY_S, DAY_S + 1);
    assert_int_equal(removal_below_s(shares + 1, 1, 0.3), 0);
    assert_int_equal(removal_below_s(shares, 0, 0.3), 0);
    shares[1].half_life_s = 3 * DAY_S;
    while (1 - (1 - removal_decayed(0.6, walked, DAY_S)) * (1 - removal_decayed(0.5, walked, 3 * DAY_S)) >= 0.3)
        walked += 60;
    assert_in_range(removal_below_s(shares, 2, 0.3), walked - 60, walked + 1);
}

static void test_removal_says_what_has_to_happen(void **state)
{
    static const struct {
        struct removal_share share;
        const char *text;
    } table[] = {
        {{.half_life_s = 7 * DAY_S, .is_listed = true}, "has to be delisted there; its share then halves every 7d"},
        {{.half_life_s = 0, .is_listed = true}, "has to be delisted there; then it counts no more"},
        {{.half_life_s = DAY_S, .is_listed = true, .is_fading = true},
         "never removes anything; its share halves every 1d by itself"},
        {{.half_life_s = DAY_S, .is_fading = true}, "has left this list; its share halves every 1d by itself"},
        {{.half_life_s = 3 * DAY_S, .is_fading = true, .is_own = true},
         "TIP must not see it again; its share halves every 3d"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        tip_auto(tip_buf_deinit) struct tip_buf text;

        tip_buf_init(&text, 1000);
        assert_int_equal(removal_text(&table[i].share, &text), 0);
        assert_string_equal(tip_buf_text(&text), table[i].text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_removal_is_a_noisy_or_of_what_is_left),
        cmocka_unit_test(test_removal_halves),
        cmocka_unit_test(test_removal_knows_when_it_is_over),
        cmocka_unit_test(test_removal_says_what_has_to_happen),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
