/*
 * From what a crash left behind to a journal that can be appended to.
 *
 * Every segment but the newest was sealed and flushed. The newest is walked: its whole records are copied, under a new
 * number and so a new salt, into the reserve and flushed, for what stands in the page cache after a failed flush need
 * not stand on the medium; a torn tail is left behind, damage becomes a record that says so. Then the old file is the
 * next reserve. A crash in between leaves both: the newer one wins.
 */
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tip/alloc.h>
#include <tip/fail.h>

#include "journal_private.h"
#include "journal_scan.h"

/** A segment file as found. */
struct found {
    uint64_t number;
    uint64_t file_bytes;
    uint64_t data_at;
    uint64_t first_seq;
    int64_t start_us;
    bool has_header;
    bool sealed; /* footer read and valid */
    uint64_t last_seq, end;
    int64_t last_us;
};

struct found_list {
    struct found *items;
    size_t n;
    bool spare, reserve, identity;
};

/* ---- what is there ---- */

static bool recover_number(const char *name, uint64_t *numberp)
{
    char again[JOURNAL_NAME_BYTES];

    if (strlen(name) != 20 || sscanf(name, "%16" SCNx64 ".seg", numberp) != 1)
        return false;
    journal_segment_name(again, *numberp);
    return strcmp(name, again) == 0 && *numberp > 0;
}

static void recover_found(void *ctx, const char *name)
{
    struct found_list *list = ctx;
    uint64_t number;

    list->spare = list->spare || strcmp(name, JOURNAL_SPARE_NAME) == 0;
    list->reserve = list->reserve || strcmp(name, JOURNAL_RESERVE_NAME) == 0;
    list->identity = list->identity || strcmp(name, JOURNAL_IDENTITY_NAME) == 0;
    if (!recover_number(name, &number))
        return;
    list->items = tip_realloc(list->items, list->n + 1, sizeof(*list->items));
    list->items[list->n++] = (struct found){.number = number};
}

static int recover_compare(const void *a, const void *b)
{
    const struct found *left = a, *right = b;

    return (left->number > right->number) - (left->number < right->number);
}

static void recover_list_deinit(struct found_list *list)
{
    free(list->items);
}

static int recover_identity(struct journal *journal, const struct found_list *list)
{
    uint8_t bytes[JOURNAL_IDENTITY_BYTES + 1];
    int64_t n;

    if (list->identity) {
        n = journal_disk_load(journal->disk, JOURNAL_IDENTITY_NAME, bytes, sizeof(bytes));
        return n < 0 ? (int)n : journal_identity_decode(&journal->identity, bytes, (size_t)n);
    }
    if (list->n)
        return tip_fail(-EBADMSG); /* segments whose journal.id is lost: not ours to guess */
    journal->config.random(&journal->identity, sizeof(journal->identity));
    journal_identity_encode(bytes, &journal->identity);
    return journal_disk_replace(journal->disk, JOURNAL_IDENTITY_NAME, bytes, JOURNAL_IDENTITY_BYTES);
}

/* ---- header and footer of a file ---- */

static int recover_read_header(struct journal *journal, int file, struct found *found, struct journal_table *table)
{
    uint32_t salt = journal_salt(&journal->identity, found->number);
    tip_auto(tip_free) uint8_t *bytes = tip_alloc(JOURNAL_HEADER_BYTES, 1);
    struct journal_header header;
    int64_t n;

    n = journal->disk->read(journal->disk, file, bytes, JOURNAL_HEADER_BYTES, 0);
    if (n < 0 || journal_header_decode(&header, bytes, (size_t)n, salt))
        return -EBADMSG;
    bytes = tip_realloc(bytes, header.bytes, 1);
    n = journal->disk->read(journal->disk, file, bytes, header.bytes, 0);
    if (n < 0 || journal_header_decode(&header, bytes, (size_t)n, salt) || header.segment != found->number)
        return -EBADMSG;
    found->has_header = true;
    found->data_at = header.bytes;
    found->first_seq = header.first_seq;
    found->start_us = header.start_us;
    if (!table)
        return 0;
    return journal_table_decode(table, &header, bytes + JOURNAL_HEADER_BYTES, header.bytes - JOURNAL_HEADER_BYTES);
}

