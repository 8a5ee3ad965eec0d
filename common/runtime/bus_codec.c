#include "bus_codec.h"

#include <errno.h>
#include <string.h>

#include <tip/v1/bus.pb-c.h>

#include <tip/utf8.h>

static int codec_id(struct tip_id *id, const ProtobufCBinaryData *data)
{
    if (data->len != sizeof(id->bytes))
        return BUS_E_MALFORMED;
    memcpy(id->bytes, data->data, sizeof(id->bytes));
    return 0;
}

static ProtobufCBinaryData codec_bytes(const void *bytes, size_t n)
{
    return (ProtobufCBinaryData){.len = n, .data = (uint8_t *)(uintptr_t)bytes}; /* only read */
}

static char *codec_text(const char *text)
{
    return (char *)(uintptr_t)text; /* only read */
}

static bool codec_text_valid(const char *text, size_t max)
{
    size_t len = strnlen(text, max + 1);

    return len <= max && tip_utf8_valid(text, len);
}

/* ---- reading: one function a kind ---- */

static int read_welcome(struct bus_frame *frame, const Tip__V1__Frame *message)
{
    const Tip__V1__Welcome *welcome = message->welcome;

    frame->welcome = (struct bus_welcome){.durable_pub_seq = welcome->durable_pub_seq,
                                          .version = welcome->version,
                                          .window_events = welcome->window_events,
                                          .window_bytes = welcome->window_bytes};
    return codec_id(&frame->welcome.journal_id, &welcome->journal_id);
}

static int read_ack(struct bus_frame *frame, const Tip__V1__Frame *message)
{
    frame->ack = (struct bus_ack){.epoch = message->ack->epoch, .durable_pub_seq = message->ack->durable_pub_seq};
    return 0;
}

static int read_fenced(struct bus_frame *frame, const Tip__V1__Frame *message)
{
    frame->fenced_by = message->fenced->epoch;
    return 0;
}

static int read_refused(struct bus_frame *frame, const Tip__V1__Frame *message)
{
    const Tip__V1__Refused *refused = message->refused;

    frame->refused =
        (struct bus_refused){.reason = refused->reason, .pub_seq = refused->pub_seq, .fatal = refused->fatal};
    return codec_text_valid(refused->reason, BUS_REASON_MAX) ? 0 : BUS_E_MALFORMED;
}

static int read_batch(struct bus_frame *frame, const Tip__V1__Frame *message)
{
    const Tip__V1__Batch *batch = message->batch;

    frame->position = (struct bus_position){
        .next_seq = batch->next_seq, .head_seq = batch->head_seq, .n = batch->n, .request = batch->request};
    return codec_id(&frame->position.journal_id, &batch->journal_id);
}

static int read_trimmed(struct bus_frame *frame, const Tip__V1__Frame *message)
{
    const Tip__V1__Trimmed *trimmed = message->trimmed;

    frame->position = (struct bus_position){.next_seq = trimmed->first_available, .request = trimmed->request};
    return codec_id(&frame->position.journal_id, &trimmed->journal_id);
}

static int read_new_journal(struct bus_frame *frame, const Tip__V1__Frame *message)
{
    const Tip__V1__NewJournal *fresh = message->new_journal;

    frame->position = (struct bus_position){.next_seq = fresh->first_available, .request = fresh->request};
    return codec_id(&frame->position.journal_id, &fresh->journal_id);
}

static int read_damaged(struct bus_frame *frame, const Tip__V1__Frame *message)
{
    const Tip__V1__Damaged *damaged = message->damaged;

    frame->position = (struct bus_position){.next_seq = damaged->to_seq + 1, .request = damaged->request};
    return codec_id(&frame->position.journal_id, &damaged->journal_id);
}

static int read_job(struct bus_frame *frame, const Tip__V1__Frame *message)
{
    const Tip__V1__Job *job = message->job;

    frame->job = (struct bus_job){.attempt = job->attempt,
                                  .deadline_ms = job->deadline_ms,
                                  .lease_ms = job->lease_ms,
                                  .queue = job->queue,
                                  .caller = job->caller,
                                  .body = job->body.data,
                                  .body_len = job->body.len};
    if (!codec_text_valid(job->queue, TIP_NAME_MAX) || !codec_text_valid(job->caller, TIP_NAME_MAX))
        return BUS_E_MALFORMED;
    return codec_id(&frame->job.id, &job->id);
}

