#include <tip/outbox_backup.h>

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <sodium.h>

#include <tip/fail.h>

#include "outbox_env.h"

/* ---- the copy ---- */

/* Without its service nobody writes, and LMDB's own lock is not needed; with it, it is what keeps our pages in place.
 */
static int backup_flags(const char *dir, int *lockp, unsigned *flagsp)
{
    char path[PATH_MAX];

    (void)snprintf(path, sizeof(path), "%s/lock", dir); /* a cut path does not open */
    *lockp = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (*lockp == -1)
        return -errno;
    *flagsp = MDB_RDONLY;
    if (flock(*lockp, LOCK_EX | LOCK_NB) == 0) {
        *flagsp |= MDB_NOLOCK;
        return 0;
    }
    if (errno != EWOULDBLOCK)
        return -errno;
    (void)snprintf(path, sizeof(path), "%s/lock.mdb", dir);
    return access(path, F_OK) == -1 ? -ESTALE : 0;
}

static int backup_copy_env(const char *dir, unsigned flags, int fd)
{
    MDB_env *env;
    int rc = mdb_env_create(&env);

    if (rc)
        return outbox_errno(rc);
    rc = mdb_env_set_maxdbs(env, OUTBOX_TABLES_MAX + 3);
    if (!rc)
        rc = mdb_env_open(env, dir, flags, 0600);
    if (!rc)
        rc = mdb_env_copyfd2(env, fd, MDB_CP_COMPACT);
    mdb_env_close(env);
    return outbox_errno(rc);
}

int tip_outbox_copy(const char *dir, int fd)
{
    tip_auto(tip_fd_close) int lock = -1;
    unsigned flags;
    int r = backup_flags(dir, &lock, &flags);

    return r ? r : backup_copy_env(dir, flags, fd);
}

/* ---- used again ---- */

enum { RENEW_ROOM = 256 << 20 };

static int renew_events(struct tip_outbox *outbox, MDB_txn *mdb, uint64_t durable, struct tip_outbox_renewal *renewal)
{
    MDB_cursor *cursor;
    MDB_val key, data;
    int rc = mdb_cursor_open(mdb, outbox->events, &cursor);

    if (rc)
        return outbox_errno(rc);
    for (rc = mdb_cursor_get(cursor, &key, &data, MDB_FIRST); !rc; rc = mdb_cursor_get(cursor, &key, &data, MDB_NEXT)) {
        if (outbox_key_read(key.mv_data) > durable) {
            renewal->n_kept++;
            continue;
        }
        renewal->n_dropped++;
        rc = mdb_cursor_del(cursor, 0);
        if (rc)
            break;
    }
    mdb_cursor_close(cursor);
    return rc == MDB_NOTFOUND ? 0 : outbox_errno(rc);
}

static int renew_meta(struct tip_outbox *outbox, MDB_txn *mdb, const struct tip_outbox_renewal *renewal)
{
    uint8_t stream[sizeof(outbox->stream.bytes)];
    MDB_val key = outbox_val("stream", strlen("stream"));
    MDB_val data = outbox_val(stream, sizeof(stream));
    int r;

    randombytes_buf(stream, sizeof(stream));
    r = outbox_meta_put(outbox, mdb, "epoch", (uint64_t)renewal->wall_unix_us);
    return r ? r : outbox_errno(mdb_put(mdb, outbox->meta, &key, &data, 0));
}

/* A position in another journal than the backup's stays: its reader will hear that this one is new. */
static int renew_input(struct tip_outbox *outbox, MDB_txn *mdb, const struct tip_outbox_renewal *renewal)
{
    uint8_t value[sizeof(renewal->after.bytes) + 8] = {0};
    MDB_val key, data, fresh = outbox_val(value, sizeof(value));
    MDB_cursor *cursor;
    MDB_dbi dbi;
    int rc;

    (void)outbox;
    rc = mdb_dbi_open(mdb, "t.input", 0, &dbi);
    if (rc)
        return rc == MDB_NOTFOUND ? 0 : outbox_errno(rc);
    rc = mdb_cursor_open(mdb, dbi, &cursor);
    if (rc)
        return outbox_errno(rc);
    for (rc = mdb_cursor_get(cursor, &key, &data, MDB_FIRST); !rc; rc = mdb_cursor_get(cursor, &key, &data, MDB_NEXT)) {
        if (data.mv_size != sizeof(value) || memcmp(data.mv_data, renewal->before.bytes, 16) != 0)
            continue;
        memcpy(value, data.mv_data, sizeof(value));
        memcpy(value, renewal->after.bytes, sizeof(renewal->after.bytes));
        rc = mdb_cursor_put(cursor, &key, &fresh, MDB_CURRENT);
        if (rc)
            break;
    }
    mdb_cursor_close(cursor);
    return rc == MDB_NOTFOUND ? 0 : outbox_errno(rc);
}

static int renew_all(struct tip_outbox *outbox, struct tip_outbox_renewal *renewal)
{
    MDB_txn *mdb;
    int r = outbox_errno(mdb_txn_begin(outbox->env, NULL, 0, &mdb));

    if (r)
        return r;
    r = renew_events(outbox, mdb, renewal->durable(renewal->ctx, outbox->epoch), renewal);
    if (!r)
        r = renew_meta(outbox, mdb, renewal);
    if (!r)
        r = renew_input(outbox, mdb, renewal);
    if (r) {
        mdb_txn_abort(mdb);
        return r;
    }
    return outbox_errno(mdb_txn_commit(mdb));
}

/* Whatever the map was that the copy was made of: room for all of it once more, and as much as is usual. */
static size_t renew_map(const char *dir)
{
    char path[PATH_MAX];
    struct stat st;

    (void)snprintf(path, sizeof(path), "%s/data.mdb", dir); /* a cut path is not found */
    return RENEW_ROOM + (stat(path, &st) == 0 ? 2 * (size_t)st.st_size : 0);
}

int tip_outbox_renew(const char *dir, struct tip_outbox_renewal *renewal)
{
    const struct tip_outbox_config config = {
        .dir = dir, .map_bytes = renew_map(dir), .wall_unix_us = renewal->wall_unix_us};
    tip_auto(tip_outbox_destroy) struct tip_outbox *outbox = NULL;
    int r = tip_outbox_open(&outbox, &config);

    renewal->n_dropped = renewal->n_kept = 0;
    return r ? r : renew_all(outbox, renewal);
}
