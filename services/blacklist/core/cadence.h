#pragma once
/*
 * How often a source changes, and whether it has been still for too long: a list that answers 304 for ever has died,
 * and nobody says so.
 */
#include <stdbool.h>
#include <stdint.h>

#include "core/guard.h"

enum {
    BL_CADENCE_GAPS = 8, /* between own changes, before a cadence is learned */
    BL_CADENCE_TIMES = 3 /* as long without a change: dead */
};

/**
 * How long it takes at most between two changes of a source that is alive.
 *
 * @param stated_ms    what its file says; 0: nothing
 * @param interval_ms  between two fetches: no change is seen sooner
 * @return what its file says; else nine of ten of its own gaps are that short; 0 when that is not known yet
 */
int64_t bl_cadence_expected(const struct bl_guard *guard, int64_t stated_ms, int64_t interval_ms);

/**
 * Is it dead? Not known, never changed and a clock that jumped back are no.
 *
 * @param moved_unix_ms  when it last changed, or last wanted to
 */
bool bl_cadence_is_stale(int64_t expected_ms, int64_t moved_unix_ms, int64_t now_unix_ms);
