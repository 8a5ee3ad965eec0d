#include "outbox_env.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tip/alloc.h>
#include <tip/fail.h>

enum { OUTBOX_KEY_MAX = 500, OUTBOX_CHECK_EVERY = 1024 };

/* ---- transactions ---- */

int tip_outbox_begin(struct tip_outbox *outbox, struct tip_outbox_txn **txnp)
{
    struct tip_outbox_txn *txn;
    MDB_txn *mdb;
    int r;

    if (outbox->in_txn)
        return tip_fail(-EDEADLK);
    if (++outbox->n_begun % OUTBOX_CHECK_EVERY == 0)
        (void)mdb_reader_check(outbox->env, NULL); /* a backup that was killed; the next look comes */
    r = outbox_errno(mdb_txn_begin(outbox->env, NULL, 0, &mdb));
    if (r)
        return tip_fail(r);
    txn = tip_new(struct tip_outbox_txn);
    *txn = (struct tip_outbox_txn){.outbox = outbox, .mdb = mdb, .next = outbox->next, .bytes = outbox->bytes};
    outbox->in_txn = true;
    *txnp = txn;
    return 0;
}

/* Tables first opened in a transaction are known only once it has been committed. */
static void outbox_txn_end(struct tip_outbox_txn **txnp, bool committed)
{
    struct tip_outbox *outbox = (*txnp)->outbox;
    size_t n = 0;

    for (size_t i = 0; i < outbox->n_tables; i++) {
        if (outbox->tables[i].opened_in_txn && !committed)
            continue;
        outbox->tables[i].opened_in_txn = false;
        outbox->tables[n++] = outbox->tables[i];
    }
    outbox->n_tables = n;
    outbox->in_txn = false;
    free(*txnp);
    *txnp = NULL;
}

int tip_outbox_commit(struct tip_outbox_txn **txnp)
{
    struct tip_outbox_txn *txn = *txnp;
    struct tip_outbox *outbox = txn->outbox;
    bool queued = txn->next != outbox->next;
    int r = 0;

    if (queued)
        r = outbox_meta_put(outbox, txn->mdb, "next", txn->next);
    if (r) {
        tip_outbox_abort(txnp);
        return tip_fail(r);
    }
    r = outbox_errno(mdb_txn_commit(txn->mdb));
    if (!r) {
        outbox->next = txn->next;
        outbox->bytes = txn->bytes;
    }
    outbox_txn_end(txnp, !r);
    if (r)
        return tip_fail(r);
    if (queued && outbox->on_commit)
        outbox->on_commit(outbox->on_commit_ctx);
    return 0;
}

void tip_outbox_abort(struct tip_outbox_txn **txnp)
{
    if (!*txnp)
        return;
    mdb_txn_abort((*txnp)->mdb);
    outbox_txn_end(txnp, false);
}

/* ---- events ---- */

static void outbox_record_head(uint8_t *head, size_t topic_len, enum tip_tlp tlp, size_t event_len)
{
    head[0] = (uint8_t)topic_len;
    head[1] = (uint8_t)(topic_len >> 8);
    head[2] = (uint8_t)tlp;
    head[3] = 0;
    for (unsigned i = 0; i < 4; i++)
        head[4 + i] = (uint8_t)(event_len >> (8 * i));
}

int outbox_record_write(struct tip_buf *out, const char *topic, enum tip_tlp tlp, const struct tip_event *event)
{
    uint8_t head[OUTBOX_RECORD_HEAD] = {0};
    size_t topic_len = strlen(topic);
    size_t before = out->len;
    int r;

    if (!tip_topic_valid(topic, topic_len) || tlp <= TIP_TLP_NONE || tlp >= TIP_TLP_COUNT)
        return -EINVAL;
    r = tip_buf_append(out, head, sizeof(head));
    if (!r)
        r = tip_buf_append(out, topic, topic_len);
    if (!r)
        r = tip_event_encode(event, out);
    if (r) {
        out->len = before;
        return r == -EMSGSIZE ? -EINVAL : r;
    }
    outbox_record_head(out->data + before, topic_len, tlp, out->len - before - sizeof(head) - topic_len);
    return 0;
}

int tip_outbox_publish(struct tip_outbox_txn *txn, const char *topic, enum tip_tlp tlp, const struct tip_event *event,
                       uint64_t *seqp)
{
    struct tip_outbox *outbox = txn->outbox;
    uint8_t key_bytes[8] = {0};
    MDB_val key = outbox_val(key_bytes, sizeof(key_bytes));
    MDB_val data;
    size_t cost;
    int r;

    tip_buf_clear(&outbox->scratch);
    r = outbox_record_write(&outbox->scratch, topic, tlp, event);
    if (r)
        return tip_fail(r);
    cost = outbox_cost(outbox->scratch.len);
    if (txn->bytes + cost > outbox->budget) {
        outbox->wanted = cost;
        return -ENOBUFS;
    }
    outbox_key_write(key_bytes, txn->next);
    data = outbox_val(outbox->scratch.data, outbox->scratch.len);
    r = outbox_errno(mdb_put(txn->mdb, outbox->events, &key, &data, MDB_APPEND));
    if (r == -ENOBUFS)
        outbox->wanted = cost;
    if (r)
        return r;
    txn->bytes += cost;
    if (seqp)
        *seqp = txn->next;
    txn->next++;
    return 0;
}

