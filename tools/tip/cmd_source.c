#include <string.h>

#include <tip/alloc.h>

#include "client.h"
#include "cmd_source_pack.h"
#include "cmd_source_try.h"
#include "commands.h"
#include "programs.h"
#include "run.h"
#include "weight.h"

#define SOURCE_HUMAN "name,state,reason,weight,n_entries,n_rejected,version,last_ok_at,next_at"

static int source_query(struct cli *cli, const struct tip_store_query *query, const char *fields)
{
    tip_auto(tip_call_free) struct tip_store_answer *answer = NULL;
    const char *bad = NULL;
    struct client client;
    int r = client_open(&client, cli->config, CLIENT_CALLS);

    if (cli->out.mode == OUT_HUMAN && !cli->out.fields)
        cli->out.fields = fields;
    if (r == CLI_OK)
        r = client_query(&client, query, &answer);
    client_close(&client);
    if (r == CLI_OK && out_answer(&cli->out, answer, &bad))
        r = cli_bad_field(bad);
    return r;
}

static int source_list_run(struct cli *cli)
{
    const struct tip_store_query query = {.name = "sources"};

    return source_query(cli, &query, SOURCE_HUMAN);
}

/* ---- show ---- */

/* One row, a line a field. */
static void source_show_fields(struct cli *cli, const struct tip_store_answer *answer)
{
    for (size_t i = 0; i < answer->n_columns; i++) {
        printf("%s%-22s%s ", out_style_on(&cli->out, OUT_DIM), answer->columns[i].name, out_style_off(&cli->out));
        out_safe(stdout, answer->cells[i] ? answer->cells[i] : "-");
        putchar('\n');
    }
}

static int source_show_answer(struct cli *cli, const struct tip_store_answer *answer)
{
    const char *bad = NULL;

    if (answer->n_rows == 0) {
        cli_note(cli, "storage knows no source \"%s\"", cli->args[0]);
        return CLI_NOT_FOUND;
    }
    if (cli->out.mode != OUT_HUMAN || cli->out.fields)
        return out_answer(&cli->out, answer, &bad) ? cli_bad_field(bad) : CLI_OK;
    source_show_fields(cli, answer);
    return CLI_OK;
}

/* The arithmetic of its weight, as it was last told. */
static int source_show_weight(struct cli *cli, struct client *client, struct tip_param *param)
{
    const struct tip_store_query query = {.name = "source_weight", .n_params = 1, .params = param, .limit = 1};
    tip_auto(tip_call_free) struct tip_store_answer *answer = NULL;
    tip_auto(tip_buf_deinit) struct tip_buf text;
    const char *counts;
    int r = client_query(client, &query, &answer);

    tip_buf_init(&text, 64 * 1024);
    if (r || answer->n_rows == 0)
        return r;
    counts = answer->cells[answer->n_columns - 1];
    if (!counts || weight_text(counts, &text)) {
        cli_note(cli, "storage knows no arithmetic of its weight that can be read");
        return CLI_OK;
    }
    putchar('\n');
    for (char *line = strtok((char *)text.data, "\n"); line; line = strtok(NULL, "\n"))
        out_safe_line(stdout, line);
    return CLI_OK;
}

static int source_show_history(struct cli *cli, struct client *client, struct tip_param *param)
{
    const struct tip_store_query query = {.name = "history", .n_params = 1, .params = param, .limit = 10};
    tip_auto(tip_call_free) struct tip_store_answer *answer = NULL;
    struct out_config config = cli->out;
    const char *bad = NULL;
    int r = client_query(client, &query, &answer);

    if (r)
        return r;
    config.fields = "version,at,reason,n_entries,n_added,n_removed,n_changed,n_rejected";
    putchar('\n');
    return out_answer(&config, answer, &bad) ? CLI_FAILED : CLI_OK;
}

static int source_show_run(struct cli *cli)
{
    struct tip_param param = {.name = "source", .value = cli->args[0]};
    const struct tip_store_query query = {.name = "source", .n_params = 1, .params = &param};
    tip_auto(tip_call_free) struct tip_store_answer *answer = NULL;
    struct client client;
    int r = client_open(&client, cli->config, CLIENT_CALLS);

    if (r == CLI_OK)
        r = client_query(&client, &query, &answer);
    if (r == CLI_OK)
        r = source_show_answer(cli, answer);
    if (r == CLI_OK && cli->out.mode == OUT_HUMAN && !cli->out.fields)
        r = source_show_weight(cli, &client, &param);
    if (r == CLI_OK && cli->out.mode == OUT_HUMAN && !cli->out.fields)
        r = source_show_history(cli, &client, &param);
    client_close(&client);
    return r;
}

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
        r = client_control(&client, "blacklist", &request, &answer);
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
    if (*cli_text(cli, CHANGE_REASON, ""))
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

static const struct cli_command source_list = {
    .name = "list",
    .arguments = "",
    .summary = "Every list and how it is.",
    .run = source_list_run,
};

static const struct cli_command source_show = {
    .name = "show",
    .arguments = "NAME",
    .summary = "One list: its last word, the arithmetic of its weight, what was rejected, its last versions.",
    .min_args = 1,
    .max_args = 1,
    .run = source_show_run,
};

static const struct cli_command source_run = {
    .name = "run",
    .arguments = "NAME",
    .summary = "Fetches a list now, whatever its interval.",
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
    .verbs = (const struct cli_command *const[]){&source_list, &source_show, &source_test, &source_diff, &source_run,
                                                 &source_pack, &source_hold, &source_release, &source_enable,
                                                 &source_disable, &source_retire, NULL},
    .run = source_list_run,
};
