#include "check.h"

#include <string.h>

#include <tip/clock.h>

#include "explain.h"

/* As storage answers `explain`, of one indicator at noon. */
static struct tip_column columns[] = {
    {.name = "source"},       {.name = "weight"},          {.name = "listed"}, {.name = "removed_at"},
    {.name = "half_life_ms"}, {.name = "half_life_basis"}, {.name = "score"},  {.name = "families"},
    {.name = "verdict_at"},   {.name = "expires_at"},
};

enum { N_COLUMNS = sizeof(columns) / sizeof(columns[0]), SOURCES = 3, MINUTE_MS = 60 * 1000 };

#define NOON      "2026-11-22T12:00:00.000Z"
#define MORNING   "2026-11-22T09:00:00.000Z"
#define YESTERDAY "2026-11-21T12:00:00.000Z"

struct told {
    const char *score, *families, *at, *expires_at;
};

struct source {
    const char *name, *weight, *listed, *removed_at, *half_life_ms;
};

struct asked {
    struct source sources[SOURCES];
    struct told told;
    /* and what is found */
    double score;
    enum removal_rule how;
    bool agrees;
    const char *text;
};

static const char *cells[SOURCES * N_COLUMNS];

static size_t fill(const struct asked *asked)
{
    size_t n = 0;

    for (; n < SOURCES && (!n || asked->sources[n].name); n++) {
        const struct source *source = &asked->sources[n];
        const char *row[N_COLUMNS] = {
            source->name, source->weight,    source->listed,       source->removed_at, source->half_life_ms,
            "measured",   asked->told.score, asked->told.families, asked->told.at,     asked->told.expires_at};

        memcpy(cells + n * N_COLUMNS, row, sizeof(row));
    }
    return n;
}

/* Explains it and leaves it open. */
static void explain_it(struct explain *explain, const struct asked *asked, struct tip_store_answer *answer)
{
    *answer =
        (struct tip_store_answer){.columns = columns, .n_columns = N_COLUMNS, .cells = cells, .n_rows = fill(asked)};
    explain_init(explain, NULL);
    explain->answer = answer;
    assert_int_equal(tip_clock_parse(&explain->at_unix_ms, NOON, strlen(NOON)), 0);
    assert_int_equal(explain_compute(explain), 0);
}

static bool near(double a, double b)
{
    return a - b < 1e-6 && b - a < 1e-6;
}

#define NOTHING                \
    {                          \
        NULL, NULL, NULL, NULL \
    }
#define NOBODY                       \
    {                                \
        NULL, NULL, NULL, NULL, NULL \
    }
#define ONE(weight)                     \
    {                                   \
        "a", weight, "true", NULL, NULL \
    }
#define TWO(left, right)               \
    {"a", left, "true", NULL, NULL},   \
    {                                  \
        "b", right, "true", NULL, NULL \
    }

static const struct asked rows[] = {
    /* nothing was told of what is weak, and what is strong is missed */
    {{ONE("0.2")}, NOTHING, 0.2, REMOVAL_SUM, true, "1 - (1-0.20) = 0.20 -> none"},
    {{ONE("0.5")}, NOTHING, 0.5, REMOVAL_SUM, false, "1 - (1-0.50) = 0.50 -> watch"},
    {{TWO("0.3", "0.5")}, {"0.65", "{\"list\":0.65}", MORNING, NULL}, 0.65, REMOVAL_SUM, true, NULL},
    {{TWO("0.3", "0.5")}, {"0.5", "{\"list\":0.5}", MORNING, NULL}, 0.65, REMOVAL_SUM, false, NULL},
    /* over: a list without a half-life let go of it; one that fades has crossed the bound */
    {{{"a", "0.6", "false", MORNING, "0"}}, {"0", "{}", MORNING, NULL}, 0, REMOVAL_SUM, true, "0.00 -> none"},
    {{{"a", "0.6", "false", YESTERDAY, "3600000"}},
     {"0.2997", "{\"list\":0.2997}", MORNING, NULL},
     0,
     REMOVAL_SUM,
     true,
     "0.00 -> none"},
    {{NOBODY}, {"0.2997", "{\"trap\":0.2997}", YESTERDAY, NULL}, 0.2997 * 0.7937005, REMOVAL_SUM, true, NULL},
    /* what was told of own observations holds, for what repeats is not told again */
    {{NOBODY}, {"0.85", "{\"trap\":0.85}", YESTERDAY, NULL}, 0.85, REMOVAL_SUM, true, "1 - (1-0.85) = 0.85 -> slow"},
    /* one thing alone */
    {{ONE("0.895")},
     {"0.89", "{\"list\":0.895}", MORNING, NULL},
     0.89,
     REMOVAL_CAPPED,
     true,
     "1 - (1-0.90) = 0.90, capped at 0.89 -> slow"},
    {{NOBODY}, {"0.89", "{\"trap\":0.95}", MORNING, NULL}, 0.89, REMOVAL_CAPPED, true, NULL},
    {{NOBODY}, {"0.95", "{\"trap\":0.95}", MORNING, NULL}, 0.89, REMOVAL_CAPPED, false, NULL},
    {{TWO("0.899", "0.04")}, {"0.89", "{\"list\":0.9}", MORNING, NULL}, 0.89, REMOVAL_CAPPED, true, NULL},
    /* two families make more; of two lists, or one so strong, what was told says it */
    {{ONE("0.8")}, {"0.95", "{\"list\":0.8,\"trap\":0.75}", MORNING, NULL}, 0.95, REMOVAL_SUM, true, NULL},
    {{TWO("0.8", "0.7")}, {"0.94", "{\"list\":0.94}", MORNING, NULL}, 0.94, REMOVAL_SUM, true, NULL},
    {{TWO("0.8", "0.7")}, {"0.89", "{\"list\":0.94}", MORNING, NULL}, 0.89, REMOVAL_CAPPED, true, NULL},
    {{TWO("0.8", "0.7")}, NOTHING, 0.94, REMOVAL_AT_MOST, false, "1 - (1-0.80)(1-0.70) = 0.94 -> block at most"},
    {{ONE("0.95")}, {"0.89", "{\"list\":0.95}", MORNING, NULL}, 0.89, REMOVAL_CAPPED, true, NULL},
    {{ONE("0.95")}, {"0.95", "{\"list\":0.95}", MORNING, NULL}, 0.95, REMOVAL_SUM, true, NULL},
    /* not kept: it is not known whether it was listed then */
    {{{"a", "0.6", NULL, NULL, NULL}}, NOTHING, 0, REMOVAL_SUM, true, "0.00 -> none"},
};

