#include <string.h>

#include "client.h"
#include "commands.h"
#include "explain.h"
#include "past.h"
#include "unreadable.h"

enum { EXPLAIN_AT, EXPLAIN_OPTIONS };

static const struct cli_option explain_rows[EXPLAIN_OPTIONS] = {
    [EXPLAIN_AT] = {"at", 0, "TIME", "As it was then; a time (2026-11-22T04:00:00Z) or how long ago (7d)."},
};

/* Nobody names it, no operator, and what is around it does not speak for it. */
static void explain_show_nothing(const struct explain *explain)
{
    char text[INHERITED_TEXT];

    cli_note(explain->cli, "no list %s named %s; tip search also looks around and inside it",
             *explain->at ? "had then" : "has ever", explain->indicator.value);
    if (inherited_text(&explain->inherited, text))
        cli_note(explain->cli, "%s: %s", explain->indicator.value, text);
}

static int explain_show(struct explain *explain)
{
    const char *bad = NULL;

    if (!explain_is_named(explain) && !inherited_is(&explain->inherited)) {
        explain_show_nothing(explain);
        return CLI_NOT_FOUND;
    }
    if (explain_compute(explain)) {
        cli_error("too many sources to show");
        return CLI_FAILED;
    }
    if (explain->cli->out.mode == OUT_CSV)
        return out_answer(&explain->cli->out, explain->answer, &bad) ? cli_bad_field(bad) : CLI_OK;
    if (explain->cli->out.mode == OUT_HUMAN)
        explain_print(explain);
    else
        explain_print_json(explain);
    return CLI_OK;
}

/* The query as of now, or the one as of a time. */
static int explain_query(struct explain *explain, struct client *client, const char *const names[2],
                         struct tip_store_answer **answerp)
{
    struct tip_param params[] = {{.name = "value", .value = explain->cli->args[0]},
                                 {.name = "at", .value = explain->at}};
    const struct tip_store_query query = {.name = names[*explain->at != 0],
                                          .n_params = *explain->at ? 2 : 1,
                                          .params = params,
                                          .limit = EXPLAIN_SOURCES_MAX};

    return client_query(client, &query, answerp);
}

static int explain_ask(struct explain *explain)
{
    static const char *const exact[] = {"explain", "explain_at"}, *const allowed[] = {"allow_on", "allow_at"},
                             *const near[] = {"search", "search_at"};
    tip_auto(tip_call_free) struct tip_store_answer *answer = NULL;
    tip_auto(tip_call_free) struct tip_store_answer *allow = NULL;
    tip_auto(tip_call_free) struct tip_store_answer *around = NULL;
    struct client client;
    int r = client_open(&client, explain->cli->config, CLIENT_CALLS);

    if (r == CLI_OK)
        r = explain_query(explain, &client, exact, &answer);
    if (r == CLI_OK)
        r = explain_query(explain, &client, allowed, &allow);
    if (r == CLI_OK)
        r = explain_query(explain, &client, near, &around);
    explain->answer = answer;
    explain->allow = allow;
    explain->around = around;
    explain->inherited = (struct inherited){.searched = around, .allow = allow};
    if (r == CLI_OK && *explain->at)
        inherited_of_rows(&explain->inherited, &explain->indicator, answer);
    else if (r == CLI_OK)
        inherited_ask(&explain->inherited, &client, &explain->indicator, answer);
    if (r == CLI_OK)
        r = explain_show(explain);
    client_close(&client);
    return r;
}

static int explain_run(struct cli *cli)
{
    struct explain explain;
    char at[TIP_CLOCK_TEXT];
    int r;

    explain_init(&explain, cli);
    r = tip_indicator_parse(&explain.indicator, TIP_KIND_NONE, cli->args[0], strlen(cli->args[0]));
    if (r) {
        cli_error("\"%s\" is no address, network, name or URL: %s", cli->args[0],
                  unreadable_phrase(tip_indicator_reason(r)));
        r = CLI_USAGE;
    } else if (cli_past(cli, EXPLAIN_AT, &explain.at_unix_ms, at)) {
        r = CLI_USAGE;
    } else {
        explain.at = at;
        explain.at_unix_ms = *at ? explain.at_unix_ms : cli_now_unix_ms();
        r = explain_ask(&explain);
    }
    explain_deinit(&explain);
    return r;
}

const struct cli_command cmd_explain = {
    .name = "explain",
    .arguments = "VALUE",
    .summary =
        "Why an indicator has its score: which lists, since when, which line, the arithmetic; what would remove it.",
    .details =
        "The score is computed anew from what is listed and compared with the verdict that was published. Of what\n"
        "nobody names it is told what it inherits. Exit code 4 when there is nothing to tell.",
    .options = explain_rows,
    .n_options = EXPLAIN_OPTIONS,
    .min_args = 1,
    .max_args = 1,
    .run = explain_run,
};
