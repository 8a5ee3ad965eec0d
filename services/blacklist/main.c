/*
 * tip-blacklist: collects block lists. This file creates and connects the objects of the process; app.c is the service.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tip/alloc.h>
#include <tip/buf.h>
#include <tip/log.h>

#include "app.h"

struct process {
    struct tip_service *service;
    struct tip_outbox *outbox;
    struct tip_bus *bus;
    struct app *app;
};

static void main_destroy(void **processp)
{
    struct process *process = *processp;

    if (!process)
        return;
    app_destroy(&process->app);
    tip_bus_destroy(&process->bus);
    tip_outbox_destroy(&process->outbox);
    free(process);
    *processp = NULL;
}

static void main_on_fenced(void *ctx)
{
    struct process *process = ctx;

    tip_service_fail(process->service, "another blacklist with younger data publishes under this name");
}

static int main_open_outbox(struct process *process, const struct bl_options *options)
{
    tip_auto(tip_buf_deinit) struct tip_buf dir;
    struct tip_outbox_config config = {.map_bytes = (size_t)options->map_bytes, .wall_unix_us = tip_loop_wall_us()};
    int r;

    tip_buf_init(&dir, 4096);
    r = tip_buf_append_format(&dir, "%s/outbox", tip_service_data_dir(process->service));
    config.dir = tip_buf_text(&dir);
    if (!r)
        r = tip_outbox_open(&process->outbox, &config);
    if (r)
        tip_error("service.refused", "why=%s dir=%s error=%s", "cannot open the outbox", config.dir, strerror(-r));
    return r;
}

static int main_open_bus(struct process *process)
{
    const struct tip_bus_options *options = tip_service_bus_options(process->service);
    const struct tip_bus_config config = {
        .name = tip_service_name(process->service),
        .ingest = options->ingest,
        .fetch = options->fetch,
        .work = options->work,
        .outbox = process->outbox,
        .on_fenced = main_on_fenced,
        .ctx = process,
    };
    int r = tip_bus_open(&process->bus, tip_service_loop(process->service), &config);

    if (r)
        tip_error("service.refused", "why=%s error=%s", "cannot open the bus", strerror(-r));
    return r;
}

static int main_start(struct tip_service *service, const void *options, void **processp)
{
    struct process *process = tip_new(struct process);
    int r;

    *processp = process;
    process->service = service;
    r = main_open_outbox(process, options);
    if (!r)
        r = main_open_bus(process);
    return r ? r : app_open(&process->app, service, process->outbox, process->bus, options);
}

static void main_stop(void *ctx)
{
    app_stop(((struct process *)ctx)->app);
}

static int main_reload(void *ctx, const void *options, char *why)
{
    return app_reload(((struct process *)ctx)->app, options, why);
}

static int main_source_options(const void *options, const struct tip_bus_options *bus)
{
    (void)options;
    (void)bus;
    tip_opt_print_help(&bl_source_table, stdout);
    return 0;
}

static const struct tip_service_command commands[] = {
    {"source-options", "Prints what a source file may hold.", main_source_options}};

static const struct tip_service_def definition = {
    .name = "blacklist",
    .help = "Collects block lists.",
    .options = &bl_options_table,
    .commands = commands,
    .n_commands = sizeof(commands) / sizeof(*commands),
    .check = bl_options_check,
    .start = main_start,
    .stop = main_stop,
    .destroy = main_destroy,
    .reload = main_reload,
};

int main(int argc, char **argv)
{
    return tip_service_main(&definition, argc, argv);
}
