#include "io/store.h"

#include <errno.h>
#include <string.h>

#include <tip/buf.h>

#define STORE_JOBS    "job"
#define STORE_ANSWERS "answer"

enum { STORE_PURGE_MAX = 256, STORE_KEY_MAX = 128 };

int store_job_put(struct tip_outbox_txn *txn, const char *key, const void *bytes, size_t n)
{
    return tip_outbox_put(txn, STORE_JOBS, key, strlen(key), bytes, n);
}

int store_job_delete(struct tip_outbox_txn *txn, const char *key)
{
    int r = tip_outbox_delete(txn, STORE_JOBS, key, strlen(key));

    return r == -ENOENT ? 0 : r;
}

struct store_walk {
    int (*each)(void *ctx, const char *key, const void *bytes, size_t n);
    void *ctx;
};

static int store_job_visit(void *ctx, const void *key, size_t key_len, const void *value, size_t value_len)
{
    const struct store_walk *walk = ctx;
    char text[STORE_KEY_MAX];

    if (key_len >= sizeof(text))
        return 0;
    memcpy(text, key, key_len);
    text[key_len] = '\0';
    return walk->each(walk->ctx, text, value, value_len);
}

int store_jobs_each(struct tip_outbox_txn *txn, int (*each)(void *ctx, const char *key, const void *bytes, size_t n),
                    void *ctx)
{
    return tip_outbox_each(txn, STORE_JOBS, store_job_visit, &(struct store_walk){each, ctx});
}

/* An answer: its time, then the body. */

int store_answer_put(struct tip_outbox_txn *txn, const struct tip_id *call, int64_t unix_ms, const void *body, size_t n)
{
    tip_auto(tip_buf_deinit) struct tip_buf value;
    int r;

    tip_buf_init(&value, sizeof(unix_ms) + n);
    r = tip_buf_append(&value, &unix_ms, sizeof(unix_ms));
    if (!r)
        r = tip_buf_append(&value, body, n);
    return r ? r : tip_outbox_put(txn, STORE_ANSWERS, call->bytes, sizeof(call->bytes), value.data, value.len);
}

int store_answer_get(struct tip_outbox_txn *txn, const struct tip_id *call, const void **bodyp, size_t *np)
{
    const void *value;
    size_t n;
    int r = tip_outbox_get(txn, STORE_ANSWERS, call->bytes, sizeof(call->bytes), &value, &n);

    if (r)
        return r;
    if (n < sizeof(int64_t))
        return -ENOENT;
    *bodyp = (const char *)value + sizeof(int64_t);
    *np = n - sizeof(int64_t);
    return 0;
}

struct store_purge {
    int64_t before_unix_ms;
    struct tip_id old[STORE_PURGE_MAX];
    size_t n_old, n_left;
};

static int store_answer_visit(void *ctx, const void *key, size_t key_len, const void *value, size_t value_len)
{
    struct store_purge *purge = ctx;
    int64_t unix_ms = 0;

    if (value_len >= sizeof(unix_ms))
        memcpy(&unix_ms, value, sizeof(unix_ms));
    if (unix_ms < purge->before_unix_ms && purge->n_old < STORE_PURGE_MAX && key_len == sizeof(struct tip_id))
        memcpy(purge->old[purge->n_old++].bytes, key, key_len);
    else
        purge->n_left++;
    return 0;
}

int store_answers_purge(struct tip_outbox_txn *txn, int64_t before_unix_ms, size_t *n_leftp)
{
    struct store_purge purge = {.before_unix_ms = before_unix_ms};
    int r = tip_outbox_each(txn, STORE_ANSWERS, store_answer_visit, &purge);

    for (size_t i = 0; !r && i < purge.n_old; i++)
        r = tip_outbox_delete(txn, STORE_ANSWERS, purge.old[i].bytes, sizeof(purge.old[i].bytes));
    *n_leftp = purge.n_left;
    return r;
}
