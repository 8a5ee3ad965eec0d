#include "io/ingest.h"

#include <stdlib.h>
#include <string.h>

#include <tip/alloc.h>
#include <tip/event.h>
#include <tip/fail.h>
#include <tip/log.h>
#include <tip/loop.h>

#include "codec.h"
#include "core/entries.h"
#include "core/sessions.h"
#include "io/router.h"

enum {
    INGEST_HEAD_BYTES_MAX = 4096,
    INGEST_FRAME_BYTES_MAX = 2 << 20, /* publishers of ours send 256 KiB, or one event */
    INGEST_SEND_HWM = 1000,
    INGEST_RECEIVE_HWM = 128, /* frames that wait for one peer; libzmq stops and starts at half of it */
    INGEST_STALL_MS = 1000,   /* longer than any flush: the journal takes nothing */
    INGEST_LOOK_MS = 20,      /* how often it is asked meanwhile what has come */
    INGEST_LOOK_PEERS = 50,   /* so many peers make that a millisecond longer */
    INGEST_ASK_MS = 1000,     /* between two times that all are asked whether they are there */
    INGEST_LIVE_PREFIX = 10   /* bytes of "v1.system." */
};

/** DATA that did not fit in whole: its rest is kept until there is room. */
struct ingest_rest {
    uint8_t *bytes;
    struct entries entries;
    struct journal_publisher *publisher;
    uint64_t pub_seq; /* of the next entry */
};

struct ingest {
    struct tip_loop *loop;
    struct ingest_options options;
    struct router *router;
    struct ingest_sessions sessions;
    struct ingest_rest rest;
    int64_t stalled_ms; /* since when; 0: not */
    uint64_t taken;     /* off all connections, when it stalled */
    struct tip_timer look;
    int64_t asked_ms;
    const char *closed; /* NULL or why */
    bool stopped;
};

static void ingest_on_look(void *ctx);

static void ingest_count(struct ingest *ingest, enum meter_metric metric, uint64_t n)
{
    tip_metric_add(ingest->options.meter->m[metric], n);
}

/* ---- sessions ---- */

static void ingest_session_end(struct ingest *ingest, struct ingest_session *session)
{
    struct journal_publisher *publisher = session->publisher;

    publisher->refs--;
    ingest_sessions_remove(&ingest->sessions, session);
}

static void ingest_send_ack(struct ingest *ingest, const struct ingest_session *session)
{
    const struct journal_publisher *publisher = session->publisher;
    const struct codec_frame ack = {
        .kind = CODEC_ACK,
        .ack = {.epoch = publisher->epoch, .durable_pub_seq = publisher->durable, .seq = publisher->durable_seq},
    };

    ingest_count(ingest, METER_ACKS, 1);
    (void)router_send(ingest->router, &session->peer, &ack, NULL); /* it asks again by HELLO */
}

static void ingest_send_fenced(struct ingest *ingest, const struct broker_peer *to, uint64_t epoch)
{
    const struct codec_frame fenced = {.kind = CODEC_FENCED, .fenced_epoch = epoch};

    tip_metric_inc(ingest->options.meter->refused[METER_INGEST][METER_FENCED]);
    (void)router_send(ingest->router, to, &fenced, NULL); /* it hears it again when it goes on */
}

static void ingest_send_welcome(struct ingest *ingest, struct ingest_session *session)
{
    const struct journal_publisher *publisher = session->publisher;
    const struct codec_frame welcome = {
        .kind = CODEC_WELCOME,
        .welcome =
            {
                .version = 1,
                .journal_id = {journal_id(ingest->options.journal), JOURNAL_ID_BYTES},
                .durable_pub_seq = publisher->durable,
                .window_events = ingest->options.window_events,
                .window_bytes = session->window_bytes,
            },
    };

    session->waiting = false;
    tip_info("ingest.welcome", "publisher=%s epoch=%llu durable=%llu", publisher->name,
             (unsigned long long)publisher->epoch, (unsigned long long)publisher->durable);
    (void)router_send(ingest->router, &session->peer, &welcome, NULL); /* it asks again */
}

