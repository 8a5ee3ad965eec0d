/* From the outbox to the broker: performs what bus_session decides. */
#include "bus_private.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <tip/fail.h>
#include <tip/log.h>
#include <tip/utf8.h>

#include <topics.h>

enum {
    PUBLISH_SWEEP_MS = 250,     /* acked events stay at most so long */
    PUBLISH_REST_MS = 100,      /* after a refusal */
    PUBLISH_LONG_REST_MS = 5000 /* after one that will come again */
};

static void publish_pump(void *ctx);

static void publish_wake(void *ctx)
{
    struct tip_bus *bus = ctx;

    if (bus->publish.pump_waits)
        return;
    bus->publish.pump_waits = true;
    tip_loop_defer(bus->loop, publish_pump, bus);
}

static void publish_why(struct tip_bus *bus, const char *why)
{
    (void)tip_utf8_copy(bus->why, sizeof(bus->why), why, strlen(why)); /* cut at its room */
}

/* With the socket goes what was under way: each frame of it would be refused alike. */
static void publish_rest(struct tip_bus *bus, int64_t rest_ms, const char *why)
{
    publish_why(bus, why);
    tip_zsock_destroy(&bus->publish.socket);
    session_rest(&bus->publish.session, rest_ms, tip_loop_now_ms());
}

/* Likewise; `why` is heard of only when no WELCOME comes. */
static void publish_again(struct tip_bus *bus, int64_t rest_ms, const char *why)
{
    publish_why(bus, why);
    tip_zsock_destroy(&bus->publish.socket);
    session_again(&bus->publish.session, rest_ms, tip_loop_now_ms());
}

/* ---- acks ---- */

static void publish_fire_flushes(struct tip_bus *bus)
{
    struct bus_publish *publish = &bus->publish;
    uint64_t acked = bus->outbox ? publish->session.acked : UINT64_MAX;
    struct bus_flush flush;

    for (size_t i = 0; i < publish->n_flushes;) {
        flush = publish->flushes[i];
        if (flush.pub_seq > acked) {
            i++;
            continue;
        }
        memmove(&publish->flushes[i], &publish->flushes[i + 1], (--publish->n_flushes - i) * sizeof(flush));
        flush.fn(flush.ctx);
        i = 0; /* it may have added or removed others */
    }
}

/* Small acks are collected: each deletion costs a flush of the disk. */
static void publish_acked(struct tip_bus *bus)
{
    struct bus_publish *publish = &bus->publish;
    uint64_t first = outbox_first(bus->outbox);
    int64_t due_ms = tip_loop_now_ms();

    publish_wake(bus);
    if (first > publish->session.acked)
        return;
    if (publish->session.acked - first + 1 < OUTBOX_DELETE_MAX)
        due_ms += PUBLISH_SWEEP_MS;
    if (due_ms < publish->sweep_rest_ms)
        due_ms = publish->sweep_rest_ms;
    if (!publish->sweep_ms || due_ms < publish->sweep_ms)
        publish->sweep_ms = due_ms;
}

/* Whoever waits for room hears of it. */
static void publish_tell_space(struct tip_bus *bus)
{
    if (bus->outbox && outbox_space_returned(bus->outbox) && bus->publish.on_space)
        bus->publish.on_space(bus->publish.on_space_ctx);
}

/* Deletes a part of what is acked. */
static void publish_sweep(struct tip_bus *bus)
{
    struct bus_publish *publish = &bus->publish;
    int r = 0;

    publish->sweep_ms = 0;
    if (outbox_first(bus->outbox) <= publish->session.acked)
        r = outbox_delete_acked(bus->outbox, publish->session.acked);
    if (r) {
        tip_warn("outbox.delete_failed", "error=%s", strerror(-r));
        publish->sweep_rest_ms = tip_loop_now_ms() + PUBLISH_LONG_REST_MS;
    }
    publish_acked(bus);
    publish_tell_space(bus);
}

