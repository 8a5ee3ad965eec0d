#include "core/witness.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <tip/addr.h>
#include <tip/alloc.h>
#include <tip/cleanup.h>

struct witness_entry {
    uint32_t addr;  /* of an IPv4 host */
    uint32_t first; /* observation */
    struct bl_witness witness;
};

/** Observations with their texts, in the order in which they came: of each the value, then what led to it. */
struct witness_pile {
    struct bl_observation *items; /* texts are found when it is sorted */
    char *arena;
    size_t n, room, n_arena, arena_room;
};

struct bl_witnesses {
    atomic_uint n_keepers;
    struct bl_witnesses *base; /* NULL: none, or it is built */
    struct witness_pile added, removed;
    uint8_t audience;
    bool is_built;
    struct bl_observation *items; /* once it is built, as all below */
    char *arena;
    struct witness_entry *entries;
    size_t n_items, n, n_ip4; /* n: entries; IPv4 hosts come first */
};

struct bl_witnesses *bl_witnesses_new(void)
{
    struct bl_witnesses *witnesses = tip_new(struct bl_witnesses);

    atomic_init(&witnesses->n_keepers, 1);
    return witnesses;
}

struct bl_witnesses *bl_witnesses_keep(struct bl_witnesses *witnesses)
{
    (void)atomic_fetch_add(&witnesses->n_keepers, 1);
    return witnesses;
}

struct bl_witnesses *bl_witnesses_from(struct bl_witnesses *base, uint8_t audience)
{
    struct bl_witnesses *witnesses = bl_witnesses_new();

    witnesses->base = bl_witnesses_keep(base);
    witnesses->audience = audience;
    return witnesses;
}

static void pile_deinit(struct witness_pile *pile)
{
    free(pile->items);
    free(pile->arena);
    *pile = (struct witness_pile){.items = NULL};
}

/* A loop, not a recursion: who was never built may rest on many. */
void bl_witnesses_destroy(struct bl_witnesses **witnessesp)
{
    struct bl_witnesses *witnesses = tip_take(*witnessesp);

    while (witnesses && atomic_fetch_sub(&witnesses->n_keepers, 1) == 1) {
        struct bl_witnesses *base = witnesses->base;

        pile_deinit(&witnesses->added);
        pile_deinit(&witnesses->removed);
        free(witnesses->items);
        free(witnesses->arena);
        free(witnesses->entries);
        free(witnesses);
        witnesses = base;
    }
}

/* ---- adding ---- */

static size_t pile_room(size_t room, size_t wanted)
{
    room = room ? room : 64;
    while (room < wanted)
        room *= 2;
    return room;
}

static void pile_text(struct witness_pile *pile, const char *text, size_t len)
{
    size_t at = pile->n_arena;

    if (at + len + 1 > pile->arena_room) {
        pile->arena_room = pile_room(pile->arena_room, at + len + 1);
        pile->arena = tip_realloc(pile->arena, pile->arena_room, 1);
    }
    memcpy(pile->arena + at, text, len);
    pile->arena[at + len] = '\0';
    pile->n_arena = at + len + 1;
}

static void pile_add(struct witness_pile *pile, const struct bl_observation *observation)
{
    const char *because_of = observation->because_of ? observation->because_of : "";

    if (!bl_evidence_counts(observation))
        return;
    if (pile->n == pile->room) {
        pile->room = pile_room(pile->room, pile->n + 1);
        pile->items = tip_realloc(pile->items, pile->room, sizeof(*pile->items));
    }
    pile->items[pile->n++] = *observation;
    pile_text(pile, observation->value, observation->len);
    pile_text(pile, because_of, strlen(because_of));
}

void bl_witnesses_add(struct bl_witnesses *witnesses, const struct bl_observation *observation)
{
    pile_add(&witnesses->added, observation);
}

void bl_witnesses_remove(struct bl_witnesses *witnesses, const struct bl_observation *observation)
{
    pile_add(&witnesses->removed, observation);
}

/* ---- order: that of the sets, and then one that is the same whoever looks ---- */

#define WITNESS_ORDER(a, b) (((a) > (b)) - ((a) < (b)))

static int witness_text_order(const struct bl_observation *a, const struct bl_observation *b)
{
    int r = WITNESS_ORDER((int)a->kind, (int)b->kind);

    r = r ? r : memcmp(a->value, b->value, a->len < b->len ? a->len : b->len);
    return r ? r : WITNESS_ORDER(a->len, b->len);
}

static int witness_indicator_order(const struct bl_observation *a, const struct bl_observation *b)
{
    if (a->is_ip4 && b->is_ip4)
        return WITNESS_ORDER(a->addr, b->addr);
    return a->is_ip4 ? -1 : b->is_ip4 ? 1 : witness_text_order(a, b);
}

static int witness_because_order(const struct bl_observation *a, const struct bl_observation *b)
{
    return strcmp(a->because_of ? a->because_of : "", b->because_of ? b->because_of : "");
}

