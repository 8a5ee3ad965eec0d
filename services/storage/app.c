#include "app.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <sodium/randombytes.h>

#include <tip/admin.h>
#include <tip/alloc.h>
#include <tip/clock.h>
#include <tip/log.h>

#include "core/backoff.h"

enum {
    APP_LOOK_MS = 5000,          /* at the connection, when nothing is written anyway */
    APP_STANDBY_MS = 1000,       /* whether the other one is still at work */
    APP_AWAY_LOW_MS = 100,       /* between tries to reach the database … */
    APP_AWAY_HIGH_MS = 10000,    /* … doubling up to here */
    APP_STORED_YOUNG_MS = 30000, /* behind, but storing: ready */
    APP_SILENT_MS = 10000,       /* the writer waits for an answer: said in /readyz */
    APP_WATCH_MS = 1000
};

static const struct tip_metric_row app_metrics[APP_M_COUNT] = {
    [APP_M_EVENTS] = {TIP_METRIC_COUNTER, "tip_storage_events_total", "", "Events stored."},
    [APP_M_REJECTS] = {TIP_METRIC_COUNTER, "tip_storage_rejects_total", "",
                       "Events that went to event_reject instead."},
    [APP_M_LISTED] = {TIP_METRIC_COUNTER, "tip_storage_rows_total", "row=\"listed\"", "Changes of rows, by kind."},
    [APP_M_REMOVED] = {TIP_METRIC_COUNTER, "tip_storage_rows_total", "row=\"removed\"", "Changes of rows, by kind."},
    [APP_M_CLOSED] = {TIP_METRIC_COUNTER, "tip_storage_rows_total", "row=\"closed\"", "Changes of rows, by kind."},
    [APP_M_VERDICTS] = {TIP_METRIC_COUNTER, "tip_storage_rows_total", "row=\"verdict\"", "Changes of rows, by kind."},
    [APP_M_REPEATED] = {TIP_METRIC_COUNTER, "tip_storage_parts_repeated_total", "",
                        "Parts of versions that had been applied before."},
    [APP_M_WAITING] = {TIP_METRIC_COUNTER, "tip_storage_parts_waiting_total", "",
                       "Parts passed over because a baseline is on its way."},
    [APP_M_BREAKS] = {TIP_METRIC_COUNTER, "tip_storage_breaks_total", "", "Breaks in the version chain of a source."},
    [APP_M_GAPS] = {TIP_METRIC_COUNTER, "tip_storage_gaps_total", "", "Times that records of the journal were lost."},
    [APP_M_CLAMPED] = {TIP_METRIC_COUNTER, "tip_storage_times_clamped_total", "",
                       "Times claimed too far from the broker's."},
    [APP_M_BASELINES] = {TIP_METRIC_COUNTER, "tip_storage_baselines_total", "", "Baselines applied to their end."},
    [APP_M_TRANSACTIONS] = {TIP_METRIC_COUNTER, "tip_storage_transactions_total", "", "Transactions committed."},
    [APP_M_TRANSACTION_S] = {TIP_METRIC_HISTOGRAM, "tip_storage_batch_seconds", "", "From a batch to its commit."},
    [APP_M_COMMIT_AGE_S] = {TIP_METRIC_HISTOGRAM, "tip_storage_commit_age_seconds", "",
                            "Age of an event when it is stored, since the broker's commit."},
    [APP_M_OBSERVED_AGE_S] = {TIP_METRIC_HISTOGRAM, "tip_storage_observed_age_seconds", "",
                              "Age of an event when it is stored, since what it says was observed."},
    [APP_M_RECENT_P50] = {TIP_METRIC_GAUGE, "tip_storage_recent_age_seconds", "quantile=\"0.5\"",
                          "The age since the broker's commit, of the last 512 samples."},
    [APP_M_RECENT_P99] = {TIP_METRIC_GAUGE, "tip_storage_recent_age_seconds", "quantile=\"0.99\"",
                          "The age since the broker's commit, of the last 512 samples."},
    [APP_M_RETRIES] = {TIP_METRIC_COUNTER, "tip_storage_retries_total", "",
                       "Transactions tried again: database away, deadlock, serialization."},
    [APP_M_IN_FLIGHT] = {TIP_METRIC_GAUGE, "tip_storage_in_flight_bytes", "", "The batch that is being written."},
    [APP_M_LAG] = {TIP_METRIC_GAUGE, "tip_storage_lag_events", "", "Records of the journal not stored yet."},
    [APP_M_ACTIVE] = {TIP_METRIC_GAUGE, "tip_storage_active", "", "1 if this one writes, 0 on standby."},
    [APP_M_DATABASE] = {TIP_METRIC_GAUGE, "tip_storage_database_up", "", "1 if the last look found the database."},
    [APP_M_WANTED] = {TIP_METRIC_GAUGE, "tip_storage_baselines_wanted", "", "Sources whose baseline is awaited."},
    [APP_M_ASKED] = {TIP_METRIC_COUNTER, "tip_storage_baselines_asked_total", "", "Owners asked for a baseline."},
    [APP_M_ASK_FAILED] = {TIP_METRIC_COUNTER, "tip_storage_baselines_unanswered_total", "",
                          "Calls for a baseline that came to nothing; they are repeated."},
    [APP_M_ORPHANS] = {TIP_METRIC_COUNTER, "tip_storage_orphans_total", "", "Sources that their owner does not know."},
    [APP_M_QUERIES] = {TIP_METRIC_COUNTER, "tip_storage_queries_total", "", "Named queries answered."},
    [APP_M_QUERIES_FAILED] = {TIP_METRIC_COUNTER, "tip_storage_queries_failed_total", "", "Named queries that failed."},
    [APP_M_QUERY_S] = {TIP_METRIC_HISTOGRAM, "tip_storage_query_seconds", "", "Time a named query takes."},
    [APP_M_QUERIES_WAITING] = {TIP_METRIC_GAUGE, "tip_storage_queries_waiting", "",
                               "Named queries for which no reader is free."},
    [APP_M_UPKEEP_FAILED] = {TIP_METRIC_COUNTER, "tip_storage_upkeep_failed_total", "", "Upkeep that was cut short."},
    [APP_M_RUNS] = {TIP_METRIC_COUNTER, "tip_storage_runs_total", "", "Runs of the scheduler heard of."},
    [APP_M_RUNS_EXPIRED] = {TIP_METRIC_COUNTER, "tip_storage_runs_expired_total", "", "Runs heard of too late."},
    [APP_M_DEFAULT_FILLED] = {TIP_METRIC_COUNTER, "tip_storage_default_partition_filled_total", "",
                              "Times that events of a day without a partition were found, and moved."},
};

