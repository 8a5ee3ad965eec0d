/*
 * LMDB, one environment: "meta" (epoch, stream, next pub_seq), "events" (big-endian pub_seq -> record), "refused", and
 * the service's tables under "t." + name.
 *
 * Another process that writes is kept out by a lock on the file "lock", and everything here happens in one thread, one
 * transaction after the other. LMDB's own lock table is there for one reader from outside, the one that copies for a
 * backup (outbox_backup.c); one that was killed pins pages until it is found by mdb_reader_check.
 */
#include "outbox_env.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include <sodium.h>

#include <tip/alloc.h>
#include <tip/fail.h>

#include "place.h"

enum {
    OUTBOX_MAP_DEFAULT = 256 << 20,
    OUTBOX_FORMAT = 1,
    OUTBOX_PAGE = 4096,
    OUTBOX_NODE_MAX = 2038, /* a larger node gets pages of its own (LMDB, mdb_env_open2: me_nodemax) */
    OUTBOX_NODE_HEAD = 18,  /* node header, key, index entry */
    OUTBOX_PAGE_HEAD = 16
};

int outbox_errno(int rc)
{
    switch (rc) {
    case MDB_SUCCESS:
        return 0;
    case MDB_NOTFOUND:
        return -ENOENT;
    case MDB_MAP_FULL:
    case MDB_TXN_FULL:
    case MDB_DBS_FULL:
        return -ENOBUFS;
    case MDB_BAD_VALSIZE:
        return -EINVAL;
    default: /* damage and misuse are LMDB's negative numbers, the system's are positive */
        return rc > 0 ? -rc : -EIO;
    }
}

uint64_t outbox_key_read(const void *key)
{
    const uint8_t *at = key;
    uint64_t value = 0;

    for (unsigned i = 0; i < 8; i++)
        value = value << 8 | at[i];
    return value;
}

void outbox_key_write(uint8_t key[static 8], uint64_t value)
{
    for (unsigned i = 0; i < 8; i++)
        key[i] = (uint8_t)(value >> (56 - 8 * i));
}

/* What a record takes of the map. */
size_t outbox_cost(size_t n)
{
    if (n + OUTBOX_NODE_HEAD <= OUTBOX_NODE_MAX)
        return n + OUTBOX_NODE_HEAD;
    return (n + OUTBOX_PAGE_HEAD + OUTBOX_PAGE - 1) / OUTBOX_PAGE * OUTBOX_PAGE + OUTBOX_NODE_HEAD + sizeof(uint64_t);
}

MDB_val outbox_val(const void *data, size_t n)
{
    return (MDB_val){.mv_size = n, .mv_data = (void *)(uintptr_t)data}; /* LMDB only reads it */
}

/* ---- meta ---- */

int outbox_meta_put(struct tip_outbox *outbox, MDB_txn *mdb, const char *name, uint64_t value)
{
    uint8_t bytes[8];
    MDB_val key = outbox_val(name, strlen(name));
    MDB_val data = outbox_val(bytes, sizeof(bytes));

    outbox_key_write(bytes, value);
    return outbox_errno(mdb_put(mdb, outbox->meta, &key, &data, 0));
}

static int outbox_meta_get(struct tip_outbox *outbox, MDB_txn *mdb, const char *name, uint64_t *valuep)
{
    MDB_val key = outbox_val(name, strlen(name));
    MDB_val data;
    int r;

    r = outbox_errno(mdb_get(mdb, outbox->meta, &key, &data));
    if (r)
        return r;
    if (data.mv_size != 8)
        return -EIO;
    *valuep = outbox_key_read(data.mv_data);
    return 0;
}

static int outbox_meta_create(struct tip_outbox *outbox, MDB_txn *mdb, int64_t wall_unix_us)
{
    MDB_val key = outbox_val("stream", strlen("stream"));
    MDB_val data = outbox_val(outbox->stream.bytes, sizeof(outbox->stream.bytes));
    int r;

    outbox->epoch = (uint64_t)wall_unix_us;
    outbox->next = 1;
    randombytes_buf(outbox->stream.bytes, sizeof(outbox->stream.bytes));
    r = outbox_meta_put(outbox, mdb, "epoch", outbox->epoch);
    if (!r)
        r = outbox_meta_put(outbox, mdb, "next", outbox->next);
    if (!r)
        r = outbox_meta_put(outbox, mdb, "format", OUTBOX_FORMAT);
    if (!r)
        r = outbox_errno(mdb_put(mdb, outbox->meta, &key, &data, 0));
    return r;
}

static int outbox_meta_read(struct tip_outbox *outbox, MDB_txn *mdb)
{
    MDB_val key = outbox_val("stream", strlen("stream"));
    MDB_val data;
    uint64_t format;
    int r;

    r = outbox_meta_get(outbox, mdb, "format", &format);
    if (!r && format != OUTBOX_FORMAT)
        return -EPROTONOSUPPORT;
    if (!r)
        r = outbox_meta_get(outbox, mdb, "epoch", &outbox->epoch);
    if (!r)
        r = outbox_meta_get(outbox, mdb, "next", &outbox->next);
    if (!r)
        r = outbox_errno(mdb_get(mdb, outbox->meta, &key, &data));
    if (r)
        return r;
    if (data.mv_size != sizeof(outbox->stream.bytes))
        return -EIO;
    memcpy(outbox->stream.bytes, data.mv_data, sizeof(outbox->stream.bytes));
    return 0;
}

/* ---- open ---- */

