#include "codec.h"

#include <errno.h>
#include <string.h>

#include <jansson.h>

#include <tip/utf8.h>
#include <topics.h>

_Static_assert((int)SCHED_NAME_MAX == (int)TIP_NAME_MAX, "names of the core fit into events");

struct tip_id codec_id(const struct tip_uuid *uuid)
{
    struct tip_id id;

    memcpy(id.bytes, uuid->bytes, sizeof(id.bytes));
    return id;
}

/* ---- events ---- */

const char *codec_event(struct tip_event *event, const struct sched_action *action)
{
    *event = (struct tip_event){.kind_name = ""};
    if (action->kind == SCHED_ACT_OVERDUE) {
        event->kind = TIP_EVENT_SCHEDULE_OVERDUE;
        event->schedule_overdue = (struct tip_schedule_overdue){
            .run_id = codec_id(&action->run.id),
            .job = action->job,
            .module = action->module,
            .deadline_unix_ms = action->run.deadline_unix_ms,
        };
        return TIP_TOPIC_SCHEDULE_OVERDUE;
    }
    event->kind = TIP_EVENT_SCHEDULE_DUE;
    event->schedule_due = (struct tip_schedule_due){
        .run_id = codec_id(&action->run.id),
        .job = action->job,
        .module = action->module,
        .target = action->target,
        .due_unix_ms = action->run.due_unix_ms,
        .deadline_unix_ms = action->run.deadline_unix_ms,
        .expires_unix_ms = action->run.expires_unix_ms,
        .force = action->force,
    };
    return TIP_TOPIC_SCHEDULE_DUE;
}

bool codec_report(struct sched_event *to, const struct tip_event *event)
{
    bool is_done = event->kind == TIP_EVENT_SCHEDULE_DONE;

    if (!is_done && event->kind != TIP_EVENT_SCHEDULE_FAILED)
        return false;
    *to = (struct sched_event){.kind = SCHED_EV_REPORT, .is_ok = is_done};
    memcpy(to->run_id.bytes, event->schedule_report.run_id.bytes, sizeof(to->run_id.bytes));
    return true;
}

/* ---- stored state: a JSON object, so that a later version may add what it needs ---- */

enum codec_type { CODEC_INT, CODEC_BOOL, CODEC_END, CODEC_ID, CODEC_NAME, CODEC_REASON };

struct codec_row {
    const char *key;
    enum codec_type type;
    size_t offset;
};

#define CODEC_AT(member) offsetof(struct codec_stored, member)

static const struct codec_row codec_rows[] = {
    {"manual", CODEC_BOOL, CODEC_AT(is_manual)},
    {"module", CODEC_NAME, CODEC_AT(spec.module)},
    {"target", CODEC_NAME, CODEC_AT(spec.target)},
    {"force", CODEC_BOOL, CODEC_AT(spec.force)},
    {"rule_crc", CODEC_INT, CODEC_AT(state.rule_crc)},
    {"next", CODEC_INT, CODEC_AT(state.next_unix_ms)},
    {"settled", CODEC_INT, CODEC_AT(state.settled_unix_ms)},
    {"started", CODEC_INT, CODEC_AT(state.started_unix_ms)},
    {"ended", CODEC_INT, CODEC_AT(state.ended_unix_ms)},
    {"end", CODEC_END, CODEC_AT(state.last_end)},
    {"open", CODEC_BOOL, CODEC_AT(state.is_open)},
    {"run_id", CODEC_ID, CODEC_AT(state.run.id)},
    {"run_due", CODEC_INT, CODEC_AT(state.run.due_unix_ms)},
    {"run_started", CODEC_INT, CODEC_AT(state.run.started_unix_ms)},
    {"run_deadline", CODEC_INT, CODEC_AT(state.run.deadline_unix_ms)},
    {"run_expires", CODEC_INT, CODEC_AT(state.run.expires_unix_ms)},
    {"paused", CODEC_BOOL, CODEC_AT(state.is_paused)},
    {"paused_until", CODEC_INT, CODEC_AT(state.paused_until_unix_ms)},
    {"pause_reason", CODEC_REASON, CODEC_AT(state.pause_reason)},
    {"n_runs", CODEC_INT, CODEC_AT(state.n_runs)},
    {"n_failed", CODEC_INT, CODEC_AT(state.n_failed)},
    {"n_overdue", CODEC_INT, CODEC_AT(state.n_overdue)},
    {"n_missed", CODEC_INT, CODEC_AT(state.n_missed)},
};

enum { CODEC_ROWS = sizeof(codec_rows) / sizeof(codec_rows[0]) };

static json_t *codec_value_write(const struct codec_row *row, const struct codec_stored *stored)
{
    const void *at = (const char *)stored + row->offset;
    char id[TIP_UUID_TEXT];

    switch (row->type) {
    case CODEC_INT:
        return json_integer(*(const int64_t *)at);
    case CODEC_BOOL:
        return json_boolean(*(const bool *)at);
    case CODEC_END:
        return json_string(sched_end_name(*(const enum sched_end *)at));
    case CODEC_ID:
        tip_uuid_format(at, id);
        return json_string(id);
    case CODEC_NAME:
    case CODEC_REASON:
        return json_string(at);
    }
    return NULL;
}