/* ---- telling ---- */

/* How long the writer's thread has been at one job. */
static int64_t app_silent_ms(const struct app *app)
{
    return app->waiting_ms ? tip_loop_now_ms() - app->waiting_ms : 0;
}

static void app_tell_ready(struct app *app)
{
    struct tip_admin *admin = tip_service_admin(app->service);
    uint64_t lag = 0;
    int64_t silent_ms = app_silent_ms(app);
    bool is_current = app->fetch && tip_fetch_is_current(app->fetch, &lag);
    bool is_storing = app->stored_ms && tip_loop_now_ms() - app->stored_ms < APP_STORED_YOUNG_MS;

    if (silent_ms >= APP_SILENT_MS)
        tip_admin_ready(admin, "database", false, "no answer for %" PRId64 " s: is the server stopped, or its disk?",
                        silent_ms / 1000);
    else
        tip_admin_ready(admin, "database", !app->n_away && app->state != APP_CONNECTING, "%s", app->database_why);
    if (app->state == APP_STANDBY)
        tip_admin_ready(admin, "position", true, "stands by: another storage is at work");
    else
        tip_admin_ready(admin, "position", is_current || (is_storing && !app->n_away),
                        "next %" PRIu64 ", %" PRIu64 " behind", app->position.next_seq, lag);
}

static void app_on_metrics(void *ctx)
{
    struct app *app = ctx;
    uint64_t lag = 0;

    if (app->fetch)
        (void)tip_fetch_is_current(app->fetch, &lag);
    tip_metric_set(app->m[APP_M_LAG], (double)lag);
    tip_metric_set(app->m[APP_M_ACTIVE], app->state == APP_ACTIVE);
    tip_metric_set(app->m[APP_M_DATABASE],
                   !app->n_away && app->state != APP_CONNECTING && app_silent_ms(app) < APP_SILENT_MS);
    tip_metric_set(app->m[APP_M_QUERIES_WAITING], (double)app->n_waiting);
    tip_metric_set(app->m[APP_M_WANTED], (double)store_asks_wanted(&app->asks));
}