static void recover_read_footer(struct journal *journal, int file, struct found *found)
{
    uint64_t at = journal_footer_offset(found->file_bytes);
    tip_auto(tip_free) uint8_t *bytes = NULL;
    struct journal_footer footer;
    int64_t n;

    if (at == 0)
        return;
    bytes = tip_alloc(found->file_bytes - at, 1);
    n = journal->disk->read(journal->disk, file, bytes, found->file_bytes - at, at);
    if (n < 0 || journal_footer_decode(&footer, bytes, (size_t)n, journal_salt(&journal->identity, found->number)))
        return;
    free(footer.index);
    if (footer.segment != found->number)
        return;
    found->sealed = true;
    found->last_seq = footer.last_seq;
    found->last_us = footer.last_us;
    found->end = footer.end;
    if (!found->has_header)
        found->first_seq = footer.first_seq;
}

static void recover_scan_begin(struct journal *journal, int file, const struct found *found, struct journal_scan *scan)
{
    journal_scan_init(scan, journal->disk, file, journal_salt(&journal->identity, found->number));
    scan->offset = found->data_at;
    scan->next_seq = found->first_seq;
    scan->end = found->end;
    if (found->sealed)
        scan->last_seq = found->last_seq;
}

/* Neither header nor footer: the records speak for themselves, or the file is of no use. Negative errno: unreadable. */
static int recover_read_first(struct journal *journal, int file, struct found *found)
{
    tip_auto(journal_scan_deinit) struct journal_scan scan;
    int r;

    recover_scan_begin(journal, file, found, &scan);
    r = journal_scan_first(&scan, &found->first_seq);
    if (r)
        found->first_seq = 0;
    found->data_at = scan.offset;
    return r == -ENOENT ? 0 : r;
}

static int recover_read(struct journal *journal, struct found *found, bool is_tail)
{
    char name[JOURNAL_NAME_BYTES];
    int64_t size;
    int file, r = 0;

    journal_segment_name(name, found->number);
    file = journal->disk->open(journal->disk, name, 0);
    if (file < 0)
        return tip_fail(file);
    size = journal->disk->size(journal->disk, file);
    found->file_bytes = size < 0 ? 0 : (uint64_t)size;
    found->data_at = JOURNAL_HEADER_BYTES;
    found->end = journal_footer_offset(found->file_bytes);
    if (found->end == 0)
        found->end = found->file_bytes;
    (void)recover_read_header(journal, file, found, NULL); /* has_header tells */
    recover_read_footer(journal, file, found);
    if (!found->has_header && (!found->sealed || is_tail))
        r = recover_read_first(journal, file, found);
    journal->disk->close(journal->disk, file);
    return r && is_tail ? tip_fail(r) : 0; /* without the newest its numbers would be given out again */
}

static int recover_discard(struct journal *journal, const struct found *found, struct journal_spare *spare)
{
    char name[JOURNAL_NAME_BYTES];

    journal_segment_name(name, found->number);
    return journal_spare_give(spare, journal->disk, name, found->file_bytes);
}

/*
 * A file gets its name when its first group is on disk, so this one was damaged. Which numbers it had, the next one
 * tells; of the newest nothing does, and they would be given out again.
 */
static int recover_empty(struct journal *journal, const struct found *found, bool is_tail)
{
    char name[JOURNAL_NAME_BYTES], aside[JOURNAL_NAME_BYTES + 4];
    int r;

    journal_segment_name(name, found->number);
    journal_notify(journal, &(struct journal_notice){
                                .kind = JOURNAL_NOTICE_EMPTY, .segment = name, .code = is_tail ? -EBADMSG : 0});
    if (is_tail)
        return tip_fail(-EBADMSG);
    (void)snprintf(aside, sizeof(aside), "%s.bad", name); /* it fits */
    r = journal->disk->rename(journal->disk, name, aside);
    return r ? r : journal->disk->sync_dir(journal->disk);
}

