#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <tip/alloc.h>
#include <tip/clock.h>
#include <tip/log.h>
#include <tip/utf8.h>
#include <topics.h>

#include "control.h"
#include "io/store.h"
#include "sample.h"

enum {
    CONTROL_TESTS_MAX = 4,
    CONTROL_REJECTS = 10, /* of the sample, in the answer of `test` */
};

#define CONTROL_UNTIL_MAX_MS (UINT64_C(100) * 366 * TIP_DAY_MS)

/** A source being tried out. */
struct control_test {
    struct app *app;
    struct control_test *next;
    struct tip_job *job;
    struct bl_fetch *fetch;
    char body[WORK_BODY];
    struct work_parse order;
};

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

static const char *control_actor(const struct control *control)
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

/* ---- hold, release, enable, disable: of a source ---- */

/* When what is asked for ends: parameter `until`, a time or a duration, else `expires` of the request; 0: never. */
static bool control_until(struct control *control, int64_t *unix_msp)
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

static void control_stored_hold(struct control *control, struct bl_stored *stored, int64_t until_unix_ms)
{
    stored->is_held = true;
    stored->held_until_unix_ms = until_unix_ms;
    (void)tip_utf8_copy(stored->hold_reason, sizeof(stored->hold_reason), control->request->reason,
                        strlen(control->request->reason)); /* cut */
}

static int control_source_apply(struct control *control, struct app_source *source, struct tip_outbox_txn *txn,
                                int64_t until_unix_ms)
{
    const char *action = control->request->action;

    if (!strcmp(action, "release"))
        return collect_release(source, txn);
    if (!strcmp(action, "enable") && source->spec && source->spec->is_public)
        source->stored.terms_unix_ms = tip_loop_wall_ms();
    if (!strcmp(action, "hold"))
        control_stored_hold(control, &source->stored, until_unix_ms);
    else
        source->stored.override = !strcmp(action, "enable") ? BL_OVERRIDE_ENABLED : BL_OVERRIDE_DISABLED;
    return app_source_put(txn, source);
}

static void control_source_result(struct control *control)
{
    static const struct {
        const char *action, *done, *would;
    } words[] = {
        {"hold", "held: it is fetched and compared, nothing of it is published", "would be held"},
        {"release", "released: it is due at once", "would be released"},
        {"enable", "enabled: it is fetched, whatever its file says", "would be enabled"},
        {"disable", "disabled: it is not fetched any more; what it lists stays", "would be disabled"},
    };

    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
        if (!strcmp(words[i].action, control->request->action))
            (void)snprintf(control->result, sizeof(control->result), "%s",
                           control->request->dry_run ? words[i].would : words[i].done);
    }
}

/* What is of the public pack is fetched by who said who he is, and that he has read on what terms. */
static bool control_terms(struct control *control, const struct app_source *source)
{
    const char *accepts = tip_param_get(control->request->params, control->request->n_params, "accept_terms");

    if (strcmp(control->request->action, "enable") || !source->spec || !source->spec->is_public)
        return true;
    if (!control->app->has_contact)
        control_fail(control, TIP_FAILURE_REFUSED,
                     "blacklist.contact is not set: publishers have to find out who fetches");
    else if (!source->stored.terms_unix_ms && (!accepts || strcmp(accepts, "true")))
        (void)snprintf(control->result, sizeof(control->result),
                       "its terms have to be accepted (--accept-terms): %.200s",
                       source->spec->terms ? source->spec->terms : "it names none");
    else
        return true;
    control->failure = TIP_FAILURE_REFUSED;
    return false;
}

static void control_change_source(struct control *control)
{
    struct app_source *source = control_source(control);
    struct tip_outbox_txn *txn;
    int64_t until_unix_ms;
    int r;

    if (!source || !control_until(control, &until_unix_ms) || !control_terms(control, source))
        return;
    if (until_unix_ms && until_unix_ms <= tip_loop_wall_ms()) {
        control_fail(control, TIP_FAILURE_INVALID, "until is over already");
        return;
    }
    control_source_result(control);
    if (!strcmp(control->request->action, "enable") && source->spec && source->spec->is_public)
        (void)snprintf(control->result, sizeof(control->result), "%s, its terms are accepted: %.200s",
                       control->request->dry_run ? "would be enabled" : "enabled",
                       source->spec->terms ? source->spec->terms : "it names none");
    if (control->request->dry_run || !control_has_room(control))
        return;
    txn = app_begin(control->app);
    r = control_source_apply(control, source, txn, until_unix_ms);
    r = r ? r : control_applied(control, txn);
    app_commit(control->app, &txn, r);
}

/* ---- the allow and deny list ---- */

static bool control_indicator(struct control *control, struct tip_indicator *indicator)
{
    const char *target = control->request->target;

    if (!tip_indicator_parse(indicator, TIP_KIND_NONE, target, strlen(target)))
        return true;
    control_fail(control, TIP_FAILURE_INVALID, "the target is no indicator");
    return false;
}

static bool control_scope(struct control *control, struct operator_order *order)
{
    const char *scope = tip_param_get(control->request->params, control->request->n_params, "scope");

    order->is_subtree = order->indicator.kind == TIP_KIND_NET || order->indicator.flags & TIP_INDICATOR_SUBTREE;
    if (!scope || !*scope)
        return true;
    order->is_subtree = !strcmp(scope, "subtree");
    if (order->is_subtree || !strcmp(scope, "exact"))
        return true;
    control_fail(control, TIP_FAILURE_INVALID, "scope is exact or subtree");
    return false;
}

