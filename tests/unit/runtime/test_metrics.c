#include "check.h"

#include <errno.h>
#include <stdio.h>

#include <tip/metrics.h>

enum { M_FETCHED, M_AGE_A, M_AGE_B, M_TOOK, M_COUNT };

static const struct tip_metric_row rows[M_COUNT] = {
    [M_FETCHED] = {TIP_METRIC_COUNTER, "tip_test_fetched_total", "", "Lists fetched."},
    [M_AGE_A] = {TIP_METRIC_GAUGE, "tip_test_age_seconds", "source=\"a\"", "Age of a list."},
    [M_TOOK] = {TIP_METRIC_HISTOGRAM, "tip_test_took_seconds", "kind=\"x\"", "Time taken."},
    [M_AGE_B] = {TIP_METRIC_GAUGE, "tip_test_age_seconds", "source=\"b\"", "Age of a list."},
};

static void refresh(void *ctx)
{
    tip_metric_set(ctx, 2.5);
}

static void test_exposition(void **state)
{
    struct tip_metrics *metrics = tip_metrics_new();
    tip_auto(tip_buf_deinit) struct tip_buf out;
    struct tip_metric *m[M_COUNT];
    const char *text;

    (void)state;
    tip_buf_init(&out, 1 << 20);
    tip_metrics_add(metrics, rows, M_COUNT, m);
    tip_metric_inc(m[M_FETCHED]);
    tip_metric_add(m[M_FETCHED], 41);
    tip_metric_set(m[M_AGE_B], -7);
    tip_metrics_on_read(metrics, refresh, m[M_AGE_A]);
    tip_metric_observe(m[M_TOOK], 0.003);
    tip_metric_observe(m[M_TOOK], 1000);
    assert_int_equal(tip_metrics_write(metrics, &out), 0);
    text = tip_buf_text(&out);
    assert_non_null(strstr(text, "# HELP tip_test_fetched_total Lists fetched.\n"
                                 "# TYPE tip_test_fetched_total counter\n"
                                 "tip_test_fetched_total 42\n"));
    assert_non_null(strstr(text, "# HELP tip_test_age_seconds Age of a list.\n"
                                 "# TYPE tip_test_age_seconds gauge\n"
                                 "tip_test_age_seconds{source=\"a\"} 2.5\n"
                                 "tip_test_age_seconds{source=\"b\"} -7\n"));
    assert_non_null(strstr(text, "# TYPE tip_test_took_seconds histogram\n"));
    assert_non_null(strstr(text, "tip_test_took_seconds_bucket{kind=\"x\",le=\"0.002\"} 0\n"));
    assert_non_null(strstr(text, "tip_test_took_seconds_bucket{kind=\"x\",le=\"0.005\"} 1\n"));
    assert_non_null(strstr(text, "tip_test_took_seconds_bucket{kind=\"x\",le=\"100\"} 1\n"));
    assert_non_null(strstr(text, "tip_test_took_seconds_bucket{kind=\"x\",le=\"+Inf\"} 2\n"));
    assert_non_null(strstr(text, "tip_test_took_seconds_count{kind=\"x\"} 2\n"));
    tip_metrics_destroy(&metrics);
}

static void test_cap_is_kept_and_counted(void **state)
{
    struct tip_metrics *metrics = tip_metrics_new();
    tip_auto(tip_buf_deinit) struct tip_buf out;
    struct tip_metric *metric;
    char labels[32];

    (void)state;
    tip_buf_init(&out, 1 << 20);
    for (int i = 0; i < TIP_METRICS_MAX + 5; i++) {
        const struct tip_metric_row row = {TIP_METRIC_GAUGE, "tip_test_many", labels, "Many."};

        (void)snprintf(labels, sizeof(labels), "i=\"%d\"", i);
        tip_metrics_add(metrics, &row, 1, &metric);
        tip_metric_set(metric, i);
    }
    assert_int_equal(tip_metrics_write(metrics, &out), 0);
    assert_non_null(strstr(tip_buf_text(&out), "tip_metrics_refused_total 6\n")); /* it counts itself among them */
    assert_null(strstr(tip_buf_text(&out), "i=\"2004\""));
    tip_metrics_destroy(&metrics);
}

static void test_small_buffer_is_an_error(void **state)
{
    struct tip_metrics *metrics = tip_metrics_new();
    tip_auto(tip_buf_deinit) struct tip_buf out;

    (void)state;
    tip_buf_init(&out, 16);
    assert_int_equal(tip_metrics_write(metrics, &out), -ENOBUFS);
    tip_metrics_destroy(&metrics);
}

/* ---- series that come and go ---- */

enum { R_SENT, R_LAG, R_COUNT };

static const struct tip_metric_row reading_rows[R_COUNT] = {
    [R_SENT] = {TIP_METRIC_COUNTER, "tip_test_sent_total", "peer,tlp", "Sent."},
    [R_LAG] = {TIP_METRIC_GAUGE, "tip_test_lag", "peer", "Behind."},
};

struct peers {
    const char *names[4];
    size_t n;
};

static void read_peers(void *ctx, size_t row, struct tip_metric_out *out)
{
    const struct peers *peers = ctx;

    for (size_t i = 0; i < peers->n; i++)
        tip_metric_sample(out, (const char *const[]){peers->names[i], "amber"}, row == R_SENT ? 7 : 0.5);
}

static void test_series_come_and_go(void **state)
{
    struct tip_metrics *metrics = tip_metrics_new();
    struct peers peers = {{"a", "q\"b\\c\nd\x80", "third", "fourth"}, 2};
    tip_auto(tip_buf_deinit) struct tip_buf out;

    (void)state;
    tip_buf_init(&out, 1 << 20);
    tip_metrics_read(metrics, &(struct tip_metric_reading){reading_rows, R_COUNT, 3, read_peers, &peers});
    assert_int_equal(tip_metrics_write(metrics, &out), 0);
    assert_non_null(strstr(tip_buf_text(&out),
                           "# HELP tip_test_sent_total Sent.\n# TYPE tip_test_sent_total counter\n"
                           "tip_test_sent_total{peer=\"a\",tlp=\"amber\"} 7\n"
                           "tip_test_sent_total{peer=\"q\\\"b\\\\c\\nd\xef\xbf\xbd\",tlp=\"amber\"} 7\n"
                           "# HELP tip_test_lag Behind.\n# TYPE tip_test_lag gauge\n"
                           "tip_test_lag{peer=\"a\"} 0.5\n"));
    peers.n = 1;
    tip_buf_clear(&out);
    assert_int_equal(tip_metrics_write(metrics, &out), 0);
    assert_null(strstr(tip_buf_text(&out), "q\\\""));
    peers.n = 4;
    tip_buf_clear(&out);
    assert_int_equal(tip_metrics_write(metrics, &out), 0);
    assert_non_null(strstr(tip_buf_text(&out), "third"));
    assert_null(strstr(tip_buf_text(&out), "fourth"));
    tip_buf_clear(&out);
    tip_metrics_read_cancel(metrics, &peers);
    assert_int_equal(tip_metrics_write(metrics, &out), 0);
    assert_null(strstr(tip_buf_text(&out), "tip_test_lag"));
    assert_non_null(strstr(tip_buf_text(&out), "tip_metrics_refused_total 2\n")); /* one of each row */
    tip_metrics_destroy(&metrics);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_exposition),
        cmocka_unit_test(test_cap_is_kept_and_counted),
        cmocka_unit_test(test_small_buffer_is_an_error),
        cmocka_unit_test(test_series_come_and_go),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
