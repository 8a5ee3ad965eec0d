#pragma once
/*
 * How fast counters move: over the last second and over the last minute. Pure: somebody reads the counters each second
 * or so and says when.
 */
#include <stdbool.h>
#include <stdint.h>

#include <tip/cleanup.h>
#include <tip/hash.h>

enum {
    RATES_STEP_MS = 5000, /* between the readings kept of the last minute: its rate is over 60 to 65 s */
    RATES_RING = 14,
    RATES_NAME_MAX = 80
};

struct rates_reading {
    int64_t at_ms; /* monotonic */
    uint64_t events, bytes;
};

/** Zeroed memory is one without readings. */
struct rates {
    struct rates_reading last, before; /* the last two, for the rate of a second */
    struct rates_reading ring[RATES_RING];
    unsigned n, next;
};

struct rate {
    double events_per_s, bytes_per_s;
};

/** Counters that went back have begun anew, and so do the rates. */
void rates_note(struct rates *rates, const struct rates_reading *reading);

/** Zero before the second reading. */
struct rate rates_second(const struct rates *rates);

/** Over the readings of the last minute; since the first one while that is shorter ago. */
struct rate rates_minute(const struct rates *rates);

/* ---- of many things, by name ---- */

struct rates_row {
    char name[RATES_NAME_MAX + 1];
    struct rates rates;
    bool is_noted; /* since the last sweep */
    UT_hash_handle hh;
};

/** Zeroed memory is an empty one. */
struct rates_table {
    struct rates_row *rows;
    int64_t swept_ms; /* 0: never */
};

void rates_table_deinit(struct rates_table *table);

/** A name cut to RATES_NAME_MAX. What is new since the last sweep has counted from zero since then. */
void rates_table_note(struct rates_table *table, const char *name, const struct rates_reading *reading);

/** Forgets what was not noted since the last sweep: so a table is as large as what is there. */
void rates_table_sweep(struct rates_table *table, int64_t now_ms);

/** NULL when it was never noted. */
const struct rates *rates_table_get(const struct rates_table *table, const char *name);
