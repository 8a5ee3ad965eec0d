#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include <tip/clock.h>
#include <tip/keys.h>
#include <topics.h>

#include "client.h"
#include "commands.h"
#include "gap.h"
#include "line.h"
#include "position.h"

enum { SUB_COUNT, SUB_TIMEOUT, SUB_DURABLE, SUB_DOOR, SUB_OPTIONS };
enum { SUB_TOPICS_MAX = 32, SUB_LINE_BYTES = 512 * 1024, SUB_SILENCE_MS = 3500 };

static const struct cli_option sub_rows[SUB_OPTIONS] = {
    [SUB_COUNT] = {"count", 'n', "N", "Ends after N events."},
    [SUB_TIMEOUT] = {"timeout", 't', "TIME", "Ends after this time (90s, 15m)."},
    [SUB_DURABLE] = {"durable", 'd', "NAME",
                     "Reads the journal and remembers under NAME how far: goes on there next time, skips nothing."},
    [SUB_DOOR] = {"door", 0, "TLP",
                  "Listens at the door of clear, green or amber events [the widest that the key may hear]."},
};

struct sub {
    const struct cli *cli;
    struct client client;
    char prefixes[SUB_TOPICS_MAX][TIP_TOPIC_MAX + 1];
    const char *list[SUB_TOPICS_MAX + 2]; /* the prefixes and, live, v1.bus.head. */
    size_t n_prefixes;
    struct gap gap;
    struct position position;
    struct tip_fetch *fetch;
    int64_t count, n_printed;
    uint64_t timeout_ms;
    bool is_lossy, is_over, is_heard;
    struct out *csv;
};

/* ---- printing ---- */

static const struct tip_column sub_columns[] = {
    {"time", TIP_COLUMN_TIME}, {"topic", TIP_COLUMN_TEXT}, {"kind", TIP_COLUMN_TEXT}, {"event", TIP_COLUMN_TEXT}};

static int sub_print_json(const struct tip_event *event, const struct tip_stamp *stamp)
{
    tip_auto(tip_buf_deinit) struct tip_buf line;
    int r;

    tip_buf_init(&line, SUB_LINE_BYTES);
    r = tip_event_json(event, stamp, &line);
    if (r == 0)
        puts(tip_buf_text(&line));
    return r;
}

static int sub_print_line(struct sub *sub, const struct tip_event *event, const struct tip_stamp *stamp)
{
    tip_auto(tip_buf_deinit) struct tip_buf line;
    char when[TIP_CLOCK_TEXT];
    const char *cells[] = {when, stamp->topic, event->kind_name, NULL};
    int r;

    tip_buf_init(&line, SUB_LINE_BYTES);
    r = line_event(event, &line);
    if (r)
        return r;
    tip_clock_format(event->observed_unix_ms, when);
    cells[3] = tip_buf_text(&line);
    if (sub->csv) {
        out_row(sub->csv, cells, NULL);
        return 0;
    }
    printf("%s%s%s %s ", out_style_on(&sub->cli->out, OUT_DIM), when, out_style_off(&sub->cli->out), stamp->topic);
    out_safe(stdout, cells[3]);
    putchar('\n');
    return 0;
}

static void sub_print(struct sub *sub, const struct tip_record *record)
{
    tip_auto(tip_event_destroy) struct tip_event *event = NULL;
    const char *reason = NULL;
    int r = tip_event_decode(record->event, record->event_len, &event, &reason);

    if (r) {
        fprintf(stderr, "tip: record %" PRIu64 " (%s) cannot be read: %s\n", record->stamp.seq, record->stamp.topic,
                reason ? reason : strerror(-r));
        return;
    }
    if (sub->cli->out.mode == OUT_JSON || sub->cli->out.mode == OUT_NDJSON)
        r = sub_print_json(event, &record->stamp);
    else
        r = sub_print_line(sub, event, &record->stamp);
    if (r)
        fprintf(stderr, "tip: record %" PRIu64 " cannot be shown: %s\n", record->stamp.seq, strerror(-r));
    sub->n_printed++;
    if (sub->n_printed == sub->count)
        sub->is_over = true;
}

static void sub_flush(struct sub *sub)
{
    fflush(stdout);
    if (ferror(stdout))
        sub->is_over = true;
    if (sub->is_over)
        client_wake(&sub->client);
}

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
    r = client_wait(&sub->client, sub->timeout_ms);
    tip_timer_deinit(&silence);
    tip_sub_destroy(&feed);
    return r;
}

/* ---- durable ---- */

static bool sub_commit(struct sub *sub, const struct tip_id *journal_id, uint64_t next_seq)
{
    int r;

    sub->position.journal_id = *journal_id;
    sub->position.next_seq = next_seq;
    r = position_save(&sub->position);
    if (r) {
        cli_error("%s: %s", sub->position.path, strerror(-r));
        sub->is_over = true;
        sub->count = -1; /* a failure, whatever was printed */
    }
    return r == 0;
}

static void sub_on_batch(void *ctx, const struct tip_fetch_batch *batch)
{
    struct sub *sub = ctx;
    uint64_t next_seq = batch->next_seq;

    for (size_t i = 0; i < batch->n_records && !sub->is_over; i++) {
        sub_print(sub, &batch->records[i]);
        if (sub->is_over && i + 1 < batch->n_records)
            next_seq = batch->records[i].stamp.seq + 1;
    }
    fflush(stdout);
    if (ferror(stdout))
        sub->is_over = true; /* not remembered: it may not have been read */
    else if (sub_commit(sub, &batch->journal_id, next_seq))
        tip_fetch_done(sub->fetch, &batch->journal_id, next_seq);
    sub_flush(sub);
}

