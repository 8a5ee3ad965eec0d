/*
 * Ranges of addresses: `a-b`, `a - b`, `name:a-b`, `net netmask`, `a b`, CIDR, or an address alone. A range becomes the
 * fewest prefixes that cover it.
 */
#include <string.h>

#include "core/flag.h"
#include "core/parser.h"

struct kind_range_line {
    const char *text;
    size_t len;
};

static int kind_range_reject(struct bl_parse *parse, const struct kind_range_line *line, const char *why)
{
    bl_parse_reject(parse, why, line->text, line->len);
    return 0;
}

static int kind_range_add(struct bl_parse *parse, const struct kind_range_line *line, const struct tip_addr *low,
                          const struct tip_addr *high)
{
    return bl_value_range(parse, low, high, line->text, line->len);
}

/* The address behind a name: after the last `:` of an IPv4 one, else after the first `:` behind which one stands. */
static int kind_range_named(struct tip_addr *addr, const char *text, size_t len)
{
    const char *colon;
    int r;

    r = tip_addr_parse(addr, text, len);
    if (!r)
        return 0;
    colon = memrchr(text, ':', len);
    if (colon && !tip_addr_parse(addr, colon + 1, len - (size_t)(colon + 1 - text)))
        return 0;
    while ((colon = memchr(text, ':', len))) {
        len -= (size_t)(colon + 1 - text);
        text = colon + 1;
        if (!tip_addr_parse(addr, text, len))
            return 0;
    }
    return r;
}

static int kind_range_dash(struct bl_parse *parse, const struct kind_range_line *line, const char *dash)
{
    const char *low_text = line->text;
    const char *high_text = dash + 1;
    size_t low_len = (size_t)(dash - line->text);
    size_t high_len = line->len - low_len - 1;
    struct tip_addr low, high;
    int r;

    bl_trim(&low_text, &low_len);
    bl_trim(&high_text, &high_len);
    r = tip_addr_parse(&high, high_text, high_len);
    r = r ? r : kind_range_named(&low, low_text, low_len);
    if (r)
        return kind_range_reject(parse, line, tip_addr_reason(r));
    return kind_range_add(parse, line, &low, &high);
}

static int kind_range_masked(struct bl_parse *parse, const struct kind_range_line *line, const struct tip_addr *low,
                             const struct tip_addr *mask)
{
    struct tip_prefix prefix;
    uint8_t len;

    if (mask->bytes[0] < 128 || tip_addr_netmask_len(mask, &len))
        return kind_range_add(parse, line, low, mask);
    prefix = tip_prefix_of(low, len);
    return bl_value_prefix(parse, &prefix, tip_addr_compare(&prefix.addr, low) ? BL_FLAG_HOST_BITS : 0, line->text,
                           line->len);
}

/* `net netmask` or `low high`: a second address that is no netmask ends a range. */
static int kind_range_pair(struct bl_parse *parse, const struct kind_range_line *line)
{
    const char *rest = line->text;
    size_t len = line->len;
    size_t first_len, second_len;
    const char *first = bl_token(&rest, &len, &first_len);
    const char *second = bl_token(&rest, &len, &second_len);
    struct tip_addr low, high;

    if (!second || tip_addr_parse(&low, first, first_len) || tip_addr_parse(&high, second, second_len))
        return bl_value_add(parse, first, first_len);
    if (low.family == 4 && high.family == 4)
        return kind_range_masked(parse, line, &low, &high);
    return kind_range_add(parse, line, &low, &high);
}

/* Two addresses side by side: what follows may hold a dash, as in a table with names. */
static bool kind_range_is_pair(const struct kind_range_line *line)
{
    const char *rest = line->text;
    size_t len = line->len;
    size_t first_len, second_len;
    const char *first = bl_token(&rest, &len, &first_len);
    const char *second = bl_token(&rest, &len, &second_len);
    struct tip_addr addr;

    return first && second && !tip_addr_parse(&addr, first, first_len) && !tip_addr_parse(&addr, second, second_len);
}

static int kind_range_line(struct bl_parse *parse, const char *text, size_t len)
{
    struct kind_range_line line;
    const char *dash;

    bl_line_content(parse, &text, &len, true);
    if (!len)
        return 0;
    line = (struct kind_range_line){text, len};
    dash = memrchr(text, '-', len);
    return dash && !kind_range_is_pair(&line) ? kind_range_dash(parse, &line, dash) : kind_range_pair(parse, &line);
}

const struct bl_parser_kind bl_kind_range = {.line = kind_range_line};
