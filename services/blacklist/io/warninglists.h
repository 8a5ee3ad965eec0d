#pragma once
/*
 * Reference lists from a directory: MISP warning lists, a JSON object {"type": …, "list": […]} a file, `NAME.json` or
 * `NAME/list.json` as in MISP/misp-warninglists. What a list is for goes by its name: its own (`infrastructure`,
 * `resolver`, `sinkhole`, `top_site`, `peer`, `scanner`, also with `-anything` behind), or that of MISP's own lists.
 * Blocking: for the pool.
 */
#include <stddef.h>

#include "core/reference.h"

struct bl_warninglists {
    size_t n_files;   /* read */
    size_t n_passed;  /* files of no role, too long ones of top sites, and entries that cannot be used */
    size_t n_damaged; /* files that are no such list */
};

/** The role of a list by its name, or BL_ROLE_COUNT. */
enum bl_role bl_warninglists_role(const char *name);

/**
 * Adds all lists of a directory. Files that cannot be read are counted, never fatal.
 *
 * @return 0, or a negative errno: no such directory, or the reference is full
 */
tip_nodiscard int bl_warninglists_load(struct bl_reference *reference, const char *dir, struct bl_warninglists *counts);
