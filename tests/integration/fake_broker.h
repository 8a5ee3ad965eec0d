#pragma once
/*
 * A broker of a few lines for tests of the bus client: ingest with acks, fetch of what was published, calls. It does as
 * it is told: loses acks, refuses an event, restarts, fences.
 */
#include <stdbool.h>
#include <stdint.h>

#include <tip/buf.h>
#include <tip/event.h>
#include <tip/zsock.h>

enum { FAKE_EVENTS_MAX = 40000, FAKE_ID_BYTES = 32 };

struct fake_event {
    char name[24]; /* of the alarm inside */
    uint64_t pub_seq;
};

struct fake_broker {
    struct tip_loop *loop;
    struct tip_zsock *ingest, *fetch, *work, *feed;
    char endpoints[4][64]; /* ingest, fetch, work, feed: kept over a restart */
    struct tip_id journal_id;

    uint64_t epoch, durable; /* of the one publisher */
    struct fake_event events[FAKE_EVENTS_MAX];
    size_t n_events;
    unsigned n_hellos, n_data, n_live, n_pings;

    uint8_t publisher[FAKE_ID_BYTES]; /* whose connection said HELLO last */
    size_t publisher_len;
    bool is_old;        /* its PONG says nothing of sessions */
    unsigned n_strange; /* so many DATA are answered with "say HELLO first" */

    unsigned n_drops; /* so many DATA are dropped, then WELCOME comes once more */
    bool withhold_acks;
    uint64_t refuse_seq; /* this pub_seq, while it is no "event.refused" alarm */
    bool fence;
    uint32_t window_events;

    uint64_t from_seq, committed_seq; /* of the last FETCH */
    uint64_t trimmed_below;
    unsigned n_fetches, n_fetchers; /* how often another connection asked than before */

    uint8_t worker[FAKE_ID_BYTES], caller[FAKE_ID_BYTES], fetcher[FAKE_ID_BYTES];
    size_t worker_len, caller_len, fetcher_len;
    uint32_t credit;
    bool silent; /* calls hear nothing, nor does a PING of who fetches */
    unsigned n_puts;
};

void fake_broker_start(struct fake_broker *broker, struct tip_loop *loop);
void fake_broker_stop(struct fake_broker *broker);
/** Sends a record on the feed. */
void fake_broker_feed(struct fake_broker *broker, const char *name);
/** Sends what stands for a head. */
void fake_broker_head(struct fake_broker *broker);
