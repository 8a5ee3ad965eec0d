/* From one version to the next: what is held, for how long, and when a list has died. */
#include "check.h"

#include <string.h>

#include <tip/cleanup.h>

#include "core/cadence.h"
#include "core/guard.h"
#include "random.h"
#include "sets.h"

enum { MINUTE = 60 * 1000, HOUR = 60 * MINUTE };

static const struct {
    struct bl_change change; /* before, after, added, removed; IPv4 before and after; IPv6 before and after */
    const char *why;
} changes[] = {
    {{0, 1000, 1000, 0, 0, 1000, 0, 0}, ""},                      /* the first one */
    {{1000, 0, 0, 1000, 1000, 0, 0, 0}, ""},                      /* its source may be empty */
    {{1805, 541, 0, 1264, 1200, 541, 605, 0}, "family_vanished"}, /* a list that was cut off */
    {{1805, 541, 0, 1264, 1200, 400, 605, 141}, "shrank"},        /* the same, elsewhere */
    {{136103, 27167, 0, 108936, 136103, 27167, 0, 0}, "shrank"},  /* other terms of its publisher's */
    {{51883, 809433, 757550, 0, 51883, 809433, 0, 0}, "grew"},    /* 15.6 times as long */
    {{1000, 500, 0, 500, 1000, 500, 0, 0}, ""},                   /* half may go */
    {{1000, 499, 0, 501, 1000, 499, 0, 0}, "shrank"},             /* no more than that */
    {{1000, 2000, 1000, 0, 1000, 2000, 0, 0}, ""},                /* as much again may come */
    {{1000, 2002, 1002, 0, 1000, 2002, 0, 0}, "grew"},            /* no more than that */
    {{1000, 1000, 1000, 1000, 1000, 1000, 0, 0}, "shrank"},       /* another list */
    {{20, 1, 0, 19, 20, 1, 0, 0}, ""},                            /* short lists live fast */
    {{20, 1, 1, 20, 20, 1, 0, 0}, "shrank"},                      /* not that short */
    {{5, 24, 19, 0, 5, 24, 0, 0}, ""},
    {{5, 25, 20, 0, 5, 25, 0, 0}, "grew"},
    {{1000, 993, 0, 7, 993, 993, 7, 0}, ""}, /* a handful is no family */
    {{1000, 992, 0, 8, 992, 992, 8, 0}, "family_vanished"},
    {{1000, 992, 0, 8, 8, 0, 992, 992}, "family_vanished"},
};

static void test_what_is_held(void **state)
{
    const struct bl_guard guard = {0};

    (void)state;
    for (size_t i = 0; i < sizeof(changes) / sizeof(*changes); i++) {
        if (strcmp(bl_guard_holds(&guard, &changes[i].change), changes[i].why))
            fail_msg("row %zu: %s", i, bl_guard_holds(&guard, &changes[i].change));
        assert_true(!*changes[i].why || strchr(bl_guard_sentence(changes[i].why), ' '));
    }
}

static struct bl_change moved(uint64_t n, uint64_t removed, uint64_t added)
{
    return (struct bl_change){.n_before = n,
                              .n_after = n - removed + added,
                              .n_removed = removed,
                              .n_added = added,
                              .n4_before = n,
                              .n4_after = n - removed + added};
}

/* A list that turns over each time is no worse for it, once that is known; and it is forgotten again. */
static void test_limits_come_from_its_own_steps(void **state)
{
    const struct bl_change calm = moved(1000, 1, 2), wild = moved(1000, 300, 900), most = moved(1000, 890, 2600);
    struct bl_guard guard = {0};

    (void)state;
    for (int i = 0; i < 20; i++)
        bl_guard_record(&guard, &calm, 1000, HOUR);
    assert_int_equal(bl_guard_limits(&guard).removed, 500);
    assert_int_equal(bl_guard_limits(&guard).added, 1000);
    assert_string_equal(bl_guard_holds(&guard, &most), "shrank");
    bl_guard_record(&guard, &wild, 1000, HOUR);
    assert_int_equal(bl_guard_limits(&guard).removed, 900);
    assert_int_equal(bl_guard_limits(&guard).added, 2700);
    assert_string_equal(bl_guard_holds(&guard, &most), "");
    for (int i = 0; i < BL_GUARD_STEPS - 1; i++)
        bl_guard_record(&guard, &calm, 1000, HOUR);
    assert_int_equal(bl_guard_limits(&guard).removed, 500); /* 1 of 128 is beyond the 99th percentile */
    assert_int_equal(guard.n_steps, 20 + BL_GUARD_STEPS);
}

