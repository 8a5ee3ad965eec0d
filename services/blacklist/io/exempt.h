#pragma once
/*
 * Tables of exemptions as files: `NUMBER.exempt` in a directory of their own, written once and mapped.
 */
#include <stdatomic.h>
#include <stdint.h>

#include "core/exempt.h"

/**
 * A table, mapped, for as many as hold it. It never changes, so it may be shared with the pool, where a copy for each
 * job would be megabytes; the count is all that is written to.
 */
struct bl_exempt_map {
    struct bl_exempt exempt;
    void *at;
    size_t n;
    uint64_t number;
    atomic_uint holders;
};

/** @return 0 or a negative errno; bl_files_is_lost says whether it is gone for good */
tip_nodiscard int bl_exempt_map_open(struct bl_exempt_map **mapp, const char *dir, uint64_t number);

/** Another holder. NULL stays NULL. */
struct bl_exempt_map *bl_exempt_map_hold(struct bl_exempt_map *map);
void bl_exempt_map_destroy(struct bl_exempt_map **mapp);

static inline const struct bl_exempt *bl_exempt_of(const struct bl_exempt_map *map)
{
    return map ? &map->exempt : NULL;
}

/** Writes the bytes of bl_exempt_build_finish, durably. @return 0 or a negative errno */
tip_nodiscard int bl_exempt_keep(const char *dir, uint64_t number, const struct tip_buf *file);

/** Removes all but those from `first` to `last`. */
void bl_exempt_sweep(const char *dir, uint64_t first, uint64_t last);
