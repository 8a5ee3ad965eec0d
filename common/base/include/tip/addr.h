#pragma once
/*
 * Internet addresses, prefixes, ranges and endpoints: strict text in, canonical text out, and what IANA says of them.
 * Text comes as pointer and length and need not end in NUL. An IPv4-mapped IPv6 address is the IPv4 address.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <tip/cleanup.h>

struct tip_addr {
    uint8_t family;    /* 4 or 6 */
    uint8_t bytes[16]; /* network order; IPv4 in the first four, the rest zero */
};

struct tip_prefix {
    struct tip_addr addr; /* bits behind `len` are zero */
    uint8_t len;          /* 0 to 32 or 128 */
};

struct tip_endpoint {
    struct tip_addr addr;
    uint16_t port; /* 1 to 65535 */
};

/** Room for each text with its NUL. */
#define TIP_ADDR_TEXT     46
#define TIP_PREFIX_TEXT   50
#define TIP_ENDPOINT_TEXT 54

/** Why a text is none; the numbers of addr, domain, url and indicator do not overlap. */
enum tip_addr_code {
    TIP_ADDR_E_SYNTAX = 1,   /* not the form of an address, prefix or endpoint */
    TIP_ADDR_E_LEADING_ZERO, /* 010.0.0.1 or /08: octal for some, decimal for others, so neither */
    TIP_ADDR_E_RANGE,        /* a part above 255 or ffff */
    TIP_ADDR_E_ZONE,         /* fe80::1%eth0 */
    TIP_ADDR_E_LENGTH,       /* prefix length above 32 or 128 */
    TIP_ADDR_E_PORT,         /* port 0, above 65535, or missing */
    TIP_ADDR_E_FAMILY,       /* a range from one family to the other */
    TIP_ADDR_E_ORDER,        /* a range whose end lies before its start */
    TIP_ADDR_E_NETMASK,      /* ones behind a zero */
    TIP_ADDR_E_END,
};

/** A short stable word for logs and metrics ("leading_zero"); "" for 0 and foreign codes. */
const char *tip_addr_reason(int code);

/**
 * Strict dotted quad (four decimal parts, no leading zeros) or RFC 4291 section 2.2 text (zero-padded groups and an
 * embedded dotted quad included).
 *
 * @return 0, or TIP_ADDR_E_SYNTAX, _LEADING_ZERO, _RANGE, _ZONE; then *addr is untouched
 */
tip_nodiscard int tip_addr_parse(struct tip_addr *addr, const char *text, size_t len);

/**
 * `address/length`, or an address alone (then 32 or 128). Host bits are cleared.
 *
 * @param maskedp  set to whether host bits had to be cleared; may be NULL
 * @return 0, or as tip_addr_parse, or TIP_ADDR_E_LENGTH
 */
tip_nodiscard int tip_prefix_parse(struct tip_prefix *prefix, bool *maskedp, const char *text, size_t len);

/** `192.0.2.1:443` or `[2001:db8::1]:443`. Returns 0, or as tip_addr_parse, or TIP_ADDR_E_PORT. */
tip_nodiscard int tip_endpoint_parse(struct tip_endpoint *endpoint, const char *text, size_t len);

/** Canonical text (RFC 5952 for IPv6) with its NUL; returns its length without the NUL. */
size_t tip_addr_format(const struct tip_addr *addr, char text[static TIP_ADDR_TEXT]);
size_t tip_prefix_format(const struct tip_prefix *prefix, char text[static TIP_PREFIX_TEXT]); /* always with /length */
size_t tip_endpoint_format(const struct tip_endpoint *endpoint, char text[static TIP_ENDPOINT_TEXT]);

/** IPv4 as a number in host order, both ways. */
struct tip_addr tip_addr_from4(uint32_t host);
uint32_t tip_addr_to4(const struct tip_addr *addr); /* of an IPv4 address only */

/** An address from its 4 or 16 bytes in network order; mapped ones become IPv4. */
struct tip_addr tip_addr_from_bytes(const void *bytes, size_t n);

/** 32 or 128; 4 or 16. */
static inline unsigned tip_addr_bits(const struct tip_addr *addr)
{
    return addr->family == 4 ? 32 : 128;
}

static inline size_t tip_addr_size(const struct tip_addr *addr)
{
    return addr->family == 4 ? 4 : 16;
}

/** Total order: family, bytes, then (prefix) the shorter length, (endpoint) the port. Result as memcmp. */
int tip_addr_compare(const struct tip_addr *a, const struct tip_addr *b);
int tip_prefix_compare(const struct tip_prefix *a, const struct tip_prefix *b);
int tip_endpoint_compare(const struct tip_endpoint *a, const struct tip_endpoint *b);

