#include "commands.h"
#include "run.h"

enum { RUN_WAIT, RUN_TIMEOUT, RUN_FORCE, RUN_DRY, RUN_REASON, RUN_OPTIONS };

static const struct cli_option run_rows[RUN_OPTIONS] = {
    [RUN_WAIT] = {"wait", 'w', NULL, "Until the module has reported; exit code 1 when it failed."},
    [RUN_TIMEOUT] = {"timeout", 't', "TIME", "How long --wait waits [10m]."},
    [RUN_FORCE] = {"force", 0, NULL, "Also what is not due by its own interval."},
    [RUN_DRY] = {"dry-run", 0, NULL, "Says what would happen and changes nothing."},
    [RUN_REASON] = {"reason", 'r', "TEXT", "Why, for the audit log."},
};

static int run_run(struct cli *cli)
{
    struct run_request request = {
        .target = cli->args[0],
        .reason = cli_text(cli, RUN_REASON, ""),
        .force = cli_flag(cli, RUN_FORCE),
        .dry_run = cli_flag(cli, RUN_DRY),
        .wait = cli_flag(cli, RUN_WAIT),
        .timeout_ms = 600000,
    };

    if (cli_duration(cli, RUN_TIMEOUT, &request.timeout_ms))
        return CLI_USAGE;
    return run_module(cli, &request);
}

const struct cli_command cmd_run = {
    .name = "run",
    .arguments = "MODULE[/TARGET]",
    .summary = "Asks the scheduler to start a module now.",
    .details =
        "`tip run blacklist` fetches every list that is due, `tip run --force blacklist/NAME` one list at once.\n"
        "Exit code 4 when nobody has that name: no program on the bus, and no job of the scheduler.",
    .options = run_rows,
    .n_options = RUN_OPTIONS,
    .words = (const char *const[]){"blacklist", NULL},
    .min_args = 1,
    .max_args = 1,
    .run = run_run,
};
