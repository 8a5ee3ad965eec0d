#include "io/files.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <tip/alloc.h>
#include <tip/fail.h>

enum { FILES_DEPTH = 4, FILES_PATH = 512 };

struct web_files {
    size_t n, bytes;
    struct web_file items[WEB_FILES_MAX];
};

static const struct {
    const char *ending, *type;
} files_types[] = {
    {".html", "text/html; charset=utf-8"},
    {".js", "text/javascript; charset=utf-8"},
    {".css", "text/css; charset=utf-8"},
    {".json", "application/json"},
    {".webmanifest", "application/manifest+json"},
    {".svg", "image/svg+xml"},
    {".png", "image/png"},
    {".ico", "image/x-icon"},
    {".woff2", "font/woff2"},
    {".txt", "text/plain; charset=utf-8"},
};

static const char *files_type(const char *name)
{
    const char *ending = strrchr(name, '.');

    for (size_t i = 0; ending && i < sizeof(files_types) / sizeof(files_types[0]); i++) {
        if (!strcmp(ending, files_types[i].ending))
            return files_types[i].type;
    }
    return NULL;
}

/* Text and drawings shrink, pictures and fonts do not. */
static void files_compress(struct web_file *file)
{
    tip_auto(tip_buf_deinit) struct tip_buf gzip;
    bool is_text = !strncmp(file->type, "text/", 5) || strstr(file->type, "json") || strstr(file->type, "svg");

    tip_buf_init(&gzip, WEB_FILES_BYTES);
    if (!is_text || file->len < WEB_GZIP_MIN || web_gzip(file->bytes, file->len, 9, &gzip) || gzip.len >= file->len)
        return;
    file->gzip = tip_memdup(gzip.data, gzip.len);
    file->gzip_len = gzip.len;
}

static int files_read(struct web_files *files, int fd, size_t len, struct web_file *file)
{
    size_t n = 0;
    ssize_t got = 1;

    if (files->n == WEB_FILES_MAX || len > WEB_FILES_BYTES - files->bytes)
        return tip_fail(-EFBIG);
    file->bytes = tip_alloc(len + 1, 1);
    while (n < len && got > 0) {
        got = read(fd, file->bytes + n, len - n);
        if (got == -1 && errno != EINTR)
            return tip_fail(-errno);
        n += got > 0 ? (size_t)got : 0;
    }
    file->len = n;
    files->bytes += n;
    return 0;
}

static int files_add(struct web_files *files, int dir, const char *name, const char *path)
{
    tip_auto(tip_fd_close) int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    struct web_file *file = &files->items[files->n];
    struct stat st;
    int r;

    if (fd == -1 || fstat(fd, &st) == -1)
        return tip_fail(-errno);
    if (!S_ISREG(st.st_mode) || !files_type(name))
        return 0;
    r = files_read(files, fd, (size_t)st.st_size, file);
    if (r) {
        free(file->bytes);
        file->bytes = NULL;
        return r;
    }
    file->path = tip_strdup(path);
    file->type = files_type(name);
    file->is_immutable = !strncmp(path, "/assets/", 8);
    web_etag(file->bytes, file->len, file->etag);
    files_compress(file);
    files->n++;
    return 0;
}

static int files_walk(struct web_files *files, int at, const char *name, const char *path, int depth);

static int files_visit(struct web_files *files, int dir, const struct dirent *entry, const char *path, int depth)
{
    char below[FILES_PATH];
    int n = snprintf(below, sizeof(below), "%s/%s", path, entry->d_name);

    if (entry->d_name[0] == '.' || n < 0 || (size_t)n >= sizeof(below))
        return 0;
    if (entry->d_type == DT_DIR)
        return depth ? files_walk(files, dir, entry->d_name, below, depth - 1) : 0;
    return entry->d_type == DT_REG ? files_add(files, dir, entry->d_name, below) : 0;
}

static int files_walk(struct web_files *files, int at, const char *name, const char *path, int depth)
{
    tip_auto(tip_dir_close) DIR *dir = NULL;
    const struct dirent *entry;
    int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC), r = 0;

    if (fd == -1)
        return errno == ENOENT ? 0 : tip_fail(-errno);
    dir = fdopendir(fd);
    if (!dir) {
        close(fd);
        return tip_fail(-ENOMEM);
    }
    while (!r && (entry = readdir(dir)))
        r = files_visit(files, dirfd(dir), entry, path, depth);
    return r;
}

int web_files_open(struct web_files **filesp, const char *dir)
{
    tip_auto(web_files_destroy) struct web_files *files = tip_new(struct web_files);
    int r = files_walk(files, AT_FDCWD, dir, "", FILES_DEPTH);

    if (r)
        return r;
    *filesp = tip_take(files);
    return 0;
}

void web_files_destroy(struct web_files **filesp)
{
    struct web_files *files = *filesp;

    if (!files)
        return;
    for (size_t i = 0; i < files->n; i++) {
        free(files->items[i].path);
        free(files->items[i].bytes);
        free(files->items[i].gzip);
    }
    free(files);
    *filesp = NULL;
}

size_t web_files_count(const struct web_files *files)
{
    return files->n;
}

const struct web_file *web_files_find(const struct web_files *files, const char *path)
{
    for (size_t i = 0; i < files->n; i++) {
        if (!strcmp(files->items[i].path, path))
            return &files->items[i];
    }
    return NULL;
}
