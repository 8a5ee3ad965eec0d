#include "cmd_source_try.h"

#include <string.h>

#include <tip/alloc.h>

#include "client.h"

enum { TRY_DEADLINE_MS = 120000 };

static const struct tip_column try_columns[] = {{"name", TIP_COLUMN_TEXT}, {"value", TIP_COLUMN_TEXT}};

static int try_show(struct cli *cli, const struct tip_control_answer *answer)
{
    tip_auto(out_destroy) struct out *out = NULL;
    const char *ok = tip_param_get(answer->values, answer->n_values, "ok"), *bad = NULL;

    if (out_open(&out, &cli->out, try_columns, 2, &bad))
        return cli_bad_field(bad);
    for (size_t i = 0; i < answer->n_values; i++)
        out_row(out, (const char *const[]){answer->values[i].name, answer->values[i].value}, NULL);
    cli_note(cli, "%s", answer->result);
    return ok && strcmp(ok, "true") == 0 ? CLI_OK : CLI_FAILED;
}

static int try_call(const struct cli *cli, struct tip_control_request *request, struct tip_control_answer **answerp)
{
    struct client client;
    int r = client_open(&client, cli->config, CLIENT_CALLS);

    client.deadline_ms = TRY_DEADLINE_MS;
    if (r == CLI_OK)
        r = client_control(&client, "blacklist", request, answerp);
    client_close(&client);
    return r;
}

/* ---- test, diff ---- */

static const struct cli_option test_rows[] = {
    {"fetch", 0, NULL, "Asks its server, although it has a sample."},
};

static int source_test_run(struct cli *cli)
{
    struct tip_param how = {.name = "how", .value = cli_flag(cli, 0) ? "fetch" : "auto"};
    struct tip_control_request request = {
        .action = "test", .target = cli->args[0], .reason = "", .params = &how, .n_params = 1};
    tip_auto(tip_call_free) struct tip_control_answer *answer = NULL;
    int r = try_call(cli, &request, &answer);

    return r ? r : try_show(cli, answer);
}

static int source_diff_run(struct cli *cli)
{
    struct tip_control_request request = {.action = "diff", .target = cli->args[0], .reason = ""};
    tip_auto(tip_call_free) struct tip_control_answer *answer = NULL;
    int r = try_call(cli, &request, &answer);

    return r ? r : try_show(cli, answer);
}

const struct cli_command source_test = {
    .name = "test",
    .arguments = "NAME",
    .summary =
        "Reads the sample of a list, or without one the list itself, and says what was in it; nothing is published.",
    .options = test_rows,
    .n_options = 1,
    .min_args = 1,
    .max_args = 1,
    .run = source_test_run,
};

const struct cli_command source_diff = {
    .name = "diff",
    .arguments = "NAME",
    .summary = "Fetches a list now and says what would change, and whether the guard would hold it; nothing is "
               "published.",
    .min_args = 1,
    .max_args = 1,
    .run = source_diff_run,
};
