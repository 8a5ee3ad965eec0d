/*
 * Through tip-broker: events published to the durable broker, flushed, acked, and seen on its feed. Speaks the wire
 * itself, so that our client is not measured.
 *
 *     load_tip [options] INGEST FEED
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "load.h"
#include "load_zmq.h"

static const char tip_topic[] = "v1.bench.load.x.";
static const char tip_probe_topic[] = "v1.system.bench.";

/* Looking for an ack that is not there is a system call: a loop would be told by its descriptor. */
enum { TIP_TOPIC_BYTES = sizeof(tip_topic) - 1, TIP_ENTRY_BYTES = 8, TIP_HEAR_FRAMES = 64 };

/* Everything that the door shows: the broker's own heads and our probes are not counted. */
static void tip_subscribe(const struct load *load, unsigned i)
{
    void *socket = load_socket(ZMQ_SUB, load->keys);
    zmq_msg_t topic, record;
    bool more = true;

    load_connect(socket, load->where[1]);
    zmq_setsockopt(socket, ZMQ_SUBSCRIBE, "v1.", 3);
    zmq_msg_init(&topic);
    zmq_msg_init(&record);
    while (more) {
        if (zmq_msg_recv(&topic, socket, 0) < 0 || zmq_msg_recv(&record, socket, 0) < 0)
            load_die("a subscriber", "hears nothing");
        load_ready(i);
        if (zmq_msg_size(&topic) == TIP_TOPIC_BYTES && !memcmp(zmq_msg_data(&topic), tip_topic, TIP_TOPIC_BYTES))
            more = load_seen(load, i, (char *)zmq_msg_data(&record) + zmq_msg_size(&record) - load->bytes);
    }
}

/* ---- the publisher ---- */

struct tip_publisher {
    void *socket;
    char name[32]; /* protobuf-c wants it writable */
    uint64_t durable, window;
    uint8_t head[64];
    size_t head_len, head_seq; /* where first_pub_seq stands */
    uint8_t *body;
    size_t body_len;
};

static void tip_heard(struct tip_publisher *publisher, const Tip__V1__Frame *frame, const struct load *load)
{
    if (frame->body_case == TIP__V1__FRAME__BODY_ACK) {
        publisher->durable = frame->ack->durable_pub_seq;
    } else if (frame->body_case == TIP__V1__FRAME__BODY_WELCOME) {
        publisher->durable = frame->welcome->durable_pub_seq;
        publisher->window = frame->welcome->window_bytes / load->bytes;
        if (publisher->window > frame->welcome->window_events)
            publisher->window = frame->welcome->window_events;
    } else {
        load_die("the broker", frame->body_case == TIP__V1__FRAME__BODY_REFUSED ? frame->refused->reason : "refuses");
    }
}

/* What the broker has said; waits for it unless told otherwise. */
static void tip_hear(struct tip_publisher *publisher, int flags, const struct load *load)
{
    Tip__V1__Frame *frame;

    while ((frame = load_frame_receive(publisher->socket, flags))) {
        tip_heard(publisher, frame, load);
        load_frame_free(frame);
        flags = ZMQ_DONTWAIT;
    }
}

static void tip_entry(uint8_t *out, const char *topic, uint32_t event_len)
{
    const uint16_t topic_len = TIP_TOPIC_BYTES;

    memcpy(out, &topic_len, 2);
    out[2] = 3;
    out[3] = 0;
    memcpy(out + 4, &event_len, 4);
    memcpy(out + TIP_ENTRY_BYTES, topic, topic_len);
}

static void tip_probe(void *ctx)
{
    struct tip_publisher *publisher = ctx;
    Tip__V1__Live live;
    Tip__V1__Frame frame = TIP__V1__FRAME__INIT;
    uint8_t body[TIP_ENTRY_BYTES + TIP_TOPIC_BYTES + 1] = {0};

    tip__v1__live__init(&live);
    frame.body_case = TIP__V1__FRAME__BODY_LIVE;
    frame.live = &live;
    live.publisher = publisher->name;
    live.n = 1;
    tip_entry(body, tip_probe_topic, 1);
    load_frame_send(publisher->socket, &frame, body, sizeof(body));
}

