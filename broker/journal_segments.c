#include "journal_segments.h"

#include <stdlib.h>
#include <string.h>

#include <tip/alloc.h>

void journal_segments_deinit(struct journal_segments *segments)
{
    free(segments->items);
    *segments = (struct journal_segments){0};
}

struct journal_segment *journal_segments_add(struct journal_segments *segments, const struct journal_segment *segment)
{
    segments->items = tip_realloc(segments->items, segments->n + 1, sizeof(*segments->items));
    segments->items[segments->n] = *segment;
    return &segments->items[segments->n++];
}

struct journal_segment *journal_segments_last(const struct journal_segments *segments)
{
    return segments->n ? &segments->items[segments->n - 1] : NULL;
}

struct journal_segment *journal_segments_get(const struct journal_segments *segments, uint64_t number)
{
    for (size_t i = 0; i < segments->n; i++) {
        if (segments->items[i].number == number)
            return &segments->items[i];
    }
    return NULL;
}

struct journal_segment *journal_segments_at(const struct journal_segments *segments, uint64_t seq)
{
    for (size_t i = 0; i < segments->n; i++) {
        const struct journal_segment *segment = &segments->items[i];

        if (segment->last_seq >= segment->first_seq && segment->last_seq >= seq)
            return &segments->items[i];
    }
    return NULL;
}

void journal_segments_drop(struct journal_segments *segments)
{
    segments->n--;
    memmove(segments->items, segments->items + 1, segments->n * sizeof(*segments->items));
}

uint64_t journal_segments_bytes(const struct journal_segments *segments)
{
    uint64_t bytes = 0;

    for (size_t i = 0; i < segments->n; i++)
        bytes += segments->items[i].file_bytes;
    return bytes;
}
