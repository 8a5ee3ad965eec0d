#pragma once
/*
 * Reference lists from a directory: MISP warning lists, a JSON object {"type": …, "list": […]} a file, `NAME.json` or
 * `NAME/list.json` as in MISP/misp-warninglists. What a list is for goes by its name: its own (`infrastructure`,
 * `resolver`, `sinkhole`, `top_site`, `peer`, `scanner`, also with `-anything` behind), or that of MISP's own lists.
 * Blocking: for the pool.
 */
#include <stddef.h>

#include "core/reference.h"

enum { BL_WARNINGLISTS_FRESH_S = 60 };

struct bl_warninglists {
    size_t n_files;   /* read */
    size_t n_passed;  /* files of no role, type or size that is read, long ones of top sites, entries of no use */
    size_t n_damaged; /* files that are no such list */
    size_t n_fresh;   /* those of them written within the last minute: perhaps they still are */
};

/** The role of a list by its name, or BL_ROLE_COUNT. */
enum bl_role bl_warninglists_role(const char *name);

/** Takes an entry. @return 0, BL_REFERENCE_E_UNKNOWN, or a negative errno that ends the reading */
typedef int bl_warninglists_take(void *ctx, enum bl_role role, const char *list, const char *text, size_t len);

/**
 * All entries of all lists of a directory, in the order of their names. Files that are damaged are counted, never
 * fatal.
 *
 * @return 0, what `take` returned, or a negative errno: no such directory, no memory or descriptor
 */
tip_nodiscard int bl_warninglists_each(const char *dir, bl_warninglists_take *take, void *ctx,
                                       struct bl_warninglists *counts);

/** A number that is another one when a file came, went or was written; never 0. */
uint64_t bl_warninglists_stamp(const char *dir);

/**
 * Adds all of them.
 *
 * @return 0, or a negative errno: no such directory, or the reference is full
 */
tip_nodiscard int bl_warninglists_load(struct bl_reference *reference, const char *dir, struct bl_warninglists *counts);