static void tip_hello(struct tip_publisher *publisher, const struct load *load)
{
    Tip__V1__Hello hello;
    Tip__V1__Frame frame = TIP__V1__FRAME__INIT;

    tip__v1__hello__init(&hello);
    frame.body_case = TIP__V1__FRAME__BODY_HELLO;
    frame.hello = &hello;
    hello.version = 1;
    hello.publisher = publisher->name;
    hello.epoch = hello.first_unacked = 1;
    load_frame_send(publisher->socket, &frame, NULL, 0);
    tip_hear(publisher, 0, load);
}

static void tip_fill(struct tip_publisher *publisher, const struct load *load)
{
    size_t entry = TIP_ENTRY_BYTES + TIP_TOPIC_BYTES + load->bytes;

    publisher->body_len = entry * load->batch;
    publisher->body = calloc(1, publisher->body_len);
    for (uint32_t i = 0; i < load->batch; i++)
        tip_entry(publisher->body + i * entry, tip_topic, load->bytes);
}

/* Packed once, as what changes from frame to frame is one fixed64. */
static void tip_pack_head(struct tip_publisher *publisher, const struct load *load)
{
    Tip__V1__Data data = TIP__V1__DATA__INIT;
    Tip__V1__Frame frame = TIP__V1__FRAME__INIT;
    const uint64_t mark = UINT64_MAX;
    uint8_t *at;

    frame.body_case = TIP__V1__FRAME__BODY_DATA;
    frame.data = &data;
    data.epoch = 1;
    data.first_pub_seq = mark;
    data.n = load->batch;
    publisher->head_len = tip__v1__frame__pack(&frame, publisher->head);
    at = memmem(publisher->head, publisher->head_len, &mark, sizeof(mark));
    if (!at)
        load_die("DATA", "has no first_pub_seq");
    publisher->head_seq = (size_t)(at - publisher->head);
}

static void tip_send(struct tip_publisher *publisher, const struct load *load, uint64_t sent)
{
    const uint64_t first = sent + 1; /* little-endian, as is this machine */

    memcpy(publisher->head + publisher->head_seq, &first, sizeof(first));
    load_stamp(load, publisher->body + TIP_ENTRY_BYTES + TIP_TOPIC_BYTES);
    if (zmq_send(publisher->socket, publisher->head, publisher->head_len, ZMQ_SNDMORE) < 0 ||
        zmq_send(publisher->socket, publisher->body, publisher->body_len, 0) < 0)
        load_die("zmq_send", zmq_strerror(zmq_errno()));
}

static void tip_publish(const struct load *load)
{
    struct tip_publisher publisher = {.socket = load_socket(ZMQ_DEALER, load->keys)};
    uint64_t sent = 0;

    snprintf(publisher.name, sizeof(publisher.name), "bench.%ld", load->run);
    load_connect(publisher.socket, load->where[0]);
    tip_hello(&publisher, load);
    tip_fill(&publisher, load);
    tip_pack_head(&publisher, load);
    load_wait_ready(tip_probe, &publisher);
    while (publisher.durable < load->n) {
        bool blocked = sent >= load->n || sent - publisher.durable + load->batch > publisher.window;

        if (!blocked) {
            load_wait_turn(load, sent);
            tip_send(&publisher, load, sent);
            sent += load->batch;
        }
        if (blocked || sent / load->batch % TIP_HEAR_FRAMES == 0)
            tip_hear(&publisher, blocked ? 0 : ZMQ_DONTWAIT, load);
    }
}

int main(int argc, char **argv)
{
    static const struct load_system system = {
        .usage = " INGEST FEED", .n_where = 2, .subscribe = tip_subscribe, .publish = tip_publish};

    return load_main(argc, argv, &system);
}
