#pragma once
/* Rows and columns of what the broker tells; for view.c and view_tables.c only. */
#include <stdbool.h>

#include <tip/call.h>
#include <tip/metrics.h>
#include <tip/recent.h>

#include "core/rates.h"
#include "io/view.h"

enum { VIEW_COLUMNS_MAX = 24, VIEW_TEXT_MAX = 256, VIEW_LABELS_MAX = 2 };

/** A cell; the type of its column says which member counts. */
struct view_cell {
    bool is_set; /* else null */
    bool yes;
    int64_t integer;
    double real;
    char text[VIEW_TEXT_MAX];
};

/** A column that is a metric too. */
struct view_metric {
    size_t column;
    double factor; /* 1e-3 where the column has milliseconds and the metric seconds */
};

struct view_table {
    const char *name;
    const struct tip_column *columns;
    size_t n_columns;
    size_t (*count)(struct view *view);
    /** False: there is no such row. */
    bool (*fill)(struct view *view, size_t i, struct view_cell *cells);
    const struct tip_metric_row *rows; /* metrics, labelled by the first columns */
    const struct view_metric *metrics; /* where each has its value; null cells are no series */
    size_t n_metrics;
    size_t gate; /* a bool column: rows without it are no series; 0: all are */
};

extern const struct view_table view_tables[];
extern const size_t view_tables_n;

/** A table's metrics: what comes back with each exposition. */
struct view_reading {
    struct view *view;
    const struct view_table *table;
};

/** "class/tlp", the name that a class has among the rates. */
void view_class_name(char name[static RATES_NAME_MAX + 1], const struct journal_counter *counter);

struct view {
    struct view_options options;
    struct rates_table publishers, consumers, queues, classes, doors;
    struct work_queue_stats *queue_list; /* as of the last count; its names are the work door's */
    size_t n_queues, queue_room;
    struct rates journal;
    struct tip_recent flush_us;
    struct view_reading *readings; /* one a table */
    int64_t now_ms, wall_us;       /* of the question */
};
