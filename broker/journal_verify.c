#include "journal_verify.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tip/alloc.h>
#include <tip/fail.h>

#include "journal_scan.h"
#include "journal_writer.h"

/** A file that is named as a segment. */
struct verify_name {
    uint64_t number;
    char name[JOURNAL_VERIFY_NAME];
};

struct verify_list {
    struct verify_name *items;
    size_t n;
    char aside[JOURNAL_VERIFY_NAME]; /* one of them */
    bool identity, holds;
};

/** The segment that is being read. */
struct verify_file {
    struct journal_verify_segment told;
    uint64_t number;
    int file;
    uint32_t salt;
    struct journal_header header;
    bool has_header, is_tail;
    uint64_t data_at, end;
    uint64_t known_last; /* the footer's, or what the next header says; JOURNAL_SEQ_UNKNOWN for the tail */
    bool trusts_table;   /* nothing was lost since the table was last set */
};

static const char *const verify_names[] = {
    [JOURNAL_VERIFY_IDENTITY] = "identity", [JOURNAL_VERIFY_FILE] = "file",
    [JOURNAL_VERIFY_HEADER] = "header",     [JOURNAL_VERIFY_FOOTER] = "footer",
    [JOURNAL_VERIFY_RECORDS] = "records",   [JOURNAL_VERIFY_LOST] = "lost",
    [JOURNAL_VERIFY_MISSING] = "missing",   [JOURNAL_VERIFY_ORDER] = "order",
    [JOURNAL_VERIFY_ASIDE] = "set_aside",   [JOURNAL_VERIFY_CONSUMERS] = "consumers",
};

const char *journal_verify_what_name(enum journal_verify_what what)
{
    return verify_names[what];
}

static void verify_damage(struct journal_verify *verify, const struct journal_verify_damage *damage)
{
    verify->n_damages++;
    if (verify->on_damage)
        verify->on_damage(verify->ctx, damage);
}

static void verify_damage_of(struct journal_verify *verify, struct verify_file *file, enum journal_verify_what what,
                             uint64_t offset)
{
    verify_damage(verify, &(struct journal_verify_damage){.what = what, .file = file->told.name, .offset = offset});
}

/* ---- what is there ---- */

static void verify_found(void *ctx, const char *name)
{
    struct verify_list *list = ctx;
    char again[JOURNAL_NAME_BYTES];
    struct verify_name found = {0};
    size_t len = strlen(name);

    list->identity = list->identity || strcmp(name, JOURNAL_IDENTITY_NAME) == 0;
    list->holds = list->holds || strcmp(name, JOURNAL_HOLDS_NAME) == 0;
    if (len > 4 && len < sizeof(list->aside) && strcmp(name + len - 4, ".bad") == 0)
        memcpy(list->aside, name, len + 1);
    if (len != 20 || sscanf(name, "%16" SCNx64 ".seg", &found.number) != 1)
        return;
    journal_segment_name(again, found.number);
    if (strcmp(name, again) != 0)
        return;
    memcpy(found.name, name, len + 1);
    list->items = tip_realloc(list->items, list->n + 1, sizeof(*list->items));
    list->items[list->n++] = found;
}

static int verify_compare(const void *a, const void *b)
{
    const struct verify_name *left = a, *right = b;

    return (left->number > right->number) - (left->number < right->number);
}

static int verify_list_read(struct journal_verify *verify, struct verify_list *list)
{
    int r = verify->disk->list(verify->disk, verify_found, list);

    if (r)
        return tip_fail(r);
    if (!list->identity && !list->n)
        return -ENOENT;
    if (list->n)
        qsort(list->items, list->n, sizeof(*list->items), verify_compare);
    return 0;
}

static void verify_list_deinit(struct verify_list *list)
{
    free(list->items);
}

/* ---- the small files ---- */

static bool verify_identity(struct journal_verify *verify)
{
    uint8_t bytes[JOURNAL_IDENTITY_BYTES + 1];
    int64_t n = journal_disk_load(verify->disk, JOURNAL_IDENTITY_NAME, bytes, sizeof(bytes));

    if (n >= 0 && journal_identity_decode(&verify->identity, bytes, (size_t)n) == 0)
        return true;
    verify_damage(verify,
                  &(struct journal_verify_damage){.what = JOURNAL_VERIFY_IDENTITY, .file = JOURNAL_IDENTITY_NAME});
    return false;
}

