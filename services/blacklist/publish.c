#include <errno.h>
#include <inttypes.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include <tip/alloc.h>
#include <tip/clock.h>
#include <tip/log.h>
#include <topics.h>

#include "app.h"
#include "io/store.h"

enum {
    PUBLISH_PARTS_MAX = 64, /* in one transaction */
    PUBLISH_TURN_MS = 20,   /* then the loop does something else */
    PUBLISH_REST_MS = 50,
    PUBLISH_JOBS_MAX = 10000,
    PUBLISH_JOB_BYTES = 4096
};

static void publish_step(struct app *app);
static void publish_on_refill(void *ctx);

/* ---- the queue ---- */

static int job_put(struct tip_outbox_txn *txn, const struct bl_job *job)
{
    tip_auto(tip_buf_deinit) struct tip_buf bytes;
    uint8_t key[8];
    int r;

    tip_buf_init(&bytes, PUBLISH_JOB_BYTES);
    store_number_key(job->number, key);
    r = codec_job_write(job, &bytes);
    return r ? r : store_put(txn, STORE_JOB, key, sizeof(key), bytes.data, bytes.len);
}

static void job_push(struct app *app, const struct bl_job *job)
{
    if (app->n_jobs == app->jobs_room) {
        app->jobs_room = app->jobs_room ? 2 * app->jobs_room : 16;
        app->jobs = tip_realloc(app->jobs, app->jobs_room, sizeof(*app->jobs));
    }
    app->jobs[app->n_jobs++] = *job;
    app->last_job = job->number > app->last_job ? job->number : app->last_job;
}

static int job_drop_first(struct app *app, struct tip_outbox_txn *txn)
{
    uint8_t key[8];

    store_number_key(app->jobs[0].number, key);
    app->n_jobs--;
    memmove(app->jobs, app->jobs + 1, app->n_jobs * sizeof(*app->jobs));
    return store_delete(txn, STORE_JOB, key, sizeof(key));
}

size_t publish_room(const struct app *app)
{
    return app->n_jobs < PUBLISH_JOBS_MAX ? PUBLISH_JOBS_MAX - app->n_jobs : 0;
}

int publish_add(struct app *app, struct tip_outbox_txn *txn, struct bl_job *job)
{
    job->number = app->last_job + 1;
    job_push(app, job);
    return job_put(txn, job);
}

bool publish_is_queued(const struct app *app, enum work_kind kind, const char *name)
{
    for (size_t i = app->publish.is_active ? 1 : 0; i < app->n_jobs; i++) {
        if (app->jobs[i].kind == (int64_t)kind && !bl_job_has_begun(&app->jobs[i]) && !strcmp(app->jobs[i].name, name))
            return true;
    }
    return false;
}

bool publish_is_weighing(const struct app_source *source)
{
    for (size_t i = 0; i < source->app->n_jobs; i++) {
        const struct bl_job *job = &source->app->jobs[i];

        if (job->kind == WORK_WEIGHT && !strcmp(job->name, source->name))
            return true;
    }
    return false;
}

int publish_weigh(struct app_source *source, struct tip_outbox_txn *txn)
{
    struct bl_job job = {.kind = WORK_WEIGHT};

    struct bl_law law = app_source_law(source), stands = bl_stored_law(&source->stored);

    if (!source->spec || !source->stored.version ||
        (bl_law_equals(&law, &stands) && app_source_kin(source) == source->stored.kin) ||
        publish_is_queued(source->app, WORK_WEIGHT, source->name))
        return 0;
    strcpy(job.name, source->name);
    return publish_add(source->app, txn, &job);
}

int publish_baseline(struct app_source *source, struct tip_outbox_txn *txn)
{
    struct bl_job job = {.kind = WORK_BASELINE, .baseline_id = tip_id_random()};

    if (publish_is_queued(source->app, WORK_BASELINE, source->name))
        return 0;
    strcpy(job.name, source->name);
    return publish_add(source->app, txn, &job);
}

static int publish_visit(void *ctx, const void *key, size_t key_len, const void *bytes, size_t n)
{
    struct app *app = ctx;
    struct bl_job job;

    if (codec_job_read(&job, bytes, n) ||
        (work_is_of_source((enum work_kind)job.kind) && !app_source_find(app, job.name))) {
        tip_error("job.unreadable", "number=%" PRIu64, store_number_of(key, key_len));
        return 0;
    }
    job.number = store_number_of(key, key_len);
    job_push(app, &job);
    return 0;
}

void publish_init(struct app *app)
{
    tip_timer_init(&app->publish.refill, app->loop, publish_on_refill, app);
}

