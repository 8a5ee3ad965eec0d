#include "io/export.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sodium.h>

#include <tip/crc32c.h>
#include <tip/fail.h>

static const char export_magic[8] = "TIPEXP2\n";

struct export_head {
    char magic[8];
    uint32_t crc;
    uint32_t zero;
    struct bl_export_mark mark;
};

enum { EXPORT_CRC_AT = 12, EXPORT_TEMPORARY = BL_EXPORT_PATH + 16 };

static int export_path(char path[static BL_EXPORT_PATH], const char *dir, const char *file, const char *suffix)
{
    int n = snprintf(path, BL_EXPORT_PATH, "%s/%s%s", dir, file, suffix);

    return n < 0 || n >= BL_EXPORT_PATH ? tip_fail(-ENAMETOOLONG) : 0;
}

/* ---- what was published ---- */

void bl_export_last_close(struct bl_export_last *last)
{
    if (last->at)
        (void)munmap(last->at, last->bytes); /* our own mapping */
    *last = (struct bl_export_last){0};
}

static bool export_item_is_good(const struct bl_export_last *last, const struct bl_export_item *item)
{
    if (item->class >= BL_EXPORT_CLASS_COUNT || item->tier > 3)
        return false;
    if (item->class <= BL_EXPORT_IP6)
        return item->bits <= (item->class == BL_EXPORT_IP4 ? 32 : 128);
    return (uint64_t)item->text + item->len < last->mark.n_arena && !last->view.arena[item->text + item->len];
}

/* Lengths first, then the checksum, then what points somewhere. */
static bool export_last_read(struct bl_export_last *last)
{
    const struct export_head *head = last->at;
    const struct bl_export_mark *mark = &head->mark;
    size_t rest = last->bytes - sizeof(*head);

    if (memcmp(head->magic, export_magic, sizeof(export_magic)) != 0 ||
        mark->n_items > rest / sizeof(struct bl_export_item) ||
        mark->n_arena != rest - mark->n_items * sizeof(struct bl_export_item) ||
        head->crc != tip_crc32c(0, (const uint8_t *)last->at + EXPORT_CRC_AT, last->bytes - EXPORT_CRC_AT))
        return false;
    last->mark = *mark;
    last->view.items = (const struct bl_export_item *)(const void *)(head + 1);
    last->view.n = mark->n_items;
    last->view.arena = (const char *)(last->view.items + last->view.n);
    for (size_t i = 0; i < last->view.n; i++) {
        if (!export_item_is_good(last, &last->view.items[i]))
            return false;
    }
    return true;
}

int bl_export_last_open(struct bl_export_last *last, const char *dir)
{
    tip_auto(tip_fd_close) int fd = -1;
    char path[BL_EXPORT_PATH];
    struct stat status;
    int r = export_path(path, dir, ".state", "");

    *last = (struct bl_export_last){0};
    if (r)
        return r;
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd == -1)
        return errno == ENOENT ? 0 : tip_fail(-errno);
    if (fstat(fd, &status) == -1)
        return tip_fail(-errno);
    if ((size_t)status.st_size < sizeof(struct export_head))
        return 0;
    last->bytes = (size_t)status.st_size;
    last->at = mmap(NULL, last->bytes, PROT_READ, MAP_PRIVATE, fd, 0);
    if (last->at == MAP_FAILED) {
        *last = (struct bl_export_last){0};
        return tip_fail(-errno);
    }
    if (!export_last_read(last))
        bl_export_last_close(last);
    return 0;
}

bool bl_export_is_there(const char *dir, const struct bl_export_mark *mark)
{
    char path[BL_EXPORT_PATH];
    struct stat status;

    for (size_t i = 0; i < BL_EXPORT_FILES_ALL && *mark->files[i].name; i++) {
        if (export_path(path, dir, mark->files[i].name, "") || stat(path, &status) == -1 ||
            (uint64_t)status.st_size != mark->files[i].bytes)
            return false;
    }
    return mark->serial > 0;
}

/* ---- files ---- */

struct export_sink {
    FILE *out; /* NULL: only the digest is wanted */
    crypto_hash_sha256_state state;
    uint64_t n_bytes;
};

static int export_put(void *ctx, const void *bytes, size_t n)
{
    struct export_sink *sink = ctx;

    (void)crypto_hash_sha256_update(&sink->state, bytes, n); /* cannot fail */
    sink->n_bytes += n;
    return !sink->out || fwrite(bytes, 1, n, sink->out) == n ? 0 : -EIO;
}

/* One file of a publication. */
struct export_file {
    const char *dir;
    const struct bl_export_format *format;
    const struct bl_export_file *row; /* NULL: what the comments would say */
    struct bl_export *export;
    struct bl_export_place *place;
    uint64_t n_skipped;
};

static int export_write_to(struct export_file *file, struct export_sink *sink)
{
    struct bl_out out;
    int r;

    (void)crypto_hash_sha256_init(&sink->state);
    bl_out_init(&out, export_put, sink);
    if (file->row)
        bl_export_write(&out, file->format, file->row, file->export);
    else
        bl_export_about(&out, file->export);
    file->n_skipped = out.n_skipped;
    r = bl_out_end(&out);
    (void)crypto_hash_sha256_final(&sink->state, file->place->digest);
    file->place->bytes = sink->n_bytes;
    return r;
}

/* The comments name the digest of what follows them: that is worked out first. */
static int export_digest_body(struct export_file *file, char hex[static 2 * BL_EXPORT_DIGEST + 1])
{
    struct export_sink sink = {.out = NULL};
    int r;

    file->export->body_sha256 = NULL;
    if (!file->row || !file->format->comment)
        return 0;
    r = export_write_to(file, &sink);
    (void)sodium_bin2hex(hex, 2 * BL_EXPORT_DIGEST + 1, file->place->digest, BL_EXPORT_DIGEST);
    file->export->body_sha256 = hex;
    return r;
}

