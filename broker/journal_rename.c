#include "journal_rename.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tip/alloc.h>
#include <tip/fail.h>

#include "journal_holds.h"
#include "journal_writer.h"

enum { RENAME_HOLDS_BYTES = 64 * 1024 };

/** A segment in memory. */
struct rename_file {
    uint64_t number;
    uint32_t old_salt, new_salt;
    uint8_t *bytes;
    uint64_t n;
};

struct rename_list {
    uint64_t *numbers;
    size_t n;
    bool identity, holds;
};

static void rename_found(void *ctx, const char *name)
{
    struct rename_list *list = ctx;
    char again[JOURNAL_NAME_BYTES];
    uint64_t number;

    list->identity = list->identity || strcmp(name, JOURNAL_IDENTITY_NAME) == 0;
    list->holds = list->holds || strcmp(name, JOURNAL_HOLDS_NAME) == 0;
    if (strlen(name) != 20 || sscanf(name, "%16" SCNx64 ".seg", &number) != 1)
        return;
    journal_segment_name(again, number);
    if (strcmp(name, again) != 0)
        return;
    list->numbers = tip_realloc(list->numbers, list->n + 1, sizeof(*list->numbers));
    list->numbers[list->n++] = number;
}

static void rename_list_deinit(struct rename_list *list)
{
    free(list->numbers);
}

/* ---- a segment ---- */

static int rename_header(const struct journal_rename *rename, struct rename_file *file)
{
    struct journal_header header;

    if (journal_header_decode(&header, file->bytes, file->n, file->old_salt) || header.segment != file->number ||
        header.bytes > file->n)
        return JOURNAL_HEADER_BYTES; /* damaged: it stays so */
    memcpy(header.id, rename->identity.id, sizeof(header.id));
    journal_header_seal(file->bytes, &header, file->new_salt);
    return (int)header.bytes;
}

static int rename_record(struct journal_rename *rename, const struct rename_file *file, uint8_t *frame,
                         const struct journal_record *record)
{
    rename->n_records++;
    if (record->kind == JOURNAL_EVENT &&
        !rename->payload(frame + JOURNAL_FRAME_BYTES, record->payload_len, rename->before.id, rename->identity.id))
        return tip_fail(-EBADMSG);
    journal_record_seal(frame, record, file->new_salt);
    return 0;
}

/* Every whole record, also behind damage, and behind the end: whether it counts is up to who reads it, as before. */
static int rename_records(struct journal_rename *rename, struct rename_file *file, uint64_t at, uint64_t end)
{
    struct journal_record record;
    int r = 0;

    while (!r && at + JOURNAL_FRAME_BYTES <= end) {
        if (!journal_record_check(&record, file->bytes + at, end - at, file->old_salt)) {
            at += 8;
            continue;
        }
        r = rename_record(rename, file, file->bytes + at, &record);
        at += journal_record_bytes(record.payload_len);
    }
    return r;
}

static int rename_footer(struct rename_file *file, uint64_t at)
{
    tip_auto(tip_buf_deinit) struct tip_buf out;
    struct journal_footer footer;
    int r;

    tip_buf_init(&out, file->n - at);
    if (journal_footer_decode(&footer, file->bytes + at, file->n - at, file->old_salt))
        return 0; /* not sealed, or damaged: it stays so */
    r = journal_footer_encode(&out, &footer, file->new_salt);
    free(footer.index);
    if (!r)
        memcpy(file->bytes + at, out.data, out.len);
    return r;
}

static int rename_bytes(struct journal_rename *rename, struct rename_file *file)
{
    uint64_t footer_at = journal_footer_offset(file->n);
    int begin, r;

    if (!footer_at)
        return 0; /* too small to be a segment: damaged already */
    begin = rename_header(rename, file);
    r = rename_records(rename, file, (uint64_t)begin, footer_at);
    return r ? r : rename_footer(file, footer_at);
}

