#include "io/exempt.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <tip/alloc.h>
#include <tip/fail.h>

enum { EXEMPT_PATH = 4096 };

static int exempt_path(char path[static EXEMPT_PATH], const char *dir, uint64_t number, const char *suffix)
{
    return snprintf(path, EXEMPT_PATH, "%s/%" PRIu64 ".%s", dir, number, suffix) >= EXEMPT_PATH ? -ENAMETOOLONG : 0;
}

int bl_exempt_map_open(struct bl_exempt_map **mapp, const char *dir, uint64_t number)
{
    tip_auto(bl_exempt_map_destroy) struct bl_exempt_map *map = tip_new(struct bl_exempt_map);
    tip_auto(tip_fd_close) int fd = -1;
    char path[EXEMPT_PATH];
    struct stat status;

    map->number = number;
    atomic_init(&map->holders, 1);
    if (exempt_path(path, dir, number, "exempt"))
        return tip_fail(-ENAMETOOLONG);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd == -1 || fstat(fd, &status) == -1)
        return tip_fail(-errno);
    if (status.st_size <= 0)
        return tip_fail(-EBADMSG);
    map->at = mmap(NULL, (size_t)status.st_size, PROT_READ, MAP_SHARED, fd, 0);
    if (map->at == MAP_FAILED) {
        map->at = NULL;
        return tip_fail(-errno);
    }
    map->n = (size_t)status.st_size;
    if (bl_exempt_read(&map->exempt, map->at, map->n))
        return tip_fail(-EBADMSG);
    *mapp = tip_take(map);
    return 0;
}

struct bl_exempt_map *bl_exempt_map_hold(struct bl_exempt_map *map)
{
    if (map)
        atomic_fetch_add(&map->holders, 1);
    return map;
}

void bl_exempt_map_destroy(struct bl_exempt_map **mapp)
{
    struct bl_exempt_map *map = tip_take(*mapp);

    if (!map || atomic_fetch_sub(&map->holders, 1) > 1)
        return;
    if (map->at)
        (void)munmap(map->at, map->n); /* our own mapping */
    free(map);
}

static int exempt_write(const char *path, const struct tip_buf *file)
{
    tip_auto(tip_file_close) FILE *out = fopen(path, "we");

    if (!out)
        return tip_fail(-errno);
    if (fwrite(file->data, 1, file->len, out) != file->len || fflush(out) == EOF || fsync(fileno(out)) == -1)
        return tip_fail(errno ? -errno : -EIO);
    return 0;
}

int bl_exempt_keep(const char *dir, uint64_t number, const struct tip_buf *file)
{
    char fresh[EXEMPT_PATH], kept[EXEMPT_PATH];
    tip_auto(tip_fd_close) int fd = -1;
    int r;

    if (exempt_path(fresh, dir, number, "new") || exempt_path(kept, dir, number, "exempt"))
        return tip_fail(-ENAMETOOLONG);
    r = exempt_write(fresh, file);
    if (r)
        return r;
    if (rename(fresh, kept) == -1)
        return tip_fail(-errno);
    fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return fd == -1 || fsync(fd) == -1 ? tip_fail(-errno) : 0;
}

void bl_exempt_sweep(const char *dir, uint64_t first, uint64_t last)
{
    tip_auto(tip_dir_close) DIR *listing = opendir(dir);
    const struct dirent *entry;

    while (listing && (entry = readdir(listing))) {
        char *end;
        uint64_t number = strtoull(entry->d_name, &end, 10);

        if ((entry->d_type != DT_REG && entry->d_type != DT_UNKNOWN) ||
            (!strcmp(end, ".exempt") && number >= first && number <= last))
            continue;
        (void)unlinkat(dirfd(listing), entry->d_name, 0); /* a directory stays; it is tried again at the next start */
    }
}
