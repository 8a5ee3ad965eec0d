#pragma once
/*
 * The body of a list as it came, in a file: read as it is, or unpacked from gzip into another file. Blocking.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <tip/cleanup.h>

/** Facts of bl_unpack; the reason words of a failed source. */
enum {
    BL_UNPACK_E_DAMAGED = 1, /* no gzip, cut short, or a wrong checksum */
    BL_UNPACK_E_TOO_LARGE,   /* more than bytes_max, or 200 times what was packed */
    BL_UNPACK_E_STOPPED,     /* `take` wanted no more */
};

struct bl_unpack {
    const char *from;
    const char *to; /* where the unpacked body is written; NULL: nowhere */
    bool is_gzip;
    uint64_t bytes_max;
    int (*take)(void *ctx, const char *bytes, size_t n); /* not 0: stop */
    void *ctx;
    uint64_t n_bytes; /* set: how many were taken */
};

/** Does the file start like gzip? */
bool bl_unpack_is_gzip(const char *path);

/** @return 0, BL_UNPACK_E_…, what a negative `take` returned, or a negative errno */
tip_nodiscard int bl_unpack(struct bl_unpack *unpack);
