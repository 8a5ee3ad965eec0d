#pragma once
/*
 * The process that was started, around the supervisor: it stays what it was (root perhaps), passes signals on, and when
 * the supervisor has ended, however that came, sees to it that nothing is left. The supervisor runs in a process group
 * of its own, as an unprivileged user.
 */
#include "up/user.h"

struct keeper {
    struct user user;
    const char *remove_dir; /* with all in it, in the end; NULL: nothing */
    const char *site;       /* the pointer file of this tip.yaml is written and removed; NULL: none */
    int (*run)(void *ctx);  /* the supervisor: returns an exit code */
    void *ctx;
};

/** @return the supervisor's exit code, or 1 when it could not be started or was killed */
int keeper_run(const struct keeper *keeper);
