#pragma once
/*
 * The named queries of store.query: one table, each row with the SQL of db/queries/NAME.sql, its parameters, its
 * columns.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <tip/call.h>

#include "core/question.h"

enum store_param_type {
    STORE_PARAM_NONE,      /* the end of the list */
    STORE_PARAM_TEXT,      /* a text; required */
    STORE_PARAM_OPTIONAL,  /* a text, or null */
    STORE_PARAM_INDICATOR, /* canonicalised: kind, value, ikey in three */
    STORE_PARAM_QUESTION,  /* the same and what bears on it: eight, see search.sql */
    STORE_PARAM_AUDIENCE,  /* clear, green or amber (when it is not said): what is marked for more is left out */
    STORE_PARAM_TIME,      /* a time (RFC 3339, UTC); required */
    STORE_PARAM_LAG,       /* not from the caller: what the service knows of its lag */
};

struct store_param {
    const char *name; /* as the caller says it */
    enum store_param_type type;
};

enum { STORE_QUERY_PARAMS_MAX = 8, STORE_QUERY_COLUMNS_MAX = 32 };

struct store_query {
    const char *name;
    const char *help;
    uint32_t limit; /* when the caller names none */
    bool is_point;  /* a few rows by their keys, whatever is asked: one plan does for all */
    struct store_param params[STORE_QUERY_PARAMS_MAX];
    struct tip_column columns[STORE_QUERY_COLUMNS_MAX]; /* up to the first without a name */
};

extern const struct store_query store_queries[];
extern const size_t store_queries_n;

const struct store_query *store_query_find(const char *name);

/** The text of db/queries/NAME.sql. */
const char *store_query_sql(const struct store_query *query);

size_t store_query_n_columns(const struct store_query *query);

/** True if the query takes a parameter of that name. */
bool store_query_takes(const struct store_query *query, const char *name);
