#pragma once
/*
 * Is a delivery a list at all, and may it follow on the last one? FAILED and HELD change nothing: the last good version
 * stays. What is usual for a source is learned from its own steps.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/report.h"
#include "core/set.h"

enum { BL_GUARD_HEAD = 1024 }; /* bytes of the body that are looked at */

/** A delivery that has been parsed. */
struct bl_delivery {
    const char *head; /* the first bytes of the body, at most BL_GUARD_HEAD are read */
    size_t n_head;
    uint64_t n_bytes;
    const char *parse_why; /* what the parser refused the body for; "" if it did not */
    const struct bl_report *report;
    size_t n_entries; /* distinct ones */
    bool can_be_empty;
    bool reads_markup; /* entries may be taken out of a web page */
};

/** Does a body start like HTML or XML? "html", "xml", or NULL. */
const char *bl_guard_markup(const char *head, size_t n);

/**
 * Why a delivery must not become a version.
 *
 * @return "" when it may, else a word: "empty", "html", "xml", "error_text", "no_valid_entry", or the parser's own
 */
const char *bl_guard_why(const struct bl_delivery *delivery);

/** A sentence for people about a word of bl_guard_why. */
const char *bl_guard_sentence(const char *why);

/* ---- from one version to the next ---- */

enum {
    BL_GUARD_STEPS = 128,   /* of a source that are remembered: 1 KiB */
    BL_GUARD_ONE = 1000,    /* shares are counted in thousandths */
    BL_GUARD_FEW = 20,      /* fewer entries that come or go are never too many */
    BL_GUARD_FAMILY = 8,    /* fewer addresses of a family may vanish */
    BL_GUARD_MEDIAN = 5,    /* steps before a share of good lines is known */
    BL_GUARD_REMOVED = 500, /* share of the last version that may always go */
    BL_GUARD_ADDED = 1000,  /* that may always come */
    BL_GUARD_LOST = 900,    /* by which it may never get shorter at once */
    BL_GUARD_TIMES = 3,     /* or as many times the 99th percentile of its own steps */
    BL_GUARD_AGREE = 3,     /* deliveries that agree within a tenth are believed … */
    BL_GUARD_INTERVALS = 2  /* … when they are spread over so many intervals */
};

/** A version that was accepted, as it came. */
struct bl_step {
    uint16_t removed, added; /* thousandths of the version before it; 65535 for more */
    uint16_t valid;          /* thousandths of what was read as an entry */
    uint16_t gap_min;        /* since the version before it; 65535 for more, 0 for not known */
};

/** What is remembered of a source. Zero is a source of which nothing is known. Stored as it is. */
struct bl_guard {
    struct bl_step steps[BL_GUARD_STEPS]; /* a ring */
    uint64_t n_steps;                     /* ever */
    uint64_t held_entries;                /* of the first delivery that is being held */
    int64_t held_since_unix_ms;           /* when it came; 0: nothing is held */
    uint32_t n_agreeing;                  /* deliveries that agree with it, itself among them */
    uint32_t is_released;                 /* an operator believes it */
    char why[16];                         /* why it is held */
};

/** A delivery beside the version in force. */
struct bl_change {
    uint64_t n_before, n_after, n_added, n_removed;
    uint64_t n4_before, n4_after, n6_before, n6_after; /* addresses and networks */
};

/** Of addresses and networks. */
void bl_guard_families(const struct bl_set *set, uint64_t *n4p, uint64_t *n6p);

/** Thousandths of the version in force that may go, or come, at once. */
struct bl_limits {
    uint32_t removed, added;
    uint32_t lost; /* by how much it may get shorter: what comes makes up for what goes */
};

struct bl_limits bl_guard_limits(const struct bl_guard *guard);

/** Of what was read as an entry, how many thousandths are one: a record of JSON may hold many, or none. */
uint16_t bl_guard_valid(const struct bl_report *report);

/** Are they less than half of what they used to be (the median)? Then it is another file, or half of one. */
bool bl_guard_few_valid(const struct bl_guard *guard, const struct bl_report *report);

/** Why the change is held: "shrank", "grew", "family_vanished"; "" when it is not. */
const char *bl_guard_holds(const struct bl_guard *guard, const struct bl_change *change);

/**
 * A delivery that is held has come.
 *
 * @param interval_ms  the source's own
 * @return whether it is to be believed: an operator does, or BL_GUARD_AGREE deliveries agree that are spread over
 *         BL_GUARD_INTERVALS intervals. One that does not agree begins anew.
 */
bool bl_guard_hold(struct bl_guard *guard, const struct bl_change *change, int64_t interval_ms, int64_t now_unix_ms);

/** What was held is over: a delivery came that follows on the last version, or was believed. */
void bl_guard_clear(struct bl_guard *guard);

/** A version was accepted. */
void bl_guard_record(struct bl_guard *guard, const struct bl_change *change, uint16_t valid, int64_t gap_ms);
