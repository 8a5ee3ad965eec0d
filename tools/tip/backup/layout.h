#pragma once
/* Where a site keeps what a backup is made of: its services' data, its keys, its configuration, its database. */
#include <stdbool.h>
#include <stddef.h>

#include "backup/files.h"
#include "options.h"
#include "programs.h"
#include "up/postgres.h"

struct layout {
    struct options options;
    char data[PROGRAMS][PROGRAM_PATH_BYTES]; /* of each service, in the order of `programs` */
    char sources[PROGRAM_PATH_BYTES];        /* directory of the source files; "" when none is named */
    char config_dir[PROGRAM_PATH_BYTES];     /* of tip.yaml */
    char consumer[PROGRAM_PATH_BYTES];       /* under which storage reads the journal */
    bool private_database;                   /* the one of `tip up` */
    struct pg pg;
    char env[PG_PATH_BYTES + 32]; /* TIP__STORAGE__DATABASE=… of the private one, set in our environment */
};

/** @param layout  to be closed in any case. @return an enum cli_exit */
int layout_open(struct layout *layout, const char *config);
void layout_close(struct layout *layout);

/** The data directory of a service, by its name. */
const char *layout_data(const struct layout *layout, const char *name);

/** Appends to a path; false when it does not fit. */
bool layout_join(char path[static FILES_PATH], const char *dir, const char *name);

/**
 * Calls for each plain file of a directory whose name may stand in a manifest, the last name first: of a journal that
 * is trimmed meanwhile the beginning is missing, and nothing between. A directory that is missing is empty.
 */
int layout_each(const char *dir, int (*each)(void *ctx, const char *name), void *ctx);
