#include "settings.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <tip/alloc.h>
#include <tip/buf.h>
#include <tip/log.h>
#include <tip/zsock.h>

#include "opt_value.h"

#define SETTINGS_ETC "/etc/tip/tip.yaml"

#define ROWS(array) .rows = (array), .n_rows = sizeof(array) / sizeof((array)[0])

static const struct tip_opt common_rows[] = {
    {.name = "run",
     .type = TIP_OPT_PATH,
     .offset = offsetof(struct tip_common_options, run),
     .fallback = "/run/tip",
     .min = 1,
     .max = 80,
     .help = "Directory of the sockets by which the services are looked at: <service>.sock in it."},
    {.name = "simulated",
     .type = TIP_OPT_BOOL,
     .offset = offsetof(struct tip_common_options, simulated),
     .fallback = "false",
     .help = "Part of a lab: what the services say is not about the real internet, and they say so."},
};

const struct tip_opt_table tip_common_table = {.section = "tip",
                                               ROWS(common_rows),
                                               .size = sizeof(struct tip_common_options),
                                               .help = "What all programs of a site share."};

static const struct tip_opt bus_rows[] = {
    {.name = "ingest",
     .type = TIP_OPT_ENDPOINT,
     .offset = offsetof(struct tip_bus_options, ingest),
     .fallback = "tcp://127.0.0.1:5550",
     .help = "Where publishers send events."},
    {.name = "feed",
     .type = TIP_OPT_ENDPOINT,
     .offset = offsetof(struct tip_bus_options, feed),
     .fallback = "tcp://127.0.0.1:5571",
     .help = "Where subscribers hear events live (the amber door: everything that is on the bus)."},
    {.name = "feed_green",
     .type = TIP_OPT_ENDPOINT,
     .offset = offsetof(struct tip_bus_options, feed_green),
     .fallback = "tcp://127.0.0.1:5561",
     .help = "The same for those who may hear green and clear events."},
    {.name = "feed_clear",
     .type = TIP_OPT_ENDPOINT,
     .offset = offsetof(struct tip_bus_options, feed_clear),
     .fallback = "tcp://127.0.0.1:5551",
     .help = "The same for those who may hear clear events only."},
    {.name = "fetch",
     .type = TIP_OPT_ENDPOINT,
     .offset = offsetof(struct tip_bus_options, fetch),
     .fallback = "tcp://127.0.0.1:5552",
     .help = "Where consumers read the journal."},
    {.name = "work",
     .type = TIP_OPT_ENDPOINT,
     .offset = offsetof(struct tip_bus_options, work),
     .fallback = "tcp://127.0.0.1:5553",
     .help = "Where calls are made and answered."},
    {.name = "keys",
     .type = TIP_OPT_PATH,
     .offset = offsetof(struct tip_bus_options, keys),
     .help = "Directory of the keys made by `tip keys`: every tcp connection is encrypted and says who it is. Each "
             "program reads its own <name>.cert_secret and the broker's broker.cert, the broker also keys.yaml. "
             "Without keys tcp needs `insecure`."},
    {.name = "outbox_bytes",
     .type = TIP_OPT_SIZE,
     .offset = offsetof(struct tip_bus_options, outbox_bytes),
     .fallback = "256MiB",
     .min = 16 << 20,
     .max = 1e12,
     .help =
         "Of each service's outbox and state, a file that is mapped. Events that the broker has not taken yet get half "
         "of it; when that is full the service stops reading its source."},
    {.name = "public",
     .type = TIP_OPT_BOOL,
     .offset = offsetof(struct tip_bus_options, public_clear),
     .fallback = "false",
     .help =
         "Opens the clear door of the feed to everybody: plain tcp, no key asked for. The other doors keep theirs."},
    {.name = "insecure",
     .type = TIP_OPT_BOOL,
     .offset = offsetof(struct tip_bus_options, insecure),
     .fallback = "false",
     .help = "Without keys: allows plain tcp, on loopback only. Whoever can connect may publish and read everything."},
};

const struct tip_opt_table tip_bus_table = {.section = "bus",
                                            ROWS(bus_rows),
                                            .size = sizeof(struct tip_bus_options),
                                            .help = "Where the broker is, for the broker and for everyone else."};

bool tip_bus_options_insecure(const struct tip_bus_options *options)
{
    return options->insecure && !options->keys;
}

static const struct tip_opt log_rows[] = {
    {.name = "level",
     .type = TIP_OPT_ENUM,
     .offset = offsetof(struct tip_log_options, level),
     .fallback = "info",
     .names = tip_log_level_names,
     .help = "The least important lines that are written. SIGUSR1 switches debug lines on and off."},
};

const struct tip_opt_table tip_log_table = {
    .section = "log", ROWS(log_rows), .size = sizeof(struct tip_log_options), .help = "The log on stderr."};

/* --- the rows that the skeleton adds: their section and the default of `data` carry the service's name --- */

enum { SETTINGS_OWN_ROWS = 2 };

