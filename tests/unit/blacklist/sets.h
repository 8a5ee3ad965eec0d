#pragma once
/* Sets from text, and text from sets. */
#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tip/buf.h>

#include "core/format.h"
#include "core/parse.h"

/* The parser after the whole body, fed in pieces of `step` bytes. *rp: what came out. */
static inline struct bl_parse *sets_parse(const struct bl_format *format, const char *body, size_t n, size_t step,
                                          int *rp)
{
    struct bl_parse *parse = bl_parse_new(format);
    size_t part;
    int r = 0;

    for (size_t at = 0; !r && at < n; at += part) {
        part = n - at < step ? n - at : step;
        r = bl_parse_feed(parse, body + at, part);
    }
    *rp = r ? r : bl_parse_end(parse);
    return parse;
}

/* "ip 192.0.2.1 S @3, domain a.example *": kind, value, flags, and the line unless `lines` is false. */
static inline void sets_text(const struct bl_set *set, bool lines, struct tip_buf *out)
{
    static const char letters[] = "*SIHP"; /* subtree, special use, bad IDNA, host bits, public suffix */
    struct bl_item item;
    int r = 0;

    for (size_t i = 0; i < bl_set_count(set); i++) {
        bl_set_item(set, i, &item);
        r |= tip_buf_append_format(out, "%s%s %s", out->len ? ", " : "", tip_kind_name(item.kind), item.value);
        for (unsigned bit = 0; bit < 5; bit++) {
            if (item.flags & 1u << bit)
                r |= tip_buf_append_format(out, " %c", letters[bit]);
        }
        if (lines)
            r |= tip_buf_append_format(out, " @%u", item.line);
    }
    assert(!r);
}
