#include "meter.h"

#include <stdio.h>

/* clang-format off */
static const struct tip_metric_row meter_rows[METER_COUNT] = {
    [METER_EVENTS] = {TIP_METRIC_COUNTER, "tip_broker_events_total", "", "Events accepted for the journal."},
    [METER_EVENT_BYTES] = {TIP_METRIC_COUNTER, "tip_broker_event_bytes_total", "", "Bytes of these events."},
    [METER_LIVE] = {TIP_METRIC_COUNTER, "tip_broker_live_total", "", "Live-only events passed to the feed."},
    [METER_OVERLAP] = {TIP_METRIC_COUNTER, "tip_broker_overlap_total", "", "Events sent again that were there already."},
    [METER_GAPS] = {TIP_METRIC_COUNTER, "tip_broker_gaps_total", "", "DATA answered with the current ack: numbers were missing."},
    [METER_ADOPTED_GAPS] = {TIP_METRIC_COUNTER, "tip_broker_acked_missing_total", "", "HELLOs of publishers that hold acks for events the journal does not have."},
    [METER_STALLS] = {TIP_METRIC_COUNTER, "tip_broker_stalls_total", "", "Times that ingest waited for the disk."},
    [METER_CLOSED_DROPS] = {TIP_METRIC_COUNTER, "tip_broker_closed_drops_total", "", "DATA dropped, to be sent again, while the journal took nothing."},
    [METER_SESSIONS] = {TIP_METRIC_GAUGE, "tip_broker_sessions", "", "Publishers with a session."},
    [METER_ACKS] = {TIP_METRIC_COUNTER, "tip_broker_acks_total", "", "Acks sent."},
    [METER_GROUPS] = {TIP_METRIC_COUNTER, "tip_broker_journal_groups_total", "", "Groups flushed: one fdatasync each."},
    [METER_JOURNAL_WRITTEN] = {TIP_METRIC_COUNTER, "tip_broker_journal_written_bytes_total", "", "Bytes written to the journal."},
    [METER_FLUSH_SECONDS] = {TIP_METRIC_HISTOGRAM, "tip_broker_journal_flush_seconds", "", "Write and fdatasync of a group."},
    [METER_JOURNAL_BYTES] = {TIP_METRIC_GAUGE, "tip_broker_journal_bytes", "", "Size of the journal's files."},
    [METER_JOURNAL_SEGMENTS] = {TIP_METRIC_GAUGE, "tip_broker_journal_segments", "", "Files of the journal."},
    [METER_HEAD] = {TIP_METRIC_GAUGE, "tip_broker_journal_head_seq", "", "Last event on disk."},
    [METER_FIRST] = {TIP_METRIC_GAUGE, "tip_broker_journal_first_seq", "", "First event that can be read."},
    [METER_HELD] = {TIP_METRIC_GAUGE, "tip_broker_journal_held", "", "1 while publishers wait at the cap for a required consumer."},
    [METER_NO_SPACE] = {TIP_METRIC_GAUGE, "tip_broker_journal_no_space", "", "1 while publishers wait for room on the disk."},
    [METER_DAMAGED] = {TIP_METRIC_COUNTER, "tip_broker_journal_damaged_total", "", "Unreadable ranges, met in recovery or by a fetch."},
    [METER_FEED_SENT] = {TIP_METRIC_COUNTER, "tip_broker_feed_sent_total", "", "Records given to the feed."},
    [METER_FEED_DROPPED] = {TIP_METRIC_COUNTER, "tip_broker_feed_dropped_total", "", "Times that a subscriber's queue was full: it loses records from then on until it has read."},
    [METER_FEED_SUBSCRIPTIONS] = {TIP_METRIC_GAUGE, "tip_broker_feed_subscriptions", "", "Different prefixes subscribed to."},
    [METER_FEED_RESETS] = {TIP_METRIC_COUNTER, "tip_broker_feed_resets_total", "", "Times all subscribers of a door were disconnected: too many prefixes, too much that waits, a revoked key."},
    [METER_FEED_HELD] = {TIP_METRIC_GAUGE, "tip_broker_feed_held_bytes", "", "Records that wait for subscribers."},
    [METER_FETCHERS] = {TIP_METRIC_GAUGE, "tip_broker_fetchers", "", "Fetches waiting or being read for."},
    [METER_FETCH_LINE] = {TIP_METRIC_GAUGE, "tip_broker_fetchers_in_line", "", "Fetches that wait for a place among these."},
    [METER_FETCHED] = {TIP_METRIC_COUNTER, "tip_broker_fetched_total", "", "Records given to fetches."},
    [METER_FETCHED_BYTES] = {TIP_METRIC_COUNTER, "tip_broker_fetched_bytes_total", "", "Bytes of these records."},
    [METER_FETCH_BREAKS] = {TIP_METRIC_COUNTER, "tip_broker_fetch_breaks_total", "", "TRIMMED, NEW_JOURNAL and DAMAGED answers."},
    [METER_FETCH_RESTS] = {TIP_METRIC_COUNTER, "tip_broker_fetch_rests_total", "", "Times that an outside consumer waited for its byte budget."},
    [METER_FETCH_HELD] = {TIP_METRIC_GAUGE, "tip_broker_fetch_held_bytes", "", "Batches that were not taken yet."},
    [METER_UNDELIVERED] = {TIP_METRIC_COUNTER, "tip_broker_undelivered_total", "", "Answers to peers that were gone or did not read."},
    [METER_CONSUMERS] = {TIP_METRIC_GAUGE, "tip_broker_consumers", "", "Durable consumers."},
    [METER_LAG_MAX] = {TIP_METRIC_GAUGE, "tip_broker_consumer_lag_events_max", "", "Events that the slowest durable consumer has not stored."},
    [METER_CALLS_WAITING] = {TIP_METRIC_GAUGE, "tip_broker_calls_waiting", "", "Calls that no worker has yet."},
    [METER_CALLS_RUNNING] = {TIP_METRIC_GAUGE, "tip_broker_calls_running", "", "Calls a worker has."},
    [METER_CALLS_BYTES] = {TIP_METRIC_GAUGE, "tip_broker_calls_bytes", "", "Memory of their bodies."},
    [METER_CALLS_HELD] = {TIP_METRIC_GAUGE, "tip_broker_calls_held_bytes", "", "Jobs and answers of 16 KiB or more that were not taken yet."},
    [METER_WORKERS] = {TIP_METRIC_GAUGE, "tip_broker_workers", "", "Connections that serve a queue, counted by queue."},
    [METER_CALLS_DONE] = {TIP_METRIC_COUNTER, "tip_broker_calls_done_total", "", "Calls answered with a result."},
    [METER_CALLS_FAILED] = {TIP_METRIC_COUNTER, "tip_broker_calls_failed_total", "", "Calls that failed, for whatever reason."},
    [METER_CALLS_LATE] = {TIP_METRIC_COUNTER, "tip_broker_calls_late_total", "", "Of these: served, but not in time."},
    [METER_CALLS_NOBODY] = {TIP_METRIC_COUNTER, "tip_broker_calls_nobody_total", "", "Of these: nobody serves the queue."},
    [METER_CALLS_RETRIED] = {TIP_METRIC_COUNTER, "tip_broker_calls_retried_total", "", "Times a job went back because its worker was late or gone."},
    [METER_KEYS] = {TIP_METRIC_GAUGE, "tip_broker_keys", "", "Keys in the map."},
    [METER_REVOKED] = {TIP_METRIC_COUNTER, "tip_broker_keys_revoked_total", "", "Keys that were taken away or changed while running."},
};
/* clang-format on */

