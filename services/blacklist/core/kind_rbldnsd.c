/*
 * Data files of rbldnsd: ip4set, ip4trie, ip6trie and dnset. The first word of a line is the entry, the rest its
 * answer. As there, the most specific line decides: `!` takes a name or a block out of the wider one that lists it.
 */
#include <stdlib.h>
#include <string.h>

#include <tip/alloc.h>
#include <tip/domain.h>

#include "core/exclude.h"
#include "core/parser.h"

struct rbldnsd_octets {
    uint32_t value; /* in the highest bytes */
    unsigned n;
};

struct rbldnsd_line {
    const char *raw; /* the entry, without its `!` */
    size_t len;
    bool is_excluded;
};

static void *kind_rbldnsd_open(const struct bl_format *format)
{
    return bl_exclude_new(format->entries_max);
}

static void kind_rbldnsd_close(void *state)
{
    bl_exclude_destroy(state);
}

static int rbldnsd_reject(struct bl_parse *parse, const struct rbldnsd_line *line, const char *why)
{
    bl_parse_reject(parse, why, line->raw, line->len);
    return 0;
}

/* ---- addresses ---- */

/* One to four parts, the rest may be missing. Moves *textp behind them. */
static bool rbldnsd_octets(struct rbldnsd_octets *octets, const char **textp, const char *end)
{
    const char *at = *textp;

    *octets = (struct rbldnsd_octets){0};
    while (octets->n < 4) {
        const char *start = at;
        unsigned value = 0;

        while (at < end && *at >= '0' && *at <= '9' && at - start < 3)
            value = value * 10 + (unsigned)(*at++ - '0');
        if (at == start || value > 255 || (at - start > 1 && *start == '0'))
            return false;
        octets->value |= value << (24 - 8 * octets->n++);
        if (at == end || *at != '.')
            break;
        at++;
    }
    *textp = at;
    return true;
}

static uint32_t rbldnsd_rest(unsigned n)
{
    return n < 4 ? UINT32_MAX >> 8 * n : 0;
}

/* The end of a range: as many parts as its start has, or the last of them alone. */
static bool rbldnsd_range_end(uint32_t *highp, const struct rbldnsd_octets *low, const char *text, const char *end)
{
    struct rbldnsd_octets high;
    unsigned shift = 8 * (4 - low->n);

    if (!rbldnsd_octets(&high, &text, end) || text != end)
        return false;
    if (high.n == low->n)
        *highp = high.value | rbldnsd_rest(high.n);
    else if (high.n == 1)
        *highp = (low->value & ~(UINT32_C(255) << shift)) | high.value >> 24 << shift | rbldnsd_rest(low->n);
    else
        return false;
    return true;
}

static bool rbldnsd_bits(unsigned *bitsp, const char *text, const char *end)
{
    unsigned bits = 0;

    if (text == end || end - text > 2 || (end - text == 2 && *text == '0'))
        return false;
    for (; text < end; text++) {
        if (*text < '0' || *text > '9')
            return false;
        bits = bits * 10 + (unsigned)(*text - '0');
    }
    *bitsp = bits;
    return bits <= 32;
}

/* `192.0.2`, `192.0.2.0/24`, `192.0/16`, `192.0.2.1-9`, `192.0.2.1-192.0.2.9`. NULL, or why not. */
static const char *rbldnsd_range(uint32_t *lowp, uint32_t *highp, const char *text, size_t len)
{
    const char *end = text + len;
    struct rbldnsd_octets low;
    unsigned bits = 0;
    uint32_t mask;

    if (!rbldnsd_octets(&low, &text, end))
        return "address_syntax";
    *lowp = low.value;
    *highp = low.value | rbldnsd_rest(low.n);
    if (text == end)
        return NULL;
    if (*text == '-')
        return rbldnsd_range_end(highp, &low, text + 1, end) ? NULL : "address_syntax";
    if (*text != '/' || !rbldnsd_bits(&bits, text + 1, end))
        return "address_syntax";
    mask = bits ? UINT32_MAX << (32 - bits) : 0;
    *lowp = low.value & mask;
    *highp = low.value | ~mask;
    return NULL;
}

