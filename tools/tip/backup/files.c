#include "backup/files.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <tip/alloc.h>
#include <tip/clock.h>
#include <tip/fail.h>
#include <tip/loop.h>

enum { FILES_BLOCK = 1 << 20, FILES_BACKWARDS = 16 * 1024, PROGRESS_MS = 200 };

/* ---- what goes on ---- */

static volatile sig_atomic_t progress_stop;

static void progress_on_signal(int number)
{
    (void)number;
    progress_stop = 1;
}

void progress_begin(struct progress *progress, bool is_shown)
{
    const struct sigaction action = {.sa_handler = progress_on_signal};

    *progress = (struct progress){.is_shown = is_shown};
    (void)sigaction(SIGINT, &action, NULL);
    (void)sigaction(SIGTERM, &action, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
}

bool progress_is_interrupted(void)
{
    return progress_stop != 0;
}

void progress_step(struct progress *progress, const char *what, uint64_t total)
{
    progress->what = what;
    progress->done = 0;
    progress->total = total;
    progress->shown_ms = 0;
}

int progress_add(struct progress *progress, uint64_t bytes)
{
    int64_t now_ms = tip_loop_wall_ms();

    progress->done += bytes;
    if (progress->is_shown && now_ms - progress->shown_ms >= PROGRESS_MS) {
        progress->shown_ms = now_ms;
        fprintf(stderr, "\r\033[K%s: %llu MiB", progress->what, (unsigned long long)(progress->done >> 20));
        if (progress->total)
            fprintf(stderr, " of %llu MiB", (unsigned long long)(progress->total >> 20));
    }
    return progress_stop ? -EINTR : 0;
}

void progress_end(struct progress *progress)
{
    if (progress->is_shown)
        fputs("\r\033[K", stderr);
}

/* ---- bytes ---- */

static ssize_t files_read(int fd, void *bytes, size_t n)
{
    ssize_t got;

    do
        got = read(fd, bytes, n);
    while (got == -1 && errno == EINTR && !progress_stop);
    return got == -1 ? -errno : got;
}

static int files_write(int fd, const uint8_t *bytes, size_t n)
{
    while (n) {
        ssize_t put = write(fd, bytes, n);

        if (put == -1 && errno != EINTR)
            return -errno;
        if (put > 0) {
            bytes += put;
            n -= (size_t)put;
        }
    }
    return 0;
}

/* @param to  -1: only the checksum */
static int files_pump(int in, int to, struct manifest_file *file, struct progress *progress)
{
    tip_auto(tip_free) uint8_t *block = tip_alloc(FILES_BLOCK, 1);
    uint8_t digest[crypto_hash_sha256_BYTES];
    crypto_hash_sha256_state state;
    ssize_t n;
    int r = 0;

    file->bytes = 0;
    crypto_hash_sha256_init(&state);
    while (!r && (n = files_read(in, block, FILES_BLOCK)) != 0) {
        if (n < 0)
            return (int)n;
        file->bytes += (uint64_t)n;
        crypto_hash_sha256_update(&state, block, (unsigned long long)n);
        r = to == -1 ? 0 : files_write(to, block, (size_t)n);
        if (!r)
            r = progress_add(progress, (uint64_t)n);
    }
    crypto_hash_sha256_final(&state, digest);
    sodium_bin2hex(file->sha256, sizeof(file->sha256), digest, sizeof(digest));
    return r;
}

static int files_create(const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);

    return fd == -1 ? -errno : fd;
}

int files_take(int in, const char *to, struct manifest_file *file, struct progress *progress)
{
    tip_auto(tip_fd_close) int fd = files_create(to);
    int r;

    if (fd < 0)
        return fd;
    r = files_pump(in, fd, file, progress);
    return r ? r : fsync(fd) == -1 ? -errno : 0;
}

static int files_open(const char *path)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

    return fd == -1 ? -errno : fd;
}

int files_copy(const char *from, const char *to, struct manifest_file *file, struct progress *progress)
{
    tip_auto(tip_fd_close) int in = files_open(from);

    return in < 0 ? in : files_take(in, to, file, progress);
}

int files_look(const char *path, struct manifest_file *file, struct progress *progress)
{
    tip_auto(tip_fd_close) int in = files_open(path);

    return in < 0 ? in : files_pump(in, -1, file, progress);
}

/* ---- backwards ---- */

static bool files_is_empty(const uint8_t *block, size_t n)
{
    return n == 0 || (block[0] == 0 && memcmp(block, block + 1, n - 1) == 0);
}

static int files_copy_block(int in, int to, off_t at, size_t n)
{
    uint8_t block[FILES_BACKWARDS];
    ssize_t got = pread(in, block, n, at);

    if (got == -1)
        return -errno;
    if (files_is_empty(block, (size_t)got))
        return 0; /* a hole */
    return pwrite(to, block, (size_t)got, at) == got ? 0 : -EIO;
}

static int files_copy_backwards(int in, int to, off_t size, struct progress *progress)
{
    int r = ftruncate(to, size) == -1 ? -errno : 0;

    for (off_t end = size, at; !r && end > 0; end = at) {
        at = (end - 1) / FILES_BACKWARDS * FILES_BACKWARDS;
        r = files_copy_block(in, to, at, (size_t)(end - at));
        if (!r)
            r = progress_add(progress, (uint64_t)(end - at));
    }
    return r ? r : fsync(to) == -1 ? -errno : 0;
}

int files_copy_growing(const char *from, const char *to, struct progress *progress)
{
    tip_auto(tip_fd_close) int in = files_open(from);
    tip_auto(tip_fd_close) int fd = -1;
    struct stat before, after;
    int r;

    if (in < 0)
        return in;
    if (fstat(in, &before) == -1)
        return -errno;
    fd = files_create(to);
    if (fd < 0)
        return fd;
    r = files_copy_backwards(in, fd, before.st_size, progress);
    if (!r && (stat(from, &after) == -1 || after.st_ino != before.st_ino || after.st_dev != before.st_dev))
        r = -ENOENT;
    if (r)
        (void)unlink(to); /* half a copy is none */
    return r;
}

int files_sync_dir(const char *path)
{
    tip_auto(tip_fd_close) int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    return fd == -1 || fsync(fd) == -1 ? -errno : 0;
}
