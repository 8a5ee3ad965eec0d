/*
 * A source is tried out: it is fetched and read, and nothing is published. Its publisher sees no difference, so all
 * that holds of fetches holds here.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <tip/alloc.h>

#include "control.h"
#include "sample.h"

enum { CONTROL_TRIES_MAX = 4 };

/** A source being tried out. */
struct control_try {
    struct app *app;
    struct control_try *next;
    struct tip_job *job;
    struct bl_fetch *fetch;
    char body[WORK_BODY];
    struct work_parse order;
};

static void try_destroy(struct control_try **tryp)
{
    struct control_try *try = tip_take(*tryp);
    struct control_try **at;

    if (!try)
        return;
    for (at = &try->app->tries; *at && *at != try; at = &(*at)->next)
        continue;
    if (*at)
        *at = try->next;
    try->app->n_tries--;
    bl_fetch_destroy(&try->fetch);
    free(try);
}

/* The answer: a sentence, counts, the sample of rejects. */
static void try_end(struct control_try *try, const struct work_parse *parsed, const char *why, const char *detail)
{
    tip_auto(control_deinit) struct control control = {.app = try->app, .job = tip_take(try->job)};

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
    try_destroy(&try);
}

static void try_on_parsed(void *ctx, void *opaque)
{
    const struct work_parse *parsed = opaque;

    try_end(ctx, parsed, parsed->why, parsed->detail);
}

static void try_on_fetched(void *ctx, const struct bl_fetched *fetched)
{
    struct control_try *try = ctx;

    if (*fetched->reason) {
        try_end(try, NULL, fetched->reason, fetched->detail);
        return;
    }
    strcpy(try->order.body, try->body);
    if (tip_pool_submit(try->app->pool, &(struct tip_pool_job){.input = &try->order,
                                                               .size = sizeof(try->order),
                                                               .work = work_parse_run,
                                                               .done = try_on_parsed,
                                                               .ctx = try})) {
        (void)unlink(try->body);
        try_end(try, NULL, "busy", "too many lists wait to be read");
    }
}

/* Offline: what its sample holds, beside what its file promises. */
static void control_sample(struct control *control, const struct app_source *source)
{
    tip_auto(tip_free) struct bl_report *report = tip_new(struct bl_report);
    tip_auto(tip_buf_deinit) struct tip_buf why;
    int r;

    tip_buf_init(&why, CONTROL_VALUE_BYTES - 1);
    r = bl_sample_check(source->spec, &why, report);
    if (r && r != -ENOBUFS) {
        control_fail(control, TIP_FAILURE_NOT_FOUND, r == -ENOENT ? "it has no sample" : "its sample cannot be read");
        return;
    }
    (void)snprintf(control->result, sizeof(control->result), "%s",
                   why.len ? "its sample does not hold what its file promises"
                           : "ok: its sample holds what its file promises");
    control_check(control, tip_buf_append_text(control_value(control, "ok"), why.len ? "false" : "true"));
    control_check(control, tip_buf_append_text(control_value(control, "from"), "sample"));
    control_check(control, tip_buf_append_text(control_value(control, "differs"), tip_buf_text(&why)));
    control_check(control,
                  tip_buf_append_format(control_value(control, "lines"), "%llu", (unsigned long long)report->n_lines));
    control_check(
        control, tip_buf_append_format(control_value(control, "entries"), "%llu", (unsigned long long)report->n_valid));
    control_report(control, report);
}

/* Parameter `how`: fetch, sample, or auto: the sample if there is one. */
static bool control_wants_sample(const struct control *control, const struct app_source *source)
{
    const char *how = tip_param_get(control->request->params, control->request->n_params, "how");

    if (!how || !source->spec || !strcmp(how, "fetch"))
        return false;
    return !strcmp(how, "sample") || access(source->spec->sample, R_OK) == 0;
}

void control_test(struct control *control)
{
    struct app_source *source = control_source(control);
    struct app *app = control->app;
    struct control_try *try;
    struct bl_fetch_order order = {.user_agent = app->user_agent, .on_end = try_on_fetched};
    int r;

    if (!source)
        return;
    if (control_wants_sample(control, source)) {
        control_sample(control, source);
        return;
    }
    if (source->spec && collect_refuses(source)) {
        control_fail(control, TIP_FAILURE_REFUSED, collect_refuses(source));
        return;
    }
    if (!source->spec || app->n_tries >= CONTROL_TRIES_MAX) {
        control_fail(control, TIP_FAILURE_UNAVAILABLE, source->spec ? "four tests run already" : "its file is gone");
        return;
    }
    try = tip_new(struct control_try);
    *try = (struct control_try){.app = app, .next = app->tries};
    app->tries = try;
    app->n_tries++;
    source->stored.asked_unix_ms = tip_loop_wall_ms(); /* the publisher does not see a difference */
    collect_order(source, source->spec, &try->order);
    try->order.is_test = true;
    (void)snprintf(try->body, sizeof(try->body), "%s/test-%llu.fetch", app->dir, (unsigned long long)++app->n_bodies);
    order.spec = source->spec;
    order.path = try->body;
    order.ctx = try;
    r = bl_fetch_open(&try->fetch, app->http, &order);
    if (r) {
        control_fail(control, TIP_FAILURE_UNAVAILABLE, strerror(-r));
        try_destroy(&try);
        return;
    }
    try->job = tip_take(control->job);
}

void control_free(struct app *app)
{
    while (app->tries) {
        struct control_try *try = app->tries;

        if (try->job)
            tip_job_fail(&try->job, TIP_FAILURE_UNAVAILABLE, "the service ends");
        try_destroy(&try);
    }
}
