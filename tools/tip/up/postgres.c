#include "up/postgres.h"

#include <errno.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <tip/fail.h>

/* The one with the highest version number in its path. */
static int pg_find_bin(char bin[static PG_PATH_BYTES])
{
    const char *wanted = getenv("TIP_POSTGRES_BIN");
    int best = -1, version;
    glob_t found;

    if (wanted && strlen(wanted) < PG_PATH_BYTES) {
        strcpy(bin, wanted);
        return 0;
    }
    if (glob("/usr/lib/postgresql/*/bin/initdb", 0, NULL, &found))
        return tip_fail(-ENOENT);
    for (size_t i = 0; i < found.gl_pathc; i++) {
        version = atoi(found.gl_pathv[i] + strlen("/usr/lib/postgresql/"));
        if (version > best && strlen(found.gl_pathv[i]) < PG_PATH_BYTES) {
            best = version;
            strcpy(bin, found.gl_pathv[i]);
            *strrchr(bin, '/') = '\0';
        }
    }
    globfree(&found);
    return best < 0 ? tip_fail(-ENOENT) : 0;
}

int pg_init(struct pg *pg, const char *data_dir, const char *socket_dir)
{
    int r = pg_find_bin(pg->bin);

    if (r)
        return r;
    if (strlen(socket_dir) + sizeof("/.s.PGSQL.5432.lock") > 107 || /* sun_path */
        snprintf(pg->data, PG_PATH_BYTES, "%s", data_dir) >= PG_PATH_BYTES ||
        snprintf(pg->database, PG_PATH_BYTES, "host=%s port=5432 user=tip dbname=postgres", socket_dir) >=
            PG_PATH_BYTES)
        return tip_fail(-ENAMETOOLONG);
    strcpy(pg->socket, socket_dir);
    return 0;
}

bool pg_is_new(const struct pg *pg)
{
    char path[PG_PATH_BYTES + 16];

    snprintf(path, sizeof(path), "%s/PG_VERSION", pg->data);
    return access(path, F_OK) == -1;
}

static void pg_command(const struct pg *pg, struct pg_command *command, const char *program)
{
    *command = (struct pg_command){.args = {NULL}};
    snprintf(command->path, sizeof(command->path), "%s/%s", pg->bin, program);
}

static void pg_args(struct pg_command *command, const char *const *args)
{
    size_t n = 0;

    while (command->args[n])
        n++;
    for (; *args; args++)
        command->args[n++] = *args;
}

void pg_initdb(const struct pg *pg, struct pg_command *command)
{
    pg_command(pg, command, "initdb");
    /* trust: only this user reaches the socket, see pg_serve */
    pg_args(command, (const char *const[]){"-D", pg->data, "-U", "tip", "-E", "UTF8", "--locale=C.UTF-8",
                                           "--auth=trust", "--no-instructions", NULL});
}

void pg_serve(const struct pg *pg, struct pg_command *command)
{
    pg_command(pg, command, "postgres");
    snprintf(command->text[0], sizeof(command->text[0]), "unix_socket_directories=%s", pg->socket);
    pg_args(command, (const char *const[]){"-D", pg->data, "-p", "5432", "-c", command->text[0], "-c",
                                           "listen_addresses=", "-c", "unix_socket_permissions=0700", "-c",
                                           "timezone=UTC", "-c", "log_timezone=UTC", "-c", "max_connections=40", NULL});
}

void pg_is_ready(const struct pg *pg, struct pg_command *command)
{
    pg_command(pg, command, "pg_isready");
    pg_args(command, (const char *const[]){"-q", "-h", pg->socket, "-p", "5432", "-U", "tip", "-d", "postgres", NULL});
}
