#include "codec.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <tip/alloc.h>
#include <tip/v1/bus.pb-c.h>

#include "le.h"

/* ---- memory of one decoded frame: bounded, and freed as a whole ---- */

enum { CODEC_MEMORY_FACTOR = 24, CODEC_MEMORY_FLOOR = 16384, CODEC_NAME_BYTES_MAX = 64 };

struct codec_block {
    struct codec_block *next;
    max_align_t bytes[];
};

struct codec_memory {
    ProtobufCAllocator allocator;
    struct codec_block *blocks;
    size_t left;
};

static void *codec_memory_alloc(void *ctx, size_t n)
{
    struct codec_memory *memory = ctx;
    struct codec_block *block;

    if (n > memory->left)
        return NULL;
    block = malloc(sizeof(*block) + n);
    if (!block)
        return NULL;
    memory->left -= n;
    block->next = memory->blocks;
    memory->blocks = block;
    return block->bytes;
}

static void codec_memory_free(void *ctx, void *bytes)
{
    (void)ctx;
    (void)bytes; /* with all the rest */
}

static struct codec_memory *codec_memory_new(size_t n)
{
    struct codec_memory *memory = tip_new(struct codec_memory);

    memory->allocator = (ProtobufCAllocator){codec_memory_alloc, codec_memory_free, memory};
    memory->left = CODEC_MEMORY_FLOOR + CODEC_MEMORY_FACTOR * n;
    return memory;
}

void codec_frame_deinit(struct codec_frame *frame)
{
    struct codec_memory *memory = frame->owner;

    if (!memory)
        return;
    while (memory->blocks) {
        struct codec_block *block = memory->blocks;

        memory->blocks = block->next;
        free(block);
    }
    free(memory);
    *frame = (struct codec_frame){0};
}

/* ---- one function a kind and direction; a row below joins them ---- */

static struct codec_bytes codec_get_bytes(ProtobufCBinaryData bytes)
{
    return (struct codec_bytes){bytes.data, bytes.len};
}

/* protobuf-c's structs are not const; encoding does not write to them. */
static ProtobufCBinaryData codec_put_bytes(struct codec_bytes bytes)
{
    ProtobufCBinaryData out = {.len = bytes.len};

    memcpy(&out.data, &bytes.data, sizeof(out.data));
    return out;
}

static char *codec_put_text(const char *text)
{
    char *out;

    if (!text)
        text = "";
    memcpy(&out, &text, sizeof(out));
    return out;
}

static void codec_get_hello(const Tip__V1__Frame *in, struct codec_frame *frame)
{
    const Tip__V1__Hello *m = in->hello;

    frame->hello = (struct codec_hello){m->version, m->publisher, m->epoch, m->first_unacked};
}

static void codec_get_welcome(const Tip__V1__Frame *in, struct codec_frame *frame)
{
    const Tip__V1__Welcome *m = in->welcome;

    frame->welcome = (struct codec_welcome){m->version, codec_get_bytes(m->journal_id), m->durable_pub_seq,
                                            m->window_events, m->window_bytes};
}

static void codec_get_data(const Tip__V1__Frame *in, struct codec_frame *frame)
{
    frame->data = (struct codec_data){in->data->epoch, in->data->first_pub_seq, in->data->n};
}

static void codec_get_ack(const Tip__V1__Frame *in, struct codec_frame *frame)
{
    frame->ack = (struct codec_ack){in->ack->epoch, in->ack->durable_pub_seq, in->ack->seq};
}

static void codec_get_fenced(const Tip__V1__Frame *in, struct codec_frame *frame)
{
    frame->fenced_epoch = in->fenced->epoch;
}

static void codec_get_live(const Tip__V1__Frame *in, struct codec_frame *frame)
{
    frame->live = (struct codec_live){in->live->publisher, in->live->n};
}

