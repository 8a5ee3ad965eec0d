#include <stdio.h>
#include <string.h>

#include <tip/alloc.h>
#include <tip/clock.h>
#include <tip/log.h>
#include <topics.h>

#include "control.h"
#include "io/store.h"

#define CONTROL_UNTIL_MAX_MS (UINT64_C(100) * 366 * TIP_DAY_MS)

enum { CONTROL_REJECTS = 10 }; /* of the sample, in an answer */

void control_fail(struct control *control, enum tip_failure failure, const char *why)
{
    control->failure = failure;
    (void)snprintf(control->result, sizeof(control->result), "%s", why);
}

/* The text of one more value, to be filled; the last one again when there are too many. */
struct tip_buf *control_value(struct control *control, const char *name)
{
    size_t i = control->answer.n_values < CONTROL_VALUES ? control->answer.n_values++ : CONTROL_VALUES - 1;

    tip_buf_init(&control->names[i], TIP_NAME_MAX);
    tip_buf_init(&control->texts[i], CONTROL_VALUE_BYTES);
    if (tip_buf_append_text(&control->names[i], name))
        control_fail(control, TIP_FAILURE_UNAVAILABLE, "a name is too long");
    return &control->texts[i];
}

void control_check(struct control *control, int r)
{
    if (r)
        control_fail(control, TIP_FAILURE_UNAVAILABLE, "the answer is too large");
}

void control_fit(struct control *control, const char *name, int r)
{
    size_t last = control->answer.n_values - 1;

    if (!r || !control->answer.n_values || strcmp(tip_buf_text(&control->names[last]), name) != 0)
        return;
    tip_buf_deinit(&control->names[last]);
    tip_buf_deinit(&control->texts[last]);
    control->answer.n_values--;
}

void control_answer(struct control *control)
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

void control_deinit(struct control *control)
{
    for (size_t i = 0; i < control->answer.n_values; i++) {
        tip_buf_deinit(&control->names[i]);
        tip_buf_deinit(&control->texts[i]);
    }
}

const char *control_actor(const struct control *control)
{
    return *control->request->actor ? control->request->actor : tip_job_caller(control->job);
}

bool control_has_room(struct control *control)
{
    if (app_has_room(control->app, APP_ROOM_SMALL))
        return true;
    control_fail(control, TIP_FAILURE_UNAVAILABLE, "the outbox is full: try later");
    return false;
}

/* ---- list, show ---- */

