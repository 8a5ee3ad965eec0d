#include "command.h"

#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <tip/buf.h>
#include <tip/clock.h>
#include <tip/fail.h>

enum { CLI_GLOBAL = 512, CLI_OWN = 256 }; /* what getopt_long returns for option i: base + i */

enum {
    GLOBAL_OUTPUT,
    GLOBAL_CONFIG,
    GLOBAL_KEY,
    GLOBAL_FIELDS,
    GLOBAL_NO_HEADER,
    GLOBAL_QUIET,
    GLOBAL_HELP,
    GLOBAL_VERSION
};

const struct cli_option cli_globals[] = {
    [GLOBAL_OUTPUT] = {"output", 'o', "FORMAT", "human, json, ndjson or csv."},
    [GLOBAL_CONFIG] = {"config", 'c', "FILE",
                       "The tip.yaml to use; else TIP_CONFIG, ./tip.yaml, what runs here, /etc/tip/tip.yaml."},
    [GLOBAL_KEY] = {"key", 'k', "NAME", "Whose key to use of those in `bus.keys` [TIP_KEY, else tip]."},
    [GLOBAL_FIELDS] = {"fields", 'f', "NAMES", "Only these fields, in this order: name,score."},
    [GLOBAL_NO_HEADER] = {"no-header", 0, NULL, "No line of column names."},
    [GLOBAL_QUIET] = {"quiet", 'q', NULL, "Errors only on standard error."},
    [GLOBAL_HELP] = {"help", 'h', NULL, "Says how to use it."},
    [GLOBAL_VERSION] = {"version", 'V', NULL, "Prints the version."},
};
const size_t cli_n_globals = sizeof(cli_globals) / sizeof(cli_globals[0]);

static void cli_say(const char *format, va_list args) tip_printf(1, 0);

/* What others said may be part of it. */
static void cli_say(const char *format, va_list args)
{
    tip_auto(tip_free) char *text = NULL;

    if (vasprintf(&text, format, args) == -1)
        abort();
    out_safe(stderr, text);
    fputc('\n', stderr);
}

void cli_error(const char *format, ...)
{
    va_list args;

    va_start(args, format);
    fputs("tip: ", stderr);
    cli_say(format, args);
    va_end(args);
}

void cli_note(const struct cli *cli, const char *format, ...)
{
    va_list args;

    if (cli->quiet)
        return;
    va_start(args, format);
    cli_say(format, args);
    va_end(args);
}

int cli_bad_field(const char *bad)
{
    cli_error("--fields: there is no \"%.*s\"", bad ? (int)strcspn(bad, ",") : 0, bad ? bad : "");
    return CLI_USAGE;
}

bool cli_flag(const struct cli *cli, size_t i)
{
    return cli->values[i] != NULL;
}

const char *cli_text(const struct cli *cli, size_t i, const char *fallback)
{
    return cli->values[i] ? cli->values[i] : fallback;
}

int cli_int(const struct cli *cli, size_t i, int64_t min, int64_t max, int64_t *valuep)
{
    const char *text = cli->values[i];
    char *end;
    long long value;

    if (!text)
        return 0;
    errno = 0;
    value = strtoll(text, &end, 10);
    if (errno || end == text || *end || value < min || value > max) {
        cli_error("--%s: \"%s\" is no number from %lld to %lld", cli->command->options[i].name, text, (long long)min,
                  (long long)max);
        return CLI_E_USAGE;
    }
    *valuep = value;
    return 0;
}

int cli_duration(const struct cli *cli, size_t i, uint64_t *msp)
{
    const char *text = cli->values[i];

    if (!text)
        return 0;
    if (tip_duration_parse(msp, text, strlen(text))) {
        cli_error("--%s: \"%s\" is no duration such as 250ms, 90s, 15m, 7d", cli->command->options[i].name, text);
        return CLI_E_USAGE;
    }
    return 0;
}

const struct cli_command *cli_find(const struct cli_command *const *table, const char *name)
{
    for (; table && *table; table++) {
        if (strcmp((*table)->name, name) == 0)
            return *table;
    }
    return NULL;
}

