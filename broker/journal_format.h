#pragma once
/*
 * What stands in a segment file. Integers are little-endian, everything starts on 8 bytes.
 *
 *     header   magic, sizes, journal id, first seq, and the table of publishers and counters as of here
 *     record   64 bytes of frame, then the Record as it travels, padded to 8
 *     …
 *     footer   at a place known from the file's size, once the segment is sealed: last seq and a sparse index
 *
 * Each part has a CRC-32C that starts from a salt made of the journal's id, its secret and the segment's number, so
 * that records of a segment's earlier life, or bytes that a publisher put into an event, are never taken for records.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <tip/buf.h>
#include <tip/cleanup.h>

enum {
    JOURNAL_ID_BYTES = 16,
    JOURNAL_FRAME_BYTES = 64,
    JOURNAL_HEADER_BYTES = 64, /* without its table */
    JOURNAL_FOOTER_BYTES = 64, /* without its index */
    JOURNAL_PAYLOAD_MAX = 192 * 1024,
    JOURNAL_RECORD_MAX = JOURNAL_FRAME_BYTES + JOURNAL_PAYLOAD_MAX,
    JOURNAL_TABLE_MAX = 1024 * 1024,
    JOURNAL_SEGMENT_MIN = 16 * 1024,
    JOURNAL_SEGMENT_MAX = 1024 * 1024 * 1024
};

#define JOURNAL_SEQ_MAX (UINT64_MAX / 4) /* far from where arithmetic ends; at a million a second, 146,000 years */

/** Who this journal is: in the file journal.id, made with the directory. */
struct journal_identity {
    uint8_t id[JOURNAL_ID_BYTES];
    uint8_t secret[JOURNAL_ID_BYTES];
};

enum journal_record_kind {
    JOURNAL_EVENT = 1,
    JOURNAL_MARK = 2,   /* no event; proves that the group before it was flushed. seq is the last one given out */
    JOURNAL_DAMAGE = 3, /* seq to pub_seq could not be read when the journal was recovered */
    JOURNAL_EPOCH = 4 /* no event; a publisher's epoch begins behind pub_seq. seq as in a mark, the payload its name */
};

struct journal_record {
    uint64_t seq;
    int64_t commit_us;
    uint64_t epoch;
    uint64_t pub_seq;
    uint64_t class_seq;
    uint32_t group_offset; /* in the segment, where the group begins that this record was flushed with */
    uint32_t payload_len;
    uint16_t topic_at, name_at; /* topic and publisher are read in the payload */
    uint8_t topic_len, name_len;
    uint8_t tlp;
    uint8_t kind;
    const uint8_t *payload;
};

struct journal_header {
    uint32_t bytes; /* header and table */
    uint64_t segment;
    uint8_t id[JOURNAL_ID_BYTES];
    uint64_t first_seq;
    int64_t start_us; /* no record here is older */
    uint32_t n_publishers, n_counters;
};

struct journal_index_entry {
    uint64_t seq;
    uint64_t offset;
};

struct journal_footer {
    uint64_t segment;
    uint64_t n_records;
    uint64_t first_seq, last_seq;
    int64_t last_us;
    uint32_t end; /* where the records end */
    uint32_t n_index;
    struct journal_index_entry *index; /* ascending; owned by whoever decoded it */
};

/** Where every checksum of a segment starts. */
uint32_t journal_salt(const struct journal_identity *identity, uint64_t segment);

/** Bytes a record takes, with frame and padding. */
uint32_t journal_record_bytes(uint32_t payload_len);

/** Writes the frame in front of a payload that already stands at frame + 64, and zeroes the padding. */
void journal_record_seal(uint8_t *frame, const struct journal_record *record, uint32_t salt);

/**
 * Reads the frame alone: enough to know how many bytes the checksum needs.
 *
 * @return true when it could be one; the checksum is not looked at
 */
bool journal_record_peek(struct journal_record *record, const uint8_t *frame);

/** Checks the record at `frame`, of which `n` bytes are there. Sets its payload on success. */
bool journal_record_check(struct journal_record *record, const uint8_t *frame, size_t n, uint32_t salt);

const char *journal_record_topic(const struct journal_record *record); /* topic_len bytes, no NUL */
const char *journal_record_name(const struct journal_record *record);  /* name_len bytes, no NUL */

/** Completes a header whose table stands behind it: `bytes` starts at the 64 bytes left free. */
void journal_header_seal(uint8_t *bytes, const struct journal_header *header, uint32_t salt);

/** @return 0, or -EBADMSG when the bytes are not the header of `segment`. `n` may be 64: then only sizes are read. */
tip_nodiscard int journal_header_decode(struct journal_header *header, const uint8_t *bytes, size_t n, uint32_t salt);

/** Index entries of a file of that size are this many bytes apart. */
uint32_t journal_index_step(uint64_t file_bytes);

/** Where the footer of a file of that size begins; records end before it. 0 for a file too small to be a segment. */
uint64_t journal_footer_offset(uint64_t file_bytes);

tip_nodiscard int journal_footer_encode(struct tip_buf *out, const struct journal_footer *footer, uint32_t salt);

/** Reads a footer and its index, which the caller frees. @return 0, or -EBADMSG */
tip_nodiscard int journal_footer_decode(struct journal_footer *footer, const uint8_t *bytes, size_t n, uint32_t salt);

/** The file journal.id. */
enum { JOURNAL_IDENTITY_BYTES = 48 };
void journal_identity_encode(uint8_t bytes[static JOURNAL_IDENTITY_BYTES], const struct journal_identity *identity);
tip_nodiscard int journal_identity_decode(struct journal_identity *identity, const uint8_t *bytes, size_t n);
