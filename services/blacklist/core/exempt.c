#include "core/exempt.h"

#include <string.h>

#include <tip/crc32c.h>

#include "core/exempt_file.h"

static const struct bl_exempt_hit exempt_not = {.effect = BL_EXEMPT_NOT};

enum bl_exempt_effect bl_exempt_effect(enum bl_role role)
{
    static const uint8_t effects[BL_ROLE_COUNT] = {
        [BL_ROLE_INFRASTRUCTURE] = BL_EXEMPT_HARD, [BL_ROLE_RESOLVER] = BL_EXEMPT_HARD,
        [BL_ROLE_SINKHOLE] = BL_EXEMPT_HARD,       [BL_ROLE_PEER] = BL_EXEMPT_HARD,
        [BL_ROLE_TOP_SITE] = BL_EXEMPT_SOFT,       [BL_ROLE_SCANNER] = BL_EXEMPT_SOFT,
    };

    return (enum bl_exempt_effect)effects[role];
}

double bl_exempt_score(const struct bl_exempt_hit *hit, double score)
{
    switch ((enum bl_exempt_effect)hit->effect) {
    case BL_EXEMPT_NOT:
        return score;
    case BL_EXEMPT_SOFT:
        return score * BL_EXEMPT_SOFTENED;
    case BL_EXEMPT_HARD:
        return 0;
    }
    return score;
}

enum bl_role bl_exempt_role(const struct bl_exempt *exempt, uint16_t list)
{
    return (enum bl_role)exempt->lists[list].role;
}

const char *bl_exempt_name(const struct bl_exempt *exempt, uint16_t list)
{
    return exempt->arena + exempt->lists[list].name;
}

static struct bl_exempt_hit exempt_hit(const struct bl_exempt *exempt, uint16_t list)
{
    return (struct bl_exempt_hit){.effect = (uint8_t)bl_exempt_effect(bl_exempt_role(exempt, list)), .list = list};
}

/* ---- reading ---- */

static bool exempt_lists_are_good(const struct bl_exempt *exempt)
{
    for (size_t i = 0; i < exempt->n_lists; i++) {
        const struct bl_exempt_list *list = &exempt->lists[i];

        if (list->role >= BL_ROLE_COUNT || !bl_exempt_effect((enum bl_role)list->role) ||
            (uint64_t)list->name + list->len >= exempt->n_arena || exempt->arena[list->name + list->len])
            return false;
    }
    return true;
}

static bool exempt_ranges_are_good(const struct bl_exempt *exempt)
{
    for (size_t i = 0; i < exempt->n4; i++) {
        const struct bl_exempt_range4 *range = &exempt->ranges4[i];

        if (range->lo > range->hi || range->list >= exempt->n_lists || (i && range[-1].hi >= range->lo))
            return false;
    }
    for (size_t i = 0; i < exempt->n6; i++) {
        const struct bl_exempt_range6 *range = &exempt->ranges6[i];

        if (range->lo > range->hi || range->list >= exempt->n_lists || (i && range[-1].hi >= range->lo))
            return false;
    }
    return true;
}

static bool exempt_list_is_known(const struct bl_exempt *exempt, uint16_t list)
{
    return list == EXEMPT_NO_LIST || list < exempt->n_lists;
}

/* A search ends at an empty slot, so there has to be one. */
static bool exempt_names_are_good(const struct bl_exempt *exempt)
{
    size_t n_used = 0;

    for (size_t i = 0; i < exempt->n_names; i++) {
        const struct bl_exempt_name *name = &exempt->names[i];

        if ((uint64_t)name->text + name->len >= exempt->n_arena || !exempt_list_is_known(exempt, name->self) ||
            !exempt_list_is_known(exempt, name->below))
            return false;
    }
    for (size_t i = 0; i < exempt->n_slots; i++) {
        n_used += exempt->slots[i] != 0;
        if (exempt->slots[i] > exempt->n_names)
            return false;
    }
    return !(exempt->n_slots & (exempt->n_slots - 1)) && n_used == exempt->n_names &&
           (n_used < exempt->n_slots || !exempt->n_slots);
}

/* Where a section begins; what is there is less than what it says: it begins nowhere. */
static const char *exempt_section(const char **atp, size_t *restp, uint64_t n, size_t size)
{
    const char *at = *atp;

    if (!at || n > *restp / size) {
        *atp = NULL;
        return NULL;
    }
    *atp += n * size;
    *restp -= n * size;
    return at;
}

