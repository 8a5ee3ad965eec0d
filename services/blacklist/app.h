#pragma once
/*
 * The service: event in, core step, actions out. app.c starts and stops; input.c hears; runs.c keeps the runs;
 * observe.c what TIP saw itself; collect*.c move the sources; publish.c does the jobs; control*.c, snapshot.c and
 * lookup.c answer calls. What cannot be stored ends the process: a start from what is stored puts that right.
 */
#include <tip/bus.h>
#include <tip/hash.h>
#include <tip/http.h>
#include <tip/metrics.h>
#include <tip/pool.h>
#include <tip/service_bus.h>
#include <tip/snapshot.h>

#include "codec.h"
#include "core/source.h"
#include "exports.h"
#include "lookup_work.h"
#include "observe.h"
#include "operator.h"
#include "options.h"
#include "state.h"
#include "weigh_work.h"
#include "work.h"

enum {
    APP_M_FETCHES,
    APP_M_NOT_MODIFIED,
    APP_M_OK,
    APP_M_FAILED,
    APP_M_BYTES,
    APP_M_LINES,
    APP_M_REJECTED,
    APP_M_VERSIONS,
    APP_M_PARTS,
    APP_M_VERDICTS,
    APP_M_RUNS,
    APP_M_RUNS_REPEATED,
    APP_M_RUNS_EXPIRED,
    APP_M_MALFORMED,
    APP_M_BREAKS,
    APP_M_HELD_BACK,
    APP_M_CALLS,
    APP_M_CALLS_REPEATED,
    APP_M_UNEXPECTED,
    APP_M_SOURCES,
    APP_M_ENTRIES,
    APP_M_JOBS,
    APP_M_SNAPSHOTS,
    APP_M_SNAPSHOTS_FAILED,
    APP_M_SNAPSHOT_PAGES,
    APP_M_SNAPSHOT_MISSED,
    APP_M_SNAPSHOT_BYTES,
    APP_M_JOBS_AGAIN,
    APP_M_RESTS,
    APP_M_CLOCK_BACK,
    APP_M_PAUSED,
    APP_M_EXPORTS_WRITTEN,
    APP_M_EXPORTS_UNCHANGED,
    APP_M_EXPORTS_FAILED,
    APP_M_EXPORTS_HELD,
    APP_M_EXPORT_ENTRIES,
    APP_M_OBSERVED_TRAP, /* as enum bl_evidence_kind */
    APP_M_OBSERVED_FLUX,
    APP_M_OBSERVED_SMTP,
    APP_M_OBSERVED_REPEATED,
    APP_M_UNBELIEVED_MALFORMED, /* as enum observed_fate */
    APP_M_UNBELIEVED_DEEP,
    APP_M_UNBELIEVED_TREATED,
    APP_M_UNBELIEVED_UNSCORED,
    APP_M_UNBELIEVED_LATE,
    APP_M_UNBELIEVED_FULL,
    APP_M_FORGOTTEN_FULL_TRAP, /* as enum bl_evidence_kind, here and below */
    APP_M_FORGOTTEN_FULL_FLUX,
    APP_M_FORGOTTEN_FULL_SMTP,
    APP_M_FORGOTTEN_OVER_TRAP,
    APP_M_FORGOTTEN_OVER_FLUX,
    APP_M_FORGOTTEN_OVER_SMTP,
    APP_M_OBSERVATIONS_TRAP,
    APP_M_OBSERVATIONS_FLUX,
    APP_M_OBSERVATIONS_SMTP,
    APP_M_EXEMPTED,
    APP_M_EXEMPT_LISTS,
    APP_M_EXEMPT_ENTRIES,
    APP_M_LOOKUPS,
    APP_M_LOOKUPS_REFUSED,
    APP_M_LOOKUP_INDICATORS,
    APP_M_LOOKUP_BUILDS,
    APP_M_LOOKUP_ENTRIES,
    APP_M_LOOKUP_BYTES,
    APP_M_SHELF_CHECKED,
    APP_M_SHELF_TAKEN,
    APP_M_SHELF_BYTES,
    APP_M_COUNT
};

/** How a source ended; told as soon as the outbox has room. */
struct app_end {
    bool is_set, ok, is_held, is_guarded; /* held by an operator or by the guard, by the guard */
    char reason[32];
    char detail[STATE_DETAIL + 1];
    struct bl_report *report; /* owned; NULL for none */
};

