#include "core/backlog.h"

void backlog_init(struct backlog *backlog, int64_t bytes_max)
{
    *backlog = (struct backlog){
        .bytes_max = bytes_max,
        .mean_bytes = BACKLOG_RECORD_BYTES * BACKLOG_MEAN_RECORDS,
        .hwm = bytes_max / BACKLOG_RECORD_BYTES,
    };
}

void backlog_sent(struct backlog *backlog, size_t len)
{
    int64_t bytes = (int64_t)len > BACKLOG_RECORD_BYTES ? (int64_t)len : BACKLOG_RECORD_BYTES;

    backlog->mean_bytes += bytes - backlog->mean_bytes / BACKLOG_MEAN_RECORDS;
}

/* What fits the records and the crowd as they are. */
static int64_t backlog_wanted(const struct backlog *backlog, size_t n_subscribers)
{
    int64_t by_size = backlog->bytes_max / (backlog->mean_bytes / BACKLOG_MEAN_RECORDS);
    int64_t by_crowd = backlog->bytes_max * BACKLOG_SHARES / ((int64_t)(n_subscribers + 1) * BACKLOG_SLOT_BYTES);
    int64_t wanted = by_size < by_crowd ? by_size : by_crowd;

    return wanted > BACKLOG_MIN ? wanted : BACKLOG_MIN;
}

enum backlog_act backlog_judge(struct backlog *backlog, const struct backlog_facts *facts)
{
    int64_t wanted = backlog_wanted(backlog, facts->n_subscribers);

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
