#pragma once
/*
 * A parser of lists under fuzz: the first byte says how the body is cut and what type it has; the same body at once and
 * in pieces must give the same set, and what is kept must be what the types promise.
 */
#include "fuzz.h"

#include <tip/cleanup.h>
#include <tip/indicator.h>

#include "core/diff.h"
#include "core/parse.h"

static struct bl_parse *kind_parse(const struct bl_format *format, const char *body, size_t n, size_t step, int *rp)
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

static void kind_check(const struct bl_parse *parse, size_t n)
{
    const struct bl_report *report = bl_parse_report(parse);
    struct bl_set set = bl_parse_set(parse);
    struct tip_indicator again;
    struct bl_item item;

    for (size_t i = 0; i < bl_set_count(&set); i++) {
        bl_set_item(&set, i, &item);
        assert(strlen(item.value) == item.len);
        assert(item.at <= n && item.line >= 1 && item.line <= report->n_lines);
        assert(!i || bl_set_compare(&set, i - 1, &set, i) < 0);
        assert(!tip_indicator_parse(&again, item.kind, item.value, item.len));
        assert(again.kind == item.kind && !strcmp(again.value, item.value));
    }
    assert(bl_set_count(&set) <= report->n_valid);
}

/* Times of lines that hold entries, in order, and the same however the body is cut. */
static void kind_check_times(const struct bl_set *a, const struct bl_set *b)
{
    assert(a->n_stated == b->n_stated);
    for (size_t i = 0; i < a->n_stated; i++) {
        assert(a->stated[i].line == b->stated[i].line && a->stated[i].at_s == b->stated[i].at_s);
        assert(!i || a->stated[i - 1].line < a->stated[i].line);
        assert(!a->stated[i].at_s || a->stated[i].at_s >= 631152000);
    }
}

static inline int kind_fuzz(enum bl_kind kind, void (*with)(struct bl_format *, uint8_t), const uint8_t *data,
                            size_t size)
{
    const char *body = (const char *)data + 1;
    tip_auto(bl_parse_destroy) struct bl_parse *whole = NULL;
    tip_auto(bl_parse_destroy) struct bl_parse *pieces = NULL;
    struct bl_format format;
    struct bl_set a, b;
    struct bl_diff diff;
    int r, again;

    if (!size)
        return 0;
    bl_format_init(&format, kind, (enum bl_type)(data[0] % BL_TYPE_COUNT));
    with(&format, (uint8_t)(data[0] / BL_TYPE_COUNT));
    whole = kind_parse(&format, body, size - 1, size, &r);
    pieces = kind_parse(&format, body, size - 1, 1 + data[0] % 5, &again);
    assert(r == again && !strcmp(bl_parse_why(whole), bl_parse_why(pieces)));
    if (r)
        return 0;
    kind_check(whole, size);
    a = bl_parse_set(whole);
    b = bl_parse_set(pieces);
    kind_check_times(&a, &b);
    bl_diff_init(&diff);
    assert(!bl_diff_run(&diff, &a, &b));
    assert(!diff.added.len && !diff.removed.len && !diff.changed.len);
    assert(bl_parse_report(whole)->n_rejected == bl_parse_report(pieces)->n_rejected);
    assert(bl_parse_report(whole)->n_lines == bl_parse_report(pieces)->n_lines);
    bl_diff_deinit(&diff);
    return 0;
}
