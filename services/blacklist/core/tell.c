#include "core/tell.h"

#include <string.h>

#include <tip/alloc.h>
#include <tip/cleanup.h>

#include "core/flag.h"
#include "core/rows.h"

/* A rank: two bits each for the tier, the marking and the depth. */
enum { TELL_TIERS = 4, TELL_TIER_SHIFT = 4, TELL_TLP_SHIFT = 2, TELL_BITS = 3, TELL_RANKS = 64 };

struct bl_key bl_tell_key(const struct bl_tell *tell, const struct bl_verdict *verdict)
{
    if (verdict->keys == BL_TELL_EXTRA)
        return bl_key_at(&tell->extra, verdict->index);
    return bl_key_at(&tell->job->sources[verdict->keys / 2].seen[verdict->keys % 2], verdict->index);
}

/* ---- one indicator, looked up ---- */

static uint8_t tell_n_reasons(const struct bl_score_job *job, const struct bl_score *score)
{
    const struct bl_stand *stand = &job->stands[BL_AFTER];
    uint8_t n = 0;

    for (size_t i = 0; i < stand->n && n < BL_SCORE_REASONS; i++)
        n += stand->lists[i].p > 0;
    for (int i = BL_FAMILY_LIST + 1; i < BL_FAMILY_COUNT && n < BL_SCORE_REASONS; i++)
        n += score->families[i] > 0;
    return n;
}

/* What time will do to it, if that comes before anything else. */
static void tell_next(struct bl_tell *tell)
{
    struct bl_score_job *job = tell->job;
    uint32_t tau_s = job->moment[BL_AFTER].tau_s;
    uint32_t next_s = bl_score_fades(job, BL_AFTER, tau_s) ? bl_score_next(job, BL_AFTER, tau_s, tell->next_s) : 0;

    if (!next_s)
        return;
    tell->next_s = next_s;
    tell->is_found = true;
}

static bool tell_wants(const struct bl_tell *tell, const struct bl_score *before, const struct bl_score *after)
{
    switch (tell->what) {
    case BL_TOLD_MOVED:
        return bl_score_told(before) != bl_score_told(after);
    case BL_TOLD_WATCHED:
        return bl_score_tier(after->score) > 0;
    case BL_TOLD_EVERY:
        break;
    }
    return true;
}

static bool tell_is_capped(const struct bl_score *before, const struct bl_score *after)
{
    return before->all > BL_EVIDENCE_SLOW_MOST || after->all > BL_EVIDENCE_SLOW_MOST;
}

/* What operators deny is for as few as anything. */
static uint8_t tell_mark(const struct bl_score_job *job, const struct bl_score *before, const struct bl_score *after)
{
    struct bl_score_mark mark = {.tlp = 0};

    bl_score_mark(job, BL_BEFORE, before, &mark);
    bl_score_mark(job, BL_AFTER, after, &mark);
    if (before->rule == BL_RULE_DENY || after->rule == BL_RULE_DENY)
        mark.tlp = TELL_BITS;
    return (uint8_t)((mark.tlp & TELL_BITS) << TELL_TLP_SHIFT | (mark.depth & TELL_BITS));
}

bool bl_tell_is_alike(const struct bl_verdict *a, const struct bl_verdict *b)
{
    return !((a->rank ^ b->rank) & ((1 << TELL_TIER_SHIFT) - 1));
}

static int tell_looked(struct bl_tell *tell, struct bl_verdict verdict)
{
    struct bl_score_job *job = tell->job;
    struct bl_score before = bl_score_at(job, BL_BEFORE, job->moment[BL_BEFORE].tau_s);
    struct bl_score after = bl_score_at(job, BL_AFTER, job->moment[BL_AFTER].tau_s);
    int was = bl_score_tier(before.score), is = bl_score_tier(after.score);

    verdict.n_reasons = tell_n_reasons(job, &after);
    verdict.rank =
        (uint8_t)((TELL_TIERS - 1 - (was > is ? was : is)) << TELL_TIER_SHIFT | tell_mark(job, &before, &after));
    tell_next(tell);
    if (!tell_wants(tell, &before, &after) && !(tell->capped && tell_is_capped(&before, &after)))
        return 0;
    return tip_buf_append(tell->verdicts, &verdict, sizeof(verdict));
}

static bool tell_names(const struct bl_tell *tell, size_t source, const struct bl_seen_times *times)
{
    return tell->what == BL_TOLD_EVERY || times->state & BL_SEEN_LISTED ||
           tell->job->sources[source].law[BL_AFTER].half_life_s > 0;
}