static int read_result(struct bus_frame *frame, const Tip__V1__Frame *message)
{
    const Tip__V1__Result *result = message->result;

    frame->answer = (struct bus_answer){.reason = "", .body = result->body.data, .body_len = result->body.len};
    return codec_id(&frame->answer.id, &result->id);
}

static int read_failed(struct bus_frame *frame, const Tip__V1__Frame *message)
{
    const Tip__V1__Failed *failed = message->failed;

    frame->answer = (struct bus_answer){.reason = failed->reason, .code = failed->code};
    if (!codec_text_valid(failed->reason, BUS_REASON_MAX))
        return BUS_E_MALFORMED;
    return codec_id(&frame->answer.id, &failed->id);
}

static int read_full(struct bus_frame *frame, const Tip__V1__Frame *message)
{
    frame->answer = (struct bus_answer){.reason = ""};
    return codec_id(&frame->answer.id, &message->full->id);
}

static int read_lost(struct bus_frame *frame, const Tip__V1__Frame *message)
{
    frame->answer = (struct bus_answer){.reason = "", .attempt = message->lost->attempt};
    return codec_id(&frame->answer.id, &message->lost->id);
}

static int read_ping(struct bus_frame *frame, const Tip__V1__Frame *message)
{
    frame->nonce = message->ping->nonce;
    return 0;
}

static int read_pong(struct bus_frame *frame, const Tip__V1__Frame *message)
{
    frame->pong = (struct bus_pong){message->pong->nonce, message->pong->no_session};
    return 0;
}

static const struct codec_reader {
    Tip__V1__Frame__BodyCase body;
    int (*read)(struct bus_frame *frame, const Tip__V1__Frame *message);
} codec_readers[BUS_FRAME_KIND_COUNT] = {
    [BUS_FRAME_WELCOME] = {TIP__V1__FRAME__BODY_WELCOME, read_welcome},
    [BUS_FRAME_ACK] = {TIP__V1__FRAME__BODY_ACK, read_ack},
    [BUS_FRAME_FENCED] = {TIP__V1__FRAME__BODY_FENCED, read_fenced},
    [BUS_FRAME_REFUSED] = {TIP__V1__FRAME__BODY_REFUSED, read_refused},
    [BUS_FRAME_BATCH] = {TIP__V1__FRAME__BODY_BATCH, read_batch},
    [BUS_FRAME_TRIMMED] = {TIP__V1__FRAME__BODY_TRIMMED, read_trimmed},
    [BUS_FRAME_NEW_JOURNAL] = {TIP__V1__FRAME__BODY_NEW_JOURNAL, read_new_journal},
    [BUS_FRAME_DAMAGED] = {TIP__V1__FRAME__BODY_DAMAGED, read_damaged},
    [BUS_FRAME_JOB] = {TIP__V1__FRAME__BODY_JOB, read_job},
    [BUS_FRAME_RESULT] = {TIP__V1__FRAME__BODY_RESULT, read_result},
    [BUS_FRAME_FAILED] = {TIP__V1__FRAME__BODY_FAILED, read_failed},
    [BUS_FRAME_FULL] = {TIP__V1__FRAME__BODY_FULL, read_full},
    [BUS_FRAME_LOST] = {TIP__V1__FRAME__BODY_LOST, read_lost},
    [BUS_FRAME_PING] = {TIP__V1__FRAME__BODY_PING, read_ping},
    [BUS_FRAME_PONG] = {TIP__V1__FRAME__BODY_PONG, read_pong},
};

