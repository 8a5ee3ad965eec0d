#pragma once
/*
 * Ownership: objects that release themselves at the end of their scope.
 *
 *     tip_auto(feed_destroy) struct feed *feed = feed_new();
 *     …
 *     *feedp = tip_take(feed);
 *
 * A destroy function takes the address of the pointer, releases, sets it to NULL, and accepts NULL.
 */
#include <dirent.h>
#include <stdio.h>

/** Releases the variable with `destroy(&variable)` when it leaves its scope. */
#define tip_auto(destroy) __attribute__((cleanup(destroy)))

/** The only way out of the scope of a tip_auto pointer: yields it and leaves NULL behind. */
#define tip_take(pointer)                           \
    ({                                              \
        __typeof__(pointer) tip_taken_ = (pointer); \
        (pointer) = NULL;                           \
        tip_taken_;                                 \
    })

/** For everything that can fail. */
#define tip_nodiscard __attribute__((warn_unused_result))

/** printf-like: the format is argument `at`, its values start at `first`. */
#define tip_printf(at, first) __attribute__((__format__(__printf__, at, first)))

/** free() for a tip_auto pointer of any type. */
void tip_free(void *pointerp);

/** fclose() for a tip_auto FILE; its result is lost, so a writer that cares calls fclose itself. */
void tip_file_close(FILE **filep);

/** closedir() for a tip_auto DIR. */
void tip_dir_close(DIR **dirp);

/** close() for a tip_auto descriptor; -1 means none. */
void tip_fd_close(int *fdp);
