#pragma once
/*
 * PostgreSQL's binary formats: rows of COPY and one-dimensional arrays, written field by field into one buffer.
 *
 * A field is a length and its bytes, in COPY and in arrays alike (PostgreSQL 15, sections "COPY" and 53.7; send and
 * receive functions of each type). The first error sticks and is told at the end.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <tip/addr.h>
#include <tip/buf.h>
#include <tip/uuid.h>

/** Object ids of the element types, fixed in pg_type.dat. */
enum store_oid {
    STORE_OID_BOOL = 16,
    STORE_OID_BYTEA = 17,
    STORE_OID_INT8 = 20,
    STORE_OID_INT2 = 21,
    STORE_OID_INT4 = 23,
    STORE_OID_TEXT = 25,
    STORE_OID_FLOAT8 = 701,
    STORE_OID_INET = 869,
    STORE_OID_TIMESTAMPTZ = 1184,
    STORE_OID_UUID = 2950,
};

struct store_out {
    struct tip_buf buf;
    int error;  /* 0 or -ENOBUFS */
    uint32_t n; /* fields since the last begin */
};

/** @param cap  most bytes it may hold */
void store_out_init(struct store_out *out, size_t cap);
void store_out_deinit(struct store_out *out);

/** Empties it, keeps the room. */
void store_out_clear(struct store_out *out);

/** The head of a COPY stream, of each row of n fields, and the end of the stream. */
void store_copy_begin(struct store_out *out);
void store_copy_row(struct store_out *out, uint16_t n_fields);
void store_copy_end(struct store_out *out);

/** An array of the fields put between the two; an empty one too. */
void store_array_begin(struct store_out *out, enum store_oid element);
void store_array_end(struct store_out *out);

void store_put_null(struct store_out *out);
void store_put_bool(struct store_out *out, bool value);
void store_put_int2(struct store_out *out, int16_t value);
void store_put_int4(struct store_out *out, int32_t value);
void store_put_int8(struct store_out *out, int64_t value);
void store_put_count(struct store_out *out, uint64_t value); /* as int8, at most INT64_MAX */
void store_put_float8(struct store_out *out, double value);
void store_put_bytes(struct store_out *out, const void *bytes, size_t n); /* bytea, text */
void store_put_text(struct store_out *out, const char *text);             /* NULL is null */
void store_put_uuid(struct store_out *out, const struct tip_uuid *uuid);  /* a zero one is null */
void store_put_time_us(struct store_out *out, int64_t unix_us);
void store_put_time_ms(struct store_out *out, int64_t unix_ms);           /* 0 is null */
void store_put_inet(struct store_out *out, const struct tip_prefix *net); /* family 0 is null */
