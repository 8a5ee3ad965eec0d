#pragma once
/*
 * Child processes in the loop: started, read line by line, signalled, reaped. A child gets `death_signal` when this
 * process dies, whatever kills it.
 */
#include <stdbool.h>
#include <sys/types.h>

#include <tip/cleanup.h>
#include <tip/loop.h>

struct proc;
struct procs; /* all of a process: it owns SIGCHLD */

enum { PROC_LINE_BYTES = 8192 }; /* longer lines are cut */

/** Everything is copied or used before proc_start returns. */
struct proc_spec {
    const char *path;                             /* of the program */
    const char *const *args;                      /* NULL-terminated; without argv[0], which is path */
    const char *const *env;                       /* NULL-terminated NAME=value, over our own environment; or NULL */
    int death_signal;                             /* 0: SIGKILL */
    void (*on_line)(void *ctx, const char *line); /* standard output and error, without the newline; may be NULL */
    void (*on_end)(void *ctx, int status);        /* once, as from waitpid; the proc is gone then */
    void *ctx;
};

struct procs *procs_new(struct tip_loop *loop);

/** Kills (SIGKILL) what still runs and waits for it. */
void procs_destroy(struct procs **procsp);

/** @return 0, or a negative errno when it could not be started; a missing program ends with exit code 127 instead */
tip_nodiscard int proc_start(struct procs *procs, const struct proc_spec *spec, struct proc **procp);

pid_t proc_pid(const struct proc *proc);
void proc_signal(const struct proc *proc, int number);

enum { PROC_STATUS_TEXT = 64 };

/** "exit code 1", "signal 9 (Killed)". */
void proc_status_text(int status, char text[static PROC_STATUS_TEXT]);
