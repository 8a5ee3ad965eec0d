#include <tip/call.h>

#include <errno.h>
#include <string.h>

#include <tip/event.h>
#include <tip/utf8.h>
#include <tip/v1/call.pb-c.h>

#include "wire.h"

enum { CALL_ARENA_MAX = 64 << 20, CALL_COLUMNS_MAX = 64, CALL_VALUE_MAX = 4096 };

static const char *const failure_names[TIP_FAILURE_COUNT] = {
    [TIP_FAILURE_NONE] = "none",           [TIP_FAILURE_REFUSED] = "refused",
    [TIP_FAILURE_NOT_FOUND] = "not_found", [TIP_FAILURE_DEADLINE] = "deadline",
    [TIP_FAILURE_NO_WORKER] = "no_worker", [TIP_FAILURE_UNAVAILABLE] = "unavailable",
    [TIP_FAILURE_INVALID] = "invalid",
};

const char *tip_failure_name(enum tip_failure failure)
{
    return failure < TIP_FAILURE_COUNT ? failure_names[failure] : "";
}

const char *tip_param_get(const struct tip_param *params, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(params[i].name, name) == 0)
            return params[i].value;
    }
    return NULL;
}

/* ---- tables: the three maps of texts are alike, but generated apart ---- */

#define CALL_PARAM_TABLE(message, descriptor_name, rows, table)                      \
    static const struct wire_field rows[] = {                                        \
        WIRE_AS("name", TEXT, message, key, tip_param, name, 1, TIP_NAME_MAX),       \
        WIRE_AS("value", TEXT, message, value, tip_param, value, 0, CALL_VALUE_MAX), \
    };                                                                               \
    static const struct wire_table table = WIRE_TABLE(descriptor_name, tip_param, rows, )

CALL_PARAM_TABLE(StoreQuery__ParamsEntry, tip__v1__store_query__params_entry__descriptor, query_param_rows,
                 query_param_table);
CALL_PARAM_TABLE(ControlRequest__ParamsEntry, tip__v1__control_request__params_entry__descriptor, request_param_rows,
                 request_param_table);
CALL_PARAM_TABLE(ControlAnswer__ValuesEntry, tip__v1__control_answer__values_entry__descriptor, answer_value_rows,
                 answer_value_table);

static const struct wire_field query_rows[] = {
    WIRE_ROW(TEXT, StoreQuery, tip_store_query, name, 1, TIP_NAME_MAX),
    WIRE_MANY(MAP, StoreQuery, params, tip_store_query, params, TIP_CALL_PARAMS_MAX, &query_param_table),
    WIRE_ROW(U32, StoreQuery, tip_store_query, limit, 0, TIP_CALL_ROWS_MAX),
};
static const struct wire_table query_table =
    WIRE_TABLE(tip__v1__store_query__descriptor, tip_store_query, query_rows, );

static const struct wire_field request_rows[] = {
    WIRE_ROW(TEXT, ControlRequest, tip_control_request, actor, 0, TIP_NAME_MAX),
    WIRE_ROW(TEXT, ControlRequest, tip_control_request, action, 1, TIP_NAME_MAX),
    WIRE_ROW(TEXT, ControlRequest, tip_control_request, target, 0, TIP_INDICATOR_MAX),
    WIRE_ROW(TEXT, ControlRequest, tip_control_request, reason, 0, TIP_TEXT_MAX),
    WIRE_AT("expires_at", ControlRequest, tip_control_request, expires_unix_ms),
    WIRE_ROW(BOOL, ControlRequest, tip_control_request, dry_run, 0, 0),
    WIRE_MANY(MAP, ControlRequest, params, tip_control_request, params, TIP_CALL_PARAMS_MAX, &request_param_table),
};
static const struct wire_table request_table =
    WIRE_TABLE(tip__v1__control_request__descriptor, tip_control_request, request_rows, );

static const struct wire_field answer_rows[] = {
    WIRE_ROW(BOOL, ControlAnswer, tip_control_answer, ok, 0, 0),
    WIRE_ROW(TEXT, ControlAnswer, tip_control_answer, result, 0, TIP_TEXT_MAX),
    WIRE_MANY(MAP, ControlAnswer, values, tip_control_answer, values, TIP_CALL_PARAMS_MAX, &answer_value_table),
};
static const struct wire_table answer_table =
    WIRE_TABLE(tip__v1__control_answer__descriptor, tip_control_answer, answer_rows, );

