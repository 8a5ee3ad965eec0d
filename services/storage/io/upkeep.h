#pragma once
/*
 * What the tables need now and then: partitions ahead, retention, a look at what should not be there. Blocking; opens a
 * connection of its own.
 */
#include <stdbool.h>
#include <stdint.h>

#include "io/db.h"
#include "options.h"

struct store_upkeep {
    /* in; the texts must live until it is done */
    const char *conninfo, *password;
    int64_t silence_ms; /* as of store_db_options */
    int partitions_ahead;
    int64_t now_unix_ms;
    int64_t keep_events_ms, keep_history_ms;
    int64_t keep_ms[STORE_CLASS_COUNT];
    /* out */
    int code;            /* 0 or STORE_DB_E_* */
    bool default_filled; /* there were events in event_default; they have been moved */
    int64_t n_made, n_dropped, n_swept, n_runs, n_rejects, n_history;
    char why[STORE_DB_WHY_BYTES];
};

void store_upkeep_run(struct store_upkeep *upkeep);
