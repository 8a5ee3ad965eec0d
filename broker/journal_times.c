#include "journal_times.h"

#include <stddef.h>

enum { TIMES_SECOND_US = 1000000 };

/* The i-th entry, oldest first. */
static const struct journal_time *times_entry(const struct journal_times_level *level, unsigned i)
{
    return &level->entries[(level->next + JOURNAL_TIMES_ENTRIES - level->n + i) % JOURNAL_TIMES_ENTRIES];
}

void journal_times_note(struct journal_times *times, uint64_t seq, int64_t us)
{
    if (us <= 0)
        return; /* nobody said when */
    for (unsigned k = 0; k < JOURNAL_TIMES_LEVELS; k++) {
        struct journal_times_level *level = &times->levels[k];

        if (level->n && us - times_entry(level, level->n - 1)->us < (int64_t)TIMES_SECOND_US << k)
            return; /* nor is it due on the levels above, whose steps are longer */
        level->entries[level->next] = (struct journal_time){seq, us};
        level->next = (level->next + 1) % JOURNAL_TIMES_ENTRIES;
        if (level->n < JOURNAL_TIMES_ENTRIES)
            level->n++;
    }
}

/* The last entry that is not behind `seq`; NULL when all are. */
static const struct journal_time *times_find(const struct journal_times_level *level, uint64_t seq)
{
    unsigned low = 0, high = level->n;

    while (low < high) {
        unsigned middle = (low + high) / 2;

        if (times_entry(level, middle)->seq <= seq)
            low = middle + 1;
        else
            high = middle;
    }
    return low ? times_entry(level, low - 1) : NULL;
}

int64_t journal_times_at(const struct journal_times *times, uint64_t seq)
{
    for (unsigned k = 0; k < JOURNAL_TIMES_LEVELS; k++) {
        const struct journal_time *found = times_find(&times->levels[k], seq);

        if (found)
            return found->us;
    }
    return 0;
}
