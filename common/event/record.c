#include <tip/event.h>

#include <errno.h>
#include <string.h>

#include <tip/v1/record.pb-c.h>

#include "wire.h"

enum {
    RECORD_STAMP_BYTES_MAX = 4096,
    RECORD_TAG_STAMP = 1 << 3 | 2, /* length-delimited fields 1 and 2 */
    RECORD_TAG_EVENT = 2 << 3 | 2,
    RECORD_TAG_BYTES = 6 /* a tag and a length below 2^28 */
};

/* What is left of the bytes. */
struct record_rest {
    const uint8_t *at;
    size_t n;
};

static int record_varint(struct record_rest *rest, uint64_t *valuep)
{
    *valuep = 0;
    for (unsigned shift = 0; rest->n > 0 && shift < 64; shift += 7) {
        uint8_t byte = *rest->at++;

        rest->n--;
        *valuep |= (uint64_t)(byte & 0x7f) << shift;
        if (byte < 0x80)
            return 0;
    }
    return TIP_EVENT_E_MALFORMED;
}

/* One field; what is not length-delimited has a length too, and no bytes of interest. */
static int record_field(struct record_rest *rest, uint64_t *tagp, struct record_rest *field)
{
    uint64_t n = 0;
    int r;

    r = record_varint(rest, tagp);
    if (r)
        return r;
    switch (*tagp & 7) {
    case 0:
        return record_varint(rest, &n);
    case 1:
        n = 8;
        break;
    case 2:
        r = record_varint(rest, &n);
        if (r)
            return r;
        break;
    case 5:
        n = 4;
        break;
    default: /* groups and numbers that protobuf does not have */
        return TIP_EVENT_E_MALFORMED;
    }
    if (n > rest->n)
        return TIP_EVENT_E_MALFORMED;
    *field = (struct record_rest){.at = rest->at, .n = (size_t)n};
    rest->at += n;
    rest->n -= (size_t)n;
    return 0;
}

static int record_text(char *to, size_t room, const char *text)
{
    size_t len = strnlen(text, room);

    if (len == room || !wire_text_valid(text, 0, len))
        return TIP_EVENT_E_MALFORMED;
    memcpy(to, text, len + 1);
    return 0;
}

static int record_fill(struct tip_stamp *stamp, const Tip__V1__Stamp *message)
{
    if (wire_id_read(&message->journal_id, &stamp->journal_id) || (unsigned)message->tlp >= TIP_TLP_COUNT ||
        record_text(stamp->publisher, sizeof(stamp->publisher), message->publisher) ||
        record_text(stamp->topic, sizeof(stamp->topic), message->topic))
        return TIP_EVENT_E_MALFORMED;
    stamp->seq = message->seq;
    stamp->class_seq = message->class_seq;
    stamp->epoch = message->epoch;
    stamp->pub_seq = message->pub_seq;
    stamp->commit_unix_us = message->commit_unix_us;
    stamp->tlp = (enum tip_tlp)message->tlp;
    return 0;
}

static int record_stamp_read(const struct record_rest *field, struct tip_stamp *stamp)
{
    tip_auto(arena_deinit) struct arena arena = {0};
    Tip__V1__Stamp *message = NULL;

    arena_init(&arena, 4 * RECORD_STAMP_BYTES_MAX);
    if (field->at && field->n <= RECORD_STAMP_BYTES_MAX)
        message = tip__v1__stamp__unpack(&arena.allocator, field->n, field->at);
    return message ? record_fill(stamp, message) : TIP_EVENT_E_MALFORMED;
}

int tip_record_read(const uint8_t *bytes, size_t n, struct tip_stamp *stamp, const uint8_t **eventp, size_t *event_lenp)
{
    struct record_rest rest = {.at = bytes, .n = n};
    struct record_rest stamp_field = {0}, event_field = {0}, field = {0};
    uint64_t tag;

    while (rest.n > 0) {
        if (record_field(&rest, &tag, &field))
            return TIP_EVENT_E_MALFORMED;
        if (tag == RECORD_TAG_STAMP)
            stamp_field = field;
        else if (tag == RECORD_TAG_EVENT)
            event_field = field;
    }
    *eventp = event_field.at;
    *event_lenp = event_field.n;
    return record_stamp_read(&stamp_field, stamp);
}

static int record_head(struct tip_buf *out, uint8_t tag, size_t len)
{
    uint8_t head[RECORD_TAG_BYTES] = {tag};
    size_t n = 1;

    for (; len >= 0x80; len >>= 7)
        head[n++] = (uint8_t)(len | 0x80);
    head[n++] = (uint8_t)len;
    return tip_buf_append(out, head, n);
}

static int record_append(const Tip__V1__Stamp *message, const uint8_t *event, size_t event_len, struct tip_buf *out)
{
    int r;

    r = record_head(out, RECORD_TAG_STAMP, tip__v1__stamp__get_packed_size(message));
    if (!r)
        r = wire_pack(&message->base, RECORD_STAMP_BYTES_MAX, out);
    if (!r)
        r = record_head(out, RECORD_TAG_EVENT, event_len);
    if (!r)
        r = tip_buf_append(out, event, event_len);
    return r;
}

int tip_record_write(const struct tip_stamp *stamp, const uint8_t *event, size_t event_len, struct tip_buf *out)
{
    Tip__V1__Stamp message;
    size_t before = out->len;
    int r;

    tip__v1__stamp__init(&message);
    if (event_len > TIP_EVENT_BYTES_MAX)
        return -EMSGSIZE;
    message.journal_id = wire_id(&stamp->journal_id);
    message.seq = stamp->seq;
    message.class_seq = stamp->class_seq;
    message.commit_unix_us = stamp->commit_unix_us;
    message.publisher = wire_borrow(stamp->publisher);
    message.epoch = stamp->epoch;
    message.pub_seq = stamp->pub_seq;
    message.topic = wire_borrow(stamp->topic);
    message.tlp = (Tip__V1__Tlp)stamp->tlp;
    r = record_append(&message, event, event_len, out);
    if (r) {
        out->len = before;
        if (out->data)
            out->data[before] = 0;
    }
    return r;
}