static bool cli_is_own_format(struct cli *cli, const char *name)
{
    for (const char *const *format = cli->command->formats; format && *format; format++) {
        if (strcmp(*format, name) == 0) {
            cli->format = *format;
            cli->out.mode = OUT_NDJSON; /* likewise for programs */
            return true;
        }
    }
    return false;
}

static int cli_bad_format(const char *const *own, const char *name)
{
    const char *const *const tables[] = {out_mode_names, own};
    tip_auto(tip_buf_deinit) struct tip_buf names;

    tip_buf_init(&names, 256);
    for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++) {
        for (const char *const *format = tables[i]; format && *format; format++)
            (void)!tip_buf_append_format(&names, "%s%s", names.len ? ", " : "", *format); /* our own words */
    }
    cli_error("--output: \"%s\" is none of %s", name, tip_buf_text(&names));
    return CLI_E_USAGE;
}

/* What --output named, once the command is known. */
static int cli_mode(struct cli *cli, const char *name)
{
    for (size_t i = 0; out_mode_names[i]; i++) {
        if (strcmp(out_mode_names[i], name) == 0) {
            cli->out.mode = (enum out_mode)i;
            return 0;
        }
    }
    if (cli_is_own_format(cli, name))
        return 0;
    return cli_bad_format(cli->command->formats, name);
}

struct cli_line {
    struct cli cli;
    const char *output; /* of --output, or NULL */
    bool help, version;
};

static int cli_take_global(struct cli_line *line, int i, const char *value)
{
    switch (i) {
    case GLOBAL_OUTPUT:
        line->output = value;
        return 0;
    case GLOBAL_CONFIG:
        line->cli.config = value;
        return 0;
    case GLOBAL_KEY:
        return setenv(CLI_KEY_VARIABLE, value, 1) == 0 ? 0 : CLI_E_USAGE;
    case GLOBAL_FIELDS:
        line->cli.out.fields = value;
        return 0;
    case GLOBAL_NO_HEADER:
        line->cli.out.header = false;
        return 0;
    case GLOBAL_QUIET:
        line->cli.quiet = true;
        return 0;
    case GLOBAL_HELP:
        line->help = true;
        return 0;
    default:
        line->version = true;
        return 0;
    }
}

struct cli_getopt {
    struct option longs[CLI_OPTIONS_MAX + 16];
    char shorts[(CLI_OPTIONS_MAX + 16) * 2 + 3];
    int by_letter[256]; /* what a letter stands for */
    size_t n;
};

static void cli_getopt_add(struct cli_getopt *table, const struct cli_option *options, size_t n, int base)
{
    size_t len;

    for (size_t i = 0; i < n; i++) {
        table->longs[table->n++] = (struct option){
            options[i].name, options[i].argument ? required_argument : no_argument, NULL, base + (int)i};
        if (!options[i].letter)
            continue;
        table->by_letter[(unsigned char)options[i].letter] = base + (int)i;
        len = strlen(table->shorts);
        table->shorts[len] = options[i].letter;
        table->shorts[len + 1] = options[i].argument ? ':' : '\0';
    }
}

/* Options up to the first word without `command`; with it, options and words in any order. */
static int cli_read_options(struct cli_line *line, const struct cli_command *command, int argc, char **argv)
{
    static char name[] = "tip"; /* what getopt calls us in its messages */
    struct cli_getopt table = {.shorts = ""};
    int c, r = 0;

    if (!command)
        table.shorts[0] = '+';
    if (command)
        cli_getopt_add(&table, command->options, command->n_options, CLI_OWN);
    cli_getopt_add(&table, cli_globals, cli_n_globals, CLI_GLOBAL);
    argv[0] = name;
    optind = 0; /* glibc: start over */
    while (r == 0 && (c = getopt_long(argc, argv, table.shorts, table.longs, NULL)) != -1) {
        if (c < CLI_OWN)
            c = table.by_letter[c];
        if (c >= CLI_GLOBAL)
            r = cli_take_global(line, c - CLI_GLOBAL, optarg);
        else if (c >= CLI_OWN)
            line->cli.values[c - CLI_OWN] = optarg ? optarg : "";
        else
            r = CLI_E_USAGE; /* getopt has said why */
    }
    return r;
}

