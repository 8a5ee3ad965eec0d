/* What sources have in common, entry by entry, and which of it is told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <tip/cleanup.h>

#include "core/overlap.h"

enum { SOURCES = 5 };

/* An entry: since when each source has it, and how much it counts there; 0: it has not. */
struct entry {
    uint32_t first_s[SOURCES];
    double counts[SOURCES];
};

static void add(struct bl_overlaps *overlaps, const struct entry *entry)
{
    struct bl_seen_times times[SOURCES] = {{0}};
    struct bl_holder holders[SOURCES];
    double counts[SOURCES];
    size_t n = 0;

    for (size_t i = 0; i < SOURCES; i++) {
        if (!entry->first_s[i])
            continue;
        times[n].first_s = entry->first_s[i];
        holders[n] = (struct bl_holder){.source = i, .times = &times[n]};
        counts[n++] = entry->counts[i];
    }
    bl_overlaps_add(overlaps, holders, counts, n);
}

static struct bl_overlaps *filled(void)
{
    static const struct entry entries[] = {
        {{10, 20}, {1, 1}},                       /* 0 first */
        {{20, 10}, {1, 0.5}},                     /* 1 first; it counts half there */
        {{10, 10, 10}, {1, 1, 1}},                /* all at once */
        {{10, 0, 20}, {1, 0, 0}},                 /* never counts for 2 */
        {{0, 0, 0, 30}, {0, 0, 0, 1}},            /* alone */
        {{10, 0, 0, 30, 20}, {1, 0, 0, 0.25, 1}}, /* 0, 4, 3 */
    };
    struct bl_overlaps *overlaps = bl_overlaps_new(SOURCES);

    for (size_t i = 0; i < sizeof(entries) / sizeof(*entries); i++)
        add(overlaps, &entries[i]);
    return overlaps;
}

static void check(const struct bl_overlaps *overlaps, size_t one, size_t other, const double expected[3])
{
    struct bl_overlap there = bl_overlaps_get(overlaps, one, other), back = bl_overlaps_get(overlaps, other, one);

    assert_int_equal(there.other, other);
    assert_true(there.n_shared == expected[0] && there.n_first == expected[1] && there.n_late == expected[2]);
    assert_true(back.n_shared == expected[0] && back.n_first == expected[2] && back.n_late == expected[1]);
}

static void test_pairs(void **state)
{
    tip_auto(bl_overlaps_destroy) struct bl_overlaps *overlaps = filled();

    (void)state;
    check(overlaps, 0, 1, (double[]){2.5, 1, 0.5});
    check(overlaps, 0, 2, (double[]){1, 0, 0});
    check(overlaps, 1, 2, (double[]){1, 0, 0});
    check(overlaps, 0, 3, (double[]){0.25, 0.25, 0});
    check(overlaps, 3, 4, (double[]){0.25, 0, 0.25});
    check(overlaps, 0, 4, (double[]){1, 1, 0});
    check(overlaps, 2, 3, (double[]){0, 0, 0});
}

static void test_strongest(void **state)
{
    static const struct bl_overlap_side sides[SOURCES] = {{"e", 1}, {"d", 1}, {"c", 1}, {"a", 1}, {"b", 3}};
    static const struct {
        size_t source;
        int marking;
        size_t max, n, n_all, others[SOURCES];
    } rows[] = {
        {0, 3, 4, 4, 4, {1, 4, 2, 3}}, /* 4 and 2 share as much: by name */
        {0, 1, 4, 3, 3, {1, 2, 3}},    /* 4 is for fewer, and not even counted */
        {0, 3, 2, 2, 4, {1, 4}},       {0, 3, 0, 0, 4, {0}}, {4, 3, 4, 2, 2, {0, 3}},
        {2, 1, 4, 2, 2, {1, 0}},       {2, 0, 4, 0, 0, {0}},
    };
    tip_auto(bl_overlaps_destroy) struct bl_overlaps *overlaps = filled();

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct bl_overlap found[SOURCES];
        size_t n_all;

        if (bl_overlaps_strongest(overlaps, rows[i].source, sides, rows[i].marking, found, rows[i].max, &n_all) !=
                rows[i].n ||
            n_all != rows[i].n_all)
            fail_msg("row %zu", i);
        for (size_t j = 0; j < rows[i].n; j++)
            assert_int_equal(found[j].other, rows[i].others[j]);
    }
}

static void test_one_source(void **state)
{
    tip_auto(bl_overlaps_destroy) struct bl_overlaps *overlaps = bl_overlaps_new(1);
    struct bl_overlap found;
    size_t n_all;

    (void)state;
    add(overlaps, &(struct entry){{10}, {1}});
    assert_int_equal(bl_overlaps_strongest(overlaps, 0, &(struct bl_overlap_side){"a", 1}, 1, &found, 1, &n_all), 0);
    assert_int_equal(n_all, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pairs),
        cmocka_unit_test(test_strongest),
        cmocka_unit_test(test_one_source),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
