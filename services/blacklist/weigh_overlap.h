#pragma once
/*
 * What a source has in common with others, in its event: named are only those that its readers may know of.
 */
#include <tip/event.h>

#include "weigh_work.h"

struct app_source;

/** Sets the overlaps of an event of an item as they were measured. @param to  room for TIP_OVERLAPS_MAX, borrowed */
void weigh_overlap_tell(struct tip_source_weight *event, struct tip_source_overlap *to, const struct weigh_order *order,
                        size_t at);

/** Is what was measured another picture than the event told last? */
bool weigh_overlap_moved(const struct tip_source_weight *last, const struct tip_source_weight *now);

/** Takes out those that `tlp` may not know of by now. */
void weigh_overlap_filter(const struct app_source *source, struct tip_source_weight *event, enum tip_tlp tlp);
