#pragma once
/*
 * One export, worked out in the pool: the verdicts in force as its audience may see them, what the view wants of them,
 * compared with the last publication, and written if it says something else.
 */
#include "export_spec.h"
#include "io/export.h"
#include "view.h"

enum export_end {
    EXPORT_NONE,      /* not worked out yet */
    EXPORT_UNCHANGED, /* the files say it already */
    EXPORT_WRITTEN,
    EXPORT_HELD, /* it would lose more than half, or is too large: the last one stays */
    EXPORT_FAILED,
    EXPORT_END_COUNT
};

/** What people are told of a list: parallel to the lists of the order. */
struct export_source {
    enum bl_category category;
    char *attribution, *licence; /* NULL: not said */
};

struct export_job {
    struct export_spec spec;
    char dir[WORK_PATH + 32]; /* of the view's files */
    char producer[256];
    struct view_order order;       /* the job owns it until it runs: the view does then */
    struct export_source *sources; /* of the job */
    size_t n_sources;
    uint32_t withheld; /* of the lists that the audience may not see */
    bool is_released;  /* the guard does not look this once */

    enum export_end end;
    char why[160];
    size_t n_entries, n_before, n_gone;
    struct bl_export_mark mark; /* in force */
};

const char *export_end_name(enum export_end end);

/** Of what decides which verdicts are in a view, its audience among it. */
uint32_t export_fingerprint(const struct export_spec *spec);

void export_job_run(void *job);

/** What it owns. */
void export_job_deinit(struct export_job *job);
