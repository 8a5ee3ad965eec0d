#pragma once
/*
 * The versions of lists on disk: NAME-VERSION.set, the set, NAME-VERSION.body, what it was read from, and
 * NAME-VERSION.seen, what the source has said up to then. All are complete and durable before any transaction names
 * them. Blocking: for the pool, and for start.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <tip/buf.h>

#include "core/part.h"
#include "core/seen.h"
#include "core/setfile.h"

/** Appends a path below the directory; its suffix is "set", "body", or anything else for a temporary file. */
tip_nodiscard int bl_files_path(struct tip_buf *path, const char *dir, const char *name, uint64_t version,
                                const char *suffix);

/** A version in memory, mapped. */
struct bl_map {
    struct bl_setfile file;
    struct bl_body body;
    void *set_at;
    size_t set_bytes;
};

/**
 * Maps a version and checks it. Version 0 is the empty set before the first.
 *
 * @return 0, or a negative errno: bl_files_is_lost tells whether there is any point in trying again
 */
tip_nodiscard int bl_map_open(struct bl_map *map, const char *dir, const char *name, uint64_t version);

/** Is the version damaged or gone? Else something was short that may be there later. */
bool bl_files_is_lost(int error);

/** Fits tip_auto; accepts zeroed memory. */
void bl_map_close(struct bl_map *map);

/**
 * Writes a version and makes it durable: the set from memory, the body by renaming a file.
 *
 * @param body  path of the file that becomes the body; NULL for an empty one
 */
tip_nodiscard int bl_files_keep(const char *dir, const char *name, const struct bl_setfile *file, const char *body);

struct bl_seen_file;

/** What a source has said up to a version, in memory, mapped; for as many as hold it, in any thread. */
struct bl_seen_map {
    struct bl_seen seen;
    struct bl_seen_file *file; /* held; NULL: none */
};

/** As bl_map_open. */
tip_nodiscard int bl_seen_map_open(struct bl_seen_map *map, const char *dir, const char *name, uint64_t version);

/** Another holder. */
void bl_seen_map_hold(struct bl_seen_map *map, const struct bl_seen_map *of);

/** Accepts zeroed memory. */
void bl_seen_map_close(struct bl_seen_map *map);

/**
 * Is it the file that stands there now, and nothing was written to it since? False of an empty map. What was written
 * within the tick of the file system's clock at which it was opened does not show.
 */
bool bl_seen_map_is_current(const struct bl_seen_map *map, const char *dir, const char *name, uint64_t version);

/** When it was written to last, as of its opening; its size. Of a map that is not empty. */
int64_t bl_seen_map_changed_unix_ms(const struct bl_seen_map *map);
uint64_t bl_seen_map_bytes(const struct bl_seen_map *map);

/** Writes what is known with a version, and makes it durable. */
tip_nodiscard int bl_files_keep_seen(const char *dir, const char *name, const struct bl_seen_update *update);

/** Removes a version, if it is there. */
void bl_files_remove(const char *dir, const char *name, uint64_t version);

/** Removes everything in the directory that `keep` does not want: old versions, what was being written. */
void bl_files_sweep(const char *dir, bool (*keep)(void *ctx, const char *name, uint64_t version), void *ctx);