static void app_count(struct app *app, const struct store_counts *counts)
{
    tip_metric_add(app->m[APP_M_EVENTS], counts->events);
    tip_metric_add(app->m[APP_M_REJECTS], counts->rejects);
    tip_metric_add(app->m[APP_M_LISTED], counts->listed);
    tip_metric_add(app->m[APP_M_REMOVED], counts->removed);
    tip_metric_add(app->m[APP_M_CLOSED], counts->closed);
    tip_metric_add(app->m[APP_M_VERDICTS], counts->verdicts);
    tip_metric_add(app->m[APP_M_REPEATED], counts->repeated);
    tip_metric_add(app->m[APP_M_WAITING], counts->waiting);
    tip_metric_add(app->m[APP_M_BREAKS], counts->breaks);
    tip_metric_add(app->m[APP_M_GAPS], counts->gaps);
    tip_metric_add(app->m[APP_M_CLAMPED], counts->clamped);
    tip_metric_add(app->m[APP_M_BASELINES], counts->baselines);
    tip_metric_add(app->m[APP_M_TRANSACTIONS], counts->transactions);
    tip_metric_add(app->m[APP_M_RETRIES], counts->retries);
}

/* ---- the writer's thread ---- */

struct write_job {
    struct store_writer *writer;
    struct store_batch *batch; /* owned; NULL unless a batch */
    struct store_break lost;
    struct store_outcome outcome;
    int64_t began_ms, took_ms;
};

static void write_position(void *ctx)
{
    struct write_job *job = ctx;

    store_writer_position(job->writer, &job->outcome);
}

/* On the writer's thread; metrics take that. */
static void write_on_stored(void *ctx, const struct store_age *age)
{
    struct app *app = ctx;

    tip_metric_observe(app->m[APP_M_COMMIT_AGE_S], (double)age->commit_us / 1e6);
    tip_metric_observe(app->m[APP_M_OBSERVED_AGE_S], (double)age->observed_us / 1e6);
    if (age->is_sample)
        tip_recent_add(&app->ages_us, age->commit_us);
}

static void write_batch(void *ctx)
{
    struct write_job *job = ctx;

    job->began_ms = tip_loop_now_ms();
    store_writer_batch(job->writer, job->batch, &job->outcome);
    job->took_ms = tip_loop_now_ms() - job->began_ms;
}

static void write_break(void *ctx)
{
    struct write_job *job = ctx;

    store_writer_break(job->writer, &job->lost, &job->outcome);
}

static void app_submit(struct app *app, struct write_job *job, void (*work)(void *), void (*done)(void *, void *))
{
    job->writer = app->writer;
    app->n_jobs++;
    app_writer_began(app);
    if (tip_pool_submit(
            app->write_pool,
            &(struct tip_pool_job){.input = job, .size = sizeof(*job), .work = work, .done = done, .ctx = app}))
        abort(); /* there is room for all that can be under way */
}

void app_job_ended(struct app *app)
{
    app->n_jobs--;
    if (app->state == APP_STOPPING && !app->n_jobs)
        tip_service_bus_drain(app->place);
}

/* ---- where it stands ---- */

static int64_t app_pause_ms(const struct app *app)
{
    return store_backoff_ms(app->n_away, APP_AWAY_LOW_MS, APP_AWAY_HIGH_MS, randombytes_random());
}

static void app_on_batch(void *ctx, const struct tip_fetch_batch *batch);
static void app_on_break(void *ctx, enum tip_fetch_break why, const struct tip_id *journal_id, uint64_t next_seq);

static int app_listen(struct app *app)
{
    const struct tip_fetch_config config = {
        .consumer = app->consumer,
        .max_bytes = (uint32_t)app->limits.batch_bytes,
        .max_events = (uint32_t)app->limits.batch_events,
        .max_wait_ms = (uint32_t)app->limits.batch_wait_ms,
        .journal_id = store_tip_id(&app->position.journal),
        .from_seq = app->position.next_seq,
        .on_batch = app_on_batch,
        .on_break = app_on_break,
        .ctx = app,
    };
    int r = tip_fetch_open(&app->fetch, app->bus, &config);

    return r ? r : app_query_open(app);
}

static void app_activate(struct app *app, const struct store_position *position)
{
    int r;

    app->position = *position;
    app->state = APP_ACTIVE;
    tip_info("storage.active", "consumer=%s next_seq=%" PRIu64, app->consumer, position->next_seq);
    r = app_listen(app);
    if (r)
        tip_service_fail(app->service, "cannot listen to the bus: %s", strerror(-r));
    app_ask_soon(app);
    tip_timer_start(&app->upkeep, 0);
}

