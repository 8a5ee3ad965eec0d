#pragma once
/*
 * The big tables: events by COPY, listings and verdicts by sorted upserts from arrays. All: 0 or STORE_DB_E_*.
 */
#include <stddef.h>
#include <stdint.h>

#include <tip/event.h>

#include "batch.h"
#include "core/binary.h"
#include "core/fold.h"
#include "core/told.h"
#include "io/db.h"
#include "io/source.h"

enum { STORE_ROWS_COLUMNS = 18 };

/** Buffers that are used again for each statement; bounded. */
struct store_rows {
    struct store_db *db; /* borrowed */
    struct store_out columns[STORE_ROWS_COLUMNS];
    struct store_out copy;
};

void store_rows_init(struct store_rows *rows, struct store_db *db);
void store_rows_deinit(struct store_rows *rows);

tip_nodiscard int store_events_begin(struct store_rows *rows);
tip_nodiscard int store_events_put(struct store_rows *rows, int16_t journal, const struct store_record *record,
                                   const struct tip_event *event, int64_t observed_unix_ms);
tip_nodiscard int store_events_end(struct store_rows *rows);

tip_nodiscard int store_reject_put(struct store_rows *rows, int16_t journal, const struct store_record *record,
                                   const char *reason);

/** Folded already. */
tip_nodiscard int store_listings_write(struct store_rows *rows, const struct store_listing *listings, size_t n);
tip_nodiscard int store_verdicts_write(struct store_rows *rows, const struct store_verdict *verdicts, size_t n);
tip_nodiscard int store_told_write(struct store_rows *rows, const struct store_told *told, size_t n);

struct store_close {
    int64_t read_unix_ms;   /* when the list of the baseline was read */
    int64_t stream_unix_us; /* since when its versions are counted, 0: unknown; verdicts of before are of other ones */
    int64_t told_unix_us;   /* when the baseline was committed: that is when the verdicts changed */
};

/**
 * Closes every row of a source that does not carry the mark of its baseline, and weighs the verdicts on them anew that
 * it has not told.
 *
 * @param n_closedp  set
 */
tip_nodiscard int store_listings_close(struct store_rows *rows, const struct store_source *source,
                                       const struct store_close *close, uint64_t *n_closedp);
