#include "sample.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <tip/alloc.h>
#include <tip/cleanup.h>

#include "core/guard.h"
#include "core/parse.h"

static int sample_read(const char *path, char *body, size_t *np)
{
    tip_auto(tip_file_close) FILE *file = fopen(path, "re");

    if (!file)
        return -errno;
    *np = fread(body, 1, BL_SAMPLE_BYTES + 1, file);
    if (ferror(file))
        return -EIO;
    return *np > BL_SAMPLE_BYTES ? -EFBIG : 0;
}

static bool sample_has(const struct bl_set *set, const char *value)
{
    struct bl_item item;

    for (size_t i = 0; i < bl_set_count(set); i++) {
        bl_set_item(set, i, &item);
        if (!strcmp(item.value, value))
            return true;
    }
    return false;
}

static bool sample_expects(const struct bl_spec *spec, const char *value)
{
    for (size_t i = 0; i < spec->n_expect; i++) {
        if (!strcmp(spec->expect[i], value))
            return true;
    }
    return false;
}

static const char *sample_glue(const struct tip_buf *why)
{
    return why->len ? "; " : "";
}

static int sample_compare(const struct bl_spec *spec, const struct bl_set *set, struct tip_buf *why)
{
    struct bl_item item;
    int r = 0;

    for (size_t i = 0; !r && i < spec->n_expect; i++) {
        if (!sample_has(set, spec->expect[i]))
            r = tip_buf_append_format(why, "%smissing: %s", sample_glue(why), spec->expect[i]);
    }
    for (size_t i = 0; !r && i < bl_set_count(set); i++) {
        bl_set_item(set, i, &item);
        if (!sample_expects(spec, item.value))
            r = tip_buf_append_format(why, "%stoo many: %s", sample_glue(why), item.value);
    }
    return r;
}

/* As the guard sees a delivery. */
static const char *sample_refused(const struct bl_spec *spec, struct bl_parse *parse, const char *body, size_t n)
{
    const struct bl_set set = bl_parse_set(parse);
    const struct bl_delivery delivery = {.head = body,
                                         .n_head = n < BL_GUARD_HEAD ? n : BL_GUARD_HEAD,
                                         .n_bytes = n,
                                         .parse_why = bl_parse_why(parse),
                                         .report = bl_parse_report(parse),
                                         .n_entries = bl_set_count(&set),
                                         .can_be_empty = spec->can_be_empty,
                                         .reads_markup = spec->format.kind == BL_KIND_EXTRACT};

    return bl_guard_why(&delivery);
}

static int sample_judge(const struct bl_spec *spec, struct bl_parse *parse, const char *refused, struct tip_buf *why)
{
    const struct bl_set set = bl_parse_set(parse);
    const struct bl_report *report = bl_parse_report(parse);
    int r = 0;

    if (*refused)
        return tip_buf_append_format(why, "%s", bl_guard_sentence(refused));
    r = sample_compare(spec, &set, why);
    if (!r && (int64_t)report->n_rejected != spec->expect_rejected)
        r = tip_buf_append_format(why, "%s%llu lines rejected, %lld expected", sample_glue(why),
                                  (unsigned long long)report->n_rejected, (long long)spec->expect_rejected);
    return r;
}

int bl_sample_check(const struct bl_spec *spec, struct tip_buf *why, struct bl_report *report)
{
    tip_auto(tip_free) char *body = tip_new_array(BL_SAMPLE_BYTES + 1, char);
    tip_auto(bl_parse_destroy) struct bl_parse *parse = NULL;
    size_t n = 0;
    int r = sample_read(spec->sample, body, &n);

    if (r)
        return r;
    parse = bl_parse_new(&spec->format);
    r = bl_parse_feed(parse, body, n);
    r = r ? r : bl_parse_end(parse);
    *report = *bl_parse_report(parse);
    return r < 0 ? r : sample_judge(spec, parse, sample_refused(spec, parse, body, n), why);
}
