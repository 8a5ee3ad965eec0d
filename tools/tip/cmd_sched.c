#include <stdlib.h>
#include <string.h>

#include <tip/alloc.h>

#include "client.h"
#include "commands.h"

#define SCHED_NEXT_PAGE "@next"

static const struct tip_column sched_columns[] = {
    {"name", TIP_COLUMN_TEXT},   {"module", TIP_COLUMN_TEXT},       {"target", TIP_COLUMN_TEXT},
    {"rule", TIP_COLUMN_TEXT},   {"state", TIP_COLUMN_TEXT},        {"next", TIP_COLUMN_TIME},
    {"last", TIP_COLUMN_TEXT},   {"started", TIP_COLUMN_TIME},      {"ended", TIP_COLUMN_TIME},
    {"runs", TIP_COLUMN_INT},    {"failed", TIP_COLUMN_INT},        {"overdue", TIP_COLUMN_INT},
    {"missed", TIP_COLUMN_INT},  {"paused_until", TIP_COLUMN_TIME}, {"pause_reason", TIP_COLUMN_TEXT},
    {"run_id", TIP_COLUMN_TEXT},
};

enum { SCHED_COLUMNS = sizeof(sched_columns) / sizeof(sched_columns[0]) };

/* ---- list ---- */

/* A job's JSON as a row. Numbers become text again: the table knows its types. */
static void sched_row(struct out *out, const char *text)
{
    json_t *job = json_loads(text, JSON_REJECT_DUPLICATES, NULL);
    const char *cells[SCHED_COLUMNS] = {NULL};
    char numbers[SCHED_COLUMNS][24];

    for (size_t i = 0; i < SCHED_COLUMNS; i++) {
        const json_t *value = json_object_get(job, sched_columns[i].name);

        if (json_is_integer(value)) {
            snprintf(numbers[i], sizeof(numbers[i]), "%lld", (long long)json_integer_value(value));
            cells[i] = numbers[i];
        } else if (json_is_string(value)) {
            cells[i] = json_string_value(value);
        }
    }
    if (job)
        out_row(out, cells, NULL);
    json_decref(job);
}

/* @param after  in: where the page before ended, or NULL; out: where this one did; the caller frees */
static int sched_page(struct client *client, struct out *out, char **after)
{
    struct tip_param param = {.name = "after", .value = *after};
    struct tip_control_request request = {.action = "list", .target = "", .reason = "", .n_params = *after != NULL};
    tip_auto(tip_call_free) struct tip_control_answer *answer = NULL;
    int r;

    request.params = &param;
    r = client_control(client, "scheduler", &request, &answer);
    free(*after);
    *after = NULL;
    for (size_t i = 0; r == CLI_OK && i < answer->n_values; i++) {
        if (strcmp(answer->values[i].name, SCHED_NEXT_PAGE) == 0)
            *after = tip_strdup(answer->values[i].value);
        else
            sched_row(out, answer->values[i].value);
    }
    return r;
}

static int sched_list_run(struct cli *cli)
{
    tip_auto(out_destroy) struct out *out = NULL;
    tip_auto(tip_free) char *after = NULL;
    const char *bad = NULL;
    struct client client;
    int r = client_open(&client, cli->config, CLIENT_CALLS);

    if (cli->out.mode == OUT_HUMAN && !cli->out.fields)
        cli->out.fields = "name,module,target,rule,state,next,last,ended,runs,failed,overdue";
    if (r == CLI_OK && out_open(&out, &cli->out, sched_columns, SCHED_COLUMNS, &bad))
        r = cli_bad_field(bad);
    if (r == CLI_OK)
        r = sched_page(&client, out, &after);
    while (r == CLI_OK && after)
        r = sched_page(&client, out, &after);
    client_close(&client);
    return r;
}

/* ---- hold, release ---- */

enum { CHANGE_DRY, CHANGE_REASON, CHANGE_FOR, CHANGE_OPTIONS };

static const struct cli_option change_rows[CHANGE_OPTIONS] = {
    [CHANGE_DRY] = {"dry-run", 0, NULL, "Says what would happen and changes nothing."},
    [CHANGE_REASON] = {"reason", 'r', "TEXT", "Why, for the audit log."},
    [CHANGE_FOR] = {"for", 0, "TIME", "hold: ends by itself after this time."},
};

static int sched_change(struct cli *cli, const char *action)
{
    struct tip_control_request request = {
        .action = action,
        .target = cli->args[0],
        .reason = cli_text(cli, CHANGE_REASON, ""),
        .dry_run = cli_flag(cli, CHANGE_DRY),
    };
    tip_auto(tip_call_free) struct tip_control_answer *answer = NULL;
    uint64_t for_ms = 0;
    struct client client;
    int r;

    if (cli_duration(cli, CHANGE_FOR, &for_ms))
        return CLI_USAGE;
    request.expires_unix_ms = for_ms ? tip_loop_wall_ms() + (int64_t)for_ms : 0;
    r = client_open(&client, cli->config, CLIENT_CALLS);
    if (r == CLI_OK)
        r = client_control(&client, "scheduler", &request, &answer);
    if (r == CLI_OK)
        out_safe_line(stdout, answer->result);
    client_close(&client);
    return r;
}

static int sched_hold_run(struct cli *cli)
{
    return sched_change(cli, "hold");
}

static int sched_release_run(struct cli *cli)
{
    return sched_change(cli, "release");
}

static const struct cli_command sched_list = {
    .name = "list",
    .arguments = "",
    .summary = "Every job: its rule, when it starts next, how it ended last.",
    .run = sched_list_run,
};

static const struct cli_command sched_hold = {
    .name = "hold",
    .arguments = "JOB",
    .summary = "Stops a job from starting; what falls due meanwhile is dropped.",
    .options = change_rows,
    .n_options = CHANGE_OPTIONS,
    .min_args = 1,
    .max_args = 1,
    .run = sched_hold_run,
};

static const struct cli_command sched_release = {
    .name = "release",
    .arguments = "JOB",
    .summary = "Lets a held job start again.",
    .options = change_rows,
    .n_options = CHANGE_OPTIONS - 1,
    .min_args = 1,
    .max_args = 1,
    .run = sched_release_run,
};

const struct cli_command cmd_sched = {
    .name = "sched",
    .arguments = "",
    .summary = "The scheduler's jobs.",
    .verbs = (const struct cli_command *const[]){&sched_list, &sched_hold, &sched_release, NULL},
    .run = sched_list_run,
};
