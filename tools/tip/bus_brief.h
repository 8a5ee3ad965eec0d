#pragma once
/* The broker's tables as a person reads them: few columns, short cells. For `tip status` and `tip top`. */
#include <stdbool.h>
#include <stddef.h>

#include "bus_state.h"

enum { BUS_BRIEF_COLUMNS = 9, BUS_BRIEF_CELL = 96 };

struct bus_brief {
    size_t n_columns;
    struct tip_column columns[BUS_BRIEF_COLUMNS]; /* numbers stand right */
};

/** The columns of a table. */
void bus_brief_columns(enum bus_table table, struct bus_brief *brief);

/**
 * The cells of a row, "-" for what is not known. Rates are those between `before` and `state`; without `before` (NULL)
 * those that the broker says of its last second.
 */
void bus_brief_row(const struct bus_state *state, const struct bus_state *before, enum bus_table table, size_t row,
                   char cells[BUS_BRIEF_COLUMNS][BUS_BRIEF_CELL]);

/** What moves in a row, by second: its events, or jobs. */
double bus_brief_rate(const struct bus_state *state, const struct bus_state *before, enum bus_table table, size_t row);