/* Does a source before this one name what was looked up? */
static bool tell_is_told(const struct bl_tell *tell, size_t source)
{
    const struct bl_stand *stand = &tell->job->stands[BL_AFTER];

    for (size_t i = 0; i < stand->n && stand->lists[i].source < source; i++) {
        if (tell_names(tell, stand->lists[i].source, stand->lists[i].times))
            return true;
    }
    return false;
}

static int tell_one(struct bl_tell *tell, uint16_t keys, size_t index)
{
    struct bl_verdict verdict = {.index = (uint32_t)index, .keys = keys};
    struct bl_key key = bl_tell_key(tell, &verdict);

    bl_score_look(tell->job, &key);
    if (tell->is_first && tell_is_told(tell, keys == BL_TELL_EXTRA ? tell->job->n_sources : keys / 2u))
        return 0;
    return tell_looked(tell, verdict);
}

/* ---- which ones ---- */

static uint16_t tell_keys(size_t source, enum bl_side side)
{
    return (uint16_t)(2 * source + side);
}

static double tell_share(const struct bl_tell *tell, size_t source, enum bl_side side,
                         const struct bl_seen_times *times)
{
    return bl_law_share(&tell->job->sources[source].law[side], times, tell->job->moment[side].tau_s);
}

/* What an entry means besides what it is worth. */
static bool tell_is_subtree(const struct bl_seen_times *times)
{
    return times && times->flags & BL_FLAG_SUBTREE;
}

/* Does the source as a whole count otherwise? */
static bool tell_source_moves(const struct bl_score_source *from)
{
    return from->is_trusted[BL_BEFORE] != from->is_trusted[BL_AFTER] ||
           from->is_final[BL_BEFORE] != from->is_final[BL_AFTER] ||
           from->is_whole[BL_BEFORE] != from->is_whole[BL_AFTER];
}

/* Does it begin or end to fade, or fade at another pace? Then what time does next is another thing, too. */
static bool tell_fades_otherwise(const struct bl_tell *tell, size_t source, const struct bl_seen_times *before,
                                 const struct bl_seen_times *after)
{
    const struct bl_law *law = tell->job->sources[source].law;
    bool was = bl_law_fades(&law[BL_BEFORE], before, tell->job->moment[BL_BEFORE].tau_s);
    bool is = bl_law_fades(&law[BL_AFTER], after, tell->job->moment[BL_AFTER].tau_s);

    return was != is || (is && !bl_law_equals(&law[BL_BEFORE], &law[BL_AFTER]));
}

/* May the source's word on an entry have moved, or begun to fade? */
static bool tell_may_move(const struct bl_tell *tell, size_t source, const struct bl_seen_times *before,
                          const struct bl_seen_times *after)
{
    const struct bl_score_source *from = &tell->job->sources[source];

    return tell_share(tell, source, BL_BEFORE, before) != tell_share(tell, source, BL_AFTER, after) ||
           tell_is_subtree(before) != tell_is_subtree(after) || tell_source_moves(from) ||
           tell_fades_otherwise(tell, source, before, after);
}

int bl_tell_version(struct bl_tell *tell, size_t source)
{
    const struct bl_seen *before = &tell->job->sources[source].seen[BL_BEFORE];
    const struct bl_seen *after = &tell->job->sources[source].seen[BL_AFTER];
    size_t cursor = 0;
    int r = 0;

    for (size_t i = 0; !r && i < bl_seen_count(after); i++) {
        struct bl_key key = bl_key_at(after, i);

        if (tell_may_move(tell, source, bl_key_seek(before, &cursor, &key), bl_seen_at(after, i)))
            r = tell_one(tell, tell_keys(source, BL_AFTER), i);
    }
    cursor = 0;
    for (size_t i = 0; !r && i < bl_seen_count(before); i++) {
        struct bl_key key = bl_key_at(before, i);

        if (tell_share(tell, source, BL_BEFORE, bl_seen_at(before, i)) > 0 && !bl_key_seek(after, &cursor, &key))
            r = tell_one(tell, tell_keys(source, BL_BEFORE), i);
    }
    return r;
}

int bl_tell_law(struct bl_tell *tell, size_t source, bool capped)
{
    const struct bl_seen *seen = &tell->job->sources[source].seen[BL_AFTER];
    int r = 0;

    tell->capped = capped;
    for (size_t i = 0; !r && i < bl_seen_count(seen); i++) {
        if (capped || tell_may_move(tell, source, bl_seen_at(seen, i), bl_seen_at(seen, i)))
            r = tell_one(tell, tell_keys(source, BL_AFTER), i);
    }
    return r;
}

int bl_tell_list(struct bl_tell *tell, size_t source)
{
    const struct bl_seen *seen = &tell->job->sources[source].seen[BL_AFTER];
    int r = 0;

    for (size_t i = 0; !r && i < bl_seen_count(seen); i++) {
        if (tell_names(tell, source, bl_seen_at(seen, i)))
            r = tell_one(tell, tell_keys(source, BL_AFTER), i);
    }
    return r;
}

