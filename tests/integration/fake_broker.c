#include "fake_broker.h"

#include <stdio.h>
#include <string.h>

#include <tip/loop.h>
#include <tip/v1/bus.pb-c.h>
#include <topics.h>

#include "check.h"

static void fake_say(struct tip_zsock *socket, const void *to, size_t to_len, const Tip__V1__Frame *frame,
                     const struct tip_buf *data)
{
    static uint8_t bytes[1 << 20];
    struct tip_zframe frames[3] = {{to, to_len}, {bytes, tip__v1__frame__pack(frame, bytes)}};

    if (data)
        frames[2] = (struct tip_zframe){data->data ? (const void *)data->data : "", data->len};
    assert_int_equal(tip_zsock_send(socket, frames, data ? 3 : 2), 0);
}

/* ---- ingest ---- */

static void fake_welcome(struct fake_broker *broker, const struct tip_zmsg *msg)
{
    Tip__V1__Frame frame = TIP__V1__FRAME__INIT;
    Tip__V1__Welcome welcome = TIP__V1__WELCOME__INIT;

    welcome.version = 1;
    welcome.journal_id = (ProtobufCBinaryData){16, broker->journal_id.bytes};
    welcome.durable_pub_seq = broker->durable;
    welcome.window_events = broker->window_events;
    welcome.window_bytes = 1 << 20;
    frame.body_case = TIP__V1__FRAME__BODY_WELCOME;
    frame.welcome = &welcome;
    fake_say(broker->ingest, msg->frames[0].data, msg->frames[0].len, &frame, NULL);
}

static void fake_take_hello(struct fake_broker *broker, const struct tip_zmsg *msg, const Tip__V1__Hello *hello)
{
    Tip__V1__Frame frame = TIP__V1__FRAME__INIT;
    Tip__V1__Fenced fenced = TIP__V1__FENCED__INIT;

    assert_true(msg->frames[0].len <= FAKE_ID_BYTES);
    memcpy(broker->publisher, msg->frames[0].data, msg->frames[0].len);
    broker->publisher_len = msg->frames[0].len;
    broker->n_hellos++;
    if (broker->fence) {
        fenced.epoch = hello->epoch + 1;
        frame.body_case = TIP__V1__FRAME__BODY_FENCED;
        frame.fenced = &fenced;
        fake_say(broker->ingest, msg->frames[0].data, msg->frames[0].len, &frame, NULL);
        return;
    }
    if (broker->epoch != hello->epoch) {
        broker->epoch = hello->epoch;
        broker->durable = hello->first_unacked - 1;
    }
    fake_welcome(broker, msg);
}

static void fake_ack(struct fake_broker *broker, const struct tip_zmsg *msg)
{
    Tip__V1__Frame frame = TIP__V1__FRAME__INIT;
    Tip__V1__Ack ack = TIP__V1__ACK__INIT;

    if (broker->withhold_acks)
        return;
    ack.epoch = broker->epoch;
    ack.durable_pub_seq = broker->durable;
    frame.body_case = TIP__V1__FRAME__BODY_ACK;
    frame.ack = &ack;
    fake_say(broker->ingest, msg->frames[0].data, msg->frames[0].len, &frame, NULL);
}

static void fake_refuse(struct fake_broker *broker, const struct tip_zmsg *msg, uint64_t pub_seq)
{
    Tip__V1__Frame frame = TIP__V1__FRAME__INIT;
    Tip__V1__Refused refused;
    char bad[] = "not liked", strange[] = "say HELLO first";

    tip__v1__refused__init(&refused);
    refused.reason = pub_seq ? bad : strange;
    refused.pub_seq = pub_seq;
    refused.fatal = pub_seq > 0;
    frame.body_case = TIP__V1__FRAME__BODY_REFUSED;
    frame.refused = &refused;
    fake_say(broker->ingest, msg->frames[0].data, msg->frames[0].len, &frame, NULL);
}

/* Names of the alarms in a DATA; returns their number. */
static size_t fake_parse(const uint8_t *at, size_t n, char names[][24])
{
    size_t count = 0;

    while (n > 0) {
        size_t topic_len = at[0] | (size_t)at[1] << 8;
        size_t event_len = at[4] | (size_t)at[5] << 8 | (size_t)at[6] << 16 | (size_t)at[7] << 24;
        tip_auto(tip_event_destroy) struct tip_event *event = NULL;

        assert_true(n >= 8 + topic_len + event_len);
        assert_true(tip_topic_valid((const char *)at + 8, topic_len));
        assert_int_equal(tip_event_decode(at + 8 + topic_len, event_len, &event, NULL), 0);
        (void)snprintf(names[count++], 24, "%s", event->system_alarm.name);
        at += 8 + topic_len + event_len;
        n -= 8 + topic_len + event_len;
    }
    return count;
}

