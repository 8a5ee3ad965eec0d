#include <tip/addr.h>

#include <assert.h>
#include <stdio.h>
#include <string.h>

static const uint8_t addr_mapped[12] = {[10] = 0xff, [11] = 0xff};

const char *tip_addr_reason(int code)
{
    static const char *const reasons[TIP_ADDR_E_END] = {
        [TIP_ADDR_E_SYNTAX] = "address_syntax", [TIP_ADDR_E_LEADING_ZERO] = "leading_zero",
        [TIP_ADDR_E_RANGE] = "address_range",   [TIP_ADDR_E_ZONE] = "zone_id",
        [TIP_ADDR_E_LENGTH] = "prefix_length",  [TIP_ADDR_E_PORT] = "address_port",
        [TIP_ADDR_E_FAMILY] = "mixed_families", [TIP_ADDR_E_ORDER] = "range_order",
        [TIP_ADDR_E_NETMASK] = "netmask",
    };

    return code > 0 && code < TIP_ADDR_E_END ? reasons[code] : "";
}

struct tip_addr tip_addr_from4(uint32_t host)
{
    return (struct tip_addr){.family = 4, .bytes = {host >> 24, host >> 16 & 0xff, host >> 8 & 0xff, host & 0xff}};
}

uint32_t tip_addr_to4(const struct tip_addr *addr)
{
    assert(addr->family == 4);
    return (uint32_t)addr->bytes[0] << 24 | (uint32_t)addr->bytes[1] << 16 | (uint32_t)addr->bytes[2] << 8 |
           addr->bytes[3];
}

struct tip_addr tip_addr_from_bytes(const void *bytes, size_t n)
{
    struct tip_addr addr = {.family = 6};

    assert(n == 4 || n == 16);
    if (n == 16 && !memcmp(bytes, addr_mapped, sizeof(addr_mapped))) {
        bytes = (const uint8_t *)bytes + sizeof(addr_mapped);
        n = 4;
    }
    addr.family = n == 4 ? 4 : 6;
    memcpy(addr.bytes, bytes, n);
    return addr;
}

/* One decimal part, and where it ends. */
static int addr_part_parse(const char **atp, const char *end)
{
    const char *at = *atp;
    unsigned value = 0;

    while (at < end && *at >= '0' && *at <= '9') {
        value = value * 10 + (unsigned)(*at++ - '0');
        if (value > 255)
            return TIP_ADDR_E_RANGE;
    }
    if (at == *atp)
        return TIP_ADDR_E_SYNTAX;
    if (**atp == '0' && at - *atp > 1)
        return TIP_ADDR_E_LEADING_ZERO;
    *atp = at;
    return 0;
}

/* Why the fast path refused it. */
static int addr4_refuse(const char *text, size_t len)
{
    const char *at = text, *end = text + len;

    for (int part = 0; part < 4; part++) {
        int r;

        if (part && (at == end || *at++ != '.'))
            return TIP_ADDR_E_SYNTAX;
        r = addr_part_parse(&at, end);
        if (r)
            return r;
    }
    return TIP_ADDR_E_SYNTAX;
}

static int addr4_parse(uint8_t bytes[static 4], const char *text, size_t len)
{
    uint32_t host;

    if (!len || tip_addr4_parse_fast(text, text + len, &host) != len)
        return addr4_refuse(text, len);
    memcpy(bytes, tip_addr_from4(host).bytes, 4);
    return 0;
}

static int addr_hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* One group of one to four hex digits. */
static int addr6_group_parse(uint8_t bytes[static 2], const char **atp, const char *end)
{
    const char *at = *atp;
    unsigned value = 0;

    while (at < end && addr_hex(*at) >= 0) {
        if (at - *atp == 4)
            return TIP_ADDR_E_RANGE;
        value = value << 4 | (unsigned)addr_hex(*at++);
    }
    if (at == *atp)
        return TIP_ADDR_E_SYNTAX;
    bytes[0] = (uint8_t)(value >> 8);
    bytes[1] = (uint8_t)value;
    *atp = at;
    return 0;
}

/* Groups are collected in order; `gap` is where `::` stood, or -1. */
struct addr6_reader {
    const char *at;
    const char *end;
    uint8_t bytes[16];
    int n;
    int gap;
};