static enum sched_end codec_end_of(const char *name)
{
    int end = SCHED_END_COUNT - 1;

    while (end > SCHED_END_NONE && strcmp(sched_end_name((enum sched_end)end), name) != 0)
        end--;
    return (enum sched_end)end;
}

static void codec_text_read(char *to, size_t room, const char *text)
{
    to[tip_utf8_copy(to, room, text, strlen(text))] = '\0';
}

/* What is missing or of another type stays zero. */
static void codec_value_read(const struct codec_row *row, struct codec_stored *stored, const json_t *value)
{
    void *at = (char *)stored + row->offset;
    const char *text = json_is_string(value) ? json_string_value(value) : "";

    switch (row->type) {
    case CODEC_INT:
        *(int64_t *)at = json_integer_value(value);
        return;
    case CODEC_BOOL:
        *(bool *)at = json_is_true(value);
        return;
    case CODEC_END:
        *(enum sched_end *)at = codec_end_of(text);
        return;
    case CODEC_ID:
        (void)!tip_uuid_parse(at, text, strlen(text)); /* no open run has a zero id */
        return;
    case CODEC_NAME:
        codec_text_read(at, SCHED_NAME_MAX + 1, text);
        return;
    case CODEC_REASON:
        codec_text_read(at, SCHED_REASON_MAX + 1, text);
        return;
    }
}

static int codec_json_append(json_t *object, struct tip_buf *out)
{
    tip_auto(tip_free) char *text = json_dumps(object, JSON_COMPACT);

    json_decref(object);
    return text ? tip_buf_append_text(out, text) : -ENOMEM;
}

int codec_stored_write(const struct sched_job *job, const struct sched_now *now, struct tip_buf *out)
{
    struct codec_stored stored = {.spec = job->spec, .is_manual = job->spec.rule == SCHED_MANUAL};
    json_t *object = json_object();

    sched_job_save(job, now, &stored.state);
    for (size_t i = 0; i < CODEC_ROWS; i++)
        json_object_set_new(object, codec_rows[i].key, codec_value_write(&codec_rows[i], &stored));
    return codec_json_append(object, out);
}

int codec_stored_read(struct codec_stored *stored, const void *bytes, size_t n)
{
    json_t *object = json_loadb(bytes, n, 0, NULL);
    struct sched_spec named;
    const char *why;

    *stored = (struct codec_stored){0};
    if (!json_is_object(object)) {
        json_decref(object);
        return CODEC_E_FOREIGN;
    }
    for (size_t i = 0; i < CODEC_ROWS; i++)
        codec_value_read(&codec_rows[i], stored, json_object_get(object, codec_rows[i].key));
    json_decref(object);
    if (!stored->is_manual)
        return 0;
    named = stored->spec;
    if (sched_spec_make_manual(&stored->spec, named.module, named.target, named.force, &why))
        return CODEC_E_FOREIGN;
    return 0;
}

/* ---- for people ---- */

static json_t *codec_time(int64_t unix_ms)
{
    char text[TIP_CLOCK_TEXT];

    if (!unix_ms || unix_ms == SCHED_NEVER)
        return json_null();
    tip_clock_format(unix_ms, text);
    return json_string(text);
}

static const char *codec_state_name(const struct sched_job *job)
{
    if (job->state.is_open)
        return "running";
    if (job->state.is_paused)
        return "paused";
    return job->next_ms == SCHED_NEVER && job->spec.rule == SCHED_AT ? "over" : "waiting";
}

int codec_job_json(const struct sched_job *job, const struct sched_now *now, struct tip_buf *out)
{
    const struct sched_state *state = &job->state;
    char run_id[TIP_UUID_TEXT];
    json_t *object;

    tip_uuid_format(&state->run.id, run_id);
    object = json_pack("{ss ss ss ss ss so so so ss ss* so so ss sI sI sI sI}", "name", job->spec.name, "module",
                       job->spec.module, "target", job->spec.target, "rule", job->spec.rule_text, "state",
                       codec_state_name(job), "next", codec_time(sched_job_next_unix_ms(job, now)), "started",
                       codec_time(state->started_unix_ms), "ended", codec_time(state->ended_unix_ms), "last",
                       sched_end_name(state->last_end), "run_id", state->started_unix_ms ? run_id : NULL, "deadline",
                       codec_time(state->is_open ? state->run.deadline_unix_ms : 0), "paused_until",
                       codec_time(state->is_paused ? state->paused_until_unix_ms : 0), "pause_reason",
                       state->pause_reason, "runs", (json_int_t)state->n_runs, "failed", (json_int_t)state->n_failed,
                       "overdue", (json_int_t)state->n_overdue, "missed", (json_int_t)state->n_missed);
    return object ? codec_json_append(object, out) : -ENOMEM;
}
