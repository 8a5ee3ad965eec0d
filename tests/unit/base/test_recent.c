#include "check.h"

#include <tip/recent.h>

static void test_quantiles(void **state)
{
    struct tip_recent recent = {.n = 0};

    (void)state;
    assert_int_equal(tip_recent_quantile(&recent, 0.5), 0);
    tip_recent_add(&recent, 7);
    assert_int_equal(tip_recent_quantile(&recent, 0), 7);
    assert_int_equal(tip_recent_quantile(&recent, 1), 7);
    recent = (struct tip_recent){.n = 0};
    for (int i = 100; i >= 1; i--)
        tip_recent_add(&recent, i);
    assert_int_equal(tip_recent_quantile(&recent, 0.5), 50);
    assert_int_equal(tip_recent_quantile(&recent, 0.99), 99);
    assert_int_equal(tip_recent_quantile(&recent, 0.995), 100);
    assert_int_equal(tip_recent_quantile(&recent, 1), 100);
}

static void test_the_old_go(void **state)
{
    struct tip_recent recent = {.n = 0};

    (void)state;
    for (int i = 0; i < 10; i++)
        tip_recent_add(&recent, 1000000);
    for (int i = 0; i < TIP_RECENT_MAX; i++)
        tip_recent_add(&recent, -3);
    assert_int_equal(tip_recent_quantile(&recent, 1), -3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_quantiles),
        cmocka_unit_test(test_the_old_go),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