/* Reads every file; drops those copied already by an earlier recovery, sets those without one whole record aside. */
static int recover_select(struct journal *journal, struct found_list *list, struct journal_spare *spare)
{
    uint64_t below = JOURNAL_SEQ_UNKNOWN;
    size_t kept = list->n;
    int r;

    for (size_t i = list->n; i-- > 0;) {
        struct found *found = &list->items[i];

        r = recover_read(journal, found, i + 1 == list->n);
        if (!r && found->first_seq == 0)
            r = recover_empty(journal, found, i + 1 == list->n);
        else if (!r && found->first_seq >= below)
            r = recover_discard(journal, found, spare);
        else if (!r)
            below = (list->items[--kept] = *found).first_seq;
        if (r)
            return r;
    }
    list->n -= kept;
    if (list->n)
        memmove(list->items, list->items + kept, list->n * sizeof(*list->items));
    return 0;
}

/* ---- the publishers' positions ---- */

/* Folds the records of one file into the table. */
static int recover_fold(struct journal *journal, const struct found *found, struct journal_table *table)
{
    tip_auto(journal_scan_deinit) struct journal_scan scan = {0};
    struct journal_scan_item item;
    char name[JOURNAL_NAME_BYTES];
    int file, r;

    journal_segment_name(name, found->number);
    file = journal->disk->open(journal->disk, name, 0);
    if (file < 0)
        return tip_fail(file);
    recover_scan_begin(journal, file, found, &scan);
    while ((r = journal_scan_next(&scan, &item)) > 0) {
        if (r == JOURNAL_SCAN_RECORD || r == JOURNAL_SCAN_EPOCH)
            journal_table_fold(table, &item.record);
    }
    journal->disk->close(journal->disk, file);
    return 0; /* what the medium refuses is damage for whoever reads it */
}

static bool recover_table_header(struct journal *journal, struct found *found, struct journal_table *table)
{
    char name[JOURNAL_NAME_BYTES];
    int file, r;

    if (!found->has_header)
        return false;
    journal_segment_name(name, found->number);
    file = journal->disk->open(journal->disk, name, 0);
    if (file < 0)
        return false;
    r = recover_read_header(journal, file, found, table);
    journal->disk->close(journal->disk, file);
    if (r)
        journal_table_deinit(table);
    return r == 0;
}

/* The table as of the start of file `at`: from its header, or from the nearest one before it and all records since. */
static int recover_table(struct journal *journal, const struct found_list *list, size_t at)
{
    struct journal_table *table = &journal->table;
    size_t from = at;
    int r = 0;

    while (!recover_table_header(journal, &list->items[from], table)) {
        if (from-- == 0) {
            journal_notify(journal, &(struct journal_notice){.kind = JOURNAL_NOTICE_TABLE});
            from = 0;
            break;
        }
    }
    for (; !r && from < at; from++)
        r = recover_fold(journal, &list->items[from], table);
    return r;
}

/* A consumer has stored more than the journal still has: those numbers were given out and are never used again. */
static uint64_t recover_floor(const struct journal *journal)
{
    uint64_t floor = 0;

    for (size_t i = 0; i < journal->holds.n; i++) {
        if (journal->holds.items[i].committed > floor)
            floor = journal->holds.items[i].committed;
    }
    return floor + 1;
}

/* ---- the tail ---- */

/** The copy under way: records gather in a group, which is written when it is full. */
struct recover_copy {
    struct journal *journal;
    struct journal_group *group;
    int file;
};

static int recover_copy_write(struct recover_copy *copy)
{
    struct journal_disk *disk = copy->journal->disk;
    struct journal_group *group = copy->group;
    int r;

    r = disk->write(disk, copy->file, group->bytes, group->len, group->offset);
    group->offset += group->len;
    group->len = 0;
    return r;
}

static int recover_copy_add(struct recover_copy *copy, struct journal_record *record)
{
    struct journal_fill *fill = &copy->journal->fill;
    uint32_t bytes = journal_record_bytes(record->payload_len);
    struct journal_group *group = copy->group;
    int r;

    if (group->len + bytes > group->cap) {
        r = recover_copy_write(copy);
        if (r)
            return tip_fail(r);
    }
    if (bytes > group->cap || !journal_fill_has_room(fill, fill->offset + bytes))
        return tip_fail(-ENOBUFS);
    memcpy(group->bytes + group->len + JOURNAL_FRAME_BYTES, record->payload, record->payload_len);
    record->group_offset = (uint32_t)group->offset;
    journal_record_seal(group->bytes + group->len, record, fill->salt);
    if (record->kind == JOURNAL_EVENT)
        journal_fill_index(fill, record->seq, fill->offset);
    group->len += bytes;
    fill->offset += bytes;
    return 0;
}