static void app_stand_by(struct app *app)
{
    if (app->state != APP_STANDBY)
        tip_info("storage.standby", "consumer=%s why=%s", app->consumer, "another storage is at work");
    app->state = APP_STANDBY;
    tip_serve_destroy(&app->serve);
    tip_fetch_destroy(&app->fetch);
    tip_timer_stop(&app->ask);
    tip_timer_stop(&app->upkeep);
    tip_timer_start(&app->look, APP_STANDBY_MS);
}

static void app_away(struct app *app, const char *why)
{
    if (!app->n_away++)
        tip_warn("database.away", "why=%s", why);
    snprintf(app->database_why, sizeof(app->database_why), "%.*s", (int)sizeof(app->database_why) - 1, why);
}

static void app_back(struct app *app)
{
    if (app->n_away)
        tip_info("database.back", "tries=%u", app->n_away);
    app->n_away = 0;
    snprintf(app->database_why, sizeof(app->database_why), "connected");
}

void app_writer_began(struct app *app)
{
    if (app->n_writer_jobs++ == 0)
        app->waiting_ms = tip_loop_now_ms();
}

bool app_writer_ended(struct app *app, const struct store_outcome *outcome)
{
    app->waiting_ms = --app->n_writer_jobs ? tip_loop_now_ms() : 0;
    app_count(app, &outcome->counts);
    switch (outcome->end) {
    case STORE_END_DONE:
    case STORE_END_MOVED:
        app_back(app);
        return true;
    case STORE_END_AWAY:
        app_away(app, outcome->why);
        return false;
    case STORE_END_STANDBY:
        app_back(app);
        if (app->state != APP_STOPPING)
            app_stand_by(app);
        return false;
    case STORE_END_MISMATCH:
        tip_service_fail(app->service, "%s", outcome->why);
        return false;
    case STORE_END_COUNT:
        break;
    }
    return false;
}

/* A look found the position: begin with it, or notice that somebody else has moved it. */
static void app_found(struct app *app, const struct store_position *position)
{
    struct tip_id journal = store_tip_id(&position->journal);

    if (app->state == APP_CONNECTING || app->state == APP_STANDBY) {
        app_activate(app, position);
    } else if (!app->is_writing && !store_position_equal(position, &app->position)) {
        tip_warn("position.moved", "from=%" PRIu64 " to=%" PRIu64, app->position.next_seq, position->next_seq);
        app->position = *position;
        tip_fetch_done(app->fetch, &journal, position->next_seq);
    }
}

static void app_on_looked(void *ctx, void *opaque)
{
    struct app *app = ctx;
    struct write_job *job = opaque;
    bool is_done = app_writer_ended(app, &job->outcome);

    if (app->state != APP_STOPPING) {
        if (is_done)
            app_found(app, &job->outcome.position);
        if (job->outcome.end != STORE_END_STANDBY) /* that has its own time */
            tip_timer_start(&app->look, is_done ? APP_LOOK_MS : app_pause_ms(app));
        app_tell_ready(app);
    }
    app_job_ended(app);
}

/* A thread that waits for a stopped server cannot say so itself. */
static void app_watch(void *ctx)
{
    struct app *app = ctx;
    bool is_silent = app_silent_ms(app) >= APP_SILENT_MS;

    if (is_silent && !app->is_silent)
        tip_warn("database.silent", "ms=%" PRId64, app_silent_ms(app));
    else if (!is_silent && app->is_silent)
        tip_info("database.answers", "");
    if (is_silent || app->is_silent)
        app_tell_ready(app);
    app->is_silent = is_silent;
}

static void app_look(void *ctx)
{
    struct app *app = ctx;

    app_tell_ready(app);
    if (app->is_writing)
        tip_timer_start(&app->look, APP_LOOK_MS);
    else
        app_submit(app, &(struct write_job){.began_ms = 0}, write_position, app_on_looked);
}

/* ---- batches ---- */

static void app_go_on(struct app *app, const struct store_outcome *outcome)
{
    struct tip_id journal = store_tip_id(&outcome->position.journal);

    app->position = outcome->position;
    app->stored_ms = tip_loop_now_ms();
    if (outcome->needs)
        app_ask_soon(app);
    tip_fetch_done(app->fetch, &journal, app->position.next_seq);
}

