#include <tip/addr.h>

#include <string.h>

struct special_block {
    struct tip_prefix prefix;
    enum tip_special special;
};

#define BLOCK4(a, b, c, d, bits, class)                \
    {                                                  \
        {{4, {a, b, c, d}}, bits}, TIP_SPECIAL_##class \
    }
#define BLOCK6(a, b, c, d, e, f, bits, class)                                                                  \
    {                                                                                                          \
        {{6,                                                                                                   \
          {(a) >> 8, (a)&0xff, (b) >> 8, (b)&0xff, (c) >> 8, (c)&0xff, (d) >> 8, (d)&0xff, (e) >> 8, (e)&0xff, \
           (f) >> 8, (f)&0xff}},                                                                               \
         bits},                                                                                                \
            TIP_SPECIAL_##class                                                                                \
    }

/*
 * IANA IPv4 Special-Purpose Address Registry, and RFC 5771 for multicast. More specific blocks stand first; blocks
 * that the registry calls globally reachable are NONE or PROTOCOL.
 */
static const struct special_block special4[] = {
    BLOCK4(255, 255, 255, 255, 32, BROADCAST),  /* RFC 919 */
    BLOCK4(192, 0, 0, 0, 24, PROTOCOL),         /* RFC 6890, with 192.0.0.8-10 and .170-171 inside */
    BLOCK4(192, 0, 2, 0, 24, DOCUMENTATION),    /* RFC 5737 */
    BLOCK4(198, 51, 100, 0, 24, DOCUMENTATION), /* RFC 5737 */
    BLOCK4(203, 0, 113, 0, 24, DOCUMENTATION),  /* RFC 5737 */
    BLOCK4(192, 31, 196, 0, 24, PROTOCOL),      /* RFC 7535, AS112 */
    BLOCK4(192, 52, 193, 0, 24, PROTOCOL),      /* RFC 7450, AMT */
    BLOCK4(192, 88, 99, 0, 24, TRANSITION),     /* RFC 7526, 6to4 relays */
    BLOCK4(192, 175, 48, 0, 24, PROTOCOL),      /* RFC 7534, AS112 */
    BLOCK4(169, 254, 0, 0, 16, LINK_LOCAL),     /* RFC 3927 */
    BLOCK4(192, 168, 0, 0, 16, PRIVATE),        /* RFC 1918 */
    BLOCK4(198, 18, 0, 0, 15, BENCHMARK),       /* RFC 2544 */
    BLOCK4(172, 16, 0, 0, 12, PRIVATE),         /* RFC 1918 */
    BLOCK4(100, 64, 0, 0, 10, SHARED),          /* RFC 6598 */
    BLOCK4(0, 0, 0, 0, 8, THIS_NETWORK),        /* RFC 791 */
    BLOCK4(10, 0, 0, 0, 8, PRIVATE),            /* RFC 1918 */
    BLOCK4(127, 0, 0, 0, 8, LOOPBACK),          /* RFC 1122 */
    BLOCK4(224, 0, 0, 0, 4, MULTICAST),         /* RFC 5771 */
    BLOCK4(240, 0, 0, 0, 4, RESERVED),          /* RFC 1112 */
};