static const char *const meter_sockets[METER_SOCKET_COUNT] = {"ingest", "feed", "fetch", "work"};

static const char *const meter_refusals[METER_REFUSAL_COUNT] = {
    "malformed", "kind", "name", "version", "session", "fenced", "topic", "event", "entries", "limit", "lost", "access",
};

static void meter_init_doors(struct meter *meter, struct tip_metrics *metrics)
{
    char labels[80];
    struct tip_metric_row row = {TIP_METRIC_COUNTER, "tip_broker_connections_refused_total", labels,
                                 "Connections that were not let in, by ZAP domain."};

    for (int door = 0; door <= ACCESS_DOOR_COUNT; door++) {
        for (int verdict = ZAP_WELCOME + 1; verdict < ZAP_VERDICT_COUNT; verdict++) {
            (void)snprintf(labels, sizeof(labels), "domain=\"%s\",reason=\"%s\"",
                           door == ACCESS_DOOR_COUNT ? "none" : access_door_name((enum access_door)door),
                           zap_verdict_name((enum zap_verdict)verdict)); /* our own short words */
            tip_metrics_add(metrics, &row, 1, &meter->turned_away[door][verdict]);
        }
    }
}

static void meter_init_cut(struct meter *meter, struct tip_metrics *metrics)
{
    char labels[80];
    struct tip_metric_row row = {
        TIP_METRIC_COUNTER, "tip_broker_connections_cut_total", labels,
        "Connections ended for a message of parts without end, or for taking nothing of much they were given."};

    for (int socket = 0; socket < METER_SOCKET_COUNT; socket++) {
        (void)snprintf(labels, sizeof(labels), "socket=\"%s\"", meter_sockets[socket]); /* our own short words */
        tip_metrics_add(metrics, &row, 1, &meter->cut[socket]);
    }
}

const char *meter_socket_name(enum meter_socket socket)
{
    return meter_sockets[socket];
}

void meter_init(struct meter *meter, struct tip_metrics *metrics)
{
    char labels[80];
    struct tip_metric_row row = {TIP_METRIC_COUNTER, "tip_broker_refused_total", labels, "Messages not accepted."};

    tip_metrics_add(metrics, meter_rows, METER_COUNT, meter->m);
    meter_init_doors(meter, metrics);
    meter_init_cut(meter, metrics);
    for (int socket = 0; socket < METER_SOCKET_COUNT; socket++) {
        for (int why = 0; why < METER_REFUSAL_COUNT; why++) {
            (void)snprintf(labels, sizeof(labels), "socket=\"%s\",reason=\"%s\"", meter_sockets[socket],
                           meter_refusals[why]); /* our own short words */
            tip_metrics_add(metrics, &row, 1, &meter->refused[socket][why]);
        }
    }
}
