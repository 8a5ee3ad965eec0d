#include "core/build.h"

#include <endian.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <tip/alloc.h>

#include "core/sort4.h"

/** What the sort of texts compares: mostly the eight first bytes decide. */
struct bl_build_key {
    uint64_t head;
    uint32_t index;
    uint32_t kind;
};

struct bl_build_order {
    const struct bl_text *text;
    const char *arena;
    struct tip_buf *stated;
};

void bl_build_init(struct bl_build *build, size_t entries_max)
{
    *build = (struct bl_build){.sorted4 = true};
    tip_buf_init(&build->ip4, entries_max * sizeof(struct bl_ip4));
    tip_buf_init(&build->text, entries_max * sizeof(struct bl_text));
    tip_buf_init(&build->arena, UINT32_MAX);
    tip_buf_init(&build->stated, 2 * entries_max * sizeof(struct bl_stated));
}

void bl_build_deinit(struct bl_build *build)
{
    tip_buf_deinit(&build->ip4);
    tip_buf_deinit(&build->text);
    tip_buf_deinit(&build->arena);
    tip_buf_deinit(&build->stated);
}

int bl_build_state(struct bl_build *build, uint32_t line, uint32_t at_s)
{
    const struct bl_stated stated = {.line = line, .at_s = at_s};

    return tip_buf_append(&build->stated, &stated, sizeof(stated)) ? BL_BUILD_E_FULL : 0;
}

static void bl_build_join(struct tip_buf *stated, uint32_t line, uint32_t other)
{
    if (stated->len)
        bl_stated_join((struct bl_stated *)(void *)stated->data, stated->len / sizeof(struct bl_stated), line, other);
}

struct bl_ip4 *bl_build_room4(struct bl_build *build)
{
    if (build->ip4.len + sizeof(struct bl_ip4) > build->ip4.room && tip_buf_reserve(&build->ip4, sizeof(struct bl_ip4)))
        return NULL;
    return (struct bl_ip4 *)(void *)(build->ip4.data + build->ip4.len);
}

int bl_build_text(struct bl_build *build, enum tip_kind kind, const char *value, size_t len,
                  const struct bl_text *where)
{
    struct bl_text entry = *where;

    entry.text = (uint32_t)build->arena.len;
    entry.len = (uint16_t)len;
    entry.kind = (uint8_t)kind;
    if (tip_buf_reserve(&build->text, sizeof(entry)) || tip_buf_append(&build->arena, value, len) ||
        tip_buf_append(&build->arena, "", 1) || tip_buf_append(&build->text, &entry, sizeof(entry)))
        return BL_BUILD_E_FULL;
    return 0;
}

static bool bl_build_is_before(const struct bl_ip4 *a, const struct bl_ip4 *b)
{
    return a->line != b->line ? a->line < b->line : a->at < b->at;
}

static void bl_build_unique4(struct bl_build *build)
{
    struct bl_ip4 *items = (struct bl_ip4 *)(void *)build->ip4.data;
    size_t n = build->ip4.len / sizeof(*items);
    size_t kept = 0;

    if (!n)
        return;
    for (size_t i = 1; i < n; i++) {
        struct bl_ip4 other = items[i];

        if (other.addr != items[kept].addr) {
            items[++kept] = other;
            continue;
        }
        if (bl_build_is_before(&other, &items[kept])) {
            other = items[kept];
            items[kept] = items[i];
        }
        items[kept].flags |= other.flags;
        bl_build_join(&build->stated, items[kept].line, other.line);
    }
    build->ip4.len = (kept + 1) * sizeof(*items);
}

static uint64_t bl_build_head(const char *text, size_t len)
{
    uint64_t head = 0;

    memcpy(&head, text, len < 8 ? len : 8);
    return be64toh(head);
}

static int bl_build_compare(const void *a, const void *b, void *ctx)
{
    const struct bl_build_key *x = a;
    const struct bl_build_key *y = b;
    const struct bl_build_order *order = ctx;
    const struct bl_text *s, *t;
    int r;

    if (x->kind != y->kind)
        return x->kind < y->kind ? -1 : 1;
    if (x->head != y->head)
        return x->head < y->head ? -1 : 1;
    s = &order->text[x->index];
    t = &order->text[y->index];
    r = memcmp(order->arena + s->text, order->arena + t->text, s->len < t->len ? s->len : t->len);
    if (r)
        return r;
    if (s->len != t->len)
        return s->len < t->len ? -1 : 1;
    return (x->index > y->index) - (x->index < y->index);
}

static bool bl_build_same(const struct bl_build_order *order, const struct bl_text *a, const struct bl_text *b)
{
    return a->kind == b->kind && a->len == b->len && !memcmp(order->arena + a->text, order->arena + b->text, a->len);
}

/* The texts in sorted order into `to`, without duplicates; returns how many. */
static size_t bl_build_gather(const struct bl_build_order *order, const struct bl_build_key *keys, size_t n,
                              struct bl_text *to)
{
    size_t kept = 0;

    for (size_t i = 0; i < n; i++) {
        const struct bl_text *item = &order->text[keys[i].index];

        if (!kept || !bl_build_same(order, &to[kept - 1], item)) {
            to[kept++] = *item;
            continue;
        }
        to[kept - 1].flags |= item->flags;
        bl_build_join(order->stated, to[kept - 1].line, item->line);
    }
    return kept;
}

static int bl_build_sort_text(struct bl_build *build)
{
    size_t n = build->text.len / sizeof(struct bl_text);
    tip_auto(tip_free) struct bl_build_key *keys = NULL;
    tip_auto(tip_buf_deinit) struct tip_buf sorted;
    struct bl_build_order order = {.arena = (const char *)build->arena.data, .stated = &build->stated};
    struct tip_buf swap;

    tip_buf_init(&sorted, build->text.cap);
    keys = malloc(n * sizeof(*keys) + 1);
    if (!keys || tip_buf_reserve(&sorted, build->text.len))
        return -ENOMEM;
    order.text = (const struct bl_text *)(const void *)build->text.data;
    for (size_t i = 0; i < n; i++) {
        keys[i].head = bl_build_head(order.arena + order.text[i].text, order.text[i].len);
        keys[i].index = (uint32_t)i;
        keys[i].kind = order.text[i].kind;
    }
    qsort_r(keys, n, sizeof(*keys), bl_build_compare, &order);
    sorted.len = bl_build_gather(&order, keys, n, (struct bl_text *)(void *)sorted.data) * sizeof(struct bl_text);
    swap = build->text;
    build->text = sorted;
    sorted = swap;
    return 0;
}

int bl_build_finish(struct bl_build *build)
{
    struct bl_ip4 *items = (struct bl_ip4 *)(void *)build->ip4.data;
    int r = build->sorted4 ? 0 : bl_sort4(items, build->ip4.len / sizeof(*items), BL_BUILD_BESIDE);

    if (r)
        return r;
    bl_build_unique4(build);
    return build->text.len ? bl_build_sort_text(build) : 0;
}

struct bl_set bl_build_set(const struct bl_build *build)
{
    return (struct bl_set){
        .ip4 = (const struct bl_ip4 *)(const void *)build->ip4.data,
        .n_ip4 = build->ip4.len / sizeof(struct bl_ip4),
        .text = (const struct bl_text *)(const void *)build->text.data,
        .n_text = build->text.len / sizeof(struct bl_text),
        .arena = (const char *)build->arena.data,
        .n_arena = build->arena.len,
        .stated = (const struct bl_stated *)(const void *)build->stated.data,
        .n_stated = build->stated.len / sizeof(struct bl_stated),
    };
}
