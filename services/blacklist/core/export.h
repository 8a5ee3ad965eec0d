#pragma once
/*
 * Exports: the entries of a view, sorted, and the formats that they are written in. A format is a row of a table and
 * one file export_<name>.c; all that it writes goes through a bounded buffer into a sink.
 *
 * What is let in is checked here once: addresses, prefixes, systems and hashes are parsed, names (and those of e-mail
 * domains) have nothing but letters, digits, `-`, `_` and dots, URLs and endpoints nothing but printable ASCII without
 * blanks. A format escapes what is special in it.
 *
 * An entry takes 48 bytes, and its text when it is no address.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <tip/addr.h>
#include <tip/buf.h>
#include <tip/indicator.h>

/* ---- entries ---- */

/** In the order of an export. Hosts are prefixes of 32 or 128 bits. */
enum bl_export_class {
    BL_EXPORT_IP4,
    BL_EXPORT_IP6,
    BL_EXPORT_NAME,
    BL_EXPORT_URL,
    BL_EXPORT_ENDPOINT,
    BL_EXPORT_ASN,
    BL_EXPORT_HASH,
    BL_EXPORT_EMAIL_DOMAIN,
    BL_EXPORT_CLASS_COUNT
};

enum { BL_EXPORT_LISTS = 3, BL_EXPORT_NO_LIST = UINT16_MAX };

/** Its size and order are those of the file that remembers an export (io/export.h). */
struct bl_export_item {
    uint8_t class; /* enum bl_export_class */
    uint8_t bits;  /* of a prefix */
    uint8_t tier;  /* 1 watch, 2 slow, 3 block */
    uint8_t score; /* in hundredths */
    uint8_t category;
    uint8_t is_subtree; /* a name and all below it */
    uint16_t n_lists;
    uint16_t lists[BL_EXPORT_LISTS]; /* the strongest, by number; the rest BL_EXPORT_NO_LIST */
    uint16_t len;                    /* of the text */
    uint32_t since_unix_s, changed_unix_s;
    uint32_t until_unix_s; /* when it will no longer be told; 0: nobody knows */
    uint32_t text;         /* where it begins in the arena */
    uint8_t addr[16];
};

_Static_assert(sizeof(struct bl_export_item) == 48, "docs/exports.md says so, and the file of an export has them");

struct bl_export_list {
    struct tip_buf items; /* struct bl_export_item */
    struct tip_buf arena;
};

enum {
    BL_EXPORT_E_FULL = 1, /* more entries than allowed */
    BL_EXPORT_E_VALUE     /* nothing that an export may hold */
};

void bl_export_list_init(struct bl_export_list *list, size_t entries_max);
void bl_export_list_deinit(struct bl_export_list *list);

/**
 * Adds an entry: everything of `item` but its class, bits, text and address, which `kind` and `value` say.
 *
 * @return 0, BL_EXPORT_E_FULL or BL_EXPORT_E_VALUE
 */
tip_nodiscard int bl_export_add(struct bl_export_list *list, const struct bl_export_item *item, enum tip_kind kind,
                                const char *value, size_t len);

/** A prefix likewise. */
tip_nodiscard int bl_export_add_prefix(struct bl_export_list *list, const struct bl_export_item *item,
                                       const struct tip_prefix *prefix);

/** Sorts. Of entries with the same value the one with the highest score stays. */
void bl_export_sort(struct bl_export_list *list);

/** A list as it is written, or remembered. */
struct bl_export_view {
    const struct bl_export_item *items;
    const char *arena;
    size_t n;
};

struct bl_export_view bl_export_view_of(const struct bl_export_list *list);

/** Order of the values of two entries, as memcmp. */
int bl_export_compare(const struct bl_export_view *a, size_t i, const struct bl_export_view *b, size_t j);

/** The prefix of an entry of class IP4 or IP6. */
struct tip_prefix bl_export_prefix(const struct bl_export_item *item);

/** Canonical text, NUL terminated: hosts without a length. It lies in the arena or in `text`. */
const char *bl_export_value(const struct bl_export_view *view, const struct bl_export_item *item,
                            char text[static TIP_PREFIX_TEXT]);

enum tip_kind bl_export_kind(const struct bl_export_item *item);

/** Was it meant that an entry of the export before goes? Then it is no loss. */
typedef bool bl_export_meant_fn(const void *ctx, const struct bl_export_view *before, size_t i);

/**
 * Takes over since when each entry stands in the export before, and says how far the two differ.
 *
 * @param now_unix_s  since when the new ones do
 * @return how many of the entries before are lost
 */
size_t bl_export_follow(struct bl_export_list *list, const struct bl_export_view *before, uint32_t now_unix_s,
                        bl_export_meant_fn *is_meant, const void *ctx);

