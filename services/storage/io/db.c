#include "io/db.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tip/alloc.h>

struct store_db {
    PGconn *conn;
    int64_t silence_ms;
    bool is_silent;                      /* it said nothing for too long: nothing more is asked on this connection */
    const char *kept[STORE_DB_KEPT_MAX]; /* names of statements */
    size_t n_kept;
    char why[STORE_DB_WHY_BYTES];
};

void store_result_clear(PGresult **resultp)
{
    PQclear(*resultp);
    *resultp = NULL;
}

static void db_say(struct store_db *db, const char *message, const char *state)
{
    size_t n = strcspn(message, "\n");

    snprintf(db->why, sizeof(db->why), "%.*s%s%s%s", (int)n, message, state ? " (" : "", state ? state : "",
             state ? ")" : "");
}

/* SQLSTATE, PostgreSQL 15 appendix A: the longest prefix that is here decides. */
static const struct {
    const char *prefix;
    int code;
} db_states[] = {
    {"25006", STORE_DB_E_AWAY},  /* read_only_sql_transaction: a server that is no longer the primary */
    {"40001", STORE_DB_E_AGAIN}, /* serialization_failure */
    {"40P01", STORE_DB_E_AGAIN}, /* deadlock_detected */
    {"55P03", STORE_DB_E_AGAIN}, /* lock_not_available */
    {"57014", STORE_DB_E_SLOW},  /* query_canceled */
    {"21", STORE_DB_E_DATA},     /* cardinality violation */
    {"22", STORE_DB_E_DATA},     /* data exception */
    {"23", STORE_DB_E_DATA},     /* integrity constraint violation */
    {"54", STORE_DB_E_DATA},     /* program limit exceeded */
    {"P0", STORE_DB_E_DATA},     /* raised by a function */
    {"0A", STORE_DB_E_SCHEMA},   /* feature not supported */
    {"28", STORE_DB_E_SCHEMA},   /* invalid authorization */
    {"3D", STORE_DB_E_SCHEMA},   /* no such database */
    {"3F", STORE_DB_E_SCHEMA},   /* no such schema */
    {"42", STORE_DB_E_SCHEMA},   /* syntax, name or right */
};

static int db_code_of_state(const char *state)
{
    for (size_t i = 0; state && i < sizeof(db_states) / sizeof(db_states[0]); i++) {
        if (!strncmp(state, db_states[i].prefix, strlen(db_states[i].prefix)))
            return db_states[i].code;
    }
    return STORE_DB_E_AWAY; /* 08, 53, 57, 58, XX and whatever else: not the fault of what we send */
}

static int db_failed(struct store_db *db, const PGresult *result)
{
    const char *state = result ? PQresultErrorField(result, PG_DIAG_SQLSTATE) : NULL;
    const char *message = result ? PQresultErrorField(result, PG_DIAG_MESSAGE_PRIMARY) : NULL;

    db_say(db, message ? message : PQerrorMessage(db->conn), state);
    if (db->is_silent)
        db_say(db, "the server does not answer", NULL);
    if (!db->why[0])
        db_say(db, "the connection was lost", state);
    return PQstatus(db->conn) == CONNECTION_OK && !db->is_silent ? db_code_of_state(state) : STORE_DB_E_AWAY;
}

static int db_check(struct store_db *db, const PGresult *result, ExecStatusType wanted)
{
    ExecStatusType status = PQresultStatus(result);

    if (status == wanted || (wanted == PGRES_COMMAND_OK && status == PGRES_TUPLES_OK))
        return 0;
    return db_failed(db, result);
}

static void db_ignore_notice(void *arg, const char *message)
{
    (void)arg;
    (void)message;
}

/* Waits until the server says something; libpq's own waiting knows no end while the connection stands. */
static bool db_hears(struct store_db *db)
{
    struct pollfd watched = {.fd = PQsocket(db->conn), .events = POLLIN};
    int r;

    do
        r = poll(&watched, 1, db->silence_ms ? (int)db->silence_ms : -1);
    while (r == -1 && errno == EINTR);
    db->is_silent = r == 0;
    return r == 1 && PQconsumeInput(db->conn) == 1;
}

/* The next result; NULL behind the last one, and when nothing comes any more. */
static PGresult *db_next(struct store_db *db)
{
    while (PQisBusy(db->conn)) {
        if (!db_hears(db))
            return NULL;
    }
    return PQgetResult(db->conn);
}

