/* tip export: the files that are written for other programs, asked of the service that writes them. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>
#include <sodium.h>

#include "client.h"
#include "commands.h"

enum { EXPORT_BYTES_MAX = 1 << 30, EXPORT_TRIES = 5, EXPORT_SHA256 = 64, EXPORT_CELL = 24, EXPORT_PIECE = 4096 };
enum { EXPORT_E_END = 1 };

#define EXPORT_HUMAN "name,format,tier,audience,state,entries,generated,why"

static const struct tip_column export_columns[] = {
    {"name", TIP_COLUMN_TEXT},      {"title", TIP_COLUMN_TEXT},    {"format", TIP_COLUMN_TEXT},
    {"tier", TIP_COLUMN_TEXT},      {"audience", TIP_COLUMN_TEXT}, {"public", TIP_COLUMN_BOOL},
    {"state", TIP_COLUMN_TEXT},     {"entries", TIP_COLUMN_INT},   {"would_have", TIP_COLUMN_INT},
    {"would_lose", TIP_COLUMN_INT}, {"skipped", TIP_COLUMN_INT},   {"serial", TIP_COLUMN_INT},
    {"generated", TIP_COLUMN_TIME}, {"checked", TIP_COLUMN_TIME},  {"runs", TIP_COLUMN_INT},
    {"released", TIP_COLUMN_BOOL},  {"why", TIP_COLUMN_TEXT},
};

enum { EXPORT_COLUMNS = sizeof(export_columns) / sizeof(*export_columns) };

static int export_call(struct cli *cli, struct tip_control_request *request, struct tip_control_answer **answerp)
{
    struct client client;
    int r = client_open(&client, cli->config, CLIENT_CALLS);

    request->target = cli->n_args ? cli->args[0] : "";
    if (r == CLI_OK)
        r = client_control(&client, "blacklist", request, answerp);
    client_close(&client);
    return r;
}

/* ---- list ---- */

