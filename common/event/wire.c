#include "wire.h"

#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <tip/alloc.h>
#include <tip/utf8.h>

static const int64_t wire_time_max = INT64_C(253402300799999);

struct wire_box {
    _Alignas(16) struct arena arena;
    _Alignas(16) uint8_t plain[];
};

/* Where one field of one struct is read or written. */
struct wire_copy {
    const struct wire_field *field;
    struct arena *arena;
    const char **reasonp;
};

static const void *wire_at(const void *base, uint16_t offset)
{
    return (const uint8_t *)base + offset;
}

static void *wire_to(void *base, uint16_t offset)
{
    return (uint8_t *)base + offset;
}

void *wire_borrow(const void *pointer)
{
    return (void *)(uintptr_t)pointer;
}

void *wire_box_new(size_t size, size_t bytes_max)
{
    struct wire_box *box;

    box = tip_alloc(1, sizeof(*box) + size);
    arena_init(&box->arena, bytes_max);
    return box->plain;
}

static struct wire_box *wire_box_of(void *plain)
{
    return (struct wire_box *)((uint8_t *)plain - offsetof(struct wire_box, plain));
}

void wire_box_free(void *plain)
{
    if (!plain)
        return;
    arena_deinit(&wire_box_of(plain)->arena);
    free(wire_box_of(plain));
}

struct arena *wire_box_arena(void *plain)
{
    return &wire_box_of(plain)->arena;
}

/* ---- ids and texts ---- */

ProtobufCBinaryData wire_id(const struct tip_id *id)
{
    if (tip_id_is_zero(id))
        return (ProtobufCBinaryData){0};
    return (ProtobufCBinaryData){.len = sizeof(id->bytes), .data = wire_borrow(id->bytes)};
}

int wire_id_read(const ProtobufCBinaryData *data, struct tip_id *id)
{
    memset(id, 0, sizeof(*id));
    if (data->len == 0)
        return 0;
    if (data->len != sizeof(id->bytes))
        return TIP_EVENT_E_INVALID;
    memcpy(id->bytes, data->data, sizeof(id->bytes));
    return 0;
}

bool wire_text_valid(const char *text, size_t min, size_t max)
{
    size_t len = text ? strnlen(text, max + 1) : 0;
    uint32_t point;
    size_t n;

    if (len < min || len > max)
        return false;
    for (size_t i = 0; i < len; i += n) {
        n = tip_utf8_next(text + i, len - i, &point);
        if (n == 0 || point < 0x20 || (point >= 0x7f && point < 0xa0))
            return false;
    }
    return true;
}

/* Canonical forms are ASCII without blanks. */
static bool wire_value_valid(const char *value, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (value[i] < 0x21 || value[i] > 0x7e)
            return false;
    }
    return true;
}

/* ---- bounds: NULL, or the sentence ---- */

static const char *wire_refuse_unless(const struct wire_field *field, bool good)
{
    return good ? NULL : field->reason;
}

static const char *wire_check_id(const struct wire_field *field, const void *plain)
{
    return wire_refuse_unless(field, field->min == 0 || !tip_id_is_zero(wire_at(plain, field->plain)));
}

static const char *wire_check_text(const struct wire_field *field, const void *plain)
{
    const char *const *textp = wire_at(plain, field->plain);

    return wire_refuse_unless(field, wire_text_valid(*textp, (size_t)field->min, (size_t)field->max));
}

static const char *wire_check_number(const struct wire_field *field, uint64_t value)
{
    return wire_refuse_unless(field, value >= (uint64_t)field->min && (!field->max || value <= (uint64_t)field->max));
}

static const char *wire_check_u32(const struct wire_field *field, const void *plain)
{
    const uint32_t *valuep = wire_at(plain, field->plain);

    return wire_check_number(field, *valuep);
}

static const char *wire_check_u64(const struct wire_field *field, const void *plain)
{
    const uint64_t *valuep = wire_at(plain, field->plain);

    return wire_check_number(field, *valuep);
}

static const char *wire_check_time(const struct wire_field *field, const void *plain)
{
    const int64_t *timep = wire_at(plain, field->plain);

    return wire_refuse_unless(field, *timep >= 0 && *timep <= wire_time_max);
}

