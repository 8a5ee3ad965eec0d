#include "plan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <tip/alloc.h>

#include "plan_extra.h"

enum { WORK_CLOCK_AHEAD_S = 60 * 60 }; /* how far ahead crossings are looked for: time is counted that often anyway */

void work_order_deinit(struct work_order *order)
{
    bl_allow_destroy(&order->allow);
    bl_allow_destroy(&order->allow_to);
    bl_allow_destroy(&order->allow_changed);
    bl_witnesses_destroy(&order->witnesses);
    bl_witnesses_destroy(&order->witnesses_to);
    bl_exempt_map_destroy(&order->exempt);
    bl_exempt_map_destroy(&order->exempt_to);
    free(order->voters);
}

void work_plan_destroy(struct work_plan **planp)
{
    struct work_plan *plan = tip_take(*planp);

    if (!plan)
        return;
    bl_map_close(&plan->from);
    bl_map_close(&plan->to);
    if (!plan->has_borrowed)
        work_lists_destroy(&plan->lists);
    work_extra_deinit(&plan->extra);
    bl_diff_deinit(&plan->diff);
    tip_buf_deinit(&plan->parts);
    tip_buf_deinit(&plan->verdicts);
    tip_buf_deinit(&plan->cuts);
    work_order_deinit(&plan->order);
    free(plan);
}

/* ---- what the operators' word can move ---- */

static enum bl_rule plan_rule(const struct bl_allow *allow, const struct bl_key *key)
{
    const struct bl_ip4 host = {.addr = key->addr};
    const struct bl_set set = {.ip4 = &host, .n_ip4 = 1};

    if (key->value)
        return bl_allow_find(allow, (enum tip_kind)key->kind, key->value, key->len).rule;
    return bl_allow_find_in(allow, &set, 0).rule;
}

static int plan_affect_list(struct work_extra *extra, const struct bl_seen *seen, const struct bl_allow *changed)
{
    int r = 0;

    for (size_t i = 0; !r && i < bl_seen_count(seen); i++) {
        struct bl_key key = bl_key_at(seen, i);

        if (plan_rule(changed, &key) != BL_RULE_NONE)
            r = work_extra_add(extra, &key);
    }
    return r;
}

/* What is denied by name; with `changed` only what lies under a changed entry. */
static int plan_affect_denied(struct work_extra *extra, const struct bl_allow *allow, const struct bl_allow *changed)
{
    struct bl_allow_item item;
    int r = 0;

    for (size_t i = 0; !r && i < bl_allow_count(allow); i++) {
        struct bl_key key;

        bl_allow_item(allow, i, &item);
        key = work_extra_key(item.kind, item.value, item.len);
        if (item.entry.rule == BL_RULE_DENY && (!changed || plan_rule(changed, &key) != BL_RULE_NONE))
            r = work_extra_add(extra, &key);
    }
    return r;
}

/* What a change of the list can move: what is listed, or was, and lies under a changed entry, what TIP saw itself, and
 * what is or was denied by name. */
static int plan_affected(struct work_plan *plan)
{
    const struct bl_allow *changed = plan->order.allow_changed;
    int r = plan_affect_denied(&plan->extra, plan->order.allow, changed);

    r = r ? r : plan_affect_denied(&plan->extra, plan->order.allow_to, changed);
    for (size_t i = 0; !r && i < plan->order.n_voters; i++)
        r = plan_affect_list(&plan->extra, &plan->lists->sources[i].seen[BL_AFTER], changed);
    for (size_t i = 0; !r && i < bl_witnesses_count(plan->order.witnesses); i++) {
        struct bl_witnesses_item item = bl_witnesses_at(plan->order.witnesses, i);
        struct bl_key key = work_extra_key(item.kind, item.value, item.len);

        if (plan_rule(changed, &key) != BL_RULE_NONE)
            r = work_extra_add(&plan->extra, &key);
    }
    return r ? r : work_extra_finish(&plan->extra, &plan->tell.extra);
}

static int plan_add_witnessed(struct work_extra *extra, const struct bl_witnesses *witnesses)
{
    int r = 0;

    for (size_t i = 0; !r && i < bl_witnesses_count(witnesses); i++) {
        struct bl_witnesses_item item = bl_witnesses_at(witnesses, i);
        struct bl_key key = work_extra_key(item.kind, item.value, item.len);

        r = work_extra_add(extra, &key);
    }
    return r;
}

