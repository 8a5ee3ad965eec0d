#pragma once
/*
 * Time as text and back, by arithmetic alone: nothing here reads a clock. Wall times are int64 milliseconds since
 * 1970-01-01T00:00:00Z, without leap seconds. Parsers return 0, -EINVAL for another form, -ERANGE for too large.
 */
#include <stddef.h>
#include <stdint.h>

#include <tip/cleanup.h>

#define TIP_CLOCK_TEXT    25 /* 2026-11-22T04:00:00.000Z and NUL */
#define TIP_DURATION_TEXT 48

#define TIP_SECOND_MS INT64_C(1000)
#define TIP_MINUTE_MS (60 * TIP_SECOND_MS)
#define TIP_HOUR_MS   (60 * TIP_MINUTE_MS)
#define TIP_DAY_MS    (24 * TIP_HOUR_MS)

/** A moment of the proleptic Gregorian calendar, UTC. */
struct tip_civil {
    int year;    /* 0 to 9999 */
    int month;   /* 1 to 12 */
    int day;     /* 1 to 31 */
    int hour;    /* 0 to 23 */
    int minute;  /* 0 to 59 */
    int second;  /* 0 to 59 */
    int ms;      /* 0 to 999 */
    int weekday; /* 0 is Sunday; ignored by tip_clock_from_civil */
};

/** Days since 1970-01-01 of a date; month and day must be real (Hinnant, "chrono-compatible low-level algorithms"). */
int64_t tip_clock_days(int year, int month, int day);

/** 28 to 31. */
int tip_clock_month_days(int year, int month);

/** Both ways; a time outside years 0 to 9999 is clamped into them. */
void tip_clock_to_civil(int64_t unix_ms, struct tip_civil *civil);
int64_t tip_clock_from_civil(const struct tip_civil *civil);

/** RFC 3339 in UTC: `2026-11-22T04:00:00Z`, with `.mmm` only if not zero. Returns its length. */
size_t tip_clock_format(int64_t unix_ms, char text[static TIP_CLOCK_TEXT]);

/** The same, strictly: upper-case T and Z, no offset, no fraction or three digits of it, no leap second. */
tip_nodiscard int tip_clock_parse(int64_t *unix_msp, const char *text, size_t len);

/**
 * Durations: one or more of `2w 7d 1h 15m 90s 250ms` without blanks, each unit at most once and in that order, or `0`.
 * Never negative. Formatting uses d, h, m, s, ms; `0s` for nothing. Returns its length.
 */
tip_nodiscard int tip_duration_parse(uint64_t *msp, const char *text, size_t len);
size_t tip_duration_format(uint64_t ms, char text[static TIP_DURATION_TEXT]);
