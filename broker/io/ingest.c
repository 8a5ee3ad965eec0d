#include "io/ingest_private.h"

#include <stdlib.h>
#include <string.h>

#include <tip/alloc.h>
#include <tip/event.h>
#include <tip/fail.h>
#include <tip/log.h>
#include <tip/loop.h>

#include "codec.h"

enum {
    INGEST_HEAD_BYTES_MAX = 4096,
    INGEST_FRAME_BYTES_MAX = 2 << 20, /* publishers of ours send 256 KiB, or one event */
    INGEST_SEND_HWM = 1000,
    INGEST_RECEIVE_HWM = 128, /* frames that wait for one peer; libzmq stops and starts at half of it */
    INGEST_LIVE_PREFIX = 10   /* bytes of "v1.system." */
};

/* ---- DATA ---- */

static enum meter_refusal ingest_entry_why(int code)
{
    return code == ENTRIES_E_TOPIC ? METER_TOPIC : code == ENTRIES_E_SHORT ? METER_ENTRIES : METER_EVENT;
}

/* Room for the counter is made now, so that nothing of a DATA can be refused once a part of it was taken. */
static bool ingest_topic_taken(struct ingest *ingest, const struct entry *entry)
{
    struct journal_table *table = journal_tablep(ingest->options.journal);
    struct journal_counter *counter;

    return journal_table_topic_again(table, entry->topic, entry->topic_len, entry->tlp) || /* looked at already */
           (tip_topic_valid(entry->topic, entry->topic_len) &&
            journal_table_topic(table, entry->topic, entry->topic_len, entry->tlp, &counter) == 0);
}

/* Why an event is not taken; 0 for the next one to be looked at, ENTRIES_E_END behind the last. */
static int ingest_judge(struct ingest *ingest, const struct broker_peer *from, struct entries *entries,
                        struct router_refusal *refusal)
{
    struct entry entry;
    int r;

    r = entries_next(entries, &entry);
    if (r == ENTRIES_E_END)
        return r;
    if (r) {
        refusal->why = ingest_entry_why(r);
        refusal->reason = entries_why(r);
    } else if (!access_may_publish(from->key, entry.topic, entry.topic_len)) { /* first: the other makes counters */
        refusal->why = METER_ACCESS;
        refusal->reason = "this key may not publish under this topic";
        r = ENTRIES_E_TOPIC;
    } else if (!ingest_topic_taken(ingest, &entry)) {
        refusal->why = METER_TOPIC;
        refusal->reason = "the topic is not v1.<class>.<kind>.<...>. of [a-z0-9_.-], or a class too many";
        r = ENTRIES_E_TOPIC;
    }
    return r;
}

/* All entries or none. @return false after a refusal */
static bool ingest_validate(struct ingest *ingest, const struct broker_peer *from, const struct codec_bytes *body,
                            const struct codec_data *data)
{
    struct router_refusal refusal = {.fatal = true, .pub_seq = data->first_pub_seq};
    struct entries entries;
    int r;

    entries_init(&entries, body ? body->data : NULL, body ? body->len : 0, data->n);
    while ((r = ingest_judge(ingest, from, &entries, &refusal)) == 0)
        refusal.pub_seq++;
    if (r == ENTRIES_E_END)
        return true;
    tip_warn("ingest.refused", "pub_seq=%llu reason=%s", (unsigned long long)refusal.pub_seq, refusal.reason);
    router_refuse(ingest->router, from, &refusal);
    return false;
}

/* One event into the journal: 0 or what journal_begin says. */
static int ingest_append(struct ingest *ingest, struct ingest_rest *rest, const struct entry *entry, int64_t wall_us)
{
    struct journal_publisher *publisher = rest->publisher;
    const struct journal_intent intent = {
        .topic = entry->topic,
        .topic_len = entry->topic_len,
        .tlp = entry->tlp,
        .payload_max = codec_record_max(entry->event_len),
        .wall_us = wall_us,
    };
    struct codec_stamp stamp = {.journal_id = journal_id(ingest->options.journal),
                                .publisher = publisher->name,
                                .epoch = publisher->epoch,
                                .pub_seq = rest->pub_seq,
                                .topic = entry->topic,
                                .topic_len = entry->topic_len,
                                .tlp = entry->tlp};
    struct codec_record record;
    struct journal_slot slot;
    int r;

    r = journal_begin(ingest->options.journal, &intent, &slot);
    if (r)
        return r;
    stamp.seq = slot.seq;
    stamp.class_seq = slot.class_seq;
    stamp.commit_us = slot.commit_us;
    record = codec_record_put(slot.payload, &stamp, entry->event, entry->event_len);
    journal_commit(ingest->options.journal, &slot,
                   &(struct journal_entry){
                       .publisher = publisher,
                       .pub_seq = rest->pub_seq,
                       .payload_len = record.len,
                       .topic_at = record.topic_at,
                       .name_at = record.name_at,
                       .topic_len = entry->topic_len,
                       .name_len = record.name_len,
                       .tlp = entry->tlp,
                   });
    rest->pub_seq++;
    publisher->n_events++;
    publisher->n_bytes += entry->event_len;
    return 0;
}

