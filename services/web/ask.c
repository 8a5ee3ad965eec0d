#include "ask.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tip/alloc.h>
#include <topics.h>

#include "exports.h"

struct ask *ask_new(struct app *app, struct web_request **requestp)
{
    struct ask *ask;

    if (app->n_asks == ASK_MAX) {
        tip_metric_inc(app->m[APP_M_BUSY]);
        app_problem(requestp, 503, "too many requests are being answered: try again");
        return NULL;
    }
    ask = tip_new(struct ask);
    ask->app = app;
    ask->request = tip_take(*requestp);
    for (size_t i = 0; i < ASK_SLOTS; i++)
        ask->slots[i].ask = ask;
    ask->link = &app->asks;
    ask->next = app->asks;
    if (ask->next)
        ask->next->link = &ask->next;
    app->asks = ask;
    app->n_asks++;
    return ask;
}

void ask_destroy(struct ask **askp)
{
    struct ask *ask = *askp;

    if (!ask)
        return;
    for (size_t i = 0; i < ASK_SLOTS; i++) {
        web_call_cancel(&ask->slots[i].call);
        tip_call_free(&ask->slots[i].answer);
        tip_call_free(&ask->slots[i].control);
        tip_call_free(&ask->slots[i].lookup);
    }
    exports_free(ask);
    *ask->link = ask->next;
    if (ask->next)
        ask->next->link = ask->link;
    ask->app->n_asks--;
    free(ask);
    *askp = NULL;
}

/* ---- questions ---- */

static void ask_slot_fail(struct ask_slot *slot, enum tip_failure failure, const char *why)
{
    slot->failure = failure;
    snprintf(slot->why, sizeof(slot->why), "%s", why);
}

static int ask_slot_decode(struct ask_slot *slot, const uint8_t *body, size_t n)
{
    switch (slot->kind) {
    case ASK_CONTROL:
        return tip_control_answer_decode(body, n, &slot->control);
    case ASK_LOOKUP:
        return tip_verdict_answer_decode(body, n, &slot->lookup);
    case ASK_ROWS:
    case ASK_KIND_COUNT:
        break;
    }
    return tip_store_answer_decode(body, n, &slot->answer);
}

static void ask_slot_read(struct ask_slot *slot, const uint8_t *body, size_t n)
{
    if (ask_slot_decode(slot, body, n))
        ask_slot_fail(slot, TIP_FAILURE_UNAVAILABLE, "the answer cannot be read");
    else if (slot->kind == ASK_ROWS)
        codec_table(&slot->table, slot->answer);
}

static void ask_on_end(void *ctx, enum tip_failure failure, const char *reason, const uint8_t *body, size_t n)
{
    struct ask_slot *slot = ctx;
    struct ask *ask = slot->ask;

    slot->call = NULL;
    if (failure)
        ask_slot_fail(slot, failure, reason ? reason : "");
    else
        ask_slot_read(slot, body, n);
    if (--ask->n_open == 0)
        ask->finish(ask);
}

static void ask_send(struct ask *ask, struct ask_slot *slot, const char *queue, struct tip_buf *body)
{
    int64_t deadline_ms = ask->app->deadline_ms;
    const char *why = NULL;

    if (slot->kind == ASK_LOOKUP && deadline_ms > ASK_LOOKUP_MS)
        deadline_ms = ASK_LOOKUP_MS; /* the page is worth something without it */
    slot->is_asked = true;
    if (!tip_bus_is_up(ask->app->bus, &why)) {
        ask_slot_fail(slot, TIP_FAILURE_UNAVAILABLE, "the broker does not answer");
        return;
    }
    slot->call = web_call(ask->app->calls, queue, body, deadline_ms, ask_on_end, slot);
    if (slot->call)
        ask->n_open++;
    else
        ask_slot_fail(slot, TIP_FAILURE_UNAVAILABLE, "too many questions are in line: try again");
}

static void ask_query_send(struct ask *ask, size_t i, const char *queue, const struct ask_query *query)
{
    tip_auto(tip_buf_deinit) struct tip_buf body;
    struct tip_store_query sent = {.name = query->name, .n_params = query->n_params, .limit = query->limit};
    struct tip_param params[CODEC_PARAMS_MAX];

    memcpy(params, query->params, sizeof(params));
    sent.params = params;
    tip_buf_init(&body, TIP_CALL_BYTES_MAX);
    if (tip_store_query_encode(&sent, &body)) {
        ask->slots[i].is_asked = true;
        ask_slot_fail(&ask->slots[i], TIP_FAILURE_INVALID, "the question is too long");
        return;
    }
    ask_send(ask, &ask->slots[i], queue, &body);
}

