#pragma once
/*
 * The service: batches to the thread that writes, positions back to the bus; who needs a baseline is asked for it;
 * queries to the thread that reads; upkeep now and then. app.c says where it stands, the others are its parts.
 */
#include <tip/bus.h>
#include <tip/metrics.h>
#include <tip/pool.h>
#include <tip/recent.h>
#include <tip/service.h>
#include <tip/service_bus.h>

#include "core/ask.h"
#include "io/reader.h"
#include "options.h"
#include "writer.h"

enum {
    APP_M_EVENTS,
    APP_M_REJECTS,
    APP_M_LISTED,
    APP_M_REMOVED,
    APP_M_CLOSED,
    APP_M_VERDICTS,
    APP_M_REPEATED,
    APP_M_WAITING,
    APP_M_BREAKS,
    APP_M_GAPS,
    APP_M_CLAMPED,
    APP_M_BASELINES,
    APP_M_TRANSACTIONS,
    APP_M_TRANSACTION_S,
    APP_M_COMMIT_AGE_S,
    APP_M_OBSERVED_AGE_S,
    APP_M_RECENT_P50,
    APP_M_RECENT_P99,
    APP_M_RETRIES,
    APP_M_IN_FLIGHT,
    APP_M_LAG,
    APP_M_ACTIVE,
    APP_M_DATABASE,
    APP_M_WANTED,
    APP_M_ASKED,
    APP_M_ASK_FAILED,
    APP_M_ORPHANS,
    APP_M_QUERIES,
    APP_M_QUERIES_FAILED,
    APP_M_QUERY_S,
    APP_M_QUERIES_WAITING,
    APP_M_UPKEEP_FAILED,
    APP_M_RUNS,
    APP_M_RUNS_EXPIRED,
    APP_M_DEFAULT_FILLED,
    APP_M_COUNT
};

enum app_state {
    APP_CONNECTING, /* no position yet */
    APP_STANDBY,    /* another storage with this consumer name is at work */
    APP_ACTIVE,     /* fetching */
    APP_STOPPING
};

struct app_call { /* of control.blacklist; free while app is NULL */
    struct app *app;
    char name[STORE_ASK_NAME_MAX + 1];
    char since[STORE_WRITER_SINCE]; /* with "*": the wish that is asked for */
};

enum { APP_RUNS_MAX = 8 };

struct app_reader { /* belongs to a thread of read_pool while it is busy */
    struct store_reader *reader;
    bool is_busy;
};

struct app_run {
    struct tip_id id;
    bool is_served; /* by the upkeep under way */
};

struct app {
    struct tip_service *service;
    struct tip_loop *loop;
    struct tip_service_bus *place;
    struct tip_outbox *outbox; /* the place's, as is the bus */
    struct tip_bus *bus;
    struct tip_fetch *fetch;
    struct tip_serve *serve;
    struct store_writer *writer;              /* belongs to the thread of write_pool while a job runs */
    struct app_reader *readers;               /* limits.readers of them */
    struct query_job *waiting, **waiting_end; /* queries for which no reader is free yet */
    size_t n_waiting;
    struct tip_pool *write_pool, *read_pool, *upkeep_pool;
    char *database, *password, *consumer;
    struct store_options limits; /* numbers only: its texts are NULL */

    enum app_state state;
    struct store_position position;
    bool is_writing; /* a batch or break is at the writer */
    unsigned n_away; /* calls to the writer in a row that found no database */
    size_t n_jobs;   /* in all pools */
    int64_t stored_ms;
    struct tip_recent ages_us; /* since the broker's commit; belongs to the writer's thread while a batch is there */
    int64_t waiting_ms;        /* since when the writer's thread works on what it has; 0: it has nothing */
    size_t n_writer_jobs;
    bool is_silent; /* it was said */
    char database_why[128];

    struct store_asks asks;
    char all_since[STORE_WRITER_SINCE];
    struct app_call calls[STORE_ASK_RUNNING_MAX];
    bool is_listing; /* a NEEDS job is under way */
    bool is_default_alarm, is_reject_alarm;
    int64_t rejected_ms;               /* the last time */
    struct app_run runs[APP_RUNS_MAX]; /* of the scheduler, not reported yet */
    size_t n_runs;
    bool is_upkeep; /* under way */
    struct tip_timer look, ask, upkeep, watch;
    struct tip_metric *m[APP_M_COUNT];
};

/** @return 0, or a negative errno after an error line */
tip_nodiscard int app_open(struct app **appp, struct tip_service *service, const struct store_options *options);
void app_destroy(struct app **appp);

/** Takes nothing in any more, and tells the service when what runs has ended. */
void app_stop(struct app *app);

/** Retention and limits may change; where to write may not. */
tip_nodiscard int app_reload(struct app *app, const struct store_options *options, char *why);

/* ---- parts ---- */

/** A job of a pool has ended: the last thing its handler says. */
void app_job_ended(struct app *app);

/** A job of the writer is submitted, or has ended (app_writer_ended): for how long it has been waiting. */
void app_writer_began(struct app *app);

/** What a call to the writer says of the database; true if its work was done. */
bool app_writer_ended(struct app *app, const struct store_outcome *outcome);

/** app_ask.c: somebody may need a baseline: look into the database, ask, look again until nobody does. */
void app_ask_soon(struct app *app);
void app_ask_on_timer(void *app);

/** app_query.c: serves store.query. */
tip_nodiscard int app_query_open(struct app *app);

/** app_query.c: refuses what waits; what runs ends as it ends. */
void app_query_forget(struct app *app);

/** app_upkeep.c: partitions and retention, every hour and when the scheduler says so. */
void app_upkeep_on_timer(void *app);

/** app_upkeep.c: what has been stored; a run of module storage in it starts the upkeep. */
void app_upkeep_hear(struct app *app, const struct store_batch *batch);

/** app_upkeep.c: publishes system.alarm; the outbox keeps it while the broker is away. */
void app_alarm(struct app *app, const char *name, bool raised, const char *detail);
