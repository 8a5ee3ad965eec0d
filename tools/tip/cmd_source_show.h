#pragma once
/* How lists are: all of them, and one. */
#include "command.h"

extern const struct cli_command source_list;
extern const struct cli_command source_show;

int cmd_source_list(struct cli *cli);
