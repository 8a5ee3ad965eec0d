#pragma once
/*
 * Durable consumers: how far each one has stored the journal for good, and what that means for retention. Pure; times
 * are the journal's own (commit time), so a jump of the wall clock expires nobody.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <tip/buf.h>
#include <tip/cleanup.h>

#include "journal_table.h"

enum { JOURNAL_HOLDS_MAX = 256 };
enum { JOURNAL_HOLDS_E_FULL = 1 };

struct journal_hold {
    char name[JOURNAL_NAME_MAX + 1];
    uint64_t committed; /* everything up to this seq is not needed any more */
    int64_t seen_us;
    bool required;  /* from the configuration: at the cap acks stop rather than trimming it */
    bool away;      /* required, and expired: holds nothing until it is seen again */
    bool overtaken; /* trimmed beyond `committed`; until it commits again */

    /* since the journal was opened; not on disk */
    int64_t heard_us; /* it asked; 0: not yet. seen_us is written, and so is coarser */
    uint64_t n_fetched, n_fetched_bytes;
};

struct journal_holds {
    struct journal_hold *items;
    size_t n;
    bool changed; /* since the last encode */
};

void journal_holds_init(struct journal_holds *holds);
void journal_holds_deinit(struct journal_holds *holds);

/** NULL when it is not there. */
struct journal_hold *journal_holds_find(const struct journal_holds *holds, const char *name);

/** Finds or makes one: 0, JOURNAL_HOLDS_E_FULL, or -EINVAL for a bad name. `now_us` is when it is first seen. */
tip_nodiscard int journal_holds_get(struct journal_holds *holds, const char *name, int64_t now_us,
                                    struct journal_hold **holdp);

/**
 * The consumer that needs the oldest records.
 *
 * @param all  false: required ones only
 * @return NULL when nobody holds anything
 */
const struct journal_hold *journal_holds_oldest(const struct journal_holds *holds, bool all);

/** Forgets those not seen since before_us; required ones are kept as away. */
void journal_holds_expire(struct journal_holds *holds, int64_t before_us);

/** The file `consumers`: bound to the journal's id. Encoding clears `changed`. */
tip_nodiscard int journal_holds_encode(struct journal_holds *holds, struct tip_buf *out,
                                       const struct journal_identity *identity);

/** Fills an empty set. @return 0, or -EBADMSG for another journal's or a damaged file */
tip_nodiscard int journal_holds_decode(struct journal_holds *holds, const uint8_t *bytes, size_t n,
                                       const struct journal_identity *identity);