struct app_source {
    struct app *app;
    char name[TIP_NAME_MAX + 1];
    const struct bl_spec *spec; /* NULL: its file is gone */
    struct bl_source machine;
    struct bl_stored stored;
    bool is_urgent;        /* an operator waits for it */
    int64_t start_unix_ms; /* its fetch waits until then */
    uint64_t asked;        /* its place among those that wait for a fetch */
    int64_t asked_unix_ms;
    struct bl_fetch *fetch;
    char host[256];       /* that is being asked */
    char body[WORK_BODY]; /* what is being fetched or read */
    struct bl_validators fetched;
    int64_t retry_after_ms;
    bool is_retiring; /* its last version is being written */
    struct app_end end;
    UT_hash_handle hh;
};

/** The job being done. */
struct app_publish {
    bool is_active, is_planning;
    bool is_resting;  /* until more verdicts may be told */
    double allowance; /* verdicts that may be told now; below 0: not yet */
    int64_t refilled_ms;
    struct tip_timer refill;
    bool is_deferred; /* the next step comes by itself */
    struct work_plan *plan;
    struct tip_id baseline_id;
};

/** The score time. */
struct app_clock {
    struct bl_clock_state state;
    int64_t floor_ms;
    uint32_t next_s; /* when time alone moves a verdict next; UINT32_MAX: not within the hour */
};

/** The bus takes nothing. */
struct app_pause {
    int64_t since_ms, said_ms; /* 0: it is not so; it was not said */
    uint64_t acked;            /* events, at the last look */
};

/** Tables of exemptions: numbers; 0 is none. */
struct app_exempts {
    char dir[WORK_PATH];
    uint64_t last, in_force;
    struct bl_exempt_map *map;    /* in force; NULL: none, or it is lost */
    struct bl_exempt_map *coming; /* of the job that has begun; or the newest, while the one in force is lost */
    uint64_t lost;                /* number of a table that is gone */
    uint64_t stamp;               /* of the lists as they were last read; 0: they are to be read */
    int64_t again_ms;             /* when to look again; 0: never looked, or looking */
    bool is_wanted, is_looking;   /* a look at the lists */
    bool has_looked;              /* since the start */
};

/** Measured weights. */
struct app_weigh {
    struct weigh_order *order; /* being measured; NULL: none is */
    char *warninglists;        /* directory; NULL for none */
    int64_t interval_ms, last_unix_ms, begun_ms;
    unsigned n_waited; /* ticks */
};

enum { APP_TRIED_MAX = 256 };

enum {
    LOOKUP_CREDIT = 16,                    /* calls of a view at once */
    LOOKUP_WAITING_MAX = 2 * LOOKUP_CREDIT /* asked anew while as many are on their way: tip_serve hands over so many */
};

/** What one audience looks up. */
struct lookup_view {
    struct app *app; /* NULL: not open */
    enum tip_tlp tlp;
    struct tip_serve *queue;
    struct lookup_index *index; /* NULL: none yet */
    bool is_wanted;             /* somebody asked, not long ago */
    bool is_stale;              /* something has moved verdicts since it was begun */
    bool is_building, is_void;  /* what is being built is not to be used */
    int64_t asked_ms, began_ms, ended_ms, took_ms;
    struct tip_job *waiting[LOOKUP_WAITING_MAX]; /* for the first index */
    size_t n_waiting;
};

struct app {
    struct tip_service *service;
    struct tip_loop *loop;
    struct tip_service_bus *place;
    struct tip_outbox *outbox; /* of the place, as is the bus */
    struct tip_bus *bus;
    struct tip_fetch *fetch;
    struct tip_serve *serve;
    struct tip_snapshots *snapshots, *allow_snapshots;
    struct lookup_view lookups[TIP_TLP_COUNT];
    struct tip_http *http;
    struct tip_pool *pool;
    struct bl_specs specs;
    char *user_agent;
    char dir[WORK_PATH];    /* of the versions */
    struct bl_shelf *shelf; /* of what sources have said in them */
    int64_t concurrency, interval_floor_ms;
    struct tip_prefix new_allowed[BL_ALLOWED_MAX];
    size_t n_new_allowed;
    bool has_contact; /* publishers can find out who fetches */
    struct app_source *sources;
    struct bl_run *runs;
    size_t n_runs;
    struct bl_job *jobs; /* in order */
    size_t n_jobs, jobs_room;
    uint64_t last_job;
    struct operator_list operator;
    struct observe_list observe;
    struct app_exports exports;
    struct tip_prefix own[BL_OWN_MAX];
    size_t n_own;
    struct app_publish publish;
    struct codec_scratch *scratch;
    size_t n_tries; /* sources being tried out */
    struct control_try *tries;
    struct bl_tried tried[APP_TRIED_MAX];
    size_t n_tried;
    uint64_t n_asked, n_bodies;
    bool is_stopping;
    struct tip_timer tick;
    struct app_pause pause;
    struct app_weigh weigh;
    struct app_exempts exempts;
    struct app_clock clock;
    int64_t verdict_rate;
    struct tip_id journal_id; /* input: where the next batch begins */
    uint64_t next_seq;
    int64_t purged_ms;
    struct tip_metric *m[APP_M_COUNT];
};

