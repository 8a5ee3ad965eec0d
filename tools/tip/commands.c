#include "commands.h"

const struct cli_command *const cli_commands[] = {
    &cmd_up, &cmd_config, &cmd_completion, &cmd_help, NULL,
};
