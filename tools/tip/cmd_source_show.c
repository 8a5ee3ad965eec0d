#include "cmd_source_show.h"

#include <stdlib.h>
#include <string.h>

#include <jansson.h>

#include <tip/alloc.h>
#include <tip/buf.h>

#include "client.h"
#include "source_name.h"
#include "weight.h"

#define SOURCE_NESTED "rejected,reject_sample"
#define SOURCE_HUMAN  "name,state,live,reason,weight,n_entries,n_rejected,version,last_ok_at,next_at"

enum { SHOW_DEADLINE_MS = 3000, SHOW_TEXT_BYTES = 4096 };

/* ---- did a fetch ever work? ---- */

/** An answer about sources with one more column, `live`. */
struct live {
    struct tip_store_answer answer; /* its texts are those of the answer it was made from */
};

static const char *live_word(bool is_verified)
{
    return is_verified ? "verified" : "unverified live";
}

static size_t live_column(const struct tip_store_answer *answer, const char *name)
{
    size_t i = 0;

    while (i < answer->n_columns && strcmp(answer->columns[i].name, name) != 0)
        i++;
    return i;
}

static void live_init(struct live *live, const struct tip_store_answer *from)
{
    size_t ok = live_column(from, "last_ok_at");
    size_t n = from->n_columns;

    live->answer = *from;
    live->answer.n_columns = n + 1;
    live->answer.columns = tip_new_array(n + 1, struct tip_column);
    live->answer.cells = tip_new_array(from->n_rows * (n + 1), const char *);
    memcpy(live->answer.columns, from->columns, n * sizeof(*from->columns));
    live->answer.columns[n] = (struct tip_column){"live", TIP_COLUMN_TEXT};
    for (size_t row = 0; row < from->n_rows; row++) {
        const char **cells = live->answer.cells + row * (n + 1);

        memcpy(cells, from->cells + row * n, n * sizeof(*cells));
        cells[n] = live_word(ok < n && cells[ok]);
    }
}

static void live_deinit(struct live *live)
{
    free(live->answer.columns);
    free(live->answer.cells);
}

/* ---- list ---- */

int cmd_source_list(struct cli *cli)
{
    const struct tip_store_query query = {.name = "sources"};
    tip_auto(tip_call_free) struct tip_store_answer *answer = NULL;
    const char *bad = NULL;
    struct client client;
    int r = client_open(&client, cli->config, CLIENT_CALLS);

    if (cli->out.mode == OUT_HUMAN && !cli->out.fields)
        cli->out.fields = SOURCE_HUMAN;
    if (r == CLI_OK)
        r = client_query(&client, &query, &answer);
    client_close(&client);
    if (r == CLI_OK) {
        tip_auto(live_deinit) struct live live;

        live_init(&live, answer);
        if (out_answer(&cli->out, &live.answer, &bad))
            r = cli_bad_field(bad);
    }
    return r;
}

/* ---- show ---- */

static void source_show_field(struct cli *cli, const char *name, const char *value)
{
    printf("%s%-22s%s ", out_style_on(&cli->out, OUT_DIM), name, out_style_off(&cli->out));
    out_safe(stdout, value);
    putchar('\n');
}

static void source_show_object(struct cli *cli, json_t *source)
{
    const char *name;
    json_t *value;

    json_object_foreach(source, name, value)
    {
        char *text = json_is_string(value) ? NULL : json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT);

        source_show_field(cli, name, text ? text : json_string_value(value));
        free(text);
    }
}

/* Counts and samples come as JSON; what has nothing in it takes no line. */
static void source_show_json(struct cli *cli, const char *name, const char *cell)
{
    tip_auto(tip_buf_deinit) struct tip_buf text;
    json_t *value = json_loads(cell, 0, NULL), *item;
    const char *reason;
    size_t i;

    tip_buf_init(&text, SHOW_TEXT_BYTES);
    json_object_foreach(value, reason, item)(void) !tip_buf_append_format(
        &text, "%s%s %lld", text.len ? ", " : "", reason, (long long)json_integer_value(item)); /* cut at its cap */
    if (text.len)
        source_show_field(cli, name, tip_buf_text(&text));
    json_array_foreach(value, i, item)
    {
        char *sample = json_dumps(item, JSON_COMPACT);

        source_show_field(cli, i ? "" : name, sample);
        free(sample);
    }
    json_decref(value);
}

/* One row, a line a field. What is wrong in a list takes lines only when something is. */
static void source_show_fields(struct cli *cli, const struct tip_store_answer *answer)
{
    char text[OUT_ROUNDED];

    for (size_t i = 0; i < answer->n_columns; i++) {
        const char *name = answer->columns[i].name;
        const char *cell = out_rounded(answer->cells[i], answer->columns[i].type, text);

        if (out_names(SOURCE_NESTED, name))
            source_show_json(cli, name, cell ? cell : "");
        else
            source_show_field(cli, name, cell ? cell : "-");
    }
}

/* What only the collector knows: a source that was never fetched, as those of the pack are at first. */
static int source_show_collector(struct cli *cli, struct client *client)
{
    struct tip_control_request request = {.action = "show", .target = cli->args[0], .reason = ""};
    tip_auto(tip_call_free) struct tip_control_answer *answer = NULL;
    char why[CLIENT_WHY_BYTES];
    const char *text;
    json_t *source;
    int r;

    client->why = why; /* that it does not answer is no news: storage has answered */
    client->deadline_ms = SHOW_DEADLINE_MS;
    r = client_control(client, "blacklist", &request, &answer);
    text = r == CLI_OK ? tip_param_get(answer->values, answer->n_values, "source") : NULL;
    source = text ? json_loads(text, 0, NULL) : NULL;
    client->why = NULL;
    if (!json_is_object(source)) {
        json_decref(source);
        return source_name_missing(client, cli->args[0], r);
    }
    json_object_set_new(source, "live", json_string(live_word(json_is_true(json_object_get(source, "verified")))));
    if (cli->out.mode == OUT_JSON || cli->out.mode == OUT_NDJSON)
        out_object(&cli->out, source);
    else
        source_show_object(cli, source);
    json_decref(source);
    return CLI_OK;
}

static int source_show_answer(struct cli *cli, const struct tip_store_answer *answer)
{
    struct out_config out = cli->out;
    const char *bad = NULL;

    out.nested = SOURCE_NESTED;
    if (out.mode != OUT_HUMAN || out.fields)
        return out_answer(&out, answer, &bad) ? cli_bad_field(bad) : CLI_OK;
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

static int source_show_stored(struct cli *cli, struct client *client, const struct tip_store_answer *answer,
                              struct tip_param *param)
{
    tip_auto(live_deinit) struct live live;
    int r;

    live_init(&live, answer);
    r = source_show_answer(cli, &live.answer);
    if (r != CLI_OK || cli->out.mode != OUT_HUMAN || cli->out.fields)
        return r;
    r = source_show_weight(cli, client, param);
    return r ? r : source_show_history(cli, client, param);
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
        r = answer->n_rows ? source_show_stored(cli, &client, answer, &param) : source_show_collector(cli, &client);
    client_close(&client);
    return r;
}

const struct cli_command source_list = {
    .name = "list",
    .arguments = "",
    .summary = "Every list and how it is; `unverified live` until a fetch of it has worked.",
    .run = cmd_source_list,
};

const struct cli_command source_show = {
    .name = "show",
    .arguments = "NAME",
    .summary = "One list: its last word, the arithmetic of its weight, what was rejected, its last versions.",
    .min_args = 1,
    .max_args = 1,
    .run = source_show_run,
};