/* ---- bodies that are tables ---- */

int wire_body_encode(const struct wire_table *table, const void *plain, struct tip_buf *out)
{
    tip_auto(arena_deinit) struct arena arena = {0};
    ProtobufCMessage *message;

    arena_init(&arena, CALL_ARENA_MAX);
    if (wire_check(table, plain))
        return -EINVAL;
    message = wire_from_plain(table, &arena, plain);
    return message ? wire_pack(message, TIP_CALL_BYTES_MAX, out) : -ENOMEM;
}

int wire_body_decode(const struct wire_table *table, const uint8_t *bytes, size_t n, void **plainp)
{
    tip_auto(tip_call_free) void *plain = wire_box_new(table->plain_size, CALL_ARENA_MAX);
    ProtobufCMessage *message = NULL;
    const char *reason;
    int r;

    if (n <= TIP_CALL_BYTES_MAX)
        message = protobuf_c_message_unpack(table->descriptor, &wire_box_arena(plain)->allocator, n, bytes);
    if (!message)
        return TIP_EVENT_E_MALFORMED;
    r = wire_to_plain(table, wire_box_arena(plain), message, plain, &reason);
    if (r)
        return r;
    *plainp = tip_take(plain);
    return 0;
}

void tip_call_free(void *pointerp)
{
    void *plain;

    memcpy(&plain, pointerp, sizeof(plain));
    wire_box_free(plain);
    memset(pointerp, 0, sizeof(plain));
}

int tip_store_query_encode(const struct tip_store_query *query, struct tip_buf *out)
{
    return wire_body_encode(&query_table, query, out);
}

int tip_control_request_encode(const struct tip_control_request *request, struct tip_buf *out)
{
    return wire_body_encode(&request_table, request, out);
}

int tip_control_answer_encode(const struct tip_control_answer *answer, struct tip_buf *out)
{
    return wire_body_encode(&answer_table, answer, out);
}

int tip_store_query_decode(const uint8_t *bytes, size_t n, struct tip_store_query **queryp)
{
    void *plain;
    int r = wire_body_decode(&query_table, bytes, n, &plain);

    if (!r)
        *queryp = plain;
    return r;
}

int tip_control_request_decode(const uint8_t *bytes, size_t n, struct tip_control_request **requestp)
{
    void *plain;
    int r = wire_body_decode(&request_table, bytes, n, &plain);

    if (!r)
        *requestp = plain;
    return r;
}

int tip_control_answer_decode(const uint8_t *bytes, size_t n, struct tip_control_answer **answerp)
{
    void *plain;
    int r = wire_body_decode(&answer_table, bytes, n, &plain);

    if (!r)
        *answerp = plain;
    return r;
}

/* ---- the answer of a query: rows and columns ---- */

static Tip__V1__Row *call_row(struct arena *arena, const char *const *cells, size_t n)
{
    Tip__V1__Row *row = arena_alloc(arena, 1, sizeof(*row));
    Tip__V1__Cell *all = arena_alloc(arena, n, sizeof(*all));

    if (!row || !all)
        return NULL;
    tip__v1__row__init(row);
    row->cells = arena_alloc(arena, n, sizeof(*row->cells));
    row->n_cells = n;
    for (size_t i = 0; row->cells && i < n; i++) {
        tip__v1__cell__init(&all[i]);
        all[i].is_null = !cells[i];
        if (cells[i])
            all[i].text = wire_borrow(cells[i]);
        row->cells[i] = &all[i];
    }
    return row->cells ? row : NULL;
}

static Tip__V1__Column *call_column(struct arena *arena, const struct tip_column *column)
{
    Tip__V1__Column *message = arena_alloc(arena, 1, sizeof(*message));

    if (!message)
        return NULL;
    tip__v1__column__init(message);
    message->name = wire_borrow(column->name);
    message->type = (Tip__V1__ColumnType)column->type;
    return message;
}

