#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <tip/log.h>

#include "commands.h"
#include "options.h"
#include "up/keeper.h"
#include "up/prepare.h"
#include "up/up.h"

struct up_command {
    const struct cli *cli;
    struct options options;
    struct prepared prepared;
};

static void up_command_news(void *ctx, const char *name, const char *text)
{
    const struct up_command *command = ctx;

    if (command->cli->quiet && !strstr(text, "level=error"))
        return;
    fprintf(stderr, "%s: ", name);
    out_safe(stderr, text);
    fputc('\n', stderr);
}

/* Inside the keeper, as the unprivileged user. */
static int up_command_supervise(void *ctx)
{
    struct up_command *command = ctx;
    struct tip_loop *loop = tip_loop_new();
    struct up *up = NULL;
    int r;

    tip_log_init("tip");
    r = up_open(&up, &(struct up_config){
                         .loop = loop,
                         .config = command->options.config,
                         .data_dir = command->options.up.data,
                         .run_dir = command->options.common.run,
                         .keys_dir = command->options.bus.keys,
                         .private_database = command->prepared.private_database,
                         .env = command->prepared.env,
                         .on_news = up_command_news,
                         .ctx = command,
                     });
    if (r == 0) {
        cli_note(command->cli, "tip: up with %s; logs in %s/log; Ctrl-C ends it", command->options.config,
                 command->options.up.data);
        cli_note(command->cli, "tip: page %s; the first login: by the link in %s, or `tip web token add NAME`",
                 command->prepared.page, command->prepared.link);
        r = tip_loop_run(loop);
    }
    up_destroy(&up);
    tip_loop_destroy(&loop);
    return r ? CLI_FAILED : CLI_OK;
}

/* The directory of the keys, when it is not there yet: perhaps only root can make it. */
static int up_command_keys(struct up_command *command)
{
    const char *dir = command->options.bus.keys;
    int r;

    if (!dir || access(dir, F_OK) == 0)
        return CLI_OK;
    r = prepare_dir(&command->prepared, dir);
    if (r == CLI_OK && chmod(dir, 0700) == -1) {
        cli_error("%s: %s", dir, strerror(errno));
        r = CLI_FAILED;
    }
    return r;
}

static int up_command_prepare(struct up_command *command)
{
    int r = options_load(&command->options, command->cli->config);

    if (r == CLI_OK)
        r = prepare_look(&command->prepared, &command->options);
    if (r == CLI_OK)
        r = prepare_dir(&command->prepared, command->options.up.data);
    if (r == CLI_OK)
        r = prepare_dir(&command->prepared, command->options.common.run);
    if (r == CLI_OK)
        r = up_command_keys(command);
    return r;
}

static int up_run(struct cli *cli)
{
    struct up_command command = {.cli = cli};
    int r = up_command_prepare(&command);

    if (r == CLI_OK)
        r = keeper_run(&(struct keeper){.user = command.prepared.user,
                                        .site = command.options.config,
                                        .run = up_command_supervise,
                                        .ctx = &command});
    options_free(&command.options);
    return r;
}

const struct cli_command cmd_up = {
    .name = "up",
    .arguments = "",
    .summary = "Runs the whole system on this machine with your tip.yaml.",
    .details =
        "Starts broker, storage, scheduler, blacklist and web, and a private PostgreSQL (one unix socket, no network)\n"
        "unless `storage.database` names one; makes the keys of the bus that are missing (below `up.data`, unless\n"
        "`bus.keys` names a place or `bus.insecure` does without); applies migrations; restarts what dies, with "
        "growing\n"
        "delays from 0.2 to 30 s. Says where the page is and where the link of the first login lies. Started as root "
        "it\n"
        "runs everything as user `tip` or, without one, `nobody`. Logs are files in `up.data`/log, error lines show\n"
        "here. SIGHUP makes the services read their configuration again. Ctrl-C ends it in order, and so does closing\n"
        "the terminal (not under nohup, and not where there is none).",
    .max_args = 0,
    .run = up_run,
};
