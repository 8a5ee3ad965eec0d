#include "io/reader.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tip/alloc.h>
#include <tip/clock.h>
#include <tip/loop.h>

#include "core/binary.h"
#include "io/db.h"

enum {
    READER_SLACK_BYTES = 4096, /* columns, and what protobuf adds around an answer */
    READER_CELL_BYTES = 12,    /* and around each cell */
    READER_AGAIN_MS = 1000,    /* a connection that breaks sooner is made again, and the query asked again */
    READER_PLANS_MS = 10000,   /* how long plans are kept: tables grow, and a plan for an empty one is a bad one */
};

struct store_reader {
    char *conninfo, *password;
    int64_t timeout_ms;
    struct store_db *db;
    bool is_generic; /* the session takes kept plans */
    int64_t planned_ms;
    uint8_t ikey_key[16];
};

struct store_reader *store_reader_new(const struct store_reader_options *options)
{
    struct store_reader *reader = tip_new(struct store_reader);

    reader->conninfo = tip_strdup(options->conninfo);
    reader->password = tip_strdup(options->password);
    reader->timeout_ms = options->timeout_ms;
    return reader;
}

void store_reader_destroy(struct store_reader **readerp)
{
    struct store_reader *reader = *readerp;

    if (!reader)
        return;
    store_db_destroy(&reader->db);
    free(reader->conninfo);
    free(reader->password);
    free(reader);
    *readerp = NULL;
}

static const char reader_sql_key[] = "select pg_catalog.encode(ikey_key, 'hex') from tip.v_site";

static int reader_key(struct store_reader *reader)
{
    tip_auto(store_result_clear) PGresult *result = NULL;
    int r = store_db_run(reader->db, reader_sql_key, NULL, &result);

    if (r)
        return r;
    if (PQntuples(result) != 1)
        return STORE_DB_E_SCHEMA;
    for (size_t i = 0; i < sizeof(reader->ikey_key); i++) {
        unsigned byte = 0;

        sscanf(PQgetvalue(result, 0, 0) + 2 * i, "%2x", &byte);
        reader->ikey_key[i] = (uint8_t)byte;
    }
    return 0;
}

static int reader_connect(struct store_reader *reader, char *why)
{
    struct store_db_options options = {.conninfo = reader->conninfo,
                                       .password = reader->password,
                                       .role = "tip_reader",
                                       .timeout_ms = reader->timeout_ms,
                                       .silence_ms = 2 * reader->timeout_ms,
                                       .read_only = true};
    char said[STORE_DB_WHY_BYTES];
    int r = 0;

    if (reader->db)
        return 0;
    reader->is_generic = false;
    reader->planned_ms = tip_loop_now_ms();
    r = store_db_open(&reader->db, &options, said);
    if (!r) {
        r = reader_key(reader);
        snprintf(said, sizeof(said), "%s", r ? store_db_why(reader->db) : "");
    }
    snprintf(why, STORE_READER_WHY_BYTES, "%.*s", STORE_READER_WHY_BYTES - 1, said);
    if (r)
        store_db_destroy(&reader->db);
    return r;
}

/* ---- parameters ---- */

struct reader_args {
    struct store_args sql;
    struct store_question question;
    struct store_out net, names, name_ikeys;
};

static void reader_args_deinit(struct reader_args *args)
{
    store_out_deinit(&args->net);
    store_out_deinit(&args->names);
    store_out_deinit(&args->name_ikeys);
}

static void reader_arg_indicator(struct reader_args *args)
{
    store_arg_int(&args->sql, args->question.indicator.kind);
    store_arg_text(&args->sql, args->question.indicator.value);
    store_arg_int(&args->sql, (int64_t)args->question.ikey);
}