/* What TIP saw itself. */
static int plan_witnessed(struct work_plan *plan)
{
    int r = plan_add_witnessed(&plan->extra, plan->order.witnesses);

    return r ? r : work_extra_finish(&plan->extra, &plan->tell.extra);
}

static int plan_evidence_add(void *ctx, const struct bl_witnesses_item *item)
{
    struct bl_key key = work_extra_key(item->kind, item->value, item->len);

    return work_extra_add(ctx, &key);
}

/* Of what something else was seen than before. */
static int plan_evidence(struct work_plan *plan)
{
    int r = bl_witnesses_differ(plan->order.witnesses, plan->order.witnesses_to, plan_evidence_add, &plan->extra);

    return r ? r : work_extra_finish(&plan->extra, &plan->tell.extra);
}

int work_plan_others(struct work_plan *plan)
{
    int r = plan_affect_denied(&plan->extra, plan->order.allow, NULL);

    r = r ? r : plan_add_witnessed(&plan->extra, plan->order.witnesses);
    return r ? r : work_extra_finish(&plan->extra, &plan->tell.extra);
}

/* ---- what is told ---- */

static int plan_tell(struct work_plan *plan)
{
    struct bl_tell *tell = &plan->tell;
    int r;

    switch (plan->order.kind) {
    case WORK_VERSION:
        return bl_tell_version(tell, plan->order.self);
    case WORK_BASELINE:
        tell->what = BL_TOLD_EVERY;
        return bl_tell_list(tell, plan->order.self);
    case WORK_WEIGHT:
        return bl_tell_law(tell, plan->order.self, plan->order.is_capped_again);
    case WORK_ALLOW:
        r = plan_affected(plan);
        return r ? r : bl_tell_extra(tell);
    case WORK_CLOCK:
        r = plan_witnessed(plan);
        return r ? r : bl_tell_clock(tell);
    case WORK_EVIDENCE:
        r = plan_evidence(plan);
        return r ? r : bl_tell_extra(tell);
    case WORK_UNLISTED:
        tell->what = BL_TOLD_EVERY;
        tell->is_first = true;
        r = work_plan_others(plan);
        return r ? r : bl_tell_extra(tell);
    case WORK_EXEMPT:
        tell->what = plan->order.is_lost ? BL_TOLD_EVERY : BL_TOLD_MOVED;
        r = plan_witnessed(plan);
        return r ? r : bl_tell_exempt(tell);
    case WORK_KIND_COUNT:
        break;
    }
    return -EINVAL;
}

static int plan_scores(struct work_plan *plan)
{
    int r;

    plan->tell.job = &plan->lists->job;
    plan->tell.next_s = plan->order.tau_s + WORK_CLOCK_AHEAD_S;
    r = plan_tell(plan);
    if (!r)
        bl_tell_sort(&plan->verdicts);
    return r;
}

/* ---- cutting ---- */

enum {
    WORK_VERDICT_OVERHEAD = 64,
    WORK_REASON_OVERHEAD = 16 + 24 /* with its family */,
    WORK_OPERATOR_OVERHEAD = 64,
    WORK_EXEMPT_OVERHEAD = 64 + WORK_EXEMPT_NAME
};

/* The longest name of a list: the reasons of a verdict are not known before it is told. */
static size_t plan_longest(const struct work_plan *plan)
{
    size_t longest = 4; /* of a family */

    for (size_t i = 0; i < plan->order.n_voters; i++) {
        size_t len = strlen(plan->order.voters[i].name);

        longest = len > longest ? len : longest;
    }
    return longest;
}

/* What a verdict costs at most on the wire. */
static size_t plan_cost(const struct work_plan *plan, const struct bl_verdict *verdict, size_t longest)
{
    struct bl_key key = bl_tell_key(&plan->tell, verdict);
    size_t cost = WORK_VERDICT_OVERHEAD + (key.value ? key.len : sizeof("255.255.255.255"));

    if (bl_allow_count(plan->order.allow) + bl_allow_count(plan->order.allow_to))
        cost += WORK_OPERATOR_OVERHEAD;
    if (plan->order.exempt || plan->order.exempt_to)
        cost += WORK_EXEMPT_OVERHEAD;
    return cost + verdict->n_reasons * (longest + WORK_REASON_OVERHEAD);
}

