#pragma once
/*
 * One job: when it is due next, its open run, its pause. Single flight: while a run is open nothing starts.
 *
 * A job lives on one clock. `every` and `after` follow monotonic time, so that a step of the wall clock does not move
 * them; `at` and `cron` follow wall time. `next_ms` is on the job's own clock: the earliest due time not dealt with.
 */
#include <stdbool.h>
#include <stdint.h>

#include <tip/clock.h>
#include <tip/uuid.h>

#include "core/spec.h"

enum {
    SCHED_REASON_MAX = 200,
    SCHED_BACKLOG_MAX = 100, /* most missed times that SCHED_ALL makes up for; older ones are dropped */
};

#define SCHED_LATE_MS        (10 * TIP_SECOND_MS) /* a start later than this was missed */
#define SCHED_BACKLOG_AGE_MS (31 * TIP_DAY_MS)    /* SCHED_ALL with cron looks back no further */

/** Time and chance, as every step gets them. */
struct sched_now {
    int64_t now_ms;       /* monotonic */
    int64_t wall_unix_ms; /* may jump */
    bool hears_reports;   /* whatever was reported until now has been heard: deadlines may be judged */
    uint8_t random[10];
};

enum sched_end { SCHED_END_NONE, SCHED_END_DONE, SCHED_END_FAILED, SCHED_END_OVERDUE, SCHED_END_COUNT };

struct sched_run {
    struct tip_uuid id;
    int64_t due_unix_ms;
    int64_t started_unix_ms;
    int64_t deadline_unix_ms;
    int64_t expires_unix_ms;
};

/** What is kept over a restart. */
struct sched_state {
    int64_t next_unix_ms;    /* next due time, by the wall clock of when this was written; SCHED_NEVER: none */
    int64_t settled_unix_ms; /* AT, CRON: due times up to here were dealt with */
    int64_t started_unix_ms; /* last start; 0: never */
    int64_t ended_unix_ms;
    enum sched_end last_end;
    bool is_open;
    struct sched_run run; /* while is_open */
    bool is_paused;
    int64_t paused_until_unix_ms; /* 0: until resumed */
    char pause_reason[SCHED_REASON_MAX + 1];
    int64_t n_runs, n_failed, n_overdue, n_missed;
    int64_t rule_crc; /* of spec.rule_text: another rule starts afresh */
};

struct sched_job {
    struct sched_spec spec;
    char key[SCHED_NAME_MAX + 1]; /* its name; of a manual job the run's id: what its state is stored under */
    struct sched_state state;
    int64_t next_ms;
    int64_t deadline_ms; /* monotonic, of the open run */
    bool is_changed;     /* since its state was last stored */
};

/** First due time of a job without history. */
void sched_job_begin(struct sched_job *job, const struct sched_now *now);

/** Goes on from a stored state, or begins anew when the rule is another one than it was. */
void sched_job_restore(struct sched_job *job, const struct sched_state *state, const struct sched_now *now);

/** The state to store, with times of monotonic jobs told by the wall clock of now. */
void sched_job_save(const struct sched_job *job, const struct sched_now *now, struct sched_state *state);

/**
 * Is it time? Then its due time is settled, along with what its policy drops. Must not be called while a run is open.
 *
 * @param due_unix_msp  set when true: the time the rule named
 */
bool sched_job_take(struct sched_job *job, const struct sched_now *now, int64_t *due_unix_msp);

/** AFTER: an event came. @return false when a start was pending already */
bool sched_job_trigger(struct sched_job *job, const struct sched_now *now);

/** Looks at its clock anew: a pause that is over (then true), a wall clock that was set back. */
bool sched_job_watch(struct sched_job *job, const struct sched_now *now);

/** Milliseconds until sched_job_take, the deadline or the end of a pause; SCHED_NEVER. */
int64_t sched_job_wait_ms(const struct sched_job *job, const struct sched_now *now);

/** Its next due time by the wall clock; SCHED_NEVER. */
int64_t sched_job_next_unix_ms(const struct sched_job *job, const struct sched_now *now);

const char *sched_end_name(enum sched_end end);
