#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <jansson.h>

#include <tip/clock.h>
#include <tip/snapshot.h>
#include <topics.h>

#include "client.h"
#include "commands.h"
#include "reader.h"
#include "verdict.h"

enum { SNAP_DOOR, SNAP_FOLLOW, SNAP_TIMEOUT, SNAP_DEADLINE, SNAP_OPTIONS };
enum { SNAP_DEADLINE_MS = 60000 };

static const struct cli_option snap_rows[SNAP_OPTIONS] = {
    [SNAP_DOOR] = {"door", 0, "TLP", "As this audience may see it: clear, green or amber [the key's]."},
    [SNAP_FOLLOW] = {"follow", 0, NULL, "Goes on with what changes, until interrupted."},
    [SNAP_TIMEOUT] = {"timeout", 't', "TIME", "With --follow: ends after this time (90s, 15m)."},
    [SNAP_DEADLINE] = {"deadline", 0, "TIME", "Gives up on a snapshot that has not come by then [60s]."},
};

struct snap;

/** A stream of state: what it is called, which events tell its changes, and how they are shown. */
struct snap_stream {
    const char *name;
    const char *prefix;
    enum tip_event_kind kind;
    const struct tip_column *columns;
    size_t n_columns;
    const char *human; /* the columns for people */
    void (*show)(struct snap *snap, const struct tip_event *event, const char *seq, const char *snapshot);
};

struct snap {
    const struct cli *cli;
    const struct snap_stream *stream;
    enum tip_tlp door;
    uint64_t timeout_ms, deadline_ms;
    struct client client;
    struct out *table; /* NULL: lines for people, as they come */
    struct tip_snapshot_reader *reader;
    struct tip_snapshot_end end;
    char id[33]; /* of the snapshot, hexadecimal */
    struct tip_fetch *fetch;
    struct reader output; /* who reads it */
    bool is_broken, is_over;
    uint64_t n_bad; /* events that could not be read */
};

/* ---- verdicts ---- */

enum { V_KIND, V_VALUE, V_SCORE, V_TIER, V_FAMILIES, V_REASONS, V_N_REASONS, V_SEQ, V_SNAPSHOT, V_COUNT };

static const struct tip_column verdict_columns[V_COUNT] = {
    [V_KIND] = {"kind", TIP_COLUMN_TEXT},          [V_VALUE] = {"value", TIP_COLUMN_TEXT},
    [V_SCORE] = {"score", TIP_COLUMN_REAL},        [V_TIER] = {"tier", TIP_COLUMN_TEXT},
    [V_FAMILIES] = {"families", TIP_COLUMN_TEXT},  [V_REASONS] = {"reasons", TIP_COLUMN_TEXT},
    [V_N_REASONS] = {"n_reasons", TIP_COLUMN_INT}, [V_SEQ] = {"seq", TIP_COLUMN_INT},
    [V_SNAPSHOT] = {"snapshot", TIP_COLUMN_TEXT},
};

static void verdict_show(struct snap *snap, const struct tip_verdict *verdict, const char *seq, const char *snapshot)
{
    tip_auto(tip_free) char *families = verdict_families(verdict, snap->cli->out.mode);
    tip_auto(tip_free) char *reasons = verdict_reasons(verdict, snap->cli->out.mode);
    char score[32], n_reasons[16];
    const char *cells[V_COUNT] = {
        [V_KIND] = tip_kind_name(verdict->kind),
        [V_VALUE] = verdict->value,
        [V_SCORE] = score,
        [V_TIER] = tip_tier_name(verdict->tier),
        [V_FAMILIES] = families,
        [V_REASONS] = reasons,
        [V_N_REASONS] = n_reasons,
        [V_SEQ] = seq,
        [V_SNAPSHOT] = snapshot,
    };

    snprintf(score, sizeof(score), "%.6g", verdict->score);
    snprintf(n_reasons, sizeof(n_reasons), "%" PRIu32, verdict->reason_count);
    if (snap->table) {
        out_row(snap->table, cells, NULL);
        return;
    }
    printf("%-5s %-8s %s ", cells[V_TIER], score, cells[V_KIND]);
    out_safe_line(stdout, verdict->value);
}

