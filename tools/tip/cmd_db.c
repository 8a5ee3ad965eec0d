#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <libpq-fe.h>

#include <tip/alloc.h>

#include "commands.h"
#include "options.h"
#include "programs.h"
#include "up/postgres.h"
#include "up/user.h"

struct db {
    struct options options;
    char database[PROGRAM_PATH_BYTES]; /* connection string; "" : the configuration's own */
    char env[PROGRAM_PATH_BYTES + 32];
};

/* Which database: the configured one, or the private one of `tip up`. */
static int db_find(struct db *db, const char *config)
{
    tip_auto(tip_buf_deinit) struct tip_buf settings;
    char path[PROGRAM_PATH_BYTES];
    const char *const argv[] = {path, "--show-config", "--config", NULL, NULL};
    const char *args[5];
    struct pg pg;
    int r, code = 0;

    tip_buf_init(&settings, PROGRAM_OUTPUT_BYTES);
    r = options_load(&db->options, config);
    if (r)
        return r;
    memcpy(args, argv, sizeof(args));
    args[3] = db->options.config;
    program_path("storage", path);
    r = program_run(args, &settings, NULL, &code);
    if (r || code) {
        cli_error("tip-storage does not accept the configuration%s%s", r ? ": " : "", r ? strerror(-r) : "");
        return CLI_FAILED;
    }
    if (program_setting(tip_buf_text(&settings), "storage.database", db->database, sizeof(db->database)))
        return CLI_OK;
    if (pg_init(&pg, "", db->options.common.run)) {
        cli_error("storage.database is not set, and there is no PostgreSQL for a private one");
        return CLI_FAILED;
    }
    snprintf(db->database, sizeof(db->database), "%s", pg.database);
    snprintf(db->env, sizeof(db->env), "TIP__STORAGE__DATABASE=%s", pg.database);
    return CLI_OK;
}

static int db_migrate_run(struct cli *cli)
{
    char path[PROGRAM_PATH_BYTES];
    struct db db = {.env = ""};
    int r = db_find(&db, cli->config), code = 0;
    const char *const argv[] = {path, "migrate", "--config", db.options.config, NULL};

    program_path("storage", path);
    if (r == CLI_OK && *db.env && putenv(db.env))
        r = CLI_FAILED;
    if (r == CLI_OK && program_run(argv, NULL, NULL, &code)) {
        cli_error("%s cannot be run", path);
        r = CLI_FAILED;
    }
    if (*db.env)
        unsetenv("TIP__STORAGE__DATABASE"); /* it points into db */
    options_free(&db.options);
    return r ? r : code ? CLI_FAILED : CLI_OK;
}

/* ---- status ---- */

/* What the schema says of itself: applied migrations, position, size. Read by people who wonder what is in there. */
static const char db_status_sql[] = "select version::text, name, to_char(applied_at at time zone 'UTC', "
                                    "'YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"') from tip.v_migration as m order by m.version";

static int db_status_show(struct cli *cli, const PGresult *result)
{
    static const struct tip_column columns[] = {
        {"version", TIP_COLUMN_INT}, {"migration", TIP_COLUMN_TEXT}, {"applied_at", TIP_COLUMN_TIME}};
    tip_auto(out_destroy) struct out *out = NULL;
    const char *bad = NULL;

    if (out_open(&out, &cli->out, columns, 3, &bad))
        return cli_bad_field(bad);
    for (int i = 0; i < PQntuples(result); i++) {
        const char *const cells[] = {PQgetvalue(result, i, 0), PQgetvalue(result, i, 1), PQgetvalue(result, i, 2)};

        out_row(out, cells, NULL);
    }
    return CLI_OK;
}

static int db_status_ask(struct cli *cli, const char *database)
{
    PGconn *connection = PQconnectdb(database);
    PGresult *result = NULL;
    int r;

    if (PQstatus(connection) != CONNECTION_OK) {
        cli_error("%.*s", (int)strcspn(PQerrorMessage(connection), "\n"), PQerrorMessage(connection));
        PQfinish(connection);
        return CLI_UNREACHABLE;
    }
    result = PQexec(connection, db_status_sql);
    if (PQresultStatus(result) == PGRES_TUPLES_OK) {
        r = db_status_show(cli, result);
    } else {
        cli_error("no schema of TIP here (tip db migrate makes it): %.*s",
                  (int)strcspn(PQresultErrorMessage(result), "\n"), PQresultErrorMessage(result));
        r = CLI_FAILED;
    }
    PQclear(result);
    PQfinish(connection);
    return r;
}

static int db_status_run(struct cli *cli)
{
    struct db db = {.env = ""};
    int r = db_find(&db, cli->config);

    if (r == CLI_OK)
        r = db_status_ask(cli, db.database);
    if (r == CLI_OK)
        cli_note(cli, "%s", db.database);
    options_free(&db.options);
    return r;
}

static const struct cli_command db_migrate = {
    .name = "migrate",
    .arguments = "",
    .summary = "Brings the database up to this program's schema; a new one is set up. Safe to repeat.",
    .run = db_migrate_run,
};

static const struct cli_command db_init = {
    .name = "init",
    .arguments = "",
    .summary = "The same as migrate, for a database that is still empty.",
    .run = db_migrate_run,
};

static const struct cli_command db_status = {
    .name = "status",
    .arguments = "",
    .summary = "Which migrations the database has.",
    .run = db_status_run,
};

const struct cli_command cmd_db = {
    .name = "db",
    .arguments = "",
    .summary = "The database of storage: the configured one, or the private one of `tip up`.",
    .verbs = (const struct cli_command *const[]){&db_init, &db_migrate, &db_status, NULL},
};