static int witness_order(const void *left, const void *right)
{
    const struct bl_observation *a = left, *b = right;
    int r = witness_indicator_order(a, b);

    r = r ? r : WITNESS_ORDER(a->what, b->what);
    r = r ? r : WITNESS_ORDER(a->distinct, b->distinct);
    r = r ? r : WITNESS_ORDER(a->at_s, b->at_s);
    r = r ? r : WITNESS_ORDER(a->also, b->also);
    r = r ? r : WITNESS_ORDER(a->tlp, b->tlp);
    r = r ? r : WITNESS_ORDER(a->depth, b->depth);
    return r ? r : witness_because_order(a, b);
}

static bool witness_same(const struct bl_observation *a, const struct bl_observation *b)
{
    return !witness_indicator_order(a, b);
}

static void pile_place(struct bl_observation *item, const char *at)
{
    item->value = at;
    at += item->len + 1;
    item->because_of = *at ? at : NULL;
    item->addr = 0;
    item->is_ip4 = item->kind == TIP_KIND_IP && item->len &&
                   tip_addr4_parse_fast(item->value, item->value + item->len, &item->addr) == item->len;
}

static size_t pile_text_len(const struct bl_observation *item)
{
    return item->len + 1 + (item->because_of ? strlen(item->because_of) : 0) + 1;
}

static void pile_sort(struct witness_pile *pile)
{
    const char *at = pile->arena;

    for (size_t i = 0; i < pile->n; i++) {
        pile_place(&pile->items[i], at);
        at += pile_text_len(&pile->items[i]);
    }
    if (pile->n)
        qsort(pile->items, pile->n, sizeof(*pile->items), witness_order);
}

/* ---- building ---- */

static void witness_begin(struct bl_witnesses *witnesses, size_t first)
{
    const struct bl_observation *item = &witnesses->items[first];

    witnesses->entries[witnesses->n++] = (struct witness_entry){.addr = item->addr, .first = (uint32_t)first};
    if (item->is_ip4)
        witnesses->n_ip4 = witnesses->n;
}

