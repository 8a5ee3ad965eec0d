#pragma once
/*
 * Walks over the records of one segment and never trusts a byte of it.
 *
 * A bad record is damage when the segment is known to go on behind it (a sealed one up to its last seq, an unsealed one
 * as long as a later group follows: a group is written only after the one before it was flushed). Behind the last
 * flushed group of an unsealed segment it is the torn tail: the walk ends there.
 */
#include <stddef.h>
#include <stdint.h>

#include "journal_disk.h"
#include "journal_format.h"

#define JOURNAL_SEQ_UNKNOWN UINT64_MAX

struct journal_scan {
    struct journal_disk *disk; /* borrowed */
    int file;
    uint32_t salt;
    uint64_t offset;   /* of the next record */
    uint64_t end;      /* no record reaches beyond */
    uint64_t next_seq; /* of the next record */
    uint64_t last_seq; /* of the segment, or JOURNAL_SEQ_UNKNOWN when it is not sealed */
    uint64_t torn_at;  /* set at the end when whole records of a torn last group were cut off; else 0 */
    uint8_t *window;
    uint64_t window_at;
    size_t window_len;
};

enum journal_scan_result {
    JOURNAL_SCAN_END,
    JOURNAL_SCAN_RECORD, /* an event */
    JOURNAL_SCAN_EPOCH,  /* no event: a publisher's epoch begins */
    JOURNAL_SCAN_DAMAGE
};

struct journal_scan_item {
    struct journal_record record; /* its payload lives until the next call */
    uint64_t offset;              /* where it, or the damage, begins */
    uint64_t from, to;            /* the damage; record.kind is JOURNAL_DAMAGE when an earlier recovery met it */
};

/** Sets up a walk; offset, end, next_seq and last_seq are the caller's to set. Deinit frees the window. */
void journal_scan_init(struct journal_scan *scan, struct journal_disk *disk, int file, uint32_t salt);
void journal_scan_deinit(struct journal_scan *scan);

/**
 * The next item. Damage always is [what came next, something >= it] and is told once.
 *
 * @return enum journal_scan_result, or negative errno when the disk cannot read
 */
tip_nodiscard int journal_scan_next(struct journal_scan *scan, struct journal_scan_item *item);

/**
 * Moves scan->offset to the first whole record, whatever its seq; for segments whose header is lost.
 *
 * @return 0, -ENOENT when there is none, or negative errno
 */
tip_nodiscard int journal_scan_first(struct journal_scan *scan, uint64_t *seqp);