/** @return 0, or a negative errno after an error line */
tip_nodiscard int app_open(struct app **appp, struct tip_service *service, const struct bl_options *options);
void app_destroy(struct app **appp);
void app_stop(struct app *app);
tip_nodiscard int app_reload(struct app *app, const struct bl_options *options, char *why);

/* ---- for the files beside app.c ---- */

enum { APP_ROOM_SMALL = 512 * 1024, APP_ROOM_TURN = 64 * TIP_BATCH_BYTES_MAX + APP_ROOM_SMALL };

/** False when the outbox could not hold so much: everything waits until it has room again. */
bool app_has_room(struct app *app, size_t bytes);

/** A transaction that ends in a commit, or in the end of the process. */
struct tip_outbox_txn *app_begin(struct app *app);
void app_commit(struct app *app, struct tip_outbox_txn **txnp, int r);

/** Publishes an event under prefix and name. */
tip_nodiscard int app_publish(struct app *app, struct tip_outbox_txn *txn, const char *prefix, const char *name,
                              enum tip_tlp tlp, struct tip_event *event);

/** Something that was done, for the audit log. Without actor and call the service did it by itself. */
struct app_deed {
    const char *actor, *action, *target, *reason, *result;
    const struct tip_id *call_id;
};

tip_nodiscard int app_deed_tell(struct app *app, struct tip_outbox_txn *txn, const struct app_deed *deed);

/** Has it ended, because its file is gone or an operator retired it? Then it lists nothing, or soon will not. */
bool app_source_is_over(const struct app_source *source);

struct app_source *app_source_find(struct app *app, const char *name);
tip_nodiscard int app_source_put(struct tip_outbox_txn *txn, const struct app_source *source);
enum tip_tlp app_source_tlp(const struct app_source *source);

/** A report to keep, or one that was kept (NULL: none). */
tip_nodiscard int app_report_put(struct tip_outbox_txn *txn, const char *name, const struct bl_report *report);
struct bl_report *app_report_get(struct tip_outbox_txn *txn, const char *name);

/* collect.c */

/** A run wants it. One that is under way is joined. */
void collect_ask(struct app_source *source);

/** Why it must not be asked now, whoever wants it; NULL: it may. */
const char *collect_refuses(const struct app_source *source);

/** Starts what waits for a fetch, tells what has ended, as far as there is room. */
void collect_go_on(struct app *app);

/** Ends a wait or a transfer. What is being read or published goes on. */
void collect_cancel(struct app_source *source, const char *reason, const char *detail);

/** The version is out: within the transaction that makes it so. */
tip_nodiscard int collect_published(struct app_source *source, struct tip_outbox_txn *txn, const char *reason);

/** After a start: a version was being published. */
void collect_resume(struct app_source *source);

/** Ends a published version that cannot be read any more. */
void collect_lost(struct app_source *source);

/** Each second: a hold whose time is over ends. */
void collect_tick(struct app *app);

/** Ends a hold: what it lists is due again. Within a transaction. */
tip_nodiscard int collect_release(struct app_source *source, struct tip_outbox_txn *txn);

/** It is over: one last, empty version. */
void collect_retire(struct app_source *source);

/** The rules of a body for the pool. */
void collect_order(const struct app_source *source, const struct bl_spec *spec, struct work_parse *job);

/* pace.c */

/** Do both keep the floor of their publisher together? */
bool pace_shares(const struct app_source *a, const struct app_source *b);

/** Of those that do, which one goes first: what was asked longest ago. */
bool pace_goes_before(const struct app_source *a, const struct app_source *b);

/** A URL that is no source is to be fetched once: notes it, or says why it must not be. */
const char *pace_try(struct app *app, const char *url);

/** And was: what its server asks for holds for all of the host, for what is no source. */
void pace_try_heard(struct app *app, const char *host, const struct bl_fetched *fetched);

/* tried.c */

/** What is remembered of a host, or of the domain of a publisher; all 0 for nothing. */
struct bl_tried tried_of(struct app *app, const char *host);

