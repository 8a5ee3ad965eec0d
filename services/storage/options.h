#pragma once
/* Section `storage` of tip.yaml. */
#include <stdint.h>

#include <tip/opt.h>

/** Classes of events with a retention of their own; enum and names in one order. */
enum store_class {
    STORE_CLASS_SCHEDULE,
    STORE_CLASS_LISTING,
    STORE_CLASS_SOURCE,
    STORE_CLASS_VERDICT,
    STORE_CLASS_MAIL,
    STORE_CLASS_FLUX,
    STORE_CLASS_SMTP,
    STORE_CLASS_CONTROL,
    STORE_CLASS_WATCH,
    STORE_CLASS_SYSTEM,
    STORE_CLASS_COUNT
};

const char *store_class_name(enum store_class class);

struct store_options {
    char *database, *password, *consumer;
    int64_t batch_bytes, batch_events, batch_wait_ms;
    int64_t answer_timeout_ms;
    int64_t query_timeout_ms, queries, readers;
    int64_t partitions_ahead;
    int64_t keep_events_ms, keep_history_ms;
    int64_t keep_ms[STORE_CLASS_COUNT];
};

extern const struct tip_opt_table store_options_table;

void store_options_check(const void *options, struct tip_conf *conf);
