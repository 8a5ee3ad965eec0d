#pragma once
/* Bytes from one place to the other, with their checksum. Stops at an interrupt with -EINTR. */
#include <stdbool.h>
#include <stdint.h>

#include <sodium.h>

#include "backup/manifest.h"

enum { FILES_PATH = 4096 };

/** What goes on, on a terminal; and whether it was interrupted. */
struct progress {
    bool is_shown;
    const char *what;
    uint64_t done, total; /* bytes; total 0: not known */
    int64_t shown_ms;
};

/** From now on SIGINT and SIGTERM are noticed instead of ending the process. */
void progress_begin(struct progress *progress, bool is_shown);
void progress_step(struct progress *progress, const char *what, uint64_t total);
/** @return 0 or -EINTR */
tip_nodiscard int progress_add(struct progress *progress, uint64_t bytes);
void progress_end(struct progress *progress);
bool progress_is_interrupted(void);

/** A new file, 0600, from what is read until its end; flushed to the disk. @param hash  64 characters and NUL */
tip_nodiscard int files_take(int in, const char *to, struct manifest_file *file, struct progress *progress);

/** A copy likewise; -ENOENT when there is nothing to copy. */
tip_nodiscard int files_copy(const char *from, const char *to, struct manifest_file *file, struct progress *progress);

/**
 * A copy of a file that is being appended to: from its end to its beginning, so that what the copy has of a later time
 * stands before what it has of an earlier one. -ENOENT when it is gone, or has become another file meanwhile.
 */
tip_nodiscard int files_copy_growing(const char *from, const char *to, struct progress *progress);

/** Size and checksum of a file. */
tip_nodiscard int files_look(const char *path, struct manifest_file *file, struct progress *progress);

/** A directory's entries reach the medium. */
tip_nodiscard int files_sync_dir(const char *path);