static void codec_get_refused(const Tip__V1__Frame *in, struct codec_frame *frame)
{
    frame->refused = (struct codec_refused){in->refused->reason, in->refused->pub_seq, in->refused->fatal != 0};
}

static void codec_get_fetch(const Tip__V1__Frame *in, struct codec_frame *frame)
{
    const Tip__V1__Fetch *m = in->fetch;

    frame->fetch = (struct codec_fetch){
        .consumer = m->consumer,
        .journal_id = codec_get_bytes(m->journal_id),
        .from_seq = m->from_seq,
        .committed_seq = m->committed_seq,
        .prefixes = (const char *const *)m->prefixes,
        .n_prefixes = m->n_prefixes,
        .max_bytes = m->max_bytes,
        .max_events = m->max_events,
        .max_wait_ms = m->max_wait_ms,
        .request = m->request,
    };
}

static void codec_get_batch(const Tip__V1__Frame *in, struct codec_frame *frame)
{
    const Tip__V1__Batch *m = in->batch;

    frame->batch = (struct codec_batch){
        codec_get_bytes(m->journal_id), m->next_seq, m->head_seq, m->first_available, m->n, m->request};
}

static void codec_get_trimmed(const Tip__V1__Frame *in, struct codec_frame *frame)
{
    const Tip__V1__Trimmed *m = in->trimmed;

    frame->batch = (struct codec_batch){
        .journal_id = codec_get_bytes(m->journal_id), .first_available = m->first_available, .request = m->request};
}

static void codec_get_new_journal(const Tip__V1__Frame *in, struct codec_frame *frame)
{
    const Tip__V1__NewJournal *m = in->new_journal;

    frame->batch = (struct codec_batch){
        .journal_id = codec_get_bytes(m->journal_id), .first_available = m->first_available, .request = m->request};
}

static void codec_get_damaged(const Tip__V1__Frame *in, struct codec_frame *frame)
{
    const Tip__V1__Damaged *m = in->damaged;

    frame->damaged = (struct codec_damaged){codec_get_bytes(m->journal_id), m->from_seq, m->to_seq, m->request};
}

static void codec_get_put(const Tip__V1__Frame *in, struct codec_frame *frame)
{
    const Tip__V1__Put *m = in->put;

    frame->put = (struct codec_put){
        .id = codec_get_bytes(m->id),
        .body = codec_get_bytes(m->body),
        .queue = m->queue,
        .caller = m->caller,
        .deadline_ms = m->deadline_ms,
        .lease_ms = m->lease_ms,
        .max_attempts = m->max_attempts,
    };
}

static void codec_get_take(const Tip__V1__Frame *in, struct codec_frame *frame)
{
    frame->take = (struct codec_take){in->take->queue, in->take->worker, in->take->credit};
}

static void codec_get_job(const Tip__V1__Frame *in, struct codec_frame *frame)
{
    const Tip__V1__Job *m = in->job;

    frame->put = (struct codec_put){
        .id = codec_get_bytes(m->id),
        .body = codec_get_bytes(m->body),
        .queue = m->queue,
        .caller = m->caller,
        .deadline_ms = m->deadline_ms,
        .lease_ms = m->lease_ms,
        .attempt = m->attempt,
    };
}

static void codec_get_done(const Tip__V1__Frame *in, struct codec_frame *frame)
{
    frame->answer = (struct codec_answer){
        .id = codec_get_bytes(in->done->id), .body = codec_get_bytes(in->done->body), .attempt = in->done->attempt};
}

static void codec_get_fail(const Tip__V1__Frame *in, struct codec_frame *frame)
{
    const Tip__V1__Fail *m = in->fail;

    frame->answer = (struct codec_answer){
        .id = codec_get_bytes(m->id), .reason = m->reason, .attempt = m->attempt, .code = m->code};
}

static void codec_get_lost(const Tip__V1__Frame *in, struct codec_frame *frame)
{
    frame->answer = (struct codec_answer){.id = codec_get_bytes(in->lost->id), .attempt = in->lost->attempt};
}

