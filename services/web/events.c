#include "events.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tip/alloc.h>
#include <tip/log.h>
#include <topics.h>

#include "codec.h"
#include "core/header.h"

enum {
    EVENTS_TICK_MS = 1000,
    EVENTS_BEAT_TICKS = 15,
    EVENTS_HEAD_TICKS = 2,
    EVENTS_BACK = 500,          /* records from before the start, for who looks at the page then */
    EVENTS_RECENT_BYTES = 2048, /* a longer one is made brief */
    EVENTS_BRIEF_BYTES = 256,
    EVENTS_CLIENT_BYTES = 128 * 1024, /* of a client's own fetch */
    EVENTS_CLIENT_RECORDS = 256,
    EVENTS_TEXT_BYTES = 4 << 20,
};

enum { M_RECORDS, M_BREAKS, M_SENT, M_BEHIND, M_WAITING, M_RING, M_REVOKED, M_COUNT };

static const struct tip_metric_row events_rows[M_COUNT] = {
    [M_RECORDS] = {TIP_METRIC_COUNTER, "tip_web_events_read_total", "", "Records read from the journal for streams."},
    [M_BREAKS] = {TIP_METRIC_COUNTER, "tip_web_events_breaks_total", "", "Gaps that streams were told of."},
    [M_SENT] = {TIP_METRIC_COUNTER, "tip_web_events_sent_total", "", "Records sent to streams."},
    [M_BEHIND] = {TIP_METRIC_GAUGE, "tip_web_streams_behind", "", "Streams that read the journal by themselves."},
    [M_WAITING] = {TIP_METRIC_GAUGE, "tip_web_streams_waiting", "", "Streams that wait to do so."},
    [M_RING] = {TIP_METRIC_GAUGE, "tip_web_ring_bytes", "", "Newest records kept for all streams."},
    [M_REVOKED] = {TIP_METRIC_COUNTER, "tip_web_streams_revoked_total", "", "Streams ended with their token."},
};

struct client {
    struct events *events;
    struct web_stream *stream;
    uint64_t grant_id;
    char prefixes[WEB_PREFIXES_MAX][256];
    const char *prefix_list[WEB_PREFIXES_MAX + 1];
    struct web_follow follow;
    bool has_position; /* knows where it is */
    struct tip_id journal_id;
    struct tip_fetch *fetch; /* while it reads by itself */
    bool is_handing;         /* a batch waits for room */
    bool is_waiting;         /* for one of EVENTS_FETCHES_MAX */
    struct tip_id done_journal;
    uint64_t done_seq;
    struct client *next, **link;
};

struct events {
    struct app *app;
    struct web_ring *ring;
    struct tip_fetch *tail;
    struct web_call *ask;
    struct client *clients;
    size_t n_fetches;
    struct tip_timer tick;
    unsigned n_ticks;
    struct tip_metric *m[M_COUNT];
};

static void client_pump(struct client *client);

/* ---- texts ---- */

static struct web_text *events_text(const struct tip_record *record)
{
    tip_auto(tip_buf_deinit) struct tip_buf out;
    size_t at, len;

    tip_buf_init(&out, EVENTS_TEXT_BYTES);
    return codec_record(record, &out, &at, &len) ? NULL : web_text_new((const char *)out.data, out.len);
}

/* Unmarked is amber. */
static uint8_t events_audience(const struct tip_stamp *stamp)
{
    return (uint8_t)(stamp->tlp == TIP_TLP_NONE ? TIP_TLP_AMBER : stamp->tlp);
}

static struct web_text *events_gap_text(enum tip_fetch_break why, const struct tip_id *journal_id, uint64_t from,
                                        uint64_t next)
{
    static const char *const names[] = {
        [TIP_FETCH_NEW_JOURNAL] = "new_journal", [TIP_FETCH_TRIMMED] = "trimmed", [TIP_FETCH_DAMAGED] = "damaged"};
    struct web_position position = {.seq = next ? next - 1 : 0};
    char id[WEB_POSITION_TEXT], from_text[32] = "null", to_text[32] = "null", text[512];
    int n;

    memcpy(position.journal_id, journal_id->bytes, sizeof(position.journal_id));
    web_position_format(&position, id);
    if (why != TIP_FETCH_NEW_JOURNAL && next > from) {
        snprintf(from_text, sizeof(from_text), "%llu", (unsigned long long)from);
        snprintf(to_text, sizeof(to_text), "%llu", (unsigned long long)next - 1);
    }
    n = snprintf(
        text, sizeof(text),
        "event: gap\nid: %s\ndata: {\"journal_id\":\"%.32s\",\"from_seq\":%s,\"to_seq\":%s,\"why\":\"%s\"}\n\n", id, id,
        from_text, to_text, names[why]);
    return web_text_new(text, (size_t)n);
}

