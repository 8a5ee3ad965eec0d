#pragma once
/*
 * The live feed: an XPUB a door, and each door shows what its audience may see. Who may come in is asked once, when a
 * subscriber connects. Best effort: a subscriber that does not keep up loses records, which it can see in class_seq.
 */
#include <stddef.h>
#include <stdint.h>

#include <tip/cleanup.h>

#include "io/guard.h"
#include "meter.h"

struct tip_loop;
struct feed;

struct feed_door {
    const char *endpoint;
    uint8_t tlp_max; /* nothing stricter leaves here */
    enum access_door door;
    bool is_public; /* no key is asked for, whatever the guard says */
};

enum { FEED_DOORS_MAX = 3 };

struct feed_options {
    const struct feed_door *doors;
    size_t n_doors;
    int64_t bytes;             /* waiting for one subscriber, about */
    int64_t subscriptions_max; /* different prefixes at a door */
    struct guard guard;        /* what it points at is borrowed */
    struct meter *meter;       /* borrowed */
};

tip_nodiscard int feed_open(struct feed **feedp, struct tip_loop *loop, const struct feed_options *options);
void feed_destroy(struct feed **feedp);

struct feed_record {
    const char *topic;
    size_t topic_len;
    uint8_t tlp;
    const uint8_t *bytes;
    size_t len;
};

/** To every door that may show it. */
void feed_send(struct feed *feed, const struct feed_record *record);

/** Once a second: what waits for slow subscribers stays bounded, see core/backlog.h. */
void feed_tick(struct feed *feed);

/** Sets the metric of what was sent: for whoever reads metrics. */
void feed_tell(const struct feed *feed);

/** Subscribers with revoked keys may be at these doors (bit 1 << enum access_door): all there connect anew. */
void feed_revoke(struct feed *feed, unsigned doors);

size_t feed_n_doors(const struct feed *feed);
uint8_t feed_tlp_max(const struct feed *feed, size_t door);

/** What a door has done since the broker began. */
struct feed_view {
    const char *endpoint;
    uint8_t tlp_max;
    int64_t n_subscriptions; /* different prefixes */
    uint64_t sent;           /* records */
    uint64_t overflows;      /* a subscriber's queue was full: it loses records until it has read on, unseen by us */
};

void feed_view(const struct feed *feed, size_t door, struct feed_view *view);

/** To one door only, whatever its marking: what the broker says about that door. */
void feed_send_to(struct feed *feed, size_t door, const struct feed_record *record);
