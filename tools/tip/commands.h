#pragma once
/* The entries of all commands; each is defined in the file of its name. */
#include "command.h"

extern const struct cli_command cmd_completion, cmd_config, cmd_help, cmd_up;