static void verdicts_show(struct snap *snap, const struct tip_event *event, const char *seq, const char *snapshot)
{
    for (size_t i = 0; i < event->verdict_changes.n_verdicts; i++)
        verdict_show(snap, &event->verdict_changes.verdicts[i], seq, snapshot);
}

/* ---- the allow and deny list ---- */

enum { A_RULE, A_KIND, A_VALUE, A_SCOPE, A_REASON, A_ACTOR, A_SINCE, A_UNTIL, A_SEQ, A_SNAPSHOT, A_COUNT };

static const struct tip_column allow_columns[A_COUNT] = {
    [A_RULE] = {"rule", TIP_COLUMN_TEXT},     [A_KIND] = {"kind", TIP_COLUMN_TEXT},
    [A_VALUE] = {"value", TIP_COLUMN_TEXT},   [A_SCOPE] = {"scope", TIP_COLUMN_TEXT},
    [A_REASON] = {"reason", TIP_COLUMN_TEXT}, [A_ACTOR] = {"actor", TIP_COLUMN_TEXT},
    [A_SINCE] = {"since", TIP_COLUMN_TIME},   [A_UNTIL] = {"until", TIP_COLUMN_TIME},
    [A_SEQ] = {"seq", TIP_COLUMN_INT},        [A_SNAPSHOT] = {"snapshot", TIP_COLUMN_TEXT},
};

/* @param rule  how it stands now: `none` for what has left the list */
static void allow_show(struct snap *snap, const struct tip_allow_entry *entry, const char *rule,
                       const char *const from[static 2])
{
    char since[TIP_CLOCK_TEXT], until[TIP_CLOCK_TEXT];
    const char *cells[A_COUNT] = {
        [A_RULE] = rule,
        [A_KIND] = tip_kind_name(entry->kind),
        [A_VALUE] = entry->value,
        [A_SCOPE] = tip_allow_scope_name(entry->scope),
        [A_REASON] = entry->reason,
        [A_ACTOR] = entry->actor,
        [A_SINCE] = since,
        [A_UNTIL] = entry->until_unix_ms ? until : NULL,
        [A_SEQ] = from[0],
        [A_SNAPSHOT] = from[1],
    };

    (void)tip_clock_format(entry->since_unix_ms, since); /* its length */
    (void)tip_clock_format(entry->until_unix_ms, until);
    if (snap->table) {
        out_row(snap->table, cells, NULL);
        return;
    }
    printf("%-5s %-7s ", rule, cells[A_SCOPE]);
    out_safe_line(stdout, entry->value);
}

static void allows_show(struct snap *snap, const struct tip_event *event, const char *seq, const char *snapshot)
{
    const struct tip_allow_changes *changes = &event->allow_changes;
    const char *const from[] = {seq, snapshot};

    for (size_t i = 0; i < changes->n_removed; i++)
        allow_show(snap, &changes->removed[i], "none", from);
    for (size_t i = 0; i < changes->n_added; i++)
        allow_show(snap, &changes->added[i], tip_allow_rule_name(changes->added[i].rule), from);
}

static const struct snap_stream snap_streams[] = {
    {"allow", TIP_TOPIC_CONTROL_ALLOW, TIP_EVENT_CONTROL_ALLOW, allow_columns, A_COUNT,
     "rule,kind,value,scope,since,until,actor,reason", allows_show},
    {"verdict", TIP_TOPIC_VERDICT_CHANGES, TIP_EVENT_VERDICT_CHANGES, verdict_columns, V_COUNT,
     "tier,score,kind,value,reasons", verdicts_show},
};

/* ---- events, of a snapshot and behind it ---- */

static void snap_show(struct snap *snap, const uint8_t *bytes, size_t n, uint64_t seq, const char *snapshot)
{
    tip_auto(tip_event_destroy) struct tip_event *event = NULL;
    const char *reason = "it is of another kind";
    char number[24];

    if (tip_event_decode(bytes, n, &event, &reason) || event->kind != snap->stream->kind) {
        if (snap->n_bad++ == 0)
            cli_error("an event cannot be read: %s", reason ? reason : "no reason");
        return;
    }
    snprintf(number, sizeof(number), "%" PRIu64, seq);
    snap->stream->show(snap, event, number, snapshot);
}

static void snap_on_gone(void *ctx)
{
    struct snap *snap = ctx;

    snap->is_over = true;
    client_wake(&snap->client);
}

