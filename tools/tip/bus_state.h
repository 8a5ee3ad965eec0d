#pragma once
/* What the broker says of itself (bus.query), all of it at one moment: for `tip status` and `tip top`. */
#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include <tip/call.h>

struct client;

/** In the order in which they are shown; the names are the broker's. */
enum bus_table { BUS_CLASSES, BUS_PUBLISHERS, BUS_CONSUMERS, BUS_QUEUES, BUS_DOORS, BUS_JOURNAL, BUS_TABLE_COUNT };

extern const char *const bus_table_names[BUS_TABLE_COUNT];

struct bus_state {
    struct tip_store_answer *answers[BUS_TABLE_COUNT]; /* NULL: not known */
    int64_t at_ms;                                     /* monotonic: when they came */
};

/** Asks for everything. @param state  to be freed in any case @return an enum cli_exit; the reason has been said */
int bus_state_ask(struct bus_state *state, struct client *client);
void bus_state_free(struct bus_state *state);

/** Rows of a table; 0 when it is not known. */
size_t bus_rows(const struct bus_state *state, enum bus_table table);

/** A cell; NULL when it is null, or there is no such row or column. */
const char *bus_text(const struct bus_state *state, enum bus_table table, size_t row, const char *column);

/** The same as a number; a fallback for null. */
double bus_number(const struct bus_state *state, enum bus_table table, size_t row, const char *column, double fallback);
bool bus_is(const struct bus_state *state, enum bus_table table, size_t row, const char *column);

/** The row of a table in which the first columns are those of another state's row; -1 when there is none. */
long bus_same(const struct bus_state *state, enum bus_table table, const struct bus_state *other, size_t row);

/** An object of arrays of objects; null when nothing is known. */
json_t *bus_json(const struct bus_state *state);
