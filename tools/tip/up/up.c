#include "up/up.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <tip/alloc.h>
#include <tip/fail.h>

#include "command.h"
#include "keys/setup.h"
#include "programs.h"
#include "up/lock.h"
#include "up/postgres.h"
#include "up/tree.h"

enum { UP_ENV_MAX = 16, UP_READY_MS = 100, UP_MIGRATE_MS = 3000, UP_AGAIN_MS = 1000 };

enum up_database { UP_DB_MAKING, UP_DB_STARTING, UP_DB_MIGRATING, UP_DB_READY, UP_DB_COUNT };

struct up {
    struct up_config config;
    struct sup *sup;
    struct pg pg;
    char log_dir[PROGRAM_PATH_BYTES], pg_new[PG_PATH_BYTES], pg_env[PG_PATH_BYTES + 32];
    const char *env[UP_ENV_MAX + 2]; /* of services: the configured ones, and the private database */
    enum up_database database;
    struct tip_timer again;
    struct tip_signal interrupt, terminate, hangup;
    int lock_fd;
    bool is_stopping;
    bool on_terminal;    /* ends with it */
    int64_t stopping_ms; /* since when */
};

static const char *const up_database_names[UP_DB_COUNT] = {
    [UP_DB_MAKING] = "making", [UP_DB_STARTING] = "starting", [UP_DB_MIGRATING] = "migrating", [UP_DB_READY] = "ready"};

const char *up_database(const struct up *up)
{
    return up_database_names[up->database];
}

struct sup *up_supervisor(struct up *up)
{
    return up->sup;
}

bool up_is_stopping(const struct up *up)
{
    return up->is_stopping;
}

/* ---- services ---- */

static void up_service_spec(struct up *up, const struct program *program, const char *path, struct sup_spec *spec)
{
    *spec = (struct sup_spec){.name = program->name, .path = path, .env = up->env, .rank = program->rank};
}

static void up_service(struct up *up, const struct program *program)
{
    const char *const args[] = {"--config", up->config.config, NULL};
    char path[PROGRAM_PATH_BYTES];
    struct sup_spec spec;

    program_path(program->name, path);
    up_service_spec(up, program, path, &spec);
    spec.args = args;
    spec.reloads = true;
    sup_keep(up->sup, &spec);
}

static void up_services(struct up *up, bool is_storage)
{
    for (size_t i = 0; i < PROGRAMS; i++) {
        if ((strcmp(programs[i].name, "storage") == 0) == is_storage)
            up_service(up, &programs[i]);
    }
}

/* ---- the database, step by step ---- */

static void up_database_step(void *ctx);

static void up_once(struct up *up, const char *name, const struct pg_command *command,
                    void (*on_end)(void *ctx, int code))
{
    const struct sup_spec spec = {.name = name, .path = command->path, .args = command->args, .rank = SUP_RANKS - 1};

    sup_once(up->sup, &spec, on_end, up);
}

static void up_on_migrated(void *ctx, int code)
{
    struct up *up = ctx;

    if (code) {
        up->config.on_news(up->config.ctx, "migrate", "the database cannot be migrated; tries again in 3 s");
        tip_timer_start(&up->again, UP_MIGRATE_MS);
        return;
    }
    up->database = UP_DB_READY;
    up_services(up, true);
}

static void up_migrate(struct up *up)
{
    const char *const args[] = {"migrate", "--config", up->config.config, NULL};
    const struct program migrate = {"migrate", 0};
    char path[PROGRAM_PATH_BYTES];
    struct sup_spec spec;

    program_path("storage", path);
    up_service_spec(up, &migrate, path, &spec);
    spec.args = args;
    sup_once(up->sup, &spec, up_on_migrated, up);
}

static void up_on_probed(void *ctx, int code)
{
    struct up *up = ctx;

    if (code == 0)
        up->database = UP_DB_MIGRATING;
    tip_timer_start(&up->again, code == 0 ? 0 : UP_READY_MS);
}

static void up_probe(struct up *up)
{
    struct pg_command command;

    pg_is_ready(&up->pg, &command);
    up_once(up, "pg_isready", &command, up_on_probed);
}

static void up_serve(struct up *up)
{
    struct pg_command command;

    pg_serve(&up->pg, &command);
    sup_keep(up->sup, &(struct sup_spec){.name = "postgres",
                                         .path = command.path,
                                         .args = command.args,
                                         .death_signal = SIGQUIT, /* ends its own children, too */
                                         .stop_signal = SIGINT,   /* "fast shutdown" */
                                         .rank = SUP_RANKS - 1});
    up->database = UP_DB_STARTING;
    tip_timer_start(&up->again, UP_READY_MS);
}

static void up_on_made(void *ctx, int code)
{
    struct up *up = ctx;

    if (code || rename(up->pg_new, up->pg.data) == -1) {
        up->config.on_news(up->config.ctx, "initdb", "PostgreSQL cannot make its cluster: see log/initdb.log");
        tip_timer_start(&up->again, UP_MIGRATE_MS);
        return;
    }
    up_serve(up);
}

/* Made beside its place and moved there when it is whole: a kill in between leaves nothing that looks like one. */
static void up_make(struct up *up)
{
    struct pg_command command;
    struct pg made = up->pg;

    if (!pg_is_new(&up->pg)) {
        up_serve(up);
        return;
    }
    if (tree_remove(up->pg_new))
        up->config.on_news(up->config.ctx, "initdb", "an older attempt at a cluster cannot be removed");
    snprintf(made.data, sizeof(made.data), "%s", up->pg_new);
    pg_initdb(&made, &command);
    up_once(up, "initdb", &command, up_on_made);
}

