#include "core/score.h"

double web_score_of(const struct web_share *shares, size_t n)
{
    double rest = 1;

    for (size_t i = 0; i < n; i++)
        rest *= 1 - shares[i].weight;
    return 1 - rest;
}

int web_score_text(const struct web_share *shares, size_t n, struct tip_buf *out)
{
    int r = n ? tip_buf_append_text(out, "1 - ") : 0;

    for (size_t i = 0; i < n && r == 0; i++)
        r = tip_buf_append_format(out, "(1-%.2f)", shares[i].weight);
    return r ? r : tip_buf_append_format(out, "%s%.2f", n ? " = " : "", web_score_of(shares, n));
}
