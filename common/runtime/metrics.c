#include <tip/metrics.h>

#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <tip/alloc.h>
#include <tip/fail.h>
#include <tip/utf8.h>

enum { METRICS_READERS_MAX = 32, METRICS_READINGS_MAX = 8 };

static const double metric_bounds[] = {0.0001, 0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1,
                                       0.2,    0.5,    1,      2,     5,     10,    20,   50,   100};

static const char *const metric_types[TIP_METRIC_TYPE_COUNT] = {"counter", "gauge", "histogram"};

#define METRIC_N_BOUNDS (sizeof(metric_bounds) / sizeof(metric_bounds[0]))

struct tip_metric {
    struct tip_metric *next;
    enum tip_metric_type type;
    char *name;
    char *labels; /* NULL: none */
    char *help;
    _Atomic double value;
    _Atomic uint64_t n;
    _Atomic uint64_t *buckets; /* histograms: METRIC_N_BOUNDS, not cumulated */
    bool is_written;           /* in the current exposition */
};

struct metrics_reader {
    void (*fn)(void *ctx);
    void *ctx;
};

struct tip_metrics {
    struct tip_metric *first;
    struct tip_metric **lastp;
    struct tip_metric *surplus; /* registered beyond the maximum */
    size_t n;
    struct tip_metric *refused;
    struct metrics_reader readers[METRICS_READERS_MAX];
    size_t n_readers;
    struct tip_metric_reading readings[METRICS_READINGS_MAX];
    size_t n_readings;
};

/** Where a reading puts the series of one row. */
struct tip_metric_out {
    struct tip_buf *buf;
    const struct tip_metric_row *row;
    size_t left; /* series that may still come */
    uint64_t n_refused;
    int result;
};

static struct tip_metric *metric_new(const struct tip_metric_row *row)
{
    struct tip_metric *metric;

    metric = tip_new(struct tip_metric);
    metric->type = row->type;
    metric->name = tip_strdup(row->name);
    metric->labels = row->labels && *row->labels ? tip_strdup(row->labels) : NULL;
    metric->help = tip_strdup(row->help);
    if (row->type == TIP_METRIC_HISTOGRAM)
        metric->buckets = tip_alloc(METRIC_N_BOUNDS, sizeof(*metric->buckets));
    return metric;
}

static void metric_list_free(struct tip_metric *metric)
{
    struct tip_metric *next;

    for (; metric; metric = next) {
        next = metric->next;
        free(metric->name);
        free(metric->labels);
        free(metric->help);
        free(metric->buckets);
        free(metric);
    }
}

struct tip_metrics *tip_metrics_new(void)
{
    static const struct tip_metric_row refused = {TIP_METRIC_COUNTER, "tip_metrics_refused_total", NULL,
                                                  "Metrics beyond the maximum, not shown."};
    struct tip_metrics *metrics;

    metrics = tip_new(struct tip_metrics);
    metrics->lastp = &metrics->first;
    tip_metrics_add(metrics, &refused, 1, &metrics->refused);
    return metrics;
}

void tip_metrics_destroy(struct tip_metrics **metricsp)
{
    struct tip_metrics *metrics = *metricsp;

    if (!metrics)
        return;
    metric_list_free(metrics->first);
    metric_list_free(metrics->surplus);
    free(metrics);
    *metricsp = NULL;
}

void tip_metrics_add(struct tip_metrics *metrics, const struct tip_metric_row *rows, size_t n,
                     struct tip_metric **metricsp)
{
    struct tip_metric *metric;

    for (size_t i = 0; i < n; i++) {
        metric = metric_new(&rows[i]);
        metricsp[i] = metric;
        if (metrics->n < TIP_METRICS_MAX) {
            *metrics->lastp = metric;
            metrics->lastp = &metric->next;
            metrics->n++;
        } else {
            metric->next = metrics->surplus;
            metrics->surplus = metric;
            tip_metric_inc(metrics->refused);
        }
    }
}

/* --- values --- */