static int rename_load(struct journal_disk *disk, int handle, struct rename_file *file)
{
    int64_t size = disk->size(disk, handle);

    if (size < 0)
        return (int)size;
    if (size > JOURNAL_SEGMENT_MAX)
        return -EFBIG;
    file->n = (uint64_t)size;
    file->bytes = tip_alloc(file->n + 1, 1);
    size = disk->read(disk, handle, file->bytes, file->n, 0);
    return size < 0 ? (int)size : (uint64_t)size == file->n ? 0 : -EIO;
}

static int rename_segment(struct journal_rename *rename, uint64_t number)
{
    struct rename_file file = {.number = number,
                               .old_salt = journal_salt(&rename->before, number),
                               .new_salt = journal_salt(&rename->identity, number)};
    struct journal_disk *disk = rename->disk;
    char name[JOURNAL_NAME_BYTES];
    int handle, r;

    journal_segment_name(name, number);
    handle = disk->open(disk, name, 0);
    if (handle < 0)
        return tip_fail(handle);
    r = rename_load(disk, handle, &file);
    if (!r)
        r = rename_bytes(rename, &file);
    if (!r)
        r = disk->write(disk, handle, file.bytes, file.n, 0);
    if (!r)
        r = disk->sync(disk, handle);
    disk->close(disk, handle);
    free(file.bytes);
    return r ? tip_fail(r) : 0;
}

/* ---- the small files ---- */

static int rename_identity_read(struct journal_rename *rename)
{
    uint8_t bytes[JOURNAL_IDENTITY_BYTES + 1];
    int64_t n = journal_disk_load(rename->disk, JOURNAL_IDENTITY_NAME, bytes, sizeof(bytes));

    return n < 0 ? (int)n : journal_identity_decode(&rename->before, bytes, (size_t)n);
}

static int rename_identity_write(const struct journal_rename *rename)
{
    uint8_t bytes[JOURNAL_IDENTITY_BYTES];

    journal_identity_encode(bytes, &rename->identity);
    return journal_disk_replace(rename->disk, JOURNAL_IDENTITY_NAME, bytes, sizeof(bytes));
}

/* What the database has stored decides, not what the broker had heard of it. */
static int rename_holds_write(const struct journal_rename *rename, struct journal_holds *holds)
{
    tip_auto(tip_buf_deinit) struct tip_buf out;
    struct journal_hold *hold = rename->consumer ? journal_holds_find(holds, rename->consumer) : NULL;
    int r;

    if (hold && hold->committed > rename->committed)
        hold->committed = rename->committed;
    tip_buf_init(&out, RENAME_HOLDS_BYTES);
    r = journal_holds_encode(holds, &out, &rename->identity);
    return r ? r : journal_disk_replace(rename->disk, JOURNAL_HOLDS_NAME, out.data, out.len);
}

static int rename_holds(const struct journal_rename *rename)
{
    tip_auto(tip_free) uint8_t *bytes = tip_alloc(RENAME_HOLDS_BYTES, 1);
    int64_t n = journal_disk_load(rename->disk, JOURNAL_HOLDS_NAME, bytes, RENAME_HOLDS_BYTES);
    struct journal_holds holds;
    int r = 0;

    if (n < 0)
        return (int)n;
    journal_holds_init(&holds);
    if (journal_holds_decode(&holds, bytes, (size_t)n, &rename->before) == 0)
        r = rename_holds_write(rename, &holds);
    journal_holds_deinit(&holds);
    return r;
}

int journal_rename_run(struct journal_rename *rename)
{
    tip_auto(rename_list_deinit) struct rename_list list = {0};
    int r = rename->disk->list(rename->disk, rename_found, &list);

    if (!r && !list.identity)
        return -ENOENT;
    if (!r)
        r = rename_identity_read(rename);
    for (size_t i = 0; !r && i < list.n; i++)
        r = rename_segment(rename, list.numbers[i]);
    if (!r && list.holds)
        r = rename_holds(rename);
    if (!r)
        r = rename_identity_write(rename);
    return r ? tip_fail(r) : 0;
}
