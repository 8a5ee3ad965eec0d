/* A set file from anywhere is refused, or it is a set: sorted, bounded, and written again byte by byte. */
#include "fuzz.h"

#include <stdlib.h>

#include <tip/buf.h>
#include <tip/cleanup.h>
#include <tip/crc32c.h>

#include "core/setfile.h"

static int write_buf(void *ctx, const void *bytes, size_t n)
{
    return tip_buf_append(ctx, bytes, n);
}

static void check_again(const struct bl_setfile *file, const uint8_t *data, size_t size)
{
    tip_auto(tip_buf_deinit) struct tip_buf out;
    unsigned char head[BL_SETFILE_HEADER];

    tip_buf_init(&out, 1 << 20);
    assert(!bl_setfile_write(file, write_buf, &out, head));
    memcpy(out.data, head, sizeof(head));
    assert(out.len == size && !memcmp(out.data, data, size));
}

static void check_items(const struct bl_set *set)
{
    struct bl_item item;

    for (size_t i = 0; i < bl_set_count(set); i++) {
        bl_set_item(set, i, &item);
        assert(item.kind > TIP_KIND_NONE && item.kind < TIP_KIND_COUNT && !item.value[item.len]);
        assert(!i || bl_set_compare(set, i - 1, set, i) < 0);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    tip_auto(tip_free) uint8_t *copy = malloc(size + 1); /* aligned, as a mapped file is */
    struct bl_setfile file;
    uint32_t crc;

    memcpy(copy, data, size);
    if (size >= BL_SETFILE_HEADER) { /* with the right sum, so that what lies behind it is reached */
        crc = tip_crc32c(0, copy + 12, size - 12);
        memcpy(copy + 8, &crc, sizeof(crc));
    }
    if (bl_setfile_read(&file, copy, size))
        return 0;
    check_items(&file.set);
    check_again(&file, copy, size);
    return 0;
}
