#include <stdio.h>
#include <string.h>

#include <tip/alloc.h>
#include <tip/indicator.h>

#include "client.h"
#include "commands.h"
#include "inherited.h"
#include "past.h"
#include "unreadable.h"

enum { SEARCH_LIMIT, SEARCH_ALL, SEARCH_AT, SEARCH_OPTIONS };

static const struct cli_option search_rows[SEARCH_OPTIONS] = {
    [SEARCH_LIMIT] = {"limit", 'n', "N", "Most rows (1 to 10000) [100]."},
    [SEARCH_ALL] = {"all", 'a', NULL, "Also what was listed and is no longer."},
    [SEARCH_AT] = {"at", 0, "TIME", "As it was then; a time (2026-11-22T04:00:00Z) or how long ago (7d)."},
};

/* Columns for people; JSON and CSV have all that storage says. */
#define SEARCH_HUMAN "relation,value,source,weight,listed,first_seen,last_seen,score,tier,inherits"

/* One search: what is asked about, and what is known of it. */
struct search {
    struct cli *cli;
    struct tip_indicator indicator;
    char at[TIP_CLOCK_TEXT];       /* "": now */
    struct tip_store_answer *rows; /* of search */
    struct inherited inherited;
};

/* Rows that are listed and the one whose verdict decides, or all; those whose past is not kept are among all. @return
 * how many */
static size_t search_keep(struct tip_store_answer *answer, bool want_all, struct tip_inherited *is)
{
    size_t from = is->from;

    size_t n = 0;

    for (size_t i = 0; i < answer->n_rows; i++) {
        const char **row = answer->cells + i * answer->n_columns;
        const char *cell = tip_store_cell(answer, i, "listed");

        if (!want_all && !(cell && strcmp(cell, "true") == 0) && i != from)
            continue;
        if (i == from)
            is->from = n;
        memmove(answer->cells + n++ * answer->n_columns, row, answer->n_columns * sizeof(*row));
    }
    answer->n_rows = n;
    return n;
}

enum { SEARCH_NUMBER = 32 };

/* The rows with one more column: what is inherited through the verdict of each. */
static int search_table(const struct search *search, const char **badp)
{
    const struct tip_store_answer *rows = search->rows;
    size_t n = rows->n_columns + 1;
    tip_auto(tip_free) struct tip_column *columns = tip_new_array(n, struct tip_column);
    tip_auto(tip_free) const char **cells = tip_new_array(n * rows->n_rows, const char *);
    tip_auto(tip_free) char(*numbers)[SEARCH_NUMBER] = tip_alloc(rows->n_rows, sizeof(*numbers));
    struct tip_store_answer wide = *rows;

    memcpy(columns, rows->columns, rows->n_columns * sizeof(*columns));
    columns[n - 1] = (struct tip_column){"inherits", TIP_COLUMN_REAL};
    for (size_t i = 0; i < rows->n_rows; i++) {
        double score, share = tip_store_share(rows, i, search->inherited.left, search->indicator.kind,
                                              search->indicator.value, &score);

        memcpy(cells + i * n, rows->cells + i * rows->n_columns, rows->n_columns * sizeof(*cells));
        (void)snprintf(numbers[i], sizeof(numbers[i]), "%.6g", score * share);
        cells[i * n + n - 1] = share > 0 ? numbers[i] : NULL;
    }
    wide.n_columns = n;
    wide.columns = columns;
    wide.cells = cells;
    return out_answer(&search->cli->out, &wide, badp);
}

/* For people: what it comes to. */
static void search_conclude(const struct search *search)
{
    char text[INHERITED_TEXT];

    if (search->cli->out.mode != OUT_HUMAN)
        return;
    if (!inherited_text(&search->inherited, text))
        strcpy(text, "it has no score of its own and inherits none");
    printf("\n%s: ", search->indicator.value);
    out_safe_line(stdout, text);
}