/* $4 to $8 of search.sql. */
static void reader_arg_around(struct reader_args *args)
{
    const struct store_question *question = &args->question;
    bool is_url = question->indicator.kind == TIP_KIND_URL;

    if (question->net.addr.family) {
        store_put_inet(&args->net, &question->net);
        store_arg_binary(&args->sql, args->net.buf.data + 4, args->net.buf.len - 4); /* behind the field's length */
    } else {
        store_arg_text(&args->sql, NULL);
    }
    store_array_begin(&args->names, STORE_OID_TEXT);
    store_array_begin(&args->name_ikeys, STORE_OID_INT8);
    for (size_t i = 0; i < question->n_names; i++) {
        store_put_text(&args->names, question->names[i]);
        store_put_int8(&args->name_ikeys, (int64_t)question->name_ikeys[i]);
    }
    store_array_end(&args->names);
    store_array_end(&args->name_ikeys);
    store_arg_buf(&args->sql, &args->names.buf);
    store_arg_buf(&args->sql, &args->name_ikeys.buf);
    store_arg_text(&args->sql, is_url && question->host[0] ? question->host : NULL);
    store_arg_text(&args->sql, question->below[0] ? question->below : NULL);
}

static enum tip_failure reader_arg_question(struct store_reader *reader, struct reader_args *args,
                                            const struct tip_store_query *query, const char *value, char *why)
{
    const char *kind_name = tip_param_get(query->params, query->n_params, "kind");
    enum tip_kind kind = kind_name ? tip_kind_from_name(kind_name, strlen(kind_name)) : TIP_KIND_NONE;
    int r;

    if (kind_name && kind_name[0] && kind == TIP_KIND_NONE) {
        snprintf(why, STORE_READER_WHY_BYTES, "kind is none of ip, net, domain, url, endpoint");
        return TIP_FAILURE_INVALID;
    }
    r = store_question_read(&args->question, reader->ikey_key, kind, value, strlen(value));
    if (r) {
        snprintf(why, STORE_READER_WHY_BYTES, "value is no indicator: %s", tip_indicator_reason(r));
        return TIP_FAILURE_INVALID;
    }
    reader_arg_indicator(args);
    return TIP_FAILURE_NONE;
}

/* Whoever asks for nobody in particular may see all. */
static enum tip_failure reader_arg_audience(struct reader_args *args, const char *value, char *why)
{
    enum tip_tlp tlp = TIP_TLP_AMBER;

    if (value && value[0]) {
        tlp = TIP_TLP_CLEAR;
        while (tlp < TIP_TLP_COUNT && strcmp(value, tip_tlp_name(tlp)) != 0)
            tlp++;
    }
    if (tlp == TIP_TLP_COUNT) {
        snprintf(why, STORE_READER_WHY_BYTES, "audience is none of clear, green, amber");
        return TIP_FAILURE_INVALID;
    }
    store_arg_int(&args->sql, (int64_t)tlp);
    return TIP_FAILURE_NONE;
}

static enum tip_failure reader_arg_time(struct reader_args *args, const struct store_param *param, const char *value,
                                        char *why)
{
    int64_t unix_ms;

    if (tip_clock_parse(&unix_ms, value, strlen(value))) {
        snprintf(why, STORE_READER_WHY_BYTES, "%s is no time (2026-12-31T00:00:00Z)", param->name);
        return TIP_FAILURE_INVALID;
    }
    store_arg_text(&args->sql, value);
    return TIP_FAILURE_NONE;
}

static enum tip_failure reader_arg(struct store_reader *reader, struct reader_args *args,
                                   const struct tip_store_query *query, const struct store_param *param, char *why)
{
    const char *value = tip_param_get(query->params, query->n_params, param->name ? param->name : "");
    enum tip_failure failure = TIP_FAILURE_NONE;

    if (param->type == STORE_PARAM_AUDIENCE)
        return reader_arg_audience(args, value, why);
    if (!value && (param->type != STORE_PARAM_OPTIONAL)) {
        snprintf(why, STORE_READER_WHY_BYTES, "%s wants the parameter %s", query->name, param->name);
        return TIP_FAILURE_INVALID;
    }
    if (param->type == STORE_PARAM_QUESTION || param->type == STORE_PARAM_INDICATOR)
        failure = reader_arg_question(reader, args, query, value, why);
    else if (param->type == STORE_PARAM_TIME)
        failure = reader_arg_time(args, param, value, why);
    else
        store_arg_text(&args->sql, value);
    if (!failure && param->type == STORE_PARAM_QUESTION)
        reader_arg_around(args);
    return failure;
}