/* `::` or `:` between groups; the first group of all may only be preceded by `::`. */
static int addr6_read_colons(struct addr6_reader *reader)
{
    if (reader->end - reader->at >= 2 && !memcmp(reader->at, "::", 2)) {
        if (reader->gap >= 0)
            return TIP_ADDR_E_SYNTAX;
        reader->gap = reader->n;
        reader->at += 2;
        return 0;
    }
    if (!reader->n)
        return 0;
    if (*reader->at != ':' || reader->end - reader->at < 2)
        return TIP_ADDR_E_SYNTAX;
    reader->at++;
    return 0;
}

static int addr6_read_group(struct addr6_reader *reader)
{
    size_t rest = (size_t)(reader->end - reader->at);
    int r;

    if (!memchr(reader->at, ':', rest) && memchr(reader->at, '.', rest)) {
        if (reader->n > 12)
            return TIP_ADDR_E_SYNTAX;
        r = addr4_parse(reader->bytes + reader->n, reader->at, rest);
        reader->n += 4;
        reader->at = reader->end;
        return r;
    }
    if (reader->n == 16)
        return TIP_ADDR_E_SYNTAX;
    r = addr6_group_parse(reader->bytes + reader->n, &reader->at, reader->end);
    reader->n += 2;
    return r;
}

/* The 16 bytes as written, mapped ones included. */
static int addr6_parse(uint8_t bytes[static 16], const char *text, size_t len)
{
    struct addr6_reader reader = {.at = text, .end = text + len, .gap = -1};
    int r;

    if (memchr(text, '%', len))
        return TIP_ADDR_E_ZONE;
    while (reader.at < reader.end) {
        r = addr6_read_colons(&reader);
        if (!r && (reader.at < reader.end || reader.gap != reader.n))
            r = addr6_read_group(&reader);
        if (r)
            return r;
    }
    if (reader.gap < 0 ? reader.n != 16 : reader.n > 14)
        return TIP_ADDR_E_SYNTAX;
    memset(bytes, 0, 16);
    if (reader.gap < 0)
        reader.gap = reader.n;
    memcpy(bytes, reader.bytes, (size_t)reader.gap);
    memcpy(bytes + 16 - (reader.n - reader.gap), reader.bytes + reader.gap, (size_t)(reader.n - reader.gap));
    return 0;
}

/* The address as written: nothing unmapped yet. */
static int addr_parse_raw(struct tip_addr *addr, const char *text, size_t len)
{
    struct tip_addr raw = {.family = 4};
    int r;

    if (len && memchr(text, ':', len)) {
        raw.family = 6;
        r = addr6_parse(raw.bytes, text, len);
    } else {
        r = addr4_parse(raw.bytes, text, len);
    }
    if (!r)
        *addr = raw;
    return r;
}

int tip_addr_parse(struct tip_addr *addr, const char *text, size_t len)
{
    int r;

    r = addr_parse_raw(addr, text, len);
    if (!r)
        *addr = tip_addr_from_bytes(addr->bytes, tip_addr_size(addr));
    return r;
}

/* The number behind the slash, at most `most`. */
static int prefix_len_parse(uint8_t *lenp, const char *text, const char *end, unsigned most)
{
    const char *at = text;
    int r;

    r = addr_part_parse(&at, end);
    if (r == TIP_ADDR_E_RANGE)
        return TIP_ADDR_E_LENGTH;
    if (r)
        return r;
    if (at != end)
        return TIP_ADDR_E_SYNTAX;
    *lenp = 0;
    while (text < end)
        *lenp = (uint8_t)(*lenp * 10 + (*text++ - '0'));
    return *lenp > most ? TIP_ADDR_E_LENGTH : 0;
}

int tip_prefix_parse(struct tip_prefix *prefix, bool *maskedp, const char *text, size_t len)
{
    const char *slash = len ? memchr(text, '/', len) : NULL;
    struct tip_prefix raw, masked;
    int r;

    r = addr_parse_raw(&raw.addr, text, slash ? (size_t)(slash - text) : len);
    if (r)
        return r;
    raw.len = (uint8_t)tip_addr_bits(&raw.addr);
    if (slash) {
        r = prefix_len_parse(&raw.len, slash + 1, text + len, raw.len);
        if (r)
            return r;
    }
    masked = tip_prefix_of(&raw.addr, raw.len);
    if (maskedp)
        *maskedp = !!memcmp(masked.addr.bytes, raw.addr.bytes, sizeof(raw.addr.bytes));
    *prefix = tip_prefix_unmap(&masked);
    return 0;
}

