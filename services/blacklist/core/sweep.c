#include "core/sweep.h"

#include <tip/alloc.h>
#include <tip/cleanup.h>

/* A source with entries left, by its next one: the heap's element. */
struct sweep_head {
    uint32_t key; /* IPv4: the address */
    uint32_t source;
};

struct sweep {
    const struct bl_seen *const *seens;
    size_t *at; /* [source] the next entry */
    struct sweep_head *heap;
    size_t n_heap;
    struct bl_holder *holders;
    bool is_text;
};

static bool sweep_less(const struct sweep *sweep, const struct sweep_head *a, const struct sweep_head *b)
{
    int order;

    if (!sweep->is_text)
        return a->key != b->key ? a->key < b->key : a->source < b->source;
    order = bl_seen_text_compare(sweep->seens[a->source], sweep->at[a->source], sweep->seens[b->source],
                                 sweep->at[b->source]);
    return order ? order < 0 : a->source < b->source;
}

static bool sweep_same(const struct sweep *sweep, const struct sweep_head *a, uint32_t source, size_t at)
{
    if (!sweep->is_text)
        return a->key == sweep->seens[source]->ip4[at].addr;
    return !bl_seen_text_compare(sweep->seens[a->source], sweep->at[a->source], sweep->seens[source], at);
}

static void sweep_sink(struct sweep *sweep, size_t i)
{
    struct sweep_head moved = sweep->heap[i];

    for (size_t child; (child = 2 * i + 1) < sweep->n_heap; i = child) {
        if (child + 1 < sweep->n_heap && sweep_less(sweep, &sweep->heap[child + 1], &sweep->heap[child]))
            child++;
        if (!sweep_less(sweep, &sweep->heap[child], &moved))
            break;
        sweep->heap[i] = sweep->heap[child];
    }
    sweep->heap[i] = moved;
}

static size_t sweep_count(const struct sweep *sweep, size_t source)
{
    return sweep->is_text ? sweep->seens[source]->n_text : sweep->seens[source]->n_ip4;
}

/* The next entry of the topmost source takes its place, or the source leaves. */
static void sweep_advance(struct sweep *sweep)
{
    struct sweep_head *top = &sweep->heap[0];
    size_t at = ++sweep->at[top->source];

    if (at == sweep_count(sweep, top->source))
        *top = sweep->heap[--sweep->n_heap];
    else if (!sweep->is_text)
        top->key = sweep->seens[top->source]->ip4[at].addr;
    if (sweep->n_heap)
        sweep_sink(sweep, 0);
}

static const struct bl_seen_times *sweep_times(const struct sweep *sweep, size_t source, size_t at)
{
    const struct bl_seen *seen = sweep->seens[source];

    return sweep->is_text ? &seen->text[at].times : &seen->ip4[at].times;
}

static void sweep_start(struct sweep *sweep, size_t n, bool is_text)
{
    sweep->is_text = is_text;
    sweep->n_heap = 0;
    for (size_t i = 0; i < n; i++) {
        sweep->at[i] = 0;
        if (sweep_count(sweep, i))
            sweep->heap[sweep->n_heap++] =
                (struct sweep_head){.key = is_text ? 0 : sweep->seens[i]->ip4[0].addr, .source = (uint32_t)i};
    }
    for (size_t i = sweep->n_heap / 2; i--;)
        sweep_sink(sweep, i);
}

static void sweep_family(struct sweep *sweep, size_t n, bool is_text, bl_sweep_fn *visit, void *ctx)
{
    sweep_start(sweep, n, is_text);
    while (sweep->n_heap) {
        uint32_t first = sweep->heap[0].source;
        size_t first_at = sweep->at[first];
        size_t n_holders = 0;

        do {
            uint32_t source = sweep->heap[0].source;

            sweep->holders[n_holders++] =
                (struct bl_holder){.source = source, .times = sweep_times(sweep, source, sweep->at[source])};
            sweep_advance(sweep);
        } while (sweep->n_heap && sweep_same(sweep, &sweep->heap[0], first, first_at));
        visit(ctx, sweep->holders, n_holders);
    }
}

void bl_sweep(const struct bl_seen *const *seens, size_t n, bl_sweep_fn *visit, void *ctx)
{
    tip_auto(tip_free) size_t *at = tip_new_array(n, size_t);
    tip_auto(tip_free) struct sweep_head *heap = tip_new_array(n, struct sweep_head);
    tip_auto(tip_free) struct bl_holder *holders = tip_new_array(n, struct bl_holder);
    struct sweep sweep = {.seens = seens, .at = at, .heap = heap, .holders = holders};

    sweep_family(&sweep, n, false, visit, ctx);
    sweep_family(&sweep, n, true, visit, ctx);
}
