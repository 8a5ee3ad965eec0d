#pragma once
/* The work door: jobs and calls between services, over core/work. */
#include <stdint.h>

#include <tip/cleanup.h>

#include "core/work.h"
#include "meter.h"

struct calls;
struct tip_loop;

struct calls_options {
    const char *endpoint;
    struct work_limits limits;
    struct meter *meter; /* borrowed */
};

tip_nodiscard int calls_open(struct calls **callsp, struct tip_loop *loop, const struct calls_options *options);
void calls_destroy(struct calls **callsp);
void calls_stop(struct calls *calls);
