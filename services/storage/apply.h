#pragma once
/*
 * What the events of a batch do to the tables, within a transaction that the writer has begun.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "batch.h"
#include "io/db.h"
#include "writer.h"

struct store_apply;

/** Some neighbours of a batch, and the positions before and after them. */
struct store_range {
    size_t first, n;
    struct store_position from, next;
};

/** Decodes the batch; what cannot be decoded is a reject from now on. All is borrowed. */
struct store_apply *store_apply_new(struct store_db *db, const struct store_batch *batch, const uint8_t *ikey_key,
                                    const char *consumer);
void store_apply_destroy(struct store_apply **applyp);

struct store_range store_range_all(const struct store_batch *batch);

/** Halves of a range of two or more. */
void store_range_split(const struct store_apply *apply, const struct store_range *range, struct store_range *left,
                       struct store_range *right);

/** Writes a range; may be called again after a rollback. @return 0 or STORE_DB_E_* */
tip_nodiscard int store_apply_range(struct store_apply *apply, const struct store_range *range, int16_t journal,
                                    struct store_counts *counts, bool *needsp);

/** When a record was committed, and when what it says was observed, as claimed. @return false for a reject */
bool store_apply_times(const struct store_apply *apply, size_t i, int64_t *commit_unix_usp, int64_t *observed_unix_msp);

/** From now on this record is a reject. @return false if it was one already */
bool store_apply_reject(struct store_apply *apply, size_t i, const char *reason);

void store_counts_add(struct store_counts *sum, const struct store_counts *more);
