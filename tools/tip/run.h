#pragma once
/* Asking the scheduler to start a module now, for `tip run` and `tip source run`. */
#include <stdbool.h>
#include <stdint.h>

struct cli;

struct run_request {
    const char *target; /* "module" or "module/target" */
    const char *source; /* a list that must be there; NULL: the module must */
    const char *reason;
    bool force, dry_run, wait;
    uint64_t timeout_ms;
};

/** @return an enum cli_exit; CLI_FAILED also when the run itself failed, CLI_NOT_FOUND when nobody has that name */
int run_module(struct cli *cli, const struct run_request *request);
