#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <tip/alloc.h>

#include "commands.h"
#include "options.h"
#include "programs.h"
#include "top/term.h"

/* Lines of several programs, each line once: common sections are read by all of them. */
struct config_lines {
    const char *lines[4096];
    size_t n;
};

static void config_lines_add(struct config_lines *all, char *text)
{
    char *line, *rest = NULL;
    size_t i;

    for (line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
        for (i = 0; i < all->n && strcmp(all->lines[i], line) != 0; i++)
            ;
        if (i == all->n && all->n < sizeof(all->lines) / sizeof(all->lines[0]))
            all->lines[all->n++] = tip_strdup(line);
    }
}

static void config_lines_deinit(struct config_lines *all)
{
    for (size_t i = 0; i < all->n; i++)
        free((void *)(uintptr_t)all->lines[i]);
}

/* One program with a flag. @return its exit code, or CLI_FAILED after a sentence */
static int config_ask(const char *name, const char *flag, const char *config, bool want_errors,
                      struct config_lines *lines)
{
    tip_auto(tip_buf_deinit) struct tip_buf text;
    char path[PROGRAM_PATH_BYTES];
    const char *const argv[] = {path, flag, "--config", config, NULL};
    int r, code = 0;

    tip_buf_init(&text, PROGRAM_OUTPUT_BYTES);
    program_path(name, path);
    r = program_run(argv, want_errors ? NULL : &text, want_errors ? &text : NULL, &code);
    if (r) {
        cli_error("%s: %s", path, strerror(-r));
        return CLI_FAILED;
    }
    if (text.len)
        config_lines_add(lines, (char *)text.data);
    return code;
}

/* ---- check ---- */

/* What the programs cannot see: sections of `tip` itself. What they shall be told is set. */
static void config_check_own(const char *config, struct config_lines *lines)
{
    struct options options = {0};
    struct tip_conf_input input = {.file = config, .environ = environ};

    options.conf = tip_conf_new();
    tip_conf_add(options.conf, &tip_common_table, &options.common);
    tip_conf_add(options.conf, &tip_bus_table, &options.bus);
    tip_conf_add(options.conf, &tip_log_table, &options.log);
    tip_conf_add(options.conf, &up_table, &options.up);
    if (tip_conf_load(options.conf, &input)) {
        for (size_t i = 0; i < tip_conf_n_errors(options.conf); i++) {
            tip_auto(tip_free) char *line = tip_strdup(tip_conf_error(options.conf, i));

            config_lines_add(lines, line);
        }
    } else {
        options_complete(&options);
    }
    options_free(&options);
}

static int config_check_tell(struct cli *cli, const char *config, const struct config_lines *lines, bool is_ok)
{
    static const struct tip_column columns[] = {{"error", TIP_COLUMN_TEXT}};
    tip_auto(out_destroy) struct out *out = NULL;
    const char *bad = NULL;

    if (cli->out.mode == OUT_HUMAN) {
        for (size_t i = 0; i < lines->n; i++)
            fprintf(stderr, "%s\n", lines->lines[i]);
        if (is_ok)
            printf("%s: ok\n", config);
        return is_ok ? CLI_OK : CLI_FAILED;
    }
    if (out_open(&out, &cli->out, columns, 1, &bad))
        return cli_bad_field(bad);
    for (size_t i = 0; i < lines->n; i++)
        out_row(out, &lines->lines[i], NULL);
    return is_ok ? CLI_OK : CLI_FAILED;
}

static int config_check_run(struct cli *cli)
{
    tip_auto(tip_free) char *config = NULL;
    struct config_lines lines = {.n = 0};
    bool is_ok = true;
    int r;

    if (options_find(cli->n_args ? cli->args[0] : cli->config, &config))
        return CLI_UNREACHABLE;
    config_check_own(config, &lines);
    for (size_t i = 0; i < PROGRAMS; i++)
        is_ok = config_ask(programs[i].name, "--check-config", config, true, &lines) == 0 && is_ok;
    r = config_check_tell(cli, config, &lines, is_ok && lines.n == 0);
    config_lines_deinit(&lines);
    return r;
}

/* ---- show ---- */

enum { SHOW_ORIGIN, SHOW_OPTIONS };

static const struct cli_option show_rows[SHOW_OPTIONS] = {
    [SHOW_ORIGIN] = {"origin", 0, NULL, "Where each value came from: file, line and column; environment; default."},
};

/* "key TAB value TAB origin", cut in place. */
static void config_show_line(struct out *out, char *line)
{
    char *rest = line;
    const char *cells[3];

    for (size_t i = 0; i < 3; i++)
        cells[i] = strsep(&rest, "\t");
    out_row(out, cells, NULL);
}

static int config_show_tell(struct cli *cli, const struct config_lines *lines)
{
    static const struct tip_column columns[] = {
        {"key", TIP_COLUMN_TEXT}, {"value", TIP_COLUMN_TEXT}, {"origin", TIP_COLUMN_TEXT}};
    tip_auto(out_destroy) struct out *out = NULL;
    struct out_config config = cli->out;
    const char *bad = NULL;
    int height;

    if (isatty(fileno(config.file)))
        term_size(&config.width, &height);
    if (out_open(&out, &config, columns, cli_flag(cli, SHOW_ORIGIN) ? 3 : 2, &bad))
        return cli_bad_field(bad);
    for (size_t i = 0; i < lines->n; i++) {
        tip_auto(tip_free) char *line = tip_strdup(lines->lines[i]);

        config_show_line(out, line);
    }
    return CLI_OK;
}

static int config_show_run(struct cli *cli)
{
    tip_auto(tip_free) char *config = NULL;
    struct config_lines lines = {.n = 0}, own = {.n = 0};
    int r = CLI_OK;

    if (options_find(cli->config, &config))
        return CLI_UNREACHABLE;
    config_check_own(config, &own);
    config_lines_deinit(&own); /* each program says the same */
    for (size_t i = 0; i < PROGRAMS && r == CLI_OK; i++)
        r = config_ask(programs[i].name, "--show-config", config, false, &lines);
    if (r == CLI_OK)
        r = config_show_tell(cli, &lines);
    config_lines_deinit(&lines);
    return r;
}

static const struct cli_command config_check = {
    .name = "check",
    .arguments = "[FILE]",
    .summary = "Lets every service check the configuration: file, line, column, what is wrong.",
    .max_args = 1,
    .run = config_check_run,
};

static const struct cli_command config_show = {
    .name = "show",
    .arguments = "",
    .summary = "Every option as it is in force; on a terminal long values are cut to its width.",
    .options = show_rows,
    .n_options = SHOW_OPTIONS,
    .run = config_show_run,
};

const struct cli_command cmd_config = {
    .name = "config",
    .arguments = "",
    .summary = "Checks and shows the configuration.",
    .verbs = (const struct cli_command *const[]){&config_check, &config_show, NULL},
};
