#include "up/keeper.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <tip/site.h>

#include "command.h"
#include "up/tree.h"

static const int keeper_passed_on[] = {SIGINT, SIGTERM, SIGHUP, SIGUSR1, SIGWINCH};

static void keeper_block(sigset_t *before)
{
    sigset_t set;

    sigemptyset(&set);
    for (size_t i = 0; i < sizeof(keeper_passed_on) / sizeof(keeper_passed_on[0]); i++)
        sigaddset(&set, keeper_passed_on[i]);
    sigaddset(&set, SIGCHLD);
    sigprocmask(SIG_BLOCK, &set, before);
}

/* The supervisor's process, to its end. */
static void keeper_become(const struct keeper *keeper, const sigset_t *mask, pid_t parent)
{
    int r;

    if (setpgid(0, 0) == -1 || user_become(&keeper->user)) {
        cli_error("cannot become user %s: %s", keeper->user.name, strerror(errno));
        _exit(CLI_FAILED);
    }
    if (prctl(PR_SET_PDEATHSIG, SIGTERM) == -1 || getppid() != parent) /* after the change of user, which clears it */
        _exit(CLI_FAILED);
    (void)signal(SIGTTOU, SIG_IGN); /* a process group in the background may write to the terminal */
    sigprocmask(SIG_SETMASK, mask, NULL);
    r = keeper->run(keeper->ctx);
    exit(r);
}

/* Passes signals on until the supervisor ends. @return its status */
static int keeper_wait(pid_t supervisor)
{
    sigset_t set;
    int status, number;

    sigemptyset(&set);
    for (size_t i = 0; i < sizeof(keeper_passed_on) / sizeof(keeper_passed_on[0]); i++)
        sigaddset(&set, keeper_passed_on[i]);
    sigaddset(&set, SIGCHLD);
    for (;;) {
        number = sigwaitinfo(&set, NULL);
        if (number > 0 && number != SIGCHLD)
            (void)kill(supervisor, number);
        if (waitpid(supervisor, &status, WNOHANG) == supervisor)
            return status;
    }
}

/* What the supervisor left is ours now (subreaper): end it. PostgreSQL's own processes end with their postmaster. */
static void keeper_sweep(pid_t group)
{
    const struct timespec pause = {.tv_nsec = 20 * 1000 * 1000};

    (void)kill(-group, SIGKILL);
    for (int i = 0; i < 500; i++) { /* 10 s */
        pid_t pid = waitpid(-1, NULL, WNOHANG);

        if (pid == -1)
            return;
        if (pid == 0)
            nanosleep(&pause, NULL);
    }
}

static int keeper_end(const struct keeper *keeper, int status)
{
    int r;

    if (keeper->site)
        tip_site_remove(keeper->site);
    r = user_become(&keeper->user); /* nothing is left to do that needs more */
    if (r == 0 && keeper->remove_dir && tree_remove(keeper->remove_dir))
        cli_error("could not remove all of %s", keeper->remove_dir);
    if (WIFEXITED(status))
        return WEXITSTATUS(status);
    cli_error("the supervisor was killed by signal %d", WTERMSIG(status));
    return CLI_FAILED;
}

int keeper_run(const struct keeper *keeper)
{
    pid_t parent = getpid(), supervisor;
    sigset_t before;
    int status;

    if (keeper->site && tip_site_write(keeper->site))
        cli_error("`tip` in another terminal will need --config %s: the pointer file cannot be written", keeper->site);
    fflush(NULL);
    (void)prctl(PR_SET_CHILD_SUBREAPER, 1); /* else orphans go to init, and die by their death signal all the same */
    keeper_block(&before);
    supervisor = fork();
    if (supervisor == -1) {
        cli_error("cannot fork: %m");
        return CLI_FAILED;
    }
    if (supervisor == 0)
        keeper_become(keeper, &before, parent);
    status = keeper_wait(supervisor);
    keeper_sweep(supervisor);
    return keeper_end(keeper, status);
}
