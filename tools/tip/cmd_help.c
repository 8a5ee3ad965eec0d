#include "commands.h"

enum { HELP_MARKDOWN, HELP_OPTIONS };

static const struct cli_option help_rows[HELP_OPTIONS] = {
    [HELP_MARKDOWN] = {"markdown", 0, NULL, "All pages as docs/cli.md."},
};

static int help_run(struct cli *cli)
{
    const struct cli_command *command, *verb;

    if (cli_flag(cli, HELP_MARKDOWN)) {
        cli_print_markdown(stdout);
        return CLI_OK;
    }
    if (cli->n_args == 0) {
        cli_print_overview(stdout);
        return CLI_OK;
    }
    command = cli_find(cli_commands, cli->args[0]);
    verb = command && cli->n_args > 1 ? cli_find(command->verbs, cli->args[1]) : NULL;
    if (!command || (cli->n_args > 1 && !verb)) {
        cli_error("there is no such command");
        return CLI_USAGE;
    }
    cli_print_help(verb ? command : NULL, verb ? verb : command, stdout);
    return CLI_OK;
}

const struct cli_command cmd_help = {
    .name = "help",
    .arguments = "[COMMAND [VERB]]",
    .summary = "Says how to use a command.",
    .options = help_rows,
    .n_options = HELP_OPTIONS,
    .min_args = 0,
    .max_args = 2,
    .run = help_run,
};