static int recover_copy_item(struct recover_copy *copy, int what, struct journal_scan_item *item)
{
    struct journal *journal = copy->journal;
    struct journal_record damage = {
        .kind = JOURNAL_DAMAGE, .seq = item->from, .pub_seq = item->to, .payload = (const uint8_t *)""};

    if (what == JOURNAL_SCAN_RECORD || what == JOURNAL_SCAN_EPOCH) {
        journal_table_fold(&journal->table, &item->record);
        journal->last_us = item->record.commit_us;
        if (item->record.kind == JOURNAL_EVENT)
            journal_times_note(&journal->times, item->record.seq, item->record.commit_us);
        return recover_copy_add(copy, &item->record);
    }
    journal_notify(journal,
                   &(struct journal_notice){.kind = JOURNAL_NOTICE_DAMAGE, .from = item->from, .to = item->to});
    damage.commit_us = journal->last_us;
    return recover_copy_add(copy, &damage);
}

static int recover_copy_records(struct recover_copy *copy, int old, const struct found *found)
{
    tip_auto(journal_scan_deinit) struct journal_scan scan;
    struct journal *journal = copy->journal;
    struct journal_scan_item item;
    int what, r = 0;

    recover_scan_begin(journal, old, found, &scan);
    while (!r && (what = journal_scan_next(&scan, &item)) != JOURNAL_SCAN_END)
        r = what < 0 ? what : recover_copy_item(copy, what, &item);
    if (scan.torn_at)
        journal_notify(journal, &(struct journal_notice){.kind = JOURNAL_NOTICE_TORN, .from = scan.next_seq});
    item.from = scan.next_seq;
    item.to = recover_floor(journal) - 1;
    if (!r && item.to >= item.from)
        r = recover_copy_item(copy, JOURNAL_SCAN_DAMAGE, &item);
    if (r)
        return tip_fail(r);
    journal->next_seq = item.to >= item.from ? item.to + 1 : item.from;
    return recover_copy_write(copy);
}

/* Header, table, records: all of the new file, flushed. */
static int recover_copy_file(struct journal *journal, const struct found *found, int fresh, int old)
{
    struct recover_copy copy = {.journal = journal, .group = &journal->groups[0], .file = fresh};
    struct journal_header header = {.first_seq = found->first_seq, .start_us = journal->last_us};
    struct journal_fill *fill = &journal->fill;
    int r;

    header.segment = fill->number;
    journal_header_build(journal, &header, &journal->table);
    fill->data_at = fill->offset = copy.group->offset = header.bytes;
    r = journal->disk->write(journal->disk, fresh, journal->scratch.data, header.bytes, 0);
    if (!r)
        r = recover_copy_records(&copy, old, found);
    if (!r)
        r = journal->disk->sync(journal->disk, fresh);
    copy.group->len = 0;
    return r;
}

static uint64_t recover_file_bytes(const struct journal *journal, const struct found *found)
{
    bool fits = journal_footer_offset(found->file_bytes) > 0 && found->file_bytes > journal->config.segment_bytes;

    return fits ? found->file_bytes : journal->config.segment_bytes;
}

static int recover_copy_tail(struct journal *journal, const struct found *found, struct journal_spare *spare)
{
    struct journal_fill *fill = &journal->fill;
    char name[JOURNAL_NAME_BYTES];
    int fresh, old, r;

    fill->number = found->number + 1;
    fill->salt = journal_salt(&journal->identity, fill->number);
    fill->first_seq = found->first_seq;
    fill->file_bytes = recover_file_bytes(journal, found);
    r = journal_spare_take(spare, journal->disk, fill->file_bytes);
    if (r)
        return tip_fail(r);
    fresh = journal->disk->open(journal->disk, JOURNAL_SPARE_NAME, 0);
    if (fresh < 0)
        return tip_fail(fresh);
    journal_segment_name(name, found->number);
    old = journal->disk->open(journal->disk, name, 0);
    r = old < 0 ? old : recover_copy_file(journal, found, fresh, old);
    if (old >= 0)
        journal->disk->close(journal->disk, old);
    journal->disk->close(journal->disk, fresh);
    if (r)
        return tip_fail(r);
    journal_segment_name(name, fill->number);
    r = journal->disk->rename(journal->disk, JOURNAL_SPARE_NAME, name);
    if (!r)
        r = journal->disk->sync_dir(journal->disk);
    spare->next = false;
    fill->open = r == 0;
    return r ? tip_fail(r) : recover_discard(journal, found, spare);
}

