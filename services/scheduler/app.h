#pragma once
/*
 * The service: event in, core step, actions out. What happens is brought by the timer, by fetch and by calls
 * (control.c); each makes it a turn (turn.c).
 */
#include <tip/bus.h>
#include <tip/metrics.h>
#include <tip/service.h>
#include <tip/service_bus.h>

#include "core/sched.h"
#include "options.h"

#define SCHED_CONSUMER "scheduler"

enum {
    APP_M_STARTED,
    APP_M_DONE,
    APP_M_FAILED,
    APP_M_OVERDUE,
    APP_M_UNKNOWN,
    APP_M_COALESCED,
    APP_M_MALFORMED,
    APP_M_CALLS,
    APP_M_CALLS_REPEATED,
    APP_M_BREAKS,
    APP_M_HELD_BACK,
    APP_M_LATE,
    APP_M_JOBS,
    APP_M_OPEN,
    APP_M_COUNT
};

struct app {
    struct tip_service *service;
    struct tip_loop *loop;
    struct tip_service_bus *place;
    struct tip_outbox *outbox; /* the place's, as is the bus */
    struct tip_bus *bus;
    struct tip_fetch *fetch;
    struct tip_serve *serve;
    struct sched *sched;
    struct sched_jobs jobs;
    int64_t manual_deadline_ms;
    struct tip_timer tick, purge;
    struct tip_id journal_id; /* input: where the next batch begins */
    uint64_t next_seq;
    int64_t input_saved_ms;
    int64_t heard_ms; /* when all reports had last been heard */
    bool is_current;  /* as told to /readyz */
    size_t n_answers;
    bool has_failed; /* a turn could not be stored: the end is near */
    struct tip_metric *m[APP_M_COUNT];
};

/** @return 0, or a negative errno after an error line */
tip_nodiscard int app_open(struct app **appp, struct tip_service *service, const struct sched_options *options);
void app_destroy(struct app **appp);

/** Takes nothing in any more, and lets the broker have what was published. */
void app_stop(struct app *app);

/** All of the new jobs, or nothing. */
tip_nodiscard int app_reload(struct app *app, const struct sched_options *options, char *why);

/** Sets the timer for what comes next. */
void app_arm(struct app *app);