/* IANA IPv6 Special-Purpose Address Registry, and RFC 4291 section 2.4 for what is not unicast out of 2000::/3. */
static const struct special_block special6[] = {
    BLOCK6(0, 0, 0, 0, 0, 0, 128, THIS_NETWORK),
    {{{6, {[15] = 1}}, 128}, TIP_SPECIAL_LOOPBACK},
    BLOCK6(0x64, 0xff9b, 0, 0, 0, 0, 96, TRANSITION),     /* RFC 6052, NAT64 */
    BLOCK6(0x64, 0xff9b, 1, 0, 0, 0, 48, TRANSITION),     /* RFC 8215 */
    BLOCK6(0x100, 0, 0, 0, 0, 0, 64, RESERVED),           /* RFC 6666, discard only */
    BLOCK6(0x2001, 2, 0, 0, 0, 0, 48, BENCHMARK),         /* RFC 5180 */
    BLOCK6(0x2001, 0, 0, 0, 0, 0, 32, TRANSITION),        /* RFC 4380, Teredo */
    BLOCK6(0x2001, 0xdb8, 0, 0, 0, 0, 32, DOCUMENTATION), /* RFC 3849 */
    BLOCK6(0x2001, 0, 0, 0, 0, 0, 23, PROTOCOL),          /* RFC 2928, with AMT, AS112, ORCHIDv2, drones inside */
    BLOCK6(0x2002, 0, 0, 0, 0, 0, 16, TRANSITION),        /* RFC 3056, 6to4 */
    BLOCK6(0x2620, 0x4f, 0x8000, 0, 0, 0, 48, PROTOCOL),  /* RFC 7534, AS112 */
    BLOCK6(0x3fff, 0, 0, 0, 0, 0, 20, DOCUMENTATION),     /* RFC 9637 */
    BLOCK6(0xfc00, 0, 0, 0, 0, 0, 7, PRIVATE),            /* RFC 4193 */
    BLOCK6(0xfe80, 0, 0, 0, 0, 0, 10, LINK_LOCAL),        /* RFC 4291 */
    BLOCK6(0xff00, 0, 0, 0, 0, 0, 8, MULTICAST),          /* RFC 4291 */
    BLOCK6(0, 0, 0, 0, 0, 0, 3, RESERVED),                /* everything but 2000::/3 */
    BLOCK6(0x4000, 0, 0, 0, 0, 0, 2, RESERVED),
    BLOCK6(0x8000, 0, 0, 0, 0, 0, 1, RESERVED),
};

const char *tip_special_name(enum tip_special special)
{
    static const char *const names[TIP_SPECIAL_COUNT] = {
        [TIP_SPECIAL_NONE] = "none",
        [TIP_SPECIAL_THIS_NETWORK] = "this_network",
        [TIP_SPECIAL_PRIVATE] = "private",
        [TIP_SPECIAL_SHARED] = "shared",
        [TIP_SPECIAL_LOOPBACK] = "loopback",
        [TIP_SPECIAL_LINK_LOCAL] = "link_local",
        [TIP_SPECIAL_DOCUMENTATION] = "documentation",
        [TIP_SPECIAL_BENCHMARK] = "benchmark",
        [TIP_SPECIAL_PROTOCOL] = "protocol",
        [TIP_SPECIAL_TRANSITION] = "transition",
        [TIP_SPECIAL_MULTICAST] = "multicast",
        [TIP_SPECIAL_BROADCAST] = "broadcast",
        [TIP_SPECIAL_RESERVED] = "reserved",
    };

    return special < TIP_SPECIAL_COUNT ? names[special] : "none";
}

/* First octets below 224 that occur in special4: lists ask for millions of addresses, nearly all ordinary. */
static bool special4_possible(uint8_t octet)
{
    static const uint8_t octets[224] = {
        [0] = 1, [10] = 1, [100] = 1, [127] = 1, [169] = 1, [172] = 1, [192] = 1, [198] = 1, [203] = 1,
    };

    return octet >= 224 || octets[octet];
}

static enum tip_special special_find(const struct special_block *blocks, size_t n, const struct tip_prefix *prefix)
{
    for (size_t i = 0; i < n; i++) {
        if (tip_prefix_covers(&blocks[i].prefix, prefix))
            return blocks[i].special;
    }
    for (size_t i = 0; i < n; i++) {
        if (tip_prefix_covers(prefix, &blocks[i].prefix))
            return blocks[i].special;
    }
    return TIP_SPECIAL_NONE;
}

enum tip_special tip_prefix_special(const struct tip_prefix *prefix)
{
    if (prefix->addr.family == 6)
        return special_find(special6, sizeof(special6) / sizeof(*special6), prefix);
    if (prefix->len >= 8 && !special4_possible(prefix->addr.bytes[0]))
        return TIP_SPECIAL_NONE;
    return special_find(special4, sizeof(special4) / sizeof(*special4), prefix);
}

enum tip_special tip_addr_special(const struct tip_addr *addr)
{
    return tip_prefix_special(&(struct tip_prefix){.addr = *addr, .len = (uint8_t)tip_addr_bits(addr)});
}

bool tip_addr_is_public(const struct tip_addr *addr)
{
    return tip_addr_special(addr) == TIP_SPECIAL_NONE;
}
