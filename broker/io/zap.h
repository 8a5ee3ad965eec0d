#pragma once
/*
 * The ZAP handler: a thread that answers libzmq whether a key may come in. It has a snapshot of the keys, exchanged as
 * a whole, and touches nothing of the loop. libzmq 4.3.4 lets in everybody where no handler is bound, so it is opened
 * before the doors and destroyed after them, and a handler that fails ends the process.
 */
#include <stdint.h>

#include <tip/cleanup.h>

#include "core/zap.h"

struct zap;

/** @return 0 or negative errno; the handler answers for every socket of this process */
tip_nodiscard int zap_open(struct zap **zapp, const struct access_table *table);
void zap_destroy(struct zap **zapp);

/** From now on these keys come in, and no others. Who is in already stays. */
void zap_exchange(struct zap *zap, const struct access_table *table);

/** Answers given since the start. @param door  ACCESS_DOOR_COUNT: for no door of ours */
uint64_t zap_count(const struct zap *zap, enum access_door door, enum zap_verdict verdict);
