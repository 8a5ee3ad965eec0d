#pragma once
/* Directories of a system: made, and removed with all that is in them. */
#include <sys/types.h>

#include <tip/cleanup.h>

/** Makes a directory and its parents; the last one gets this mode. One that exists is fine as it is. */
tip_nodiscard int tree_make(const char *path, mode_t mode);

/** Removes a directory with all below it; links are not followed. One that does not exist is fine. */
tip_nodiscard int tree_remove(const char *path);

/** Writes a whole file, 0644, over an older one, in one step. */
tip_nodiscard int tree_write(const char *path, const void *bytes, size_t n);
