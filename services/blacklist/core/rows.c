#include "core/rows.h"

#include <tip/alloc.h>

/* IPv4 hosts go by number; texts come behind all of them and are compared. */
enum { ROWS_TEXT_BIT = 32 };

static bool rows_load(struct bl_rows *rows, uint16_t list, struct bl_rows_head *head)
{
    const struct bl_seen *seen = rows->lists[list];
    uint32_t at = rows->at[list];

    head->list = list;
    head->order = at < seen->n_ip4 ? seen->ip4[at].addr : (uint64_t)1 << ROWS_TEXT_BIT;
    return at < bl_seen_count(seen);
}

static int rows_compare_texts(const struct bl_rows *rows, uint16_t a, uint16_t b)
{
    return bl_seen_text_compare(rows->lists[a], rows->at[a] - rows->lists[a]->n_ip4, rows->lists[b],
                                rows->at[b] - rows->lists[b]->n_ip4);
}

static int rows_compare(const struct bl_rows *rows, const struct bl_rows_head *a, const struct bl_rows_head *b)
{
    if (a->order != b->order)
        return a->order < b->order ? -1 : 1;
    return a->order >> ROWS_TEXT_BIT ? rows_compare_texts(rows, a->list, b->list) : 0;
}

static bool rows_is_before(const struct bl_rows *rows, const struct bl_rows_head *a, const struct bl_rows_head *b)
{
    int r = rows_compare(rows, a, b);

    return r ? r < 0 : a->list < b->list;
}

static void rows_sift(struct bl_rows *rows, size_t at)
{
    struct bl_rows_head moved = rows->heap[at];
    size_t child;

    while ((child = 2 * at + 1) < rows->n_heap) {
        if (child + 1 < rows->n_heap && rows_is_before(rows, &rows->heap[child + 1], &rows->heap[child]))
            child++;
        if (!rows_is_before(rows, &rows->heap[child], &moved))
            break;
        rows->heap[at] = rows->heap[child];
        at = child;
    }
    rows->heap[at] = moved;
}

void bl_rows_init(struct bl_rows *rows, const struct bl_seen *const *lists, size_t n)
{
    *rows = (struct bl_rows){.lists = tip_new_array(n, const struct bl_seen *),
                             .at = tip_new_array(n, uint32_t),
                             .heap = tip_new_array(n, struct bl_rows_head)};
    for (size_t i = 0; i < n; i++) {
        rows->lists[i] = lists[i];
        rows->n_heap += rows_load(rows, (uint16_t)i, &rows->heap[rows->n_heap]);
    }
    for (size_t i = rows->n_heap / 2; i-- > 0;)
        rows_sift(rows, i);
}

void bl_rows_deinit(struct bl_rows *rows)
{
    tip_free(&rows->lists);
    tip_free(&rows->at);
    tip_free(&rows->heap);
}

static void rows_step(struct bl_rows *rows)
{
    uint16_t list = rows->heap[0].list;

    rows->at[list]++;
    if (!rows_load(rows, list, &rows->heap[0]))
        rows->heap[0] = rows->heap[--rows->n_heap];
    rows_sift(rows, 0);
}

size_t bl_rows_next(struct bl_rows *rows, struct bl_rows_entry *entries)
{
    struct bl_key first, key;
    size_t n = 0;

    while (rows->n_heap) {
        uint16_t list = rows->heap[0].list;

        key = bl_key_at(rows->lists[list], rows->at[list]);
        if (n && bl_key_compare(&first, &key) != 0)
            break;
        first = key;
        entries[n++] = (struct bl_rows_entry){.list = list, .index = rows->at[list]};
        rows_step(rows);
    }
    return n;
}