static bool publish_sweep_is_due(const struct tip_bus *bus, int64_t now_ms)
{
    return bus->publish.sweep_ms && now_ms >= bus->publish.sweep_ms;
}

static void publish_on_ack(struct tip_bus *bus, const struct bus_ack *ack)
{
    uint64_t before = bus->publish.session.acked;

    if (!bus->outbox || ack->epoch != tip_outbox_epoch(bus->outbox))
        return;
    if (!session_ack(&bus->publish.session, ack->durable_pub_seq, tip_loop_now_ms()))
        return;
    bus->stats.acked += bus->publish.session.acked - before;
    publish_acked(bus);
    publish_fire_flushes(bus);
}

/* ---- the session ---- */

static void publish_connect(struct tip_bus *bus);

/* The outbox or the journal was set back to an older copy: under a new epoch both can go on, and nothing is lost. */
static void publish_renew(struct tip_bus *bus, uint64_t durable)
{
    int r;

    tip_warn("bus.epoch_renewed", "epoch=%llu broker=%llu first=%llu next=%llu",
             (unsigned long long)tip_outbox_epoch(bus->outbox), (unsigned long long)durable,
             (unsigned long long)outbox_first(bus->outbox), (unsigned long long)outbox_next(bus->outbox));
    r = outbox_renew_epoch(bus->outbox, (uint64_t)tip_loop_wall_us());
    if (r)
        tip_error("bus.epoch_stuck", "error=%s", strerror(-r));
    publish_rest(bus, r ? PUBLISH_LONG_REST_MS : 0, "the broker's position is not this outbox's");
}

static void publish_on_welcome(struct tip_bus *bus, const struct bus_welcome *welcome)
{
    struct session *session = &bus->publish.session;
    uint64_t durable = welcome->durable_pub_seq;

    if (!bus->outbox || (session->state != SESSION_HELLO && session->state != SESSION_OPEN))
        return;
    session_window(session, welcome->window_events, welcome->window_bytes);
    if (session_welcome(session, durable, outbox_first(bus->outbox), outbox_next(bus->outbox), tip_loop_now_ms())) {
        publish_renew(bus, durable);
        return;
    }
    bus->publish.journal_id = welcome->journal_id;
    publish_why(bus, "");
    tip_info("bus.up", "durable=%llu waiting=%llu", (unsigned long long)durable,
             (unsigned long long)tip_outbox_n_waiting(bus->outbox));
    publish_acked(bus);
    publish_fire_flushes(bus);
    publish_wake(bus);
}

static void publish_on_fenced(struct tip_bus *bus, uint64_t epoch)
{
    if (bus->publish.session.state == SESSION_FENCED)
        return;
    session_fence(&bus->publish.session);
    tip_zsock_destroy(&bus->publish.socket);
    publish_why(bus, "another process publishes under this name");
    tip_error("bus.fenced", "publisher=%s epoch=%llu by=%llu", bus->name,
              (unsigned long long)(bus->outbox ? tip_outbox_epoch(bus->outbox) : 0), (unsigned long long)epoch);
    if (bus->on_fenced)
        bus->on_fenced(bus->ctx);
}

/* An event that will never be taken must not hold up the others: an alarm takes its place and number. */
static int publish_replace(struct tip_bus *bus, const struct bus_refused *refused)
{
    char topic[TIP_TOPIC_MAX + 1];
    char reason[TIP_TEXT_MAX / 2];
    char detail[TIP_TEXT_MAX];
    struct tip_event event = {.id = tip_id_new(bus->loop), .kind = TIP_EVENT_SYSTEM_ALARM};
    int r;

    (void)tip_utf8_copy(reason, sizeof(reason), refused->reason, strlen(refused->reason)); /* cut at its room */
    (void)snprintf(detail, sizeof(detail), "event %llu: %s", (unsigned long long)refused->pub_seq, reason);
    event.observed_unix_ms = tip_loop_wall_ms();
    event.system_alarm =
        (struct tip_system_alarm){.service = bus->name, .name = "event.refused", .detail = detail, .raised = true};
    r = tip_topic(topic, TIP_TOPIC_SYSTEM_ALARM, bus->name);
    if (!r)
        r = outbox_replace(bus->outbox, refused->pub_seq, topic, TIP_TLP_AMBER, &event);
    return r;
}

