#include "plan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <tip/alloc.h>
#include <tip/log.h>

void work_order_deinit(struct work_order *order)
{
    bl_allow_destroy(&order->allow);
    bl_allow_destroy(&order->allow_to);
    bl_allow_destroy(&order->allow_changed);
    free(order->voters);
}

void work_plan_destroy(struct work_plan **planp)
{
    struct work_plan *plan = tip_take(*planp);

    if (!plan)
        return;
    bl_map_close(&plan->from);
    bl_map_close(&plan->to);
    bl_diff_deinit(&plan->diff);
    tip_buf_deinit(&plan->parts);
    tip_buf_deinit(&plan->verdicts);
    tip_buf_deinit(&plan->cuts);
    bl_build_deinit(&plan->affected);
    work_order_deinit(&plan->order);
    free(plan);
}

/* The other lists, mapped for as long as the scores take. */
struct work_voters {
    struct bl_map *maps;
    struct bl_voter *items;
    size_t n;
};

static void work_voters_deinit(struct work_voters *voters)
{
    for (size_t i = 0; i < voters->n; i++)
        bl_map_close(&voters->maps[i]);
    free(voters->maps);
    free(voters->items);
}

static int work_voters_open(struct work_voters *voters, const struct work_order *order)
{
    int r = 0;

    *voters = (struct work_voters){.maps = tip_new_array(order->n_voters, struct bl_map),
                                   .items = tip_new_array(order->n_voters, struct bl_voter),
                                   .n = order->n_voters};
    for (size_t i = 0; i < order->n_voters; i++) {
        r = bl_map_open(&voters->maps[i], order->dir, order->voters[i].name, order->voters[i].version);
        if (r && !bl_files_is_lost(r))
            return r;
        if (r)
            tip_error("voter.lost", "source=%s", order->voters[i].name); /* it has no say until it is fetched again */
        voters->items[i] = (struct bl_voter){
            .set = voters->maps[i].file.set, .weight = order->voters[i].weight, .tlp = (uint8_t)order->voters[i].tlp};
    }
    return 0;
}

static int work_affect_item(struct bl_build *build, enum tip_kind kind, const char *value, size_t len)
{
    const struct bl_text where = {.line = 0};
    struct tip_addr addr;
    struct bl_ip4 *room;

    if (kind != TIP_KIND_IP || tip_addr_parse(&addr, value, len) || addr.family != 4)
        return bl_build_text(build, kind, value, len, &where) ? -ENOBUFS : 0;
    room = bl_build_room4(build);
    if (!room)
        return -ENOBUFS;
    *room = (struct bl_ip4){.addr = (uint32_t)addr.bytes[0] << 24 | (uint32_t)addr.bytes[1] << 16 |
                                    (uint32_t)addr.bytes[2] << 8 | addr.bytes[3]};
    bl_build_push4(build, room->addr);
    return 0;
}

static int work_affect_set(struct bl_build *build, const struct bl_set *set, const struct bl_allow *changed)
{
    struct bl_item item;
    int r = 0;

    for (size_t i = 0; !r && i < bl_set_count(set); i++) {
        if (bl_allow_find_in(changed, set, i).rule == BL_RULE_NONE)
            continue;
        bl_set_item(set, i, &item);
        r = work_affect_item(build, item.kind, item.value, item.len);
    }
    return r;
}

/* What is denied by name; with `changed` only what lies under a changed entry. */
static int work_affect_denied(struct bl_build *build, const struct bl_allow *allow, const struct bl_allow *changed)
{
    struct bl_allow_item item;
    int r = 0;

    for (size_t i = 0; !r && i < bl_allow_count(allow); i++) {
        bl_allow_item(allow, i, &item);
        if (item.entry.rule != BL_RULE_DENY ||
            (changed && bl_allow_find(changed, item.kind, item.value, item.len).rule == BL_RULE_NONE))
            continue;
        r = work_affect_item(build, item.kind, item.value, item.len);
    }
    return r;
}

static int work_affect_end(struct work_plan *plan)
{
    int r = bl_build_finish(&plan->affected);

    plan->to.file.set = bl_build_set(&plan->affected);
    return r;
}

int work_plan_denied(struct work_plan *plan, const struct bl_allow *allow)
{
    int r = work_affect_denied(&plan->affected, allow, NULL);

    return r ? r : work_affect_end(plan);
}

/* What a change of the list can move: what is listed and lies under a changed entry, and what is or was denied by name.
 */