int bus_frame_read(struct bus_frame *frame, const void *bytes, size_t n)
{
    Tip__V1__Frame *message;
    int r = 0;

    *frame = (struct bus_frame){.kind = BUS_FRAME_OTHER};
    if (n > BUS_FRAME_CALL_MAX)
        return BUS_E_MALFORMED;
    message = tip__v1__frame__unpack(NULL, n, bytes);
    if (!message)
        return BUS_E_MALFORMED;
    for (enum bus_frame_kind kind = BUS_FRAME_OTHER + 1; kind < BUS_FRAME_KIND_COUNT; kind++) {
        if (codec_readers[kind].body == message->body_case) {
            frame->kind = kind;
            r = codec_readers[kind].read(frame, message);
            break;
        }
    }
    if (r)
        tip__v1__frame__free_unpacked(message, NULL);
    else
        frame->message = message;
    return r;
}

void bus_frame_deinit(struct bus_frame *frame)
{
    if (frame->message)
        tip__v1__frame__free_unpacked(frame->message, NULL);
    frame->message = NULL;
}

/* ---- writing ---- */

static int codec_write(struct tip_buf *out, const Tip__V1__Frame *frame)
{
    size_t n = tip__v1__frame__get_packed_size(frame);
    int r;

    tip_buf_clear(out);
    r = tip_buf_reserve(out, n);
    if (r)
        return r;
    out->len = tip__v1__frame__pack(frame, out->data);
    out->data[out->len] = 0;
    return 0;
}

int bus_write_hello(struct tip_buf *out, const struct bus_hello *hello)
{
    Tip__V1__Frame frame;
    Tip__V1__Hello message;

    tip__v1__frame__init(&frame);
    tip__v1__hello__init(&message);
    message.version = BUS_PROTOCOL;
    message.publisher = codec_text(hello->publisher);
    message.epoch = hello->epoch;
    message.first_unacked = hello->first_unacked;
    frame.body_case = TIP__V1__FRAME__BODY_HELLO;
    frame.hello = &message;
    return codec_write(out, &frame);
}

int bus_write_data(struct tip_buf *out, const struct bus_data *data)
{
    Tip__V1__Frame frame;
    Tip__V1__Data message;

    tip__v1__frame__init(&frame);
    tip__v1__data__init(&message);
    message.epoch = data->epoch;
    message.first_pub_seq = data->first_pub_seq;
    message.n = data->n;
    frame.body_case = TIP__V1__FRAME__BODY_DATA;
    frame.data = &message;
    return codec_write(out, &frame);
}

int bus_write_live(struct tip_buf *out, const char *publisher, uint32_t n)
{
    Tip__V1__Frame frame;
    Tip__V1__Live message;

    tip__v1__frame__init(&frame);
    tip__v1__live__init(&message);
    message.publisher = codec_text(publisher);
    message.n = n;
    frame.body_case = TIP__V1__FRAME__BODY_LIVE;
    frame.live = &message;
    return codec_write(out, &frame);
}

int bus_write_fetch(struct tip_buf *out, const struct bus_fetch *fetch)
{
    char *prefixes[BUS_PREFIXES_MAX];
    Tip__V1__Frame frame;
    Tip__V1__Fetch message;

    if (fetch->n_prefixes > BUS_PREFIXES_MAX)
        return -ENOBUFS;
    tip__v1__frame__init(&frame);
    tip__v1__fetch__init(&message);
    for (size_t i = 0; i < fetch->n_prefixes; i++)
        prefixes[i] = codec_text(fetch->prefixes[i]);
    message.consumer = codec_text(fetch->consumer);
    if (!tip_id_is_zero(&fetch->journal_id))
        message.journal_id = codec_bytes(fetch->journal_id.bytes, sizeof(fetch->journal_id.bytes));
    message.from_seq = fetch->from_seq;
    message.committed_seq = fetch->committed_seq;
    message.n_prefixes = fetch->n_prefixes;
    message.prefixes = prefixes;
    message.max_bytes = fetch->max_bytes;
    message.max_events = fetch->max_events;
    message.max_wait_ms = fetch->max_wait_ms;
    message.request = fetch->request;
    frame.body_case = TIP__V1__FRAME__BODY_FETCH;
    frame.fetch = &message;
    return codec_write(out, &frame);
}

