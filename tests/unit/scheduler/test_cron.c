#include "check.h"

#include <stdbool.h>

#include <tip/clock.h>

#include "core/cron.h"
#include "zones.h"

static const struct sched_zone zone_utc = {0}, zone_de = {.offset_s = zone_berlin},
                               zone_us = {.offset_s = zone_new_york};

static int64_t unix_ms_of(const char *text)
{
    int64_t unix_ms;

    assert_int_equal(tip_clock_parse(&unix_ms, text, strlen(text)), 0);
    return unix_ms;
}

struct next_row {
    const char *cron;
    const struct sched_zone *zone;
    const char *after;
    const char *next[4]; /* one after the other */
};

static const struct next_row next_rows[] = {
    /* plain */
    {"* * * * *", &zone_utc, "2026-01-01T00:00:00Z", {"2026-01-01T00:01:00Z", "2026-01-01T00:02:00Z"}},
    {"* * * * *", &zone_utc, "2026-01-01T00:00:59.999Z", {"2026-01-01T00:01:00Z"}},
    {"* * * * *", &zone_utc, "2025-12-31T23:59:59.001Z", {"2026-01-01T00:00:00Z"}},
    {"*/20 4 * * *", &zone_utc, "2026-01-01T04:20:00Z", {"2026-01-01T04:40:00Z", "2026-01-02T04:00:00Z"}},
    {"5,35 8-10/2 * * *",
     &zone_utc,
     "2026-01-01T08:05:00Z",
     {"2026-01-01T08:35:00Z", "2026-01-01T10:05:00Z", "2026-01-01T10:35:00Z", "2026-01-02T08:05:00Z"}},
    {"@hourly", &zone_utc, "2026-01-01T23:00:00Z", {"2026-01-02T00:00:00Z"}},
    {"@daily", &zone_utc, "2026-12-31T00:00:00Z", {"2027-01-01T00:00:00Z"}},
    {"@weekly", &zone_utc, "2026-01-01T00:00:00Z", {"2026-01-04T00:00:00Z"}},
    {"@monthly", &zone_utc, "2026-01-01T00:00:00Z", {"2026-02-01T00:00:00Z"}},
    {"@yearly", &zone_utc, "2026-01-01T00:00:00Z", {"2027-01-01T00:00:00Z"}},
    /* days */
    {"0 0 31 * *",
     &zone_utc,
     "2026-01-31T00:00:00Z",
     {"2026-03-31T00:00:00Z", "2026-05-31T00:00:00Z", "2026-07-31T00:00:00Z", "2026-08-31T00:00:00Z"}},
    {"0 0 29 2 *", &zone_utc, "2026-01-01T00:00:00Z", {"2028-02-29T00:00:00Z", "2032-02-29T00:00:00Z"}},
    {"0 0 29 2 *", &zone_utc, "2096-03-01T00:00:00Z", {"2104-02-29T00:00:00Z"}},
    {"0 12 * * mon-fri", &zone_utc, "2026-01-02T12:00:00Z", {"2026-01-05T12:00:00Z"}},
    {"0 12 * * 7", &zone_utc, "2026-01-02T12:00:00Z", {"2026-01-04T12:00:00Z"}},
    {"0 12 * * 5-7", &zone_utc, "2026-01-04T12:00:00Z", {"2026-01-09T12:00:00Z", "2026-01-10T12:00:00Z"}},
    {"0 0 13 * fri",
     &zone_utc,
     "2026-01-01T00:00:00Z",
     {"2026-01-02T00:00:00Z", "2026-01-09T00:00:00Z", "2026-01-13T00:00:00Z", "2026-01-16T00:00:00Z"}}, /* either */
    {"0 0 */10 * fri", &zone_utc, "2026-01-01T00:00:00Z", {"2026-05-01T00:00:00Z", "2026-07-31T00:00:00Z"}}, /* both */
    {"0 0 1 jan,Jul *", &zone_utc, "2026-01-01T00:00:00Z", {"2026-07-01T00:00:00Z", "2027-01-01T00:00:00Z"}},
    /* Berlin, spring: 02:00 to 03:00 of 29 March 2026 does not exist */
    {"30 2 * * *",
     &zone_de,
     "2026-03-28T01:30:00Z",
     {"2026-03-29T01:00:00Z", "2026-03-30T00:30:00Z", "2026-03-31T00:30:00Z"}},
    {"15,45 2 * * *", &zone_de, "2026-03-28T20:00:00Z", {"2026-03-29T01:00:00Z", "2026-03-30T00:15:00Z"}},
    {"0 3 * * *", &zone_de, "2026-03-28T20:00:00Z", {"2026-03-29T01:00:00Z", "2026-03-30T01:00:00Z"}},
    {"*/30 * * * *", &zone_de, "2026-03-29T00:30:00Z", {"2026-03-29T01:00:00Z", "2026-03-29T01:30:00Z"}},
    {"*/30 2 * * *", &zone_de, "2026-03-28T20:00:00Z", {"2026-03-30T00:00:00Z", "2026-03-30T00:30:00Z"}},
    /* Berlin, autumn: 02:00 to 03:00 of 25 October 2026 comes twice */
    {"30 2 * * *", &zone_de, "2026-10-24T12:00:00Z", {"2026-10-25T00:30:00Z", "2026-10-26T01:30:00Z"}},
    {"30 2 * * *", &zone_de, "2026-10-25T01:10:00Z", {"2026-10-26T01:30:00Z"}},
    {"0 3 * * *", &zone_de, "2026-10-24T12:00:00Z", {"2026-10-25T02:00:00Z", "2026-10-26T02:00:00Z"}},
    {"30 * * * *",
     &zone_de,
     "2026-10-25T00:00:00Z",
     {"2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z", "2026-10-25T02:30:00Z"}},
    {"*/30 2 * * *",
     &zone_de,
     "2026-10-24T12:00:00Z",
     {"2026-10-25T00:00:00Z", "2026-10-25T00:30:00Z", "2026-10-25T01:00:00Z", "2026-10-25T01:30:00Z"}},
    {"* 2 25 10 *", &zone_de, "2026-10-25T00:59:00Z", {"2026-10-25T01:00:00Z", "2026-10-25T01:01:00Z"}},
    {"* 2 25 10 *", &zone_de, "2026-10-25T01:59:00Z", {"2027-10-25T00:00:00Z"}},
    /* New York: 8 March and 1 November 2026 */
    {"30 2 * * *", &zone_us, "2026-03-07T07:30:00Z", {"2026-03-08T07:00:00Z", "2026-03-09T06:30:00Z"}},
    {"30 1 * * *", &zone_us, "2026-10-31T12:00:00Z", {"2026-11-01T05:30:00Z", "2026-11-02T06:30:00Z"}},
    {"*/30 * * * *", &zone_us, "2026-11-01T05:30:00Z", {"2026-11-01T06:00:00Z", "2026-11-01T06:30:00Z"}},
    {"0 0 1 1 *", &zone_us, "2026-06-01T00:00:00Z", {"2027-01-01T05:00:00Z"}},
    {"0 0 4 7 *", &zone_us, "2026-12-01T00:00:00Z", {"2027-07-04T04:00:00Z"}},
    {"* 0 4 7 *", &zone_us, "2026-12-01T00:00:00Z", {"2027-07-04T04:00:00Z", "2027-07-04T04:01:00Z"}},
};