/* ---- the service's own state ---- */

static int outbox_table(struct tip_outbox_txn *txn, const char *name, MDB_dbi *dbip)
{
    struct tip_outbox *outbox = txn->outbox;
    struct outbox_table table = {.opened_in_txn = true};
    int r;

    for (size_t i = 0; i < outbox->n_tables; i++) {
        if (strcmp(outbox->tables[i].name, name) == 0) {
            *dbip = outbox->tables[i].dbi;
            return 0;
        }
    }
    if (outbox->n_tables == OUTBOX_TABLES_MAX)
        return -ENOBUFS;
    if ((size_t)snprintf(table.name, sizeof(table.name), "t.%s", name) >= sizeof(table.name))
        return -EINVAL;
    r = outbox_errno(mdb_dbi_open(txn->mdb, table.name, MDB_CREATE, &table.dbi));
    if (r)
        return r;
    (void)snprintf(table.name, sizeof(table.name), "%s", name); /* it fitted with its prefix */
    outbox->tables[outbox->n_tables++] = table;
    *dbip = table.dbi;
    return 0;
}

int tip_outbox_put(struct tip_outbox_txn *txn, const char *table, const void *key, size_t key_len, const void *value,
                   size_t value_len)
{
    MDB_val k = outbox_val(key, key_len), v = outbox_val(value, value_len);
    MDB_dbi dbi;
    int r;

    if (key_len == 0 || key_len > OUTBOX_KEY_MAX)
        return tip_fail(-EINVAL);
    r = outbox_table(txn, table, &dbi);
    if (!r)
        r = outbox_errno(mdb_put(txn->mdb, dbi, &k, &v, 0));
    return r ? tip_fail(r) : 0;
}

int tip_outbox_get(struct tip_outbox_txn *txn, const char *table, const void *key, size_t key_len, const void **valuep,
                   size_t *value_lenp)
{
    MDB_val k = outbox_val(key, key_len), v;
    MDB_dbi dbi;
    int r;

    if (key_len == 0 || key_len > OUTBOX_KEY_MAX)
        return tip_fail(-EINVAL);
    r = outbox_table(txn, table, &dbi);
    if (!r)
        r = outbox_errno(mdb_get(txn->mdb, dbi, &k, &v));
    if (r)
        return r;
    *valuep = v.mv_data;
    *value_lenp = v.mv_size;
    return 0;
}

int tip_outbox_delete(struct tip_outbox_txn *txn, const char *table, const void *key, size_t key_len)
{
    MDB_val k = outbox_val(key, key_len);
    MDB_dbi dbi;
    int r;

    if (key_len == 0 || key_len > OUTBOX_KEY_MAX)
        return tip_fail(-EINVAL);
    r = outbox_table(txn, table, &dbi);
    if (!r)
        r = outbox_errno(mdb_del(txn->mdb, dbi, &k, NULL));
    return r;
}

int tip_outbox_each(struct tip_outbox_txn *txn, const char *table,
                    int (*each)(void *ctx, const void *key, size_t key_len, const void *value, size_t value_len),
                    void *ctx)
{
    MDB_cursor *cursor;
    MDB_val k, v;
    MDB_dbi dbi;
    int rc;
    int r;

    r = outbox_table(txn, table, &dbi);
    if (!r)
        r = outbox_errno(mdb_cursor_open(txn->mdb, dbi, &cursor));
    if (r)
        return tip_fail(r);
    rc = mdb_cursor_get(cursor, &k, &v, MDB_FIRST);
    while (!rc && !r) {
        r = each(ctx, k.mv_data, k.mv_size, v.mv_data, v.mv_size);
        if (!r)
            rc = mdb_cursor_get(cursor, &k, &v, MDB_NEXT);
    }
    mdb_cursor_close(cursor);
    return rc && rc != MDB_NOTFOUND ? tip_fail(outbox_errno(rc)) : r;
}

/* ---- input positions: journal id, then next_seq big-endian ---- */

int tip_outbox_input_put(struct tip_outbox_txn *txn, const char *consumer, const struct tip_id *journal,
                         uint64_t next_seq)
{
    uint8_t value[sizeof(journal->bytes) + 8];

    memcpy(value, journal->bytes, sizeof(journal->bytes));
    outbox_key_write(value + sizeof(journal->bytes), next_seq);
    return tip_outbox_put(txn, "input", consumer, strlen(consumer), value, sizeof(value));
}

int tip_outbox_input_get(struct tip_outbox_txn *txn, const char *consumer, struct tip_id *journal, uint64_t *next_seqp)
{
    const uint8_t *value;
    const void *found;
    size_t n;
    int r;

    r = tip_outbox_get(txn, "input", consumer, strlen(consumer), &found, &n);
    if (r)
        return r;
    if (n != sizeof(journal->bytes) + 8)
        return tip_fail(-EIO);
    value = found;
    memcpy(journal->bytes, value, sizeof(journal->bytes));
    *next_seqp = outbox_key_read(value + sizeof(journal->bytes));
    return 0;
}