static void control_add_result(struct control *control, const struct operator_order *order)
{
    const struct operator_entry *old = operator_find(control->app, &order->indicator);

    (void)snprintf(control->result, sizeof(control->result), "%s%s %.100s%s%s%s",
                   control->request->dry_run ? "would " : "", order->rule == BL_RULE_DENY ? "deny" : "allow",
                   order->indicator.value, order->is_subtree ? " and everything inside" : "",
                   order->until_unix_ms ? ", for a time" : "",
                   !old                             ? ""
                   : old->word.rule == BL_RULE_DENY ? "; replaces a deny entry"
                                                    : "; replaces an allow entry");
}

static void control_word_add(struct control *control)
{
    const struct tip_control_request *request = control->request;
    struct operator_order order = {.rule = !strcmp(request->action, "deny_add") ? BL_RULE_DENY : BL_RULE_ALLOW,
                                   .reason = request->reason,
                                   .actor = control_actor(control)};
    struct tip_outbox_txn *txn;
    const char *why;
    int r;

    if (!control_indicator(control, &order.indicator) || !control_scope(control, &order) ||
        !control_until(control, &order.until_unix_ms))
        return;
    why = strlen(request->reason) > STATE_DETAIL ? "the reason is longer than 255 bytes"
                                                 : operator_refuses(control->app, &order);
    if (why || tip_hash_count(control->app->operator.standing) >= BL_ALLOW_MAX) {
        control_fail(control, TIP_FAILURE_REFUSED, why ? why : "there are 100,000 entries already");
        return;
    }
    control_add_result(control, &order);
    if (request->dry_run || !control_has_room(control))
        return;
    txn = app_begin(control->app);
    r = operator_add(control->app, txn, &order);
    r = r ? r : control_applied(control, txn);
    app_commit(control->app, &txn, r);
    publish_go_on(control->app);
}

static void control_word_remove(struct control *control)
{
    enum bl_rule rule = !strcmp(control->request->action, "deny_remove") ? BL_RULE_DENY : BL_RULE_ALLOW;
    struct tip_indicator indicator;
    struct operator_entry *entry;
    struct tip_outbox_txn *txn;
    int r;

    if (!control_indicator(control, &indicator))
        return;
    entry = operator_find(control->app, &indicator);
    if (!entry || entry->word.rule != rule) {
        control_fail(control, TIP_FAILURE_NOT_FOUND, "there is no such entry");
        return;
    }
    if (entry->word.is_configured) {
        control_fail(control, TIP_FAILURE_REFUSED, "it stands in tip.yaml (blacklist.own_networks)");
        return;
    }
    (void)snprintf(control->result, sizeof(control->result), "%s: %s %.100s",
                   control->request->dry_run ? "would be removed" : "removed", rule == BL_RULE_DENY ? "deny" : "allow",
                   entry->value);
    if (control->request->dry_run || !control_has_room(control))
        return;
    txn = app_begin(control->app);
    r = operator_remove(control->app, txn, entry);
    r = r ? r : control_applied(control, txn);
    app_commit(control->app, &txn, r);
    publish_go_on(control->app);
}

static void control_allow_why(struct control *control)
{
    struct tip_indicator indicator;
    struct tip_allow_entry told;
    struct operator_entry *entry;

    if (!control_indicator(control, &indicator))
        return;
    entry = operator_decides(control->app, &indicator);
    if (!entry) {
        (void)snprintf(control->result, sizeof(control->result), "no entry bears on %.100s", indicator.value);
        return;
    }
    told = operator_told(entry);
    control_check(control, codec_allow_json(&told, control_value(control, "entry")));
    (void)snprintf(control->result, sizeof(control->result), "%.100s: %s by %s %.100s%s", indicator.value,
                   told.rule == TIP_ALLOW_DENY ? "denied" : "allowed", told.configured ? "own network" : "entry",
                   told.value, told.scope == TIP_ALLOW_SUBTREE ? " and everything inside" : "");
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

static void control_test(struct control *control)
{
    struct app_source *source = control_source(control);
    struct app *app = control->app;
    struct control_test *test;
    struct bl_fetch_order order = {.user_agent = app->user_agent, .on_end = test_on_fetched};
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
    if (!source->spec || app->n_tests >= CONTROL_TESTS_MAX) {
        control_fail(control, TIP_FAILURE_UNAVAILABLE, source->spec ? "four tests run already" : "its file is gone");
        return;
    }
    test = tip_new(struct control_test);
    *test = (struct control_test){.app = app, .next = app->tests};
    app->tests = test;
    app->n_tests++;
    source->stored.asked_unix_ms = tip_loop_wall_ms(); /* the publisher does not see a difference */
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
    bool is_read; /* pages ask often: no news for the log */
} control_actions[] = {
    {"baseline", control_baseline, false},
    {"list", control_list, true},
    {"show", control_show, true},
    {"test", control_test, false},
    {"hold", control_change_source, false},
    {"release", control_change_source, false},
    {"enable", control_change_source, false},
    {"disable", control_change_source, false},
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
        "the actions are baseline, list, show, test, hold, release, enable, disable, allow_add, allow_remove, "
        "deny_add, deny_remove, allow_why, export_list, export_show, export_read, export_run and export_release");
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
        tip_info("control.called", "action=%s target=%s actor=%s result=%s", request->action, request->target,
                 request->actor, control.result);
    if (control.job)
        control_answer(&control);
}
