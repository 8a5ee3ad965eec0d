#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <tip/keys.h>

#include "commands.h"
#include "line.h"
#include "sub.h"

enum { SUB_COUNT, SUB_TIMEOUT, SUB_DURABLE, SUB_STATE, SUB_DOOR, SUB_OPTIONS };
enum { SUB_SILENCE_MS = 3500 };

static const struct cli_option sub_rows[SUB_OPTIONS] = {
    [SUB_COUNT] = {"count", 'n', "N", "Ends after N events."},
    [SUB_TIMEOUT] = {"timeout", 't', "TIME", "Ends after this time (90s, 15m)."},
    [SUB_DURABLE] = {"durable", 'd', "NAME",
                     "Reads the journal and remembers under NAME how far: goes on there next time, skips nothing."},
    [SUB_STATE] = {"state", 's', "FILE", "With --durable: remembers in this file [$XDG_STATE_HOME/tip/sub-NAME.json]."},
    [SUB_DOOR] = {"door", 0, "TLP",
                  "Listens at the door of clear, green or amber events [the widest that the key may hear]."},
};

static const struct tip_column sub_columns[] = {
    {"time", TIP_COLUMN_TIME}, {"topic", TIP_COLUMN_TEXT}, {"kind", TIP_COLUMN_TEXT}, {"event", TIP_COLUMN_TEXT}};

/* ---- live ---- */

static void sub_lost(struct sub *sub, const struct gap_loss *loss)
{
    sub->is_lossy = true;
    if (loss->is_new_journal)
        fprintf(stderr, "tip: the broker has begun a new journal\n");
    if (loss->from)
        fprintf(stderr, "tip: lost %" PRIu64 " events of class %s (class_seq %" PRIu64 " to %" PRIu64 ")\n",
                loss->to - loss->from + 1, loss->class_name, loss->from, loss->to);
}

static bool sub_covers_class(const struct sub *sub, const char *class_name)
{
    char topic[TIP_TOPIC_MAX + 1];

    snprintf(topic, sizeof(topic), "v1.%s.", class_name);
    for (size_t i = 0; i < sub->n_prefixes; i++) {
        if (gap_covers(sub->prefixes[i]) && strncmp(topic, sub->prefixes[i], strlen(sub->prefixes[i])) == 0)
            return true;
    }
    return false;
}

static void sub_on_head(struct sub *sub, const struct tip_record *record)
{
    tip_auto(tip_event_destroy) struct tip_event *event = NULL;
    struct gap_loss loss;

    if (tip_event_decode(record->event, record->event_len, &event, NULL) || event->kind != TIP_EVENT_BUS_HEAD)
        return;
    for (size_t i = 0; i < event->bus_head.n_classes; i++) {
        const struct tip_class_head *head = &event->bus_head.classes[i];

        if (sub_covers_class(sub, head->class_name) && gap_head(&sub->gap, &event->bus_head.journal_id, head, &loss))
            sub_lost(sub, &loss);
    }
}

static bool sub_is_wanted(const struct sub *sub, const char *topic)
{
    for (size_t i = 0; i < sub->n_prefixes; i++) {
        if (strncmp(topic, sub->prefixes[i], strlen(sub->prefixes[i])) == 0)
            return true;
    }
    return false;
}

static void sub_on_record(void *ctx, const struct tip_record *record)
{
    char class_name[TIP_TOPIC_MAX + 1];
    struct sub *sub = ctx;
    struct gap_loss loss;

    sub->is_heard = true;
    if (sub->is_over)
        return;
    if (strcmp(record->stamp.topic, TIP_TOPIC_BUS_HEAD) == 0)
        sub_on_head(sub, record);
    snprintf(class_name, sizeof(class_name), "%s", record->stamp.topic + strlen("v1."));
    class_name[strcspn(class_name, ".")] = '\0';
    if (sub_covers_class(sub, class_name) && gap_record(&sub->gap, &record->stamp, &loss))
        sub_lost(sub, &loss);
    if (sub_is_wanted(sub, record->stamp.topic))
        sub_print(sub, record);
    sub_flush(sub);
}

/* ZeroMQ does not say that a door stays shut; the head would have come three times. */
static void sub_on_silence(void *ctx)
{
    const struct sub *sub = ctx;

    if (!sub->is_heard)
        fprintf(stderr, "tip: nothing has come yet, not even the broker's head: does it know key `%s`?\n",
                sub->client.keys->name);
}

static int sub_live(struct sub *sub)
{
    struct tip_sub *feed = NULL;
    struct tip_timer silence;
    int r;

    sub->list[sub->n_prefixes] = TIP_TOPIC_BUS_HEAD;
    r = tip_sub_open(&feed, sub->client.bus,
                     &(struct tip_sub_config){.prefixes = sub->list, .on_record = sub_on_record, .ctx = sub});
    if (r) {
        cli_error("cannot subscribe: %s", strerror(-r));
        return CLI_FAILED;
    }
    tip_timer_init(&silence, sub->client.loop, sub_on_silence, sub);
    if (sub->client.keys)
        tip_timer_start(&silence, SUB_SILENCE_MS);
    reader_init(&sub->reader, sub->client.loop, STDOUT_FILENO, sub_on_gone, sub);
    r = client_wait(&sub->client, sub->timeout_ms);
    reader_deinit(&sub->reader);
    tip_timer_deinit(&silence);
    tip_sub_destroy(&feed);
    return r;
}

/* ---- both ---- */

