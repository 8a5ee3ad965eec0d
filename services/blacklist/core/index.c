#include "core/index.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <tip/alloc.h>
#include <tip/domain.h>
#include <tip/hash.h>
#include <tip/inherit.h>
#include <tip/ranges.h>

enum { INDEX_BUCKETS = 65536, INDEX_BUCKET_SHIFT = 16, INDEX_NONE = UINT32_MAX };

struct index_ip4 {
    uint32_t addr, record;
};

struct index_text {
    uint32_t text; /* in the arena; a NUL follows */
    uint16_t len;
    uint8_t kind; /* enum tip_kind */
    uint8_t zero;
    uint32_t record;
};

struct index_net {
    tip_u128 base;
    double inherits; /* what lies inside inherits of it */
    uint32_t text;   /* its verdict */
    uint32_t parent; /* the closest one around it; INDEX_NONE: none */
    uint32_t best;   /* of itself and all around it */
    uint8_t len;
};

/* Of one family: by base, the wider before the narrower, so that each comes behind those around it. */
struct index_nets {
    struct index_net *items;
    uint32_t n;
    uint8_t bits;
};

struct bl_index {
    struct tip_buf ip4, texts, arena, records;
    uint32_t *buckets; /* where hosts with these upper 16 bits begin; one more for the end */
    uint32_t *slots;   /* number of a text + 1; open addressing */
    uint32_t slots_mask;
    struct index_nets nets[2]; /* IPv4, IPv6 */
    struct bl_allow *allow;
    const struct bl_exempt *exempt; /* borrowed */
};

static const struct index_ip4 *index_ip4(const struct bl_index *index)
{
    return (const struct index_ip4 *)(const void *)index->ip4.data;
}

static size_t index_n_ip4(const struct bl_index *index)
{
    return index->ip4.len / sizeof(struct index_ip4);
}

static const struct index_text *index_texts(const struct bl_index *index)
{
    return (const struct index_text *)(const void *)index->texts.data;
}

static size_t index_n_texts(const struct bl_index *index)
{
    return index->texts.len / sizeof(struct index_text);
}

static const struct bl_score_detail *index_detail(const struct bl_index *index, uint32_t record)
{
    return (const struct bl_score_detail *)(const void *)index->records.data + record;
}

static const char *index_value(const struct bl_index *index, const struct index_text *text)
{
    return (const char *)index->arena.data + text->text;
}

static struct bl_key index_key(const struct bl_index *index, uint32_t i)
{
    const struct index_text *text = &index_texts(index)[i];

    return (struct bl_key){.value = index_value(index, text), .len = text->len, .kind = text->kind};
}

/* ---- adding ---- */

struct bl_index *bl_index_new(void)
{
    struct bl_index *index = tip_new(struct bl_index);

    tip_buf_init(&index->ip4, UINT32_MAX / 2 * sizeof(struct index_ip4));
    tip_buf_init(&index->texts, UINT32_MAX / 2 * sizeof(struct index_text));
    tip_buf_init(&index->arena, UINT32_MAX);
    tip_buf_init(&index->records, (size_t)UINT32_MAX * sizeof(struct bl_score_detail));
    return index;
}

void bl_index_destroy(struct bl_index **indexp)
{
    struct bl_index *index = tip_take(*indexp);

    if (!index)
        return;
    tip_buf_deinit(&index->ip4);
    tip_buf_deinit(&index->texts);
    tip_buf_deinit(&index->arena);
    tip_buf_deinit(&index->records);
    free(index->buckets);
    free(index->slots);
    for (size_t i = 0; i < 2; i++)
        free(index->nets[i].items);
    bl_allow_destroy(&index->allow);
    free(index);
}

int bl_index_record(struct bl_index *index, const struct bl_score_detail *detail, uint32_t *recordp)
{
    *recordp = (uint32_t)(index->records.len / sizeof(*detail));
    return tip_buf_append(&index->records, detail, sizeof(*detail));
}

int bl_index_add(struct bl_index *index, const struct bl_key *key, uint32_t record)
{
    struct index_ip4 host = {.addr = key->addr, .record = record};
    struct index_text text = {.text = (uint32_t)index->arena.len, .len = key->len, .kind = key->kind, .record = record};
    int r;

    if (!key->value)
        return tip_buf_append(&index->ip4, &host, sizeof(host));
    r = tip_buf_append(&index->arena, key->value, key->len);
    r = r ? r : tip_buf_append(&index->arena, "", 1);
    return r ? r : tip_buf_append(&index->texts, &text, sizeof(text));
}

