#pragma once
/* What the files of the journal share; for journal.c, journal_retain.c, journal_recover.c and journal_read.c only. */
#include "journal.h"
#include "journal_segments.h"
#include "journal_times.h"
#include "journal_writer.h"

/** The segment that is being filled; it may be ahead of what is durable. */
struct journal_fill {
    bool open;
    uint64_t number; /* of the last segment, open or not; 0 before the first */
    uint32_t salt;
    uint64_t file_bytes;
    uint64_t first_seq;
    uint64_t data_at;
    uint64_t offset;
    uint64_t n_records;
    uint64_t index_next; /* an entry is due from this offset on */
    struct journal_index_entry *index;
    size_t n_index, index_room;
};

struct journal {
    struct journal_config config;
    struct journal_disk *disk;
    struct journal_identity identity;
    struct journal_table table;
    struct journal_holds holds;
    struct journal_segments segments;
    struct journal_times times;
    struct journal_fill fill;
    struct journal_group groups[2];
    struct journal_group *filling;
    struct journal_writer writer;
    struct tip_buf scratch; /* a header with its table */
    uint64_t next_seq, head_seq;
    int64_t last_us; /* commit time given out last */
    int64_t age_us;  /* the clock of retention: commit time at opening, moved on by the monotonic clock */
    uint64_t tick_ms;
    uint64_t n_groups, n_events, n_bytes, flush_us;
    bool unmarked; /* events were flushed and no mark follows them yet */
    bool no_space, held;
    int dead; /* negative errno */
};

void journal_notify(const struct journal *journal, const struct journal_notice *notice);

/** Room of a segment file for a record that ends at `end`. */
bool journal_fill_has_room(const struct journal_fill *fill, uint64_t end);

/** Notes a record of the segment being filled in its sparse index. */
void journal_fill_index(struct journal_fill *fill, uint64_t seq, uint64_t offset);

/** Writes header and table of segment `number` into journal->scratch. */
void journal_header_build(struct journal *journal, struct journal_header *header, const struct journal_table *table);

/** Reads identity, segments, consumers; copies the tail. The writer is not running yet. */
tip_nodiscard int journal_recover(struct journal *journal, struct journal_spare *spare);

/** Trims what retention allows, so that `more` bytes can be added. @return 0 or JOURNAL_E_HELD */
tip_nodiscard int journal_trim(struct journal *journal, uint64_t more);