/* What a statement came to: its last result, as PQexec would say. A COPY goes on behind it. */
static PGresult *db_last(struct store_db *db)
{
    PGresult *last = NULL, *next;

    while ((next = db_next(db))) {
        PQclear(last);
        last = next;
        if (PQresultStatus(last) == PGRES_COPY_IN)
            break;
    }
    if (db->is_silent) {
        PQclear(last);
        last = NULL;
    }
    return last;
}

static PGresult *db_exec(struct store_db *db, const char *sql)
{
    return PQsendQuery(db->conn, sql) ? db_last(db) : NULL;
}

/* What stands before `dbname` may be overridden by the connection string, what stands behind it may not. */
static PGconn *db_connect(const struct store_db_options *options)
{
    const char *keys[] = {"connect_timeout",      "keepalives_idle", "tcp_user_timeout",
                          "target_session_attrs", "dbname",          "client_encoding",
                          "application_name",     "password",        NULL};
    const char *values[] = {
        "5",    "30",          "15000",           "read-write", options->conninfo ? options->conninfo : "",
        "UTF8", "tip-storage", options->password, NULL};

    if (options->read_only)
        values[3] = "any";
    if (!options->password)
        keys[7] = NULL;
    return PQconnectdbParams(keys, values, 1);
}

static int db_prepare(struct store_db *db, const struct store_db_options *options)
{
    char sql[512];
    int r;

    snprintf(sql, sizeof(sql),
             "set timezone = 'UTC'; set datestyle = 'ISO'; set search_path = ''; set bytea_output = 'hex';"
             "set statement_timeout = %lld; set lock_timeout = %lld; set default_transaction_read_only = %s",
             (long long)options->timeout_ms, (long long)options->lock_timeout_ms, options->read_only ? "on" : "off");
    r = store_db_script(db, sql);
    if (r || !options->role)
        return r;
    snprintf(sql, sizeof(sql), "set role %s", options->role);
    r = store_db_script(db, sql);
    if (!r || r == STORE_DB_E_AWAY)
        return r;
    snprintf(sql, sizeof(sql), "%.300s: run tip-storage migrate", db->why);
    snprintf(db->why, sizeof(db->why), "%s", sql);
    return STORE_DB_E_SCHEMA;
}

int store_db_open(struct store_db **dbp, const struct store_db_options *options, char *why)
{
    tip_auto(store_db_destroy) struct store_db *db = tip_new(struct store_db);
    int r;

    db->silence_ms = options->silence_ms;
    db->conn = db_connect(options);
    if (!db->conn)
        abort(); /* out of memory */
    if (PQstatus(db->conn) != CONNECTION_OK) {
        db_say(db, PQerrorMessage(db->conn), NULL);
        snprintf(why, STORE_DB_WHY_BYTES, "%s", db->why);
        return STORE_DB_E_AWAY;
    }
    PQsetNoticeProcessor(db->conn, db_ignore_notice, NULL);
    r = db_prepare(db, options);
    if (r) {
        snprintf(why, STORE_DB_WHY_BYTES, "%s", db->why);
        return r;
    }
    *dbp = tip_take(db);
    return 0;
}

void store_db_destroy(struct store_db **dbp)
{
    if (!*dbp)
        return;
    PQfinish((*dbp)->conn);
    free(*dbp);
    *dbp = NULL;
}

static void arg_add(struct store_args *args, const char *value, size_t n, int format)
{
    assert(args->n < (int)(sizeof(args->values) / sizeof(args->values[0])));
    args->values[args->n] = value;
    args->lengths[args->n] = (int)n;
    args->formats[args->n] = format;
    args->n++;
}

void store_arg_text(struct store_args *args, const char *text)
{
    arg_add(args, text, 0, 0);
}

void store_arg_int(struct store_args *args, int64_t value)
{
    char *text = args->numbers[args->n];

    snprintf(text, sizeof(args->numbers[0]), "%lld", (long long)value);
    arg_add(args, text, 0, 0);
}

void store_arg_binary(struct store_args *args, const void *bytes, size_t n)
{
    arg_add(args, n ? bytes : "", n, 1);
}

void store_arg_buf(struct store_args *args, const struct tip_buf *buf)
{
    store_arg_binary(args, buf->data, buf->len);
}

