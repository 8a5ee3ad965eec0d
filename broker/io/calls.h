#pragma once
/* The work door: jobs and calls between services, over core/work. */
#include <stdint.h>

#include <tip/buf.h>
#include <tip/cleanup.h>

#include "core/work.h"
#include "io/guard.h"
#include "meter.h"

struct calls;
struct tip_loop;

/** What the broker itself says to a call. */
struct calls_answer {
    struct tip_buf *body; /* to be filled; empty */
    const char *reason;   /* a sentence, when code is not 0; lives until the next call */
    uint32_t code;        /* a Failure, or 0 */
};

struct calls_options {
    const char *endpoint;
    struct guard guard;
    struct work_limits limits;
    struct meter *meter; /* borrowed */
    /** Answers queue `own_queue` at once, without a worker. */
    const char *own_queue;
    void (*on_own)(void *ctx, const uint8_t *body, size_t n, struct calls_answer *answer);
    void *ctx;
};

tip_nodiscard int calls_open(struct calls **callsp, struct tip_loop *loop, const struct calls_options *options);
void calls_destroy(struct calls **callsp);

/** What revoked keys have taken goes back, what they wait for is answered to nobody. */
void calls_revoke(struct calls *calls);
void calls_stop(struct calls *calls);

/** Once a second: who takes none of what it was answered is cut off when that is too much. */
void calls_tick(struct calls *calls);

/** Sets the metric of what waits for peers: for whoever reads metrics. */
void calls_tell(const struct calls *calls);

/** How every queue is: as work_each_queue. */
void calls_each_queue(const struct calls *calls, void (*fn)(void *ctx, const struct work_queue_stats *stats),
                      void *ctx);
