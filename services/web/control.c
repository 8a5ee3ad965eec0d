#include "control.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include <tip/alloc.h>
#include <tip/log.h>
#include <topics.h>

#include "app.h"
#include "codec.h"
#include "events.h"
#include "gate.h"
#include "io/store.h"

enum { CONTROL_RESULT = 256, CONTROL_VALUES = WEB_TOKENS_MAX };

struct control {
    struct app *app;
    struct tip_job *job;
    const struct tip_control_request *request;
    enum tip_failure failure;
    char result[CONTROL_RESULT]; /* or why it failed */
    struct tip_outbox_txn *txn;  /* of a change */
    bool is_changed;
    size_t n_values;
    struct tip_param *values;
    char **texts;
};

static void control_fail(struct control *control, enum tip_failure failure, const char *why)
{
    control->failure = failure;
    snprintf(control->result, sizeof(control->result), "%s", why);
}

static void control_value(struct control *control, const char *name, char *text)
{
    if (!control->values) {
        control->values = tip_new_array(CONTROL_VALUES, struct tip_param);
        control->texts = tip_new_array(CONTROL_VALUES, char *);
    }
    control->texts[control->n_values] = text;
    control->values[control->n_values++] = (struct tip_param){name, text};
}

static const char *control_param(const struct control *control, const char *name, const char *fallback)
{
    const char *value = tip_param_get(control->request->params, control->request->n_params, name);

    return value ? value : fallback;
}

/* ---- token_add: target is its name ---- */

static bool control_right(struct control *control, struct web_right *right)
{
    char text[512];
    json_t *json =
        json_pack("{s:s, s:s, s:s, s:I, s:I}", "name", control->request->target, "scope",
                  control_param(control, "scope", "read"), "audience", control_param(control, "audience", "clear"),
                  "made", (json_int_t)tip_loop_wall_ms(), "expires", (json_int_t)control->request->expires_unix_ms);
    size_t n = json ? json_dumpb(json, text, sizeof(text), JSON_COMPACT) : 0;
    bool is_good = n && n <= sizeof(text) && !codec_right_read(right, text, n);

    json_decref(json);
    return is_good;
}

static void control_token_add(struct control *control)
{
    uint8_t secret[WEB_SECRET_BYTES], hash[WEB_HASH_BYTES];
    char text[WEB_SECRET_TEXT];
    struct web_right right;

    if (!control_right(control, &right) || !strcmp(right.name, WEB_ONCE_NAME))
        control_fail(
            control, TIP_FAILURE_INVALID,
            "a token has a name of letters, digits, . _ -, scope read or operate, audience clear, green or amber");
    else if (web_token_named(control->app->auth, right.name))
        control_fail(control, TIP_FAILURE_REFUSED, "there is a token of that name: revoke it first");
    else if (control->app->auth->tokens.n == WEB_TOKENS_MAX)
        control_fail(control, TIP_FAILURE_REFUSED, "there are 1024 tokens already");
    else
        snprintf(control->result, sizeof(control->result), "%sadded: %s", control->request->dry_run ? "would be " : "",
                 right.name);
    if (control->failure || control->request->dry_run)
        return;
    randombytes_buf(secret, sizeof(secret));
    web_secret_text(secret, text);
    web_secret_hash(text, hash);
    control->is_changed = true;
    if (gate_token_add(control->app, hash, &right, control->txn))
        control_fail(control, TIP_FAILURE_UNAVAILABLE, "it could not be stored");
    else
        control_value(control, "token", tip_strdup(text));
    sodium_memzero(secret, sizeof(secret));
    sodium_memzero(text, sizeof(text));
}

/* ---- token_revoke: target is its name ---- */

static void control_token_revoke(struct control *control)
{
    const char *name = control->request->target;
    int n;

    if (!web_token_named(control->app->auth, name) && !web_grant_of(&control->app->auth->sessions, name)) {
        control_fail(control, TIP_FAILURE_NOT_FOUND, "no token has this name");
        return;
    }
    snprintf(control->result, sizeof(control->result), "%srevoked: %.80s", control->request->dry_run ? "would be " : "",
             name);
    if (control->request->dry_run)
        return;
    control->is_changed = true;
    n = gate_revoke(control->app, name, control->txn);
    if (n < 0)
        control_fail(control, TIP_FAILURE_UNAVAILABLE, "it could not be stored");
}

/* ---- token_list ---- */

