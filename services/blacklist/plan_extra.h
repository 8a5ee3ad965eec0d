#pragma once
/*
 * Indicators by themselves, collected in any order: for plan.c.
 */
#include <errno.h>

#include "plan.h"

void work_extra_init(struct work_extra *extra);
void work_extra_deinit(struct work_extra *extra);

/** An indicator from elsewhere in the form of the sets; borrows its text. */
struct bl_key work_extra_key(enum tip_kind kind, const char *value, size_t len);

/** @return 0 or -ENOBUFS */
tip_nodiscard int work_extra_add(struct work_extra *extra, const struct bl_key *key);

/** Sorts, once; *seenp lives as long as it. @return 0 or negative errno */
tip_nodiscard int work_extra_finish(struct work_extra *extra, struct bl_seen *seenp);