static void metric_value_add(struct tip_metric *metric, double value)
{
    double seen = atomic_load_explicit(&metric->value, memory_order_relaxed);

    while (!atomic_compare_exchange_weak_explicit(&metric->value, &seen, seen + value, memory_order_relaxed,
                                                  memory_order_relaxed))
        continue;
}

void tip_metric_inc(struct tip_metric *metric)
{
    tip_metric_add(metric, 1);
}

void tip_metric_add(struct tip_metric *metric, uint64_t n)
{
    metric_value_add(metric, (double)n);
}

void tip_metric_set(struct tip_metric *metric, double value)
{
    atomic_store_explicit(&metric->value, value, memory_order_relaxed);
}

double tip_metric_value(const struct tip_metric *metric)
{
    return atomic_load_explicit(&metric->value, memory_order_relaxed);
}

void tip_metric_observe(struct tip_metric *metric, double value)
{
    metric_value_add(metric, value);
    atomic_fetch_add_explicit(&metric->n, 1, memory_order_relaxed);
    for (size_t i = 0; i < METRIC_N_BOUNDS; i++) {
        if (value <= metric_bounds[i]) {
            atomic_fetch_add_explicit(&metric->buckets[i], 1, memory_order_relaxed);
            return;
        }
    }
}

void tip_metrics_on_read(struct tip_metrics *metrics, void (*fn)(void *ctx), void *ctx)
{
    if (metrics->n_readers < METRICS_READERS_MAX)
        metrics->readers[metrics->n_readers++] = (struct metrics_reader){fn, ctx};
}

void tip_metrics_on_read_cancel(struct tip_metrics *metrics, const void *ctx)
{
    size_t n = 0;

    for (size_t i = 0; i < metrics->n_readers; i++)
        if (metrics->readers[i].ctx != ctx)
            metrics->readers[n++] = metrics->readers[i];
    metrics->n_readers = n;
}

/* --- exposition --- */

static int metric_write_histogram(const struct tip_metric *metric, struct tip_buf *out)
{
    const char *labels = metric->labels ? metric->labels : "";
    const char *comma = metric->labels ? "," : "";
    uint64_t n = atomic_load(&metric->n);
    uint64_t below = 0;
    int r = 0;

    for (size_t i = 0; i < METRIC_N_BOUNDS && !r; i++) {
        below += atomic_load(&metric->buckets[i]);
        r = tip_buf_append_format(out, "%s_bucket{%s%sle=\"%g\"} %" PRIu64 "\n", metric->name, labels, comma,
                                  metric_bounds[i], below);
    }
    if (r)
        return r;
    r = tip_buf_append_format(out, "%s_bucket{%s%sle=\"+Inf\"} %" PRIu64 "\n", metric->name, labels, comma, n);
    if (r)
        return r;
    if (!metric->labels)
        return tip_buf_append_format(out, "%s_sum %.9g\n%s_count %" PRIu64 "\n", metric->name, tip_metric_value(metric),
                                     metric->name, n);
    return tip_buf_append_format(out, "%s_sum{%s} %.9g\n%s_count{%s} %" PRIu64 "\n", metric->name, labels,
                                 tip_metric_value(metric), metric->name, labels, n);
}

static int metric_write(const struct tip_metric *metric, struct tip_buf *out)
{
    if (metric->type == TIP_METRIC_HISTOGRAM)
        return metric_write_histogram(metric, out);
    if (!metric->labels)
        return tip_buf_append_format(out, "%s %.17g\n", metric->name, tip_metric_value(metric));
    return tip_buf_append_format(out, "%s{%s} %.17g\n", metric->name, metric->labels, tip_metric_value(metric));
}

/* A name's rows stand together, whenever they were registered. */
static int metrics_write_family(struct tip_metric *first, struct tip_buf *out)
{
    int r;

    r = tip_buf_append_format(out, "# HELP %s %s\n# TYPE %s %s\n", first->name, first->help, first->name,
                              metric_types[first->type]);
    for (struct tip_metric *metric = first; metric && !r; metric = metric->next) {
        if (metric->is_written || strcmp(metric->name, first->name) != 0)
            continue;
        metric->is_written = true;
        r = metric_write(metric, out);
    }
    return r;
}