static void publish_on_refused(struct tip_bus *bus, const struct bus_refused *refused)
{
    bool again = refused->pub_seq == bus->publish.last_refused;
    int r;

    if (!refused->fatal || !refused->pub_seq || !bus->outbox) {
        tip_warn("bus.refused", "reason=%s fatal=%d", refused->reason, refused->fatal);
        if (refused->fatal)
            publish_rest(bus, PUBLISH_LONG_REST_MS, refused->reason);
        else
            publish_again(bus, PUBLISH_REST_MS, refused->reason);
        return;
    }
    bus->stats.refused++;
    bus->publish.last_refused = refused->pub_seq;
    tip_error("bus.event_refused", "pub_seq=%llu reason=%s", (unsigned long long)refused->pub_seq, refused->reason);
    r = again ? -EALREADY : publish_replace(bus, refused);
    if (r)
        tip_error("bus.event_stuck", "pub_seq=%llu error=%s", (unsigned long long)refused->pub_seq, strerror(-r));
    publish_rest(bus, r ? PUBLISH_LONG_REST_MS : PUBLISH_REST_MS, refused->reason);
}

/* Without an outbox there is no HELLO: who answers a Ping is there. With one, its WELCOME is still to come. */
static void publish_on_pong(struct tip_bus *bus, const struct bus_pong *pong)
{
    struct session *session = &bus->publish.session;

    if (session->state == SESSION_OPEN && bus->outbox && pong->no_session) {
        tip_info("bus.session_gone", "acked=%llu", (unsigned long long)session->acked);
        publish_again(bus, PUBLISH_REST_MS, "the broker asks for another HELLO");
    }
    if (session->state != SESSION_HELLO)
        return;
    if (bus->outbox) {
        publish_why(bus, "the broker answers and takes no events: see its own /readyz");
        return;
    }
    session_window(session, 1, 1);
    if (!session_welcome(session, 0, 1, 1, tip_loop_now_ms()))
        publish_why(bus, "");
}

static void publish_on_message(void *ctx, const struct tip_zmsg *msg)
{
    struct tip_bus *bus = ctx;
    struct bus_frame frame;

    if (!bus_receive(bus, bus->publish.socket, msg, &frame))
        return;
    session_heard(&bus->publish.session, tip_loop_now_ms());
    switch (frame.kind) {
    case BUS_FRAME_WELCOME:
        publish_on_welcome(bus, &frame.welcome);
        break;
    case BUS_FRAME_ACK:
        publish_on_ack(bus, &frame.ack);
        break;
    case BUS_FRAME_FENCED:
        publish_on_fenced(bus, frame.fenced_by);
        break;
    case BUS_FRAME_REFUSED:
        publish_on_refused(bus, &frame.refused);
        break;
    case BUS_FRAME_PONG:
        publish_on_pong(bus, &frame.pong);
        break;
    default: /* frames of the other sockets, and of later versions, mean nothing here */
        break;
    }
    bus_frame_deinit(&frame);
}

static int publish_say_hello(struct tip_bus *bus)
{
    struct bus_publish *publish = &bus->publish;
    struct bus_hello hello = {.publisher = bus->name};
    int r;

    if (bus->outbox) {
        hello.epoch = tip_outbox_epoch(bus->outbox);
        hello.first_unacked = outbox_first(bus->outbox);
        r = bus_write_hello(&publish->head, &hello);
    } else {
        r = bus_write_ping(&publish->head, 1);
    }
    return r ? r : bus_send(publish->socket, &publish->head, NULL);
}

static void publish_ping(struct tip_bus *bus)
{
    struct bus_publish *publish = &bus->publish;

    if (!bus_write_ping(&publish->head, 1))
        bus_say(publish->socket, &publish->head);
}

