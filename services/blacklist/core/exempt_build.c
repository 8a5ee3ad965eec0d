#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <tip/alloc.h>
#include <tip/crc32c.h>

#include "core/exempt_file.h"

enum { EXEMPT_WIDEST4 = 8, EXEMPT_WIDEST6 = 19 };

struct exempt_making {
    char name[BL_EXEMPT_LIST_NAME + 1];
    uint8_t role;
};

/* A list begins or ends to hold what comes. */
struct exempt_event {
    tip_u128 at;
    uint16_t list;
    bool is_end;
};

enum { EXEMPT_SELF = 1, EXEMPT_BELOW = 2, EXEMPT_ABOVE = 4 };

struct exempt_said {
    uint32_t text;
    uint16_t len, list;
    uint16_t what;
};

void bl_exempt_build_init(struct bl_exempt_build *build)
{
    tip_buf_init(&build->lists, BL_EXEMPT_LISTS_MAX * sizeof(struct exempt_making));
    tip_buf_init(&build->events4, (size_t)BL_EXEMPT_RANGES_MAX * 2 * sizeof(struct exempt_event));
    tip_buf_init(&build->events6, (size_t)BL_EXEMPT_RANGES_MAX * 2 * sizeof(struct exempt_event));
    tip_buf_init(&build->names, (size_t)BL_EXEMPT_NAMES_MAX * sizeof(struct exempt_said));
    tip_buf_init(&build->arena, BL_EXEMPT_BYTES_MAX / 4);
}

void bl_exempt_build_deinit(struct bl_exempt_build *build)
{
    tip_buf_deinit(&build->lists);
    tip_buf_deinit(&build->events4);
    tip_buf_deinit(&build->events6);
    tip_buf_deinit(&build->names);
    tip_buf_deinit(&build->arena);
}

/* ---- adding ---- */

static size_t build_n_lists(const struct bl_exempt_build *build)
{
    return build->lists.len / sizeof(struct exempt_making);
}

static struct exempt_making *build_list(const struct bl_exempt_build *build, size_t i)
{
    return (struct exempt_making *)(void *)build->lists.data + i;
}

/* The number of a list; the last one, as a rule. */
static int build_find_list(struct bl_exempt_build *build, enum bl_role role, const char *name, uint16_t *listp)
{
    struct exempt_making list = {.role = (uint8_t)role};
    size_t n = build_n_lists(build);

    strncpy(list.name, name, BL_EXEMPT_LIST_NAME); /* cut; the rest is zero */
    for (size_t i = n; i-- > 0;) {
        if (!memcmp(build_list(build, i), &list, sizeof(list))) {
            *listp = (uint16_t)i;
            return 0;
        }
    }
    *listp = (uint16_t)n;
    return tip_buf_append(&build->lists, &list, sizeof(list));
}

static int build_add_prefix(struct bl_exempt_build *build, uint16_t list, const struct tip_prefix *prefix)
{
    bool is_ip4 = prefix->addr.family == 4;
    struct tip_buf *events = is_ip4 ? &build->events4 : &build->events6;
    struct tip_addr last = tip_prefix_last(prefix);
    tip_u128 lo = is_ip4 ? tip_addr_to4(&prefix->addr) : tip_addr_to6(&prefix->addr);
    tip_u128 hi = is_ip4 ? tip_addr_to4(&last) : tip_addr_to6(&last);
    struct exempt_event event = {.at = lo, .list = list};
    int r;

    if (prefix->len < (is_ip4 ? EXEMPT_WIDEST4 : EXEMPT_WIDEST6))
        return BL_REFERENCE_E_UNKNOWN;
    r = tip_buf_append(events, &event, sizeof(event));
    event = (struct exempt_event){.at = hi + 1, .list = list, .is_end = true};
    if (!r && hi != ~(tip_u128)0) /* else it does not end */
        r = tip_buf_append(events, &event, sizeof(event));
    return r;
}