static void snap_flush(struct snap *snap)
{
    fflush(stdout);
    if (ferror(stdout))
        snap->is_over = true;
}

/* ---- the state ---- */

static void snap_on_begin(void *ctx, const struct tip_snapshot_end *end)
{
    struct snap *snap = ctx;

    snap->end = *end;
    for (size_t i = 0; i < sizeof(end->snapshot_id.bytes); i++)
        snprintf(snap->id + 2 * i, 3, "%02x", end->snapshot_id.bytes[i]);
}

static int snap_on_event(void *ctx, const uint8_t *event, size_t n)
{
    struct snap *snap = ctx;

    snap_show(snap, event, n, snap->end.seq, snap->id);
    return ferror(stdout) ? -EPIPE : 0;
}

static void snap_on_end(void *ctx, const struct tip_snapshot_end *end)
{
    struct snap *snap = ctx;

    snap->end = *end;
    client_wake(&snap->client);
}

static int snap_failed(const struct snap *snap)
{
    cli_error("no snapshot of %s for %s: %s", snap->stream->name, tip_tlp_name(snap->door), snap->end.why);
    if (snap->end.result == -ETIMEDOUT)
        return CLI_UNREACHABLE;
    return snap->end.result == -EACCES ? CLI_DENIED : CLI_FAILED;
}

/* @param other_than  the one that cannot be followed; zero at first */
static int snap_read(struct snap *snap, const struct tip_id *other_than)
{
    const struct tip_snapshot_read_config config = {.stream = snap->stream->name,
                                                    .audience = snap->door,
                                                    .deadline_ms = snap->deadline_ms,
                                                    .other_than = *other_than,
                                                    .on_begin = snap_on_begin,
                                                    .on_event = snap_on_event,
                                                    .on_end = snap_on_end,
                                                    .ctx = snap};
    int r = tip_snapshot_read(&snap->reader, snap->client.loop, snap->client.bus, &config);

    if (r) {
        cli_error("cannot ask for a snapshot: %s", strerror(-r));
        return CLI_FAILED;
    }
    r = client_wait(&snap->client, 0);
    tip_snapshot_reader_destroy(&snap->reader);
    if (r)
        return r;
    snap_flush(snap);
    return snap->end.result && !snap->is_over ? snap_failed(snap) : CLI_OK;
}

/* ---- what comes after ---- */

static void snap_on_batch(void *ctx, const struct tip_fetch_batch *batch)
{
    struct snap *snap = ctx;

    for (size_t i = 0; i < batch->n_records; i++) {
        const struct tip_record *record = &batch->records[i];

        if (record->stamp.tlp <= snap->door) /* what this audience may see */
            snap_show(snap, record->event, record->event_len, record->stamp.seq, NULL);
    }
    snap_flush(snap);
    if (snap->is_over)
        client_wake(&snap->client);
    else
        tip_fetch_done(snap->fetch, &batch->journal_id, batch->next_seq);
}

static void snap_on_break(void *ctx, enum tip_fetch_break why, const struct tip_id *journal_id, uint64_t next_seq)
{
    static const char *const words[] = {[TIP_FETCH_NEW_JOURNAL] = "the broker has begun a new journal",
                                        [TIP_FETCH_TRIMMED] = "records were trimmed before they were read",
                                        [TIP_FETCH_DAMAGED] = "records in the journal are damaged"};
    struct snap *snap = ctx;

    (void)journal_id;
    (void)next_seq; /* where the next snapshot says, not here */
    fprintf(stderr, "tip: %s: the state is read anew\n", words[why]);
    snap->is_broken = true;
    client_wake(&snap->client);
}

/* Until interrupted, too late, or nobody reads; or the way is broken. */
static int snap_follow(struct snap *snap)
{
    const char *const prefixes[] = {snap->stream->prefix, NULL};
    int r = tip_fetch_open(&snap->fetch, snap->client.bus,
                           &(struct tip_fetch_config){.prefixes = prefixes,
                                                      .journal_id = snap->end.journal_id,
                                                      .from_seq = snap->end.seq + 1,
                                                      .on_batch = snap_on_batch,
                                                      .on_break = snap_on_break,
                                                      .ctx = snap});

    if (r) {
        cli_error("cannot fetch: %s", strerror(-r));
        return CLI_FAILED;
    }
    snap->is_broken = false;
    r = client_wait(&snap->client, snap->timeout_ms);
    tip_fetch_destroy(&snap->fetch);
    return r;
}