static const char *wire_check_real(const struct wire_field *field, const void *plain)
{
    const double *realp = wire_at(plain, field->plain);

    return wire_refuse_unless(field, isfinite(*realp) && *realp >= field->min && *realp <= field->max);
}

static const char *wire_check_enum(const struct wire_field *field, const void *plain)
{
    const int *valuep = wire_at(plain, field->plain);

    return wire_refuse_unless(field, *valuep >= field->min && *valuep <= field->max);
}

static const char *wire_check_value(const struct wire_field *field, const void *plain)
{
    const char *const *valuep = wire_at(plain, field->plain);
    const uint16_t *lenp = wire_at(plain, field->plain_n);

    return wire_refuse_unless(field, *lenp >= field->min && *lenp <= field->max && wire_value_valid(*valuep, *lenp));
}

static const char *wire_check_raw(const struct wire_field *field, const void *plain)
{
    const uint8_t *const *rawp = wire_at(plain, field->plain);
    const uint16_t *lenp = wire_at(plain, field->plain_n);

    return wire_refuse_unless(field, *lenp <= field->max && (*rawp || !*lenp));
}

static const char *wire_check_list(const struct wire_field *field, const void *plain)
{
    const uint8_t *const *itemsp = wire_at(plain, field->plain);
    const size_t *np = wire_at(plain, field->plain_n);
    const char *reason = wire_refuse_unless(field, *np <= (size_t)field->max && (*itemsp || !*np));

    for (size_t i = 0; !reason && i < *np; i++)
        reason = wire_check(field->sub, *itemsp + i * field->sub->plain_size);
    return reason;
}

static const char *wire_check_inline(const struct wire_field *field, const void *plain)
{
    return wire_check(field->sub, plain);
}

static const char *wire_check_nothing(const struct wire_field *field, const void *plain)
{
    (void)field;
    (void)plain;
    return NULL;
}

/* ---- plain to message: false when the arena is full ---- */

static bool wire_put_id(const struct wire_copy *copy, const void *plain, void *message)
{
    ProtobufCBinaryData *data = wire_to(message, copy->field->wire);

    *data = wire_id(wire_at(plain, copy->field->plain));
    return true;
}

static bool wire_put_text(const struct wire_copy *copy, const void *plain, void *message)
{
    const char *const *textp = wire_at(plain, copy->field->plain);
    char **to = wire_to(message, copy->field->wire);

    if (*textp)
        *to = wire_borrow(*textp);
    return true;
}

static bool wire_put_4(const struct wire_copy *copy, const void *plain, void *message)
{
    memcpy(wire_to(message, copy->field->wire), wire_at(plain, copy->field->plain), 4);
    return true;
}

static bool wire_put_8(const struct wire_copy *copy, const void *plain, void *message)
{
    memcpy(wire_to(message, copy->field->wire), wire_at(plain, copy->field->plain), 8);
    return true;
}

static bool wire_put_bool(const struct wire_copy *copy, const void *plain, void *message)
{
    const bool *boolp = wire_at(plain, copy->field->plain);
    protobuf_c_boolean *to = wire_to(message, copy->field->wire);

    *to = *boolp;
    return true;
}

/* A value of an event to be encoded need not end in NUL, but protobuf-c wants it. */
static bool wire_put_value(const struct wire_copy *copy, const void *plain, void *message)
{
    const char *const *valuep = wire_at(plain, copy->field->plain);
    const uint16_t *lenp = wire_at(plain, copy->field->plain_n);
    char **to = wire_to(message, copy->field->wire);

    *to = arena_alloc(copy->arena, *lenp + (size_t)1, 1);
    if (*to)
        memcpy(*to, *valuep, *lenp);
    return *to;
}

static bool wire_put_raw(const struct wire_copy *copy, const void *plain, void *message)
{
    const uint8_t *const *rawp = wire_at(plain, copy->field->plain);
    const uint16_t *lenp = wire_at(plain, copy->field->plain_n);
    ProtobufCBinaryData *data = wire_to(message, copy->field->wire);

    *data = (ProtobufCBinaryData){.len = *lenp, .data = wire_borrow(*rawp)};
    return true;
}

