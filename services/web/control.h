#pragma once
/*
 * Calls of control.web: token_add, token_list, token_revoke. What each wants and answers stands in README.md.
 */
#include <tip/bus.h>

enum { CONTROL_CREDIT = 4 };

/** Answers one call; ctx is the app. */
void control_on_job(void *ctx, struct tip_job *job);