/* ---- clients ---- */

static void client_unfetch(struct client *client)
{
    if (client->fetch)
        client->events->n_fetches--;
    tip_fetch_destroy(&client->fetch);
    client->is_handing = client->is_waiting = false;
}

static void client_free(struct client *client)
{
    client_unfetch(client);
    *client->link = client->next;
    if (client->next)
        client->next->link = client->link;
    free(client);
}

static void client_on_close(void *ctx)
{
    client_free(ctx);
}

static void client_on_drained(void *ctx)
{
    client_pump(ctx);
}

static void client_send(struct client *client, struct web_text *text)
{
    web_stream_send(client->stream, text);
    tip_metric_inc(client->events->m[M_SENT]);
}

/* The ring's journal, and not before what the ring has. */
static bool client_fits_ring(const struct client *client)
{
    const struct web_ring *ring = client->events->ring;

    return web_ring_is_begun(ring) && !memcmp(client->journal_id.bytes, web_ring_journal(ring), 16) &&
           client->follow.next_seq >= web_ring_first(ring);
}

static void client_on_batch(void *ctx, const struct tip_fetch_batch *batch)
{
    struct client *client = ctx;

    for (size_t i = 0; i < batch->n_records; i++) {
        const struct tip_record *record = &batch->records[i];
        struct web_text *text = NULL;

        if (web_follow_wants(&client->follow, record->stamp.topic, events_audience(&record->stamp)))
            text = events_text(record);
        if (text)
            client_send(client, text);
        web_text_destroy(&text);
    }
    client->journal_id = batch->journal_id;
    client->follow.next_seq = batch->next_seq;
    client->is_handing = true;
    client->done_journal = batch->journal_id;
    client->done_seq = batch->next_seq;
    client_pump(client);
}

static void client_gap(struct client *client, enum tip_fetch_break why, const struct tip_id *journal_id, uint64_t next)
{
    struct web_text *text = events_gap_text(why, journal_id, client->follow.next_seq, next);

    web_stream_send(client->stream, text);
    web_text_destroy(&text);
    client->journal_id = *journal_id;
    client->follow.next_seq = next;
    tip_metric_inc(client->events->m[M_BREAKS]);
}

static void client_on_break(void *ctx, enum tip_fetch_break why, const struct tip_id *journal_id, uint64_t next_seq)
{
    struct client *client = ctx;
    const struct tip_id journal = *journal_id;

    client_gap(client, why, &journal, next_seq);
    client->is_handing = true;
    client->done_journal = journal;
    client->done_seq = next_seq;
    client_pump(client);
}

static void client_fetch(struct client *client)
{
    struct events *events = client->events;
    const struct tip_fetch_config config = {
        .consumer = "",
        .prefixes = client->follow.n_prefixes ? client->prefix_list : NULL,
        .max_bytes = EVENTS_CLIENT_BYTES,
        .max_events = EVENTS_CLIENT_RECORDS,
        .journal_id = client->journal_id,
        .from_seq = client->follow.next_seq,
        .on_batch = client_on_batch,
        .on_break = client_on_break,
        .ctx = client,
    };

    client->is_waiting = events->n_fetches >= EVENTS_FETCHES_MAX || !events->app->bus;
    if (client->is_waiting)
        return;
    if (tip_fetch_open(&client->fetch, events->app->bus, &config)) {
        client->is_waiting = true;
        return;
    }
    events->n_fetches++;
}

/* Reads the ring for as long as there is room. */
static void client_read_ring(struct client *client)
{
    const struct web_record *record = NULL;

    while (web_stream_has_room(client->stream)) {
        if (web_ring_read(client->events->ring, &client->follow, &record) || !record)
            return;
        client_send(client, record->text);
    }
}

static void client_begin_at_end(struct client *client)
{
    const struct web_ring *ring = client->events->ring;

    if (!web_ring_is_begun(ring))
        return;
    memcpy(client->journal_id.bytes, web_ring_journal(ring), 16);
    client->follow.next_seq = web_ring_next(ring);
    client->has_position = true;
}