static void codec_get_full(const Tip__V1__Frame *in, struct codec_frame *frame)
{
    frame->answer = (struct codec_answer){.id = codec_get_bytes(in->full->id), .queue = in->full->queue};
}

static void codec_get_result(const Tip__V1__Frame *in, struct codec_frame *frame)
{
    frame->answer =
        (struct codec_answer){.id = codec_get_bytes(in->result->id), .body = codec_get_bytes(in->result->body)};
}

static void codec_get_failed(const Tip__V1__Frame *in, struct codec_frame *frame)
{
    const Tip__V1__Failed *m = in->failed;

    frame->answer = (struct codec_answer){.id = codec_get_bytes(m->id), .reason = m->reason, .code = m->code};
}

static void codec_get_renew(const Tip__V1__Frame *in, struct codec_frame *frame)
{
    const Tip__V1__Renew *m = in->renew;

    frame->answer = (struct codec_answer){.id = codec_get_bytes(m->id), .attempt = m->attempt, .lease_ms = m->lease_ms};
}

static void codec_get_ping(const Tip__V1__Frame *in, struct codec_frame *frame)
{
    frame->nonce = in->ping->nonce;
}

static void codec_get_pong(const Tip__V1__Frame *in, struct codec_frame *frame)
{
    frame->pong = (struct codec_pong){in->pong->nonce, in->pong->no_session};
}

/* Room for the one message inside a Frame that is being encoded. */
union codec_body {
    Tip__V1__Hello hello;
    Tip__V1__Welcome welcome;
    Tip__V1__Data data;
    Tip__V1__Ack ack;
    Tip__V1__Fenced fenced;
    Tip__V1__Live live;
    Tip__V1__Refused refused;
    Tip__V1__Fetch fetch;
    Tip__V1__Batch batch;
    Tip__V1__Trimmed trimmed;
    Tip__V1__NewJournal new_journal;
    Tip__V1__Damaged damaged;
    Tip__V1__Put put;
    Tip__V1__Take take;
    Tip__V1__Job job;
    Tip__V1__Done done;
    Tip__V1__Fail fail;
    Tip__V1__Lost lost;
    Tip__V1__Full full;
    Tip__V1__Result result;
    Tip__V1__Failed failed;
    Tip__V1__Renew renew;
    Tip__V1__Ping ping;
    Tip__V1__Pong pong;
};

static void codec_put_hello(const struct codec_frame *frame, union codec_body *body)
{
    Tip__V1__Hello *m = &body->hello;

    m->version = frame->hello.version;
    m->publisher = codec_put_text(frame->hello.publisher);
    m->epoch = frame->hello.epoch;
    m->first_unacked = frame->hello.first_unacked;
}

static void codec_put_welcome(const struct codec_frame *frame, union codec_body *body)
{
    Tip__V1__Welcome *m = &body->welcome;

    m->version = frame->welcome.version;
    m->journal_id = codec_put_bytes(frame->welcome.journal_id);
    m->durable_pub_seq = frame->welcome.durable_pub_seq;
    m->window_events = frame->welcome.window_events;
    m->window_bytes = frame->welcome.window_bytes;
}

static void codec_put_data(const struct codec_frame *frame, union codec_body *body)
{
    body->data.epoch = frame->data.epoch;
    body->data.first_pub_seq = frame->data.first_pub_seq;
    body->data.n = frame->data.n;
}

static void codec_put_ack(const struct codec_frame *frame, union codec_body *body)
{
    body->ack.epoch = frame->ack.epoch;
    body->ack.durable_pub_seq = frame->ack.durable_pub_seq;
    body->ack.seq = frame->ack.seq;
}

static void codec_put_fenced(const struct codec_frame *frame, union codec_body *body)
{
    body->fenced.epoch = frame->fenced_epoch;
}

