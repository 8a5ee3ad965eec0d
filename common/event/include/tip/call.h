#pragma once
/*
 * Bodies of calls as plain structs: what every program sees of proto/tip/v1/call.proto. Ownership as in <tip/event.h>:
 * encode borrows, decode yields one block.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <tip/buf.h>

enum {
    TIP_CALL_BYTES_MAX = 1024 * 1024, /* of a body */
    TIP_CALL_PARAMS_MAX = 32,
    TIP_CALL_ROWS_MAX = 10000
};

/** Why a call failed; Failure on the wire. */
enum tip_failure {
    TIP_FAILURE_NONE,
    TIP_FAILURE_REFUSED,
    TIP_FAILURE_NOT_FOUND,
    TIP_FAILURE_DEADLINE,
    TIP_FAILURE_NO_WORKER,
    TIP_FAILURE_UNAVAILABLE,
    TIP_FAILURE_INVALID,
    TIP_FAILURE_COUNT
};

struct tip_param {
    const char *name, *value;
};

struct tip_store_query {
    const char *name;
    size_t n_params;
    struct tip_param *params;
    uint32_t limit; /* rows; 0 for the query's default */
};

enum tip_column_type {
    TIP_COLUMN_TEXT,
    TIP_COLUMN_INT,
    TIP_COLUMN_REAL,
    TIP_COLUMN_BOOL,
    TIP_COLUMN_TIME,
    TIP_COLUMN_BYTES,
    TIP_COLUMN_TYPE_COUNT
};

struct tip_column {
    const char *name;
    enum tip_column_type type;
};

struct tip_store_answer {
    size_t n_columns, n_rows;
    struct tip_column *columns;
    const char **cells; /* n_rows x n_columns, row by row; NULL is SQL's null */
    bool more;
};

struct tip_control_request {
    const char *actor, *action, *target, *reason;
    int64_t expires_unix_ms;
    bool dry_run;
    size_t n_params;
    struct tip_param *params;
};

struct tip_control_answer {
    bool ok;
    const char *result;
    size_t n_values;
    struct tip_param *values;
};

/** @return 0; -ENOBUFS or -EMSGSIZE when a bound is passed. */
tip_nodiscard int tip_store_query_encode(const struct tip_store_query *query, struct tip_buf *out);
tip_nodiscard int tip_store_answer_encode(const struct tip_store_answer *answer, struct tip_buf *out);
tip_nodiscard int tip_control_request_encode(const struct tip_control_request *request, struct tip_buf *out);
tip_nodiscard int tip_control_answer_encode(const struct tip_control_answer *answer, struct tip_buf *out);

/** @return 0, TIP_EVENT_E_MALFORMED or TIP_EVENT_E_INVALID; the result is freed with tip_call_free. */
tip_nodiscard int tip_store_query_decode(const uint8_t *bytes, size_t n, struct tip_store_query **queryp);
tip_nodiscard int tip_store_answer_decode(const uint8_t *bytes, size_t n, struct tip_store_answer **answerp);
tip_nodiscard int tip_control_request_decode(const uint8_t *bytes, size_t n, struct tip_control_request **requestp);
tip_nodiscard int tip_control_answer_decode(const uint8_t *bytes, size_t n, struct tip_control_answer **answerp);

/** Frees what a decode above yielded; takes the address of the pointer. Fits tip_auto. */
void tip_call_free(void *pointerp);

/** The value of a parameter, or NULL. */
const char *tip_param_get(const struct tip_param *params, size_t n, const char *name);

const char *tip_failure_name(enum tip_failure failure);
