#include "publish.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <tip/bus.h>
#include <tip/clock.h>
#include <tip/uuid.h>
#include <topics.h>

enum publish_type { PUBLISH_TEXT, PUBLISH_ID, PUBLISH_TIME, PUBLISH_COUNT, PUBLISH_BOOL };

struct publish_field {
    const char *name;
    enum publish_type type;
    size_t offset; /* in struct tip_event */
};

enum { PUBLISH_FIELDS = 10 };

struct publish_kind {
    enum tip_event_kind kind;
    const char *prefix;                          /* of the topic */
    const char *topic_name;                      /* the field that ends it */
    struct publish_field fields[PUBLISH_FIELDS]; /* up to the first without a name */
};

#define AT(member) offsetof(struct tip_event, member)

#define PUBLISH_REPORT                                                                                                 \
    {                                                                                                                  \
        {"run_id", PUBLISH_ID, AT(schedule_report.run_id)}, {"module", PUBLISH_TEXT, AT(schedule_report.module)},      \
            {"summary", PUBLISH_TEXT, AT(schedule_report.summary)}, {"n_ok", PUBLISH_COUNT, AT(schedule_report.n_ok)}, \
            {"n_failed", PUBLISH_COUNT, AT(schedule_report.n_failed)},                                                 \
            {"n_skipped", PUBLISH_COUNT, AT(schedule_report.n_skipped)},                                               \
    }

static const struct publish_kind publish_table[] = {
    {TIP_EVENT_SCHEDULE_DUE,
     TIP_TOPIC_SCHEDULE_DUE,
     "module",
     {{"run_id", PUBLISH_ID, AT(schedule_due.run_id)},
      {"job", PUBLISH_TEXT, AT(schedule_due.job)},
      {"module", PUBLISH_TEXT, AT(schedule_due.module)},
      {"target", PUBLISH_TEXT, AT(schedule_due.target)},
      {"due_at", PUBLISH_TIME, AT(schedule_due.due_unix_ms)},
      {"deadline_at", PUBLISH_TIME, AT(schedule_due.deadline_unix_ms)},
      {"expires_at", PUBLISH_TIME, AT(schedule_due.expires_unix_ms)},
      {"force", PUBLISH_BOOL, AT(schedule_due.force)}}},
    {TIP_EVENT_SCHEDULE_DONE, TIP_TOPIC_SCHEDULE_DONE, "module", PUBLISH_REPORT},
    {TIP_EVENT_SCHEDULE_FAILED, TIP_TOPIC_SCHEDULE_FAILED, "module", PUBLISH_REPORT},
    {TIP_EVENT_SCHEDULE_OVERDUE,
     TIP_TOPIC_SCHEDULE_OVERDUE,
     "module",
     {{"run_id", PUBLISH_ID, AT(schedule_overdue.run_id)},
      {"job", PUBLISH_TEXT, AT(schedule_overdue.job)},
      {"module", PUBLISH_TEXT, AT(schedule_overdue.module)},
      {"deadline_at", PUBLISH_TIME, AT(schedule_overdue.deadline_unix_ms)}}},
    {TIP_EVENT_CONTROL_APPLIED,
     TIP_TOPIC_CONTROL_APPLIED,
     "service",
     {{"service", PUBLISH_TEXT, AT(control_applied.service)},
      {"actor", PUBLISH_TEXT, AT(control_applied.actor)},
      {"action", PUBLISH_TEXT, AT(control_applied.action)},
      {"target", PUBLISH_TEXT, AT(control_applied.target)},
      {"reason", PUBLISH_TEXT, AT(control_applied.reason)},
      {"result", PUBLISH_TEXT, AT(control_applied.result)},
      {"call_id", PUBLISH_ID, AT(control_applied.call_id)},
      {"ok", PUBLISH_BOOL, AT(control_applied.ok)}}},
    {TIP_EVENT_SYSTEM_ALARM,
     TIP_TOPIC_SYSTEM_ALARM,
     "service",
     {{"service", PUBLISH_TEXT, AT(system_alarm.service)},
      {"name", PUBLISH_TEXT, AT(system_alarm.name)},
      {"detail", PUBLISH_TEXT, AT(system_alarm.detail)},
      {"raised", PUBLISH_BOOL, AT(system_alarm.raised)}}},
};

const char *const publish_kinds[] = {
    "schedule.due", "schedule.done", "schedule.failed", "schedule.overdue", "control.applied", "system.alarm", NULL};

