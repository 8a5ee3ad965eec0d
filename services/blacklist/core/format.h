#pragma once
/*
 * How a list is written: everything a parser must be told. Plain values without pointers, so that a copy can travel to
 * another thread.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <tip/addr.h>

enum bl_kind {
    BL_KIND_LINES,
    BL_KIND_RANGE,
    BL_KIND_CSV,
    BL_KIND_JSON,
    BL_KIND_HOSTS,
    BL_KIND_RPZ,
    BL_KIND_RBLDNSD,
    BL_KIND_ADBLOCK,
    BL_KIND_EXTRACT,
    BL_KIND_COUNT
};

enum bl_type {
    BL_TYPE_AUTO, /* by its shape, line by line */
    BL_TYPE_IP4,
    BL_TYPE_IP6,
    BL_TYPE_NET, /* hosts and prefixes of both families */
    BL_TYPE_DOMAIN,
    BL_TYPE_URL,
    BL_TYPE_IP_PORT,
    BL_TYPE_ASN,
    BL_TYPE_HASH,
    BL_TYPE_EMAIL_DOMAIN,
    BL_TYPE_COUNT
};

enum {
    BL_FORMAT_TEXT = 128,
    BL_FORMAT_POINTER = 256,
    BL_FORMAT_SINKS = 8,
    BL_FORMAT_PREFIXES = 32,
    BL_LINE_MAX = 1024 * 1024, /* of a line, a CSV record, a JSON token */
};

/** A column of a table: by its name in the header when it has one, else by its number from 1. 0 and "": none. */
struct bl_column {
    unsigned number;
    char name[BL_FORMAT_TEXT];
};

struct bl_format {
    enum bl_kind kind;
    enum bl_type type;
    size_t entries_max; /* 1 to 2^31 */

    char comments[8];     /* characters that start one; "" for none */
    bool inline_comments; /* also behind a blank, and right behind an address */

    char separator;              /* lines: between columns, ' ' for any blanks; csv: the delimiter */
    unsigned column;             /* from 1; lines: 0 takes every column */
    char prefix[BL_FORMAT_TEXT]; /* lines: records start with it, others are skipped; "" for all */

    char skip_until[BL_FORMAT_TEXT]; /* lines: passed over up to the one that starts so; "" for none */

    bool header;                      /* csv: the first record holds names */
    char column_name[BL_FORMAT_TEXT]; /* csv: wins over `column` when not "" */
    bool skip_space;                  /* csv: blanks behind a delimiter do not count */

    struct bl_column first_seen, last_seen; /* csv: when the list says that it saw an entry; the last time wins */
    uint32_t now_s;                         /* later times are not believed; 0: nobody knows what time it is */

    char pointer[BL_FORMAT_POINTER]; /* json: JSON Pointer (RFC 6901) where `*` is any key or index */

    char zone[BL_FORMAT_TEXT]; /* rpz: its origin; "" when the list itself says it, or needs none */

    size_t n_sinks; /* hosts: addresses that names may stand behind */
    struct tip_addr sinks[BL_FORMAT_SINKS];

    size_t n_ordinary; /* special-use prefixes that this source may list like any other */
    struct tip_prefix ordinary[BL_FORMAT_PREFIXES];
};

/** NULL-terminated names in the order of the enums: for option tables. */
extern const char *const bl_kind_names[];
extern const char *const bl_type_names[];

/** A format with the defaults of a kind. */
void bl_format_init(struct bl_format *format, enum bl_kind kind, enum bl_type type);
