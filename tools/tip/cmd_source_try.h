#pragma once
/* Lists that are tried out: fetched and read by the collector, with nothing published. */
#include "command.h"

extern const struct cli_command source_test;
extern const struct cli_command source_diff;
extern const struct cli_command source_new;