static void fake_take_data(struct fake_broker *broker, const struct tip_zmsg *msg, const Tip__V1__Data *data)
{
    static char names[256][24];
    size_t n = fake_parse(msg->frames[2].data, msg->frames[2].len, names);

    broker->n_data++;
    assert_int_equal(n, data->n);
    if (broker->n_strange > 0) {
        broker->n_strange--;
        fake_refuse(broker, msg, 0);
        return;
    }
    if (broker->n_drops > 0) {
        if (--broker->n_drops == 0)
            fake_welcome(broker, msg);
        return;
    }
    if (data->epoch != broker->epoch || data->first_pub_seq > broker->durable + 1)
        return;
    for (size_t i = 0; i < n; i++) {
        if (data->first_pub_seq + i == broker->refuse_seq && strcmp(names[i], "event.refused") != 0) {
            fake_refuse(broker, msg, broker->refuse_seq);
            return;
        }
    }
    for (size_t i = 0; i < n; i++) {
        if (data->first_pub_seq + i <= broker->durable)
            continue;
        broker->durable++;
        assert_true(broker->n_events < FAKE_EVENTS_MAX);
        memcpy(broker->events[broker->n_events].name, names[i], 24);
        broker->events[broker->n_events++].pub_seq = broker->durable;
    }
    fake_ack(broker, msg);
}

static void fake_pong(struct tip_zsock *socket, const struct tip_zmsg *msg, uint64_t nonce, bool no_session)
{
    Tip__V1__Frame frame = TIP__V1__FRAME__INIT;
    Tip__V1__Pong pong = TIP__V1__PONG__INIT;

    pong.nonce = nonce;
    pong.no_session = no_session;
    frame.body_case = TIP__V1__FRAME__BODY_PONG;
    frame.pong = &pong;
    fake_say(socket, msg->frames[0].data, msg->frames[0].len, &frame, NULL);
}

static Tip__V1__Frame *fake_frame(const struct tip_zmsg *msg)
{
    Tip__V1__Frame *frame;

    assert_true(msg->n_frames >= 2);
    frame = tip__v1__frame__unpack(NULL, msg->frames[1].len, msg->frames[1].data);
    assert_non_null(frame);
    return frame;
}

static bool fake_is_strange(const struct fake_broker *broker, const struct tip_zmsg *msg)
{
    const struct tip_zframe *id = &msg->frames[0];

    return !broker->is_old && (id->len != broker->publisher_len || memcmp(id->data, broker->publisher, id->len) != 0);
}

static void fake_on_ingest(void *ctx, const struct tip_zmsg *msg)
{
    struct fake_broker *broker = ctx;
    Tip__V1__Frame *frame = fake_frame(msg);

    if (frame->body_case == TIP__V1__FRAME__BODY_HELLO)
        fake_take_hello(broker, msg, frame->hello);
    else if (frame->body_case == TIP__V1__FRAME__BODY_DATA)
        fake_take_data(broker, msg, frame->data);
    else if (frame->body_case == TIP__V1__FRAME__BODY_PING && ++broker->n_pings)
        fake_pong(broker->ingest, msg, frame->ping->nonce, fake_is_strange(broker, msg));
    else if (frame->body_case == TIP__V1__FRAME__BODY_LIVE)
        broker->n_live++;
    tip__v1__frame__free_unpacked(frame, NULL);
}

/* ---- fetch: seq is the place in `events`, from 1 ---- */

static void fake_append_record(struct fake_broker *broker, struct tip_buf *out, uint64_t seq)
{
    struct tip_stamp stamp = {.journal_id = broker->journal_id,
                              .seq = seq,
                              .class_seq = seq,
                              .tlp = TIP_TLP_AMBER,
                              .publisher = "fake",
                              .topic = "v1.system.alarm.test."};
    const char *name = broker->events[seq - 1].name;
    tip_auto(tip_buf_deinit) struct tip_buf record = {0};
    uint8_t len[4];

    tip_buf_init(&record, 1 << 16);
    assert_int_equal(tip_record_write(&stamp, (const uint8_t *)name, strlen(name), &record), 0);
    for (unsigned i = 0; i < 4; i++)
        len[i] = (uint8_t)(record.len >> (8 * i));
    assert_int_equal(tip_buf_append(out, len, 4), 0);
    assert_int_equal(tip_buf_append(out, record.data, record.len), 0);
}

