#include "core/diff.h"

void bl_diff_init(struct bl_diff *diff)
{
    size_t cap = (size_t)UINT32_MAX * sizeof(uint32_t);

    tip_buf_init(&diff->added, cap);
    tip_buf_init(&diff->changed, cap);
    tip_buf_init(&diff->removed, cap);
}

void bl_diff_deinit(struct bl_diff *diff)
{
    tip_buf_deinit(&diff->added);
    tip_buf_deinit(&diff->changed);
    tip_buf_deinit(&diff->removed);
}

static int bl_diff_push(struct tip_buf *list, size_t index)
{
    uint32_t value = (uint32_t)index;

    return tip_buf_append(list, &value, sizeof(value));
}

static int bl_diff_rest(struct tip_buf *list, size_t from, size_t to)
{
    int r = 0;

    for (size_t i = from; !r && i < to; i++)
        r = bl_diff_push(list, i);
    return r;
}

/* The IPv4 hosts: numbers side by side, nearly always equal. */
static int bl_diff_ip4(struct bl_diff *diff, const struct bl_set *from, const struct bl_set *to)
{
    size_t i = 0;
    size_t j = 0;
    int r = 0;

    while (!r && i < from->n_ip4 && j < to->n_ip4) {
        if (from->ip4[i].addr < to->ip4[j].addr) {
            r = bl_diff_push(&diff->removed, i++);
        } else if (from->ip4[i].addr > to->ip4[j].addr) {
            r = bl_diff_push(&diff->added, j++);
        } else {
            if (from->ip4[i].flags != to->ip4[j].flags)
                r = bl_diff_push(&diff->changed, j);
            i++;
            j++;
        }
    }
    r = r ? r : bl_diff_rest(&diff->removed, i, from->n_ip4);
    return r ? r : bl_diff_rest(&diff->added, j, to->n_ip4);
}

static int bl_diff_text(struct bl_diff *diff, const struct bl_set *from, const struct bl_set *to)
{
    size_t i = from->n_ip4;
    size_t j = to->n_ip4;
    int order;
    int r = 0;

    while (!r && i < bl_set_count(from) && j < bl_set_count(to)) {
        order = bl_set_compare(from, i, to, j);
        if (order < 0) {
            r = bl_diff_push(&diff->removed, i++);
        } else if (order > 0) {
            r = bl_diff_push(&diff->added, j++);
        } else {
            if (bl_set_flags(from, i) != bl_set_flags(to, j))
                r = bl_diff_push(&diff->changed, j);
            i++;
            j++;
        }
    }
    r = r ? r : bl_diff_rest(&diff->removed, i, bl_set_count(from));
    return r ? r : bl_diff_rest(&diff->added, j, bl_set_count(to));
}

int bl_diff_run(struct bl_diff *diff, const struct bl_set *from, const struct bl_set *to)
{
    int r;

    r = bl_diff_ip4(diff, from, to);
    return r ? r : bl_diff_text(diff, from, to);
}

/* Is that one next in a list of a difference? */
static bool bl_diff_passes(const struct tip_buf *list, size_t *atp, size_t index)
{
    bool is_there = *atp < bl_diff_count(list) && bl_diff_at(list, *atp) == index;

    *atp += is_there;
    return is_there;
}

int bl_diff_restated(struct bl_diff *diff, const struct bl_set *to, const struct bl_seen *before,
                     const struct bl_seen *after)
{
    struct tip_buf flagged = diff->changed;
    size_t added = 0, changed = 0, old = 0, new = 0;
    int r = 0;

    tip_buf_init(&diff->changed, flagged.cap);
    for (size_t i = 0; !r && i < bl_set_count(to); i++) {
        uint32_t was = bl_seen_stated(bl_seen_next(before, &old, to, i));
        uint32_t is = bl_seen_stated(bl_seen_next(after, &new, to, i));
        bool is_flagged = bl_diff_passes(&flagged, &changed, i);

        if (!bl_diff_passes(&diff->added, &added, i) && (is_flagged || was != is))
            r = bl_diff_push(&diff->changed, i);
    }
    tip_buf_deinit(&flagged);
    return r;
}