/* Everything above a name that is exempt wholly knows that. */
static int build_add_above(struct bl_exempt_build *build, struct exempt_said said)
{
    int r = 0;

    said.what = EXEMPT_ABOVE;
    while (!r) {
        const char *text = tip_buf_text(&build->arena) + said.text;
        const char *dot = memchr(text, '.', said.len);

        if (!dot)
            break;
        said.text += (uint32_t)(dot + 1 - text);
        said.len = (uint16_t)(said.len - (dot + 1 - text));
        r = tip_buf_append(&build->names, &said, sizeof(said));
    }
    return r;
}

static int build_add_name(struct bl_exempt_build *build, uint16_t list, const char *text, size_t len)
{
    enum bl_role role = (enum bl_role)build_list(build, list)->role;
    struct exempt_said said = {.text = (uint32_t)build->arena.len, .list = list, .what = EXEMPT_SELF};
    struct tip_indicator indicator;
    int r;

    if (tip_indicator_parse(&indicator, TIP_KIND_DOMAIN, text, len))
        return BL_REFERENCE_E_UNKNOWN;
    if (indicator.flags & TIP_INDICATOR_SUBTREE && role != BL_ROLE_TOP_SITE) {
        if (indicator.flags & TIP_INDICATOR_PUBLIC_SUFFIX)
            return BL_REFERENCE_E_UNKNOWN;
        said.what |= EXEMPT_BELOW;
    }
    said.len = (uint16_t)indicator.len;
    r = tip_buf_append(&build->arena, indicator.value, indicator.len);
    r = r ? r : tip_buf_append(&build->arena, "", 1);
    r = r ? r : tip_buf_append(&build->names, &said, sizeof(said));
    if (!r && bl_exempt_effect(role) == BL_EXEMPT_HARD)
        r = build_add_above(build, said);
    return r;
}

int bl_exempt_build_add(struct bl_exempt_build *build, enum bl_role role, const char *list, const char *text,
                        size_t len)
{
    struct tip_prefix prefix;
    uint16_t number;
    int r;

    if (!bl_exempt_effect(role))
        return BL_REFERENCE_E_UNKNOWN;
    r = build_find_list(build, role, list, &number);
    if (r)
        return r;
    if (!tip_prefix_parse(&prefix, NULL, text, len))
        return build_add_prefix(build, number, &prefix);
    return build_add_name(build, number, text, len);
}

/* ---- the order of lists ---- */

static int build_compare_lists(const void *a, const void *b, void *ctx)
{
    const struct bl_exempt_build *build = ctx;
    const struct exempt_making *left = build_list(build, *(const uint16_t *)a);
    const struct exempt_making *right = build_list(build, *(const uint16_t *)b);
    int r = (int)bl_exempt_effect((enum bl_role)right->role) - (int)bl_exempt_effect((enum bl_role)left->role);

    r = r ? r : (int)left->role - (int)right->role;
    return r ? r : strcmp(left->name, right->name);
}

/* What is built is numbered anew: what is stronger comes first. */
static void build_rank(struct bl_exempt_build *build, uint16_t *order)
{
    size_t n = build_n_lists(build);
    tip_auto(tip_free) uint16_t *ranks = tip_new_array(n, uint16_t);
    struct tip_buf *events[] = {&build->events4, &build->events6};
    struct exempt_said *said = (struct exempt_said *)(void *)build->names.data;

    for (size_t i = 0; i < n; i++)
        order[i] = (uint16_t)i;
    if (n)
        qsort_r(order, n, sizeof(*order), build_compare_lists, build);
    for (size_t i = 0; i < n; i++)
        ranks[order[i]] = (uint16_t)i;
    for (size_t k = 0; k < 2; k++) {
        struct exempt_event *items = (struct exempt_event *)(void *)events[k]->data;

        for (size_t i = 0; i < events[k]->len / sizeof(*items); i++)
            items[i].list = ranks[items[i].list];
    }
    for (size_t i = 0; i < build->names.len / sizeof(*said); i++)
        said[i].list = ranks[said[i].list];
}

/* ---- ranges ---- */

static int build_compare_events(const void *a, const void *b)
{
    const struct exempt_event *left = a, *right = b;

    return (left->at > right->at) - (left->at < right->at);
}

/* Which lists hold the address that the walk has come to. */
struct exempt_sweep {
    uint32_t n[BL_EXEMPT_LISTS_MAX];
    uint64_t bits[BL_EXEMPT_LISTS_MAX / 64];
    struct bl_exempt_range6 range; /* that is open; list EXEMPT_NO_LIST: none is */
    bool is_ip4;
    struct tip_buf *out;
};

