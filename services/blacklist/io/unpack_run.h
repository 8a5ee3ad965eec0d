#pragma once
/* Between unpack.c, which unpacks, and unpack_apart.c, which has it done by another process. */
#include "io/unpack.h"

/** Writes all of it. */
tip_nodiscard int unpack_put(int fd, const char *bytes, size_t n);

/** Hands bytes of the body over, up to bytes_max. */
tip_nodiscard int unpack_take(struct bl_unpack *unpack, const char *bytes, size_t n);

/** As bl_unpack, of a container. */
tip_nodiscard int unpack_apart(struct bl_unpack *unpack);
