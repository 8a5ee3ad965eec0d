#include "view.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include <tip/alloc.h>
#include <tip/bus.h>
#include <tip/log.h>

#include "core/flag.h"

/* List by list; an indicator belongs to the first list that has it, with the others as voters. Denials come last. */
struct view {
    struct view_order order;
    struct bl_map *maps; /* NULL: not opened yet */
    struct bl_voter *voters;
    size_t list;            /* that is being told */
    struct work_plan *plan; /* of it; NULL: not made yet. Its map is the view's */
    size_t next;            /* event of it */
    struct codec_scratch *scratch;
    struct tip_buf bytes;
};

struct view *view_new(const struct view_order *order)
{
    struct view *view = tip_new(struct view);

    view->order = *order;
    view->scratch = tip_new(struct codec_scratch);
    tip_buf_init(&view->bytes, TIP_EVENT_BYTES_MAX);
    return view;
}

static void view_plan_drop(struct view *view)
{
    if (!view->plan)
        return;
    view->plan->to = (struct bl_map){0};
    work_plan_destroy(&view->plan);
}

void view_destroy(struct view **viewp)
{
    struct view *view = tip_take(*viewp);

    if (!view)
        return;
    view_plan_drop(view);
    for (size_t i = 0; view->maps && i < view->order.n_lists; i++)
        bl_map_close(&view->maps[i]);
    free(view->maps);
    free(view->voters);
    free(view->order.lists);
    bl_allow_destroy(&view->order.allow);
    free(view->scratch);
    tip_buf_deinit(&view->bytes);
    free(view);
    (void)malloc_trim(0); /* the verdicts of a long list are large, and the next snapshot far away */
}

/* What cannot be read has no say until it is fetched again, as when a version is planned. */
static void view_open(struct view *view)
{
    view->maps = tip_new_array(view->order.n_lists, struct bl_map);
    view->voters = tip_new_array(view->order.n_lists + 1, struct bl_voter);
    for (size_t i = 0; i < view->order.n_lists; i++) {
        const struct work_voter *list = &view->order.lists[i];

        if (bl_map_open(&view->maps[i], view->order.dir, list->name, list->version))
            tip_error("view.lost", "source=%s", list->name);
    }
}

/* The others, those that come before the list first. */
static void view_voters(struct view *view, struct work_order *order)
{
    order->voters = tip_new_array(view->order.n_lists, struct work_voter);
    for (size_t i = 0; i < view->order.n_lists; i++) {
        if (i == view->list)
            continue;
        view->voters[order->n_voters] = (struct bl_voter){.set = view->maps[i].file.set,
                                                          .weight = view->order.lists[i].weight,
                                                          .tlp = (uint8_t)view->order.lists[i].tlp};
        order->voters[order->n_voters++] = view->order.lists[i];
    }
}

static bool view_is_told(struct view *view, const struct bl_set *set, uint32_t index)
{
    for (size_t i = 0; i < view->list; i++) {
        if (bl_set_find(&view->voters[i].set, &view->voters[i].cursor, set, index))
            return true;
    }
    return false;
}

/* Keeps what no list before this one has. Verdicts are in the order of the set. */
static void view_keep_new(struct view *view)
{
    struct tip_buf *verdicts = &view->plan->verdicts;
    struct bl_verdict *items = (struct bl_verdict *)(void *)verdicts->data;
    size_t kept = 0;

    for (size_t i = 0; i < view->plan->order.n_voters; i++)
        view->voters[i].cursor = 0;
    for (size_t i = 0; i < bl_score_count(verdicts); i++) {
        if (!view_is_told(view, &view->plan->to.file.set, items[i].index))
            items[kept++] = items[i];
    }
    verdicts->len = kept * sizeof(*items);
}

static int view_plan(struct view *view)
{
    const struct work_voter *list = &view->order.lists[view->list];
    struct work_order order = {
        .kind = WORK_BASELINE, .to = list->version, .weight_before = list->weight, .weight_after = list->weight};
    struct bl_score_job job = {.after = view->maps[view->list].file.set,
                               .weight_before = list->weight,
                               .weight_after = list->weight,
                               .allow_before = view->order.allow,
                               .allow_after = view->order.allow,
                               .voters = view->voters};
    int r;

    strcpy(order.name, list->name);
    view_voters(view, &order);
    job.n_voters = order.n_voters;
    view->plan = work_plan_new(&order);
    view->plan->to = view->maps[view->list];
    view->next = 0;
    r = bl_score_full(&view->plan->verdicts, &job);
    if (r)
        return r;
    view_keep_new(view);
    return work_plan_cuts(view->plan);
}

/* Behind all lists: what is denied by name, and stands on none of them. */
static int view_plan_denied(struct view *view)
{
    struct work_order order = {.kind = WORK_ALLOW, .name = CODEC_OPERATOR};
    struct bl_score_job job = {
        .allow_before = view->order.allow, .allow_after = view->order.allow, .voters = view->voters};
    int r;

    view_voters(view, &order);
    job.n_voters = order.n_voters;
    view->plan = work_plan_new(&order);
    view->next = 0;
    r = work_plan_denied(view->plan, view->order.allow);
    job.after = view->plan->to.file.set;
    r = r ? r : bl_score_full(&view->plan->verdicts, &job);
    if (r)
        return r;
    view_keep_new(view);
    return work_plan_cuts(view->plan);
}

int view_next(struct view *view, struct tip_event *event)
{
    int r = 0;

    if (!view->maps)
        view_open(view);
    while (view->list <= view->order.n_lists) {
        if (!view->plan)
            r = view->list < view->order.n_lists ? view_plan(view) : view_plan_denied(view);
        if (r)
            return r;
        if (view->next < work_plan_verdicts(view->plan)) {
            const struct codec_part part = {.plan = view->plan, .index = view->next++, .stream = view->order.stream};

            (void)codec_verdicts(event, &part, view->scratch); /* every list that is looked at may be seen */
            return 0;
        }
        view_plan_drop(view);
        view->list++;
    }
    return TIP_SNAPSHOT_E_END;
}

bool view_is_subtree(struct view *view, size_t index)
{
    size_t end;
    const struct bl_verdict *verdict =
        bl_score_at(&view->plan->verdicts, work_plan_cut(view->plan, view->next - 1, &end) + index);
    const struct bl_set *set = &view->plan->to.file.set;

    if (bl_set_flags(set, verdict->index) & BL_FLAG_SUBTREE)
        return true;
    for (size_t i = 0; i < view->plan->order.n_voters; i++) {
        size_t cursor = 0;

        if (bl_set_find(&view->voters[i].set, &cursor, set, verdict->index) &&
            bl_set_flags(&view->voters[i].set, cursor) & BL_FLAG_SUBTREE)
            return true;
    }
    return false;
}

int view_step(struct view *view, struct tip_snapshot_out *out)
{
    struct tip_event event;
    int r = view_next(view, &event);

    if (r)
        return r;
    event.id = tip_id_random();
    event.observed_unix_ms = view->order.now_unix_ms;
    tip_buf_clear(&view->bytes);
    r = tip_event_encode(&event, &view->bytes);
    return r ? r : tip_snapshot_add(out, view->bytes.data, view->bytes.len);
}
