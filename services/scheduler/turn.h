#pragma once
/*
 * A turn: any number of core steps at one moment, then one transaction with the states they changed, the position of
 * the input that led there, and the events that follow. Nothing is sent before that.
 */
#include <tip/outbox.h>

#include "core/sched.h"

struct app;

struct turn {
    struct sched_now now;
    struct sched_actions actions;
};

/** False when the outbox could not hold what a turn may publish: try later. */
bool turn_has_room(const struct app *app);

void turn_begin(struct app *app, struct turn *turn);

/** A step that cannot fail: time, reports, topics. */
void turn_step(struct app *app, struct turn *turn, const struct sched_event *event);

/**
 * Makes the turn durable, with what `also` adds, and ends it. When it cannot the process ends, since the core has moved
 * on already: a start from what is stored puts that right. Until it has ended no other turn is stored either, since
 * that one would keep the lost one's states and input without its events.
 *
 * @param also  may be NULL
 * @return 0, or a negative errno: acknowledge nothing
 */
tip_nodiscard int turn_commit(struct app *app, struct turn *turn, int (*also)(void *ctx, struct tip_outbox_txn *txn),
                              void *ctx);

/** Ends it without a trace. */
void turn_drop(struct turn *turn);
