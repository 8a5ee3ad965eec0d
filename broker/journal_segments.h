#pragma once
/*
 * The segments that can be read, oldest first. Pure: files are opened and removed elsewhere.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <tip/cleanup.h>

struct journal_segment {
    uint64_t number;
    uint64_t file_bytes;
    uint64_t first_seq, last_seq; /* last < first: no event in it */
    int64_t last_us;              /* commit time of the last event, at most */
    uint64_t data_at;             /* where its records begin */
    uint64_t end;                 /* where they end, as far as durable */
    bool sealed;                  /* a footer should be there */
    unsigned pins;
};

struct journal_segments {
    struct journal_segment *items;
    size_t n;
};

void journal_segments_deinit(struct journal_segments *segments);

/** A newer one; its number and seqs lie behind all others. */
struct journal_segment *journal_segments_add(struct journal_segments *segments, const struct journal_segment *segment);

/** The newest; NULL when there is none. */
struct journal_segment *journal_segments_last(const struct journal_segments *segments);

/** By number; NULL when it is not there. */
struct journal_segment *journal_segments_get(const struct journal_segments *segments, uint64_t number);

/** The one that has `seq`, or the next one behind it; NULL when all are before it. */
struct journal_segment *journal_segments_at(const struct journal_segments *segments, uint64_t seq);

/** Forgets the oldest. */
void journal_segments_drop(struct journal_segments *segments);

uint64_t journal_segments_bytes(const struct journal_segments *segments);
