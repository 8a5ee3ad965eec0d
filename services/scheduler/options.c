#include "options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <tip/alloc.h>
#include <tip/clock.h>

#include <topics.h>

#include "core/sched.h"
#include "io/zone.h"

static const char *const missed_names[] = {
    [SCHED_SKIP] = "skip", [SCHED_ONCE] = "once", [SCHED_ALL] = "all", [SCHED_MISSED_COUNT] = NULL};

#define JOB_AT(member) offsetof(struct sched_job_options, member)

static const struct tip_opt job_rows[] = {
    {.name = "at_file", .type = TIP_OPT_AT, .offset = JOB_AT(at_file)},
    {.name = "name",
     .type = TIP_OPT_STRING,
     .offset = JOB_AT(name),
     .flags = TIP_OPT_REQUIRED,
     .min = 1,
     .max = SCHED_NAME_MAX,
     .help = "What the job is called in events and commands."},
    {.name = "module",
     .type = TIP_OPT_STRING,
     .offset = JOB_AT(module),
     .flags = TIP_OPT_REQUIRED,
     .min = 1,
     .max = SCHED_NAME_MAX,
     .help = "Which module it starts, e.g. `blacklist`."},
    {.name = "target",
     .type = TIP_OPT_STRING,
     .offset = JOB_AT(target),
     .min = 0,
     .max = SCHED_NAME_MAX,
     .help = "What within the module, e.g. one source; without it all that is due there."},
    {.name = "every",
     .type = TIP_OPT_DURATION,
     .offset = JOB_AT(every_ms),
     .min = 1000,
     .max = 366.0 * TIP_DAY_MS,
     .help = "Rule: the time between two starts. A new job starts at once."},
    {.name = "at",
     .type = TIP_OPT_STRING,
     .offset = JOB_AT(at),
     .min = 20,
     .max = 24,
     .help = "Rule: once, at a time in the future, like `2026-11-22T04:00:00Z`."},
    {.name = "cron",
     .type = TIP_OPT_STRING,
     .offset = JOB_AT(cron),
     .min = 1,
     .max = 200,
     .help = "Rule: five fields as in crontab, or `@hourly`, `@daily`, `@weekly`, `@monthly`, `@yearly`."},
    {.name = "timezone",
     .type = TIP_OPT_STRING,
     .offset = JOB_AT(timezone),
     .min = 1,
     .max = 64,
     .help = "Whose clock `cron` means, e.g. `Europe/Berlin`; UTC without it."},
    {.name = "after",
     .type = TIP_OPT_STRING,
     .offset = JOB_AT(after),
     .min = 1,
     .max = SCHED_PREFIX_MAX,
     .help = "Rule: after each event under this topic prefix, e.g. `v1.schedule.done.blacklist.`."},
    {.name = "delay",
     .type = TIP_OPT_DURATION,
     .offset = JOB_AT(delay_ms),
     .max = 31.0 * TIP_DAY_MS,
     .help = "How long after the event `after` starts; further events meanwhile change nothing."},
    {.name = "jitter",
     .type = TIP_OPT_DURATION,
     .offset = JOB_AT(jitter_ms),
     .max = 1.0 * TIP_DAY_MS,
     .help = "Chance in the start: `every` as much sooner or later at most, the others later."},
    {.name = "deadline",
     .type = TIP_OPT_DURATION,
     .offset = JOB_AT(deadline_ms),
     .fallback = "10m",
     .min = 1000,
     .max = 31.0 * TIP_DAY_MS,
     .help = "How long a run may take until its report; then it is overdue and the job goes on."},
    {.name = "expires",
     .type = TIP_OPT_DURATION,
     .offset = JOB_AT(expires_ms),
     .max = 31.0 * TIP_DAY_MS,
     .help = "How long after the start a module may still begin; as long as the deadline without it."},
    {.name = "missed",
     .type = TIP_OPT_ENUM,
     .offset = JOB_AT(missed),
     .fallback = "once",
     .names = missed_names,
     .help = "What becomes of times that were missed: nothing, one run for all, or one run each (at most 100)."},
};

static const struct tip_opt_table job_table = {
    .rows = job_rows,
    .n_rows = sizeof(job_rows) / sizeof(job_rows[0]),
    .size = sizeof(struct sched_job_options),
    .help = "One job: a name, a module, and one rule of `every`, `at`, `cron`, `after`.",
};

