#include "check.h"

#include <stdlib.h>

#include <tip/clock.h>

#include "core/fold.h"

static struct store_listing listing(uint64_t ikey, const char *value, bool listed, int64_t unix_ms, uint64_t version)
{
    return (struct store_listing){
        .key = {.ikey = ikey, .source_id = 1, .kind = 1, .value = value, .value_len = (uint16_t)strlen(value)},
        .listed = listed,
        .version = version,
        .first_unix_ms = unix_ms,
        .last_unix_ms = unix_ms,
    };
}

static void test_fold_merges_what_agrees(void **state)
{
    struct store_listing rows[] = {
        listing(2, "b", true, 10, 1),  listing(1, "a", true, 10, 1),  listing(2, "b", true, 20, 2),
        listing(3, "c", false, 20, 2), listing(3, "c", false, 30, 3),
    };

    (void)state;
    assert_int_equal(store_listing_fold(rows, 5), 3);
    assert_string_equal(rows[0].key.value, "a");
    assert_string_equal(rows[1].key.value, "b");
    assert_int_equal(rows[1].version, 2);
    assert_int_equal(rows[1].first_unix_ms, 10);
    assert_int_equal(rows[1].last_unix_ms, 20);
    assert_false(rows[2].listed);
    assert_int_equal(rows[2].last_unix_ms, 20);
    assert_int_equal(store_listing_run(rows, 3), 2);
    assert_int_equal(store_listing_run(rows + 2, 1), 1);
}

static void test_fold_keeps_changes_of_mind_apart(void **state)
{
    struct store_listing rows[] = {
        listing(1, "a", true, 10, 1),
        listing(1, "a", false, 20, 2),
        listing(1, "a", true, 30, 3),
        listing(2, "b", false, 30, 3),
    };

    (void)state;
    assert_int_equal(store_listing_fold(rows, 4), 4);
    assert_true(rows[0].listed && rows[0].round == 0 && rows[0].version == 1);
    assert_true(!rows[1].listed && rows[1].round == 0 && rows[1].key.ikey == 2);
    assert_true(!rows[2].listed && rows[2].round == 1 && rows[2].version == 2);
    assert_true(rows[3].listed && rows[3].round == 2 && rows[3].version == 3);
    assert_int_equal(store_listing_run(rows, 4), 1);
}

static void test_fold_orders_keys_as_postgresql_does(void **state)
{
    struct store_listing rows[] = {
        listing(1, "b", true, 1, 1),
        listing(UINT64_MAX, "z", true, 1, 1),
        listing(1, "ab", true, 1, 1),
        listing(1, "a", true, 1, 1),
    };

    (void)state;
    assert_int_equal(store_listing_fold(rows, 4), 4);
    assert_string_equal(rows[0].key.value, "z"); /* -1 */
    assert_string_equal(rows[1].key.value, "a");
    assert_string_equal(rows[2].key.value, "ab");
    assert_string_equal(rows[3].key.value, "b");
}

/* One row of the table, written one event at a time. */
struct row {
    bool there, listed;
    unsigned n_times;
    int64_t first, last, removed;
    uint64_t version;
};

static void row_write(struct row *row, const struct store_listing *op)
{
    if (op->listed) {
        row->n_times += !row->listed;
        if (!row->there)
            row->first = op->first_unix_ms;
        row->there = row->listed = true;
        row->last = op->last_unix_ms;
        row->version = op->version;
    } else if (row->listed) {
        row->listed = false;
        row->removed = op->last_unix_ms;
    }
}

/* Folding a batch and writing the rounds ends where writing every event would. */
static void test_fold_equals_one_by_one(void **state)
{
    enum { ROWS = 5, OPS = 12 };
    static const char *const values[ROWS] = {"a", "b", "c", "d", "e"};
    unsigned seed = getenv("TIP_SEED") ? (unsigned)strtoul(getenv("TIP_SEED"), NULL, 10) : 20261122;

    (void)state;
    for (int turn = 0; turn < 2000; turn++) {
        struct row slow[ROWS] = {{.version = 0}}, fast[ROWS] = {{.version = 0}};
        struct store_listing ops[OPS];
        size_t n;

        for (unsigned i = 0; i < ROWS; i++)
            slow[i].there = slow[i].listed = fast[i].there = fast[i].listed = rand_r(&seed) % 2;
        for (size_t i = 0; i < OPS; i++) {
            unsigned which = (unsigned)rand_r(&seed) % ROWS;

            ops[i] = listing(which, values[which], rand_r(&seed) % 2, (int64_t)i + 1, i + 1);
            row_write(&slow[which], &ops[i]);
        }
        n = store_listing_fold(ops, OPS);
        for (size_t at = 0; at < n; at++)
            row_write(&fast[ops[at].key.ikey], &ops[at]);
        for (unsigned i = 0; i < ROWS; i++) {
            assert_int_equal(fast[i].there, slow[i].there);
            assert_int_equal(fast[i].listed, slow[i].listed);
            assert_int_equal(fast[i].n_times, slow[i].n_times);
            assert_int_equal(fast[i].first, slow[i].first);
            assert_int_equal(fast[i].last, slow[i].last);
            assert_int_equal(fast[i].removed, slow[i].removed);
            assert_int_equal(fast[i].version, slow[i].version);
        }
    }
}

static void test_fold_keeps_the_last_verdict(void **state)
{
    struct store_verdict rows[] = {
        {.key = {.ikey = 2, .kind = 1, .value = "b", .value_len = 1}, .score = 0.5, .first_unix_ms = 1},
        {.key = {.ikey = 1, .kind = 1, .value = "a", .value_len = 1}, .score = 0.1, .first_unix_ms = 2},
        {.key = {.ikey = 2, .kind = 1, .value = "b", .value_len = 1}, .score = 0.9, .first_unix_ms = 3},
    };

    (void)state;
    assert_int_equal(store_verdict_fold(rows, 3), 2);
    assert_string_equal(rows[0].key.value, "a");
    assert_true(rows[1].score > 0.8);
    assert_int_equal(rows[1].first_unix_ms, 1);
}

static void test_clamp(void **state)
{
    int64_t commit_ms = 1000 * TIP_DAY_MS;
    uint64_t clamped = 0;

    (void)state;
    assert_int_equal(store_clamp_ms(commit_ms, commit_ms * 1000, &clamped), commit_ms);
    assert_int_equal(store_clamp_ms(commit_ms - 30 * TIP_DAY_MS, commit_ms * 1000, &clamped),
                     commit_ms - 30 * TIP_DAY_MS);
    assert_int_equal(clamped, 0);
    assert_int_equal(store_clamp_ms(0, commit_ms * 1000, &clamped), commit_ms - 30 * TIP_DAY_MS);
    assert_int_equal(store_clamp_ms(INT64_MAX, commit_ms * 1000, &clamped), commit_ms + 5 * TIP_MINUTE_MS);
    assert_int_equal(clamped, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_fold_merges_what_agrees),
        cmocka_unit_test(test_fold_keeps_changes_of_mind_apart),
        cmocka_unit_test(test_fold_orders_keys_as_postgresql_does),
        cmocka_unit_test(test_fold_equals_one_by_one),
        cmocka_unit_test(test_fold_keeps_the_last_verdict),
        cmocka_unit_test(test_clamp),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
