#include "backup.h"

#include <errno.h>
#include <inttypes.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <tip/buf.h>
#include <tip/uuid.h>

#include "io/db.h"
#include "io/embedded.h"
#include "io/migrate.h"
#include "io/position.h"

enum { BACKUP_LINE = 512, BACKUP_CONNINFO = 8192, BACKUP_ARGS = 10 };

struct load_order {
    unsigned schema;
    char journal[TIP_UUID_TEXT + 1], renamed[TIP_UUID_TEXT + 1];
    int replace, dry_run;
};

/* ---- the moment of a dump ---- */

static const char dump_sql_begin[] = "begin isolation level repeatable read, read only";

static const char dump_sql_snapshot[] = "select pg_catalog.pg_export_snapshot()";

static const char dump_sql_moment[] =
    "select (select max(version) from tip.schema_migration), j.journal_id, coalesce(o.next_seq, 0) "
    "from (select 1) as one left join tip.consumer_offset as o on o.name = $1 left join tip.journal as j "
    "on j.id = o.journal";

/* ---- the place of a load ---- */

static const char load_sql_has_schema[] = "select to_regnamespace('tip') is not null";

static const char load_sql_aside[] =
    "drop schema if exists tip_replaced cascade; alter schema tip rename to tip_replaced";

static const char load_sql_back[] = "begin; drop schema if exists tip cascade; "
                                    "alter schema tip_replaced rename to tip; commit";

static const char load_sql_drop[] = "drop schema if exists tip cascade";

static const char load_sql_forget[] = "drop schema if exists tip_replaced cascade";

static const char load_sql_rename[] = "update tip.journal set journal_id = $2::uuid where journal_id = $1::uuid";

static int backup_failed(const char *why)
{
    fprintf(stderr, "tip-storage: %s\n", why);
    return 1;
}

static int backup_open(const struct store_options *options, struct store_db **dbp)
{
    const struct store_db_options wanted = {.conninfo = options->database, .password = options->password};
    char why[STORE_DB_WHY_BYTES];

    return store_db_open(dbp, &wanted, why) ? backup_failed(why) : 0;
}

/* ---- PostgreSQL's own programs ---- */

static int conninfo_put(struct tip_buf *out, const char *key, const char *value)
{
    int r = tip_buf_append_format(out, "%s='", key);

    for (; !r && *value; value++)
        r = tip_buf_append_format(out, *value == '\'' || *value == '\\' ? "\\%c" : "%c", *value);
    return r ? r : tip_buf_append(out, "' ", 2);
}

/* The very server that we are connected to, of several that may be named. The password goes by the environment. */
static int conninfo_of(const struct store_options *options, struct store_db *db, struct tip_buf *out)
{
    static const char *const ours[] = {"host", "hostaddr", "port", "password", "target_session_attrs"};
    PQconninfoOption *parsed = PQconninfoParse(options->database ? options->database : "", NULL);
    char host[PATH_MAX], port[32];
    int r;

    store_db_server(db, host, sizeof(host), port, sizeof(port));
    r = conninfo_put(out, "host", host);
    if (!r)
        r = conninfo_put(out, "port", port);
    for (const PQconninfoOption *option = parsed; !r && option && option->keyword; option++) {
        bool is_ours = !option->val;

        for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]); i++)
            is_ours = is_ours || strcmp(option->keyword, ours[i]) == 0;
        if (!is_ours)
            r = conninfo_put(out, option->keyword, option->val);
    }
    PQconninfoFree(parsed);
    if (!r && options->password && setenv("PGPASSWORD", options->password, 1) == -1)
        r = -ENOMEM;
    return r;
}

static void program_path(const char *name, char path[static PATH_MAX])
{
    const char *dir = getenv("TIP_POSTGRES_BIN");

    snprintf(path, PATH_MAX, "%s%s%s", dir ? dir : "", dir ? "/" : "", name);
}

/* Standard input, output and errors are ours. */
static int program_run(const char *name, const char *const *args)
{
    const char *argv[BACKUP_ARGS + 1];
    char path[PATH_MAX];
    size_t n = 0;
    pid_t pid;
    int status;

    program_path(name, path);
    argv[n++] = path;
    while (*args && n < BACKUP_ARGS)
        argv[n++] = *args++;
    argv[n] = NULL;
    fflush(NULL);
    errno = posix_spawnp(&pid, path, NULL, NULL, (char *const *)(uintptr_t)argv, environ);
    if (errno) {
        fprintf(stderr, "tip-storage: %s: %s (package postgresql-client, or TIP_POSTGRES_BIN)\n", path,
                strerror(errno));
        return 1;
    }
    while (waitpid(pid, &status, 0) == -1 && errno == EINTR)
        ;
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : 1;
}

/* ---- dump ---- */

/* What the snapshot is called, and what it shows. */
static int dump_moment(struct store_db *db, const char *consumer, char snapshot[static BACKUP_LINE])
{
    tip_auto(store_result_clear) PGresult *exported = NULL;
    tip_auto(store_result_clear) PGresult *moment = NULL;
    struct store_args args = {.n = 0};
    const char *journal;
    int r;

    store_arg_text(&args, consumer);
    r = store_db_script(db, dump_sql_begin);
    if (!r)
        r = store_db_run(db, dump_sql_snapshot, NULL, &exported);
    if (!r)
        r = store_db_run(db, dump_sql_moment, &args, &moment);
    if (r)
        return backup_failed(store_db_why(db));
    snprintf(snapshot, BACKUP_LINE, "--snapshot=%s", PQgetvalue(exported, 0, 0));
    journal = store_field_text(moment, 0, 1);
    printf("tip-dump 1 schema=%" PRId64 " journal=%s next_seq=%" PRId64 "\n", store_field_int(moment, 0, 0),
           journal ? journal : "-", store_field_int(moment, 0, 2));
    return fflush(stdout) == 0 ? 0 : 1;
}

