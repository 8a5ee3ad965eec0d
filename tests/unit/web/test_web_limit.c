#include "check.h"

#include <tip/hash.h>

#include "core/limit.h"

static void test_an_address_has_ten(void **state)
{
    tip_auto(web_limit_destroy) struct web_limit *limit = web_limit_new();
    const struct tip_addr one = tip_addr_from4(1), other = tip_addr_from4(2);

    (void)state;
    for (int i = 0; i < WEB_LIMIT_EACH; i++) {
        assert_int_equal(web_limit_wait_ms(limit, &one, 0), 0);
        web_limit_fail(limit, &one, 0);
    }
    assert_int_equal(web_limit_wait_ms(limit, &one, 0), WEB_LIMIT_REFILL_MS);
    assert_int_equal(web_limit_wait_ms(limit, &other, 0), 0);
    assert_int_equal(web_limit_wait_ms(limit, &one, WEB_LIMIT_REFILL_MS - 1), 1);
    assert_int_equal(web_limit_wait_ms(limit, &one, WEB_LIMIT_REFILL_MS), 0);
    for (int i = 0; i < 100; i++)
        web_limit_fail(limit, &one, 0); /* it owes no more than all */
    assert_int_equal(web_limit_wait_ms(limit, &one, 0), WEB_LIMIT_REFILL_MS);
    assert_int_equal(web_limit_wait_ms(limit, &one, WEB_LIMIT_REFILL_MS), 0);
}

static void test_all_together_are_bounded(void **state)
{
    tip_auto(web_limit_destroy) struct web_limit *limit = web_limit_new();
    const struct tip_addr quiet = tip_addr_from4(7);

    (void)state;
    for (uint32_t i = 0; i < WEB_LIMIT_ALL; i++) {
        const struct tip_addr addr = tip_addr_from4(0x0a000000 + i);

        assert_int_equal(web_limit_wait_ms(limit, &quiet, 0), 0);
        web_limit_fail(limit, &addr, 0);
    }
    assert_true(web_limit_wait_ms(limit, &quiet, 0) > 0);
    assert_int_equal(web_limit_wait_ms(limit, &quiet, WEB_LIMIT_REFILL_MS), 0);
}

static void test_the_table_is_bounded(void **state)
{
    tip_auto(web_limit_destroy) struct web_limit *limit = web_limit_new();
    struct tip_addr addr;

    (void)state;
    for (uint32_t i = 0; i < WEB_LIMIT_ADDRESSES + 100; i++) {
        addr = tip_addr_from4(0x0a000000 + i);
        web_limit_fail(limit, &addr, 0);
    }
    assert_int_equal(web_limit_count(limit), WEB_LIMIT_ADDRESSES);
}

static void test_ipv6_counts_by_network(void **state)
{
    tip_auto(web_limit_destroy) struct web_limit *limit = web_limit_new();
    struct tip_addr one, other, far;

    (void)state;
    assert_int_equal(tip_addr_parse(&one, "2001:db8::1", 11), 0);
    assert_int_equal(tip_addr_parse(&other, "2001:db8::ffff:2", 16), 0);
    assert_int_equal(tip_addr_parse(&far, "2001:db8:0:1::1", 15), 0);
    for (int i = 0; i < WEB_LIMIT_EACH; i++)
        web_limit_fail(limit, &one, 0);
    assert_true(web_limit_wait_ms(limit, &other, 0) > 0);
    assert_int_equal(web_limit_wait_ms(limit, &far, 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_an_address_has_ten),
        cmocka_unit_test(test_all_together_are_bounded),
        cmocka_unit_test(test_the_table_is_bounded),
        cmocka_unit_test(test_ipv6_counts_by_network),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
