#pragma once
/*
 * A set as a file: a header, the IPv4 hosts, the texts, the arena, as they lie in memory on a little-endian machine, so
 * that a mapped file is a set. Checksummed; a file that was not written by bl_setfile_write is refused, whatever it
 * holds.
 *
 *     offset  bytes
 *     0       8      "TIPSET1\n"
 *     8       4      CRC-32C of bytes 12 to the end
 *     12      4      0
 *     16      8      number of the version
 *     24      8      IPv4 hosts, 16 bytes each
 *     32      8      texts, 16 bytes each
 *     40      8      bytes of the arena
 *     48      8      bytes of the body that the evidence lies in
 *     56      8      0
 */
#include <stddef.h>
#include <stdint.h>

#include <tip/cleanup.h>

#include "core/set.h"

enum { BL_SETFILE_HEADER = 64 };

struct bl_setfile {
    uint64_t version;
    uint64_t body_bytes;
    struct bl_set set;
};

enum { BL_SETFILE_E_DAMAGED = 1 };

/**
 * Writes a set, its texts laid out in order.
 *
 * @param write  takes the bytes of the file one after the other; a negative errno ends the writing
 * @param headp  the first 64 bytes: put them at offset 0 afterwards, for only then is the checksum known
 * @return 0, or what `write` returned
 */
tip_nodiscard int bl_setfile_write(const struct bl_setfile *file, int (*write)(void *ctx, const void *bytes, size_t n),
                                   void *ctx, unsigned char headp[static BL_SETFILE_HEADER]);

/**
 * Reads a mapped file: checksum, bounds, order.
 *
 * @param bytes  aligned to 8; the set points into them
 * @return 0 or BL_SETFILE_E_DAMAGED
 */
tip_nodiscard int bl_setfile_read(struct bl_setfile *file, const void *bytes, size_t n);
