#pragma once
/*
 * The operators' allow and deny list, over restarts. Every change of it has a number; an entry is born with one and
 * dies with one. Verdicts follow by a job (WORK_ALLOW) that leads from the change in force to the newest; until it is
 * done the dead that were in force are kept, so that whoever does the job again does it the same way.
 */
#include <tip/domain.h>
#include <tip/hash.h>
#include <tip/outbox.h>

#include "core/allow.h"
#include "options.h"
#include "state.h"

struct app;

enum { OPERATOR_WHY = 200 };

/** An entry. */
struct operator_entry {
    struct bl_word word; /* its texts are the entry's */
    char *value, *reason, *actor;
    char key[TIP_DOMAIN_MAX + 16]; /* "3 bad.example" */
    struct operator_entry *next;   /* among the dead */
    UT_hash_handle hh;             /* among those that stand, by key */
};

struct operator_list {
    struct operator_entry *standing;
    struct operator_entry *dead;
    uint64_t last, in_force; /* changes */
    bool is_known;           /* this volume has told its list */
    int64_t next_until_ms;   /* when the next one ends; 0: none does */
    struct bl_allow *allow;  /* in force; NULL until asked for */
};

/** @return 0 or a negative errno */
tip_nodiscard int operator_load(struct app *app, struct tip_outbox_txn *txn);
void operator_free(struct app *app);

/** Makes the networks of tip.yaml entries, and forgets those that it names no more. */
void operator_configure(struct app *app, const struct bl_options *options);

/** Each second: entries whose time is over end. */
void operator_tick(struct app *app);

/** What is asked for, canonical. */
struct operator_order {
    enum bl_rule rule;
    bool is_subtree;
    struct tip_indicator indicator;
    int64_t until_unix_ms;
    const char *reason, *actor;
};

/** May it stand on the list? @return NULL, or why not */
const char *operator_refuses(const struct app *app, const struct operator_order *order);

/** The entry of an indicator, or NULL. */
struct operator_entry *operator_find(const struct app *app, const struct tip_indicator *indicator);

/** The entry that decides on an indicator, or NULL. */
struct operator_entry *operator_decides(struct app *app, const struct tip_indicator *indicator);

/** Adds or replaces, and queues the job; removes. Within a transaction that has room. */
tip_nodiscard int operator_add(struct app *app, struct tip_outbox_txn *txn, const struct operator_order *order);
tip_nodiscard int operator_remove(struct app *app, struct tip_outbox_txn *txn, struct operator_entry *entry);

/** The list in force, as a copy; the list as of a change, and the entries that make the difference between two. */
struct bl_allow *operator_in_force(struct app *app);
struct bl_allow *operator_at(const struct app *app, uint64_t change);
struct bl_allow *operator_between(const struct app *app, uint64_t from, uint64_t to);

/** The newest list as an audience may see its effects: of denials nothing below amber. */
struct bl_allow *operator_seen(const struct app *app, enum tip_tlp audience);

/** Verdicts now follow the list as of this change: within the transaction of the job's last part. */
tip_nodiscard int operator_in_force_set(struct app *app, struct tip_outbox_txn *txn, uint64_t change);

/** An entry as the event carries it, borrowed. */
struct tip_allow_entry operator_told(const struct operator_entry *entry);