/** Keeps it; of APP_TRIED_MAX the oldest makes room. Within a transaction. */
tip_nodiscard int tried_put(struct app *app, struct tip_outbox_txn *txn, const struct bl_tried *tried);
tip_nodiscard int tried_load(struct app *app, struct tip_outbox_txn *txn);

/* input.c */

/** Goes on where the outbox says. @return 0 or a negative errno */
tip_nodiscard int input_open(struct app *app);

tip_nodiscard int input_load(struct app *app, struct tip_outbox_txn *txn);

/** In a transaction: the position, though nothing has come. */
tip_nodiscard int input_put(struct app *app, struct tip_outbox_txn *txn);

/* runs.c */

/** Takes a run on, or says why not, all in the transaction of its batch. */
tip_nodiscard int runs_take(struct app *app, struct tip_outbox_txn *txn, const struct tip_schedule_due *due);

/** Asks the sources of every run for what is still pending. */
void runs_go_on(struct app *app);

/** A source has ended: within the transaction that says so. */
tip_nodiscard int runs_mark(struct app *app, struct tip_outbox_txn *txn, const char *source, bool ok);

/** Ends what is past its deadline. */
void runs_tick(struct app *app);

tip_nodiscard int runs_load(struct app *app, struct tip_outbox_txn *txn);
void runs_free(struct app *app);

/* publish.c */

/** How many more baselines may wait; versions and weights always may: each source has one at most. */
size_t publish_room(const struct app *app);

/** Queues a job: within a transaction. Sets its number. */
tip_nodiscard int publish_add(struct app *app, struct tip_outbox_txn *txn, struct bl_job *job);

/** The current version of a source in full, unless that waits already. */
tip_nodiscard int publish_baseline(struct app_source *source, struct tip_outbox_txn *txn);

/** Does the next step of the first job, if there is room. */
void publish_go_on(struct app *app);

/** Is such a job waiting whose work has not begun? */
bool publish_is_queued(const struct app *app, enum work_kind kind, const char *name);

/** The version and weight of a source that events may speak of already: of the job that has begun, else those in force.
 */
void publish_stands(const struct app_source *source, uint64_t *versionp, double *weightp);

/** The same with all that it is trusted by. */
struct app_stand {
    uint64_t version;
    struct bl_law law;
    int64_t kin;
    const struct work_kin *kin_of;
};

struct app_stand publish_stand(const struct app_source *source);

/** Is a job under way or waiting that puts another weight of it in force? */
bool publish_is_weighing(const struct app_source *source);

/** Queues a job when the weight that is to be in force is not. */
tip_nodiscard int publish_weigh(struct app_source *source, struct tip_outbox_txn *txn);

void publish_init(struct app *app);
tip_nodiscard int publish_load(struct app *app, struct tip_outbox_txn *txn);
void publish_free(struct app *app);

/* pause.c */

/** Nothing new is fetched: the outbox could not hold a turn of publishing, so what is fetched would only wait. */
bool pause_is_on(struct app *app);

/** Each second: says so when that has lasted, and when it is over. */
void pause_tick(struct app *app);

/* stale.c */

/** When the list last changed, or wanted to; 0: not known. */
int64_t app_source_moved(const struct app_source *source);

/** How often it changes, in milliseconds; 0: not known. */
int64_t app_source_cadence(const struct app_source *source);

/** Each second: says which sources have died, and which live again. */
void stale_tick(struct app *app);

/* weigh.c */

/** The weight that is to be in force: what its file says, else what was measured, else that of the unknown. */
double app_source_weight(const struct app_source *source);
bool app_source_is_fixed(const struct app_source *source);

/** Tells the weight and half-life in force with what was last measured: within a transaction. */
tip_nodiscard int weigh_publish(struct app_source *source, struct tip_outbox_txn *txn, double before,
                                const char *reason);

/* law.c */

/** Tells what is in force, and why. */
tip_nodiscard int law_tell(struct app_source *source, struct tip_outbox_txn *txn, double before);

/** Before the first part of a job: verdicts that others hear first are explained by what they rest on. */
tip_nodiscard int law_begin(struct app_source *source, struct tip_outbox_txn *txn, const struct bl_job *job);

/** With the last one: entries that were told without the times that their age counts from are told again. */
tip_nodiscard int law_end(struct app_source *source, struct tip_outbox_txn *txn, const struct bl_job *job);

/** Files were read: tells a law that is in force and was never told, or for another reason. */
tip_nodiscard int law_settle(struct app_source *source, struct tip_outbox_txn *txn);

