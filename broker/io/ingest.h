#pragma once
/*
 * The ingest door: sessions, events into the journal, acks when they are durable.
 *
 * When both groups of the journal are in use the socket rests until one is durable: backpressure. When the journal
 * takes nothing for longer (a full disk, a required consumer at the cap) ingest is closed: peers are heard but their
 * events are dropped, unacked, and come again. So it is when more comes meanwhile than may wait: libzmq goes on reading
 * while we rest, and counts messages, not bytes.
 */
#include <stdbool.h>
#include <stdint.h>

#include <tip/cleanup.h>

#include "core/window.h"
#include "io/guard.h"
#include "journal.h"
#include "meter.h"

struct tip_loop;
struct ingest;

struct ingest_options {
    const char *endpoint;
    struct guard guard;
    struct journal *journal; /* borrowed, as is the meter */
    struct meter *meter;
    uint32_t window_events, window_bytes; /* of a publisher */
    uint64_t bytes;                       /* that all of them may send ahead of their acks; see ingest_sessions_most */
    size_t sessions_max;
    /** A live-only event for the feed. */
    void (*on_live)(void *ctx, const char *publisher, const char *topic, size_t topic_len, uint8_t tlp,
                    const uint8_t *event, uint32_t event_len);
    void *ctx;
};

tip_nodiscard int ingest_open(struct ingest **ingestp, struct tip_loop *loop, const struct ingest_options *options);
void ingest_destroy(struct ingest **ingestp);

/** Of the journal's sink: this publisher's events are durable. */
void ingest_durable(struct ingest *ingest, struct journal_publisher *publisher);

/** The journal has room again, perhaps; and each second. */
void ingest_resume(struct ingest *ingest);

/** Ends the sessions of revoked keys. */
void ingest_revoke(struct ingest *ingest);

/** Takes nothing in any more; what was taken is still acked. */
void ingest_stop(struct ingest *ingest);

/** How a publisher's session is; `is_up` false and zeros when it has none. */
struct ingest_view {
    bool is_up;
    int64_t heard_ms; /* monotonic */
    uint32_t window_bytes;
    struct window_use window;
};

void ingest_view(const struct ingest *ingest, const struct journal_publisher *publisher, struct ingest_view *view);

/** NULL while events are taken, else why not. */
const char *ingest_why_closed(const struct ingest *ingest);

/** It is closed only because too much came at once while a flush was slow: for a moment. */
bool ingest_is_flooded(const struct ingest *ingest);