#define EXEMPT_SECTION(field, count)                                                                    \
    do {                                                                                                \
        exempt->count = header.count;                                                                   \
        exempt->field = (const void *)exempt_section(&at, &rest, header.count, sizeof(*exempt->field)); \
    } while (0)

int bl_exempt_read(struct bl_exempt *exempt, const void *bytes, size_t n)
{
    const char *at = bytes;
    struct exempt_header header;
    size_t rest;

    *exempt = (struct bl_exempt){.n4 = 0};
    if (n < sizeof(header))
        return BL_EXEMPT_E_DAMAGED;
    memcpy(&header, at, sizeof(header));
    if (memcmp(header.magic, EXEMPT_MAGIC, sizeof(header.magic)) != 0 || header.zero ||
        tip_crc32c(0, at + EXEMPT_CRC_FROM, n - EXEMPT_CRC_FROM) != header.crc)
        return BL_EXEMPT_E_DAMAGED;
    at += sizeof(header);
    rest = n - sizeof(header);
    EXEMPT_SECTION(ranges6, n6);
    EXEMPT_SECTION(lists, n_lists);
    EXEMPT_SECTION(names, n_names);
    EXEMPT_SECTION(slots, n_slots);
    EXEMPT_SECTION(ranges4, n4);
    EXEMPT_SECTION(arena, n_arena);
    if (at && !rest && exempt->n_lists <= BL_EXEMPT_LISTS_MAX && exempt_lists_are_good(exempt) &&
        exempt_ranges_are_good(exempt) && exempt_names_are_good(exempt))
        return 0;
    *exempt = (struct bl_exempt){.n4 = 0};
    return BL_EXEMPT_E_DAMAGED;
}

/* ---- blocks ---- */

