#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "commands.h"
#include "lab/lab.h"
#include "lab/web.h"
#include "lab/world.h"
#include "up/keeper.h"
#include "up/prepare.h"
#include "up/tree.h"

enum { LAB_FOR, LAB_UNTIL_DONE, LAB_SEED, LAB_KEEP, LAB_WORLD, LAB_OPTIONS };

static const struct cli_option lab_rows[LAB_OPTIONS] = {
    [LAB_FOR] = {"for", 0, "TIME", "Ends after this time (60s); exit code 1 unless every stage has happened."},
    [LAB_UNTIL_DONE] = {"until-done", 0, NULL, "Ends as soon as every stage has happened."},
    [LAB_SEED] = {"seed", 0, "N", "Decides what the simulated lists hold [TIP_SEED, else 1]."},
    [LAB_KEEP] = {"keep", 0, NULL, "Leaves the data and the logs in their directory."},
    [LAB_WORLD] = {"world", 0, "ADDRESS:PORT", "Only the simulated internet, for a system that runs elsewhere."},
};

struct lab_command {
    struct cli *cli;
    struct prepared prepared;
    struct lab_files files;
    struct lab_config config;
    struct world_config world;
};

static int lab_command_run(void *ctx)
{
    const struct lab_command *command = ctx;

    return command->world.listen ? world_run(&command->world) : lab_run(&command->config);
}

/* A fresh directory that the user of the services owns and everybody may look into. */
static int lab_command_dir(struct lab_command *command)
{
    const struct user *user = &command->prepared.user;
    char dir[] = "/tmp/tip-lab-XXXXXX";

    if (!mkdtemp(dir) || chmod(dir, 0755) == -1 || (user->is_other && chown(dir, user->uid, user->gid) == -1)) {
        cli_error("cannot make a directory in /tmp: %s", strerror(errno));
        return CLI_FAILED;
    }
    if (lab_files_init(&command->files, dir)) {
        cli_error("there are no free ports on 127.0.0.1");
        return CLI_FAILED;
    }
    return CLI_OK;
}

static int lab_command_options(struct lab_command *command)
{
    const char *seed = getenv("TIP_SEED");
    int64_t value = seed && *seed ? (int64_t)strtoull(seed, NULL, 10) : 1;

    if (cli_duration(command->cli, LAB_FOR, &command->config.for_ms) ||
        cli_int(command->cli, LAB_SEED, 0, INT64_MAX, &value))
        return CLI_USAGE;
    command->config.seed = (uint64_t)value;
    command->config.until_done = cli_flag(command->cli, LAB_UNTIL_DONE);
    command->config.is_quiet = command->cli->quiet;
    command->config.out = &command->cli->out;
    command->config.files = &command->files;
    command->world =
        (struct world_config){command->files.dir, cli_text(command->cli, LAB_WORLD, NULL), (uint64_t)value};
    return CLI_OK;
}

static int lab_command_keep(struct lab_command *command)
{
    bool is_kept = cli_flag(command->cli, LAB_KEEP);
    int r;

    r = keeper_run(&(struct keeper){.user = command->prepared.user,
                                    .remove_dir = is_kept ? NULL : command->files.dir,
                                    .site = command->world.listen ? NULL : command->files.config,
                                    .run = lab_command_run,
                                    .ctx = command});
    if (is_kept)
        cli_note(command->cli, "tip lab: everything is in %s", command->files.dir);
    return r;
}

static int lab_command(struct cli *cli)
{
    struct lab_command command = {.cli = cli};
    int r = lab_command_options(&command);

    if (r == CLI_OK && !lab_web_program()) {
        cli_error("the lab's internet needs nginx: apt-get install nginx-light");
        return CLI_FAILED;
    }
    if (r == CLI_OK)
        r = prepare_user(&command.prepared);
    if (r == CLI_OK && !command.world.listen)
        r = prepare_binaries(&command.prepared);
    if (r == CLI_OK)
        r = lab_command_dir(&command);
    return r ? r : lab_command_keep(&command);
}

const struct cli_command cmd_lab = {
    .name = "lab",
    .arguments = "",
    .summary = "Runs the whole system with a small simulated internet, and tells what happens.",
    .details =
        "Everything is on loopback, on free ports, in a fresh directory that is removed in the end. A web server "
        "serves\n"
        "seven small lists in six formats; they change every few seconds, and one breaks on purpose. `tip status`,\n"
        "`tip search 192.0.2.7`, `tip explain 192.0.2.7` and `tip sub listing.` work in a second terminal, without\n"
        "options. `tip lab --for 60s -o ndjson` prints each stage as it happens.",
    .options = lab_rows,
    .n_options = LAB_OPTIONS,
    .run = lab_command,
};
