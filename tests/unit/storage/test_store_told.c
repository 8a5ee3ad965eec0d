#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "core/told.h"

static struct store_verdict told(uint64_t ikey, int64_t at, int16_t tier, const char *families)
{
    return (struct store_verdict){.key = {.ikey = ikey, .kind = 1, .value = "x", .value_len = 1},
                                  .told_unix_us = at,
                                  .tier = tier,
                                  .score = tier / 3.0,
                                  .families = families,
                                  .reasons = "[]",
                                  .names = families};
}

static void test_told_keeps_every_word_in_order(void **state)
{
    const struct store_verdict rows[] = {told(2, 1, 1, "a"), told(1, 1, 2, "a"), told(2, 2, 3, "a"),
                                         told(2, 3, 1, "a")};
    struct store_told out[4];

    (void)state;
    assert_int_equal(store_told_fold(out, rows, 4), 4);
    assert_ptr_equal(out[0].verdict, &rows[1]);
    assert_ptr_equal(out[1].verdict, &rows[0]);
    assert_ptr_equal(out[2].verdict, &rows[2]);
    assert_ptr_equal(out[3].verdict, &rows[3]);
    assert_int_equal(store_told_run(out, 4), 2);
    assert_int_equal(store_told_run(out + 2, 2), 1);
}

static void test_told_again_is_not_told_anew(void **state)
{
    const struct store_verdict rows[] = {told(1, 1, 2, "a"), told(1, 2, 2, "a"), told(1, 3, 2, "b"), told(1, 4, 0, "a"),
                                         told(1, 5, 0, "b")};
    struct store_told out[5];

    (void)state;
    assert_int_equal(store_told_fold(out, rows, 5), 3);
    assert_ptr_equal(out[0].verdict, &rows[0]);
    assert_ptr_equal(out[1].verdict, &rows[2]);
    assert_ptr_equal(out[2].verdict, &rows[3]);
}

static void test_told_again_only_moves_its_times(void **state)
{
    struct store_verdict rows[] = {told(1, 1, 1, "a"), told(1, 2, 1, "a"), told(1, 3, 1, "a"),
                                   told(1, 4, 1, "a"), told(1, 5, 1, "a"), told(1, 6, 1, "a")};
    const double scores[] = {0.35, 0.37, 0.374, 0.376, 0.42, 0.42};
    struct store_told out[6];

    (void)state;
    for (int i = 0; i < 6; i++) {
        rows[i].score = scores[i];
        rows[i].next_change_unix_ms = 10 + i;
        rows[i].expires_unix_ms = 20 + i;
    }
    rows[4].tlp = rows[5].tlp = 3;
    rows[5].whole = true;
    assert_int_equal(store_told_fold(out, rows, 6), 4);
    assert_ptr_equal(out[0].verdict, &rows[0]);
    assert_int_equal(out[0].next_change_unix_ms, 12);
    assert_int_equal(out[0].expires_unix_ms, 22);
    assert_ptr_equal(out[1].verdict, &rows[3]);
    assert_int_equal(out[1].next_change_unix_ms, 13);
    assert_ptr_equal(out[2].verdict, &rows[4]);
    assert_ptr_equal(out[3].verdict, &rows[5]);
}

static void test_told_within_one_commit_counts_last(void **state)
{
    const struct store_verdict rows[] = {told(1, 7, 1, "a"), told(1, 7, 2, "a"), told(1, 7, 3, "a"),
                                         told(1, 8, 1, "a")};
    struct store_told out[4];

    (void)state;
    assert_int_equal(store_told_fold(out, rows, 4), 2);
    assert_ptr_equal(out[0].verdict, &rows[2]);
    assert_ptr_equal(out[1].verdict, &rows[3]);
    assert_int_equal(out[1].round, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_told_keeps_every_word_in_order),
        cmocka_unit_test(test_told_again_is_not_told_anew),
        cmocka_unit_test(test_told_again_only_moves_its_times),
        cmocka_unit_test(test_told_within_one_commit_counts_last),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
