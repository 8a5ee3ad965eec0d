#include "removal.h"

#include <math.h>
#include <string.h>

#include <tip/clock.h>

enum { REMOVAL_DAY_S = 24 * 60 * 60, REMOVAL_MOST_S = 20 * 366 * REMOVAL_DAY_S };

#define REMOVAL_LEAST  0.001 /* of a share; less is nothing */
#define REMOVAL_STANDS 0.05  /* from there on a share stands behind a score */
#define REMOVAL_FINAL  0.9   /* a list with that weight may be the operators' word */
#define REMOVAL_SLACK  1e-9  /* sums of 0.3 and 0.5 reach what they are meant to reach */

double removal_decayed(double p, int64_t age_s, int64_t half_life_s)
{
    double left = p;

    if (age_s > 0)
        left = half_life_s > 0 ? p * exp2(-(double)age_s / (double)half_life_s) : 0;
    return left < REMOVAL_LEAST ? 0 : left;
}

int64_t removal_family_half_life_s(const char *family)
{
    static const struct {
        const char *family;
        int64_t half_life_s;
    } rows[] = {{"trap", 3 * REMOVAL_DAY_S}, {"flux", 7 * REMOVAL_DAY_S}, {"smtp", REMOVAL_DAY_S}};

    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        if (!strcmp(rows[i].family, family))
            return rows[i].half_life_s;
    }
    return 0;
}

double removal_score(const struct removal_share *shares, size_t n, size_t without)
{
    double rest = 1;

    for (size_t i = 0; i < n; i++)
        rest *= i == without ? 1 : 1 - shares[i].p;
    return 1 - rest;
}

enum removal_rule removal_rule_of(const struct removal_share *shares, size_t n, size_t without)
{
    size_t n_lists = 0, n_families = 0;
    bool is_final = false;
    double listed = 1;

    for (size_t i = 0; i < n; i++) {
        bool stands = i != without && shares[i].p + REMOVAL_SLACK >= REMOVAL_STANDS, is_own = shares[i].is_own;

        n_families += stands && is_own;
        n_lists += stands && !is_own;
        is_final |= stands && !is_own && shares[i].p + REMOVAL_SLACK >= REMOVAL_FINAL;
        listed *= i == without || is_own ? 1 : 1 - shares[i].p;
    }
    n_families += 1 - listed + REMOVAL_SLACK >= REMOVAL_STANDS;
    if (n_families >= 2 || removal_score(shares, n, without) <= REMOVAL_CAP)
        return REMOVAL_SUM;
    return n_lists >= 2 || is_final ? REMOVAL_AT_MOST : REMOVAL_CAPPED;
}

static double removal_score_after(const struct removal_share *shares, size_t n, int64_t after_s)
{
    double rest = 1;

    for (size_t i = 0; i < n; i++)
        rest *= 1 - removal_decayed(shares[i].p, after_s, shares[i].half_life_s);
    return 1 - rest;
}

int64_t removal_below_s(const struct removal_share *shares, size_t n, double least)
{
    int64_t low = 0, high = REMOVAL_MOST_S; /* at `low` it is not below; at `high` it is */

    if (removal_score_after(shares, n, 1) < least)
        return 0;
    while (high - low > 1) {
        int64_t middle = low + (high - low) / 2;

        if (removal_score_after(shares, n, middle) < least)
            high = middle;
        else
            low = middle;
    }
    return high;
}

int removal_text(const struct removal_share *share, struct tip_buf *out)
{
    char half_life[TIP_DURATION_TEXT];

    tip_duration_format((uint64_t)share->half_life_s * TIP_SECOND_MS, half_life);
    if (share->is_own)
        return tip_buf_append_format(out, "TIP must not see it again; its share halves every %s", half_life);
    if (share->is_fading && share->is_listed)
        return tip_buf_append_format(out, "never removes anything; its share halves every %s by itself", half_life);
    if (share->is_fading)
        return tip_buf_append_format(out, "has left this list; its share halves every %s by itself", half_life);
    if (share->half_life_s)
        return tip_buf_append_format(out, "has to be delisted there; its share then halves every %s", half_life);
    return tip_buf_append_text(out, "has to be delisted there; then it counts no more");
}
