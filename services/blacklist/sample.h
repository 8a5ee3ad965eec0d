#pragma once
/*
 * Does a source read its sample as its file says? Offline: no server is asked.
 */
#include <stddef.h>

#include <tip/buf.h>

#include "core/report.h"
#include "spec.h"

enum { BL_SAMPLE_BYTES = 256 * 1024 };

/**
 * Reads NAME.sample, the unpacked body of a delivery.
 *
 * @param why      appended: what differs; empty when all is as promised
 * @param report   set to what was seen
 * @return 0, a negative errno when the sample cannot be read (-ENOENT: there is none), -ENOBUFS for too many
 * differences
 */
tip_nodiscard int bl_sample_check(const struct bl_spec *spec, struct tip_buf *why, struct bl_report *report);
