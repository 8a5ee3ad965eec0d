#include "io/store.h"

#include <errno.h>
#include <string.h>

#include <tip/buf.h>

enum { STORE_PURGE_MAX = 256 };

static const char *const store_tables[STORE_TABLE_COUNT] = {
    [STORE_SOURCE] = "source",     [STORE_REPORT] = "report", [STORE_JOB] = "job",     [STORE_RUN] = "run",
    [STORE_SEEN] = "seen",         [STORE_ANSWER] = "answer", [STORE_WORD] = "word",   [STORE_WEIGHT] = "weight",
    [STORE_OBSERVED] = "observed", [STORE_CLOCK] = "clock",   [STORE_TRIED] = "tried", [STORE_EXEMPT] = "exempt",
};

int store_put(struct tip_outbox_txn *txn, enum store_table table, const void *key, size_t key_len, const void *bytes,
              size_t n)
{
    return tip_outbox_put(txn, store_tables[table], key, key_len, bytes, n);
}

int store_get(struct tip_outbox_txn *txn, enum store_table table, const void *key, size_t key_len, const void **bytesp,
              size_t *np)
{
    return tip_outbox_get(txn, store_tables[table], key, key_len, bytesp, np);
}

int store_delete(struct tip_outbox_txn *txn, enum store_table table, const void *key, size_t key_len)
{
    int r = tip_outbox_delete(txn, store_tables[table], key, key_len);

    return r == -ENOENT ? 0 : r;
}

int store_each(struct tip_outbox_txn *txn, enum store_table table, store_each_fn *each, void *ctx)
{
    return tip_outbox_each(txn, store_tables[table], each, ctx);
}

void store_number_key(uint64_t number, uint8_t key[static 8])
{
    for (int i = 0; i < 8; i++)
        key[i] = (uint8_t)(number >> (56 - 8 * i));
}

uint64_t store_number_of(const void *key, size_t key_len)
{
    const uint8_t *bytes = key;
    uint64_t number = 0;

    for (size_t i = 0; i < key_len && i < 8; i++)
        number = number << 8 | bytes[i];
    return number;
}

int store_dated_put(struct tip_outbox_txn *txn, enum store_table table, const struct tip_id *key, int64_t unix_ms,
                    const void *bytes, size_t n)
{
    tip_auto(tip_buf_deinit) struct tip_buf value;
    int r;

    tip_buf_init(&value, sizeof(unix_ms) + n);
    r = tip_buf_append(&value, &unix_ms, sizeof(unix_ms));
    r = r ? r : tip_buf_append(&value, bytes, n);
    return r ? r : store_put(txn, table, key->bytes, sizeof(key->bytes), value.data, value.len);
}

int store_dated_get(struct tip_outbox_txn *txn, enum store_table table, const struct tip_id *key, const void **bytesp,
                    size_t *np)
{
    int r = store_get(txn, table, key->bytes, sizeof(key->bytes), bytesp, np);

    if (r)
        return r;
    if (*np < sizeof(int64_t))
        return -ENOENT;
    *bytesp = (const char *)*bytesp + sizeof(int64_t);
    *np -= sizeof(int64_t);
    return 0;
}

struct store_purge {
    int64_t before_unix_ms;
    struct tip_id old[STORE_PURGE_MAX];
    size_t n;
};

static int store_purge_visit(void *ctx, const void *key, size_t key_len, const void *bytes, size_t n)
{
    struct store_purge *purge = ctx;
    int64_t unix_ms = 0;

    if (n >= sizeof(unix_ms))
        memcpy(&unix_ms, bytes, sizeof(unix_ms));
    if (unix_ms < purge->before_unix_ms && key_len == sizeof(struct tip_id))
        memcpy(purge->old[purge->n++].bytes, key, key_len);
    return purge->n == STORE_PURGE_MAX;
}

int store_dated_purge(struct tip_outbox_txn *txn, enum store_table table, int64_t before_unix_ms)
{
    struct store_purge purge = {.before_unix_ms = before_unix_ms};
    int r = store_each(txn, table, store_purge_visit, &purge);

    r = r > 0 ? 0 : r;
    for (size_t i = 0; !r && i < purge.n; i++)
        r = store_delete(txn, table, purge.old[i].bytes, sizeof(purge.old[i].bytes));
    return r;
}
