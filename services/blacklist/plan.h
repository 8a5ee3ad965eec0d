#pragma once
/*
 * How a version, a weight, the operators' word or time becomes events: planned in the pool. Each job owns a private
 * copy of its input, and the plan comes back in it. Nothing here touches the app.
 */
#include <tip/event.h>

#include "core/allow.h"
#include "core/build.h"
#include "core/diff.h"
#include "core/part.h"
#include "core/tell.h"
#include "core/witness.h"
#include "io/exempt.h"
#include "io/files.h"
#include "work.h"

enum work_kind {
    WORK_VERSION,  /* a new version: what changed, and the verdicts that move */
    WORK_BASELINE, /* the current version in full, with its verdicts in full */
    WORK_WEIGHT,   /* the same version under another weight or half-life: verdicts only */
    WORK_ALLOW,    /* of no list: the verdicts that a change of the allow and deny list moves */
    WORK_CLOCK,    /* of no list: the verdicts that time has moved; `from` and `to` are score times */
    WORK_EVIDENCE, /* of no list: the verdicts that what TIP saw itself moves; `from` and `to` are its changes */
    WORK_UNLISTED, /* of no list: the verdicts on what none names, in full: the rest of a baseline of all */
    WORK_EXEMPT, /* of no list: the verdicts that another table of exemptions moves; `from` and `to` are its numbers */
    WORK_KIND_COUNT
};

/** Is it about one source? */
static inline bool work_is_of_source(enum work_kind kind)
{
    return kind == WORK_VERSION || kind == WORK_BASELINE || kind == WORK_WEIGHT;
}

enum { WORK_KIN_MAX = 64, WORK_EXEMPT_NAME = 24 + BL_EXEMPT_LIST_NAME /* "role:list" */ };

/** What core/score.h wants to know of a source besides its law. */
struct work_marks {
    bool is_trusted, is_final, is_whole;
};

struct work_voter {
    char name[TIP_NAME_MAX + 1];
    uint64_t version;
    int64_t fetched_unix_ms;
    struct bl_law law;
    enum tip_tlp tlp;
    struct work_marks marks; /* in force */
    struct bl_kin kin;       /* likewise; what it points at stands behind the array */
};

/** Its kin as it is kept. */
struct work_kin {
    uint64_t group; /* 0: not known */
    uint64_t from[WORK_KIN_MAX];
};

/** As core/score.h reads it. */
struct bl_kin work_kin(const struct work_kin *kin);

struct work_voters {
    struct work_voter *items; /* one block: free() */
    size_t n, self;
};

struct work_order {
    enum work_kind kind;
    char dir[WORK_PATH];
    struct bl_shelf *shelf; /* of that directory; NULL: none */
    char name[TIP_NAME_MAX + 1];
    uint64_t from, to; /* versions; baseline: from is 0; weight: both the same */
    struct bl_law law_before, law_after;
    struct work_marks marks_after;
    struct work_kin kin_after;
    struct work_voter *voters; /* all lists in the order of their names, the one itself among them; of the job */
    size_t n_voters, self;     /* n_voters: of no list */
    uint32_t tau_s;            /* score time; WORK_CLOCK: afterwards */
    bool is_capped_again;      /* WORK_WEIGHT: whom the list is independent of has changed */
    struct bl_allow *allow;    /* the list in force, and the one behind a WORK_ALLOW (else NULL); the job owns them */
    struct bl_allow *allow_to;
    struct bl_allow *allow_changed;    /* WORK_ALLOW: the entries that make the difference */
    struct bl_witnesses *witnesses;    /* in force; NULL: none. The job keeps them; built in the pool */
    struct bl_witnesses *witnesses_to; /* WORK_EVIDENCE: those behind it */
    struct bl_exempt_map *exempt;      /* in force; NULL: none. The job holds them */
    struct bl_exempt_map *exempt_to;   /* WORK_EXEMPT: the one behind it */
    bool is_lost;                      /* WORK_EXEMPT: nobody knows any more what the one in force was */
};

/** What an order owns. */
void work_order_deinit(struct work_order *order);

/** The lists of an order, mapped, and what they say of an indicator. */
struct work_lists {
    struct bl_seen_map *maps; /* one a voter, and one for the version that comes */
    struct bl_score_source *sources;
    size_t n;
    struct bl_score_job job;
};

/** @return 0 or a negative errno; what is damaged or gone has no say */
tip_nodiscard int work_lists_open(struct work_lists **listsp, const struct work_order *order);
void work_lists_destroy(struct work_lists **listsp);

/** Indicators by themselves: what `extra` of core/tell.h looks at. */
struct work_extra {
    struct bl_build build;
    struct bl_seen_ip4 *ip4;
    struct bl_seen_text *text;
};

/** Everything that a job publishes, part by part. */
struct work_plan {
    struct work_order order;
    struct bl_map from, to;   /* for the listings */
    struct work_lists *lists; /* until the last part: each says what it says when it is told */
    bool has_borrowed;        /* the lists are another's */
    struct work_extra extra;
    struct bl_diff diff;
    struct tip_buf parts; /* struct bl_part: listing events */
    bool is_stated;       /* entries are as old as the list itself says, and that is told with them */
    struct bl_tell tell;
    struct tip_buf verdicts; /* struct bl_verdict */
    struct tip_buf cuts;     /* uint32_t: where each verdict event ends */
};

struct work_plan_job {
    struct work_order order;
    struct work_plan *plan; /* set; NULL when error is not 0 */
    int error;
};

void work_plan_run(void *job);

/** What needs no list: what is denied by name and what TIP saw itself is what the plan looks at. @return 0 or negative
 * errno */
tip_nodiscard int work_plan_others(struct work_plan *plan);

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
