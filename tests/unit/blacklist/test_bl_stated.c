/* Times that lists say themselves: how they are written, to which entry they belong, and what becomes of them. */
#include "check.h"

#include <tip/cleanup.h>

#include "core/diff.h"
#include "core/law.h"
#include "core/report.h"
#include "core/stated.h"
#include "core/survive.h"
#include "seens.h"

enum { T0 = 1700000000, DAY = 86400 }; /* 2023-11-14T22:13:20Z */

static void test_stated_forms(void **state)
{
    static const struct {
        const char *text;
        int r;
        uint32_t at_s;
    } rows[] = {
        {"2023-11-14T22:13:20Z", 0, T0},
        {"2023-11-14t22:13:20.987654z", 0, T0},
        {"2023-11-14 22:13:20", 0, T0},
        {"2023-11-14 22:13:20 UTC", 0, T0},
        {"2023-11-15T00:13:20+02:00", 0, T0},
        {"2023-11-14 16:43:20-05:30", 0, T0},
        {"2023-11-14T22:13:20+00:00", 0, T0},
        {"2016-12-31T23:59:60Z", 0, 1483228799},
        {"2024-02-29", 0, 1709164800},
        {"1700000000", 0, T0},
        {"631152000", 0, 631152000},
        {"1990-01-01 00:00:00", 0, 631152000},
        {"1989-12-31 23:59:59", BL_STATED_E_RANGE, 0},
        {"631151999", BL_STATED_E_RANGE, 0},
        {"0", BL_STATED_E_RANGE, 0},
        {"0000-01-01", BL_STATED_E_RANGE, 0},
        {"9999-12-31 23:59:59", BL_STATED_E_RANGE, 0},
        {"4294967296", BL_STATED_E_RANGE, 0},
        {"1700000000000", BL_STATED_E_SYNTAX, 0}, /* milliseconds: nobody said so */
        {"2023-02-29", BL_STATED_E_SYNTAX, 0},
        {"2023-13-01", BL_STATED_E_SYNTAX, 0},
        {"2023-00-01", BL_STATED_E_SYNTAX, 0},
        {"2023-11-14T24:00:00Z", BL_STATED_E_SYNTAX, 0},
        {"2023-11-14T22:60:00Z", BL_STATED_E_SYNTAX, 0},
        {"2023-11-14T22:13:20.Z", BL_STATED_E_SYNTAX, 0},
        {"2023-11-14T22:13", BL_STATED_E_SYNTAX, 0},
        {"2023-11-14T22:13:20+2:00", BL_STATED_E_SYNTAX, 0},
        {"2023-11-14T22:13:20+24:00", BL_STATED_E_SYNTAX, 0},
        {"2023-11-14T22:13:20Zx", BL_STATED_E_SYNTAX, 0},
        {"2023-11-14T22:13:20 GMT", BL_STATED_E_SYNTAX, 0},
        {"14.11.2023", BL_STATED_E_SYNTAX, 0},
        {"-1700000000", BL_STATED_E_SYNTAX, 0},
        {"never", BL_STATED_E_SYNTAX, 0},
        {"", BL_STATED_E_SYNTAX, 0},
    };
    uint32_t at_s;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        at_s = 0;
        if (bl_stated_parse(&at_s, rows[i].text, strlen(rows[i].text), 0) != rows[i].r || at_s != rows[i].at_s)
            fail_msg("%s: %u", rows[i].text, at_s);
    }
    assert_int_equal(bl_stated_parse(&at_s, "1700000000", 10, T0), 0); /* now is not the future */
    assert_int_equal(bl_stated_parse(&at_s, "1700000001", 10, T0), BL_STATED_E_RANGE);
    assert_int_equal(bl_stated_parse(&at_s,
                                     "1700\0"
                                     "0000",
                                     9, 0),
                     BL_STATED_E_SYNTAX);
}

static void test_stated_by_line(void **state)
{
    struct bl_stated stated[] = {{2, 100}, {5, 0}, {9, 300}};

    (void)state;
    assert_int_equal(bl_stated_at(stated, 3, 2), 100);
    assert_int_equal(bl_stated_at(stated, 3, 9), 300);
    assert_int_equal(bl_stated_at(stated, 3, 5), 0);
    assert_int_equal(bl_stated_at(stated, 3, 4), 0);
    assert_int_equal(bl_stated_at(stated, 3, 10), 0);
    assert_int_equal(bl_stated_at(NULL, 0, 1), 0);
    bl_stated_join(stated, 3, 5, 2);
    assert_int_equal(stated[1].at_s, 100);
    bl_stated_join(stated, 3, 9, 2); /* the later one stays */
    bl_stated_join(stated, 3, 4, 2);
    assert_int_equal(stated[2].at_s, 300);
}