static void codec_put_live(const struct codec_frame *frame, union codec_body *body)
{
    body->live.publisher = codec_put_text(frame->live.publisher);
    body->live.n = frame->live.n;
}

static void codec_put_refused(const struct codec_frame *frame, union codec_body *body)
{
    body->refused.reason = codec_put_text(frame->refused.reason);
    body->refused.pub_seq = frame->refused.pub_seq;
    body->refused.fatal = frame->refused.fatal;
}

static void codec_put_fetch(const struct codec_frame *frame, union codec_body *body)
{
    const struct codec_fetch *fetch = &frame->fetch;
    Tip__V1__Fetch *m = &body->fetch;

    m->consumer = codec_put_text(fetch->consumer);
    m->journal_id = codec_put_bytes(fetch->journal_id);
    m->from_seq = fetch->from_seq;
    m->committed_seq = fetch->committed_seq;
    memcpy(&m->prefixes, &fetch->prefixes, sizeof(m->prefixes));
    m->n_prefixes = fetch->n_prefixes;
    m->max_bytes = fetch->max_bytes;
    m->max_events = fetch->max_events;
    m->max_wait_ms = fetch->max_wait_ms;
    m->request = fetch->request;
}

static void codec_put_batch(const struct codec_frame *frame, union codec_body *body)
{
    Tip__V1__Batch *m = &body->batch;

    m->journal_id = codec_put_bytes(frame->batch.journal_id);
    m->next_seq = frame->batch.next_seq;
    m->head_seq = frame->batch.head_seq;
    m->first_available = frame->batch.first_available;
    m->n = frame->batch.n;
    m->request = frame->batch.request;
}

static void codec_put_trimmed(const struct codec_frame *frame, union codec_body *body)
{
    body->trimmed.journal_id = codec_put_bytes(frame->batch.journal_id);
    body->trimmed.first_available = frame->batch.first_available;
    body->trimmed.request = frame->batch.request;
}

static void codec_put_new_journal(const struct codec_frame *frame, union codec_body *body)
{
    body->new_journal.journal_id = codec_put_bytes(frame->batch.journal_id);
    body->new_journal.first_available = frame->batch.first_available;
    body->new_journal.request = frame->batch.request;
}

static void codec_put_damaged(const struct codec_frame *frame, union codec_body *body)
{
    body->damaged.journal_id = codec_put_bytes(frame->damaged.journal_id);
    body->damaged.from_seq = frame->damaged.from_seq;
    body->damaged.to_seq = frame->damaged.to_seq;
    body->damaged.request = frame->damaged.request;
}

static void codec_put_put(const struct codec_frame *frame, union codec_body *body)
{
    Tip__V1__Put *m = &body->put;

    m->id = codec_put_bytes(frame->put.id);
    m->queue = codec_put_text(frame->put.queue);
    m->body = codec_put_bytes(frame->put.body);
    m->deadline_ms = frame->put.deadline_ms;
    m->lease_ms = frame->put.lease_ms;
    m->max_attempts = frame->put.max_attempts;
    m->caller = codec_put_text(frame->put.caller);
}

static void codec_put_take(const struct codec_frame *frame, union codec_body *body)
{
    body->take.queue = codec_put_text(frame->take.queue);
    body->take.worker = codec_put_text(frame->take.worker);
    body->take.credit = frame->take.credit;
}

static void codec_put_job(const struct codec_frame *frame, union codec_body *body)
{
    Tip__V1__Job *m = &body->job;

    m->id = codec_put_bytes(frame->put.id);
    m->attempt = frame->put.attempt;
    m->queue = codec_put_text(frame->put.queue);
    m->body = codec_put_bytes(frame->put.body);
    m->deadline_ms = frame->put.deadline_ms;
    m->lease_ms = frame->put.lease_ms;
    m->caller = codec_put_text(frame->put.caller);
}

