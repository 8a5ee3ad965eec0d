#include "io/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <tip/alloc.h>
#include <tip/clock.h>
#include <tip/fail.h>

enum { PATH_BYTES = 8192 };

int bl_files_path(struct tip_buf *path, const char *dir, const char *name, uint64_t version, const char *suffix)
{
    return tip_buf_append_format(path, "%s/%s-%" PRIu64 ".%s", dir, name, version, suffix);
}

/* A file, mapped. */
struct files_mapped {
    void *at; /* NULL: it is empty */
    struct stat status;
};

static int files_map(struct files_mapped *mapped, const char *dir, const char *name, uint64_t version,
                     const char *suffix)
{
    tip_auto(tip_buf_deinit) struct tip_buf path;
    tip_auto(tip_fd_close) int fd = -1;

    mapped->at = NULL;
    tip_buf_init(&path, PATH_BYTES);
    if (bl_files_path(&path, dir, name, version, suffix))
        return tip_fail(-ENAMETOOLONG);
    fd = open(tip_buf_text(&path), O_RDONLY | O_CLOEXEC);
    if (fd == -1 || fstat(fd, &mapped->status) == -1)
        return tip_fail(-errno);
    if (!mapped->status.st_size)
        return 0;
    mapped->at = mmap(NULL, (size_t)mapped->status.st_size, PROT_READ, MAP_SHARED, fd, 0);
    if (mapped->at == MAP_FAILED) {
        mapped->at = NULL;
        return tip_fail(-errno);
    }
    return 0;
}

bool bl_files_is_lost(int error)
{
    return error == -EBADMSG || error == -ENOENT || error == -EIO;
}

int bl_map_open(struct bl_map *map, const char *dir, const char *name, uint64_t version)
{
    tip_auto(bl_map_close) struct bl_map made = {0};
    struct files_mapped set, body;
    int r;

    *map = (struct bl_map){0};
    if (!version)
        return 0;
    r = files_map(&set, dir, name, version, "set");
    if (r)
        return tip_fail(r);
    made.set_at = set.at;
    made.set_bytes = (size_t)set.status.st_size;
    if (bl_setfile_read(&made.file, made.set_at, made.set_bytes))
        return tip_fail(-EBADMSG);
    r = files_map(&body, dir, name, version, "body");
    if (r)
        return tip_fail(r);
    made.body.bytes = body.at;
    made.body.n = (size_t)body.status.st_size;
    if (made.file.version != version || made.file.body_bytes != made.body.n)
        return tip_fail(-EBADMSG);
    *map = made;
    made = (struct bl_map){0};
    return 0;
}

void bl_map_close(struct bl_map *map)
{
    if (map->set_at)
        (void)munmap(map->set_at, map->set_bytes); /* our own mapping */
    if (map->body.bytes)
        (void)munmap((void *)(uintptr_t)map->body.bytes, map->body.n);
    *map = (struct bl_map){0};
}

static int files_put(void *ctx, const void *bytes, size_t n)
{
    FILE *out = ctx;

    return fwrite(bytes, 1, n, out) == n ? 0 : -EIO;
}

static int files_sync(FILE *out)
{
    if (fflush(out) == EOF || fsync(fileno(out)) == -1)
        return -errno;
    return 0;
}

_Static_assert((int)BL_SETFILE_HEADER == (int)BL_SEEN_HEADER, "both kinds of files begin with 64 bytes");

/* Writes one thing through `put` and leaves its first bytes in `head`. */
typedef int files_writer(const void *thing, FILE *out, unsigned char head[static BL_SETFILE_HEADER]);

static int files_put_set(const void *thing, FILE *out, unsigned char head[static BL_SETFILE_HEADER])
{
    return bl_setfile_write(thing, files_put, out, head);
}

static int files_put_seen(const void *thing, FILE *out, unsigned char head[static BL_SETFILE_HEADER])
{
    return bl_seen_write(thing, files_put, out, head);
}

static int files_write(const char *path, files_writer *writer, const void *thing)
{
    unsigned char head[BL_SETFILE_HEADER];
    tip_auto(tip_file_close) FILE *out = fopen(path, "we");
    int r;

    if (!out)
        return tip_fail(-errno);
    r = writer(thing, out, head);
    if (!r && fseek(out, 0, SEEK_SET) == -1)
        r = -errno;
    r = r ? r : files_put(out, head, sizeof(head));
    r = r ? r : files_sync(out);
    return r ? tip_fail(r) : 0;
}

static int files_sync_path(const char *path, int flags)
{
    tip_auto(tip_fd_close) int fd = open(path, flags | O_CLOEXEC, 0600);

    return fd == -1 || fsync(fd) == -1 ? tip_fail(-errno) : 0;
}

static int files_rename(const char *from, const char *to)
{
    return rename(from, to) == -1 ? tip_fail(-errno) : 0;
}

int bl_files_keep(const char *dir, const char *name, const struct bl_setfile *file, const char *body)
{
    tip_auto(tip_buf_deinit) struct tip_buf fresh;
    tip_auto(tip_buf_deinit) struct tip_buf set;
    tip_auto(tip_buf_deinit) struct tip_buf kept;
    int r;

    tip_buf_init(&fresh, PATH_BYTES);
    tip_buf_init(&set, PATH_BYTES);
    tip_buf_init(&kept, PATH_BYTES);
    if (bl_files_path(&fresh, dir, name, file->version, "new") ||
        bl_files_path(&set, dir, name, file->version, "set") || bl_files_path(&kept, dir, name, file->version, "body"))
        return tip_fail(-ENAMETOOLONG);
    r = files_write(tip_buf_text(&fresh), files_put_set, file);
    r = r ? r : files_sync_path(body ? body : tip_buf_text(&kept), body ? O_RDONLY : O_WRONLY | O_CREAT | O_TRUNC);
    if (!r && body)
        r = files_rename(body, tip_buf_text(&kept));
    r = r ? r : files_rename(tip_buf_text(&fresh), tip_buf_text(&set));
    return r ? r : files_sync_path(dir, O_RDONLY | O_DIRECTORY);
}

