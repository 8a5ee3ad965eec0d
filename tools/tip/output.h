#pragma once
/*
 * Answers as tables: aligned text for people, JSON, one JSON object a line, or CSV (RFC 4180). Field names and types
 * are the same in all of them. Foreign text never reaches a terminal unescaped.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

#include <jansson.h>

#include <tip/call.h>

enum out_mode { OUT_HUMAN, OUT_JSON, OUT_NDJSON, OUT_CSV, OUT_MODE_COUNT };

/** NULL-terminated, in the order of the enum. */
extern const char *const out_mode_names[];

enum out_style { OUT_PLAIN, OUT_BOLD, OUT_DIM, OUT_RED, OUT_GREEN, OUT_YELLOW, OUT_STYLE_COUNT };

struct out_config {
    enum out_mode mode;
    const char *fields; /* "name,score": these, in this order; NULL for all */
    const char *nested; /* "reasons": columns whose cells are JSON, which json and ndjson show as such; NULL for none */
    int width;          /* human: columns of text but the first are cut until a line has no more characters; 0: never */
    bool header;        /* human and CSV */
    bool color;
    FILE *file; /* borrowed */
};

struct out;

enum { OUT_E_FIELD = 1 }; /* --fields names a column that is not there */

/** True if `file` is a terminal that wants colour (NO_COLOR, TERM=dumb say no). */
bool out_wants_color(FILE *file);

/**
 * A table. JSON and human tables appear with out_destroy, the others line by line.
 *
 * @param columns  borrowed until out_destroy
 * @param badp     set with OUT_E_FIELD to the unknown name, which lies in config->fields
 */
tip_nodiscard int out_open(struct out **outp, const struct out_config *config, const struct tip_column *columns,
                           size_t n_columns, const char **badp);

/** A row; NULL is null. Styles colour the human form; NULL for none. */
void out_row(struct out *out, const char *const *cells, const enum out_style *styles);

/** Ends the table and flushes. Accepts NULL. */
void out_destroy(struct out **outp);

/** A whole answer of store.query. @return as out_open */
tip_nodiscard int out_answer(const struct out_config *config, const struct tip_store_answer *answer, const char **badp);

/** One JSON object for json and ndjson. Does not take the object. */
void out_object(const struct out_config *config, const json_t *object);

/** Is it one of "name,score"? @param names  NULL for none */
bool out_names(const char *names, const char *name);

/** A cell as JSON: its type decides; NULL is null; what does not fit its type stays text. */
json_t *out_json(const char *text, enum tip_column_type type);

enum { OUT_ROUNDED = 32 };

/** A cell for people: a real number with at most four places, anything else as it is. @return it, or `text` */
const char *out_rounded(const char *cell, enum tip_column_type type, char text[static OUT_ROUNDED]);

/** Foreign text for a terminal: control characters, ill-formed UTF-8 and direction marks become \xNN or \u{NN}. */
void out_safe(FILE *file, const char *text);
void out_safe_line(FILE *file, const char *text); /* and a newline */

/** Style on and off; "" without colour. */
const char *out_style_on(const struct out_config *config, enum out_style style);
const char *out_style_off(const struct out_config *config);
