#include "core/part.h"

#include <string.h>

#include "core/report.h"

/** One list of a difference being cut. */
struct part_list {
    const struct tip_buf *indices;
    const struct bl_set *set;
    const struct bl_body *body; /* NULL for entries that travel without evidence */
    uint32_t *top;              /* in the part being filled */
};

struct part_cut {
    struct tip_buf *parts;
    struct bl_part part;
    size_t entries, bytes;
};

enum { PART_ENTRY_OVERHEAD = 30 }; /* tags, lengths, kind, flags, line, and the time of the list's own */

const char *bl_body_raw(const struct bl_body *body, uint32_t at, uint16_t *lenp)
{
    const char *newline;
    size_t len;

    *lenp = 0;
    if (at >= body->n)
        return NULL;
    len = body->n - at < BL_RAW_MAX ? body->n - at : BL_RAW_MAX;
    newline = memchr(body->bytes + at, '\n', len);
    len = newline ? (size_t)(newline - (body->bytes + at)) : len;
    if (len && body->bytes[at + len - 1] == '\r')
        len--;
    *lenp = (uint16_t)len;
    return body->bytes + at;
}

size_t bl_part_cost(size_t value_len, size_t raw_len)
{
    return value_len + raw_len + PART_ENTRY_OVERHEAD;
}

static int part_close(struct part_cut *cut)
{
    int r = tip_buf_append(cut->parts, &cut->part, sizeof(cut->part));

    cut->part = (struct bl_part){
        .added_from = cut->part.added_to,
        .added_to = cut->part.added_to,
        .changed_from = cut->part.changed_to,
        .changed_to = cut->part.changed_to,
        .removed_from = cut->part.removed_to,
        .removed_to = cut->part.removed_to,
    };
    cut->entries = cut->bytes = 0;
    return r;
}

static size_t part_cost(const struct part_list *list, size_t index)
{
    const struct bl_set *set = list->set;
    size_t value_len = index < set->n_ip4 ? 15 : set->text[index - set->n_ip4].len;
    uint16_t raw_len = 0;

    if (list->body)
        (void)bl_body_raw(list->body, index < set->n_ip4 ? set->ip4[index].at : set->text[index - set->n_ip4].at,
                          &raw_len); /* only the length is wanted */
    return bl_part_cost(value_len, raw_len);
}

static int part_list_cut(struct part_cut *cut, const struct part_list *list)
{
    size_t cost;
    int r = 0;

    for (size_t i = 0; i < bl_diff_count(list->indices); i++) {
        cost = part_cost(list, bl_diff_at(list->indices, i));
        if (cut->entries == BL_PART_ENTRIES || cut->bytes + cost > BL_PART_BYTES)
            r = part_close(cut);
        if (r)
            return r;
        cut->entries++;
        cut->bytes += cost;
        *list->top = (uint32_t)i + 1;
    }
    return 0;
}

int bl_part_cut(struct tip_buf *parts, const struct bl_diff *diff, const struct bl_set *from, const struct bl_set *to,
                const struct bl_body *body)
{
    struct part_cut cut = {.parts = parts};
    const struct part_list lists[] = {
        {&diff->removed, from, NULL, &cut.part.removed_to},
        {&diff->changed, to, body, &cut.part.changed_to},
        {&diff->added, to, body, &cut.part.added_to},
    };
    int r = 0;

    for (size_t i = 0; !r && i < sizeof(lists) / sizeof(*lists); i++)
        r = part_list_cut(&cut, &lists[i]);
    if (!r && (cut.entries || !bl_part_count(parts)))
        r = part_close(&cut);
    return r;
}
