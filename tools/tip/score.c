#include "score.h"

#include <tip/event.h>

double score_of(const double *weights, size_t n)
{
    double rest = 1;

    for (size_t i = 0; i < n; i++)
        rest *= 1 - weights[i];
    return 1 - rest;
}

int score_text(const double *weights, size_t n, struct tip_buf *out)
{
    double score = score_of(weights, n);
    int r = n ? tip_buf_append_text(out, "1 - ") : 0;

    for (size_t i = 0; i < n && r == 0; i++)
        r = tip_buf_append_format(out, "(1-%.2f)", weights[i]);
    if (r)
        return r;
    return tip_buf_append_format(out, "%s%.2f -> %s", n ? " = " : "", score, tip_tier_name(tip_tier_of(score)));
}
