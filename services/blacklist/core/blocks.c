#include "core/blocks.h"

#include <string.h>

#include <tip/crc32c.h>

int bl_blocks_flush(struct bl_blocks *blocks)
{
    int r = 0;

    blocks->crc = tip_crc32c(blocks->crc, blocks->block, blocks->used);
    if (blocks->used)
        r = blocks->write(blocks->ctx, blocks->block, blocks->used);
    blocks->used = 0;
    return r;
}

int bl_blocks_put(struct bl_blocks *blocks, const void *bytes, size_t n)
{
    const char *at = bytes;
    size_t part;
    int r;

    while (n) {
        part = sizeof(blocks->block) - blocks->used < n ? sizeof(blocks->block) - blocks->used : n;
        memcpy(blocks->block + blocks->used, at, part);
        blocks->used += part;
        at += part;
        n -= part;
        r = blocks->used == sizeof(blocks->block) ? bl_blocks_flush(blocks) : 0;
        if (r)
            return r;
    }
    return 0;
}
