#pragma once
/* Section `broker` of tip.yaml. */
#include <stdint.h>

#include <tip/opt.h>

struct broker_options {
    int64_t segment_bytes;
    int64_t keep_bytes, cap_bytes;
    int64_t keep_ms;
    int64_t consumer_expiry_ms;
    struct tip_opt_list required;
    int64_t window_events, window_bytes, ingest_bytes;
    int64_t sessions_max, fetchers_max;
    int64_t external_bytes_per_s;
    int64_t feed_bytes, feed_subscriptions_max;
    int64_t queue_max, queue_caller_max, calls_max, calls_bytes;
};

extern const struct tip_opt_table broker_options_table;

/** What the ranges of single options cannot say. */
void broker_options_check(const void *options, struct tip_conf *conf);