/* Who is gone has left its part of what may be sent ahead; who is not says PONG, which is not waited for. */
static void ingest_end_gone(struct ingest *ingest)
{
    static const struct codec_frame ping = {.kind = CODEC_PING};

    for (size_t i = ingest->sessions.n; i-- > 0;) {
        struct ingest_session *session = &ingest->sessions.items[i];

        if (router_offer(ingest->router, &session->peer, &ping, NULL) == ROUTER_GONE)
            ingest_session_end(ingest, session);
    }
}

static uint32_t ingest_grant(struct ingest *ingest)
{
    const uint32_t most = ingest->options.window_bytes;

    if (ingest_sessions_grant(&ingest->sessions, ingest->options.bytes, most) < most &&
        tip_loop_now_ms() - ingest->asked_ms >= INGEST_ASK_MS) {
        ingest->asked_ms = tip_loop_now_ms();
        ingest_end_gone(ingest);
    }
    return ingest_sessions_grant(&ingest->sessions, ingest->options.bytes, most);
}

/* A place for the peer; the one heard of the longest ago makes room. */
static struct ingest_session *ingest_session_new(struct ingest *ingest, const struct broker_peer *peer,
                                                 struct journal_publisher *publisher)
{
    struct ingest_session *session = ingest_sessions_find(&ingest->sessions, peer);
    struct ingest_session *other;
    uint32_t window_bytes;

    if (session)
        ingest_session_end(ingest, session);
    while ((other = ingest_sessions_of(&ingest->sessions, publisher)))
        ingest_session_end(ingest, other); /* the same process on an older connection */
    window_bytes = ingest_grant(ingest);
    session = ingest_sessions_add(&ingest->sessions, peer, publisher->name);
    if (!session) {
        other = &ingest->sessions.items[0];
        for (size_t i = 1; i < ingest->sessions.n; i++) {
            if (ingest->sessions.items[i].heard_ms < other->heard_ms)
                other = &ingest->sessions.items[i];
        }
        tip_metric_inc(ingest->options.meter->refused[METER_INGEST][METER_LIMIT]);
        ingest_session_end(ingest, other);
        session = ingest_sessions_add(&ingest->sessions, peer, publisher->name);
    }
    session->window_bytes = window_bytes;
    session->publisher = publisher;
    session->epoch = publisher->epoch;
    session->heard_ms = tip_loop_now_ms();
    window_init(&session->window, publisher->durable);
    publisher->refs++;
    return session;
}

/* The epoch begins: its numbers are taken as they come. It is on disk before anybody is welcomed to it. */
static void ingest_adopt(struct ingest *ingest, struct journal_publisher *publisher,
                         const struct ingest_session_hello *hello)
{
    struct ingest_session *older;

    while ((older = ingest_sessions_of(&ingest->sessions, publisher))) {
        if (older->epoch < hello->epoch)
            ingest_send_fenced(ingest, &older->peer, hello->epoch);
        ingest_session_end(ingest, older);
    }
    publisher->epoch = hello->epoch;
    publisher->appended = publisher->durable = hello->first_unacked - 1;
    publisher->appended_seq = publisher->durable_seq = 0;
}

static struct ingest_session_position ingest_position(const struct journal_publisher *publisher)
{
    return (struct ingest_session_position){publisher->epoch, publisher->appended, publisher->durable,
                                            publisher->epoch != publisher->epoch_durable};
}

/* A new epoch goes to the journal; without room there it is tried again with the next group, and each second. */
static void ingest_note_epoch(struct ingest *ingest, struct journal_publisher *publisher)
{
    if (publisher->epoch == publisher->epoch_appended || journal_epoch(ingest->options.journal, publisher))
        return;
    (void)journal_submit(ingest->options.journal); /* else it goes when the one under way is durable */
}

/* ---- HELLO ---- */

static bool ingest_hello_refuse(struct ingest *ingest, const struct broker_peer *from,
                                enum ingest_session_welcome verdict)
{
    static const struct router_refusal refusals[] = {
        [INGEST_SESSION_BAD_NAME] = {METER_NAME,
                                     "a publisher is called name or name.instance: [a-z0-9_-], at most 64 bytes", 0,
                                     true},
        [INGEST_SESSION_BAD_NUMBER] = {METER_NAME, "epoch and first_unacked count from 1", 0, true},
        [INGEST_SESSION_BAD_VERSION] = {METER_VERSION, "this broker speaks version 1", 0, true},
    };

    if (verdict < INGEST_SESSION_BAD_NAME)
        return false;
    router_refuse(ingest->router, from, &refusals[verdict]);
    return true;
}

