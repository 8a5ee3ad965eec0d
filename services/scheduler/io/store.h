#pragma once
/*
 * What the scheduler keeps in its outbox: a state a job, and for a day the answers to applied calls.
 */
#include <tip/outbox.h>

/** States of jobs by key. */
tip_nodiscard int store_job_put(struct tip_outbox_txn *txn, const char *key, const void *bytes, size_t n);
tip_nodiscard int store_job_delete(struct tip_outbox_txn *txn, const char *key);

/** @param each  gets the key as text and the stored bytes; not 0 ends the walk */
tip_nodiscard int store_jobs_each(struct tip_outbox_txn *txn,
                                  int (*each)(void *ctx, const char *key, const void *bytes, size_t n), void *ctx);

enum { STORE_ANSWERS_MAX = 10000 };

/** The answer to a call, and when it was given. */
tip_nodiscard int store_answer_put(struct tip_outbox_txn *txn, const struct tip_id *call, int64_t unix_ms,
                                   const void *body, size_t n);

/** @return 0 with what points into the map until the transaction ends, or -ENOENT */
tip_nodiscard int store_answer_get(struct tip_outbox_txn *txn, const struct tip_id *call, const void **bodyp,
                                   size_t *np);

/**
 * Deletes up to 256 answers given before a time, and counts those that stay.
 *
 * @param n_leftp  set to how many are left
 * @return 0, or a negative errno
 */
tip_nodiscard int store_answers_purge(struct tip_outbox_txn *txn, int64_t before_unix_ms, size_t *n_leftp);
