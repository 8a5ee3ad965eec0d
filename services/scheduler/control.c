#include "control.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <tip/alloc.h>
#include <tip/log.h>
#include <topics.h>

#include "app.h"
#include "codec.h"
#include "io/store.h"
#include "turn.h"

enum { CONTROL_PAGE_JOBS = TIP_CALL_PARAMS_MAX - 1, CONTROL_JSON_BYTES = 4096, CONTROL_ACTOR_BYTES = TIP_NAME_MAX + 1 };

#define CONTROL_NEXT "@next" /* no job has this name */

/* One call on its way through. */
struct control {
    struct app *app;
    struct tip_job *job;
    const struct tip_control_request *request;
    struct turn turn;
    enum tip_failure failure; /* with why, or an answer */
    const char *why;
    struct tip_control_answer answer;
    struct tip_param values[TIP_CALL_PARAMS_MAX];
    struct tip_buf texts[TIP_CALL_PARAMS_MAX]; /* of the values */
    char result[TIP_TEXT_MAX / 2];
    struct tip_buf body;
};

static void control_fail(struct control *control, enum tip_failure failure, const char *why)
{
    control->failure = failure;
    control->why = why;
}

/* A value to be written to; the name is borrowed. */
static struct tip_buf *control_value(struct control *control, const char *name)
{
    size_t i = control->answer.n_values++;
    struct tip_buf *text = &control->texts[i];

    tip_buf_init(text, CONTROL_JSON_BYTES);
    control->values[i].name = name;
    return text;
}

static bool control_is_true(const char *text)
{
    return text && (!strcmp(text, "true") || !strcmp(text, "yes") || !strcmp(text, "1"));
}

/* ---- run: target is `module` or `module/target` ---- */

static void control_run_result(struct control *control, const struct sched_action *action)
{
    bool is_joined = action->kind == SCHED_ACT_JOINED;
    char run[TIP_UUID_TEXT];

    tip_uuid_format(&action->run.id, run);
    if (tip_buf_append_text(control_value(control, "run_id"), run))
        control_fail(control, TIP_FAILURE_UNAVAILABLE, "the answer is too large");
    snprintf(control->result, sizeof(control->result), "%s%s%s %s %s%s", action->module, *action->target ? "/" : "",
             action->target, is_joined ? "runs already as" : "starts as", run,
             sched_knows_module(control->app->sched, action->module) ? "" : "; no job names this module");
}

static void control_run(struct control *control)
{
    const struct tip_control_request *request = control->request;
    tip_auto(tip_free) char *module = tip_strdup(request->target);
    char *slash = strchr(module, '/');
    struct sched_event event = {.kind = SCHED_EV_RUN, .name = module, .target = slash ? slash + 1 : ""};
    struct sched_spec spec;
    int r;

    if (slash)
        *slash = '\0';
    event.force = control_is_true(tip_param_get(request->params, request->n_params, "force"));
    event.deadline_ms = control->app->manual_deadline_ms;
    if (sched_spec_make_manual(&spec, module, event.target, event.force, &control->why)) {
        control->failure = TIP_FAILURE_INVALID;
        return;
    }
    if (request->dry_run) {
        snprintf(control->result, sizeof(control->result), "would start %s%s%s", module, slash ? "/" : "",
                 event.target);
        return;
    }
    r = sched_step(control->app->sched, &event, &control->turn.now, &control->turn.actions);
    if (r)
        control_fail(control, TIP_FAILURE_REFUSED, "too many runs of operators are open");
    else
        control_run_result(control, &control->turn.actions.items[control->turn.actions.n - 1]);
}

/* ---- hold and release: target is a job. pause and resume are their older names ---- */

static void control_pause(struct control *control)
{
    const struct tip_control_request *request = control->request;
    bool is_pause = !strcmp(request->action, "hold") || !strcmp(request->action, "pause");
    const struct sched_event event = {
        .kind = is_pause ? SCHED_EV_PAUSE : SCHED_EV_RESUME,
        .name = request->target,
        .reason = request->reason,
        .until_unix_ms = request->expires_unix_ms,
    };

    snprintf(control->result, sizeof(control->result), "%s%s %s", request->dry_run ? "would be " : "",
             is_pause ? "held:" : "released:", request->target);
    if (!sched_job_find(control->app->sched, request->target))
        control_fail(control, TIP_FAILURE_NOT_FOUND, "no job has this name");
    else if (!request->dry_run && sched_step(control->app->sched, &event, &control->turn.now, &control->turn.actions))
        control_fail(control, TIP_FAILURE_REFUSED, "the job cannot be changed");
}

/* ---- list: every job as JSON under its key, a page at a time ---- */

static bool control_list_begin(struct control *control, size_t *fromp)
{
    const char *after = tip_param_get(control->request->params, control->request->n_params, "after");

    *fromp = 0;
    for (size_t i = 0; after && i < sched_n_jobs(control->app->sched); i++) {
        if (!strcmp(sched_job_at(control->app->sched, i)->key, after)) {
            *fromp = i + 1;
            return true;
        }
    }
    return !after;
}

static void control_list(struct control *control)
{
    size_t n = sched_n_jobs(control->app->sched), from, until;
    int r = 0;

    if (!control_list_begin(control, &from)) {
        control_fail(control, TIP_FAILURE_NOT_FOUND, "the job to go on after is gone: begin again");
        return;
    }
    until = n - from > CONTROL_PAGE_JOBS ? from + CONTROL_PAGE_JOBS : n;
    for (size_t i = from; !r && i < until; i++) {
        const struct sched_job *job = sched_job_at(control->app->sched, i);

        r = codec_job_json(job, &control->turn.now, control_value(control, job->key));
    }
    if (!r && until < n)
        r = tip_buf_append_text(control_value(control, CONTROL_NEXT),
                                sched_job_at(control->app->sched, until - 1)->key);
    if (r)
        control_fail(control, TIP_FAILURE_UNAVAILABLE, "the answer is too large");
    snprintf(control->result, sizeof(control->result), "%zu jobs", n);
}

