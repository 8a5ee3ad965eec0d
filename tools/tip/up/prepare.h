#pragma once
/*
 * What is done before a supervisor starts, still as the user who asked: settle who it runs as, look at the
 * configuration, make directories which that user can reach.
 */
#include <stdbool.h>
#include <stddef.h>

#include "options.h"
#include "programs.h"
#include "up/user.h"

enum { PREPARE_ENV = PROGRAMS, PREPARE_PAGE = 280 };

struct prepared {
    struct user user;
    bool private_database;
    char env_text[PREPARE_ENV][PROGRAM_PATH_BYTES]; /* TIP__SCHEDULER__DATA=... */
    const char *env[PREPARE_ENV + 1];
    char page[PREPARE_PAGE];       /* where the page will be */
    char link[PROGRAM_PATH_BYTES]; /* the file of the link that logs in first, while there is no token */
};

/** Only who it runs as. @return an enum cli_exit */
int prepare_user(struct prepared *prepared);

/** Whether that user can start every service. @return as above */
int prepare_binaries(const struct prepared *prepared);

/**
 * Checks that the binaries are there and can be reached, that every service accepts the configuration, and finds out
 * where each keeps its data and whether a database is named. What is wrong is said on stderr.
 *
 * @return an enum cli_exit
 */
int prepare_look(struct prepared *prepared, const struct options *options);

/** Makes a directory for the user, parents included. One that exists must be empty or be theirs. @return as above */
int prepare_dir(const struct prepared *prepared, const char *path);
