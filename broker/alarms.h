#pragma once
/*
 * What is wrong with the journal, as alarms: raised when it begins, said again each minute while it lasts (nobody keeps
 * them, and a subscriber may have come later), lowered when it is over. Each is a metric too.
 */
#include <stdbool.h>
#include <stdint.h>

#include <tip/metrics.h>

#include "journal.h"

enum alarm {
    ALARM_HELD,      /* at the cap: publishers wait for a required consumer */
    ALARM_NO_SPACE,  /* publishers wait for room on the disk */
    ALARM_OVERTAKEN, /* a durable consumer was trimmed over and has not gone on yet */
    ALARM_DAMAGED,   /* numbers that cannot be read are still in the journal */
    ALARM_COUNT
};

enum { ALARM_DETAIL_BYTES = 200, ALARM_RANGES = 64 };

struct alarms {
    struct {
        bool raised;
        int64_t said_ms;
        char detail[ALARM_DETAIL_BYTES];
    } items[ALARM_COUNT];
    uint64_t damaged_from, damaged_to; /* the last range known; 0: none */
    struct {
        uint64_t from, to;
    } told[ALARM_RANGES]; /* the last ones that were new */
    size_t n_told;
    struct tip_metric *m[ALARM_COUNT];
    void (*say)(void *ctx, const char *name, bool raised, const char *detail);
    void *ctx;
};

void alarms_init(struct alarms *alarms, struct tip_metrics *metrics,
                 void (*say)(void *ctx, const char *name, bool raised, const char *detail), void *ctx);

/**
 * [from, to] cannot be read. `to` may be UINT64_MAX: up to whatever the head is then.
 *
 * @return whether that is new: readers meet the same range again and again
 */
bool alarms_damage(struct alarms *alarms, uint64_t from, uint64_t to);

/** Each second: compares with how the journal is, and says what has changed. */
void alarms_look(struct alarms *alarms, const struct journal *journal, int64_t now_ms);

/** The detail of one that is raised, or NULL when all is well. */
const char *alarms_worst(const struct alarms *alarms);