int store_dump(const struct store_options *options)
{
    tip_auto(tip_buf_deinit) struct tip_buf conninfo;
    tip_auto(store_db_destroy) struct store_db *db = NULL;
    char snapshot[BACKUP_LINE], why[STORE_DB_WHY_BYTES];

    tip_buf_init(&conninfo, BACKUP_CONNINFO);
    if (backup_open(options, &db))
        return 1;
    if (store_schema_check(db, why))
        return backup_failed(why);
    if (dump_moment(db, options->consumer, snapshot))
        return 1;
    if (conninfo_of(options, db, &conninfo))
        return backup_failed("the connection string is too long");
    return program_run("pg_dump", (const char *const[]){"--format=custom", "--schema=tip", "--no-password", snapshot,
                                                        "--dbname", tip_buf_text(&conninfo), NULL});
}

/* ---- load ---- */

/* A byte at a time: what stands behind the line is pg_restore's. */
static int load_order_read(struct load_order *order)
{
    char line[BACKUP_LINE], end = 0;
    size_t n = 0;

    while (n < sizeof(line) - 1 && read(STDIN_FILENO, line + n, 1) == 1 && line[n] != '\n')
        n++;
    line[n] = '\0';
    if (sscanf(line, "tip-load 1 schema=%9u journal=%37[0-9a-f-] renamed=%37[0-9a-f-] replace=%1d dry_run=%1d%c",
               &order->schema, order->journal, order->renamed, &order->replace, &order->dry_run, &end) != 5)
        return backup_failed("this is `tip restore`'s: standard input does not begin as it should");
    return 0;
}

static int load_ask(struct store_db *db, const char *sql, bool *yesp)
{
    tip_auto(store_result_clear) PGresult *result = NULL;
    int r = store_db_run(db, sql, NULL, &result);

    *yesp = !r && PQntuples(result) == 1 && store_field_bool(result, 0, 0);
    return r;
}

/* Is this a place for it? @param therep  a schema is there already */
static int load_look(struct store_db *db, const char *consumer, const struct load_order *order, bool *therep)
{
    unsigned long newest = strtoul(store_migrations[store_migrations_n - 1].name, NULL, 10);
    char why[STORE_DB_WHY_BYTES];
    bool mine;

    if (order->schema > newest) {
        snprintf(why, sizeof(why), "the backup is of a newer program: its schema is %u, this one knows %lu",
                 order->schema, newest);
        return backup_failed(why);
    }
    if (store_position_claim(db, consumer, &mine) || load_ask(db, load_sql_has_schema, therep))
        return backup_failed(store_db_why(db));
    if (!mine)
        return backup_failed("a storage service is at work on this database: end it first");
    if (*therep && !order->replace)
        return backup_failed("the database has a schema `tip` already: --replace puts the backup in its place");
    return 0;
}

static int load_restore(struct store_db *db, const struct store_options *options)
{
    tip_auto(tip_buf_deinit) struct tip_buf conninfo;

    tip_buf_init(&conninfo, BACKUP_CONNINFO);
    if (conninfo_of(options, db, &conninfo))
        return backup_failed("the connection string is too long");
    return program_run("pg_restore", (const char *const[]){"--format=custom", "--single-transaction", "--exit-on-error",
                                                           "--no-password", "--dbname", tip_buf_text(&conninfo), NULL});
}

/* The journal beside it has another id now. Lists may have moved on since: every owner is asked once. */
static int load_adapt(struct store_db *db, const char *consumer, const struct load_order *order)
{
    struct store_args args = {.n = 0};
    int r = 0;

    store_arg_text(&args, order->journal);
    store_arg_text(&args, order->renamed);
    if (strcmp(order->journal, "-") != 0)
        r = store_db_run(db, load_sql_rename, &args, NULL);
    if (!r)
        r = store_need_all(db, consumer, "restored from a backup");
    return r ? backup_failed(store_db_why(db)) : 0;
}

static int load_whole(struct store_db *db, const struct store_options *options, const struct load_order *order)
{
    char why[STORE_DB_WHY_BYTES];

    if (store_roles(db, why))
        return backup_failed(why);
    if (load_restore(db, options))
        return 1;
    if (store_migrate(db, NULL, why))
        return backup_failed(why);
    return load_adapt(db, options->consumer, order);
}

int store_load(const struct store_options *options)
{
    tip_auto(store_db_destroy) struct store_db *db = NULL;
    struct load_order order;
    bool there = false;

    if (load_order_read(&order) || backup_open(options, &db) || load_look(db, options->consumer, &order, &there))
        return 1;
    if (order.dry_run)
        return 0;
    (void)signal(SIGINT, SIG_IGN); /* carried through: an old schema that was put aside must come back */
    (void)signal(SIGTERM, SIG_IGN);
    if (there && store_db_script(db, load_sql_aside))
        return backup_failed(store_db_why(db));
    if (load_whole(db, options, &order)) {
        if (store_db_script(db, there ? load_sql_back : load_sql_drop))
            return backup_failed(store_db_why(db));
        return 1;
    }
    if (store_db_script(db, load_sql_forget))
        return backup_failed(store_db_why(db));
    return 0;
}
