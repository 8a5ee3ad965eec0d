#include "check.h"

#include <stdio.h>

#include "core/ask.h"
#include "core/backoff.h"

typedef char name[STORE_ASK_NAME_MAX + 1];

static void want(struct store_asks *asks, const char *a, const char *b, int64_t now_ms)
{
    name names[2] = {"", ""};
    size_t n = 0;

    if (a)
        strcpy(names[n++], a);
    if (b)
        strcpy(names[n++], b);
    store_asks_set(asks, (const char(*)[STORE_ASK_NAME_MAX + 1]) names, n, now_ms);
}

static void assert_next(struct store_asks *asks, int64_t now_ms, const char *expected)
{
    const char *next = store_asks_next(asks, now_ms);

    if (!expected)
        assert_null(next);
    else
        assert_string_equal(next ? next : "(nobody)", expected);
}

static void test_ask_repeats_until_it_has_arrived(void **state)
{
    struct store_asks asks = {.n = 0};

    (void)state;
    want(&asks, "drop", NULL, 1000);
    assert_next(&asks, 1000, "drop");
    assert_next(&asks, 1000, NULL);
    store_asks_end(&asks, "drop", STORE_ASK_FAILED, 2000, UINT32_MAX);
    assert_next(&asks, 2400, NULL);
    assert_next(&asks, 3000, "drop");
    store_asks_end(&asks, "drop", STORE_ASK_TAKEN, 3000, 0);
    want(&asks, "drop", NULL, 10000);
    assert_next(&asks, 10000, NULL);
    assert_next(&asks, 3000 + 2 * STORE_ASK_PATIENCE_MS, "drop");
    store_asks_end(&asks, "drop", STORE_ASK_TAKEN, 200000, 0);
    want(&asks, NULL, NULL, 200001);
    assert_next(&asks, 9000000, NULL);
    assert_int_equal(asks.n, 0);
}

static void test_ask_everything_first_and_alone(void **state)
{
    struct store_asks asks = {.n = 0};

    (void)state;
    want(&asks, "*", "drop", 0);
    assert_int_equal(store_asks_wanted(&asks), 2);
    assert_next(&asks, 0, "*");
    assert_next(&asks, 0, NULL);
    store_asks_end(&asks, "*", STORE_ASK_FAILED, 0, 0);
    assert_next(&asks, 100, NULL);
    assert_next(&asks, STORE_ASK_LOW_MS, "*");
    store_asks_end(&asks, "*", STORE_ASK_TAKEN, 5000, 0);
    want(&asks, "drop", NULL, 5000);
    assert_next(&asks, 5000, NULL);
    assert_next(&asks, 5000 + STORE_ASK_PATIENCE_MS, "drop");
}

static void test_ask_bounds_calls(void **state)
{
    struct store_asks asks = {.n = 0};
    name names[STORE_ASK_MAX + 10];

    (void)state;
    for (int i = 0; i < STORE_ASK_MAX + 10; i++)
        snprintf(names[i], sizeof(names[i]), "list%d", i);
    store_asks_set(&asks, (const char(*)[STORE_ASK_NAME_MAX + 1]) names, STORE_ASK_MAX + 10, 0);
    assert_int_equal(asks.n, STORE_ASK_MAX);
    for (int i = 0; i < STORE_ASK_RUNNING_MAX; i++)
        assert_non_null(store_asks_next(&asks, 0));
    assert_null(store_asks_next(&asks, 0));
    store_asks_end(&asks, "list0", STORE_ASK_TAKEN, 0, 0);
    assert_non_null(store_asks_next(&asks, 0));
}

static void test_ask_keeps_what_runs(void **state)
{
    struct store_asks asks = {.n = 0};

    (void)state;
    want(&asks, "drop", NULL, 0);
    assert_next(&asks, 0, "drop");
    want(&asks, "other", NULL, 0);
    assert_int_equal(asks.n, 2);
    store_asks_end(&asks, "drop", STORE_ASK_REFUSED, 0, 0);
    assert_int_equal(asks.n, 1);
    store_asks_end(&asks, "nobody", STORE_ASK_TAKEN, 0, 0);
}

static void test_backoff(void **state)
{
    (void)state;
    assert_int_equal(store_backoff_ms(1, 100, 10000, 0), 50);
    assert_int_equal(store_backoff_ms(1, 100, 10000, 50), 100);
    assert_int_equal(store_backoff_ms(2, 100, 10000, 0), 100);
    assert_int_equal(store_backoff_ms(1000, 100, 10000, 0), 5000);
    for (unsigned i = 0; i < 1000; i++)
        assert_in_range(store_backoff_ms(20, 100, 10000, i * 7919), 5000, 10000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ask_repeats_until_it_has_arrived),
        cmocka_unit_test(test_ask_everything_first_and_alone),
        cmocka_unit_test(test_ask_bounds_calls),
        cmocka_unit_test(test_ask_keeps_what_runs),
        cmocka_unit_test(test_backoff),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
