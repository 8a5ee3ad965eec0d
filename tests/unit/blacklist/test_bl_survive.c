#include "check.h"

#include <tip/buf.h>

#include "core/survive.h"

enum { T0 = 1700000000, HOUR = 3600, DAY = 86400, N = 400 };

/* Entries one by one; the arrays need no order to be looked at. */
struct made {
    struct bl_seen_ip4 ip4[N];
    size_t n;
};

static void add(struct made *made, size_t n, struct bl_seen_times times)
{
    for (size_t i = 0; i < n; i++)
        made->ip4[made->n++] = (struct bl_seen_ip4){.addr = (uint32_t)made->n, .times = times};
}

static struct bl_seen_times listed(uint32_t since_s)
{
    return (struct bl_seen_times){.first_s = since_s, .since_s = since_s, .last_s = since_s, .state = BL_SEEN_LISTED};
}

static struct bl_seen_times gone(uint32_t since_s, uint32_t last_s)
{
    return (struct bl_seen_times){.first_s = since_s, .since_s = since_s, .last_s = last_s};
}

static struct bl_survival survive(const struct made *made, uint32_t born_s, enum bl_category category)
{
    const struct bl_seen seen = {.ip4 = made->ip4, .n_ip4 = made->n, .born_s = born_s};

    return bl_survive(&seen, category, T0);
}

static void test_survive_is_the_median(void **state)
{
    struct made made = {.n = 0};
    struct bl_survival found;

    (void)state;
    add(&made, 20, gone(T0 - 10 * DAY, T0 - 9 * DAY)); /* 20 of 60 leave after a day */
    add(&made, 20, gone(T0 - 10 * DAY, T0 - 7 * DAY)); /* 20 of 40 after three: a third is left */
    add(&made, 20, listed(T0 - 10 * DAY));
    found = survive(&made, T0 - 30 * DAY, BL_CATEGORY_SPAM);
    assert_int_equal(found.basis, BL_SURVIVE_MEASURED);
    assert_int_equal(found.half_life_s, 3 * DAY);
    assert_int_equal(found.n_known, 60);
    assert_int_equal(found.n_removed, 40);
}

static void test_survive_counts_who_is_still_there(void **state)
{
    struct made made = {.n = 0};
    struct bl_survival found;

    (void)state;
    add(&made, 30, gone(T0 - 10 * DAY, T0 - 9 * DAY));
    add(&made, 50, listed(T0 - 12 * HOUR)); /* not yet a day old: not at risk when the others left */
    add(&made, 20, listed(T0 - 5 * DAY));
    found = survive(&made, T0 - 30 * DAY, BL_CATEGORY_SPAM);
    assert_int_equal(found.basis, BL_SURVIVE_MEASURED); /* 20 of 50 outlived the day, not 70 of 100 */
    assert_int_equal(found.half_life_s, DAY);
}

static void test_survive_leaves_out_the_stock(void **state)
{
    struct made made = {.n = 0};
    struct bl_seen_times stock = listed(T0 - 10 * DAY);
    struct bl_survival found;

    (void)state;
    stock.state |= BL_SEEN_STOCK;
    add(&made, 300, stock);
    add(&made, 40, gone(T0 - 9 * DAY, T0 - 9 * DAY + 8 * HOUR));
    found = survive(&made, T0 - 10 * DAY, BL_CATEGORY_MALWARE);
    assert_int_equal(found.half_life_s, 8 * HOUR);
    assert_int_equal(found.n_known, 40);
    assert_int_equal(found.n_held_60d, 340);
}

static void test_survive_has_bounds(void **state)
{
    struct made made = {.n = 0};

    (void)state;
    add(&made, 40, gone(T0 - 9 * DAY, T0 - 9 * DAY + HOUR));
    assert_int_equal(survive(&made, T0 - 10 * DAY, BL_CATEGORY_SPAM).half_life_s, 6 * HOUR);
    made.n = 0;
    add(&made, 40, gone(T0 - 400 * DAY, T0 - DAY));
    assert_int_equal(survive(&made, T0 - 500 * DAY, BL_CATEGORY_SPAM).half_life_s, 180 * DAY);
}

static void test_survive_of_a_category(void **state)
{
    struct made made = {.n = 0};
    struct bl_survival found;

    (void)state;
    add(&made, 29, gone(T0 - 9 * DAY, T0 - 8 * DAY));
    found = survive(&made, T0 - 10 * DAY, BL_CATEGORY_PHISHING);
    assert_int_equal(found.basis, BL_SURVIVE_DEFAULT);
    assert_int_equal(found.half_life_s, DAY);
    made.n = 0;
    add(&made, 200, listed(T0 - 70 * DAY));
    add(&made, 1, gone(T0 - 70 * DAY, T0 - 5 * DAY)); /* half a per cent */
    found = survive(&made, T0 - 80 * DAY, BL_CATEGORY_FRAUD);
    assert_int_equal(found.basis, BL_SURVIVE_APPEND);
    assert_int_equal(found.half_life_s, 90 * DAY);
    assert_int_equal(found.n_removed_60d, 1);
    found = survive(&made, T0 - 50 * DAY, BL_CATEGORY_FRAUD); /* not observed for long enough to say so */
    assert_int_equal(found.basis, BL_SURVIVE_DEFAULT);
}

static void test_survive_beyond_what_was_seen(void **state)
{
    struct made made = {.n = 0};
    struct bl_survival found;

    (void)state;
    add(&made, 200, listed(T0 - 70 * DAY));
    add(&made, 20, gone(T0 - 70 * DAY, T0 - 5 * DAY));
    found = survive(&made, T0 - 80 * DAY, BL_CATEGORY_SPAM);
    assert_int_equal(found.basis, BL_SURVIVE_BEYOND);
    assert_int_equal(found.half_life_s, 70 * DAY);
    assert_int_equal(survive(&made, T0 - 80 * DAY, BL_CATEGORY_HIJACKED).half_life_s, 365 * DAY);
}

/* Removed so long ago that it is forgotten: what is left of that time must not look as if nothing had been removed. */
static void test_survive_sees_only_the_window(void **state)
{
    struct made made = {.n = 0};
    struct bl_survival found;

    (void)state;
    add(&made, 10, listed(T0 - 300 * DAY)); /* of 1,000 that came with them, the others are forgotten */
    for (uint32_t week = 1; week < 10; week++) {
        add(&made, 5, gone(T0 - (week + 1) * 7 * DAY, T0 - week * 7 * DAY));
        add(&made, 5, gone(T0 - (week + 1) * 7 * DAY, T0 - week * 7 * DAY + 3 * DAY));
    }
    found = survive(&made, T0 - 300 * DAY, BL_CATEGORY_SPAM);
    assert_int_equal(found.basis, BL_SURVIVE_MEASURED);
    assert_int_equal(found.half_life_s, 7 * DAY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_survive_is_the_median),        cmocka_unit_test(test_survive_counts_who_is_still_there),
        cmocka_unit_test(test_survive_leaves_out_the_stock), cmocka_unit_test(test_survive_has_bounds),
        cmocka_unit_test(test_survive_of_a_category),        cmocka_unit_test(test_survive_beyond_what_was_seen),
        cmocka_unit_test(test_survive_sees_only_the_window),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