static int work_plan_affected(struct work_plan *plan, const struct work_voters *voters)
{
    const struct bl_allow *changed = plan->order.allow_changed;
    int r = work_affect_denied(&plan->affected, plan->order.allow, changed);

    r = r ? r : work_affect_denied(&plan->affected, plan->order.allow_to, changed);
    for (size_t i = 0; !r && i < voters->n; i++)
        r = work_affect_set(&plan->affected, &voters->items[i].set, changed);
    return r ? r : work_affect_end(plan);
}

static int work_plan_scores(struct work_plan *plan)
{
    tip_auto(work_voters_deinit) struct work_voters voters = {0};
    struct bl_score_job job = {
        .before = plan->from.file.set,
        .after = plan->to.file.set,
        .weight_before = plan->order.weight_before,
        .weight_after = plan->order.weight_after,
        .allow_before = plan->order.allow,
        .allow_after = plan->order.kind == WORK_ALLOW ? plan->order.allow_to : plan->order.allow,
    };
    int r;

    r = work_voters_open(&voters, &plan->order);
    if (!r && plan->order.kind == WORK_ALLOW)
        r = work_plan_affected(plan, &voters);
    if (r)
        return r;
    job.after = plan->to.file.set;
    job.voters = voters.items;
    job.n_voters = voters.n;
    switch (plan->order.kind) {
    case WORK_VERSION:
        return bl_score_diff(&plan->verdicts, &job, &plan->diff);
    case WORK_BASELINE:
        return bl_score_every(&plan->verdicts, &job);
    case WORK_WEIGHT:
    case WORK_ALLOW: /* the list itself weighs nothing here, before and after */
        return bl_score_weight(&plan->verdicts, &job);
    case WORK_KIND_COUNT:
        break;
    }
    return -EINVAL;
}

enum { WORK_VERDICT_OVERHEAD = 64, WORK_REASON_OVERHEAD = 16, WORK_OPERATOR_OVERHEAD = 64 };

/* What a verdict costs at most on the wire. */
static size_t work_verdict_cost(const struct work_plan *plan, const struct bl_verdict *verdict)
{
    const struct bl_set *set = verdict->in_old ? &plan->from.file.set : &plan->to.file.set;
    struct bl_item item;
    size_t cost = WORK_VERDICT_OVERHEAD + strlen(plan->order.name) + WORK_REASON_OVERHEAD;

    cost += verdict->rule == BL_RULE_NONE ? 0 : WORK_OPERATOR_OVERHEAD;
    bl_set_item(set, verdict->index, &item);
    for (size_t i = 0; i < BL_SCORE_REASONS && i < verdict->count; i++)
        cost += strlen(plan->order.voters[verdict->voters[i]].name) + WORK_REASON_OVERHEAD;
    return cost + item.len;
}

int work_plan_cuts(struct work_plan *plan)
{
    size_t bytes = 0;
    size_t entries = 0;
    uint32_t at = 0;
    int r = 0;

    for (; !r && at < bl_score_count(&plan->verdicts); at++) {
        size_t cost = work_verdict_cost(plan, bl_score_at(&plan->verdicts, at));

        if (entries == BL_PART_ENTRIES || bytes + cost > BL_PART_BYTES) {
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

static int work_plan_fill(struct work_plan *plan)
{
    const struct work_order *order = &plan->order;
    int r = 0;

    if (order->kind != WORK_ALLOW)
        r = bl_map_open(&plan->to, order->dir, order->name, order->to);
    if (!r && order->kind == WORK_VERSION)
        r = bl_map_open(&plan->from, order->dir, order->name, order->from);
    if (!r && order->kind != WORK_WEIGHT && order->kind != WORK_ALLOW) {
        r = bl_diff_run(&plan->diff, &plan->from.file.set, &plan->to.file.set);
        r = r ? r : bl_part_cut(&plan->parts, &plan->diff, &plan->from.file.set, &plan->to.file.set, &plan->to.body);
    }
    r = r ? r : work_plan_scores(plan);
    return r ? r : work_plan_cuts(plan);
}

struct work_plan *work_plan_new(const struct work_order *order)
{
    struct work_plan *plan = tip_new(struct work_plan);

    plan->order = *order;
    bl_diff_init(&plan->diff);
    bl_build_init(&plan->affected, UINT32_MAX / 2);
    tip_buf_init(&plan->parts, SIZE_MAX / 2);
    tip_buf_init(&plan->verdicts, SIZE_MAX / 2);
    tip_buf_init(&plan->cuts, SIZE_MAX / 2);
    return plan;
}

void work_plan_run(void *ctx)
{
    struct work_plan_job *job = ctx;
    struct work_plan *plan = work_plan_new(&job->order);

    job->error = work_plan_fill(plan);
    if (job->error)
        work_plan_destroy(&plan);
    job->plan = plan;
}