static bool ingest_is_welcome(const struct journal_publisher *publisher)
{
    return publisher->appended == publisher->durable && publisher->epoch == publisher->epoch_durable;
}

static void ingest_hello_perform(struct ingest *ingest, const struct broker_peer *from,
                                 const struct ingest_session_hello *hello, struct journal_publisher *publisher)
{
    const struct ingest_session_position position = ingest_position(publisher);
    enum ingest_session_welcome verdict = ingest_session_hello_judge(hello, &position);
    struct ingest_session *session;

    if (verdict == INGEST_SESSION_FENCED) {
        tip_warn("ingest.fenced", "publisher=%s epoch=%llu known=%llu", hello->name, (unsigned long long)hello->epoch,
                 (unsigned long long)publisher->epoch);
        ingest_send_fenced(ingest, from, publisher->epoch);
        return;
    }
    if (verdict == INGEST_SESSION_ADOPT_GAP) {
        tip_error("ingest.acked_missing", "publisher=%s journal_has=%llu acked=%llu", hello->name,
                  (unsigned long long)publisher->durable, (unsigned long long)hello->first_unacked - 1);
        ingest_count(ingest, METER_ADOPTED_GAPS, 1);
    }
    if (verdict == INGEST_SESSION_ADOPT || verdict == INGEST_SESSION_ADOPT_GAP)
        ingest_adopt(ingest, publisher, hello);
    session = ingest_session_new(ingest, from, publisher);
    session->first_unacked = hello->first_unacked;
    session->waiting = true;
    ingest_note_epoch(ingest, publisher);
    if (ingest_is_welcome(publisher) && !ingest->closed)
        ingest_send_welcome(ingest, session);
}

/* The name is the key's, or the key's with an instance. */
static bool ingest_name_taken(struct ingest *ingest, const struct broker_peer *from, const char *name)
{
    static const struct router_refusal foreign = {METER_ACCESS, "this key does not publish under that name", 0, true};

    if (access_owns_name(from->key, name))
        return true;
    tip_warn("ingest.impostor", "key=%s publisher=%.64s", from->key->name, name);
    router_refuse(ingest->router, from, &foreign);
    return false;
}

static void ingest_on_hello(struct ingest *ingest, const struct broker_peer *from, const struct codec_hello *frame)
{
    static const struct router_refusal many = {METER_LIMIT, "too many publishers are connected", 0, false};
    const struct ingest_session_hello hello = {frame->version, frame->publisher, frame->epoch, frame->first_unacked};
    struct journal_publisher *publisher;
    int r;

    if (ingest_hello_refuse(ingest, from, ingest_session_hello_check(&hello)) ||
        !ingest_name_taken(ingest, from, hello.name))
        return;
    r = journal_table_publisher(journal_tablep(ingest->options.journal), hello.name, strlen(hello.name), &publisher);
    if (r) {
        router_refuse(ingest->router, from, &many);
        return;
    }
    ingest_hello_perform(ingest, from, &hello, publisher);
}

static struct ingest_session *ingest_next_waiting(struct ingest *ingest)
{
    for (size_t i = 0; i < ingest->sessions.n; i++) {
        struct ingest_session *session = &ingest->sessions.items[i];

        if (!session->waiting)
            continue;
        ingest_note_epoch(ingest, session->publisher);
        if (ingest_is_welcome(session->publisher))
            return session;
    }
    return NULL;
}

/* The WELCOMEs that waited for the disk: each answer takes one off the list. */
static void ingest_welcome_waiting(struct ingest *ingest)
{
    struct ingest_session *session;

    while (!ingest->closed && (session = ingest_next_waiting(ingest))) {
        const struct ingest_session copy = *session;
        const struct ingest_session_hello hello = {1, copy.name, copy.epoch, copy.first_unacked};

        ingest_hello_perform(ingest, &copy.peer, &hello, copy.publisher);
    }
}

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
static int ingest_append_all(struct ingest *ingest, struct ingest_rest *rest)
{
    uint64_t n_events = rest->publisher->n_events, n_bytes = rest->publisher->n_bytes;
    int r;

    r = ingest_append_some(ingest, rest);
    ingest_count(ingest, METER_EVENTS, rest->publisher->n_events - n_events);
    ingest_count(ingest, METER_EVENT_BYTES, rest->publisher->n_bytes - n_bytes);
    return r;
}

