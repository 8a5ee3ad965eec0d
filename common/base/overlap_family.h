/*
 * One family of <tip/overlap.h>; overlap.c includes it once for each, with O(name), ADDR, COUNT, VOLUME defined and
 * OVERLAP, RANGES, RANGE, SWEEP, HEAD, HELD naming the structs. No #pragma once: twice is the point.
 *
 * The sweep walks the addresses upward. `heads` is a heap of the sets that have ranges ahead, by where the next one
 * starts; `held` are the ranges over the current address, the one that ends first at the end. Between two starts or
 * ends the same sets hold every address, so lengths are added up, never addresses. A pair of ranges is counted once,
 * when the first of them ends.
 */

struct HEAD {
    ADDR lo;
    uint32_t set;
};

struct HELD {
    ADDR lo, hi;
    uint32_t set;
};

struct SWEEP {
    const struct RANGES *sets;
    struct OVERLAP *out;
    size_t *next; /* of each set, the range in `heads` */
    struct HEAD *heads;
    struct HELD *held;
    size_t n_heads, n_held;
    struct tip_buf *joined; /* the union, or NULL */
    int r;                  /* of writing it */
};

static COUNT O(plus)(COUNT a, COUNT b)
{
    COUNT sum = a + b;

    return sum < a ? (COUNT)-1 : sum;
}

static COUNT O(length)(ADDR lo, ADDR hi)
{
    return O(plus)((COUNT)(hi - lo), 1);
}

static COUNT *O(cell)(const struct OVERLAP *overlap, size_t i, size_t j)
{
    size_t low = i < j ? i : j;
    size_t high = i < j ? j : i;

    return &overlap->pairs[low * overlap->n_sets - low * (low + 1) / 2 + high - low - 1];
}

COUNT O(pair)(const struct OVERLAP *overlap, size_t i, size_t j)
{
    return i == j ? overlap->volume[i] : *O(cell)(overlap, i, j);
}

/* The head at i moves down to where it belongs. */
static void O(sift)(struct SWEEP *sweep, size_t i)
{
    struct HEAD *heads = sweep->heads;
    struct HEAD moving = heads[i];
    size_t child;

    while ((child = 2 * i + 1) < sweep->n_heads) {
        if (child + 1 < sweep->n_heads && heads[child + 1].lo < heads[child].lo)
            child++;
        if (moving.lo <= heads[child].lo)
            break;
        heads[i] = heads[child];
        i = child;
    }
    heads[i] = moving;
}

static void O(start)(struct SWEEP *sweep, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        sweep->out->volume[i] = VOLUME(&sweep->sets[i]);
        if (sweep->sets[i].n)
            sweep->heads[sweep->n_heads++] = (struct HEAD){sweep->sets[i].at[0].lo, (uint32_t)i};
    }
    for (size_t i = sweep->n_heads / 2; i-- > 0;)
        O(sift)(sweep, i);
}

/* The range at the top of the heap starts here. */
static void O(take)(struct SWEEP *sweep)
{
    struct HEAD *top = &sweep->heads[0];
    const struct RANGES *set = &sweep->sets[top->set];
    size_t *next = &sweep->next[top->set];
    const struct RANGE *range = &set->at[(*next)++];
    size_t at = sweep->n_held++;

    for (; at && sweep->held[at - 1].hi < range->hi; at--)
        sweep->held[at] = sweep->held[at - 1];
    sweep->held[at] = (struct HELD){range->lo, range->hi, top->set};
    if (*next < set->n)
        top->lo = set->at[*next].lo;
    else
        *top = sweep->heads[--sweep->n_heads];
    O(sift)(sweep, 0);
}

/* The range at the end of `held` ends here: what it shared with the others is known now. */
static void O(drop)(struct SWEEP *sweep)
{
    const struct HELD *gone = &sweep->held[--sweep->n_held];

    for (size_t i = 0; i < sweep->n_held; i++) {
        const struct HELD *other = &sweep->held[i];
        COUNT *cell = O(cell)(sweep->out, gone->set, other->set);

        *cell = O(plus)(*cell, O(length)(gone->lo > other->lo ? gone->lo : other->lo, gone->hi));
    }
}

