#include "cmd_source_overlaps.h"

#include "client.h"
#include "source_name.h"

#define OVERLAPS_HUMAN "source,other,similarity,share,share_other,n_shared,n_first,n_late,at"

enum { OVERLAPS_LIMIT, OVERLAPS_AFTER, OVERLAPS_OPTIONS };

static const struct cli_option overlaps_rows[OVERLAPS_OPTIONS] = {
    [OVERLAPS_LIMIT] = {"limit", 'n', "N", "Most rows (1 to 10000) [1000]."},
    [OVERLAPS_AFTER] = {"after", 0, "CURSOR", "Goes on behind the row that had this cursor (-o json, csv)."},
};

static int overlaps_run(struct cli *cli)
{
    struct tip_param params[2];
    struct tip_store_query query = {.name = "source_overlaps", .params = params};
    tip_auto(tip_call_free) struct tip_store_answer *answer = NULL;
    const char *bad = NULL, *after = cli_text(cli, OVERLAPS_AFTER, "");
    struct client client;
    int64_t limit = 1000;
    int r;

    if (cli_int(cli, OVERLAPS_LIMIT, 1, 10000, &limit))
        return CLI_USAGE;
    query.limit = (uint32_t)limit;
    if (cli->n_args)
        params[query.n_params++] = (struct tip_param){.name = "source", .value = cli->args[0]};
    if (*after)
        params[query.n_params++] = (struct tip_param){.name = "after", .value = after};
    r = client_open(&client, cli->config, CLIENT_CALLS);
    if (r == CLI_OK)
        r = client_query(&client, &query, &answer);
    if (r == CLI_OK && !answer->n_rows && cli->n_args)
        r = source_name_stored(&client, cli->args[0]);
    client_close(&client);
    if (r != CLI_OK)
        return r;
    if (!answer->n_rows)
        cli_note(cli, *after ? "there is no more"
                             : "nothing is known to be shared: lists are compared when they are weighed");
    if (cli->out.mode == OUT_HUMAN && !cli->out.fields)
        cli->out.fields = OVERLAPS_HUMAN;
    if (answer->more)
        cli_note(cli, "there is more: --limit, or --after with the cursor of the last row");
    return out_answer(&cli->out, answer, &bad) ? cli_bad_field(bad) : CLI_OK;
}

const struct cli_command source_overlaps = {
    .name = "overlaps",
    .arguments = "[NAME]",
    .summary = "What each two lists have in common, those first that are most alike; with a name, of that list.",
    .details = "similarity: of all entries of both, what both have. share and share_other: of the entries of either. "
               "n_first of the n_shared entries that both have the first list had before the other, n_late the other. "
               "An entry that left counts less with time (2^(-age / 30 d)), so these are no whole numbers. Of each "
               "list the 32 with which it shares most are told, as of the time that it was last weighed.",
    .options = overlaps_rows,
    .n_options = OVERLAPS_OPTIONS,
    .max_args = 1,
    .run = overlaps_run,
};
