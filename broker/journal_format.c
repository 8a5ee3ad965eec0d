#include "journal_format.h"

#include <errno.h>
#include <stdlib.h>

#include <tip/alloc.h>
#include <tip/crc32c.h>

#include "le.h"

static const char journal_header_magic[8] = "TIPJSEG1";
static const char journal_footer_magic[8] = "TIPJEND1";
static const char journal_identity_magic[8] = "TIPJRID1";

enum { INDEX_STEPS = 1024, INDEX_STEP_MIN = 4096, INDEX_ENTRY_BYTES = 16 };

static uint32_t journal_pad(uint32_t n)
{
    return (n + 7U) & ~7U;
}

/* The checksum of n bytes that hold their own CRC at `crc_at`. */
static uint32_t journal_crc(uint32_t salt, const uint8_t *bytes, size_t n, size_t crc_at)
{
    uint32_t crc;

    crc = tip_crc32c(salt, bytes, crc_at);
    return tip_crc32c(crc, bytes + crc_at + 4, n - crc_at - 4);
}

/* ---- records: u32 len, u32 crc, seq, commit time, epoch, pub_seq, class_seq, group offset, places, 4 zero bytes ----
 */

uint32_t journal_record_bytes(uint32_t payload_len)
{
    return JOURNAL_FRAME_BYTES + journal_pad(payload_len);
}

void journal_record_seal(uint8_t *frame, const struct journal_record *record, uint32_t salt)
{
    uint32_t bytes;

    bytes = journal_record_bytes(record->payload_len);
    le32_put(frame, record->payload_len);
    le64_put(frame + 8, record->seq);
    le64_put(frame + 16, (uint64_t)record->commit_us);
    le64_put(frame + 24, record->epoch);
    le64_put(frame + 32, record->pub_seq);
    le64_put(frame + 40, record->class_seq);
    le32_put(frame + 48, record->group_offset);
    le16_put(frame + 52, record->topic_at);
    le16_put(frame + 54, record->name_at);
    frame[56] = record->topic_len;
    frame[57] = record->name_len;
    frame[58] = record->tlp;
    frame[59] = record->kind;
    le32_put(frame + 60, 0);
    memset(frame + JOURNAL_FRAME_BYTES + record->payload_len, 0, bytes - JOURNAL_FRAME_BYTES - record->payload_len);
    le32_put(frame + 4, journal_crc(salt, frame, bytes, 4));
}

bool journal_record_peek(struct journal_record *record, const uint8_t *frame)
{
    *record = (struct journal_record){
        .payload_len = le32_get(frame),
        .seq = le64_get(frame + 8),
        .commit_us = (int64_t)le64_get(frame + 16),
        .epoch = le64_get(frame + 24),
        .pub_seq = le64_get(frame + 32),
        .class_seq = le64_get(frame + 40),
        .group_offset = le32_get(frame + 48),
        .topic_at = le16_get(frame + 52),
        .name_at = le16_get(frame + 54),
        .topic_len = frame[56],
        .name_len = frame[57],
        .tlp = frame[58],
        .kind = frame[59],
    };
    if (record->kind < JOURNAL_EVENT || record->kind > JOURNAL_EPOCH || le32_get(frame + 60) != 0)
        return false;
    return record->payload_len <= JOURNAL_PAYLOAD_MAX &&
           (uint32_t)record->topic_at + record->topic_len <= record->payload_len &&
           (uint32_t)record->name_at + record->name_len <= record->payload_len;
}

bool journal_record_check(struct journal_record *record, const uint8_t *frame, size_t n, uint32_t salt)
{
    uint32_t bytes;

    if (n < JOURNAL_FRAME_BYTES || !journal_record_peek(record, frame))
        return false;
    bytes = journal_record_bytes(record->payload_len);
    if (n < bytes || journal_crc(salt, frame, bytes, 4) != le32_get(frame + 4))
        return false;
    record->payload = frame + JOURNAL_FRAME_BYTES;
    return true;
}

const char *journal_record_topic(const struct journal_record *record)
{
    return (const char *)record->payload + record->topic_at;
}

const char *journal_record_name(const struct journal_record *record)
{
    return (const char *)record->payload + record->name_at;
}

/* ---- header: magic, u32 bytes, u32 crc, segment, id, first seq, start time, counts of the table ---- */

void journal_header_seal(uint8_t *bytes, const struct journal_header *header, uint32_t salt)
{
    memcpy(bytes, journal_header_magic, 8);
    le32_put(bytes + 8, header->bytes);
    le64_put(bytes + 16, header->segment);
    memcpy(bytes + 24, header->id, JOURNAL_ID_BYTES);
    le64_put(bytes + 40, header->first_seq);
    le64_put(bytes + 48, (uint64_t)header->start_us);
    le32_put(bytes + 56, header->n_publishers);
    le32_put(bytes + 60, header->n_counters);
    le32_put(bytes + 12, journal_crc(salt, bytes, header->bytes, 12));
}

int journal_header_decode(struct journal_header *header, const uint8_t *bytes, size_t n, uint32_t salt)
{
    if (n < JOURNAL_HEADER_BYTES || memcmp(bytes, journal_header_magic, 8) != 0)
        return -EBADMSG;
    *header = (struct journal_header){
        .bytes = le32_get(bytes + 8),
        .segment = le64_get(bytes + 16),
        .first_seq = le64_get(bytes + 40),
        .start_us = (int64_t)le64_get(bytes + 48),
        .n_publishers = le32_get(bytes + 56),
        .n_counters = le32_get(bytes + 60),
    };
    memcpy(header->id, bytes + 24, JOURNAL_ID_BYTES);
    if (header->bytes < JOURNAL_HEADER_BYTES || header->bytes > JOURNAL_HEADER_BYTES + JOURNAL_TABLE_MAX ||
        header->first_seq == 0 || header->first_seq > JOURNAL_SEQ_MAX)
        return -EBADMSG;
    if (n == JOURNAL_HEADER_BYTES && header->bytes > n)
        return 0;
    if (n < header->bytes || journal_crc(salt, bytes, header->bytes, 12) != le32_get(bytes + 12))
        return -EBADMSG;
    return 0;
}