/* Segments come in ascending order: one that touches the last is the same range. */
static int O(join)(struct tip_buf *joined, ADDR lo, ADDR hi)
{
    struct RANGE item = {lo, hi};
    struct RANGE *last = (struct RANGE *)(void *)joined->data + joined->len / sizeof(item);

    if (joined->len && last[-1].hi + 1 == lo) {
        last[-1].hi = hi;
        return 0;
    }
    return tip_buf_append(joined, &item, sizeof(item));
}

/* From lo to hi the same sets hold every address. */
static void O(count)(struct SWEEP *sweep, ADDR lo, ADDR hi)
{
    struct OVERLAP *out = sweep->out;
    COUNT length = O(length)(lo, hi);

    out->total = O(plus)(out->total, length);
    out->histogram[sweep->n_held] = O(plus)(out->histogram[sweep->n_held], length);
    if (sweep->n_held == 1)
        out->exclusive[sweep->held[0].set] = O(plus)(out->exclusive[sweep->held[0].set], length);
    if (sweep->joined)
        sweep->r = O(join)(sweep->joined, lo, hi);
}

static void O(run)(struct SWEEP *sweep)
{
    ADDR at = 0;
    ADDR end;

    while (!sweep->r && (sweep->n_heads || sweep->n_held)) {
        if (!sweep->n_held)
            at = sweep->heads[0].lo;
        while (sweep->n_heads && sweep->heads[0].lo == at)
            O(take)(sweep);
        end = sweep->held[sweep->n_held - 1].hi;
        if (sweep->n_heads && sweep->heads[0].lo <= end)
            end = sweep->heads[0].lo - 1;
        O(count)(sweep, at, end);
        while (sweep->n_held && sweep->held[sweep->n_held - 1].hi == end)
            O(drop)(sweep);
        at = end + 1; /* behind the last address there is nothing, and the loop ends */
    }
}

static struct OVERLAP *O(new)(size_t n)
{
    size_t n_pairs = n ? n * (n - 1) / 2 : 0;
    struct OVERLAP *overlap = tip_new(struct OVERLAP);

    overlap->n_sets = n;
    overlap->volume = calloc(3 * n + 1 + n_pairs, sizeof(COUNT));
    if (!overlap->volume)
        return overlap;
    overlap->exclusive = overlap->volume + n;
    overlap->histogram = overlap->exclusive + n;
    overlap->pairs = overlap->histogram + n + 1;
    return overlap;
}

void O(destroy)(struct OVERLAP **overlapp)
{
    if (!*overlapp)
        return;
    free((*overlapp)->volume);
    free(*overlapp);
    *overlapp = NULL;
}

int O(open)(struct OVERLAP **overlapp, const struct RANGES *sets, size_t n, struct tip_buf *joined)
{
    tip_auto(O(destroy)) struct OVERLAP *overlap = NULL;
    tip_auto(tip_free) size_t *next = NULL;
    tip_auto(tip_free) struct HEAD *heads = NULL;
    tip_auto(tip_free) struct HELD *held = NULL;
    struct SWEEP sweep = {.sets = sets, .joined = joined};

    if (n > TIP_OVERLAP_SETS_MAX)
        return -ENOBUFS;
    overlap = O(new)(n);
    next = calloc(n + 1, sizeof(*next));
    heads = calloc(n + 1, sizeof(*heads));
    held = calloc(n + 1, sizeof(*held));
    if (!overlap->volume || !next || !heads || !held)
        return -ENOBUFS;
    sweep.out = overlap;
    sweep.next = next;
    sweep.heads = heads;
    sweep.held = held;
    if (joined)
        tip_buf_clear(joined);
    O(start)(&sweep, n);
    O(run)(&sweep);
    if (sweep.r)
        return sweep.r;
    *overlapp = tip_take(overlap);
    return 0;
}
