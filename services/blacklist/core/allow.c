#include "core/allow.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <tip/alloc.h>
#include <tip/domain.h>
#include <tip/url.h>

#define ALLOW_NOWHERE SIZE_MAX

struct allow_net {
    struct bl_allow_entry entry;
    struct tip_prefix prefix;
    size_t around; /* the nearest prefix that holds this one, or ALLOW_NOWHERE */
};

struct allow_name {
    struct bl_allow_entry entry;
    uint32_t text; /* in the arena */
    uint32_t len;
};

struct bl_allow {
    struct allow_net *nets;   /* by address, then length: what holds another stands before it */
    struct allow_name *names; /* by text */
    char *arena;
    size_t n_nets, nets_room, n_names, names_room, n_arena, arena_room;
};

struct bl_allow *bl_allow_new(void)
{
    return tip_new(struct bl_allow);
}

void bl_allow_destroy(struct bl_allow **allowp)
{
    struct bl_allow *allow = tip_take(*allowp);

    if (!allow)
        return;
    free(allow->nets);
    free(allow->names);
    free(allow->arena);
    free(allow);
}

struct bl_allow *bl_allow_copy(const struct bl_allow *allow)
{
    struct bl_allow *copy = bl_allow_new();

    *copy = *allow;
    copy->nets_room = copy->n_nets;
    copy->names_room = copy->n_names;
    copy->arena_room = copy->n_arena;
    copy->nets = tip_new_array(allow->n_nets, struct allow_net);
    copy->names = tip_new_array(allow->n_names, struct allow_name);
    copy->arena = tip_new_array(allow->n_arena, char);
    if (allow->n_nets)
        memcpy(copy->nets, allow->nets, allow->n_nets * sizeof(*allow->nets));
    if (allow->n_names)
        memcpy(copy->names, allow->names, allow->n_names * sizeof(*allow->names));
    if (allow->n_arena)
        memcpy(copy->arena, allow->arena, allow->n_arena);
    return copy;
}

/* ---- adding ---- */

static size_t allow_room(size_t room, size_t wanted)
{
    room = room ? room : 16;
    while (room < wanted)
        room *= 2;
    return room;
}

static void allow_add_net(struct bl_allow *allow, const struct bl_allow_entry *entry, const struct tip_prefix *prefix)
{
    if (allow->n_nets == allow->nets_room) {
        allow->nets_room = allow_room(allow->nets_room, allow->n_nets + 1);
        allow->nets = tip_realloc(allow->nets, allow->nets_room, sizeof(*allow->nets));
    }
    allow->nets[allow->n_nets++] = (struct allow_net){.entry = *entry, .prefix = *prefix};
}

static void allow_add_name(struct bl_allow *allow, const struct bl_allow_entry *entry, const char *value, size_t len)
{
    if (allow->n_names == allow->names_room) {
        allow->names_room = allow_room(allow->names_room, allow->n_names + 1);
        allow->names = tip_realloc(allow->names, allow->names_room, sizeof(*allow->names));
    }
    if (allow->n_arena + len + 1 > allow->arena_room) {
        allow->arena_room = allow_room(allow->arena_room, allow->n_arena + len + 1);
        allow->arena = tip_realloc(allow->arena, allow->arena_room, 1);
    }
    allow->names[allow->n_names++] =
        (struct allow_name){.entry = *entry, .text = (uint32_t)allow->n_arena, .len = (uint32_t)len};
    memcpy(allow->arena + allow->n_arena, value, len);
    allow->arena[allow->n_arena + len] = '\0';
    allow->n_arena += len + 1;
}

int bl_allow_add(struct bl_allow *allow, const struct bl_allow_entry *entry, enum tip_kind kind, const char *value,
                 size_t len)
{
    struct tip_prefix prefix;

    if (kind == TIP_KIND_DOMAIN && len <= TIP_DOMAIN_MAX) {
        allow_add_name(allow, entry, value, len);
        return 0;
    }
    if ((kind != TIP_KIND_IP && kind != TIP_KIND_NET) || tip_prefix_parse(&prefix, NULL, value, len))
        return -EINVAL;
    allow_add_net(allow, entry, &prefix);
    return 0;
}

/* ---- building ---- */

/* By address, then wider ones first; of equal ones what stays comes last. */
static int allow_net_order(const struct tip_prefix *a, const struct tip_prefix *b)
{
    int r = tip_addr_compare(&a->addr, &b->addr);

    return r ? r : (a->len > b->len) - (a->len < b->len);
}

static int allow_entry_order(const struct bl_allow_entry *a, const struct bl_allow_entry *b)
{
    if (a->is_configured != b->is_configured)
        return a->is_configured ? 1 : -1;
    return (a->id > b->id) - (a->id < b->id);
}

