/* What retention lets go, and what it may not. */
#include "journal_private.h"

enum trim_verdict {
    TRIM_KEEP,     /* young, or being read, and there is room */
    TRIM_GO,       /* old, or room is needed, and nobody holds it */
    TRIM_OVERTAKE, /* the cap: go over consumers that are not required */
    TRIM_HELD      /* the cap, and a required consumer */
};

static bool journal_trim_held(const struct journal *journal, const struct journal_segment *segment, bool all)
{
    const struct journal_hold *hold = journal_holds_oldest(&journal->holds, all);

    return hold && hold->committed < segment->last_seq;
}

static enum trim_verdict journal_trim_judge(const struct journal *journal, const struct journal_segment *segment,
                                            uint64_t bytes)
{
    const struct journal_config *config = &journal->config;
    bool over_cap = bytes > config->cap_bytes;

    if (!over_cap && bytes <= config->keep_bytes && segment->last_us >= journal->age_us - config->keep_us)
        return TRIM_KEEP;
    if (!over_cap && segment->pins)
        return TRIM_KEEP; /* its reader is done with it in a moment, and counts as long as it takes room */
    if (!journal_trim_held(journal, segment, true))
        return TRIM_GO;
    if (!over_cap)
        return TRIM_KEEP;
    return journal_trim_held(journal, segment, false) ? TRIM_HELD : TRIM_OVERTAKE;
}

static void journal_trim_tell(struct journal *journal, const struct journal_segment *segment)
{
    for (size_t i = 0; i < journal->holds.n; i++) {
        struct journal_hold *hold = &journal->holds.items[i];

        if (hold->away || hold->overtaken || hold->committed >= segment->last_seq)
            continue;
        hold->overtaken = true;
        journal_notify(journal, &(struct journal_notice){
                                    .kind = JOURNAL_NOTICE_OVERTAKEN,
                                    .consumer = hold->name,
                                    .from = hold->committed + 1,
                                    .to = segment->last_seq,
                                });
    }
}

/* All files but the spare; the newest may not be readable yet. */
static uint64_t journal_trim_bytes(const struct journal *journal)
{
    const struct journal_fill *fill = &journal->fill;
    uint64_t bytes = journal_segments_bytes(&journal->segments);

    if (fill->number && !journal_segments_get(&journal->segments, fill->number))
        bytes += fill->file_bytes;
    return bytes;
}

int journal_trim(struct journal *journal, uint64_t more)
{
    enum trim_verdict verdict;

    while (journal->segments.n > 1) {
        const struct journal_segment *oldest = &journal->segments.items[0];

        verdict = journal_trim_judge(journal, oldest, journal_trim_bytes(journal) + more);
        if (verdict == TRIM_KEEP)
            return 0;
        if (verdict == TRIM_HELD)
            return JOURNAL_E_HELD;
        if (verdict == TRIM_OVERTAKE)
            journal_trim_tell(journal, oldest);
        journal_writer_retire(&journal->writer, &(struct journal_retired){
                                                    .segment = oldest->number,
                                                    .bytes = oldest->file_bytes,
                                                    .pinned = oldest->pins > 0,
                                                });
        journal_segments_drop(&journal->segments);
    }
    return 0;
}
