/* Reading: a segment is pinned by the journal's owner and read wherever there is time for it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <tip/alloc.h>
#include <tip/fail.h>

#include "journal_private.h"
#include "journal_scan.h"
#include "le.h"

/* ---- the owner's side ---- */

/* The nearest indexed record at or before `from` in the segment being filled, as far as it is durable. */
static void journal_pin_hint(const struct journal *journal, uint64_t from, struct journal_span *span)
{
    const struct journal_fill *fill = &journal->fill;
    size_t low = 0, high = fill->n_index;

    if (fill->number != span->segment)
        return;
    while (low < high) {
        size_t middle = (low + high) / 2;

        if (fill->index[middle].seq <= from && fill->index[middle].offset < span->end)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == 0)
        return;
    span->offset = fill->index[low - 1].offset;
    span->offset_seq = fill->index[low - 1].seq;
}

/* What passes by itself must not be taken for a loss. */
static int journal_pin_refused(const struct journal_segment *segment, int error, uint64_t *gap_top)
{
    if (error == -EMFILE || error == -ENFILE || error == -ENOMEM || error == -EINTR)
        return JOURNAL_E_BUSY;
    (void)tip_fail(error); /* its trace says why */
    *gap_top = segment->last_seq;
    return JOURNAL_E_GAP;
}

int journal_pin(struct journal *journal, uint64_t from, struct journal_span *span, uint64_t *gap_top)
{
    struct journal_segment *segment = journal_segments_at(&journal->segments, from);
    char name[JOURNAL_NAME_BYTES];
    int file;

    if (from > journal->head_seq)
        return JOURNAL_E_AHEAD;
    if (!segment || from < segment->first_seq) {
        *gap_top = segment ? segment->first_seq - 1 : journal->head_seq;
        return segment && segment == journal_segments_at(&journal->segments, 0) ? JOURNAL_E_TRIMMED : JOURNAL_E_GAP;
    }
    journal_segment_name(name, segment->number);
    file = journal->disk->open(journal->disk, name, 0);
    if (file < 0)
        return journal_pin_refused(segment, file, gap_top);
    segment->pins++;
    *span = (struct journal_span){
        .disk = journal->disk,
        .file = file,
        .salt = journal_salt(&journal->identity, segment->number),
        .segment = segment->number,
        .file_bytes = segment->file_bytes,
        .offset = segment->data_at,
        .offset_seq = segment->first_seq,
        .end = segment->end,
        .last_seq = segment->last_seq,
        .has_footer = segment->sealed,
    };
    journal_pin_hint(journal, from, span);
    return 0;
}

void journal_unpin(struct journal *journal, struct journal_span *span)
{
    struct journal_segment *segment = journal_segments_get(&journal->segments, span->segment);

    span->disk->close(span->disk, span->file);
    span->file = -1;
    if (segment)
        segment->pins--;
}

/* ---- on any thread ---- */

/* A sealed segment's own index says where to begin; without it the walk begins at the start. */
static void journal_span_seek(const struct journal_span *span, uint64_t from, struct journal_scan *scan)
{
    uint64_t at = journal_footer_offset(span->file_bytes);
    tip_auto(tip_free) uint8_t *bytes = NULL;
    struct journal_footer footer;
    int64_t n;

    if (!span->has_footer || at == 0 || from == span->offset_seq)
        return;
    bytes = tip_alloc(span->file_bytes - at, 1);
    n = span->disk->read(span->disk, span->file, bytes, span->file_bytes - at, at);
    if (n < 0 || journal_footer_decode(&footer, bytes, (size_t)n, span->salt))
        return;
    for (uint32_t i = 0; i < footer.n_index && footer.index[i].seq <= from; i++) {
        scan->offset = footer.index[i].offset;
        scan->next_seq = footer.index[i].seq;
    }
    free(footer.index);
}

