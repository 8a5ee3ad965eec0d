#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <tip/alloc.h>
#include <tip/log.h>
#include <topics.h>

#include "app.h"
#include "io/store.h"

enum {
    CONTROL_VALUES = TIP_CALL_PARAMS_MAX,
    CONTROL_VALUE_BYTES = 4096,
    CONTROL_TESTS_MAX = 4,
    CONTROL_REJECTS = 10, /* of the sample, in the answer of `test` */
    CONTROL_WHY = 200
};

/** A call being answered. */
struct control {
    struct app *app;
    struct tip_job *job; /* NULL once answered, or kept by a test */
    const struct tip_control_request *request;
    enum tip_failure failure;
    char result[CONTROL_WHY + 1]; /* or why it failed */
    struct tip_control_answer answer;
    struct tip_param values[CONTROL_VALUES];
    struct tip_buf names[CONTROL_VALUES], texts[CONTROL_VALUES];
};

/** A source being tried out. */
struct control_test {
    struct app *app;
    struct control_test *next;
    struct tip_job *job;
    struct bl_fetch *fetch;
    char body[WORK_BODY];
    struct work_parse order;
};

static void control_fail(struct control *control, enum tip_failure failure, const char *why)
{
    control->failure = failure;
    (void)snprintf(control->result, sizeof(control->result), "%s", why);
}

/* The text of one more value, to be filled; the last one again when there are too many. */
static struct tip_buf *control_value(struct control *control, const char *name)
{
    size_t i = control->answer.n_values < CONTROL_VALUES ? control->answer.n_values++ : CONTROL_VALUES - 1;

    tip_buf_init(&control->names[i], TIP_NAME_MAX);
    tip_buf_init(&control->texts[i], CONTROL_VALUE_BYTES);
    if (tip_buf_append_text(&control->names[i], name))
        control_fail(control, TIP_FAILURE_UNAVAILABLE, "a name is too long");
    return &control->texts[i];
}

static void control_check(struct control *control, int r)
{
    if (r)
        control_fail(control, TIP_FAILURE_UNAVAILABLE, "the answer is too large");
}

static void control_answer(struct control *control)
{
    tip_auto(tip_buf_deinit) struct tip_buf body;

    tip_buf_init(&body, TIP_CALL_BYTES_MAX);
    for (size_t i = 0; i < control->answer.n_values; i++)
        control->values[i] = (struct tip_param){tip_buf_text(&control->names[i]), tip_buf_text(&control->texts[i])};
    control->answer.ok = true;
    control->answer.result = control->result;
    control->answer.values = control->values;
    if (!control->failure && tip_control_answer_encode(&control->answer, &body))
        control_fail(control, TIP_FAILURE_UNAVAILABLE, "the answer cannot be written");
    if (control->failure)
        tip_job_fail(&control->job, control->failure, control->result);
    else
        tip_job_done(&control->job, body.data, body.len);
}

static void control_deinit(struct control *control)
{
    for (size_t i = 0; i < control->answer.n_values; i++) {
        tip_buf_deinit(&control->names[i]);
        tip_buf_deinit(&control->texts[i]);
    }
}

/* ---- list, show ---- */

static int control_source_json(const struct app_source *source, struct tip_buf *out)
{
    const struct codec_shown shown = {source->name, source->spec, &source->stored, source->machine.phase};

    return codec_source_json(&shown, out);
}

static int control_by_name(const struct app_source *a, const struct app_source *b)
{
    return strcmp(a->name, b->name);
}

/* In the order of names, from behind parameter `after`; value `@next` says where to go on. */
static void control_list(struct control *control)
{
    const char *after = tip_param_get(control->request->params, control->request->n_params, "after");
    struct app_source *source, *next;
    const char *last = "";

    tip_hash_sort(control->app->sources, control_by_name);
    tip_hash_each (control->app->sources, source, next) {
        if (after && strcmp(source->name, after) <= 0)
            continue;
        if (control->answer.n_values == CONTROL_VALUES - 1) {
            control_check(control, tip_buf_append_text(control_value(control, "@next"), last));
            break;
        }
        control_check(control, control_source_json(source, control_value(control, source->name)));
        last = source->name;
    }
    (void)snprintf(control->result, sizeof(control->result), "%zu sources", tip_hash_count(control->app->sources));
}

static struct app_source *control_source(struct control *control)
{
    struct app_source *source = app_source_find(control->app, control->request->target);

    if (!source)
        control_fail(control, TIP_FAILURE_NOT_FOUND, "there is no such source");
    return source;
}

static void control_report(struct control *control, const struct bl_report *report)
{
    size_t n = report->n_sample < CONTROL_REJECTS ? report->n_sample : CONTROL_REJECTS;
    char name[32];

    control_check(control, codec_counts_json(report, control_value(control, "rejected")));
    for (size_t i = 0; i < n; i++) {
        (void)snprintf(name, sizeof(name), "reject.%02zu", i + 1);
        control_check(control, codec_reject_json(&report->sample[i], control_value(control, name)));
    }
}

