#include "commands.h"

static int completion_run(struct cli *cli)
{
    if (cli_print_completion(cli->args[0], stdout) == 0)
        return CLI_OK;
    cli_error("\"%s\" is none of bash, zsh, fish", cli->args[0]);
    return CLI_USAGE;
}

const struct cli_command cmd_completion = {
    .name = "completion",
    .arguments = "SHELL",
    .summary = "Prints a completion script for bash, zsh or fish.",
    .details = "bash: `source <(tip completion bash)`. zsh: `tip completion zsh > \"${fpath[1]}/_tip\"`. fish:\n"
               "`tip completion fish > ~/.config/fish/completions/tip.fish`.",
    .words = (const char *const[]){"bash", "zsh", "fish", NULL},
    .min_args = 1,
    .max_args = 1,
    .run = completion_run,
};
