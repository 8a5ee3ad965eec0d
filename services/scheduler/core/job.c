#include "core/job.h"

#include <string.h>

#include <tip/crc32c.h>
#include <tip/hash.h>

#define JOB_SET_BACK_WILDCARD_MS TIP_MINUTE_MS
#define JOB_SET_BACK_FIXED_MS    (3 * TIP_HOUR_MS) /* as vixie cron: less is a correction, not another time */

static const char *const job_end_names[SCHED_END_COUNT] = {
    [SCHED_END_NONE] = "none",
    [SCHED_END_DONE] = "done",
    [SCHED_END_FAILED] = "failed",
    [SCHED_END_OVERDUE] = "overdue",
};

static bool job_is_on_wall(const struct sched_job *job)
{
    return job->spec.rule == SCHED_AT || job->spec.rule == SCHED_CRON;
}

static int64_t job_clock(const struct sched_job *job, const struct sched_now *now)
{
    return job_is_on_wall(job) ? now->wall_unix_ms : now->now_ms;
}

static int64_t job_to_unix(const struct sched_job *job, const struct sched_now *now, int64_t time_ms)
{
    return time_ms == SCHED_NEVER ? SCHED_NEVER : now->wall_unix_ms + (time_ms - job_clock(job, now));
}

/* 0 to jitter_ms, the same whenever it is asked for one due time. */
static int64_t job_jitter(const struct sched_job *job, int64_t due)
{
    char key[SCHED_NAME_MAX + sizeof(due)];
    size_t len = strlen(job->spec.name);

    if (!job->spec.jitter_ms)
        return 0;
    memcpy(key, job->spec.name, len);
    memcpy(key + len, &due, sizeof(due));
    return (int64_t)(tip_hash(key, len + sizeof(due)) % (uint64_t)(job->spec.jitter_ms + 1));
}

/* How long after its due time a job starts: the jitter of `every` and `after` is in the due time already. */
static int64_t job_start_delay(const struct sched_job *job)
{
    return job_is_on_wall(job) ? job_jitter(job, job->next_ms) : 0;
}

/* The first due time >= from of the row that `due` stands in. */
static int64_t job_first_from(const struct sched_job *job, int64_t due, int64_t from)
{
    int64_t every = job->spec.every_ms;

    if (from <= due)
        return due;
    if (job->spec.rule == SCHED_CRON)
        return sched_cron_next(&job->spec.cron, &job->spec.zone, from - 1);
    return job->spec.rule == SCHED_EVERY ? due + (from - due + every - 1) / every * every : SCHED_NEVER;
}

/* The oldest of the last SCHED_BACKLOG_MAX due times in [due, until]. */
static int64_t job_backlog(const struct sched_job *job, int64_t due, int64_t until)
{
    int64_t ring[SCHED_BACKLOG_MAX];
    size_t n = 0;

    if (job->spec.rule == SCHED_EVERY)
        return job_first_from(job, due, until - SCHED_BACKLOG_MAX * job->spec.every_ms + 1);
    due = job_first_from(job, due, until - SCHED_BACKLOG_AGE_MS);
    for (int64_t at = due; at <= until; at = job_first_from(job, at, at + 1))
        ring[n++ % SCHED_BACKLOG_MAX] = at;
    return n > SCHED_BACKLOG_MAX ? ring[n % SCHED_BACKLOG_MAX] : due;
}

static void job_set_next(struct sched_job *job, const struct sched_now *now, int64_t next_ms)
{
    job->next_ms = next_ms;
    job->state.settled_unix_ms = now->wall_unix_ms;
    job->is_changed = true;
}

/* `every` counts from the start of the last run, unless older times are still to be made up for. */
static int64_t job_after_start(const struct sched_job *job, int64_t clock, int64_t due, int64_t until)
{
    int64_t next = job_first_from(job, due, job->spec.missed == SCHED_ALL ? due + 1 : until + 1);
    int64_t shift = job->spec.jitter_ms;

    if (job->spec.rule != SCHED_EVERY || next <= clock)
        return next;
    if (shift) /* as much sooner as later */
        shift = 2 * job_jitter(job, clock) - shift;
    return clock + job->spec.every_ms + shift;
}

void sched_job_begin(struct sched_job *job, const struct sched_now *now)
{
    int64_t next = SCHED_NEVER;

    if (job->spec.rule == SCHED_EVERY)
        next = now->now_ms;
    else if (job->spec.rule == SCHED_AT && job->spec.at_unix_ms > now->wall_unix_ms)
        next = job->spec.at_unix_ms;
    else if (job->spec.rule == SCHED_CRON)
        next = sched_cron_next(&job->spec.cron, &job->spec.zone, now->wall_unix_ms);
    job->state.rule_crc = tip_crc32c(0, job->spec.rule_text, strlen(job->spec.rule_text));
    job_set_next(job, now, next);
}

