#pragma once
/* What lists have in common. */
#include "command.h"

extern const struct cli_command source_overlaps;
