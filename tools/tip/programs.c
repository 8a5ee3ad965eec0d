#include "programs.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <tip/fail.h>

const struct program programs[PROGRAMS] = {
    {"broker", 1}, {"storage", 0}, {"scheduler", 0}, {"blacklist", 0}, {"web", 0}};

const char *program_dir(void)
{
    static char dir[PROGRAM_PATH_BYTES - 64];
    ssize_t n;
    char *slash;

    n = readlink("/proc/self/exe", dir, sizeof(dir) - 1);
    dir[n > 0 ? n : 0] = '\0';
    slash = strrchr(dir, '/');
    if (slash)
        *slash = '\0';
    return dir;
}

void program_path(const char *name, char path[static PROGRAM_PATH_BYTES])
{
    snprintf(path, PROGRAM_PATH_BYTES, "%s/tip-%s", program_dir(), name);
}

/* Reads what is there. @return false at the end */
static bool program_drain(int fd, struct tip_buf *to)
{
    char bytes[4096];
    ssize_t n = read(fd, bytes, sizeof(bytes));

    if (n > 0 && to && tip_buf_append(to, bytes, (size_t)n))
        return true; /* beyond the cap: read on, so that the program is not stopped, and drop it */
    return n > 0 || (n == -1 && errno == EINTR);
}

static void program_read(int fds[static 2], struct tip_buf *out, struct tip_buf *errors)
{
    struct pollfd polls[2] = {{.fd = fds[0], .events = POLLIN}, {.fd = fds[1], .events = POLLIN}};
    struct tip_buf *to[2] = {out, errors};

    while (polls[0].fd >= 0 || polls[1].fd >= 0) {
        if (poll(polls, 2, -1) == -1 && errno != EINTR)
            return;
        for (int i = 0; i < 2; i++) {
            if (polls[i].revents && !program_drain(polls[i].fd, to[i]))
                polls[i].fd = -1;
        }
    }
}

static int program_spawn(const char *const *argv, const int theirs[static 2], pid_t *pidp)
{
    posix_spawn_file_actions_t actions;
    int r;

    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    for (int i = 0; i < 2; i++) {
        if (theirs[i] >= 0)
            posix_spawn_file_actions_adddup2(&actions, theirs[i], i + 1);
    }
    r = posix_spawn(pidp, argv[0], &actions, NULL, (char *const *)(uintptr_t)argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    return -r;
}

int program_run(const char *const *argv, struct tip_buf *out, struct tip_buf *errors, int *codep)
{
    int ours[2] = {-1, -1}, theirs[2] = {-1, -1}, pipes[2], status, r;
    struct tip_buf *to[2] = {out, errors};
    pid_t pid;

    for (int i = 0; i < 2; i++) {
        if (!to[i])
            continue;
        if (pipe2(pipes, O_CLOEXEC) == -1)
            return tip_fail(-errno);
        ours[i] = pipes[0];
        theirs[i] = pipes[1];
    }
    fflush(NULL);
    r = program_spawn(argv, theirs, &pid);
    tip_fd_close(&theirs[0]);
    tip_fd_close(&theirs[1]);
    if (r == 0)
        program_read(ours, out, errors);
    tip_fd_close(&ours[0]);
    tip_fd_close(&ours[1]);
    if (r)
        return r;
    while (waitpid(pid, &status, 0) == -1 && errno == EINTR)
        ;
    *codep = WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
    return 0;
}

bool program_setting(const char *text, const char *key, char *value, size_t room)
{
    const size_t len = strlen(key);
    const char *line, *end, *tab;

    for (line = text; *line; line = end + (*end == '\n')) {
        end = line + strcspn(line, "\n");
        if (strncmp(line, key, len) != 0 || line[len] != '\t')
            continue;
        line += len + 1;
        tab = line + strcspn(line, "\t\n");
        snprintf(value, room, "%.*s", (int)(tab - line), line);
        return *tab == '\t' && strncmp(tab + 1, "default", strlen("default")) != 0;
    }
    return false;
}