/* ---- footer: magic, u32 bytes, u32 crc, segment, n, first, last, last time, end, n of the index ---- */

uint32_t journal_index_step(uint64_t file_bytes)
{
    uint64_t step;

    step = file_bytes / INDEX_STEPS;
    return step < INDEX_STEP_MIN ? INDEX_STEP_MIN : (uint32_t)step;
}

uint64_t journal_footer_offset(uint64_t file_bytes)
{
    uint64_t room;

    if (file_bytes < JOURNAL_SEGMENT_MIN || file_bytes > JOURNAL_SEGMENT_MAX)
        return 0;
    room = JOURNAL_FOOTER_BYTES + INDEX_ENTRY_BYTES * (file_bytes / journal_index_step(file_bytes) + 1);
    return (file_bytes - room) & ~7ULL;
}

int journal_footer_encode(struct tip_buf *out, const struct journal_footer *footer, uint32_t salt)
{
    uint32_t bytes;
    uint8_t *at;
    int r;

    bytes = JOURNAL_FOOTER_BYTES + INDEX_ENTRY_BYTES * footer->n_index;
    r = tip_buf_reserve(out, bytes);
    if (r)
        return r;
    at = out->data + out->len;
    memcpy(at, journal_footer_magic, 8);
    le32_put(at + 8, bytes);
    le64_put(at + 16, footer->segment);
    le64_put(at + 24, footer->n_records);
    le64_put(at + 32, footer->first_seq);
    le64_put(at + 40, footer->last_seq);
    le64_put(at + 48, (uint64_t)footer->last_us);
    le32_put(at + 56, footer->end);
    le32_put(at + 60, footer->n_index);
    for (uint32_t i = 0; i < footer->n_index; i++) {
        le64_put(at + JOURNAL_FOOTER_BYTES + INDEX_ENTRY_BYTES * i, footer->index[i].seq);
        le64_put(at + JOURNAL_FOOTER_BYTES + INDEX_ENTRY_BYTES * i + 8, footer->index[i].offset);
    }
    le32_put(at + 12, journal_crc(salt, at, bytes, 12));
    out->len += bytes;
    return 0;
}

int journal_footer_decode(struct journal_footer *footer, const uint8_t *bytes, size_t n, uint32_t salt)
{
    uint32_t len;

    if (n < JOURNAL_FOOTER_BYTES || memcmp(bytes, journal_footer_magic, 8) != 0)
        return -EBADMSG;
    *footer = (struct journal_footer){
        .segment = le64_get(bytes + 16),
        .n_records = le64_get(bytes + 24),
        .first_seq = le64_get(bytes + 32),
        .last_seq = le64_get(bytes + 40),
        .last_us = (int64_t)le64_get(bytes + 48),
        .end = le32_get(bytes + 56),
        .n_index = le32_get(bytes + 60),
    };
    if (footer->first_seq == 0 || footer->first_seq > JOURNAL_SEQ_MAX || footer->last_seq > JOURNAL_SEQ_MAX)
        return -EBADMSG;
    len = le32_get(bytes + 8);
    if (len < JOURNAL_FOOTER_BYTES || len > n ||
        len != JOURNAL_FOOTER_BYTES + (uint64_t)INDEX_ENTRY_BYTES * footer->n_index)
        return -EBADMSG;
    if (journal_crc(salt, bytes, len, 12) != le32_get(bytes + 12))
        return -EBADMSG;
    footer->index = tip_new_array(footer->n_index, struct journal_index_entry);
    for (uint32_t i = 0; i < footer->n_index; i++) {
        footer->index[i].seq = le64_get(bytes + JOURNAL_FOOTER_BYTES + INDEX_ENTRY_BYTES * i);
        footer->index[i].offset = le64_get(bytes + JOURNAL_FOOTER_BYTES + INDEX_ENTRY_BYTES * i + 8);
    }
    return 0;
}

/* ---- journal.id: magic, id, secret, crc, 4 zero bytes ---- */

void journal_identity_encode(uint8_t bytes[static JOURNAL_IDENTITY_BYTES], const struct journal_identity *identity)
{
    memset(bytes, 0, JOURNAL_IDENTITY_BYTES);
    memcpy(bytes, journal_identity_magic, 8);
    memcpy(bytes + 8, identity->id, JOURNAL_ID_BYTES);
    memcpy(bytes + 24, identity->secret, JOURNAL_ID_BYTES);
    le32_put(bytes + 40, tip_crc32c(0, bytes, 40));
}

int journal_identity_decode(struct journal_identity *identity, const uint8_t *bytes, size_t n)
{
    if (n != JOURNAL_IDENTITY_BYTES || memcmp(bytes, journal_identity_magic, 8) != 0 ||
        le32_get(bytes + 40) != tip_crc32c(0, bytes, 40))
        return -EBADMSG;
    memcpy(identity->id, bytes + 8, JOURNAL_ID_BYTES);
    memcpy(identity->secret, bytes + 24, JOURNAL_ID_BYTES);
    return 0;
}