int publish_load(struct app *app, struct tip_outbox_txn *txn)
{
    return store_each(txn, STORE_JOB, publish_visit, app);
}

void publish_free(struct app *app)
{
    work_plan_destroy(&app->publish.plan);
    tip_timer_deinit(&app->publish.refill);
    free(app->jobs);
}

struct app_stand publish_stand(const struct app_source *source)
{
    const struct app *app = source->app;
    const struct bl_job *first = app->jobs;
    const struct bl_stored *stored = &source->stored;
    struct app_stand stand = {stored->version, bl_stored_law(stored), stored->kin, &stored->kin_of};

    if (!app->n_jobs || strcmp(first->name, source->name) != 0 || !(app->publish.is_active || bl_job_has_begun(first)))
        return stand;
    stand.law = first->after;
    stand.kin = first->kin_after;
    stand.kin_of = &first->kin_of_after;
    if (first->kind == WORK_VERSION)
        stand.version = first->to;
    return stand;
}

void publish_stands(const struct app_source *source, uint64_t *versionp, double *weightp)
{
    struct app_stand stand = publish_stand(source);

    *versionp = stand.version;
    *weightp = stand.law.weight;
}

/* What was asked of a version that has been lost since: the next one is a baseline by itself. */
static void job_drop_void(struct app *app)
{
    while (app->n_jobs && !app->is_stopping && app->jobs[0].kind != WORK_VERSION &&
           work_is_of_source((enum work_kind)app->jobs[0].kind) &&
           !app_source_find(app, app->jobs[0].name)->stored.version) {
        struct tip_outbox_txn *txn = app_begin(app);

        tip_warn("job.void", "source=%s kind=%" PRId64, app->jobs[0].name, app->jobs[0].kind);
        app_commit(app, &txn, job_drop_first(app, txn));
    }
}

/* ---- planning ---- */

static void plan_voters(struct app *app, const char *self, struct work_order *order)
{
    const struct voters_wish wish = {.self = self};
    struct work_voters voters = voters_make(app, &wish);

    order->voters = voters.items;
    order->n_voters = voters.n;
    order->self = voters.self;
    order->tau_s = clock_tau(app);
    order->witnesses = observe_at(app, app->observe.in_force, TIP_TLP_AMBER);
    order->exempt = exempts_in_force(app);
    strcpy(order->dir, app->dir);
    order->shelf = app->shelf;
}

/* From the list in force to the newest one, or to where its first part has led. */
static void plan_order_allow(struct app *app, struct bl_job *job, struct work_order *order)
{
    if (!bl_job_has_begun(job)) {
        job->from = app->operator.in_force;
        job->to = app->operator.last;
    }
    *order = (struct work_order){.kind = WORK_ALLOW,
                                 .from = job->from,
                                 .to = job->to,
                                 .allow = operator_at(app, job->from),
                                 .allow_to = operator_at(app, job->to),
                                 .allow_changed = operator_between(app, job->from, job->to)};
    strcpy(order->name, CODEC_OPERATOR);
    plan_voters(app, NULL, order);
}

static void plan_order_clock(struct app *app, struct bl_job *job, struct work_order *order)
{
    clock_order(app, job);
    *order = (struct work_order){.kind = WORK_CLOCK, .from = job->from, .to = job->to, .allow = operator_in_force(app)};
    strcpy(order->name, CODEC_TIME);
    plan_voters(app, NULL, order);
    order->tau_s = (uint32_t)job->to;
}

/* As for the allow and deny list. */
static void plan_order_evidence(struct app *app, struct bl_job *job, struct work_order *order)
{
    if (!bl_job_has_begun(job)) {
        job->from = app->observe.in_force;
        job->to = app->observe.last;
    }
    *order =
        (struct work_order){.kind = WORK_EVIDENCE, .from = job->from, .to = job->to, .allow = operator_in_force(app)};
    strcpy(order->name, CODEC_EVIDENCE);
    plan_voters(app, NULL, order);
    order->witnesses_to = observe_at(app, job->to, TIP_TLP_AMBER);
}

/* As snapshots have it: of no version, and of nobody but the operators. */
static void plan_order_unlisted(struct app *app, struct work_order *order)
{
    *order = (struct work_order){.kind = WORK_UNLISTED, .allow = operator_in_force(app)};
    strcpy(order->name, CODEC_OPERATOR);
    plan_voters(app, NULL, order);
}

