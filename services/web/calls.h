#pragma once
/*
 * Questions to other services: a bounded number under way, the others in line, each with its deadline.
 */
#include <tip/bus.h>
#include <tip/metrics.h>

struct web_calls;
struct web_call;

enum { WEB_CALLS_WAITING_MAX = 512, WEB_CALLS_OTHER = 64 };

/** @param store_max  questions to store.query at once */
struct web_calls *web_calls_new(struct tip_loop *loop, struct tip_bus *bus, struct tip_metrics *metrics,
                                size_t store_max);
void web_calls_destroy(struct web_calls **callsp);

/** Another number of questions to store.query at once, from now on. */
void web_calls_max(struct web_calls *calls, size_t store_max);

/**
 * Asks a queue, or gets in line. on_end is called once, from the loop, unless it is cancelled.
 *
 * @param body  taken; empty afterwards
 * @return NULL when too many are in line
 */
struct web_call *web_call(struct web_calls *calls, const char *queue, struct tip_buf *body, int64_t deadline_ms,
                          tip_call_fn on_end, void *ctx);

/** Forgets it. Accepts NULL. */
void web_call_cancel(struct web_call **callp);