static void sub_on_break(void *ctx, enum tip_fetch_break why, const struct tip_id *journal_id, uint64_t next_seq)
{
    static const char *const words[] = {[TIP_FETCH_NEW_JOURNAL] = "the broker has begun a new journal",
                                        [TIP_FETCH_TRIMMED] = "records were trimmed before they were read",
                                        [TIP_FETCH_DAMAGED] = "records in the journal are damaged"};
    struct sub *sub = ctx;

    sub->is_lossy = true;
    fprintf(stderr, "tip: %s: stood at %" PRIu64 ", goes on at %" PRIu64 "\n", words[why], sub->position.next_seq,
            next_seq);
    if (sub_commit(sub, journal_id, next_seq))
        tip_fetch_done(sub->fetch, journal_id, next_seq);
    sub_flush(sub);
}

static int sub_durable_load(struct sub *sub, const char *name)
{
    int r = position_load(&sub->position, name);

    if (r == 0)
        return CLI_OK;
    if (r == -EINVAL)
        cli_error("--durable: a name is 1 to 48 of a-z, 0-9, '-' and '_'");
    else
        cli_error("%s: %s", sub->position.path, r == POSITION_E_BAD ? "holds no position" : strerror(-r));
    return r == -EINVAL ? CLI_USAGE : CLI_FAILED;
}

static int sub_durable(struct sub *sub, const char *name)
{
    char consumer[TIP_NAME_MAX + 1];
    int r;

    r = sub_durable_load(sub, name);
    if (r)
        return r;
    snprintf(consumer, sizeof(consumer), "tip.%s", name);
    r = tip_fetch_open(&sub->fetch, sub->client.bus,
                       &(struct tip_fetch_config){.consumer = consumer,
                                                  .prefixes = sub->list,
                                                  .journal_id = sub->position.journal_id,
                                                  .from_seq = sub->position.next_seq,
                                                  .on_batch = sub_on_batch,
                                                  .on_break = sub_on_break,
                                                  .ctx = sub});
    if (r) {
        cli_error("cannot fetch: %s", strerror(-r));
        return CLI_FAILED;
    }
    r = client_wait(&sub->client, sub->timeout_ms);
    tip_fetch_destroy(&sub->fetch);
    return r;
}

/* ---- both ---- */

static int sub_topics(struct sub *sub)
{
    sub->n_prefixes = sub->cli->n_args ? (size_t)sub->cli->n_args : 1;
    for (size_t i = 0; i < sub->n_prefixes; i++) {
        if (line_prefix(sub->cli->n_args ? sub->cli->args[i] : "", sub->prefixes[i])) {
            cli_error("\"%s\" is no topic: dots and words of a-z, 0-9, '-' and '_'", sub->cli->args[i]);
            return CLI_USAGE;
        }
        sub->list[i] = sub->prefixes[i];
    }
    return CLI_OK;
}

static int sub_result(const struct sub *sub, int r)
{
    if (r)
        return r;
    if (sub->count == -1)
        return CLI_FAILED;
    if (sub->count && sub->n_printed < sub->count && !ferror(stdout)) {
        cli_error("%" PRId64 " of %" PRId64 " events came in time", sub->n_printed, sub->count);
        return CLI_FAILED;
    }
    return sub->is_lossy ? CLI_DEGRADED : CLI_OK;
}

/* @param needsp  gets the flag of the door that --door names */
static int sub_door(const struct sub *sub, unsigned *needsp)
{
    static const struct {
        const char *name;
        unsigned flag;
    } doors[] = {{"clear", CLIENT_DOOR_CLEAR}, {"green", CLIENT_DOOR_GREEN}, {"amber", CLIENT_DOOR_AMBER}};
    const char *name = cli_text(sub->cli, SUB_DOOR, NULL);

    for (size_t i = 0; name && i < sizeof(doors) / sizeof(doors[0]); i++) {
        if (strcmp(doors[i].name, name) == 0) {
            *needsp |= doors[i].flag;
            return CLI_OK;
        }
    }
    if (name)
        cli_error("--door: \"%s\" is none of clear, green, amber", name);
    return name ? CLI_USAGE : CLI_OK;
}

static int sub_perform(struct sub *sub)
{
    const char *name = cli_text(sub->cli, SUB_DURABLE, NULL), *bad = NULL;
    unsigned needs = name ? CLIENT_FETCH : CLIENT_FEED;
    int r = sub_topics(sub);

    if (r == CLI_OK)
        r = sub_door(sub, &needs);
    if (r == CLI_OK)
        r = client_open(&sub->client, sub->cli->config, needs);
    if (r == CLI_OK && sub->cli->out.mode == OUT_CSV &&
        out_open(&sub->csv, &sub->cli->out, sub_columns, sizeof(sub_columns) / sizeof(sub_columns[0]), &bad))
        r = cli_bad_field(bad);
    if (r == CLI_OK)
        r = name ? sub_durable(sub, name) : sub_live(sub);
    out_destroy(&sub->csv);
    client_close(&sub->client);
    return sub_result(sub, r);
}

static int sub_run(struct cli *cli)
{
    struct sub sub = {.cli = cli};

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
        "journal is read instead, from where NAME stood. Exit code 3 when something was lost.",
    .options = sub_rows,
    .n_options = SUB_OPTIONS,
    .words = (const char *const[]){"schedule.", "listing.", "source.", "verdict.", "control.", "system.", "bus.", NULL},
    .max_args = -1,
    .run = sub_run,
};
