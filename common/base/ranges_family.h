/*
 * One family of <tip/ranges.h>; ranges.c includes it once for each, with R(name), ADDR, COUNT, BITS, FROM defined and
 * RANGE, RANGES, BUILD, CUT naming the structs. No #pragma once: twice is the point.
 */

static bool R(touches)(const struct RANGE *last, ADDR lo)
{
    return lo <= last->hi || lo - last->hi == 1;
}

static struct RANGE *R(items)(const struct tip_buf *buf)
{
    return (struct RANGE *)(void *)buf->data;
}

struct RANGES R(of)(const struct tip_buf *items)
{
    return (struct RANGES){.at = R(items)(items), .n = items->len / sizeof(struct RANGE)};
}

void R(build_init)(struct BUILD *build, size_t ranges_max)
{
    size_t most = SIZE_MAX / 4 / sizeof(struct RANGE);

    *build = (struct BUILD){.ranges_max = ranges_max < most ? ranges_max : most, .sorted = true};
    /* a quarter more: each time the array is full and sorted, that many ranges have paid for it */
    tip_buf_init(&build->items, (build->ranges_max + build->ranges_max / 4 + RANGES_SLACK) * sizeof(struct RANGE));
}

void R(build_deinit)(struct BUILD *build)
{
    tip_buf_deinit(&build->items);
    build->sorted = true;
}

/* One pass: by one digit, stable. Returns false when all share the digit and nothing was moved. */
static bool R(radix)(const struct RANGE *from, struct RANGE *to, size_t n, unsigned shift)
{
    size_t counts[RADIX_SIZE] = {0};
    size_t sum = 0;
    size_t count;

    for (size_t i = 0; i < n; i++)
        counts[from[i].lo >> shift & (RADIX_SIZE - 1)]++;
    if (counts[from[0].lo >> shift & (RADIX_SIZE - 1)] == n)
        return false;
    for (size_t i = 0; i < RADIX_SIZE; i++) {
        count = counts[i];
        counts[i] = sum;
        sum += count;
    }
    for (size_t i = 0; i < n; i++)
        to[counts[from[i].lo >> shift & (RADIX_SIZE - 1)]++] = from[i];
    return true;
}

static int R(sort)(struct tip_buf *items)
{
    size_t n = items->len / sizeof(struct RANGE);
    struct RANGE *from = R(items)(items);
    struct RANGE *to = malloc(items->len + 1); /* tip_buf has a NUL behind its content */
    struct RANGE *swap;

    if (!to)
        return -ENOBUFS;
    for (unsigned shift = 0; shift < BITS; shift += RADIX_BITS) {
        if (!R(radix)(from, to, n, shift))
            continue;
        swap = from;
        from = to;
        to = swap;
    }
    if ((uint8_t *)from != items->data) {
        items->data = (uint8_t *)from;
        items->room = items->len;
    }
    free(to);
    return 0;
}

static void R(join)(struct tip_buf *items)
{
    struct RANGE *at = R(items)(items);
    size_t n = items->len / sizeof(*at);
    size_t last = 0;

    for (size_t i = 1; i < n; i++) {
        if (!R(touches)(&at[last], at[i].lo))
            at[++last] = at[i];
        else if (at[i].hi > at[last].hi)
            at[last].hi = at[i].hi;
    }
    items->len = (last + 1) * sizeof(*at);
}

/* Makes it a set. */
static int R(settle)(struct BUILD *build)
{
    int r;

    if (!build->sorted) {
        r = R(sort)(&build->items);
        if (r)
            return r;
        R(join)(&build->items);
        build->sorted = true;
    }
    return build->items.len / sizeof(struct RANGE) > build->ranges_max ? -ENOBUFS : 0;
}

/* Room for one more. Sorting before growing is worth it where arrays are large, and the last resort at the cap. */
static int R(room)(struct BUILD *build)
{
    struct tip_buf *items = &build->items;
    size_t room = items->room;
    int r;

    if (items->len >= RANGES_SETTLE_BYTES || items->len + sizeof(struct RANGE) > items->cap) {
        r = R(settle)(build);
        if (r)
            return r;
        if (items->len <= room / 2)
            return tip_buf_reserve(items, room - items->len);
    }
    return tip_buf_reserve(items, sizeof(struct RANGE));
}

int R(add)(struct BUILD *build, ADDR lo, ADDR hi)
{
    struct tip_buf *items = &build->items;
    struct RANGE *last;
    int r;

    if (lo > hi)
        return TIP_RANGES_E_ORDER;
    if (items->len) {
        last = R(items)(items) + items->len / sizeof(*last) - 1;
        if (lo >= last->lo && R(touches)(last, lo)) {
            last->hi = hi > last->hi ? hi : last->hi;
            return 0;
        }
        build->sorted &= lo > last->lo;
    }
    if (items->len + sizeof(*last) > items->room) {
        r = R(room)(build);
        if (r)
            return r;
        if (build->sorted && items->len) { /* it has just been settled: where does this one belong now? */
            last = R(items)(items) + items->len / sizeof(*last) - 1;
            build->sorted = lo > last->hi && !R(touches)(last, lo);
        }
    }
    last = R(items)(items) + items->len / sizeof(*last);
    *last = (struct RANGE){lo, hi};
    items->len += sizeof(*last);
    return 0;
}

