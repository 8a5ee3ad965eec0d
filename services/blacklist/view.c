#include "view.h"

#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include <tip/alloc.h>
#include <tip/bus.h>

/* List by list; an indicator belongs to the first list that has it. What TIP saw itself and denials come last. */
struct view {
    struct view_order order;
    struct work_order lists_order; /* all lists, as they are in force; points into the order */
    struct work_lists *lists;      /* NULL: not opened yet */
    size_t list;                   /* that is being told */
    struct work_plan *plan;        /* of it; NULL: not made yet */
    size_t next;                   /* event of it */
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
    if (view->plan) { /* what it looks at is the view's */
        view->plan->order.voters = NULL;
        view->plan->order.allow = NULL;
        view->plan->order.witnesses = NULL;
        view->plan->order.exempt = NULL;
    }
    work_plan_destroy(&view->plan);
}

void view_destroy(struct view **viewp)
{
    struct view *view = tip_take(*viewp);

    if (!view)
        return;
    view_plan_drop(view);
    work_lists_destroy(&view->lists);
    free(view->order.lists);
    bl_allow_destroy(&view->order.allow);
    bl_witnesses_destroy(&view->order.witnesses);
    bl_exempt_map_destroy(&view->order.exempt);
    free(view->scratch);
    tip_buf_deinit(&view->bytes);
    free(view);
    (void)malloc_trim(0); /* the verdicts of a long list are large, and the next snapshot far away */
}

static int view_open(struct view *view)
{
    view->lists_order = (struct work_order){.kind = WORK_BASELINE,
                                            .shelf = view->order.shelf,
                                            .voters = view->order.lists,
                                            .n_voters = view->order.n_lists,
                                            .self = view->order.n_lists,
                                            .tau_s = view->order.tau_s,
                                            .allow = view->order.allow,
                                            .exempt = view->order.exempt,
                                            .witnesses = view->order.witnesses};
    strcpy(view->lists_order.dir, view->order.dir);
    if (view->order.witnesses)
        bl_witnesses_build(view->order.witnesses);
    return work_lists_open(&view->lists, &view->lists_order);
}

/* Behind all lists: what stands on none of them. */
static int view_tell_others(struct view *view)
{
    int r = work_plan_others(view->plan);

    return r ? r : bl_tell_extra(&view->plan->tell);
}

static int view_plan(struct view *view)
{
    bool is_list = view->list < view->order.n_lists;
    struct work_order order = view->lists_order;
    int r;

    order.self = view->list;
    order.to = is_list ? view->order.lists[view->list].version : 0;
    strcpy(order.name, is_list ? view->order.lists[view->list].name : CODEC_OPERATOR);
    view->plan = work_plan_new(&order);
    view->plan->lists = view->lists;
    view->plan->has_borrowed = true;
    view->plan->tell.job = &view->lists->job;
    view->plan->tell.what = BL_TOLD_WATCHED;
    view->plan->tell.is_first = true;
    view->next = 0;
    r = is_list ? bl_tell_list(&view->plan->tell, view->list) : view_tell_others(view);
    return r ? r : work_plan_cuts(view->plan);
}

int view_next(struct view *view, struct tip_event *event)
{
    int r = 0;

    if (!view->lists)
        r = view_open(view);
    while (!r && view->list <= view->order.n_lists) {
        if (!view->plan)
            r = view_plan(view);
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
    return r ? r : TIP_SNAPSHOT_E_END;
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
