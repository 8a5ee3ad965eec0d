#pragma once
/* The arithmetic of a score, in words and numbers. */
#include <stddef.h>

#include <tip/buf.h>

/** 1 - product(1 - weight): what remains if the sources err independently. */
double score_of(const double *weights, size_t n);

/**
 * "1 - (1-0.60)(1-0.50) = 0.80 -> slow".
 *
 * @return 0 or -ENOBUFS
 */
tip_nodiscard int score_text(const double *weights, size_t n, struct tip_buf *out);