static bool journal_read_matches(const struct journal_read *read, const struct journal_record *record)
{
    const char *topic = journal_record_topic(record);

    if (read->tlps && !(read->tlps >> (record->tlp & 31) & 1))
        return false;
    for (size_t i = 0; i < read->n_prefixes; i++) {
        size_t len = strlen(read->prefixes[i]);

        if (len <= record->topic_len && memcmp(topic, read->prefixes[i], len) == 0)
            return true;
    }
    return read->n_prefixes == 0;
}

/* Takes a record into the batch: 0, 1 when it does not fit any more, or -ENOBUFS. */
static int journal_batch_add(struct journal_batch *batch, const struct journal_read *read,
                             const struct journal_record *record)
{
    uint8_t len[4];
    int r;

    if (read->max_events && batch->n == read->max_events)
        return 1;
    if (batch->n && batch->records.len + sizeof(len) + record->payload_len > read->max_bytes)
        return 1;
    le32_put(len, record->payload_len);
    r = tip_buf_append(&batch->records, len, sizeof(len));
    if (!r)
        r = tip_buf_append(&batch->records, record->payload, record->payload_len);
    if (r)
        return tip_fail(r);
    batch->n++;
    return 0;
}

/* At once, so that it does not grow and move: as much as may be read, or be asked for. */
static int journal_batch_reserve(struct journal_batch *batch, const struct journal_read *read,
                                 const struct journal_scan *scan)
{
    uint64_t n = scan->end - scan->offset < read->max_scan_bytes ? scan->end - scan->offset : read->max_scan_bytes;

    return tip_buf_reserve(&batch->records, n < read->max_bytes ? (size_t)n : read->max_bytes);
}

static void journal_batch_damage(struct journal_batch *batch, uint64_t from, uint64_t to)
{
    if (batch->n)
        return; /* what was read before it goes out first; the next reading begins with the damage */
    batch->damaged = true;
    batch->damage_from = from;
    batch->damage_to = to;
    batch->next_seq = to + 1;
}

/* One item: 0 to go on, 1 at the end, or negative errno. */
static int journal_span_step(struct journal_scan *scan, const struct journal_read *read, struct journal_batch *batch)
{
    struct journal_scan_item item;
    int r;

    r = journal_scan_next(scan, &item);
    if (r < 0) { /* the medium refuses: nothing from here on can be read */
        journal_batch_damage(batch, batch->next_seq, scan->last_seq);
        return 1;
    }
    if (r == JOURNAL_SCAN_END)
        return 1;
    if (r == JOURNAL_SCAN_EPOCH)
        return 0;
    if (scan->next_seq <= read->from)
        return 0; /* behind the item we are still before what was asked for */
    if (r == JOURNAL_SCAN_DAMAGE) {
        journal_batch_damage(batch, batch->next_seq, item.to);
        return 1;
    }
    if (journal_read_matches(read, &item.record)) {
        r = journal_batch_add(batch, read, &item.record);
        if (r)
            return r;
    }
    batch->next_seq = item.record.seq + 1;
    return 0;
}

int journal_span_read(const struct journal_span *span, const struct journal_read *read, struct journal_batch *batch)
{
    tip_auto(journal_scan_deinit) struct journal_scan scan;
    uint64_t start;
    int r = 0;

    journal_scan_init(&scan, span->disk, span->file, span->salt);
    scan.offset = span->offset;
    scan.next_seq = span->offset_seq;
    scan.end = span->end;
    scan.last_seq = span->last_seq;
    journal_span_seek(span, read->from, &scan);
    start = scan.offset;
    batch->n = 0;
    batch->damaged = false;
    batch->next_seq = read->from;
    r = journal_batch_reserve(batch, read, &scan);
    while (r == 0 && scan.offset - start < read->max_scan_bytes)
        r = journal_span_step(&scan, read, batch);
    batch->scanned_bytes = scan.offset - start;
    tip_buf_shrink(&batch->records);
    return r < 0 ? r : 0;
}
