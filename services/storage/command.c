#include "command.h"

#include <stdio.h>

#include "backup.h"
#include "io/db.h"
#include "io/migrate.h"
#include "options.h"

static int command_open(const struct store_options *options, struct store_db **dbp)
{
    struct store_db_options db = {.conninfo = options->database, .password = options->password};
    char why[STORE_DB_WHY_BYTES];
    int r = store_db_open(dbp, &db, why);

    if (r)
        fprintf(stderr, "tip-storage: %s\n", why);
    return r;
}

static int command_migrate(const void *options, const struct tip_bus_options *bus)
{
    tip_auto(store_db_destroy) struct store_db *db = NULL;
    char why[STORE_DB_WHY_BYTES], where[256];

    (void)bus;
    if (command_open(options, &db))
        return 1;
    if (store_migrate(db, stdout, why)) {
        fprintf(stderr, "tip-storage: %s\n", why);
        return 1;
    }
    store_db_where(db, where, sizeof(where));
    printf("%s has this program's schema\n", where);
    return 0;
}

static int command_check(const void *options, const struct tip_bus_options *bus)
{
    tip_auto(store_db_destroy) struct store_db *db = NULL;
    char why[STORE_DB_WHY_BYTES], where[256];

    (void)bus;
    if (command_open(options, &db))
        return 1;
    if (store_schema_check(db, why)) {
        fprintf(stderr, "tip-storage: %s\n", why);
        return 1;
    }
    store_db_where(db, where, sizeof(where));
    printf("%s has this program's schema\n", where);
    return 0;
}

static int command_dump(const void *options, const struct tip_bus_options *bus)
{
    (void)bus;
    return store_dump(options);
}

static int command_load(const void *options, const struct tip_bus_options *bus)
{
    (void)bus;
    return store_load(options);
}

const struct tip_service_command store_commands[] = {
    {"migrate", "Bring the database up to this program's schema; safe to repeat.", command_migrate},
    {"check", "Say whether the database has this program's schema.", command_check},
    {"dump", "For `tip backup`: the database as it is now, to standard output.", command_dump},
    {"load", "For `tip restore`: the database from standard input.", command_load},
};

const size_t store_commands_n = sizeof(store_commands) / sizeof(store_commands[0]);
