#include "journal_disk.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <tip/alloc.h>
#include <tip/fail.h>

struct posix_disk {
    struct journal_disk disk; /* first: the two are cast into each other */
    int dir;
    bool read_only;
};

static int posix_disk_dir(struct journal_disk *disk)
{
    return ((struct posix_disk *)disk)->dir;
}

/*
 * The time of a reading would be a change of the inode, which may have to wait for all that the file system flushes; so
 * it is not noted. Only who owns a file may ask for that.
 */
static int posix_disk_open(struct journal_disk *disk, const char *name, int create)
{
    bool read_only = ((struct posix_disk *)disk)->read_only;
    int flags = (read_only ? O_RDONLY : O_RDWR) | O_CLOEXEC | (create ? O_CREAT : 0);
    int file;

    if (read_only && create)
        return -EROFS;
    file = openat(posix_disk_dir(disk), name, flags | O_NOATIME, 0600);
    if (file == -1 && errno == EPERM)
        file = openat(posix_disk_dir(disk), name, flags, 0600);
    return file == -1 ? -errno : file;
}

static void posix_disk_close(struct journal_disk *disk, int file)
{
    (void)disk;
    (void)close(file); /* what matters was synced */
}

static int64_t posix_disk_read(struct journal_disk *disk, int file, void *bytes, size_t n, uint64_t offset)
{
    size_t done = 0;
    ssize_t got;

    (void)disk;
    while (done < n) {
        got = pread(file, (uint8_t *)bytes + done, n - done, (off_t)(offset + done));
        if (got == -1 && errno == EINTR)
            continue;
        if (got == -1)
            return -errno;
        if (got == 0)
            break;
        done += (size_t)got;
    }
    return (int64_t)done;
}

static int posix_disk_write(struct journal_disk *disk, int file, const void *bytes, size_t n, uint64_t offset)
{
    size_t done = 0;
    ssize_t put;

    (void)disk;
    while (done < n) {
        put = pwrite(file, (const uint8_t *)bytes + done, n - done, (off_t)(offset + done));
        if (put == -1 && errno == EINTR)
            continue;
        if (put == -1)
            return -errno;
        done += (size_t)put;
    }
    return 0;
}

static int posix_disk_sync(struct journal_disk *disk, int file)
{
    (void)disk;
    return fdatasync(file) == -1 ? -errno : 0;
}

static int posix_disk_allocate(struct journal_disk *disk, int file, uint64_t n)
{
    int r;

    (void)disk;
    r = posix_fallocate(file, 0, (off_t)n);
    if (r)
        return -r;
    if (ftruncate(file, (off_t)n) == -1)
        return -errno;
    return 0;
}

static int64_t posix_disk_size(struct journal_disk *disk, int file)
{
    struct stat st;

    (void)disk;
    return fstat(file, &st) == -1 ? -errno : st.st_size;
}

static int posix_disk_rename(struct journal_disk *disk, const char *from, const char *to)
{
    int dir = posix_disk_dir(disk);

    if (((struct posix_disk *)disk)->read_only)
        return -EROFS;
    return renameat(dir, from, dir, to) == -1 ? -errno : 0;
}

static int posix_disk_unlink(struct journal_disk *disk, const char *name)
{
    if (((struct posix_disk *)disk)->read_only)
        return -EROFS;
    return unlinkat(posix_disk_dir(disk), name, 0) == -1 ? -errno : 0;
}

static int posix_disk_sync_dir(struct journal_disk *disk)
{
    return fsync(posix_disk_dir(disk)) == -1 ? -errno : 0;
}

