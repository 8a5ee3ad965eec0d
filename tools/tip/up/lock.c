#include "up/lock.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <unistd.h>

#include <tip/fail.h>

int lock_take(const char *data_dir, int *fdp)
{
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    char path[PATH_MAX];
    tip_auto(tip_fd_close) int fd = -1;

    (void)snprintf(path, sizeof(path), "%s/lock", data_dir);
    fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd == -1)
        return tip_fail(-errno);
    if (fcntl(fd, F_SETLK, &whole) == -1)
        return tip_fail(errno == EAGAIN || errno == EACCES ? -EBUSY : -errno);
    *fdp = fd;
    fd = -1;
    return 0;
}

pid_t lock_holder(const char *data_dir)
{
    struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    char path[PATH_MAX];
    tip_auto(tip_fd_close) int fd = -1;

    (void)snprintf(path, sizeof(path), "%s/lock", data_dir);
    fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd == -1 || fcntl(fd, F_GETLK, &whole) == -1 || whole.l_type == F_UNLCK)
        return 0;
    return whole.l_pid > 0 ? whole.l_pid : 0;
}
