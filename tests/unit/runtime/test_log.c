#include "check.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <tip/cleanup.h>
#include <tip/fail.h>
#include <tip/log.h>

static FILE *sink;

static int log_open(void **state)
{
    (void)state;
    sink = tmpfile();
    tip_log_init("test");
    tip_log_to(fileno(sink));
    tip_log_set_level(TIP_LOG_INFO);
    return sink ? 0 : -1;
}

static int log_close(void **state)
{
    (void)state;
    tip_log_to(-1);
    return fclose(sink);
}

/* Everything written so far, without the time stamps. */
static const char *written(void)
{
    static char text[1 << 20];
    ssize_t n;

    n = pread(fileno(sink), text, sizeof(text) - 1, 0);
    assert_true(n >= 0);
    text[n] = '\0';
    return text;
}

static const char *last_line(void)
{
    static char line[16384];
    const char *text = written();
    size_t n = strlen(text);
    const char *start;

    assert_true(n > 0 && text[n - 1] == '\n');
    start = memrchr(text, '\n', n - 1);
    start = start ? start + 1 : text;
    assert_int_equal(strncmp(start, "ts=20", 5), 0);
    (void)snprintf(line, sizeof(line), "%.*s", (int)(strlen(start) - 1 - 28), start + 28);
    return line;
}

static void test_a_line(void **state)
{
    (void)state;
    tip_info("flux.verdict", "domain=%s score=%.2f n=%d big=%" PRIu64 " size=%zu", "example.test", 0.914, -3,
             UINT64_MAX, (size_t)7);
    assert_string_equal(last_line(), "level=info service=test event=flux.verdict domain=example.test score=0.91 n=-3 "
                                     "big=18446744073709551615 size=7");
    tip_warn("bare", "");
    assert_string_equal(last_line(), "level=warn service=test event=bare");
}

static void test_foreign_text_is_disarmed(void **state)
{
    static const struct {
        const char *text;
        const char *shown;
    } table[] = {
        {"plain", "v=plain"},
        {"", "v=\"\""},
        {"two words", "v=\"two words\""},
        {"a=b", "v=\"a=b\""},
        {"say \"hi\" \\ now", "v=\"say \\\"hi\\\" \\\\ now\""},
        {"line\nts=2026 level=error", "v=\"line\\nts=2026 level=error\""},
        {"\x1b[31mred", "v=\"\\x1b[31mred\""},
        {"caf\xc3\xa9", "v=\"caf\\xc3\\xa9\""},
        {"%s%n", "v=%s%n"},
    };
    const char *volatile none = NULL;

    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        tip_info("v", "v=%s", table[i].text);
        assert_string_equal(last_line() + strlen("level=info service=test event=v "), table[i].shown);
    }
    tip_info("v", "v=%.*s|%c", 3, "abcdef", ' ');
    assert_string_equal(last_line() + strlen("level=info service=test event=v "), "v=abc|\" \"");
    tip_info("v", "v=%s", none);
    assert_string_equal(last_line() + strlen("level=info service=test event=v "), "v=-");
}

static void test_long_values_are_cut(void **state)
{
    char text[5000];

    (void)state;
    memset(text, 'x', sizeof(text) - 1);
    text[sizeof(text) - 1] = '\0';
    tip_info("long", "a=%s b=%d", text, 1);
    assert_int_equal(strlen(last_line()), strlen("level=info service=test event=long a= b=1") + 1024 + 3);
}

static void test_levels(void **state)
{
    size_t before;

    (void)state;
    tip_info("level.before", "");
    before = strlen(written());
    tip_debug("level.debug", "n=%d", 1);
    assert_int_equal(strlen(written()), before);
    tip_log_toggle_debug();
    tip_debug("level.debug", "n=%d", 2);
    assert_string_equal(last_line(), "level=debug service=test event=level.debug n=2");
    tip_log_toggle_debug();
    before = strlen(written());
    tip_debug("level.debug", "n=%d", 3);
    tip_log_set_level(TIP_LOG_ERROR);
    tip_warn("level.warn", "");
    assert_int_equal(strlen(written()), before);
}

static void test_traces_of_failures(void **state)
{
    (void)state;
    (void)!tip_fail(7); /* a stray positive code is our mistake: always told */
    assert_non_null(strstr(last_line(), "level=error service=test event=trace in=test_traces_of_failures"));
    assert_non_null(strstr(last_line(), "code=ENOTRECOVERABLE"));
    tip_log_set_level(TIP_LOG_DEBUG);
    (void)!tip_fail(-ENOENT);
    assert_non_null(strstr(last_line(), "level=debug"));
    assert_non_null(strstr(last_line(), "code=ENOENT"));
}

static void test_repeated_events_are_held_back(void **state)
{
    size_t n = 0;

    (void)state;
    for (int i = 0; i < 500; i++)
        tip_warn("flood.event", "i=%d", i);
    for (const char *at = written(); (at = strstr(at, "event=flood.event")); at++)
        n++;
    assert_int_equal(n, 100);
    tip_warn("other.event", "");
    assert_non_null(strstr(last_line(), "event=other.event"));
}

static void *log_much(void *ctx)
{
    (void)ctx;
    for (int i = 0; i < 500; i++)
        tip_debug("thread.line", "value=%s i=%d", "some words", i);
    return NULL;
}

static void test_lines_of_threads_stay_whole(void **state)
{
    pthread_t threads[4];
    size_t n = 0;

    (void)state;
    tip_log_set_level(TIP_LOG_DEBUG);
    for (size_t i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, log_much, NULL), 0);
    for (size_t i = 0; i < 4; i++)
        pthread_join(threads[i], NULL);
    for (const char *at = written(); *at; at = strchr(at, '\n') + 1) {
        assert_int_equal(strncmp(at, "ts=20", 5), 0);
        n++;
    }
    assert_int_equal(n, 2000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_line, log_open, log_close),
        cmocka_unit_test_setup_teardown(test_foreign_text_is_disarmed, log_open, log_close),
        cmocka_unit_test_setup_teardown(test_long_values_are_cut, log_open, log_close),
        cmocka_unit_test_setup_teardown(test_levels, log_open, log_close),
        cmocka_unit_test_setup_teardown(test_traces_of_failures, log_open, log_close),
        cmocka_unit_test_setup_teardown(test_repeated_events_are_held_back, log_open, log_close),
        cmocka_unit_test_setup_teardown(test_lines_of_threads_stay_whole, log_open, log_close),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
