#pragma once
/*
 * A whole site in one process tree: broker, scheduler, blacklist, storage, and a private PostgreSQL if asked for.
 * Belongs to the process that may run services: unprivileged, inside the keeper.
 */
#include <stdbool.h>

#include "up/supervisor.h"

struct up;

struct up_config {
    struct tip_loop *loop;
    const char *config;   /* tip.yaml */
    const char *data_dir; /* log/, postgres/, lock; exists */
    const char *run_dir;  /* of sockets; exists */
    const char *keys_dir; /* bus.keys: what is missing in it is made; NULL: a bus without keys */
    bool private_database;
    const char *const *env; /* NULL-terminated, for every service */
    void (*on_news)(void *ctx, const char *name, const char *text);
    void *ctx;
};

/**
 * Starts everything. SIGINT and SIGTERM end it in order and stop the loop, a second one at once; so does SIGHUP when
 * the terminal it was started on is gone, else it reaches the services.
 *
 * @return 0, or a negative errno after a sentence on stderr
 */
tip_nodiscard int up_open(struct up **upp, const struct up_config *config);

/** Kills what still runs. */
void up_destroy(struct up **upp);

/** For more programs under the same supervisor. */
struct sup *up_supervisor(struct up *up);

/** Ends everything, then stops the loop. */
void up_stop(struct up *up);
bool up_is_stopping(const struct up *up);

/** What is going on with the database: "made", "starting", "migrated", … */
const char *up_database(const struct up *up);