/* The first one that ends at or behind an address, within [low, high). */
static size_t exempt_seek4(const struct bl_exempt *exempt, uint32_t addr, size_t low, size_t high)
{
    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (exempt->ranges4[middle].hi < addr)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

struct bl_exempt_hit bl_exempt_find4(const struct bl_exempt *exempt, size_t *cursorp, uint32_t addr)
{
    size_t low, step = 1;

    if (!exempt || !exempt->n4)
        return exempt_not;
    low = *cursorp <= exempt->n4 && (!*cursorp || exempt->ranges4[*cursorp - 1].hi < addr) ? *cursorp : 0;
    while (low + step < exempt->n4 && exempt->ranges4[low + step - 1].hi < addr) {
        low += step;
        step *= 2;
    }
    low = exempt_seek4(exempt, addr, low, low + step < exempt->n4 ? low + step : exempt->n4);
    *cursorp = low;
    if (low == exempt->n4 || exempt->ranges4[low].lo > addr)
        return exempt_not;
    return exempt_hit(exempt, exempt->ranges4[low].list);
}

/* Both families alike: blocks are asked for seldom. */
struct exempt_block {
    const struct bl_exempt *exempt;
    bool is_ip4;
    tip_u128 lo, hi;
};

static struct exempt_block exempt_block(const struct bl_exempt *exempt, const struct tip_prefix *prefix)
{
    struct tip_addr last = tip_prefix_last(prefix);
    struct exempt_block block = {.exempt = exempt, .is_ip4 = prefix->addr.family == 4};

    block.lo = block.is_ip4 ? tip_addr_to4(&prefix->addr) : tip_addr_to6(&prefix->addr);
    block.hi = block.is_ip4 ? tip_addr_to4(&last) : tip_addr_to6(&last);
    return block;
}

static size_t block_first(const struct exempt_block *block)
{
    size_t low = 0, high = block->exempt->n6;

    if (block->is_ip4)
        return exempt_seek4(block->exempt, (uint32_t)block->lo, 0, block->exempt->n4);
    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (block->exempt->ranges6[middle].hi < block->lo)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* The i-th range, as far as it touches the block. */
static bool block_piece(const struct exempt_block *block, size_t i, struct bl_exempt_range6 *piece)
{
    const struct bl_exempt *exempt = block->exempt;

    if (i >= (block->is_ip4 ? exempt->n4 : exempt->n6))
        return false;
    if (block->is_ip4)
        *piece = (struct bl_exempt_range6){
            .lo = exempt->ranges4[i].lo, .hi = exempt->ranges4[i].hi, .list = exempt->ranges4[i].list};
    else
        *piece = exempt->ranges6[i];
    return piece->lo <= block->hi;
}

/* All of it: then the weakest of those that hold it decides, for lists are in the order of their strength. */
static struct bl_exempt_hit block_find(const struct exempt_block *block)
{
    struct bl_exempt_range6 piece;
    tip_u128 next = block->lo;
    uint16_t list = 0;

    for (size_t i = block_first(block); block_piece(block, i, &piece) && piece.lo <= next; i++) {
        list = piece.list > list ? piece.list : list;
        if (piece.hi >= block->hi)
            return exempt_hit(block->exempt, list);
        next = piece.hi + 1;
    }
    return exempt_not;
}

enum bl_exempt_part bl_exempt_hard_in(const struct bl_exempt *exempt, const struct tip_prefix *prefix)
{
    struct exempt_block block = exempt_block(exempt, prefix);
    struct bl_exempt_range6 piece;
    tip_u128 next = block.lo;
    bool is_some = false;

    if (!exempt)
        return BL_EXEMPT_NONE;
    for (size_t i = block_first(&block); block_piece(&block, i, &piece); i++) {
        if (exempt_hit(exempt, piece.list).effect != BL_EXEMPT_HARD)
            continue;
        if (piece.lo > next)
            return BL_EXEMPT_SOME;
        is_some = true;
        if (piece.hi >= block.hi)
            return BL_EXEMPT_ALL;
        next = piece.hi + 1;
    }
    return is_some ? BL_EXEMPT_SOME : BL_EXEMPT_NONE;
}

/* ---- names ---- */

uint32_t exempt_hash(const char *text, size_t len)
{
    uint32_t hash = 0x811c9dc5;

    for (size_t i = 0; i < len; i++)
        hash = (hash ^ (uint8_t)text[i]) * 0x01000193;
    return hash;
}

static const struct bl_exempt_name *exempt_name_of(const struct bl_exempt *exempt, const char *text, size_t len)
{
    size_t mask = exempt->n_slots - 1;

    if (!exempt->n_slots)
        return NULL;
    for (size_t at = exempt_hash(text, len) & mask; exempt->slots[at]; at = (at + 1) & mask) {
        const struct bl_exempt_name *name = &exempt->names[exempt->slots[at] - 1];

        if (name->len == len && !memcmp(exempt->arena + name->text, text, len))
            return name;
    }
    return NULL;
}

static struct bl_exempt_hit exempt_find_name(const struct bl_exempt *exempt, const char *value, size_t len)
{
    const char *end = value + len;
    uint16_t list = EXEMPT_NO_LIST;

    for (const char *at = value; at && at < end;) {
        const struct bl_exempt_name *name = exempt_name_of(exempt, at, (size_t)(end - at));
        uint16_t of = !name ? EXEMPT_NO_LIST : at == value ? name->self : name->below;

        list = of < list ? of : list;
        at = memchr(at, '.', (size_t)(end - at));
        at = at ? at + 1 : NULL;
    }
    return list == EXEMPT_NO_LIST ? exempt_not : exempt_hit(exempt, list);
}

bool bl_exempt_is_above(const struct bl_exempt *exempt, const char *name, size_t len)
{
    const struct bl_exempt_name *found = exempt ? exempt_name_of(exempt, name, len) : NULL;

    return found && found->is_above;
}

/* ---- all of them ---- */

static struct bl_exempt_hit exempt_find_block(const struct bl_exempt *exempt, const struct tip_prefix *prefix)
{
    struct exempt_block block = exempt_block(exempt, prefix);

    return block_find(&block);
}

struct bl_exempt_hit bl_exempt_find(const struct bl_exempt *exempt, enum tip_kind kind, const char *value, size_t len)
{
    struct tip_endpoint endpoint;
    struct tip_prefix prefix;

    if (!exempt)
        return exempt_not;
    switch (kind) {
    case TIP_KIND_IP:
    case TIP_KIND_NET:
        return tip_prefix_parse(&prefix, NULL, value, len) ? exempt_not : exempt_find_block(exempt, &prefix);
    case TIP_KIND_ENDPOINT:
        if (tip_endpoint_parse(&endpoint, value, len))
            return exempt_not;
        prefix = tip_prefix_of(&endpoint.addr, (uint8_t)tip_addr_bits(&endpoint.addr));
        return exempt_find_block(exempt, &prefix);
    case TIP_KIND_DOMAIN:
        return exempt_find_name(exempt, value, len);
    case TIP_KIND_NONE:
    case TIP_KIND_URL:
    case TIP_KIND_ASN:
    case TIP_KIND_HASH:
    case TIP_KIND_EMAIL_DOMAIN:
    case TIP_KIND_COUNT:
        break;
    }
    return exempt_not;
}
