#pragma once
/*
 * Cron expressions: minute, hour, day of month, month, day of week, as in crontab(5) of vixie cron. Lists, ranges,
 * steps, names, and @hourly @daily @midnight @weekly @monthly @yearly @annually. Sunday is 0 and 7. When both day
 * fields are restricted either may match; when one begins with '*' both must.
 *
 * Where the clock of a zone is set forward, times that are skipped come once, at that moment; where it is set back,
 * repeated times come once, the first time. Expressions whose minute or hour begins with '*' follow the clock through
 * both instead: they run in every hour that really passes. (cron(8), "Daylight Saving Time and other time changes".)
 */
#include <stdbool.h>
#include <stdint.h>

#include <tip/cleanup.h>

#define SCHED_NEVER INT64_MAX

struct sched_cron {
    uint64_t minutes; /* bit n: minute n */
    uint32_t hours;
    uint32_t days;   /* bits 1 to 31 */
    uint16_t months; /* bits 1 to 12 */
    uint8_t weekdays;
    bool is_wildcard; /* minute or hour begins with '*' */
    bool any_day;     /* day of month begins with '*' */
    bool any_weekday;
};

/** What a zone's clock shows: seconds east of UTC at a moment. A zeroed one is UTC. */
struct sched_zone {
    int32_t (*offset_s)(const void *ctx, int64_t unix_s);
    const void *ctx;
};

enum { SCHED_CRON_E_SYNTAX = 1, SCHED_CRON_E_NEVER = 2 };

/**
 * @param whyp  set on failure: a static sentence
 * @return 0, SCHED_CRON_E_SYNTAX, or SCHED_CRON_E_NEVER for a day that no calendar has (30 February)
 */
tip_nodiscard int sched_cron_parse(struct sched_cron *cron, const char *text, const char **whyp);

/** The first time after `after_unix_ms` that matches; SCHED_NEVER only beyond year 9999. */
int64_t sched_cron_next(const struct sched_cron *cron, const struct sched_zone *zone, int64_t after_unix_ms);
