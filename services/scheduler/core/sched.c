#include "core/sched.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tip/alloc.h>

#define SCHED_STEP_MS TIP_SECOND_MS /* less is how clocks drift */

struct sched {
    struct sched_job *jobs; /* configured ones, then manual ones */
    size_t n_jobs, n_configured;
    struct tip_uuid_gen ids;
    int64_t wall_ahead_ms; /* of wall over monotonic time; known once has_clock */
    bool has_clock;
};

struct sched *sched_new(void)
{
    struct sched *sched = tip_new(struct sched);

    sched->jobs = tip_new_array(SCHED_JOBS_MAX + SCHED_MANUAL_MAX, struct sched_job);
    return sched;
}

void sched_destroy(struct sched **schedp)
{
    if (!*schedp)
        return;
    free((*schedp)->jobs);
    free(*schedp);
    *schedp = NULL;
}

void sched_actions_deinit(struct sched_actions *actions)
{
    free(actions->items);
    *actions = (struct sched_actions){0};
}

void sched_actions_add(struct sched_actions *actions, const struct sched_action *action)
{
    if (actions->n == actions->room) {
        actions->room = actions->room ? 2 * actions->room : 16;
        actions->items = tip_realloc(actions->items, actions->room, sizeof(*actions->items));
    }
    actions->items[actions->n++] = *action;
}

static void sched_act(struct sched_actions *actions, enum sched_action_kind kind, const struct sched_job *job)
{
    struct sched_action action = {
        .kind = kind, .run = job->state.run, .end = job->state.last_end, .force = job->spec.force};

    memcpy(action.key, job->key, sizeof(action.key));
    memcpy(action.job, job->spec.name, sizeof(action.job));
    memcpy(action.module, job->spec.module, sizeof(action.module));
    memcpy(action.target, job->spec.target, sizeof(action.target));
    sched_actions_add(actions, &action);
}

/* ---- the set of jobs ---- */

static struct sched_job *sched_find_key(struct sched *sched, const char *key)
{
    for (size_t i = 0; i < sched->n_jobs; i++) {
        if (!strcmp(sched->jobs[i].key, key))
            return &sched->jobs[i];
    }
    return NULL;
}

struct sched_job *sched_job_find(struct sched *sched, const char *name)
{
    struct sched_job *job = sched_find_key(sched, name);

    return job && job->spec.rule != SCHED_MANUAL ? job : NULL;
}

static void sched_remove(struct sched *sched, struct sched_job *job)
{
    size_t i = (size_t)(job - sched->jobs);

    memmove(job, job + 1, (sched->n_jobs - i - 1) * sizeof(*job));
    sched->n_jobs--;
}

static bool sched_is_among(const struct sched_spec *specs, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++) {
        if (!strcmp(specs[i].name, name))
            return true;
    }
    return false;
}

static void sched_forget_missing(struct sched *sched, const struct sched_spec *specs, size_t n,
                                 struct sched_actions *actions)
{
    for (size_t i = 0; i < sched->n_configured; i++) {
        if (!sched_is_among(specs, n, sched->jobs[i].key))
            sched_act(actions, SCHED_ACT_FORGET, &sched->jobs[i]);
    }
}

/* The job of a spec: as it was, as it was with another rule, or new. */
static void sched_adopt(struct sched *sched, const struct sched_spec *spec, const struct sched_now *now,
                        struct sched_job *to)
{
    const struct sched_job *old = sched_job_find(sched, spec->name);
    bool is_same = old && !strcmp(old->spec.rule_text, spec->rule_text);

    *to = old ? *old : (struct sched_job){0};
    to->spec = *spec;
    memcpy(to->key, spec->name, sizeof(to->key));
    if (!is_same)
        sched_job_begin(to, now);
}

void sched_configure(struct sched *sched, const struct sched_spec *specs, size_t n, const struct sched_now *now,
                     struct sched_actions *actions)
{
    struct sched_job *jobs = tip_new_array(SCHED_JOBS_MAX + SCHED_MANUAL_MAX, struct sched_job);
    size_t n_manual = sched->n_jobs - sched->n_configured;

    sched_forget_missing(sched, specs, n, actions);
    for (size_t i = 0; i < n; i++)
        sched_adopt(sched, &specs[i], now, &jobs[i]);
    memcpy(jobs + n, sched->jobs + sched->n_configured, n_manual * sizeof(*jobs));
    free(sched->jobs);
    sched->jobs = jobs;
    sched->n_configured = n;
    sched->n_jobs = n + n_manual;
}