static int posix_disk_list(struct journal_disk *disk, void (*each)(void *ctx, const char *name), void *ctx)
{
    tip_auto(tip_dir_close) DIR *dir = NULL;
    struct dirent *entry;
    int file;

    file = openat(posix_disk_dir(disk), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (file == -1)
        return -errno;
    dir = fdopendir(file);
    if (!dir) {
        (void)close(file); /* not taken over */
        return -ENOMEM;
    }
    for (;;) {
        errno = 0;
        entry = readdir(dir);
        if (!entry)
            return -errno;
        each(ctx, entry->d_name);
    }
}

static void posix_disk_destroy(struct journal_disk **diskp)
{
    struct posix_disk *posix = (struct posix_disk *)*diskp;

    tip_fd_close(&posix->dir);
    free(posix);
    *diskp = NULL;
}

static const struct journal_disk posix_disk_functions = {
    .open = posix_disk_open,
    .close = posix_disk_close,
    .read = posix_disk_read,
    .write = posix_disk_write,
    .sync = posix_disk_sync,
    .allocate = posix_disk_allocate,
    .size = posix_disk_size,
    .rename = posix_disk_rename,
    .unlink = posix_disk_unlink,
    .sync_dir = posix_disk_sync_dir,
    .list = posix_disk_list,
    .destroy = posix_disk_destroy,
};

/* A directory whose name is lost with the power takes the journal with it. */
static int posix_disk_mkdir(const char *path)
{
    tip_auto(tip_fd_close) int dir = -1;
    tip_auto(tip_fd_close) int parent = -1;

    if (mkdir(path, 0700) == -1)
        return errno == EEXIST ? 0 : -errno;
    dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    parent = dir == -1 ? -1 : openat(dir, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return parent == -1 || fsync(parent) == -1 ? -errno : 0;
}

int journal_disk_open(struct journal_disk **diskp, const char *dir)
{
    tip_auto(journal_disk_destroy) struct journal_disk *disk = NULL;
    struct posix_disk *posix;
    int r;

    posix = tip_new(struct posix_disk);
    posix->disk = posix_disk_functions;
    posix->dir = -1;
    disk = &posix->disk;
    r = posix_disk_mkdir(dir);
    if (r)
        return tip_fail(r);
    posix->dir = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (posix->dir == -1)
        return tip_fail(-errno);
    if (flock(posix->dir, LOCK_EX | LOCK_NB) == -1)
        return tip_fail(errno == EWOULDBLOCK ? -EBUSY : -errno);
    *diskp = tip_take(disk);
    return 0;
}

int journal_disk_open_read_only(struct journal_disk **diskp, const char *dir, bool shared)
{
    tip_auto(journal_disk_destroy) struct journal_disk *disk = NULL;
    struct posix_disk *posix;

    posix = tip_new(struct posix_disk);
    posix->disk = posix_disk_functions;
    posix->read_only = true;
    disk = &posix->disk;
    posix->dir = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (posix->dir == -1)
        return -errno;
    if (!shared && flock(posix->dir, LOCK_SH | LOCK_NB) == -1)
        return errno == EWOULDBLOCK ? -EBUSY : -errno;
    *diskp = tip_take(disk);
    return 0;
}

void journal_disk_destroy(struct journal_disk **diskp)
{
    if (*diskp)
        (*diskp)->destroy(diskp);
}

bool journal_disk_is_full(int r)
{
    return r == -ENOSPC || r == -EDQUOT;
}

int64_t journal_disk_load(struct journal_disk *disk, const char *name, void *bytes, size_t cap)
{
    int64_t n;
    int file;

    file = disk->open(disk, name, 0);
    if (file < 0)
        return file;
    n = disk->read(disk, file, bytes, cap, 0);
    disk->close(disk, file);
    return n;
}

static int journal_disk_fill(struct journal_disk *disk, const char *name, const void *bytes, size_t n)
{
    int file, r;

    file = disk->open(disk, name, 1);
    if (file < 0)
        return file;
    r = disk->allocate(disk, file, n);
    if (!r)
        r = disk->write(disk, file, bytes, n, 0);
    if (!r)
        r = disk->sync(disk, file);
    disk->close(disk, file);
    return r;
}

int journal_disk_replace(struct journal_disk *disk, const char *name, const void *bytes, size_t n)
{
    char fresh[64];
    int r;

    (void)snprintf(fresh, sizeof(fresh), "%s.new", name); /* our own short names */
    r = journal_disk_fill(disk, fresh, bytes, n);
    if (r)
        return tip_fail(r);
    r = disk->rename(disk, fresh, name);
    if (!r)
        r = disk->sync_dir(disk);
    return r ? tip_fail(r) : 0;
}