static void verify_holds(struct journal_verify *verify)
{
    size_t cap = 64 * 1024;
    tip_auto(tip_free) uint8_t *bytes = tip_alloc(cap, 1);
    int64_t n = journal_disk_load(verify->disk, JOURNAL_HOLDS_NAME, bytes, cap);

    if (n >= 0 && journal_holds_decode(&verify->holds, bytes, (size_t)n, &verify->identity) == 0)
        return;
    verify_damage(verify,
                  &(struct journal_verify_damage){.what = JOURNAL_VERIFY_CONSUMERS, .file = JOURNAL_HOLDS_NAME});
}

/* ---- header and footer ---- */

/* The header, and into `table` what it carries. */
static int verify_read_header(struct journal_verify *verify, struct verify_file *file, struct journal_table *table)
{
    tip_auto(tip_free) uint8_t *bytes = tip_alloc(JOURNAL_HEADER_BYTES + JOURNAL_TABLE_MAX, 1);
    int64_t n = verify->disk->read(verify->disk, file->file, bytes, JOURNAL_HEADER_BYTES, 0);

    if (n < JOURNAL_HEADER_BYTES || journal_header_decode(&file->header, bytes, (size_t)n, file->salt))
        return -EBADMSG;
    n = verify->disk->read(verify->disk, file->file, bytes, file->header.bytes, 0);
    if (n < 0 || journal_header_decode(&file->header, bytes, (size_t)n, file->salt) ||
        file->header.segment != file->number || memcmp(file->header.id, verify->identity.id, JOURNAL_ID_BYTES) != 0)
        return -EBADMSG;
    return journal_table_decode(table, &file->header, bytes + JOURNAL_HEADER_BYTES,
                                file->header.bytes - JOURNAL_HEADER_BYTES);
}

/* Each header says where everybody stands: better known than what was folded, if something was lost before it. */
static void verify_header(struct journal_verify *verify, struct verify_file *file)
{
    struct journal_table table;

    journal_table_init(&table);
    file->data_at = JOURNAL_HEADER_BYTES;
    if (verify_read_header(verify, file, &table)) {
        journal_table_deinit(&table);
        verify_damage_of(verify, file, JOURNAL_VERIFY_HEADER, 0);
        return;
    }
    journal_table_deinit(&verify->table);
    verify->table = table;
    file->has_header = true;
    file->trusts_table = true;
    file->data_at = file->header.bytes;
    file->told.first_seq = file->header.first_seq;
}

static void verify_footer(struct journal_verify *verify, struct verify_file *file)
{
    uint64_t at = journal_footer_offset(file->told.bytes);
    tip_auto(tip_free) uint8_t *bytes = tip_alloc(file->told.bytes - at, 1);
    struct journal_footer footer;
    int64_t n = verify->disk->read(verify->disk, file->file, bytes, file->told.bytes - at, at);

    file->end = at;
    if (n < 0 || journal_footer_decode(&footer, bytes, (size_t)n, file->salt)) {
        if (!file->is_tail && !verify->live)
            verify_damage_of(verify, file, JOURNAL_VERIFY_FOOTER, at);
        return;
    }
    free(footer.index);
    file->told.sealed = footer.segment == file->number;
    if (!file->told.sealed || file->is_tail)
        return; /* in the newest one it proves nothing: the records before it may be torn */
    file->known_last = footer.last_seq;
    file->end = footer.end;
    if (!file->has_header)
        file->told.first_seq = footer.first_seq;
}

/* ---- records ---- */

static bool verify_follows(const struct journal_table *table, const struct journal_record *record)
{
    const struct journal_publisher *publisher =
        journal_table_find(table, journal_record_name(record), record->name_len);
    const char *class;
    size_t len;

    if (publisher && (record->epoch < publisher->epoch ||
                      (record->epoch == publisher->epoch && record->pub_seq <= publisher->appended)))
        return false;
    if (!journal_topic_class(journal_record_topic(record), record->topic_len, &class, &len))
        return false;
    for (size_t i = 0; i < table->n_counters; i++) {
        const struct journal_counter *counter = table->counters[i];

        if (strlen(counter->name) == len && memcmp(counter->name, class, len) == 0 && counter->tlp == record->tlp)
            return record->class_seq == counter->count + 1;
    }
    return record->class_seq == 1;
}