/* ---- csv ---- */

static void timed_format(struct bl_format *format)
{
    bl_format_init(format, BL_KIND_CSV, BL_TYPE_AUTO);
    strcpy(format->column_name, "ip");
    strcpy(format->first_seen.name, "first seen");
    format->last_seen.number = 4;
    format->now_s = T0;
}

static uint32_t timed_of(const struct bl_set *set, const char *value)
{
    struct bl_item item;

    for (size_t i = 0; i < bl_set_count(set); i++) {
        bl_set_item(set, i, &item);
        if (!strcmp(item.value, value))
            return bl_stated_at(set->stated, set->n_stated, item.line);
    }
    fail_msg("%s is not listed", value);
    return 0;
}

static void test_a_table_says_when(void **state)
{
    static const char body[] = "note,first seen,ip,last\r\n"
                               "\"two\nlines\",2023-01-01,8.8.8.8,\n"                 /* the first one alone */
                               "x,2023-01-01,b.example,2023-06-01 00:00:00\n"         /* the last one wins */
                               "x, 2023-02-01 ,9.9.9.9,2030-01-01\n"                  /* the future: the first one */
                               "x,soon,1.1.1.1,1970-01-01\n"                          /* neither: it stays */
                               "x,,7.7.7.7\n"                                         /* nothing is said */
                               "x,2023-03-01,8.8.8.8,\nx,2022-01-01,8.8.8.8,\n"       /* again: the latest */
                               "x,2023-01-01,not an entry,2023-01-01\nx,2023-01-01\n" /* rejects say nothing */
                               "x,1700000000,B.example.,\n";
    tip_auto(bl_parse_destroy) struct bl_parse *parse = NULL;
    struct bl_format format;
    struct bl_set set;
    int r;

    (void)state;
    timed_format(&format);
    for (size_t step = 1; step < sizeof(body); step += 11) {
        const struct bl_report *report;

        bl_parse_destroy(&parse);
        parse = sets_parse(&format, body, sizeof(body) - 1, step, &r);
        assert_int_equal(r, 0);
        set = bl_parse_set(parse);
        report = bl_parse_report(parse);
        assert_int_equal(bl_set_count(&set), 5);
        assert_int_equal(timed_of(&set, "8.8.8.8"), 1677628800); /* 2023-03-01 */
        assert_int_equal(timed_of(&set, "b.example"), T0);
        assert_int_equal(timed_of(&set, "9.9.9.9"), 1675209600); /* 2023-02-01 */
        assert_int_equal(timed_of(&set, "1.1.1.1"), 0);
        assert_int_equal(timed_of(&set, "7.7.7.7"), 0);
        assert_int_equal(report->n_rejected, 2); /* lines */
        assert_int_equal(bl_report_count(report, "time_range"), 2);
        assert_int_equal(bl_report_count(report, "time_syntax"), 1);
    }
    strcpy(format.first_seen.name, "seen first");
    bl_parse_destroy(&parse);
    parse = sets_parse(&format, body, sizeof(body) - 1, sizeof(body), &r);
    assert_int_equal(r, 0);
    set = bl_parse_set(parse);
    assert_int_equal(bl_set_count(&set), 5);
    assert_int_equal(timed_of(&set, "8.8.8.8"), 0);            /* none but the last one is said */
    assert_int_equal(timed_of(&set, "b.example"), 1685577600); /* 2023-06-01 */
    assert_int_equal(bl_report_count(bl_parse_report(parse), "time_column"), 1);
    strcpy(format.column_name, "address");
    bl_parse_destroy(&parse);
    parse = sets_parse(&format, body, sizeof(body) - 1, sizeof(body), &r);
    assert_int_equal(r, BL_PARSE_E_BODY);
    assert_string_equal(bl_parse_why(parse), "no_column");
}