/** Fills in what of the law an event tells. What was measured stands in it. */
void law_fill(struct app_source *source, struct tip_source_weight *told);

/** Each second: measures all sources when it is time to. */
void weigh_tick(struct app *app);

/** Takes the options over; sources are loaded. */
void weigh_configure(struct app *app, const struct bl_options *options);
void weigh_free(struct app *app);

/* voters.c */

/** How far and for how long a source is to be trusted: by its file, by what was measured, else as its category. */
struct bl_law app_source_law(const struct app_source *source);

/** A number that changes with whom it is independent of. */
int64_t app_source_kin(const struct app_source *source);
struct work_kin app_source_kin_of(const struct app_source *source);

/** Of one maintainer and made of the same? What else the number says is marked. */
bool voters_same_kin(int64_t a, int64_t b);
void voters_mark(struct work_marks *marks, const struct app_source *source, int64_t kin);

struct voters_wish {
    enum tip_tlp audience; /* TIP_TLP_NONE: everybody's */
    const char *self;      /* that one is wanted whatever it is worth; NULL: none */
    bool is_newest;        /* as they are once the job that has begun is done */
};

/** The sources that count, in the order of their names. */
struct work_voters voters_make(struct app *app, const struct voters_wish *wish);

/** Sources are joined with their files: what is not known of their kin is taken from there. */
void voters_configure(struct app *app);

/* exempts.c */

/** Where no table is there, at a first start or since it is lost, nothing is told before the lists were looked at. */
bool exempts_are_awaited(const struct app *app);
tip_nodiscard int exempts_load(struct app *app, struct tip_outbox_txn *txn);

/** After the state is loaded: maps the table in force. @return 0 or a negative errno */
tip_nodiscard int exempts_open(struct app *app);
void exempts_free(struct app *app);

/** The lists may have changed: they are looked at in the pool. */
void exempts_look(struct app *app);

/** The table in force, and the one that events may speak of already; the caller holds it. NULL: none. */
struct bl_exempt_map *exempts_in_force(const struct app *app);
struct bl_exempt_map *exempts_stand(struct app *app);

/**
 * What a WORK_EXEMPT job means now that it is its turn: all but the voters.
 *
 * @return 0 or a negative errno: its table cannot be opened now, but is not lost; *order must be deinitialised as well
 */
tip_nodiscard int exempts_order(struct app *app, struct bl_job *job, struct work_order *order);

/** Within the transaction of the job's last part; and after it: tables that nobody needs any more go. */
tip_nodiscard int exempts_in_force_set(struct app *app, struct tip_outbox_txn *txn, uint64_t number);
void exempts_sweep(const struct app *app);

/** Each second: starts a look that is wanted. */
void exempts_tick(struct app *app);
void exempts_on_metrics(const struct app *app);

/* clock.c */
tip_nodiscard int clock_load(struct app *app, struct tip_outbox_txn *txn);
void clock_configure(struct app *app, const struct bl_options *options);

/** The score time in force, and the one that events may speak of already. */
uint32_t clock_tau(const struct app *app);
uint32_t clock_stands(const struct app *app);

/** What a WORK_CLOCK job means now that it is its turn. */
void clock_order(struct app *app, struct bl_job *job);

/** What a plan has found out about what time will do. */
void clock_heard(struct app *app, const struct bl_tell *tell);

/** Within the transaction of the job's last part. */
tip_nodiscard int clock_set(struct app *app, struct tip_outbox_txn *txn, uint64_t tau_s);

/** Each second: queues a job when it is time. */
void clock_tick(struct app *app);

/* control.c */
void control_on_job(void *ctx, struct tip_job *job);

/* control_try.c */

/** Is a list of that host being fetched to be tried out? */
bool control_is_trying(const struct app *app, const char *host);
void control_free(struct app *app);

/* snapshot.c */
tip_nodiscard int snapshot_open(struct app *app);

/** Which lists count for what an audience may see. Sets lists, n_lists, the score time and the table of
 * exemptions; the caller owns them. */
void snapshot_lists(struct app *app, enum tip_tlp audience, struct view_order *order);
void snapshot_on_metrics(struct app *app);

/* lookup.c */
tip_nodiscard int lookup_open(struct app *app);
void lookup_free(struct app *app);

/** A job is done: what is looked up follows. */
void lookup_touch(struct app *app);

/** Who may see what may have changed: nothing of before is answered any more. */
void lookup_void(struct app *app);

/** Each second. */
void lookup_tick(struct app *app);
void lookup_on_metrics(struct app *app);