/* A class that nobody publishes is no error, for new ones will come; but it is what a wrong letter looks like. */
static void sub_note_class(const struct sub *sub, const char *prefix)
{
    static const char *const classes[] = {"schedule", "listing", "source", "verdict", "control",
                                          "system",   "bus",     "mail",   "flux",    "smtp"};
    const char *name = prefix + (strncmp(prefix, "v1.", 3) ? strlen(prefix) : 3);
    const size_t n = strcspn(name, ".");

    for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++) {
        if (strncmp(classes[i], name, n) == 0 && (!name[n] || !classes[i][n]))
            return;
    }
    cli_note(sub->cli,
             "\"%.*s\" is no class that TIP publishes: schedule, listing, source, verdict, control, system, "
             "bus, mail, flux, smtp",
             (int)n, name);
}

static int sub_topics(struct sub *sub)
{
    sub->n_prefixes = sub->cli->n_args ? (size_t)sub->cli->n_args : 1;
    for (size_t i = 0; i < sub->n_prefixes; i++) {
        if (line_prefix(sub->cli->n_args ? sub->cli->args[i] : "", sub->prefixes[i])) {
            cli_error("\"%s\" is no topic: dots and words of a-z, 0-9, '-' and '_'", sub->cli->args[i]);
            return CLI_USAGE;
        }
        sub->list[i] = sub->prefixes[i];
        sub_note_class(sub, sub->prefixes[i]);
    }
    return CLI_OK;
}

static int sub_result(const struct sub *sub, int r)
{
    if (r)
        return r;
    if (sub->is_failed)
        return CLI_FAILED;
    if (sub->count && sub->n_printed < sub->count && !sub->is_gone && !ferror(stdout)) {
        cli_error("%" PRId64 " of %" PRId64 " events came in time", sub->n_printed, sub->count);
        return CLI_FAILED;
    }
    return sub->is_lossy ? CLI_DEGRADED : CLI_OK;
}

static int sub_perform(struct sub *sub)
{
    const char *name = cli_text(sub->cli, SUB_DURABLE, NULL), *bad = NULL;
    enum tip_tlp door = TIP_TLP_NONE;
    int r = sub_topics(sub);

    if (r == CLI_OK && client_door_of(cli_text(sub->cli, SUB_DOOR, NULL), &door))
        r = CLI_USAGE;
    if (r == CLI_OK)
        r = client_open(&sub->client, sub->cli->config,
                        name ? (unsigned)CLIENT_FETCH : CLIENT_FEED | CLIENT_DOOR * (unsigned)door);
    if (r == CLI_OK && sub->format == SUB_CSV &&
        out_open(&sub->csv, &sub->cli->out, sub_columns, sizeof(sub_columns) / sizeof(sub_columns[0]), &bad))
        r = cli_bad_field(bad);
    if (r == CLI_OK)
        r = name ? sub_durable(sub, name, cli_text(sub->cli, SUB_STATE, NULL)) : sub_live(sub);
    out_destroy(&sub->csv);
    client_close(&sub->client);
    return sub_result(sub, r);
}

static enum sub_format sub_format(const struct cli *cli)
{
    static const enum sub_format by_mode[OUT_MODE_COUNT] = {
        [OUT_HUMAN] = SUB_PEOPLE, [OUT_JSON] = SUB_JSON, [OUT_NDJSON] = SUB_JSON, [OUT_CSV] = SUB_CSV};

    if (!cli->format)
        return by_mode[cli->out.mode];
    return strcmp(cli->format, "ecs") == 0 ? SUB_ECS : SUB_SYSLOG;
}

static int sub_run(struct cli *cli)
{
    struct sub sub = {.cli = cli, .format = sub_format(cli)};

    if (gethostname(sub.host, sizeof(sub.host) - 1) == -1)
        sub.host[0] = '\0'; /* syslog says "-" then */
    if (cli_flag(cli, SUB_STATE) && !cli_flag(cli, SUB_DURABLE)) {
        cli_error("--state says where --durable remembers how far it came: it needs that");
        return CLI_USAGE;
    }
    if (cli->n_args > SUB_TOPICS_MAX) {
        cli_error("at most %d topics", SUB_TOPICS_MAX);
        return CLI_USAGE;
    }
    if (cli_int(cli, SUB_COUNT, 1, INT64_MAX, &sub.count) || cli_duration(cli, SUB_TIMEOUT, &sub.timeout_ms))
        return CLI_USAGE;
    return sub_perform(&sub);
}

const struct cli_command cmd_sub = {
    .name = "sub",
    .arguments = "[TOPIC...]",
    .summary = "Shows events as they happen.",
    .details =
        "A topic is a prefix: `listing.` (short for `v1.listing.`), `verdict.changes.`; without one, everything.\n"
        "Live events are best effort: of whole classes every loss is said on standard error. With --durable the\n"
        "journal is read instead, from where NAME stood: every event at least once, and those that come twice have\n"
        "the same id. What is missing (trimmed, a new journal, damage) is a record in the output, {\"gap\": ...}. The\n"
        "position moves when the output is on disk, or read out of the pipe. `-o ecs` prints JSON with the names of\n"
        "the Elastic Common Schema, `-o syslog` messages as in RFC 5424, of at most 8,192 octets; both a line for "
        "each\n"
        "entry of a batch. Exit code 3 when something was lost, 2 when FILE holds no position.",
    .options = sub_rows,
    .n_options = SUB_OPTIONS,
    .words = (const char *const[]){"schedule.", "listing.", "source.", "verdict.", "control.", "system.", "bus.", NULL},
    .formats = (const char *const[]){"ecs", "syslog", NULL},
    .max_args = -1,
    .run = sub_run,
};
