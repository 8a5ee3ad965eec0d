#pragma once
/*
 * The skeleton every service hangs in: options, log, directories, lock, loop, admin HTTP, signals, systemd. A service
 * gives a table of its options and its callbacks; main() is `return tip_service_main(&def, argc, argv);`.
 *
 *     --help --version --check-config --show-config --print-options --health --config FILE, and every option of its
 *     tables
 *
 * SIGTERM and SIGINT drain, a second one ends at once; SIGHUP reloads all or nothing; SIGUSR1 switches debug lines.
 * Exit codes: 0 ended as asked, 1 could not start or go on (an error line says why), 2 wrong usage.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <tip/cleanup.h>
#include <tip/loop.h>
#include <tip/opt.h>

struct tip_admin;
struct tip_metrics;
struct tip_service;

enum { TIP_SERVICE_DRAIN_MS = 10000, TIP_SERVICE_WHY_BYTES = 256 };

/** Section `tip`: what all programs of a site share. */
struct tip_common_options {
    char *run;      /* directory of sockets and pid files, [/run/tip] */
    bool simulated; /* part of a lab */
};

/** Section `bus`: where the broker is. */
struct tip_bus_options {
    char *ingest;         /* [tcp://127.0.0.1:5550] */
    char *feed;           /* [tcp://127.0.0.1:5571], the amber door */
    char *feed_green;     /* [tcp://127.0.0.1:5561] */
    char *feed_clear;     /* [tcp://127.0.0.1:5551] */
    char *fetch;          /* [tcp://127.0.0.1:5552] */
    char *work;           /* [tcp://127.0.0.1:5553] */
    char *keys;           /* directory, NULL without */
    int64_t outbox_bytes; /* [256MiB], of a service's LMDB map */
    bool public_clear;
    bool insecure;
};

/** Whether tcp is plain: no keys, and `insecure` allows it. */
bool tip_bus_options_insecure(const struct tip_bus_options *options);

extern const struct tip_opt_table tip_common_table;
extern const struct tip_opt_table tip_bus_table;
extern const struct tip_opt_table tip_log_table; /* fills a struct tip_log_options */

struct tip_log_options {
    int level; /* enum tip_log_level */
};

/** A word after the program's name: `tip-storage migrate`. Runs without directories, lock or loop; may be root. */
struct tip_service_command {
    const char *name;
    const char *help;
    /** @return the exit code */
    int (*run)(const void *options, const struct tip_bus_options *bus);
};

/**
 * A service. `options` are its own struct, filled and checked. The skeleton owns them: during reload both old and new
 * exist, and after a successful one the old are freed, so an app keeps no pointers into options but takes them anew
 * in reload.
 */
struct tip_service_def {
    const char *name; /* "scheduler": program tip-scheduler, section `scheduler`, socket <run>/scheduler.sock */
    const char *help; /* one sentence */
    const struct tip_opt_table *options;        /* own section; `data` and `admin` are added by the skeleton */
    const struct tip_opt_table *file_options;   /* of files of its own, for help and the reference page; may be NULL */
    const char *file_name;                      /* what those files are called */
    const struct tip_service_command *commands; /* n_commands of them; may be NULL */
    size_t n_commands;

    /** Semantic checks, also for --check-config: report with tip_conf_refuse. May be NULL. No side effects. */
    void (*check)(const void *options, struct tip_conf *conf);

    /**
     * Makes the app; everything is there (data directory locked, loop, admin, metrics).
     *
     * @return 0, or a negative errno after an error line: the process ends with 1
     */
    int (*start)(struct tip_service *service, const void *options, void **appp);

    /** Drain: stop taking in, finish, then call tip_service_stopped; after 10 s the end comes anyway. */
    void (*stop)(void *app);

    /** Frees the app, after the loop has ended. Also called after a failed start when *appp was set. */
    void (*destroy)(void **appp);

    /**
     * New options, already checked: take all of them, or nothing. NULL: only a restart can change them.
     *
     * @param why  set to a sentence when refused, TIP_SERVICE_WHY_BYTES
     * @return 0, or a negative errno: the old options stay
     */
    int (*reload)(void *app, const void *options, char *why);
};

tip_nodiscard int tip_service_main(const struct tip_service_def *def, int argc, char **argv);

/** Told by the app: draining is done. */
void tip_service_stopped(struct tip_service *service);

/** The service cannot go on: an error line `service.failed` with the reason, then drain and exit code 1. */
void tip_service_fail(struct tip_service *service, const char *format, ...) tip_printf(2, 3);

const char *tip_service_name(const struct tip_service *service);
struct tip_loop *tip_service_loop(struct tip_service *service);
struct tip_admin *tip_service_admin(struct tip_service *service);
struct tip_metrics *tip_service_metrics(struct tip_service *service);

/** Own directory, mode 0700, locked; no trailing slash. */
const char *tip_service_data_dir(const struct tip_service *service);
const char *tip_service_run_dir(const struct tip_service *service);

/** Resident memory of this process; 0 when /proc does not say. */
uint64_t tip_service_memory_bytes(void);

/** Part of a lab: everything it shows says so. */
bool tip_service_is_simulated(const struct tip_service *service);

/** The own options in force, and the common ones. Not across a reload. */
const void *tip_service_options(const struct tip_service *service);
const struct tip_bus_options *tip_service_bus_options(const struct tip_service *service);

/** Set in start, for the bus client: fn runs once after a successful start; or once when draining begins, before stop.
 */
void tip_service_on_ready(struct tip_service *service, tip_loop_fn *fn, void *ctx);
void tip_service_on_stop(struct tip_service *service, tip_loop_fn *fn, void *ctx);
