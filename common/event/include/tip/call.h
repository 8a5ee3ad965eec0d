#pragma once
/*
 * Bodies of calls as plain structs: what every program sees of proto/tip/v1/call.proto. Ownership as in <tip/event.h>:
 * encode borrows, decode yields one block.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <tip/buf.h>
#include <tip/event.h>
#include <tip/inherit.h>

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

enum { TIP_SNAPSHOT_PAGE_BYTES = 256 * 1024, TIP_SNAPSHOT_DIGEST_BYTES = 32 };
#define TIP_SNAPSHOT_BYTES_MAX (UINT64_C(16) << 30) /* of a file */

struct tip_snapshot_request {
    struct tip_id snapshot_id; /* zero: page 0 of one that is young enough */
    struct tip_id other_than;  /* then: not this one */
    uint32_t page;
};

/** What a page says of its file is the same in each; <tip/snapshot.h> says what it means. */
struct tip_snapshot_page {
    struct tip_id snapshot_id, journal_id;
    uint64_t seq;
    int64_t taken_unix_ms;
    uint64_t size; /* of the file, at most TIP_SNAPSHOT_BYTES_MAX */
    uint8_t sha256[TIP_SNAPSHOT_DIGEST_BYTES];
    uint32_t n_pages, page; /* an empty file has no page; page 0 of it is answered without data */
    const uint8_t *data;
    size_t data_len; /* as size and page say */
};

/** How many pages a file has, and how many bytes one of them (0 behind the end). */
uint32_t tip_snapshot_pages(uint64_t size);
size_t tip_snapshot_page_bytes(uint64_t size, uint32_t page);

enum { TIP_LOOKUP_MAX = 1000, TIP_FOUND_VERDICTS_MAX = 2 };

/** Something to look up, as people write it. */
struct tip_lookup_item {
    enum tip_kind kind; /* TIP_KIND_NONE: by its shape */
    const char *value;  /* at most TIP_INDICATOR_MAX bytes */
};

struct tip_verdict_lookup {
    size_t n_items; /* at most TIP_LOOKUP_MAX */
    struct tip_lookup_item *items;
};

/** What is told of it; call.proto says what each means. */
struct tip_verdict_found {
    const char *unreadable; /* "": it could be read */
    double score, share;
    enum tip_tier tier;
    bool inherited, allowed, denied;
    size_t n_verdicts; /* at most TIP_FOUND_VERDICTS_MAX: the one that decides, its own if that is another */
    struct tip_verdict *verdicts;
};

struct tip_verdict_answer {
    size_t n_found; /* as many as were asked about */
    struct tip_verdict_found *found;
    int64_t scored_unix_ms, built_unix_ms;
};

/** @return 0; -ENOBUFS or -EMSGSIZE when a bound is passed. */
tip_nodiscard int tip_store_query_encode(const struct tip_store_query *query, struct tip_buf *out);
tip_nodiscard int tip_store_answer_encode(const struct tip_store_answer *answer, struct tip_buf *out);
tip_nodiscard int tip_control_request_encode(const struct tip_control_request *request, struct tip_buf *out);
tip_nodiscard int tip_control_answer_encode(const struct tip_control_answer *answer, struct tip_buf *out);
tip_nodiscard int tip_snapshot_request_encode(const struct tip_snapshot_request *request, struct tip_buf *out);
tip_nodiscard int tip_snapshot_page_encode(const struct tip_snapshot_page *page, struct tip_buf *out);
tip_nodiscard int tip_verdict_lookup_encode(const struct tip_verdict_lookup *lookup, struct tip_buf *out);
tip_nodiscard int tip_verdict_answer_encode(const struct tip_verdict_answer *answer, struct tip_buf *out);

/** @return 0, TIP_EVENT_E_MALFORMED or TIP_EVENT_E_INVALID; the result is freed with tip_call_free. */
tip_nodiscard int tip_store_query_decode(const uint8_t *bytes, size_t n, struct tip_store_query **queryp);
tip_nodiscard int tip_store_answer_decode(const uint8_t *bytes, size_t n, struct tip_store_answer **answerp);
tip_nodiscard int tip_control_request_decode(const uint8_t *bytes, size_t n, struct tip_control_request **requestp);
tip_nodiscard int tip_control_answer_decode(const uint8_t *bytes, size_t n, struct tip_control_answer **answerp);
tip_nodiscard int tip_snapshot_request_decode(const uint8_t *bytes, size_t n, struct tip_snapshot_request **requestp);
tip_nodiscard int tip_snapshot_page_decode(const uint8_t *bytes, size_t n, struct tip_snapshot_page **pagep);
tip_nodiscard int tip_verdict_lookup_decode(const uint8_t *bytes, size_t n, struct tip_verdict_lookup **lookupp);
tip_nodiscard int tip_verdict_answer_decode(const uint8_t *bytes, size_t n, struct tip_verdict_answer **answerp);

/** Frees what a decode above yielded; takes the address of the pointer. Fits tip_auto. */
void tip_call_free(void *pointerp);

/**
 * What an indicator's score is by the verdicts in the rows of a `search` or `search_at` of it: its own, or what it
 * inherits. Rows of lists alone pass; what the operators allow is the caller's to see.
 *
 * @param left   tip_store_left of it: of what is inherited so much is left
 * @param value  canonical
 * @return `from` is a row; n_rows: none
 */
struct tip_inherited tip_store_inherited(const struct tip_store_answer *searched, double left, enum tip_kind kind,
                                         const char *value);

/**
 * The same by what verdict.lookup has found of it, which knows more than rows can say: what is exempt without a verdict
 * of its own, and what is allowed. Where that decides, score and share are 0.
 *
 * @param searched  `from` is the row of the verdict that decides; n_rows: it has none, or nothing decides
 * @param leftp     set where the answer says it, else as it was: of what is inherited so much is left
 */
struct tip_inherited tip_store_found(const struct tip_store_answer *searched, const struct tip_verdict_found *found,
                                     enum tip_kind kind, const char *value, double *leftp);

/**
 * What its own verdict leaves of what is inherited: all (1) unless it says that a reference list or the operators took
 * from its score; then as much of what is inherited as of that. What has no verdict of its own may be exempt all the
 * same: tip_store_found.
 *
 * @param explained  rows of `explain` or `explain_at` of it; NULL: none
 */
double tip_store_left(const struct tip_store_answer *explained);

/** Does an entry of the allow list decide? @param allow  rows of `allow_on` or `allow_at` of it; NULL: it does not */
bool tip_store_is_allowed(const struct tip_store_answer *allow);

/** Of one row: its share; 0 when it has no verdict or nothing is inherited from it. @param scorep  set, of the verdict
 */
double tip_store_share(const struct tip_store_answer *searched, size_t row, double left, enum tip_kind kind,
                       const char *value, double *scorep);

/** A cell by the name of its column; NULL for null, and where there is no such column. */
const char *tip_store_cell(const struct tip_store_answer *answer, size_t row, const char *column);

/** The value of a parameter, or NULL. */
const char *tip_param_get(const struct tip_param *params, size_t n, const char *name);

const char *tip_failure_name(enum tip_failure failure);
