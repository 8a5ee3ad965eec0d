#pragma once
/*
 * The prefixes that a door of the feed is told its subscribers want: counted here, applied by libzmq, which keeps a
 * node for each byte of them. A peer can lie: libzmq 4.3.4 passes on a cancellation of what that peer never asked for,
 * be it somebody else's. So cancellations are believed only of prefixes that are known, and only so many of them.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    PREFIXES_BYTES_EACH = 32, /* on average, at the bound */
    PREFIXES_TURNOVER = 10    /* so many times the bound may be asked for in all; a lie is no gain then */
};

struct prefix;

/** Zeroed is empty. */
struct prefixes {
    struct prefix *set;
    size_t n_bytes; /* of those in the set */
    size_t n_asked; /* since the door was opened, of what was not in the set */
};

void prefixes_clear(struct prefixes *prefixes);

void prefixes_add(struct prefixes *prefixes, const void *bytes, size_t n);

/** One that may have been asked for, of at most so many bytes. */
void prefixes_add_unseen(struct prefixes *prefixes, size_t n_bytes_max);

void prefixes_remove(struct prefixes *prefixes, const void *bytes, size_t n);
size_t prefixes_count(const struct prefixes *prefixes);

/** Whether they may cost more than `max` prefixes do. */
bool prefixes_are_too_many(const struct prefixes *prefixes, size_t max);