static const struct control_action {
    const char *name;
    void (*perform)(struct control *control);
    bool is_change;
} control_actions[] = {
    {"run", control_run, true},     {"hold", control_pause, true},   {"release", control_pause, true},
    {"pause", control_pause, true}, {"resume", control_pause, true}, {"list", control_list, false},
};

static const struct control_action *control_action_of(const char *name)
{
    for (size_t i = 0; i < sizeof(control_actions) / sizeof(control_actions[0]); i++) {
        if (!strcmp(control_actions[i].name, name))
            return &control_actions[i];
    }
    return NULL;
}

/* ---- one call ---- */

/* In the turn's transaction: the record for the audit log, and the answer for repeated calls. */
static int control_record(void *ctx, struct tip_outbox_txn *txn)
{
    const struct control *control = ctx;
    const struct tip_control_request *request = control->request;
    const struct tip_event event = {
        .id = tip_id_new(control->app->loop),
        .kind = TIP_EVENT_CONTROL_APPLIED,
        .kind_name = "",
        .observed_unix_ms = control->turn.now.wall_unix_ms,
        .control_applied = {.service = "scheduler",
                            .actor = *request->actor ? request->actor : tip_job_caller(control->job),
                            .action = request->action,
                            .target = request->target,
                            .reason = request->reason,
                            .call_id = *tip_job_id(control->job),
                            .result = control->result,
                            .ok = true},
    };
    char topic[TIP_TOPIC_MAX + 1];
    int r = tip_topic(topic, TIP_TOPIC_CONTROL_APPLIED, "scheduler");

    if (!r)
        r = tip_outbox_publish(txn, topic, TIP_TLP_AMBER, &event, NULL);
    return r ? r
             : store_answer_put(txn, tip_job_id(control->job), control->turn.now.wall_unix_ms, control->body.data,
                                control->body.len);
}

/* A call whose answer was lost on the way is answered as before. */
static bool control_repeat(struct control *control)
{
    tip_auto(tip_outbox_abort) struct tip_outbox_txn *txn = NULL;
    const void *body;
    size_t n;

    if (tip_outbox_begin(control->app->outbox, &txn) || store_answer_get(txn, tip_job_id(control->job), &body, &n))
        return false;
    tip_metric_inc(control->app->m[APP_M_CALLS_REPEATED]);
    tip_job_done(&control->job, body, n);
    return true;
}

static void control_decide(struct control *control)
{
    const struct tip_control_request *request = control->request;
    const struct control_action *action = control_action_of(request->action);
    int64_t expires = request->expires_unix_ms;

    if (!action)
        control_fail(control, TIP_FAILURE_INVALID, "the actions are run, hold, release and list");
    else if (expires && expires <= control->turn.now.wall_unix_ms)
        control_fail(control, TIP_FAILURE_REFUSED, "the request has expired");
    else if (action->is_change && (!turn_has_room(control->app) || control->app->n_answers >= STORE_ANSWERS_MAX))
        control_fail(control, TIP_FAILURE_UNAVAILABLE, "the outbox is full: try later");
    else
        action->perform(control);
}

static void control_finish(struct control *control)
{
    const struct control_action *action = control_action_of(control->request->action);
    bool is_applied = !control->failure && action->is_change && !control->request->dry_run;

    for (size_t i = 0; i < control->answer.n_values; i++)
        control->values[i].value = tip_buf_text(&control->texts[i]);
    control->answer.ok = true;
    control->answer.result = control->result;
    control->answer.values = control->values;
    if (!control->failure && tip_control_answer_encode(&control->answer, &control->body))
        control_fail(control, TIP_FAILURE_UNAVAILABLE, "the answer is too large");
    control->app->n_answers += is_applied;
    if (turn_commit(control->app, &control->turn, is_applied ? control_record : NULL, control))
        control_fail(control, TIP_FAILURE_UNAVAILABLE, "it could not be stored");
    tip_info("control.called", "action=%s target=%s actor=%s dry_run=%d result=%s", control->request->action,
             control->request->target, control->request->actor, control->request->dry_run,
             control->failure ? control->why : control->result);
    if (control->failure)
        tip_job_fail(&control->job, control->failure, control->why);
    else
        tip_job_done(&control->job, control->body.data, control->body.len);
}

static void control_deinit(struct control *control)
{
    for (size_t i = 0; i < control->answer.n_values; i++)
        tip_buf_deinit(&control->texts[i]);
    tip_buf_deinit(&control->body);
}

void control_on_job(void *ctx, struct tip_job *job)
{
    tip_auto(tip_call_free) struct tip_control_request *request = NULL;
    tip_auto(control_deinit) struct control control = {.app = ctx, .job = job};
    const uint8_t *body;
    size_t n;

    tip_buf_init(&control.body, TIP_CALL_BYTES_MAX);
    tip_metric_inc(control.app->m[APP_M_CALLS]);
    if (control_repeat(&control))
        return;
    body = tip_job_body(job, &n);
    if (tip_control_request_decode(body, n, &request)) {
        tip_job_fail(&control.job, TIP_FAILURE_INVALID, "the request cannot be read");
        return;
    }
    control.request = request;
    turn_begin(control.app, &control.turn);
    control_decide(&control);
    control_finish(&control);
    app_arm(control.app);
}