static int port_parse(uint16_t *portp, const char *text, const char *end)
{
    unsigned value = 0;

    if (text < end && *text == '0' && end - text > 1)
        return TIP_ADDR_E_LEADING_ZERO;
    for (; text < end; text++) {
        if (*text < '0' || *text > '9')
            return TIP_ADDR_E_SYNTAX;
        value = value * 10 + (unsigned)(*text - '0');
        if (value > UINT16_MAX)
            return TIP_ADDR_E_PORT;
    }
    *portp = (uint16_t)value;
    return value ? 0 : TIP_ADDR_E_PORT;
}

int tip_endpoint_parse(struct tip_endpoint *endpoint, const char *text, size_t len)
{
    const char *end = text + len, *colon = len ? memrchr(text, ':', len) : NULL;
    struct tip_endpoint found;
    bool bracketed;
    int r;

    if (!colon)
        return TIP_ADDR_E_PORT;
    bracketed = *text == '[';
    if (bracketed && (colon - text < 2 || colon[-1] != ']'))
        return TIP_ADDR_E_PORT;
    r = tip_addr_parse(&found.addr, text + bracketed, (size_t)(colon - text) - 2 * (size_t)bracketed);
    if (r)
        return r;
    /* [192.0.2.1]:443 and 2001:db8::1:443 */
    if (bracketed != !!memchr(text, ':', (size_t)(colon - text)))
        return TIP_ADDR_E_SYNTAX;
    r = port_parse(&found.port, colon + 1, end);
    if (!r)
        *endpoint = found;
    return r;
}

/* The longest run of at least two zero groups, the first of equals (RFC 5952 section 4.2); its length or 0. */
static int addr6_gap_find(const uint16_t groups[static 8], int *startp)
{
    int best = 0;

    for (int i = 0; i < 8;) {
        int n = 0;

        while (i + n < 8 && !groups[i + n])
            n++;
        if (n > 1 && n > best) {
            best = n;
            *startp = i;
        }
        i += n + 1;
    }
    return best;
}

static size_t addr6_format(const uint8_t bytes[static 16], char text[static TIP_ADDR_TEXT])
{
    uint16_t groups[8];
    int start = 8, n, at = 0;

    for (int i = 0; i < 8; i++)
        groups[i] = (uint16_t)(bytes[2 * i] << 8 | bytes[2 * i + 1]);
    n = addr6_gap_find(groups, &start);
    for (int i = 0; i < 8; i++) {
        if (n && i == start) {
            at += sprintf(text + at, "::");
            i += n - 1;
        } else {
            at += sprintf(text + at, "%s%x", i && i != start + n ? ":" : "", groups[i]);
        }
    }
    return (size_t)at;
}

size_t tip_addr_format(const struct tip_addr *addr, char text[static TIP_ADDR_TEXT])
{
    const uint8_t *b = addr->bytes;

    if (addr->family == 6)
        return addr6_format(b, text);
    return (size_t)snprintf(text, TIP_ADDR_TEXT, "%d.%d.%d.%d", b[0], b[1], b[2], b[3]);
}

size_t tip_prefix_format(const struct tip_prefix *prefix, char text[static TIP_PREFIX_TEXT])
{
    size_t len = tip_addr_format(&prefix->addr, text);

    return len + (size_t)snprintf(text + len, TIP_PREFIX_TEXT - len, "/%u", prefix->len);
}

size_t tip_endpoint_format(const struct tip_endpoint *endpoint, char text[static TIP_ENDPOINT_TEXT])
{
    char addr[TIP_ADDR_TEXT];

    tip_addr_format(&endpoint->addr, addr);
    return (size_t)snprintf(text, TIP_ENDPOINT_TEXT, endpoint->addr.family == 4 ? "%s:%u" : "[%s]:%u", addr,
                            endpoint->port);
}

int tip_addr_compare(const struct tip_addr *a, const struct tip_addr *b)
{
    if (a->family != b->family)
        return a->family < b->family ? -1 : 1;
    return memcmp(a->bytes, b->bytes, sizeof(a->bytes));
}

int tip_endpoint_compare(const struct tip_endpoint *a, const struct tip_endpoint *b)
{
    int order = tip_addr_compare(&a->addr, &b->addr);

    return order ? order : a->port - b->port;
}
