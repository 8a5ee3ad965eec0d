#include "io/migrate.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include <tip/alloc.h>

#include "core/binary.h"
#include "io/embedded.h"

enum { MIGRATE_SHA_TEXT = crypto_hash_sha256_BYTES * 2 + 1 };

static const char migrate_sql_lock[] = "select pg_advisory_lock(hashtext('tip.migrate'))";
static const char migrate_sql_unlock[] = "select pg_advisory_unlock(hashtext('tip.migrate'))";

/* ---- roles ---- */

static const char *const migrate_roles[] = {"tip_owner", "tip_storage", "tip_reader", "tip_maintenance"};

static const char migrate_sql_role_exists[] = "select 1 from pg_catalog.pg_roles where rolname = $1";
static const char migrate_sql_may_create_roles[] =
    "select rolsuper or rolcreaterole from pg_catalog.pg_roles where rolname = current_user";
static const char migrate_sql_is_member[] = "select pg_catalog.pg_has_role(current_user, $1, 'member')";

static int migrate_ask(struct store_db *db, const char *sql, const char *arg, bool *yesp)
{
    tip_auto(store_result_clear) PGresult *result = NULL;
    struct store_args args = {.n = 0};
    int r;

    if (arg)
        store_arg_text(&args, arg);
    r = store_db_run(db, sql, &args, &result);
    *yesp = !r && PQntuples(result) && (PQgetvalue(result, 0, 0)[0] == 't' || PQgetvalue(result, 0, 0)[0] == '1');
    return r;
}

static int migrate_role_make(struct store_db *db, const char *role, FILE *say, char *why)
{
    char sql[128];
    bool may;
    int r = migrate_ask(db, migrate_sql_may_create_roles, NULL, &may);

    if (r)
        return r;
    if (!may) {
        snprintf(why, STORE_DB_WHY_BYTES,
                 "role %s is missing and this user may not make it; let an administrator run: create role tip_owner; "
                 "create role tip_storage; create role tip_reader; create role tip_maintenance; "
                 "grant tip_owner, tip_storage, tip_reader, tip_maintenance to <this user>",
                 role);
        return STORE_DB_E_SCHEMA;
    }
    snprintf(sql, sizeof(sql), "create role %s nologin", role);
    r = store_db_script(db, sql);
    if (!r && say)
        fprintf(say, "role %s made\n", role);
    return r;
}

static int migrate_role(struct store_db *db, const char *role, FILE *say, char *why)
{
    char sql[128];
    bool yes;
    int r = migrate_ask(db, migrate_sql_role_exists, role, &yes);

    if (!r && !yes)
        r = migrate_role_make(db, role, say, why);
    if (!r)
        r = migrate_ask(db, migrate_sql_is_member, role, &yes);
    if (r || yes)
        return r;
    snprintf(sql, sizeof(sql), "grant %s to current_user", role);
    r = store_db_script(db, sql);
    if (r == STORE_DB_E_SCHEMA)
        snprintf(why, STORE_DB_WHY_BYTES,
                 "this user is no member of role %s; let an administrator run: grant %s to ...", role, role);
    return r;
}

static int migrate_all_roles(struct store_db *db, FILE *say, char *why)
{
    int r = 0;

    for (size_t i = 0; !r && i < sizeof(migrate_roles) / sizeof(migrate_roles[0]); i++)
        r = migrate_role(db, migrate_roles[i], say, why);
    return r;
}

int store_roles(struct store_db *db, char *why)
{
    int r;

    why[0] = '\0';
    r = migrate_all_roles(db, NULL, why);
    if (r && !why[0])
        snprintf(why, STORE_DB_WHY_BYTES, "%s", store_db_why(db));
    return r;
}

/* ---- schema and migrations ---- */

/* The database must let tip_owner make its schema; whoever may create schemas may hand one over. */
static const char migrate_sql_schema[] = "create schema if not exists tip authorization tip_owner;"
                                         "set role tip_owner;"
                                         "create table if not exists tip.schema_migration ("
                                         "    version integer primary key,"
                                         "    name text not null,"
                                         "    sha256 text not null,"
                                         "    applied_at timestamptz not null default now()"
                                         ");"
                                         "comment on table tip.schema_migration is "
                                         "'Which migrations have been applied. Read by tip-storage; one row each.';"
                                         "reset role";
static const char migrate_sql_has_schema[] = "select to_regclass('tip.schema_migration') is not null";
static const char migrate_sql_applied[] = "select version, name, sha256 from tip.schema_migration order by version";
static const char migrate_sql_note[] =
    "insert into tip.schema_migration (version, name, sha256) values ($1::integer, $2, $3)";
static const char migrate_sql_key[] = "insert into tip.site (ikey_key) values ($1) on conflict do nothing";

static void migrate_sha(const struct store_embedded *file, char text[static MIGRATE_SHA_TEXT])
{
    unsigned char hash[crypto_hash_sha256_BYTES];

    crypto_hash_sha256(hash, (const unsigned char *)file->text, file->len);
    sodium_bin2hex(text, MIGRATE_SHA_TEXT, hash, sizeof(hash));
}

