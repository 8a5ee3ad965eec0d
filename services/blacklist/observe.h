#pragma once
/*
 * What TIP observed itself, over restarts. Every change has a number, as on the allow and deny list (operator.h): an
 * observation is born with one, and dies with one when a newer one of its kind takes its place, after 90 days, or when
 * they are too many or take too much of the map: then the oldest of the kind that has most make room for a new one,
 * before it comes, so that no kind pushes out another one that has less. What has no room because verdicts are behind
 * is dropped, and counted. Verdicts follow from number to number; the dead that were in force are kept until they have.
 *
 * One that was seen before on that UTC day, at that time or later, changes nothing, so replay is idempotent and order
 * does not matter.
 */
#include <tip/hash.h>
#include <tip/outbox.h>

#include "core/witness.h"
#include "observed.h"
#include "options.h"

struct app;

/** One that stands, or one that is dead. */
struct observe_item {
    uint64_t born, died; /* died 0: it stands */
    uint32_t at_s;
    uint32_t depth; /* of the event that brought it */
    uint32_t len;   /* of the key */
    enum bl_evidence_kind what;
    unsigned char *key;        /* owned: all that makes it this one; see observe.c */
    struct observe_item *next; /* among the dead */
    UT_hash_handle hh;         /* among those of its kind that stand, by key, the oldest change first */
};

/** All of one kind. */
struct observe_kind {
    struct observe_item *standing;
    size_t bytes; /* of the map */
};

enum { OBSERVE_TABLES = 3 }; /* that in force, the one that follows, and the newest */

/** What was observed as of a change. */
struct observe_table {
    uint64_t change;
    struct bl_witnesses *witnesses; /* NULL: none. Made once, kept here and by whoever asks */
};

struct observe_list {
    struct observe_table tables[OBSERVE_TABLES]; /* the one that was asked for last first */
    struct observe_kind kinds[BL_EVIDENCE_KIND_COUNT];
    struct observe_item *dead;
    size_t n_dead, max;
    size_t bytes_max;        /* of the map, by those that stand */
    size_t bytes_all;        /* and by the dead: twice bytes_max at most */
    uint64_t last, in_force; /* changes */
    uint32_t next_over_s;    /* when the next one is too old; 0: not known */
    struct tip_prefix ordinary[BL_OWN_MAX];
    size_t n_ordinary;
};

/** @return 0 or a negative errno */
tip_nodiscard int observe_load(struct app *app, struct tip_outbox_txn *txn);
void observe_free(struct app *app);
void observe_configure(struct app *app, const struct bl_options *options);

/** Takes what an event shows, in the transaction that moves the input. */
tip_nodiscard int observe_hear(struct app *app, struct tip_outbox_txn *txn, const struct tip_event *event,
                               const struct tip_stamp *stamp);

/** Each second: what is over or too much is forgotten. */
void observe_tick(struct app *app);

/** How many of a kind stand. */
size_t observe_count(const struct app *app, enum bl_evidence_kind what);

/** The change that events may speak of already: of the job that has begun, else that in force. */
uint64_t observe_stands(const struct app *app);

/**
 * What was observed as of a change, that in force or a later one, and may be told to an audience: the caller's to give
 * up, shared with all who ask for the same. It is made of an older one and what has changed since, so it costs the loop
 * only that; bl_witnesses_build is the pool's.
 */
struct bl_witnesses *observe_at(struct app *app, uint64_t change, enum tip_tlp audience);

/** The latest change that somebody has a table of: what was born until then has to say when it died. */
uint64_t observe_known(const struct app *app);

/** Tables of before a change are forgotten, for their dead will be. */
void observe_outdate(struct observe_list *list, uint64_t change);

/** Verdicts now follow what was observed as of this change: within a transaction. */
tip_nodiscard int observe_in_force_set(struct app *app, struct tip_outbox_txn *txn, uint64_t change);
