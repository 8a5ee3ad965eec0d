#include "lab/world.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tip/alloc.h>
#include <tip/log.h>
#include <tip/loop.h>

#include "command.h"
#include "lab/web.h"
#include "up/supervisor.h"
#include "up/tree.h"

enum { WORLD_TICK_MS = 500, WORLD_PATH_BYTES = 256 };

struct world {
    const struct world_config *config;
    struct tip_loop *loop;
    struct sup *sup;
    struct lab_web web;
    struct tip_timer tick;
    struct tip_signal ends[2];
    int64_t started_ms;
};

static void world_on_news(void *ctx, const char *name, const char *text)
{
    (void)ctx; /* one world a process */
    cli_error("%s: %s", name, text);
}

static void world_on_stopped(void *ctx)
{
    struct world *world = ctx;

    tip_loop_stop(world->loop);
}

static void world_on_signal(void *ctx)
{
    struct world *world = ctx;

    tip_timer_stop(&world->tick);
    sup_stop(world->sup, world_on_stopped, world);
}

static void world_on_tick(void *ctx)
{
    struct world *world = ctx;
    bool is_changed;
    int r;

    r = lab_web_turn(&world->web, (uint64_t)(tip_loop_now_ms() - world->started_ms), &is_changed);
    if (r)
        cli_error("%s: %s", world->web.dir, strerror(-r));
}

static int world_open(struct world *world)
{
    char log[WORLD_PATH_BYTES], conf[WORLD_PATH_BYTES], *dir = NULL;
    int r;

    if (asprintf(&dir, "%s/web", world->config->dir) == -1 ||
        snprintf(log, sizeof(log), "%s/log", world->config->dir) >= (int)sizeof(log) ||
        snprintf(conf, sizeof(conf), "%s/nginx.conf", dir) >= (int)sizeof(conf))
        return -ENOMEM;
    r = tree_make(log, 0755);
    if (r == 0)
        r = lab_web_open(&world->web, dir, world->config->listen, world->config->seed);
    if (r)
        return r;
    world->sup = sup_new(&(struct sup_config){.loop = world->loop, .log_dir = log, .on_news = world_on_news});
    sup_keep(world->sup,
             &(struct sup_spec){.name = "nginx",
                                .path = lab_web_program(),
                                .args = (const char *const[]){"-e", "stderr", "-p", dir, "-c", conf, NULL}});
    return 0;
}

int world_run(const struct world_config *config)
{
    struct world world = {.config = config, .loop = tip_loop_new(), .started_ms = tip_loop_now_ms()};
    int r;

    tip_log_init("tip");
    tip_log_set_level(TIP_LOG_ERROR);
    r = world_open(&world);
    if (r) {
        cli_error("%s: %s", config->dir, strerror(-r));
    } else {
        tip_signal_init(&world.ends[0], world.loop, SIGINT, world_on_signal, &world);
        tip_signal_init(&world.ends[1], world.loop, SIGTERM, world_on_signal, &world);
        tip_timer_init(&world.tick, world.loop, world_on_tick, &world);
        tip_timer_every(&world.tick, WORLD_TICK_MS);
        (void)printf("SIMULATED internet on http://%s/\n", config->listen);
        (void)fflush(stdout);
        r = tip_loop_run(world.loop);
        tip_timer_deinit(&world.tick);
        tip_signal_deinit(&world.ends[0]);
        tip_signal_deinit(&world.ends[1]);
    }
    sup_destroy(&world.sup);
    lab_web_deinit(&world.web);
    tip_loop_destroy(&world.loop);
    return r ? CLI_FAILED : CLI_OK;
}
