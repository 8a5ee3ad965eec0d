#include "core/parse.h"

#include <stdlib.h>
#include <string.h>

#include <tip/alloc.h>

#include "core/flag.h"
#include "core/parser.h"

static const struct bl_parser_kind *const bl_parse_kinds[BL_KIND_COUNT] = {
    [BL_KIND_LINES] = &bl_kind_lines,     [BL_KIND_RANGE] = &bl_kind_range,     [BL_KIND_CSV] = &bl_kind_csv,
    [BL_KIND_JSON] = &bl_kind_json,       [BL_KIND_HOSTS] = &bl_kind_hosts,     [BL_KIND_RPZ] = &bl_kind_rpz,
    [BL_KIND_RBLDNSD] = &bl_kind_rbldnsd, [BL_KIND_ADBLOCK] = &bl_kind_adblock, [BL_KIND_EXTRACT] = &bl_kind_extract,
};

static void bl_parse_tables(struct bl_parse *parse)
{
    struct tip_prefix block = {.addr = {.family = 4}, .len = 8};

    for (int i = 0; i < 256; i++) {
        block.addr.bytes[0] = (uint8_t)i;
        parse->special4[i] = tip_prefix_special(&block) != TIP_SPECIAL_NONE;
    }
    for (const char *at = parse->format.comments; *at; at++)
        parse->comment[(unsigned char)*at] = 1;
}

struct bl_parse *bl_parse_new(const struct bl_format *format)
{
    struct bl_parse *parse = tip_new(struct bl_parse);

    parse->format = *format;
    parse->kind = bl_parse_kinds[format->kind];
    parse->why = "";
    bl_build_init(&parse->build, format->entries_max);
    tip_buf_init(&parse->carry, BL_LINE_MAX);
    bl_parse_tables(parse);
    if (parse->kind->open)
        parse->state = parse->kind->open(&parse->format);
    return parse;
}

void bl_parse_destroy(struct bl_parse **parsep)
{
    struct bl_parse *parse = tip_take(*parsep);

    if (!parse)
        return;
    if (parse->state)
        parse->kind->close(parse->state);
    bl_build_deinit(&parse->build);
    tip_buf_deinit(&parse->carry);
    free(parse);
}

int bl_parse_refuse(struct bl_parse *parse, const char *why)
{
    if (!*parse->why)
        parse->why = why;
    return BL_PARSE_E_BODY;
}

void bl_parse_reject(struct bl_parse *parse, const char *reason, const char *raw, size_t len)
{
    bl_report_reject(&parse->report, reason, parse->line, raw, len);
}

const char *bl_token(const char **textp, size_t *lenp, size_t *token_lenp)
{
    const char *token;
    size_t n = 0;

    while (*lenp && bl_is_blank(**textp)) {
        ++*textp;
        --*lenp;
    }
    while (n < *lenp && !bl_is_blank((*textp)[n]))
        n++;
    token = *textp;
    *textp += n;
    *lenp -= n;
    *token_lenp = n;
    return n ? token : NULL;
}

/* `#` ends whatever stands before it: a URL's fragment is no part of its canonical form. */
static size_t bl_line_cut(const struct bl_parse *parse, const char *text, size_t len, bool tight)
{
    if (!parse->format.inline_comments)
        return len;
    for (size_t i = 1; i < len; i++) {
        if (parse->comment[(unsigned char)text[i]] && (tight || text[i] == '#' || bl_is_blank(text[i - 1])))
            return i;
    }
    return len;
}

void bl_line_content(struct bl_parse *parse, const char **textp, size_t *lenp, bool tight)
{
    bl_trim(textp, lenp);
    if (*lenp && parse->comment[(unsigned char)**textp])
        *lenp = 0;
    *lenp = bl_line_cut(parse, *textp, *lenp, tight);
    bl_trim(textp, lenp);
    if (*lenp)
        parse->report.n_content++;
}

/* A whole line, however it was put together. */
static int bl_parse_line(struct bl_parse *parse, const char *text, size_t len)
{
    if (len && text[len - 1] == '\r')
        len--;
    parse->line++;
    if (len > BL_LINE_MAX) {
        parse->report.n_content++;
        bl_parse_reject(parse, "line_too_long", text, len);
        return 0;
    }
    return parse->kind->line(parse, text, len);
}

/* Keeps the beginning of a line for the next chunk, or gives it up when it has grown too long. */
static void bl_parse_carry(struct bl_parse *parse, const char *bytes, size_t n)
{
    if (parse->skipping || !n)
        return;
    if (!tip_buf_append(&parse->carry, bytes, n))
        return;
    parse->line++;
    parse->report.n_content++;
    if (parse->carry.len)
        bl_parse_reject(parse, "line_too_long", tip_buf_text(&parse->carry), parse->carry.len);
    else
        bl_parse_reject(parse, "line_too_long", bytes, n);
    tip_buf_clear(&parse->carry);
    parse->skipping = true;
}