int bus_write_put(struct tip_buf *out, const struct bus_put *put)
{
    Tip__V1__Frame frame;
    Tip__V1__Put message;

    tip__v1__frame__init(&frame);
    tip__v1__put__init(&message);
    message.id = codec_bytes(put->id.bytes, sizeof(put->id.bytes));
    message.queue = codec_text(put->queue);
    message.body = codec_bytes(put->body, put->body_len);
    message.deadline_ms = put->deadline_ms;
    message.lease_ms = put->lease_ms;
    message.max_attempts = put->max_attempts;
    message.caller = codec_text(put->caller);
    frame.body_case = TIP__V1__FRAME__BODY_PUT;
    frame.put = &message;
    return codec_write(out, &frame);
}

int bus_write_take(struct tip_buf *out, const char *queue, uint32_t credit, const char *worker)
{
    Tip__V1__Frame frame;
    Tip__V1__Take message;

    tip__v1__frame__init(&frame);
    tip__v1__take__init(&message);
    message.queue = codec_text(queue);
    message.credit = credit;
    message.worker = codec_text(worker);
    frame.body_case = TIP__V1__FRAME__BODY_TAKE;
    frame.take = &message;
    return codec_write(out, &frame);
}

int bus_write_done(struct tip_buf *out, const struct bus_end *end)
{
    Tip__V1__Frame frame;
    Tip__V1__Done message;

    tip__v1__frame__init(&frame);
    tip__v1__done__init(&message);
    message.id = codec_bytes(end->id.bytes, sizeof(end->id.bytes));
    message.attempt = end->attempt;
    message.body = codec_bytes(end->body, end->body_len);
    frame.body_case = TIP__V1__FRAME__BODY_DONE;
    frame.done = &message;
    return codec_write(out, &frame);
}

int bus_write_fail(struct tip_buf *out, const struct bus_end *end)
{
    Tip__V1__Frame frame;
    Tip__V1__Fail message;

    tip__v1__frame__init(&frame);
    tip__v1__fail__init(&message);
    message.id = codec_bytes(end->id.bytes, sizeof(end->id.bytes));
    message.attempt = end->attempt;
    message.reason = codec_text(end->reason);
    message.code = end->code;
    frame.body_case = TIP__V1__FRAME__BODY_FAIL;
    frame.fail = &message;
    return codec_write(out, &frame);
}

int bus_write_renew(struct tip_buf *out, const struct tip_id *id, uint32_t attempt, uint32_t lease_ms)
{
    Tip__V1__Frame frame;
    Tip__V1__Renew message;

    tip__v1__frame__init(&frame);
    tip__v1__renew__init(&message);
    message.id = codec_bytes(id->bytes, sizeof(id->bytes));
    message.attempt = attempt;
    message.lease_ms = lease_ms;
    frame.body_case = TIP__V1__FRAME__BODY_RENEW;
    frame.renew = &message;
    return codec_write(out, &frame);
}

int bus_write_ping(struct tip_buf *out, uint64_t nonce)
{
    Tip__V1__Frame frame;
    Tip__V1__Ping message;

    tip__v1__frame__init(&frame);
    tip__v1__ping__init(&message);
    message.nonce = nonce;
    frame.body_case = TIP__V1__FRAME__BODY_PING;
    frame.ping = &message;
    return codec_write(out, &frame);
}

int bus_write_pong(struct tip_buf *out, uint64_t nonce)
{
    Tip__V1__Frame frame;
    Tip__V1__Pong message;

    tip__v1__frame__init(&frame);
    tip__v1__pong__init(&message);
    message.nonce = nonce;
    frame.body_case = TIP__V1__FRAME__BODY_PONG;
    frame.pong = &message;
    return codec_write(out, &frame);
}

int bus_batch_next(const uint8_t **atp, size_t *restp, const uint8_t **recordp, size_t *lenp)
{
    const uint8_t *at = *atp;
    size_t len;

    if (*restp < 4)
        return BUS_E_MALFORMED;
    len = at[0] | (size_t)at[1] << 8 | (size_t)at[2] << 16 | (size_t)at[3] << 24;
    if (len > *restp - 4)
        return BUS_E_MALFORMED;
    *recordp = at + 4;
    *lenp = len;
    *atp += 4 + len;
    *restp -= 4 + len;
    return 0;
}
