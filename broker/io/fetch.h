#pragma once
/*
 * The fetch door: long polls over the journal. Segments are read in the pool, pinned; the loop never waits for a disk.
 */
#include <stdbool.h>
#include <stdint.h>

#include <tip/cleanup.h>

#include "io/guard.h"
#include "journal.h"
#include "meter.h"

struct fetch;
struct tip_loop;

struct fetch_options {
    const char *endpoint;
    struct guard guard;
    struct journal *journal; /* borrowed, as is the meter */
    struct meter *meter;
    size_t fetchers_max;
    int64_t external_bytes_per_s;                             /* of one key that is not internal */
    void (*on_damage)(void *ctx, uint64_t from, uint64_t to); /* somebody was told so */
    void *ctx;
};

tip_nodiscard int fetch_open(struct fetch **fetchp, struct tip_loop *loop, const struct fetch_options *options);

/** Waits for the readings under way. Before the journal is destroyed. */
void fetch_destroy(struct fetch **fetchp);

/** Of the journal's sink: a record became durable. */
void fetch_durable(struct fetch *fetch, const struct journal_record *record);

/** All of a group was told: whoever wants something is read for now. */
void fetch_wake(struct fetch *fetch);

/** Once a second: likewise, and who takes none of what it was given is cut off when that is too much. */
void fetch_tick(struct fetch *fetch);

/** True if a durable consumer has all it wants, although others may have come behind what it has committed. */
bool fetch_is_content(const struct fetch *fetch, const char *consumer, uint64_t committed);

/** Sets the metrics of who waits: for whoever reads metrics. */
void fetch_tell(const struct fetch *fetch);

/** Ends what revoked keys wait for. */
void fetch_revoke(struct fetch *fetch);

/** Takes no requests any more, starts no reading. */
void fetch_stop(struct fetch *fetch);