static int publish_id(const char *text, struct tip_id *id)
{
    struct tip_uuid uuid;

    if (tip_uuid_parse(&uuid, text, strlen(text)))
        return PUBLISH_E_INVALID;
    memcpy(id->bytes, uuid.bytes, sizeof(id->bytes));
    return 0;
}

static int publish_bool(const char *text, bool *valuep)
{
    *valuep = strcmp(text, "true") == 0;
    return *valuep || strcmp(text, "false") == 0 ? 0 : PUBLISH_E_INVALID;
}

/* From the command line everything is text; from JSON numbers and booleans come as such. */
static int publish_set(const struct publish_field *field, const json_t *value, struct tip_event *event)
{
    void *at = (char *)event + field->offset;
    const char *text = json_string_value(value);
    uint32_t number = (uint32_t)json_integer_value(value);
    bool is_true = json_is_true(value);
    char rest;

    switch (field->type) {
    case PUBLISH_TEXT:
        memcpy(at, &text, sizeof(text));
        return text ? 0 : PUBLISH_E_INVALID;
    case PUBLISH_ID:
        return text ? publish_id(text, at) : PUBLISH_E_INVALID;
    case PUBLISH_TIME:
        return text && tip_clock_parse(at, text, strlen(text)) == 0 ? 0 : PUBLISH_E_INVALID;
    case PUBLISH_COUNT:
        if (text ? sscanf(text, "%" SCNu32 "%c", &number, &rest) != 1
                 : !json_is_integer(value) || json_integer_value(value) < 0 || json_integer_value(value) > UINT32_MAX)
            return PUBLISH_E_INVALID;
        memcpy(at, &number, sizeof(number));
        return 0;
    case PUBLISH_BOOL:
        if (text ? publish_bool(text, &is_true) : !json_is_boolean(value))
            return PUBLISH_E_INVALID;
        memcpy(at, &is_true, sizeof(is_true));
        return 0;
    }
    return PUBLISH_E_INVALID;
}

static const struct publish_field *publish_field_of(const struct publish_kind *row, const char *name)
{
    for (size_t i = 0; i < PUBLISH_FIELDS && row->fields[i].name; i++) {
        if (strcmp(row->fields[i].name, name) == 0)
            return &row->fields[i];
    }
    return NULL;
}

/* What nobody names still has to be something. */
static void publish_defaults(const struct publish_kind *row, struct tip_event *event)
{
    static const char *const empty = "";

    for (size_t i = 0; i < PUBLISH_FIELDS && row->fields[i].name; i++) {
        void *at = (char *)event + row->fields[i].offset;

        if (row->fields[i].type == PUBLISH_TEXT)
            memcpy(at, &empty, sizeof(empty));
        if (row->fields[i].type == PUBLISH_ID)
            memcpy(at, &event->id, sizeof(event->id));
        if (row->fields[i].type == PUBLISH_TIME)
            memcpy(at, &event->observed_unix_ms, sizeof(event->observed_unix_ms));
    }
}

static int publish_fields(const struct publish_kind *row, json_t *fields, struct tip_event *event, char *why)
{
    const struct publish_field *field;
    const char *name;
    json_t *value;

    json_object_foreach(fields, name, value)
    {
        field = publish_field_of(row, name);
        if (field && publish_set(field, value, event) == 0)
            continue;
        snprintf(why, PUBLISH_WHY_BYTES, field ? "%.64s: its value cannot be read" : "%.64s: there is no such field",
                 name);
        return PUBLISH_E_INVALID;
    }
    return 0;
}

int publish_make(const char *kind, json_t *fields, struct tip_event *event, char *topic, char *why)
{
    enum tip_event_kind wanted = tip_event_kind_of(kind);
    const struct publish_kind *row = NULL;
    const char *name;
    int r;

    for (size_t i = 0; i < sizeof(publish_table) / sizeof(publish_table[0]); i++)
        row = publish_table[i].kind == wanted && wanted ? &publish_table[i] : row;
    if (!row) {
        snprintf(why, PUBLISH_WHY_BYTES, "\"%.64s\" is no kind that can be published by hand", kind);
        return PUBLISH_E_INVALID;
    }
    event->kind = wanted;
    event->kind_name = "";
    publish_defaults(row, event);
    r = publish_fields(row, fields, event, why);
    if (r)
        return r;
    memcpy(&name, (char *)event + publish_field_of(row, row->topic_name)->offset, sizeof(name));
    if (!*name || tip_topic(topic, row->prefix, name)) {
        snprintf(why, PUBLISH_WHY_BYTES, "%s: it must be named", row->topic_name);
        return PUBLISH_E_INVALID;
    }
    return 0;
}