/* What is said of times is no reason why a list is refused, and leaves room for what is. */
static void test_notes_are_no_rejects(void **state)
{
    struct bl_report report = {0};

    (void)state;
    for (uint64_t line = 1; line <= 2 * BL_REPORT_SAMPLE; line++)
        bl_report_note(&report, "time_syntax", line, "None", 4);
    assert_null(bl_report_most(&report));
    bl_report_reject(&report, "family", 99, "2001:db8::1", 11);
    bl_report_reject(&report, "single_label", 100, "x", 1);
    bl_report_reject(&report, "single_label", 101, "y", 1);
    assert_string_equal(bl_report_most(&report), "single_label");
    assert_int_equal(report.n_rejected, 3);
    assert_int_equal(bl_report_count(&report, "time_syntax"), 2 * BL_REPORT_SAMPLE);
    assert_int_equal(report.n_sample, BL_REPORT_SAMPLE / 2 + 3);
    assert_string_equal(report.sample[report.n_sample - 1].reason, "single_label");
}

static void test_a_table_without_times_says_none(void **state)
{
    static const char body[] = "note,first seen,ip,last\nx,2023-01-01,8.8.8.8,2023-01-01\n";
    tip_auto(bl_parse_destroy) struct bl_parse *parse = NULL;
    struct bl_format format;
    struct bl_set set;
    int r;

    (void)state;
    bl_format_init(&format, BL_KIND_CSV, BL_TYPE_IP4);
    strcpy(format.column_name, "ip");
    parse = sets_parse(&format, body, sizeof(body) - 1, sizeof(body), &r);
    assert_int_equal(r, 0);
    set = bl_parse_set(parse);
    assert_int_equal(set.n_stated, 0);
}

/* ---- what is remembered ---- */

static void timed_update(struct seens *seens, const char *body, uint32_t now_s)
{
    struct bl_seen_update update = {
        .before = seens->seen, .version = seens->seen.version + 1, .now_s = now_s, .gone_max = 1000};
    tip_auto(bl_parse_destroy) struct bl_parse *parse = NULL;
    unsigned char head[BL_SEEN_HEADER];
    struct bl_format format;
    struct tip_buf fresh;
    int r;

    bl_format_init(&format, BL_KIND_CSV, BL_TYPE_AUTO);
    format.first_seen.number = 2;
    tip_buf_init(&fresh, 1 << 20);
    parse = sets_parse(&format, body, strlen(body), 1 << 20, &r);
    assert_int_equal(r, 0);
    update.now = bl_parse_set(parse);
    assert_int_equal(bl_seen_write(&update, seens_put, &fresh, head), 0);
    memcpy(fresh.data, head, sizeof(head));
    tip_buf_deinit(&seens->bytes);
    seens->bytes = fresh;
    assert_int_equal(bl_seen_read(&seens->seen, fresh.data, fresh.len), 0);
}

static void timed_check(const struct seens *seens, const char *text, struct bl_seen_times expected)
{
    struct tip_indicator indicator;
    const struct bl_seen_times *times;

    assert_int_equal(tip_indicator_parse(&indicator, TIP_KIND_NONE, text, strlen(text)), 0);
    times = bl_seen_find(&seens->seen, indicator.kind, indicator.value, indicator.len);
    assert_non_null(times);
    assert_memory_equal(times, &expected, sizeof(expected));
}

#define STOCK  (BL_SEEN_LISTED | BL_SEEN_STOCK)
#define STATED (BL_SEEN_LISTED | BL_SEEN_STATED)

static void test_what_is_said_is_remembered(void **state)
{
    enum { SAID = 1650000000, LATER = 1660000000 };
    tip_auto(seens_deinit) struct seens seens;

    (void)state;
    seens_init(&seens);
    timed_update(&seens, "9.9.9.9,1650000000\na.example,1650000000\n8.8.8.8,\n", T0);
    timed_check(&seens, "9.9.9.9", (struct bl_seen_times){T0, SAID, T0, 0, 0, STOCK | BL_SEEN_STATED});
    timed_check(&seens, "8.8.8.8", (struct bl_seen_times){T0, T0, T0, 0, 0, STOCK});
    timed_update(&seens, "9.9.9.9,1660000000\na.example,\nb.example,1660000000\n", T0 + DAY);
    timed_check(&seens, "9.9.9.9", (struct bl_seen_times){T0, LATER, T0 + DAY, 0, 0, STOCK | BL_SEEN_STATED});
    timed_check(&seens, "a.example",
                (struct bl_seen_times){T0, SAID, T0 + DAY, 0, 0, STOCK | BL_SEEN_STATED}); /* stays */
    timed_check(&seens, "b.example", (struct bl_seen_times){T0 + DAY, LATER, T0 + DAY, 0, 0, STATED});
    timed_update(&seens, "8.8.8.8,\n9.9.9.9,1660000000\n", T0 + 2 * DAY);
    timed_check(&seens, "b.example",
                (struct bl_seen_times){T0 + DAY, LATER, T0 + DAY, 0, 0, BL_SEEN_STATED}); /* left */
    timed_check(&seens, "8.8.8.8", (struct bl_seen_times){T0, T0 + 2 * DAY, T0 + 2 * DAY, 1, 0, BL_SEEN_LISTED});
    timed_update(&seens, "b.example,\n9.9.9.9,1660000000\n", T0 + 3 * DAY); /* back, and nothing is said of it */
    timed_check(&seens, "b.example",
                (struct bl_seen_times){T0 + DAY, T0 + 3 * DAY, T0 + 3 * DAY, 1, 0, BL_SEEN_LISTED});
    seens_update(&seens, "9.9.9.9\nb.example\n", T0 + 4 * DAY, 0, 1000); /* it does not say times any more */
    timed_check(&seens, "9.9.9.9", (struct bl_seen_times){T0, T0, T0 + 4 * DAY, 0, 0, STOCK});
}

