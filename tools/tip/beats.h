#pragma once
/* What services that run elsewhere (in other containers, say) tell of themselves by their heartbeats. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client.h"

enum { BEATS_WAIT_MS = 2500, BEATS_DETAIL_BYTES = 256 }; /* heartbeats come each 2 s */

struct beat {
    const char *name; /* whose: set by the caller, borrowed */
    bool is_heard, is_ready, is_insecure;
    uint64_t uptime_ms, rss_bytes;
    char detail[BEATS_DETAIL_BYTES];
};

/**
 * Listens until all n have been heard, BEATS_WAIT_MS at most.
 *
 * @param client  with CLIENT_FEED
 * @return an enum cli_exit
 */
int beats_hear(struct client *client, struct beat *beats, size_t n);