static void fake_trimmed(struct fake_broker *broker, const struct tip_zmsg *msg, uint64_t request)
{
    Tip__V1__Frame frame = TIP__V1__FRAME__INIT;
    Tip__V1__Trimmed trimmed = TIP__V1__TRIMMED__INIT;

    trimmed.journal_id = (ProtobufCBinaryData){16, broker->journal_id.bytes};
    trimmed.first_available = broker->trimmed_below;
    trimmed.request = request;
    frame.body_case = TIP__V1__FRAME__BODY_TRIMMED;
    frame.trimmed = &trimmed;
    fake_say(broker->fetch, msg->frames[0].data, msg->frames[0].len, &frame, NULL);
}

static void fake_batch(struct fake_broker *broker, const struct tip_zmsg *msg, const Tip__V1__Fetch *fetch)
{
    Tip__V1__Frame frame = TIP__V1__FRAME__INIT;
    Tip__V1__Batch batch = TIP__V1__BATCH__INIT;
    tip_auto(tip_buf_deinit) struct tip_buf data = {0};
    uint64_t seq = fetch->from_seq ? fetch->from_seq : 1;

    tip_buf_init(&data, 1 << 20);
    for (; seq <= broker->n_events && batch.n < fetch->max_events; seq++, batch.n++)
        fake_append_record(broker, &data, seq);
    batch.journal_id = (ProtobufCBinaryData){16, broker->journal_id.bytes};
    batch.next_seq = seq;
    batch.head_seq = broker->n_events;
    batch.request = fetch->request;
    frame.body_case = TIP__V1__FRAME__BODY_BATCH;
    frame.batch = &batch;
    fake_say(broker->fetch, msg->frames[0].data, msg->frames[0].len, &frame, &data);
}

static void fake_note_fetcher(struct fake_broker *broker, const struct tip_zmsg *msg)
{
    const struct tip_zframe *id = &msg->frames[0];

    assert_true(id->len <= FAKE_ID_BYTES);
    if (id->len == broker->fetcher_len && memcmp(id->data, broker->fetcher, id->len) == 0)
        return;
    broker->n_fetchers++;
    memcpy(broker->fetcher, id->data, id->len);
    broker->fetcher_len = id->len;
}

static void fake_on_fetch(void *ctx, const struct tip_zmsg *msg)
{
    struct fake_broker *broker = ctx;
    Tip__V1__Frame *frame = fake_frame(msg);

    if (frame->body_case == TIP__V1__FRAME__BODY_PING) {
        if (!broker->silent)
            fake_pong(broker->fetch, msg, frame->ping->nonce, false);
        tip__v1__frame__free_unpacked(frame, NULL);
        return;
    }
    assert_int_equal(frame->body_case, TIP__V1__FRAME__BODY_FETCH);
    broker->n_fetches++;
    fake_note_fetcher(broker, msg);
    broker->from_seq = frame->fetch->from_seq;
    broker->committed_seq = frame->fetch->committed_seq;
    if (broker->trimmed_below && frame->fetch->from_seq < broker->trimmed_below)
        fake_trimmed(broker, msg, frame->fetch->request);
    else if (frame->fetch->from_seq <= broker->n_events)
        fake_batch(broker, msg, frame->fetch);
    /* else the poll is long */
    tip__v1__frame__free_unpacked(frame, NULL);
}

/* ---- work ---- */

static void fake_no_worker(struct fake_broker *broker, const struct tip_zmsg *msg, const Tip__V1__Put *put)
{
    Tip__V1__Frame frame = TIP__V1__FRAME__INIT;
    Tip__V1__Failed failed;
    char reason[] = "nobody serves it";

    tip__v1__failed__init(&failed);
    failed.id = put->id;
    failed.reason = reason;
    failed.code = 4;
    frame.body_case = TIP__V1__FRAME__BODY_FAILED;
    frame.failed = &failed;
    fake_say(broker->work, msg->frames[0].data, msg->frames[0].len, &frame, NULL);
}

static void fake_job(struct fake_broker *broker, const struct tip_zmsg *msg, const Tip__V1__Put *put)
{
    Tip__V1__Frame frame = TIP__V1__FRAME__INIT;
    Tip__V1__Job job;

    tip__v1__job__init(&job);
    memcpy(broker->caller, msg->frames[0].data, msg->frames[0].len);
    broker->caller_len = msg->frames[0].len;
    job.id = put->id;
    job.attempt = 1;
    job.queue = put->queue;
    job.body = put->body;
    job.deadline_ms = put->deadline_ms;
    job.caller = put->caller;
    frame.body_case = TIP__V1__FRAME__BODY_JOB;
    frame.job = &job;
    fake_say(broker->work, broker->worker, broker->worker_len, &frame, NULL);
}

static void fake_put(struct fake_broker *broker, const struct tip_zmsg *msg, const Tip__V1__Put *put)
{
    broker->n_puts++;
    if (broker->silent)
        return;
    if (broker->credit > 0)
        fake_job(broker, msg, put);
    else
        fake_no_worker(broker, msg, put);
}

