#include "backup/cluster.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "backup/pipe.h"
#include "backup/target.h"
#include "command.h"
#include "up/tree.h"

enum { CLUSTER_POLLS = 600, CLUSTER_POLL_MS = 100 };

static pid_t cluster_spawn(const struct layout *layout, const struct user *user, const struct pg_command *command,
                           const char *name)
{
    const char *argv[PG_ARGS + 2] = {command->path};
    char log[FILES_PATH];

    for (size_t i = 0; i < PG_ARGS && command->args[i]; i++)
        argv[i + 1] = command->args[i];
    snprintf(log, sizeof(log), "%s/log/%s.log", layout->options.up.data, name);
    return pipe_spawn_as(user, argv, log);
}

static int cluster_refuse(const struct layout *layout, const char *name)
{
    cli_error("PostgreSQL's %s has failed: see %s/log/%s.log", name, layout->options.up.data, name);
    return CLI_FAILED;
}

static int cluster_make(const struct layout *layout, const struct user *user)
{
    struct pg made = layout->pg;
    struct pg_command command;
    int status = -1;
    pid_t pid;

    snprintf(made.data, sizeof(made.data), "%s/postgres.new", layout->options.up.data);
    if (tree_remove(made.data))
        return cluster_refuse(layout, "initdb");
    pg_initdb(&made, &command);
    pid = cluster_spawn(layout, user, &command, "initdb");
    if (pid < 0 || waitpid(pid, &status, 0) != pid || status || rename(made.data, layout->pg.data) == -1)
        return cluster_refuse(layout, "initdb");
    return CLI_OK;
}

static bool cluster_answers(const struct layout *layout)
{
    struct pg_command command;
    const char *argv[PG_ARGS + 2];
    int code = -1;
    size_t n = 0;

    pg_is_ready(&layout->pg, &command);
    argv[n++] = command.path;
    for (size_t i = 0; i < PG_ARGS && command.args[i]; i++)
        argv[n++] = command.args[i];
    argv[n] = NULL;
    return program_run(argv, NULL, NULL, &code) == 0 && code == 0;
}

static int cluster_wait(struct cluster *cluster, const struct layout *layout)
{
    const struct timespec pause = {.tv_nsec = CLUSTER_POLL_MS * 1000000L};

    for (int i = 0; i < CLUSTER_POLLS; i++) {
        if (waitpid(cluster->pid, NULL, WNOHANG) == cluster->pid) {
            cluster->pid = 0;
            return cluster_refuse(layout, "postgres");
        }
        if (cluster_answers(layout))
            return CLI_OK;
        nanosleep(&pause, NULL);
    }
    return cluster_refuse(layout, "postgres");
}

int cluster_start(struct cluster *cluster, const struct layout *layout, const struct user *user)
{
    struct pg_command command;
    char log[FILES_PATH];
    pid_t pid;
    int r;

    *cluster = (struct cluster){.pid = 0};
    r = layout_join(log, layout->options.up.data, "log") ? target_make_dir(user, log, 0755) : -ENAMETOOLONG;
    if (!r)
        r = target_make_dir(user, layout->options.common.run, 0755);
    if (r) {
        cli_error("%s: %s", layout->options.up.data, strerror(-r));
        return CLI_FAILED;
    }
    if (pg_is_new(&layout->pg) && cluster_make(layout, user) != CLI_OK)
        return CLI_FAILED;
    pg_serve(&layout->pg, &command);
    pid = cluster_spawn(layout, user, &command, "postgres");
    if (pid < 0)
        return cluster_refuse(layout, "postgres");
    cluster->pid = pid;
    return cluster_wait(cluster, layout);
}

void cluster_stop(struct cluster *cluster)
{
    if (!cluster->pid)
        return;
    (void)kill(cluster->pid, SIGINT); /* "fast shutdown" */
    while (waitpid(cluster->pid, NULL, 0) == -1 && errno == EINTR)
        ;
    cluster->pid = 0;
}