/* Three times a large step is more than all of it: how much shorter it gets is still looked at. */
static void test_a_wild_list_may_not_shrink_to_nothing(void **state)
{
    const struct bl_change turned = moved(1000, 1000, 1000), wild = moved(1000, 400, 420), calm = moved(1000, 10, 8);
    const struct bl_change half = moved(1000, 990, 490), cut = moved(1000, 990, 489), most = moved(1000, 900, 0),
                           all = moved(1000, 901, 0);
    struct bl_guard guard = {0};

    (void)state;
    for (int i = 0; i < 20; i++)
        bl_guard_record(&guard, i % 2 ? &wild : &calm, 1000, HOUR);
    assert_int_equal(bl_guard_limits(&guard).removed, 1200);
    assert_int_equal(bl_guard_limits(&guard).lost, 500);
    assert_string_equal(bl_guard_holds(&guard, &turned), "");
    assert_string_equal(bl_guard_holds(&guard, &half), "");
    assert_string_equal(bl_guard_holds(&guard, &cut), "shrank");
    bl_guard_record(&guard, &most, 1000, HOUR);
    assert_int_equal(bl_guard_limits(&guard).lost, BL_GUARD_LOST);
    assert_string_equal(bl_guard_holds(&guard, &most), "");
    assert_string_equal(bl_guard_holds(&guard, &all), "shrank");
}

static void test_shares_have_a_ceiling(void **state)
{
    const struct bl_change huge = moved(1, 1, UINT32_MAX);
    struct bl_guard guard = {0};

    (void)state;
    bl_guard_record(&guard, &huge, 1000, INT64_MAX);
    assert_int_equal(guard.steps[0].added, UINT16_MAX);
    assert_int_equal(guard.steps[0].gap_min, UINT16_MAX);
    assert_int_equal(bl_guard_limits(&guard).added, 3 * UINT16_MAX);
}

/* The 99th percentile by nearest rank, counted here by how many are not above it. */
static void test_percentile_is_that_of_a_recount(void **state)
{
    uint64_t seed = test_seed();

    (void)state;
    for (int round = 0; round < 200; round++) {
        struct bl_guard guard = {0};
        size_t n = 1 + test_random(&seed) % 300, kept = n < BL_GUARD_STEPS ? n : BL_GUARD_STEPS, best = 1001;
        uint64_t removed[300];

        for (size_t i = 0; i < n; i++) {
            removed[i] = 400 + test_random(&seed) % 600;
            bl_guard_record(&guard, &(struct bl_change){.n_before = 1000, .n_removed = removed[i]}, 1000, 0);
        }
        for (size_t i = n - kept; i < n; i++) {
            size_t below = 0;

            for (size_t j = n - kept; j < n; j++)
                below += removed[j] <= removed[i];
            if (100 * below >= 99 * kept && removed[i] < best)
                best = removed[i];
        }
        assert_int_equal(bl_guard_limits(&guard).removed, 3 * best);
    }
}

static void test_three_that_agree_are_believed(void **state)
{
    const struct bl_change cut = moved(1000, 800, 0), like = moved(1000, 785, 0), other = moved(1000, 700, 0);
    struct bl_guard guard = {0};

    (void)state;
    assert_false(bl_guard_hold(&guard, &cut, HOUR, 1));
    assert_false(bl_guard_hold(&guard, &like, HOUR, 1 + 15 * MINUTE));
    assert_false(bl_guard_hold(&guard, &cut, HOUR, 1 + 30 * MINUTE)); /* three, but not over two intervals */
    assert_int_equal(guard.n_agreeing, 3);
    assert_string_equal(guard.why, "shrank");
    assert_true(bl_guard_hold(&guard, &like, HOUR, 1 + 2 * HOUR));

    bl_guard_clear(&guard);
    assert_false(bl_guard_hold(&guard, &cut, HOUR, 1));
    assert_false(bl_guard_hold(&guard, &cut, HOUR, 1 + 9 * HOUR));    /* over two intervals, but not three */
    assert_false(bl_guard_hold(&guard, &other, HOUR, 1 + 10 * HOUR)); /* 300 and 200 do not agree: anew */
    assert_int_equal(guard.n_agreeing, 1);
    assert_int_equal(guard.held_entries, 300);
    assert_int_equal(guard.held_since_unix_ms, 1 + 10 * HOUR);
}

static void test_another_reason_or_a_clock_that_jumps_begins_anew(void **state)
{
    const struct bl_change cut = moved(1000, 800, 0), grown = moved(1000, 0, 1500);
    struct bl_guard guard = {0};

    (void)state;
    assert_false(bl_guard_hold(&guard, &cut, HOUR, 5 * HOUR));
    assert_false(bl_guard_hold(&guard, &cut, HOUR, 6 * HOUR));
    assert_false(bl_guard_hold(&guard, &cut, HOUR, 1 * HOUR));
    assert_int_equal(guard.n_agreeing, 1);
    assert_false(bl_guard_hold(&guard, &grown, HOUR, 2 * HOUR));
    assert_string_equal(guard.why, "grew");
    assert_int_equal(guard.n_agreeing, 1);
}

/* What an operator has seen is believed, not whatever comes next. */
static void test_release_is_of_what_is_held(void **state)
{
    const struct bl_change cut = moved(1000, 800, 0), worse = moved(1000, 950, 0);
    struct bl_guard guard = {0};

    (void)state;
    assert_false(bl_guard_hold(&guard, &cut, HOUR, 1));
    guard.is_released = 1;
    assert_false(bl_guard_hold(&guard, &worse, HOUR, 2));
    assert_int_equal(guard.is_released, 0);
    assert_false(bl_guard_hold(&guard, &cut, HOUR, 3));
    guard.is_released = 1;
    assert_true(bl_guard_hold(&guard, &cut, HOUR, 4));
}

