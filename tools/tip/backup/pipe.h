#pragma once
/* `tip-storage dump` and `load` at the other end of a pipe. */
#include <sys/types.h>

#include "up/user.h"

struct pipe_end {
    pid_t pid; /* 0: none */
    int fd;    /* ours: to read a dump, to write a load */
};

enum { PIPE_LINE = 512 };

/** @param verb  "dump" or "load". @return 0 or negative errno */
int pipe_open(struct pipe_end *pipe, const char *config, const char *verb);

/** Closes our end. @return what it ended with, 128 + signal, or -1 when it was not open */
int pipe_close(struct pipe_end *pipe);

/** A line, a byte at a time: what stands behind it is not read. @return 0 or negative errno */
int pipe_line(const struct pipe_end *pipe, char line[static PIPE_LINE]);

/** Runs a program as a user: for PostgreSQL, which is not root. @return its pid or negative errno */
pid_t pipe_spawn_as(const struct user *user, const char *const *argv, const char *log);
