#pragma once
/* `tip-storage migrate` and `tip-storage check`: the schema, by hand. */
#include <stddef.h>

#include <tip/service.h>

extern const struct tip_service_command store_commands[];
extern const size_t store_commands_n;
