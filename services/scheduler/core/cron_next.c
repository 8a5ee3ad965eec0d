#include "core/cron.h"

#include <tip/clock.h>

/*
 * Two clocks: `unix` is seconds of UTC, `local` is what the zone's clock shows, counted as if it were UTC. The search
 * runs on the local one, where the fields are, a minute a step with whole days and months skipped.
 */
enum { CRON_MINUTE_S = 60, CRON_HOUR_S = 3600, CRON_DAY_S = 86400 };

#define CRON_END_S INT64_C(253402300740) /* the last minute of year 9999 */

static int64_t cron_floor(int64_t value, int64_t unit)
{
    return value - ((value % unit) + unit) % unit;
}

static int64_t cron_offset(const struct sched_zone *zone, int64_t unix_s)
{
    return zone->offset_s ? zone->offset_s(zone->ctx, unix_s) : 0;
}

static bool cron_day_matches(const struct sched_cron *cron, const struct tip_civil *civil)
{
    bool day = cron->days >> civil->day & 1, weekday = cron->weekdays >> civil->weekday & 1;

    return cron->any_day || cron->any_weekday ? day && weekday : day || weekday;
}

/* Where to look next when the local minute at `local` does not match; `local` itself when it does. */
static int64_t cron_skip(const struct sched_cron *cron, int64_t local)
{
    struct tip_civil civil;
    int64_t day;

    tip_clock_to_civil(local * TIP_SECOND_MS, &civil);
    day = cron_floor(local, CRON_DAY_S);
    if (!(cron->months >> civil.month & 1))
        return day + (int64_t)(tip_clock_month_days(civil.year, civil.month) - civil.day + 1) * CRON_DAY_S;
    if (!cron_day_matches(cron, &civil))
        return day + CRON_DAY_S;
    if (!(cron->hours >> civil.hour & 1))
        return cron_floor(local, CRON_HOUR_S) + CRON_HOUR_S;
    return cron->minutes >> civil.minute & 1 ? local : local + CRON_MINUTE_S;
}

/* The first local minute from `local` on that matches; CRON_END_S when there is none. */
static int64_t cron_next_local(const struct sched_cron *cron, int64_t local)
{
    while (local < CRON_END_S) {
        int64_t next = cron_skip(cron, local);

        if (next == local)
            return local;
        local = next;
    }
    return CRON_END_S;
}

/* The moment between low and high at which the zone's clock is set: the first with the offset of high. */
static int64_t cron_transition(const struct sched_zone *zone, int64_t low, int64_t high)
{
    int64_t offset = cron_offset(zone, high);

    while (high - low > 1) {
        int64_t middle = low + (high - low) / 2;

        if (cron_offset(zone, middle) == offset)
            high = middle;
        else
            low = middle;
    }
    return high;
}

/* When the clock first shows `local`; for a time that is skipped, when the clock is set. */
static int64_t cron_unix_of(const struct sched_zone *zone, int64_t local)
{
    int64_t before = cron_offset(zone, local - CRON_DAY_S), after = cron_offset(zone, local + CRON_DAY_S);

    if (cron_offset(zone, local - before) == before)
        return local - before;
    if (cron_offset(zone, local - after) == after)
        return local - after;
    return cron_transition(zone, local - CRON_DAY_S, local + CRON_DAY_S);
}

static int64_t cron_next_fixed(const struct sched_cron *cron, const struct sched_zone *zone, int64_t after)
{
    int64_t local = cron_floor(after + cron_offset(zone, after), CRON_MINUTE_S);

    for (;;) {
        int64_t unix_s;

        local = cron_next_local(cron, local + CRON_MINUTE_S);
        if (local == CRON_END_S)
            return CRON_END_S;
        unix_s = cron_unix_of(zone, local);
        if (unix_s > after)
            return unix_s;
    }
}

/* Goes from one setting of the clock to the next; `from` may match itself. */
static int64_t cron_next_wildcard(const struct sched_cron *cron, const struct sched_zone *zone, int64_t from)
{
    for (;;) {
        int64_t offset = cron_offset(zone, from), local = cron_next_local(cron, from + offset), probe;

        if (local == CRON_END_S)
            return CRON_END_S;
        probe = local - offset > from + CRON_DAY_S ? from + CRON_DAY_S : local - offset;
        if (cron_offset(zone, probe) != offset)
            from = cron_transition(zone, from, probe);
        else if (probe == local - offset)
            return probe;
        else /* nothing matches until half a day before: settings of the clock move it by less */
            from = probe > local - offset - CRON_DAY_S / 2 ? probe : local - offset - CRON_DAY_S / 2;
    }
}

int64_t sched_cron_next(const struct sched_cron *cron, const struct sched_zone *zone, int64_t after_unix_ms)
{
    int64_t after = cron_floor(after_unix_ms, TIP_SECOND_MS) / TIP_SECOND_MS, next;

    if (cron->is_wildcard)
        next = cron_next_wildcard(cron, zone, cron_floor(after, CRON_MINUTE_S) + CRON_MINUTE_S);
    else
        next = cron_next_fixed(cron, zone, after);
    return next >= CRON_END_S ? SCHED_NEVER : next * TIP_SECOND_MS;
}