/* ---- the table of texts ---- */

static uint32_t index_slot(const struct bl_index *index, const char *value, size_t len)
{
    return (uint32_t)tip_hash(value, len) & index->slots_mask;
}

static void index_build_slots(struct bl_index *index)
{
    size_t n = index_n_texts(index), room = 16;

    while (room < n + n / 2)
        room *= 2;
    index->slots = tip_new_array(room, uint32_t);
    index->slots_mask = (uint32_t)(room - 1);
    for (uint32_t i = 0; i < n; i++) {
        const struct index_text *text = &index_texts(index)[i];
        uint32_t at = index_slot(index, index_value(index, text), text->len);

        while (index->slots[at])
            at = (at + 1) & index->slots_mask;
        index->slots[at] = i + 1;
    }
}

static uint32_t index_find_text(const struct bl_index *index, enum tip_kind kind, const char *value, size_t len)
{
    const struct index_text *texts = index_texts(index);

    for (uint32_t at = index_slot(index, value, len); index->slots[at]; at = (at + 1) & index->slots_mask) {
        uint32_t i = index->slots[at] - 1;

        if (texts[i].kind == kind && texts[i].len == len && !memcmp(index_value(index, &texts[i]), value, len))
            return i;
    }
    return INDEX_NONE;
}

/* ---- networks ---- */

static tip_u128 index_number(const struct tip_addr *addr)
{
    return addr->family == 4 ? tip_addr_to4(addr) : tip_addr_to6(addr);
}

static const struct index_nets *index_nets_of(const struct bl_index *index, const struct tip_addr *addr)
{
    return &index->nets[addr->family == 6];
}

static int index_compare_nets(const void *a, const void *b)
{
    const struct index_net *one = a, *other = b;

    if (one->base != other->base)
        return one->base < other->base ? -1 : 1;
    return one->len - other->len;
}

static bool index_net_holds(const struct index_nets *nets, uint32_t i, tip_u128 base, unsigned len)
{
    const struct index_net *net = &nets->items[i];
    unsigned shift = (unsigned)nets->bits - net->len;

    return net->len <= len && (!net->len || base >> shift == net->base >> shift);
}

/* Networks lie within each other or apart: what was the closest around the one before is around this one, or over. */
static void index_nest(struct index_nets *nets)
{
    for (uint32_t i = 0; i < nets->n; i++) {
        struct index_net *net = &nets->items[i];
        uint32_t around = i ? i - 1 : INDEX_NONE;

        while (around != INDEX_NONE && !index_net_holds(nets, around, net->base, net->len))
            around = nets->items[around].parent;
        net->parent = around;
        net->best = i;
        if (around == INDEX_NONE)
            continue;
        around = nets->items[around].best;
        if (nets->items[around].inherits > net->inherits)
            net->best = around;
    }
}

static void index_add_net(struct bl_index *index, uint32_t i)
{
    const struct index_text *text = &index_texts(index)[i];
    const struct bl_score_detail *detail = index_detail(index, text->record);
    struct tip_prefix prefix;
    struct index_nets *nets;

    if (tip_prefix_parse(&prefix, NULL, index_value(index, text), text->len))
        return; /* cannot be: it is canonical */
    nets = &index->nets[prefix.addr.family == 6];
    nets->items[nets->n++] = (struct index_net){
        .base = index_number(&prefix.addr),
        .inherits = detail->score.score * tip_inherit_net(&prefix, detail->score.is_whole),
        .text = i,
        .len = prefix.len,
    };
}

static void index_build_nets(struct bl_index *index)
{
    size_t n = 0;

    for (uint32_t i = 0; i < index_n_texts(index); i++)
        n += index_texts(index)[i].kind == TIP_KIND_NET;
    for (size_t family = 0; family < 2; family++) {
        index->nets[family].items = tip_new_array(n, struct index_net);
        index->nets[family].bits = family ? 128 : 32;
    }
    for (uint32_t i = 0; i < index_n_texts(index); i++) {
        if (index_texts(index)[i].kind == TIP_KIND_NET)
            index_add_net(index, i);
    }
    for (size_t family = 0; family < 2; family++) {
        struct index_nets *nets = &index->nets[family];

        nets->items = tip_realloc(nets->items, nets->n ? nets->n : 1, sizeof(*nets->items));
        qsort(nets->items, nets->n, sizeof(*nets->items), index_compare_nets);
        index_nest(nets);
    }
}

