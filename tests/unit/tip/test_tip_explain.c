#include "check.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include <tip/cleanup.h>
#include <tip/clock.h>

#include "explain.h"

/* As storage answers `explain`, of one indicator at noon. */
static struct tip_column columns[] = {
    {.name = "source"},       {.name = "weight"},      {.name = "listed"},    {.name = "removed_at"},
    {.name = "half_life_ms"}, {.name = "append_only"}, {.name = "score"},     {.name = "families"},
    {.name = "verdict_at"},   {.name = "expires_at"},  {.name = "listed_at"}, {.name = "confirmed_at"},
    {.name = "stated_at"},
};

enum { N_COLUMNS = sizeof(columns) / sizeof(columns[0]), SOURCES = 3, MINUTE_MS = 60 * 1000 };

#define NOON      "2026-11-22T12:00:00.000Z"
#define MORNING   "2026-11-22T09:00:00.000Z"
#define YESTERDAY "2026-11-21T12:00:00.000Z"

struct told {
    const char *score, *families, *at, *expires_at;
};

struct source {
    const char *name, *weight, *listed, *removed_at, *half_life_ms, *listed_at, *confirmed_at, *append_only, *stated_at;
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
            source->name,        source->weight,       source->listed,       source->removed_at, source->half_life_ms,
            source->append_only, asked->told.score,    asked->told.families, asked->told.at,     asked->told.expires_at,
            source->listed_at,   source->confirmed_at, source->stated_at};

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
#define NOBODY       \
    {                \
        .name = NULL \
    }
#define LISTED(is, w)                             \
    {                                             \
        .name = is, .weight = w, .listed = "true" \
    }
#define GONE(w, at, life)                                                                   \
    {                                                                                       \
        .name = "a", .weight = w, .listed = "false", .removed_at = at, .half_life_ms = life \
    }
#define ONE(weight)      LISTED("a", weight)
#define TWO(left, right) LISTED("a", left), LISTED("b", right)

