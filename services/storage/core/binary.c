#include "core/binary.h"

#include <errno.h>
#include <string.h>

/* 2000-01-01, where PostgreSQL counts from, in Unix microseconds. */
#define BINARY_EPOCH_US INT64_C(946684800000000)

void store_out_init(struct store_out *out, size_t cap)
{
    *out = (struct store_out){.error = 0};
    tip_buf_init(&out->buf, cap);
}

void store_out_deinit(struct store_out *out)
{
    tip_buf_deinit(&out->buf);
}

void store_out_clear(struct store_out *out)
{
    tip_buf_clear(&out->buf);
    out->error = 0;
    out->n = 0;
}

static void binary_append(struct store_out *out, const void *bytes, size_t n)
{
    if (!out->error && n)
        out->error = tip_buf_append(&out->buf, bytes, n);
}

static void binary_be(uint8_t *bytes, uint64_t value, size_t n)
{
    for (size_t i = 0; i < n; i++)
        bytes[i] = (uint8_t)(value >> 8 * (n - 1 - i));
}

static void binary_number(struct store_out *out, uint64_t value, size_t n)
{
    uint8_t bytes[8];

    binary_be(bytes, value, n);
    binary_append(out, bytes, n);
}

static void binary_field(struct store_out *out, const void *bytes, size_t n)
{
    out->n++;
    binary_number(out, n, 4);
    binary_append(out, bytes, n);
}

static void binary_field_number(struct store_out *out, uint64_t value, size_t n)
{
    uint8_t bytes[8];

    binary_be(bytes, value, n);
    binary_field(out, bytes, n);
}

void store_copy_begin(struct store_out *out)
{
    static const char head[19] = "PGCOPY\n\377\r\n\0\0\0\0\0\0\0\0"; /* signature, flags, no extension */

    binary_append(out, head, sizeof(head));
}

void store_copy_row(struct store_out *out, uint16_t n_fields)
{
    binary_number(out, n_fields, 2);
}

void store_copy_end(struct store_out *out)
{
    binary_number(out, UINT16_MAX, 2);
}

enum { BINARY_ARRAY_HEAD = 20, BINARY_ARRAY_DIM_AT = 12 };

void store_array_begin(struct store_out *out, enum store_oid element)
{
    store_out_clear(out);
    binary_number(out, 1, 4);       /* dimensions */
    binary_number(out, 1, 4);       /* may hold nulls */
    binary_number(out, element, 4); /* type */
    binary_number(out, 0, 4);       /* elements, set at the end */
    binary_number(out, 1, 4);       /* first index */
}

void store_array_end(struct store_out *out)
{
    if (!out->error)
        binary_be(out->buf.data + BINARY_ARRAY_DIM_AT, out->n, 4);
}

void store_put_null(struct store_out *out)
{
    out->n++;
    binary_number(out, UINT32_MAX, 4);
}

void store_put_bool(struct store_out *out, bool value)
{
    binary_field_number(out, value, 1);
}

void store_put_int2(struct store_out *out, int16_t value)
{
    binary_field_number(out, (uint64_t)value, 2);
}

void store_put_int4(struct store_out *out, int32_t value)
{
    binary_field_number(out, (uint64_t)value, 4);
}

void store_put_int8(struct store_out *out, int64_t value)
{
    binary_field_number(out, (uint64_t)value, 8);
}

void store_put_count(struct store_out *out, uint64_t value)
{
    store_put_int8(out, value > INT64_MAX ? INT64_MAX : (int64_t)value);
}

void store_put_float8(struct store_out *out, double value)
{
    uint64_t bits;

    memcpy(&bits, &value, sizeof(bits));
    binary_field_number(out, bits, 8);
}

void store_put_bytes(struct store_out *out, const void *bytes, size_t n)
{
    binary_field(out, bytes, n);
}

void store_put_text(struct store_out *out, const char *text)
{
    if (text)
        binary_field(out, text, strlen(text));
    else
        store_put_null(out);
}

void store_put_uuid(struct store_out *out, const struct tip_uuid *uuid)
{
    static const struct tip_uuid none;

    if (tip_uuid_compare(uuid, &none) == 0)
        store_put_null(out);
    else
        binary_field(out, uuid->bytes, sizeof(uuid->bytes));
}

void store_put_time_us(struct store_out *out, int64_t unix_us)
{
    int64_t us;

    if (__builtin_sub_overflow(unix_us, BINARY_EPOCH_US, &us))
        us = INT64_MIN;
    store_put_int8(out, us);
}

void store_put_time_ms(struct store_out *out, int64_t unix_ms)
{
    int64_t us;

    if (!unix_ms)
        store_put_null(out);
    else if (__builtin_mul_overflow(unix_ms, 1000, &us))
        store_put_null(out);
    else
        store_put_time_us(out, us);
}

void store_put_inet(struct store_out *out, const struct tip_prefix *net)
{
    uint8_t bytes[4 + 16];
    size_t n;

    if (!net->addr.family) {
        store_put_null(out);
        return;
    }
    n = tip_addr_size(&net->addr);
    bytes[0] = net->addr.family == 4 ? 2 : 3; /* PGSQL_AF_INET, PGSQL_AF_INET6 */
    bytes[1] = net->len;
    bytes[2] = 0; /* inet, not cidr */
    bytes[3] = (uint8_t)n;
    memcpy(bytes + 4, net->addr.bytes, n);
    binary_field(out, bytes, 4 + n);
}
