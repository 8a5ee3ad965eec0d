#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <jansson.h>

#include <tip/clock.h>
#include <tip/event.h>
#include <tip/uuid.h>

#include "journal_verify.h"

#include "commands.h"

enum { VERIFY_LIVE, VERIFY_DUMP, VERIFY_OPTIONS };
enum { BUS_PATH_BYTES = 4096, BUS_LINE_BYTES = 512 * 1024, BUS_COLUMNS = 8 };

static const struct cli_option verify_rows[VERIFY_OPTIONS] = {
    [VERIFY_LIVE] = {"live", 0, NULL,
                     "While the broker runs: checks every file but the newest, which it is writing to."},
    [VERIFY_DUMP] = {"dump", 0, "FROM..TO",
                     "Prints these records instead, one JSON object a line; an end may be left out."},
};

struct bus {
    struct cli *cli;
    json_t *segments, *damages;
    uint64_t n_read;             /* segments */
    uint64_t dump_from, dump_to; /* 0: no dump */
};

/* ---- what is found, as JSON: the one form that all others are made from ---- */

static json_t *bus_time(int64_t unix_us)
{
    char text[TIP_CLOCK_TEXT];

    if (!unix_us)
        return json_null();
    tip_clock_format(unix_us / 1000, text);
    return json_string(text);
}

static json_t *bus_seq(uint64_t seq)
{
    return seq ? json_integer((json_int_t)seq) : json_null();
}

static void bus_on_segment(void *ctx, const struct journal_verify_segment *segment)
{
    struct bus *bus = ctx;
    bool empty = segment->last_seq < segment->first_seq;

    bus->n_read += !segment->skipped;
    json_array_append_new(bus->segments,
                          json_pack("{s:s, s:I, s:o, s:o, s:I, s:o, s:o, s:s}", "file", segment->name, "bytes",
                                    (json_int_t)segment->bytes, "from", bus_seq(empty ? 0 : segment->first_seq), "to",
                                    bus_seq(empty ? 0 : segment->last_seq), "events", (json_int_t)segment->n_events,
                                    "first", bus_time(segment->first_us), "last", bus_time(segment->last_us), "state",
                                    segment->skipped  ? "not read"
                                    : segment->sealed ? "sealed"
                                                      : "open"));
}

static void bus_on_damage(void *ctx, const struct journal_verify_damage *damage)
{
    struct bus *bus = ctx;

    json_array_append_new(bus->damages,
                          json_pack("{s:s, s:s, s:I, s:o, s:o}", "what", journal_verify_what_name(damage->what), "file",
                                    damage->file, "offset", (json_int_t)damage->offset, "from", bus_seq(damage->from),
                                    "to", bus_seq(damage->to)));
}

static json_t *bus_publishers(const struct journal_table *table)
{
    json_t *array = json_array();

    for (size_t i = 0; i < table->n_publishers; i++) {
        const struct journal_publisher *publisher = table->publishers[i];

        json_array_append_new(array, json_pack("{s:s, s:I, s:I, s:o}", "publisher", publisher->name, "epoch",
                                               (json_int_t)publisher->epoch, "pub_seq", (json_int_t)publisher->appended,
                                               "seq", bus_seq(publisher->appended_seq)));
    }
    return array;
}

static json_t *bus_counters(const struct journal_table *table)
{
    json_t *array = json_array();

    for (size_t i = 0; i < table->n_counters; i++) {
        const struct journal_counter *counter = table->counters[i];

        if (counter->count)
            json_array_append_new(array, json_pack("{s:s, s:s, s:I}", "class", counter->name, "tlp",
                                                   tip_tlp_name((enum tip_tlp)counter->tlp), "class_seq",
                                                   (json_int_t)counter->count));
    }
    return array;
}

static json_t *bus_consumers(const struct journal_verify *verify)
{
    json_t *array = json_array();

    for (size_t i = 0; i < verify->holds.n; i++) {
        const struct journal_hold *hold = &verify->holds.items[i];
        uint64_t lag = verify->last_seq > hold->committed ? verify->last_seq - hold->committed : 0;

        json_array_append_new(array, json_pack("{s:s, s:I, s:I, s:o}", "consumer", hold->name, "committed",
                                               (json_int_t)hold->committed, "lag", (json_int_t)lag, "seen",
                                               bus_time(hold->seen_us)));
    }
    return array;
}

