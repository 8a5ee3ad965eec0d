#pragma once
/*
 * What those outside have of jobs and of the bytes of their bodies: so much a key, and half of all for all of them
 * together, so that none of them stops the calls of those inside.
 */
#include <stdbool.h>
#include <stddef.h>

#include "core/access.h"

enum {
    OUTSIDE_KEY_JOBS = 64,      /* of one key, in all queues */
    OUTSIDE_KEY_BYTES_PART = 16 /* of one key: so many of them fill all the bytes */
};

struct outside_share {
    const struct access_key *key;
    size_t n_jobs, n_bytes;
};

struct outside {
    struct outside_share *shares; /* of keys that have jobs */
    size_t n_shares;
    size_t n_jobs, n_bytes;
};

void outside_deinit(struct outside *outside);

/** Whether `key` may have one job more, of that many bytes, where all together may have `jobs_max` and `bytes_max`. */
bool outside_has_room(const struct outside *outside, const struct access_key *key, size_t bytes, size_t jobs_max,
                      size_t bytes_max);

/** NULL is a key of nobody's: nothing happens. */
void outside_add(struct outside *outside, const struct access_key *key, size_t bytes);
void outside_remove(struct outside *outside, const struct access_key *key, size_t bytes);
