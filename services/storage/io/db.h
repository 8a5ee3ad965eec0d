#pragma once
/*
 * One blocking connection to PostgreSQL, used by one thread at a time.
 *
 * Everything that talks to the server answers 0 or one of enum store_db_code, which say what to do about it; the
 * sentence that goes with it is store_db_why. A connection that has said STORE_DB_E_AWAY is closed for good.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <libpq-fe.h>

#include <tip/buf.h>
#include <tip/cleanup.h>

/** Positive codes of all functions here and of those built on them. */
enum store_db_code {
    STORE_DB_E_AWAY = 101, /* no server, no connection, no room, read-only: try again later */
    STORE_DB_E_AGAIN,      /* deadlock or serialization failure: try again at once */
    STORE_DB_E_DATA,       /* the server refuses these values: they never will be accepted */
    STORE_DB_E_SCHEMA,     /* the database is not the one this program is made for */
    STORE_DB_E_SLOW,       /* statement timeout */
};

enum { STORE_DB_WHY_BYTES = 512 };

struct store_db;

struct store_db_options {
    const char *conninfo; /* libpq connection string; several hosts work */
    const char *password; /* NULL: as libpq finds it */
    const char *role;     /* to become after connecting; NULL: stay */
    int64_t timeout_ms;   /* of a statement, kept by the server; 0: none */
    int64_t silence_ms;   /* the server may say nothing for so long, then it counts as away; 0: for ever */
    int64_t lock_timeout_ms;
    bool read_only;
};

/** @param why  set on failure; STORE_DB_WHY_BYTES. @return 0, STORE_DB_E_AWAY or STORE_DB_E_SCHEMA */
tip_nodiscard int store_db_open(struct store_db **dbp, const struct store_db_options *options, char *why);
void store_db_destroy(struct store_db **dbp);

/** Values of $1, $2, … of one statement; borrowed until it has run. */
struct store_args {
    int n;
    const char *values[32];
    int lengths[32];
    int formats[32];
    char numbers[32][24];
};

void store_arg_text(struct store_args *args, const char *text); /* NULL is null */
void store_arg_int(struct store_args *args, int64_t value);
void store_arg_binary(struct store_args *args, const void *bytes, size_t n);
/** An array or value made by core/binary.h. */
void store_arg_buf(struct store_args *args, const struct tip_buf *buf);

/**
 * Runs one statement.
 *
 * @param args     NULL for none
 * @param resultp  rows, as text; the caller clears it; may be NULL
 */
tip_nodiscard int store_db_run(struct store_db *db, const char *sql, const struct store_args *args, PGresult **resultp);

/**
 * The same with a statement that the server keeps under a name. A change of the schema may end what is kept:
 * STORE_DB_E_SCHEMA, and a new connection begins anew.
 *
 * @param name  and sql: live as long as the connection; STORE_DB_KEPT_MAX names
 */
tip_nodiscard int store_db_run_kept(struct store_db *db, const char *name, const char *sql,
                                    const struct store_args *args, PGresult **resultp);

enum { STORE_DB_KEPT_MAX = 16 };

/** Several statements without parameters or results, in one implicit transaction unless they say otherwise. */
tip_nodiscard int store_db_script(struct store_db *db, const char *sql);

/** COPY … FROM STDIN: begin, any number of puts, end. After an error the COPY is over. */
tip_nodiscard int store_db_copy_begin(struct store_db *db, const char *sql);
tip_nodiscard int store_db_copy_put(struct store_db *db, const void *bytes, size_t n);
tip_nodiscard int store_db_copy_end(struct store_db *db);

/** Ends a transaction after an error; a broken connection needs none. */
void store_db_rollback(struct store_db *db);

/** The sentence of the last failure: the server's words and SQLSTATE. */
const char *store_db_why(const struct store_db *db);

/** Where the connection leads: "host:port/database". */
void store_db_where(const struct store_db *db, char *text, size_t size);

/** The server of this connection, of several that may be named in the connection string. */
void store_db_server(const struct store_db *db, char *host, size_t host_size, char *port, size_t port_size);

/** "away", "again", "data", "schema", "slow"; "" for anything else. */
const char *store_db_code_name(int code);

/* Fields of a result; row and column must exist. */
int64_t store_field_int(const PGresult *result, int row, int column); /* 0 for null */
bool store_field_bool(const PGresult *result, int row, int column);
const char *store_field_text(const PGresult *result, int row, int column); /* NULL for null */

void store_result_clear(PGresult **resultp);