int sched_restore(struct sched *sched, const char *key, const struct sched_spec *manual,
                  const struct sched_state *state, const struct sched_now *now)
{
    struct sched_job *job = sched_find_key(sched, key);

    if (manual && !job && sched->n_jobs < sched->n_configured + SCHED_MANUAL_MAX) {
        job = &sched->jobs[sched->n_jobs++];
        *job = (struct sched_job){.spec = *manual};
        snprintf(job->key, sizeof(job->key), "%s", key);
    }
    if (!job)
        return SCHED_E_UNKNOWN;
    sched_job_restore(job, state, now);
    return 0;
}

/* ---- runs ---- */

static void sched_start(struct sched *sched, struct sched_job *job, int64_t due_unix_ms, const struct sched_now *now,
                        struct sched_actions *actions)
{
    struct sched_state *state = &job->state;

    state->run = (struct sched_run){
        .id = tip_uuid_gen_next(&sched->ids, now->wall_unix_ms, now->random),
        .due_unix_ms = due_unix_ms,
        .started_unix_ms = now->wall_unix_ms,
        .deadline_unix_ms = now->wall_unix_ms + job->spec.deadline_ms,
        .expires_unix_ms = now->wall_unix_ms + job->spec.expires_ms,
    };
    state->started_unix_ms = now->wall_unix_ms;
    state->is_open = true;
    state->n_runs++;
    job->deadline_ms = now->now_ms + job->spec.deadline_ms;
    job->is_changed = true;
    sched_act(actions, SCHED_ACT_DUE, job);
}

/* The job may be gone afterwards: a manual one ends with its run. */
static void sched_close(struct sched *sched, struct sched_job *job, enum sched_end end, const struct sched_now *now,
                        struct sched_actions *actions)
{
    struct sched_state *state = &job->state;

    state->is_open = false;
    state->last_end = end;
    state->ended_unix_ms = now->wall_unix_ms;
    state->n_failed += end == SCHED_END_FAILED;
    state->n_overdue += end == SCHED_END_OVERDUE;
    job->is_changed = true;
    sched_act(actions, end == SCHED_END_OVERDUE ? SCHED_ACT_OVERDUE : SCHED_ACT_CLOSED, job);
    if (job->spec.rule != SCHED_MANUAL)
        return;
    sched_act(actions, SCHED_ACT_FORGET, job);
    sched_remove(sched, job);
}

/* ---- steps ---- */

/* What is stored of monotonic jobs is told by the wall clock: a step of it makes that stale. */
static void sched_notice_clock(struct sched *sched, const struct sched_now *now)
{
    int64_t ahead = now->wall_unix_ms - now->now_ms, moved = ahead - sched->wall_ahead_ms;

    if (sched->has_clock && moved > -SCHED_STEP_MS && moved < SCHED_STEP_MS)
        return;
    for (size_t i = 0; sched->has_clock && i < sched->n_jobs; i++)
        sched->jobs[i].is_changed = true;
    sched->wall_ahead_ms = ahead;
    sched->has_clock = true;
}

static void sched_tick_job(struct sched *sched, struct sched_job *job, const struct sched_now *now,
                           struct sched_actions *actions)
{
    bool is_manual = job->spec.rule == SCHED_MANUAL;
    int64_t due_unix_ms;

    if (sched_job_watch(job, now))
        sched_act(actions, SCHED_ACT_LIFTED, job);
    if (job->state.is_open && now->hears_reports && job->deadline_ms <= now->now_ms)
        sched_close(sched, job, SCHED_END_OVERDUE, now, actions);
    if (!is_manual && !job->state.is_open && sched_job_take(job, now, &due_unix_ms))
        sched_start(sched, job, due_unix_ms, now, actions);
}

static int sched_step_tick(struct sched *sched, const struct sched_event *event, const struct sched_now *now,
                           struct sched_actions *actions)
{
    (void)event;
    sched_notice_clock(sched, now);
    for (size_t i = 0; i < sched->n_jobs;) {
        size_t before = sched->n_jobs;

        sched_tick_job(sched, &sched->jobs[i], now, actions);
        i += sched->n_jobs == before; /* else the next one has moved here */
    }
    return 0;
}

static int sched_step_report(struct sched *sched, const struct sched_event *event, const struct sched_now *now,
                             struct sched_actions *actions)
{
    for (size_t i = 0; i < sched->n_jobs; i++) {
        struct sched_job *job = &sched->jobs[i];

        if (job->state.is_open && !tip_uuid_compare(&job->state.run.id, &event->run_id)) {
            sched_close(sched, job, event->is_ok ? SCHED_END_DONE : SCHED_END_FAILED, now, actions);
            return 0;
        }
    }
    sched_actions_add(actions, &(struct sched_action){.kind = SCHED_ACT_UNKNOWN});
    return 0;
}