static bool restated(const struct seens *seens, const char *body, int column)
{
    struct bl_seen_update update = {.before = seens->seen, .now_s = T0 + DAY};
    tip_auto(bl_parse_destroy) struct bl_parse *parse = NULL;
    struct bl_format format;
    int r;

    bl_format_init(&format, BL_KIND_CSV, BL_TYPE_AUTO);
    format.first_seen.number = column;
    parse = sets_parse(&format, body, strlen(body), 1 << 20, &r);
    assert_int_equal(r, 0);
    update.now = bl_parse_set(parse);
    return bl_seen_is_restated(&update);
}

static void test_what_is_said_otherwise_is_news(void **state)
{
    tip_auto(seens_deinit) struct seens seens;

    (void)state;
    seens_init(&seens);
    timed_update(&seens, "9.9.9.9,1650000000\na.example,1650000000\n", T0);
    assert_false(restated(&seens, "a.example,1650000000\n9.9.9.9,1650000000\n", 2));
    assert_false(restated(&seens, "a.example,\n9.9.9.9,nonsense\n", 2));
    assert_true(restated(&seens, "a.example,1650000001\n9.9.9.9,1650000000\n", 2));
    assert_true(restated(&seens, "a.example,1650000000\n9.9.9.9,1640000000\n", 2));
    assert_true(restated(&seens, "a.example\n9.9.9.9\n", 0)); /* its file names no time any more */
    seens_update(&seens, "9.9.9.9\na.example\n", T0 + DAY, 0, 1000);
    assert_false(restated(&seens, "a.example\n9.9.9.9\n", 0));
}

/* Entries of a difference, in order. */
static void changed_text(const struct bl_diff *diff, const struct bl_set *set, char text[static 200])
{
    struct bl_item item;

    *text = '\0';
    for (size_t i = 0; i < bl_diff_count(&diff->changed); i++) {
        bl_set_item(set, bl_diff_at(&diff->changed, i), &item);
        strcat(strcat(text, item.value), " ");
    }
}

