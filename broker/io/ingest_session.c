#include "io/ingest_private.h"

#include <string.h>

#include <tip/log.h>

#include "codec.h"

enum { INGEST_ASK_MS = 1000 /* between two times that all are asked whether they are there */ };

/* ---- sessions ---- */

void ingest_session_end(struct ingest *ingest, struct ingest_session *session)
{
    struct journal_publisher *publisher = session->publisher;

    publisher->refs--;
    ingest_sessions_remove(&ingest->sessions, session);
}

void ingest_send_ack(struct ingest *ingest, const struct ingest_session *session)
{
    const struct journal_publisher *publisher = session->publisher;
    const struct codec_frame ack = {
        .kind = CODEC_ACK,
        .ack = {.epoch = publisher->epoch, .durable_pub_seq = publisher->durable, .seq = publisher->durable_seq},
    };

    ingest_count(ingest, METER_ACKS, 1);
    (void)router_send(ingest->router, &session->peer, &ack, NULL); /* it asks again by HELLO */
}

void ingest_send_fenced(struct ingest *ingest, const struct broker_peer *to, uint64_t epoch)
{
    const struct codec_frame fenced = {.kind = CODEC_FENCED, .fenced_epoch = epoch};

    tip_metric_inc(ingest->options.meter->refused[METER_INGEST][METER_FENCED]);
    (void)router_send(ingest->router, to, &fenced, NULL); /* it hears it again when it goes on */
}

void ingest_send_welcome(struct ingest *ingest, struct ingest_session *session)
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
    session->dropped = false;
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

struct ingest_session_position ingest_position(const struct journal_publisher *publisher)
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
bool ingest_name_taken(struct ingest *ingest, const struct broker_peer *from, const char *name)
{
    static const struct router_refusal foreign = {METER_ACCESS, "this key does not publish under that name", 0, true};

    if (access_owns_name(from->key, name))
        return true;
    tip_warn("ingest.impostor", "key=%s publisher=%.64s", from->key->name, name);
    router_refuse(ingest->router, from, &foreign);
    return false;
}

void ingest_on_hello(struct ingest *ingest, const struct broker_peer *from, const struct codec_hello *frame)
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
void ingest_welcome_waiting(struct ingest *ingest)
{
    struct ingest_session *session;

    while (!ingest->closed && (session = ingest_next_waiting(ingest))) {
        const struct ingest_session copy = *session;
        const struct ingest_session_hello hello = {1, copy.name, copy.epoch, copy.first_unacked};

        ingest_hello_perform(ingest, &copy.peer, &hello, copy.publisher);
    }
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
