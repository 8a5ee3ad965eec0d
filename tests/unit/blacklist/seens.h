#pragma once
/* What sources have said, made from texts. */
#include <assert.h>

#include <tip/buf.h>

#include "core/seen.h"
#include "sets.h"

struct seens {
    struct tip_buf bytes;
    struct bl_seen seen; /* in the bytes */
};

static inline int seens_put(void *ctx, const void *bytes, size_t n)
{
    return tip_buf_append(ctx, bytes, n);
}

static inline void seens_init(struct seens *seens)
{
    tip_buf_init(&seens->bytes, 1 << 28);
    seens->seen = (struct bl_seen){0};
}

static inline void seens_deinit(struct seens *seens)
{
    tip_buf_deinit(&seens->bytes);
}

/* A version at a time; `confirmed_s` as in bl_seen_update. */
static inline void seens_update(struct seens *seens, const char *list, uint32_t at_s, uint32_t confirmed_s,
                                size_t gone_max)
{
    struct bl_seen_update update = {.before = seens->seen,
                                    .version = seens->seen.version + 1,
                                    .now_s = at_s,
                                    .confirmed_s = confirmed_s,
                                    .gone_max = gone_max};
    unsigned char head[BL_SEEN_HEADER];
    struct bl_format format;
    struct bl_parse *parse;
    struct tip_buf fresh;
    int r;

    tip_buf_init(&fresh, 1 << 28);
    bl_format_init(&format, BL_KIND_LINES, BL_TYPE_AUTO);
    parse = sets_parse(&format, list, strlen(list), 1 << 20, &r);
    assert(!r);
    update.now = bl_parse_set(parse);
    r = bl_seen_write(&update, seens_put, &fresh, head);
    assert(!r);
    memcpy(fresh.data, head, sizeof(head));
    bl_parse_destroy(&parse);
    tip_buf_deinit(&seens->bytes);
    seens->bytes = fresh;
    r = bl_seen_read(&seens->seen, fresh.data, fresh.len);
    assert(!r);
}
