#include "up/tree.h"

#include <errno.h>
#include <ftw.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <tip/alloc.h>
#include <tip/fail.h>

int tree_make(const char *path, mode_t mode)
{
    tip_auto(tip_free) char *part = tip_strdup(path);

    for (char *at = strchr(part + 1, '/'); at; at = strchr(at + 1, '/')) {
        *at = '\0';
        if (mkdir(part, 0755) == -1 && errno != EEXIST)
            return tip_fail(-errno);
        *at = '/';
    }
    if (mkdir(path, mode) == -1)
        return errno == EEXIST ? 0 : tip_fail(-errno);
    return chmod(path, mode) == -1 ? tip_fail(-errno) : 0; /* whatever the umask */
}

static int tree_remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
    (void)st, (void)type, (void)at; /* remove() knows both kinds */
    (void)remove(path);             /* go on: the last one, the directory itself, tells whether all is gone */
    return 0;
}

int tree_remove(const char *path)
{
    if (nftw(path, tree_remove_one, 32, FTW_DEPTH | FTW_PHYS | FTW_MOUNT) == -1 && errno != ENOENT)
        return tip_fail(-errno);
    return access(path, F_OK) == 0 ? tip_fail(-ENOTEMPTY) : 0;
}

int tree_write(const char *path, const void *bytes, size_t n)
{
    char next[PATH_MAX];
    FILE *file;
    bool is_written;

    snprintf(next, sizeof(next), "%s.new", path);
    file = fopen(next, "we");
    if (!file)
        return tip_fail(-errno);
    is_written = fwrite(bytes, 1, n, file) == n && fchmod(fileno(file), 0644) == 0;
    is_written = fclose(file) == 0 && is_written;
    if (!is_written || rename(next, path) == -1)
        return tip_fail(errno ? -errno : -EIO);
    return 0;
}
