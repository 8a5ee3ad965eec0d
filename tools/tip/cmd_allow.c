/* tip allow, tip deny: the operators' list, which stands above every score. The two differ in a word. */
#include <stdio.h>
#include <string.h>

#include <tip/event.h>

#include "client.h"
#include "commands.h"

#define ALLOW_HUMAN "rule,value,scope,until,actor,reason,since"

enum { ADD_SCOPE, ADD_UNTIL, ADD_REASON, ADD_DRY, ADD_OPTIONS };

static const struct cli_option add_rows[ADD_OPTIONS] = {
    [ADD_SCOPE] = {"scope", 0, "SCOPE",
                   "exact: it alone, and endpoints and URLs on it; subtree: with everything inside or below "
                   "[networks and *.NAME: subtree]."},
    [ADD_UNTIL] = {"until", 0, "TIME", "Ends by itself then; a time (2026-12-31T00:00:00Z) or a duration (7d)."},
    [ADD_REASON] = {"reason", 'r', "TEXT", "Why, for the audit log and whoever asks."},
    [ADD_DRY] = {"dry-run", 0, NULL, "Says what would happen and changes nothing."},
};

enum { REMOVE_REASON, REMOVE_DRY, REMOVE_OPTIONS };

static const struct cli_option remove_rows[REMOVE_OPTIONS] = {
    [REMOVE_REASON] = {"reason", 'r', "TEXT", "Why, for the audit log."},
    [REMOVE_DRY] = {"dry-run", 0, NULL, "Says what would happen and changes nothing."},
};

/* "allow" or "deny": the command above the verb. */
static const char *allow_rule(const struct cli *cli)
{
    return cli->parent ? cli->parent->name : cli->command->name;
}

static int allow_call(struct cli *cli, struct tip_control_request *request)
{
    tip_auto(tip_call_free) struct tip_control_answer *answer = NULL;
    struct client client;
    int r = client_open(&client, cli->config, CLIENT_CALLS);

    request->target = cli->args[0];
    if (r == CLI_OK)
        r = client_control(&client, "blacklist", request, &answer);
    if (r == CLI_OK)
        out_safe_line(stdout, answer->result);
    client_close(&client);
    return r;
}

static int allow_add_run(struct cli *cli)
{
    struct tip_param params[2];
    struct tip_control_request request = {
        .action = strcmp(allow_rule(cli), "deny") == 0 ? "deny_add" : "allow_add",
        .reason = cli_text(cli, ADD_REASON, ""),
        .dry_run = cli_flag(cli, ADD_DRY),
        .params = params,
    };

    if (cli_flag(cli, ADD_SCOPE))
        params[request.n_params++] = (struct tip_param){"scope", cli_text(cli, ADD_SCOPE, "")};
    if (cli_flag(cli, ADD_UNTIL))
        params[request.n_params++] = (struct tip_param){"until", cli_text(cli, ADD_UNTIL, "")};
    return allow_call(cli, &request);
}

static int allow_remove_run(struct cli *cli)
{
    struct tip_control_request request = {
        .action = strcmp(allow_rule(cli), "deny") == 0 ? "deny_remove" : "allow_remove",
        .reason = cli_text(cli, REMOVE_REASON, ""),
        .dry_run = cli_flag(cli, REMOVE_DRY),
    };

    return allow_call(cli, &request);
}

static int allow_query(struct cli *cli, const struct tip_store_query *query)
{
    tip_auto(tip_call_free) struct tip_store_answer *answer = NULL;
    const char *bad = NULL;
    struct client client;
    int r = client_open(&client, cli->config, CLIENT_CALLS);

    if (cli->out.mode == OUT_HUMAN && !cli->out.fields)
        cli->out.fields = ALLOW_HUMAN;
    if (r == CLI_OK)
        r = client_query(&client, query, &answer);
    client_close(&client);
    if (r == CLI_OK && out_answer(&cli->out, answer, &bad))
        r = cli_bad_field(bad);
    return r;
}

static int allow_list_run(struct cli *cli)
{
    struct tip_param rule = {.name = "rule", .value = allow_rule(cli)};
    const struct tip_store_query query = {.name = "allow", .n_params = 1, .params = &rule, .limit = TIP_CALL_ROWS_MAX};

    return allow_query(cli, &query);
}

/* The owner of the list itself says what decides. */
static int allow_why_run(struct cli *cli)
{
    struct tip_control_request request = {.action = "allow_why", .reason = ""};

    return allow_call(cli, &request);
}

static const struct cli_command allow_add = {
    .name = "add",
    .arguments = "INDICATOR",
    .summary = "Adds an address, network or domain, or replaces its entry.",
    .options = add_rows,
    .n_options = ADD_OPTIONS,
    .min_args = 1,
    .max_args = 1,
    .run = allow_add_run,
};

static const struct cli_command allow_list = {
    .name = "list",
    .arguments = "",
    .summary = "What stands on the list, as storage has heard.",
    .run = allow_list_run,
};

static const struct cli_command allow_remove = {
    .name = "remove",
    .arguments = "INDICATOR",
    .summary = "Takes an entry off the list; verdicts follow.",
    .options = remove_rows,
    .n_options = REMOVE_OPTIONS,
    .min_args = 1,
    .max_args = 1,
    .run = allow_remove_run,
};

static const struct cli_command allow_why = {
    .name = "why",
    .arguments = "INDICATOR",
    .summary = "Which entry of both lists decides on any indicator.",
    .min_args = 1,
    .max_args = 1,
    .run = allow_why_run,
};

static const struct cli_command *const allow_verbs[] = {&allow_add, &allow_list, &allow_remove, &allow_why, NULL};

const struct cli_command cmd_allow = {
    .name = "allow",
    .arguments = "",
    .summary = "What never gets a verdict, whoever lists it.",
    .details =
        "Of the entries that bear on an indicator the most specific one decides, allow or deny; your own networks "
        "(`blacklist.own_networks` in tip.yaml) before all others.",
    .verbs = allow_verbs,
    .run = allow_list_run,
};

const struct cli_command cmd_deny = {
    .name = "deny",
    .arguments = "",
    .summary = "What has tier block, whoever lists it.",
    .details = "An entry's own indicator is denied though nobody lists it; inside a network or below a domain what is "
               "listed at all.",
    .verbs = allow_verbs,
    .run = allow_list_run,
};
