/* Who sends a message without end, by bytes taken and messages that came. */
#include <check.h>

#include "core/hoard.h"

enum { MESSAGE = 2 << 20, MOST = MESSAGE + HOARD_MARGIN_BYTES };

static struct hoard_facts at(uint64_t taken, int64_t now_ms, bool swept)
{
    return (struct hoard_facts){taken, MESSAGE, now_ms, swept};
}

static void look(struct hoard *hoard, uint64_t taken, bool swept)
{
    const struct hoard_facts facts = at(taken, hoard->at_ms, swept);

    hoard_look(hoard, &facts);
}

static void test_too_much(void **state)
{
    struct hoard hoard = {0};

    (void)state;
    look(&hoard, HOARD_WATCH_BYTES, true);
    assert_false(hoard.is_watched);
    look(&hoard, 300 << 10, true);
    assert_true(hoard.is_watched); /* and from here on it is counted */
    look(&hoard, (300 << 10) + MOST + 1, true);
    assert_int_equal(hoard.proven, 0); /* it came after the sweep, perhaps whole */
    look(&hoard, (300 << 10) + 2 * MOST, false);
    assert_int_equal(hoard.proven, 0); /* we did not read */
    assert_false(hoard_is_too_much(&hoard, MESSAGE));
    look(&hoard, (300 << 10) + 2 * MOST, true);
    assert_int_equal(hoard.proven, 2 * MOST);
    assert_true(hoard_is_too_much(&hoard, MESSAGE));
}

static void test_the_largest_message_is_legal(void **state)
{
    struct hoard hoard = {0};

    (void)state;
    look(&hoard, 300 << 10, true);
    for (int i = 0; i < 10; i++)
        look(&hoard, (300 << 10) + MOST, true);
    assert_int_equal(hoard.proven, MOST);
    assert_false(hoard_is_too_much(&hoard, MESSAGE));
}

static void test_a_message_clears(void **state)
{
    struct hoard hoard = {0};

    (void)state;
    look(&hoard, 300 << 10, true);
    look(&hoard, 4 * MOST, true);
    assert_false(hoard_heard(&hoard));
    look(&hoard, 9 * MOST, true);
    assert_false(hoard.is_watched);
    assert_int_equal(hoard_unclear(&hoard), 0);
    look(&hoard, 9 * MOST + HOARD_WATCH_BYTES, true);
    assert_false(hoard.is_watched);
    look(&hoard, 9 * MOST + HOARD_WATCH_BYTES + 1, true);
    assert_true(hoard.is_watched);
    look(&hoard, 9 * MOST + HOARD_WATCH_BYTES + 1, true);
    assert_int_equal(hoard.proven, 0);
}

/* Also one that came before anybody was watched must not count as heard later. */
static void test_turns(void **state)
{
    struct hoard hoard = {0};

    (void)state;
    assert_false(hoard_heard(&hoard));
    look(&hoard, 300 << 10, true);
    assert_true(hoard.is_watched);
    for (int i = 1; i < HOARD_TURNS; i++)
        assert_false(hoard_heard(&hoard));
    assert_true(hoard_heard(&hoard));
    look(&hoard, 400 << 10, true);
    assert_false(hoard_heard(&hoard)); /* counted from look to look */
}

static void test_small_doors(void **state)
{
    struct hoard hoard = {0};
    struct hoard_facts facts = {HOARD_MARGIN_BYTES + 1024, 1024, 0, true};

    (void)state;
    hoard_look(&hoard, &facts);
    assert_false(hoard.is_watched);
    facts.taken++;
    hoard_look(&hoard, &facts);
    assert_true(hoard.is_watched);
}

static void test_heartbeats_are_forgiven(void **state)
{
    struct hoard hoard = {0};
    uint64_t taken = 0;

    (void)state;
    for (int64_t s = 1; s <= 86400; s++) { /* a day of a subscriber that never says anything again */
        struct hoard_facts facts = at(taken += 50, s * 1000, true);

        hoard_look(&hoard, &facts);
        assert_false(hoard.is_watched);
    }
    assert_int_equal(hoard_unclear(&hoard), 86400 * 50);
    hoard_watch(&hoard);
    look(&hoard, taken, true);
    assert_int_equal(hoard.proven, 86400 * 50); /* for who must find room */
}

static void test_counters_never_run_back(void **state)
{
    struct hoard hoard = {0};

    (void)state;
    look(&hoard, 300 << 10, true);
    look(&hoard, 100, true); /* a number that is somebody else's now */
    assert_int_equal(hoard.taken, 300 << 10);
    assert_int_equal(hoard.proven, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_too_much),
        cmocka_unit_test(test_the_largest_message_is_legal),
        cmocka_unit_test(test_a_message_clears),
        cmocka_unit_test(test_turns),
        cmocka_unit_test(test_small_doors),
        cmocka_unit_test(test_heartbeats_are_forgiven),
        cmocka_unit_test(test_counters_never_run_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
