#include "io/view_private.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tip/alloc.h>
#include <tip/event.h>
#include <tip/loop.h>

enum { VIEW_LIMIT = 1000 };

/* ---- an answer: every cell as text ---- */

struct view_rows {
    const struct view_table *table;
    char **cells; /* n_rows x n_columns, owned */
    size_t n_rows;
    bool more;
};

static void view_rows_deinit(struct view_rows *rows)
{
    for (size_t i = 0; i < rows->n_rows * rows->table->n_columns; i++)
        free(rows->cells[i]);
    free(rows->cells);
}

static char *view_text(const struct view_cell *cell, enum tip_column_type type)
{
    char number[40];

    if (!cell->is_set)
        return NULL;
    switch (type) {
    case TIP_COLUMN_INT:
        (void)snprintf(number, sizeof(number), "%" PRId64, cell->integer);
        return tip_strdup(number);
    case TIP_COLUMN_REAL:
        (void)snprintf(number, sizeof(number), "%.3f", cell->real);
        return tip_strdup(number);
    case TIP_COLUMN_BOOL:
        return tip_strdup(cell->yes ? "true" : "false");
    case TIP_COLUMN_TEXT:
    case TIP_COLUMN_TIME:
    case TIP_COLUMN_BYTES:
    case TIP_COLUMN_TYPE_COUNT:
        break;
    }
    return tip_strdup(cell->text);
}

static void view_collect(struct view *view, struct view_rows *rows, size_t limit)
{
    const struct view_table *table = rows->table;
    size_t n = table->count(view);

    rows->cells = tip_new_array((n < limit ? n : limit) * table->n_columns + 1, char *);
    for (size_t i = 0; i < n; i++) {
        struct view_cell cells[VIEW_COLUMNS_MAX] = {{.is_set = false}};

        if (!table->fill(view, i, cells))
            continue;
        if (rows->n_rows == limit) {
            rows->more = true;
            return;
        }
        for (size_t k = 0; k < table->n_columns; k++)
            rows->cells[rows->n_rows * table->n_columns + k] = view_text(&cells[k], table->columns[k].type);
        rows->n_rows++;
    }
}

/* What does not fit into the body of a call is left out, and `more` says so. */
static int view_encode(const struct view_rows *rows, struct tip_buf *out)
{
    struct tip_store_answer answer = {.n_columns = rows->table->n_columns, .n_rows = rows->n_rows, .more = rows->more};
    int r;

    answer.columns = tip_memdup(rows->table->columns, answer.n_columns * sizeof(*answer.columns));
    answer.cells = tip_memdup(rows->cells, rows->n_rows * answer.n_columns * sizeof(*answer.cells));
    while ((r = tip_store_answer_encode(&answer, out)) && answer.n_rows) {
        tip_buf_clear(out);
        answer.n_rows /= 2;
        answer.more = true;
    }
    free(answer.columns);
    tip_free(&answer.cells);
    return r;
}

static void view_refuse(struct calls_answer *answer, enum tip_failure code, const char *reason)
{
    answer->code = code;
    answer->reason = reason;
}

static const struct view_table *view_find(const char *name)
{
    for (size_t i = 0; i < view_tables_n; i++) {
        if (strcmp(view_tables[i].name, name) == 0)
            return &view_tables[i];
    }
    return NULL;
}

static void view_now(struct view *view)
{
    view->now_ms = tip_loop_now_ms();
    view->wall_us = tip_loop_wall_us();
}

void view_answer(struct view *view, const uint8_t *query, size_t n, struct calls_answer *answer)
{
    tip_auto(tip_call_free) struct tip_store_query *ask = NULL;
    struct view_rows rows = {.n_rows = 0};

    if (tip_store_query_decode(query, n, &ask)) {
        view_refuse(answer, TIP_FAILURE_INVALID, "the query cannot be read");
        return;
    }
    rows.table = view_find(ask->name);
    if (!rows.table) {
        view_refuse(answer, TIP_FAILURE_NOT_FOUND, "there is no such query: broker/README.md names them");
        return;
    }
    if (ask->n_params || ask->limit > TIP_CALL_ROWS_MAX) {
        view_refuse(answer, TIP_FAILURE_INVALID, "it takes no parameters, and a limit of at most 10000");
        return;
    }
    view_now(view);
    view_collect(view, &rows, ask->limit ? ask->limit : VIEW_LIMIT);
    if (view_encode(&rows, answer->body))
        view_refuse(answer, TIP_FAILURE_UNAVAILABLE, "the answer does not fit into a call");
    view_rows_deinit(&rows);
}

/* ---- metrics ---- */

static double view_number(const struct view_cell *cell, enum tip_column_type type)
{
    if (type == TIP_COLUMN_BOOL)
        return cell->yes;
    return type == TIP_COLUMN_INT ? (double)cell->integer : cell->real;
}

