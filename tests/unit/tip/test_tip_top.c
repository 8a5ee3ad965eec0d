/* What `tip status` and `tip top` make of the broker's answers. */
#include "check.h"

#include <stdio.h>
#include <stdlib.h>

#include <tip/alloc.h>

#include "brief.h"
#include "bus_brief.h"
#include "bus_health.h"
#include "top/page.h"

/* ---- numbers ---- */

static void test_brief(void **state)
{
    static const struct {
        void (*brief)(double value, char text[static BRIEF_BYTES]);
        double value;
        const char *text;
    } rows[] = {
        {brief_count, 0, "0"},         {brief_count, 9999, "9999"},        {brief_count, 10000, "10.0k"},
        {brief_count, 999960, "1.0M"}, {brief_count, 12345678, "12.3M"},   {brief_count, 999949, "1000k"},
        {brief_rate, 0, "0"},          {brief_rate, 0.0001, "0.1"},        {brief_rate, 9.94, "9.9"},
        {brief_rate, 9.96, "10"},      {brief_rate, 200000, "200k"},       {brief_bytes, 0, "0B"},
        {brief_bytes, 1023, "1023B"},  {brief_bytes, 1536, "1.5K"},        {brief_bytes, 64 << 20, "64.0M"},
        {brief_bytes, 17e9, "15.8G"},  {brief_seconds, 0, "0s"},           {brief_seconds, 0.0041, "5ms"},
        {brief_seconds, 0.4, "0.4s"},  {brief_seconds, 9.96, "10s"},       {brief_seconds, 119, "119s"},
        {brief_seconds, 250, "4m10s"}, {brief_seconds, 3 * 3600, "3h00m"}, {brief_seconds, 187200, "2d4h"},
        {brief_seconds, -3, "0s"},
    };
    char text[BRIEF_BYTES];

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        rows[i].brief(rows[i].value, text);
        assert_string_equal(text, rows[i].text);
    }
}

static void test_spark(void **state)
{
    const double values[] = {0, 1, 4, 8, 2};
    char text[3 * BRIEF_SPARK_MAX + 1];

    (void)state;
    brief_spark(values, 5, 0, text);
    assert_string_equal(text, " .=#:");
    brief_spark(values, 5, 1, text);
    assert_string_equal(text, " \u2582\u2585\u2588\u2583");
    brief_spark(values, 0, 1, text);
    assert_string_equal(text, "");
}

/* ---- answers made by hand ---- */

/** A table of the broker's; cells are borrowed. */
static void table(struct bus_state *state, enum bus_table which, const char *const *columns, size_t n_columns,
                  const char *const *cells, size_t n_rows)
{
    static struct tip_store_answer answers[2 * BUS_TABLE_COUNT];
    static struct tip_column names[2 * BUS_TABLE_COUNT][16];
    static size_t next;
    size_t at = next++ % (2 * BUS_TABLE_COUNT);

    for (size_t i = 0; i < n_columns; i++)
        names[at][i] = (struct tip_column){columns[i], TIP_COLUMN_TEXT};
    answers[at] = (struct tip_store_answer){n_columns, n_rows, names[at], NULL, false};
    memcpy(&answers[at].cells, &cells, sizeof(cells));
    state->answers[which] = &answers[at];
}

#define TABLE(state, which, columns, ...)                                                   \
    do {                                                                                    \
        static const char *const cells_[] = {__VA_ARGS__};                                  \
        table(state, which, columns, sizeof(columns) / sizeof(columns[0]), cells_,          \
              sizeof(cells_) / sizeof(cells_[0]) / (sizeof(columns) / sizeof(columns[0]))); \
    } while (0)

static const char *const publishers[] = {"publisher",        "up",
                                         "events",           "bytes",
                                         "events_per_s",     "window_events",
                                         "window_bytes",     "window_events_max",
                                         "window_bytes_max", "oldest_unacked_ms"};
static const char *const consumers[] = {"consumer", "lag_events", "lag_s", "required", "overtaken", "trimmed_in_s"};
static const char *const queues[] = {"queue", "waiting", "workers", "oldest_waiting_ms", "done", "ended_per_s"};
static const char *const journals[] = {"journal_id", "closed", "no_space", "events", "events_per_s"};
static const char *const classes[] = {"class", "tlp", "events", "events_per_s"};

static bool says(const struct bus_health *health, const char *text)
{
    for (size_t i = 0; i < health->n && i < BUS_WRONGS_MAX; i++) {
        if (strcmp(health->wrongs[i], text) == 0)
            return true;
    }
    return false;
}

