#include "core/limit.h"

#include <stdlib.h>
#include <string.h>

#include <tip/alloc.h>
#include <tip/hash.h>

/* As time: a failure costs one refill, and a bucket is empty when it owes all of its depth. */
struct limit_bucket {
    uint8_t key[17];
    int64_t owed_until_ms; /* when all will have been refilled */
    UT_hash_handle hh;
};

struct web_limit {
    struct limit_bucket *buckets; /* the one that failed last stands last */
    struct limit_bucket all;
};

struct web_limit *web_limit_new(void)
{
    return tip_new(struct web_limit);
}

void web_limit_destroy(struct web_limit **limitp)
{
    struct limit_bucket *bucket, *next;

    if (!*limitp)
        return;
    tip_hash_each ((*limitp)->buckets, bucket, next) {
        tip_hash_remove((*limitp)->buckets, bucket);
        free(bucket);
    }
    free(*limitp);
    *limitp = NULL;
}

static void limit_key(const struct tip_addr *addr, uint8_t key[static 17])
{
    memset(key, 0, 17);
    key[0] = addr->family;
    memcpy(key + 1, addr->bytes, addr->family == 6 ? 8 : 4);
}

static struct limit_bucket *limit_find(struct web_limit *limit, const struct tip_addr *addr)
{
    struct limit_bucket *bucket;
    uint8_t key[17];

    limit_key(addr, key);
    tip_hash_find_bytes(limit->buckets, key, sizeof(key), bucket);
    return bucket;
}

static int64_t limit_wait(const struct limit_bucket *bucket, int64_t refill_ms, int64_t depth, int64_t now_ms)
{
    int64_t wait = bucket->owed_until_ms + refill_ms - now_ms - depth * refill_ms;

    return wait > 0 ? wait : 0;
}

int64_t web_limit_wait_ms(struct web_limit *limit, const struct tip_addr *addr, int64_t now_ms)
{
    const struct limit_bucket *bucket = limit_find(limit, addr);
    int64_t all = limit_wait(&limit->all, WEB_LIMIT_REFILL_MS * WEB_LIMIT_EACH / WEB_LIMIT_ALL, WEB_LIMIT_ALL, now_ms);
    int64_t each = bucket ? limit_wait(bucket, WEB_LIMIT_REFILL_MS, WEB_LIMIT_EACH, now_ms) : 0;

    return each > all ? each : all;
}

static void limit_owe(struct limit_bucket *bucket, int64_t refill_ms, int64_t depth, int64_t now_ms)
{
    if (bucket->owed_until_ms < now_ms)
        bucket->owed_until_ms = now_ms;
    if (bucket->owed_until_ms < now_ms + depth * refill_ms)
        bucket->owed_until_ms += refill_ms;
}

void web_limit_fail(struct web_limit *limit, const struct tip_addr *addr, int64_t now_ms)
{
    struct limit_bucket *bucket = limit_find(limit, addr);

    limit_owe(&limit->all, WEB_LIMIT_REFILL_MS * WEB_LIMIT_EACH / WEB_LIMIT_ALL, WEB_LIMIT_ALL, now_ms);
    if (bucket) {
        tip_hash_remove(limit->buckets, bucket);
    } else if (tip_hash_count(limit->buckets) == WEB_LIMIT_ADDRESSES) {
        bucket = limit->buckets;
        tip_hash_remove(limit->buckets, bucket);
        memset(bucket, 0, sizeof(*bucket));
    } else {
        bucket = tip_new(struct limit_bucket);
    }
    limit_key(addr, bucket->key);
    HASH_ADD(hh, limit->buckets, key, sizeof(bucket->key), bucket);
    limit_owe(bucket, WEB_LIMIT_REFILL_MS, WEB_LIMIT_EACH, now_ms);
}

size_t web_limit_count(const struct web_limit *limit)
{
    return tip_hash_count(limit->buckets);
}