static void client_pump(struct client *client)
{
    if (!client->has_position)
        client_begin_at_end(client);
    if (!client->has_position || !web_stream_has_room(client->stream) || (client->fetch && !client->is_handing))
        return;
    if (client_fits_ring(client)) {
        client_unfetch(client);
        client_read_ring(client);
        return;
    }
    if (client->fetch) {
        client->is_handing = false;
        tip_fetch_done(client->fetch, &client->done_journal, client->done_seq);
    } else if (web_ring_is_begun(client->events->ring)) {
        client_fetch(client);
    }
}

static void events_pump(struct events *events)
{
    struct client *next;

    for (struct client *client = events->clients; client; client = next) {
        next = client->next;
        client_pump(client);
    }
}

/* ---- a new one ---- */

static const char *client_prefixes(struct client *client, const struct web_uri *uri)
{
    for (size_t i = 0; i < uri->n; i++) {
        if (strcmp(uri->params[i].name, "prefix") != 0 || !*uri->params[i].value)
            continue;
        if (client->follow.n_prefixes == WEB_PREFIXES_MAX)
            return "there are at most 16 prefixes";
        if (web_prefix_make(uri->params[i].value, client->prefixes[client->follow.n_prefixes]))
            return "a prefix is no beginning of a topic";
        client->prefix_list[client->follow.n_prefixes] = client->prefixes[client->follow.n_prefixes];
        client->follow.n_prefixes++;
    }
    return NULL;
}

static const char *client_resume(struct client *client, const char *last_id)
{
    struct web_position position;

    if (!last_id || !*last_id)
        return NULL;
    if (web_position_parse(&position, last_id))
        return "Last-Event-ID is none of ours";
    memcpy(client->journal_id.bytes, position.journal_id, 16);
    client->follow.next_seq = position.seq + 1;
    client->has_position = true;
    return NULL;
}

static void client_say(struct client *client, const char *line)
{
    struct web_text *text = web_text_new(line, strlen(line));

    web_stream_send(client->stream, text);
    web_text_destroy(&text);
}

static void client_link(struct client *client)
{
    struct events *events = client->events;

    client->link = &events->clients;
    client->next = events->clients;
    if (client->next)
        client->next->link = &client->next;
    events->clients = client;
}

void events_open(struct events *events, struct web_request **requestp, const struct web_uri *uri,
                 const struct web_right *right, uint64_t grant_id)
{
    struct client *client = tip_new(struct client);
    struct web_stream_config config = {.on_drained = client_on_drained, .on_close = client_on_close, .ctx = client};
    const char *last_id = web_request_header(*requestp, "Last-Event-ID");
    const char *why;

    client->events = events;
    client->grant_id = grant_id;
    client->follow.audience = right->audience;
    client->follow.prefixes = client->prefix_list;
    why = client_prefixes(client, uri);
    if (!why)
        why = client_resume(client, last_id ? last_id : web_uri_get(uri, "last_event_id"));
    if (why) {
        app_problem(requestp, 400, why);
        free(client);
        return;
    }
    config.reply = app_headers(200, "text/event-stream; charset=utf-8");
    if (web_request_is_head(*requestp)) {
        web_reply(requestp, &config.reply);
        free(client);
        return;
    }
    client->stream = web_stream_open(requestp, &config);
    if (!client->stream) {
        free(client);
        return;
    }
    client_link(client);
    client_say(client, "retry: 2000\n\n");
    client_pump(client);
}

/* ---- the end of the journal ---- */

static void events_on_batch(void *ctx, const struct tip_fetch_batch *batch)
{
    struct events *events = ctx;
    struct web_record record = {.seq = 0};

    for (size_t i = 0; i < batch->n_records; i++) {
        const struct tip_stamp *stamp = &batch->records[i].stamp;

        record.text = events_text(&batch->records[i]);
        if (!record.text)
            continue;
        record.seq = stamp->seq;
        record.audience = events_audience(stamp);
        strcpy(record.topic, stamp->topic);
        web_ring_add(events->ring, &record);
    }
    tip_metric_add(events->m[M_RECORDS], batch->n_records);
    web_ring_advance(events->ring, batch->next_seq);
    tip_fetch_done(events->tail, &batch->journal_id, batch->next_seq);
    events_pump(events);
}