/* What was under way on the old connection is forgotten with its socket, so nothing of it can arrive late. */
static void publish_connect(struct tip_bus *bus)
{
    struct bus_publish *publish = &bus->publish;
    struct bus_dealer dealer = {
        .endpoint = bus->ingest, .on_message = publish_on_message, .on_writable = publish_wake, .ctx = bus};
    int r;

    bus->stats.connects++;
    tip_zsock_destroy(&publish->socket);
    r = bus_dealer_open(&publish->socket, bus, &dealer);
    if (!r)
        r = publish_say_hello(bus);
    if (!r && bus->outbox)
        publish_ping(bus); /* its WELCOME may take long, when the journal takes nothing */
    if (r)
        tip_error("bus.connect_failed", "endpoint=%s error=%s", bus->ingest, r < 0 ? strerror(-r) : "busy");
}

static void publish_on_tick(void *ctx)
{
    struct tip_bus *bus = ctx;
    enum session_state before = bus->publish.session.state;

    switch (session_tick(&bus->publish.session, tip_loop_now_ms())) {
    case SESSION_CONNECT:
        if (before == SESSION_OPEN) {
            publish_why(bus, "the broker does not answer");
            tip_warn("bus.down", "why=%s", bus->why);
        }
        publish_connect(bus);
        break;
    case SESSION_PING:
        publish_ping(bus);
        break;
    case SESSION_NOTHING:
        break;
    }
    if (publish_sweep_is_due(bus, tip_loop_now_ms()))
        publish_wake(bus);
    publish_tell_space(bus); /* with nothing waiting no ack would */
}

/* ---- DATA ---- */

struct publish_batch {
    struct tip_buf *data;
    uint64_t next, n, n_max;
    uint64_t bytes_max;
};

static int publish_collect(void *ctx, uint64_t pub_seq, const void *record, size_t n)
{
    struct publish_batch *batch = ctx;

    if (pub_seq != batch->next || batch->n == batch->n_max || (batch->n > 0 && batch->data->len + n > batch->bytes_max))
        return 1;
    if (tip_buf_append(batch->data, record, n))
        return 1;
    batch->n++;
    batch->next++;
    return 0;
}

static uint64_t publish_least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* One frame of events behind what is sent. @return 0, 1 when there is nothing to send or no room, or an error */
static int publish_send_some(struct tip_bus *bus)
{
    struct bus_publish *publish = &bus->publish;
    struct session *session = &publish->session;
    struct publish_batch batch = {.data = &publish->data, .next = session->sent + 1};
    uint64_t room_bytes = 0;
    int r;

    batch.n_max = publish_least(session_room(session, &room_bytes), BUS_DATA_EVENTS_MAX);
    batch.bytes_max = publish_least(room_bytes, BUS_DATA_BYTES_MAX);
    if (batch.n_max == 0 || batch.next >= outbox_next(bus->outbox))
        return 1;
    tip_buf_clear(&publish->data);
    r = outbox_read(bus->outbox, batch.next, publish_collect, &batch);
    if (r < 0)
        return r;
    if (batch.n == 0)
        return 1;
    r = bus_write_data(&publish->head, &(struct bus_data){.epoch = tip_outbox_epoch(bus->outbox),
                                                          .first_pub_seq = session->sent + 1,
                                                          .n = (uint32_t)batch.n});
    if (!r)
        r = bus_send(publish->socket, &publish->head, &publish->data);
    if (!r)
        session_sent(session, batch.next - 1, publish->data.len, tip_loop_now_ms());
    return r;
}

static void publish_pump(void *ctx)
{
    struct tip_bus *bus = ctx;
    int r = 0;

    bus->publish.pump_waits = false;
    publish_fire_flushes(bus);
    if (!bus->outbox)
        return;
    if (publish_sweep_is_due(bus, tip_loop_now_ms()))
        publish_sweep(bus);
    for (unsigned i = 0; !r && i < BUS_DATA_FRAMES_A_TURN; i++)
        r = publish_send_some(bus);
    if (r < 0)
        tip_error("bus.send_failed", "error=%s", strerror(-r));
    if (!r || publish_sweep_is_due(bus, tip_loop_now_ms()))
        publish_wake(bus);
}

