#include "alarms.h"

#include <stdio.h>
#include <string.h>

#include <tip/log.h>

enum { ALARM_AGAIN_MS = 60000 };

static const char *const alarm_names[ALARM_COUNT] = {
    [ALARM_HELD] = "journal.held",
    [ALARM_NO_SPACE] = "journal.no_space",
    [ALARM_OVERTAKEN] = "journal.overtaken",
    [ALARM_DAMAGED] = "journal.damaged",
};

static const struct tip_metric_row alarm_rows[ALARM_COUNT] = {
    [ALARM_HELD] = {TIP_METRIC_GAUGE, "tip_broker_alarm", "name=\"journal.held\"", "1 while the alarm is raised."},
    [ALARM_NO_SPACE] = {TIP_METRIC_GAUGE, "tip_broker_alarm", "name=\"journal.no_space\"",
                        "1 while the alarm is raised."},
    [ALARM_OVERTAKEN] = {TIP_METRIC_GAUGE, "tip_broker_alarm", "name=\"journal.overtaken\"",
                         "1 while the alarm is raised."},
    [ALARM_DAMAGED] = {TIP_METRIC_GAUGE, "tip_broker_alarm", "name=\"journal.damaged\"",
                       "1 while the alarm is raised."},
};

void alarms_init(struct alarms *alarms, struct tip_metrics *metrics,
                 void (*say)(void *ctx, const char *name, bool raised, const char *detail), void *ctx)
{
    *alarms = (struct alarms){.say = say, .ctx = ctx};
    tip_metrics_add(metrics, alarm_rows, ALARM_COUNT, alarms->m);
}

static bool alarms_is_told(const struct alarms *alarms, uint64_t from, uint64_t to)
{
    for (size_t i = 0; i < alarms->n_told && i < ALARM_RANGES; i++) {
        if (from >= alarms->told[i].from && to <= alarms->told[i].to)
            return true;
    }
    return false;
}

bool alarms_damage(struct alarms *alarms, uint64_t from, uint64_t to)
{
    bool is_new = !alarms_is_told(alarms, from, to);

    if (is_new && to != UINT64_MAX) { /* a range without an end would hide all that comes later */
        alarms->told[alarms->n_told % ALARM_RANGES].from = from;
        alarms->told[alarms->n_told++ % ALARM_RANGES].to = to;
    }
    if (to >= alarms->damaged_to) { /* the one that stays longest is the one to tell of */
        alarms->damaged_from = from;
        alarms->damaged_to = to;
    }
    return is_new;
}

/* ---- is it so? The detail is set when it is ---- */

static bool alarm_is_held(struct alarms *alarms, const struct journal *journal, char *detail)
{
    const struct journal_hold *hold = journal_holds_oldest(journal_consumers(journal), false);
    struct journal_status status;

    (void)alarms;
    journal_status(journal, &status);
    (void)snprintf(detail, ALARM_DETAIL_BYTES, "full at its cap: publishers wait for consumer %s, which stands at %llu",
                   hold ? hold->name : "", (unsigned long long)(hold ? hold->committed : 0)); /* cut is fine */
    return status.held;
}

static bool alarm_is_no_space(struct alarms *alarms, const struct journal *journal, char *detail)
{
    struct journal_status status;

    (void)alarms;
    journal_status(journal, &status);
    (void)snprintf(detail, ALARM_DETAIL_BYTES, "the disk is full: publishers wait"); /* it fits */
    return status.no_space;
}

static bool alarm_is_overtaken(struct alarms *alarms, const struct journal *journal, char *detail)
{
    const struct journal_holds *holds = journal_consumers(journal);
    struct journal_status status;

    (void)alarms;
    journal_status(journal, &status);
    for (size_t i = 0; i < holds->n; i++) {
        const struct journal_hold *hold = &holds->items[i];

        if (!hold->overtaken || hold->committed + 1 >= status.first_seq)
            continue;
        (void)snprintf(detail, ALARM_DETAIL_BYTES, "consumer %s has not read %llu to %llu, which are gone", hold->name,
                       (unsigned long long)hold->committed + 1,
                       (unsigned long long)status.first_seq - 1); /* cut is fine */
        return true;
    }
    return false;
}

static bool alarm_is_damaged(struct alarms *alarms, const struct journal *journal, char *detail)
{
    struct journal_status status;

    journal_status(journal, &status);
    if (alarms->damaged_to == UINT64_MAX)
        alarms->damaged_to = status.head_seq;
    (void)snprintf(detail, ALARM_DETAIL_BYTES, "%llu to %llu cannot be read: tip bus verify tells where",
                   (unsigned long long)alarms->damaged_from, (unsigned long long)alarms->damaged_to); /* it fits */
    return alarms->damaged_to && alarms->damaged_to >= status.first_seq;
}

static bool (*const alarm_is[ALARM_COUNT])(struct alarms *alarms, const struct journal *journal, char *detail) = {
    [ALARM_HELD] = alarm_is_held,
    [ALARM_NO_SPACE] = alarm_is_no_space,
    [ALARM_OVERTAKEN] = alarm_is_overtaken,
    [ALARM_DAMAGED] = alarm_is_damaged,
};

/* ---- saying it ---- */

static void alarm_set(struct alarms *alarms, enum alarm which, bool raised, const char *detail)
{
    bool changed = alarms->items[which].raised != raised;

    if (changed && raised)
        tip_error("alarm.raised", "name=%s detail=%s", alarm_names[which], detail);
    else if (changed)
        tip_info("alarm.lowered", "name=%s", alarm_names[which]);
    alarms->items[which].raised = raised;
    memcpy(alarms->items[which].detail, raised ? detail : "over", raised ? strlen(detail) + 1 : sizeof("over"));
    tip_metric_set(alarms->m[which], raised);
    alarms->say(alarms->ctx, alarm_names[which], raised, alarms->items[which].detail);
}

void alarms_look(struct alarms *alarms, const struct journal *journal, int64_t now_ms)
{
    for (int i = 0; i < ALARM_COUNT; i++) {
        char detail[ALARM_DETAIL_BYTES] = "";
        bool raised = alarm_is[i](alarms, journal, detail);
        bool again = raised && now_ms - alarms->items[i].said_ms >= ALARM_AGAIN_MS;

        if (raised == alarms->items[i].raised && !again)
            continue;
        alarms->items[i].said_ms = now_ms;
        alarm_set(alarms, (enum alarm)i, raised, detail);
    }
}

const char *alarms_worst(const struct alarms *alarms)
{
    for (int i = 0; i < ALARM_COUNT; i++) {
        if (alarms->items[i].raised)
            return alarms->items[i].detail;
    }
    return NULL;
}
