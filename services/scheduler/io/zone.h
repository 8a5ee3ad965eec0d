#pragma once
/*
 * A named time zone as a table of the moments at which its clock is set, read once from the system's zoneinfo: looking
 * at it later touches neither files nor the environment.
 */
#include <tip/cleanup.h>

#include "core/cron.h"

struct zone;

/** @return 0, or -ENOENT for a name that the system does not know */
tip_nodiscard int zone_open(struct zone **zonep, const char *name);
void zone_destroy(struct zone **zonep);

const char *zone_name(const struct zone *zone);

/** For the core; valid as long as the zone. */
struct sched_zone zone_clock(const struct zone *zone);
