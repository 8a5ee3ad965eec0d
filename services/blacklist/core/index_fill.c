/* The walk that fills an index: all sources side by side, and of each indicator what is told of it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <tip/alloc.h>
#include <tip/hash.h>

#include "core/flag.h"
#include "core/index.h"
#include "core/rows.h"

enum { FILL_SILENT = UINT32_MAX /* nothing is told of it */ };

/* What a source says, as far as its share depends on it, now and later. */
struct fill_say {
    uint32_t since_s, last_s; /* 0: it does not matter */
    uint16_t source;
    uint8_t is_subtree, is_net;
};

/* Of indicators of which the same is said the same is told: worked out once. */
struct fill_memo {
    struct fill_say *says;
    uint32_t record;
    UT_hash_handle hh;
};

struct fill {
    struct bl_index *index;
    struct bl_score_job *job;
    struct bl_rows rows;
    struct bl_rows_entry *entries; /* of an indicator */
    size_t n;
    struct fill_say *says;
    struct fill_memo *memos;
};

static const struct bl_seen_times *fill_times(const struct fill *fill, size_t i)
{
    const struct bl_rows_entry *entry = &fill->entries[i];

    return bl_seen_at(fill->rows.lists[entry->list], entry->index);
}

/* As bl_law_share looks at them. */
static struct fill_say fill_say(const struct fill *fill, size_t i, const struct bl_key *key)
{
    uint16_t source = fill->entries[i].list;
    const struct bl_seen_times *times = fill_times(fill, i);
    const struct bl_law *law = &fill->job->sources[source].law[BL_AFTER];
    bool is_listed = times->state & BL_SEEN_LISTED;

    return (struct fill_say){.since_s = law->is_append ? times->since_s : 0,
                             .last_s = is_listed ? UINT32_MAX : times->last_s,
                             .source = source,
                             .is_subtree = (times->flags & BL_FLAG_SUBTREE) != 0,
                             .is_net = key->kind == TIP_KIND_NET};
}

/* Who has a share at all. @return how many */
static size_t fill_says(struct fill *fill, const struct bl_key *key)
{
    uint32_t tau_s = fill->job->moment[BL_AFTER].tau_s;
    size_t n = 0;

    for (size_t i = 0; i < fill->n && fill->entries[i].list < fill->job->n_sources; i++) {
        if (bl_law_share(&fill->job->sources[fill->entries[i].list].law[BL_AFTER], fill_times(fill, i), tau_s) > 0)
            fill->says[n++] = fill_say(fill, i, key);
    }
    return n;
}

static int fill_explain(struct fill *fill, uint32_t *recordp)
{
    struct bl_score_detail detail;

    bl_score_explain(fill->job, &detail);
    *recordp = FILL_SILENT;
    return bl_score_tier(detail.score.score) ? bl_index_record(fill->index, &detail, recordp) : 0;
}

static int fill_recall(struct fill *fill, size_t n, uint32_t *recordp)
{
    size_t bytes = n * sizeof(*fill->says);
    struct fill_memo *memo;
    int r;

    tip_hash_find_bytes(fill->memos, fill->says, bytes, memo);
    if (memo) {
        *recordp = memo->record;
        return 0;
    }
    r = fill_explain(fill, recordp);
    if (r)
        return r;
    memo = tip_new(struct fill_memo);
    memo->record = *recordp;
    memo->says = tip_memdup(fill->says, bytes);
    tip_hash_add_bytes(fill->memos, says, bytes, memo);
    return 0;
}

static int fill_row(struct fill *fill)
{
    const struct bl_rows_entry *first = &fill->entries[0];
    struct bl_key key = bl_key_at(fill->rows.lists[first->list], first->index);
    struct bl_stand *stand = &fill->job->stands[BL_AFTER];
    size_t n = fill_says(fill, &key);
    uint32_t record = FILL_SILENT;
    int r = 0;

    bl_score_begin(fill->job, &key);
    if (!n && !stand->witness && stand->hit.rule != BL_RULE_DENY)
        return 0;
    for (size_t i = 0; i < fill->n && fill->entries[i].list < fill->job->n_sources; i++)
        bl_score_add(fill->job, fill->entries[i].list, fill_times(fill, i), fill_times(fill, i));
    if (stand->witness || stand->hit.rule != BL_RULE_NONE || stand->exempt.effect)
        r = fill_explain(fill, &record);
    else
        r = fill_recall(fill, n, &record);
    return r || record == FILL_SILENT ? r : bl_index_add(fill->index, &key, record);
}

static void fill_forget(struct fill *fill)
{
    struct fill_memo *memo, *next;

    tip_hash_each (fill->memos, memo, next) {
        tip_hash_remove(fill->memos, memo);
        free(memo->says);
        free(memo);
    }
}

int bl_index_fill(struct bl_index *index, struct bl_score_job *job, const struct bl_seen *extra, struct bl_allow *allow)
{
    size_t n = job->n_sources + 1;
    tip_auto(tip_free) const struct bl_seen **lists = tip_new_array(n, const struct bl_seen *);
    struct fill fill = {.index = index,
                        .job = job,
                        .entries = tip_new_array(n, struct bl_rows_entry),
                        .says = tip_new_array(n, struct fill_say)};
    int r = 0;

    for (size_t i = 0; i < job->n_sources; i++)
        lists[i] = &job->sources[i].seen[BL_AFTER];
    lists[job->n_sources] = extra;
    bl_rows_init(&fill.rows, lists, n);
    while (!r && (fill.n = bl_rows_next(&fill.rows, fill.entries)))
        r = fill_row(&fill);
    bl_rows_deinit(&fill.rows);
    fill_forget(&fill);
    tip_free(&fill.entries);
    tip_free(&fill.says);
    if (r) {
        bl_allow_destroy(&allow);
        return r;
    }
    return bl_index_finish(index, allow, job->moment[BL_AFTER].exempt);
}
