#pragma once
/*
 * Where storage stands: the lock of the one that writes, the offset row that fences it, journals, gaps, and who is to
 * be asked for a baseline.
 */
#include <stdbool.h>
#include <stdint.h>

#include "batch.h"
#include "io/db.h"

/** All functions: 0 or STORE_DB_E_*. */

/** Takes the advisory lock of a consumer name for this session. @param minep  whether it is ours */
tip_nodiscard int store_position_claim(struct store_db *db, const char *consumer, bool *minep);

/** The site's key, and the consumer's row if it was not there yet. */
tip_nodiscard int store_position_prepare(struct store_db *db, const char *consumer, uint8_t ikey_key[static 16]);

/** Reads the position; within a transaction nobody else moves it until the end. */
tip_nodiscard int store_position_lock(struct store_db *db, const char *consumer, struct store_position *position);

tip_nodiscard int store_position_move(struct store_db *db, const char *consumer, int16_t journal, uint64_t next_seq);

/** The small number of a journal in the tables. */
tip_nodiscard int store_journal_number(struct store_db *db, const struct tip_uuid *journal, int16_t *numberp);

struct store_gap {
    int16_t journal;
    uint64_t from_seq, to_seq; /* 0: not known */
    uint32_t source_id;        /* 0: of everything */
    const char *reason;
};

tip_nodiscard int store_gap_note(struct store_db *db, const struct store_gap *gap);

/** Every known source, and "*", is to be asked for its baseline. */
tip_nodiscard int store_need_all(struct store_db *db, const char *consumer, const char *reason);

/**
 * The owner has taken the request for everything; the sources' own needs stay until their baselines have come.
 *
 * @param since   of the wish that was asked for, as store_needs_list told it
 * @param takenp  set: false when something was lost since, and everything is wanted again
 */
tip_nodiscard int store_need_all_taken(struct store_db *db, const char *consumer, const char *since, bool *takenp);

/** The owner does not know this source (any more): its rows stay, nobody asks again until it speaks. */
tip_nodiscard int store_source_orphan(struct store_db *db, const char *source);

/** Closes what no need is left of. */
tip_nodiscard int store_gaps_close(struct store_db *db);

/** Who is to be asked: "*" first, then sources without a baseline under way. Name, since when; at most `most` rows. */
tip_nodiscard int store_needs_list(struct store_db *db, const char *consumer, int most, PGresult **resultp);
