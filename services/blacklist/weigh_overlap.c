#include "weigh_overlap.h"

#include <math.h>
#include <string.h>

#include <tip/clock.h>

#include "app.h"

#define OVERLAP_MOVED 0.05
#define OVERLAP_SLACK 1e-9

void weigh_overlap_tell(struct tip_source_weight *event, struct tip_source_overlap *to, const struct weigh_order *order,
                        size_t at)
{
    const struct weigh_overlaps *told = &order->overlaps[at];

    for (size_t i = 0; i < told->n; i++) {
        const struct bl_overlap *overlap = &told->best[i];

        to[i] = (struct tip_source_overlap){.source = order->items[overlap->other].name,
                                            .n_scored = order->weights[overlap->other].n_scored,
                                            .n_shared = overlap->n_shared,
                                            .n_first = overlap->n_first,
                                            .n_late = overlap->n_late};
    }
    event->overlaps = to;
    event->n_overlaps = told->n;
    event->overlap_count = (uint32_t)told->n_all;
    event->overlaps_unix_ms = (int64_t)order->weights[at].now_s * TIP_SECOND_MS;
    event->overlaps_scored = order->weights[at].n_scored;
}

/* ---- is it worth telling? ---- */

/* Of the smaller of the two, how much the other has too: the same whoever asks. */
static double overlap_share(const struct tip_source_weight *event, const struct tip_source_overlap *overlap)
{
    double least = overlap->n_scored < event->overlaps_scored ? overlap->n_scored : event->overlaps_scored;

    return least > 0 ? overlap->n_shared / least : 0;
}

static const struct tip_source_overlap *overlap_find(const struct tip_source_weight *event, const char *name)
{
    for (size_t i = 0; i < event->n_overlaps; i++) {
        if (!strcmp(event->overlaps[i].source, name))
            return &event->overlaps[i];
    }
    return NULL;
}

/*
 * Does one say of a pair what the other does not? Who is not among the strongest of many shares at most as much as the
 * last of them: then nobody can tell, and two that take turns at the last place are no news.
 */
static bool overlap_differs(const struct tip_source_weight *one, const struct tip_source_weight *other)
{
    for (size_t i = 0; i < one->n_overlaps; i++) {
        const struct tip_source_overlap *here = &one->overlaps[i], *there = overlap_find(other, here->source);
        double share = overlap_share(one, here);

        if (there ? fabs(share - overlap_share(other, there)) >= OVERLAP_MOVED - OVERLAP_SLACK
                  : share >= OVERLAP_MOVED && other->n_overlaps == other->overlap_count)
            return true;
    }
    return false;
}

bool weigh_overlap_moved(const struct tip_source_weight *last, const struct tip_source_weight *now)
{
    return overlap_differs(now, last) || overlap_differs(last, now);
}

/* ---- who may know ---- */

void weigh_overlap_filter(const struct app_source *source, struct tip_source_weight *event, enum tip_tlp tlp)
{
    size_t n = 0;

    for (size_t i = 0; i < event->n_overlaps; i++) {
        const struct app_source *other = app_source_find(source->app, event->overlaps[i].source);

        if ((other ? app_source_tlp(other) : TIP_TLP_AMBER) <= tlp)
            event->overlaps[n++] = event->overlaps[i];
        else
            event->overlap_count--;
    }
    event->n_overlaps = n;
}