void tip_metrics_read(struct tip_metrics *metrics, const struct tip_metric_reading *reading)
{
    if (metrics->n_readings < METRICS_READINGS_MAX)
        metrics->readings[metrics->n_readings++] = *reading;
}

void tip_metrics_read_cancel(struct tip_metrics *metrics, const void *ctx)
{
    size_t n = 0;

    for (size_t i = 0; i < metrics->n_readings; i++)
        if (metrics->readings[i].ctx != ctx)
            metrics->readings[n++] = metrics->readings[i];
    metrics->n_readings = n;
}

/* The format knows three escapes: backslash, quote and line feed. */
static int metric_write_value(struct tip_buf *out, const char *foreign)
{
    char value[TIP_METRIC_LABEL_BYTES + 1], text[2 * TIP_METRIC_LABEL_BYTES];
    size_t n = 0;

    tip_utf8_copy(value, sizeof(value), foreign, strlen(foreign));
    for (size_t i = 0; value[i]; i++) {
        if (value[i] == '\\' || value[i] == '"' || value[i] == '\n')
            text[n++] = '\\';
        text[n++] = (char)(value[i] == '\n' ? 'n' : value[i]);
    }
    return tip_buf_append(out, text, n);
}

static int metric_write_labels(const struct tip_metric_row *row, const char *const *values, struct tip_buf *out)
{
    const char *name = row->labels;
    int r = tip_buf_append_format(out, "%s{", row->name);

    for (size_t i = 0; *name && !r; i++) {
        size_t len = strcspn(name, ",");

        r = tip_buf_append_format(out, "%s%.*s=\"", i ? "," : "", (int)len, name);
        if (!r)
            r = metric_write_value(out, values[i]);
        if (!r)
            r = tip_buf_append_text(out, "\"");
        name += len + (name[len] == ',');
    }
    return r;
}

void tip_metric_sample(struct tip_metric_out *out, const char *const *values, double value)
{
    if (out->result || out->left == 0) {
        out->n_refused++;
        return;
    }
    out->left--;
    out->result = metric_write_labels(out->row, values, out->buf);
    if (!out->result)
        out->result = tip_buf_append_format(out->buf, "} %.17g\n", value);
}

static int metrics_write_reading(struct tip_metrics *metrics, const struct tip_metric_reading *reading,
                                 struct tip_buf *out)
{
    struct tip_metric_out to = {.buf = out};
    int r = 0;

    for (size_t i = 0; i < reading->n_rows && !r; i++) {
        const struct tip_metric_row *row = &reading->rows[i];

        r = tip_buf_append_format(out, "# HELP %s %s\n# TYPE %s %s\n", row->name, row->help, row->name,
                                  metric_types[row->type]);
        if (r)
            break;
        to.row = row;
        to.left = reading->series_max;
        reading->fn(reading->ctx, i, &to);
        r = to.result;
    }
    tip_metric_add(metrics->refused, to.n_refused);
    return r;
}

int tip_metrics_write(struct tip_metrics *metrics, struct tip_buf *out)
{
    int r;

    for (size_t i = 0; i < metrics->n_readers; i++)
        metrics->readers[i].fn(metrics->readers[i].ctx);
    for (struct tip_metric *metric = metrics->first; metric; metric = metric->next)
        metric->is_written = false;
    for (struct tip_metric *metric = metrics->first; metric; metric = metric->next) {
        if (metric->is_written)
            continue;
        r = metrics_write_family(metric, out);
        if (r)
            return tip_fail(r);
    }
    for (size_t i = 0; i < metrics->n_readings; i++) {
        r = metrics_write_reading(metrics, &metrics->readings[i], out);
        if (r)
            return tip_fail(r);
    }
    return 0;
}
