/*
 * One entry a line, or one a column of it.
 */
#include <string.h>

#include "core/parser.h"
#include "core/quad.h"

static const char *kind_lines_field(const char **textp, size_t *lenp, char separator, size_t *field_lenp)
{
    const char *field = *textp;
    const char *end;

    if (separator == ' ')
        return bl_token(textp, lenp, field_lenp);
    if (!*lenp)
        return NULL;
    end = memchr(field, separator, *lenp);
    *field_lenp = end ? (size_t)(end - field) : *lenp;
    *textp += *field_lenp + (end ? 1 : 0);
    *lenp -= *field_lenp + (end ? 1 : 0);
    bl_trim(&field, field_lenp);
    return field;
}

static int kind_lines_all(struct bl_parse *parse, const char *text, size_t len)
{
    const char *field;
    size_t n;
    int r = 0;

    while (!r && (field = kind_lines_field(&text, &len, parse->format.separator, &n))) {
        if (n)
            r = bl_value_add(parse, field, n);
    }
    return r;
}

static int kind_lines_one(struct bl_parse *parse, const char *text, size_t len)
{
    const char *raw = text;
    const char *field = NULL;
    size_t raw_len = len;
    size_t n = 0;

    for (unsigned i = 0; i < parse->format.column; i++)
        field = kind_lines_field(&text, &len, parse->format.separator, &n);
    if (field && n)
        return bl_value_add(parse, field, n);
    bl_parse_reject(parse, "no_column", raw, raw_len);
    return 0;
}

static int kind_lines_line(struct bl_parse *parse, const char *text, size_t len)
{
    size_t n = strlen(parse->format.prefix);
    size_t until = strlen(parse->format.skip_until);
    bool tight = parse->format.type != BL_TYPE_AUTO && parse->format.type != BL_TYPE_URL;

    if (until && !parse->started) {
        parse->started = len >= until && !memcmp(text, parse->format.skip_until, until);
        return 0;
    }
    if (n && len >= n && !memcmp(text, parse->format.prefix, n)) {
        text += n;
        len -= n;
    } else if (n) {
        parse->report.n_skipped++;
        return 0;
    }
    bl_line_content(parse, &text, &len, tight);
    if (!len)
        return 0;
    return parse->format.column ? kind_lines_one(parse, text, len) : kind_lines_all(parse, text, len);
}

/* Does the whole lane apply? What it knows is a line that starts with an address. */
static bool kind_lines_lane(const struct bl_format *format)
{
    return format->column == 1 && !format->prefix[0] && !format->skip_until[0] && format->type != BL_TYPE_IP6 &&
           format->type <= BL_TYPE_NET;
}

/* The address at the start of a line. Returns its length, 0 when there is none. */
static inline size_t kind_lines_quad(const char *at, const char *end, uint32_t *addrp)
{
    size_t n = end - at >= 16 ? bl_quad_parse(at, addrp) : 0;

    return n ? n : tip_addr4_parse_fast(at, end, addrp);
}

/*
 * The lane for what most lists hold, an address and the end of its line: no search for the line's end, no copy, no
 * call. Whatever looks different is left to kind_lines_line.
 */
static const char *kind_lines_run(struct bl_parse *parse, const char *at, const char *end)
{
    uint32_t base = (uint32_t)parse->at;
    uint32_t first = (uint32_t)parse->line;
    uint32_t line = first;
    const char *start = at;
    const char *stop;
    struct bl_ip4 *entry;
    uint32_t addr;
    size_t n;

    if (!kind_lines_lane(&parse->format))
        return at;
    while (at < end && (n = kind_lines_quad(at, end, &addr))) {
        stop = at + n;
        stop += stop < end && *stop == '\r';
        if (stop >= end || *stop != '\n' || !(entry = bl_build_room4(&parse->build)))
            break;
        *entry = (struct bl_ip4){addr, ++line, base + (uint32_t)(at - start), 0};
        if (parse->special4[addr >> 24])
            entry->flags = bl_value_flags4(parse, addr);
        bl_build_push4(&parse->build, addr);
        at = stop + 1;
    }
    parse->line += line - first;
    parse->report.n_valid += line - first;
    parse->report.n_content += line - first;
    return at;
}

const struct bl_parser_kind bl_kind_lines = {.line = kind_lines_line, .run = kind_lines_run};