struct settings_own_table {
    struct tip_opt_table table;
    struct tip_opt rows[SETTINGS_OWN_ROWS];
    char data[64];
};

static const struct tip_opt_table *settings_own_table(const char *name)
{
    static struct settings_own_table own;
    const struct tip_opt rows[SETTINGS_OWN_ROWS] = {
        {.name = "data",
         .type = TIP_OPT_PATH,
         .offset = offsetof(struct settings_own, data),
         .fallback = own.data,
         .min = 1,
         .help = "Directory of its state; one process at a time. Made when missing, mode 0700."},
        {.name = "admin",
         .type = TIP_OPT_STRING,
         .offset = offsetof(struct settings_own, admin),
         .help = "A loopback address and port (127.0.0.1:9550) that answers /livez, /readyz, /metrics and /version, "
                 "besides the unix socket."},
    };

    (void)snprintf(own.data, sizeof(own.data), "/var/lib/tip/%s", name);
    memcpy(own.rows, rows, sizeof(rows));
    own.table = (struct tip_opt_table){
        .section = name, .rows = own.rows, .n_rows = SETTINGS_OWN_ROWS, .size = sizeof(struct settings_own)};
    return &own.table;
}

/* --- command line --- */

static bool settings_arg_flag(struct settings_args *args, const char *arg)
{
    const struct {
        const char *name;
        bool *flag;
    } flags[] = {
        {"--help", &args->help},
        {"-h", &args->help},
        {"--version", &args->version},
        {"--check-config", &args->check_config},
        {"--show-config", &args->show_config},
        {"--print-options", &args->print_options},
        {"--health", &args->health},
    };

    for (size_t i = 0; i < sizeof(flags) / sizeof(flags[0]); i++) {
        if (strcmp(arg, flags[i].name) == 0) {
            *flags[i].flag = true;
            return true;
        }
    }
    return false;
}

static void settings_args_config(struct settings_args *args)
{
    const char *variable = getenv("TIP_CONFIG");

    if (args->config || args->config_missing)
        return;
    if (variable && *variable)
        args->config = variable;
    else if (access(SETTINGS_ETC, F_OK) == 0)
        args->config = SETTINGS_ETC;
}

void settings_args_init(struct settings_args *args, int argc, char **argv)
{
    size_t n = 0;
    int i = 1;

    *args = (struct settings_args){.rest = tip_new_array((size_t)argc + 1, const char *)};
    if (argc > 1 && argv[1][0] != '-')
        args->command = argv[i++];
    for (; i < argc; i++) {
        if (settings_arg_flag(args, argv[i]))
            continue;
        if (strncmp(argv[i], "--config=", 9) == 0)
            args->config = argv[i] + 9;
        else if (strcmp(argv[i], "--config") != 0)
            args->rest[n++] = argv[i];
        else if (i + 1 < argc)
            args->config = argv[++i];
        else
            args->config_missing = true;
    }
    settings_args_config(args);
}

void settings_args_deinit(struct settings_args *args)
{
    free(args->rest);
    *args = (struct settings_args){0};
}

/* --- loading --- */

static void settings_check_bus(const struct settings *settings)
{
    const struct {
        const char *key;
        const char *endpoint;
    } endpoints[] = {
        {"bus.ingest", settings->bus.ingest},         {"bus.feed", settings->bus.feed},
        {"bus.feed_green", settings->bus.feed_green}, {"bus.feed_clear", settings->bus.feed_clear},
        {"bus.fetch", settings->bus.fetch},           {"bus.work", settings->bus.work},
    };

    for (size_t i = 0; i < sizeof(endpoints) / sizeof(endpoints[0]) && !settings->bus.keys; i++) {
        if (strncmp(endpoints[i].endpoint, "tcp://", 6) != 0)
            continue;
        if (!settings->bus.insecure)
            tip_conf_refuse(settings->conf, endpoints[i].key,
                            "%s is plain tcp, which needs `keys`, or `insecure: true`, in section bus; or use ipc://",
                            endpoints[i].endpoint);
        else if (!tip_zsock_endpoint_is_local(endpoints[i].endpoint))
            tip_conf_refuse(settings->conf, endpoints[i].key, "%s is plain tcp and not on loopback",
                            endpoints[i].endpoint);
    }
}

struct settings *settings_load(const struct tip_service_def *def, const struct settings_args *args)
{
    struct settings *settings;
    struct tip_conf_input input = {.file = args->config, .environ = environ, .args = args->rest, .section = def->name};

    settings = tip_new(struct settings);
    settings->def = def;
    settings->options = tip_alloc(1, def->options->size);
    settings->conf = tip_conf_new();
    tip_conf_add(settings->conf, def->options, settings->options);
    tip_conf_add(settings->conf, settings_own_table(def->name), &settings->own);
    tip_conf_add(settings->conf, &tip_common_table, &settings->common);
    tip_conf_add(settings->conf, &tip_bus_table, &settings->bus);
    tip_conf_add(settings->conf, &tip_log_table, &settings->log);
    if (tip_conf_load(settings->conf, &input) == 0) {
        settings_check_bus(settings);
        if (def->check)
            def->check(settings->options, settings->conf);
    }
    return settings;
}