static bool wire_put_list(const struct wire_copy *copy, const void *plain, void *message)
{
    const struct wire_field *field = copy->field;
    const uint8_t *const *itemsp = wire_at(plain, field->plain);
    const size_t *np = wire_at(plain, field->plain_n);
    ProtobufCMessage ***messagesp = wire_to(message, field->wire);
    size_t *to_n = wire_to(message, field->wire_n);

    *messagesp = arena_alloc(copy->arena, *np, sizeof(**messagesp));
    *to_n = *np;
    for (size_t i = 0; *messagesp && i < *np; i++) {
        (*messagesp)[i] = wire_from_plain(field->sub, copy->arena, *itemsp + i * field->sub->plain_size);
        if (!(*messagesp)[i])
            return false;
    }
    return *messagesp;
}

static bool wire_put_inline(const struct wire_copy *copy, const void *plain, void *message)
{
    ProtobufCMessage **messagep = wire_to(message, copy->field->wire);

    *messagep = wire_from_plain(copy->field->sub, copy->arena, plain);
    return *messagep;
}

/* ---- message to plain: 0, TIP_EVENT_E_INVALID, -ENOMEM ---- */

static int wire_fill(const struct wire_table *table, const struct wire_copy *outer, const void *message, void *plain);

static int wire_invalid(const struct wire_copy *copy)
{
    *copy->reasonp = copy->field->reason;
    return TIP_EVENT_E_INVALID;
}

static int wire_get_id(const struct wire_copy *copy, const void *message, void *plain)
{
    if (wire_id_read(wire_at(message, copy->field->wire), wire_to(plain, copy->field->plain)))
        return wire_invalid(copy);
    return 0;
}

static int wire_get_text(const struct wire_copy *copy, const void *message, void *plain)
{
    const char *const *textp = wire_at(message, copy->field->wire);
    const char **to = wire_to(plain, copy->field->plain);

    *to = *textp ? *textp : "";
    return 0;
}

static int wire_get_4(const struct wire_copy *copy, const void *message, void *plain)
{
    memcpy(wire_to(plain, copy->field->plain), wire_at(message, copy->field->wire), 4);
    return 0;
}

static int wire_get_8(const struct wire_copy *copy, const void *message, void *plain)
{
    memcpy(wire_to(plain, copy->field->plain), wire_at(message, copy->field->wire), 8);
    return 0;
}

static int wire_get_bool(const struct wire_copy *copy, const void *message, void *plain)
{
    const protobuf_c_boolean *boolp = wire_at(message, copy->field->wire);
    bool *to = wire_to(plain, copy->field->plain);

    *to = *boolp;
    return 0;
}

static int wire_get_value(const struct wire_copy *copy, const void *message, void *plain)
{
    const char *const *valuep = wire_at(message, copy->field->wire);
    const char **to = wire_to(plain, copy->field->plain);
    uint16_t *to_len = wire_to(plain, copy->field->plain_n);
    size_t len = *valuep ? strlen(*valuep) : 0;

    if (len > (size_t)copy->field->max)
        return wire_invalid(copy);
    *to = *valuep ? *valuep : "";
    *to_len = (uint16_t)len;
    return 0;
}

static int wire_get_raw(const struct wire_copy *copy, const void *message, void *plain)
{
    const ProtobufCBinaryData *data = wire_at(message, copy->field->wire);
    const uint8_t **to = wire_to(plain, copy->field->plain);
    uint16_t *to_len = wire_to(plain, copy->field->plain_n);

    if (data->len > (size_t)copy->field->max)
        return wire_invalid(copy);
    *to = data->data;
    *to_len = (uint16_t)data->len;
    return 0;
}

static int wire_get_list(const struct wire_copy *copy, const void *message, void *plain)
{
    const struct wire_field *field = copy->field;
    const ProtobufCMessage *const *const *messagesp = wire_at(message, field->wire);
    const size_t *np = wire_at(message, field->wire_n);
    uint8_t **itemsp = wire_to(plain, field->plain);
    size_t *to_n = wire_to(plain, field->plain_n);
    int r = 0;

    if (*np > (size_t)field->max)
        return wire_invalid(copy);
    *itemsp = arena_alloc(copy->arena, *np, field->sub->plain_size);
    if (!*itemsp)
        return -ENOMEM;
    *to_n = *np;
    for (size_t i = 0; !r && i < *np; i++)
        r = wire_fill(field->sub, copy, (*messagesp)[i], *itemsp + i * field->sub->plain_size);
    return r;
}

