#include "wire.h"

#include <stdio.h>
#include <string.h>

#include <tip/clock.h>
#include <tip/utf8.h>
#include <tip/uuid.h>

static const void *json_at(const void *base, uint16_t offset)
{
    return (const uint8_t *)base + offset;
}

json_t *wire_json_id(const struct tip_id *id)
{
    char text[2 * sizeof(id->bytes) + 1];

    if (tip_id_is_zero(id))
        return json_null();
    for (size_t i = 0; i < sizeof(id->bytes); i++)
        (void)snprintf(text + 2 * i, 3, "%02x", id->bytes[i]); /* it fits */
    return json_string(text);
}

json_t *wire_json_uuid(const struct tip_id *id)
{
    char text[TIP_UUID_TEXT];
    struct tip_uuid uuid;

    if (tip_id_is_zero(id))
        return json_null();
    memcpy(uuid.bytes, id->bytes, sizeof(uuid.bytes));
    tip_uuid_format(&uuid, text);
    return json_string(text);
}

json_t *wire_json_time(int64_t unix_ms)
{
    char text[TIP_CLOCK_TEXT];

    if (unix_ms == 0)
        return json_null();
    (void)tip_clock_format(unix_ms, text); /* its length is of no use here */
    return json_string(text);
}

static json_t *json_field_id(const struct wire_field *field, const void *plain)
{
    return wire_json_id(json_at(plain, field->plain));
}

static json_t *json_field_uuid(const struct wire_field *field, const void *plain)
{
    return wire_json_uuid(json_at(plain, field->plain));
}

static json_t *json_field_text(const struct wire_field *field, const void *plain)
{
    const char *const *textp = json_at(plain, field->plain);

    return json_string(*textp ? *textp : "");
}

static json_t *json_field_u32(const struct wire_field *field, const void *plain)
{
    const uint32_t *valuep = json_at(plain, field->plain);

    return json_integer(*valuep);
}

static json_t *json_field_u64(const struct wire_field *field, const void *plain)
{
    const uint64_t *valuep = json_at(plain, field->plain);

    return json_integer((json_int_t)*valuep);
}

static json_t *json_field_time(const struct wire_field *field, const void *plain)
{
    const int64_t *timep = json_at(plain, field->plain);

    return wire_json_time(*timep);
}

static json_t *json_field_bool(const struct wire_field *field, const void *plain)
{
    const bool *boolp = json_at(plain, field->plain);

    return json_boolean(*boolp);
}

static json_t *json_field_real(const struct wire_field *field, const void *plain)
{
    const double *realp = json_at(plain, field->plain);

    return json_real(*realp);
}

static json_t *json_field_enum(const struct wire_field *field, const void *plain)
{
    const int *valuep = json_at(plain, field->plain);

    return json_string(field->name_of(*valuep));
}

static const char *const json_flag_names[] = {"subtree", "special_use", "bad_idna", "host_bits", "public_suffix"};

static json_t *json_field_flags(const struct wire_field *field, const void *plain)
{
    const uint32_t *flagsp = json_at(plain, field->plain);
    json_t *names = json_array();

    for (size_t i = 0; i < sizeof(json_flag_names) / sizeof(json_flag_names[0]); i++) {
        if (*flagsp & UINT32_C(1) << i)
            json_array_append_new(names, json_string(json_flag_names[i]));
    }
    return names;
}

static json_t *json_field_value(const struct wire_field *field, const void *plain)
{
    const char *const *valuep = json_at(plain, field->plain);
    const uint16_t *lenp = json_at(plain, field->plain_n);

    return json_stringn(*valuep ? *valuep : "", *lenp);
}

/* Printable UTF-8 stays, a backslash is doubled, every other byte becomes \xNN. */
static json_t *json_field_raw(const struct wire_field *field, const void *plain)
{
    const char *const *rawp = json_at(plain, field->plain);
    const uint16_t *lenp = json_at(plain, field->plain_n);
    char text[4 * TIP_RAW_MAX + 1];
    size_t len = *lenp < TIP_RAW_MAX ? *lenp : TIP_RAW_MAX;
    size_t n_text = 0;
    size_t n;

    for (size_t i = 0; i < len; i += n) {
        uint32_t point = 0;

        n = tip_utf8_next(*rawp + i, len - i, &point);
        if (n == 0 || point < 0x20 || (point >= 0x7f && point < 0xa0)) {
            n_text += (size_t)snprintf(text + n_text, 5, "\\x%02x", (uint8_t)(*rawp)[i]);
            n = 1;
            continue;
        }
        if (point == '\\')
            text[n_text++] = '\\';
        memcpy(text + n_text, *rawp + i, n);
        n_text += n;
    }
    return json_stringn(text, n_text);
}

static json_t *json_field_list(const struct wire_field *field, const void *plain)
{
    const uint8_t *const *itemsp = json_at(plain, field->plain);
    const size_t *np = json_at(plain, field->plain_n);
    json_t *list = json_array();

    for (size_t i = 0; i < *np; i++) {
        if (json_array_append_new(list, wire_json(field->sub, *itemsp + i * field->sub->plain_size))) {
            json_decref(list);
            return NULL;
        }
    }
    return list;
}

static json_t *json_field(const struct wire_field *field, const void *plain);

static json_t *json_field_map(const struct wire_field *field, const void *plain)
{
    const uint8_t *const *itemsp = json_at(plain, field->plain);
    const size_t *np = json_at(plain, field->plain_n);
    const struct wire_field *key = &field->sub->fields[0];
    json_t *object = json_object();

    for (size_t i = 0; i < *np; i++) {
        const uint8_t *item = *itemsp + i * field->sub->plain_size;
        const char *const *keyp = json_at(item, key->plain);

        if (json_object_set_new(object, *keyp ? *keyp : "", json_field(key + 1, item))) {
            json_decref(object);
            return NULL;
        }
    }
    return object;
}

static json_t *(*const json_fields[])(const struct wire_field *field, const void *plain) = {
    [WIRE_ID] = json_field_id,       [WIRE_UUID] = json_field_uuid,   [WIRE_TEXT] = json_field_text,
    [WIRE_U32] = json_field_u32,     [WIRE_U64] = json_field_u64,     [WIRE_TIME] = json_field_time,
    [WIRE_BOOL] = json_field_bool,   [WIRE_REAL] = json_field_real,   [WIRE_ENUM] = json_field_enum,
    [WIRE_FLAGS] = json_field_flags, [WIRE_VALUE] = json_field_value, [WIRE_RAW] = json_field_raw,
    [WIRE_LIST] = json_field_list,   [WIRE_MAP] = json_field_map,     [WIRE_INLINE] = NULL,
};

static json_t *json_field(const struct wire_field *field, const void *plain)
{
    return json_fields[field->type](field, plain);
}

static int json_fill(json_t *object, const struct wire_table *table, const void *plain)
{
    int r = 0;

    for (size_t i = 0; !r && i < table->n_fields; i++) {
        const struct wire_field *field = &table->fields[i];

        if (field->type == WIRE_INLINE)
            r = json_fill(object, field->sub, plain);
        else
            r = json_object_set_new(object, field->name, json_field(field, plain));
    }
    return r;
}

json_t *wire_json(const struct wire_table *table, const void *plain)
{
    json_t *object = json_object();

    if (json_fill(object, table, plain)) {
        json_decref(object);
        return NULL;
    }
    return object;
}
