#include <tip/addr.h>

#include <assert.h>
#include <string.h>

static bool addr_bit(const struct tip_addr *addr, unsigned i)
{
    return addr->bytes[i / 8] >> (7 - i % 8) & 1;
}

static void addr_bit_set(struct tip_addr *addr, unsigned i)
{
    addr->bytes[i / 8] |= (uint8_t)(1 << (7 - i % 8));
}

struct tip_prefix tip_prefix_of(const struct tip_addr *addr, uint8_t len)
{
    struct tip_prefix prefix = {.addr = *addr, .len = len};
    size_t whole = len / 8;

    assert(len <= tip_addr_bits(addr));
    if (whole < sizeof(prefix.addr.bytes)) {
        prefix.addr.bytes[whole] &= (uint8_t)(0xff00 >> len % 8);
        memset(prefix.addr.bytes + whole + 1, 0, sizeof(prefix.addr.bytes) - whole - 1);
    }
    return prefix;
}

struct tip_prefix tip_prefix_unmap(const struct tip_prefix *prefix)
{
    struct tip_prefix unmapped = *prefix;

    if (prefix->addr.family == 6 && prefix->len >= 96) {
        unmapped.addr = tip_addr_from_bytes(prefix->addr.bytes, 16);
        if (unmapped.addr.family == 4)
            unmapped.len = (uint8_t)(prefix->len - 96);
    }
    return unmapped;
}

struct tip_addr tip_prefix_last(const struct tip_prefix *prefix)
{
    struct tip_addr last = prefix->addr;
    unsigned bits = tip_addr_bits(&last);

    for (unsigned i = prefix->len; i < bits; i++)
        addr_bit_set(&last, i);
    return last;
}

int tip_prefix_compare(const struct tip_prefix *a, const struct tip_prefix *b)
{
    int order = tip_addr_compare(&a->addr, &b->addr);

    return order ? order : a->len - b->len;
}

bool tip_prefix_contains(const struct tip_prefix *outer, const struct tip_addr *addr)
{
    size_t whole = outer->len / 8;
    uint8_t mask = (uint8_t)(0xff00 >> outer->len % 8);

    if (outer->addr.family != addr->family || memcmp(outer->addr.bytes, addr->bytes, whole) != 0)
        return false;
    return !mask || (addr->bytes[whole] & mask) == outer->addr.bytes[whole];
}

bool tip_prefix_covers(const struct tip_prefix *outer, const struct tip_prefix *inner)
{
    return outer->len <= inner->len && tip_prefix_contains(outer, &inner->addr);
}

int tip_addr_netmask_len(const struct tip_addr *mask, uint8_t *lenp)
{
    unsigned bits = tip_addr_bits(mask), len = 0;

    while (len < bits && addr_bit(mask, len))
        len++;
    for (unsigned i = len; i < bits; i++) {
        if (addr_bit(mask, i))
            return TIP_ADDR_E_NETMASK;
    }
    *lenp = (uint8_t)len;
    return 0;
}

int tip_range_init(struct tip_range *range, const struct tip_addr *low, const struct tip_addr *high)
{
    if (low->family != high->family)
        return TIP_ADDR_E_FAMILY;
    if (tip_addr_compare(low, high) > 0)
        return TIP_ADDR_E_ORDER;
    *range = (struct tip_range){.next = *low, .last = *high};
    return 0;
}

/* Plus one; false when it was the highest of its family. */
static bool addr_increment(struct tip_addr *addr)
{
    for (size_t i = tip_addr_size(addr); i-- > 0;) {
        if (++addr->bytes[i])
            return true;
    }
    return false;
}

bool tip_range_next(struct tip_range *range, struct tip_prefix *prefix)
{
    struct tip_addr last = range->next;
    unsigned len = tip_addr_bits(&last);

    if (range->done)
        return false;
    /* widen while the start stays aligned and the end stays inside */
    while (len > 0 && !addr_bit(&range->next, len - 1)) {
        addr_bit_set(&last, len - 1);
        if (tip_addr_compare(&last, &range->last) > 0)
            break;
        len--;
    }
    *prefix = tip_prefix_of(&range->next, (uint8_t)len);
    range->next = tip_prefix_last(prefix);
    *prefix = tip_prefix_unmap(prefix);
    range->done = !tip_addr_compare(&range->next, &range->last) || !addr_increment(&range->next);
    return true;
}