static int plan_order_exempt(struct app *app, struct bl_job *job, struct work_order *order)
{
    int r = exempts_order(app, job, order);

    plan_voters(app, NULL, order);
    return r;
}

/* What a job means now that it is its turn: versions and weights are those in force, and stay so until it is done. */
static void plan_pin(struct app_source *source, struct bl_job *job)
{
    bool is_new = job->kind == WORK_WEIGHT || (job->kind == WORK_VERSION && app_source_is_over(source));

    if (job->kind != WORK_VERSION)
        job->to = source->stored.version;
    if (job->kind == WORK_WEIGHT)
        job->from = job->to;
    if (source->stored.version) {
        job->before = bl_stored_law(&source->stored);
        if (!is_new) {
            job->after = job->before;
            job->kin_after = source->stored.kin;
            job->kin_of_after = source->stored.kin_of;
        }
    }
    if (is_new && !bl_job_has_begun(job)) { /* else as it was when its first part went out */
        job->after = app_source_law(source);
        job->kin_after = app_source_kin(source);
        job->kin_of_after = app_source_kin_of(source);
    }
    if (!job->kin_of_after.group) /* of a build that did not keep it */
        job->kin_of_after = app_source_kin_of(source);
}

static void plan_order(struct app *app, struct bl_job *job, struct work_order *order)
{
    struct app_source *source = app_source_find(app, job->name);

    plan_pin(source, job);
    *order = (struct work_order){.kind = (enum work_kind)job->kind,
                                 .from = job->from,
                                 .to = job->to,
                                 .law_before = job->before,
                                 .law_after = job->after,
                                 .is_capped_again = !voters_same_kin(job->kin_after, source->stored.kin),
                                 .kin_after = job->kin_of_after,
                                 .allow = operator_in_force(app)};
    strcpy(order->name, job->name);
    voters_mark(&order->marks_after, source, job->kin_after);
    plan_voters(app, job->name, order);
}

/* No memory or descriptor: the next tick tries again. */
static void plan_again(struct app *app, int error)
{
    tip_warn("job.again", "source=%s to=%" PRIu64 " error=%s", app->jobs[0].name, app->jobs[0].to, strerror(-error));
    tip_metric_inc(app->m[APP_M_JOBS_AGAIN]);
    app->publish.is_active = false;
}

/* The files are damaged: nothing of it can be published any more. */
static void plan_failed(struct app *app, int error)
{
    struct app_source *source = app_source_find(app, app->jobs[0].name);
    struct tip_outbox_txn *txn = app_begin(app);
    int r;

    tip_error("job.failed", "source=%s to=%" PRIu64 " error=%s", app->jobs[0].name, app->jobs[0].to, strerror(-error));
    app->publish.is_active = false;
    r = job_drop_first(app, txn);
    source->stored.version = source->stored.pending = 0;
    r = r ? r : app_source_put(txn, source);
    app_commit(app, &txn, r);
    collect_lost(source);
    publish_go_on(app);
}

static void plan_on_done(void *ctx, void *opaque)
{
    struct work_plan_job *done = opaque;
    struct app *app = ctx;

    app->publish.is_planning = false;
    app->publish.plan = done->plan;
    if (done->error && (!bl_files_is_lost(done->error) || !work_is_of_source((enum work_kind)app->jobs[0].kind)))
        plan_again(app, done->error);
    else if (done->error)
        plan_failed(app, done->error);
    else
        publish_step(app);
}

static void plan_start(struct app *app)
{
    struct work_plan_job job = {0};
    int r = 0;

    switch ((enum work_kind)app->jobs[0].kind) {
    case WORK_ALLOW:
        plan_order_allow(app, &app->jobs[0], &job.order);
        break;
    case WORK_CLOCK:
        plan_order_clock(app, &app->jobs[0], &job.order);
        break;
    case WORK_EVIDENCE:
        plan_order_evidence(app, &app->jobs[0], &job.order);
        break;
    case WORK_UNLISTED:
        plan_order_unlisted(app, &job.order);
        break;
    case WORK_EXEMPT:
        r = plan_order_exempt(app, &app->jobs[0], &job.order);
        break;
    case WORK_VERSION:
    case WORK_BASELINE:
    case WORK_WEIGHT:
    case WORK_KIND_COUNT:
        plan_order(app, &app->jobs[0], &job.order);
    }
    if (r) {
        work_order_deinit(&job.order);
        plan_again(app, r);
        return;
    }
    if (tip_pool_submit(
            app->pool,
            &(struct tip_pool_job){
                .input = &job, .size = sizeof(job), .work = work_plan_run, .done = plan_on_done, .ctx = app})) {
        work_order_deinit(&job.order); /* the pool is full: the next tick tries again */
        return;
    }
    app->publish.is_active = app->publish.is_planning = true;
}