static void codec_put_done(const struct codec_frame *frame, union codec_body *body)
{
    body->done.id = codec_put_bytes(frame->answer.id);
    body->done.attempt = frame->answer.attempt;
    body->done.body = codec_put_bytes(frame->answer.body);
}

static void codec_put_fail(const struct codec_frame *frame, union codec_body *body)
{
    body->fail.id = codec_put_bytes(frame->answer.id);
    body->fail.attempt = frame->answer.attempt;
    body->fail.reason = codec_put_text(frame->answer.reason);
    body->fail.code = frame->answer.code;
}

static void codec_put_lost(const struct codec_frame *frame, union codec_body *body)
{
    body->lost.id = codec_put_bytes(frame->answer.id);
    body->lost.attempt = frame->answer.attempt;
}

static void codec_put_full(const struct codec_frame *frame, union codec_body *body)
{
    body->full.id = codec_put_bytes(frame->answer.id);
    body->full.queue = codec_put_text(frame->answer.queue);
}

static void codec_put_result(const struct codec_frame *frame, union codec_body *body)
{
    body->result.id = codec_put_bytes(frame->answer.id);
    body->result.body = codec_put_bytes(frame->answer.body);
}

static void codec_put_failed(const struct codec_frame *frame, union codec_body *body)
{
    body->failed.id = codec_put_bytes(frame->answer.id);
    body->failed.reason = codec_put_text(frame->answer.reason);
    body->failed.code = frame->answer.code;
}

static void codec_put_renew(const struct codec_frame *frame, union codec_body *body)
{
    body->renew.id = codec_put_bytes(frame->answer.id);
    body->renew.attempt = frame->answer.attempt;
    body->renew.lease_ms = frame->answer.lease_ms;
}

static void codec_put_ping(const struct codec_frame *frame, union codec_body *body)
{
    body->ping.nonce = frame->nonce;
}

static void codec_put_pong(const struct codec_frame *frame, union codec_body *body)
{
    body->pong.nonce = frame->pong.nonce;
    body->pong.no_session = frame->pong.no_session;
}

struct codec_row {
    const char *name;
    Tip__V1__Frame__BodyCase body_case;
    const ProtobufCMessageDescriptor *descriptor;
    void (*get)(const Tip__V1__Frame *in, struct codec_frame *frame);
    void (*put)(const struct codec_frame *frame, union codec_body *body);
};

#define ROW(lower, upper)                                                                                           \
    {                                                                                                               \
#lower, TIP__V1__FRAME__BODY_##upper, &tip__v1__##lower##__descriptor, codec_get_##lower, codec_put_##lower \
    }

static const struct codec_row codec_rows[CODEC_KIND_COUNT] = {
    [CODEC_NONE] = {.name = "none"},
    [CODEC_HELLO] = ROW(hello, HELLO),
    [CODEC_WELCOME] = ROW(welcome, WELCOME),
    [CODEC_DATA] = ROW(data, DATA),
    [CODEC_ACK] = ROW(ack, ACK),
    [CODEC_FENCED] = ROW(fenced, FENCED),
    [CODEC_LIVE] = ROW(live, LIVE),
    [CODEC_REFUSED] = ROW(refused, REFUSED),
    [CODEC_FETCH] = ROW(fetch, FETCH),
    [CODEC_BATCH] = ROW(batch, BATCH),
    [CODEC_TRIMMED] = ROW(trimmed, TRIMMED),
    [CODEC_NEW_JOURNAL] = ROW(new_journal, NEW_JOURNAL),
    [CODEC_DAMAGED] = ROW(damaged, DAMAGED),
    [CODEC_PUT] = ROW(put, PUT),
    [CODEC_TAKE] = ROW(take, TAKE),
    [CODEC_JOB] = ROW(job, JOB),
    [CODEC_DONE] = ROW(done, DONE),
    [CODEC_FAIL] = ROW(fail, FAIL),
    [CODEC_LOST] = ROW(lost, LOST),
    [CODEC_FULL] = ROW(full, FULL),
    [CODEC_RESULT] = ROW(result, RESULT),
    [CODEC_FAILED] = ROW(failed, FAILED),
    [CODEC_RENEW] = ROW(renew, RENEW),
    [CODEC_PING] = ROW(ping, PING),
    [CODEC_PONG] = ROW(pong, PONG),
};