static void control_token_list(struct control *control)
{
    const struct web_grants *tokens = &control->app->auth->tokens, *sessions = &control->app->auth->sessions;

    for (size_t i = 0; i < tokens->n; i++) {
        const struct web_right *right = &tokens->items[i].right;
        json_t *json = codec_session_json(right);
        json_int_t n = 0;

        for (size_t k = 0; k < sessions->n; k++)
            n += !strcmp(sessions->items[k].right.name, right->name);
        json_object_set_new(json, "made_at", codec_time(right->made_unix_ms));
        json_object_set_new(json, "sessions", json_integer(n));
        control_value(control, right->name, json_dumps(json, JSON_COMPACT));
        json_decref(json);
    }
    snprintf(control->result, sizeof(control->result), "%zu tokens, %zu sessions", tokens->n, sessions->n);
}

static const struct control_action {
    const char *name;
    void (*perform)(struct control *control);
    bool is_change;
} control_actions[] = {
    {"token_add", control_token_add, true},
    {"token_revoke", control_token_revoke, true},
    {"token_list", control_token_list, false},
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

/* In the change's transaction: the record for the audit log. It never holds the token. */
static int control_record(struct control *control)
{
    const struct tip_control_request *request = control->request;
    const struct tip_event event = {
        .id = tip_id_new(control->app->loop),
        .kind = TIP_EVENT_CONTROL_APPLIED,
        .kind_name = "",
        .observed_unix_ms = tip_loop_wall_ms(),
        .control_applied = {.service = "web",
                            .actor = *request->actor ? request->actor : tip_job_caller(control->job),
                            .action = request->action,
                            .target = request->target,
                            .reason = request->reason,
                            .call_id = *tip_job_id(control->job),
                            .result = control->result,
                            .ok = true},
    };
    char topic[TIP_TOPIC_MAX + 1];
    int r = tip_topic(topic, TIP_TOPIC_CONTROL_APPLIED, "web");

    return r ? r : tip_outbox_publish(control->txn, topic, TIP_TLP_AMBER, &event, NULL);
}

/* What memory says has changed already: what cannot be stored ends the process, and the next start reads what is. */
static void control_commit(struct control *control)
{
    int r = control->failure ? -EIO : control_record(control);

    if (!r)
        r = tip_outbox_commit(&control->txn);
    if (!r)
        return;
    control_fail(control, TIP_FAILURE_UNAVAILABLE, "it could not be stored");
    tip_service_fail(control->app->service, "tokens cannot be stored: %s", strerror(-r));
}

static void control_perform(struct control *control)
{
    const struct control_action *action = control_action_of(control->request->action);

    if (!action)
        control_fail(control, TIP_FAILURE_INVALID, "the actions are token_add, token_list and token_revoke");
    else if (control->request->expires_unix_ms && control->request->expires_unix_ms <= tip_loop_wall_ms())
        control_fail(control, TIP_FAILURE_REFUSED, "it would have expired already");
    else if (action->is_change && (!tip_outbox_has_room(control->app->outbox, 4096) ||
                                   tip_outbox_begin(control->app->outbox, &control->txn)))
        control_fail(control, TIP_FAILURE_UNAVAILABLE, "the outbox is full: try later");
    else
        action->perform(control);
    if (control->is_changed)
        control_commit(control);
    tip_outbox_abort(&control->txn);
}

static void control_answer(struct control *control)
{
    tip_auto(tip_buf_deinit) struct tip_buf body;
    const struct tip_control_answer answer = {
        .ok = true, .result = control->result, .n_values = control->n_values, .values = control->values};

    tip_buf_init(&body, TIP_CALL_BYTES_MAX);
    if (!control->failure && tip_control_answer_encode(&answer, &body))
        control_fail(control, TIP_FAILURE_UNAVAILABLE, "the answer is too large");
    if (control->failure)
        tip_job_fail(&control->job, control->failure, control->result);
    else
        tip_job_done(&control->job, body.data, body.len);
    if (body.len)
        sodium_memzero(body.data, body.len);
}

void control_on_job(void *ctx, struct tip_job *job)
{
    tip_auto(tip_call_free) struct tip_control_request *request = NULL;
    struct control control = {.app = ctx, .job = job};
    size_t n;
    const uint8_t *body = tip_job_body(job, &n);

    tip_metric_inc(control.app->m[APP_M_CALLS]);
    if (tip_control_request_decode(body, n, &request)) {
        tip_job_fail(&job, TIP_FAILURE_INVALID, "the request cannot be read");
        return;
    }
    control.request = request;
    control_perform(&control);
    tip_info("control.called", "action=%s target=%s actor=%s dry_run=%d result=%s", request->action, request->target,
             request->actor, request->dry_run, control.result);
    control_answer(&control);
    for (size_t i = 0; i < control.n_values; i++) {
        sodium_memzero(control.texts[i], strlen(control.texts[i]));
        free(control.texts[i]);
    }
    free(control.values);
    free(control.texts);
    events_recheck(control.app->events);
}