/* The closest network around a block, or that block itself: the last one that does not begin behind it lies inside
 * that. */
static uint32_t index_find_net(const struct index_nets *nets, tip_u128 base, unsigned len)
{
    uint32_t low = 0, high = nets->n;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;
        const struct index_net *net = &nets->items[middle];

        if (net->base < base || (net->base == base && net->len <= len))
            low = middle + 1;
        else
            high = middle;
    }
    low = low ? low - 1 : INDEX_NONE;
    while (low != INDEX_NONE && !index_net_holds(nets, low, base, len))
        low = nets->items[low].parent;
    return low;
}

/* ---- hosts ---- */

static void index_build_buckets(struct bl_index *index)
{
    size_t n = index_n_ip4(index), at = 0;

    index->buckets = tip_new_array(INDEX_BUCKETS + 1, uint32_t);
    for (uint32_t bucket = 0; bucket <= INDEX_BUCKETS; bucket++) {
        while (at < n && index_ip4(index)[at].addr >> INDEX_BUCKET_SHIFT < bucket)
            at++;
        index->buckets[bucket] = (uint32_t)at;
    }
}

/* Where its record is; INDEX_NONE: nowhere. */
static uint32_t index_find_host(const struct bl_index *index, uint32_t addr)
{
    const struct index_ip4 *hosts = index_ip4(index);
    uint32_t low = index->buckets[addr >> INDEX_BUCKET_SHIFT];
    uint32_t end = index->buckets[(addr >> INDEX_BUCKET_SHIFT) + 1], high = end;

    while (low < high) {
        uint32_t middle = low + (high - low) / 2;

        if (hosts[middle].addr < addr)
            low = middle + 1;
        else
            high = middle;
    }
    return low < end && hosts[low].addr == addr ? hosts[low].record : INDEX_NONE;
}

int bl_index_finish(struct bl_index *index, struct bl_allow *allow, const struct bl_exempt *exempt)
{
    index->allow = allow;
    index->exempt = exempt;
    tip_buf_shrink(&index->ip4);
    tip_buf_shrink(&index->texts);
    tip_buf_shrink(&index->arena);
    tip_buf_shrink(&index->records);
    index_build_buckets(index);
    index_build_slots(index);
    index_build_nets(index);
    return 0;
}

/* ---- questions ---- */

static void index_take_own(const struct bl_index *index, struct bl_index_found *found, uint32_t record,
                           const struct bl_key *key)
{
    if (record == INDEX_NONE)
        return;
    found->own = index_detail(index, record);
    found->own_key = *key;
    if (found->own->score.score <= 0 || found->own->score.score < found->score)
        return;
    found->score = found->own->score.score;
    found->share = 1;
    found->is_own = true;
    found->decides = found->own;
    found->from = *key;
}

/* What a block inherits; its own verdict, if it is a network, is not meant. */
static void index_take_nets(const struct bl_index *index, struct bl_index_found *found, const struct index_nets *nets,
                            const struct index_net *block)
{
    uint32_t at = index_find_net(nets, block->base, block->len);
    const struct index_net *best;
    const struct index_text *text;

    if (at != INDEX_NONE && nets->items[at].len == block->len)
        at = nets->items[at].parent;
    if (at == INDEX_NONE)
        return;
    best = &nets->items[nets->items[at].best];
    text = &index_texts(index)[best->text];
    if (best->inherits <= 0)
        return;
    found->decides = index_detail(index, text->record);
    found->score = best->inherits;
    found->share = best->inherits / found->decides->score.score;
    found->from = index_key(index, best->text);
}

static void index_take_block(const struct bl_index *index, struct bl_index_found *found, const char *value, size_t len)
{
    struct tip_prefix prefix;
    struct index_net block;

    if (tip_prefix_parse(&prefix, NULL, value, len))
        return;
    block = (struct index_net){.base = index_number(&prefix.addr), .len = prefix.len};
    index_take_nets(index, found, index_nets_of(index, &prefix.addr), &block);
}