const char *codec_kind_name(enum codec_kind kind)
{
    return codec_rows[kind].name;
}

/*
 * DATA as every encoder writes it, which is most of what a broker reads: field 3 of Frame, in it epoch, first_pub_seq
 * and n, in order, none of them zero. Anything else is protobuf-c's, which takes ten times as long.
 */
enum {
    DATA_TAG = 3 << 3 | 2,
    DATA_EPOCH_TAG = 1 << 3 | 1,
    DATA_FIRST_TAG = 2 << 3 | 1,
    DATA_N_TAG = 3 << 3 | 0,
    DATA_N_AT = 2 + 9 + 9 + 1,
    DATA_BYTES_MAX = DATA_N_AT + 3 /* n below 2^21: a frame has room for no more events */
};

static bool codec_decode_data(struct codec_frame *frame, const uint8_t *bytes, size_t n)
{
    uint32_t count = 0;

    if (n <= DATA_N_AT || n > DATA_BYTES_MAX || bytes[0] != DATA_TAG || bytes[1] != n - 2 ||
        bytes[2] != DATA_EPOCH_TAG || bytes[11] != DATA_FIRST_TAG || bytes[20] != DATA_N_TAG || bytes[n - 1] & 0x80)
        return false;
    for (size_t at = DATA_N_AT; at < n; at++) {
        if (at + 1 < n && !(bytes[at] & 0x80))
            return false; /* n ends early: other fields follow */
        count |= (uint32_t)(bytes[at] & 0x7f) << 7 * (at - DATA_N_AT);
    }
    frame->kind = CODEC_DATA;
    frame->data = (struct codec_data){le64_get(bytes + 3), le64_get(bytes + 12), count};
    frame->owner = NULL;
    return true;
}

static int codec_decode_any(struct codec_frame *frame, const uint8_t *bytes, size_t n)
{
    struct codec_memory *memory = codec_memory_new(n);
    Tip__V1__Frame *in;

    *frame = (struct codec_frame){.owner = memory};
    in = tip__v1__frame__unpack(&memory->allocator, n, bytes);
    if (!in) {
        codec_frame_deinit(frame);
        return CODEC_E_MALFORMED;
    }
    for (int kind = CODEC_HELLO; kind < CODEC_KIND_COUNT; kind++) {
        if (in->body_case == codec_rows[kind].body_case) {
            frame->kind = (enum codec_kind)kind;
            codec_rows[kind].get(in, frame);
        }
    }
    return 0;
}

int codec_decode(struct codec_frame *frame, const void *bytes, size_t n)
{
    return codec_decode_data(frame, bytes, n) ? 0 : codec_decode_any(frame, bytes, n);
}

int codec_encode(const struct codec_frame *frame, struct tip_buf *out)
{
    const struct codec_row *row = &codec_rows[frame->kind];
    Tip__V1__Frame wrapped = TIP__V1__FRAME__INIT;
    union codec_body body = {0};
    size_t n;
    int r;

    if (row->put) {
        row->descriptor->message_init((ProtobufCMessage *)&body);
        row->put(frame, &body);
        wrapped.body_case = row->body_case;
        wrapped.hello = &body.hello; /* all members of the oneof are pointers in one place */
    }
    n = tip__v1__frame__get_packed_size(&wrapped);
    r = tip_buf_reserve(out, n);
    if (r)
        return r;
    out->len += tip__v1__frame__pack(&wrapped, out->data + out->len);
    return 0;
}

