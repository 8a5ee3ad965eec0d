#pragma once
/*
 * What the kinds of parsers share. For the files parse.c, value.c and kind_*.c only.
 */
#include <stdbool.h>
#include <stdint.h>

#include <tip/buf.h>

#include "core/build.h"
#include "core/format.h"
#include "core/parse.h"
#include "core/report.h"

struct bl_parser_kind {
    void *(*open)(const struct bl_format *format); /* the kind's own state; may be NULL */
    void (*close)(void *state);

    /** A chunk of the body; NULL for kinds that work line by line. */
    int (*feed)(struct bl_parse *parse, const char *bytes, size_t n);
    int (*end)(struct bl_parse *parse); /* also behind the last line; may be NULL for kinds that work line by line */

    /** A line without its end. parse->line and parse->at are those of the line. */
    int (*line)(struct bl_parse *parse, const char *text, size_t len);

    /** Optional: takes as many lines as it can from [at, end), each complete. Returns where it stopped. */
    const char *(*run)(struct bl_parse *parse, const char *at, const char *end);
};

extern const struct bl_parser_kind bl_kind_lines;
extern const struct bl_parser_kind bl_kind_range;
extern const struct bl_parser_kind bl_kind_csv;
extern const struct bl_parser_kind bl_kind_json;
extern const struct bl_parser_kind bl_kind_hosts;
extern const struct bl_parser_kind bl_kind_rpz;
extern const struct bl_parser_kind bl_kind_rbldnsd;
extern const struct bl_parser_kind bl_kind_adblock;
extern const struct bl_parser_kind bl_kind_extract;

struct bl_parse {
    struct bl_format format;
    const struct bl_parser_kind *kind;
    void *state;
    struct bl_build build;
    struct bl_report report;
    const char *why;

    uint64_t line; /* of what is being parsed, from 1 */
    uint64_t at;   /* offset in the body where its evidence starts */
    uint64_t pos;  /* bytes of the body before the current chunk */

    struct tip_buf carry; /* the beginning of a line whose end has not come */
    uint64_t carry_at;
    bool started;  /* lines: format.skip_until has been seen */
    bool skipping; /* the rest of a line that is too long */
    bool bom_done;
    uint8_t n_bom;

    bool special4[256]; /* first octets that have special-use blocks */
    char comment[256];  /* is it one of format.comments? */
};

/** The body is refused as a whole. Returns BL_PARSE_E_BODY. */
int bl_parse_refuse(struct bl_parse *parse, const char *why);

/** One more reject, at the current line. */
void bl_parse_reject(struct bl_parse *parse, const char *reason, const char *raw, size_t len);

/**
 * One value of the format's type, trimmed: normalised and added, or rejected (with `raw` as its evidence).
 *
 * @return 0 or BL_PARSE_E_BODY
 */
int bl_value_add(struct bl_parse *parse, const char *text, size_t len);

/** A name and all below it; an address is only itself. Returns as bl_value_add. */
int bl_value_subtree(struct bl_parse *parse, const char *text, size_t len);

/** From `low` to `high` as the fewest prefixes; refused as a whole when one of them is. Returns as bl_value_add. */
int bl_value_range(struct bl_parse *parse, const struct tip_addr *low, const struct tip_addr *high, const char *raw,
                   size_t raw_len);

/** A prefix or an IPv4 host that is known already; `flags` are bl_flag. */
int bl_value_prefix(struct bl_parse *parse, const struct tip_prefix *prefix, unsigned flags, const char *raw,
                    size_t raw_len);
int bl_value_ip4(struct bl_parse *parse, uint32_t addr);
unsigned bl_value_flags4(const struct bl_parse *parse, uint32_t addr);

/** Too wide to be an entry? The reason, or NULL. */
const char *bl_value_width(const struct tip_prefix *prefix);

static inline bool bl_is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\v' || c == '\f';
}

/** Cuts blanks at both ends. */
static inline void bl_trim(const char **textp, size_t *lenp)
{
    while (*lenp && bl_is_blank((*textp)[*lenp - 1]))
        --*lenp;
    while (*lenp && bl_is_blank(**textp)) {
        ++*textp;
        --*lenp;
    }
}

/** The next token between blanks, or NULL. Moves *textp and *lenp behind it. */
const char *bl_token(const char **textp, size_t *lenp, size_t *token_lenp);

/**
 * The content of a line: trimmed, comments cut. Counts it as content unless nothing remains.
 *
 * @param tight  a comment may also start right behind a value
 */
void bl_line_content(struct bl_parse *parse, const char **textp, size_t *lenp, bool tight);
