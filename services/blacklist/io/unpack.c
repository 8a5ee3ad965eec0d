#include "io/unpack.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <archive.h>
#include <archive_entry.h>

#include <tip/alloc.h>
#include <tip/fail.h>

enum { UNPACK_CHUNK = 256 * 1024, UNPACK_RATIO_MAX = 200, UNPACK_RATIO_FROM = 1024 * 1024 };

bool bl_unpack_is_gzip(const char *path)
{
    tip_auto(tip_fd_close) int fd = open(path, O_RDONLY | O_CLOEXEC);
    unsigned char head[2];

    return fd != -1 && read(fd, head, 2) == 2 && head[0] == 0x1f && head[1] == 0x8b;
}

static int unpack_put(int fd, const char *bytes, size_t n)
{
    ssize_t done;

    while (n) {
        done = write(fd, bytes, n);
        if (done == -1 && errno == EINTR)
            continue;
        if (done == -1)
            return tip_fail(-errno);
        bytes += done;
        n -= (size_t)done;
    }
    return 0;
}

static int unpack_take(struct bl_unpack *unpack, const char *bytes, size_t n)
{
    int r;

    if (n > unpack->bytes_max - unpack->n_bytes)
        return BL_UNPACK_E_TOO_LARGE;
    unpack->n_bytes += n;
    r = unpack->take(unpack->ctx, bytes, n);
    return r > 0 ? BL_UNPACK_E_STOPPED : r;
}

static int unpack_plain(struct bl_unpack *unpack)
{
    tip_auto(tip_free) char *chunk = tip_new_array(UNPACK_CHUNK, char);
    tip_auto(tip_fd_close) int fd = open(unpack->from, O_RDONLY | O_CLOEXEC);
    ssize_t n = 0;
    int r = 0;

    if (fd == -1)
        return tip_fail(-errno);
    while (!r && (n = read(fd, chunk, UNPACK_CHUNK)) > 0)
        r = unpack_take(unpack, chunk, (size_t)n);
    return n == -1 ? tip_fail(-errno) : r;
}

static void unpack_close(struct archive **archivep)
{
    if (*archivep)
        archive_read_free(*archivep);
}

static int unpack_open(struct archive *archive, const char *path)
{
    struct archive_entry *entry;

    if (archive_read_support_filter_gzip(archive) != ARCHIVE_OK ||
        archive_read_support_format_raw(archive) != ARCHIVE_OK ||
        archive_read_open_filename(archive, path, UNPACK_CHUNK) != ARCHIVE_OK ||
        archive_read_next_header(archive, &entry) != ARCHIVE_OK)
        return BL_UNPACK_E_DAMAGED;
    return archive_filter_code(archive, 0) == ARCHIVE_FILTER_GZIP ? 0 : BL_UNPACK_E_DAMAGED;
}

/* A small body may hold any ratio; a bomb may not grow. */
static bool unpack_is_bomb(const struct bl_unpack *unpack, const struct stat *packed)
{
    return unpack->n_bytes > UNPACK_RATIO_FROM && unpack->n_bytes / UNPACK_RATIO_MAX > (uint64_t)packed->st_size;
}

static int unpack_gzip(struct bl_unpack *unpack)
{
    tip_auto(unpack_close) struct archive *archive = archive_read_new();
    tip_auto(tip_free) char *chunk = tip_new_array(UNPACK_CHUNK, char);
    tip_auto(tip_fd_close) int out = -1;
    struct stat packed;
    la_ssize_t n = 0;
    int r;

    if (!archive || stat(unpack->from, &packed) == -1)
        return tip_fail(-errno);
    if (unpack->to && (out = open(unpack->to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)) == -1)
        return tip_fail(-errno);
    r = unpack_open(archive, unpack->from);
    while (!r && (n = archive_read_data(archive, chunk, UNPACK_CHUNK)) > 0) {
        r = unpack_take(unpack, chunk, (size_t)n);
        r = r || !unpack_is_bomb(unpack, &packed) ? r : BL_UNPACK_E_TOO_LARGE;
        r = r || out == -1 ? r : unpack_put(out, chunk, (size_t)n);
    }
    return !r && n < 0 ? BL_UNPACK_E_DAMAGED : r;
}

int bl_unpack(struct bl_unpack *unpack)
{
    unpack->n_bytes = 0;
    return unpack->is_gzip ? unpack_gzip(unpack) : unpack_plain(unpack);
}
