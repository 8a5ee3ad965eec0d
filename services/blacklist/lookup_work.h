#pragma once
/*
 * What verdict.lookup answers from: the verdicts in force as one audience may see them (the same that view.h tells), in
 * memory. Immutable once built, in the pool; whoever wants a newer one builds it anew.
 */
#include <tip/call.h>

#include "core/index.h"
#include "view.h"

struct lookup_index {
    struct bl_index *index;
    struct work_voter *voters; /* whom reasons name; owned */
    size_t n_voters;
    struct bl_exempt_map *exempt; /* held */
    uint32_t tau_s;
    int64_t built_unix_ms; /* when the order was given */
};

void lookup_index_destroy(struct lookup_index **indexp);

/** A job of the pool. */
struct lookup_work {
    struct view_order order;    /* what it points at is the job's, and gone afterwards */
    struct lookup_index *index; /* set; NULL when error is not 0 */
    int error;
};

void lookup_work_run(void *work);

/** What a job that never ran owns. */
void lookup_work_deinit(struct lookup_work *work);

/** The body of the answer. @return 0, or -EMSGSIZE: it would be larger than a body may be */
tip_nodiscard int lookup_answer(const struct lookup_index *index, const struct tip_verdict_lookup *lookup,
                                struct tip_buf *out);
