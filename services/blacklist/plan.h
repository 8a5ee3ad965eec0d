#pragma once
/*
 * How a version, a weight or the operators' word becomes events: planned in the pool. Each job owns a private copy of
 * its input, and the plan comes back in it. Nothing here touches the app.
 */
#include <tip/event.h>

#include "core/allow.h"
#include "core/build.h"
#include "core/diff.h"
#include "core/part.h"
#include "core/score.h"
#include "io/files.h"
#include "work.h"

enum work_kind {
    WORK_VERSION,  /* a new version: what changed, and the verdicts that move */
    WORK_BASELINE, /* the current version in full, with its verdicts in full */
    WORK_WEIGHT,   /* the same version under another weight: verdicts only */
    WORK_ALLOW,    /* of no list: the verdicts that a change of the allow and deny list moves */
    WORK_KIND_COUNT
};

struct work_voter {
    char name[TIP_NAME_MAX + 1];
    uint64_t version;
    double weight;
    enum tip_tlp tlp;
};

struct work_order {
    enum work_kind kind;
    char dir[WORK_PATH];
    char name[TIP_NAME_MAX + 1];
    uint64_t from, to; /* versions; baseline: from is 0; weight: both the same */
    double weight_before, weight_after;
    struct work_voter *voters; /* the other lists; the job owns the array */
    size_t n_voters;
    struct bl_allow *allow; /* the list in force, and the one behind a WORK_ALLOW (else NULL); the job owns them */
    struct bl_allow *allow_to;
    struct bl_allow *allow_changed; /* WORK_ALLOW: the entries that make the difference */
};

/** What an order owns. */
void work_order_deinit(struct work_order *order);

/** Everything that a job publishes, part by part. */
struct work_plan {
    struct work_order order;
    struct bl_map from, to;
    struct bl_build affected; /* WORK_ALLOW: what `to` looks at */
    struct bl_diff diff;
    struct tip_buf parts;    /* struct bl_part: listing events */
    struct tip_buf verdicts; /* struct bl_verdict */
    struct tip_buf cuts;     /* uint32_t: where each verdict event ends */
};

struct work_plan_job {
    struct work_order order;
    struct work_plan *plan; /* set; NULL when error is not 0 */
    int error;
};

void work_plan_run(void *job);

/** The indicators of the deny entries, as a set of the plan's own. @return 0 or negative errno */
tip_nodiscard int work_plan_denied(struct work_plan *plan, const struct bl_allow *allow);

/** An empty plan, and its verdicts cut into events: for work_plan_run, and for whoever makes one by other means. */
struct work_plan *work_plan_new(const struct work_order *order);
tip_nodiscard int work_plan_cuts(struct work_plan *plan);
void work_plan_destroy(struct work_plan **planp);

static inline size_t work_plan_listings(const struct work_plan *plan)
{
    return bl_part_count(&plan->parts);
}

static inline size_t work_plan_verdicts(const struct work_plan *plan)
{
    return plan->cuts.len / sizeof(uint32_t);
}

/** Where the i-th verdict event starts and ends among the verdicts. */
size_t work_plan_cut(const struct work_plan *plan, size_t i, size_t *endp);
