#pragma once
/*
 * What the service keeps in its outbox, as bytes under keys. What the bytes mean is the codec's business.
 */
#include <tip/outbox.h>

/** One table each. Keys: name of a source, number of a job, run id, call id. */
enum store_table {
    STORE_SOURCE,   /* by name: its state */
    STORE_REPORT,   /* by name: what the parser said of the newest body */
    STORE_JOB,      /* by number: what is to be published */
    STORE_RUN,      /* by run id: runs that are not reported yet */
    STORE_SEEN,     /* by run id: runs that were taken on, and when; for a day */
    STORE_ANSWER,   /* by call id: the answer, and when; for a day */
    STORE_WEIGHT,   /* by name: the event with what was last measured */
    STORE_WORD,     /* by number of the change: entries of the allow and deny list; under 0 where it stands */
    STORE_OBSERVED, /* by number of the change: what TIP observed itself; under 0 where that stands */
    STORE_CLOCK,    /* under 0: up to when time has been counted */
    STORE_TRIED,    /* by host: when it was asked for what is no source, and what it asked for */
    STORE_EXEMPT,   /* under 0: which table of exemptions is in force, and which is the newest */
    STORE_TABLE_COUNT
};

tip_nodiscard int store_put(struct tip_outbox_txn *txn, enum store_table table, const void *key, size_t key_len,
                            const void *bytes, size_t n);

/** @return 0 with what points into the map until the next write, or -ENOENT */
tip_nodiscard int store_get(struct tip_outbox_txn *txn, enum store_table table, const void *key, size_t key_len,
                            const void **bytesp, size_t *np);

/** What is not there is deleted too. */
tip_nodiscard int store_delete(struct tip_outbox_txn *txn, enum store_table table, const void *key, size_t key_len);

/** In the order of keys; not 0 ends the walk. */
typedef int store_each_fn(void *ctx, const void *key, size_t key_len, const void *bytes, size_t n);
tip_nodiscard int store_each(struct tip_outbox_txn *txn, enum store_table table, store_each_fn *each, void *ctx);

/** A number as a key that sorts like it. */
void store_number_key(uint64_t number, uint8_t key[static 8]);
uint64_t store_number_of(const void *key, size_t key_len);

/** Values that begin with their time: `store_dated_put` puts it there, `store_dated_get` takes it off. */
tip_nodiscard int store_dated_put(struct tip_outbox_txn *txn, enum store_table table, const struct tip_id *key,
                                  int64_t unix_ms, const void *bytes, size_t n);
tip_nodiscard int store_dated_get(struct tip_outbox_txn *txn, enum store_table table, const struct tip_id *key,
                                  const void **bytesp, size_t *np);

/** Deletes up to 256 of the values that are older than a time. */
tip_nodiscard int store_dated_purge(struct tip_outbox_txn *txn, enum store_table table, int64_t before_unix_ms);
