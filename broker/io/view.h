#pragma once
/*
 * What the broker tells of itself: answers to queue bus.query, and labelled metrics. Both are made of the tables in
 * view_tables.c.
 */
#include <stddef.h>
#include <stdint.h>

#include "core/access.h"
#include "io/calls.h"
#include "io/feed.h"
#include "io/fetch.h"
#include "io/ingest.h"
#include "journal.h"

struct view;

/** Borrowed, all of it; the doors may be set later, but before the first question. */
struct view_options {
    struct journal *journal;
    struct ingest *ingest;
    struct fetch *fetch;
    struct feed *feed;
    struct calls *calls;
    const struct access_table *access; /* without keys it is empty */
    struct tip_metrics *metrics;
    uint64_t window_events; /* of a publisher */
    uint64_t segment_bytes, cap_bytes, keep_bytes;
    size_t series_max; /* of each labelled metric */
};

struct view *view_new(const struct view_options *options);
void view_destroy(struct view **viewp);

/** Each second: reads the counters. */
void view_tick(struct view *view, int64_t now_ms);

/** A group became durable; how long that took. */
void view_flushed(struct view *view, uint64_t flush_us);

/** A StoreQuery to bus.query: fills the answer. */
void view_answer(struct view *view, const uint8_t *query, size_t n, struct calls_answer *answer);
