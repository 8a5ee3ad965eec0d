#pragma once
/*
 * The inside of the outbox, shared by its files: outbox.c opens, outbox_txn.c changes, outbox_send.c is the bus
 * client's side, outbox_backup.c copies and puts back.
 */
#include <lmdb.h>

#include <tip/buf.h>

#include "outbox_bus.h"

enum { OUTBOX_TABLES_MAX = 32, OUTBOX_TABLE_NAME_MAX = 32 };

struct outbox_table {
    char name[OUTBOX_TABLE_NAME_MAX];
    MDB_dbi dbi;
    bool opened_in_txn; /* goes with it when it is aborted */
};

struct tip_outbox {
    MDB_env *env;
    int lock_fd;
    MDB_dbi meta, events, refused;
    struct outbox_table tables[OUTBOX_TABLES_MAX];
    size_t n_tables;
    size_t budget;
    uint64_t epoch, first, next;
    uint64_t bytes; /* what the waiting events take of the map */
    struct tip_id stream;
    size_t wanted; /* somebody waits for so much room; 0: nobody */
    bool in_txn;
    uint64_t n_begun;       /* transactions */
    struct tip_buf scratch; /* one record */
    void (*on_commit)(void *ctx);
    void *on_commit_ctx;
};

struct tip_outbox_txn {
    struct tip_outbox *outbox;
    MDB_txn *mdb;
    uint64_t next;
    uint64_t bytes;
};

/** LMDB's codes as ours: -ENOENT, -ENOBUFS for a full map, -EIO for damage. */
int outbox_errno(int rc);

/** What a record of n bytes takes of the map. */
size_t outbox_cost(size_t n);

uint64_t outbox_key_read(const void *key);
void outbox_key_write(uint8_t key[static 8], uint64_t value);
MDB_val outbox_val(const void *data, size_t n);
tip_nodiscard int outbox_meta_put(struct tip_outbox *outbox, MDB_txn *mdb, const char *name, uint64_t value);
