#include <tip/ranges.h>

#include <errno.h>
#include <stdlib.h>

/* Eleven bits: three passes for IPv4, and their 2048 counters stay in the first cache. */
enum { RADIX_BITS = 11, RADIX_SIZE = 1 << RADIX_BITS };
enum { RANGES_SLACK = 16, RANGES_SETTLE_BYTES = 8 << 20 };

tip_u128 tip_addr_to6(const struct tip_addr *addr)
{
    tip_u128 host = 0;

    for (size_t i = 0; i < 16; i++)
        host = host << 8 | addr->bytes[i];
    return host;
}

static struct tip_addr ranges_addr6(tip_u128 host)
{
    struct tip_addr addr = {.family = 6};

    for (size_t i = 16; i-- > 0; host >>= 8)
        addr.bytes[i] = (uint8_t)host;
    return addr;
}

struct tip_addr tip_addr_from6(tip_u128 host)
{
    struct tip_addr addr = ranges_addr6(host);

    return tip_addr_from_bytes(addr.bytes, 16);
}

#define R(name) tip_ranges4_##name
#define RANGE   tip_range4
#define RANGES  tip_ranges4
#define BUILD   tip_ranges4_build
#define CUT     tip_ranges4_cut
#define ADDR    uint32_t
#define COUNT   uint64_t
#define BITS    32
#define FROM    tip_addr_from4
#include "ranges_family.h"
#undef R
#undef RANGE
#undef RANGES
#undef BUILD
#undef CUT
#undef ADDR
#undef COUNT
#undef BITS
#undef FROM

#define R(name) tip_ranges6_##name
#define RANGE   tip_range6
#define RANGES  tip_ranges6
#define BUILD   tip_ranges6_build
#define CUT     tip_ranges6_cut
#define ADDR    tip_u128
#define COUNT   tip_u128
#define BITS    128
#define FROM    ranges_addr6
#include "ranges_family.h"
