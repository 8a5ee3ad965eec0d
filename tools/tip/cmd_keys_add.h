#pragma once
/* A key is added. */
#include "command.h"

extern const struct cli_command keys_add;
