#pragma once
/*
 * How a plain struct and a generated message correspond: one row a field. From the rows come encoding, decoding,
 * bounds and JSON of every event and most calls, so a new field is one row.
 */
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>
#include <protobuf-c/protobuf-c.h>

#include <tip/buf.h>
#include <tip/event.h>

#include "arena.h"

enum wire_type {
    WIRE_ID,    /* struct tip_id, all zero is absent on the wire; JSON: hex */
    WIRE_UUID,  /* the same; JSON: UUID text */
    WIRE_TEXT,  /* const char *, UTF-8 without control characters */
    WIRE_U32,   /* uint32_t, also counted bits */
    WIRE_U64,   /* uint64_t */
    WIRE_TIME,  /* int64_t, milliseconds since 1970 up to the year 9999; JSON: RFC 3339, null for 0 */
    WIRE_BOOL,  /* bool */
    WIRE_REAL,  /* double, finite */
    WIRE_ENUM,  /* an enum from min to max; JSON: its name */
    WIRE_FLAGS, /* uint32_t of enum tip_listing_flag; JSON: a list of names */
    WIRE_VALUE, /* of an indicator: const char * and its uint16_t length */
    WIRE_RAW,   /* bytes with a uint16_t length; JSON: escaped text */
    WIRE_LIST,  /* an array with its size_t count, of `sub` */
    WIRE_MAP,   /* the same, and JSON shows an object: the first row is its key, the second its value */
    WIRE_INLINE /* a message on the wire whose fields lie in the same plain struct */
};

struct wire_table;

struct wire_field {
    const char *name; /* in JSON; NULL for what is not shown by itself */
    enum wire_type type;
    uint16_t wire;                     /* offset in the message */
    uint16_t wire_n;                   /* of a list's count */
    uint16_t plain;                    /* offset in the struct */
    uint16_t plain_n;                  /* of a count or length */
    int32_t min, max;                  /* bytes of a text, entries of a list, range of a number; max 0: no bound */
    const struct wire_table *sub;      /* LIST, MAP, INLINE */
    const char *(*name_of)(int value); /* ENUM */
    const char *reason;                /* when it is out of bounds */
};

struct wire_table {
    const ProtobufCMessageDescriptor *descriptor;
    size_t plain_size;
    const struct wire_field *fields;
    size_t n_fields;
    /* What no single field shows: NULL, or why not. May be NULL. */
    const char *(*check)(const void *plain);
};

/* clang-format off */
#define WIRE_REASON(what) what " is missing, malformed or out of bounds"

/* A row whose names agree, and one whose names differ. */
#define WIRE_AS(json, kind, message, wire_member, object, member, low, high) \
    {.name = (json), .type = WIRE_##kind, .wire = offsetof(Tip__V1__##message, wire_member), \
     .plain = offsetof(struct object, member), .min = (low), .max = (high), .reason = WIRE_REASON(#wire_member)}
#define WIRE_ROW(kind, message, object, member, low, high) \
    WIRE_AS(#member, kind, message, member, object, member, low, high)
/* Times lose their unit in JSON, where they are text. */
#define WIRE_AT(json, message, object, member) WIRE_AS(json, TIME, message, member, object, member, 0, 0)
#define WIRE_NAMED(json, message, object, member, low, high, names) \
    {.name = (json), .type = WIRE_ENUM, .wire = offsetof(Tip__V1__##message, member), \
     .plain = offsetof(struct object, member), .min = (low), .max = (high), .name_of = (names), \
     .reason = WIRE_REASON(#member)}
#define WIRE_BYTES(kind, message, object, member, low, high) \
    {.name = #member, .type = WIRE_##kind, .wire = offsetof(Tip__V1__##message, member), \
     .plain = offsetof(struct object, member), .plain_n = offsetof(struct object, member##_len), \
     .min = (low), .max = (high), .reason = WIRE_REASON(#member)}
#define WIRE_MANY(kind, message, wire_member, object, member, high, table) \
    {.name = #wire_member, .type = WIRE_##kind, .wire = offsetof(Tip__V1__##message, wire_member), \
     .wire_n = offsetof(Tip__V1__##message, n_##wire_member), .plain = offsetof(struct object, member), \
     .plain_n = offsetof(struct object, n_##member), .max = (high), .sub = (table), \
     .reason = WIRE_REASON(#wire_member)}
#define WIRE_WITHIN(message, member, table) \
    {.type = WIRE_INLINE, .wire = offsetof(Tip__V1__##message, member), .sub = (table), .reason = WIRE_REASON(#member)}
#define WIRE_TABLE(message, object, rows, ...) \
    {.descriptor = &(message), .plain_size = sizeof(struct object), .fields = (rows), \
     .n_fields = sizeof(rows) / sizeof((rows)[0]), __VA_ARGS__}
/* clang-format on */

/** A plain struct of `size` bytes in an arena of its own, and its end; free accepts NULL. */
void *wire_box_new(size_t size, size_t bytes_max);
void wire_box_free(void *plain);
struct arena *wire_box_arena(void *plain);

/** NULL when every field is within its bounds, else why not. */
const char *wire_check(const struct wire_table *table, const void *plain);

/** The message of a checked plain struct, its texts borrowed; NULL when the arena is full. */
ProtobufCMessage *wire_from_plain(const struct wire_table *table, struct arena *arena, const void *plain);

/**
 * Fills a plain struct from a message in the same arena, and checks it.
 *
 * @return 0, TIP_EVENT_E_INVALID with *reasonp set, or -ENOMEM
 */
tip_nodiscard int wire_to_plain(const struct wire_table *table, struct arena *arena, const ProtobufCMessage *message,
                                void *plain, const char **reasonp);

/** Appends a message. @return 0, -EMSGSIZE above bytes_max, -ENOBUFS */
tip_nodiscard int wire_pack(const ProtobufCMessage *message, size_t bytes_max, struct tip_buf *out);

/** Bodies of calls, whole: checked both ways. @return as <tip/call.h> says */
tip_nodiscard int wire_body_encode(const struct wire_table *table, const void *plain, struct tip_buf *out);
tip_nodiscard int wire_body_decode(const struct wire_table *table, const uint8_t *bytes, size_t n, void **plainp);

/** An object, or NULL for text that is no UTF-8. */
json_t *wire_json(const struct wire_table *table, const void *plain);
json_t *wire_json_id(const struct tip_id *id);
json_t *wire_json_uuid(const struct tip_id *id);
json_t *wire_json_time(int64_t unix_ms);

/** generated code has no const: the pointer is only read. */
void *wire_borrow(const void *pointer);

bool wire_text_valid(const char *text, size_t min, size_t max);
ProtobufCBinaryData wire_id(const struct tip_id *id);
/** Absent is all zero. @return 0 or TIP_EVENT_E_INVALID */
tip_nodiscard int wire_id_read(const ProtobufCBinaryData *data, struct tip_id *id);

/** The tables of events, by kind; NULL for TIP_EVENT_NONE. */
const struct wire_table *wire_event_table(enum tip_event_kind kind);
extern const struct wire_table wire_listing_entry;
extern const struct wire_table wire_verdict;
extern const struct wire_table wire_allow;
