#include "options.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <tip/alloc.h>
#include <tip/site.h>

#include "command.h"

static const struct tip_opt up_rows[] = {
    {.name = "data",
     .type = TIP_OPT_PATH,
     .offset = offsetof(struct up_options, data),
     .fallback = "/var/lib/tip",
     .min = 1,
     .max = 80,
     .help = "Where `tip up` keeps log files, its private PostgreSQL, and the data of services that name no directory "
             "of their own."},
};

const struct tip_opt_table up_table = {.section = "up",
                                       .rows = up_rows,
                                       .n_rows = sizeof(up_rows) / sizeof(up_rows[0]),
                                       .size = sizeof(struct up_options),
                                       .help = "For `tip up`, which runs all services on one machine."};

static void options_say_errors(const struct tip_conf *conf)
{
    for (size_t i = 0; i < tip_conf_n_errors(conf); i++)
        cli_error("%s", tip_conf_error(conf, i));
}

static bool options_is_tcp(const struct tip_bus_options *bus)
{
    const char *const endpoints[] = {bus->ingest, bus->feed, bus->feed_green, bus->feed_clear, bus->fetch, bus->work};

    for (size_t i = 0; i < sizeof(endpoints) / sizeof(endpoints[0]); i++) {
        if (strncmp(endpoints[i], "tcp://", 6) == 0)
            return true;
    }
    return false;
}

void options_complete(struct options *options)
{
    struct tip_bus_options *bus = &options->bus;

    if (bus->keys || bus->insecure || !options_is_tcp(bus))
        return;
    if (asprintf(&bus->keys, "%s/keys", options->up.data) == -1 || setenv("TIP__BUS__KEYS", bus->keys, 1) == -1)
        abort(); /* out of memory */
}

int options_find(const char *config, char **configp)
{
    if (tip_site_find(config, configp) == 0)
        return CLI_OK;
    cli_error("nothing runs here and nothing is configured: start `tip lab` or `tip up`, or say --config FILE");
    return CLI_UNREACHABLE;
}

int options_load(struct options *options, const char *config)
{
    tip_auto(tip_free) char *found = NULL;
    struct tip_conf_input input = {.environ = environ};

    *options = (struct options){.conf = tip_conf_new()};
    tip_conf_add(options->conf, &tip_common_table, &options->common);
    tip_conf_add(options->conf, &tip_bus_table, &options->bus);
    tip_conf_add(options->conf, &tip_log_table, &options->log);
    tip_conf_add(options->conf, &up_table, &options->up);
    if (options_find(config, &found))
        return CLI_UNREACHABLE;
    options->config = realpath(found, NULL);
    if (!options->config) {
        cli_error("%s: %s", found, strerror(errno));
        return CLI_FAILED;
    }
    input.file = options->config;
    if (tip_conf_load(options->conf, &input) == 0) {
        options_complete(options);
        return CLI_OK;
    }
    options_say_errors(options->conf);
    return CLI_FAILED;
}

void options_free(struct options *options)
{
    tip_opt_free(&tip_common_table, &options->common);
    tip_opt_free(&tip_bus_table, &options->bus);
    tip_opt_free(&tip_log_table, &options->log);
    tip_opt_free(&up_table, &options->up);
    tip_conf_destroy(&options->conf);
    free(options->config);
    options->config = NULL;
}

void options_socket(const struct options *options, const char *service, char path[static OPTIONS_PATH_BYTES])
{
    snprintf(path, OPTIONS_PATH_BYTES, "%s/%s.sock", options->common.run, service);
}
