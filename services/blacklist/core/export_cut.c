#include "core/export_cut.h"

#include <stdlib.h>
#include <string.h>

#include <tip/alloc.h>
#include <tip/domain.h>
#include <tip/names.h>

enum { CUT_NAME_BYTES = BL_ALLOW_MAX * (TIP_DOMAIN_MAX + 1) };

struct bl_cut {
    struct tip_buf nets;     /* struct tip_prefix: allowed, in order */
    struct tip_names above;  /* every name that something allowed is below */
    struct tip_names denied; /* with all below */
};

static int cut_compare(const void *a, const void *b)
{
    return tip_prefix_compare(a, b);
}

/* Everything above a name. What is there has brought along what is above it. */
static int cut_add_above(struct bl_cut *cut, const char *name)
{
    const char *dot;
    int r = 0;

    while (!r && (dot = strchr(name, '.'))) {
        name = dot + 1;
        if (tip_names_find(&cut->above, name, strlen(name)))
            break;
        r = tip_names_add(&cut->above, name, strlen(name), TIP_NAMES_SELF);
    }
    return r;
}

static int cut_add_item(struct bl_cut *cut, const struct bl_allow_item *item)
{
    struct tip_prefix prefix;

    if (item->kind == TIP_KIND_DOMAIN && item->entry.rule == BL_RULE_DENY)
        return item->entry.is_subtree ? tip_names_add(&cut->denied, item->value, item->len, TIP_NAMES_SELF) : 0;
    if (item->entry.rule != BL_RULE_ALLOW)
        return 0;
    if (item->kind == TIP_KIND_DOMAIN)
        return cut_add_above(cut, item->value);
    if (item->kind == TIP_KIND_NET && !item->entry.is_subtree)
        return 0; /* it bears on itself alone, and has done so */
    if (tip_prefix_parse(&prefix, NULL, item->value, item->len))
        return 0;
    return tip_buf_append(&cut->nets, &prefix, sizeof(prefix));
}

struct bl_cut *bl_cut_new(const struct bl_allow *allow)
{
    struct bl_cut *cut = tip_new(struct bl_cut);
    size_t n = allow ? bl_allow_count(allow) : 0;
    struct bl_allow_item item;
    int r = 0;

    tip_buf_init(&cut->nets, (size_t)BL_ALLOW_MAX * 2 * sizeof(struct tip_prefix));
    tip_names_init(&cut->above, (size_t)BL_ALLOW_MAX * 128, (size_t)CUT_NAME_BYTES * 8);
    tip_names_init(&cut->denied, BL_ALLOW_MAX, CUT_NAME_BYTES);
    for (size_t i = 0; !r && i < n; i++) {
        bl_allow_item(allow, i, &item);
        r = cut_add_item(cut, &item);
    }
    if (r)
        abort(); /* the list is bounded: all of it fits */
    if (cut->nets.len)
        qsort(cut->nets.data, cut->nets.len / sizeof(struct tip_prefix), sizeof(struct tip_prefix), cut_compare);
    return cut;
}

void bl_cut_destroy(struct bl_cut **cutp)
{
    struct bl_cut *cut = tip_take(*cutp);

    if (!cut)
        return;
    tip_buf_deinit(&cut->nets);
    tip_names_deinit(&cut->above);
    tip_names_deinit(&cut->denied);
    free(cut);
}

bool bl_cut_is_below(const struct bl_cut *cut, const char *name)
{
    return tip_names_find(&cut->above, name, strlen(name)) != NULL;
}

bool bl_cut_is_denied_tree(const struct bl_cut *cut, const char *name, size_t len)
{
    return tip_names_find(&cut->denied, name, len) != NULL;
}

/* ---- blocks ---- */

/* The first allowed block that does not come before `prefix`. */
static const struct tip_prefix *cut_find(const struct bl_cut *cut, const struct tip_prefix *prefix)
{
    const struct tip_prefix *nets = (const struct tip_prefix *)(const void *)cut->nets.data;
    size_t low = 0;
    size_t high = cut->nets.len / sizeof(*nets);

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (tip_prefix_compare(&nets[middle], prefix) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low < cut->nets.len / sizeof(*nets) ? &nets[low] : NULL;
}

bool bl_cut_is_within(const struct bl_cut *cut, const struct tip_prefix *prefix)
{
    const struct tip_prefix *found = cut_find(cut, prefix);

    return found && tip_prefix_covers(prefix, found);
}

static struct tip_prefix cut_half(const struct tip_prefix *prefix, bool is_upper)
{
    struct tip_prefix half = *prefix;

    if (is_upper)
        half.addr.bytes[half.len / 8] |= (uint8_t)(0x80 >> half.len % 8);
    half.len++;
    return half;
}

/* What remains: halves, until they are whole or gone. At most 128 deep. */
int bl_cut_add(const struct bl_cut *cut, const struct bl_exempt *exempt, // NOLINT(misc-no-recursion)
               struct bl_export_list *list, const struct bl_export_item *item, const struct tip_prefix *prefix)
{
    const struct tip_prefix *found = cut_find(cut, prefix);
    enum bl_exempt_part part = bl_exempt_hard_in(exempt, prefix);
    struct tip_prefix half;
    int r;

    if (part == BL_EXEMPT_ALL || (found && !tip_prefix_compare(prefix, found)))
        return 0;
    if (part == BL_EXEMPT_NONE && (!found || !tip_prefix_covers(prefix, found)))
        return bl_export_add_prefix(list, item, prefix);
    half = cut_half(prefix, false);
    r = bl_cut_add(cut, exempt, list, item, &half);
    half = cut_half(prefix, true);
    return r ? r : bl_cut_add(cut, exempt, list, item, &half);
}