static void view_on_reading(void *ctx, size_t row, struct tip_metric_out *out)
{
    const struct view_reading *reading = ctx;
    const struct view_table *table = reading->table;
    const struct view_metric *metric = &table->metrics[row];
    size_t n = table->count(reading->view);

    view_now(reading->view);
    for (size_t i = 0; i < n; i++) {
        struct view_cell cells[VIEW_COLUMNS_MAX] = {{.is_set = false}};
        const char *const labels[VIEW_LABELS_MAX] = {cells[0].text, cells[1].text};

        if (!table->fill(reading->view, i, cells) || !cells[metric->column].is_set ||
            (table->gate && !cells[table->gate].yes))
            continue;
        tip_metric_sample(out, labels,
                          view_number(&cells[metric->column], table->columns[metric->column].type) * metric->factor);
    }
}

/* ---- each second ---- */

void view_flushed(struct view *view, uint64_t flush_us)
{
    tip_recent_add(&view->flush_us, (int64_t)flush_us);
}

static void view_tick_classes(struct view *view, const struct journal_table *table, int64_t now_ms)
{
    char name[RATES_NAME_MAX + 1];

    for (size_t i = 0; i < table->n_counters; i++) {
        const struct journal_counter *counter = table->counters[i];

        view_class_name(name, counter);
        rates_table_note(&view->classes, name, &(struct rates_reading){now_ms, counter->told, 0});
    }
    rates_table_sweep(&view->classes, now_ms);
}

/** A reading of all queues. */
struct view_queue_tick {
    struct view *view;
    int64_t now_ms;
};

static void view_on_queue(void *ctx, const struct work_queue_stats *stats)
{
    const struct view_queue_tick *tick = ctx;

    rates_table_note(&tick->view->queues, stats->name,
                     &(struct rates_reading){tick->now_ms, stats->done + stats->failed, 0});
}

static void view_tick_queues(struct view *view, int64_t now_ms)
{
    calls_each_queue(view->options.calls, view_on_queue, &(struct view_queue_tick){view, now_ms});
    rates_table_sweep(&view->queues, now_ms);
}

static void view_tick_doors(struct view *view, int64_t now_ms)
{
    struct feed_view door;

    for (size_t i = 0; i < feed_n_doors(view->options.feed); i++) {
        feed_view(view->options.feed, i, &door);
        rates_table_note(&view->doors, tip_tlp_name((enum tip_tlp)door.tlp_max),
                         &(struct rates_reading){now_ms, door.sent, 0});
    }
    rates_table_sweep(&view->doors, now_ms);
}

void view_tick(struct view *view, int64_t now_ms)
{
    const struct journal_table *table = journal_tablep(view->options.journal);
    const struct journal_holds *holds = journal_consumers(view->options.journal);
    struct journal_status status;

    journal_status(view->options.journal, &status);
    rates_note(&view->journal, &(struct rates_reading){now_ms, status.n_events, status.n_bytes});
    for (size_t i = 0; i < table->n_publishers; i++) {
        const struct journal_publisher *publisher = table->publishers[i];

        rates_table_note(&view->publishers, publisher->name,
                         &(struct rates_reading){now_ms, publisher->n_events, publisher->n_bytes});
    }
    rates_table_sweep(&view->publishers, now_ms);
    for (size_t i = 0; i < holds->n; i++) {
        const struct journal_hold *hold = &holds->items[i];

        rates_table_note(&view->consumers, hold->name,
                         &(struct rates_reading){now_ms, hold->n_fetched, hold->n_fetched_bytes});
    }
    rates_table_sweep(&view->consumers, now_ms);
    view_tick_classes(view, table, now_ms);
    view_tick_doors(view, now_ms);
    view_tick_queues(view, now_ms);
}

/* ---- life ---- */

struct view *view_new(const struct view_options *options)
{
    struct view *view = tip_new(struct view);

    view->options = *options;
    view->readings = tip_new_array(view_tables_n, struct view_reading);
    for (size_t i = 0; i < view_tables_n; i++) {
        const struct view_table *table = &view_tables[i];

        view->readings[i] = (struct view_reading){view, table};
        if (table->n_metrics)
            tip_metrics_read(options->metrics,
                             &(struct tip_metric_reading){table->rows, table->n_metrics, options->series_max,
                                                          view_on_reading, &view->readings[i]});
    }
    view_tick(view, tip_loop_now_ms()); /* rates begin here */
    return view;
}

void view_destroy(struct view **viewp)
{
    struct view *view = *viewp;

    if (!view)
        return;
    for (size_t i = 0; i < view_tables_n; i++)
        tip_metrics_read_cancel(view->options.metrics, &view->readings[i]);
    rates_table_deinit(&view->publishers);
    rates_table_deinit(&view->consumers);
    rates_table_deinit(&view->queues);
    rates_table_deinit(&view->classes);
    rates_table_deinit(&view->doors);
    free(view->queue_list);
    free(view->readings);
    free(view);
    *viewp = NULL;
}