/* The whole recipe: the state, what comes after it, and the state again when there is no way from the one to the other.
 */
static int snap_recipe(struct snap *snap)
{
    struct tip_id other_than = {0};
    int r;

    reader_init(&snap->output, snap->client.loop, STDOUT_FILENO, snap_on_gone, snap);
    do {
        r = snap_read(snap, &other_than);
        if (r == CLI_OK && cli_flag(snap->cli, SNAP_FOLLOW) && !snap->is_over)
            r = snap_follow(snap);
        other_than = snap->end.snapshot_id;
    } while (r == CLI_OK && snap->is_broken && !snap->is_over && !snap->client.is_late);
    reader_deinit(&snap->output);
    return r;
}

/* ---- the command ---- */

static int snap_stream_of(struct snap *snap, const char *name)
{
    tip_auto(tip_buf_deinit) struct tip_buf names;

    tip_buf_init(&names, 256);
    for (size_t i = 0; i < sizeof(snap_streams) / sizeof(snap_streams[0]); i++) {
        if (strcmp(snap_streams[i].name, name) == 0)
            snap->stream = &snap_streams[i];
        (void)!tip_buf_append_format(&names, "%s%s", i ? ", " : "", snap_streams[i].name); /* our own words */
    }
    if (snap->stream)
        return CLI_OK;
    cli_error("there is no stream \"%s\"; there are: %s", name, tip_buf_text(&names));
    return CLI_USAGE;
}

/* What never ends is shown as it comes: no table for people, no array of JSON. */
static int snap_table(struct snap *snap)
{
    struct out_config out = snap->cli->out;
    bool is_follow = cli_flag(snap->cli, SNAP_FOLLOW);
    const char *bad = NULL;

    out.nested = VERDICT_NESTED;
    if (is_follow && out.mode == OUT_JSON)
        out.mode = OUT_NDJSON;
    if (is_follow && out.mode == OUT_HUMAN)
        return CLI_OK;
    if (out.mode == OUT_HUMAN && !out.fields)
        out.fields = snap->stream->human;
    if (out_open(&snap->table, &out, snap->stream->columns, snap->stream->n_columns, &bad))
        return cli_bad_field(bad);
    return CLI_OK;
}

static int snap_run(struct cli *cli)
{
    struct snap snap = {.cli = cli, .deadline_ms = SNAP_DEADLINE_MS};
    unsigned needs = CLIENT_CALLS | (cli_flag(cli, SNAP_FOLLOW) ? (unsigned)CLIENT_FETCH : 0);
    int r;

    if (cli_duration(cli, SNAP_TIMEOUT, &snap.timeout_ms) || cli_duration(cli, SNAP_DEADLINE, &snap.deadline_ms))
        return CLI_USAGE;
    r = snap_stream_of(&snap, cli->args[0]);
    if (r == CLI_OK && client_door_of(cli_text(cli, SNAP_DOOR, NULL), &snap.door))
        r = CLI_USAGE;
    if (r != CLI_OK)
        return r;
    r = client_open(&snap.client, cli->config, needs);
    if (r == CLI_OK)
        r = client_door(&snap.client, &snap.door);
    if (r == CLI_OK)
        r = snap_table(&snap);
    if (r == CLI_OK)
        r = snap_recipe(&snap);
    out_destroy(&snap.table);
    client_close(&snap.client);
    return r == CLI_OK && snap.n_bad ? CLI_DEGRADED : r;
}

const struct cli_command cmd_snapshot = {
    .name = "snapshot",
    .arguments = "STREAM",
    .summary = "The state of a stream, from its owner: every verdict in force, every entry of the allow and deny list.",
    .details =
        "With --follow also what changes after it, read from the journal where the snapshot ends: nothing is missed\n"
        "in between. A row says how its key stands now (tier `none`: gone); rows of the state have the `snapshot`\n"
        "that they are of. A new one there begins anew: the way from the last one was lost. Streams: allow, verdict.",
    .options = snap_rows,
    .n_options = SNAP_OPTIONS,
    .words = (const char *const[]){"allow", "verdict", NULL},
    .min_args = 1,
    .max_args = 1,
    .run = snap_run,
};
