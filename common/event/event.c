#include <tip/event.h>

#include <errno.h>
#include <string.h>

#include <tip/v1/event.pb-c.h>

#include "wire.h"

enum {
    EVENT_ARENA_MAX = 32 << 20, /* the worst that 128 KiB of empty entries can unfold to */
    EVENT_ENTRY_BYTES = 4096    /* of one entry taken apart */
};

static const Tip__V1__Event__PayloadCase event_payloads[TIP_EVENT_KIND_COUNT] = {
    [TIP_EVENT_SCHEDULE_DUE] = TIP__V1__EVENT__PAYLOAD_SCHEDULE_DUE,
    [TIP_EVENT_SCHEDULE_DONE] = TIP__V1__EVENT__PAYLOAD_SCHEDULE_DONE,
    [TIP_EVENT_SCHEDULE_FAILED] = TIP__V1__EVENT__PAYLOAD_SCHEDULE_FAILED,
    [TIP_EVENT_SCHEDULE_OVERDUE] = TIP__V1__EVENT__PAYLOAD_SCHEDULE_OVERDUE,
    [TIP_EVENT_LISTING_DELTA] = TIP__V1__EVENT__PAYLOAD_LISTING_DELTA,
    [TIP_EVENT_LISTING_BASELINE] = TIP__V1__EVENT__PAYLOAD_LISTING_BASELINE,
    [TIP_EVENT_SOURCE_OK] = TIP__V1__EVENT__PAYLOAD_SOURCE_OK,
    [TIP_EVENT_SOURCE_HELD] = TIP__V1__EVENT__PAYLOAD_SOURCE_HELD,
    [TIP_EVENT_SOURCE_FAILED] = TIP__V1__EVENT__PAYLOAD_SOURCE_FAILED,
    [TIP_EVENT_SOURCE_WEIGHT] = TIP__V1__EVENT__PAYLOAD_SOURCE_WEIGHT,
    [TIP_EVENT_VERDICT_CHANGES] = TIP__V1__EVENT__PAYLOAD_VERDICT_CHANGES,
    [TIP_EVENT_CONTROL_APPLIED] = TIP__V1__EVENT__PAYLOAD_CONTROL_APPLIED,
    [TIP_EVENT_CONTROL_ALLOW] = TIP__V1__EVENT__PAYLOAD_CONTROL_ALLOW,
    [TIP_EVENT_SYSTEM_HELLO] = TIP__V1__EVENT__PAYLOAD_SYSTEM_HELLO,
    [TIP_EVENT_SYSTEM_HEARTBEAT] = TIP__V1__EVENT__PAYLOAD_SYSTEM_HEARTBEAT,
    [TIP_EVENT_SYSTEM_GOODBYE] = TIP__V1__EVENT__PAYLOAD_SYSTEM_GOODBYE,
    [TIP_EVENT_SYSTEM_ALARM] = TIP__V1__EVENT__PAYLOAD_SYSTEM_ALARM,
    [TIP_EVENT_BUS_HEAD] = TIP__V1__EVENT__PAYLOAD_BUS_HEAD,
    [TIP_EVENT_MAIL_SEEN] = TIP__V1__EVENT__PAYLOAD_MAIL_SEEN,
    [TIP_EVENT_FLUX_AGENT] = TIP__V1__EVENT__PAYLOAD_FLUX_AGENT,
    [TIP_EVENT_SMTP_BEHAVIOUR] = TIP__V1__EVENT__PAYLOAD_SMTP_BEHAVIOUR,
};

/* The header as a table too; the payload and the causes are by hand. */
static const struct wire_field header_rows[] = {
    WIRE_ROW(UUID, Event, tip_event, id, 1, 0),
    WIRE_AS("kind", TEXT, Event, kind, tip_event, kind_name, 1, TIP_NAME_MAX),
    WIRE_AT("observed_at", Event, tip_event, observed_unix_ms),
    WIRE_ROW(U32, Event, tip_event, schema, 0, 0),
    WIRE_ROW(U32, Event, tip_event, depth, 0, 255),
};
static const struct wire_table header_table = WIRE_TABLE(tip__v1__event__descriptor, tip_event, header_rows, );

/* All payloads lie at one place: the union of the struct, and the union of pointers of the message. */
static const void *event_payload(const struct tip_event *event)
{
    return &event->schedule_due;
}