static void test_explain_agrees_with_what_was_told(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct tip_store_answer answer;
        struct explain explain;

        explain_it(&explain, &rows[i], &answer);
        if (!near(explain_decided(&explain), rows[i].score) || explain_rule(&explain) != rows[i].how ||
            explain_agrees(&explain) != rows[i].agrees)
            fail_msg("row %zu: %f, rule %d, agrees %d: %s", i, explain_decided(&explain), (int)explain_rule(&explain),
                     explain_agrees(&explain), tip_buf_text(&explain.arithmetic));
        if (rows[i].text)
            assert_string_equal(tip_buf_text(&explain.arithmetic), rows[i].text);
        explain_deinit(&explain);
    }
}

static void check_without(const struct asked *asked, const char *text)
{
    tip_auto(tip_buf_deinit) struct tip_buf out;
    struct tip_store_answer answer;
    struct explain explain;
    enum removal_rule rule;
    double left;

    tip_buf_init(&out, 1000);
    explain_it(&explain, asked, &answer);
    left = explain_without(&explain, explain.n_shares - 1, &rule);
    assert_int_equal(explain_score_text(left, rule, &out), 0);
    assert_string_equal(tip_buf_text(&out), text);
    explain_deinit(&explain);
}

static void test_explain_what_is_left_keeps_the_rule(void **state)
{
    static const struct told nothing = NOTHING, capped = {"0.89", "{\"list\":0.97}", MORNING, NULL},
                             both = {"0.97", "{\"list\":0.892,\"trap\":0.7}", MORNING, NULL};
    static const struct source last = {"c", "0.5", "true", NULL, NULL};

    (void)state;
    check_without(&(struct asked){.sources = {TWO("0.2", "0.9")}, .told = nothing}, "below watch");
    check_without(&(struct asked){.sources = {TWO("0.8", "0.9")}, .told = nothing}, "0.80 -> slow");
    check_without(&(struct asked){.sources = {ONE("0.892")}, .told = both}, "0.89 -> slow");
    check_without(&(struct asked){.sources = {TWO("0.8", "0.7"), last}, .told = nothing}, "at most 0.94 -> block");
    check_without(&(struct asked){.sources = {TWO("0.8", "0.7"), last}, .told = capped}, "0.89 -> slow");
}

static void test_explain_what_is_over_does_not_come(void **state)
{
    static const struct asked asked[] = {{.told = {"0.4", "{}", YESTERDAY, MORNING}},
                                         {.told = {"0.4", "{}", YESTERDAY, "2026-11-22T12:00:00.001Z"}}};

    (void)state;
    for (size_t i = 0; i < 2; i++) {
        struct tip_store_answer answer;
        struct explain explain;

        explain_it(&explain, &asked[i], &answer);
        assert_int_equal(explain_coming(&explain, "expires_at") != NULL, i);
        assert_null(explain_coming(&explain, "next_change_at"));
        explain_deinit(&explain);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_explain_agrees_with_what_was_told),
        cmocka_unit_test(test_explain_what_is_left_keeps_the_rule),
        cmocka_unit_test(test_explain_what_is_over_does_not_come),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