/* Compares what is applied with what we have; *n_appliedp: how many of ours are there, in order, unchanged. */
static int migrate_compare(const PGresult *applied, size_t *n_appliedp, char *why)
{
    size_t n = (size_t)PQntuples(applied);

    for (size_t i = 0; i < n; i++) {
        const char *name = PQgetvalue(applied, (int)i, 1);
        char sha[MIGRATE_SHA_TEXT];

        if (i >= store_migrations_n) {
            snprintf(why, STORE_DB_WHY_BYTES, "the database has migration %s, which this program does not know", name);
            return STORE_DB_E_SCHEMA;
        }
        migrate_sha(&store_migrations[i], sha);
        if (strcmp(name, store_migrations[i].name) != 0 || strcmp(sha, PQgetvalue(applied, (int)i, 2)) != 0) {
            snprintf(why, STORE_DB_WHY_BYTES, "migration %s was applied with another text than %s has here", name,
                     store_migrations[i].name);
            return STORE_DB_E_SCHEMA;
        }
    }
    *n_appliedp = n;
    return 0;
}

static int migrate_applied(struct store_db *db, size_t *n_appliedp, char *why)
{
    tip_auto(store_result_clear) PGresult *result = NULL;
    int r = store_db_run(db, migrate_sql_applied, NULL, &result);

    return r ? r : migrate_compare(result, n_appliedp, why);
}

static int migrate_note(struct store_db *db, const struct store_embedded *file)
{
    struct store_args args = {.n = 0};
    char sha[MIGRATE_SHA_TEXT];

    migrate_sha(file, sha);
    store_arg_int(&args, strtol(file->name, NULL, 10));
    store_arg_text(&args, file->name);
    store_arg_text(&args, sha);
    return store_db_run(db, migrate_sql_note, &args, NULL);
}

static int migrate_apply(struct store_db *db, const struct store_embedded *file)
{
    int r = store_db_script(db, "begin; set local role tip_owner; set local search_path = pg_catalog, pg_temp");

    if (!r)
        r = store_db_script(db, file->text);
    if (!r)
        r = migrate_note(db, file);
    if (!r)
        r = store_db_script(db, "commit");
    if (r)
        store_db_rollback(db);
    return r;
}

static int migrate_missing(struct store_db *db, FILE *say, char *why)
{
    size_t n = 0;
    int r = migrate_applied(db, &n, why);

    for (; !r && n < store_migrations_n; n++) {
        r = migrate_apply(db, &store_migrations[n]);
        if (r)
            snprintf(why, STORE_DB_WHY_BYTES, "migration %s: %.400s", store_migrations[n].name, store_db_why(db));
        else if (say)
            fprintf(say, "migration %s applied\n", store_migrations[n].name);
    }
    return r;
}

static int migrate_key(struct store_db *db)
{
    struct store_args args = {.n = 0};
    unsigned char key[16];
    int r;

    randombytes_buf(key, sizeof(key));
    store_arg_binary(&args, key, sizeof(key));
    r = store_db_script(db, "set role tip_owner");
    if (!r)
        r = store_db_run(db, migrate_sql_key, &args, NULL);
    sodium_memzero(key, sizeof(key));
    return r ? r : store_db_script(db, "reset role");
}

static int migrate_locked(struct store_db *db, FILE *say, char *why)
{
    int r = migrate_all_roles(db, say, why);

    if (!r)
        r = store_db_script(db, migrate_sql_schema);
    if (!r)
        r = migrate_missing(db, say, why);
    return r ? r : migrate_key(db);
}

int store_migrate(struct store_db *db, FILE *say, char *why)
{
    int r;

    why[0] = '\0';
    if (sodium_init() < 0)
        abort();
    r = store_db_run(db, migrate_sql_lock, NULL, NULL);
    if (!r) {
        r = migrate_locked(db, say, why);
        if (r && !why[0])
            snprintf(why, STORE_DB_WHY_BYTES, "%s", store_db_why(db));
        (void)!store_db_run(db, migrate_sql_unlock, NULL, NULL); /* goes with the connection anyway */
    } else {
        snprintf(why, STORE_DB_WHY_BYTES, "%s", store_db_why(db));
    }
    return r;
}

int store_schema_check(struct store_db *db, char *why)
{
    bool there;
    size_t n = 0;
    int r = migrate_ask(db, migrate_sql_has_schema, NULL, &there);

    why[0] = '\0';
    if (!r && there)
        r = migrate_applied(db, &n, why);
    if (!r && n < store_migrations_n) {
        snprintf(why, STORE_DB_WHY_BYTES, "the database lacks migration %s: run tip-storage migrate",
                 store_migrations[n].name);
        return STORE_DB_E_SCHEMA;
    }
    if (r && !why[0])
        snprintf(why, STORE_DB_WHY_BYTES, "%s", store_db_why(db));
    return r;
}
