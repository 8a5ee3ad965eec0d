#pragma once
/* What is missing is made: the directory, and the keys of the programs. */
#include "command.h"

extern const struct cli_command keys_init;