static void app_alarm_of_rejects(struct app *app, const struct store_outcome *outcome)
{
    if (!outcome->counts.rejects)
        return;
    tip_error("events.rejected", "n=%" PRIu64 " next_seq=%" PRIu64, outcome->counts.rejects,
              outcome->position.next_seq);
    if (!app->is_reject_alarm)
        app_alarm(app, "events_rejected", true, "events could not be stored: see the query rejects");
    app->is_reject_alarm = true;
    app->rejected_ms = tip_loop_now_ms();
}

static void app_show_ages(struct app *app)
{
    tip_metric_set(app->m[APP_M_RECENT_P50], (double)tip_recent_quantile(&app->ages_us, 0.5) / 1e6);
    tip_metric_set(app->m[APP_M_RECENT_P99], (double)tip_recent_quantile(&app->ages_us, 0.99) / 1e6);
}

/* The end of a batch or break: on with the next, or once more after a pause. */
static void app_on_written(void *ctx, void *opaque)
{
    struct app *app = ctx;
    struct write_job *job = opaque;
    bool is_done = app_writer_ended(app, &job->outcome);

    app->is_writing = false;
    tip_metric_set(app->m[APP_M_IN_FLIGHT], 0);
    if (job->batch && is_done) {
        tip_metric_observe(app->m[APP_M_TRANSACTION_S], (double)job->took_ms / 1000);
        tip_debug("batch.stored", "events=%zu bytes=%zu ms=%" PRId64 " end=%s", job->batch->n_records,
                  job->batch->bytes, job->took_ms, store_end_name(job->outcome.end));
        app_show_ages(app);
        app_alarm_of_rejects(app, &job->outcome);
        app_upkeep_hear(app, job->batch);
    }
    store_batch_destroy(&job->batch);
    if (app->fetch && is_done)
        app_go_on(app, &job->outcome);
    else if (app->fetch)
        tip_fetch_retry(app->fetch, (uint64_t)app_pause_ms(app));
    if (app->state != APP_STOPPING)
        app_tell_ready(app);
    app_job_ended(app);
}

static void app_on_batch(void *ctx, const struct tip_fetch_batch *batch)
{
    struct app *app = ctx;
    struct write_job job = {.batch = store_batch_new(batch, &app->position)};

    app->is_writing = true;
    tip_metric_set(app->m[APP_M_IN_FLIGHT], (double)job.batch->bytes);
    app_submit(app, &job, write_batch, app_on_written);
}

static void app_on_break(void *ctx, enum tip_fetch_break why, const struct tip_id *journal_id, uint64_t next_seq)
{
    static const char *const reasons[] = {[TIP_FETCH_NEW_JOURNAL] = "another journal",
                                          [TIP_FETCH_TRIMMED] = "records were trimmed before they were stored",
                                          [TIP_FETCH_DAMAGED] = "records cannot be read"};
    struct app *app = ctx;
    struct write_job job = {.lost = {.from = app->position, .reason = reasons[why]}};

    tip_error("journal.break", "why=%s from=%" PRIu64 " next_seq=%" PRIu64, reasons[why], app->position.next_seq,
              next_seq);
    job.lost.next = (struct store_position){store_uuid(journal_id), next_seq};
    if (why != TIP_FETCH_NEW_JOURNAL) {
        job.lost.lost_from = app->position.next_seq;
        job.lost.lost_to = next_seq - 1;
    }
    app->is_writing = true;
    app_submit(app, &job, write_break, app_on_written);
}

/* ---- beginning and end ---- */

static void app_take_limits(struct app *app, const struct store_options *options)
{
    app->limits = *options;
    app->limits.database = app->limits.password = app->limits.consumer = NULL;
}

static int app_open_pool(struct app *app, struct tip_pool **poolp, const char *name, size_t n_jobs_max)
{
    return tip_pool_open(poolp, app->loop,
                         &(struct tip_pool_options){.name = name, .n_threads = 1, .n_jobs_max = n_jobs_max});
}

/* A thread for each reader. */
static int app_open_readers(struct app *app)
{
    size_t n = (size_t)app->limits.readers;

    return tip_pool_open(&app->read_pool, app->loop,
                         &(struct tip_pool_options){.name = "read", .n_threads = (unsigned)n, .n_jobs_max = n});
}

static int app_open_pools(struct app *app)
{
    /* a look, a batch, a list of needs, and what ends each call */
    int r = app_open_pool(app, &app->write_pool, "write", 3 + STORE_ASK_RUNNING_MAX + STORE_ASK_MAX);

    if (!r)
        r = app_open_readers(app);
    return r ? r : app_open_pool(app, &app->upkeep_pool, "upkeep", 1);
}