/* ---- for services ---- */

int bus_publish_init(struct tip_bus *bus)
{
    struct bus_publish *publish = &bus->publish;

    session_init(&publish->session);
    tip_buf_init(&publish->head, BUS_FRAME_HEAD_MAX);
    tip_buf_init(&publish->data, BUS_DATA_BYTES_MAX + OUTBOX_RECORD_MAX);
    tip_timer_init(&publish->tick, bus->loop, publish_on_tick, bus);
    publish_why(bus, "not connected yet");
    if (!bus->ingest)
        return bus->outbox ? tip_fail(-EINVAL) : 0;
    if (bus->outbox)
        outbox_on_commit(bus->outbox, publish_wake, bus);
    session_tick(&publish->session, tip_loop_now_ms());
    publish_connect(bus);
    tip_timer_every(&publish->tick, BUS_TICK_MS);
    return 0;
}

void bus_publish_deinit(struct tip_bus *bus)
{
    struct bus_publish *publish = &bus->publish;

    if (bus->outbox)
        outbox_on_commit(bus->outbox, NULL, NULL);
    tip_loop_defer_cancel(bus->loop, bus);
    tip_timer_deinit(&publish->tick);
    tip_zsock_destroy(&publish->socket);
    tip_buf_deinit(&publish->head);
    tip_buf_deinit(&publish->data);
}

bool tip_bus_is_up(const struct tip_bus *bus, const char **whyp)
{
    bool is_up = session_is_up(&bus->publish.session, tip_loop_now_ms());

    if (whyp)
        *whyp = is_up ? "" : bus->why;
    return is_up;
}

bool tip_bus_journal(const struct tip_bus *bus, struct tip_id *idp)
{
    *idp = bus->publish.journal_id;
    return !tip_id_is_zero(idp);
}

void tip_bus_on_space(struct tip_bus *bus, void (*on_space)(void *ctx), void *ctx)
{
    bus->publish.on_space = on_space;
    bus->publish.on_space_ctx = ctx;
}

int tip_bus_flush(struct tip_bus *bus, void (*on_flushed)(void *ctx), void *ctx)
{
    struct bus_publish *publish = &bus->publish;
    uint64_t last = bus->outbox ? outbox_next(bus->outbox) - 1 : 0;

    if (publish->n_flushes == BUS_FLUSHES_MAX)
        return -EAGAIN;
    if (bus->outbox && tip_outbox_n_waiting(bus->outbox) == 0)
        last = 0; /* acked in an earlier life, perhaps */
    publish->flushes[publish->n_flushes++] = (struct bus_flush){.pub_seq = last, .fn = on_flushed, .ctx = ctx};
    publish_wake(bus);
    return 0;
}

/* Live events pass a broker whose journal takes nothing: that is when people want to hear of us. */
static bool publish_takes_live(const struct session *session)
{
    return session->state == SESSION_OPEN || (session->state == SESSION_HELLO && session->answered);
}

int tip_bus_live(struct tip_bus *bus, const char *topic, enum tip_tlp tlp, const struct tip_event *event)
{
    struct bus_publish *publish = &bus->publish;
    tip_auto(tip_buf_deinit) struct tip_buf record = {0};
    int r;

    if (!bus->ingest)
        return tip_fail(-EINVAL);
    tip_buf_init(&record, OUTBOX_RECORD_MAX);
    r = outbox_record_write(&record, topic, tlp, event);
    if (!r)
        r = bus_write_live(&publish->head, bus->name, 1);
    if (r)
        return tip_fail(r);
    if (!publish_takes_live(&publish->session) || bus_send(publish->socket, &publish->head, &record))
        bus->stats.live_dropped++;
    else
        bus->stats.live++;
    return 0;
}
