#pragma once
/* Bytes of a file on their way out, in blocks, with their checksum. For setfile.c and seen.c. */
#include <stddef.h>
#include <stdint.h>

#include <tip/cleanup.h>

struct bl_blocks {
    int (*write)(void *ctx, const void *bytes, size_t n);
    void *ctx;
    uint32_t crc; /* CRC-32C of what was flushed */
    size_t used;
    char block[64 * 1024];
};

/** @return 0, or what `write` returned */
tip_nodiscard int bl_blocks_put(struct bl_blocks *blocks, const void *bytes, size_t n);
tip_nodiscard int bl_blocks_flush(struct bl_blocks *blocks);