/* What stays and has another time is told with what has other flags; what came or left is told as that alone. */
static void test_another_time_is_a_change(void **state)
{
    static const struct {
        const char *before, *after, *changed;
    } steps[] = {
        {"9.9.9.9,1650000000\nb.example,1650000000\n8.8.8.8,\n", "9.9.9.9,1650000000\nb.example,1650000000\n8.8.8.8,\n",
         ""},
        {"1.1.1.1,1650000000\n8.8.8.8,1650000000\n9.9.9.9,1650000000\na.example,1650000000\nc.example,1650000000\n"
         "d.example,1650000000\n",
         "2.2.2.2,1660000000\n8.8.8.8,1650000000\n9.9.9.9,1660000000\nb.example,1660000000\nc.example,1650000000\n"
         "d.example,1640000000\n",
         "9.9.9.9 d.example "},
        {"8.8.8.8,\na.example,\nb.example,1650000000\n", "8.8.8.8,1650000000\na.example,1650000000\nb.example,\n",
         "8.8.8.8 a.example "},
        {"a.example,1650000000\nb.example,1650000000\nc.example,1650000000\n",
         "*.a.example,1650000000\n*.b.example,1660000000\nc.example,1660000000\n", "a.example b.example c.example "},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
        tip_auto(seens_deinit) struct seens before, after;
        tip_auto(bl_parse_destroy) struct bl_parse *old = NULL;
        tip_auto(bl_parse_destroy) struct bl_parse *new = NULL;
        tip_auto(bl_diff_deinit) struct bl_diff diff;
        struct bl_set from, to;
        struct bl_format format;
        char text[200];
        int r;

        seens_init(&before);
        seens_init(&after);
        bl_diff_init(&diff);
        timed_update(&before, steps[i].before, T0);
        timed_update(&after, steps[i].before, T0);
        timed_update(&after, steps[i].after, T0 + DAY);
        bl_format_init(&format, BL_KIND_CSV, BL_TYPE_AUTO);
        old = sets_parse(&format, steps[i].before, strlen(steps[i].before), 1 << 20, &r);
        new = sets_parse(&format, steps[i].after, strlen(steps[i].after), 1 << 20, &r);
        from = bl_parse_set(old);
        to = bl_parse_set(new);
        assert_int_equal(bl_diff_run(&diff, &from, &to), 0);
        assert_int_equal(bl_diff_restated(&diff, &to, &before.seen, &after.seen), 0);
        changed_text(&diff, &to, text);
        assert_string_equal(text, steps[i].changed);
        assert_true(bl_seen_states(&after.seen));
    }
}

/* It is the age of an entry, and neither how long entries last nor when we knew of it. */
static void test_what_is_said_is_the_age_alone(void **state)
{
    const struct bl_law law = {0.8, 7 * DAY, true};
    const struct bl_seen_times ours = {T0 - DAY, T0 - DAY, T0, 0, 0, BL_SEEN_LISTED},
                               theirs = {T0 - DAY, T0 - 14 * DAY, T0, 0, 0, STATED},
                               back = {T0 - 9 * DAY, T0 - 14 * DAY, T0, 1, 0, STATED};
    struct bl_seen_ip4 entries[64];
    struct bl_seen seen = {.ip4 = entries, .n_ip4 = 64, .born_s = T0 - 30 * DAY};
    struct bl_survival by_ours, by_theirs;

    (void)state;
    assert_true(bl_law_share(&law, &theirs, T0) > 0.2 - 1e-9 && bl_law_share(&law, &theirs, T0) < 0.2 + 1e-9);
    assert_int_equal(bl_seen_came(&ours), T0 - DAY);
    assert_int_equal(bl_seen_came(&theirs), T0 - DAY);
    assert_int_equal(bl_seen_came(&back), T0 - 9 * DAY);
    for (size_t i = 0; i < 64; i++)
        entries[i] = (struct bl_seen_ip4){.addr = (uint32_t)i, .times = ours};
    for (size_t i = 0; i < 40; i++)
        entries[i].times = (struct bl_seen_times){T0 - 3 * DAY, T0 - 3 * DAY, T0 - 2 * DAY, 0, 0, 0};
    by_ours = bl_survive(&seen, BL_CATEGORY_SPAM, T0);
    for (size_t i = 0; i < 64; i++) {
        entries[i].times.since_s = T0 - 80 * DAY;
        entries[i].times.state |= BL_SEEN_STATED;
    }
    by_theirs = bl_survive(&seen, BL_CATEGORY_SPAM, T0);
    assert_int_equal(by_ours.basis, BL_SURVIVE_MEASURED);
    assert_int_equal(by_theirs.basis, by_ours.basis);
    assert_int_equal(by_theirs.half_life_s, by_ours.half_life_s);
    assert_int_equal(by_theirs.n_removed, by_ours.n_removed);
    assert_int_equal(by_theirs.n_known, 64);
    assert_int_equal(by_ours.n_known, 64);
    for (size_t i = 0; i < 64; i++)
        entries[i].times.n_returned = 1; /* since when, nobody knows */
    assert_int_equal(bl_survive(&seen, BL_CATEGORY_SPAM, T0).n_known, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_stated_forms),
        cmocka_unit_test(test_stated_by_line),
        cmocka_unit_test(test_a_table_says_when),
        cmocka_unit_test(test_notes_are_no_rejects),
        cmocka_unit_test(test_a_table_without_times_says_none),
        cmocka_unit_test(test_what_is_said_is_remembered),
        cmocka_unit_test(test_what_is_said_otherwise_is_news),
        cmocka_unit_test(test_another_time_is_a_change),
        cmocka_unit_test(test_what_is_said_is_the_age_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