/* Counts what waits. The map is at most as long as its budget, so this takes milliseconds. */
static int outbox_count(struct tip_outbox *outbox, MDB_txn *mdb)
{
    MDB_cursor *cursor;
    MDB_val key, data;
    int rc;

    outbox->first = outbox->next;
    rc = mdb_cursor_open(mdb, outbox->events, &cursor);
    if (rc)
        return outbox_errno(rc);
    for (rc = mdb_cursor_get(cursor, &key, &data, MDB_FIRST); !rc; rc = mdb_cursor_get(cursor, &key, &data, MDB_NEXT)) {
        if (!outbox->bytes)
            outbox->first = outbox_key_read(key.mv_data);
        outbox->bytes += outbox_cost(data.mv_size);
    }
    mdb_cursor_close(cursor);
    return rc == MDB_NOTFOUND ? 0 : outbox_errno(rc);
}

static int outbox_setup(struct tip_outbox *outbox, MDB_txn *mdb, int64_t wall_unix_us)
{
    uint64_t epoch;
    int rc;
    int r;

    rc = mdb_dbi_open(mdb, "meta", MDB_CREATE, &outbox->meta);
    if (!rc)
        rc = mdb_dbi_open(mdb, "events", MDB_CREATE, &outbox->events);
    if (!rc)
        rc = mdb_dbi_open(mdb, "refused", MDB_CREATE, &outbox->refused);
    if (rc)
        return outbox_errno(rc);
    r = outbox_meta_get(outbox, mdb, "epoch", &epoch);
    if (r == -ENOENT)
        r = outbox_meta_create(outbox, mdb, wall_unix_us);
    else if (!r)
        r = outbox_meta_read(outbox, mdb);
    return r ? r : outbox_count(outbox, mdb);
}

static int outbox_load(struct tip_outbox *outbox, int64_t wall_unix_us)
{
    MDB_txn *mdb;
    int r;

    r = outbox_errno(mdb_txn_begin(outbox->env, NULL, 0, &mdb));
    if (r)
        return r;
    r = outbox_setup(outbox, mdb, wall_unix_us);
    if (r) {
        mdb_txn_abort(mdb);
        return r;
    }
    return outbox_errno(mdb_txn_commit(mdb));
}

static int outbox_lock(struct tip_outbox *outbox, const char *dir)
{
    char path[4096];

    if ((size_t)snprintf(path, sizeof(path), "%s/lock", dir) >= sizeof(path))
        return -ENAMETOOLONG;
    outbox->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (outbox->lock_fd == -1)
        return -errno;
    if (flock(outbox->lock_fd, LOCK_EX | LOCK_NB) == -1)
        return errno == EWOULDBLOCK ? -EBUSY : -errno;
    return 0;
}

/* A directory entry that power loss takes away would take the events with it. */
static int outbox_sync_dir(const char *dir)
{
    tip_auto(tip_fd_close) int fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd == -1 || fsync(fd) == -1)
        return -errno;
    return 0;
}

static int outbox_open_env(struct tip_outbox *outbox, const struct tip_outbox_config *config)
{
    size_t map_bytes = config->map_bytes ? config->map_bytes : OUTBOX_MAP_DEFAULT;
    MDB_envinfo info;
    int rc;

    rc = mdb_env_create(&outbox->env);
    if (!rc)
        rc = mdb_env_set_maxdbs(outbox->env, OUTBOX_TABLES_MAX + 3);
    if (!rc)
        rc = mdb_env_set_mapsize(outbox->env, map_bytes);
    if (!rc)
        rc = mdb_env_open(outbox->env, config->dir, 0, 0600);
    if (!rc)
        rc = mdb_reader_check(outbox->env, NULL);
    if (!rc)
        rc = mdb_env_info(outbox->env, &info);
    if (rc)
        return outbox_errno(rc);
    outbox->budget = info.me_mapsize / 2;
    return 0;
}

int tip_outbox_open(struct tip_outbox **outboxp, const struct tip_outbox_config *config)
{
    tip_auto(tip_outbox_destroy) struct tip_outbox *outbox = tip_new(struct tip_outbox);
    int r;

    outbox->lock_fd = -1;
    tip_buf_init(&outbox->scratch, OUTBOX_RECORD_MAX);
    if (sodium_init() == -1)
        return tip_fail(-EIO);
    r = place_mkdir(config->dir, 0700);
    if (r)
        return tip_fail(r);
    r = outbox_lock(outbox, config->dir);
    if (r == -EBUSY)
        return r;
    if (!r)
        r = outbox_open_env(outbox, config);
    if (!r)
        r = outbox_load(outbox, config->wall_unix_us);
    if (!r)
        r = outbox_sync_dir(config->dir);
    if (r)
        return tip_fail(r);
    *outboxp = tip_take(outbox);
    return 0;
}

void tip_outbox_destroy(struct tip_outbox **outboxp)
{
    struct tip_outbox *outbox = *outboxp;

    if (!outbox)
        return;
    if (outbox->env)
        mdb_env_close(outbox->env);
    tip_fd_close(&outbox->lock_fd);
    tip_buf_deinit(&outbox->scratch);
    free(outbox);
    *outboxp = NULL;
}

uint64_t tip_outbox_epoch(const struct tip_outbox *outbox)
{
    return outbox->epoch;
}

const struct tip_id *tip_outbox_stream(const struct tip_outbox *outbox)
{
    return &outbox->stream;
}

size_t tip_outbox_map_bytes(const struct tip_outbox *outbox)
{
    return outbox->budget * 2;
}

uint64_t tip_outbox_n_waiting(const struct tip_outbox *outbox)
{
    return outbox->next - outbox->first;
}

uint64_t tip_outbox_bytes_waiting(const struct tip_outbox *outbox)
{
    return outbox->bytes;
}

bool tip_outbox_has_room(struct tip_outbox *outbox, size_t bytes)
{
    if (bytes <= outbox->budget && outbox->bytes <= outbox->budget - bytes)
        return true;
    outbox->wanted = bytes ? bytes : 1;
    return false;
}
