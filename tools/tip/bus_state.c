#include "bus_state.h"

#include <stdlib.h>
#include <string.h>

#include <tip/loop.h>

#include "client.h"
#include "command.h"

enum { BUS_ROWS_MAX = 2000 };

const char *const bus_table_names[BUS_TABLE_COUNT] = {
    [BUS_CLASSES] = "classes", [BUS_PUBLISHERS] = "publishers", [BUS_CONSUMERS] = "consumers",
    [BUS_QUEUES] = "queues",   [BUS_DOORS] = "doors",           [BUS_JOURNAL] = "journal",
};

/* How many columns name a row. */
static const size_t bus_keys[BUS_TABLE_COUNT] = {
    [BUS_CLASSES] = 2, [BUS_PUBLISHERS] = 1, [BUS_CONSUMERS] = 1, [BUS_QUEUES] = 1, [BUS_DOORS] = 2, [BUS_JOURNAL] = 1,
};

int bus_state_ask(struct bus_state *state, struct client *client)
{
    struct tip_store_query query = {.limit = BUS_ROWS_MAX};
    int r = CLI_OK;

    for (int table = 0; table < BUS_TABLE_COUNT && r == CLI_OK; table++) {
        query.name = bus_table_names[table];
        r = client_bus_query(client, &query, &state->answers[table]);
    }
    state->at_ms = tip_loop_now_ms();
    return r;
}

void bus_state_free(struct bus_state *state)
{
    for (int table = 0; table < BUS_TABLE_COUNT; table++)
        tip_call_free(&state->answers[table]);
}

size_t bus_rows(const struct bus_state *state, enum bus_table table)
{
    return state->answers[table] ? state->answers[table]->n_rows : 0;
}

const char *bus_text(const struct bus_state *state, enum bus_table table, size_t row, const char *column)
{
    const struct tip_store_answer *answer = state->answers[table];

    for (size_t i = 0; row < bus_rows(state, table) && i < answer->n_columns; i++) {
        if (strcmp(answer->columns[i].name, column) == 0)
            return answer->cells[row * answer->n_columns + i];
    }
    return NULL;
}

double bus_number(const struct bus_state *state, enum bus_table table, size_t row, const char *column, double fallback)
{
    const char *text = bus_text(state, table, row, column);

    return text ? strtod(text, NULL) : fallback;
}

bool bus_is(const struct bus_state *state, enum bus_table table, size_t row, const char *column)
{
    const char *text = bus_text(state, table, row, column);

    return text && strcmp(text, "true") == 0;
}

static bool bus_row_same(const struct tip_store_answer *a, size_t i, const struct tip_store_answer *b, size_t k,
                         size_t n_keys)
{
    for (size_t column = 0; column < n_keys && column < a->n_columns && column < b->n_columns; column++) {
        const char *left = a->cells[i * a->n_columns + column], *right = b->cells[k * b->n_columns + column];

        if (!left || !right || strcmp(left, right) != 0)
            return false;
    }
    return true;
}

long bus_same(const struct bus_state *state, enum bus_table table, const struct bus_state *other, size_t row)
{
    for (size_t i = 0; i < bus_rows(state, table); i++) {
        if (bus_row_same(state->answers[table], i, other->answers[table], row, bus_keys[table]))
            return (long)i;
    }
    return -1;
}

static json_t *bus_json_row(const struct tip_store_answer *answer, size_t row)
{
    json_t *object = json_object();

    for (size_t i = 0; i < answer->n_columns; i++)
        json_object_set_new(object, answer->columns[i].name,
                            out_json(answer->cells[row * answer->n_columns + i], answer->columns[i].type));
    return object;
}

json_t *bus_json(const struct bus_state *state)
{
    json_t *object, *rows;

    if (!state->answers[BUS_JOURNAL])
        return json_null();
    object = json_object();
    for (int table = 0; table < BUS_TABLE_COUNT; table++) {
        rows = json_array();
        for (size_t i = 0; i < bus_rows(state, (enum bus_table)table); i++)
            json_array_append_new(rows, bus_json_row(state->answers[table], i));
        json_object_set_new(object, bus_table_names[table], rows);
    }
    return object;
}