/* ---- records: proto/tip/v1/record.proto, field by field ---- */

enum {
    TAG_STAMP = 1 << 3 | 2,
    TAG_EVENT = 2 << 3 | 2,
    TAG_JOURNAL_ID = 1 << 3 | 2,
    TAG_SEQ = 2 << 3 | 1,
    TAG_CLASS_SEQ = 3 << 3 | 1,
    TAG_COMMIT = 4 << 3 | 0,
    TAG_PUBLISHER = 5 << 3 | 2,
    TAG_EPOCH = 6 << 3 | 1,
    TAG_PUB_SEQ = 7 << 3 | 1,
    TAG_TOPIC = 8 << 3 | 2,
    TAG_TLP = 9 << 3 | 0,
    STAMP_BYTES_MAX = 18 + 4 * 9 + 11 + 2 + CODEC_NAME_BYTES_MAX + 3 + 255 + 2,
    RECORD_OVERHEAD_MAX = 3 + STAMP_BYTES_MAX + 6
};

static uint8_t *codec_varint(uint8_t *at, uint64_t value)
{
    while (value >= 0x80) {
        *at++ = (uint8_t)(value | 0x80);
        value >>= 7;
    }
    *at++ = (uint8_t)value;
    return at;
}

static uint8_t *codec_fixed64(uint8_t *at, uint8_t tag, uint64_t value)
{
    if (value == 0)
        return at; /* proto3 leaves out what is zero */
    *at++ = tag;
    le64_put(at, value);
    return at + 8;
}

/* Sets where the bytes stand. */
static uint8_t *codec_delimited(uint8_t *at, uint8_t tag, const void *bytes, size_t n, uint8_t **bytesp)
{
    *at++ = tag;
    at = codec_varint(at, n);
    *bytesp = at;
    memcpy(at, bytes, n);
    return at + n;
}

uint32_t codec_record_max(uint32_t event_len)
{
    return event_len + RECORD_OVERHEAD_MAX;
}

struct codec_record codec_record_put(uint8_t *out, const struct codec_stamp *stamp, const uint8_t *event,
                                     uint32_t event_len)
{
    uint8_t bytes[STAMP_BYTES_MAX], *at = bytes, *name, *topic, *copied, *stamp_at;
    size_t name_len = strnlen(stamp->publisher, CODEC_NAME_BYTES_MAX);
    struct codec_record record = {.name_len = (uint8_t)name_len};

    at = codec_delimited(at, TAG_JOURNAL_ID, stamp->journal_id, 16, &copied);
    at = codec_fixed64(at, TAG_SEQ, stamp->seq);
    at = codec_fixed64(at, TAG_CLASS_SEQ, stamp->class_seq);
    *at++ = TAG_COMMIT;
    at = codec_varint(at, (uint64_t)stamp->commit_us << 1 ^ (uint64_t)(stamp->commit_us >> 63)); /* zigzag */
    at = codec_delimited(at, TAG_PUBLISHER, stamp->publisher, name_len, &name);
    at = codec_fixed64(at, TAG_EPOCH, stamp->epoch);
    at = codec_fixed64(at, TAG_PUB_SEQ, stamp->pub_seq);
    at = codec_delimited(at, TAG_TOPIC, stamp->topic, stamp->topic_len, &topic);
    *at++ = TAG_TLP;
    *at++ = stamp->tlp;

    record.len = (uint32_t)(codec_delimited(out, TAG_STAMP, bytes, (size_t)(at - bytes), &stamp_at) - out);
    record.name_at = (uint16_t)(stamp_at - out + (name - bytes));
    record.topic_at = (uint16_t)(stamp_at - out + (topic - bytes));
    record.len +=
        (uint32_t)(codec_delimited(out + record.len, TAG_EVENT, event, event_len, &copied) - out) - record.len;
    return record;
}