/* ---- publishing ---- */

static size_t publish_total(const struct work_plan *plan)
{
    return work_plan_listings(plan) + work_plan_verdicts(plan);
}

/*
 * Verdicts go first. Wherever a volume is lost in between, what is stored then holds more than the list, and the next
 * baseline puts that right; a verdict on what is no longer listed would be named by nothing that comes after.
 */
static int publish_part(struct app *app, struct tip_outbox_txn *txn, const struct bl_job *job)
{
    struct app_source *source = app_source_find(app, job->name);
    const struct work_plan *plan = app->publish.plan;
    struct codec_part part = {.plan = plan,
                              .index = job->next,
                              .stream = *tip_outbox_stream(app->outbox),
                              .baseline_id = job->baseline_id,
                              .fetched_unix_ms = source ? source->stored.fetched_unix_ms : 0};
    enum tip_tlp tlp = source ? app_source_tlp(source) : TIP_TLP_NONE;
    enum tip_tlp others;
    struct tip_event event;
    const char *prefix;
    int r = source && !job->next ? law_begin(source, txn, job) : 0;

    if (r)
        return r;
    tip_metric_inc(app->m[APP_M_PARTS]);
    if (part.index >= work_plan_verdicts(plan)) {
        part.index -= work_plan_verdicts(plan);
        prefix = codec_listing(&event, &part, app->scratch);
        return app_publish(app, txn, prefix, job->name, tlp, &event);
    }
    others = codec_verdicts(&event, &part, app->scratch);
    if (!source && others == TIP_TLP_NONE)
        others = TIP_TLP_AMBER; /* of no list any more: it is the operators' alone */
    tip_metric_add(app->m[APP_M_VERDICTS], event.verdict_changes.n_verdicts);
    tip_metric_add(app->m[APP_M_EXEMPTED], (double)codec_n_exempt(&event));
    app->publish.allowance -= (double)event.verdict_changes.n_verdicts;
    return app_publish(app, txn, TIP_TOPIC_VERDICT_CHANGES, "list", others > tlp ? others : tlp, &event);
}

static int publish_weight(struct app *app, struct tip_outbox_txn *txn, const struct bl_job *job)
{
    struct app_source *source = app_source_find(app, job->name);

    source->stored.kin = job->kin_after;
    source->stored.kin_of = job->kin_of_after;
    if (bl_law_equals(&job->before, &job->after))
        return 0;
    bl_stored_law_set(&source->stored, &job->after);
    return law_tell(source, txn, job->before.weight);
}

static int publish_version(struct app *app, struct tip_outbox_txn *txn, const struct bl_job *job)
{
    struct app_source *source = app_source_find(app, job->name);
    struct bl_law law = bl_stored_law(&source->stored);
    int r;

    tip_metric_inc(app->m[APP_M_VERSIONS]);
    source->stored.version = job->to;
    source->stored.pending = 0;
    bl_stored_law_set(&source->stored, &job->after);
    source->stored.kin = job->kin_after;
    source->stored.kin_of = job->kin_of_after;
    source->stored.tlp = app_source_tlp(source);
    r = bl_law_equals(&law, &job->after) ? 0 : law_tell(source, txn, law.weight);
    return r ? r
             : collect_published(source, txn,
                                 app_source_is_over(source) && !source->stored.n_entries ? "retired" : "changed");
}

static int publish_other(struct app *app, struct tip_outbox_txn *txn, const struct bl_job *job)
{
    switch ((enum work_kind)job->kind) {
    case WORK_ALLOW:
        return operator_in_force_set(app, txn, job->to);
    case WORK_CLOCK:
        return clock_set(app, txn, job->to);
    case WORK_EVIDENCE:
        return observe_in_force_set(app, txn, job->to);
    case WORK_EXEMPT:
        return exempts_in_force_set(app, txn, job->to);
    case WORK_VERSION:
    case WORK_BASELINE:
    case WORK_WEIGHT:
    case WORK_UNLISTED:
    case WORK_KIND_COUNT:
        break;
    }
    return 0;
}

