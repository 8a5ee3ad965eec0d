#pragma once
/* The simulated internet alone, for a TIP that runs elsewhere: in containers, say. */
#include <stdint.h>

struct world_config {
    const char *dir;    /* exists; everything is made below it */
    const char *listen; /* "0.0.0.0:8090" */
    uint64_t seed;
};

/** Runs until SIGINT or SIGTERM. @return an enum cli_exit */
int world_run(const struct world_config *config);