static int allow_net_compare(const void *a, const void *b)
{
    const struct allow_net *left = a, *right = b;
    int r = allow_net_order(&left->prefix, &right->prefix);

    return r ? r : allow_entry_order(&left->entry, &right->entry);
}

static int allow_text_compare(const char *a, size_t n, const char *b, size_t m)
{
    int r = memcmp(a, b, n < m ? n : m);

    return r ? r : (n > m) - (n < m);
}

static int allow_name_compare(const void *a, const void *b, void *arena)
{
    const struct allow_name *left = a, *right = b;
    const char *at = arena;
    int r = allow_text_compare(at + left->text, left->len, at + right->text, right->len);

    return r ? r : allow_entry_order(&left->entry, &right->entry);
}

/* The nearest one that holds the prefix, among the first n. */
static size_t allow_around(const struct bl_allow *allow, size_t n, const struct tip_prefix *prefix)
{
    size_t at = n ? n - 1 : ALLOW_NOWHERE;

    while (at != ALLOW_NOWHERE && !tip_prefix_covers(&allow->nets[at].prefix, prefix))
        at = allow->nets[at].around;
    return at;
}

static void allow_build_nets(struct bl_allow *allow)
{
    size_t kept = 0;

    if (allow->n_nets)
        qsort(allow->nets, allow->n_nets, sizeof(*allow->nets), allow_net_compare);
    for (size_t i = 0; i < allow->n_nets; i++) {
        bool same = kept && !allow_net_order(&allow->nets[kept - 1].prefix, &allow->nets[i].prefix);
        size_t around;

        kept -= same;
        around = allow_around(allow, kept, &allow->nets[i].prefix);
        allow->nets[kept] = allow->nets[i];
        allow->nets[kept++].around = around;
    }
    allow->n_nets = kept;
}

static void allow_build_names(struct bl_allow *allow)
{
    size_t kept = 0;

    if (allow->n_names)
        qsort_r(allow->names, allow->n_names, sizeof(*allow->names), allow_name_compare, allow->arena);
    for (size_t i = 0; i < allow->n_names; i++) {
        const struct allow_name *last = &allow->names[kept - (kept > 0)];

        kept -= kept && !allow_text_compare(allow->arena + last->text, last->len, allow->arena + allow->names[i].text,
                                            allow->names[i].len);
        allow->names[kept++] = allow->names[i];
    }
    allow->n_names = kept;
}

void bl_allow_build(struct bl_allow *allow)
{
    allow_build_nets(allow);
    allow_build_names(allow);
}

size_t bl_allow_count(const struct bl_allow *allow)
{
    return allow ? allow->n_nets + allow->n_names : 0;
}

/* ---- asking ---- */