static void verify_event(struct journal_verify *verify, struct verify_file *file, const struct journal_scan_item *item)
{
    const struct journal_record *record = &item->record;
    struct journal_verify_damage order = {JOURNAL_VERIFY_ORDER, file->told.name, item->offset, record->seq,
                                          record->seq};

    if (record->commit_us < verify->last_us || (file->trusts_table && !verify_follows(&verify->table, record)))
        verify_damage(verify, &order);
    journal_table_fold(&verify->table, record);
    verify->n_events++;
    verify->first_seq = verify->first_seq ? verify->first_seq : record->seq;
    verify->first_us = verify->first_us ? verify->first_us : record->commit_us;
    verify->last_us = record->commit_us;
    file->told.n_events++;
    file->told.first_us = file->told.first_us ? file->told.first_us : record->commit_us;
    file->told.last_us = record->commit_us;
    if (verify->on_record)
        verify->on_record(verify->ctx, record);
}

static void verify_item(struct journal_verify *verify, struct verify_file *file, int what,
                        const struct journal_scan_item *item)
{
    struct journal_verify_damage damage = {JOURNAL_VERIFY_RECORDS, file->told.name, item->offset, item->from, item->to};

    if (what == JOURNAL_SCAN_RECORD) {
        verify_event(verify, file, item);
    } else if (what == JOURNAL_SCAN_EPOCH) {
        journal_table_fold(&verify->table, &item->record);
    } else {
        damage.what = item->record.kind == JOURNAL_DAMAGE ? JOURNAL_VERIFY_LOST : JOURNAL_VERIFY_RECORDS;
        file->trusts_table = false;
        verify_damage(verify, &damage);
    }
}

/* Where the records of the newest segment end: is there the beginning of one that was never finished? */
static void verify_torn(struct journal_verify *verify, const struct verify_file *file, const struct journal_scan *scan)
{
    uint8_t frame[JOURNAL_FRAME_BYTES];
    struct journal_record record;
    uint64_t at = scan->torn_at ? scan->torn_at : scan->offset, first;

    if (!scan->torn_at) {
        if (verify->disk->read(verify->disk, file->file, frame, sizeof(frame), at) < (int64_t)sizeof(frame) ||
            !journal_record_peek(&record, frame) || record.group_offset > at)
            return;
        first = record.kind == JOURNAL_EVENT || record.kind == JOURNAL_DAMAGE ? record.seq : record.seq + 1;
        if (first != scan->next_seq)
            return; /* left over from the file's earlier life */
    }
    verify->torn = true;
    verify->torn_offset = at;
    verify->torn_seq = scan->next_seq;
    memcpy(verify->torn_file, file->told.name, sizeof(verify->torn_file));
}

static void verify_records(struct journal_verify *verify, struct verify_file *file)
{
    tip_auto(journal_scan_deinit) struct journal_scan scan;
    struct journal_scan_item item = {0};
    int what;

    journal_scan_init(&scan, verify->disk, file->file, file->salt);
    scan.offset = file->data_at;
    scan.next_seq = file->told.first_seq;
    scan.end = file->end;
    scan.last_seq = file->known_last;
    while ((what = journal_scan_next(&scan, &item)) > 0)
        verify_item(verify, file, what, &item);
    if (what < 0)
        verify_damage(verify, &(struct journal_verify_damage){JOURNAL_VERIFY_FILE, file->told.name, scan.offset,
                                                              scan.next_seq, 0});
    else if (file->is_tail)
        verify_torn(verify, file, &scan);
    file->told.last_seq = scan.next_seq - 1;
}

/* ---- segments ---- */

/* The seq a segment begins with; 0 when its header does not say. */
static uint64_t verify_first_of(struct journal_verify *verify, const struct verify_name *name)
{
    struct verify_file file = {.number = name->number, .salt = journal_salt(&verify->identity, name->number)};
    struct journal_table table;
    int r;

    file.file = verify->disk->open(verify->disk, name->name, 0);
    if (file.file < 0)
        return 0;
    journal_table_init(&table);
    r = verify_read_header(verify, &file, &table);
    journal_table_deinit(&table);
    verify->disk->close(verify->disk, file.file);
    return r ? 0 : file.header.first_seq;
}

