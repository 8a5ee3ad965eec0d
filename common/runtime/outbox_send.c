#include "outbox_env.h"

#include <errno.h>

#include <tip/fail.h>

/* ---- for the bus client ---- */

uint64_t outbox_first(const struct tip_outbox *outbox)
{
    return outbox->first;
}

uint64_t outbox_next(const struct tip_outbox *outbox)
{
    return outbox->next;
}

void outbox_on_commit(struct tip_outbox *outbox, void (*fn)(void *ctx), void *ctx)
{
    outbox->on_commit = fn;
    outbox->on_commit_ctx = ctx;
}

bool outbox_space_returned(struct tip_outbox *outbox)
{
    size_t need = outbox->wanted > outbox->budget / 8 ? outbox->wanted : outbox->budget / 8;

    if (!outbox->wanted || (outbox->bytes && outbox->bytes + need > outbox->budget))
        return false;
    outbox->wanted = 0;
    return true;
}

static int outbox_walk(struct tip_outbox *outbox, MDB_txn *mdb, uint64_t from,
                       int (*each)(void *ctx, uint64_t pub_seq, const void *record, size_t n), void *ctx)
{
    uint8_t key_bytes[8] = {0};
    MDB_val key = outbox_val(key_bytes, sizeof(key_bytes));
    MDB_val data;
    MDB_cursor *cursor;
    int rc;
    int r = 0;

    outbox_key_write(key_bytes, from);
    rc = mdb_cursor_open(mdb, outbox->events, &cursor);
    if (rc)
        return outbox_errno(rc);
    rc = mdb_cursor_get(cursor, &key, &data, MDB_SET_RANGE);
    while (!rc && !r) {
        r = each(ctx, outbox_key_read(key.mv_data), data.mv_data, data.mv_size);
        if (!r)
            rc = mdb_cursor_get(cursor, &key, &data, MDB_NEXT);
    }
    mdb_cursor_close(cursor);
    return rc && rc != MDB_NOTFOUND ? tip_fail(outbox_errno(rc)) : r;
}

int outbox_read(struct tip_outbox *outbox, uint64_t from,
                int (*each)(void *ctx, uint64_t pub_seq, const void *record, size_t n), void *ctx)
{
    MDB_txn *mdb;
    int r;

    r = outbox_errno(mdb_txn_begin(outbox->env, NULL, MDB_RDONLY, &mdb));
    if (r)
        return tip_fail(r);
    r = outbox_walk(outbox, mdb, from, each, ctx);
    mdb_txn_abort(mdb);
    return r;
}

/* One transaction of our own around `change`: all of it or nothing. */
static int outbox_change(struct tip_outbox *outbox, unsigned flags,
                         int (*change)(struct tip_outbox *outbox, MDB_txn *mdb, void *ctx), void *ctx)
{
    MDB_txn *mdb;
    int r;

    if (outbox->in_txn)
        return -EBUSY;
    r = outbox_errno(mdb_txn_begin(outbox->env, NULL, flags, &mdb));
    if (r)
        return r;
    r = change(outbox, mdb, ctx);
    if (r) {
        mdb_txn_abort(mdb);
        return r;
    }
    return outbox_errno(mdb_txn_commit(mdb));
}

struct outbox_deletion {
    uint64_t acked;
    uint64_t first;
    uint64_t bytes;
};

static int outbox_delete_some(struct tip_outbox *outbox, MDB_txn *mdb, void *ctx)
{
    struct outbox_deletion *gone = ctx;
    uint8_t key_bytes[8] = {0};
    MDB_val key, data;
    int rc = 0;

    for (unsigned i = 0; i < OUTBOX_DELETE_MAX && gone->first <= gone->acked && gone->first < outbox->next; i++) {
        outbox_key_write(key_bytes, gone->first);
        key = outbox_val(key_bytes, sizeof(key_bytes));
        rc = mdb_get(mdb, outbox->events, &key, &data);
        if (rc)
            break;
        gone->bytes += outbox_cost(data.mv_size);
        rc = mdb_del(mdb, outbox->events, &key, NULL);
        if (rc)
            break;
        gone->first++;
    }
    return outbox_errno(rc);
}

