#pragma once
/* The lab: a whole site, a simulated internet, and somebody who watches. Runs inside the keeper, unprivileged. */
#include <stdbool.h>
#include <stdint.h>

#include "lab/files.h"
#include "output.h"

struct lab_config {
    const struct lab_files *files;
    const struct out_config *out;
    uint64_t seed;
    uint64_t for_ms; /* ends after this time; 0: with Ctrl-C */
    bool until_done; /* ends as soon as every stage has happened */
    bool is_quiet;
};

/** @return an enum cli_exit: CLI_OK if every stage has happened or no time was set */
int lab_run(const struct lab_config *config);
