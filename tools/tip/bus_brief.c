#include "bus_brief.h"

#include <stdio.h>
#include <string.h>

#include "brief.h"

enum { BRIEF_FAR_S = 365 * 86400 }; /* what is further off is no news */

enum brief_kind {
    BRIEF_END, /* behind the last column */
    BRIEF_TEXT,
    BRIEF_YES,
    BRIEF_COUNT,
    BRIEF_RATE,     /* of the broker's reckoning */
    BRIEF_RATE_OF,  /* of a counter, between two answers */
    BRIEF_BYTES_OF, /* the same in bytes */
    BRIEF_SECONDS,
    BRIEF_MS,
    BRIEF_WINDOW, /* a part of <column>_max */
    BRIEF_NOTE    /* of a consumer */
};

struct brief_column {
    const char *title;
    enum brief_kind kind;
    const char *column;
    const char *rate; /* of a counter: the broker's reckoning */
};

/* clang-format off */
static const struct brief_column brief_columns[BUS_TABLE_COUNT][BUS_BRIEF_COLUMNS + 1] = {
    [BUS_CLASSES] = {
        {"class", BRIEF_TEXT, "class", NULL},
        {"tlp", BRIEF_TEXT, "tlp", NULL},
        {"per_s", BRIEF_RATE_OF, "events", "events_per_s"},
        {"per_s_60s", BRIEF_RATE, "events_per_s_60s", NULL},
        {"events", BRIEF_COUNT, "events", NULL},
    },
    [BUS_PUBLISHERS] = {
        {"publisher", BRIEF_TEXT, "publisher", NULL},
        {"up", BRIEF_YES, "up", NULL},
        {"per_s", BRIEF_RATE_OF, "events", "events_per_s"},
        {"bytes_s", BRIEF_BYTES_OF, "bytes", "bytes_per_s"},
        {"per_s_60s", BRIEF_RATE, "events_per_s_60s", NULL},
        {"unacked", BRIEF_COUNT, "window_events", NULL},
        {"window", BRIEF_WINDOW, "window_events", NULL},
        {"oldest", BRIEF_MS, "oldest_unacked_ms", NULL},
        {"heard", BRIEF_MS, "heard_ago_ms", NULL},
    },
    [BUS_CONSUMERS] = {
        {"consumer", BRIEF_TEXT, "consumer", NULL},
        {"behind", BRIEF_COUNT, "lag_events", NULL},
        {"oldest", BRIEF_SECONDS, "lag_s", NULL},
        {"per_s", BRIEF_RATE_OF, "events", "events_per_s"},
        {"bytes_s", BRIEF_BYTES_OF, "bytes", "bytes_per_s"},
        {"per_s_60s", BRIEF_RATE, "events_per_s_60s", NULL},
        {"seen", BRIEF_MS, "seen_ago_ms", NULL},
        {"note", BRIEF_NOTE, "required", NULL},
    },
    [BUS_QUEUES] = {
        {"queue", BRIEF_TEXT, "queue", NULL},
        {"wait", BRIEF_COUNT, "waiting", NULL},
        {"run", BRIEF_COUNT, "running", NULL},
        {"workers", BRIEF_COUNT, "workers", NULL},
        {"credit", BRIEF_COUNT, "credit", NULL},
        {"done_s", BRIEF_RATE_OF, "done", "ended_per_s"},
        {"done", BRIEF_COUNT, "done", NULL},
        {"failed", BRIEF_COUNT, "failed", NULL},
        {"oldest", BRIEF_MS, "oldest_waiting_ms", NULL},
    },
    [BUS_DOORS] = {
        {"door", BRIEF_TEXT, "tlp", NULL},
        {"prefixes", BRIEF_COUNT, "subscriptions", NULL},
        {"sent_s", BRIEF_RATE_OF, "sent", "sent_per_s"},
        {"sent", BRIEF_COUNT, "sent", NULL},
        {"overflows", BRIEF_COUNT, "overflows", NULL},
    },
    [BUS_JOURNAL] = {
        {"journal", BRIEF_TEXT, "journal_id", NULL},
        {"per_s", BRIEF_RATE_OF, "events", "events_per_s"},
    },
};
/* clang-format on */

void bus_brief_columns(enum bus_table table, struct bus_brief *brief)
{
    *brief = (struct bus_brief){.n_columns = 0};
    for (const struct brief_column *column = brief_columns[table]; column->kind; column++) {
        bool left = column->kind == BRIEF_TEXT || column->kind == BRIEF_YES || column->kind == BRIEF_NOTE;

        brief->columns[brief->n_columns++] =
            (struct tip_column){column->title, left ? TIP_COLUMN_TEXT : TIP_COLUMN_INT};
    }
}

/* ---- rates ---- */