static enum tip_failure reader_args_fill(struct store_reader *reader, struct reader_args *args,
                                         const struct store_query *def, const struct tip_store_query *query,
                                         int64_t lag, char *why)
{
    for (size_t i = 0; i < query->n_params; i++) {
        if (!store_query_takes(def, query->params[i].name)) {
            snprintf(why, STORE_READER_WHY_BYTES, "%s knows no parameter %.64s", def->name, query->params[i].name);
            return TIP_FAILURE_INVALID;
        }
    }
    for (size_t i = 0; i < STORE_QUERY_PARAMS_MAX && def->params[i].type != STORE_PARAM_NONE; i++) {
        enum tip_failure failure = TIP_FAILURE_NONE;

        if (def->params[i].type == STORE_PARAM_LAG)
            store_arg_int(&args->sql, lag);
        else
            failure = reader_arg(reader, args, query, &def->params[i], why);
        if (failure)
            return failure;
    }
    return TIP_FAILURE_NONE;
}

/* ---- answers ---- */

/* "2026-11-22 04:00:00.123456+00", as the session's settings make it. Infinities stay as they are. */
static const char *reader_time(const char *text, char to[static TIP_CLOCK_TEXT])
{
    size_t n = strcspn(text, "+");
    const char *point = strchr(text, '.');
    int whole = (int)(point ? (size_t)(point - text) : n);

    if (whole != 19)
        return text;
    snprintf(to, TIP_CLOCK_TEXT, "%.10sT%.8s.000Z", text, text + 11);
    for (int i = 0; point && i < 3 && point[1 + i] >= '0' && point[1 + i] <= '9'; i++)
        to[20 + i] = point[1 + i];
    return to;
}

static const char *reader_cell(const PGresult *result, int row, int column, enum tip_column_type type,
                               char to[static TIP_CLOCK_TEXT])
{
    const char *text = store_field_text(result, row, column);

    if (!text)
        return NULL;
    switch (type) {
    case TIP_COLUMN_BOOL:
        return text[0] == 't' ? "true" : "false";
    case TIP_COLUMN_TIME:
        return reader_time(text, to);
    case TIP_COLUMN_BYTES:
        return !strncmp(text, "\\x", 2) ? text + 2 : text;
    case TIP_COLUMN_TEXT:
    case TIP_COLUMN_INT:
    case TIP_COLUMN_REAL:
    case TIP_COLUMN_TYPE_COUNT:
        break;
    }
    return text;
}

/* As many rows as the limit and the size of a call allow; the rest is `more`. */
static int reader_encode(const PGresult *result, const struct store_query *def, size_t limit, struct tip_buf *out)
{
    size_t n_columns = store_query_n_columns(def), n_rows = (size_t)PQntuples(result), bytes = 0, n = 0;
    struct tip_column columns[STORE_QUERY_COLUMNS_MAX];
    struct tip_store_answer answer = {.n_columns = n_columns, .columns = columns};
    tip_auto(tip_free) const char **cells = tip_new_array(n_rows * n_columns + 1, const char *);
    tip_auto(tip_free) char(*times)[TIP_CLOCK_TEXT] = tip_alloc(n_rows * n_columns + 1, TIP_CLOCK_TEXT);

    assert(cells && times); /* tip_alloc never fails */
    memcpy(columns, def->columns, sizeof(columns));
    for (; n < n_rows && n < limit; n++) {
        for (size_t i = 0; i < n_columns; i++) {
            size_t at = n * n_columns + i;

            cells[at] = reader_cell(result, (int)n, (int)i, def->columns[i].type, times[at]);
            bytes += READER_CELL_BYTES + (cells[at] ? strlen(cells[at]) : 0);
        }
        if (bytes > TIP_CALL_BYTES_MAX - READER_SLACK_BYTES)
            break;
    }
    answer.cells = cells;
    answer.n_rows = n;
    answer.more = n < n_rows;
    return tip_store_answer_encode(&answer, out);
}

static enum tip_failure reader_failed(struct store_reader *reader, int code, char *why)
{
    enum tip_failure failure = TIP_FAILURE_UNAVAILABLE;

    snprintf(why, STORE_READER_WHY_BYTES, "%.*s", STORE_READER_WHY_BYTES - 1, store_db_why(reader->db));
    if (code == STORE_DB_E_SLOW)
        failure = TIP_FAILURE_DEADLINE;
    else if (code == STORE_DB_E_DATA)
        failure = TIP_FAILURE_INVALID;
    else
        store_db_destroy(&reader->db);
    return failure;
}