static void app_make_database(struct app *app)
{
    struct store_writer_options writer = {
        app->database, app->password, app->consumer, app->limits.answer_timeout_ms, write_on_stored, app};
    struct store_reader_options reader = {app->database, app->password, app->limits.query_timeout_ms};

    app->writer = store_writer_new(&writer);
    app->readers = tip_new_array((size_t)app->limits.readers, struct app_reader);
    for (size_t i = 0; i < (size_t)app->limits.readers; i++)
        app->readers[i].reader = store_reader_new(&reader);
    app->waiting_end = &app->waiting;
    snprintf(app->database_why, sizeof(app->database_why), "not connected yet");
}

int app_open(struct app **appp, struct tip_service *service, const struct store_options *options)
{
    tip_auto(app_destroy) struct app *app = tip_new(struct app);
    int r;

    app->service = service;
    app->loop = tip_service_loop(service);
    app->database = tip_strdup(options->database);
    app->password = tip_strdup(options->password);
    app->consumer = tip_strdup(options->consumer);
    app_take_limits(app, options);
    app_make_database(app);
    tip_metrics_add(tip_service_metrics(service), app_metrics, APP_M_COUNT, app->m);
    tip_metrics_on_read(tip_service_metrics(service), app_on_metrics, app);
    tip_timer_init(&app->look, app->loop, app_look, app);
    tip_timer_init(&app->watch, app->loop, app_watch, app);
    tip_timer_every(&app->watch, APP_WATCH_MS);
    tip_timer_init(&app->ask, app->loop, app_ask_on_timer, app);
    tip_timer_init(&app->upkeep, app->loop, app_upkeep_on_timer, app);
    r = tip_service_bus_open_instance(&app->place, service);
    if (r)
        return r;
    app->outbox = tip_service_bus_outbox(app->place);
    app->bus = tip_service_bus_bus(app->place);
    r = app_open_pools(app);
    if (r) {
        tip_error("service.refused", "why=%s error=%s", "cannot start threads", strerror(-r));
        return r;
    }
    app_tell_ready(app);
    tip_timer_start(&app->look, 0);
    *appp = tip_take(app);
    return 0;
}

/* What is being written ends as it ends: until its commit nothing has happened. */
void app_stop(struct app *app)
{
    app->state = APP_STOPPING;
    tip_timer_stop(&app->look);
    tip_timer_stop(&app->watch);
    tip_timer_stop(&app->ask);
    tip_timer_stop(&app->upkeep);
    tip_serve_destroy(&app->serve);
    tip_fetch_destroy(&app->fetch);
    if (!app->n_jobs)
        tip_service_bus_drain(app->place);
}

void app_destroy(struct app **appp)
{
    struct app *app = *appp;

    if (!app)
        return;
    app->state = APP_STOPPING;
    tip_metrics_on_read_cancel(tip_service_metrics(app->service), app);
    tip_serve_destroy(&app->serve);
    tip_fetch_destroy(&app->fetch);
    app_query_forget(app);
    tip_pool_destroy(&app->write_pool);
    tip_pool_destroy(&app->read_pool);
    tip_pool_destroy(&app->upkeep_pool);
    tip_service_bus_destroy(&app->place);
    tip_timer_deinit(&app->look);
    tip_timer_deinit(&app->watch);
    tip_timer_deinit(&app->ask);
    tip_timer_deinit(&app->upkeep);
    store_writer_destroy(&app->writer);
    for (size_t i = 0; i < (size_t)app->limits.readers; i++)
        store_reader_destroy(&app->readers[i].reader);
    free(app->readers);
    free(app->database);
    free(app->password);
    free(app->consumer);
    free(app);
    *appp = NULL;
}

static bool app_is_same(const char *a, const char *b)
{
    return !strcmp(a ? a : "", b ? b : "");
}

int app_reload(struct app *app, const struct store_options *options, char *why)
{
    if (!app_is_same(app->database, options->database) || !app_is_same(app->password, options->password) ||
        !app_is_same(app->consumer, options->consumer) || app->limits.queries != options->queries ||
        app->limits.readers != options->readers || app->limits.query_timeout_ms != options->query_timeout_ms ||
        app->limits.answer_timeout_ms != options->answer_timeout_ms) {
        snprintf(why, TIP_SERVICE_WHY_BYTES,
                 "database, password, consumer, answer_timeout, queries, query_timeout and readers change with a "
                 "restart only");
        return -EBUSY;
    }
    app_take_limits(app, options);
    return 0;
}
