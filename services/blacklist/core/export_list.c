#include "core/export.h"

#include <stdlib.h>
#include <string.h>

#include <tip/domain.h>

void bl_export_list_init(struct bl_export_list *list, size_t entries_max)
{
    tip_buf_init(&list->items, entries_max * sizeof(struct bl_export_item));
    tip_buf_init(&list->arena, UINT32_MAX);
}

void bl_export_list_deinit(struct bl_export_list *list)
{
    tip_buf_deinit(&list->items);
    tip_buf_deinit(&list->arena);
}

/* ---- what is let in ---- */

static bool export_is_name(const char *value, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (!memchr("abcdefghijklmnopqrstuvwxyz0123456789-_.", value[i], 39))
            return false;
    }
    return len && len <= TIP_DOMAIN_MAX && value[0] != '.' && value[len - 1] != '.';
}

/* As canonical as it came: nothing else may stand in a pattern without quotes. */
static bool export_is_canonical(enum tip_kind kind, const char *value, size_t len)
{
    struct tip_indicator indicator;

    return !tip_indicator_parse(&indicator, kind, value, len) && indicator.len == len &&
           !memcmp(indicator.value, value, len);
}

static bool export_is_printable(const char *value, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        if (value[i] < 0x21 || value[i] > 0x7e)
            return false;
    }
    return len && len <= TIP_INDICATOR_MAX;
}

static int export_push(struct bl_export_list *list, const struct bl_export_item *item)
{
    return tip_buf_append(&list->items, item, sizeof(*item)) ? BL_EXPORT_E_FULL : 0;
}

int bl_export_add_prefix(struct bl_export_list *list, const struct bl_export_item *item,
                         const struct tip_prefix *prefix)
{
    struct bl_export_item entry = *item;

    entry.class = prefix->addr.family == 4 ? BL_EXPORT_IP4 : BL_EXPORT_IP6;
    entry.bits = prefix->len;
    entry.text = entry.len = 0;
    entry.is_subtree = false;
    memcpy(entry.addr, prefix->addr.bytes, sizeof(entry.addr));
    return prefix->len ? export_push(list, &entry) : BL_EXPORT_E_VALUE;
}

static int export_add_text(struct bl_export_list *list, const struct bl_export_item *item, const char *value,
                           size_t len)
{
    struct bl_export_item entry = *item;

    entry.text = (uint32_t)list->arena.len;
    entry.len = (uint16_t)len;
    entry.bits = 0;
    memset(entry.addr, 0, sizeof(entry.addr));
    if (tip_buf_append(&list->arena, value, len) || tip_buf_append(&list->arena, "", 1))
        return BL_EXPORT_E_FULL;
    return export_push(list, &entry);
}

int bl_export_add(struct bl_export_list *list, const struct bl_export_item *item, enum tip_kind kind, const char *value,
                  size_t len)
{
    struct bl_export_item entry = *item;
    struct tip_prefix prefix;

    switch (kind) {
    case TIP_KIND_IP:
    case TIP_KIND_NET:
        return tip_prefix_parse(&prefix, NULL, value, len) ? BL_EXPORT_E_VALUE
                                                           : bl_export_add_prefix(list, item, &prefix);
    case TIP_KIND_DOMAIN:
        entry.class = BL_EXPORT_NAME;
        return export_is_name(value, len) ? export_add_text(list, &entry, value, len) : BL_EXPORT_E_VALUE;
    case TIP_KIND_URL:
    case TIP_KIND_ENDPOINT:
        entry.class = kind == TIP_KIND_URL ? BL_EXPORT_URL : BL_EXPORT_ENDPOINT;
        entry.is_subtree = false;
        return export_is_printable(value, len) ? export_add_text(list, &entry, value, len) : BL_EXPORT_E_VALUE;
    case TIP_KIND_ASN:
    case TIP_KIND_HASH:
        entry.class = kind == TIP_KIND_ASN ? BL_EXPORT_ASN : BL_EXPORT_HASH;
        entry.is_subtree = false;
        return export_is_canonical(kind, value, len) ? export_add_text(list, &entry, value, len) : BL_EXPORT_E_VALUE;
    case TIP_KIND_EMAIL_DOMAIN:
        entry.class = BL_EXPORT_EMAIL_DOMAIN;
        entry.is_subtree = false;
        return len && *value == '@' && export_is_name(value + 1, len - 1) ? export_add_text(list, &entry, value, len)
                                                                          : BL_EXPORT_E_VALUE;
    case TIP_KIND_NONE:
    case TIP_KIND_COUNT:
        break;
    }
    return BL_EXPORT_E_VALUE;
}

/* ---- order ---- */

static int export_compare(const struct bl_export_item *a, const char *arena_a, const struct bl_export_item *b,
                          const char *arena_b)
{
    int order;

    if (a->class != b->class)
        return a->class < b->class ? -1 : 1;
    if (a->class > BL_EXPORT_IP6)
        return strcmp(arena_a + a->text, arena_b + b->text);
    order = memcmp(a->addr, b->addr, sizeof(a->addr));
    return order ? order : (a->bits > b->bits) - (a->bits < b->bits);
}

