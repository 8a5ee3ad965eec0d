#pragma once
/*
 * Answers of named queries as JSON and CSV. What an object of the interface is made of stands in tables of fields: the
 * columns of its query under their own names, and what is not there is null. All text is foreign.
 */
#include <stdbool.h>
#include <stddef.h>

#include <jansson.h>

#include <tip/buf.h>

/** The type of a column; the numbers of enum tip_column_type. */
enum web_type { WEB_TEXT, WEB_INT, WEB_REAL, WEB_BOOL, WEB_TIME, WEB_BYTES, WEB_TYPE_COUNT };

/** An answer, borrowed. */
struct web_table {
    size_t n_columns, n_rows;
    const char *const *names;
    const enum web_type *types;
    const char *const *cells; /* row by row; NULL is null */
};

enum web_as {
    WEB_AS_IS,     /* as the column's type says */
    WEB_AS_TIMED,  /* a time; with three digits of milliseconds, as everywhere in the interface */
    WEB_AS_ARRAY,  /* a text that holds JSON: an array, [] when null */
    WEB_AS_OBJECT, /* the same: an object, {} when null */
    WEB_AS_RAW,    /* hexadecimal bytes that were a line: text, foreign bytes as \xNN */
    WEB_AS_FLAG,   /* a boolean, false when null */
    WEB_AS_COUNT,  /* an integer, 0 when null */
    WEB_AS_WORD,   /* a text, "" when null */
    WEB_AS_SHARE,  /* a number, 0 when null */
};

struct web_field {
    const char *name;
    const char *column; /* NULL: the field's name */
    enum web_as as;
};

enum { WEB_FIELDS_MAX = 32 };

/** What an object is made of; up to the first field without a name. */
typedef struct web_field web_shape[WEB_FIELDS_MAX];

extern const web_shape web_shape_listing, web_shape_explained, web_shape_verdict, web_shape_explained_verdict,
    web_shape_source, web_shape_version, web_shape_entry, web_shape_run, web_shape_audit, web_shape_allow,
    web_shape_weight, web_shape_told, web_shape_overlap;

/** A cell; NULL when it is null or there is no such column. */
const char *web_table_cell(const struct web_table *table, size_t row, const char *column);

/** A row as an object. Never NULL; the caller's. */
json_t *web_table_object(const struct web_table *table, size_t row, const struct web_field *shape);

/** All rows as an array of objects of a shape; NULL for the shape: the columns as they are. */
json_t *web_table_array(const struct web_table *table, const struct web_field *shape);

/** A foreign text: ill-formed bytes become U+FFFD. NULL becomes null. */
json_t *web_json_text(const char *text);

/** A row as it is: its columns, by their types. */
json_t *web_table_row(const struct web_table *table, size_t row);

/**
 * All rows as CSV (RFC 4180) with a head line. A text that a spreadsheet would take for a formula gets an apostrophe in
 * front.
 *
 * @return 0 or -ENOBUFS
 */
tip_nodiscard int web_table_csv(const struct web_table *table, const struct web_field *shape, struct tip_buf *out);

/** JSON as text. @return 0 or -ENOBUFS */
tip_nodiscard int web_json_write(const json_t *json, struct tip_buf *out);

/** RFC 9457. @return 0 or -ENOBUFS */
tip_nodiscard int web_problem_write(int status, const char *detail, struct tip_buf *out);

/** "Not Found", … */
const char *web_status_text(int status);