static int wire_get_inline(const struct wire_copy *copy, const void *message, void *plain)
{
    const ProtobufCMessage *const *messagep = wire_at(message, copy->field->wire);

    if (!*messagep)
        return wire_invalid(copy);
    return wire_fill(copy->field->sub, copy, *messagep, plain);
}

/* ---- the walks ---- */

static const struct wire_ops {
    const char *(*check)(const struct wire_field *field, const void *plain);
    bool (*put)(const struct wire_copy *copy, const void *plain, void *message);
    int (*get)(const struct wire_copy *copy, const void *message, void *plain);
} wire_ops[] = {
    [WIRE_ID] = {wire_check_id, wire_put_id, wire_get_id},
    [WIRE_UUID] = {wire_check_id, wire_put_id, wire_get_id},
    [WIRE_TEXT] = {wire_check_text, wire_put_text, wire_get_text},
    [WIRE_U32] = {wire_check_u32, wire_put_4, wire_get_4},
    [WIRE_U64] = {wire_check_u64, wire_put_8, wire_get_8},
    [WIRE_TIME] = {wire_check_time, wire_put_8, wire_get_8},
    [WIRE_BOOL] = {wire_check_nothing, wire_put_bool, wire_get_bool},
    [WIRE_REAL] = {wire_check_real, wire_put_8, wire_get_8},
    [WIRE_ENUM] = {wire_check_enum, wire_put_4, wire_get_4},
    [WIRE_FLAGS] = {wire_check_nothing, wire_put_4, wire_get_4},
    [WIRE_VALUE] = {wire_check_value, wire_put_value, wire_get_value},
    [WIRE_RAW] = {wire_check_raw, wire_put_raw, wire_get_raw},
    [WIRE_LIST] = {wire_check_list, wire_put_list, wire_get_list},
    [WIRE_MAP] = {wire_check_list, wire_put_list, wire_get_list},
    [WIRE_INLINE] = {wire_check_inline, wire_put_inline, wire_get_inline},
};

const char *wire_check(const struct wire_table *table, const void *plain)
{
    const char *reason = NULL;

    for (size_t i = 0; !reason && i < table->n_fields; i++)
        reason = wire_ops[table->fields[i].type].check(&table->fields[i], plain);
    if (!reason && table->check)
        reason = table->check(plain);
    return reason;
}

ProtobufCMessage *wire_from_plain(const struct wire_table *table, struct arena *arena, const void *plain)
{
    ProtobufCMessage *message;

    message = arena_alloc(arena, 1, table->descriptor->sizeof_message);
    if (!message)
        return NULL;
    protobuf_c_message_init(table->descriptor, message);
    for (size_t i = 0; i < table->n_fields; i++) {
        struct wire_copy copy = {.field = &table->fields[i], .arena = arena};

        if (!wire_ops[copy.field->type].put(&copy, plain, message))
            return NULL;
    }
    return message;
}

static int wire_fill(const struct wire_table *table, const struct wire_copy *outer, const void *message, void *plain)
{
    struct wire_copy copy = *outer;
    int r = 0;

    for (size_t i = 0; !r && i < table->n_fields; i++) {
        copy.field = &table->fields[i];
        r = wire_ops[copy.field->type].get(&copy, message, plain);
    }
    return r;
}

int wire_to_plain(const struct wire_table *table, struct arena *arena, const ProtobufCMessage *message, void *plain,
                  const char **reasonp)
{
    struct wire_copy copy = {.arena = arena, .reasonp = reasonp};
    int r;

    r = wire_fill(table, &copy, message, plain);
    if (r)
        return r;
    *reasonp = wire_check(table, plain);
    return *reasonp ? TIP_EVENT_E_INVALID : 0;
}

int wire_pack(const ProtobufCMessage *message, size_t bytes_max, struct tip_buf *out)
{
    size_t n = protobuf_c_message_get_packed_size(message);
    int r;

    if (n > bytes_max)
        return -EMSGSIZE;
    r = tip_buf_reserve(out, n);
    if (r)
        return r;
    out->len += protobuf_c_message_pack(message, out->data + out->len);
    out->data[out->len] = 0;
    return 0;
}
