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

static void write_again(const struct bl_seen_update *update, struct tip_buf *out, struct bl_seen *again)
{
    unsigned char head[BL_SEEN_HEADER];

    tip_buf_init(out, 1 << 20);
    assert(!bl_seen_write(update, write_buf, out, head));
    memcpy(out->data, head, sizeof(head));
    assert(!bl_seen_read(again, out->data, out->len));
}

/* As a fetch does that finds nothing any more. */
static void check_update(const struct bl_seen *seen)
{
    const struct bl_seen_update update = {
        .before = *seen, .version = seen->version + 1, .now_s = UINT32_MAX, .gone_max = BL_SEEN_GONE_MAX};
    tip_auto(tip_buf_deinit) struct tip_buf out;
    struct bl_seen again;

    write_again(&update, &out, &again);
    assert(bl_seen_count(&again) <= bl_seen_count(seen) &&
           again.born_s == (seen->born_s ? seen->born_s : update.now_s));
}

/* As a fetch does that finds its hosts again, and a time at every other one: the same once more is no news. */
static void check_restated(const struct bl_seen *seen)
{
    tip_auto(tip_free) struct bl_ip4 *ip4 = calloc(seen->n_ip4 + 1, sizeof(*ip4));
    tip_auto(tip_free) struct bl_stated *stated = calloc(seen->n_ip4 + 1, sizeof(*stated));
    tip_auto(tip_buf_deinit) struct tip_buf out;
    struct bl_seen_update update = {
        .before = *seen,
        .now = {.ip4 = ip4, .n_ip4 = seen->n_ip4, .stated = stated, .n_stated = seen->n_ip4},
        .version = seen->version + 1,
        .now_s = UINT32_MAX,
        .gone_max = BL_SEEN_GONE_MAX,
    };
    struct bl_seen again;

    for (uint32_t i = 0; i < seen->n_ip4; i++) {
        ip4[i] = (struct bl_ip4){.addr = seen->ip4[i].addr, .line = i + 1};
        stated[i] = (struct bl_stated){.line = i + 1, .at_s = i % 2 ? 631152000 + i : 0};
    }
    write_again(&update, &out, &again);
    assert(again.n_ip4 == seen->n_ip4);
    for (size_t i = 1; i < again.n_ip4; i += 2)
        assert(again.ip4[i].times.state & BL_SEEN_STATED && again.ip4[i].times.since_s == stated[i].at_s);
    update.before = again;
    assert(!bl_seen_is_restated(&update));
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
    check_restated(&seen);
    return 0;
}
