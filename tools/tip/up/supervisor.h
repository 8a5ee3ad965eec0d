#pragma once
/*
 * Keeps programs running: restarts what dies with growing delays, keeps their output in files, and ends them in order.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include <tip/cleanup.h>
#include <tip/loop.h>

struct sup;

enum sup_state { SUP_RUNNING, SUP_BACKING_OFF, SUP_ENDING, SUP_ENDED, SUP_STATE_COUNT };

enum {
    SUP_RANKS = 3,        /* ranks end one after the other, 0 first */
    SUP_DRAIN_MS = 11000, /* what a rank is given before SIGKILL: services drain for 10 s */
    SUP_LOG_BYTES = 16 * 1024 * 1024
};

/** Copied. */
struct sup_spec {
    const char *name; /* of the log file, too */
    const char *path;
    const char *const *args;
    const char *const *env;
    int death_signal; /* 0: SIGKILL */
    int stop_signal;  /* 0: SIGTERM */
    bool reloads;     /* takes its configuration in again on SIGHUP */
    unsigned rank;    /* < SUP_RANKS */
};

struct sup_config {
    struct tip_loop *loop;
    const char *log_dir; /* exists; <name>.log and <name>.log.1 of at most 16 MiB each; borrowed */
    /** An ending, a restart, an error line of a program: for people. */
    void (*on_news)(void *ctx, const char *name, const char *text);
    void *ctx;
};

struct sup *sup_new(const struct sup_config *config);

/** Kills what still runs. */
void sup_destroy(struct sup **supp);

/** Starts it now and again whenever it ends. */
void sup_keep(struct sup *sup, const struct sup_spec *spec);

/** Runs it once. @param on_end  exit code, or 128 + signal */
void sup_once(struct sup *sup, const struct sup_spec *spec, void (*on_end)(void *ctx, int code), void *ctx);

/** Ends everything, rank by rank, then calls back (perhaps at once). */
void sup_stop(struct sup *sup, void (*on_stopped)(void *ctx), void *ctx);

/** SIGHUP to every kept program that reloads on it. */
void sup_reload(struct sup *sup);

struct sup_info {
    const char *name;
    enum sup_state state;
    pid_t pid; /* 0 while it does not run */
    uint64_t n_restarts;
};

/** Kept programs, in the order they were added. */
size_t sup_count(const struct sup *sup);
struct sup_info sup_info(const struct sup *sup, size_t i);

const char *sup_state_name(enum sup_state state);