static const char *event_check(const struct tip_event *event)
{
    const char *reason = wire_check(&header_table, event);

    if (reason)
        return reason;
    if (event->n_causes > TIP_EVENT_CAUSES_MAX)
        return "too many causes";
    for (size_t i = 0; i < event->n_causes; i++) {
        if (tip_id_is_zero(&event->causes[i].event_id))
            return "a cause without an event id";
        if (event->causes[i].source && !wire_text_valid(event->causes[i].source, 0, TIP_NAME_MAX))
            return "the source of a cause is malformed";
    }
    return NULL;
}

static int event_put_causes(const struct tip_event *event, struct arena *arena, Tip__V1__Event *message)
{
    message->n_causes = event->n_causes;
    message->causes = arena_alloc(arena, event->n_causes, sizeof(*message->causes));
    for (size_t i = 0; message->causes && i < event->n_causes; i++) {
        Tip__V1__Cause *cause = arena_alloc(arena, 1, sizeof(*cause));

        if (!cause)
            return -ENOMEM;
        tip__v1__cause__init(cause);
        cause->event_id = wire_id(&event->causes[i].event_id);
        cause->index = event->causes[i].index;
        if (event->causes[i].source)
            cause->source = wire_borrow(event->causes[i].source);
        message->causes[i] = cause;
    }
    return message->causes ? 0 : -ENOMEM;
}

static int event_encode_in(const struct tip_event *event, struct arena *arena, struct tip_buf *out)
{
    const struct wire_table *table = wire_event_table(event->kind);
    struct tip_event header = *event;
    Tip__V1__Event *message;
    ProtobufCMessage *payload;
    int r;

    header.kind_name = tip_event_kind_name(event->kind);
    header.schema = event->schema ? event->schema : 1;
    if (!table || event_check(&header) || wire_check(table, event_payload(event)))
        return -EINVAL;
    message = (Tip__V1__Event *)wire_from_plain(&header_table, arena, &header);
    payload = wire_from_plain(table, arena, event_payload(event));
    if (!message || !payload)
        return -ENOMEM;
    r = event_put_causes(&header, arena, message);
    if (r)
        return r;
    message->payload_case = event_payloads[event->kind];
    message->schedule_due = (Tip__V1__ScheduleDue *)payload;
    return wire_pack(&message->base, TIP_EVENT_BYTES_MAX, out);
}

int tip_event_encode(const struct tip_event *event, struct tip_buf *out)
{
    tip_auto(arena_deinit) struct arena arena = {0};

    arena_init(&arena, EVENT_ARENA_MAX);
    return event_encode_in(event, &arena, out);
}

/* Of one element of a repeated field with a number below 16: tag, length, message. */
static size_t event_entry_size(const struct wire_table *table, const void *entry)
{
    tip_auto(arena_deinit) struct arena arena = {0};
    ProtobufCMessage *message;
    size_t n, size;

    arena_init(&arena, 2 * EVENT_ENTRY_BYTES);
    message = wire_from_plain(table, &arena, entry);
    if (!message)
        return TIP_EVENT_BYTES_MAX;
    n = protobuf_c_message_get_packed_size(message);
    size = 2 + n;
    for (size_t rest = n; rest >= 128; rest /= 128)
        size++;
    return size;
}

size_t tip_listing_entry_size(const struct tip_listing_entry *entry)
{
    return event_entry_size(&wire_listing_entry, entry);
}

size_t tip_verdict_size(const struct tip_verdict *verdict)
{
    return event_entry_size(&wire_verdict, verdict);
}

static enum tip_event_kind event_kind_of_payload(Tip__V1__Event__PayloadCase payload)
{
    for (enum tip_event_kind kind = TIP_EVENT_NONE + 1; kind < TIP_EVENT_KIND_COUNT; kind++) {
        if (event_payloads[kind] == payload)
            return kind;
    }
    return TIP_EVENT_NONE;
}

static int event_get_causes(const Tip__V1__Event *message, struct tip_event *event, const char **reasonp)
{
    if (message->n_causes > TIP_EVENT_CAUSES_MAX) {
        *reasonp = "too many causes";
        return TIP_EVENT_E_INVALID;
    }
    event->n_causes = message->n_causes;
    for (size_t i = 0; i < event->n_causes; i++) {
        if (wire_id_read(&message->causes[i]->event_id, &event->causes[i].event_id)) {
            *reasonp = "the event id of a cause has not 16 bytes";
            return TIP_EVENT_E_INVALID;
        }
        event->causes[i].index = message->causes[i]->index;
        event->causes[i].source = message->causes[i]->source;
    }
    return 0;
}