static int cli_usage(const struct cli *cli, const char *what)
{
    const struct cli_command *command = cli->command;
    const char *before = cli->parent ? cli->parent->name : "", *space = cli->parent ? " " : "";

    cli_error("tip %s%s%s%s%s: %s (tip %s%s%s --help says more)", before, space, command->name,
              command->arguments[0] ? " " : "", command->arguments, what, before, space, command->name);
    return CLI_USAGE;
}

/* The word for argument i; the tables say them all. */
static const char *cli_word(const struct cli_command *command, int i, int *lenp)
{
    const char *word = command->arguments;

    for (; i > 0 && strchr(word, ' '); i--)
        word = strchr(word, ' ') + 1;
    *lenp = (int)strcspn(word, " ");
    return word;
}

/* As many as the command takes, or what is missing and what is too much. */
static int cli_count_args(const struct cli *cli)
{
    char what[512];
    int len;
    const char *word = cli_word(cli->command, cli->n_args, &len);

    if (cli->n_args < cli->command->min_args && strchr(cli->command->arguments, '|'))
        strcpy(what, "one of these is missing");
    else if (cli->n_args < cli->command->min_args)
        snprintf(what, sizeof(what), "%.*s is missing", len, word);
    else if (cli->command->max_args >= 0 && cli->n_args > cli->command->max_args)
        snprintf(what, sizeof(what), "\"%.400s\" is too much", cli->args[cli->command->max_args]);
    else
        return CLI_OK;
    return cli_usage(cli, what);
}

/* A reader that has seen enough is no failure of ours. */
static bool cli_reader_is_gone(void)
{
    struct pollfd out = {.fd = STDOUT_FILENO};

    return errno == EPIPE || (poll(&out, 1, 0) == 1 && out.revents & POLLERR);
}

static int cli_finish(struct cli *cli)
{
    int r = cli->command->run(cli);

    if ((fflush(stdout) == 0 && !ferror(stdout)) || cli_reader_is_gone())
        return r;
    cli_error("cannot write the answer: %m");
    return r ? r : CLI_FAILED;
}

static int cli_run(struct cli_line *line, int argc, char **argv)
{
    struct cli *cli = &line->cli;

    if (line->help || (!cli->command->run && argc == 1)) {
        cli_print_help(cli->parent, cli->command, line->help ? stdout : stderr);
        return line->help ? CLI_OK : CLI_USAGE;
    }
    if (line->output && cli_mode(cli, line->output))
        return CLI_USAGE;
    cli->args = argv + optind;
    cli->n_args = argc - optind;
    if (!cli->command->run)
        return cli_usage(cli, "which of its verbs?");
    return cli_count_args(cli) ? CLI_USAGE : cli_finish(cli);
}

/* argv[0] names the command. */
static int cli_dispatch(struct cli_line *line, int argc, char **argv)
{
    const struct cli_command *verb;

    line->cli.command = cli_find(cli_commands, argv[0]);
    if (!line->cli.command) {
        cli_error("there is no command \"%s\"; try: tip --help", argv[0]);
        return CLI_USAGE;
    }
    verb = argc > 1 ? cli_find(line->cli.command->verbs, argv[1]) : NULL;
    if (verb) {
        line->cli.parent = line->cli.command;
        line->cli.command = verb;
        argc--;
        argv++;
    } else if (!line->cli.command->run && argc > 1 && argv[1][0] != '-') {
        cli_error("\"%s\" is no verb of tip %s; try: tip %s --help", argv[1], argv[0], argv[0]);
        return CLI_USAGE;
    }
    if (cli_read_options(line, line->cli.command, argc, argv))
        return CLI_USAGE;
    return cli_run(line, argc, argv);
}

int cli_main(int argc, char **argv)
{
    struct cli_line line = {.cli.out = {.header = true, .file = stdout}};

    if (cli_read_options(&line, NULL, argc, argv))
        return CLI_USAGE;
    line.cli.out.color = out_wants_color(stdout);
    if (line.version) {
        printf("tip %s\n", TIP_VERSION);
        return CLI_OK;
    }
    if (line.help || optind >= argc) {
        cli_print_overview(line.help ? stdout : stderr);
        return line.help ? CLI_OK : CLI_USAGE;
    }
    return cli_dispatch(&line, argc - optind, argv + optind);
}