static void events_on_break(void *ctx, enum tip_fetch_break why, const struct tip_id *journal_id, uint64_t next_seq)
{
    struct events *events = ctx;
    const struct tip_id journal = *journal_id;
    struct client *next;

    tip_warn("events.break", "why=%d next_seq=%llu", (int)why, (unsigned long long)next_seq);
    for (struct client *client = events->clients; client; client = next) {
        next = client->next;
        if (client->has_position && !client->fetch && client_fits_ring(client)) {
            client_read_ring(client);
            if (client->follow.next_seq == web_ring_next(events->ring))
                client_gap(client, why, &journal, next_seq);
        }
    }
    web_ring_begin(events->ring, journal.bytes, next_seq);
    tip_fetch_done(events->tail, &journal, next_seq);
    events_pump(events);
}

static int events_hex(const char *text, struct tip_id *id)
{
    struct web_position position;
    char with_seq[WEB_POSITION_TEXT];

    snprintf(with_seq, sizeof(with_seq), "%.32s:0", text);
    if (web_position_parse(&position, with_seq))
        return -1;
    memcpy(id->bytes, position.journal_id, sizeof(id->bytes));
    return 0;
}

static void events_follow(struct events *events, const struct web_table *journal)
{
    const char *id = journal->n_rows ? web_table_cell(journal, 0, "journal_id") : NULL;
    const char *head = journal->n_rows ? web_table_cell(journal, 0, "head_seq") : NULL;
    const char *first = journal->n_rows ? web_table_cell(journal, 0, "first_seq") : NULL;
    struct tip_fetch_config config = {
        .consumer = "", .max_bytes = 1 << 20, .on_batch = events_on_batch, .on_break = events_on_break, .ctx = events};
    uint64_t end = head ? strtoull(head, NULL, 10) + 1 : 1;
    uint64_t least = first ? strtoull(first, NULL, 10) : 1;

    if (!id || events_hex(id, &config.journal_id))
        return;
    config.from_seq = end > EVENTS_BACK ? end - EVENTS_BACK : 1;
    if (config.from_seq < least)
        config.from_seq = least;
    web_ring_begin(events->ring, config.journal_id.bytes, config.from_seq);
    if (tip_fetch_open(&events->tail, events->app->bus, &config))
        tip_warn("events.refused", "the journal cannot be followed");
}

static void events_on_journal(void *ctx, enum tip_failure failure, const char *reason, const uint8_t *body, size_t n)
{
    tip_auto(tip_call_free) struct tip_store_answer *answer = NULL;
    struct events *events = ctx;
    struct codec_table table;

    (void)reason;
    events->ask = NULL;
    if (failure || tip_store_answer_decode(body, n, &answer))
        return; /* asked again by the next tick */
    codec_table(&table, answer);
    events_follow(events, &table.table);
}

static void events_ask(struct events *events)
{
    tip_auto(tip_buf_deinit) struct tip_buf body;

    tip_buf_init(&body, 4096);
    if (!tip_store_query_encode(&(struct tip_store_query){.name = "journal"}, &body))
        events->ask = web_call(events->app->calls, TIP_QUEUE_BUS_QUERY, &body, events->app->deadline_ms,
                               events_on_journal, events);
}

/* ---- time ---- */

static void events_say_head(struct events *events)
{
    struct web_position position = {.seq = web_ring_next(events->ring) - 1};
    char id[WEB_POSITION_TEXT], line[256];
    struct web_text *text;

    memcpy(position.journal_id, web_ring_journal(events->ring), 16);
    web_position_format(&position, id);
    snprintf(line, sizeof(line), "event: head\nid: %s\ndata: {\"journal_id\":\"%.32s\",\"head_seq\":%llu}\n\n", id, id,
             (unsigned long long)position.seq);
    text = web_text_new(line, strlen(line));
    for (struct client *client = events->clients; client; client = client->next) {
        if (client->has_position && client_fits_ring(client) && web_stream_has_room(client->stream) &&
            client->follow.next_seq == web_ring_next(events->ring))
            web_stream_send(client->stream, text);
    }
    web_text_destroy(&text);
}

static void events_beat(struct events *events)
{
    struct web_text *text = web_text_new(": still here\n\n", 14);

    for (struct client *client = events->clients; client; client = client->next) {
        if (web_stream_has_room(client->stream))
            web_stream_send(client->stream, text);
    }
    web_text_destroy(&text);
}

