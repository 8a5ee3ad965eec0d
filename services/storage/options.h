#pragma once
/* Section `storage` of tip.yaml. */
#include <stdint.h>

#include <tip/opt.h>

struct store_options {
    char *database, *password, *consumer;
    int64_t batch_bytes, batch_events, batch_wait_ms;
    int64_t answer_timeout_ms;
    int64_t query_timeout_ms, queries;
    int64_t partitions_ahead;
    int64_t keep_events_ms, keep_listing_ms, keep_verdict_ms, keep_schedule_ms;
};

extern const struct tip_opt_table store_options_table;

void store_options_check(const void *options, struct tip_conf *conf);