static double brief_rate_of(const struct bus_state *state, const struct bus_state *before, enum bus_table table,
                            size_t row, const struct brief_column *column)
{
    long same = before && state->at_ms > before->at_ms ? bus_same(before, table, state, row) : -1;
    double now = bus_number(state, table, row, column->column, 0), then;

    if (same < 0)
        return bus_number(state, table, row, column->rate, 0);
    then = bus_number(before, table, (size_t)same, column->column, 0);
    return now > then ? (now - then) * 1000 / (double)(state->at_ms - before->at_ms) : 0; /* less: begun anew */
}

double bus_brief_rate(const struct bus_state *state, const struct bus_state *before, enum bus_table table, size_t row)
{
    for (const struct brief_column *column = brief_columns[table]; column->kind; column++) {
        if (column->kind == BRIEF_RATE_OF)
            return brief_rate_of(state, before, table, row, column);
    }
    return 0;
}

/* ---- cells ---- */

static void brief_note(const struct bus_state *state, size_t row, char cell[static BUS_BRIEF_CELL])
{
    const char *trimmed = bus_text(state, BUS_CONSUMERS, row, "trimmed_in_s");
    const char *stops = bus_text(state, BUS_CONSUMERS, row, "stops_acks_in_s");
    double in_s = bus_number(state, BUS_CONSUMERS, row, trimmed ? "trimmed_in_s" : "stops_acks_in_s", 0);
    char in[BRIEF_BYTES];

    if (in_s > BRIEF_FAR_S)
        trimmed = stops = NULL;
    brief_seconds(in_s, in);
    if (bus_is(state, BUS_CONSUMERS, row, "overtaken"))
        snprintf(cell, BUS_BRIEF_CELL, "trimmed over");
    else if (trimmed)
        snprintf(cell, BUS_BRIEF_CELL, "trimmed in %s", in);
    else if (stops)
        snprintf(cell, BUS_BRIEF_CELL, "required, stops acks in %s", in);
    else
        snprintf(cell, BUS_BRIEF_CELL, "%s", bus_is(state, BUS_CONSUMERS, row, "required") ? "required" : "");
}

static void brief_window(const struct bus_state *state, enum bus_table table, size_t row,
                         char cell[static BUS_BRIEF_CELL])
{
    double events = bus_number(state, table, row, "window_events", 0);
    double bytes = bus_number(state, table, row, "window_bytes", 0);
    double events_max = bus_number(state, table, row, "window_events_max", 0);
    double bytes_max = bus_number(state, table, row, "window_bytes_max", 0);
    double part = events_max > 0 ? events / events_max : 0;

    if (bytes_max > 0 && bytes / bytes_max > part)
        part = bytes / bytes_max;
    snprintf(cell, BUS_BRIEF_CELL, "%.0f%%", 100 * part);
}

static void brief_cell(const struct bus_state *state, const struct bus_state *before, enum bus_table table, size_t row,
                       const struct brief_column *column, char cell[static BUS_BRIEF_CELL])
{
    const char *text = bus_text(state, table, row, column->column);
    double value = bus_number(state, table, row, column->column, 0);

    snprintf(cell, BUS_BRIEF_CELL, "-");
    if (!text && column->kind != BRIEF_NOTE)
        return;
    switch (column->kind) {
    case BRIEF_END:
        return;
    case BRIEF_TEXT:
        snprintf(cell, BUS_BRIEF_CELL, "%s", text);
        return;
    case BRIEF_YES:
        snprintf(cell, BUS_BRIEF_CELL, "%s", strcmp(text, "true") == 0 ? "yes" : "no");
        return;
    case BRIEF_COUNT:
        brief_count(value, cell);
        return;
    case BRIEF_RATE:
        brief_rate(value, cell);
        return;
    case BRIEF_RATE_OF:
        brief_rate(brief_rate_of(state, before, table, row, column), cell);
        return;
    case BRIEF_BYTES_OF:
        brief_bytes(brief_rate_of(state, before, table, row, column), cell);
        return;
    case BRIEF_SECONDS:
        brief_seconds(value, cell);
        return;
    case BRIEF_MS:
        brief_seconds(value / 1000, cell);
        return;
    case BRIEF_WINDOW:
        brief_window(state, table, row, cell);
        return;
    case BRIEF_NOTE:
        brief_note(state, row, cell);
        return;
    }
}

void bus_brief_row(const struct bus_state *state, const struct bus_state *before, enum bus_table table, size_t row,
                   char cells[BUS_BRIEF_COLUMNS][BUS_BRIEF_CELL])
{
    for (size_t i = 0; brief_columns[table][i].kind; i++)
        brief_cell(state, before, table, row, &brief_columns[table][i], cells[i]);
}
