#include "io/activity.h"

#include <stdio.h>

#include <tip/uuid.h>

#include "batch.h"

static const char run_sql_due[] =
    "insert into tip.schedule_run (run_id, job, module, target, state, forced, due_at, deadline_at, expires_at, "
    "started_at) values ($1::uuid, $2, $3, $4, 'due', $5::boolean, to_timestamp($6::double precision), "
    "to_timestamp($7::double precision), to_timestamp($8::double precision), to_timestamp($9::double precision)) "
    "on conflict (run_id) do nothing";

/* A run whose start was never seen (it stood in a lost journal) still has an end. */
static const char run_sql_end[] =
    "insert into tip.schedule_run as r (run_id, job, module, target, state, summary, n_ok, n_failed, n_skipped, "
    "ended_at) values ($1::uuid, '', $2, '', $3, $4, $5::integer, $6::integer, $7::integer, "
    "to_timestamp($8::double precision)) "
    "on conflict (run_id) do update set state = excluded.state, summary = excluded.summary, n_ok = excluded.n_ok, "
    "n_failed = excluded.n_failed, n_skipped = excluded.n_skipped, ended_at = excluded.ended_at";

/* Late is not over: done and failed still come after overdue, and never the other way round. */
static const char run_sql_overdue[] =
    "insert into tip.schedule_run as r (run_id, job, module, target, state, deadline_at) "
    "values ($1::uuid, $2, $3, '', 'overdue', to_timestamp($4::double precision)) "
    "on conflict (run_id) do update set state = excluded.state where r.state = 'due'";

static const char control_sql_write[] =
    "insert into tip.control_applied (call_id, applied_at, service, actor, action, target, reason, result, ok) "
    "values ($1::uuid, to_timestamp($2::double precision), $3, $4, $5, $6, $7, $8, $9::boolean) "
    "on conflict (call_id) do nothing";

static const char alarm_sql_write[] =
    "insert into tip.system_alarm as a (service, name, raised, detail, since, updated_at, n_times) "
    "values ($1, $2, $3::boolean, $4, to_timestamp($5::double precision), to_timestamp($5::double precision), "
    "$3::boolean::integer) "
    "on conflict (service, name) do update set raised = excluded.raised, detail = excluded.detail, "
    "since = case when a.raised = excluded.raised then a.since else excluded.since end, "
    "updated_at = excluded.updated_at, "
    "n_times = a.n_times + (excluded.raised and not a.raised)::integer";

/* The last word on an indicator stays, also when it has left the list. */
static const char allow_sql_add[] =
    "insert into tip.allow as a (kind, value, net, rule, scope, reason, actor, since, until, configured, updated_at) "
    "values ($1::smallint, $2, $3::inet, $4, $5, $6, $7, to_timestamp($8::double precision), "
    "to_timestamp($9::double precision), $10::boolean, to_timestamp($11::double precision)) "
    "on conflict (kind, value) do update set net = excluded.net, rule = excluded.rule, scope = excluded.scope, "
    "reason = excluded.reason, actor = excluded.actor, since = excluded.since, until = excluded.until, "
    "configured = excluded.configured, removed_at = null, updated_at = excluded.updated_at";

static const char allow_sql_remove[] = "update tip.allow set removed_at = to_timestamp($3::double precision), "
                                       "updated_at = to_timestamp($3::double precision) "
                                       "where kind = $1::smallint and value = $2 and removed_at is null";

static const char allow_sql_empty[] = "update tip.allow set removed_at = to_timestamp($1::double precision), "
                                      "updated_at = to_timestamp($1::double precision) where removed_at is null";

/* Arguments as text: an id, a time of Unix milliseconds (0: null), a truth. */
struct activity_text {
    char text[TIP_UUID_TEXT];
};

static void activity_arg_id(struct store_args *args, struct activity_text *to, const struct tip_id *id)
{
    struct tip_uuid uuid = store_uuid(id);

    tip_uuid_format(&uuid, to->text);
    store_arg_text(args, to->text);
}

static void activity_arg_time(struct store_args *args, struct activity_text *to, int64_t unix_ms)
{
    snprintf(to->text, sizeof(to->text), "%.3f", (double)unix_ms / 1000);
    store_arg_text(args, unix_ms ? to->text : NULL);
}

static void activity_arg_bool(struct store_args *args, bool value)
{
    store_arg_text(args, value ? "true" : "false");
}

static int activity_due(struct store_db *db, const struct tip_event *event, int64_t unix_ms)
{
    const struct tip_schedule_due *due = &event->schedule_due;
    struct store_args args = {.n = 0};
    struct activity_text id, due_at, deadline_at, expires_at, at;

    activity_arg_id(&args, &id, &due->run_id);
    store_arg_text(&args, due->job);
    store_arg_text(&args, due->module);
    store_arg_text(&args, due->target);
    activity_arg_bool(&args, due->force);
    activity_arg_time(&args, &due_at, due->due_unix_ms);
    activity_arg_time(&args, &deadline_at, due->deadline_unix_ms);
    activity_arg_time(&args, &expires_at, due->expires_unix_ms);
    activity_arg_time(&args, &at, unix_ms);
    return store_db_run(db, run_sql_due, &args, NULL);
}

static int64_t activity_count(uint32_t n)
{
    return n > INT32_MAX ? INT32_MAX : n;
}