static void test_all_is_well(void **state)
{
    struct bus_health health = {.n = 0};
    struct bus_state bus = {.at_ms = 1};

    (void)state;
    TABLE(&bus, BUS_PUBLISHERS, publishers, "a", "true", "5", "50", "1.0", "16384", "9", "16384", "8388608", "40", /**/
          "away", "false", "5", "50", "0.0", NULL, NULL, NULL, NULL, NULL);
    TABLE(&bus, BUS_CONSUMERS, consumers, "storage", "900000", "29.9", "true", "false", NULL, /**/
          "siem", "900000", "3000.0", "false", "false", "86400.0",                            /**/
          "old", "5", NULL, "false", "false", NULL);
    TABLE(&bus, BUS_QUEUES, queues, "q", "5", "0", "4999", "0", "0.0");
    TABLE(&bus, BUS_JOURNAL, journals, "00", NULL, "false", "5", "1.0");
    bus_health_judge(&health, &bus);
    assert_int_equal(health.n, 0);
}

static void test_what_is_wrong(void **state)
{
    struct bus_health health = {.n = 0};
    struct bus_state bus = {.at_ms = 1};

    (void)state;
    bus_health_judge(&health, &bus); /* nothing is known */
    assert_int_equal(health.n, 0);
    TABLE(&bus, BUS_PUBLISHERS, publishers, "a", "true", "5", "50", "1.0", "16384", "9", "16384", "8388608", "1200",
          /**/ "b", "true", "5", "50", "0.0", "3", "8000000", "16384", "8388608", "2500", /**/
          "c", "true", "5", "50", "0.0", "3", "9", "16384", "8388608", "12000");
    TABLE(&bus, BUS_CONSUMERS, consumers, "storage", "12345", "35.0", "true", "false", NULL, /**/
          "siem", "900000", "3700.0", "false", "false", "86400.0",                           /**/
          "slow", "900000", "70.0", "false", "false", "1800.0",                              /**/
          "gone", "900000", "70.0", "false", "true", NULL);
    TABLE(&bus, BUS_QUEUES, queues, "q", "5", "0", "6000", "0", "0.0", "r", "1", "2", "7000", "0", "0.0");
    TABLE(&bus, BUS_JOURNAL, journals, "00", "the disk takes nothing", "true", "5", "1.0");
    bus_health_judge(&health, &bus);
    assert_string_equal(health.wrongs[0], "publishers wait: the disk takes nothing");
    assert_true(says(&health, "consumer storage is 12.3k events behind, the oldest 35s old"));
    assert_true(says(&health, "consumer siem is 900k events behind, the oldest 61m40s old"));
    assert_true(says(&health, "consumer slow is 900k events behind: the journal lets go of them in about 30m00s"));
    assert_true(says(&health, "consumer gone was too slow: events it had not stored are gone from the journal"));
    assert_true(says(&health, "publisher a waits for acks: 16.4k events, its window is full, the oldest for 1.2s"));
    assert_true(says(&health, "publisher b waits for acks: 3 events, its window is full, the oldest for 2.5s"));
    assert_true(says(&health, "publisher c waits for acks: 3 events, the oldest for 12s"));
    assert_true(says(&health, "queue q: 5 wait, the oldest for 6.0s; nobody serves it"));
    assert_true(says(&health, "queue r: 1 wait, the oldest for 7.0s; its workers are busy or stuck"));
    assert_int_equal(health.n, 10);
    for (int i = 0; i < 100; i++)
        bus_health_add(&health, "%d", i);
    assert_int_equal(health.n, 110); /* counted, not kept */
}

/* ---- rates of two answers ---- */

static void test_rates_between_two_answers(void **state)
{
    struct bus_state before = {.at_ms = 1000}, now = {.at_ms = 3000};

    (void)state;
    TABLE(&before, BUS_CLASSES, classes, "listing", "amber", "100", "7.0", "listing", "clear", "50", "7.0");
    TABLE(&now, BUS_CLASSES, classes, "listing", "clear", "60", "7.0", "listing", "amber", "300", "7.0", /**/
          "new", "amber", "4", "4.0");
    assert_true(bus_brief_rate(&now, NULL, BUS_CLASSES, 0) == 7); /* what the broker says */
    assert_true(bus_brief_rate(&now, &before, BUS_CLASSES, 0) == 5);
    assert_true(bus_brief_rate(&now, &before, BUS_CLASSES, 1) == 100);
    assert_true(bus_brief_rate(&now, &before, BUS_CLASSES, 2) == 4);
    assert_true(bus_brief_rate(&before, &now, BUS_CLASSES, 0) == 7);   /* not in this order */
    TABLE(&now, BUS_CLASSES, classes, "listing", "amber", "3", "7.0"); /* begun anew */
    assert_true(bus_brief_rate(&now, &before, BUS_CLASSES, 0) == 0);
}

