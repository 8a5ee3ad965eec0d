#pragma once
/* The programs of a site, and short runs of them. */
#include <stdbool.h>
#include <stddef.h>

#include <tip/buf.h>

struct program {
    const char *name; /* tip-<name>, section <name>, <run>/<name>.sock */
    unsigned rank;    /* of ending under `tip up`: 0 first */
};

enum { PROGRAMS = 5, PROGRAM_PATH_BYTES = 1024, PROGRAM_OUTPUT_BYTES = 1024 * 1024 };

extern const struct program programs[PROGRAMS];

/** The directory this program itself lies in; the others lie beside it. "" if the kernel does not say. */
const char *program_dir(void);

/** tip-<name> in the directory. */
void program_path(const char *name, char path[static PROGRAM_PATH_BYTES]);

/**
 * Runs a program to its end.
 *
 * @param argv    NULL-terminated; argv[0] is its path
 * @param out     what it wrote to standard output, up to the buffer's cap; NULL: it goes to ours
 * @param errors  the same of standard error
 * @param codep   exit code, or 128 + signal
 * @return 0, or a negative errno when it could not be run
 */
tip_nodiscard int program_run(const char *const *argv, struct tip_buf *out, struct tip_buf *errors, int *codep);

/**
 * A value in what `tip-<name> --show-config` prints: lines "key TAB value TAB origin".
 *
 * @param value  at least `room` bytes
 * @return true if the key is there and its origin is not "default"
 */
bool program_setting(const char *text, const char *key, char *value, size_t room);