/* The last prefix that does not come behind this one: it, or one inside what holds it, or what holds it. */
static size_t allow_net_before(const struct bl_allow *allow, const struct tip_prefix *prefix)
{
    size_t low = 0;
    size_t high = allow->n_nets;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (allow_net_order(&allow->nets[middle].prefix, prefix) <= 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low ? low - 1 : ALLOW_NOWHERE;
}

/* One that bears, coming from the most specific on: the first counts, unless a configured one follows. */
static void allow_take(struct bl_allow_hit *hit, const struct bl_allow_entry *entry, bool is_self)
{
    if (hit->rule == BL_RULE_NONE || (entry->is_configured && !hit->is_configured))
        *hit = (struct bl_allow_hit){.rule = entry->rule,
                                     .is_self = is_self,
                                     .is_configured = entry->is_configured,
                                     .is_subtree = entry->is_subtree,
                                     .id = entry->id};
}

/* @param is_whole  the indicator is the prefix itself, not something on it */
static struct bl_allow_hit allow_find_net(const struct bl_allow *allow, const struct tip_prefix *prefix, bool is_whole)
{
    struct bl_allow_hit hit = {.rule = BL_RULE_NONE};

    for (size_t i = allow_net_before(allow, prefix); i != ALLOW_NOWHERE; i = allow->nets[i].around) {
        const struct allow_net *net = &allow->nets[i];
        bool is_same = !allow_net_order(&net->prefix, prefix);

        if (is_same || (net->entry.is_subtree && tip_prefix_covers(&net->prefix, prefix)))
            allow_take(&hit, &net->entry, is_same && is_whole);
    }
    return hit;
}

static const struct allow_name *allow_name_of(const struct bl_allow *allow, const char *value, size_t len)
{
    size_t low = 0;
    size_t high = allow->n_names;

    while (low < high) {
        size_t middle = low + (high - low) / 2;
        const struct allow_name *name = &allow->names[middle];
        int r = allow_text_compare(allow->arena + name->text, name->len, value, len);

        if (!r)
            return name;
        if (r < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}

static struct bl_allow_hit allow_find_name(const struct bl_allow *allow, const char *value, size_t len, bool is_whole)
{
    struct bl_allow_hit hit = {.rule = BL_RULE_NONE};
    const char *end = value + len;

    for (const char *at = value; at && at < end;) {
        const struct allow_name *name = allow_name_of(allow, at, (size_t)(end - at));

        if (name && (at == value || name->entry.is_subtree))
            allow_take(&hit, &name->entry, at == value && is_whole);
        at = memchr(at, '.', (size_t)(end - at));
        at = at ? at + 1 : NULL;
    }
    return hit;
}

static struct bl_allow_hit allow_find_addr(const struct bl_allow *allow, const struct tip_addr *addr, bool is_whole)
{
    const struct tip_prefix prefix = tip_prefix_of(addr, (uint8_t)tip_addr_bits(addr));

    return allow_find_net(allow, &prefix, is_whole);
}

static struct bl_allow_hit allow_find_url(const struct bl_allow *allow, const char *value, size_t len)
{
    struct tip_url url;

    if (tip_url_parse(&url, value, len, 0))
        return (struct bl_allow_hit){.rule = BL_RULE_NONE};
    if (url.host_is_addr)
        return allow_find_addr(allow, &url.addr, false);
    return allow_find_name(allow, url.domain.name, url.domain.len, false);
}

struct bl_allow_hit bl_allow_find(const struct bl_allow *allow, enum tip_kind kind, const char *value, size_t len)
{
    struct bl_allow_hit none = {.rule = BL_RULE_NONE};
    struct tip_endpoint endpoint;
    struct tip_prefix prefix;

    if (!bl_allow_count(allow))
        return none;
    switch (kind) {
    case TIP_KIND_IP:
    case TIP_KIND_NET:
        return tip_prefix_parse(&prefix, NULL, value, len) ? none : allow_find_net(allow, &prefix, true);
    case TIP_KIND_DOMAIN:
        return allow_find_name(allow, value, len, true);
    case TIP_KIND_URL:
        return allow_find_url(allow, value, len);
    case TIP_KIND_ENDPOINT:
        return tip_endpoint_parse(&endpoint, value, len) ? none : allow_find_addr(allow, &endpoint.addr, false);
    case TIP_KIND_EMAIL_DOMAIN:
        return allow_find_name(allow, value + 1, len - 1, false);
    case TIP_KIND_NONE:
    case TIP_KIND_ASN:
    case TIP_KIND_HASH:
    case TIP_KIND_COUNT:
        break;
    }
    return none;
}

struct bl_allow_hit bl_allow_find_in(const struct bl_allow *allow, const struct bl_set *set, size_t index)
{
    struct bl_item item;
    struct tip_addr addr = {.family = 4};
    uint32_t host;

    if (!bl_allow_count(allow))
        return (struct bl_allow_hit){.rule = BL_RULE_NONE};
    if (index >= set->n_ip4) {
        bl_set_item(set, index, &item);
        return bl_allow_find(allow, item.kind, item.value, item.len);
    }
    host = set->ip4[index].addr;
    for (int i = 0; i < 4; i++)
        addr.bytes[i] = (uint8_t)(host >> (24 - 8 * i));
    return allow_find_addr(allow, &addr, true);
}

double bl_allow_score(const struct bl_allow_hit *hit, double score)
{
    switch (hit->rule) {
    case BL_RULE_NONE:
        return score;
    case BL_RULE_ALLOW:
        return 0;
    case BL_RULE_DENY:
        return hit->is_self || score > 0 ? 1 : score;
    }
    return score;
}

void bl_allow_item(const struct bl_allow *allow, size_t i, struct bl_allow_item *item)
{
    const struct tip_prefix *prefix;
    const struct allow_name *name;

    if (i >= allow->n_nets) {
        name = &allow->names[i - allow->n_nets];
        item->entry = name->entry;
        item->kind = TIP_KIND_DOMAIN;
        item->value = allow->arena + name->text;
        item->len = name->len;
        return;
    }
    prefix = &allow->nets[i].prefix;
    item->entry = allow->nets[i].entry;
    item->kind = prefix->len == tip_addr_bits(&prefix->addr) ? TIP_KIND_IP : TIP_KIND_NET;
    item->len =
        item->kind == TIP_KIND_IP ? tip_addr_format(&prefix->addr, item->text) : tip_prefix_format(prefix, item->text);
    item->value = item->text;
}
