#pragma once
/*
 * An export on the disk: its files in a directory of their own, and beside them what the next publication must know of
 * this one. A file is written beside the one in force, made durable, and takes its name; the one before stays as
 * NAME.previous. Blocking: for the pool, and for start.
 *
 *     .state   offset  bytes
 *              0       8      "TIPEXP2\n"
 *              8       4      CRC-32C of bytes 12 to the end
 *              12      4      0
 *              16      ...    struct bl_export_mark
 *              then the entries, and their arena
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <tip/cleanup.h>

#include "core/export.h"

enum { BL_EXPORT_DIGEST = 32, BL_EXPORT_FILES_ALL = BL_EXPORT_FILES + 1, BL_EXPORT_PATH = 640 };

struct bl_export_place {
    char name[BL_EXPORT_FILE_NAME]; /* "" behind the last */
    char media[64];
    uint64_t bytes;
    uint8_t digest[BL_EXPORT_DIGEST]; /* SHA-256: the ETag */
};

/** What was published. */
struct bl_export_mark {
    uint64_t n_items, n_arena;
    uint32_t fingerprint; /* of what the view is made by: another one, and losses are meant */
    uint32_t withheld;    /* of the lists that its audience may not see: likewise */
    uint32_t zero;
    uint32_t serial;       /* rises with each publication */
    uint32_t since_unix_s; /* the first one */
    uint32_t generated_unix_s;
    uint64_t n_skipped;               /* entries that the format could not say */
    uint8_t digest[BL_EXPORT_DIGEST]; /* of everything that decides what is in the files */
    struct bl_export_place files[BL_EXPORT_FILES_ALL];
};

/** The last publication, mapped. */
struct bl_export_last {
    struct bl_export_mark mark; /* zero when there was none */
    struct bl_export_view view;
    void *at;
    size_t bytes;
};

/** A directory that other programs may read, unless it is there. @return 0 or a negative errno */
tip_nodiscard int bl_export_make_dir(const char *dir);

/** What cannot be read is as if it had never been. @return 0, or a negative errno of want of memory or descriptors */
tip_nodiscard int bl_export_last_open(struct bl_export_last *last, const char *dir);
void bl_export_last_close(struct bl_export_last *last);

/** Are the files of a mark there, with their lengths? */
bool bl_export_is_there(const char *dir, const struct bl_export_mark *mark);

/**
 * Writes all files and the state; each is in force once it is whole, the export itself last.
 *
 * @param dir   is made when it is missing
 * @param mark  its files, counts and n_skipped are set
 */
tip_nodiscard int bl_export_publish(const char *dir, enum bl_export_format_id format, struct bl_export *export,
                                    struct bl_export_mark *mark);

/** @return how many bytes were read, or a negative errno */
tip_nodiscard int bl_export_read(const char *dir, const char *file, uint64_t offset, void *to, size_t n);
