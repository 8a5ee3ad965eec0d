#include "core/fold.h"

#include <stdlib.h>
#include <string.h>

#include <tip/clock.h>

int store_key_compare(const struct store_key *a, const struct store_key *b)
{
    int64_t left = (int64_t)a->ikey, right = (int64_t)b->ikey; /* as PostgreSQL orders them */
    int r;

    if (left != right)
        return left < right ? -1 : 1;
    if (a->source_id != b->source_id)
        return a->source_id < b->source_id ? -1 : 1;
    if (a->kind != b->kind)
        return a->kind < b->kind ? -1 : 1;
    r = memcmp(a->value, b->value, a->value_len < b->value_len ? a->value_len : b->value_len);
    return r ? r : (a->value_len > b->value_len) - (a->value_len < b->value_len);
}

static int fold_by_history(const void *a, const void *b)
{
    const struct store_listing *left = a, *right = b;
    int r = store_key_compare(&left->key, &right->key);

    return r ? r : (left->order > right->order) - (left->order < right->order);
}

static int fold_by_round(const void *a, const void *b)
{
    const struct store_listing *left = a, *right = b;

    if (left->round != right->round)
        return left->round < right->round ? -1 : 1;
    if (left->listed != right->listed)
        return left->listed ? -1 : 1;
    return store_key_compare(&left->key, &right->key);
}

/* Listed twice: the later evidence, since the first time. Removed twice: the first time was it. */
static void fold_listing_merge(struct store_listing *kept, const struct store_listing *next)
{
    int64_t first_unix_ms = kept->first_unix_ms;
    uint32_t round = kept->round;

    if (!kept->listed)
        return;
    *kept = *next;
    kept->first_unix_ms = first_unix_ms;
    kept->round = round;
}

size_t store_listing_fold(struct store_listing *rows, size_t n)
{
    size_t kept = 0;

    for (size_t i = 0; i < n; i++) {
        rows[i].order = (uint32_t)i;
        rows[i].round = 0;
    }
    qsort(rows, n, sizeof(*rows), fold_by_history);
    for (size_t i = 0; i < n; i++) {
        bool same = kept && store_key_compare(&rows[kept - 1].key, &rows[i].key) == 0;

        if (same && rows[kept - 1].listed == rows[i].listed) {
            fold_listing_merge(&rows[kept - 1], &rows[i]);
            continue;
        }
        rows[kept] = rows[i];
        rows[kept].round = same ? rows[kept - 1].round + 1 : 0;
        kept++;
    }
    qsort(rows, kept, sizeof(*rows), fold_by_round);
    return kept;
}

size_t store_listing_run(const struct store_listing *rows, size_t n)
{
    size_t run = 0;

    while (run < n && rows[run].round == rows[0].round && rows[run].listed == rows[0].listed)
        run++;
    return run;
}

static int fold_verdict_by_history(const void *a, const void *b)
{
    const struct store_verdict *left = a, *right = b;
    int r = store_key_compare(&left->key, &right->key);

    return r ? r : (left->order > right->order) - (left->order < right->order);
}

static void fold_verdict_swap(struct store_verdict *a, struct store_verdict *b)
{
    struct store_verdict kept = *a;

    *a = *b;
    *b = kept;
}

size_t store_verdict_fold(struct store_verdict *rows, size_t n)
{
    size_t kept = 0;

    for (size_t i = 0; i < n; i++)
        rows[i].order = (uint32_t)i;
    qsort(rows, n, sizeof(*rows), fold_verdict_by_history);
    for (size_t i = 0; i < n; i++) {
        bool same = kept && store_key_compare(&rows[kept - 1].key, &rows[i].key) == 0;
        int64_t first_unix_ms = same ? rows[kept - 1].first_unix_ms : rows[i].first_unix_ms;

        kept += !same;
        fold_verdict_swap(&rows[kept - 1], &rows[i]);
        rows[kept - 1].first_unix_ms = first_unix_ms;
    }
    return kept;
}

int64_t store_clamp_ms(int64_t unix_ms, int64_t commit_unix_us, uint64_t *clampedp)
{
    const int64_t year_9999_ms = INT64_C(253402300799000);
    int64_t commit_ms = commit_unix_us / 1000 > year_9999_ms ? year_9999_ms : commit_unix_us / 1000;
    int64_t low = commit_ms - 30 * TIP_DAY_MS, high = commit_ms + 5 * TIP_MINUTE_MS;

    if (unix_ms >= low && unix_ms <= high)
        return unix_ms;
    ++*clampedp;
    return unix_ms < low ? low : high;
}
