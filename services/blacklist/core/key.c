#include "core/key.h"

#include <string.h>

struct bl_key bl_key_at(const struct bl_seen *seen, size_t i)
{
    const struct bl_seen_text *text;

    if (i < seen->n_ip4)
        return (struct bl_key){.addr = seen->ip4[i].addr, .kind = TIP_KIND_IP};
    text = &seen->text[i - seen->n_ip4];
    return (struct bl_key){.value = seen->arena + text->text, .len = text->len, .kind = text->kind};
}

int bl_key_compare(const struct bl_key *a, const struct bl_key *b)
{
    int r;

    if (!a->value || !b->value)
        return a->value ? 1 : b->value ? -1 : (a->addr > b->addr) - (a->addr < b->addr);
    if (a->kind != b->kind)
        return a->kind < b->kind ? -1 : 1;
    r = memcmp(a->value, b->value, a->len < b->len ? a->len : b->len);
    return r ? r : (a->len > b->len) - (a->len < b->len);
}

/*
 * Where the first entry that is not below the wanted one stands: gallop from the cursor, then halve. Cheap both for a
 * few wanted entries and for nearly all of them. IPv4 hosts, which are most, are compared as numbers.
 */
static size_t key_seek4(const struct bl_seen *seen, size_t low, uint32_t addr)
{
    const struct bl_seen_ip4 *at = seen->ip4;
    size_t n = seen->n_ip4;
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

static int key_compare_text(const struct bl_seen *seen, size_t i, const struct bl_key *key)
{
    struct bl_key at = bl_key_at(seen, i);

    return bl_key_compare(&at, key);
}

static size_t key_seek_text(const struct bl_seen *seen, size_t low, const struct bl_key *key)
{
    size_t n = bl_seen_count(seen);
    size_t step = 1;
    size_t high;

    for (; low + step < n && key_compare_text(seen, low + step, key) < 0; step *= 2)
        low += step;
    for (high = low + step < n ? low + step : n; low < high;) {
        size_t middle = low + (high - low) / 2;

        if (key_compare_text(seen, middle, key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

const struct bl_seen_times *bl_key_seek(const struct bl_seen *seen, size_t *cursorp, const struct bl_key *key)
{
    size_t at = *cursorp;

    if (!key->value) {
        *cursorp = at < seen->n_ip4 ? key_seek4(seen, at, key->addr) : at;
        return *cursorp < seen->n_ip4 && seen->ip4[*cursorp].addr == key->addr ? &seen->ip4[*cursorp].times : NULL;
    }
    at = key_seek_text(seen, at < seen->n_ip4 ? seen->n_ip4 : at, key);
    *cursorp = at;
    return at < bl_seen_count(seen) && key_compare_text(seen, at, key) == 0 ? bl_seen_at(seen, at) : NULL;
}

void bl_key_item(const struct bl_key *key, struct bl_item *item)
{
    *item = (struct bl_item){.kind = (enum tip_kind)key->kind, .len = key->len, .value = key->value};
    if (key->value)
        return;
    item->len = (uint16_t)bl_ip4_format(key->addr, item->text4);
    item->value = item->text4;
}
