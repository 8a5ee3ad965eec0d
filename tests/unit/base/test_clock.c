#include "check.h"
#include "random.h"

#include <errno.h>
#include <time.h>

#include <tip/clock.h>

static void test_clock_both_ways(void **state)
{
    static const struct {
        int64_t unix_ms;
        const char *text;
    } rows[] = {
        {0, "1970-01-01T00:00:00Z"},
        {1, "1970-01-01T00:00:00.001Z"},
        {-1, "1969-12-31T23:59:59.999Z"},
        {1795320000000, "2026-11-22T04:00:00Z"},
        {951782400000, "2000-02-29T00:00:00Z"},
        {4107542399000, "2100-02-28T23:59:59Z"},
        {253402300799999, "9999-12-31T23:59:59.999Z"},
        {-62167219200000, "0000-01-01T00:00:00Z"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        char text[TIP_CLOCK_TEXT];
        size_t n;
        int64_t unix_ms;

        n = tip_clock_format(rows[i].unix_ms, text);
        assert_int_equal(n, strlen(text));
        assert_string_equal(text, rows[i].text);
        assert_int_equal(tip_clock_parse(&unix_ms, text, strlen(text)), 0);
        assert_int_equal(unix_ms, rows[i].unix_ms);
    }
}

static void test_clock_clamps(void **state)
{
    char text[TIP_CLOCK_TEXT];

    (void)state;
    tip_clock_format(INT64_MAX, text);
    assert_string_equal(text, "9999-12-31T23:59:59.999Z");
    tip_clock_format(INT64_MIN, text);
    assert_string_equal(text, "0000-01-01T00:00:00Z");
}

static void test_clock_refused(void **state)
{
    static const char *const rows[] = {
        "",
        "2026-11-22",
        "2026-11-22T04:00:00",
        "2026-11-22 04:00:00Z",
        "2026-11-22t04:00:00z",
        "2026-11-22T04:00:00+00:00",
        "2026-11-22T04:00:00.1Z",
        "2026-11-22T04:00:00.1234Z",
        "2026-11-22T04:00:60Z",
        "2026-11-22T24:00:00Z",
        "2026-11-22T04:60:00Z",
        "2026-13-22T04:00:00Z",
        "2026-00-22T04:00:00Z",
        "2026-02-29T04:00:00Z",
        "2026-02-00T04:00:00Z",
        "2026-1-22T004:00:00Z",
        "-026-11-22T04:00:00Z",
        "2026-11-22T04:00:00Z ",
    };
    int64_t unix_ms;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        if (tip_clock_parse(&unix_ms, rows[i], strlen(rows[i])) != -EINVAL)
            fail_msg("%s", rows[i]);
    }
}

static void test_clock_agrees_with_libc(void **state)
{
    uint64_t random = test_seed();

    (void)state;
    for (int i = 0; i < 100000; i++) {
        int64_t seconds = (int64_t)(test_random(&random) % 315569520000u) - 62167219200;
        struct tip_civil civil;
        time_t when = seconds;
        struct tm tm;

        assert_non_null(gmtime_r(&when, &tm));
        tip_clock_to_civil(seconds * 1000, &civil);
        if (civil.year != tm.tm_year + 1900 || civil.month != tm.tm_mon + 1 || civil.day != tm.tm_mday ||
            civil.hour != tm.tm_hour || civil.minute != tm.tm_min || civil.second != tm.tm_sec ||
            civil.weekday != tm.tm_wday)
            fail_msg("%lld", (long long)seconds);
        assert_int_equal(tip_clock_from_civil(&civil), seconds * 1000);
    }
}

static void test_durations(void **state)
{
    static const struct {
        const char *text;
        int code;
        uint64_t ms;
        const char *canonical;
    } rows[] = {
        {"0", 0, 0, "0s"},
        {"0s", 0, 0, "0s"},
        {"250ms", 0, 250, "250ms"},
        {"90s", 0, 90000, "1m30s"},
        {"15m", 0, 900000, "15m"},
        {"1h30m", 0, 5400000, "1h30m"},
        {"7d", 0, 604800000, "7d"},
        {"2w", 0, 1209600000, "14d"},
        {"1w1d1h1m1s1ms", 0, 694861001, "8d1h1m1s1ms"},
        {"18446744073709551615ms", 0, UINT64_MAX, "213503982334d14h25m51s615ms"},
        {"18446744073709551616ms", -ERANGE, 0, NULL},
        {"213503982335d", -ERANGE, 0, NULL},
        {"30500568905w18446744073709551615ms", -ERANGE, 0, NULL},
        {"", -EINVAL, 0, NULL},
        {"15", -EINVAL, 0, NULL},
        {"m", -EINVAL, 0, NULL},
        {"15 m", -EINVAL, 0, NULL},
        {" 15m", -EINVAL, 0, NULL},
        {"-15m", -EINVAL, 0, NULL},
        {"1.5h", -EINVAL, 0, NULL},
        {"15M", -EINVAL, 0, NULL},
        {"15min", -EINVAL, 0, NULL},
        {"30m1h", -EINVAL, 0, NULL},
        {"1m1m", -EINVAL, 0, NULL},
        {"1y", -EINVAL, 0, NULL},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        char text[TIP_DURATION_TEXT];
        size_t n;
        uint64_t ms = 0;
        int r = tip_duration_parse(&ms, rows[i].text, strlen(rows[i].text));

        if (r != rows[i].code || ms != rows[i].ms)
            fail_msg("%s: %d %llu", rows[i].text, r, (unsigned long long)ms);
        if (r)
            continue;
        n = tip_duration_format(ms, text);
        assert_int_equal(n, strlen(text));
        assert_string_equal(text, rows[i].canonical);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_clock_both_ways), cmocka_unit_test(test_clock_clamps),
        cmocka_unit_test(test_clock_refused),   cmocka_unit_test(test_clock_agrees_with_libc),
        cmocka_unit_test(test_durations),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
