#pragma once
/* The rights that a newer version needs are added. */
#include "command.h"

extern const struct cli_command keys_update;