/* Until one does not fit; then the entry is the next one again. */
static int ingest_append_some(struct ingest *ingest, struct ingest_rest *rest)
{
    const int64_t wall_us = tip_loop_wall_us(); /* one moment a frame */
    struct entries before = rest->entries;
    struct entry entry;
    int r;

    while (entries_next(&rest->entries, &entry) == 0) {
        r = ingest_append(ingest, rest, &entry, wall_us);
        if (r) {
            rest->entries = before;
            return r;
        }
        before = rest->entries;
    }
    return 0;
}

/* Goes on with validated entries: 0 when all are in, else what stopped it. */
int ingest_append_all(struct ingest *ingest, struct ingest_rest *rest)
{
    uint64_t n_events = rest->publisher->n_events, n_bytes = rest->publisher->n_bytes;
    int r;

    r = ingest_append_some(ingest, rest);
    ingest_count(ingest, METER_EVENTS, rest->publisher->n_events - n_events);
    ingest_count(ingest, METER_EVENT_BYTES, rest->publisher->n_bytes - n_bytes);
    return r;
}

static void ingest_accept(struct ingest *ingest, struct ingest_session *session, const struct codec_data *data,
                          const struct codec_bytes *body, uint32_t skip)
{
    struct ingest_rest rest = {.publisher = session->publisher, .pub_seq = data->first_pub_seq + skip};
    struct entry entry;

    entries_init(&rest.entries, body ? body->data : NULL, body ? body->len : 0, data->n);
    for (uint32_t i = 0; i < skip; i++) {
        if (entries_next(&rest.entries, &entry))
            abort(); /* validated */
    }
    ingest_count(ingest, METER_OVERLAP, skip);
    if (skip == data->n && rest.publisher->appended == rest.publisher->durable)
        ingest_send_ack(ingest, session);
    else if (ingest_append_all(ingest, &rest))
        ingest_stall(ingest, &rest);
    (void)journal_submit(ingest->options.journal); /* else it goes when the one under way is durable */
}

static void ingest_on_data(struct ingest *ingest, const struct broker_peer *from, const struct codec_data *data,
                           const struct codec_bytes *body)
{
    static const struct router_refusal nobody = {METER_SESSION, "say HELLO first", 0, false};
    static const struct router_refusal overflow = {METER_EVENT, "pub_seq counts from 1 to 2^63", 0, true};
    struct ingest_session *session = ingest_sessions_find(&ingest->sessions, from);
    struct ingest_session_position position;
    struct journal_publisher *publisher;
    uint32_t skip;

    if (!session) {
        router_refuse(ingest->router, from, &nobody);
        return;
    }
    session->heard_ms = tip_loop_now_ms();
    if (data->epoch == session->epoch)
        window_offer(&session->window, data->first_pub_seq, data->n, body ? body->len : 0, session->heard_ms);
    if (session->waiting || ingest->closed) {
        ingest_drop(ingest, session); /* before its WELCOME, or at a bad time: it comes again */
        return;
    }
    publisher = session->publisher;
    position = ingest_position(publisher);
    switch (ingest_session_data_judge(&position, data->epoch, data->first_pub_seq, data->n, &skip)) {
    case INGEST_SESSION_ACCEPT:
        if (ingest_validate(ingest, from, body, data))
            ingest_accept(ingest, session, data, body, skip);
        return;
    case INGEST_SESSION_GAP:
        ingest_count(ingest, METER_GAPS, 1);
        ingest_send_ack(ingest, session);
        return;
    case INGEST_SESSION_LATE:
        ingest_send_fenced(ingest, from, publisher->epoch);
        return;
    case INGEST_SESSION_UNKNOWN:
        router_refuse(ingest->router, from, &nobody);
        return;
    case INGEST_SESSION_OVERFLOW:
        router_refuse(ingest->router, from, &overflow);
        return;
    }
}

/* ---- LIVE ---- */

static bool ingest_live_entry(const struct broker_peer *from, const struct entry *entry)
{
    return access_may_publish(from->key, entry->topic, entry->topic_len) &&
           tip_topic_valid(entry->topic, entry->topic_len) && entry->topic_len > INGEST_LIVE_PREFIX &&
           memcmp(entry->topic, "v1.system.", INGEST_LIVE_PREFIX) == 0;
}

