/*
 * A source is tried out: it is fetched and read, and nothing is published. Its publisher sees no difference, so all
 * that holds of fetches holds here.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include <tip/alloc.h>

#include "collect.h"
#include "control.h"
#include "sample.h"

enum {
    CONTROL_TRIES_MAX = 4,
    TRY_NEW_MS = 90 * 1000,
    TRY_NEW_BYTES = 100 * 1024 * 1024,
    TRY_NEW_ENTRIES = 5 * 1000 * 1000
};

/** A source being tried out. */
struct control_try {
    struct app *app;
    struct control_try *next;
    struct tip_job *job;
    struct bl_fetch *fetch;
    char host[BL_HOST];
    char body[WORK_BODY];
    struct work_parse order;
    struct app_source *source; /* NULL: it is none yet */
    struct guess_order *guess; /* of what is no source yet; else NULL */
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
    free(try->guess);
    free(try);
}

bool control_is_trying(const struct app *app, const char *host)
{
    for (const struct control_try *try = app->tries; try; try = try->next) {
        if (try->fetch && !strcasecmp(try->host, host))
            return true;
    }
    return false;
}

/* ---- the answer ---- */

struct try_count {
    const char *name;
    uint64_t n;
};

static void try_counts(struct control *control, const struct try_count *counts, size_t n)
{
    for (size_t i = 0; i < n; i++)
        control_check(control, tip_buf_append_format(control_value(control, counts[i].name), "%llu",
                                                     (unsigned long long)counts[i].n));
}

static void try_text(struct control *control, const char *name, const char *text)
{
    control_check(control, tip_buf_append_text(control_value(control, name), text));
}

static void try_report(struct control *control, const struct work_parse *parsed)
{
    const struct try_count counts[] = {{"bytes", parsed->n_bytes},
                                       {"lines", parsed->report.n_lines},
                                       {"entries", parsed->n_entries},
                                       {"special", parsed->report.n_special},
                                       {"skipped", parsed->report.n_skipped},
                                       {"rejected_lines", parsed->report.n_rejected}};

    try_counts(control, counts, sizeof(counts) / sizeof(*counts));
    control_report(control, &parsed->report);
}

/* What would change, and what the guard would do about it. */
static void try_changes(struct control *control, const struct work_parse *parsed)
{
    static const char *const names[WORK_SIDE_COUNT] = {
        [WORK_ADDED] = "added_first", [WORK_REMOVED] = "removed_first", [WORK_CHANGED] = "changed_first"};
    const struct try_count counts[] = {{"version", parsed->from},
                                       {"added", parsed->n_added},
                                       {"removed", parsed->n_removed},
                                       {"changed", parsed->n_changed}};
    bool is_change = parsed->n_added + parsed->n_removed + parsed->n_changed != 0;

    try_counts(control, counts, sizeof(counts) / sizeof(*counts));
    for (int side = 0; side < WORK_SIDE_COUNT; side++)
        control_check(control,
                      codec_samples_json(&parsed->samples, (enum work_side)side, control_value(control, names[side])));
    try_text(control, "guard", *parsed->hold ? parsed->hold : parsed->is_guarded ? "ok" : "off");
    try_text(control, "held", parsed->is_held ? "true" : "false");
    (void)snprintf(control->result, sizeof(control->result), "%s: +%llu -%llu ~%llu%s%.180s",
                   *parsed->hold     ? "would be held"
                   : !is_change      ? "nothing would change"
                   : parsed->is_held ? "would change, but an operator holds it"
                                     : "would change",
                   (unsigned long long)parsed->n_added, (unsigned long long)parsed->n_removed,
                   (unsigned long long)parsed->n_changed, *parsed->detail ? "; " : "", parsed->detail);
}

static void try_file(struct control *control, const struct guess_order *guess)
{
    const struct app *app = control->app;
    tip_auto(tip_buf_deinit) struct tip_buf file;
    int r;

    tip_buf_init(&file, CONTROL_VALUE_BYTES);
    r = guess_file(guess, app->new_allowed, app->n_new_allowed, &file);
    r = r ? r : codec_lines_json(tip_buf_text(&file), control_value(control, "file"));
    if (r)
        (void)snprintf(control->result, sizeof(control->result),
                       "it is read, but its file does not fit into an answer");
    control_fit(control, "file", r);
}