static int search_show(struct search *search)
{
    struct cli *cli = search->cli;
    const char *bad = NULL;
    bool is_more = search->rows->more;
    size_t n = 0;

    if (cli->out.mode == OUT_HUMAN && !cli->out.fields)
        cli->out.fields = SEARCH_HUMAN;
    n = search_keep(search->rows, cli_flag(cli, SEARCH_ALL), &search->inherited.is);
    if (search_table(search, &bad))
        return cli_bad_field(bad);
    if (n == 0 && !inherited_is(&search->inherited) && !search->inherited.is.is_own) {
        cli_note(cli, "nothing %s listed that bears on %s", *search->at ? "was" : "is", cli->args[0]);
        return CLI_NOT_FOUND;
    }
    search_conclude(search);
    if (is_more)
        cli_note(cli, "there is more: --limit");
    return CLI_OK;
}

/* A query as of now, or the one as of a time. */
static int search_query(struct search *search, struct client *client, const char *const names[2], uint32_t limit,
                        struct tip_store_answer **answerp)
{
    struct tip_param params[] = {{.name = "value", .value = search->cli->args[0]}, {.name = "at", .value = search->at}};
    const struct tip_store_query query = {
        .name = names[*search->at != 0], .n_params = *search->at ? 2 : 1, .params = params, .limit = limit};

    return client_query(client, &query, answerp);
}

static int search_ask(struct search *search, uint32_t limit)
{
    static const char *const bears[] = {"search", "search_at"}, *const allowed[] = {"allow_on", "allow_at"},
                             *const exact[] = {"explain", "explain_at"};
    tip_auto(tip_call_free) struct tip_store_answer *rows = NULL;
    tip_auto(tip_call_free) struct tip_store_answer *allow = NULL;
    tip_auto(tip_call_free) struct tip_store_answer *own = NULL;
    struct client client;
    int r = client_open(&client, search->cli->config, CLIENT_CALLS);

    if (r == CLI_OK)
        r = search_query(search, &client, bears, limit, &rows);
    if (r == CLI_OK)
        r = search_query(search, &client, allowed, 0, &allow);
    if (r == CLI_OK)
        r = search_query(search, &client, exact, 1, &own);
    search->rows = rows;
    search->inherited = (struct inherited){.searched = rows, .allow = allow};
    if (r == CLI_OK && *search->at)
        inherited_of_rows(&search->inherited, &search->indicator, own);
    else if (r == CLI_OK)
        inherited_ask(&search->inherited, &client, &search->indicator, own);
    if (r == CLI_OK)
        r = search_show(search);
    client_close(&client);
    return r;
}

static int search_run(struct cli *cli)
{
    struct search search = {.cli = cli};
    int64_t at_unix_ms;
    int64_t limit = 0;
    int r = tip_indicator_parse(&search.indicator, TIP_KIND_NONE, cli->args[0], strlen(cli->args[0]));

    if (r) {
        cli_error("\"%s\" is no address, network, name or URL: %s", cli->args[0],
                  unreadable_phrase(tip_indicator_reason(r)));
        return CLI_USAGE;
    }
    if (cli_int(cli, SEARCH_LIMIT, 1, TIP_CALL_ROWS_MAX, &limit))
        return CLI_USAGE;
    if (cli_past(cli, SEARCH_AT, &at_unix_ms, search.at))
        return CLI_USAGE;
    return search_ask(&search, (uint32_t)limit);
}

const struct cli_command cmd_search = {
    .name = "search",
    .arguments = "VALUE",
    .summary = "Who lists an address, network, name or URL, or something around or inside it.",
    .details =
        "An address finds the networks around it and the endpoints on it, a network also what lies inside, a name\n"
        "its parents and what is below, a URL its host. `inherits` is what it inherits of the verdict on each, and "
        "the\n"
        "last line says what decides. Exit code 4 when nothing is listed and nothing decides.",
    .options = search_rows,
    .n_options = SEARCH_OPTIONS,
    .min_args = 1,
    .max_args = 1,
    .run = search_run,
};