static void sweep_take(struct exempt_sweep *sweep, const struct exempt_event *event)
{
    uint64_t bit = (uint64_t)1 << event->list % 64;

    sweep->n[event->list] += event->is_end ? UINT32_MAX : 1;
    if (sweep->n[event->list])
        sweep->bits[event->list / 64] |= bit;
    else
        sweep->bits[event->list / 64] &= ~bit;
}

static uint16_t sweep_list(const struct exempt_sweep *sweep)
{
    for (size_t i = 0; i < BL_EXEMPT_LISTS_MAX / 64; i++) {
        if (sweep->bits[i])
            return (uint16_t)(64 * i + (size_t)__builtin_ctzll(sweep->bits[i]));
    }
    return EXEMPT_NO_LIST;
}

static int sweep_put(struct exempt_sweep *sweep, tip_u128 hi)
{
    struct bl_exempt_range4 range4 = {.lo = (uint32_t)sweep->range.lo, .hi = (uint32_t)hi, .list = sweep->range.list};

    sweep->range.hi = hi;
    if (sweep->range.list == EXEMPT_NO_LIST)
        return 0;
    return sweep->is_ip4 ? tip_buf_append(sweep->out, &range4, sizeof(range4))
                         : tip_buf_append(sweep->out, &sweep->range, sizeof(sweep->range));
}

/* The list that decides may be another one from here on. */
static int sweep_turn(struct exempt_sweep *sweep, tip_u128 at)
{
    uint16_t list = sweep_list(sweep);
    int r;

    if (list == sweep->range.list)
        return 0;
    r = sweep_put(sweep, at - 1);
    sweep->range = (struct bl_exempt_range6){.lo = at, .list = list};
    return r;
}

/* Appends the ranges and counts them. */
static int build_ranges(const struct tip_buf *events, bool is_ip4, struct tip_buf *out, uint64_t *np)
{
    tip_auto(tip_free) struct exempt_sweep *sweep = tip_new(struct exempt_sweep);
    struct exempt_event *items = (struct exempt_event *)(void *)events->data;
    size_t n = events->len / sizeof(*items), before = out->len;
    int r = 0;

    sweep->range.list = EXEMPT_NO_LIST;
    sweep->is_ip4 = is_ip4;
    sweep->out = out;
    if (n)
        qsort(items, n, sizeof(*items), build_compare_events);
    for (size_t i = 0; !r && i < n; i++) {
        sweep_take(sweep, &items[i]);
        if (i + 1 == n || items[i + 1].at != items[i].at)
            r = sweep_turn(sweep, items[i].at);
    }
    r = r ? r : sweep_put(sweep, ~(tip_u128)0); /* one that does not end */
    *np = (out->len - before) / (is_ip4 ? sizeof(struct bl_exempt_range4) : sizeof(struct bl_exempt_range6));
    return r;
}

/* ---- names ---- */

static int build_compare_names(const void *a, const void *b, void *arena)
{
    const struct exempt_said *left = a, *right = b;
    const char *at = arena;
    size_t len = left->len < right->len ? left->len : right->len;
    int r = memcmp(at + left->text, at + right->text, len);

    return r ? r : (int)left->len - (int)right->len;
}

static void build_say(struct bl_exempt_name *name, const struct exempt_said *said)
{
    if (said->what & EXEMPT_SELF && said->list < name->self)
        name->self = said->list;
    if (said->what & EXEMPT_BELOW && said->list < name->below)
        name->below = said->list;
    name->is_above |= (said->what & EXEMPT_ABOVE) != 0;
}

