#include <string.h>

#include <tip/alloc.h>

#include "client.h"
#include "cmd_source_overlaps.h"
#include "cmd_source_pack.h"
#include "cmd_source_show.h"
#include "cmd_source_try.h"
#include "commands.h"
#include "run.h"
#include "source_name.h"

/* ---- run ---- */

enum { RUN_WAIT, RUN_TIMEOUT, RUN_DRY, RUN_REASON, RUN_OPTIONS };

static const struct cli_option run_rows[RUN_OPTIONS] = {
    [RUN_WAIT] = {"wait", 'w', NULL, "Until it has been fetched; exit code 1 when that failed."},
    [RUN_TIMEOUT] = {"timeout", 't', "TIME", "How long --wait waits [10m]."},
    [RUN_DRY] = {"dry-run", 0, NULL, "Says what would happen and changes nothing."},
    [RUN_REASON] = {"reason", 'r', "TEXT", "Why, for the audit log."},
};

static int source_run_run(struct cli *cli)
{
    char target[2 * TIP_NAME_MAX];
    struct run_request request = {
        .target = target,
        .source = cli->args[0],
        .reason = cli_text(cli, RUN_REASON, ""),
        .force = true,
        .dry_run = cli_flag(cli, RUN_DRY),
        .wait = cli_flag(cli, RUN_WAIT),
        .timeout_ms = 600000,
    };

    if (cli_duration(cli, RUN_TIMEOUT, &request.timeout_ms))
        return CLI_USAGE;
    snprintf(target, sizeof(target), "blacklist/%s", cli->args[0]);
    return run_module(cli, &request);
}

/* ---- hold, release, enable, disable, retire ---- */

enum { CHANGE_DRY, CHANGE_REASON, CHANGE_UNTIL, CHANGE_OPTIONS };

static const struct cli_option enable_rows[CHANGE_OPTIONS] = {
    [CHANGE_DRY] = {"dry-run", 0, NULL, "Says what would happen and changes nothing."},
    [CHANGE_REASON] = {"reason", 'r', "TEXT", "Why, for the audit log."},
    [CHANGE_UNTIL] = {"accept-terms", 0, NULL, "I have read its terms of use and keep to them (public sources)."},
};

static const struct cli_option change_rows[CHANGE_OPTIONS] = {
    [CHANGE_DRY] = {"dry-run", 0, NULL, "Says what would happen and changes nothing."},
    [CHANGE_REASON] = {"reason", 'r', "TEXT", "Why, for the audit log."},
    [CHANGE_UNTIL] = {"until", 0, "TIME",
                      "hold: ends by itself then; a time (2026-12-31T00:00:00Z) or a duration (7d)."},
};

static int source_change(struct cli *cli, struct tip_param *param)
{
    struct tip_control_request request = {
        .action = cli->command->name,
        .target = cli->args[0],
        .reason = cli_text(cli, CHANGE_REASON, ""),
        .dry_run = cli_flag(cli, CHANGE_DRY),
        .params = param,
        .n_params = *param->value ? 1 : 0,
    };
    tip_auto(tip_call_free) struct tip_control_answer *answer = NULL;
    struct client client;
    int r = client_open(&client, cli->config, CLIENT_CALLS);

    if (r == CLI_OK)
        r = source_control(&client, &request, &answer);
    if (r == CLI_OK)
        out_safe_line(stdout, answer->result);
    client_close(&client);
    return r;
}

/* The verb is the action. */
static int source_change_run(struct cli *cli)
{
    return source_change(cli, &(struct tip_param){.name = "until", .value = cli_text(cli, CHANGE_UNTIL, "")});
}

static int source_enable_run(struct cli *cli)
{
    return source_change(
        cli, &(struct tip_param){.name = "accept_terms", .value = cli_flag(cli, CHANGE_UNTIL) ? "true" : ""});
}

static const struct cli_command source_hold = {
    .name = "hold",
    .arguments = "NAME",
    .summary = "A list is fetched and compared, but nothing of it is published; what it lists stays.",
    .options = change_rows,
    .n_options = CHANGE_OPTIONS,
    .min_args = 1,
    .max_args = 1,
    .run = source_change_run,
};

static const struct cli_command source_release = {
    .name = "release",
    .arguments = "NAME",
    .summary = "Ends a hold: the list is due at once.",
    .options = change_rows,
    .n_options = CHANGE_OPTIONS - 1,
    .min_args = 1,
    .max_args = 1,
    .run = source_change_run,
};

static const struct cli_command source_enable = {
    .name = "enable",
    .arguments = "NAME",
    .summary = "A list is fetched, whatever its file says, until it is disabled.",
    .options = enable_rows,
    .n_options = CHANGE_OPTIONS,
    .min_args = 1,
    .max_args = 1,
    .run = source_enable_run,
};

static const struct cli_command source_disable = {
    .name = "disable",
    .arguments = "NAME",
    .summary = "A list is not fetched, whatever its file says, until it is enabled; what it lists stays.",
    .options = change_rows,
    .n_options = CHANGE_OPTIONS - 1,
    .min_args = 1,
    .max_args = 1,
    .run = source_change_run,
};

static int source_retire_run(struct cli *cli)
{
    if (*cli_text(cli, CHANGE_REASON, "") || cli_flag(cli, CHANGE_DRY))
        return source_change_run(cli);
    cli_error("a source is retired for a --reason, which the audit log keeps");
    return CLI_USAGE;
}

static const struct cli_command source_retire = {
    .name = "retire",
    .arguments = "NAME",
    .summary = "What a list lists goes, and it is not fetched any more; its file stays as it is.",
    .details = "For a list that is over, or not worth having: `disable` leaves what it lists in force, this takes it "
               "away. `tip source enable NAME` undoes it: the list is fetched whole by the next run. To end it for "
               "good, remove its file, too.",
    .options = change_rows,
    .n_options = CHANGE_OPTIONS - 1,
    .min_args = 1,
    .max_args = 1,
    .run = source_retire_run,
};

static const struct cli_command source_run = {
    .name = "run",
    .arguments = "NAME",
    .summary = "Fetches a list now, whatever its interval. Exit code 4 when there is no such list.",
    .options = run_rows,
    .n_options = RUN_OPTIONS,
    .min_args = 1,
    .max_args = 1,
    .run = source_run_run,
};

const struct cli_command cmd_source = {
    .name = "source",
    .arguments = "",
    .summary = "The lists that are collected.",
    .verbs =
        (const struct cli_command *const[]){&source_list, &source_show, &source_overlaps, &source_new, &source_test,
                                            &source_diff, &source_run, &source_pack, &source_hold, &source_release,
                                            &source_enable, &source_disable, &source_retire, NULL},
    .run = cmd_source_list,
};
