#include "place.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <tip/alloc.h>
#include <tip/fail.h>

/* The umask must not decide about the rights of what services share. */
int place_mkdir(const char *path, mode_t mode)
{
    tip_auto(tip_fd_close) int dir = -1;
    tip_auto(tip_fd_close) int parent = -1;

    if (mkdir(path, mode) == -1)
        return errno == EEXIST ? 0 : -errno;
    if (chmod(path, mode) == -1)
        return -errno;
    dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    parent = dir == -1 ? -1 : openat(dir, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    return parent == -1 || fsync(parent) == -1 ? -errno : 0;
}

int place_make(const char *path, mode_t mode)
{
    tip_auto(tip_free) char *copy = tip_strdup(path);
    struct stat st;
    int r;

    for (char *slash = strchr(copy + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        r = stat(copy, &st) == -1 ? place_mkdir(copy, 0755) : 0;
        if (r)
            return tip_fail(r);
        *slash = '/';
    }
    r = place_mkdir(copy, mode);
    if (r)
        return tip_fail(r);
    if (stat(copy, &st) == -1)
        return tip_fail(-errno);
    return S_ISDIR(st.st_mode) ? 0 : tip_fail(-ENOTDIR);
}

int place_make_private(const char *path)
{
    struct stat st;
    int r;

    r = place_make(path, 0700);
    if (r)
        return r;
    if (stat(path, &st) == -1)
        return tip_fail(-errno);
    if (st.st_uid == geteuid() && (st.st_mode & 077) && chmod(path, 0700) == -1)
        return tip_fail(-errno);
    return access(path, R_OK | W_OK | X_OK) == -1 ? tip_fail(-errno) : 0;
}

static long place_lock_pid(int fd)
{
    char text[24];
    ssize_t n;

    n = pread(fd, text, sizeof(text) - 1, 0);
    if (n <= 0)
        return 0;
    text[n] = '\0';
    return strtol(text, NULL, 10);
}

int place_lock(const char *dir, int *fdp, long *pidp)
{
    tip_auto(tip_free) char *path = NULL;
    tip_auto(tip_fd_close) int fd = -1;
    char pid[24];

    if (asprintf(&path, "%s/lock", dir) == -1)
        abort();
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd == -1)
        return tip_fail(-errno);
    if (flock(fd, LOCK_EX | LOCK_NB) == -1) {
        if (errno != EWOULDBLOCK)
            return tip_fail(-errno);
        *pidp = place_lock_pid(fd);
        return PLACE_E_LOCKED;
    }
    (void)snprintf(pid, sizeof(pid), "%ld\n", (long)getpid());
    if (ftruncate(fd, 0) == -1 || pwrite(fd, pid, strlen(pid), 0) == -1)
        return tip_fail(-errno);
    *fdp = fd;
    fd = -1;
    return 0;
}