static void witness_note(struct bl_witness *witness, const struct bl_observation *item)
{
    if (item->at_s > witness->last_s[item->what])
        witness->last_s[item->what] = item->at_s;
    if (item->tlp > witness->tlp[item->what])
        witness->tlp[item->what] = item->tlp;
    if (item->depth > witness->depth[item->what]) /* BL_EVIDENCE_DEPTH_MAX at most */
        witness->depth[item->what] = (uint8_t)item->depth;
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

/* Sorted already: a copy behind the last one. */
static void witness_take(struct bl_witnesses *witnesses, const struct bl_observation *item, size_t *np_arena)
{
    struct bl_observation *to = &witnesses->items[witnesses->n_items++];
    char *at = witnesses->arena + *np_arena;

    *to = *item;
    memcpy(at, item->value, item->len + 1);
    to->value = at;
    at += item->len + 1;
    if (item->because_of) {
        strcpy(at, item->because_of);
        to->because_of = at;
    } else {
        *at = '\0';
    }
    *np_arena += pile_text_len(item);
}

/** What was built before, as far as it is taken over. */
struct witness_rest {
    const struct bl_witnesses *witnesses; /* it is for */
    const struct bl_observation *items, *removed;
    size_t n, n_removed;
};

/* Steps over what is removed and what is not for the audience. */
static bool witness_rest_has(struct witness_rest *rest)
{
    for (; rest->n; rest->items++, rest->n--) {
        while (rest->n_removed && witness_order(rest->removed, rest->items) < 0) {
            rest->removed++;
            rest->n_removed--;
        }
        if (rest->n_removed && !witness_order(rest->removed, rest->items))
            continue;
        if (rest->items->tlp <= rest->witnesses->audience)
            return true;
    }
    return false;
}

static size_t witness_arena_bytes(const struct bl_witnesses *base)
{
    size_t bytes = 0;

    for (size_t i = 0; i < base->n_items; i++)
        bytes += pile_text_len(&base->items[i]);
    return bytes;
}

static void witness_merge(struct bl_witnesses *witnesses)
{
    const struct bl_witnesses *base = witnesses->base;
    const struct witness_pile *added = &witnesses->added;
    struct witness_rest rest = {.witnesses = witnesses,
                                .items = base->items,
                                .n = base->n_items,
                                .removed = witnesses->removed.items,
                                .n_removed = witnesses->removed.n};
    size_t n_arena = 0, i = 0;
    bool has;

    witnesses->items = tip_new_array(base->n_items + added->n, struct bl_observation);
    witnesses->arena = tip_alloc(witness_arena_bytes(base) + added->n_arena, 1);
    while ((has = witness_rest_has(&rest)) || i < added->n) {
        if (has && (i == added->n || witness_order(rest.items, &added->items[i]) <= 0)) {
            witness_take(witnesses, rest.items++, &n_arena);
            rest.n--;
        } else {
            witness_take(witnesses, &added->items[i++], &n_arena);
        }
    }
}

/* Nothing it was made from: what was added is the table. */
static void witness_adopt(struct bl_witnesses *witnesses)
{
    witnesses->items = witnesses->added.items;
    witnesses->n_items = witnesses->added.n;
    witnesses->arena = witnesses->added.arena;
    witnesses->added = (struct witness_pile){.items = NULL};
}

static void witness_build(struct bl_witnesses *witnesses)
{
    pile_sort(&witnesses->added);
    pile_sort(&witnesses->removed);
    if (witnesses->base)
        witness_merge(witnesses);
    else
        witness_adopt(witnesses);
    witness_entries(witnesses);
    pile_deinit(&witnesses->added);
    pile_deinit(&witnesses->removed);
    bl_witnesses_destroy(&witnesses->base);
    witnesses->is_built = true;
}

/* The deepest one first that is not built: no recursion either. */
void bl_witnesses_build(struct bl_witnesses *witnesses)
{
    while (!witnesses->is_built) {
        struct bl_witnesses *at = witnesses;

        while (at->base && !at->base->is_built)
            at = at->base;
        witness_build(at);
    }
}

/* ---- questions ---- */

size_t bl_witnesses_count(const struct bl_witnesses *witnesses)
{
    return witnesses ? witnesses->n : 0;
}

struct bl_witnesses_item bl_witnesses_at(const struct bl_witnesses *witnesses, size_t i)
{
    const struct bl_observation *first = &witnesses->items[witnesses->entries[i].first];

    return (struct bl_witnesses_item){
        .kind = first->kind, .value = first->value, .len = first->len, .witness = &witnesses->entries[i].witness};
}

struct bl_key bl_witnesses_key(const struct bl_witnesses *witnesses, size_t i)
{
    const struct bl_observation *first = &witnesses->items[witnesses->entries[i].first];

    if (i < witnesses->n_ip4)
        return (struct bl_key){.addr = witnesses->entries[i].addr, .kind = TIP_KIND_IP};
    return (struct bl_key){.value = first->value, .len = (uint16_t)first->len, .kind = (uint8_t)first->kind};
}

const struct bl_observation *bl_witnesses_of(const struct bl_witnesses *witnesses, size_t i, size_t *np)
{
    size_t first = witnesses->entries[i].first;

    *np = (i + 1 < witnesses->n ? witnesses->entries[i + 1].first : witnesses->n_items) - first;
    return &witnesses->items[first];
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

static int witness_key_order(const struct bl_witnesses *witnesses, size_t i, const struct bl_key *key)
{
    const struct bl_key at = bl_witnesses_key(witnesses, i);

    return bl_key_compare(&at, key);
}

/* The first that is not below it, from `low` on: gallop, then halve. */
static size_t witness_lower(const struct bl_witnesses *witnesses, size_t low, const struct bl_key *key)
{
    size_t n = witnesses->n, step = 1, high;

    for (; low + step < n && witness_key_order(witnesses, low + step, key) < 0; step *= 2)
        low += step;
    for (high = low + step < n ? low + step : n; low < high;) {
        size_t middle = low + (high - low) / 2;

        if (witness_key_order(witnesses, middle, key) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

bool bl_witnesses_seek(const struct bl_witnesses *witnesses, size_t *cursorp, const struct bl_key *key)
{
    *cursorp = witness_lower(witnesses, *cursorp, key);
    return *cursorp < witnesses->n && !witness_key_order(witnesses, *cursorp, key);
}

static const struct bl_witness *witness_find_text(const struct bl_witnesses *witnesses, const struct bl_key *key)
{
    size_t at = witnesses->n_ip4;

    return bl_witnesses_seek(witnesses, &at, key) ? &witnesses->entries[at].witness : NULL;
}

const struct bl_witness *bl_witnesses_find(const struct bl_witnesses *witnesses, enum tip_kind kind, const char *value,
                                           size_t len)
{
    const struct bl_key key = {.kind = (uint8_t)kind, .value = value, .len = (uint16_t)len};
    uint32_t addr;

    if (!bl_witnesses_count(witnesses))
        return NULL;
    if (kind == TIP_KIND_IP && len && tip_addr4_parse_fast(value, value + len, &addr) == len)
        return witness_find4(witnesses, addr);
    return witness_find_text(witnesses, &key);
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
    return witness_find_text(witnesses,
                             &(struct bl_key){.kind = text->kind, .value = set->arena + text->text, .len = text->len});
}

/* ---- two tables ---- */

static bool witness_equal(const struct bl_witness *a, const struct bl_witness *b)
{
    return !memcmp(a->n, b->n, sizeof(a->n)) && !memcmp(a->last_s, b->last_s, sizeof(a->last_s)) &&
           !memcmp(a->tlp, b->tlp, sizeof(a->tlp));
}

/* Which of the two heads comes first: below 0 that of a, above 0 that of b, 0 they name one indicator. */
static int witness_heads(const struct bl_witnesses *a, size_t i, const struct bl_witnesses *b, size_t j)
{
    if (i == bl_witnesses_count(a))
        return 1;
    if (j == bl_witnesses_count(b))
        return -1;
    return witness_indicator_order(&a->items[a->entries[i].first], &b->items[b->entries[j].first]);
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
