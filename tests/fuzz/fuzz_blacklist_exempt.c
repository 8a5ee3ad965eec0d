/* A table of exemptions from anywhere is refused, or it is one: whatever is asked of it is answered from its own lists,
 * and each range is found by its ends. */
#include "fuzz.h"

#include <stdlib.h>

#include <tip/cleanup.h>
#include <tip/crc32c.h>

#include "core/exempt.h"

enum { EXEMPT_HEADER = 64, EXEMPT_CRC_AT = 8, EXEMPT_CRC_FROM = 12 };

static void check_hit(const struct bl_exempt *exempt, struct bl_exempt_hit hit)
{
    if (hit.effect == BL_EXEMPT_NOT)
        return;
    assert(hit.list < exempt->n_lists && hit.effect == bl_exempt_effect(bl_exempt_role(exempt, hit.list)));
    assert(strlen(bl_exempt_name(exempt, hit.list)) < exempt->n_arena);
}

static void check_part(const struct bl_exempt *exempt, const struct tip_addr *host, uint16_t list)
{
    const struct tip_prefix alone = tip_prefix_of(host, (uint8_t)tip_addr_bits(host));
    bool is_hard = bl_exempt_effect(bl_exempt_role(exempt, list)) == BL_EXEMPT_HARD;

    assert(bl_exempt_hard_in(exempt, &alone) == (is_hard ? BL_EXEMPT_ALL : BL_EXEMPT_NONE));
}

/* By both ways of asking. */
static void check_host4(const struct bl_exempt *exempt, uint32_t addr, uint16_t list)
{
    const struct tip_addr host = tip_addr_from4(addr);
    char text[TIP_ADDR_TEXT];
    size_t len = tip_addr_format(&host, text), cursor = 0;
    struct bl_exempt_hit hit = bl_exempt_find4(exempt, &cursor, addr);
    struct bl_exempt_hit again = bl_exempt_find(exempt, TIP_KIND_IP, text, len);

    check_hit(exempt, hit);
    assert(hit.effect && hit.list == list && again.effect == hit.effect && again.list == list);
    check_part(exempt, &host, list);
}

static void check_ranges(const struct bl_exempt *exempt)
{
    size_t cursor = 0;

    for (size_t i = 0; i < exempt->n4; i++) {
        const struct bl_exempt_range4 *range = &exempt->ranges4[i];

        check_host4(exempt, range->lo, range->list);
        check_host4(exempt, range->hi, range->list);
        assert(bl_exempt_find4(exempt, &cursor, range->lo).list == range->list);
        if (range->lo && (!i || range[-1].hi < range->lo - 1))
            assert(!bl_exempt_find4(exempt, &(size_t){0}, range->lo - 1).effect);
    }
    for (size_t i = 0; i < exempt->n6; i++) {
        const struct tip_addr low = tip_addr_from6(exempt->ranges6[i].lo), high = tip_addr_from6(exempt->ranges6[i].hi);

        check_part(exempt, &low, exempt->ranges6[i].list);
        check_part(exempt, &high, exempt->ranges6[i].list);
    }
}

/* A slot may lead anywhere; what is found is one of the names, or nothing. */
static void check_names(const struct bl_exempt *exempt)
{
    for (size_t i = 0; i < exempt->n_names; i++) {
        const char *text = exempt->arena + exempt->names[i].text;
        size_t len = exempt->names[i].len;

        check_hit(exempt, bl_exempt_find(exempt, TIP_KIND_DOMAIN, text, len));
        (void)bl_exempt_is_above(exempt, text, len); /* it ends */
    }
    check_hit(exempt, bl_exempt_find(exempt, TIP_KIND_DOMAIN, "a.b.example", 11));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    tip_auto(tip_free) uint8_t *copy = malloc(size + 1); /* aligned, as a mapped file is */
    struct bl_exempt exempt;
    uint32_t crc;

    memcpy(copy, data, size);
    if (size >= EXEMPT_HEADER) { /* with the right sum, so that what lies behind it is reached */
        crc = tip_crc32c(0, copy + EXEMPT_CRC_FROM, size - EXEMPT_CRC_FROM);
        memcpy(copy + EXEMPT_CRC_AT, &crc, sizeof(crc));
    }
    if (bl_exempt_read(&exempt, copy, size)) {
        assert(!exempt.n4 && !exempt.n_lists); /* nothing is exempt by it */
        return 0;
    }
    check_ranges(&exempt);
    check_names(&exempt);
    return 0;
}