static int sched_step_topic(struct sched *sched, const struct sched_event *event, const struct sched_now *now,
                            struct sched_actions *actions)
{
    for (size_t i = 0; i < sched->n_configured; i++) {
        struct sched_job *job = &sched->jobs[i];

        if (job->spec.rule != SCHED_AFTER)
            continue;
        if (event->topic && strncmp(event->topic, job->spec.prefix, strlen(job->spec.prefix)) != 0)
            continue;
        if (!sched_job_trigger(job, now))
            sched_act(actions, SCHED_ACT_COALESCED, job);
    }
    return 0;
}

/* An open manual run of the same thing is joined: two operators, one run. */
static struct sched_job *sched_find_manual(struct sched *sched, const struct sched_spec *spec)
{
    for (size_t i = sched->n_configured; i < sched->n_jobs; i++) {
        const struct sched_spec *other = &sched->jobs[i].spec;

        if (!strcmp(other->module, spec->module) && !strcmp(other->target, spec->target) && other->force == spec->force)
            return &sched->jobs[i];
    }
    return NULL;
}

static int sched_step_run(struct sched *sched, const struct sched_event *event, const struct sched_now *now,
                          struct sched_actions *actions)
{
    struct sched_job *job;
    struct sched_spec spec;
    const char *why;

    if (sched_spec_make_manual(&spec, event->name, event->target, event->force, &why))
        return SCHED_E_INVALID;
    job = sched_find_manual(sched, &spec);
    if (job) {
        sched_act(actions, SCHED_ACT_JOINED, job);
        return 0;
    }
    if (sched->n_jobs - sched->n_configured >= SCHED_MANUAL_MAX)
        return SCHED_E_FULL;
    job = &sched->jobs[sched->n_jobs++];
    *job = (struct sched_job){.spec = spec, .next_ms = SCHED_NEVER};
    job->spec.deadline_ms = job->spec.expires_ms = event->deadline_ms;
    sched_start(sched, job, now->wall_unix_ms, now, actions);
    tip_uuid_format(&job->state.run.id, job->key);
    return 0;
}

static int sched_step_pause(struct sched *sched, const struct sched_event *event, const struct sched_now *now,
                            struct sched_actions *actions)
{
    struct sched_job *job = sched_job_find(sched, event->name);

    (void)now;
    (void)actions;
    if (!job)
        return SCHED_E_UNKNOWN;
    job->state.is_paused = event->kind == SCHED_EV_PAUSE;
    job->state.paused_until_unix_ms = job->state.is_paused ? event->until_unix_ms : 0;
    snprintf(job->state.pause_reason, sizeof(job->state.pause_reason), "%s",
             job->state.is_paused && event->reason ? event->reason : "");
    job->is_changed = true;
    return 0;
}

int sched_step(struct sched *sched, const struct sched_event *event, const struct sched_now *now,
               struct sched_actions *actions)
{
    static int (*const steps[SCHED_EVENT_COUNT])(struct sched *, const struct sched_event *, const struct sched_now *,
                                                 struct sched_actions *) = {
        [SCHED_EV_TICK] = sched_step_tick, [SCHED_EV_REPORT] = sched_step_report, [SCHED_EV_TOPIC] = sched_step_topic,
        [SCHED_EV_RUN] = sched_step_run,   [SCHED_EV_PAUSE] = sched_step_pause,   [SCHED_EV_RESUME] = sched_step_pause,
    };

    return steps[event->kind](sched, event, now, actions);
}

/* ---- looking ---- */

int64_t sched_wait_ms(const struct sched *sched, const struct sched_now *now)
{
    int64_t wait = SCHED_NEVER;

    for (size_t i = 0; i < sched->n_jobs; i++) {
        int64_t job_wait = sched_job_wait_ms(&sched->jobs[i], now);

        if (job_wait < wait)
            wait = job_wait;
    }
    return wait;
}

size_t sched_n_jobs(const struct sched *sched)
{
    return sched->n_jobs;
}

struct sched_job *sched_job_at(struct sched *sched, size_t i)
{
    return &sched->jobs[i];
}

bool sched_knows_module(const struct sched *sched, const char *module)
{
    for (size_t i = 0; i < sched->n_configured; i++) {
        if (!strcmp(sched->jobs[i].spec.module, module))
            return true;
    }
    return false;
}
