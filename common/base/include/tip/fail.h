#pragma once
/*
 * Errors: 0 is success, negative errno is fatal for the operation and passed up unchanged, positive codes are facts
 * of one function, listed in its header comment, and handled by its direct caller.
 */
#include <errno.h>

/** One step of a failing operation, told to the hook while it is passed up. */
struct tip_fail_site {
    const char *file;
    const char *function;
    int line;
    int code; /* negative errno */
};

/**
 * Starts or extends the trace of a failing operation.
 *
 * @param r  what the failing call returned; a stray positive code becomes -ENOTRECOVERABLE
 * @return a negative errno, never 0
 */
#define tip_fail(r) tip_fail_at((r), __FILE__, __func__, __LINE__)
int tip_fail_at(int r, const char *file, const char *function, int line);

/**
 * Who hears of each site; NULL (the default) for nobody. The log installs itself here. Not thread safe: set it
 * before threads start.
 */
void tip_fail_hook(void (*hook)(const struct tip_fail_site *site));