void ask_param(struct ask_query *query, const char *name, const char *value)
{
    if (value && query->n_params < CODEC_PARAMS_MAX)
        query->params[query->n_params++] = (struct tip_param){name, value};
}

/* Who may see everything does not say so: then queries that know of no audience serve it, too. */
void ask_store(struct ask *ask, size_t slot, struct ask_query *query)
{
    if (ask->right.audience < WEB_AMBER)
        ask_param(query, "audience", web_audience_names[ask->right.audience]);
    ask_query_send(ask, slot, TIP_QUEUE_STORE_QUERY, query);
}

void ask_store_state(struct ask *ask, size_t slot)
{
    ask_query_send(ask, slot, TIP_QUEUE_STORE_QUERY, &(struct ask_query){.name = "status"});
}

void ask_bus(struct ask *ask, size_t slot, const char *name)
{
    ask_query_send(ask, slot, TIP_QUEUE_BUS_QUERY, &(struct ask_query){.name = name});
}

void ask_control(struct ask *ask, size_t i, const char *service, const struct tip_control_request *request)
{
    tip_auto(tip_buf_deinit) struct tip_buf body;
    char queue[sizeof(TIP_QUEUE_CONTROL) + TIP_NAME_MAX + 1];

    snprintf(queue, sizeof(queue), TIP_QUEUE_CONTROL "%s", service);
    ask->slots[i].kind = ASK_CONTROL;
    tip_buf_init(&body, TIP_CALL_BYTES_MAX);
    if (tip_control_request_encode(request, &body)) {
        ask->slots[i].is_asked = true;
        ask_slot_fail(&ask->slots[i], TIP_FAILURE_INVALID, "the request is too long");
        return;
    }
    ask_send(ask, &ask->slots[i], queue, &body);
}

void ask_lookup(struct ask *ask, size_t i)
{
    struct tip_lookup_item item = {ask->indicator.kind, ask->indicator.value};
    const struct tip_verdict_lookup lookup = {.n_items = 1, .items = &item};
    tip_auto(tip_buf_deinit) struct tip_buf body;
    char queue[sizeof(TIP_QUEUE_LOOKUP) + TIP_NAME_MAX + 1];

    snprintf(queue, sizeof(queue), TIP_QUEUE_LOOKUP "%s", web_audience_names[ask->right.audience]);
    ask->slots[i].kind = ASK_LOOKUP;
    tip_buf_init(&body, TIP_CALL_BYTES_MAX);
    if (tip_verdict_lookup_encode(&lookup, &body)) {
        ask->slots[i].is_asked = true;
        ask_slot_fail(&ask->slots[i], TIP_FAILURE_INVALID, "the question is too long");
        return;
    }
    ask_send(ask, &ask->slots[i], queue, &body);
}

void ask_go(struct ask *ask, void (*finish)(struct ask *ask))
{
    ask->finish = finish;
    if (ask->n_open == 0)
        finish(ask);
}

/* ---- ends ---- */

static const int ask_statuses[TIP_FAILURE_COUNT] = {
    [TIP_FAILURE_NONE] = 200,     [TIP_FAILURE_REFUSED] = 409,   [TIP_FAILURE_NOT_FOUND] = 404,
    [TIP_FAILURE_DEADLINE] = 504, [TIP_FAILURE_NO_WORKER] = 503, [TIP_FAILURE_UNAVAILABLE] = 503,
    [TIP_FAILURE_INVALID] = 400,
};

/* A query that does not know of audiences cannot say what a narrow one may see. */
static bool ask_is_forbidden(const struct ask *ask, const struct ask_slot *slot)
{
    return slot->failure == TIP_FAILURE_INVALID && slot->kind == ASK_ROWS && ask->right.audience < WEB_AMBER &&
           strstr(slot->why, "audience");
}

int ask_status(const struct ask *ask, size_t i, const char **whyp)
{
    const struct ask_slot *slot = &ask->slots[i];

    *whyp = slot->why;
    if (!slot->is_asked || slot->failure == TIP_FAILURE_NONE)
        return 0;
    if (!ask_is_forbidden(ask, slot))
        return ask_statuses[slot->failure];
    *whyp = "what this audience may see of it cannot be told apart";
    return 403;
}

bool ask_failed(struct ask *ask, size_t i)
{
    const char *why;
    int status = ask_status(ask, i, &why);

    if (status)
        ask_problem(ask, status, why);
    return status != 0;
}

void ask_problem(struct ask *ask, int status, const char *detail)
{
    app_problem(&ask->request, status, detail);
    ask_destroy(&ask);
}

void ask_json(struct ask *ask, json_t *json)
{
    app_json(&ask->request, json);
    ask_destroy(&ask);
}