/* ---- what sources have said ---- */

/* Never written to once it is made, but for the count: any thread. */
struct bl_seen_file {
    struct files_mapped mapped;
    atomic_uint holders;
};

int bl_seen_map_open(struct bl_seen_map *map, const char *dir, const char *name, uint64_t version)
{
    tip_auto(bl_seen_map_close) struct bl_seen_map made = {.file = NULL};
    struct files_mapped mapped;
    int r = files_map(&mapped, dir, name, version, "seen");

    *map = (struct bl_seen_map){.file = NULL};
    if (r)
        return r == -ENOENT ? r : tip_fail(r); /* not there: nothing to log */
    made.file = tip_new(struct bl_seen_file);
    made.file->mapped = mapped;
    atomic_init(&made.file->holders, 1);
    if (bl_seen_read(&made.seen, mapped.at, (size_t)mapped.status.st_size) || made.seen.version != version)
        return tip_fail(-EBADMSG);
    *map = made;
    made.file = NULL;
    return 0;
}

void bl_seen_map_hold(struct bl_seen_map *map, const struct bl_seen_map *of)
{
    *map = *of;
    if (map->file)
        atomic_fetch_add(&map->file->holders, 1);
}

void bl_seen_map_close(struct bl_seen_map *map)
{
    struct bl_seen_file *file = tip_take(map->file);

    *map = (struct bl_seen_map){.file = NULL};
    if (!file || atomic_fetch_sub(&file->holders, 1) > 1)
        return;
    if (file->mapped.at)
        (void)munmap(file->mapped.at, (size_t)file->mapped.status.st_size); /* our own mapping */
    free(file);
}

bool bl_seen_map_is_current(const struct bl_seen_map *map, const char *dir, const char *name, uint64_t version)
{
    tip_auto(tip_buf_deinit) struct tip_buf path;
    const struct stat *then;
    struct stat now;

    tip_buf_init(&path, PATH_BYTES);
    if (!map->file || bl_files_path(&path, dir, name, version, "seen") || stat(tip_buf_text(&path), &now) == -1)
        return false;
    then = &map->file->mapped.status;
    return now.st_dev == then->st_dev && now.st_ino == then->st_ino && now.st_size == then->st_size &&
           now.st_ctim.tv_sec == then->st_ctim.tv_sec && now.st_ctim.tv_nsec == then->st_ctim.tv_nsec;
}

int64_t bl_seen_map_changed_unix_ms(const struct bl_seen_map *map)
{
    const struct timespec *at = &map->file->mapped.status.st_ctim;

    return at->tv_sec * TIP_SECOND_MS + at->tv_nsec / 1000000;
}

uint64_t bl_seen_map_bytes(const struct bl_seen_map *map)
{
    return (uint64_t)map->file->mapped.status.st_size;
}

int bl_files_keep_seen(const char *dir, const char *name, const struct bl_seen_update *update)
{
    tip_auto(tip_buf_deinit) struct tip_buf fresh;
    tip_auto(tip_buf_deinit) struct tip_buf kept;
    int r;

    tip_buf_init(&fresh, PATH_BYTES);
    tip_buf_init(&kept, PATH_BYTES);
    if (bl_files_path(&fresh, dir, name, update->version, "new") ||
        bl_files_path(&kept, dir, name, update->version, "seen"))
        return tip_fail(-ENAMETOOLONG);
    r = files_write(tip_buf_text(&fresh), files_put_seen, update);
    r = r ? r : files_rename(tip_buf_text(&fresh), tip_buf_text(&kept));
    return r ? r : files_sync_path(dir, O_RDONLY | O_DIRECTORY);
}

void bl_files_remove(const char *dir, const char *name, uint64_t version)
{
    static const char *const suffixes[] = {"set", "body", "seen"};

    for (size_t i = 0; version && i < sizeof(suffixes) / sizeof(*suffixes); i++) {
        tip_auto(tip_buf_deinit) struct tip_buf path;

        tip_buf_init(&path, PATH_BYTES);
        if (!bl_files_path(&path, dir, name, version, suffixes[i]))
            (void)unlink(tip_buf_text(&path)); /* what stays is swept at the next start */
    }
}

/* "drop.v4-17.set" into name and version; false for anything else. */
static bool files_parse(char *file, uint64_t *versionp)
{
    char *dot = strrchr(file, '.');
    char *dash;
    char *end;

    if (!dot || (strcmp(dot, ".set") && strcmp(dot, ".body") && strcmp(dot, ".seen")))
        return false;
    *dot = '\0';
    dash = strrchr(file, '-');
    if (!dash)
        return false;
    *dash = '\0';
    *versionp = strtoull(dash + 1, &end, 10);
    return end != dash + 1 && !*end;
}

void bl_files_sweep(const char *dir, bool (*keep)(void *ctx, const char *name, uint64_t version), void *ctx)
{
    tip_auto(tip_dir_close) DIR *listing = opendir(dir);
    const struct dirent *entry;

    while (listing && (entry = readdir(listing))) {
        tip_auto(tip_free) char *name = strdup(entry->d_name);
        uint64_t version = 0;

        if (entry->d_type != DT_REG || !name || (files_parse(name, &version) && keep(ctx, name, version)))
            continue;
        (void)unlinkat(dirfd(listing), entry->d_name, 0); /* it is tried again at the next start */
    }
}