/* ---- the whole ---- */

static void recover_add(struct journal *journal, const struct found *found, const struct found *next)
{
    bool known = found->sealed && found->last_seq < next->first_seq;

    if (found->has_header)
        journal_times_note(&journal->times, found->first_seq, found->start_us);
    journal_segments_add(&journal->segments, &(struct journal_segment){
                                                 .number = found->number,
                                                 .file_bytes = found->file_bytes,
                                                 .first_seq = found->first_seq,
                                                 .last_seq = known ? found->last_seq : next->first_seq - 1,
                                                 .last_us = found->sealed ? found->last_us : next->start_us,
                                                 .data_at = found->data_at,
                                                 .end = found->end,
                                                 .sealed = true,
                                             });
}

/* Without any segment, lost numbers are a gap before the first one. */
static void recover_skip(struct journal *journal)
{
    uint64_t floor = recover_floor(journal);

    if (journal->next_seq >= floor)
        return;
    journal_notify(journal,
                   &(struct journal_notice){.kind = JOURNAL_NOTICE_DAMAGE, .from = journal->next_seq, .to = floor - 1});
    journal->next_seq = floor;
}

/* A footer in the newest segment proves nothing: it may have reached the medium when the records before it did not. */
static int recover_tail(struct journal *journal, struct found *found, struct journal_spare *spare)
{
    const struct journal_fill *fill = &journal->fill;
    int r;

    found->sealed = false;
    found->end = journal_footer_offset(found->file_bytes);
    if (found->end == 0)
        found->end = found->file_bytes;
    journal->last_us = found->start_us;
    r = recover_copy_tail(journal, found, spare);
    if (r)
        return tip_fail(r);
    journal_segments_add(&journal->segments, &(struct journal_segment){
                                                 .number = fill->number,
                                                 .file_bytes = fill->file_bytes,
                                                 .first_seq = fill->first_seq,
                                                 .last_seq = journal->next_seq - 1,
                                                 .last_us = journal->last_us,
                                                 .data_at = fill->data_at,
                                                 .end = fill->offset,
                                             });
    journal->unmarked = true;
    return 0;
}

static void recover_holds(struct journal *journal)
{
    size_t cap = 64 * 1024;
    tip_auto(tip_free) uint8_t *bytes = tip_alloc(cap, 1);
    int64_t n;

    n = journal_disk_load(journal->disk, JOURNAL_HOLDS_NAME, bytes, cap);
    if (n == -ENOENT || (n >= 0 && !journal_holds_decode(&journal->holds, bytes, (size_t)n, &journal->identity)))
        return;
    journal_holds_deinit(&journal->holds);
    journal_notify(journal, &(struct journal_notice){.kind = JOURNAL_NOTICE_HOLDS});
}

int journal_recover(struct journal *journal, struct journal_spare *spare)
{
    tip_auto(recover_list_deinit) struct found_list list = {0};
    struct found *tail;
    int r;

    r = journal->disk->list(journal->disk, recover_found, &list);
    if (!r)
        r = recover_identity(journal, &list);
    if (r)
        return tip_fail(r);
    if (list.n)
        qsort(list.items, list.n, sizeof(*list.items), recover_compare);
    spare->next = list.spare;
    spare->reserve = list.reserve;
    r = journal_spare_begin(spare, journal->disk);
    if (!r)
        r = recover_select(journal, &list, spare);
    if (r)
        return tip_fail(r);
    recover_holds(journal);
    if (list.n == 0) {
        recover_skip(journal);
        return 0;
    }
    tail = &list.items[list.n - 1];
    for (size_t i = 0; i + 1 < list.n; i++)
        recover_add(journal, &list.items[i], &list.items[i + 1]);
    r = recover_table(journal, &list, list.n - 1);
    if (r)
        return tip_fail(r);
    return recover_tail(journal, tail, spare);
}