static const char *export_cell(const json_t *value, char text[static EXPORT_CELL])
{
    if (json_is_string(value))
        return json_string_value(value);
    if (json_is_boolean(value))
        return json_is_true(value) ? "true" : "false";
    if (!json_is_integer(value))
        return NULL;
    snprintf(text, EXPORT_CELL, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    return text;
}

static void export_row(struct out *out, const char *text)
{
    const char *cells[EXPORT_COLUMNS];
    char texts[EXPORT_COLUMNS][EXPORT_CELL];
    json_t *json = json_loads(text, 0, NULL);

    for (size_t i = 0; i < EXPORT_COLUMNS; i++)
        cells[i] = export_cell(json_object_get(json, export_columns[i].name), texts[i]);
    out_row(out, cells, NULL);
    json_decref(json);
}

static int export_page(struct client *client, const char *after, struct tip_control_answer **answerp)
{
    struct tip_param param = {"after", after};
    struct tip_control_request request = {
        .action = "export_list", .target = "", .reason = "", .n_params = *after ? 1 : 0, .params = &param};

    return client_control(client, "blacklist", &request, answerp);
}

static int export_pages(struct client *client, struct out *out)
{
    char after[TIP_NAME_MAX + 1] = "";
    bool more = true;
    int r = CLI_OK;

    while (r == CLI_OK && more) {
        tip_auto(tip_call_free) struct tip_control_answer *answer = NULL;

        r = export_page(client, after, &answer);
        more = false;
        for (size_t i = 0; r == CLI_OK && i < answer->n_values; i++) {
            more = strcmp(answer->values[i].name, "@next") == 0;
            if (more)
                snprintf(after, sizeof(after), "%s", answer->values[i].value);
            else
                export_row(out, answer->values[i].value);
        }
    }
    return r;
}

static int export_list_run(struct cli *cli)
{
    tip_auto(out_destroy) struct out *out = NULL;
    const char *bad = NULL;
    struct client client;
    int r;

    if (cli->out.mode == OUT_HUMAN && !cli->out.fields)
        cli->out.fields = EXPORT_HUMAN;
    if (out_open(&out, &cli->out, export_columns, EXPORT_COLUMNS, &bad))
        return cli_bad_field(bad);
    r = client_open(&client, cli->config, CLIENT_CALLS);
    if (r == CLI_OK)
        r = export_pages(&client, out);
    client_close(&client);
    return r;
}

/* ---- show ---- */

static void export_show_fields(struct cli *cli, const json_t *json)
{
    char text[EXPORT_CELL];
    const json_t *file;
    size_t i;

    for (i = 0; i < EXPORT_COLUMNS; i++) {
        const char *cell = export_cell(json_object_get(json, export_columns[i].name), text);

        printf("%s%-12s%s ", out_style_on(&cli->out, OUT_DIM), export_columns[i].name, out_style_off(&cli->out));
        out_safe_line(stdout, cell ? cell : "-");
    }
    json_array_foreach(json_object_get(json, "files"), i, file)
    {
        const char *name = json_string_value(json_object_get(file, "name"));
        const char *digest = json_string_value(json_object_get(file, "sha256"));

        printf("%s%-12s%s ", out_style_on(&cli->out, OUT_DIM), "file", out_style_off(&cli->out));
        out_safe(stdout, name ? name : "");
        printf("  %" JSON_INTEGER_FORMAT " bytes  sha256 ", json_integer_value(json_object_get(file, "bytes")));
        out_safe_line(stdout, digest ? digest : "");
    }
}

static int export_show_run(struct cli *cli)
{
    struct tip_control_request request = {.action = "export_show", .reason = ""};
    tip_auto(tip_call_free) struct tip_control_answer *answer = NULL;
    int r = export_call(cli, &request, &answer);
    json_t *json;

    if (r)
        return r;
    json = json_loads(answer->n_values ? answer->values[0].value : "{}", 0, NULL);
    if (cli->out.mode == OUT_JSON || cli->out.mode == OUT_NDJSON)
        out_object(&cli->out, json);
    else
        export_show_fields(cli, json);
    json_decref(json);
    return CLI_OK;
}

/* ---- get ---- */

enum { GET_FILE, GET_OPTIONS };

static const struct cli_option get_rows[GET_OPTIONS] = {
    [GET_FILE] = {"file", 0, "FILE", "Another of its files, as `show` names them [the first]."},
};

/* A file as it grows. */
struct export_get {
    struct client client;
    const char *name, *file;
    char digest[EXPORT_SHA256 + 1]; /* "" until the first page */
    char offset[EXPORT_CELL];       /* "" behind the last one */
    struct tip_buf body;
};

static int get_page(struct export_get *get, struct tip_control_answer **answerp)
{
    const struct tip_param params[] = {{"file", get->file}, {"offset", get->offset}, {"sha256", get->digest}};
    struct tip_control_request request = {.action = "export_read",
                                          .target = get->name,
                                          .reason = "",
                                          .n_params = *get->digest ? 3 : 2,
                                          .params = (struct tip_param *)(uintptr_t)params};

    return client_control(&get->client, "blacklist", &request, answerp);
}

/* A piece of the page, which is base64. @return 0, EXPORT_E_END behind the last one, or a negative errno */
static int get_piece(struct export_get *get, const struct tip_control_answer *answer, unsigned i)
{
    unsigned char bytes[EXPORT_PIECE];
    const char *text;
    char name[16];
    size_t n;

    snprintf(name, sizeof(name), "data.%02u", i);
    text = tip_param_get(answer->values, answer->n_values, name);
    if (!text)
        return EXPORT_E_END;
    if (sodium_base642bin(bytes, sizeof(bytes), text, strlen(text), NULL, &n, NULL, sodium_base64_VARIANT_ORIGINAL))
        return -EBADMSG;
    return tip_buf_append(&get->body, bytes, n);
}

static int get_take(struct export_get *get, const struct tip_control_answer *answer)
{
    const char *next = tip_param_get(answer->values, answer->n_values, "@next");
    const char *digest = tip_param_get(answer->values, answer->n_values, "sha256");
    int r = 0;

    for (unsigned i = 0; !r; i++)
        r = get_piece(get, answer, i);
    snprintf(get->digest, sizeof(get->digest), "%s", digest ? digest : "");
    snprintf(get->offset, sizeof(get->offset), "%s", next ? next : "");
    if (r == EXPORT_E_END)
        return CLI_OK;
    cli_error(r == -ENOBUFS ? "it is larger than 1 GiB" : "the answer cannot be read");
    return CLI_FAILED;
}

static bool get_is_whole(const struct export_get *get)
{
    unsigned char digest[crypto_hash_sha256_BYTES];
    char hex[2 * sizeof(digest) + 1];

    (void)crypto_hash_sha256(digest, get->body.data, get->body.len); /* cannot fail */
    return strcmp(sodium_bin2hex(hex, sizeof(hex), digest, sizeof(digest)), get->digest) == 0;
}

/* From its beginning to its end; a publication in between shows by the digest. */
static int get_once(struct export_get *get)
{
    int r = CLI_OK;

    tip_buf_clear(&get->body);
    *get->digest = '\0';
    strcpy(get->offset, "0");
    while (r == CLI_OK && *get->offset) {
        tip_auto(tip_call_free) struct tip_control_answer *answer = NULL;

        r = get_page(get, &answer);
        r = r ? r : get_take(get, answer);
    }
    return r;
}

static int export_get_run(struct cli *cli)
{
    struct export_get get = {.name = cli->args[0], .file = cli_text(cli, GET_FILE, "")};
    bool is_whole = false;
    int r = client_open(&get.client, cli->config, CLIENT_CALLS);

    tip_buf_init(&get.body, EXPORT_BYTES_MAX);
    for (unsigned i = 0; r == CLI_OK && !is_whole && i < EXPORT_TRIES; i++) {
        r = get_once(&get);
        is_whole = r == CLI_OK && get_is_whole(&get);
    }
    if (is_whole && get.body.len)
        (void)!fwrite(get.body.data, get.body.len, 1, stdout); /* cli_finish sees what became of it */
    if (r == CLI_OK && !is_whole) {
        cli_error("it changes faster than it can be read");
        r = CLI_FAILED;
    }
    tip_buf_deinit(&get.body);
    client_close(&get.client);
    return r;
}

/* ---- run, release ---- */

enum { CHANGE_DRY, CHANGE_REASON, CHANGE_OPTIONS };

static const struct cli_option change_rows[CHANGE_OPTIONS] = {
    [CHANGE_DRY] = {"dry-run", 0, NULL, "Says what would happen and changes nothing."},
    [CHANGE_REASON] = {"reason", 'r', "TEXT", "Why, for the audit log."},
};

/* The verb is the action. */
static int export_change_run(struct cli *cli)
{
    bool is_run = strcmp(cli->command->name, "run") == 0;
    struct tip_control_request request = {.action = is_run ? "export_run" : "export_release",
                                          .reason = cli_text(cli, CHANGE_REASON, ""),
                                          .dry_run = cli_flag(cli, CHANGE_DRY)};
    tip_auto(tip_call_free) struct tip_control_answer *answer = NULL;
    int r = export_call(cli, &request, &answer);

    if (r == CLI_OK)
        out_safe_line(stdout, answer->result);
    return r;
}

static const struct cli_command export_list = {
    .name = "list",
    .arguments = "",
    .summary = "Every view, what is in it, and whether it is held.",
    .run = export_list_run,
};

static const struct cli_command export_show = {
    .name = "show",
    .arguments = "NAME",
    .summary = "One view and its files.",
    .min_args = 1,
    .max_args = 1,
    .run = export_show_run,
};

static const struct cli_command export_get = {
    .name = "get",
    .arguments = "NAME",
    .summary = "A view's file on standard output, in the view's own format.",
    .options = get_rows,
    .n_options = GET_OPTIONS,
    .min_args = 1,
    .max_args = 1,
    .run = export_get_run,
};

static const struct cli_command export_run = {
    .name = "run",
    .arguments = "NAME",
    .summary = "Works a view out now.",
    .options = change_rows,
    .n_options = CHANGE_OPTIONS,
    .min_args = 1,
    .max_args = 1,
    .run = export_change_run,
};

static const struct cli_command export_release = {
    .name = "release",
    .arguments = "NAME",
    .summary = "Lets through what is held because too much would go, this once.",
    .options = change_rows,
    .n_options = CHANGE_OPTIONS,
    .min_args = 1,
    .max_args = 1,
    .run = export_change_run,
};

const struct cli_command cmd_export = {
    .name = "export",
    .arguments = "",
    .summary = "What is written for firewalls, mail servers, resolvers and other programs.",
    .verbs = (const struct cli_command *const[]){&export_list, &export_show, &export_get, &export_run, &export_release,
                                                 NULL},
    .run = export_list_run,
};
