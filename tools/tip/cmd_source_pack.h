#pragma once
/*
 * The verb `pack` of `tip source`.
 */
#include "commands.h"

extern const struct cli_command source_pack;
