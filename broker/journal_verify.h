#pragma once
/*
 * Reads a journal that nobody writes to, from its first byte to its last, and says what is wrong with it. Never writes.
 *
 * Checked: journal.id, the consumers' file, each segment's header, footer and name, every record's checksum, that seq
 * and class_seq are dense, that each publisher's numbers rise and commit time does not go back, and that the next
 * segment begins where this one ends. A torn tail is told apart from damage: it was never acked, and recovery cuts it
 * off.
 */
#include <stdbool.h>
#include <stdint.h>

#include "journal_disk.h"
#include "journal_format.h"
#include "journal_holds.h"
#include "journal_table.h"

enum { JOURNAL_VERIFY_NAME = 32 };

struct journal_verify_segment {
    char name[JOURNAL_VERIFY_NAME];
    uint64_t bytes;
    uint64_t first_seq, last_seq; /* last < first: no event in it */
    uint64_t n_events;
    int64_t first_us, last_us; /* commit times of its events; 0 without one */
    bool sealed;
    bool skipped; /* it is being written to */
};

/** What is damaged. */
enum journal_verify_what {
    JOURNAL_VERIFY_IDENTITY, /* journal.id is missing or broken: nothing else can be checked */
    JOURNAL_VERIFY_FILE,     /* cannot be read, or is too small to be a segment */
    JOURNAL_VERIFY_HEADER,   /* of a segment */
    JOURNAL_VERIFY_FOOTER,   /* of a segment that should be sealed */
    JOURNAL_VERIFY_RECORDS,  /* [from, to] is unreadable */
    JOURNAL_VERIFY_LOST,     /* likewise, and an earlier recovery has said so already */
    JOURNAL_VERIFY_MISSING,  /* [from, to] is in no segment */
    JOURNAL_VERIFY_ORDER,    /* a whole record that does not continue the one before it */
    JOURNAL_VERIFY_ASIDE,    /* a segment that recovery has set aside */
    JOURNAL_VERIFY_CONSUMERS /* the consumers' positions */
};

struct journal_verify_damage {
    enum journal_verify_what what;
    const char *file;
    uint64_t offset;
    uint64_t from, to; /* seqs; 0: none, or not known */
};

const char *journal_verify_what_name(enum journal_verify_what what);

struct journal_verify {
    /* asked; callbacks may be NULL */
    struct journal_disk *disk; /* borrowed */
    bool live;                 /* a broker may be at work: only what is sealed is read */
    void (*on_segment)(void *ctx, const struct journal_verify_segment *segment);
    void (*on_damage)(void *ctx, const struct journal_verify_damage *damage);
    void (*on_record)(void *ctx, const struct journal_record *record);
    void *ctx;
    /* found; the caller calls journal_verify_deinit */
    struct journal_identity identity;
    struct journal_table table;
    struct journal_holds holds;
    uint64_t n_segments, n_events, bytes, n_damages;
    uint64_t first_seq, last_seq; /* 0: no event */
    int64_t first_us, last_us;
    bool torn; /* the newest segment ends with bytes that were never acked */
    char torn_file[JOURNAL_VERIFY_NAME];
    uint64_t torn_offset, torn_seq; /* of the first record that is cut off */
};

/** @return 0, damaged or not (n_damages tells); -ENOENT when this is no journal; or negative errno */
tip_nodiscard int journal_verify_run(struct journal_verify *verify);
void journal_verify_deinit(struct journal_verify *verify);
