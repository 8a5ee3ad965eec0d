#include "core/set.h"

#include <string.h>

#include "core/flag.h"

static char *bl_ip4_octet(char *at, unsigned value)
{
    if (value >= 100)
        *at++ = (char)('0' + value / 100);
    if (value >= 10)
        *at++ = (char)('0' + value / 10 % 10);
    *at++ = (char)('0' + value % 10);
    return at;
}

size_t bl_ip4_format(uint32_t addr, char text[static 16])
{
    char *at = text;

    for (int shift = 24; shift >= 0; shift -= 8) {
        at = bl_ip4_octet(at, addr >> shift & 255);
        *at++ = shift ? '.' : '\0';
    }
    return (size_t)(at - text) - 1;
}

static void bl_set_item4(const struct bl_ip4 *entry, struct bl_item *item)
{
    item->kind = TIP_KIND_IP;
    item->flags = entry->flags;
    item->line = entry->line;
    item->at = entry->at;
    item->len = (uint16_t)bl_ip4_format(entry->addr, item->text4);
    item->value = item->text4;
}

void bl_set_item(const struct bl_set *set, size_t index, struct bl_item *item)
{
    const struct bl_text *entry;

    if (index < set->n_ip4) {
        bl_set_item4(&set->ip4[index], item);
        return;
    }
    entry = &set->text[index - set->n_ip4];
    item->kind = entry->kind;
    item->flags = entry->flags;
    item->line = entry->line;
    item->at = entry->at;
    item->len = entry->len;
    item->value = set->arena + entry->text;
}

unsigned bl_set_flags(const struct bl_set *set, size_t index)
{
    return index < set->n_ip4 ? set->ip4[index].flags : set->text[index - set->n_ip4].flags;
}

bool bl_set_scored(const struct bl_set *set, size_t index)
{
    return !(bl_set_flags(set, index) & BL_FLAG_NEVER_SCORED);
}

static int bl_text_compare(const struct bl_set *a, const struct bl_text *x, const struct bl_set *b,
                           const struct bl_text *y)
{
    int r;

    if (x->kind != y->kind)
        return x->kind < y->kind ? -1 : 1;
    r = memcmp(a->arena + x->text, b->arena + y->text, x->len < y->len ? x->len : y->len);
    if (r)
        return r;
    return (x->len > y->len) - (x->len < y->len);
}

int bl_set_compare(const struct bl_set *a, size_t i, const struct bl_set *b, size_t j)
{
    bool a4 = i < a->n_ip4;
    bool b4 = j < b->n_ip4;

    if (a4 != b4)
        return a4 ? -1 : 1;
    if (a4)
        return (a->ip4[i].addr > b->ip4[j].addr) - (a->ip4[i].addr < b->ip4[j].addr);
    return bl_text_compare(a, &a->text[i - a->n_ip4], b, &b->text[j - b->n_ip4]);
}

/*
 * Where the first entry that is not below the wanted one stands: gallop from the cursor, then halve. Cheap both for a
 * few wanted entries and for nearly all of them. Beside 180 lists nearly all of a score's time is spent here, so IPv4
 * hosts, which are most, are compared as numbers.
 */
static size_t bl_set_seek4(const struct bl_set *set, size_t low, uint32_t addr)
{
    const struct bl_ip4 *at = set->ip4;
    size_t n = set->n_ip4;
    size_t step = 1;
    size_t high;

    for (; low + step < n && at[low + step].addr < addr; step *= 2)
        low += step;
    for (high = low + step < n ? low + step : n; low < high;) {
        size_t middle = low + (high - low) / 2;

        if (at[middle].addr < addr)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static size_t bl_set_seek(const struct bl_set *set, size_t low, const struct bl_set *other, size_t index)
{
    size_t n = bl_set_count(set);
    size_t step = 1;
    size_t high;

    for (; low + step < n && bl_set_compare(set, low + step, other, index) < 0; step *= 2)
        low += step;
    for (high = low + step < n ? low + step : n; low < high;) {
        size_t middle = low + (high - low) / 2;

        if (bl_set_compare(set, middle, other, index) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

bool bl_set_find(const struct bl_set *set, size_t *fromp, const struct bl_set *other, size_t index)
{
    if (index < other->n_ip4) {
        uint32_t addr = other->ip4[index].addr;

        *fromp = *fromp < set->n_ip4 ? bl_set_seek4(set, *fromp, addr) : *fromp;
        return *fromp < set->n_ip4 && set->ip4[*fromp].addr == addr;
    }
    *fromp = bl_set_seek(set, *fromp, other, index);
    return *fromp < bl_set_count(set) && bl_set_compare(set, *fromp, other, index) == 0;
}
