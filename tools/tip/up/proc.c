#include "up/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <tip/alloc.h>
#include <tip/fail.h>

struct proc {
    struct procs *procs;
    struct proc *next;
    pid_t pid;
    int fd; /* its output */
    struct tip_watch watch;
    char line[PROC_LINE_BYTES];
    size_t line_len;
    void (*on_line)(void *ctx, const char *line);
    void (*on_end)(void *ctx, int status);
    void *ctx;
};

struct procs {
    struct tip_loop *loop;
    struct tip_signal child_signal;
    struct proc *first;
};

static void proc_line_end(struct proc *proc)
{
    proc->line[proc->line_len] = '\0';
    proc->line_len = 0;
    if (proc->on_line)
        proc->on_line(proc->ctx, proc->line);
}

static void proc_take(struct proc *proc, const char *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (bytes[i] == '\n')
            proc_line_end(proc);
        else if (proc->line_len < sizeof(proc->line) - 1)
            proc->line[proc->line_len++] = bytes[i];
    }
}

/* One read. @return false when there is nothing more now */
static bool proc_read(struct proc *proc)
{
    char bytes[4096];
    ssize_t n;

    n = read(proc->fd, bytes, sizeof(bytes));
    if (n > 0)
        proc_take(proc, bytes, (size_t)n);
    else if (n == 0)
        tip_watch_set(&proc->watch, 0);
    return n > 0;
}

static void proc_on_output(void *ctx, unsigned what)
{
    struct proc *proc = ctx;

    (void)what; /* only reading is watched */
    (void)proc_read(proc);
}

static void proc_free(struct proc *proc)
{
    tip_watch_deinit(&proc->watch);
    close(proc->fd);
    free(proc);
}

static void proc_ended(struct proc **at, int status)
{
    struct proc *proc = *at;

    *at = proc->next;
    for (int i = 0; i < 64 && proc_read(proc); i++) /* what a pipe holds; a grandchild may keep it open for ever */
        ;
    if (proc->line_len)
        proc_line_end(proc);
    proc->on_end(proc->ctx, status);
    proc_free(proc);
}

static void procs_reap(struct procs *procs, pid_t pid, int status)
{
    for (struct proc **at = &procs->first; *at; at = &(*at)->next) {
        if ((*at)->pid == pid) {
            proc_ended(at, status);
            return;
        }
    }
}

static void procs_on_signal(void *ctx)
{
    struct procs *procs = ctx;
    int status;
    pid_t pid;

    while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
        procs_reap(procs, pid, status);
}

struct procs *procs_new(struct tip_loop *loop)
{
    struct procs *procs = tip_new(struct procs);

    procs->loop = loop;
    tip_signal_init(&procs->child_signal, loop, SIGCHLD, procs_on_signal, procs);
    return procs;
}

void procs_destroy(struct procs **procsp)
{
    struct procs *procs = *procsp;
    struct proc *proc;

    if (!procs)
        return;
    while ((proc = procs->first)) {
        procs->first = proc->next;
        (void)kill(proc->pid, SIGKILL); /* a zombie of ours: the pid is still its own */
        (void)waitpid(proc->pid, NULL, 0);
        proc_free(proc);
    }
    tip_signal_deinit(&procs->child_signal);
    free(procs);
    *procsp = NULL;
}

/* Ours with `more` over it. The caller frees the array, not the strings. */
static const char **proc_environment(const char *const *more)
{
    const char **env;
    size_t n_ours = 0, n_more = 0, n = 0, len;

    while (environ[n_ours])
        n_ours++;
    while (more && more[n_more])
        n_more++;
    env = tip_new_array(n_ours + n_more + 1, const char *);
    for (size_t k = 0; k < n_more; k++)
        env[n++] = more[k];
    for (size_t i = 0; i < n_ours; i++) {
        bool is_replaced = false;

        len = strcspn(environ[i], "=") + 1;
        for (size_t k = 0; k < n_more && !is_replaced; k++)
            is_replaced = strncmp(more[k], environ[i], len) == 0;
        if (!is_replaced)
            env[n++] = environ[i];
    }
    return env;
}