static json_t *bus_torn(const struct journal_verify *verify)
{
    if (!verify->torn)
        return json_null();
    return json_pack("{s:s, s:I, s:I}", "file", verify->torn_file, "offset", (json_int_t)verify->torn_offset, "from",
                     (json_int_t)verify->torn_seq);
}

static json_t *bus_object(const struct bus *bus, const struct journal_verify *verify)
{
    struct tip_uuid uuid;
    char id[TIP_UUID_TEXT];

    memcpy(uuid.bytes, verify->identity.id, sizeof(uuid.bytes));
    tip_uuid_format(&uuid, id);
    return json_pack("{s:s, s:b, s:o, s:o, s:I, s:I, s:o, s:o, s:O, s:o, s:o, s:o, s:O, s:o}", "journal_id", id, "ok",
                     verify->n_damages == 0, "from", bus_seq(verify->first_seq), "to", bus_seq(verify->last_seq),
                     "events", (json_int_t)verify->n_events, "bytes", (json_int_t)verify->bytes, "first",
                     bus_time(verify->first_us), "last", bus_time(verify->last_us), "segments", bus->segments,
                     "publishers", bus_publishers(&verify->table), "counters", bus_counters(&verify->table),
                     "consumers", bus_consumers(verify), "damages", bus->damages, "torn", bus_torn(verify));
}

/* ---- tables for people ---- */

/** An array of the object, and its columns. */
struct bus_table {
    const char *name;
    struct tip_column columns[BUS_COLUMNS];
};

static const struct bus_table bus_tables[] = {
    {"segments",
     {{"file", TIP_COLUMN_TEXT},
      {"bytes", TIP_COLUMN_INT},
      {"from", TIP_COLUMN_INT},
      {"to", TIP_COLUMN_INT},
      {"events", TIP_COLUMN_INT},
      {"first", TIP_COLUMN_TIME},
      {"last", TIP_COLUMN_TIME},
      {"state", TIP_COLUMN_TEXT}}},
    {"publishers",
     {{"publisher", TIP_COLUMN_TEXT}, {"epoch", TIP_COLUMN_INT}, {"pub_seq", TIP_COLUMN_INT}, {"seq", TIP_COLUMN_INT}}},
    {"counters", {{"class", TIP_COLUMN_TEXT}, {"tlp", TIP_COLUMN_TEXT}, {"class_seq", TIP_COLUMN_INT}}},
    {"consumers",
     {{"consumer", TIP_COLUMN_TEXT},
      {"committed", TIP_COLUMN_INT},
      {"lag", TIP_COLUMN_INT},
      {"seen", TIP_COLUMN_TIME}}},
};

static const struct bus_table bus_damages = {"damages",
                                             {{"what", TIP_COLUMN_TEXT},
                                              {"file", TIP_COLUMN_TEXT},
                                              {"offset", TIP_COLUMN_INT},
                                              {"from", TIP_COLUMN_INT},
                                              {"to", TIP_COLUMN_INT}}};

static void bus_row(struct out *out, const struct bus_table *table, const json_t *row)
{
    char numbers[BUS_COLUMNS][24];
    const char *cells[BUS_COLUMNS];

    for (size_t i = 0; i < BUS_COLUMNS && table->columns[i].name; i++) {
        const json_t *value = json_object_get(row, table->columns[i].name);

        snprintf(numbers[i], sizeof(numbers[i]), "%" JSON_INTEGER_FORMAT, json_integer_value(value));
        cells[i] = json_is_null(value) ? NULL : json_is_string(value) ? json_string_value(value) : numbers[i];
    }
    out_row(out, cells, NULL);
}