static void test_cron_next(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(next_rows) / sizeof(next_rows[0]); i++) {
        const struct next_row *row = &next_rows[i];
        int64_t at = unix_ms_of(row->after);
        struct sched_cron cron = {0};
        const char *why;

        assert_int_equal(sched_cron_parse(&cron, row->cron, &why), 0);
        for (int n = 0; n < 4 && row->next[n]; n++) {
            char text[TIP_CLOCK_TEXT];

            at = sched_cron_next(&cron, row->zone, at);
            tip_clock_format(at, text);
            if (strcmp(text, row->next[n]) != 0)
                fail_msg("%s, number %d after %s: %s instead of %s", row->cron, n, row->after, text, row->next[n]);
        }
    }
}

/* Against counting minutes: every minute of a year, both zones, both kinds of expression. */
static bool minute_is_named(const struct sched_cron *cron, const struct sched_zone *zone, int64_t unix_s)
{
    struct tip_civil civil;

    tip_clock_to_civil((unix_s + zone->offset_s(NULL, unix_s)) * 1000, &civil);
    return (cron->minutes >> civil.minute & 1) && (cron->hours >> civil.hour & 1) &&
           (cron->months >> civil.month & 1) && (cron->days >> civil.day & 1) && (cron->weekdays >> civil.weekday & 1);
}