static void ingest_on_live(struct ingest *ingest, const struct broker_peer *from, const struct codec_live *live,
                           const struct codec_bytes *body)
{
    static const struct router_refusal name = {METER_NAME, "not the name of a publisher", 0, true};
    static const struct router_refusal broken = {METER_ENTRIES,
                                                 "a live event is not v1.system., or the frame is broken", 0, true};
    struct entries entries;
    struct entry entry;
    int r;

    if (!ingest_session_name_valid(live->publisher)) {
        router_refuse(ingest->router, from, &name);
        return;
    }
    if (!ingest_name_taken(ingest, from, live->publisher))
        return;
    entries_init(&entries, body ? body->data : NULL, body ? body->len : 0, live->n);
    while ((r = entries_next(&entries, &entry)) == 0 && ingest_live_entry(from, &entry)) {
        ingest_count(ingest, METER_LIVE, 1);
        ingest->options.on_live(ingest->options.ctx, live->publisher, entry.topic, entry.topic_len, entry.tlp,
                                entry.event, entry.event_len);
    }
    if (r != ENTRIES_E_END)
        router_refuse(ingest->router, from, &broken);
}

/* ---- the socket ---- */

static void ingest_on_frame(void *ctx, const struct broker_peer *from, const struct codec_frame *frame,
                            const struct codec_bytes *body)
{
    static const struct router_refusal kind = {METER_KIND, "ingest takes HELLO, DATA and LIVE", 0, true};
    struct ingest *ingest = ctx;

    switch (frame->kind) {
    case CODEC_HELLO:
        ingest_on_hello(ingest, from, &frame->hello);
        return;
    case CODEC_DATA:
        ingest_on_data(ingest, from, &frame->data, body);
        return;
    case CODEC_LIVE:
        ingest_on_live(ingest, from, &frame->live, body);
        return;
    default: /* of another socket */
        router_refuse(ingest->router, from, &kind);
    }
}

static bool ingest_on_heard(void *ctx, const struct broker_peer *from)
{
    struct ingest *ingest = ctx;
    struct ingest_session *session = ingest_sessions_find(&ingest->sessions, from);

    if (session)
        session->heard_ms = tip_loop_now_ms();
    return !session;
}

int ingest_open(struct ingest **ingestp, struct tip_loop *loop, const struct ingest_options *options)
{
    tip_auto(ingest_destroy) struct ingest *ingest = tip_new(struct ingest);
    const struct router_options router = {
        .endpoint = options->endpoint,
        .socket = METER_INGEST,
        .door = ACCESS_INGEST,
        .guard = options->guard,
        .head_bytes_max = INGEST_HEAD_BYTES_MAX,
        .frame_bytes_max = INGEST_FRAME_BYTES_MAX,
        .send_hwm = INGEST_SEND_HWM,
        .receive_hwm = INGEST_RECEIVE_HWM,
        .meter = options->meter,
        .on_frame = ingest_on_frame,
        .on_heard = ingest_on_heard,
        .ctx = ingest,
    };
    int r;

    ingest->loop = loop;
    ingest->options = *options;
    ingest_sessions_init(&ingest->sessions, options->sessions_max);
    tip_timer_init(&ingest->look, loop, ingest_on_look, ingest);
    r = router_open(&ingest->router, loop, &router);
    if (r)
        return tip_fail(r);
    *ingestp = tip_take(ingest);
    return 0;
}

void ingest_destroy(struct ingest **ingestp)
{
    struct ingest *ingest = *ingestp;

    if (!ingest)
        return;
    tip_timer_deinit(&ingest->look);
    router_destroy(&ingest->router);
    ingest_sessions_deinit(&ingest->sessions);
    free(ingest->rest.bytes);
    free(ingest);
    *ingestp = NULL;
}

void ingest_durable(struct ingest *ingest, struct journal_publisher *publisher)
{
    struct ingest_session *session = ingest_sessions_of(&ingest->sessions, publisher);

    if (session)
        window_ack(&session->window, publisher->durable);
    if (session && !session->waiting)
        ingest_send_ack(ingest, session);
}

void ingest_view(const struct ingest *ingest, const struct journal_publisher *publisher, struct ingest_view *view)
{
    const struct ingest_session *session = ingest_sessions_of(&ingest->sessions, publisher);

    *view = (struct ingest_view){.is_up = session != NULL};
    if (!session)
        return;
    view->heard_ms = session->heard_ms;
    view->window_bytes = session->window_bytes;
    view->window = window_use(&session->window);
}

void ingest_stop(struct ingest *ingest)
{
    ingest->stopped = true;
    router_pause(ingest->router);
}

const char *ingest_why_closed(const struct ingest *ingest)
{
    return ingest->closed;
}

bool ingest_is_flooded(const struct ingest *ingest)
{
    return ingest->closed && ingest->is_flooded;
}
