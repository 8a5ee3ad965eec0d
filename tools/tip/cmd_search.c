#include <string.h>

#include <tip/indicator.h>

#include "client.h"
#include "commands.h"
#include "past.h"

enum { SEARCH_LIMIT, SEARCH_ALL, SEARCH_AT, SEARCH_OPTIONS };

static const struct cli_option search_rows[SEARCH_OPTIONS] = {
    [SEARCH_LIMIT] = {"limit", 'n', "N", "Most rows (1 to 10000) [100]."},
    [SEARCH_ALL] = {"all", 'a', NULL, "Also what was listed and is no longer."},
    [SEARCH_AT] = {"at", 0, "TIME", "As it was then; a time (2026-11-22T04:00:00Z) or how long ago (7d)."},
};

/* Columns for people; JSON and CSV have all that storage says. */
#define SEARCH_HUMAN "relation,value,source,weight,listed,first_seen,last_seen,score,tier"

static size_t search_column(const struct tip_store_answer *answer, const char *name)
{
    for (size_t i = 0; i < answer->n_columns; i++) {
        if (strcmp(answer->columns[i].name, name) == 0)
            return i;
    }
    return answer->n_columns;
}

/* Rows that are listed, or all of them; those whose past is not kept are among all. @return how many */
static size_t search_keep(struct tip_store_answer *answer, bool want_all)
{
    size_t listed = search_column(answer, "listed"), n = 0;

    for (size_t i = 0; i < answer->n_rows; i++) {
        const char **row = answer->cells + i * answer->n_columns;
        const char *cell = listed < answer->n_columns ? row[listed] : NULL;

        if (want_all || (cell && strcmp(cell, "true") == 0))
            memmove(answer->cells + n++ * answer->n_columns, row, answer->n_columns * sizeof(*row));
    }
    answer->n_rows = n;
    return n;
}

static int search_show(struct cli *cli, struct tip_store_answer *answer)
{
    const char *bad = NULL;
    bool is_more = answer->more;
    size_t n = search_keep(answer, cli_flag(cli, SEARCH_ALL));

    if (cli->out.mode == OUT_HUMAN && !cli->out.fields)
        cli->out.fields = SEARCH_HUMAN;
    if (out_answer(&cli->out, answer, &bad))
        return cli_bad_field(bad);
    if (n == 0) {
        cli_note(cli, "nothing %s listed that bears on %s", cli_text(cli, SEARCH_AT, NULL) ? "was" : "is",
                 cli->args[0]);
        return CLI_NOT_FOUND;
    }
    if (is_more)
        cli_note(cli, "there is more: --limit");
    return CLI_OK;
}

static int search_ask(struct cli *cli, const struct tip_store_query *query)
{
    tip_auto(tip_call_free) struct tip_store_answer *answer = NULL;
    struct client client;
    int r = client_open(&client, cli->config, CLIENT_CALLS);

    if (r == CLI_OK)
        r = client_query(&client, query, &answer);
    if (r == CLI_OK)
        r = search_show(cli, answer);
    client_close(&client);
    return r;
}

static int search_run(struct cli *cli)
{
    char at[TIP_CLOCK_TEXT];
    struct tip_param params[] = {{.name = "value", .value = cli->args[0]}, {.name = "at", .value = at}};
    struct tip_store_query query = {.name = "search", .n_params = 1, .params = params};
    int64_t at_unix_ms;
    struct tip_indicator indicator;
    int64_t limit = 0;
    int r = tip_indicator_parse(&indicator, TIP_KIND_NONE, cli->args[0], strlen(cli->args[0]));

    if (r) {
        cli_error("\"%s\" is no address, network, name or URL: %s", cli->args[0], tip_indicator_reason(r));
        return CLI_USAGE;
    }
    if (cli_int(cli, SEARCH_LIMIT, 1, TIP_CALL_ROWS_MAX, &limit))
        return CLI_USAGE;
    if (cli_past(cli, SEARCH_AT, &at_unix_ms, at))
        return CLI_USAGE;
    if (*at) {
        query.name = "search_at";
        query.n_params = 2;
    }
    query.limit = (uint32_t)limit;
    return search_ask(cli, &query);
}

const struct cli_command cmd_search = {
    .name = "search",
    .arguments = "VALUE",
    .summary = "Who lists an address, network, name or URL, or something around or inside it.",
    .details =
        "An address finds the networks around it and the endpoints on it, a network also what lies inside, a name\n"
        "its parents and what is below, a URL its host. Exit code 4 when nothing is listed.",
    .options = search_rows,
    .n_options = SEARCH_OPTIONS,
    .min_args = 1,
    .max_args = 1,
    .run = search_run,
};
