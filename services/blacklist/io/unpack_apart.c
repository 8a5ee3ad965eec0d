/*
 * A container is unpacked by a process of its own: what libarchive takes goes by what the file says of itself (a 7z of
 * 3 KB can ask for gigabytes, for its members alone, before the first of them is seen), and it has no limit that could
 * be set. The process may grow by UNPACK_MEMORY_MAX and hands the bytes back through a pipe.
 */
#include "io/unpack.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <tip/alloc.h>
#include <tip/cleanup.h>
#include <tip/fail.h>

#include "io/unpack_run.h"

/* An xz -9 takes 65 MiB, the largest window of zstd 128 MiB. */
#define UNPACK_MEMORY_MAX ((rlim_t)192 * 1024 * 1024)

enum {
    APART_STATUS = 64, /* + code: it ended by itself */
    APART_CHUNK = 256 * 1024,
    APART_PIPE = STDIN_FILENO
};

/* ---- the process that unpacks ---- */

/* What is private and writable now, in bytes (proc(5), statm); it is what RLIMIT_DATA limits. */
static int apart_data(rlim_t *bytesp)
{
    tip_auto(tip_file_close) FILE *statm = fopen("/proc/self/statm", "re");
    unsigned long pages;

    if (!statm || fscanf(statm, "%*s %*s %*s %*s %*s %lu", &pages) != 1)
        return -EIO;
    *bytesp = (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE);
    return 0;
}

static int apart_limit(unsigned cpu_s)
{
    struct rlimit limit = {0};
    rlim_t now;
    int r = apart_data(&now);

    limit.rlim_cur = limit.rlim_max = now + UNPACK_MEMORY_MAX;
    r = r || setrlimit(RLIMIT_DATA, &limit) == -1;
    limit.rlim_cur = limit.rlim_max = cpu_s;
    return r || setrlimit(RLIMIT_CPU, &limit) == -1 ? -ENOTRECOVERABLE : 0;
}

static int apart_hand_over(void *ctx, const char *bytes, size_t n)
{
    (void)ctx;
    return unpack_put(APART_PIPE, bytes, n);
}

/** What the process that unpacks is told. */
struct apart_order {
    const struct bl_unpack *unpack;
    int pipe_fd;
    pid_t parent;
    unsigned cpu_s;
};

/* Holds nothing of the service: no socket, no lock of a file may outlive it here. */
static int apart_begin(const struct apart_order *order)
{
    if (prctl(PR_SET_PDEATHSIG, SIGKILL) == -1 || getppid() != order->parent ||
        dup2(order->pipe_fd, APART_PIPE) == -1 || close_range(STDERR_FILENO + 1, ~0U, 0) == -1)
        return -ENOTRECOVERABLE;
    return apart_limit(order->cpu_s);
}

static _Noreturn void apart_run(const struct apart_order *order)
{
    struct bl_unpack own = *order->unpack;
    int r = apart_begin(order);

    tip_fail_hook(NULL); /* the log belongs to the service; another thread may have held it */
    own.to = NULL;
    own.take = apart_hand_over;
    r = r ? r : bl_unpack_here(&own);
    _exit(r < 0 ? EXIT_FAILURE : APART_STATUS + r);
}

/* ---- the service ---- */

static int apart_end(pid_t pid)
{
    int status;

    while (waitpid(pid, &status, 0) == -1) {
        if (errno != EINTR)
            return tip_fail(-errno);
    }
    if (!WIFEXITED(status) || WEXITSTATUS(status) < APART_STATUS ||
        WEXITSTATUS(status) >= APART_STATUS + BL_UNPACK_E_END)
        return BL_UNPACK_E_ENDED;
    return WEXITSTATUS(status) - APART_STATUS;
}

static int apart_keep(struct bl_unpack *unpack, int out, const char *bytes, size_t n)
{
    int r = unpack_take(unpack, bytes, n);

    return r || out == -1 ? r : unpack_put(out, bytes, n);
}

/* @return as read(2); -1 and ETIMEDOUT when nothing comes */
static ssize_t apart_next(int pipe_fd, char *chunk, int silence_ms)
{
    struct pollfd poll_fd = {.fd = pipe_fd, .events = POLLIN};
    int n = poll(&poll_fd, 1, silence_ms);

    if (n == 0)
        errno = ETIMEDOUT;
    return n == 1 ? read(pipe_fd, chunk, APART_CHUNK) : -1;
}

static int apart_read(struct bl_unpack *unpack, int pipe_fd, int silence_ms)
{
    tip_auto(tip_free) char *chunk = tip_new_array(APART_CHUNK, char);
    tip_auto(tip_fd_close) int out = -1;
    ssize_t n = 0;
    int r = 0;

    if (unpack->to && (out = open(unpack->to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600)) == -1)
        return tip_fail(-errno);
    while (!r && ((n = apart_next(pipe_fd, chunk, silence_ms)) > 0 || (n == -1 && errno == EINTR)))
        r = n > 0 ? apart_keep(unpack, out, chunk, (size_t)n) : 0;
    if (!r && n == -1)
        r = errno == ETIMEDOUT ? BL_UNPACK_E_ENDED : tip_fail(-errno);
    return r;
}

int unpack_apart(struct bl_unpack *unpack, const struct unpack_limits *limits)
{
    struct apart_order order = {.unpack = unpack, .parent = getpid(), .cpu_s = limits->cpu_s};
    pid_t pid;
    int ends[2];
    int ended;
    int r;

    if (pipe2(ends, O_CLOEXEC) == -1)
        return tip_fail(-errno);
    order.pipe_fd = ends[1];
    pid = fork();
    if (!pid)
        apart_run(&order);
    r = pid == -1 ? tip_fail(-errno) : 0;
    (void)close(ends[1]);
    r = r ? r : apart_read(unpack, ends[0], limits->silence_ms);
    (void)close(ends[0]);
    if (pid == -1)
        return r;
    if (r)
        (void)kill(pid, SIGKILL); /* nobody wants the rest */
    ended = apart_end(pid);
    return r ? r : ended;
}
