#pragma once
/*
 * The outbox: a service's state and its outgoing events in one LMDB environment, changed together.
 *
 * A service commits in one transaction, before anything is published: the input it has consumed, its new state, and its
 * outgoing events as bytes. The bus client sends from here and deletes what the broker has acked. So a kill anywhere
 * loses nothing and doubles nothing.
 *
 * pub_seq and the epoch live here. The epoch is the time the environment was made, in microseconds: a lost volume means
 * a new epoch. One writer: the loop thread. No read transaction outlives a call.
 *
 * The map never grows: memory is at most map_bytes of file pages, which the kernel takes back when it needs them, and
 * the pages that the transaction under way has touched. What does not fit fails its transaction with -ENOBUFS.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <tip/cleanup.h>
#include <tip/event.h>

struct tip_outbox;
struct tip_outbox_txn;

struct tip_outbox_config {
    const char *dir;      /* made 0700 when missing */
    size_t map_bytes;     /* of the LMDB map; 0 for 256 MiB. Events waiting may take half of it */
    int64_t wall_unix_us; /* the epoch, if the environment is new */
};

/** @return 0, or negative errno: -EBUSY when another process has it. */
tip_nodiscard int tip_outbox_open(struct tip_outbox **outboxp, const struct tip_outbox_config *config);
void tip_outbox_destroy(struct tip_outbox **outboxp);

uint64_t tip_outbox_epoch(const struct tip_outbox *outbox);
/** 16 random bytes made with the environment: a service's stream id. */
const struct tip_id *tip_outbox_stream(const struct tip_outbox *outbox);
/** Events not yet acked, and their bytes. */
uint64_t tip_outbox_n_waiting(const struct tip_outbox *outbox);
uint64_t tip_outbox_bytes_waiting(const struct tip_outbox *outbox);
/** Of the whole map: state may take the half that events do not, less what a transaction needs while it copies. */
size_t tip_outbox_map_bytes(const struct tip_outbox *outbox);
/** False when `bytes` more would pass the budget: stop reading your source, tip_bus_on_space calls you back. */
bool tip_outbox_has_room(struct tip_outbox *outbox, size_t bytes);

/** A write transaction; at most one at a time. */
tip_nodiscard int tip_outbox_begin(struct tip_outbox *outbox, struct tip_outbox_txn **txnp);
/**
 * Makes everything durable, wakes the bus client. The transaction is gone either way.
 *
 * @return 0, or negative errno: end the process, since whether it will be there after a crash is found out by the next
 *         start
 */
tip_nodiscard int tip_outbox_commit(struct tip_outbox_txn **txnp);
/** Drops the transaction if it is still there. Fits tip_auto. */
void tip_outbox_abort(struct tip_outbox_txn **txnp);

/**
 * Queues an event. It travels after the commit, in this order.
 *
 * @param seqp  set to its pub_seq; may be NULL
 * @return 0; -ENOBUFS when the budget is used up: abort, wait for room; -EINVAL for a bad topic, tlp or size
 */
tip_nodiscard int tip_outbox_publish(struct tip_outbox_txn *txn, const char *topic, enum tip_tlp tlp,
                                     const struct tip_event *event, uint64_t *seqp);

/**
 * The service's own state: small values under short keys (<= 500 bytes), in named tables. A table is a static string,
 * e.g. "run", "source", "input".
 *
 * @param value  for get: points into the map, not aligned, valid until the next write or the end of the transaction
 * @return 0; get and delete: -ENOENT; put: -ENOBUFS when the map is full (abort)
 */
tip_nodiscard int tip_outbox_put(struct tip_outbox_txn *txn, const char *table, const void *key, size_t key_len,
                                 const void *value, size_t value_len);
tip_nodiscard int tip_outbox_get(struct tip_outbox_txn *txn, const char *table, const void *key, size_t key_len,
                                 const void **valuep, size_t *value_lenp);
tip_nodiscard int tip_outbox_delete(struct tip_outbox_txn *txn, const char *table, const void *key, size_t key_len);

/**
 * Walks a table in key order; `each` changes nothing in it.
 *
 * @param each  returns 0 to go on; anything else ends the walk and is returned
 */
tip_nodiscard int tip_outbox_each(struct tip_outbox_txn *txn, const char *table,
                                  int (*each)(void *ctx, const void *key, size_t key_len, const void *value,
                                              size_t value_len),
                                  void *ctx);

/**
 * Input positions: (journal id, next seq) of a fetch consumer, stored with the state it led to.
 *
 * @return 0; get: -ENOENT before the first put
 */
tip_nodiscard int tip_outbox_input_put(struct tip_outbox_txn *txn, const char *consumer, const struct tip_id *journal,
                                       uint64_t next_seq);
tip_nodiscard int tip_outbox_input_get(struct tip_outbox_txn *txn, const char *consumer, struct tip_id *journal,
                                       uint64_t *next_seqp);
