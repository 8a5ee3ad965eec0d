#pragma once
/*
 * What would remove a verdict: how each share of a score fades, and what is left without it.
 *
 * A share is worth p now. Some halve with every half-life that passes, by themselves: those of lists that never remove
 * anything, of lists that an indicator has left, and of what TIP saw itself. Those of other lists stay for as long as
 * it is listed, and halve from then on.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <tip/buf.h>

enum { REMOVAL_WINDOW_S = 90 * 24 * 60 * 60 }; /* what left a list before counts no more */

#define REMOVAL_CAP 0.89 /* the most of what one thing alone stands behind */

struct removal_share {
    const char *name; /* borrowed: a source or a family */
    double p;
    int64_t half_life_s; /* 0: counts no more as soon as it has left */
    bool is_fading;      /* by itself */
    bool is_listed;      /* the source names it now */
    bool is_own;         /* not a source: observations of TIP's own */
};

/** p after some time, once it fades; less than a thousandth is nothing. */
double removal_decayed(double p, int64_t age_s, int64_t half_life_s);

/** How fast observations of a family fade: "trap", "flux", "smtp"; 0 for any other. Seconds. */
int64_t removal_family_half_life_s(const char *family);

/** The score, without the share `without` (n: with all of them). */
double removal_score(const struct removal_share *shares, size_t n, size_t without);

/** Whether that score is told as it is: `block` takes two that know nothing of each other. */
enum removal_rule {
    REMOVAL_SUM,     /* as it is */
    REMOVAL_CAPPED,  /* one thing alone stands behind it: REMOVAL_CAP */
    REMOVAL_AT_MOST, /* one of these: several lists may know of each other, one may be the operators' word */
};

enum removal_rule removal_rule_of(const struct removal_share *shares, size_t n, size_t without);

/** How long until the score is below `least`, if every list dropped it now; 0: at once. Seconds. */
int64_t removal_below_s(const struct removal_share *shares, size_t n, double least);

/**
 * What has to happen for this share to go: "has to be delisted there; then its share halves every 7d".
 *
 * @return 0 or -ENOBUFS
 */
tip_nodiscard int removal_text(const struct removal_share *share, struct tip_buf *out);
