#include "core/backlog.h"

void backlog_init(struct backlog *backlog, int64_t bytes_max)
{
    *backlog = (struct backlog){
        .bytes_max = bytes_max,
        .mean_bytes = BACKLOG_RECORD_BYTES * BACKLOG_MEAN_RECORDS,
        .hwm = bytes_max / BACKLOG_RECORD_BYTES,
    };
}

void backlog_sent(struct backlog *backlog, size_t len, size_t n_subscribers)
{
    int64_t bytes = (int64_t)len > BACKLOG_RECORD_BYTES ? (int64_t)len : BACKLOG_RECORD_BYTES;

    backlog->mean_bytes += bytes - backlog->mean_bytes / BACKLOG_MEAN_RECORDS;
    backlog->slot_bytes += (int64_t)n_subscribers * BACKLOG_SLOT_BYTES;
}

bool backlog_is_due(const struct backlog *backlog)
{
    return backlog->slot_bytes > backlog->bytes_max;
}

/* What fits the records and the crowd as they are. */
static int64_t backlog_wanted(const struct backlog *backlog, size_t n_subscribers)
{
    int64_t by_size = backlog->bytes_max / (backlog->mean_bytes / BACKLOG_MEAN_RECORDS);
    int64_t by_crowd = backlog->bytes_max * BACKLOG_SHARES / ((int64_t)(n_subscribers + 1) * BACKLOG_SLOT_BYTES);
    int64_t wanted = by_size < by_crowd ? by_size : by_crowd;

    return wanted > BACKLOG_MIN ? wanted : BACKLOG_MIN;
}

void backlog_shrink(struct backlog *backlog, size_t n_subscribers, int64_t now_ms)
{
    int64_t wanted = backlog_wanted(backlog, n_subscribers), half = backlog->hwm / 2;

    if (half < wanted)
        wanted = half > BACKLOG_MIN ? half : BACKLOG_MIN;
    backlog->hwm = wanted;
    backlog->quiet_ms = now_ms;
    backlog->slot_bytes = 0;
}

enum backlog_act backlog_judge(struct backlog *backlog, const struct backlog_facts *facts)
{
    int64_t wanted = backlog_wanted(backlog, facts->n_subscribers);

    backlog->slot_bytes = 0;
    if (facts->n_overflows != backlog->n_overflows || !backlog->quiet_ms) {
        backlog->n_overflows = facts->n_overflows;
        backlog->quiet_ms = facts->now_ms;
    }
    if (wanted < backlog->hwm / 2 && facts->held_bytes > BACKLOG_SHARES * backlog->bytes_max) {
        backlog->hwm = wanted;
        backlog->quiet_ms = facts->now_ms;
        return BACKLOG_REOPEN;
    }
    if (wanted > backlog->hwm * 2 && facts->now_ms - backlog->quiet_ms >= BACKLOG_QUIET_MS) {
        backlog->hwm = wanted;
        return BACKLOG_RAISE;
    }
    return BACKLOG_STAY;
}

bool backlog_is_low(int64_t bytes_max, int64_t held_bytes)
{
    return held_bytes <= BACKLOG_SHARES * bytes_max / 8 * 3;
}

/* None yet, or an old one that is not about to be used. */
static bool backlog_wants_note(const struct backlog_level *level, int64_t age_ms, bool is_high)
{
    if (level->state == BACKLOG_LOW)
        return true;
    return age_ms >= BACKLOG_NOTE_MS && (level->state == BACKLOG_ENDED || !is_high);
}

enum backlog_step backlog_level_step(struct backlog_level *level, int64_t bytes_max, int64_t held_bytes, int64_t now_ms)
{
    const int64_t all = BACKLOG_SHARES * bytes_max, age_ms = now_ms - level->noted_ms;
    const bool is_high = held_bytes > all / 4 * 3;

    if (held_bytes > all)
        return BACKLOG_CLOSE;
    if (backlog_is_low(bytes_max, held_bytes))
        level->state = BACKLOG_LOW;
    if (held_bytes <= all / 2)
        return BACKLOG_GO_ON;
    if (backlog_wants_note(level, age_ms, is_high)) {
        *level = (struct backlog_level){BACKLOG_NOTED, now_ms};
        return BACKLOG_NOTE;
    }
    if (level->state == BACKLOG_NOTED && is_high && (age_ms >= BACKLOG_PATIENCE_MS || held_bytes > all / 8 * 7)) {
        level->state = BACKLOG_ENDED;
        return BACKLOG_END_DEAF;
    }
    return BACKLOG_GO_ON;
}