static int activity_report(struct store_db *db, const struct tip_event *event, int64_t unix_ms)
{
    const struct tip_schedule_report *report = &event->schedule_report;
    struct store_args args = {.n = 0};
    struct activity_text id, at;

    activity_arg_id(&args, &id, &report->run_id);
    store_arg_text(&args, report->module);
    store_arg_text(&args, event->kind == TIP_EVENT_SCHEDULE_DONE ? "done" : "failed");
    store_arg_text(&args, report->summary);
    store_arg_int(&args, activity_count(report->n_ok));
    store_arg_int(&args, activity_count(report->n_failed));
    store_arg_int(&args, activity_count(report->n_skipped));
    activity_arg_time(&args, &at, unix_ms);
    return store_db_run(db, run_sql_end, &args, NULL);
}

static int activity_overdue(struct store_db *db, const struct tip_event *event, int64_t unix_ms)
{
    const struct tip_schedule_overdue *overdue = &event->schedule_overdue;
    struct store_args args = {.n = 0};
    struct activity_text id, deadline_at;

    (void)unix_ms;
    activity_arg_id(&args, &id, &overdue->run_id);
    store_arg_text(&args, overdue->job);
    store_arg_text(&args, overdue->module);
    activity_arg_time(&args, &deadline_at, overdue->deadline_unix_ms);
    return store_db_run(db, run_sql_overdue, &args, NULL);
}

static int activity_control(struct store_db *db, const struct tip_event *event, int64_t unix_ms)
{
    const struct tip_control_applied *applied = &event->control_applied;
    struct store_args args = {.n = 0};
    struct activity_text id, at;

    activity_arg_id(&args, &id, &applied->call_id);
    activity_arg_time(&args, &at, unix_ms);
    store_arg_text(&args, applied->service);
    store_arg_text(&args, applied->actor);
    store_arg_text(&args, applied->action);
    store_arg_text(&args, applied->target);
    store_arg_text(&args, applied->reason);
    store_arg_text(&args, applied->result);
    activity_arg_bool(&args, applied->ok);
    return store_db_run(db, control_sql_write, &args, NULL);
}

static int activity_alarm(struct store_db *db, const struct tip_event *event, int64_t unix_ms)
{
    const struct tip_system_alarm *alarm = &event->system_alarm;
    struct store_args args = {.n = 0};
    struct activity_text at;

    store_arg_text(&args, alarm->service);
    store_arg_text(&args, alarm->name);
    activity_arg_bool(&args, alarm->raised);
    store_arg_text(&args, alarm->detail);
    activity_arg_time(&args, &at, unix_ms);
    return store_db_run(db, alarm_sql_write, &args, NULL);
}

static int allow_add(struct store_db *db, const struct tip_allow_entry *entry, int64_t unix_ms)
{
    struct store_args args = {.n = 0};
    struct activity_text since, until, at;

    store_arg_int(&args, entry->kind);
    store_arg_text(&args, entry->value);
    store_arg_text(&args, entry->kind == TIP_KIND_DOMAIN ? NULL : entry->value);
    store_arg_text(&args, tip_allow_rule_name(entry->rule));
    store_arg_text(&args, tip_allow_scope_name(entry->scope));
    store_arg_text(&args, entry->reason);
    store_arg_text(&args, entry->actor);
    activity_arg_time(&args, &since, entry->since_unix_ms ? entry->since_unix_ms : unix_ms);
    activity_arg_time(&args, &until, entry->until_unix_ms);
    activity_arg_bool(&args, entry->configured);
    activity_arg_time(&args, &at, unix_ms);
    return store_db_run(db, allow_sql_add, &args, NULL);
}

static int allow_remove(struct store_db *db, const struct tip_allow_entry *entry, int64_t unix_ms)
{
    struct store_args args = {.n = 0};
    struct activity_text at;

    store_arg_int(&args, entry->kind);
    store_arg_text(&args, entry->value);
    activity_arg_time(&args, &at, unix_ms);
    return store_db_run(db, allow_sql_remove, &args, NULL);
}

static int activity_allow(struct store_db *db, const struct tip_event *event, int64_t unix_ms)
{
    const struct tip_allow_changes *changes = &event->allow_changes;
    struct store_args args = {.n = 0};
    struct activity_text at;
    int r = 0;

    activity_arg_time(&args, &at, unix_ms);
    if (changes->full)
        r = store_db_run(db, allow_sql_empty, &args, NULL);
    for (size_t i = 0; !r && i < changes->n_removed; i++)
        r = allow_remove(db, &changes->removed[i], unix_ms);
    for (size_t i = 0; !r && i < changes->n_added; i++)
        r = allow_add(db, &changes->added[i], unix_ms);
    return r;
}

typedef int activity_fn(struct store_db *db, const struct tip_event *event, int64_t unix_ms);

static activity_fn *const activity_writers[TIP_EVENT_KIND_COUNT] = {
    [TIP_EVENT_SCHEDULE_DUE] = activity_due,        [TIP_EVENT_SCHEDULE_DONE] = activity_report,
    [TIP_EVENT_SCHEDULE_FAILED] = activity_report,  [TIP_EVENT_SCHEDULE_OVERDUE] = activity_overdue,
    [TIP_EVENT_CONTROL_APPLIED] = activity_control, [TIP_EVENT_SYSTEM_ALARM] = activity_alarm,
    [TIP_EVENT_CONTROL_ALLOW] = activity_allow,
};

bool store_activity_is(const struct tip_event *event)
{
    return activity_writers[event->kind];
}

int store_activity_write(struct store_db *db, const struct tip_event *event, int64_t unix_ms)
{
    return activity_writers[event->kind](db, event, unix_ms);
}