static int call_answer_fill(const struct tip_store_answer *answer, struct arena *arena, Tip__V1__StoreAnswer *message)
{
    message->columns = arena_alloc(arena, answer->n_columns, sizeof(*message->columns));
    message->rows = arena_alloc(arena, answer->n_rows, sizeof(*message->rows));
    if (!message->columns || !message->rows)
        return -ENOMEM;
    message->n_columns = answer->n_columns;
    message->n_rows = answer->n_rows;
    message->more = answer->more;
    for (size_t i = 0; i < answer->n_columns; i++) {
        message->columns[i] = call_column(arena, &answer->columns[i]);
        if (!message->columns[i])
            return -ENOMEM;
    }
    for (size_t i = 0; i < answer->n_rows; i++) {
        message->rows[i] = call_row(arena, answer->cells + i * answer->n_columns, answer->n_columns);
        if (!message->rows[i])
            return -ENOMEM;
    }
    return 0;
}

/* Whatever its size, what does not fit into a call's body has no use for an arena that large. */
int tip_store_answer_encode(const struct tip_store_answer *answer, struct tip_buf *out)
{
    tip_auto(arena_deinit) struct arena arena = {0};
    Tip__V1__StoreAnswer message = TIP__V1__STORE_ANSWER__INIT;

    if (answer->n_columns > CALL_COLUMNS_MAX || answer->n_rows > TIP_CALL_ROWS_MAX)
        return -EMSGSIZE;
    arena_init(&arena, CALL_ARENA_MAX);
    if (call_answer_fill(answer, &arena, &message))
        return -EMSGSIZE;
    return wire_pack(&message.base, TIP_CALL_BYTES_MAX, out);
}

static int call_columns_read(const Tip__V1__StoreAnswer *message, struct tip_store_answer *answer)
{
    for (size_t i = 0; i < message->n_columns; i++) {
        const Tip__V1__Column *column = message->columns[i];

        if (!wire_text_valid(column->name, 1, TIP_NAME_MAX) || (unsigned)column->type >= TIP_COLUMN_TYPE_COUNT)
            return TIP_EVENT_E_INVALID;
        answer->columns[i] = (struct tip_column){.name = column->name, .type = (enum tip_column_type)column->type};
    }
    return 0;
}

static int call_rows_read(const Tip__V1__StoreAnswer *message, struct tip_store_answer *answer)
{
    const char **cell = answer->cells;

    for (size_t i = 0; i < message->n_rows; i++) {
        if (message->rows[i]->n_cells != answer->n_columns)
            return TIP_EVENT_E_INVALID;
        for (size_t j = 0; j < answer->n_columns; j++) {
            const Tip__V1__Cell *from = message->rows[i]->cells[j];

            if (!tip_utf8_valid(from->text, strlen(from->text)))
                return TIP_EVENT_E_INVALID;
            *cell++ = from->is_null ? NULL : from->text;
        }
    }
    return 0;
}

static int call_answer_read(const Tip__V1__StoreAnswer *message, struct arena *arena, struct tip_store_answer *answer)
{
    int r;

    if (message->n_columns > CALL_COLUMNS_MAX || message->n_rows > TIP_CALL_ROWS_MAX)
        return TIP_EVENT_E_INVALID;
    answer->n_columns = message->n_columns;
    answer->n_rows = message->n_rows;
    answer->more = message->more;
    answer->columns = arena_alloc(arena, answer->n_columns, sizeof(*answer->columns));
    answer->cells = arena_alloc(arena, answer->n_rows * answer->n_columns, sizeof(*answer->cells));
    if (!answer->columns || !answer->cells)
        return TIP_EVENT_E_INVALID;
    r = call_columns_read(message, answer);
    return r ? r : call_rows_read(message, answer);
}

int tip_store_answer_decode(const uint8_t *bytes, size_t n, struct tip_store_answer **answerp)
{
    tip_auto(tip_call_free) struct tip_store_answer *answer = wire_box_new(sizeof(*answer), CALL_ARENA_MAX);
    Tip__V1__StoreAnswer *message = NULL;
    int r;

    if (n <= TIP_CALL_BYTES_MAX)
        message = tip__v1__store_answer__unpack(&wire_box_arena(answer)->allocator, n, bytes);
    if (!message)
        return TIP_EVENT_E_MALFORMED;
    r = call_answer_read(message, wire_box_arena(answer), answer);
    if (r)
        return r;
    *answerp = tip_take(answer);
    return 0;
}
