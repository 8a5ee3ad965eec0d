#pragma once
/*
 * The sum behind a verdict in words: 1 - (1-a)(1-b), over the lists that count.
 */
#include <stddef.h>

#include <tip/buf.h>

struct web_share {
    const char *source;
    double weight;
};

/** Appends "1 - (1-0.50)(1-0.70) = 0.85". */
tip_nodiscard int web_score_text(const struct web_share *shares, size_t n, struct tip_buf *out);
double web_score_of(const struct web_share *shares, size_t n);
