#pragma once
/*
 * What may stand in section `scheduler` of tip.yaml, and the jobs made of it.
 */
#include <tip/opt.h>

#include "core/spec.h"

struct zone;

enum { SCHED_PREFIXES_MAX = 64 }; /* the broker takes no more in a fetch */

/** One entry of `jobs`, as written. */
struct sched_job_options {
    struct tip_opt_at at_file;
    char *name, *module, *target;
    char *at, *cron, *after, *timezone;
    int64_t every_ms, delay_ms, jitter_ms, deadline_ms, expires_ms;
    int missed; /* enum sched_missed */
};

struct sched_options {
    struct tip_opt_records jobs;
    int64_t manual_deadline_ms;
};

extern const struct tip_opt_table sched_options_table;

/** Semantic checks: refuses bad jobs at their place in the file. */
void sched_options_check(const void *options, struct tip_conf *conf);

/** The configured jobs, with the zones that their rules look at. */
struct sched_jobs {
    struct sched_spec *specs;
    size_t n;
    struct zone **zones; /* each once */
    size_t n_zones;
    const char *prefixes[SCHED_PREFIXES_MAX + 1]; /* of topics to listen to, NULL-terminated; borrowed from specs */
    size_t n_prefixes;
};

/**
 * @param conf  hears what is refused; may be NULL
 * @return 0, or -EINVAL when anything was refused; deinit in both cases
 */
tip_nodiscard int sched_jobs_make(struct sched_jobs *jobs, const struct sched_options *options, struct tip_conf *conf);
void sched_jobs_deinit(struct sched_jobs *jobs);
