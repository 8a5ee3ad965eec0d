#pragma once
/*
 * Rows of tip.source during one transaction: loaded, moved by events, saved at the end.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <tip/event.h>
#include <tip/hash.h>

#include "core/chain.h"
#include "io/db.h"

struct store_source {
    char name[TIP_NAME_MAX + 1];
    uint32_t id;
    struct store_chain chain;
    bool chain_moved;
    int16_t tlp, tlp_stored;  /* the marking of its last event that was not of its weight */
    const char *break_reason; /* static; why needs_baseline was set in this transaction */
    UT_hash_handle hh;
};

/** The sources of one transaction by name. */
struct store_sources {
    struct store_source *table;
};

void store_sources_deinit(struct store_sources *sources);

/** Asks for one more; nothing is read yet. */
void store_sources_want(struct store_sources *sources, const char *name);

/** Reads all that are wanted, and makes rows for new ones. */
tip_nodiscard int store_sources_load(struct store_db *db, struct store_sources *sources);

/** Must have been wanted. */
struct store_source *store_sources_get(const struct store_sources *sources, const char *name);

/** Writes the chains that have moved, and markings. */
tip_nodiscard int store_sources_save(struct store_db *db, const struct store_sources *sources);

/** What a source.ok, held or failed says of itself; and a row of history for each new version. */
tip_nodiscard int store_source_state(struct store_db *db, const struct store_source *source,
                                     const struct tip_event *event, int64_t unix_ms);

/** What a source.weight says; and a row of its history, with the marking of the event. */
tip_nodiscard int store_source_weight(struct store_db *db, const struct store_source *source,
                                      const struct tip_event *event, int16_t tlp, int64_t unix_ms);