static int bus_show_table(const struct cli *cli, const struct bus_table *table, const json_t *object)
{
    tip_auto(out_destroy) struct out *out = NULL;
    const json_t *rows = json_object_get(object, table->name);
    const char *bad = NULL;
    size_t n = 0;

    while (n < BUS_COLUMNS && table->columns[n].name)
        n++;
    if (out_open(&out, &cli->out, table->columns, n, &bad))
        return cli_bad_field(bad);
    for (size_t i = 0; i < json_array_size(rows); i++)
        bus_row(out, table, json_array_get(rows, i));
    return CLI_OK;
}

/* What is unreadable stands last, where it is seen. */
static int bus_show_human(const struct bus *bus, const struct journal_verify *verify, const json_t *object)
{
    const struct cli *cli = bus->cli;
    int r = CLI_OK;

    printf("journal %s\n", json_string_value(json_object_get(object, "journal_id")));
    for (size_t i = 0; i < sizeof(bus_tables) / sizeof(*bus_tables) && r == CLI_OK; i++) {
        if (json_array_size(json_object_get(object, bus_tables[i].name))) {
            putchar('\n');
            r = bus_show_table(cli, &bus_tables[i], object);
        }
    }
    putchar('\n');
    if (verify->live)
        puts("the newest segment was not read: the broker is writing to it");
    if (verify->torn)
        printf("torn tail: %s from offset %" PRIu64 " on, seq %" PRIu64
               ": never acked, the next start of the broker cuts it off\n",
               verify->torn_file, verify->torn_offset, verify->torn_seq);
    if (!verify->n_damages)
        printf("%sno damage%s: %" PRIu64 " events in %" PRIu64 " segments\n", out_style_on(&cli->out, OUT_GREEN),
               out_style_off(&cli->out), verify->n_events, bus->n_read);
    else
        printf("%sdamaged%s in %" PRIu64 " places:\n", out_style_on(&cli->out, OUT_RED), out_style_off(&cli->out),
               verify->n_damages);
    return r == CLI_OK && verify->n_damages ? bus_show_table(cli, &bus_damages, object) : r;
}

static int bus_show(const struct bus *bus, const struct journal_verify *verify)
{
    const struct cli *cli = bus->cli;
    json_t *object = bus_object(bus, verify);
    int r = CLI_OK;

    if (cli->out.mode == OUT_HUMAN && !cli->out.fields)
        r = bus_show_human(bus, verify, object);
    else if (cli->out.mode == OUT_HUMAN || cli->out.mode == OUT_CSV)
        r = bus_show_table(cli, &bus_damages, object);
    else
        out_object(&cli->out, object);
    json_decref(object);
    return r;
}

/* ---- records ---- */

/* NULL, or what is wrong with a record that is whole: a reader of its kind of event would pass over it. */
static const char *bus_dump_line(const struct journal_record *record, struct tip_buf *line)
{
    tip_auto(tip_event_destroy) struct tip_event *event = NULL;
    const char *why = "it is no event";
    struct tip_stamp stamp;
    const uint8_t *bytes;
    size_t n;

    if (tip_record_read(record->payload, record->payload_len, &stamp, &bytes, &n))
        return "it is no record";
    if (tip_event_decode(bytes, n, &event, &why))
        return why;
    return tip_event_json(event, &stamp, line) ? "it is too long" : NULL;
}

static void bus_dump(void *ctx, const struct journal_record *record)
{
    tip_auto(tip_buf_deinit) struct tip_buf line;
    const struct bus *bus = ctx;
    const char *why;

    tip_buf_init(&line, BUS_LINE_BYTES);
    if (record->seq < bus->dump_from || record->seq > bus->dump_to)
        return;
    why = bus_dump_line(record, &line);
    if (why)
        cli_error("record %" PRIu64 " (%.*s) cannot be shown: %s", record->seq, (int)record->topic_len,
                  journal_record_topic(record), why);
    else
        puts(tip_buf_text(&line));
}

