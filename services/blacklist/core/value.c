#include <stdlib.h>
#include <string.h>

#include <tip/indicator.h>
#include <tip/url.h>

#include "core/flag.h"
#include "core/parser.h"

enum { WIDEST_4 = 8, WIDEST_6 = 19 };

static const enum tip_kind bl_value_kinds[BL_TYPE_COUNT] = {
    [BL_TYPE_AUTO] = TIP_KIND_NONE,        [BL_TYPE_IP4] = TIP_KIND_IP,
    [BL_TYPE_IP6] = TIP_KIND_IP,           [BL_TYPE_NET] = TIP_KIND_NET,
    [BL_TYPE_DOMAIN] = TIP_KIND_DOMAIN,    [BL_TYPE_URL] = TIP_KIND_URL,
    [BL_TYPE_IP_PORT] = TIP_KIND_ENDPOINT, [BL_TYPE_ASN] = TIP_KIND_ASN,
    [BL_TYPE_HASH] = TIP_KIND_HASH,        [BL_TYPE_EMAIL_DOMAIN] = TIP_KIND_EMAIL_DOMAIN,
};

const char *bl_value_width(const struct tip_prefix *prefix)
{
    if (prefix->len == 0)
        return "default_route";
    return prefix->len < (prefix->addr.family == 4 ? WIDEST_4 : WIDEST_6) ? "too_wide" : NULL;
}

/* A special-use prefix, unless this source may list it like any other. */
static unsigned bl_value_special(const struct bl_parse *parse, const struct tip_prefix *prefix)
{
    if (tip_prefix_special(prefix) == TIP_SPECIAL_NONE)
        return 0;
    for (size_t i = 0; i < parse->format.n_ordinary; i++) {
        if (tip_prefix_covers(&parse->format.ordinary[i], prefix))
            return 0;
    }
    return BL_FLAG_SPECIAL_USE;
}

static unsigned bl_value_special_addr(const struct bl_parse *parse, const struct tip_addr *addr)
{
    struct tip_prefix host = tip_prefix_of(addr, (uint8_t)tip_addr_bits(addr));

    return bl_value_special(parse, &host);
}

unsigned bl_value_flags4(const struct bl_parse *parse, uint32_t addr)
{
    struct tip_addr wide;

    if (!parse->special4[addr >> 24])
        return 0;
    wide = tip_addr_from4(addr);
    return bl_value_special_addr(parse, &wide);
}

int bl_value_ip4(struct bl_parse *parse, uint32_t addr)
{
    struct bl_ip4 *entry = bl_build_room4(&parse->build);

    if (!entry)
        return bl_parse_refuse(parse, "too_many_entries");
    *entry = (struct bl_ip4){.addr = addr, .line = (uint32_t)parse->line, .at = (uint32_t)parse->at};
    entry->flags = bl_value_flags4(parse, addr);
    bl_build_push4(&parse->build, addr);
    parse->report.n_valid++;
    return 0;
}

static int bl_value_text(struct bl_parse *parse, enum tip_kind kind, unsigned flags, const char *text, size_t len)
{
    const struct bl_text where = {.line = (uint32_t)parse->line, .at = (uint32_t)parse->at, .flags = (uint8_t)flags};

    if (bl_build_text(&parse->build, kind, text, len, &where))
        return bl_parse_refuse(parse, "too_many_entries");
    parse->report.n_valid++;
    return 0;
}

int bl_value_prefix(struct bl_parse *parse, const struct tip_prefix *prefix, unsigned flags, const char *raw,
                    size_t raw_len)
{
    char text[TIP_PREFIX_TEXT];
    const char *why = bl_value_width(prefix);
    enum tip_kind kind = TIP_KIND_NET;
    size_t len;

    if (why) {
        bl_parse_reject(parse, why, raw, raw_len);
        return 0;
    }
    if (prefix->addr.family == 4 && prefix->len == 32)
        return bl_value_ip4(parse, tip_addr_to4(&prefix->addr));
    len = tip_prefix_format(prefix, text);
    if (prefix->len == 128) {
        kind = TIP_KIND_IP;
        len = tip_addr_format(&prefix->addr, text);
    }
    return bl_value_text(parse, kind, flags | bl_value_special(parse, prefix), text, len);
}

/* A range is refused as a whole when part of it is. */
static const char *bl_value_range_width(const struct tip_addr *low, const struct tip_addr *high)
{
    struct tip_range range;
    struct tip_prefix prefix;
    const char *why = NULL;

    if (tip_range_init(&range, low, high))
        return "order";
    while (!why && tip_range_next(&range, &prefix))
        why = bl_value_width(&prefix);
    return why;
}

int bl_value_range(struct bl_parse *parse, const struct tip_addr *low, const struct tip_addr *high, const char *raw,
                   size_t raw_len)
{
    struct tip_range range;
    struct tip_prefix prefix;
    const char *why;
    int r = tip_range_init(&range, low, high);

    why = r ? tip_addr_reason(r) : bl_value_range_width(low, high);
    if ((parse->format.type == BL_TYPE_IP4 && low->family != 4) ||
        (parse->format.type == BL_TYPE_IP6 && low->family != 6))
        why = "family";
    if (why) {
        bl_parse_reject(parse, why, raw, raw_len);
        return 0;
    }
    while (!r && tip_range_next(&range, &prefix))
        r = bl_value_prefix(parse, &prefix, 0, raw, raw_len);
    return r;
}

