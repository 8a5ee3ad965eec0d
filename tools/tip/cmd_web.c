#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include <tip/alloc.h>

#include "client.h"
#include "commands.h"

static const struct tip_column token_columns[] = {
    {"name", TIP_COLUMN_TEXT},       {"scopes", TIP_COLUMN_TEXT},  {"audience", TIP_COLUMN_TEXT},
    {"expires_at", TIP_COLUMN_TIME}, {"made_at", TIP_COLUMN_TIME}, {"sessions", TIP_COLUMN_INT},
};

enum { TOKEN_COLUMNS = sizeof(token_columns) / sizeof(token_columns[0]), TOKEN_SCOPES = 32 };

enum { TOKEN_SCOPE, TOKEN_AUDIENCE, TOKEN_EXPIRES, TOKEN_REASON, TOKEN_DRY, TOKEN_OPTIONS };

static const struct cli_option token_rows[TOKEN_OPTIONS] = {
    [TOKEN_SCOPE] = {"scope", 0, "SCOPE", "add: `read`, or `operate`, which may both (read)."},
    [TOKEN_AUDIENCE] = {"audience", 0, "TLP", "add: the strictest marking it may see: clear, green or amber (clear)."},
    [TOKEN_EXPIRES] = {"expires", 0, "TIME", "add: ends by itself after this time, e.g. `90d`."},
    [TOKEN_REASON] = {"reason", 'r', "TEXT", "Why, for the audit log."},
    [TOKEN_DRY] = {"dry-run", 0, NULL, "Says what would happen and changes nothing."},
};

static int token_ask(struct cli *cli, struct tip_control_request *request, struct tip_control_answer **answerp)
{
    struct client client;
    int r;

    request->target = cli->n_args > 1 ? cli->args[1] : "";
    request->reason = cli_text(cli, TOKEN_REASON, "");
    request->dry_run = cli_flag(cli, TOKEN_DRY);
    r = client_open(&client, cli->config, CLIENT_CALLS);
    if (r == CLI_OK)
        r = client_control(&client, "web", request, answerp);
    client_close(&client);
    return r;
}

/* ---- add: the token alone on stdout, once and never again ---- */

static int token_add(struct cli *cli)
{
    struct tip_param params[] = {{"scope", cli_text(cli, TOKEN_SCOPE, "read")},
                                 {"audience", cli_text(cli, TOKEN_AUDIENCE, "clear")}};
    struct tip_control_request request = {.action = "token_add", .n_params = 2, .params = params};
    tip_auto(tip_call_free) struct tip_control_answer *answer = NULL;
    const char *token;
    uint64_t for_ms = 0;
    int r;

    if (cli_duration(cli, TOKEN_EXPIRES, &for_ms))
        return CLI_USAGE;
    request.expires_unix_ms = for_ms ? tip_loop_wall_ms() + (int64_t)for_ms : 0;
    r = token_ask(cli, &request, &answer);
    if (r)
        return r;
    token = tip_param_get(answer->values, answer->n_values, "token");
    out_safe_line(stdout, token ? token : answer->result);
    if (token)
        cli_note(cli, "this is the only time that it is shown");
    return CLI_OK;
}

/* ---- revoke ---- */

static int token_revoke(struct cli *cli)
{
    struct tip_control_request request = {.action = "token_revoke"};
    tip_auto(tip_call_free) struct tip_control_answer *answer = NULL;
    int r = token_ask(cli, &request, &answer);

    if (r == CLI_OK)
        out_safe_line(stdout, answer->result);
    return r;
}

/* ---- list ---- */

static void token_row(struct out *out, const char *text)
{
    json_t *token = json_loads(text, 0, NULL), *scopes = json_object_get(token, "scopes"), *scope;
    char joined[TOKEN_SCOPES] = "", sessions[24];
    const char *cells[TOKEN_COLUMNS] = {
        json_string_value(json_object_get(token, "name")),     joined,
        json_string_value(json_object_get(token, "audience")), json_string_value(json_object_get(token, "expires_at")),
        json_string_value(json_object_get(token, "made_at")),  sessions};
    size_t i, n = 0;

    json_array_foreach(scopes, i, scope)
    {
        if (n < sizeof(joined))
            n += (size_t)snprintf(joined + n, sizeof(joined) - n, "%s%s", i ? "," : "",
                                  json_is_string(scope) ? json_string_value(scope) : "");
    }
    snprintf(sessions, sizeof(sessions), "%lld", (long long)json_integer_value(json_object_get(token, "sessions")));
    if (token)
        out_row(out, cells, NULL);
    json_decref(token);
}

static int token_list(struct cli *cli)
{
    tip_auto(out_destroy) struct out *out = NULL;
    tip_auto(tip_call_free) struct tip_control_answer *answer = NULL;
    struct tip_control_request request = {.action = "token_list"};
    const char *bad = NULL;
    int r;

    if (out_open(&out, &cli->out, token_columns, TOKEN_COLUMNS, &bad))
        return cli_bad_field(bad);
    r = token_ask(cli, &request, &answer);
    for (size_t i = 0; r == CLI_OK && i < answer->n_values; i++)
        token_row(out, answer->values[i].value);
    return r;
}

static const struct {
    const char *name;
    int n_args;
    int (*run)(struct cli *cli);
} token_actions[] = {{"add", 2, token_add}, {"revoke", 2, token_revoke}, {"list", 1, token_list}};

static int token_run(struct cli *cli)
{
    for (size_t i = 0; i < sizeof(token_actions) / sizeof(token_actions[0]); i++) {
        if (strcmp(token_actions[i].name, cli->args[0]) == 0 && token_actions[i].n_args == cli->n_args)
            return token_actions[i].run(cli);
    }
    cli_error("token wants `add NAME`, `revoke NAME` or `list`");
    return CLI_USAGE;
}

static const struct cli_command web_token = {
    .name = "token",
    .arguments = "add NAME | revoke NAME | list",
    .summary = "Tokens for the page and the HTTP interface; `add` prints one, once.",
    .details =
        "A token is for programs (`Authorization: Bearer …`) and for logging in on the page. Revoking it ends its\n"
        "sessions and event streams at once. tip-web stores its hash alone.",
    .options = token_rows,
    .n_options = TOKEN_OPTIONS,
    .words = (const char *const[]){"add", "list", "revoke", NULL},
    .min_args = 1,
    .max_args = 2,
    .run = token_run,
};

const struct cli_command cmd_web = {
    .name = "web",
    .arguments = "",
    .summary = "Who may use the page and the HTTP interface.",
    .verbs = (const struct cli_command *const[]){&web_token, NULL},
};