/* The strongest of the names above; of equal ones the closest. */
static void index_take_names(const struct bl_index *index, struct bl_index_found *found, const char *value)
{
    for (const char *at = strchr(value, '.'); at; at = strchr(at + 1, '.')) {
        uint32_t i = index_find_text(index, TIP_KIND_DOMAIN, at + 1, strlen(at + 1));
        const struct bl_score_detail *detail;

        if (i == INDEX_NONE)
            continue;
        detail = index_detail(index, index_texts(index)[i].record);
        if (!detail->score.is_subtree || detail->score.score <= found->score)
            continue;
        found->decides = detail;
        found->score = detail->score.score;
        found->share = 1;
        found->from = index_key(index, i);
    }
}

/* What is inherited falls as a score of its own would: that has fallen already. */
static void index_exempt(struct bl_index_found *found, const struct bl_exempt_hit *hit)
{
    double before = found->score;

    if (!hit->effect || before <= 0)
        return;
    found->score = bl_exempt_score(hit, before);
    found->share *= found->score / before;
}

/* The last word is the operators'. */
static void index_decide(struct bl_index_found *found, const struct bl_allow_hit *hit)
{
    found->rule = hit->rule;
    found->score = bl_allow_score(hit, found->score);
}

static struct bl_index_found index_ask4(const struct bl_index *index, uint32_t addr)
{
    const struct index_net block = {.base = addr, .len = 32};
    const struct bl_key key = {.addr = addr, .kind = TIP_KIND_IP};
    struct bl_index_found found = {.share = 0};

    index_take_nets(index, &found, &index->nets[0], &block);
    if (found.decides) {
        const struct bl_exempt_hit exempt = bl_exempt_find4(index->exempt, &(size_t){0}, addr);

        index_exempt(&found, &exempt);
    }
    index_take_own(index, &found, index_find_host(index, addr), &key);
    return found;
}

struct bl_index_found bl_index_find4(const struct bl_index *index, uint32_t addr)
{
    const struct bl_ip4 host = {.addr = addr};
    const struct bl_set set = {.ip4 = &host, .n_ip4 = 1};
    const struct bl_allow_hit hit = bl_allow_find_in(index->allow, &set, 0);
    struct bl_index_found found = index_ask4(index, addr);

    index_decide(&found, &hit);
    return found;
}

static struct bl_index_found index_ask(const struct bl_index *index, enum tip_kind kind, const char *value, size_t len)
{
    struct bl_index_found found = {.share = 0};
    uint32_t own = index_find_text(index, kind, value, len);

    if (kind == TIP_KIND_IP || kind == TIP_KIND_NET)
        index_take_block(index, &found, value, len);
    else if (kind == TIP_KIND_DOMAIN)
        index_take_names(index, &found, value);
    if (found.decides) {
        const struct bl_exempt_hit exempt = bl_exempt_find(index->exempt, kind, value, len);

        index_exempt(&found, &exempt);
    }
    if (own != INDEX_NONE) {
        struct bl_key key = index_key(index, own);

        index_take_own(index, &found, index_texts(index)[own].record, &key);
    }
    return found;
}

struct bl_index_found bl_index_find(const struct bl_index *index, enum tip_kind kind, const char *value, size_t len)
{
    struct bl_index_found found;
    struct bl_allow_hit hit;
    uint32_t addr = 0;

    if (kind == TIP_KIND_IP && tip_addr4_parse_fast(value, value + len, &addr) == len)
        return bl_index_find4(index, addr);
    found = index_ask(index, kind, value, len);
    hit = bl_allow_find(index->allow, kind, value, len);
    index_decide(&found, &hit);
    return found;
}

struct bl_index_stats bl_index_stats(const struct bl_index *index)
{
    struct bl_index_stats stats = {.n_ip4 = index_n_ip4(index),
                                   .n_text = index_n_texts(index),
                                   .n_nets = (size_t)index->nets[0].n + index->nets[1].n,
                                   .n_records = index->records.len / sizeof(struct bl_score_detail)};

    stats.bytes = index->ip4.len + index->texts.len + index->arena.len + index->records.len +
                  (INDEX_BUCKETS + 1 + (size_t)index->slots_mask + 1) * sizeof(uint32_t) +
                  stats.n_nets * sizeof(struct index_net);
    return stats;
}