/* A stored due time on the job's own clock again, no further ahead than the rule could have put it. */
static int64_t job_restored_next(const struct sched_job *job, const struct sched_now *now)
{
    int64_t ahead = job->state.next_unix_ms;

    if (ahead == SCHED_NEVER || job_is_on_wall(job))
        return ahead;
    ahead -= now->wall_unix_ms;
    if (ahead > job->spec.every_ms + job->spec.delay_ms + job->spec.jitter_ms)
        ahead = job->spec.every_ms + job->spec.delay_ms + job->spec.jitter_ms;
    return now->now_ms + ahead;
}

void sched_job_restore(struct sched_job *job, const struct sched_state *state, const struct sched_now *now)
{
    const struct sched_run *run = &job->state.run;
    int64_t left, whole;

    job->state = *state;
    if (state->rule_crc != tip_crc32c(0, job->spec.rule_text, strlen(job->spec.rule_text)))
        sched_job_begin(job, now);
    else
        job->next_ms = job_restored_next(job, now);
    left = run->deadline_unix_ms - now->wall_unix_ms;
    whole = run->deadline_unix_ms - run->started_unix_ms;
    job->deadline_ms = now->now_ms + (left > whole ? whole : left);
}

void sched_job_save(const struct sched_job *job, const struct sched_now *now, struct sched_state *state)
{
    *state = job->state;
    state->next_unix_ms = sched_job_next_unix_ms(job, now);
    if (state->is_open)
        state->run.deadline_unix_ms = now->wall_unix_ms + (job->deadline_ms - now->now_ms);
}

bool sched_job_take(struct sched_job *job, const struct sched_now *now, int64_t *due_unix_msp)
{
    int64_t due = job->next_ms, clock = job_clock(job, now), until = clock - job_start_delay(job);

    if (due > until)
        return false;
    if (job->spec.missed == SCHED_ALL && !job->state.is_paused)
        due = job_backlog(job, due, until);
    else if (job->spec.missed == SCHED_SKIP && until - due > SCHED_LATE_MS)
        due = job_first_from(job, due, until - SCHED_LATE_MS);
    job->state.n_missed += due != job->next_ms || job->state.is_paused;
    if (due > until || job->state.is_paused) {
        job_set_next(job, now, job_first_from(job, due, until + 1));
        return false;
    }
    *due_unix_msp = job_to_unix(job, now, due);
    job_set_next(job, now, job_after_start(job, clock, due, until));
    return true;
}

bool sched_job_trigger(struct sched_job *job, const struct sched_now *now)
{
    if (job->next_ms != SCHED_NEVER || job->state.is_paused)
        return false;
    job_set_next(job, now, now->now_ms + job->spec.delay_ms + job_jitter(job, now->now_ms));
    return true;
}

bool sched_job_watch(struct sched_job *job, const struct sched_now *now)
{
    int64_t most = job->spec.cron.is_wildcard ? JOB_SET_BACK_WILDCARD_MS : JOB_SET_BACK_FIXED_MS;
    struct sched_state *state = &job->state;
    bool is_over = state->is_paused && state->paused_until_unix_ms && state->paused_until_unix_ms <= now->wall_unix_ms;

    if (is_over) {
        state->is_paused = false;
        job->is_changed = true;
    }
    if (job->spec.rule == SCHED_CRON && state->settled_unix_ms - now->wall_unix_ms > most)
        job_set_next(job, now, sched_cron_next(&job->spec.cron, &job->spec.zone, now->wall_unix_ms));
    return is_over;
}

int64_t sched_job_wait_ms(const struct sched_job *job, const struct sched_now *now)
{
    int64_t wait = SCHED_NEVER, until = job->state.paused_until_unix_ms;

    if (job->state.is_open)
        wait = now->hears_reports ? job->deadline_ms - now->now_ms : SCHED_NEVER;
    else if (job->next_ms != SCHED_NEVER)
        wait = job->next_ms + job_start_delay(job) - job_clock(job, now);
    if (job->state.is_paused && until && until - now->wall_unix_ms < wait)
        wait = until - now->wall_unix_ms;
    return wait < 0 ? 0 : wait;
}

int64_t sched_job_next_unix_ms(const struct sched_job *job, const struct sched_now *now)
{
    return job_to_unix(job, now, job->next_ms);
}

const char *sched_end_name(enum sched_end end)
{
    return job_end_names[end];
}
