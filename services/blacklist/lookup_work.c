#include "lookup_work.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include <tip/alloc.h>
#include <tip/clock.h>

void lookup_index_destroy(struct lookup_index **indexp)
{
    struct lookup_index *index = tip_take(*indexp);

    if (!index)
        return;
    bl_index_destroy(&index->index);
    bl_exempt_map_destroy(&index->exempt);
    free(index->voters);
    free(index);
    (void)malloc_trim(0); /* it is large, and may be the last one for long */
}

void lookup_work_deinit(struct lookup_work *work)
{
    free(work->order.lists);
    bl_allow_destroy(&work->order.allow);
    bl_witnesses_destroy(&work->order.witnesses);
    bl_exempt_map_destroy(&work->order.exempt);
}

/* ---- building ---- */

static int lookup_fill(struct work_plan *plan, struct lookup_index *index)
{
    int r = work_lists_open(&plan->lists, &plan->order);

    r = r ? r : work_plan_others(plan);
    if (r)
        return r;
    return bl_index_fill(index->index, &plan->lists->job, &plan->tell.extra, tip_take(plan->order.allow));
}

void lookup_work_run(void *ctx)
{
    struct lookup_work *work = ctx;
    struct lookup_index *index = tip_new(struct lookup_index);
    struct work_order order = {.kind = WORK_BASELINE,
                               .shelf = work->order.shelf,
                               .voters = tip_take(work->order.lists),
                               .n_voters = work->order.n_lists,
                               .self = work->order.n_lists,
                               .tau_s = work->order.tau_s,
                               .allow = tip_take(work->order.allow),
                               .exempt = tip_take(work->order.exempt),
                               .witnesses = tip_take(work->order.witnesses)};
    struct work_plan *plan;

    strcpy(order.dir, work->order.dir);
    if (order.witnesses)
        bl_witnesses_build(order.witnesses);
    plan = work_plan_new(&order);
    *index = (struct lookup_index){.index = bl_index_new(),
                                   .n_voters = order.n_voters,
                                   .exempt = bl_exempt_map_hold(order.exempt),
                                   .tau_s = order.tau_s,
                                   .built_unix_ms = work->order.now_unix_ms};
    work->error = lookup_fill(plan, index);
    index->voters = tip_take(plan->order.voters);
    work_plan_destroy(&plan);
    if (work->error)
        lookup_index_destroy(&index);
    work->index = index;
}

/* ---- answering ---- */

/* An answer under way; texts of hosts lie in `items`. */
struct lookup_scratch {
    struct tip_verdict_found found[TIP_LOOKUP_MAX];
    struct tip_verdict verdicts[TIP_LOOKUP_MAX][TIP_FOUND_VERDICTS_MAX];
    struct codec_room rooms[TIP_LOOKUP_MAX][TIP_FOUND_VERDICTS_MAX];
    struct bl_item items[TIP_LOOKUP_MAX][TIP_FOUND_VERDICTS_MAX];
};

static void lookup_add(struct lookup_scratch *scratch, size_t at, const struct codec_names *names,
                       const struct bl_score_detail *detail, const struct bl_key *key)
{
    struct tip_verdict_found *found = &scratch->found[at];
    struct bl_item *item = &scratch->items[at][found->n_verdicts];
    struct tip_verdict *verdict = &scratch->verdicts[at][found->n_verdicts];

    codec_detail(verdict, detail, names, &scratch->rooms[at][found->n_verdicts++]);
    bl_key_item(key, item);
    verdict->kind = item->kind;
    verdict->value = item->value;
    verdict->value_len = item->len;
}

static void lookup_one(const struct lookup_index *index, struct lookup_scratch *scratch, size_t at,
                       const struct tip_indicator *indicator)
{
    const struct codec_names names = {index->voters, index->n_voters, bl_exempt_of(index->exempt)};
    struct bl_index_found is = bl_index_find(index->index, indicator->kind, indicator->value, indicator->len);

    scratch->found[at] = (struct tip_verdict_found){.unreadable = "",
                                                    .score = is.score,
                                                    .tier = tip_tier_of(is.score),
                                                    .inherited = is.decides && !is.is_own,
                                                    .share = is.share,
                                                    .allowed = is.rule == BL_RULE_ALLOW,
                                                    .denied = is.rule == BL_RULE_DENY,
                                                    .verdicts = scratch->verdicts[at]};
    if (is.decides)
        lookup_add(scratch, at, &names, is.decides, &is.from);
    if (is.own && !is.is_own)
        lookup_add(scratch, at, &names, is.own, &is.own_key);
}

int lookup_answer(const struct lookup_index *index, const struct tip_verdict_lookup *lookup, struct tip_buf *out)
{
    tip_auto(tip_free) struct lookup_scratch *scratch = tip_new(struct lookup_scratch);
    const struct tip_verdict_answer answer = {.n_found = lookup->n_items,
                                              .found = scratch->found,
                                              .scored_unix_ms = index->tau_s * TIP_SECOND_MS,
                                              .built_unix_ms = index->built_unix_ms};

    for (size_t i = 0; i < lookup->n_items; i++) {
        const struct tip_lookup_item *item = &lookup->items[i];
        struct tip_indicator indicator;
        int r = tip_indicator_parse(&indicator, item->kind, item->value, strlen(item->value));

        if (r)
            scratch->found[i] = (struct tip_verdict_found){.unreadable = tip_indicator_reason(r)};
        else
            lookup_one(index, scratch, i, &indicator);
    }
    return tip_verdict_answer_encode(&answer, out);
}
