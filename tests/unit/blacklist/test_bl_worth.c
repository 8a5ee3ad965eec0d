#include "check.h"

#include <stdlib.h>

#include "core/worth.h"

enum { HOUR = 3600, DAY = 24 * HOUR };

/* A weight as it was told, and one that is measured later. Interval: an hour. */
struct row {
    const char *what;
    struct bl_worth told;
    double weight, freshness;
    uint32_t since_ok_s;
    int64_t half_life_s;
    enum bl_survive_basis basis;
    bool is_news;
};

#define TOLD(w, late)                                                                          \
    {                                                                                          \
        .is_told = true, .weight = (w), .rest = (w), .is_late = (late), .half_life_s = 7 * DAY \
    }
#define AT(w) (w), 1, 0, 7 * DAY, BL_SURVIVE_DEFAULT

static const struct row rows[] = {
    {"the first one", {0}, AT(0.375), true},
    {"the same", TOLD(0.4, false), AT(0.4), false},
    {"less than 0.02 up", TOLD(0.4, false), AT(0.4199), false},
    {"less than 0.02 down", TOLD(0.4, false), AT(0.3801), false},
    {"0.02 up", TOLD(0.4, false), AT(0.42), true},
    {"0.02 down", TOLD(0.4, false), AT(0.38), true},
    {"0.02 as doubles have it", TOLD(0.1, false), AT(0.12), true},
    {"freshness alone, on time", TOLD(0.4, false), 0.4 * 0.84, 0.84, HOUR, 7 * DAY, BL_SURVIVE_DEFAULT, false},
    {"freshness alone, a tenth late", TOLD(0.4, false), 0.4 * 0.82, 0.82, HOUR * 11 / 10, 7 * DAY, BL_SURVIVE_DEFAULT,
     false},
    {"freshness alone, overdue", TOLD(0.4, false), 0.4 * 0.82, 0.82, HOUR * 11 / 10 + 1, 7 * DAY, BL_SURVIVE_DEFAULT,
     true},
    {"overdue, but it moved by less", TOLD(0.1, false), 0.1 * 0.82, 0.82, 2 * HOUR, 7 * DAY, BL_SURVIVE_DEFAULT, false},
    {"it was overdue and is not", TOLD(0.3, true), AT(0.32), true},
    {"it was overdue, and moved by less", TOLD(0.31, true), AT(0.32), false},
    {"on time, and the rest moved", TOLD(0.4, false), 0.3 * 0.9, 0.9, HOUR, 7 * DAY, BL_SURVIVE_DEFAULT, true},
    {"nothing left of it", TOLD(0.4, false), 0, 0, 100 * DAY, 7 * DAY, BL_SURVIVE_DEFAULT, true},
    {"a half-life by a tenth", TOLD(0.4, false), 0.4, 1, 0, 7 * DAY * 11 / 10, BL_SURVIVE_MEASURED, false},
    {"a half-life by more", TOLD(0.4, false), 0.4, 1, 0, 7 * DAY * 11 / 10 + 1, BL_SURVIVE_MEASURED, true},
    {"a shorter one", TOLD(0.4, false), 0.4, 1, 0, 6 * DAY, BL_SURVIVE_MEASURED, true},
    {"append-only from now on", TOLD(0.4, false), 0.4, 1, 0, 7 * DAY, BL_SURVIVE_APPEND, true},
};

static struct bl_weight weight_of(const struct row *row)
{
    return (struct bl_weight){.weight = row->weight,
                              .freshness = row->freshness,
                              .ok_s = 1700000000,
                              .now_s = 1700000000 + row->since_ok_s,
                              .interval_s = HOUR,
                              .survival = {.half_life_s = row->half_life_s, .basis = row->basis}};
}

static void test_worth_of_what_was_told(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct bl_weight weight = weight_of(&rows[i]);

        if (bl_worth_telling(&rows[i].told, &weight) != rows[i].is_news)
            fail_msg("%s: %s", rows[i].what, rows[i].is_news ? "is not told" : "is told");
    }
}

/* Whatever was told is no news the next moment. */
static void test_worth_is_told_once(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct bl_weight weight = weight_of(&rows[i]);
        struct bl_worth told = bl_worth_of(&weight);

        assert_false(bl_worth_telling(&told, &weight));
    }
}

/* Small steps add up: they are compared with what was told, not with what was measured last. */
static void test_worth_of_many_small_steps(void **state)
{
    struct bl_weight weight = weight_of(&(struct row){"", TOLD(0, false), AT(0.2), false});
    struct bl_worth told = bl_worth_of(&weight);
    int n = 0;

    (void)state;
    for (int i = 1; i <= 60; i++) {
        weight.weight = 0.2 + 0.005 * i;
        if (bl_worth_telling(&told, &weight)) {
            told = bl_worth_of(&weight);
            n++;
        }
    }
    assert_int_equal(n, 15);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_worth_of_what_was_told),
                                       cmocka_unit_test(test_worth_is_told_once),
                                       cmocka_unit_test(test_worth_of_many_small_steps)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