static void ingest_look_later(struct ingest *ingest)
{
    tip_timer_start(&ingest->look, INGEST_LOOK_MS + (int64_t)(router_count(ingest->router) / INGEST_LOOK_PEERS));
}

/* The rest of a message is kept, the socket rests. */
static void ingest_stall(struct ingest *ingest, const struct ingest_rest *rest)
{
    size_t n = (size_t)(rest->entries.end - rest->entries.at);

    ingest->rest = *rest;
    ingest->rest.bytes = tip_memdup(rest->entries.at, n);
    ingest->rest.entries.at = ingest->rest.bytes;
    ingest->rest.entries.end = ingest->rest.bytes + n;
    ingest->stalled_ms = tip_loop_now_ms();
    ingest->taken = router_taken_bytes(ingest->router);
    ingest_count(ingest, METER_STALLS, 1);
    router_pause(ingest->router);
    ingest_look_later(ingest);
}

static void ingest_unstall(struct ingest *ingest)
{
    tip_free(&ingest->rest.bytes);
    tip_timer_stop(&ingest->look);
    ingest->stalled_ms = 0;
    if (!ingest->stopped)
        router_resume(ingest->router);
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
        ingest_count(ingest, METER_CLOSED_DROPS, 1); /* before its WELCOME, or at a bad time: it comes again */
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

static void ingest_on_heard(void *ctx, const struct broker_peer *from)
{
    struct ingest *ingest = ctx;
    struct ingest_session *session = ingest_sessions_find(&ingest->sessions, from);

    if (session)
        session->heard_ms = tip_loop_now_ms();
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

/* ---- keys that were taken away ---- */

static struct ingest_session *ingest_next_revoked(const struct ingest *ingest)
{
    for (size_t i = 0; i < ingest->sessions.n; i++) {
        const struct access_key *key = ingest->sessions.items[i].peer.key;

        if (key && key->revoked)
            return &ingest->sessions.items[i];
    }
    return NULL;
}

void ingest_revoke(struct ingest *ingest)
{
    static const struct router_refusal revoked = {METER_ACCESS, "this key was revoked or changed: connect again", 0,
                                                  false};
    struct ingest_session *session;

    while ((session = ingest_next_revoked(ingest))) {
        tip_warn("ingest.revoked", "publisher=%s", session->name);
        router_refuse(ingest->router, &session->peer, &revoked);
        ingest_session_end(ingest, session);
    }
}

/* ---- when the journal takes nothing ---- */

static const char *ingest_why(const struct ingest *ingest)
{
    struct journal_status status;

    journal_status(ingest->options.journal, &status);
    return status.held ? "the journal is full of events that a required consumer has not read"
                       : "the disk takes nothing";
}

static void ingest_close(struct ingest *ingest)
{
    ingest->closed = ingest_why(ingest);
    tip_warn("ingest.closed", "reason=%s", ingest->closed);
    ingest_unstall(ingest);
}

/* While the socket rests everything that is taken off the connections waits. */
static void ingest_on_look(void *ctx)
{
    struct ingest *ingest = ctx;

    if (router_taken_bytes(ingest->router) > ingest->taken + 2 * ingest->options.bytes)
        ingest_close(ingest);
    else
        ingest_look_later(ingest);
}

static void ingest_reopen(struct ingest *ingest)
{
    if (!journal_has_room(ingest->options.journal))
        return;
    tip_info("ingest.opened", "");
    ingest->closed = NULL;
    for (size_t i = 0; i < ingest->sessions.n; i++) {
        if (!ingest->sessions.items[i].waiting)
            ingest_send_ack(ingest, &ingest->sessions.items[i]); /* what was dropped can come again */
    }
}

void ingest_resume(struct ingest *ingest)
{
    tip_metric_set(ingest->options.meter->m[METER_SESSIONS], (double)ingest->sessions.n);
    if (ingest->closed)
        ingest_reopen(ingest);
    else if (ingest->stalled_ms && ingest_append_all(ingest, &ingest->rest) == 0)
        ingest_unstall(ingest);
    else if (ingest->stalled_ms && tip_loop_now_ms() - ingest->stalled_ms > INGEST_STALL_MS)
        ingest_close(ingest);
    ingest_welcome_waiting(ingest);
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
