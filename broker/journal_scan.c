#include "journal_scan.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>

#include <tip/alloc.h>

enum { SCAN_WINDOW_BYTES = 256 * 1024 }; /* with what is copied from it, it stays in the processor's cache */

_Static_assert((int)SCAN_WINDOW_BYTES > (int)JOURNAL_RECORD_MAX + 8, "a record fits into the window");

void journal_scan_init(struct journal_scan *scan, struct journal_disk *disk, int file, uint32_t salt)
{
    *scan = (struct journal_scan){.disk = disk, .file = file, .salt = salt, .last_seq = JOURNAL_SEQ_UNKNOWN};
}

void journal_scan_deinit(struct journal_scan *scan)
{
    free(scan->window);
    scan->window = NULL;
    scan->window_len = 0;
}

/* Up to n bytes at `offset`: how many are there, or negative errno. */
static int64_t journal_scan_bytes(struct journal_scan *scan, uint64_t offset, size_t n, const uint8_t **bytesp)
{
    uint64_t window_end = scan->window_at + scan->window_len;
    uint64_t left;
    int64_t got;

    if (offset >= scan->end)
        return 0;
    if (n > scan->end - offset)
        n = (size_t)(scan->end - offset);
    if (offset < scan->window_at || offset + n > window_end) {
        left = scan->end - offset;
        if (!scan->window)
            scan->window = tip_realloc(NULL, 1, left < SCAN_WINDOW_BYTES ? (size_t)left : SCAN_WINDOW_BYTES);
        got = scan->disk->read(scan->disk, scan->file, scan->window,
                               left < SCAN_WINDOW_BYTES ? (size_t)left : SCAN_WINDOW_BYTES, offset);
        if (got < 0)
            return got;
        scan->window_at = offset;
        scan->window_len = (size_t)got;
        if ((uint64_t)got < left && got < SCAN_WINDOW_BYTES)
            scan->end = offset + (uint64_t)got; /* the file is shorter than its segment */
        if (n > (size_t)got)
            n = (size_t)got;
    }
    *bytesp = scan->window + (offset - scan->window_at);
    return (int64_t)n;
}

/* The seq of the first event at or behind this record. */
static uint64_t journal_scan_first_of(const struct journal_record *record)
{
    return record->kind == JOURNAL_MARK || record->kind == JOURNAL_EPOCH ? record->seq + 1 : record->seq;
}

static uint64_t journal_scan_last_of(const struct journal_record *record)
{
    return record->kind == JOURNAL_DAMAGE ? record->pub_seq : record->seq;
}

/* Is there a whole record at `offset` whose first seq lies in [low, high]? 1 or 0, or negative errno. */
static int journal_scan_try(struct journal_scan *scan, uint64_t offset, uint64_t low, uint64_t high,
                            struct journal_record *record)
{
    const uint8_t *bytes;
    uint64_t first;
    int64_t n;

    n = journal_scan_bytes(scan, offset, JOURNAL_FRAME_BYTES, &bytes);
    if (n < 0)
        return (int)n;
    if (n < JOURNAL_FRAME_BYTES || !journal_record_peek(record, bytes))
        return 0;
    first = journal_scan_first_of(record);
    if (first < low || first > high || first > JOURNAL_SEQ_MAX || record->group_offset > offset)
        return 0;
    if (record->kind == JOURNAL_DAMAGE && (record->pub_seq < record->seq || record->pub_seq > JOURNAL_SEQ_MAX))
        return 0;
    n = journal_scan_bytes(scan, offset, journal_record_bytes(record->payload_len), &bytes);
    if (n < 0)
        return (int)n;
    return journal_record_check(record, bytes, (size_t)n, scan->salt);
}

/* Looks for the next whole record behind a bad one; each one lost took at least a frame. 1 or 0, or negative errno. */
static int journal_scan_seek(struct journal_scan *scan, uint64_t *offsetp, struct journal_record *record)
{
    uint64_t bad = *offsetp, high;
    int r;

    for (uint64_t offset = bad + 8; offset + JOURNAL_FRAME_BYTES <= scan->end; offset += 8) {
        high = scan->next_seq + (offset - bad) / JOURNAL_FRAME_BYTES + 1;
        if (high > scan->last_seq && scan->last_seq != JOURNAL_SEQ_UNKNOWN)
            high = scan->last_seq + 1;
        r = journal_scan_try(scan, offset, scan->next_seq, high, record);
        if (r < 0)
            return r;
        if (r) {
            *offsetp = offset;
            return 1;
        }
    }
    return 0;
}