/* ---- pages ---- */

static int lines_of(const char *text, size_t *widestp)
{
    size_t width = 0;
    int n = 1;

    *widestp = 0;
    for (; *text; text++) {
        width = *text == '\n' ? 0 : width + 1;
        n += *text == '\n';
        *widestp = width > *widestp ? width : *widestp;
    }
    return n;
}

static void test_a_page_fits(void **state)
{
    struct page_histories histories = {.n = 0};
    struct bus_health health = {.n = 0};
    struct bus_state bus = {.at_ms = 1};
    struct out_config out = {.color = false};
    struct page page = {.out = &out, .state = &bus, .histories = &histories, .health = &health, .clock = "now"};
    tip_auto(tip_buf_deinit) struct tip_buf text;
    size_t widest;

    (void)state;
    tip_buf_init(&text, 1 << 20);
    TABLE(&bus, BUS_CLASSES, classes, "a\033[31m\n", "amber", "100", "7.0", "listing", "clear", "50", "7.0", /**/
          "source", "amber", "1", "0.0");
    page_histories_note(&histories, &bus, NULL);
    bus_health_add(&health, "%s", "a sentence that is far too long for a narrow terminal");
    for (page.width = 1; page.width < 120; page.width += 7) {
        for (page.height = 1; page.height < 30; page.height++) {
            tip_buf_clear(&text);
            assert_int_equal(page_write(&page, &text), 0);
            assert_int_equal(lines_of(tip_buf_text(&text), &widest), page.height);
            assert_true(widest <= (size_t)page.width);
            assert_null(strchr(tip_buf_text(&text), '\033'));
        }
    }
    assert_non_null(strstr(tip_buf_text(&text), "a?[31m?"));
    assert_non_null(strstr(tip_buf_text(&text), "none")); /* no doors */
    page.height = 12;
    page.first = 2;
    tip_buf_clear(&text);
    assert_int_equal(page_write(&page, &text), 0);
    assert_null(strstr(tip_buf_text(&text), "listing"));
    assert_non_null(strstr(tip_buf_text(&text), "source"));
    page_histories_free(&histories);
}

/* Until when the journal keeps what a consumer has not read is news within a year only. */
static void test_notes_of_consumers(void **state)
{
    static const char *const notes[] = {"trimmed in 2d4h", "trimmed in 365d0h", "required", ""};
    char cells[BUS_BRIEF_COLUMNS][BUS_BRIEF_CELL];
    struct bus_state bus = {.at_ms = 1};
    struct bus_brief brief;

    (void)state;
    TABLE(&bus, BUS_CONSUMERS, consumers, "near", "5", "1.0", "false", "false", "187200.0", /**/
          "year", "5", "1.0", "false", "false", "31536000.0",                               /**/
          "far", "5", "1.0", "true", "false", "45626400.0",                                 /**/
          "farther", "5", "1.0", "false", "false", "1e12");
    bus_brief_columns(BUS_CONSUMERS, &brief);
    for (size_t i = 0; i < sizeof(notes) / sizeof(notes[0]); i++) {
        bus_brief_row(&bus, NULL, BUS_CONSUMERS, i, cells);
        assert_string_equal(cells[brief.n_columns - 1], notes[i]);
    }
}

static void test_histories_go_with_their_rows(void **state)
{
    struct page_histories histories = {.n = 0};
    struct bus_state bus = {.at_ms = 1};

    (void)state;
    TABLE(&bus, BUS_CLASSES, classes, "a", "amber", "100", "7.0", "b", "clear", "50", "3.0");
    for (int i = 0; i < 2 * PAGE_HISTORY; i++)
        page_histories_note(&histories, &bus, NULL);
    assert_int_equal(histories.n, 2);
    assert_int_equal(histories.items[1].n, PAGE_HISTORY);
    assert_true(histories.items[1].values[PAGE_HISTORY - 1] == 3);
    TABLE(&bus, BUS_CLASSES, classes, "b", "clear", "50", "3.0");
    page_histories_note(&histories, &bus, NULL);
    assert_int_equal(histories.n, 1);
    assert_string_equal(histories.items[0].key, "b/clear");
    page_histories_free(&histories);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_brief),
        cmocka_unit_test(test_spark),
        cmocka_unit_test(test_all_is_well),
        cmocka_unit_test(test_what_is_wrong),
        cmocka_unit_test(test_rates_between_two_answers),
        cmocka_unit_test(test_a_page_fits),
        cmocka_unit_test(test_notes_of_consumers),
        cmocka_unit_test(test_histories_go_with_their_rows),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
