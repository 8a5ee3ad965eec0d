#pragma once
/*
 * The verdicts in force as one audience may see them, as the events that the feed carries: what a snapshot holds. Only
 * lists with a marking that the audience may see are looked at, so nothing of the others shows, not even by a score.
 * Everything but view_new runs in the pool.
 */
#include <tip/snapshot.h>

#include "codec.h"
#include "plan.h"

struct view;

struct view_order {
    char dir[WORK_PATH];    /* of the versions */
    struct bl_shelf *shelf; /* likewise; NULL: none */
    struct tip_id stream;
    int64_t now_unix_ms;
    uint32_t tau_s;           /* the score time */
    struct work_voter *lists; /* in the order of names; the view owns the array */
    size_t n_lists;
    struct bl_allow *allow;         /* of the view, too */
    struct bl_witnesses *witnesses; /* likewise; NULL: none */
    struct bl_exempt_map *exempt;   /* likewise */
};

struct view *view_new(const struct view_order *order);
void view_destroy(struct view **viewp);

/**
 * The next event, for whoever wants the verdicts themselves; what it points at lives until the next one.
 *
 * @return 0, TIP_SNAPSHOT_E_END, or negative errno
 */
tip_nodiscard int view_next(struct view *view, struct tip_event *event);

/** One event. @return 0, TIP_SNAPSHOT_E_END, or negative errno */
tip_nodiscard int view_step(struct view *view, struct tip_snapshot_out *out);
