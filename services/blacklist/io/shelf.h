#pragma once
/*
 * What sources have said, mapped and checked, and left so for the next plan: each plan looks at the files of all
 * sources, and nearly all of them are those that the one before looked at.
 *
 * A file is taken from here only while it is the one that was checked: device, inode, size and time of change must be
 * what they were, and that is asked each time. What changed within the last two seconds before it was checked may
 * change again within the same tick of the file system's clock: it is checked anew the next time. What no file system
 * tells of, a bit that has turned on the disk, is found within an hour, for then the check begins anew.
 *
 * It holds so many bytes at most. Plans walk through all sources in turn, so throwing out what was used longest ago
 * would throw out each just before it is asked for; instead what is here stays until nobody has asked for it for an
 * hour, and what does not fit beside it is mapped for its own plan.
 *
 * Any thread; checking is done without the lock.
 */
#include <stdint.h>

#include "io/files.h"

struct bl_shelf;

struct bl_shelf_options {
    uint64_t bytes_max;
    int64_t (*now_ms)(void);  /* monotonic */
    int64_t (*wall_ms)(void); /* the clock that files are dated by */
};

struct bl_shelf *bl_shelf_new(const struct bl_shelf_options *options);

/** What others still hold stays theirs. */
void bl_shelf_destroy(struct bl_shelf **shelfp);

/** Another bound, from now on. */
void bl_shelf_bound(struct bl_shelf *shelf, uint64_t bytes_max);

/** Lets go what nobody has asked for for an hour: now and then, also while there are no plans; files may be gone by
 * then. */
void bl_shelf_sweep(struct bl_shelf *shelf);

/**
 * As bl_seen_map_open. The map is the caller's to close, whatever becomes of the shelf.
 *
 * @param shelf  NULL: none
 */
tip_nodiscard int bl_shelf_open(struct bl_shelf *shelf, struct bl_seen_map *map, const char *dir, const char *name,
                                uint64_t version);

struct bl_shelf_stats {
    uint64_t n_checked, n_taken; /* files that were mapped and checked, and that were here already */
    uint64_t bytes;              /* that are here */
};

/** Without the lock: for the loop's thread. */
struct bl_shelf_stats bl_shelf_stats(const struct bl_shelf *shelf);
