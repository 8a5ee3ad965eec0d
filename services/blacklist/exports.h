#pragma once
/*
 * Exports of this process: when each is worked out, and what became of it. After whatever is published, and once an
 * hour, at most once in `export_interval` a view, one at a time, in the pool.
 */
#include "export_job.h"
#include "options.h"

struct app;

struct app_export {
    struct export_spec spec;
    bool is_due, is_released;
    int64_t started_ms;  /* monotonic; 0: never */
    int64_t ran_unix_ms; /* when it was last worked out; 0: not yet */
    uint64_t n_runs;     /* times it was worked out by this process */
    enum export_end end;
    char why[160];
    size_t n_entries, n_before, n_gone; /* of the last time, held or not */
    struct bl_export_mark mark;         /* in force */
};

struct app_exports {
    struct app_export *items;
    size_t n;
    char dir[WORK_PATH];
    char producer[256];
    int64_t interval_ms;
    bool is_running;
};

/** The views of tip.yaml; what became of those that stay is kept. @return 0 or a negative errno */
tip_nodiscard int exports_configure(struct app *app, const struct bl_options *options);
void exports_free(struct app *app);

/** Verdicts have moved. */
void exports_touch(struct app *app);

/** Each second, and when one has ended. */
void exports_tick(struct app *app);

void exports_on_metrics(struct app *app);

struct app_export *exports_find(struct app *app, const char *name);

/** The directory of a view. */
void exports_dir(const struct app *app, const char *name, char dir[static WORK_PATH + 32]);
