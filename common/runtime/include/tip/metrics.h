#pragma once
/*
 * Metrics: counters, gauges and histograms in tables, written out as Prometheus text (exposition format 0.0.4).
 * Adding, setting and observing work from any thread; registering and writing belong to the loop's.
 *
 *     enum { M_FETCHED, M_AGE, M_COUNT };
 *     static const struct tip_metric_row rows[M_COUNT] = {
 *         [M_FETCHED] = {TIP_METRIC_COUNTER, "tip_blacklist_fetched_total", "", "Lists fetched."},
 *         [M_AGE] = {TIP_METRIC_GAUGE, "tip_blacklist_age_seconds", "source=\"drop\"", "Age of the newest list."},
 *     };
 *     struct tip_metric *m[M_COUNT];
 *     tip_metrics_add(metrics, rows, M_COUNT, m);
 *     tip_metric_inc(m[M_FETCHED]);
 */
#include <stddef.h>
#include <stdint.h>

#include <tip/buf.h>
#include <tip/cleanup.h>

enum { TIP_METRICS_MAX = 2000 };

enum tip_metric_type { TIP_METRIC_COUNTER, TIP_METRIC_GAUGE, TIP_METRIC_HISTOGRAM, TIP_METRIC_TYPE_COUNT };

/** Rows with one name differ in their labels and share type and help. Texts are copied. */
struct tip_metric_row {
    enum tip_metric_type type;
    const char *name;   /* tip_<service>_<noun>_<unit>, counters end in _total */
    const char *labels; /* `source="drop",kind="net"`, escaped already; NULL or "": none */
    const char *help;
};

struct tip_metrics;
struct tip_metric;

struct tip_metrics *tip_metrics_new(void);
void tip_metrics_destroy(struct tip_metrics **metricsp);

/**
 * Registers n rows; the metrics live as long as the registry. Rows beyond TIP_METRICS_MAX work but are not shown, and
 * tip_metrics_refused_total says how many.
 *
 * @param metricsp  set to n metrics
 */
void tip_metrics_add(struct tip_metrics *metrics, const struct tip_metric_row *rows, size_t n,
                     struct tip_metric **metricsp);

/** Counters. */
void tip_metric_inc(struct tip_metric *metric);
void tip_metric_add(struct tip_metric *metric, uint64_t n);

/** Gauges; and counters that are kept elsewhere and only mirrored here. */
void tip_metric_set(struct tip_metric *metric, double value);

double tip_metric_value(const struct tip_metric *metric);

/** Histograms: buckets at 1, 2, 5 times powers of ten from 0.0001 to 100 (seconds, mostly). */
void tip_metric_observe(struct tip_metric *metric, double value);

/** Called before each exposition, to refresh gauges. At most 32. */
void tip_metrics_on_read(struct tip_metrics *metrics, void (*fn)(void *ctx), void *ctx);
void tip_metrics_on_read_cancel(struct tip_metrics *metrics, const void *ctx);

/* ---- series that come and go ---- */

enum { TIP_METRIC_LABEL_BYTES = 128 };

struct tip_metric_out;

/** What is counted elsewhere, of things that come and go: a series is shown while the reading names it. */
struct tip_metric_reading {
    const struct tip_metric_row *rows; /* borrowed for good; labels: the names of the labels, `publisher` or `a,b` */
    size_t n_rows;
    size_t series_max; /* of each row; more are not shown, and counted at each exposition as refused */
    /** Says every series of rows[row], each by tip_metric_sample. Called at each exposition, from the loop. */
    void (*fn)(void *ctx, size_t row, struct tip_metric_out *out);
    void *ctx;
};

/** At most 8 readings. They are part of each exposition from now on, behind the registered metrics. */
void tip_metrics_read(struct tip_metrics *metrics, const struct tip_metric_reading *reading);
void tip_metrics_read_cancel(struct tip_metrics *metrics, const void *ctx);

/** One series: the values of its labels in the row's order, escaped here and cut to TIP_METRIC_LABEL_BYTES. */
void tip_metric_sample(struct tip_metric_out *out, const char *const *values, double value);

/** Appends the exposition. @return 0 or -ENOBUFS */
tip_nodiscard int tip_metrics_write(struct tip_metrics *metrics, struct tip_buf *out);