static int rbldnsd_exclude_range(struct bl_parse *parse, const struct tip_addr *low, const struct tip_addr *high)
{
    struct tip_range range;
    struct tip_prefix prefix;
    int r = tip_range_init(&range, low, high);

    while (!r && tip_range_next(&range, &prefix))
        r = bl_exclude_net(parse->state, &prefix);
    return r ? bl_parse_refuse(parse, "too_many_entries") : 0;
}

static int rbldnsd_ip4(struct bl_parse *parse, const struct rbldnsd_line *line)
{
    uint32_t low4, high4;
    struct tip_addr low, high;
    const char *why = rbldnsd_range(&low4, &high4, line->raw, line->len);

    if (!why && low4 > high4)
        why = "range_order";
    if (!why && low4 == high4 && !line->is_excluded && parse->format.type != BL_TYPE_IP6)
        return bl_value_ip4(parse, low4);
    if (why)
        return rbldnsd_reject(parse, line, why);
    low = tip_addr_from4(low4);
    high = tip_addr_from4(high4);
    return line->is_excluded ? rbldnsd_exclude_range(parse, &low, &high)
                             : bl_value_range(parse, &low, &high, line->raw, line->len);
}

static int rbldnsd_ip6(struct bl_parse *parse, const struct rbldnsd_line *line)
{
    struct tip_prefix prefix;
    int r;

    if (!line->is_excluded)
        return bl_value_add(parse, line->raw, line->len);
    r = tip_prefix_parse(&prefix, NULL, line->raw, line->len);
    if (r)
        return rbldnsd_reject(parse, line, tip_addr_reason(r));
    prefix = tip_prefix_unmap(&prefix);
    return bl_exclude_net(parse->state, &prefix) ? bl_parse_refuse(parse, "too_many_entries") : 0;
}

/* ---- names ---- */

static int rbldnsd_name(struct bl_parse *parse, const struct rbldnsd_line *line)
{
    struct tip_domain domain;
    int r;

    if (!line->is_excluded)
        return bl_value_add(parse, line->raw, line->len);
    r = tip_domain_parse(&domain, line->raw, line->len);
    if (r)
        return rbldnsd_reject(parse, line, tip_domain_reason(r));
    return bl_exclude_name(parse->state, domain.name, domain.len) ? bl_parse_refuse(parse, "too_many_entries") : 0;
}

static bool rbldnsd_is_numeric(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (!text[i] || !strchr("0123456789./-", text[i]))
            return false;
    }
    return len;
}

static int rbldnsd_entry(struct bl_parse *parse, const struct rbldnsd_line *line)
{
    bool names_only = parse->format.type == BL_TYPE_DOMAIN;

    if (memchr(line->raw, '\0', line->len))
        return rbldnsd_reject(parse, line, "nul");
    if (!names_only && rbldnsd_is_numeric(line->raw, line->len))
        return rbldnsd_ip4(parse, line);
    if (!names_only && memchr(line->raw, ':', line->len))
        return rbldnsd_ip6(parse, line);
    return rbldnsd_name(parse, line);
}

/* `:127.0.0.2:text` is the answer of the lines behind it, `$TTL 600` and kin are about the zone. */
static int kind_rbldnsd_line(struct bl_parse *parse, const char *text, size_t len)
{
    struct rbldnsd_line line = {0};

    bl_trim(&text, &len);
    if (!len || parse->comment[(unsigned char)*text])
        return 0;
    parse->report.n_content++;
    if (*text == ':' && (len == 1 || text[1] != ':')) {
        parse->report.n_skipped++;
        return 0;
    }
    if (*text == '$') {
        parse->report.n_skipped++;
        return 0;
    }
    line.is_excluded = *text == '!';
    text += line.is_excluded;
    len -= line.is_excluded;
    parse->report.n_skipped += line.is_excluded;
    line.raw = bl_token(&text, &len, &line.len);
    if (!line.raw) {
        line.raw = text;
        return rbldnsd_reject(parse, &line, "empty");
    }
    return rbldnsd_entry(parse, &line);
}

static int kind_rbldnsd_end(struct bl_parse *parse)
{
    return bl_exclude_apply(parse->state, parse);
}

const struct bl_parser_kind bl_kind_rbldnsd = {
    .open = kind_rbldnsd_open, .close = kind_rbldnsd_close, .line = kind_rbldnsd_line, .end = kind_rbldnsd_end};