/* One of each, in order, with its text behind the names of the lists. Which of them come out is in `names`. */
static int build_names(struct bl_exempt_build *build, struct tip_buf *names, struct tip_buf *arena)
{
    struct exempt_said *said = (struct exempt_said *)(void *)build->names.data;
    char *texts = (char *)build->arena.data;
    size_t n = build->names.len / sizeof(*said);
    int r = 0;

    if (n)
        qsort_r(said, n, sizeof(*said), build_compare_names, texts);
    for (size_t i = 0; !r && i < n;) {
        struct bl_exempt_name name = {
            .text = (uint32_t)arena->len, .len = said[i].len, .self = EXEMPT_NO_LIST, .below = EXEMPT_NO_LIST};
        size_t first = i;

        for (; i < n && !build_compare_names(&said[first], &said[i], texts); i++)
            build_say(&name, &said[i]);
        r = tip_buf_append(arena, texts + said[first].text, name.len);
        r = r ? r : tip_buf_append(arena, "", 1);
        r = r ? r : tip_buf_append(names, &name, sizeof(name));
    }
    return r;
}

static int build_slots(const struct tip_buf *names, const struct tip_buf *arena, struct tip_buf *out, uint64_t *np)
{
    const struct bl_exempt_name *items = (const struct bl_exempt_name *)(const void *)names->data;
    size_t n = names->len / sizeof(*items), n_slots = n ? 4 : 0;
    uint32_t *slots;
    int r;

    while (n_slots < 2 * n)
        n_slots *= 2;
    *np = n_slots;
    r = tip_buf_reserve(out, n_slots * sizeof(*slots));
    if (r || !n)
        return r;
    slots = (uint32_t *)(void *)(out->data + out->len); /* all before it is a multiple of 4 long */
    memset(slots, 0, n_slots * sizeof(*slots));
    for (size_t i = 0; i < n; i++) {
        size_t at = exempt_hash(tip_buf_text(arena) + items[i].text, items[i].len) & (n_slots - 1);

        while (slots[at])
            at = (at + 1) & (n_slots - 1);
        slots[at] = (uint32_t)i + 1;
    }
    out->len += n_slots * sizeof(*slots);
    return 0;
}

/* ---- all of it ---- */

static int build_lists(const struct bl_exempt_build *build, const uint16_t *order, struct tip_buf *out,
                       struct tip_buf *arena)
{
    int r = 0;

    for (size_t i = 0; !r && i < build_n_lists(build); i++) {
        const struct exempt_making *making = build_list(build, order[i]);
        struct bl_exempt_list list = {
            .name = (uint32_t)arena->len, .len = (uint16_t)strlen(making->name), .role = making->role};

        r = tip_buf_append(arena, making->name, list.len + 1u);
        r = r ? r : tip_buf_append(out, &list, sizeof(list));
    }
    return r;
}

/* The sections behind the header, in their order. */
static int build_fill(struct bl_exempt_build *build, struct exempt_header *header, struct tip_buf *file)
{
    tip_auto(tip_free) uint16_t *order = tip_new_array(build_n_lists(build), uint16_t);
    tip_auto(tip_buf_deinit) struct tip_buf names, arena;
    int r;

    tip_buf_init(&names, BL_EXEMPT_BYTES_MAX / 4);
    tip_buf_init(&arena, BL_EXEMPT_BYTES_MAX / 4);
    build_rank(build, order);
    header->n_lists = build_n_lists(build);
    r = build_ranges(&build->events6, false, file, &header->n6);
    r = r ? r : build_lists(build, order, file, &arena);
    r = r ? r : build_names(build, &names, &arena);
    header->n_names = names.len / sizeof(struct bl_exempt_name);
    r = r ? r : tip_buf_append(file, names.data, names.len);
    r = r ? r : build_slots(&names, &arena, file, &header->n_slots);
    r = r ? r : build_ranges(&build->events4, true, file, &header->n4);
    header->n_arena = arena.len;
    return r ? r : tip_buf_append(file, arena.data, arena.len);
}

int bl_exempt_build_finish(struct bl_exempt_build *build, struct tip_buf *file)
{
    struct exempt_header header = {.zero = 0};
    size_t start = file->len;
    int r = tip_buf_append(file, &header, sizeof(header));

    r = r ? r : build_fill(build, &header, file);
    if (r)
        return r;
    memcpy(header.magic, EXEMPT_MAGIC, sizeof(header.magic));
    memcpy(file->data + start, &header, sizeof(header));
    header.crc = tip_crc32c(0, file->data + start + EXEMPT_CRC_FROM, file->len - start - EXEMPT_CRC_FROM);
    memcpy(file->data + start, &header, sizeof(header));
    return 0;
}