/** The prefix of `len` bits (at most tip_addr_bits) that holds `addr`. */
struct tip_prefix tip_prefix_of(const struct tip_addr *addr, uint8_t len);

/** The same block as IPv4 when it lies inside ::ffff:0:0/96. */
struct tip_prefix tip_prefix_unmap(const struct tip_prefix *prefix);

/** The highest address inside. */
struct tip_addr tip_prefix_last(const struct tip_prefix *prefix);

/** Is the address, or the whole of `inner`, inside `outer`? */
bool tip_prefix_contains(const struct tip_prefix *outer, const struct tip_addr *addr);
bool tip_prefix_covers(const struct tip_prefix *outer, const struct tip_prefix *inner);

/** Prefix length of a netmask such as 255.255.240.0. Returns 0 or TIP_ADDR_E_NETMASK. */
tip_nodiscard int tip_addr_netmask_len(const struct tip_addr *mask, uint8_t *lenp);

/**
 * An address range cut into the fewest prefixes, ascending:
 *
 *     r = tip_range_init(&range, &low, &high);
 *     while (!r && tip_range_next(&range, &prefix)) …
 *
 * @return 0, or TIP_ADDR_E_FAMILY, TIP_ADDR_E_ORDER
 */
struct tip_range {
    struct tip_addr next;
    struct tip_addr last;
    bool done;
};

tip_nodiscard int tip_range_init(struct tip_range *range, const struct tip_addr *low, const struct tip_addr *high);
bool tip_range_next(struct tip_range *range, struct tip_prefix *prefix);

/** What IANA's special-purpose registries (RFC 6890 and successors) and the multicast registries say of a block. */
enum tip_special {
    TIP_SPECIAL_NONE, /* ordinary, globally reachable unicast */
    TIP_SPECIAL_THIS_NETWORK,
    TIP_SPECIAL_PRIVATE, /* RFC 1918, RFC 4193 */
    TIP_SPECIAL_SHARED,  /* RFC 6598, carrier-grade NAT */
    TIP_SPECIAL_LOOPBACK,
    TIP_SPECIAL_LINK_LOCAL,
    TIP_SPECIAL_DOCUMENTATION, /* RFC 5737, RFC 3849, RFC 9637 */
    TIP_SPECIAL_BENCHMARK,     /* RFC 2544, RFC 5180 */
    TIP_SPECIAL_PROTOCOL,      /* IETF protocol assignments, AS112, AMT and the like */
    TIP_SPECIAL_TRANSITION,    /* NAT64, 6to4, Teredo: another address inside */
    TIP_SPECIAL_MULTICAST,
    TIP_SPECIAL_BROADCAST,
    TIP_SPECIAL_RESERVED, /* 240.0.0.0/4; IPv6 outside 2000::/3 */
    TIP_SPECIAL_COUNT,
};

/** "none", "private", "link_local", … */
const char *tip_special_name(enum tip_special special);

/** The class of an address; of the most specific block around a prefix, or of the first special block inside it. */
enum tip_special tip_addr_special(const struct tip_addr *addr);
enum tip_special tip_prefix_special(const struct tip_prefix *prefix);

/** May a fetcher connect there for a public source? False for everything special, documentation included. */
bool tip_addr_is_public(const struct tip_addr *addr);

/**
 * The hot path for lists: the strict dotted quad at the start of [text, end).
 *
 * @param hostp  set on success: the address in host order
 * @return bytes read, 7 to 15, or 0 when there is none; what follows is the caller's to judge, but it is no digit
 */
static inline size_t tip_addr4_parse_fast(const char *text, const char *end, uint32_t *hostp)
{
    const char *at = text;
    uint32_t host = 0;

    for (int part = 0; part < 4; part++) {
        unsigned value, digit;

        if (part && (at == end || *at++ != '.'))
            return 0;
        if (at == end || (value = (unsigned)(unsigned char)*at - '0') > 9)
            return 0;
        at++;
        if (at != end && (digit = (unsigned)(unsigned char)*at - '0') <= 9) {
            if (!value)
                return 0;
            value = value * 10 + digit;
            at++;
            if (at != end && (digit = (unsigned)(unsigned char)*at - '0') <= 9) {
                value = value * 10 + digit;
                at++;
                if (value > 255 || (at != end && (unsigned)(unsigned char)*at - '0' <= 9))
                    return 0;
            }
        }
        host = host << 8 | value;
    }
    *hostp = host;
    return (size_t)(at - text);
}