static void test_cron_wildcards_follow_the_clock_minute_by_minute(void **state)
{
    static const char *const expressions[] = {"*/7 * * * *", "* 2 * * *", "3,44 * 1-25/3 * *", "*/30 1-2 * 3,10,11 0"};
    const struct sched_zone *zones[] = {&zone_de, &zone_us};
    const char *why;

    (void)state;
    for (size_t i = 0; i < 8; i++) {
        int64_t from = unix_ms_of("2026-01-01T00:00:00Z") / 1000, until = from + 366 * 86400;
        struct sched_cron cron = {0};
        int64_t next;

        assert_int_equal(sched_cron_parse(&cron, expressions[i / 2], &why), 0);
        next = sched_cron_next(&cron, zones[i % 2], from * 1000 - 1);
        for (int64_t at = from; at < until; at += 60) {
            if (!minute_is_named(&cron, zones[i % 2], at))
                continue;
            assert_int_equal(next, at * 1000);
            next = sched_cron_next(&cron, zones[i % 2], next);
        }
    }
}

static void test_cron_end_of_time(void **state)
{
    struct sched_cron cron = {0};
    const char *why;

    (void)state;
    assert_int_equal(sched_cron_parse(&cron, "0 0 1 1 *", &why), 0);
    assert_int_equal(sched_cron_next(&cron, &zone_utc, unix_ms_of("9999-01-01T00:00:00Z")), SCHED_NEVER);
    assert_int_equal(sched_cron_parse(&cron, "* * * * *", &why), 0);
    assert_int_equal(sched_cron_next(&cron, &zone_utc, unix_ms_of("9999-12-31T23:59:30Z")), SCHED_NEVER);
}

static void test_cron_refuses(void **state)
{
    static const char *const bad[] = {
        "",           "* * * *",     "* * * * * *", "60 * * * *",   "* 24 * * *",      "* * 0 * *",     "* * 32 * *",
        "* * * 0 *",  "* * * 13 *",  "* * * * 8",   "5-1 * * * *",  "*/0 * * * *",     "*/x * * * *",   "1- * * * *",
        "1, * * * *", "-1 * * * *",  "5/2 * * * *", "* * * foo *",  "* * * janu *",    "@reboot",       "@never",
        "a * * * *",  "1;2 * * * *", "*5 * * * *",  "1000 * * * *", "* * * * fri-mon", "00001 * * * *",
    };
    static const char *const never[] = {"0 0 30 2 *", "0 0 31 4,6,9,11 *", "* * 31 feb *"};
    struct sched_cron cron;
    const char *why;

    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        why = NULL;
        if (sched_cron_parse(&cron, bad[i], &why) != SCHED_CRON_E_SYNTAX || !why)
            fail_msg("\"%s\" was accepted", bad[i]);
    }
    for (size_t i = 0; i < sizeof(never) / sizeof(never[0]); i++)
        assert_int_equal(sched_cron_parse(&cron, never[i], &why), SCHED_CRON_E_NEVER);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cron_next),
        cmocka_unit_test(test_cron_wildcards_follow_the_clock_minute_by_minute),
        cmocka_unit_test(test_cron_end_of_time),
        cmocka_unit_test(test_cron_refuses),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