/** Would too much go? More than half. */
static inline bool bl_export_loses(size_t n_before, size_t n_gone)
{
    return n_gone > n_before / 2;
}

/* ---- where it goes ---- */

struct bl_out {
    int (*write)(void *ctx, const void *bytes, size_t n); /* 0 or a negative errno, which ends the writing */
    void *ctx;
    struct tip_buf buf;
    int error;
    uint64_t n_skipped; /* entries that the format cannot say */
};

void bl_out_init(struct bl_out *out, int (*write)(void *ctx, const void *bytes, size_t n), void *ctx);

/** Hands over what waits. @return 0, or the error that has ended the writing */
tip_nodiscard int bl_out_end(struct bl_out *out);

void bl_out_text(struct bl_out *out, const char *text);
void bl_out_format(struct bl_out *out, const char *format, ...) tip_printf(2, 3);

/** A string of JSON with its quotes. UTF-8 passes. */
void bl_out_json(struct bl_out *out, const char *text);

/** For comments and single lines: what would end the line is a blank. */
void bl_out_line(struct bl_out *out, const char *text);

/** `2026-11-22T04:00:00Z`; with `.000` for STIX. */
void bl_out_time(struct bl_out *out, uint32_t unix_s);
void bl_out_time_ms(struct bl_out *out, uint32_t unix_s);

/* ---- an export ---- */

/** A list that may have a part in it. */
struct bl_export_source {
    const char *name;
    const char *attribution; /* NULL: none is asked for */
    const char *licence;
    bool has_part; /* some entry rests on it */
};

struct bl_export {
    const char *name;     /* of the view: [a-z][a-z0-9-]{0,23} */
    const char *title;    /* for people */
    const char *audience; /* "clear", "green", "amber" */
    const char *zone;     /* of DNS formats; NULL: none is named */
    const char *action;   /* postfix: what is done with them */
    const char *producer; /* whose ids they are: STIX, MISP */
    uint32_t generated_unix_s;
    uint32_t since_unix_s; /* its first publication */
    uint32_t serial;
    uint32_t lifetime_s;     /* STIX: how long an indicator is valid when nobody knows better; 0: without end */
    size_t entries_max;      /* of the view */
    bool is_withdrawn;       /* what was published before may no longer be told: it is not kept */
    const char *body_sha256; /* of what follows the comments, in hex; NULL: without comments */
    const struct bl_export_source *sources;
    size_t n_sources;
    const char *const *categories; /* names */
    struct bl_export_view view;
};

enum { BL_EXPORT_FILES = 3, BL_EXPORT_FILE_NAME = 64 };

enum bl_export_format_id {
    BL_EXPORT_PLAIN,
    BL_EXPORT_CSV,
    BL_EXPORT_JSON,
    BL_EXPORT_RBLDNSD_IP4,
    BL_EXPORT_RBLDNSD_IP6,
    BL_EXPORT_RBLDNSD_NAMES,
    BL_EXPORT_RPZ,
    BL_EXPORT_IPSET,
    BL_EXPORT_NFTABLES,
    BL_EXPORT_POSTFIX_CIDR,
    BL_EXPORT_POSTFIX_TEXTHASH,
    BL_EXPORT_RSPAMD,
    BL_EXPORT_STIX,
    BL_EXPORT_MISP,
    BL_EXPORT_FORMAT_COUNT
};

struct bl_export_format {
    unsigned classes;    /* bit (1 << class) for what it can say */
    const char *comment; /* how such a line begins; NULL: it has none, and a file says what would stand there */
    struct bl_export_file {
        const char *suffix; /* of VIEW.suffix; NULL: the name is `name`, or UUID.json of the event */
        const char *name;
        const char *media;
        void (*write)(struct bl_out *out, const struct bl_export *export);
    } files[BL_EXPORT_FILES]; /* the first is the export; to be replaced in order from the last */
};

extern const struct bl_export_format bl_export_formats[BL_EXPORT_FORMAT_COUNT];
extern const char *const bl_export_format_names[]; /* NULL-terminated */

/** The name of a file of an export, e.g. `drop.txt`. */
void bl_export_file_name(const struct bl_export_file *file, const struct bl_export *export,
                         char name[static BL_EXPORT_FILE_NAME]);

/** Writes a file, with its comments if there is a digest for them. The caller ends `out`. */
void bl_export_write(struct bl_out *out, const struct bl_export_format *format, const struct bl_export_file *file,
                     const struct bl_export *export);

/** What the comments say, for those who have none. */
void bl_export_about(struct bl_out *out, const struct bl_export *export);

static inline bool bl_export_has(const struct bl_export_format *format, uint8_t class)
{
    return format->classes >> class & 1;
}
