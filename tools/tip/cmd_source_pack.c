/* `tip source pack`: the public sources, whether they are fetched and whether a fetch ever worked. */
#include "cmd_source_pack.h"

#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include <tip/alloc.h>

#include "client.h"

enum {
    PACK_NAME,
    PACK_STATE,
    PACK_LIVE,
    PACK_CATEGORY,
    PACK_TYPE,
    PACK_INTERVAL,
    PACK_LICENCE,
    PACK_TERMS,
    PACK_COLUMNS
};

static const struct tip_column pack_columns[PACK_COLUMNS] = {
    [PACK_NAME] = {"name", TIP_COLUMN_TEXT},       [PACK_STATE] = {"state", TIP_COLUMN_TEXT},
    [PACK_LIVE] = {"live", TIP_COLUMN_TEXT},       [PACK_CATEGORY] = {"category", TIP_COLUMN_TEXT},
    [PACK_TYPE] = {"type", TIP_COLUMN_TEXT},       [PACK_INTERVAL] = {"interval", TIP_COLUMN_TEXT},
    [PACK_LICENCE] = {"licence", TIP_COLUMN_TEXT}, [PACK_TERMS] = {"terms", TIP_COLUMN_TEXT},
};

static void pack_row(struct out *out, const char *name, const char *text)
{
    json_t *source = json_loads(text, 0, NULL);
    json_t *config = json_object_get(source, "config");
    const char *cells[PACK_COLUMNS] = {
        [PACK_NAME] = name,
        [PACK_STATE] = json_is_true(json_object_get(source, "enabled")) ? "on" : "off",
        [PACK_LIVE] = json_is_true(json_object_get(source, "verified")) ? "verified" : "unverified live",
        [PACK_CATEGORY] = json_string_value(json_object_get(config, "category")),
        [PACK_TYPE] = json_string_value(json_object_get(config, "type")),
        [PACK_INTERVAL] = json_string_value(json_object_get(config, "interval")),
        [PACK_LICENCE] = json_string_value(json_object_get(config, "licence")),
        [PACK_TERMS] = json_string_value(json_object_get(config, "terms")),
    };

    if (json_is_true(json_object_get(source, "public")))
        out_row(out, cells, NULL);
    json_decref(source);
}

/* One page of the collector's list; `after` is moved to where the next one begins, "" behind the last. */
static int pack_page(struct client *client, struct out *out, char after[static TIP_NAME_MAX + 1])
{
    struct tip_param param = {.name = "after", .value = after};
    struct tip_control_request request = {
        .action = "list", .target = "", .reason = "", .params = &param, .n_params = *after ? 1 : 0};
    tip_auto(tip_call_free) struct tip_control_answer *answer = NULL;
    const char *next;
    int r = client_control(client, "blacklist", &request, &answer);

    if (r)
        return r;
    for (size_t i = 0; i < answer->n_values; i++) {
        if (strcmp(answer->values[i].name, "@next"))
            pack_row(out, answer->values[i].name, answer->values[i].value);
    }
    next = tip_param_get(answer->values, answer->n_values, "@next");
    (void)snprintf(after, TIP_NAME_MAX + 1, "%s", next ? next : "");
    return CLI_OK;
}

static int pack_run(struct cli *cli)
{
    tip_auto(out_destroy) struct out *out = NULL;
    char after[TIP_NAME_MAX + 1] = "";
    const char *bad = NULL;
    struct client client;
    int r;

    if (cli->out.mode == OUT_HUMAN && !cli->out.fields)
        cli->out.fields = "name,state,live,category,type,interval,licence";
    if (out_open(&out, &cli->out, pack_columns, PACK_COLUMNS, &bad))
        return cli_bad_field(bad);
    r = client_open(&client, cli->config, CLIENT_CALLS);
    do {
        if (r == CLI_OK)
            r = pack_page(&client, out, after);
    } while (r == CLI_OK && *after);
    client_close(&client);
    return r;
}

const struct cli_command source_pack = {
    .name = "pack",
    .arguments = "",
    .summary = "The public sources that TIP knows: whether they are fetched, and whether a fetch ever worked.",
    .run = pack_run,
};
