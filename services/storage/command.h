#pragma once
/* `tip-storage migrate` and `check`: the schema, by hand. `dump` and `load`: for `tip backup` and `tip restore`. */
#include <stddef.h>

#include <tip/service.h>

extern const struct tip_service_command store_commands[];
extern const size_t store_commands_n;