/*
 * To plan the eight branches of `search` takes ten times as long as to run them. So what looks up a few rows by keys
 * keeps its plan. A net is the exception: what is inside it may be everything, and how to look for it depends on which.
 */
static bool reader_keeps_plan(const struct store_query *def, const struct reader_args *args)
{
    return def->is_point && args->question.indicator.kind != TIP_KIND_NET;
}

/* Once in a while new plans are made; and each statement without a name wants its own. */
static int reader_plans(struct store_reader *reader, bool is_generic)
{
    bool is_old = is_generic && tip_loop_now_ms() - reader->planned_ms > READER_PLANS_MS;
    int r = is_old ? store_db_script(reader->db, "discard plans") : 0;

    if (is_old && !r)
        reader->planned_ms = tip_loop_now_ms();
    if (r || reader->is_generic == is_generic)
        return r;
    r = store_db_script(reader->db,
                        is_generic ? "set plan_cache_mode = force_generic_plan" : "set plan_cache_mode = auto");
    reader->is_generic = is_generic;
    return r;
}

static int reader_ask(struct store_reader *reader, const struct store_query *def, const struct reader_args *args,
                      PGresult **resultp)
{
    bool is_kept = reader_keeps_plan(def, args);
    int r = reader_plans(reader, is_kept);

    if (r)
        return r;
    return is_kept ? store_db_run_kept(reader->db, def->name, store_query_sql(def), &args->sql, resultp)
                   : store_db_run(reader->db, store_query_sql(def), &args->sql, resultp);
}

static enum tip_failure reader_run(struct store_reader *reader, const struct store_query *def, struct reader_args *args,
                                   size_t limit, struct tip_buf *answer, char *why)
{
    tip_auto(store_result_clear) PGresult *result = NULL;
    int r;

    store_arg_int(&args->sql, (int64_t)limit + 1);
    r = reader_ask(reader, def, args, &result);
    if (r)
        return reader_failed(reader, r, why);
    assert(PQnfields(result) == (int)store_query_n_columns(def));
    r = reader_encode(result, def, limit, answer);
    if (!r)
        return TIP_FAILURE_NONE;
    snprintf(why, STORE_READER_WHY_BYTES, "the answer does not fit: %s", strerror(-r));
    return TIP_FAILURE_UNAVAILABLE;
}

static enum tip_failure reader_once(struct store_reader *reader, const struct store_query *def,
                                    const struct tip_store_query *query, int64_t lag, struct tip_buf *answer, char *why)
{
    size_t limit = query->limit && query->limit < TIP_CALL_ROWS_MAX ? query->limit : TIP_CALL_ROWS_MAX;
    tip_auto(reader_args_deinit) struct reader_args args = {.sql = {.n = 0}};
    enum tip_failure failure;

    store_out_init(&args.net, 64);
    store_out_init(&args.names, 1 << 20);
    store_out_init(&args.name_ikeys, 1 << 20);
    if (reader_connect(reader, why))
        return TIP_FAILURE_UNAVAILABLE;
    failure = reader_args_fill(reader, &args, def, query, lag, why);
    if (failure)
        return failure;
    return reader_run(reader, def, &args, query->limit ? limit : def->limit, answer, why);
}

enum tip_failure store_reader_run(struct store_reader *reader, const struct tip_store_query *query, int64_t lag,
                                  struct tip_buf *answer, char *why)
{
    const struct store_query *def = store_query_find(query->name);
    int64_t began_ms = tip_loop_now_ms();
    bool was_connected = reader->db != NULL;
    enum tip_failure failure;

    if (!def) {
        snprintf(why, STORE_READER_WHY_BYTES, "no query is called %.64s", query->name);
        return TIP_FAILURE_NOT_FOUND;
    }
    failure = reader_once(reader, def, query, lag, answer, why);
    /* A connection of yesterday, whose server was restarted meanwhile, says so only now. */
    if (was_connected && !reader->db && tip_loop_now_ms() - began_ms < READER_AGAIN_MS)
        failure = reader_once(reader, def, query, lag, answer, why);
    return failure;
}