/* With the last part: what the job was for becomes true. */
static int publish_finish(struct app *app, struct tip_outbox_txn *txn)
{
    struct bl_job job = app->jobs[0];
    struct app_source *source = app_source_find(app, job.name);
    int r = job_drop_first(app, txn);

    app->publish.is_active = false; /* the first one now has not begun: it takes along what is to be queued */
    clock_heard(app, &app->publish.plan->tell);
    if (!work_is_of_source((enum work_kind)job.kind))
        return r ? r : publish_other(app, txn, &job);
    if (!r && job.kind == WORK_VERSION)
        r = publish_version(app, txn, &job);
    if (!r && job.kind == WORK_WEIGHT)
        r = publish_weight(app, txn, &job);
    r = r ? r : law_end(source, txn, &job);
    r = r ? r : publish_weigh(source, txn);
    return r ? r : app_source_put(txn, source);
}

static void publish_done(struct app *app, const struct bl_job *job)
{
    tip_info("job.done", "source=%s kind=%" PRId64 " from=%" PRIu64 " to=%" PRIu64 " parts=%" PRIu64, job->name,
             job->kind, job->from, job->to, job->next);
    work_plan_destroy(&app->publish.plan);
    (void)malloc_trim(0); /* a plan of a long list is large, and the next one far away */
    app->publish.is_active = false;
    exports_touch(app);
    lookup_touch(app);
    if (job->kind == WORK_VERSION)
        bl_files_remove(app->dir, job->name, job->from);
    if (job->kind == WORK_EXEMPT)
        exempts_sweep(app);
    collect_go_on(app);
    publish_go_on(app);
}

static void publish_step_soon(void *ctx)
{
    struct app *app = ctx;

    app->publish.is_deferred = false;
    publish_step(app);
}

/* Once at a time: others ask for the next step, too, and each would go on by itself from then on. */
static void publish_step_defer(struct app *app)
{
    if (!app->publish.is_deferred)
        tip_loop_defer(app->loop, publish_step_soon, app);
    app->publish.is_deferred = true;
}

/* How many verdicts may be told grows with time, up to those of a second; a part may overdraw it. */
static bool publish_may_tell(struct app *app)
{
    struct app_publish *publish = &app->publish;
    int64_t now_ms = tip_loop_now_ms();
    double rate = (double)app->verdict_rate;

    publish->allowance += rate * (double)(now_ms - publish->refilled_ms) / TIP_SECOND_MS;
    publish->allowance = publish->allowance < rate ? publish->allowance : rate;
    publish->refilled_ms = now_ms;
    return app->jobs[0].next >= work_plan_verdicts(publish->plan) || publish->allowance > 0;
}

static void publish_on_refill(void *ctx)
{
    struct app *app = ctx;

    app->publish.is_resting = false;
    publish_step(app);
}

static void publish_rest(struct app *app)
{
    if (app->publish.is_resting)
        return;
    tip_metric_inc(app->m[APP_M_RESTS]);
    app->publish.is_resting = true;
    tip_timer_start(&app->publish.refill, PUBLISH_REST_MS);
}

/* One transaction: up to 64 parts and where to go on; the last one ends the job. */
static void publish_turn(struct app *app, size_t n)
{
    size_t total = publish_total(app->publish.plan);
    int64_t until_ms = tip_loop_now_ms() + PUBLISH_TURN_MS;
    struct tip_outbox_txn *txn = app_begin(app);
    struct bl_job *first = &app->jobs[0];
    struct bl_job job;
    int r = 0;

    for (size_t i = 0; !r && i < n && first->next < total && publish_may_tell(app) && tip_loop_now_ms() < until_ms;
         i++) {
        r = publish_part(app, txn, first);
        first->next++;
    }
    job = *first;
    if (!r)
        r = job.next < total ? job_put(txn, first) : publish_finish(app, txn);
    app_commit(app, &txn, r);
    if (job.next < total)
        publish_step_defer(app);
    else
        publish_done(app, &job);
}

static void publish_step(struct app *app)
{
    size_t left;
    size_t n;

    if (!app->publish.plan || app->is_stopping || app->publish.is_resting)
        return;
    if (!publish_may_tell(app)) {
        publish_rest(app);
        return;
    }
    left = publish_total(app->publish.plan) - app->jobs[0].next;
    n = left < PUBLISH_PARTS_MAX ? left : PUBLISH_PARTS_MAX;
    if (app_has_room(app, n * TIP_BATCH_BYTES_MAX + APP_ROOM_SMALL))
        publish_turn(app, n);
}

void publish_go_on(struct app *app)
{
    if (!app->publish.is_active)
        job_drop_void(app);
    if (app->publish.is_active && !app->publish.is_planning)
        publish_step(app);
    else if (!app->publish.is_active && app->n_jobs && !app->is_stopping && !exempts_are_awaited(app))
        plan_start(app);
}
