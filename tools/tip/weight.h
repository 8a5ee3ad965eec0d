#pragma once
/* The arithmetic of a source's weight, for people: each part with the counts it was made of. */
#include <tip/buf.h>

/**
 * Appends lines.
 *
 * @param counts  a source.weight as JSON, the column `counts` of the query `source_weight`
 * @return 0, -EINVAL for what is no such JSON, or -ENOBUFS
 */
tip_nodiscard int weight_text(const char *counts, struct tip_buf *out);