/* "5..9", "5..", "..9", "5" */
static int bus_range(const char *text, uint64_t *fromp, uint64_t *top)
{
    const char *dots = strstr(text, "..");
    char *end;

    *fromp = 1;
    *top = UINT64_MAX;
    if (text[strspn(text, "0123456789.")] || !*text)
        return -EINVAL;
    if (dots != text) {
        *fromp = strtoull(text, &end, 10);
        if (end != (dots ? dots : text + strlen(text)) || !*fromp)
            return -EINVAL;
    }
    if (!dots)
        *top = *fromp;
    else if (dots[2]) {
        *top = strtoull(dots + 2, &end, 10);
        if (*end || *top < *fromp)
            return -EINVAL;
    }
    return 0;
}

/* ---- verify ---- */

/* The journal's own directory, or the broker's data directory that it lies in. */
static void bus_dir(const char *named, char path[static BUS_PATH_BYTES])
{
    struct stat status;

    if (snprintf(path, BUS_PATH_BYTES, "%s/journal", named) >= BUS_PATH_BYTES || stat(path, &status) == -1 ||
        !S_ISDIR(status.st_mode))
        (void)snprintf(path, BUS_PATH_BYTES, "%s", named); /* what is cut does not open */
}

static int bus_refused(const char *dir, int r)
{
    if (r == -EBUSY)
        cli_error("%s: a broker is running on this journal: stop it, or add --live to check all but the file it is "
                  "writing to",
                  dir);
    else
        cli_error("%s: %s", dir, r == -ENOENT ? "no journal is here" : strerror(-r));
    return r == -EIO ? CLI_FAILED : CLI_USAGE;
}

static int bus_verify_read(struct bus *bus, struct journal_verify *verify, const char *dir)
{
    tip_auto(journal_disk_destroy) struct journal_disk *disk = NULL;
    int r = journal_disk_open_read_only(&disk, dir, verify->live);

    verify->disk = disk;
    if (!r)
        r = journal_verify_run(verify);
    if (r)
        return bus_refused(dir, r);
    r = bus->dump_from ? CLI_OK : bus_show(bus, verify);
    if (bus->dump_from && verify->n_damages)
        cli_error("the journal is damaged in %" PRIu64 " places: see it without --dump", verify->n_damages);
    return r ? r : verify->n_damages ? CLI_FAILED : CLI_OK;
}

static int bus_verify_run(struct cli *cli)
{
    struct bus bus = {.cli = cli};
    struct journal_verify verify = {
        .live = cli_flag(cli, VERIFY_LIVE), .on_segment = bus_on_segment, .on_damage = bus_on_damage, .ctx = &bus};
    char dir[BUS_PATH_BYTES];
    int r;

    if (cli_flag(cli, VERIFY_DUMP) && bus_range(cli_text(cli, VERIFY_DUMP, ""), &bus.dump_from, &bus.dump_to)) {
        cli_error("--dump takes FROM..TO, numbers of the journal");
        return CLI_USAGE;
    }
    verify.on_record = bus.dump_from ? bus_dump : NULL;
    bus.segments = json_array();
    bus.damages = json_array();
    bus_dir(cli->args[0], dir);
    r = bus_verify_read(&bus, &verify, dir);
    journal_verify_deinit(&verify);
    json_decref(bus.segments);
    json_decref(bus.damages);
    return r;
}

static const struct cli_command bus_verify = {
    .name = "verify",
    .arguments = "DIR",
    .summary = "Reads a journal offline, every byte of it, and says what is damaged. Changes nothing.",
    .details =
        "DIR is the broker's data directory, or the journal in it. Shows the journal's id, its segments, how far each\n"
        "publisher and each class has come, and who has stored how much of it; then what is damaged, by file,\n"
        "offset and numbers. A torn tail is told apart: it was never acked, and the broker's next start cuts\n"
        "it off. The broker must not run meanwhile, unless you say --live. Exit code 0 when nothing is\n"
        "damaged, 1 when something is, 2 when there is nothing to read.",
    .options = verify_rows,
    .n_options = VERIFY_OPTIONS,
    .min_args = 1,
    .max_args = 1,
    .run = bus_verify_run,
};

const struct cli_command cmd_bus = {
    .name = "bus",
    .arguments = "",
    .summary = "The journal of the event bus.",
    .verbs = (const struct cli_command *const[]){&bus_verify, NULL},
};