int R(add_set)(struct BUILD *build, const struct RANGES *set)
{
    int r = 0;

    for (size_t i = 0; !r && i < set->n; i++)
        r = R(add)(build, set->at[i].lo, set->at[i].hi);
    return r;
}

int R(build_finish)(struct BUILD *build, struct RANGES *set)
{
    struct tip_buf *items = &build->items;
    uint8_t *data;
    int r;

    r = R(settle)(build);
    if (r)
        return r;
    if (items->room > items->len + items->len / 8) { /* many sets stay; what they do not use adds up */
        data = realloc(items->data, items->len + 1);
        items->data = data ? data : items->data;
        items->room = data ? items->len : items->room;
    }
    *set = R(of)(items);
    return 0;
}

/* Behind the last one, or joined with it; lo is not below the last one's. */
static int R(push)(struct tip_buf *out, ADDR lo, ADDR hi)
{
    struct RANGE item = {lo, hi};
    struct RANGE *last;

    if (out->len) {
        last = R(items)(out) + out->len / sizeof(*last) - 1;
        if (R(touches)(last, lo)) {
            last->hi = hi > last->hi ? hi : last->hi;
            return 0;
        }
    }
    return tip_buf_append(out, &item, sizeof(item));
}

int R(union)(struct tip_buf *out, const struct RANGES *a, const struct RANGES *b)
{
    size_t i = 0, j = 0;
    int r = 0;

    tip_buf_clear(out);
    while (!r && (i < a->n || j < b->n)) {
        bool first = j == b->n || (i < a->n && a->at[i].lo <= b->at[j].lo);
        const struct RANGE *next = first ? &a->at[i++] : &b->at[j++];

        r = R(push)(out, next->lo, next->hi);
    }
    return r;
}

int R(intersect)(struct tip_buf *out, const struct RANGES *a, const struct RANGES *b)
{
    size_t i = 0, j = 0;
    int r = 0;

    tip_buf_clear(out);
    while (!r && i < a->n && j < b->n) {
        ADDR lo = a->at[i].lo > b->at[j].lo ? a->at[i].lo : b->at[j].lo;
        ADDR hi = a->at[i].hi < b->at[j].hi ? a->at[i].hi : b->at[j].hi;

        if (lo <= hi)
            r = R(push)(out, lo, hi);
        if (a->at[i].hi == hi)
            i++;
        else
            j++;
    }
    return r;
}

/* What the ranges of b from *jp on leave of one range of a. */
static int R(subtract_one)(struct tip_buf *out, const struct RANGE *range, const struct RANGES *b, size_t *jp)
{
    ADDR lo = range->lo;
    int r;

    while (*jp < b->n && b->at[*jp].hi < lo)
        ++*jp;
    for (; *jp < b->n && b->at[*jp].lo <= range->hi; ++*jp) {
        const struct RANGE *hole = &b->at[*jp];

        if (hole->lo > lo) {
            r = R(push)(out, lo, hole->lo - 1);
            if (r)
                return r;
        }
        if (hole->hi >= range->hi)
            return 0;
        lo = hole->hi + 1;
    }
    return R(push)(out, lo, range->hi);
}

int R(subtract)(struct tip_buf *out, const struct RANGES *a, const struct RANGES *b)
{
    size_t j = 0;
    int r = 0;

    tip_buf_clear(out);
    for (size_t i = 0; !r && i < a->n; i++)
        r = R(subtract_one)(out, &a->at[i], b, &j);
    return r;
}

COUNT R(count)(const struct RANGES *set)
{
    COUNT sum = 0;

    for (size_t i = 0; i < set->n; i++) {
        COUNT more = (COUNT)(set->at[i].hi - set->at[i].lo);

        sum += more < (COUNT)-1 ? more + 1 : more; /* disjoint: only the one range of everything is too long */
    }
    return sum;
}

size_t R(find)(const struct RANGES *set, ADDR addr)
{
    size_t low = 0, high = set->n;

    while (low < high) {
        size_t middle = low + (high - low) / 2;

        if (set->at[middle].hi < addr)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

bool R(contain)(const struct RANGES *set, ADDR lo, ADDR hi)
{
    size_t i = R(find)(set, lo);

    return i < set->n && set->at[i].lo <= lo && hi <= set->at[i].hi;
}

bool R(cut_next)(struct CUT *cut, struct tip_prefix *prefix)
{
    while (!cut->inside || !tip_range_next(&cut->range, prefix)) {
        if (cut->next == cut->set.n)
            return false;
        cut->range =
            (struct tip_range){.next = FROM(cut->set.at[cut->next].lo), .last = FROM(cut->set.at[cut->next].hi)};
        cut->inside = true;
        cut->next++;
    }
    return true;
}
