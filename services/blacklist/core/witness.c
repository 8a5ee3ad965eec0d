#include "core/witness.h"

#include <stdlib.h>
#include <string.h>

#include <tip/addr.h>
#include <tip/alloc.h>

struct witness_entry {
    uint32_t addr;  /* of an IPv4 host */
    uint32_t first; /* observation */
    struct bl_witness witness;
};

struct bl_witnesses {
    struct bl_observation *items; /* texts as offsets in the arena until it is built */
    struct witness_entry *entries;
    char *arena;
    size_t n_items, items_room, n_arena, arena_room;
    size_t n, n_ip4; /* entries; IPv4 hosts come first */
    bool is_built;
};

struct bl_witnesses *bl_witnesses_new(void)
{
    return tip_new(struct bl_witnesses);
}

void bl_witnesses_destroy(struct bl_witnesses **witnessesp)
{
    struct bl_witnesses *witnesses = tip_take(*witnessesp);

    if (!witnesses)
        return;
    free(witnesses->items);
    free(witnesses->entries);
    free(witnesses->arena);
    free(witnesses);
}

/* ---- adding ---- */

static size_t witness_room(size_t room, size_t wanted)
{
    room = room ? room : 64;
    while (room < wanted)
        room *= 2;
    return room;
}

static size_t witness_text(struct bl_witnesses *witnesses, const char *text, size_t len)
{
    size_t at = witnesses->n_arena;

    if (at + len + 1 > witnesses->arena_room) {
        witnesses->arena_room = witness_room(witnesses->arena_room, at + len + 1);
        witnesses->arena = tip_realloc(witnesses->arena, witnesses->arena_room, 1);
    }
    memcpy(witnesses->arena + at, text, len);
    witnesses->arena[at + len] = '\0';
    witnesses->n_arena = at + len + 1;
    return at;
}

void bl_witnesses_add(struct bl_witnesses *witnesses, const struct bl_observation *observation)
{
    const char *because_of = observation->because_of ? observation->because_of : "";
    struct bl_observation *item;

    if (!bl_evidence_counts(observation))
        return;
    if (witnesses->n_items == witnesses->items_room) {
        witnesses->items_room = witness_room(witnesses->items_room, witnesses->n_items + 1);
        witnesses->items = tip_realloc(witnesses->items, witnesses->items_room, sizeof(*witnesses->items));
    }
    item = &witnesses->items[witnesses->n_items++];
    *item = *observation;
    (void)witness_text(witnesses, observation->value, observation->len);
    (void)witness_text(witnesses, because_of, strlen(because_of));
}

/* ---- building ---- */

/* Texts were added in the order of the items: the value, then what led to it. */
static void witness_place(struct bl_witnesses *witnesses)
{
    const char *at = witnesses->arena;

    for (size_t i = 0; i < witnesses->n_items; i++) {
        struct bl_observation *item = &witnesses->items[i];

        item->value = at;
        at += item->len + 1;
        item->because_of = *at ? at : NULL;
        at += strlen(at) + 1;
    }
}

static bool witness_ip4(enum tip_kind kind, const char *value, size_t len, uint32_t *addrp)
{
    return kind == TIP_KIND_IP && len && tip_addr4_parse_fast(value, value + len, addrp) == len;
}

static int witness_text_compare(const struct bl_witnesses_item *a, const struct bl_witnesses_item *b)
{
    int r = ((int)a->kind > (int)b->kind) - ((int)a->kind < (int)b->kind);

    r = r ? r : memcmp(a->value, b->value, a->len < b->len ? a->len : b->len);
    return r ? r : (a->len > b->len) - (a->len < b->len);
}

/* As the sets are: IPv4 hosts first, by number, then texts by kind and bytes. */
static int witness_compare(const struct bl_witnesses_item *a, const struct bl_witnesses_item *b)
{
    uint32_t left = 0, right = 0;
    bool is_left = witness_ip4(a->kind, a->value, a->len, &left),
         is_right = witness_ip4(b->kind, b->value, b->len, &right);

    if (is_left != is_right)
        return is_left ? -1 : 1;
    return is_left ? (left > right) - (left < right) : witness_text_compare(a, b);
}

static struct bl_witnesses_item witness_key(const struct bl_observation *item)
{
    return (struct bl_witnesses_item){.kind = item->kind, .value = item->value, .len = item->len};
}

static int witness_order(const void *left, const void *right)
{
    const struct bl_observation *a = left, *b = right;
    const struct bl_witnesses_item key_a = witness_key(a), key_b = witness_key(b);
    int r = witness_compare(&key_a, &key_b);

    r = r ? r : (a->what > b->what) - (a->what < b->what);
    r = r ? r : (a->distinct > b->distinct) - (a->distinct < b->distinct);
    return r ? r : (a->at_s > b->at_s) - (a->at_s < b->at_s);
}

static bool witness_same(const struct bl_observation *a, const struct bl_observation *b)
{
    return a->kind == b->kind && a->len == b->len && !memcmp(a->value, b->value, a->len);
}

static void witness_begin(struct bl_witnesses *witnesses, size_t first)
{
    struct witness_entry *entry = &witnesses->entries[witnesses->n++];
    const struct bl_observation *item = &witnesses->items[first];

    *entry = (struct witness_entry){.first = (uint32_t)first};
    if (witness_ip4(item->kind, item->value, item->len, &entry->addr))
        witnesses->n_ip4 = witnesses->n;
}

static void witness_note(struct bl_witness *witness, const struct bl_observation *item)
{
    if (item->at_s > witness->last_s[item->what])
        witness->last_s[item->what] = item->at_s;
    if (item->tlp > witness->tlp)
        witness->tlp = item->tlp;
    if (item->depth > witness->depth) /* BL_EVIDENCE_DEPTH_MAX at most */
        witness->depth = (uint8_t)item->depth;
}

