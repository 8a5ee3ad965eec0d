#pragma once
/* keys.yaml: whose key is whose, and what each may. Read with the machinery of tip.yaml, so errors have their place. */
#include <stddef.h>

#include <tip/cleanup.h>

#include "core/access.h"

#define KEYMAP_FILE "keys.yaml"

struct tip_conf;

/**
 * @param table  empty; filled on success, empty otherwise
 * @param conf   what is wrong is added to its errors
 * @return 0 or TIP_CONF_E_INVALID
 */
tip_nodiscard int keymap_load(struct access_table *table, struct tip_conf *conf, const char *path);

/** As keymap_load, from memory; `name` stands for the path in errors. */
tip_nodiscard int keymap_load_text(struct access_table *table, struct tip_conf *conf, const char *name,
                                   const char *text, size_t len);