static unsigned bl_value_flags(const struct tip_indicator *indicator)
{
    static const struct {
        unsigned seen, flag;
    } map[] = {
        {TIP_INDICATOR_SUBTREE, BL_FLAG_SUBTREE},
        {TIP_INDICATOR_BAD_IDNA, BL_FLAG_BAD_IDNA},
        {TIP_INDICATOR_PUBLIC_SUFFIX, BL_FLAG_PUBLIC_SUFFIX},
        {TIP_INDICATOR_MASKED, BL_FLAG_HOST_BITS},
    };
    unsigned flags = 0;

    for (size_t i = 0; i < sizeof(map) / sizeof(*map); i++)
        flags |= indicator->flags & map[i].seen ? map[i].flag : 0;
    return flags;
}

static int bl_value_net(struct bl_parse *parse, const struct tip_indicator *indicator, const char *raw, size_t raw_len)
{
    struct tip_prefix prefix;

    if (tip_prefix_parse(&prefix, NULL, indicator->value, indicator->len)) {
        bl_parse_reject(parse, "address_syntax", raw, raw_len);
        return 0;
    }
    if (parse->format.type == BL_TYPE_IP4 && prefix.addr.family != 4) {
        bl_parse_reject(parse, "family", raw, raw_len);
        return 0;
    }
    if (parse->format.type == BL_TYPE_IP6 && prefix.addr.family != 6) {
        bl_parse_reject(parse, "family", raw, raw_len);
        return 0;
    }
    return bl_value_prefix(parse, &prefix, bl_value_flags(indicator), raw, raw_len);
}

static int bl_value_endpoint(struct bl_parse *parse, const struct tip_indicator *indicator)
{
    struct tip_endpoint endpoint;
    unsigned flags = 0;

    if (!tip_endpoint_parse(&endpoint, indicator->value, indicator->len))
        flags = bl_value_special_addr(parse, &endpoint.addr);
    return bl_value_text(parse, TIP_KIND_ENDPOINT, flags, indicator->value, indicator->len);
}

/* A URL names one place: that its host is a public suffix does not forbid it, that its address is special does. */
static int bl_value_url(struct bl_parse *parse, const struct tip_indicator *indicator)
{
    unsigned flags = bl_value_flags(indicator) & ~(unsigned)BL_FLAG_PUBLIC_SUFFIX;
    struct tip_url url;

    if (!tip_url_parse(&url, indicator->value, indicator->len, 0) && url.host_is_addr)
        flags |= bl_value_special_addr(parse, &url.addr);
    return bl_value_text(parse, TIP_KIND_URL, flags, indicator->value, indicator->len);
}

/* Nobody's, anybody's, or of documents: RFC 6793, 5398, 6996. */
static bool bl_value_asn_is_special(uint32_t asn)
{
    static const struct {
        uint32_t low, high;
    } ranges[] = {{23456, 23456}, {64496, 65551}, {4200000000, UINT32_MAX}};

    for (size_t i = 0; i < sizeof(ranges) / sizeof(*ranges); i++) {
        if (asn >= ranges[i].low && asn <= ranges[i].high)
            return true;
    }
    return false;
}

static int bl_value_asn(struct bl_parse *parse, const struct tip_indicator *indicator)
{
    uint32_t asn = (uint32_t)strtoul(indicator->value + 2, NULL, 10);

    return bl_value_text(parse, TIP_KIND_ASN, bl_value_asn_is_special(asn) ? BL_FLAG_SPECIAL_USE : 0, indicator->value,
                         indicator->len);
}

static int bl_value_indicator(struct bl_parse *parse, const struct tip_indicator *indicator, const char *raw,
                              size_t raw_len)
{
    switch (indicator->kind) {
    case TIP_KIND_IP:
    case TIP_KIND_NET:
        return bl_value_net(parse, indicator, raw, raw_len);
    case TIP_KIND_DOMAIN:
        return bl_value_text(parse, TIP_KIND_DOMAIN, bl_value_flags(indicator), indicator->value, indicator->len);
    case TIP_KIND_URL:
        return bl_value_url(parse, indicator);
    case TIP_KIND_ENDPOINT:
        return bl_value_endpoint(parse, indicator);
    case TIP_KIND_ASN:
        return bl_value_asn(parse, indicator);
    case TIP_KIND_HASH:
    case TIP_KIND_EMAIL_DOMAIN:
        return bl_value_text(parse, indicator->kind, bl_value_flags(indicator), indicator->value, indicator->len);
    case TIP_KIND_NONE:
    case TIP_KIND_COUNT:
        break;
    }
    bl_parse_reject(parse, "other_kind", raw, raw_len);
    return 0;
}

int bl_value_add(struct bl_parse *parse, const char *text, size_t len)
{
    struct tip_indicator indicator;
    uint32_t addr;
    int r;

    if (parse->format.type <= BL_TYPE_NET && parse->format.type != BL_TYPE_IP6 && len &&
        tip_addr4_parse_fast(text, text + len, &addr) == len)
        return bl_value_ip4(parse, addr);
    if (memchr(text, '\0', len)) {
        bl_parse_reject(parse, "nul", text, len);
        return 0;
    }
    r = tip_indicator_parse(&indicator, bl_value_kinds[parse->format.type], text, len);
    if (r) {
        bl_parse_reject(parse, tip_indicator_reason(r), text, len);
        return 0;
    }
    return bl_value_indicator(parse, &indicator, text, len);
}

int bl_value_subtree(struct bl_parse *parse, const char *text, size_t len)
{
    char below[BL_FORMAT_TEXT * 4];
    struct tip_addr addr;

    if (len + 1 > sizeof(below) || !tip_addr_parse(&addr, text, len))
        return bl_value_add(parse, text, len);
    below[0] = '.';
    memcpy(below + 1, text, len);
    return bl_value_add(parse, below, len + 1);
}