static const struct asked rows[] = {
    /* nothing was told of what is weak, and what is strong is missed */
    {{ONE("0.2")}, NOTHING, 0.2, REMOVAL_SUM, true, "1 - (1-0.20) = 0.20 -> none"},
    {{ONE("0.5")}, NOTHING, 0.5, REMOVAL_SUM, false, "1 - (1-0.50) = 0.50 -> watch"},
    {{TWO("0.3", "0.5")}, {"0.65", "{\"list\":0.65}", MORNING, NULL}, 0.65, REMOVAL_SUM, true, NULL},
    {{TWO("0.3", "0.5")}, {"0.5", "{\"list\":0.5}", MORNING, NULL}, 0.65, REMOVAL_SUM, false, NULL},
    /* over: a list without a half-life let go of it; one that fades has crossed the bound */
    {{GONE("0.6", MORNING, "0")}, {"0", "{}", MORNING, NULL}, 0, REMOVAL_SUM, true, "0.00 -> none"},
    {{GONE("0.6", YESTERDAY, "3600000")},
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
    {{{.name = "a", .weight = "0.6"}}, NOTHING, 0, REMOVAL_SUM, true, "0.00 -> none"},
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

/* As the collector counts: from when the list last named it, of one that never removes anything from when it came. */
static void test_explain_fades_as_verdicts_do(void **state)
{
    static const struct {
        struct source source;
        double p;
    } faded[] = {
        {GONE("0.8", MORNING, "86400000"), 0.8 * 0.9170040432046712},
        {{.name = "a",
          .weight = "0.8",
          .listed = "false",
          .removed_at = MORNING,
          .confirmed_at = YESTERDAY,
          .half_life_ms = "86400000"},
         0.4},
        {{.name = "a", .weight = "0.8", .listed = "true", .listed_at = YESTERDAY, .half_life_ms = "86400000"}, 0.8},
        {{.name = "a",
          .weight = "0.8",
          .listed = "true",
          .listed_at = "2026-11-21T12:00:00.999Z", /* whole seconds count */
          .half_life_ms = "86400000",
          .append_only = "true"},
         0.4},
        {{.name = "a",
          .weight = "0.8",
          .listed = "true",
          .listed_at = YESTERDAY,
          .half_life_ms = "0",
          .append_only = "true"},
         0.8},
        {{.name = "a", /* the list itself says when it saw it */
          .weight = "0.8",
          .listed = "true",
          .listed_at = MORNING,
          .stated_at = YESTERDAY,
          .half_life_ms = "86400000",
          .append_only = "true"},
         0.4},
        {{.name = "a",
          .weight = "0.8",
          .listed = "false",
          .listed_at = MORNING,
          .removed_at = NOON,
          .stated_at = YESTERDAY,
          .half_life_ms = "86400000",
          .append_only = "true"},
         0.4},
        {{.name = "a", /* of a list that removes what is over it is not the age */
          .weight = "0.8",
          .listed = "true",
          .listed_at = MORNING,
          .stated_at = YESTERDAY,
          .half_life_ms = "86400000"},
         0.8},
        {GONE("0.8", NOON, "0"), 0},
        {GONE("0.8", "2026-08-24T12:00:00.000Z", "15552000000"), 0.8 * 0.7071067811865476}, /* 90 days: the window */
        {GONE("0.8", "2026-08-24T11:59:59.000Z", "15552000000"), 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(faded) / sizeof(faded[0]); i++) {
        const struct asked asked = {.sources = {faded[i].source}, .told = NOTHING};
        struct tip_store_answer answer;
        struct explain explain;

        explain_it(&explain, &asked, &answer);
        if (fabs(explain_share(&explain, 0) - faded[i].p) > 1e-12)
            fail_msg("row %zu: %.15f", i, explain_share(&explain, 0));
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
    static const struct source last = LISTED("c", "0.5");

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

/* ---- what nobody names ---- */

static struct tip_column search_columns[] = {{.name = "relation"}, {.name = "kind"},   {.name = "value"},
                                             {.name = "source"},   {.name = "weight"}, {.name = "listed"},
                                             {.name = "score"},    {.name = "tier"}};

/* `tip explain -o ndjson` of 192.0.2.5, which is in one listed network. The caller frees. */
static char *explained_inside(const char *score, bool *is_namedp, bool *inheritsp)
{
    const char *around_cells[] = {"around", "net", "192.0.2.0/28", "drop", "0.6", "true", score, "slow"};
    struct tip_store_answer answer = {.columns = columns, .n_columns = N_COLUMNS, .n_rows = 0};
    struct tip_store_answer around = {.columns = search_columns, .n_columns = 8, .cells = around_cells, .n_rows = 1};
    struct cli cli = {.out = {.mode = OUT_NDJSON}};
    struct explain explain;
    char *text = NULL;
    size_t len;

    cli.out.file = open_memstream(&text, &len);
    explain_init(&explain, &cli);
    assert_int_equal(tip_indicator_parse(&explain.indicator, TIP_KIND_NONE, "192.0.2.5", 9), 0);
    explain.answer = &answer;
    explain.around = &around;
    explain.inherited.searched = &around;
    inherited_of_rows(&explain.inherited, &explain.indicator, &answer);
    assert_int_equal(explain_compute(&explain), 0);
    *is_namedp = explain_is_named(&explain);
    *inheritsp = inherited_is(&explain.inherited);
    explain_print_json(&explain);
    explain_deinit(&explain);
    fclose(cli.out.file);
    return text;
}

static void test_explain_of_what_only_inherits_is_an_object(void **state)
{
    bool is_named, inherits;
    tip_auto(tip_free) char *text = explained_inside("0.6", &is_named, &inherits);
    json_t *object = json_loads(text, 0, NULL), *inherited = json_object_get(object, "inherited");

    (void)state;
    assert_true(inherits && !is_named);
    assert_string_equal(json_string_value(json_object_get(object, "value")), "192.0.2.5");
    assert_int_equal(json_array_size(json_object_get(object, "sources")), 0);
    assert_true(json_is_null(json_object_get(object, "verdict")));
    assert_string_equal(json_string_value(json_object_get(inherited, "from")), "192.0.2.0/28");
    assert_true(near(json_number_value(json_object_get(inherited, "score")), 0.6));
    json_decref(object);
    tip_free(&text);
    text = explained_inside(NULL, &is_named, &inherits); /* a list has it, no verdict was told of it */
    assert_false(inherits || is_named);
    assert_non_null(strstr(text, "\"inherited\":null"));
}

/* What the blacklist says of 192.0.2.5, of which storage has no row; @return its sentence */
static const char *said_without_rows(struct inherited *inherited, const struct tip_verdict_found *found)
{
    static struct tip_store_answer nothing = {.columns = search_columns, .n_columns = 8};
    static char text[INHERITED_TEXT];
    struct tip_indicator indicator;

    *inherited = (struct inherited){.searched = &nothing};
    assert_int_equal(tip_indicator_parse(&indicator, TIP_KIND_NONE, "192.0.2.5", 9), 0);
    inherited_of_rows(inherited, &indicator, NULL);
    assert_false(inherited_is(inherited) || inherited_text(inherited, text));
    inherited_by_word(inherited, &indicator, found);
    assert_true(inherited_text(inherited, text));
    return text;
}

/* The operators deny what no list names, and rows end at a limit: the blacklist says it all the same. */
static void test_explain_of_what_no_row_says(void **state)
{
    struct tip_verdict around = {.kind = TIP_KIND_NET, .value = "192.0.2.0/28", .value_len = 12, .score = 0.9};
    struct tip_verdict own = {.kind = TIP_KIND_IP, .value = "192.0.2.5", .value_len = 9, .score = 1};
    struct tip_verdict_found found = {
        .unreadable = "", .score = 0.9, .share = 1, .inherited = true, .n_verdicts = 1, .verdicts = &around};
    struct inherited inherited;

    (void)state;
    assert_string_equal(said_without_rows(&inherited, &found),
                        "inherits 0.90 from 192.0.2.0/28 (list -), 1 of its 0.90 -> block");
    assert_true(inherited_is(&inherited));
    assert_string_equal(inherited_value(&inherited), "192.0.2.0/28");
    found = (struct tip_verdict_found){.unreadable = "", .score = 1, .share = 1, .n_verdicts = 1, .verdicts = &own};
    assert_string_equal(said_without_rows(&inherited, &found), "1.00 by its own verdict -> block");
    assert_false(inherited_is(&inherited));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_explain_agrees_with_what_was_told),
        cmocka_unit_test(test_explain_fades_as_verdicts_do),
        cmocka_unit_test(test_explain_what_is_left_keeps_the_rule),
        cmocka_unit_test(test_explain_what_is_over_does_not_come),
        cmocka_unit_test(test_explain_of_what_only_inherits_is_an_object),
        cmocka_unit_test(test_explain_of_what_no_row_says),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