static void test_few_good_lines(void **state)
{
    const struct bl_change calm = moved(1000, 1, 2);
    const struct bl_report good = {.n_content = 100, .n_valid = 98, .n_rejected = 2},
                           half = {.n_content = 100, .n_valid = 49, .n_rejected = 51},
                           bad = {.n_content = 100, .n_valid = 48, .n_rejected = 52},
                           skipped = {.n_content = 1000, .n_skipped = 900, .n_valid = 49, .n_rejected = 51},
                           little = {.n_content = 19, .n_valid = 1, .n_rejected = 18},
                           records = {.n_content = 30, .n_valid = 5000, .n_rejected = 40}; /* JSON: many in each */
    struct bl_guard guard = {0};

    (void)state;
    assert_int_equal(bl_guard_valid(&good), 980);
    assert_int_equal(bl_guard_valid(&(struct bl_report){0}), 0);
    for (int i = 0; i < BL_GUARD_MEDIAN; i++) {
        assert_false(bl_guard_few_valid(&guard, &bad)); /* not known yet */
        bl_guard_record(&guard, &calm, bl_guard_valid(&good), HOUR);
    }
    assert_false(bl_guard_few_valid(&guard, &half)); /* 490 of 980 */
    assert_true(bl_guard_few_valid(&guard, &bad));
    assert_false(bl_guard_few_valid(&guard, &skipped)); /* lines that are passed over do not count */
    assert_false(bl_guard_few_valid(&guard, &little));
    assert_int_equal(bl_guard_valid(&records), 992);
    assert_false(bl_guard_few_valid(&guard, &records));
}

static void test_families_are_those_of_addresses_and_networks(void **state)
{
    static const char body[] = "8.8.8.8\n9.9.9.0/24\n2001:db9::1\n2001:db9:1::/48\nbad.example\n9.9.9.9:80\n";
    tip_auto(bl_parse_destroy) struct bl_parse *parse = NULL;
    struct bl_format format;
    struct bl_set set;
    uint64_t n4, n6;
    int r;

    (void)state;
    bl_format_init(&format, BL_KIND_LINES, BL_TYPE_AUTO);
    parse = sets_parse(&format, body, strlen(body), 100, &r);
    set = bl_parse_set(parse);
    assert_int_equal(bl_set_count(&set), 6);
    bl_guard_families(&set, &n4, &n6);
    assert_int_equal(n4, 2);
    assert_int_equal(n6, 2);
}

static void record_gaps(struct bl_guard *guard, const int *minutes, size_t n)
{
    const struct bl_change calm = moved(1000, 1, 2);

    for (size_t i = 0; i < n; i++)
        bl_guard_record(guard, &calm, 1000, (int64_t)minutes[i] * MINUTE);
}

static void test_a_cadence_is_stated_or_learned(void **state)
{
    static const int gaps[] = {60, 60, 60, 120, 60, 60, 60, 300, 60, 60};
    struct bl_guard guard = {0};

    (void)state;
    record_gaps(&guard, gaps, BL_CADENCE_GAPS - 1);
    assert_int_equal(bl_cadence_expected(&guard, 0, HOUR), 0);
    assert_int_equal(bl_cadence_expected(&guard, 7 * HOUR, HOUR), 7 * HOUR);
    record_gaps(&guard, gaps + BL_CADENCE_GAPS - 1, 3);
    assert_int_equal(bl_cadence_expected(&guard, 0, HOUR), 2 * HOUR); /* the 9th of 10 */
    assert_int_equal(bl_cadence_expected(&guard, 0, 6 * HOUR), 6 * HOUR);
}

static void test_a_list_is_dead_after_three_cadences(void **state)
{
    (void)state;
    assert_false(bl_cadence_is_stale(0, 1, INT64_MAX));
    assert_false(bl_cadence_is_stale(HOUR, 0, INT64_MAX));
    assert_false(bl_cadence_is_stale(HOUR, 1, 1 + 3 * HOUR));
    assert_true(bl_cadence_is_stale(HOUR, 1, 2 + 3 * HOUR));
    assert_false(bl_cadence_is_stale(HOUR, 10 * HOUR, 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_held),
        cmocka_unit_test(test_limits_come_from_its_own_steps),
        cmocka_unit_test(test_a_wild_list_may_not_shrink_to_nothing),
        cmocka_unit_test(test_shares_have_a_ceiling),
        cmocka_unit_test(test_percentile_is_that_of_a_recount),
        cmocka_unit_test(test_three_that_agree_are_believed),
        cmocka_unit_test(test_another_reason_or_a_clock_that_jumps_begins_anew),
        cmocka_unit_test(test_release_is_of_what_is_held),
        cmocka_unit_test(test_few_good_lines),
        cmocka_unit_test(test_families_are_those_of_addresses_and_networks),
        cmocka_unit_test(test_a_cadence_is_stated_or_learned),
        cmocka_unit_test(test_a_list_is_dead_after_three_cadences),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