void settings_destroy(struct settings **settingsp)
{
    struct settings *settings = *settingsp;

    if (!settings)
        return;
    tip_opt_free(settings->def->options, settings->options);
    tip_opt_free(settings_own_table(settings->def->name), &settings->own);
    tip_opt_free(&tip_common_table, &settings->common);
    tip_opt_free(&tip_bus_table, &settings->bus);
    tip_opt_free(&tip_log_table, &settings->log);
    tip_conf_destroy(&settings->conf);
    free(settings->options);
    free(settings);
    *settingsp = NULL;
}

static bool settings_value_differs(const struct tip_opt *row, const void *a, const void *b)
{
    tip_auto(tip_buf_deinit) struct tip_buf text_a;
    tip_auto(tip_buf_deinit) struct tip_buf text_b;

    tip_buf_init(&text_a, 64 << 10);
    tip_buf_init(&text_b, 64 << 10);
    if (opt_value_format(row, a, &text_a) || opt_value_format(row, b, &text_b))
        return true;
    return strcmp(tip_buf_text(&text_a), tip_buf_text(&text_b)) != 0;
}

const char *settings_fixed_difference(const struct settings *a, const struct settings *b)
{
    static char name[64];
    const struct {
        const struct tip_opt_table *table;
        const void *a;
        const void *b;
    } fixed[] = {
        {settings_own_table(a->def->name), &a->own, &b->own},
        {&tip_common_table, &a->common, &b->common},
        {&tip_bus_table, &a->bus, &b->bus},
        {a->def->options, a->options, b->options},
    };
    size_t n = sizeof(fixed) / sizeof(fixed[0]) - (a->def->reload ? 1 : 0); /* who reloads takes its own */

    for (size_t i = 0; i < n; i++) {
        for (size_t j = 0; j < fixed[i].table->n_rows; j++) {
            if (!settings_value_differs(&fixed[i].table->rows[j], fixed[i].a, fixed[i].b))
                continue;
            (void)snprintf(name, sizeof(name), "%s.%s", fixed[i].table->section, fixed[i].table->rows[j].name);
            return name;
        }
    }
    return NULL;
}

/* --- telling --- */

void settings_print_help(const struct tip_service_def *def, FILE *out)
{
    (void)fprintf(out, "tip-%s: %s\n\nusage: tip-%s [COMMAND] [--config FILE] [--OPTION VALUE]...\n", def->name,
                  def->help, def->name); /* main looks at ferror */
    if (def->n_commands)
        (void)fprintf(out, "\ncommands:\n");
    for (size_t i = 0; i < def->n_commands; i++)
        (void)fprintf(out, "  %-12s %s\n", def->commands[i].name, def->commands[i].help);
    (void)fprintf(out,
                  "\n  --config FILE     tip.yaml, with conf.d/ beside it [TIP_CONFIG, " SETTINGS_ETC "]\n"
                  "  --check-config    says what is wrong with the configuration and ends\n"
                  "  --show-config     every option, its value and where it came from\n"
                  "  --print-options   the reference page of the options\n"
                  "  --health          whether the one that runs is ready: 0, or 1 and why not\n"
                  "  --version, --help\n\noptions of section %s:\n",
                  def->name);
    tip_opt_print_help(def->options, out);
    tip_opt_print_help(settings_own_table(def->name), out);
    if (def->file_options) {
        (void)fprintf(out, "\noptions of %s:\n", def->file_name);
        tip_opt_print_help(def->file_options, out);
    }
    (void)fprintf(out, "\ncommon options (sections tip, bus, log):\n");
    tip_opt_print_help(&tip_common_table, out);
    tip_opt_print_help(&tip_bus_table, out);
    tip_opt_print_help(&tip_log_table, out);
}

void settings_print_markdown(const struct tip_service_def *def, FILE *out)
{
    const struct tip_opt_table *own = settings_own_table(def->name);
    size_t n = def->options->n_rows + own->n_rows;
    tip_auto(tip_free) struct tip_opt *rows = tip_new_array(n, struct tip_opt);
    struct tip_opt_table both = *def->options;

    memcpy(rows, def->options->rows, def->options->n_rows * sizeof(*rows));
    memcpy(rows + def->options->n_rows, own->rows, own->n_rows * sizeof(*rows));
    both.rows = rows;
    both.n_rows = n;
    tip_opt_print_markdown(&both, out);
    if (def->file_options) {
        struct tip_opt_table file = *def->file_options;

        file.section = def->file_name;
        tip_opt_print_markdown(&file, out);
    }
    tip_opt_print_markdown(&tip_common_table, out);
    tip_opt_print_markdown(&tip_bus_table, out);
    tip_opt_print_markdown(&tip_log_table, out);
}