static const char **proc_arguments(const char *path, const char *const *args)
{
    const char **argv;
    size_t n = 0;

    while (args && args[n])
        n++;
    argv = tip_new_array(n + 2, const char *);
    argv[0] = path;
    for (size_t i = 0; i < n; i++)
        argv[i + 1] = args[i];
    return argv;
}

/* Between fork and exec: only what is safe there. */
static void proc_become(const char *const *argv, const char *const *env, int output, int death_signal, pid_t parent)
{
    sigset_t none;
    int null;

    sigemptyset(&none);
    for (int number = 1; number < NSIG; number++)
        (void)signal(number, SIG_DFL); /* SIGKILL and SIGSTOP refuse, which is all right */
    sigprocmask(SIG_SETMASK, &none, NULL);
    if (prctl(PR_SET_PDEATHSIG, death_signal) == -1 || getppid() != parent)
        _exit(126); /* the parent has died in between */
    null = open("/dev/null", O_RDONLY);
    if (null == -1 || dup2(null, 0) == -1 || dup2(output, 1) == -1 || dup2(output, 2) == -1)
        _exit(126);
    (void)close_range(3, ~0U, 0); /* what a library left open without CLOEXEC */
    execve(argv[0], (char *const *)(uintptr_t)argv, (char *const *)(uintptr_t)env);
    dprintf(2, "level=error cannot run %s: %s\n", argv[0], strerror(errno));
    _exit(127);
}

static int proc_fork(const struct proc_spec *spec, int output, pid_t *pidp)
{
    tip_auto(tip_free) const char **env = proc_environment(spec->env);
    tip_auto(tip_free) const char **argv = proc_arguments(spec->path, spec->args);
    pid_t parent = getpid();

    *pidp = fork();
    if (*pidp == -1)
        return tip_fail(-errno);
    if (*pidp == 0)
        proc_become(argv, env, output, spec->death_signal ? spec->death_signal : SIGKILL, parent);
    return 0;
}

int proc_start(struct procs *procs, const struct proc_spec *spec, struct proc **procp)
{
    tip_auto(tip_fd_close) int ours = -1;
    tip_auto(tip_fd_close) int theirs = -1;
    struct proc *proc;
    int fds[2], r;
    pid_t pid;

    if (pipe2(fds, O_CLOEXEC) == -1)
        return tip_fail(-errno);
    ours = fds[0];
    theirs = fds[1];
    if (fcntl(ours, F_SETFL, O_NONBLOCK) == -1)
        return tip_fail(-errno);
    r = proc_fork(spec, theirs, &pid);
    if (r)
        return tip_fail(r);
    proc = tip_new(struct proc);
    *proc = (struct proc){.procs = procs, .pid = pid, .fd = ours, .next = procs->first};
    proc->on_line = spec->on_line;
    proc->on_end = spec->on_end;
    proc->ctx = spec->ctx;
    ours = -1;
    procs->first = proc;
    tip_watch_init(&proc->watch, procs->loop, proc->fd, proc_on_output, proc);
    tip_watch_set(&proc->watch, TIP_WATCH_READ);
    *procp = proc;
    return 0;
}

pid_t proc_pid(const struct proc *proc)
{
    return proc->pid;
}

void proc_signal(const struct proc *proc, int number)
{
    (void)kill(proc->pid, number); /* not reaped yet, so it exists */
}

void proc_status_text(int status, char text[static PROC_STATUS_TEXT])
{
    if (WIFSIGNALED(status))
        snprintf(text, PROC_STATUS_TEXT, "signal %d (%s)", WTERMSIG(status), strsignal(WTERMSIG(status)));
    else
        snprintf(text, PROC_STATUS_TEXT, "exit code %d", WEXITSTATUS(status));
}