/* How it is written, and its file. */
static void try_guess(struct control *control, const struct guess_order *guess, bool is_read)
{
    const struct work_parse *parsed = &guess->parse;

    try_text(control, "name", guess->name);
    control_fit(control, "readings", codec_readings_json(guess, control_value(control, "readings")));
    if (!is_read)
        return;
    try_text(control, "kind", bl_kind_names[parsed->format.kind]);
    try_text(control, "type", bl_type_names[parsed->format.type]);
    try_text(control, "container", bl_container_names[parsed->container]);
    try_file(control, guess);
}

/* A sentence, counts, the sample of rejects. */
static void try_end(struct control_try *try, const struct work_parse *parsed, const char *why, const char *detail)
{
    const struct guess_order *guess = try->guess;
    tip_auto(control_deinit) struct control control = {.app = try->app, .job = tip_take(try->job)};

    (void)snprintf(control.result, sizeof(control.result), "%s%s%.150s", *why ? why : "ok", *detail ? ": " : "",
                   detail);
    try_text(&control, "ok", *why ? "false" : "true");
    try_text(&control, "reason", why);
    if (parsed)
        try_report(&control, parsed);
    if (parsed && parsed->is_test)
        control_check(&control, codec_samples_json(&parsed->samples, WORK_ADDED, control_value(&control, "first")));
    if (parsed && parsed->is_diff && !*why)
        try_changes(&control, parsed);
    if (parsed && guess)
        try_guess(&control, guess, !*why);
    control_answer(&control);
    try_destroy(&try);
}

/* ---- fetched, and read ---- */

static void try_on_parsed(void *ctx, void *opaque)
{
    const struct work_parse *parsed = opaque;

    try_end(ctx, parsed, parsed->why, parsed->detail);
}

static void try_on_guessed(void *ctx, void *opaque)
{
    struct control_try *try = ctx;

    *try->guess = *(const struct guess_order *)opaque;
    try_end(try, &try->guess->parse, try->guess->parse.why, try->guess->parse.detail);
}

static int try_submit(struct control_try *try)
{
    struct tip_pool_job job = {
        .input = &try->order, .size = sizeof(try->order), .work = work_parse_run, .done = try_on_parsed, .ctx = try};

    strcpy(try->order.body, try->body);
    if (try->guess) {
        try->guess->parse = try->order;
        job.input = try->guess;
        job.size = sizeof(*try->guess);
        job.work = guess_run;
        job.done = try_on_guessed;
    }
    return tip_pool_submit(try->app->pool, &job);
}

/* Its server takes it for a collection: so do we. */
static void try_heard(struct control_try *try, const struct bl_fetched *fetched)
{
    struct app_source *source, *next;

    if (try->guess)
        pace_try_heard(try->app, try->host, fetched);
    tip_hash_each (try->app->sources, source, next) {
        bool is_same = try->guess && source->spec && !strcmp(source->spec->url, try->guess->url);

        if (source != try->source && !is_same)
            continue;
        (void)pace_heard(source, fetched); /* until its next fetch nothing else rests */
        pace_keep(source);
    }
}

