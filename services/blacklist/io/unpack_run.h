#pragma once
/* Between unpack.c, which unpacks, and unpack_apart.c, which has it done by another process. */
#include "io/unpack.h"

/** Writes all of it. */
tip_nodiscard int unpack_put(int fd, const char *bytes, size_t n);

/** Hands bytes of the body over, up to bytes_max. */
tip_nodiscard int unpack_take(struct bl_unpack *unpack, const char *bytes, size_t n);

/** When a process is ended that has not come to its end. */
struct unpack_limits {
    int silence_ms; /* without a byte: it hangs, and one thread waits for it */
    unsigned cpu_s; /* of processor time */
};

/** As bl_unpack, of a container. */
tip_nodiscard int unpack_apart(struct bl_unpack *unpack, const struct unpack_limits *limits);