/* All of one indicator and kind. */
static void witness_count(struct bl_witness *witness, const struct bl_observation *items, size_t n)
{
    size_t independent = bl_evidence_independent(items, n);

    witness->n[items->what] = (uint16_t)(independent < UINT16_MAX ? independent : UINT16_MAX);
    for (size_t i = 0; i < n; i++)
        witness_note(witness, &items[i]);
}

static void witness_entries(struct bl_witnesses *witnesses)
{
    const struct bl_observation *items = witnesses->items;
    size_t first = 0;

    witnesses->entries = tip_new_array(witnesses->n_items, struct witness_entry);
    for (size_t i = 0; i < witnesses->n_items; i++) {
        bool is_last = i + 1 == witnesses->n_items || !witness_same(&items[i], &items[i + 1]);

        if (first == i && (!i || !witness_same(&items[i], &items[i - 1])))
            witness_begin(witnesses, i);
        if (!is_last && items[i].what == items[i + 1].what)
            continue;
        witness_count(&witnesses->entries[witnesses->n - 1].witness, &items[first], i + 1 - first);
        first = i + 1;
    }
}

void bl_witnesses_build(struct bl_witnesses *witnesses)
{
    if (witnesses->is_built)
        return;
    witnesses->is_built = true;
    witness_place(witnesses);
    if (witnesses->n_items)
        qsort(witnesses->items, witnesses->n_items, sizeof(*witnesses->items), witness_order);
    witness_entries(witnesses);
}

/* ---- questions ---- */

size_t bl_witnesses_count(const struct bl_witnesses *witnesses)
{
    return witnesses ? witnesses->n : 0;
}

struct bl_witnesses_item bl_witnesses_at(const struct bl_witnesses *witnesses, size_t i)
{
    struct bl_witnesses_item item = witness_key(&witnesses->items[witnesses->entries[i].first]);

    item.witness = &witnesses->entries[i].witness;
    return item;
}

static const struct bl_witness *witness_find4(const struct bl_witnesses *witnesses, uint32_t addr)
{
    size_t low = 0, high = witnesses->n_ip4;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (witnesses->entries[middle].addr < addr)
            low = middle + 1;
        else
            high = middle;
    }
    return low < witnesses->n_ip4 && witnesses->entries[low].addr == addr ? &witnesses->entries[low].witness : NULL;
}

static const struct bl_witness *witness_find_text(const struct bl_witnesses *witnesses,
                                                  const struct bl_witnesses_item *key)
{
    size_t low = witnesses->n_ip4, high = witnesses->n;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct bl_witnesses_item item = bl_witnesses_at(witnesses, middle);
        int r = witness_text_compare(&item, key);

        if (!r)
            return item.witness;
        if (r < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

const struct bl_witness *bl_witnesses_find(const struct bl_witnesses *witnesses, enum tip_kind kind, const char *value,
                                           size_t len)
{
    const struct bl_witnesses_item key = {.kind = kind, .value = value, .len = len};
    uint32_t addr;

    if (!bl_witnesses_count(witnesses))
        return NULL;
    return witness_ip4(kind, value, len, &addr) ? witness_find4(witnesses, addr) : witness_find_text(witnesses, &key);
}

const struct bl_witness *bl_witnesses_find_in(const struct bl_witnesses *witnesses, const struct bl_set *set,
                                              size_t index)
{
    const struct bl_text *text;

    if (!bl_witnesses_count(witnesses))
        return NULL;
    if (index < set->n_ip4)
        return witness_find4(witnesses, set->ip4[index].addr);
    text = &set->text[index - set->n_ip4];
    return witness_find_text(witnesses, &(struct bl_witnesses_item){.kind = (enum tip_kind)text->kind,
                                                                    .value = set->arena + text->text,
                                                                    .len = text->len});
}

const struct bl_observation *bl_witnesses_observations(const struct bl_witnesses *witnesses, size_t *np)
{
    *np = witnesses ? witnesses->n_items : 0;
    return witnesses ? witnesses->items : NULL;
}

/* ---- two tables ---- */

static bool witness_equal(const struct bl_witness *a, const struct bl_witness *b)
{
    return !memcmp(a->n, b->n, sizeof(a->n)) && !memcmp(a->last_s, b->last_s, sizeof(a->last_s)) && a->tlp == b->tlp;
}

/* Which of the two heads comes first: below 0 that of a, above 0 that of b, 0 they name one indicator. */
static int witness_heads(const struct bl_witnesses *a, size_t i, const struct bl_witnesses *b, size_t j)
{
    struct bl_witnesses_item left, right;

    if (i == bl_witnesses_count(a))
        return 1;
    if (j == bl_witnesses_count(b))
        return -1;
    left = bl_witnesses_at(a, i);
    right = bl_witnesses_at(b, j);
    return witness_compare(&left, &right);
}

int bl_witnesses_differ(const struct bl_witnesses *a, const struct bl_witnesses *b,
                        int (*each)(void *ctx, const struct bl_witnesses_item *item), void *ctx)
{
    size_t i = 0, j = 0;
    int r = 0;

    while (!r && (i < bl_witnesses_count(a) || j < bl_witnesses_count(b))) {
        int order = witness_heads(a, i, b, j);
        const struct bl_witnesses_item item = order <= 0 ? bl_witnesses_at(a, i) : bl_witnesses_at(b, j);

        if (order || !witness_equal(item.witness, bl_witnesses_at(b, j).witness))
            r = each(ctx, &item);
        i += order <= 0;
        j += order >= 0;
    }
    return r;
}
