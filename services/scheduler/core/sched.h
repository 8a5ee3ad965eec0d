#pragma once
/*
 * The scheduler: all jobs, and one step function. A step takes what happened and the time, changes the jobs, and says
 * what is to be done. It performs nothing and keeps no secrets: what is to be stored is what is_changed.
 */
#include <stddef.h>

#include "core/job.h"

enum {
    SCHED_JOBS_MAX = 1000,
    SCHED_MANUAL_MAX = 64, /* runs of operators that may be open at once */
};

struct sched;

enum sched_event_kind {
    SCHED_EV_TICK,   /* time has passed */
    SCHED_EV_REPORT, /* run_id, is_ok: a module has ended a run */
    SCHED_EV_TOPIC,  /* topic: an event came by; NULL: unknown ones were lost, it may have been any */
    SCHED_EV_RUN,    /* name is a module, target, force, deadline_ms: an operator wants a run now */
    SCHED_EV_PAUSE,  /* name is a job, until_unix_ms (0: for good), reason */
    SCHED_EV_RESUME, /* name is a job */
    SCHED_EVENT_COUNT
};

struct sched_event {
    enum sched_event_kind kind;
    struct tip_uuid run_id;
    bool is_ok, force;
    const char *topic, *name, *target, *reason;
    int64_t until_unix_ms, deadline_ms;
};

enum sched_action_kind {
    SCHED_ACT_DUE,       /* publish schedule.due */
    SCHED_ACT_JOINED,    /* such a run of an operator is open already: this one */
    SCHED_ACT_OVERDUE,   /* publish schedule.overdue */
    SCHED_ACT_CLOSED,    /* a run has ended: end says how */
    SCHED_ACT_UNKNOWN,   /* a report of a run that is not open: count it */
    SCHED_ACT_COALESCED, /* an event found its job pending already: count it */
    SCHED_ACT_FORGET,    /* delete what is stored under key */
    SCHED_ACT_LIFTED,    /* a hold has ended by itself: say so */
    SCHED_ACTION_COUNT
};

struct sched_action {
    enum sched_action_kind kind;
    char key[SCHED_NAME_MAX + 1];
    char job[SCHED_NAME_MAX + 1], module[SCHED_NAME_MAX + 1], target[SCHED_NAME_MAX + 1];
    struct sched_run run;
    enum sched_end end;
    bool force;
};

/** Grows as needed: at most two a job and step. */
struct sched_actions {
    struct sched_action *items;
    size_t n, room;
};

void sched_actions_add(struct sched_actions *actions, const struct sched_action *action);
void sched_actions_deinit(struct sched_actions *actions);

struct sched *sched_new(void);
void sched_destroy(struct sched **schedp);

/**
 * The jobs that shall be: those whose rule is as it was keep their state, new ones begin, missing ones are forgotten.
 *
 * @param n  at most SCHED_JOBS_MAX; names are unique
 */
void sched_configure(struct sched *sched, const struct sched_spec *specs, size_t n, const struct sched_now *now,
                     struct sched_actions *actions);

enum {
    SCHED_E_UNKNOWN = 1, /* no such job */
    SCHED_E_FULL = 2,    /* SCHED_MANUAL_MAX runs of operators are open */
    SCHED_E_INVALID = 3, /* not a name */
};

/**
 * A stored state, after the first sched_configure.
 *
 * @param manual  what a manual run was made of; NULL for configured jobs
 * @return 0, or SCHED_E_UNKNOWN when no job has that key any more: delete it
 */
tip_nodiscard int sched_restore(struct sched *sched, const char *key, const struct sched_spec *manual,
                                const struct sched_state *state, const struct sched_now *now);

/**
 * What happened, and what is to be done about it.
 *
 * @param actions  appended to
 * @return 0; RUN, PAUSE, RESUME: SCHED_E_*
 */
tip_nodiscard int sched_step(struct sched *sched, const struct sched_event *event, const struct sched_now *now,
                             struct sched_actions *actions);

/** Milliseconds until the next tick that does something; SCHED_NEVER. The wall clock may be set before that. */
int64_t sched_wait_ms(const struct sched *sched, const struct sched_now *now);

/** All jobs by index, manual runs last. Valid until the next step or sched_configure. */
size_t sched_n_jobs(const struct sched *sched);
struct sched_job *sched_job_at(struct sched *sched, size_t i);
struct sched_job *sched_job_find(struct sched *sched, const char *name);

/** Does a configured job name this module? */
bool sched_knows_module(const struct sched *sched, const char *module);