int bl_export_compare(const struct bl_export_view *a, size_t i, const struct bl_export_view *b, size_t j)
{
    return export_compare(&a->items[i], a->arena, &b->items[j], b->arena);
}

static int export_compare_items(const void *a, const void *b, void *arena)
{
    const struct bl_export_item *x = a;
    const struct bl_export_item *y = b;
    int order = export_compare(x, arena, y, arena);

    return order ? order : (x->score < y->score) - (x->score > y->score);
}

struct bl_export_view bl_export_view_of(const struct bl_export_list *list)
{
    return (struct bl_export_view){.items = (const struct bl_export_item *)(const void *)list->items.data,
                                   .arena = (const char *)list->arena.data,
                                   .n = list->items.len / sizeof(struct bl_export_item)};
}

void bl_export_sort(struct bl_export_list *list)
{
    struct bl_export_item *items = (struct bl_export_item *)(void *)list->items.data;
    const char *arena = (const char *)list->arena.data;
    size_t n = list->items.len / sizeof(*items);
    size_t kept = 0;

    if (n)
        qsort_r(items, n, sizeof(*items), export_compare_items, list->arena.data);
    for (size_t i = 0; i < n; i++) {
        if (kept && !export_compare(&items[kept - 1], arena, &items[i], arena))
            items[kept - 1].is_subtree |= items[i].is_subtree;
        else
            items[kept++] = items[i];
    }
    list->items.len = kept * sizeof(*items);
}

/* ---- what an entry says ---- */

struct tip_prefix bl_export_prefix(const struct bl_export_item *item)
{
    struct tip_prefix prefix = {.addr.family = item->class == BL_EXPORT_IP4 ? 4 : 6, .len = item->bits};

    memcpy(prefix.addr.bytes, item->addr, sizeof(item->addr));
    return prefix;
}

static bool export_is_host(const struct bl_export_item *item)
{
    return item->bits == (item->class == BL_EXPORT_IP4 ? 32 : 128);
}

const char *bl_export_value(const struct bl_export_view *view, const struct bl_export_item *item,
                            char text[static TIP_PREFIX_TEXT])
{
    struct tip_prefix prefix;

    if (item->class > BL_EXPORT_IP6)
        return view->arena + item->text;
    prefix = bl_export_prefix(item);
    if (export_is_host(item))
        (void)tip_addr_format(&prefix.addr, text); /* the length */
    else
        (void)tip_prefix_format(&prefix, text);
    return text;
}

enum tip_kind bl_export_kind(const struct bl_export_item *item)
{
    static const enum tip_kind kinds[BL_EXPORT_CLASS_COUNT] = {
        [BL_EXPORT_NAME] = TIP_KIND_DOMAIN,       [BL_EXPORT_URL] = TIP_KIND_URL,
        [BL_EXPORT_ENDPOINT] = TIP_KIND_ENDPOINT, [BL_EXPORT_ASN] = TIP_KIND_ASN,
        [BL_EXPORT_HASH] = TIP_KIND_HASH,         [BL_EXPORT_EMAIL_DOMAIN] = TIP_KIND_EMAIL_DOMAIN};

    if (item->class <= BL_EXPORT_IP6)
        return export_is_host(item) ? TIP_KIND_IP : TIP_KIND_NET;
    return kinds[item->class];
}

/* ---- from one export to the next ---- */

static bool export_is_same(const struct bl_export_item *a, const struct bl_export_item *b)
{
    return a->tier == b->tier && a->score == b->score && a->category == b->category && a->is_subtree == b->is_subtree &&
           a->n_lists == b->n_lists;
}

size_t bl_export_follow(struct bl_export_list *list, const struct bl_export_view *before, uint32_t now_unix_s,
                        bl_export_meant_fn *is_meant, const void *ctx)
{
    struct bl_export_item *items = (struct bl_export_item *)(void *)list->items.data;
    const struct bl_export_view now = bl_export_view_of(list);
    size_t n_lost = 0;
    size_t at = 0;

    for (size_t i = 0; i < now.n; i++) {
        for (; at < before->n && bl_export_compare(before, at, &now, i) < 0; at++)
            n_lost += !is_meant(ctx, before, at);
        items[i].since_unix_s = items[i].changed_unix_s = now_unix_s;
        if (at == before->n || bl_export_compare(before, at, &now, i))
            continue;
        items[i].since_unix_s = before->items[at].since_unix_s;
        if (export_is_same(&items[i], &before->items[at]))
            items[i].changed_unix_s = before->items[at].changed_unix_s;
        at++;
    }
    for (; at < before->n; at++)
        n_lost += !is_meant(ctx, before, at);
    return n_lost;
}
