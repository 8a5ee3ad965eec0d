#pragma once
/*
 * A job as the configuration states it: checked once, here.
 */
#include <stdbool.h>
#include <stdint.h>

#include "core/cron.h"

enum {
    SCHED_NAME_MAX = 64,    /* of jobs, modules, targets */
    SCHED_PREFIX_MAX = 255, /* of the topic in `after` */
    SCHED_RULE_MAX = 400    /* of a rule as text */
};

#define SCHED_MANUAL_NAME "manual"

enum sched_rule { SCHED_EVERY, SCHED_AT, SCHED_CRON, SCHED_AFTER, SCHED_MANUAL, SCHED_RULE_COUNT };

/** What becomes of times at which a run could not start: the scheduler was down, the clock jumped, a run was open. */
enum sched_missed {
    SCHED_SKIP, /* nothing */
    SCHED_ONCE, /* one run for all of them */
    SCHED_ALL,  /* one run each, oldest first, see SCHED_BACKLOG_MAX */
    SCHED_MISSED_COUNT
};

struct sched_spec {
    char name[SCHED_NAME_MAX + 1];
    char module[SCHED_NAME_MAX + 1];
    char target[SCHED_NAME_MAX + 1]; /* "" for all that is due within the module */
    enum sched_rule rule;
    enum sched_missed missed;
    int64_t every_ms;   /* EVERY */
    int64_t at_unix_ms; /* AT */
    struct sched_cron cron;
    struct sched_zone zone;
    char prefix[SCHED_PREFIX_MAX + 1]; /* AFTER: of the topics that start it */
    int64_t delay_ms;                  /* AFTER: from the event to the start */
    int64_t jitter_ms;                 /* EVERY: at most this much sooner or later; others: later */
    int64_t deadline_ms;               /* from the start to the report */
    int64_t expires_ms;                /* from the start to when a module must not begin any more */
    bool force;                        /* MANUAL */
    char rule_text[SCHED_RULE_MAX];    /* "every 15m", "cron 0 4 * * * Europe/Berlin" */
};

/** The same as written: texts may be NULL, numbers 0 when not given. */
struct sched_spec_text {
    const char *name, *module, *target, *at, *cron, *after, *timezone;
    int64_t every_ms, delay_ms, jitter_ms, deadline_ms, expires_ms;
    enum sched_missed missed;
};

enum { SCHED_SPEC_E_INVALID = 1 };

/**
 * @param zone  of text->timezone; borrowed by the spec
 * @param whyp  set on failure: a static sentence
 * @return 0 or SCHED_SPEC_E_INVALID
 */
tip_nodiscard int sched_spec_make(struct sched_spec *spec, const struct sched_spec_text *text,
                                  const struct sched_zone *zone, const char **whyp);

/** A job of one run that an operator asked for. Names are cut never: SCHED_SPEC_E_INVALID for bad ones. */
tip_nodiscard int sched_spec_make_manual(struct sched_spec *spec, const char *module, const char *target, bool force,
                                         const char **whyp);

const char *sched_rule_name(enum sched_rule rule);
