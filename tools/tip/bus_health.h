#pragma once
/* What is wrong on the bus, in words: the worst first. Pure. */
#include <stddef.h>

#include <tip/cleanup.h>

#include "bus_state.h"

enum {
    BUS_WRONGS_MAX = 32,
    BUS_WRONG_BYTES = 240,
    /* from where on a person should look */
    BUS_LAG_REQUIRED_S = 30, /* of a consumer for which publishers will wait */
    BUS_LAG_S = 3600,        /* of any other */
    BUS_TRIMMED_SOON_S = 3600,
    BUS_UNACKED_MS = 10000,
    BUS_WINDOW_PERCENT = 90,
    BUS_WINDOW_MS = 1000, /* a window that is full for a moment is a fast publisher */
    BUS_QUEUED_MS = 5000
};

struct bus_health {
    size_t n; /* more than BUS_WRONGS_MAX are counted, not kept */
    char wrongs[BUS_WRONGS_MAX][BUS_WRONG_BYTES];
};

/** Appends. */
void bus_health_judge(struct bus_health *health, const struct bus_state *state);

/** A sentence of somebody else. */
void bus_health_add(struct bus_health *health, const char *format, ...) tip_printf(2, 3);