static int event_fill(struct tip_event *event, const Tip__V1__Event *message, const char **reasonp)
{
    struct arena *arena = wire_box_arena(event);
    int r;

    r = wire_to_plain(&header_table, arena, &message->base, event, reasonp);
    if (r)
        return r;
    r = event_get_causes(message, event, reasonp);
    if (r)
        return r;
    *reasonp = event_check(event);
    if (*reasonp)
        return TIP_EVENT_E_INVALID;
    event->kind = event_kind_of_payload(message->payload_case);
    if (event->kind != tip_event_kind_of(event->kind_name)) {
        *reasonp = "kind and payload do not belong together";
        return TIP_EVENT_E_INVALID;
    }
    if (event->kind == TIP_EVENT_NONE)
        return 0;
    return wire_to_plain(wire_event_table(event->kind), arena, &message->schedule_due->base, &event->schedule_due,
                         reasonp);
}

int tip_event_decode(const uint8_t *bytes, size_t n, struct tip_event **eventp, const char **reasonp)
{
    tip_auto(tip_event_destroy) struct tip_event *event = wire_box_new(sizeof(*event), EVENT_ARENA_MAX);
    const Tip__V1__Event *message = NULL;
    const char *reason;
    int r;

    if (!reasonp)
        reasonp = &reason;
    *reasonp = "not a tip.v1.Event";
    if (n <= TIP_EVENT_BYTES_MAX)
        message = tip__v1__event__unpack(&wire_box_arena(event)->allocator, n, bytes);
    if (!message)
        return TIP_EVENT_E_MALFORMED;
    r = event_fill(event, message, reasonp);
    if (r)
        return r;
    *reasonp = "";
    *eventp = tip_take(event);
    return 0;
}

void tip_event_destroy(struct tip_event **eventp)
{
    wire_box_free(*eventp);
    *eventp = NULL;
}

/* ---- JSON ---- */

static json_t *event_causes_json(const struct tip_event *event)
{
    json_t *causes = json_array();

    for (size_t i = 0; i < event->n_causes; i++) {
        const struct tip_cause *cause = &event->causes[i];

        json_array_append_new(causes, json_pack("{s:o, s:I, s:s*}", "event", wire_json_uuid(&cause->event_id), "index",
                                                (json_int_t)cause->index, "source",
                                                cause->source && *cause->source ? cause->source : NULL));
    }
    return causes;
}

static json_t *event_stamp_json(const struct tip_stamp *stamp)
{
    return json_pack("{s:o, s:I, s:I, s:o, s:s, s:I, s:I, s:s, s:s}", "journal", wire_json_id(&stamp->journal_id), //
                     "seq", (json_int_t)stamp->seq, "class_seq", (json_int_t)stamp->class_seq, "committed_at",
                     wire_json_time(stamp->commit_unix_us / 1000), "publisher", stamp->publisher, "epoch",
                     (json_int_t)stamp->epoch, "pub_seq", (json_int_t)stamp->pub_seq, "topic", stamp->topic, "tlp",
                     tip_tlp_name(stamp->tlp));
}

static json_t *event_object(const struct tip_event *event, const struct tip_stamp *stamp)
{
    const struct wire_table *table = wire_event_table(event->kind);
    struct tip_event header = *event;
    json_t *object;
    int r;

    if (table)
        header.kind_name = tip_event_kind_name(event->kind);
    header.schema = event->schema ? event->schema : 1;
    object = wire_json(&header_table, &header);
    r = json_object_set_new(object, "causes", event_causes_json(event));
    if (stamp)
        r |= json_object_set_new(object, "stamp", event_stamp_json(stamp));
    r |= json_object_set_new(object, "data", table ? wire_json(table, event_payload(event)) : json_null());
    if (r) {
        json_decref(object);
        return NULL;
    }
    return object;
}

static int event_append(const char *bytes, size_t n, void *ctx)
{
    return tip_buf_append(ctx, bytes, n) ? -1 : 0;
}

int tip_event_json(const struct tip_event *event, const struct tip_stamp *stamp, struct tip_buf *out)
{
    size_t before = out->len;
    json_t *object = event_object(event, stamp);
    int r;

    if (!object)
        return -EINVAL;
    r = json_dump_callback(object, event_append, out, JSON_COMPACT | JSON_REAL_PRECISION(15));
    json_decref(object);
    if (!r)
        return 0;
    out->len = before;
    if (out->data)
        out->data[before] = 0;
    return -ENOBUFS;
}