int bl_tell_extra(struct bl_tell *tell)
{
    int r = 0;

    for (size_t i = 0; !r && i < bl_seen_count(&tell->extra); i++)
        r = tell_one(tell, BL_TELL_EXTRA, i);
    return r;
}

/* ---- time, and exemptions ---- */

/* All sources side by side. */
struct tell_clock {
    struct bl_tell *tell;
    struct bl_rows rows;
    struct bl_rows_entry *entries;
    size_t n;
    bool of_exemptions; /* what they move, not time */
    bool is_every;      /* and all else */
};

static const struct bl_seen_times *clock_times(const struct tell_clock *clock, size_t i)
{
    const struct bl_rows_entry *entry = &clock->entries[i];

    return bl_seen_at(&clock->tell->job->sources[entry->list].seen[BL_AFTER], entry->index);
}

static bool clock_fades(const struct tell_clock *clock)
{
    for (size_t i = 0; i < clock->n; i++) {
        size_t source = clock->entries[i].list;
        const struct bl_seen_times *times = clock_times(clock, i);

        if (bl_law_fades(&clock->tell->job->sources[source].law[BL_AFTER], times,
                         clock->tell->job->moment[BL_AFTER].tau_s) ||
            tell_share(clock->tell, source, BL_BEFORE, times) != tell_share(clock->tell, source, BL_AFTER, times))
            return true;
    }
    return false;
}

static bool clock_is_exempted(const struct bl_stand stands[static BL_SIDE_COUNT])
{
    return stands[BL_BEFORE].exempt.effect != stands[BL_AFTER].exempt.effect;
}

static int clock_row(struct tell_clock *clock)
{
    struct bl_score_job *job = clock->tell->job;
    struct bl_verdict verdict = {.index = clock->entries[0].index, .keys = tell_keys(clock->entries[0].list, BL_AFTER)};
    struct bl_key key = bl_tell_key(clock->tell, &verdict);

    if (!clock->of_exemptions && !clock_fades(clock))
        return 0;
    bl_score_begin(job, &key);
    if (job->stands[BL_AFTER].witness || (clock->of_exemptions && !clock->is_every && !clock_is_exempted(job->stands)))
        return 0; /* it is among the extra ones, or nothing becomes of it */
    for (size_t i = 0; i < clock->n; i++)
        bl_score_add(job, clock->entries[i].list, clock_times(clock, i), clock_times(clock, i));
    return tell_looked(clock->tell, verdict);
}

static int tell_clock_rows(struct bl_tell *tell, bool of_exemptions)
{
    struct bl_score_job *job = tell->job;
    tip_auto(tip_free) const struct bl_seen **lists = tip_new_array(job->n_sources, const struct bl_seen *);
    struct tell_clock clock = {.tell = tell,
                               .entries = tip_new_array(job->n_sources, struct bl_rows_entry),
                               .of_exemptions = of_exemptions,
                               .is_every = tell->what == BL_TOLD_EVERY};
    int r = 0;

    for (size_t i = 0; i < job->n_sources; i++)
        lists[i] = &job->sources[i].seen[BL_AFTER];
    bl_rows_init(&clock.rows, lists, job->n_sources);
    while (!r && (clock.n = bl_rows_next(&clock.rows, clock.entries)))
        r = clock_row(&clock);
    bl_rows_deinit(&clock.rows);
    tip_free(&clock.entries);
    return r;
}

int bl_tell_clock(struct bl_tell *tell)
{
    int r = tell_clock_rows(tell, false);

    return r ? r : bl_tell_extra(tell);
}

int bl_tell_exempt(struct bl_tell *tell)
{
    int r = tell_clock_rows(tell, true);

    return r ? r : bl_tell_extra(tell);
}

/* ---- order ---- */

void bl_tell_sort(struct tip_buf *verdicts)
{
    size_t n = bl_tell_count(verdicts);
    tip_auto(tip_free) struct bl_verdict *sorted = tip_new_array(n, struct bl_verdict);
    struct bl_verdict *items = (struct bl_verdict *)(void *)verdicts->data;
    size_t at[TELL_RANKS + 1] = {0};

    for (size_t i = 0; i < n; i++)
        at[items[i].rank + 1]++;
    for (int rank = 0; rank < TELL_RANKS; rank++)
        at[rank + 1] += at[rank];
    for (size_t i = 0; i < n; i++)
        sorted[at[items[i].rank]++] = items[i];
    if (n)
        memcpy(items, sorted, n * sizeof(*items));
}