int work_plan_cuts(struct work_plan *plan)
{
    size_t longest = plan_longest(plan);
    size_t bytes = 0;
    size_t entries = 0;
    uint32_t at = 0;
    int r = 0;

    for (; !r && at < bl_tell_count(&plan->verdicts); at++) {
        const struct bl_verdict *verdict = bl_tell_at(&plan->verdicts, at);
        size_t cost = plan_cost(plan, verdict, longest);

        if (entries == BL_PART_ENTRIES || bytes + cost > BL_PART_BYTES ||
            (entries && !bl_tell_is_alike(verdict - 1, verdict))) {
            r = tip_buf_append(&plan->cuts, &at, sizeof(at));
            bytes = entries = 0;
        }
        bytes += cost;
        entries++;
    }
    return !r && entries ? tip_buf_append(&plan->cuts, &at, sizeof(at)) : r;
}

size_t work_plan_cut(const struct work_plan *plan, size_t i, size_t *endp)
{
    const uint32_t *cuts = (const uint32_t *)(const void *)plan->cuts.data;

    *endp = cuts[i];
    return i ? cuts[i - 1] : 0;
}

/* ---- all of it ---- */

/* Times of a list's own are told while the age of its entries counts from them. */
static bool plan_is_stated(const struct work_plan *plan)
{
    const struct bl_score_source *self = &plan->lists->sources[plan->order.self];

    return work_is_of_source(plan->order.kind) && bl_law_counts_from_start(&self->law[BL_AFTER]) &&
           (bl_seen_states(&self->seen[BL_BEFORE]) || bl_seen_states(&self->seen[BL_AFTER]));
}

/* What is listed, or what has changed of it: a baseline has no version before. */
static int plan_listings(struct work_plan *plan)
{
    const struct work_order *order = &plan->order;
    const struct bl_score_source *self = &plan->lists->sources[order->self];
    const struct bl_set *from = &plan->from.file.set, *to = &plan->to.file.set;
    int r = bl_map_open(&plan->to, order->dir, order->name, order->to);

    if (!r && order->kind == WORK_VERSION)
        r = bl_map_open(&plan->from, order->dir, order->name, order->from);
    r = r ? r : bl_diff_run(&plan->diff, from, to);
    if (!r && plan->is_stated && order->kind == WORK_VERSION)
        r = bl_diff_restated(&plan->diff, to, &self->seen[BL_BEFORE], &self->seen[BL_AFTER]);
    return r ? r : bl_part_cut(&plan->parts, &plan->diff, from, to, &plan->to.body);
}

static int plan_fill(struct work_plan *plan)
{
    const struct work_order *order = &plan->order;
    int r = work_lists_open(&plan->lists, order);

    if (r)
        return r;
    plan->is_stated = plan_is_stated(plan);
    if (order->kind == WORK_VERSION || order->kind == WORK_BASELINE)
        r = plan_listings(plan);
    r = r ? r : plan_scores(plan);
    return r ? r : work_plan_cuts(plan);
}

struct work_plan *work_plan_new(const struct work_order *order)
{
    struct work_plan *plan = tip_new(struct work_plan);

    plan->order = *order;
    if (order->witnesses)
        bl_witnesses_build(order->witnesses);
    if (order->witnesses_to)
        bl_witnesses_build(order->witnesses_to);
    bl_diff_init(&plan->diff);
    work_extra_init(&plan->extra);
    tip_buf_init(&plan->parts, SIZE_MAX / 2);
    tip_buf_init(&plan->verdicts, SIZE_MAX / 2);
    tip_buf_init(&plan->cuts, SIZE_MAX / 2);
    plan->tell.verdicts = &plan->verdicts;
    return plan;
}

void work_plan_run(void *ctx)
{
    struct work_plan_job *job = ctx;
    struct work_plan *plan = work_plan_new(&job->order);

    job->error = plan_fill(plan);
    if (job->error)
        work_plan_destroy(&plan);
    job->plan = plan;
}