/* Ends a line that began in an earlier chunk. Returns where the next one starts, or NULL with *rp set. */
static const char *bl_parse_join(struct bl_parse *parse, const char *bytes, const char *end, int *rp)
{
    const char *newline = memchr(bytes, '\n', (size_t)(end - bytes));

    if (!parse->carry.len && !parse->skipping)
        return bytes;
    if (!newline) {
        bl_parse_carry(parse, bytes, (size_t)(end - bytes));
        return end;
    }
    bl_parse_carry(parse, bytes, (size_t)(newline - bytes));
    if (!parse->skipping) {
        parse->at = parse->carry_at;
        *rp = bl_parse_line(parse, tip_buf_text(&parse->carry), parse->carry.len);
    }
    parse->skipping = false;
    tip_buf_clear(&parse->carry);
    return newline + 1;
}

static int bl_parse_lines(struct bl_parse *parse, const char *bytes, size_t n)
{
    const char *end = bytes + n;
    const char *newline, *at;
    int r = 0;

    at = bl_parse_join(parse, bytes, end, &r);
    while (!r && at < end) {
        parse->at = parse->pos + (uint64_t)(at - bytes);
        if (parse->kind->run) {
            at = parse->kind->run(parse, at, end);
            parse->at = parse->pos + (uint64_t)(at - bytes);
        }
        newline = at < end ? memchr(at, '\n', (size_t)(end - at)) : NULL;
        if (!newline)
            break;
        r = bl_parse_line(parse, at, (size_t)(newline - at));
        at = newline + 1;
    }
    if (!r && at < end) {
        parse->carry_at = parse->pos + (uint64_t)(at - bytes);
        bl_parse_carry(parse, at, (size_t)(end - at));
    }
    return *parse->why ? BL_PARSE_E_BODY : r;
}

/* Passes over a byte order mark at the very beginning, even one that comes in pieces. */
static void bl_parse_bom(struct bl_parse *parse, const char **bytesp, size_t *np)
{
    static const char bom[3] = {(char)0xef, (char)0xbb, (char)0xbf};

    while (!parse->bom_done && *np) {
        if (parse->n_bom == sizeof(bom) || **bytesp != bom[parse->n_bom]) {
            parse->bom_done = true;
            break;
        }
        parse->n_bom++;
        parse->pos++;
        ++*bytesp;
        --*np;
    }
}

int bl_parse_feed(struct bl_parse *parse, const char *bytes, size_t n)
{
    int r;

    if (*parse->why)
        return BL_PARSE_E_BODY;
    bl_parse_bom(parse, &bytes, &n);
    if (!n)
        return 0;
    if (parse->pos + n > UINT32_MAX)
        return bl_parse_refuse(parse, "too_large");
    r = parse->kind->feed ? parse->kind->feed(parse, bytes, n) : bl_parse_lines(parse, bytes, n);
    parse->pos += n;
    return r;
}

static int bl_parse_last(struct bl_parse *parse)
{
    int r = 0;

    if (parse->carry.len) { /* only kinds that work line by line have one */
        parse->at = parse->carry_at;
        r = bl_parse_line(parse, tip_buf_text(&parse->carry), parse->carry.len);
    }
    return !r && parse->kind->end ? parse->kind->end(parse) : r;
}

static uint64_t bl_parse_special(const struct bl_set *set)
{
    uint64_t n = 0;

    for (size_t i = 0; i < bl_set_count(set); i++)
        n += bl_set_flags(set, i) & BL_FLAG_SPECIAL_USE ? 1 : 0;
    return n;
}

int bl_parse_end(struct bl_parse *parse)
{
    struct bl_set set;
    int r;

    if (*parse->why)
        return BL_PARSE_E_BODY;
    r = bl_parse_last(parse);
    if (r || *parse->why)
        return BL_PARSE_E_BODY;
    tip_buf_deinit(&parse->carry);
    parse->report.n_lines = parse->line;
    r = bl_build_finish(&parse->build);
    if (r)
        return r;
    set = bl_build_set(&parse->build);
    parse->report.n_special = bl_parse_special(&set);
    return 0;
}

const char *bl_parse_why(const struct bl_parse *parse)
{
    return parse->why;
}

struct bl_set bl_parse_set(const struct bl_parse *parse)
{
    return bl_build_set(&parse->build);
}

const struct bl_report *bl_parse_report(const struct bl_parse *parse)
{
    return &parse->report;
}
