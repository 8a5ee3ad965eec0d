#pragma once
/* What the broker counts. */
#include <stddef.h>
#include <stdint.h>

#include <tip/metrics.h>

#include "core/zap.h"

/** Why a message was not accepted. */
enum meter_refusal {
    METER_MALFORMED, /* not a frame, or with too many parts */
    METER_KIND,      /* a frame that does not belong on this socket */
    METER_NAME,      /* publisher, consumer, queue or id that breaks the rules */
    METER_VERSION,
    METER_SESSION, /* events without HELLO, or of an epoch that is unknown */
    METER_FENCED,
    METER_TOPIC,
    METER_EVENT, /* size or marking */
    METER_ENTRIES,
    METER_LIMIT,  /* too many of something */
    METER_LOST,   /* an answer to a job that is not this worker's */
    METER_ACCESS, /* its key may not do that */
    METER_REFUSAL_COUNT
};

enum meter_socket { METER_INGEST, METER_FEED, METER_FETCH, METER_WORK, METER_SOCKET_COUNT };

enum meter_metric {
    METER_EVENTS,
    METER_EVENT_BYTES,
    METER_LIVE,
    METER_OVERLAP,
    METER_GAPS,
    METER_ADOPTED_GAPS,
    METER_STALLS,
    METER_CLOSED_DROPS,
    METER_SESSIONS,
    METER_ACKS,
    METER_GROUPS,
    METER_JOURNAL_WRITTEN,
    METER_FLUSH_SECONDS,
    METER_JOURNAL_BYTES,
    METER_JOURNAL_SEGMENTS,
    METER_HEAD,
    METER_FIRST,
    METER_HELD,
    METER_NO_SPACE,
    METER_DAMAGED,
    METER_FEED_SENT,
    METER_FEED_DROPPED,
    METER_FEED_SUBSCRIPTIONS,
    METER_FEED_RESETS,
    METER_FEED_HELD,
    METER_FETCHERS,
    METER_FETCH_LINE,
    METER_FETCHED,
    METER_FETCHED_BYTES,
    METER_FETCH_BREAKS,
    METER_FETCH_RESTS,
    METER_FETCH_HELD,
    METER_UNDELIVERED,
    METER_CONSUMERS,
    METER_LAG_MAX,
    METER_CALLS_WAITING,
    METER_CALLS_RUNNING,
    METER_CALLS_BYTES,
    METER_CALLS_HELD,
    METER_WORKERS,
    METER_CALLS_DONE,
    METER_CALLS_FAILED,
    METER_CALLS_LATE,
    METER_CALLS_NOBODY,
    METER_CALLS_RETRIED,
    METER_KEYS,
    METER_REVOKED,
    METER_COUNT
};

struct meter {
    struct tip_metric *m[METER_COUNT];
    struct tip_metric *refused[METER_SOCKET_COUNT][METER_REFUSAL_COUNT];
    struct tip_metric *cut[METER_SOCKET_COUNT];                               /* connections ended by us */
    struct tip_metric *turned_away[ACCESS_DOOR_COUNT + 1][ZAP_VERDICT_COUNT]; /* connections; none for ZAP_WELCOME */
};

const char *meter_socket_name(enum meter_socket socket);

void meter_init(struct meter *meter, struct tip_metrics *metrics);
