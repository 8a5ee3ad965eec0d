#pragma once
/* The private PostgreSQL cluster: Debian's binaries, one unix socket, nobody else. */
#include <stdbool.h>
#include <stddef.h>

#include <tip/cleanup.h>

enum { PG_PATH_BYTES = 1024, PG_ARGS = 24 };

struct pg {
    char bin[PG_PATH_BYTES];      /* directory of initdb and postgres */
    char data[PG_PATH_BYTES];     /* of the cluster */
    char socket[PG_PATH_BYTES];   /* directory of the socket */
    char database[PG_PATH_BYTES]; /* connection string */
};

/**
 * Finds PostgreSQL (the highest version below /usr/lib/postgresql, or TIP_POSTGRES_BIN) and fixes the places.
 *
 * @return 0, -ENOENT when none is installed, -ENAMETOOLONG
 */
tip_nodiscard int pg_init(struct pg *pg, const char *data_dir, const char *socket_dir);

bool pg_is_new(const struct pg *pg); /* there is no cluster yet */

/** A command line: path and NULL-terminated arguments, which point into the struct itself and into pg. */
struct pg_command {
    char path[PG_PATH_BYTES + 16];
    const char *args[PG_ARGS];
    char text[3][PG_PATH_BYTES + 64];
};

void pg_initdb(const struct pg *pg, struct pg_command *command);
void pg_serve(const struct pg *pg, struct pg_command *command);
void pg_is_ready(const struct pg *pg, struct pg_command *command);
