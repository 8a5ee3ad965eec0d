#include "backup/pipe.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <tip/cleanup.h>

#include "programs.h"

int pipe_open(struct pipe_end *end, const char *config, const char *verb)
{
    bool is_dump = strcmp(verb, "dump") == 0;
    posix_spawn_file_actions_t actions;
    char path[PROGRAM_PATH_BYTES];
    const char *const argv[] = {path, verb, "--config", config, NULL};
    int ends[2], r;

    *end = (struct pipe_end){.fd = -1};
    program_path("storage", path);
    if (pipe2(ends, O_CLOEXEC) == -1)
        return -errno;
    posix_spawn_file_actions_init(&actions);
    if (is_dump)
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, ends[is_dump], is_dump);
    fflush(NULL);
    r = posix_spawn(&end->pid, path, &actions, NULL, (char *const *)(uintptr_t)argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    (void)close(ends[is_dump]);
    end->fd = ends[!is_dump];
    if (r) {
        end->pid = 0;
        tip_fd_close(&end->fd);
    }
    return -r;
}

int pipe_close(struct pipe_end *end)
{
    int status;

    tip_fd_close(&end->fd);
    if (!end->pid)
        return -1;
    while (waitpid(end->pid, &status, 0) == -1 && errno == EINTR)
        ;
    end->pid = 0;
    return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

int pipe_line(const struct pipe_end *end, char line[static PIPE_LINE])
{
    ssize_t got;
    size_t n = 0;

    for (;;) {
        got = read(end->fd, line + n, 1);
        if (got == -1)
            return -errno;
        if (got == 0 || n == PIPE_LINE - 1)
            return -EPROTO;
        if (line[n] == '\n')
            break;
        n++;
    }
    line[n] = '\0';
    return 0;
}

pid_t pipe_spawn_as(const struct user *user, const char *const *argv, const char *log)
{
    pid_t pid;
    int fd;

    fflush(NULL);
    pid = fork();
    if (pid)
        return pid == -1 ? -errno : pid;
    (void)signal(SIGPIPE, SIG_DFL);
    (void)setpgid(0, 0); /* Ctrl-C is for us: it is ended in order */
    if (user_become(user) || prctl(PR_SET_PDEATHSIG, SIGQUIT) == -1)
        _exit(126);
    fd = open(log, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (fd == -1 || dup2(fd, 1) == -1 || dup2(fd, 2) == -1 || chdir("/") == -1)
        _exit(126);
    execv(argv[0], (char *const *)(uintptr_t)argv);
    _exit(127);
}