static void fake_end(struct fake_broker *broker, const Tip__V1__Frame *from)
{
    Tip__V1__Frame frame = TIP__V1__FRAME__INIT;
    Tip__V1__Result result = TIP__V1__RESULT__INIT;
    Tip__V1__Failed failed;

    tip__v1__failed__init(&failed);
    if (from->body_case == TIP__V1__FRAME__BODY_DONE) {
        result.id = from->done->id;
        result.body = from->done->body;
        frame.body_case = TIP__V1__FRAME__BODY_RESULT;
        frame.result = &result;
    } else {
        failed.id = from->fail->id;
        failed.reason = from->fail->reason;
        failed.code = from->fail->code;
        frame.body_case = TIP__V1__FRAME__BODY_FAILED;
        frame.failed = &failed;
    }
    fake_say(broker->work, broker->caller, broker->caller_len, &frame, NULL);
}

static void fake_on_work(void *ctx, const struct tip_zmsg *msg)
{
    struct fake_broker *broker = ctx;
    Tip__V1__Frame *frame = fake_frame(msg);

    if (frame->body_case == TIP__V1__FRAME__BODY_PUT) {
        fake_put(broker, msg, frame->put);
    } else if (frame->body_case == TIP__V1__FRAME__BODY_TAKE) {
        memcpy(broker->worker, msg->frames[0].data, msg->frames[0].len);
        broker->worker_len = msg->frames[0].len;
        broker->credit = frame->take->credit;
    } else if (frame->body_case == TIP__V1__FRAME__BODY_PING) {
        fake_pong(broker->work, msg, frame->ping->nonce, false);
    } else {
        fake_end(broker, frame);
    }
    tip__v1__frame__free_unpacked(frame, NULL);
}

/* ---- all of it ---- */

static void fake_on_feed(void *ctx, const struct tip_zmsg *msg)
{
    (void)ctx;
    (void)msg; /* subscriptions */
}

static struct tip_zsock *fake_bind(struct fake_broker *broker, int type, char *endpoint,
                                   void (*on_message)(void *ctx, const struct tip_zmsg *msg))
{
    struct tip_zsock_options options = {
        .type = type, .on_message = on_message, .ctx = broker, .frame_bytes_max = 1 << 24};
    struct tip_zsock *socket;

    assert_int_equal(tip_zsock_open(&socket, broker->loop, &options), 0);
    assert_int_equal(tip_zsock_bind(socket, *endpoint ? endpoint : "tcp://127.0.0.1:*"), 0);
    (void)snprintf(endpoint, 64, "%s", tip_zsock_endpoint(socket));
    return socket;
}

void fake_broker_start(struct fake_broker *broker, struct tip_loop *loop)
{
    broker->loop = loop;
    if (!broker->window_events)
        broker->window_events = 16384;
    broker->journal_id.bytes[0] = 1;
    broker->ingest = fake_bind(broker, ZMQ_ROUTER, broker->endpoints[0], fake_on_ingest);
    broker->fetch = fake_bind(broker, ZMQ_ROUTER, broker->endpoints[1], fake_on_fetch);
    broker->work = fake_bind(broker, ZMQ_ROUTER, broker->endpoints[2], fake_on_work);
    broker->feed = fake_bind(broker, ZMQ_XPUB, broker->endpoints[3], fake_on_feed);
}

void fake_broker_stop(struct fake_broker *broker)
{
    tip_zsock_destroy(&broker->ingest);
    tip_zsock_destroy(&broker->fetch);
    tip_zsock_destroy(&broker->work);
    tip_zsock_destroy(&broker->feed);
    broker->credit = 0;
    broker->publisher_len = 0;
}

static void fake_publish(struct fake_broker *broker, const char *topic, const char *event)
{
    struct tip_stamp stamp = {
        .journal_id = broker->journal_id, .seq = 1, .class_seq = 1, .tlp = TIP_TLP_AMBER, .publisher = "fake"};
    tip_auto(tip_buf_deinit) struct tip_buf record = {0};
    struct tip_zframe frames[2] = {{topic, strlen(topic)}};

    (void)snprintf(stamp.topic, sizeof(stamp.topic), "%s", topic);
    tip_buf_init(&record, 1 << 16);
    assert_int_equal(tip_record_write(&stamp, (const uint8_t *)event, strlen(event), &record), 0);
    frames[1] = (struct tip_zframe){record.data, record.len};
    assert_int_equal(tip_zsock_send(broker->feed, frames, 2), 0);
}

void fake_broker_feed(struct fake_broker *broker, const char *name)
{
    fake_publish(broker, "v1.system.alarm.test.", name);
}

void fake_broker_head(struct fake_broker *broker)
{
    fake_publish(broker, TIP_TOPIC_BUS_HEAD, "a head that nobody decodes");
}
