#pragma once
/*
 * What services do: runs, operators' actions, alarms. One small statement an event.
 */
#include <stdbool.h>
#include <stdint.h>

#include <tip/event.h>

#include "io/db.h"

/** True for the events written here. */
bool store_activity_is(const struct tip_event *event);

/**
 * Writes one.
 *
 * @param unix_ms  when it was observed, clamped
 * @return 0 or STORE_DB_E_*
 */
tip_nodiscard int store_activity_write(struct store_db *db, const struct tip_event *event, int64_t unix_ms);