void events_recheck(struct events *events)
{
    int64_t now_unix_ms = tip_loop_wall_ms();
    struct client *next;

    for (struct client *client = events->clients; client; client = next) {
        next = client->next;
        if (web_grant_lives(events->app->auth, client->grant_id, now_unix_ms))
            continue;
        tip_metric_inc(events->m[M_REVOKED]);
        web_stream_close(&client->stream);
        client_free(client);
    }
}

static void events_on_tick(void *ctx)
{
    struct events *events = ctx;

    events->n_ticks++;
    if (!events->tail && !events->ask)
        events_ask(events);
    events_recheck(events);
    events_pump(events);
    if (web_ring_is_begun(events->ring) && events->n_ticks % EVENTS_HEAD_TICKS == 0)
        events_say_head(events);
    if (events->n_ticks % EVENTS_BEAT_TICKS == 0)
        events_beat(events);
}

static void events_on_read(void *ctx)
{
    struct events *events = ctx;
    size_t n_waiting = 0;

    for (const struct client *client = events->clients; client; client = client->next)
        n_waiting += client->is_waiting;
    tip_metric_set(events->m[M_BEHIND], (double)events->n_fetches);
    tip_metric_set(events->m[M_WAITING], (double)n_waiting);
    tip_metric_set(events->m[M_RING], (double)web_ring_bytes(events->ring));
}

/* ---- the newest ---- */

/* Of a long event: an array is only how many, and long texts are left out. */
static json_t *events_brief(json_t *data)
{
    json_t *brief = json_object(), *value;
    const char *name;

    json_object_foreach(data, name, value)
    {
        if (json_is_array(value))
            json_object_set_new(brief, name, json_integer((json_int_t)json_array_size(value)));
        else if (!json_is_object(value) && (!json_is_string(value) || json_string_length(value) < EVENTS_BRIEF_BYTES))
            json_object_set(brief, name, value);
    }
    return brief;
}

static json_t *events_small(const struct web_record *record)
{
    static const char *const kept[] = {"seq", "topic", "kind", "publisher", "tlp", "commit_time"};
    const char *data = memmem(record->text->bytes, record->text->len, "data: ", 6);
    size_t len = data ? record->text->len - (size_t)(data + 6 - record->text->bytes) - 2 : 0;
    json_t *whole = data ? json_loadb(data + 6, len, 0, NULL) : NULL, *small;

    if (!whole || len <= EVENTS_RECENT_BYTES)
        return whole;
    small = json_object();
    json_object_set_new(small, "data", events_brief(json_object_get(whole, "data")));
    for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
        json_t *value = json_object_get(whole, kept[i]);

        if (value)
            json_object_set(small, kept[i], value);
    }
    json_decref(whole);
    return small;
}

json_t *events_recent(const struct events *events, uint8_t audience, size_t n)
{
    const struct web_follow follow = {.audience = audience};
    const struct web_record *record;
    json_t *recent = json_array();

    for (size_t i = 0; json_array_size(recent) < n && (record = web_ring_newest(events->ring, i)); i++) {
        json_t *small = web_follow_wants(&follow, record->topic, record->audience) ? events_small(record) : NULL;

        if (small)
            json_array_append_new(recent, small);
    }
    return recent;
}

/* ---- beginning and end ---- */

struct events *events_new(struct app *app)
{
    struct events *events = tip_new(struct events);

    events->app = app;
    events->ring = web_ring_new();
    tip_timer_init(&events->tick, app->loop, events_on_tick, events);
    tip_metrics_add(tip_service_metrics(app->service), events_rows, M_COUNT, events->m);
    tip_metrics_on_read(tip_service_metrics(app->service), events_on_read, events);
    return events;
}

void events_start(struct events *events)
{
    tip_timer_every(&events->tick, EVENTS_TICK_MS);
    events_ask(events);
}

void events_stop(struct events *events)
{
    tip_timer_stop(&events->tick);
    web_call_cancel(&events->ask);
    tip_fetch_destroy(&events->tail);
    while (events->clients) {
        struct client *client = events->clients;

        web_stream_close(&client->stream);
        client_free(client);
    }
}

void events_destroy(struct events **eventsp)
{
    struct events *events = *eventsp;

    if (!events)
        return;
    events_stop(events);
    tip_metrics_on_read_cancel(tip_service_metrics(events->app->service), events);
    tip_timer_deinit(&events->tick);
    web_ring_destroy(&events->ring);
    free(events);
    *eventsp = NULL;
}
