#pragma once
/*
 * Calls of control.scheduler: run, hold, release, list. What each wants and answers stands in README.md.
 */
#include <tip/bus.h>

enum { CONTROL_CREDIT = 16 };

/** Answers one call; ctx is the app. */
void control_on_job(void *ctx, struct tip_job *job);