static int export_write(struct export_file *file, const char *path)
{
    char hex[2 * BL_EXPORT_DIGEST + 1];
    tip_auto(tip_file_close) FILE *out = fopen(path, "we");
    struct export_sink sink = {.out = out};
    int r;

    if (!out || fchmod(fileno(out), 0644) == -1) /* for other programs, whatever our umask is */
        return tip_fail(-errno);
    r = export_digest_body(file, hex);
    r = r ? r : export_write_to(file, &sink);
    file->export->body_sha256 = NULL;
    if (!r && (fflush(out) == EOF || fsync(fileno(out)) == -1))
        r = -errno;
    return r ? tip_fail(r) : 0;
}

/* The one before stays under another name, if it may; that there is none is no fault. */
static int export_replace(const char *dir, const char *name, const struct bl_export *export)
{
    char fresh[BL_EXPORT_PATH], path[BL_EXPORT_PATH], previous[BL_EXPORT_PATH];
    int r = export_path(path, dir, name, "");

    r = r ? r : export_path(fresh, dir, name, ".new");
    r = r ? r : export_path(previous, dir, name, ".previous");
    if (r)
        return r;
    (void)unlink(previous);
    if (!export->is_withdrawn)
        (void)!link(path, previous);
    return rename(fresh, path) == -1 ? tip_fail(-errno) : 0;
}

static int export_sync_dir(const char *dir)
{
    tip_auto(tip_fd_close) int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    return fd == -1 || fsync(fd) == -1 ? tip_fail(-errno) : 0;
}

static int export_write_state(const char *dir, const struct bl_export *export, const struct bl_export_mark *mark)
{
    struct export_head head = {.mark = *mark};
    const size_t n = export->view.n * sizeof(*export->view.items);
    char path[BL_EXPORT_PATH];
    tip_auto(tip_file_close) FILE *out = NULL;
    int r = export_path(path, dir, ".state", ".new");

    if (r)
        return r;
    memcpy(head.magic, export_magic, sizeof(export_magic));
    head.crc = tip_crc32c(0, (const uint8_t *)&head + EXPORT_CRC_AT, sizeof(head) - EXPORT_CRC_AT);
    head.crc = n ? tip_crc32c(head.crc, export->view.items, n) : head.crc;
    head.crc = mark->n_arena ? tip_crc32c(head.crc, export->view.arena, mark->n_arena) : head.crc;
    out = fopen(path, "we");
    if (!out)
        return tip_fail(-errno);
    if (fwrite(&head, sizeof(head), 1, out) != 1 || (n && fwrite(export->view.items, n, 1, out) != 1) ||
        (mark->n_arena && fwrite(export->view.arena, mark->n_arena, 1, out) != 1) || fflush(out) == EOF ||
        fsync(fileno(out)) == -1)
        return tip_fail(-EIO);
    return export_replace(dir, ".state", export);
}

int bl_export_make_dir(const char *dir)
{
    if (mkdir(dir, 0755) == 0)
        return chmod(dir, 0755) == -1 ? tip_fail(-errno) : 0; /* whatever our umask is */
    return errno == EEXIST ? 0 : tip_fail(-errno);
}

/* Which files there are, in the order in which they are told: the export first. */
static size_t export_files(const struct bl_export_format *format, struct bl_export *export, struct bl_export_mark *mark)
{
    size_t n = 0;

    memset(mark->files, 0, sizeof(mark->files));
    for (; n < BL_EXPORT_FILES && format->files[n].write; n++) {
        bl_export_file_name(&format->files[n], export, mark->files[n].name);
        (void)snprintf(mark->files[n].media, sizeof(mark->files[n].media), "%s", format->files[n].media);
    }
    if (format->comment)
        return n;
    (void)snprintf(mark->files[n].name, sizeof(mark->files[n].name), "%s.about.txt", export->name);
    (void)snprintf(mark->files[n].media, sizeof(mark->files[n].media), "text/plain; charset=utf-8");
    return n + 1;
}

int bl_export_publish(const char *dir, enum bl_export_format_id id, struct bl_export *export,
                      struct bl_export_mark *mark)
{
    const struct bl_export_format *format = &bl_export_formats[id];
    size_t n = export_files(format, export, mark);
    char path[BL_EXPORT_PATH];
    int r = 0;

    mark->n_items = export->view.n;
    mark->n_skipped = 0;
    r = bl_export_make_dir(dir);
    for (size_t i = 0; !r && i < n; i++) {
        struct export_file file = {.dir = dir,
                                   .format = format,
                                   .export = export,
                                   .place = &mark->files[i],
                                   .row = i < BL_EXPORT_FILES && format->files[i].write ? &format->files[i] : NULL};

        r = export_path(path, dir, mark->files[i].name, ".new");
        r = r ? r : export_write(&file, path);
        mark->n_skipped += i ? 0 : file.n_skipped;
    }
    for (size_t i = n; !r && i > 0; i--)
        r = export_replace(dir, mark->files[i - 1].name, export);
    r = r ? r : export_write_state(dir, export, mark);
    return r ? r : export_sync_dir(dir);
}

int bl_export_read(const char *dir, const char *file, uint64_t offset, void *to, size_t n)
{
    tip_auto(tip_fd_close) int fd = -1;
    char path[BL_EXPORT_PATH];
    ssize_t got;
    int r = export_path(path, dir, file, "");

    if (r)
        return r;
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd == -1)
        return tip_fail(-errno);
    got = pread(fd, to, n, (off_t)offset);
    return got == -1 ? tip_fail(-errno) : (int)got;
}