int store_db_run(struct store_db *db, const char *sql, const struct store_args *args, PGresult **resultp)
{
    tip_auto(store_result_clear) PGresult *result = NULL;
    int r;

    if (args)
        r = PQsendQueryParams(db->conn, sql, args->n, NULL, args->values, args->lengths, args->formats, 0);
    else
        r = PQsendQueryParams(db->conn, sql, 0, NULL, NULL, NULL, NULL, 0);
    result = r ? db_last(db) : NULL;
    r = db_check(db, result, PGRES_COMMAND_OK);
    if (!r && resultp)
        *resultp = tip_take(result);
    return r;
}

static bool db_keeps(const struct store_db *db, const char *name)
{
    for (size_t i = 0; i < db->n_kept; i++) {
        if (!strcmp(db->kept[i], name))
            return true;
    }
    return false;
}

static int db_keep(struct store_db *db, const char *name, const char *sql)
{
    tip_auto(store_result_clear) PGresult *result = NULL;
    int r;

    if (db_keeps(db, name))
        return 0;
    assert(db->n_kept < STORE_DB_KEPT_MAX);
    if (PQsendPrepare(db->conn, name, sql, 0, NULL))
        result = db_last(db);
    r = db_check(db, result, PGRES_COMMAND_OK);
    if (!r)
        db->kept[db->n_kept++] = name;
    return r;
}

int store_db_run_kept(struct store_db *db, const char *name, const char *sql, const struct store_args *args,
                      PGresult **resultp)
{
    tip_auto(store_result_clear) PGresult *result = NULL;
    int r = db_keep(db, name, sql);

    if (r)
        return r;
    if (PQsendQueryPrepared(db->conn, name, args->n, args->values, args->lengths, args->formats, 0))
        result = db_last(db);
    r = db_check(db, result, PGRES_COMMAND_OK);
    if (!r && resultp)
        *resultp = tip_take(result);
    return r;
}

int store_db_script(struct store_db *db, const char *sql)
{
    tip_auto(store_result_clear) PGresult *result = db_exec(db, sql);

    return db_check(db, result, PGRES_COMMAND_OK);
}

int store_db_copy_begin(struct store_db *db, const char *sql)
{
    tip_auto(store_result_clear) PGresult *result = db_exec(db, sql);

    return db_check(db, result, PGRES_COPY_IN);
}

int store_db_copy_put(struct store_db *db, const void *bytes, size_t n)
{
    if (PQputCopyData(db->conn, (const char *)bytes, (int)n) == 1)
        return 0;
    return store_db_copy_end(db); /* fetches the reason */
}

int store_db_copy_end(struct store_db *db)
{
    PGresult *result;
    int r = 0;

    if (PQputCopyEnd(db->conn, NULL) != 1)
        r = db_failed(db, NULL);
    while ((result = db_next(db)) != NULL) {
        if (!r)
            r = db_check(db, result, PGRES_COMMAND_OK);
        PQclear(result);
    }
    return db->is_silent ? db_failed(db, NULL) : r;
}

void store_db_rollback(struct store_db *db)
{
    char why[STORE_DB_WHY_BYTES];

    memcpy(why, db->why, sizeof(why));
    if (PQstatus(db->conn) == CONNECTION_OK && !db->is_silent && PQtransactionStatus(db->conn) != PQTRANS_IDLE)
        (void)!store_db_script(db, "rollback"); /* if this fails, the next statement will say so */
    memcpy(db->why, why, sizeof(why));
}

const char *store_db_why(const struct store_db *db)
{
    return db->why;
}

void store_db_where(const struct store_db *db, char *text, size_t size)
{
    snprintf(text, size, "%s:%s/%s", PQhost(db->conn), PQport(db->conn), PQdb(db->conn));
}

void store_db_server(const struct store_db *db, char *host, size_t host_size, char *port, size_t port_size)
{
    snprintf(host, host_size, "%s", PQhost(db->conn));
    snprintf(port, port_size, "%s", PQport(db->conn));
}

const char *store_db_code_name(int code)
{
    static const char *const names[] = {"away", "again", "data", "schema", "slow"};

    return code >= STORE_DB_E_AWAY && code <= STORE_DB_E_SLOW ? names[code - STORE_DB_E_AWAY] : "";
}

int64_t store_field_int(const PGresult *result, int row, int column)
{
    return PQgetisnull(result, row, column) ? 0 : strtoll(PQgetvalue(result, row, column), NULL, 10);
}

bool store_field_bool(const PGresult *result, int row, int column)
{
    return PQgetvalue(result, row, column)[0] == 't';
}

const char *store_field_text(const PGresult *result, int row, int column)
{
    return PQgetisnull(result, row, column) ? NULL : PQgetvalue(result, row, column);
}
