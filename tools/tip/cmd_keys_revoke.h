#pragma once
/* A key is taken out of force. */
#include "command.h"

extern const struct cli_command keys_revoke;