static void control_show(struct control *control)
{
    const struct app_source *source = control_source(control);
    tip_auto(tip_outbox_abort) struct tip_outbox_txn *txn = NULL;
    tip_auto(tip_free) struct bl_report *report = NULL;

    if (!source)
        return;
    control_check(control, control_source_json(source, control_value(control, "source")));
    if (!tip_outbox_begin(control->app->outbox, &txn))
        report = app_report_get(txn, source->name);
    if (report)
        control_report(control, report);
    (void)snprintf(control->result, sizeof(control->result), "version %llu with %llu entries",
                   (unsigned long long)source->stored.version, (unsigned long long)source->stored.n_entries);
}

/* ---- baseline ---- */

static bool control_wants(const struct control *control, const struct app_source *source)
{
    const char *target = control->request->target;

    return !strcmp(target, "*") || !strcmp(target, source->name);
}

static size_t control_n_new(const struct control *control)
{
    struct app_source *source, *next;
    size_t n = 0;

    tip_hash_each (control->app->sources, source, next)
        n += control_wants(control, source) && source->stored.version &&
             !publish_is_queued(control->app, WORK_BASELINE, source->name);
    return n;
}

static int control_queue(struct control *control, struct tip_outbox_txn *txn, size_t *np)
{
    struct app_source *source, *next;
    int r = 0;

    tip_hash_each (control->app->sources, source, next) {
        struct bl_job job = {.kind = WORK_BASELINE, .baseline_id = tip_id_random()};

        if (r || !control_wants(control, source) || !source->stored.version)
            continue;
        ++*np;
        strcpy(job.name, source->name);
        if (!publish_is_queued(control->app, WORK_BASELINE, source->name))
            r = publish_add(control->app, txn, &job);
    }
    return r;
}

static int control_applied(struct control *control, struct tip_outbox_txn *txn)
{
    const struct tip_control_request *request = control->request;
    struct tip_event event = {
        .kind = TIP_EVENT_CONTROL_APPLIED,
        .kind_name = "",
        .control_applied = {.service = "blacklist",
                            .actor = *request->actor ? request->actor : tip_job_caller(control->job),
                            .action = request->action,
                            .target = request->target,
                            .reason = request->reason,
                            .call_id = *tip_job_id(control->job),
                            .result = control->result,
                            .ok = true}};
    struct tip_control_answer answer = {.ok = true, .result = control->result};
    tip_auto(tip_buf_deinit) struct tip_buf body;
    int r;

    tip_buf_init(&body, TIP_CALL_BYTES_MAX);
    r = app_publish(control->app, txn, TIP_TOPIC_CONTROL_APPLIED, "blacklist", TIP_TLP_AMBER, &event);
    r = r ? r : tip_control_answer_encode(&answer, &body);
    return r ? r
             : store_dated_put(txn, STORE_ANSWER, tip_job_id(control->job), tip_loop_wall_ms(), body.data, body.len);
}

static void control_baseline(struct control *control)
{
    struct tip_outbox_txn *txn;
    size_t n = 0;
    int r;

    if (strcmp(control->request->target, "*") && !control_source(control))
        return;
    if (control->request->dry_run) {
        (void)snprintf(control->result, sizeof(control->result), "would queue");
        return;
    }
    if (!app_has_room(control->app, APP_ROOM_SMALL)) {
        control_fail(control, TIP_FAILURE_UNAVAILABLE, "the outbox is full: try later");
        return;
    }
    if (control_n_new(control) > publish_room(control->app)) {
        control_fail(control, TIP_FAILURE_UNAVAILABLE, "too many baselines wait already: try later");
        return;
    }
    txn = app_begin(control->app);
    r = control_queue(control, txn, &n);
    (void)snprintf(control->result, sizeof(control->result), "%zu queued%s", n,
                   n ? "" : ": what has no version yet begins with a baseline");
    r = r ? r : control_applied(control, txn);
    app_commit(control->app, &txn, r);
    publish_go_on(control->app);
}

/* ---- test ---- */

static void test_destroy(struct control_test **testp)
{
    struct control_test *test = tip_take(*testp);
    struct control_test **at;

    if (!test)
        return;
    for (at = &test->app->tests; *at && *at != test; at = &(*at)->next)
        continue;
    if (*at)
        *at = test->next;
    test->app->n_tests--;
    bl_fetch_destroy(&test->fetch);
    free(test);
}

/* The answer: a sentence, counts, the sample of rejects. */
static void test_end(struct control_test *test, const struct work_parse *parsed, const char *why, const char *detail)
{
    tip_auto(control_deinit) struct control control = {.app = test->app, .job = tip_take(test->job)};

    (void)snprintf(control.result, sizeof(control.result), "%s%s%.150s", *why ? why : "ok", *detail ? ": " : "",
                   detail);
    control_check(&control, tip_buf_append_text(control_value(&control, "ok"), *why ? "false" : "true"));
    control_check(&control, tip_buf_append_text(control_value(&control, "reason"), why));
    if (parsed) {
        const struct {
            const char *name;
            uint64_t n;
        } counts[] = {{"bytes", parsed->n_bytes},
                      {"lines", parsed->report.n_lines},
                      {"entries", parsed->n_entries},
                      {"special", parsed->report.n_special},
                      {"skipped", parsed->report.n_skipped},
                      {"rejected_lines", parsed->report.n_rejected}};

        for (size_t i = 0; i < sizeof(counts) / sizeof(*counts); i++)
            control_check(&control, tip_buf_append_format(control_value(&control, counts[i].name), "%llu",
                                                          (unsigned long long)counts[i].n));
        control_report(&control, &parsed->report);
    }
    control_answer(&control);
    test_destroy(&test);
}

