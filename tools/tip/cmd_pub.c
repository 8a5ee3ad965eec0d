#include <inttypes.h>
#include <string.h>

#include "client.h"
#include "commands.h"
#include "publish.h"

enum { PUB_DRY, PUB_TIMEOUT, PUB_OPTIONS };

static const struct cli_option pub_rows[PUB_OPTIONS] = {
    [PUB_DRY] = {"dry-run", 0, NULL, "Prints the event and publishes nothing."},
    [PUB_TIMEOUT] = {"timeout", 't', "TIME", "How long to wait for the broker's ack [10s]."},
};

struct pub {
    struct cli *cli;
    struct client client;
    json_t *fields;
    struct tip_event event;
    char topic[256];
    uint64_t timeout_ms;
    bool is_acked;
};

static void pub_bad_input(const json_t *fields, const json_error_t *error, bool is_empty)
{
    if (is_empty)
        cli_error(
            "no FIELD=VALUE is given, and standard input is empty: name the event's fields, or write a JSON object "
            "of them there");
    else
        cli_error("standard input:%d:%d: %s", error->line, error->column, fields ? "no JSON object" : error->text);
}

/* Blanks, and then nothing. */
static bool pub_is_empty(FILE *in)
{
    int c;

    while ((c = getc(in)) != EOF && strchr(" \t\r\n", c))
        ;
    if (c == EOF)
        return true;
    (void)ungetc(c, in); /* one always fits */
    return false;
}

/* FIELD=VALUE words, or a JSON object on standard input. */
static json_t *pub_fields(const struct cli *cli)
{
    json_t *fields = cli->n_args > 1 ? json_object() : NULL;
    json_error_t error = {.line = 0};
    const char *equals;
    bool is_empty;

    for (int i = 1; i < cli->n_args; i++) {
        equals = strchr(cli->args[i], '=');
        if (!equals ||
            json_object_setn_new(fields, cli->args[i], (size_t)(equals - cli->args[i]), json_string(equals + 1))) {
            cli_error("\"%s\" is no FIELD=VALUE", cli->args[i]);
            json_decref(fields);
            return NULL;
        }
    }
    if (fields)
        return fields;
    is_empty = pub_is_empty(stdin);
    fields = is_empty ? NULL : json_loadf(stdin, JSON_REJECT_DUPLICATES, &error);
    if (json_is_object(fields))
        return fields;
    pub_bad_input(fields, &error, is_empty);
    json_decref(fields);
    return NULL;
}

static int pub_print(const struct pub *pub)
{
    tip_auto(tip_buf_deinit) struct tip_buf text;

    tip_buf_init(&text, TIP_EVENT_BYTES_MAX);
    if (tip_event_json(&pub->event, NULL, &text)) {
        cli_error("the event cannot be shown");
        return CLI_FAILED;
    }
    puts(tip_buf_text(&text));
    return CLI_OK;
}

static void pub_on_flushed(void *ctx)
{
    struct pub *pub = ctx;

    pub->is_acked = true;
    client_wake(&pub->client);
}

static int pub_queue(struct pub *pub)
{
    tip_auto(tip_outbox_abort) struct tip_outbox_txn *txn = NULL;
    int r = tip_outbox_begin(pub->client.outbox, &txn);

    if (r == 0)
        r = tip_outbox_publish(txn, pub->topic, TIP_TLP_AMBER, &pub->event, NULL);
    if (r == 0)
        r = tip_outbox_commit(&txn);
    if (r == 0)
        r = tip_bus_flush(pub->client.bus, pub_on_flushed, pub);
    if (r)
        cli_error("the event cannot be published: %s", strerror(-r));
    return r ? CLI_FAILED : CLI_OK;
}

static int pub_send(struct pub *pub)
{
    const char *why = "";
    int r = client_open(&pub->client, pub->cli->config, CLIENT_PUBLISH);

    if (r == CLI_OK)
        r = pub_queue(pub);
    if (r == CLI_OK && !pub->is_acked)
        r = client_wait(&pub->client, pub->timeout_ms);
    if (r == CLI_OK && !pub->is_acked) {
        (void)tip_bus_is_up(pub->client.bus, &why); /* the reason is what matters */
        cli_error("the broker has not acked it: %s", why);
        r = CLI_UNREACHABLE;
    }
    client_close(&pub->client);
    return r;
}

static int pub_make(struct pub *pub)
{
    char why[PUBLISH_WHY_BYTES];
    struct tip_loop *loop = tip_loop_new();

    pub->event.id = tip_id_new(loop);
    tip_loop_destroy(&loop);
    pub->event.observed_unix_ms = tip_loop_wall_ms();
    if (publish_make(pub->cli->args[0], pub->fields, &pub->event, pub->topic, why) == 0)
        return CLI_OK;
    cli_error("%s", why);
    return CLI_USAGE;
}

static int pub_run(struct cli *cli)
{
    struct pub pub = {.cli = cli, .timeout_ms = CLIENT_DEADLINE_MS};
    int r;

    if (cli_duration(cli, PUB_TIMEOUT, &pub.timeout_ms))
        return CLI_USAGE;
    pub.fields = pub_fields(cli);
    r = pub.fields ? pub_make(&pub) : CLI_USAGE;
    if (r == CLI_OK && !cli_flag(cli, PUB_DRY))
        r = pub_send(&pub);
    if (r == CLI_OK)
        r = pub_print(&pub);
    json_decref(pub.fields);
    return r;
}

const struct cli_command cmd_pub = {
    .name = "pub",
    .arguments = "KIND [FIELD=VALUE...]",
    .summary = "Publishes an event made by hand, and returns when the broker has it on disk.",
    .details = "Fields as in `tip sub -o ndjson`; without any, a JSON object of them is read from standard input:\n"
               "`tip pub system.alarm service=mine name=disk_full raised=true`. The event is marked amber. Kinds:\n"
               "schedule.due, schedule.done, schedule.failed, schedule.overdue, control.applied, system.alarm.",
    .options = pub_rows,
    .n_options = PUB_OPTIONS,
    .words = publish_kinds,
    .min_args = 1,
    .max_args = -1,
    .run = pub_run,
};