static void verify_gap(struct journal_verify *verify, const struct verify_file *file)
{
    uint64_t expected = verify->last_seq + 1;

    if (verify->n_segments == 1)
        verify->last_seq = file->told.first_seq - 1; /* whatever was trimmed before it */
    else if (file->told.first_seq > expected)
        verify_damage(verify, &(struct journal_verify_damage){JOURNAL_VERIFY_MISSING, file->told.name, 0, expected,
                                                              file->told.first_seq - 1});
}

/* Neither header nor footer: what stands in front says where it begins, else its records do. */
static void verify_begin(struct journal_verify *verify, struct verify_file *file)
{
    tip_auto(journal_scan_deinit) struct journal_scan scan = {0};

    if (file->told.first_seq)
        return;
    if (verify->n_segments > 1) {
        file->told.first_seq = verify->last_seq + 1;
        return;
    }
    journal_scan_init(&scan, verify->disk, file->file, file->salt);
    scan.offset = file->data_at;
    scan.end = file->end;
    if (journal_scan_first(&scan, &file->told.first_seq))
        file->told.first_seq = 1;
}

static void verify_read(struct journal_verify *verify, struct verify_file *file, uint64_t next_first)
{
    verify_header(verify, file);
    verify_footer(verify, file);
    verify_begin(verify, file);
    if (!file->is_tail && file->known_last == JOURNAL_SEQ_UNKNOWN && next_first > file->told.first_seq)
        file->known_last = next_first - 1;
    verify_gap(verify, file);
    file->told.skipped = verify->live && (file->is_tail || !file->told.sealed);
    if (file->told.skipped)
        return;
    verify_records(verify, file);
    if (file->told.last_seq >= file->told.first_seq)
        verify->last_seq = file->told.last_seq;
}

static void verify_segment(struct journal_verify *verify, const struct verify_list *list, size_t i)
{
    struct verify_file file = {.number = list->items[i].number,
                               .salt = journal_salt(&verify->identity, list->items[i].number),
                               .is_tail = i + 1 == list->n,
                               .known_last = JOURNAL_SEQ_UNKNOWN};
    uint64_t next_first = file.is_tail ? 0 : verify_first_of(verify, &list->items[i + 1]);
    int64_t size;

    memcpy(file.told.name, list->items[i].name, sizeof(file.told.name));
    file.file = verify->disk->open(verify->disk, file.told.name, 0);
    size = file.file < 0 ? -1 : verify->disk->size(verify->disk, file.file);
    if (file.file == -ENOENT && verify->live)
        return; /* trimmed meanwhile */
    verify->n_segments++;
    if (size < 0 || journal_footer_offset((uint64_t)size) == 0) {
        verify_damage_of(verify, &file, JOURNAL_VERIFY_FILE, 0);
    } else {
        file.told.bytes = (uint64_t)size;
        verify->bytes += file.told.bytes;
        verify_read(verify, &file, next_first);
        if (verify->on_segment)
            verify->on_segment(verify->ctx, &file.told);
    }
    if (file.file >= 0)
        verify->disk->close(verify->disk, file.file);
}

/* A segment that a recovery had copied into the next one and did not get to remove begins with the same number. */
static bool verify_is_copied(struct journal_verify *verify, const struct verify_list *list, size_t i)
{
    uint64_t first = i + 1 < list->n ? verify_first_of(verify, &list->items[i]) : 0;

    return first && verify_first_of(verify, &list->items[i + 1]) == first;
}

int journal_verify_run(struct journal_verify *verify)
{
    tip_auto(verify_list_deinit) struct verify_list list = {0};
    int r = verify_list_read(verify, &list);

    if (r)
        return r;
    if (!verify_identity(verify))
        return 0;
    for (size_t i = 0; i < list.n; i++) {
        if (!verify_is_copied(verify, &list, i))
            verify_segment(verify, &list, i);
    }
    if (*list.aside)
        verify_damage(verify, &(struct journal_verify_damage){.what = JOURNAL_VERIFY_ASIDE, .file = list.aside});
    if (list.holds)
        verify_holds(verify);
    if (!verify->n_events)
        verify->last_seq = 0;
    return 0;
}

void journal_verify_deinit(struct journal_verify *verify)
{
    journal_table_deinit(&verify->table);
    journal_holds_deinit(&verify->holds);
}
