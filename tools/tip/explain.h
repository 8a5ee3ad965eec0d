#pragma once
/*
 * What storage knows of an indicator, taken apart: which lists count how much, what that makes, how it compares with
 * the verdict that was told, and what would remove it. No I/O but the two writers.
 */
#include <tip/call.h>
#include <tip/indicator.h>

#include "command.h"
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
    struct removal_share shares[EXPLAIN_SOURCES_MAX + EXPLAIN_OWN_MAX];
    size_t rows[EXPLAIN_SOURCES_MAX + EXPLAIN_OWN_MAX]; /* of the answer, one a share */
    size_t n_shares;
    json_t *families; /* of the verdict that was told; owned, NULL without one */
    struct tip_buf arithmetic;
};

void explain_init(struct explain *explain, const struct cli *cli);
void explain_deinit(struct explain *explain);

/** Fills the shares and the arithmetic. @return 0 or -ENOBUFS */
tip_nodiscard int explain_compute(struct explain *explain);

/** A cell; NULL, or "-", for null. */
const char *explain_cell(const struct explain *explain, size_t row, const char *column);
const char *explain_text(const struct explain *explain, size_t row, const char *column);

/** A cell of another answer; "" for null. */
const char *explain_of(const struct tip_store_answer *answer, size_t row, const char *column);

bool explain_is_listed(const struct explain *explain, size_t row);
unsigned long explain_flags(const struct explain *explain, size_t row);

/** What the row's source is worth in the score; 0: it does not count. */
double explain_share(const struct explain *explain, size_t row);

/** A row of a search that is not about the indicator itself, and is still listed. */
bool explain_is_around(const struct tip_store_answer *around, size_t row);

/** The raw line as text: printable ASCII as it is, the rest as \xNN. */
void explain_raw(const char *hex, char *text, size_t room);

double explain_found(const struct explain *explain);   /* without the operators' word */
double explain_decided(const struct explain *explain); /* with it */
double explain_stored(const struct explain *explain);  /* that was told; -1: nothing was */
bool explain_agrees(const struct explain *explain);    /* the last two */

/** Told below `block` because one thing alone stands behind it. */
bool explain_is_capped(const struct explain *explain);

void explain_print(const struct explain *explain);
void explain_print_json(const struct explain *explain);