static void test_on_parsed(void *ctx, void *opaque)
{
    const struct work_parse *parsed = opaque;

    test_end(ctx, parsed, parsed->why, parsed->detail);
}

static void test_on_fetched(void *ctx, const struct bl_fetched *fetched)
{
    struct control_test *test = ctx;

    if (*fetched->reason) {
        test_end(test, NULL, fetched->reason, fetched->detail);
        return;
    }
    strcpy(test->order.body, test->body);
    if (tip_pool_submit(test->app->pool, &(struct tip_pool_job){.input = &test->order,
                                                                .size = sizeof(test->order),
                                                                .work = work_parse_run,
                                                                .done = test_on_parsed,
                                                                .ctx = test})) {
        (void)unlink(test->body);
        test_end(test, NULL, "busy", "too many lists wait to be read");
    }
}

static void control_test(struct control *control)
{
    const struct app_source *source = control_source(control);
    struct app *app = control->app;
    struct control_test *test;
    struct bl_fetch_order order = {.user_agent = app->user_agent, .on_end = test_on_fetched};
    int r;

    if (!source)
        return;
    if (!source->spec || app->n_tests >= CONTROL_TESTS_MAX) {
        control_fail(control, TIP_FAILURE_UNAVAILABLE, source->spec ? "four tests run already" : "its file is gone");
        return;
    }
    test = tip_new(struct control_test);
    *test = (struct control_test){.app = app, .next = app->tests};
    app->tests = test;
    app->n_tests++;
    collect_order(source, source->spec, &test->order);
    test->order.is_test = true;
    (void)snprintf(test->body, sizeof(test->body), "%s/test-%llu.fetch", app->dir, (unsigned long long)++app->n_bodies);
    order.spec = source->spec;
    order.path = test->body;
    order.ctx = test;
    r = bl_fetch_open(&test->fetch, app->http, &order);
    if (r) {
        control_fail(control, TIP_FAILURE_UNAVAILABLE, strerror(-r));
        test_destroy(&test);
        return;
    }
    test->job = tip_take(control->job);
}

void control_free(struct app *app)
{
    while (app->tests) {
        struct control_test *test = app->tests;

        if (test->job)
            tip_job_fail(&test->job, TIP_FAILURE_UNAVAILABLE, "the service ends");
        test_destroy(&test);
    }
}

/* ---- calls ---- */

static const struct {
    const char *name;
    void (*perform)(struct control *control);
} control_actions[] = {
    {"baseline", control_baseline}, {"list", control_list}, {"show", control_show}, {"test", control_test}};

static bool control_repeat(struct control *control)
{
    tip_auto(tip_outbox_abort) struct tip_outbox_txn *txn = NULL;
    const void *body;
    size_t n;

    if (tip_outbox_begin(control->app->outbox, &txn) ||
        store_dated_get(txn, STORE_ANSWER, tip_job_id(control->job), &body, &n))
        return false;
    tip_metric_inc(control->app->m[APP_M_CALLS_REPEATED]);
    tip_job_done(&control->job, body, n);
    return true;
}

static void control_perform(struct control *control)
{
    int64_t expires = control->request->expires_unix_ms;

    if (expires && expires <= tip_loop_wall_ms()) {
        control_fail(control, TIP_FAILURE_REFUSED, "the request has expired");
        return;
    }
    for (size_t i = 0; i < sizeof(control_actions) / sizeof(*control_actions); i++) {
        if (!strcmp(control_actions[i].name, control->request->action)) {
            control_actions[i].perform(control);
            return;
        }
    }
    control_fail(control, TIP_FAILURE_INVALID, "the actions are baseline, list, show and test");
}

void control_on_job(void *ctx, struct tip_job *job)
{
    tip_auto(tip_call_free) struct tip_control_request *request = NULL;
    tip_auto(control_deinit) struct control control = {.app = ctx, .job = job};
    const uint8_t *body;
    size_t n;

    tip_metric_inc(control.app->m[APP_M_CALLS]);
    if (control_repeat(&control))
        return;
    body = tip_job_body(job, &n);
    if (tip_control_request_decode(body, n, &request)) {
        tip_job_fail(&control.job, TIP_FAILURE_INVALID, "the request cannot be read");
        return;
    }
    control.request = request;
    control_perform(&control);
    tip_info("control.called", "action=%s target=%s actor=%s result=%s", request->action, request->target,
             request->actor, control.result);
    if (control.job)
        control_answer(&control);
}
