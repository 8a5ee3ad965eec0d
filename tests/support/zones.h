#pragma once
/*
 * Two zones written from the law, not taken from tzdata: Europe/Berlin changes on the last Sundays of March and October
 * at 01:00 UTC, America/New_York on the second Sunday of March at 07:00 UTC and the first of November at 06:00 UTC.
 */
#include <stdint.h>

#include <tip/clock.h>

static inline int64_t zone_sunday_s(int year, int month, int day_from)
{
    int64_t days = tip_clock_days(year, month, day_from);

    while ((days + 4) % 7) /* 1970-01-01 was a Thursday */
        days++;
    return days * 86400;
}

static inline int zone_year(int64_t unix_s)
{
    struct tip_civil civil;

    tip_clock_to_civil(unix_s * 1000, &civil);
    return civil.year;
}

static inline int32_t zone_berlin(const void *ctx, int64_t unix_s)
{
    int year = zone_year(unix_s);
    int64_t on = zone_sunday_s(year, 3, 25) + 3600, off = zone_sunday_s(year, 10, 25) + 3600;

    (void)ctx;
    return unix_s >= on && unix_s < off ? 7200 : 3600;
}

static inline int32_t zone_new_york(const void *ctx, int64_t unix_s)
{
    int year = zone_year(unix_s);
    int64_t on = zone_sunday_s(year, 3, 8) + 7 * 3600, off = zone_sunday_s(year, 11, 1) + 6 * 3600;

    (void)ctx;
    return unix_s >= on && unix_s < off ? -4 * 3600 : -5 * 3600;
}