static void up_database_step(void *ctx)
{
    struct up *up = ctx;

    switch (up->database) {
    case UP_DB_MAKING:
        up_make(up);
        break;
    case UP_DB_STARTING:
        up_probe(up);
        break;
    case UP_DB_MIGRATING:
        up_migrate(up);
        break;
    case UP_DB_READY:
    case UP_DB_COUNT:
        break;
    }
}

/* ---- beginning and end ---- */

static void up_on_stopped(void *ctx)
{
    struct up *up = ctx;

    tip_loop_stop(up->config.loop);
}

void up_stop(struct up *up)
{
    if (up->is_stopping)
        return;
    up->is_stopping = true;
    up->stopping_ms = tip_loop_now_ms();
    tip_timer_stop(&up->again);
    sup_stop(up->sup, up_on_stopped, up);
}

static void up_on_signal(void *ctx)
{
    struct up *up = ctx;

    if (up->is_stopping) {
        if (tip_loop_now_ms() - up->stopping_ms > UP_AGAIN_MS) /* one request may arrive as two signals */
            tip_loop_stop(up->config.loop);                    /* destroy kills */
        return;
    }
    up->config.on_news(up->config.ctx, "tip", "ending: services drain up to 10 s; again to end at once");
    up_stop(up);
}

static bool up_has_terminal(void)
{
    tip_auto(tip_fd_close) int fd = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);

    return fd != -1;
}

/* What was started on a terminal goes with it, unless it was told not to mind (nohup). */
static bool up_is_tied(void)
{
    struct sigaction hangup;

    return sigaction(SIGHUP, NULL, &hangup) == 0 && hangup.sa_handler != SIG_IGN && up_has_terminal();
}

static void up_on_hangup(void *ctx)
{
    struct up *up = ctx;

    if (up->on_terminal && !up_has_terminal()) {
        up->config.on_news(up->config.ctx, "tip", "the terminal is gone: ending");
        up_stop(up);
        return;
    }
    up->config.on_news(up->config.ctx, "tip", "SIGHUP: the services read their configuration again");
    sup_reload(up->sup);
}

static int up_lock(struct up *up)
{
    int r = lock_take(up->config.data_dir, &up->lock_fd);

    if (r == -EBUSY)
        cli_error("another `tip up` runs with %s", up->config.data_dir);
    else if (r)
        cli_error("%s/lock: %s", up->config.data_dir, strerror(-r));
    return r;
}

static int up_places(struct up *up)
{
    char data[PG_PATH_BYTES];
    int r;

    snprintf(up->log_dir, sizeof(up->log_dir), "%s/log", up->config.data_dir);
    snprintf(up->pg_new, sizeof(up->pg_new), "%s/postgres.new", up->config.data_dir);
    snprintf(data, sizeof(data), "%s/postgres", up->config.data_dir);
    r = tree_make(up->log_dir, 0755);
    if (r)
        cli_error("%s: %s", up->log_dir, strerror(-r));
    if (r || !up->config.private_database)
        return r;
    r = pg_init(&up->pg, data, up->config.run_dir);
    if (r == -ENOENT)
        cli_error("no PostgreSQL below /usr/lib/postgresql: apt-get install postgresql, or set storage.database");
    else if (r)
        cli_error("%s: too long for PostgreSQL's socket", up->config.run_dir);
    return r;
}

static int up_keys(const struct up *up)
{
    char why[KEYMAP_WHY_BYTES];
    int r = up->config.keys_dir ? setup_site(up->config.keys_dir, why) : 0;

    if (r)
        cli_error("the keys of the bus: %s", why);
    else if (up->config.keys_dir && setup_narrow(up->config.keys_dir, why, sizeof(why)))
        cli_error("keys.yaml says less than services need (%s): `tip keys update` adds it", why);
    return r;
}

static void up_environment(struct up *up)
{
    size_t n = 0;

    for (; up->config.env && up->config.env[n] && n < UP_ENV_MAX; n++)
        up->env[n] = up->config.env[n];
    if (!up->config.private_database)
        return;
    snprintf(up->pg_env, sizeof(up->pg_env), "TIP__STORAGE__DATABASE=%s", up->pg.database);
    up->env[n] = up->pg_env;
}

int up_open(struct up **upp, const struct up_config *config)
{
    tip_auto(up_destroy) struct up *up = tip_new(struct up);
    int r;

    up->config = *config;
    up->lock_fd = -1;
    r = up_lock(up);
    if (r == 0)
        r = up_places(up);
    if (r == 0)
        r = up_keys(up);
    if (r)
        return r;
    up_environment(up);
    up->sup = sup_new(&(struct sup_config){
        .loop = config->loop, .log_dir = up->log_dir, .on_news = config->on_news, .ctx = config->ctx});
    tip_timer_init(&up->again, config->loop, up_database_step, up);
    up->on_terminal = up_is_tied();
    tip_signal_init(&up->interrupt, config->loop, SIGINT, up_on_signal, up);
    tip_signal_init(&up->terminate, config->loop, SIGTERM, up_on_signal, up);
    tip_signal_init(&up->hangup, config->loop, SIGHUP, up_on_hangup, up);
    up->database = config->private_database ? UP_DB_MAKING : UP_DB_MIGRATING;
    up_services(up, false);
    up_database_step(up);
    *upp = tip_take(up);
    return 0;
}

void up_destroy(struct up **upp)
{
    struct up *up = *upp;

    if (!up)
        return;
    sup_destroy(&up->sup);
    tip_timer_deinit(&up->again);
    tip_signal_deinit(&up->interrupt);
    tip_signal_deinit(&up->terminate);
    tip_signal_deinit(&up->hangup);
    tip_fd_close(&up->lock_fd);
    free(up);
    *upp = NULL;
}
