#pragma once
/*
 * What storage knows of an indicator, taken apart: which lists count how much, what that makes, how it compares with
 * the verdict that was told, and what would remove it. No I/O but the two writers.
 */
#include <tip/call.h>
#include <tip/event.h>
#include <tip/indicator.h>

#include "command.h"
#include "inherited.h"
#include "removal.h"

enum { EXPLAIN_SOURCES_MAX = 1000, EXPLAIN_OWN_MAX = 3, EXPLAIN_TEXT = 32 * 1024 };

#define EXPLAIN_WATCH 0.3 /* the least that is watched */

struct explain {
    const struct cli *cli;
    struct tip_indicator indicator;
    int64_t at_unix_ms; /* as of when */
    const char *at;     /* the same, as it was asked for; "": now */
    const struct tip_store_answer *answer;
    const struct tip_store_answer *allow;  /* what of the operators' list bears on it; the first row decides */
    const struct tip_store_answer *around; /* of search: what bears on it without naming it */
    struct inherited inherited;            /* of them */
    struct removal_share shares[EXPLAIN_SOURCES_MAX + EXPLAIN_OWN_MAX];
    size_t rows[EXPLAIN_SOURCES_MAX + EXPLAIN_OWN_MAX]; /* of the answer, one a share */
    size_t n_shares;
    json_t *families; /* of the verdict that was told; owned, NULL without one */
    json_t *reasons;  /* likewise */
    struct tip_buf arithmetic;
};

void explain_init(struct explain *explain, const struct cli *cli);
void explain_deinit(struct explain *explain);

/** Fills the shares and the arithmetic. @return 0 or -ENOBUFS */
tip_nodiscard int explain_compute(struct explain *explain);

/** A cell; NULL, or "-", for null, and of a row that is not there. */
const char *explain_cell(const struct explain *explain, size_t row, const char *column);
const char *explain_text(const struct explain *explain, size_t row, const char *column);

/** A cell of another answer; "" for null. */
const char *explain_of(const struct tip_store_answer *answer, size_t row, const char *column);

/** Does a list, a verdict or the operators' word name the indicator itself? */
bool explain_is_named(const struct explain *explain);

bool explain_is_listed(const struct explain *explain, size_t row);

/** Whether it was listed at the time asked for is known. */
bool explain_is_kept(const struct explain *explain, size_t row);
unsigned long explain_flags(const struct explain *explain, size_t row);

/** What the row's source is worth in the score; 0: it does not count. */
double explain_share(const struct explain *explain, size_t row);

/** A row of a search that is not about the indicator itself, and is still listed. */
bool explain_is_around(const struct tip_store_answer *around, size_t row);

/** The raw line as text: printable ASCII as it is, the rest as \xNN. */
void explain_raw(const char *hex, char *text, size_t room);

/** Of a sum: a hair below its bound it has reached it. */
enum tip_tier explain_tier(double score);

/** How a score was found. What was told settles what storage does not know of the lists. */
enum removal_rule explain_rule(const struct explain *explain);

double explain_found(const struct explain *explain);   /* by that rule, without what comes after it */
double explain_decided(const struct explain *explain); /* with the operators' word, or what a reference list takes */

/** The reference list that has put the verdict down, as `role:list`; NULL: none. @param leftp  what is left of each 1
 */
const char *explain_exempt(const struct explain *explain, double *leftp);
double explain_stored(const struct explain *explain); /* that was told; -1: nothing was */
bool explain_agrees(const struct explain *explain);   /* the last two; below watch all are alike */

/** Below `block` because one thing alone stands behind it. */
bool explain_is_capped(const struct explain *explain);

/** What is left without share i. @param rulep  set */
double explain_without(const struct explain *explain, size_t i, enum removal_rule *rulep);

/** "0.80 -> slow", "at most 0.93 -> block", "below watch". */
int explain_score_text(double score, enum removal_rule rule, struct tip_buf *out);

/** A time of the verdict that was still to come; NULL: none, or over. */
const char *explain_coming(const struct explain *explain, const char *column);

void explain_print(const struct explain *explain);
void explain_print_json(const struct explain *explain);
