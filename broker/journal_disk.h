#pragma once
/*
 * The journal's only way to the file system, so that tests can put a disk under it that loses, tears and reorders what
 * was not flushed.
 *
 * All names are of one directory. All functions return 0 (or what is said) or negative errno; reads and writes are
 * whole or an error. Files are small integers. Called from the journal's thread and, for reading, from others; on one
 * file only one of them writes.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <tip/cleanup.h>

struct journal_disk {
    /** Opens for reading and writing; with `create` a missing file is made. @return a file >= 0, or -ENOENT … */
    int (*open)(struct journal_disk *disk, const char *name, int create);
    void (*close)(struct journal_disk *disk, int file);
    /** @return bytes read, fewer than n only at the end of the file */
    int64_t (*read)(struct journal_disk *disk, int file, void *bytes, size_t n, uint64_t offset);
    int (*write)(struct journal_disk *disk, int file, const void *bytes, size_t n, uint64_t offset);
    /** Content and size of the file reach the medium: fdatasync. */
    int (*sync)(struct journal_disk *disk, int file);
    /** Makes room on the medium for the whole file and sets its size: posix_fallocate, or a cut to exactly n. */
    int (*allocate)(struct journal_disk *disk, int file, uint64_t n);
    int64_t (*size)(struct journal_disk *disk, int file);
    int (*rename)(struct journal_disk *disk, const char *from, const char *to);
    int (*unlink)(struct journal_disk *disk, const char *name);
    /** Creations, renames and removals so far reach the medium. */
    int (*sync_dir)(struct journal_disk *disk);
    /** Tells every name. */
    int (*list)(struct journal_disk *disk, void (*each)(void *ctx, const char *name), void *ctx);
    void (*destroy)(struct journal_disk **diskp);
};

/**
 * The real one, on a directory that is made (0700) when missing, and locked against a second process.
 *
 * @return 0, -EBUSY when another process has it, or what the system says
 */
tip_nodiscard int journal_disk_open(struct journal_disk **diskp, const char *dir);

/**
 * The same directory for reading: whatever would change it fails with -EROFS.
 *
 * @param shared  a process that writes may have it; else it is locked, and a process that writes cannot begin
 * @return 0, -EBUSY when a process that writes has it, or what the system says
 */
tip_nodiscard int journal_disk_open_read_only(struct journal_disk **diskp, const char *dir, bool shared);

/** ENOSPC or EDQUOT: it may go on when there is room. */
bool journal_disk_is_full(int r);

/** Any disk; NULL is fine. */
void journal_disk_destroy(struct journal_disk **diskp);

/** Opens, reads at most `cap` bytes from the start, closes. @return bytes read or negative errno */
int64_t journal_disk_load(struct journal_disk *disk, const char *name, void *bytes, size_t cap);

/** Replaces a small file so that a crash leaves the old or the new one: write, sync, rename, sync_dir. */
tip_nodiscard int journal_disk_replace(struct journal_disk *disk, const char *name, const void *bytes, size_t n);