static int control_source_json(const struct app_source *source, struct tip_buf *out)
{
    const struct codec_shown shown = {source->name, source->spec, &source->stored, source->machine.phase,
                                      app_source_cadence(source)};

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

struct app_source *control_source(struct control *control)
{
    struct app_source *source = app_source_find(control->app, control->request->target);

    if (!source)
        control_fail(control, TIP_FAILURE_NOT_FOUND, "there is no such source");
    return source;
}

void control_report(struct control *control, const struct bl_report *report)
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

/* ---- when something ends ---- */

/* When what is asked for ends: parameter `until`, a time or a duration, else `expires` of the request; 0: never. */
bool control_until(struct control *control, int64_t *unix_msp)
{
    const char *text = tip_param_get(control->request->params, control->request->n_params, "until");
    uint64_t for_ms;

    *unix_msp = control->request->expires_unix_ms;
    if (!text || !*text || !tip_clock_parse(unix_msp, text, strlen(text)))
        return true;
    if (tip_duration_parse(&for_ms, text, strlen(text)) || for_ms > CONTROL_UNTIL_MAX_MS) {
        control_fail(control, TIP_FAILURE_INVALID,
                     "until is neither a time (2026-12-31T00:00:00Z) nor a duration (7d)");
        return false;
    }
    *unix_msp = tip_loop_wall_ms() + (int64_t)for_ms;
    return true;
}

/* ---- baseline ---- */

static bool control_wants(const struct control *control, const struct app_source *source)
{
    const char *target = control->request->target;

    return !strcmp(target, "*") || !strcmp(target, source->name);
}

/* Of all lists: then also of what none names. */
static bool control_wants_unlisted(const struct control *control)
{
    return !strcmp(control->request->target, "*") && !publish_is_queued(control->app, WORK_UNLISTED, "");
}

static size_t control_n_new(const struct control *control)
{
    struct app_source *source, *next;
    size_t n = control_wants_unlisted(control);

    tip_hash_each (control->app->sources, source, next)
        n += control_wants(control, source) && source->stored.version &&
             !publish_is_queued(control->app, WORK_BASELINE, source->name);
    return n;
}

static int control_queue(struct control *control, struct tip_outbox_txn *txn, size_t *np)
{
    struct bl_job unlisted = {.kind = WORK_UNLISTED};
    struct app_source *source, *next;
    int r = 0;

    tip_hash_each (control->app->sources, source, next) {
        if (r || !control_wants(control, source) || !source->stored.version)
            continue;
        ++*np;
        r = publish_baseline(source, txn);
    }
    return r || !control_wants_unlisted(control) ? r : publish_add(control->app, txn, &unlisted);
}

int control_applied(struct control *control, struct tip_outbox_txn *txn)
{
    const struct tip_control_request *request = control->request;
    const struct app_deed deed = {.actor = control_actor(control),
                                  .action = request->action,
                                  .target = request->target,
                                  .reason = request->reason,
                                  .result = control->result,
                                  .call_id = tip_job_id(control->job)};
    struct tip_control_answer answer = {.ok = true, .result = control->result};
    tip_auto(tip_buf_deinit) struct tip_buf body;
    int r;

    tip_buf_init(&body, TIP_CALL_BYTES_MAX);
    r = app_deed_tell(control->app, txn, &deed);
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
    if (!control_has_room(control))
        return;
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

/* ---- calls ---- */

static const struct {
    const char *name;
    void (*perform)(struct control *control);
    bool is_read; /* pages ask often: no news for the log */
} control_actions[] = {
    {"baseline", control_baseline, false},
    {"list", control_list, true},
    {"show", control_show, true},
    {"test", control_test, false},
    {"diff", control_diff, false},
    {"new", control_new, false},
    {"hold", control_change_source, false},
    {"release", control_change_source, false},
    {"enable", control_change_source, false},
    {"disable", control_change_source, false},
    {"retire", control_change_source, false},
    {"allow_add", control_word_add, false},
    {"allow_remove", control_word_remove, false},
    {"deny_add", control_word_add, false},
    {"deny_remove", control_word_remove, false},
    {"allow_why", control_allow_why, true},
    {"export_list", exports_control_list, true},
    {"export_show", exports_control_show, true},
    {"export_read", exports_control_read, true},
    {"export_run", exports_control_run, false},
    {"export_release", exports_control_release, false},
};

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

static bool control_is_read(const char *action)
{
    for (size_t i = 0; i < sizeof(control_actions) / sizeof(*control_actions); i++) {
        if (!strcmp(control_actions[i].name, action))
            return control_actions[i].is_read;
    }
    return false;
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
    control_fail(
        control, TIP_FAILURE_INVALID,
        "the actions are baseline, list, show, test, diff, new, hold, release, enable, disable, retire, allow_add, "
        "allow_remove, "
        "deny_add, deny_remove, allow_why, export_list, export_show, export_read, export_run and export_release");
}

/* A URL without what may be a key of somebody's: as source events have it. */
static void control_log(const struct control *control)
{
    const struct tip_control_request *request = control->request;
    size_t n = strcmp(request->action, "new") ? strlen(request->target) : strcspn(request->target, "?#");

    tip_info("control.called", "action=%s target=%.*s actor=%s result=%s", request->action, (int)n, request->target,
             request->actor, control->result);
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
    if (!control_is_read(request->action))
        control_log(&control);
    if (control.job)
        control_answer(&control);
}