static void try_on_fetched(void *ctx, const struct bl_fetched *fetched)
{
    struct control_try *try = ctx;

    try_heard(try, fetched);
    if (*fetched->reason) {
        try_end(try, NULL, fetched->reason, fetched->detail);
        return;
    }
    bl_fetch_destroy(&try->fetch); /* its host is free for others */
    if (try_submit(try)) {
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

static bool try_has_room(struct control *control)
{
    if (control->app->n_tries < CONTROL_TRIES_MAX)
        return true;
    control_fail(control, TIP_FAILURE_UNAVAILABLE, "four lists are tried out already");
    return false;
}

/* Its publisher does not see a difference between a try and a collection: all that holds of those holds here. */
static bool try_is_allowed(struct control *control, const struct app_source *source)
{
    const char *why = collect_refuses(source);
    char host[BL_HOST];

    if (why) {
        control_fail(control, TIP_FAILURE_REFUSED, why);
        return false;
    }
    bl_spec_host(source->spec->url, host);
    if (bl_source_busy(&source->machine) || pace_host_is_busy(control->app, host)) {
        control_fail(control, TIP_FAILURE_UNAVAILABLE, "it, or another list of its host, is being fetched: try again");
        return false;
    }
    return try_has_room(control);
}

static struct control_try *try_new(struct app *app, const char *url)
{
    struct control_try *try = tip_new(struct control_try);

    *try = (struct control_try){.app = app, .next = app->tries};
    app->tries = try;
    app->n_tries++;
    bl_spec_host(url, try->host);
    (void)snprintf(try->body, sizeof(try->body), "%s/test-%llu.fetch", app->dir, (unsigned long long)++app->n_bodies);
    return try;
}

/* Takes the call: it is answered when the list was read. */
static void try_begin(struct control *control, struct control_try *try, const struct bl_spec *spec)
{
    const struct bl_fetch_order order = {
        .spec = spec, .user_agent = try->app->user_agent, .path = try->body, .on_end = try_on_fetched, .ctx = try};
    int r = bl_fetch_open(&try->fetch, try->app->http, &order);

    if (r) {
        control_fail(control, TIP_FAILURE_UNAVAILABLE, strerror(-r));
        try_destroy(&try);
        return;
    }
    try->job = tip_take(control->job);
}

static void try_source(struct control *control, struct app_source *source, bool is_diff)
{
    struct control_try *try;

    if (!try_is_allowed(control, source))
        return;
    try = try_new(control->app, source->spec->url);
    try->source = source; /* sources stay */
    source->stored.asked_unix_ms = tip_loop_wall_ms();
    pace_keep(source);
    collect_order(source, source->spec, &try->order);
    try->order.is_test = !is_diff;
    try->order.is_diff = is_diff;
    try_begin(control, try, source->spec);
}

void control_test(struct control *control)
{
    struct app_source *source = control_source(control);

    if (!source)
        return;
    if (control_wants_sample(control, source))
        control_sample(control, source);
    else
        try_source(control, source, false);
}

void control_diff(struct control *control)
{
    struct app_source *source = control_source(control);

    if (source)
        try_source(control, source, true);
}

/* ---- what is no source yet ---- */

static bool try_is_name(const char *name)
{
    return strlen(name) <= TIP_NAME_MAX && strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789._-") == strlen(name);
}

/* Where it may be fetched: what a source file may name, from public addresses or those that tip.yaml allows. */
static bool try_url_is_allowed(struct control *control)
{
    const char *url = control->request->target;
    const char *name = tip_param_get(control->request->params, control->request->n_params, "name");
    const char *why = bl_spec_url_refuses(url);

    for (const char *at = url; !why && *at; at++)
        why = *at > ' ' && *at <= '~' ? NULL : "the url holds what no URL does";
    if (!why && name && !try_is_name(name))
        why = "a name is 1 to 64 of a-z, 0-9, `.`, `_`, `-`";
    if (why)
        control_fail(control, TIP_FAILURE_INVALID, why);
    return !why;
}

/* Somebody has had a server asked that no file names: that stands in the audit log, without what a query may hold. */
static void try_tell(const struct control *control, const struct control_try *try)
{
    tip_auto(tip_free) char *target = tip_strdup(try->guess->url);
    const char *actor = control->request->actor;
    const struct app_deed deed = {.actor = *actor ? actor : tip_job_caller(try->job),
                                  .action = control->request->action,
                                  .target = target,
                                  .reason = control->request->reason,
                                  .result = "fetched once, to see how it is written",
                                  .call_id = tip_job_id(try->job)};
    struct tip_outbox_txn *txn = app_begin(control->app);

    target[strcspn(target, "?#")] = '\0';
    app_commit(control->app, &txn, app_deed_tell(control->app, txn, &deed));
}

void control_new(struct control *control)
{
    const char *url = control->request->target;
    struct app *app = control->app;
    struct bl_spec spec = {.timeout_ms = TRY_NEW_MS, .max_bytes = TRY_NEW_BYTES, .n_allowed = app->n_new_allowed};
    struct control_try *try;
    const char *why;

    if (!try_url_is_allowed(control) || !try_has_room(control) || !control_has_room(control))
        return;
    why = pace_try(app, url);
    if (why) {
        control_fail(control, TIP_FAILURE_REFUSED, why);
        return;
    }
    memcpy(spec.allowed, app->new_allowed, sizeof(spec.allowed));
    try = try_new(app, url);
    try->guess = tip_new(struct guess_order);
    strcpy(try->guess->url, url); /* a target is no longer */
    guess_name(try->guess->name, url, tip_param_get(control->request->params, control->request->n_params, "name"));
    try->order = (struct work_parse){.is_test = true, .max_bytes = TRY_NEW_BYTES, .now_unix_ms = tip_loop_wall_ms()};
    bl_format_init(&try->order.format, BL_KIND_LINES, BL_TYPE_AUTO);
    try->order.format.entries_max = TRY_NEW_ENTRIES;
    spec.url = try->guess->url;
    try_begin(control, try, &spec);
    if (!control->failure)
        try_tell(control, try);
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
