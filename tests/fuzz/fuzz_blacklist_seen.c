/* A file of what was seen, from anywhere, is refused, or it is one: sorted, bounded, and it can be brought up to date.
 */
#include "fuzz.h"

#include <stdlib.h>

#include <tip/buf.h>
#include <tip/cleanup.h>
#include <tip/crc32c.h>

#include "core/seen.h"

enum { SEEN_CRC_AT = 8, SEEN_CRC_FROM = 12 };

static int write_buf(void *ctx, const void *bytes, size_t n)
{
    return tip_buf_append(ctx, bytes, n);
}

static void check_entries(const struct bl_seen *seen)
{
    for (size_t i = 0; i < bl_seen_count(seen); i++)
        assert(bl_seen_at(seen, i));
    for (size_t i = 0; i < seen->n_text; i++) {
        const struct bl_seen_text *text = &seen->text[i];
        const char *value = seen->arena + text->text;

        assert(!value[text->len] && text->kind > TIP_KIND_NONE && text->kind < TIP_KIND_COUNT);
        assert(!i || bl_seen_text_compare(seen, i - 1, seen, i) < 0);
        assert(text->kind == TIP_KIND_IP || bl_seen_find(seen, (enum tip_kind)text->kind, value, text->len));
    }
}

/* As a fetch does that finds nothing any more. */
static void check_update(const struct bl_seen *seen)
{
    const struct bl_seen_update update = {
        .before = *seen, .version = seen->version + 1, .now_s = UINT32_MAX, .gone_max = BL_SEEN_GONE_MAX};
    tip_auto(tip_buf_deinit) struct tip_buf out;
    unsigned char head[BL_SEEN_HEADER];
    struct bl_seen again;

    tip_buf_init(&out, 1 << 20);
    assert(!bl_seen_write(&update, write_buf, &out, head));
    memcpy(out.data, head, sizeof(head));
    assert(!bl_seen_read(&again, out.data, out.len));
    assert(bl_seen_count(&again) <= bl_seen_count(seen) && again.born_s == seen->born_s);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    tip_auto(tip_free) uint8_t *copy = malloc(size + 1); /* aligned, as a mapped file is */
    struct bl_seen seen;
    uint32_t crc;

    memcpy(copy, data, size);
    if (size >= BL_SEEN_HEADER) { /* with the right sum, so that what lies behind it is reached */
        crc = tip_crc32c(0, copy + BL_SEEN_HEADER, size - BL_SEEN_HEADER);
        crc = tip_crc32c(crc, copy + SEEN_CRC_FROM, BL_SEEN_HEADER - SEEN_CRC_FROM);
        memcpy(copy + SEEN_CRC_AT, &crc, sizeof(crc));
    }
    if (bl_seen_read(&seen, copy, size))
        return 0;
    check_entries(&seen);
    check_update(&seen);
    return 0;
}
