#pragma once
/*
 * What TIP saw itself, and what it proves.
 *
 * An observation is independent when it is distinct in what its kind counts by: a day and trap, a fast-flux network, a
 * day at the SMTP door. n of them make p = min(0.95, 1 - (1 - p0)^n), which halves with every half-life of its kind
 * that passes after the last one. What TIP's own treatment caused (a sender that leaves when it is slowed) has p0 = 0,
 * and confirms no source; what a list led to never confirms that list; nothing counts that was derived more than three
 * steps deep.
 *
 * `block` needs two families, or two sources that are independent of each other; one observation alone reaches `slow`
 * at most.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <tip/indicator.h>

enum bl_evidence_kind {
    BL_EVIDENCE_TRAP,        /* a mail in a spamtrap: a distinct day and trap */
    BL_EVIDENCE_FLUX,        /* an agent of a fast-flux network, or the name it serves: a distinct network */
    BL_EVIDENCE_SMTP,        /* behaviour at the SMTP door that no treatment caused: a distinct day */
    BL_EVIDENCE_ABANDONMENT, /* it left while it was slowed: proves nothing */
    BL_EVIDENCE_KIND_COUNT
};

enum { BL_EVIDENCE_DEPTH_MAX = 3, BL_EVIDENCE_CONFIRM_S = 7 * 24 * 60 * 60 };

#define BL_EVIDENCE_ANY_SOURCE "*" /* as because_of: any may have led to it, so it confirms none */

#define BL_EVIDENCE_MOST      0.95
#define BL_EVIDENCE_SLOW_MOST 0.89 /* below `block` */

/** Of one indicator. */
struct bl_observation {
    enum tip_kind kind;
    uint32_t addr;     /* of an IPv4 host, by number: a table sets it (core/witness.h) */
    const char *value; /* borrowed */
    size_t len;
    enum bl_evidence_kind what;
    uint32_t at_s;
    uint64_t distinct;      /* what makes it independent of others of its kind: two with one number are one */
    uint32_t also;          /* 0, or a second such number: two that share it are one as well */
    uint32_t depth;         /* of the event that brought it */
    const char *because_of; /* the sources whose listings led to it, a blank between two; NULL for none */
    uint8_t tlp;            /* marking of that event */
    bool is_ip4;            /* as addr */
};

/** "trap", "flux", "smtp", "abandonment": of the first three the names of their families. */
const char *bl_evidence_name(enum bl_evidence_kind what);

/** p0. */
double bl_evidence_first(enum bl_evidence_kind what);

/** p of n independent observations. */
double bl_evidence_p(enum bl_evidence_kind what, uint64_t n);

/** How long until what was last seen counts half; seconds. */
uint32_t bl_evidence_half_life(enum bl_evidence_kind what);

/** A number for what makes an observation distinct: of a text and a number, such as a trap and a day. */
uint64_t bl_evidence_distinct(const char *text, size_t len, uint64_t number);

/** The same, short, of a second name that it may go by; 0 of none. */
uint32_t bl_evidence_also(const char *text, size_t len);

/**
 * How many of them are independent: those that share `distinct`, or `also`, are one, and so are those that a chain of
 * such pairs joins.
 *
 * @param items  of one indicator and kind, ordered by `distinct`
 */
size_t bl_evidence_independent(const struct bl_observation *items, size_t n);

/** May it count at all? */
bool bl_evidence_counts(const struct bl_observation *observation);

/** Does it confirm what a source lists since a time: seen by ourselves within 7 days after, and not led to by it? */
bool bl_evidence_confirms(const struct bl_observation *observation, const char *source, uint32_t since_s);

/** What stands behind a score. */
struct bl_evidence_base {
    unsigned n_families;    /* list, trap, flux, smtp: with a share */
    unsigned n_independent; /* sources of different maintainers, none below I = 0.5 */
};

/** The score that may be told: below `block` as long as one thing alone stands behind it. */
double bl_evidence_rule(double score, const struct bl_evidence_base *base);