static const struct tip_opt rows[] = {
    {.name = "jobs",
     .type = TIP_OPT_RECORDS,
     .offset = offsetof(struct sched_options, jobs),
     .record = &job_table,
     .max = SCHED_JOBS_MAX,
     .help = "When modules run."},
    {.name = "manual_deadline",
     .type = TIP_OPT_DURATION,
     .offset = offsetof(struct sched_options, manual_deadline_ms),
     .fallback = "10m",
     .min = 1000,
     .max = 1.0 * TIP_DAY_MS,
     .help = "How long a run may take that an operator asked for."},
};

const struct tip_opt_table sched_options_table = {
    .section = "scheduler",
    .rows = rows,
    .n_rows = sizeof(rows) / sizeof(rows[0]),
    .size = sizeof(struct sched_options),
    .help = "When modules run.",
};

static bool jobs_listen(struct sched_jobs *jobs, const char *prefix)
{
    for (size_t i = 0; i < jobs->n_prefixes; i++) {
        if (!strcmp(jobs->prefixes[i], prefix))
            return true;
    }
    if (!*prefix)
        return true;
    if (jobs->n_prefixes == SCHED_PREFIXES_MAX)
        return false;
    jobs->prefixes[jobs->n_prefixes++] = prefix;
    return true;
}

/* A zone is read once, however many jobs look at it. */
static const struct zone *jobs_zone(struct sched_jobs *jobs, const char *name)
{
    for (size_t i = 0; i < jobs->n_zones; i++) {
        if (!strcmp(zone_name(jobs->zones[i]), name))
            return jobs->zones[i];
    }
    return zone_open(&jobs->zones[jobs->n_zones], name) ? NULL : jobs->zones[jobs->n_zones++];
}

static const char *jobs_make_one(struct sched_jobs *jobs, const struct sched_job_options *row)
{
    const struct sched_spec_text text = {
        .name = row->name,
        .module = row->module,
        .target = row->target,
        .at = row->at,
        .cron = row->cron,
        .after = row->after,
        .timezone = row->timezone,
        .every_ms = row->every_ms,
        .delay_ms = row->delay_ms,
        .jitter_ms = row->jitter_ms,
        .deadline_ms = row->deadline_ms,
        .expires_ms = row->expires_ms,
        .missed = (enum sched_missed)row->missed,
    };
    const struct zone *zone = NULL;
    struct sched_zone clock = {0};
    const char *why = NULL;

    if (row->timezone) {
        zone = jobs_zone(jobs, row->timezone);
        if (!zone)
            return "timezone is not one that this system knows, like Europe/Berlin";
        clock = zone_clock(zone);
    }
    if (sched_spec_make(&jobs->specs[jobs->n], &text, &clock, &why))
        return why;
    return jobs_listen(jobs, jobs->specs[jobs->n].prefix) ? NULL : "there are more than 62 different prefixes in after";
}

static bool jobs_has(const struct sched_jobs *jobs, const char *name)
{
    for (size_t i = 0; i < jobs->n; i++) {
        if (!strcmp(jobs->specs[i].name, name))
            return true;
    }
    return false;
}

int sched_jobs_make(struct sched_jobs *jobs, const struct sched_options *options, struct tip_conf *conf)
{
    const struct sched_job_options *items = options->jobs.items;
    int r = 0;

    *jobs = (struct sched_jobs){.prefixes = {TIP_TOPIC_SCHEDULE_DONE, TIP_TOPIC_SCHEDULE_FAILED}, .n_prefixes = 2};
    jobs->specs = tip_new_array(options->jobs.n + 1, struct sched_spec);
    jobs->zones = tip_new_array(options->jobs.n + 1, struct zone *);
    for (size_t i = 0; i < options->jobs.n; i++) {
        bool is_repeated = items[i].name && jobs_has(jobs, items[i].name);
        const char *why = is_repeated ? "another job has this name" : jobs_make_one(jobs, &items[i]);

        if (!why) {
            jobs->n++;
            continue;
        }
        if (conf)
            tip_conf_refuse_at(conf, &items[i].at_file, "job %s: %s", items[i].name ? items[i].name : "?", why);
        r = -EINVAL;
    }
    return r;
}

void sched_jobs_deinit(struct sched_jobs *jobs)
{
    for (size_t i = 0; i < jobs->n_zones; i++)
        zone_destroy(&jobs->zones[i]);
    free(jobs->zones);
    free(jobs->specs);
    *jobs = (struct sched_jobs){0};
}

void sched_options_check(const void *options, struct tip_conf *conf)
{
    tip_auto(sched_jobs_deinit) struct sched_jobs jobs = {0};

    (void)!sched_jobs_make(&jobs, options, conf); /* what it refuses stands in conf */
}