/* Does a group that began behind `bad` follow, from the whole record at `offset` on? 1 or 0, or negative errno. */
static int journal_scan_proves(struct journal_scan *scan, uint64_t bad, uint64_t offset, struct journal_record record)
{
    int r;

    for (;;) {
        if (record.group_offset > bad)
            return 1;
        offset += journal_record_bytes(record.payload_len);
        r = journal_scan_try(scan, offset, scan->next_seq, JOURNAL_SEQ_UNKNOWN - 1, &record);
        if (r == 0)
            r = journal_scan_seek(scan, &offset, &record);
        if (r <= 0)
            return r;
    }
}

static int journal_scan_damage(struct journal_scan *scan, struct journal_scan_item *item, uint64_t to)
{
    item->from = scan->next_seq;
    item->to = to;
    scan->next_seq = to + 1;
    return JOURNAL_SCAN_DAMAGE;
}

/* The record at scan->offset is bad: find out what that means. -EAGAIN: nothing was lost, look again. */
static int journal_scan_bad(struct journal_scan *scan, struct journal_scan_item *item)
{
    bool sealed = scan->last_seq != JOURNAL_SEQ_UNKNOWN;
    uint64_t bad = scan->offset, offset = bad;
    struct journal_record record;
    uint64_t first;
    int r;

    item->offset = bad;
    item->record.kind = 0;
    r = journal_scan_seek(scan, &offset, &record);
    if (r == 1 && !sealed) {
        scan->torn_at = bad;
        r = journal_scan_proves(scan, bad, offset, record);
        if (r == 1)
            scan->torn_at = 0;
    }
    if (r < 0)
        return r;
    if (r == 0 && !sealed)
        return JOURNAL_SCAN_END;
    if (r == 0) {
        scan->offset = scan->end;
        return journal_scan_damage(scan, item, scan->last_seq);
    }
    scan->offset = offset;
    first = journal_scan_first_of(&record);
    return first > scan->next_seq ? journal_scan_damage(scan, item, first - 1) : -EAGAIN;
}

static int journal_scan_step(struct journal_scan *scan, struct journal_scan_item *item)
{
    bool done = scan->last_seq != JOURNAL_SEQ_UNKNOWN && scan->next_seq > scan->last_seq;
    struct journal_record *record = &item->record;
    int r;

    r = journal_scan_try(scan, scan->offset, scan->next_seq, scan->next_seq, record);
    if (r < 0)
        return done ? JOURNAL_SCAN_END : r;
    if (done && !(r && (record->kind == JOURNAL_MARK || record->kind == JOURNAL_EPOCH)))
        return JOURNAL_SCAN_END; /* behind the last event of a sealed segment only these two can follow */
    if (r == 0)
        return journal_scan_bad(scan, item);
    item->offset = scan->offset;
    scan->offset += journal_record_bytes(record->payload_len);
    if (record->kind == JOURNAL_MARK)
        return -EAGAIN;
    if (record->kind == JOURNAL_EPOCH)
        return JOURNAL_SCAN_EPOCH;
    if (record->kind == JOURNAL_DAMAGE)
        return journal_scan_damage(scan, item, journal_scan_last_of(record));
    scan->next_seq++;
    return JOURNAL_SCAN_RECORD;
}

int journal_scan_next(struct journal_scan *scan, struct journal_scan_item *item)
{
    int r;

    do
        r = journal_scan_step(scan, item);
    while (r == -EAGAIN);
    return r;
}

int journal_scan_first(struct journal_scan *scan, uint64_t *seqp)
{
    struct journal_record record;
    int r;

    for (uint64_t offset = scan->offset; offset + JOURNAL_FRAME_BYTES <= scan->end; offset += 8) {
        r = journal_scan_try(scan, offset, 1, JOURNAL_SEQ_UNKNOWN - 1, &record);
        if (r < 0)
            return r;
        if (r == 1) {
            *seqp = journal_scan_first_of(&record);
            scan->offset = offset;
            return 0;
        }
    }
    return -ENOENT;
}
