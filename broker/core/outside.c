#include "core/outside.h"

#include <stdlib.h>

#include <tip/alloc.h>

void outside_deinit(struct outside *outside)
{
    free(outside->shares);
    *outside = (struct outside){0};
}

static struct outside_share *outside_find(const struct outside *outside, const struct access_key *key)
{
    for (size_t i = 0; i < outside->n_shares; i++) {
        if (outside->shares[i].key == key)
            return &outside->shares[i];
    }
    return NULL;
}

bool outside_has_room(const struct outside *outside, const struct access_key *key, size_t bytes, size_t jobs_max,
                      size_t bytes_max)
{
    const struct outside_share none = {0}, *share = outside_find(outside, key);

    if (!share)
        share = &none;
    return share->n_jobs < OUTSIDE_KEY_JOBS && share->n_bytes + bytes <= bytes_max / OUTSIDE_KEY_BYTES_PART &&
           outside->n_jobs < jobs_max / 2 && outside->n_bytes + bytes <= bytes_max / 2;
}

void outside_add(struct outside *outside, const struct access_key *key, size_t bytes)
{
    struct outside_share *share = outside_find(outside, key);

    if (!key)
        return;
    if (!share) {
        outside->shares = tip_realloc(outside->shares, outside->n_shares + 1, sizeof(*outside->shares));
        share = &outside->shares[outside->n_shares++];
        *share = (struct outside_share){.key = key};
    }
    share->n_jobs++;
    share->n_bytes += bytes;
    outside->n_jobs++;
    outside->n_bytes += bytes;
}

void outside_remove(struct outside *outside, const struct access_key *key, size_t bytes)
{
    struct outside_share *share = outside_find(outside, key);

    if (!key)
        return;
    outside->n_jobs--;
    outside->n_bytes -= bytes;
    share->n_bytes -= bytes;
    if (--share->n_jobs == 0)
        *share = outside->shares[--outside->n_shares];
}