/* Not synced to the last step: what comes back after power loss is acked again. */
int outbox_delete_acked(struct tip_outbox *outbox, uint64_t acked)
{
    struct outbox_deletion gone = {.acked = acked, .first = outbox->first};
    int r;

    r = outbox_change(outbox, MDB_NOMETASYNC, outbox_delete_some, &gone);
    if (r)
        return tip_fail(r);
    outbox->first = gone.first;
    outbox->bytes -= gone.bytes;
    return 0;
}

static bool outbox_refused_are_many(const struct tip_outbox *outbox, const MDB_stat *stat)
{
    size_t pages = stat->ms_branch_pages + stat->ms_leaf_pages + stat->ms_overflow_pages;

    return stat->ms_entries > OUTBOX_REFUSED_MAX ||
           (stat->ms_entries > 1 && pages * stat->ms_psize > outbox->budget / OUTBOX_REFUSED_PART);
}

static int outbox_refused_drop(struct tip_outbox *outbox, MDB_txn *mdb)
{
    MDB_cursor *cursor;
    MDB_val key, data;
    int rc;

    rc = mdb_cursor_open(mdb, outbox->refused, &cursor);
    if (rc)
        return rc;
    rc = mdb_cursor_get(cursor, &key, &data, MDB_FIRST);
    if (!rc)
        rc = mdb_cursor_del(cursor, 0);
    mdb_cursor_close(cursor);
    return rc;
}

static int outbox_refused_trim(struct tip_outbox *outbox, MDB_txn *mdb)
{
    MDB_stat stat;
    int rc;

    rc = mdb_stat(mdb, outbox->refused, &stat);
    while (!rc && outbox_refused_are_many(outbox, &stat)) {
        rc = outbox_refused_drop(outbox, mdb);
        if (!rc)
            rc = mdb_stat(mdb, outbox->refused, &stat);
    }
    return outbox_errno(rc);
}

struct outbox_replacement {
    uint64_t pub_seq;
    size_t cost_before;
};

/* The scratch buffer holds what comes in its place. */
static int outbox_swap(struct tip_outbox *outbox, MDB_txn *mdb, void *ctx)
{
    struct outbox_replacement *replacement = ctx;
    uint8_t key_bytes[8] = {0};
    MDB_val key = outbox_val(key_bytes, sizeof(key_bytes));
    MDB_val data;
    int rc;

    outbox_key_write(key_bytes, replacement->pub_seq);
    rc = mdb_get(mdb, outbox->events, &key, &data);
    if (rc)
        return outbox_errno(rc);
    replacement->cost_before = outbox_cost(data.mv_size);
    rc = mdb_put(mdb, outbox->refused, &key, &data, 0);
    if (rc)
        return outbox_errno(rc);
    data = outbox_val(outbox->scratch.data, outbox->scratch.len);
    rc = mdb_put(mdb, outbox->events, &key, &data, 0);
    return rc ? outbox_errno(rc) : outbox_refused_trim(outbox, mdb);
}

int outbox_replace(struct tip_outbox *outbox, uint64_t pub_seq, const char *topic, enum tip_tlp tlp,
                   const struct tip_event *event)
{
    struct outbox_replacement replacement = {.pub_seq = pub_seq};
    int r;

    tip_buf_clear(&outbox->scratch);
    r = outbox_record_write(&outbox->scratch, topic, tlp, event);
    if (!r)
        r = outbox_change(outbox, 0, outbox_swap, &replacement);
    if (r)
        return tip_fail(r);
    outbox->bytes += outbox_cost(outbox->scratch.len) - replacement.cost_before;
    return 0;
}

static int outbox_epoch_put(struct tip_outbox *outbox, MDB_txn *mdb, void *ctx)
{
    const uint64_t *epoch = ctx;

    return outbox_meta_put(outbox, mdb, "epoch", *epoch);
}

int outbox_renew_epoch(struct tip_outbox *outbox, uint64_t wall_unix_us)
{
    uint64_t epoch = wall_unix_us > outbox->epoch ? wall_unix_us : outbox->epoch + 1;
    int r;

    r = outbox_change(outbox, 0, outbox_epoch_put, &epoch);
    if (r)
        return tip_fail(r);
    outbox->epoch = epoch;
    return 0;
}
