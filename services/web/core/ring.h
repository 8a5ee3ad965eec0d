#pragma once
/*
 * The newest records as finished Server-Sent Events, shared by all who follow: bounded in bytes and in number. It knows
 * from which seq on it is whole; who wants earlier ones must go to the journal.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <tip/cleanup.h>

enum { WEB_RING_RECORDS = 8192, WEB_RING_BYTES = 16 << 20 };

/** A text with several owners. */
struct web_text {
    size_t n_owners, len;
    char bytes[];
};

struct web_text *web_text_new(const char *bytes, size_t len);
struct web_text *web_text_own(struct web_text *text);
void web_text_destroy(struct web_text **textp);

struct web_record {
    uint64_t seq;
    uint8_t audience; /* who may see it at least: enum web_audience */
    char topic[256];
    struct web_text *text;
};

struct web_ring;

struct web_ring *web_ring_new(void);
void web_ring_destroy(struct web_ring **ringp);

/** Another journal, or a hole: empty, whole from next_seq on. */
void web_ring_begin(struct web_ring *ring, const uint8_t journal_id[static 16], uint64_t next_seq);

/** The next record; takes the text. Its seq is at least the one expected. */
void web_ring_add(struct web_ring *ring, const struct web_record *record);

/** What comes next has this seq: records in between are of no interest to anybody. */
void web_ring_advance(struct web_ring *ring, uint64_t next_seq);

const uint8_t *web_ring_journal(const struct web_ring *ring);
bool web_ring_is_begun(const struct web_ring *ring);
uint64_t web_ring_first(const struct web_ring *ring); /* whole from here */
uint64_t web_ring_next(const struct web_ring *ring);  /* up to here, without it */
size_t web_ring_bytes(const struct web_ring *ring);
size_t web_ring_count(const struct web_ring *ring);

/** What a reader wants, and where it is. */
struct web_follow {
    uint64_t next_seq;
    uint8_t audience;
    size_t n_prefixes; /* 0: all topics */
    const char *const *prefixes;
};

enum { WEB_RING_E_GONE = 1 };

/**
 * The next record that a reader wants; moves its position.
 *
 * @param recordp  set to it, or to NULL at the end; borrowed until the next change
 * @return 0, or WEB_RING_E_GONE when its position lies before what the ring has
 */
tip_nodiscard int web_ring_read(const struct web_ring *ring, struct web_follow *follow,
                                const struct web_record **recordp);

/** The i-th newest record, from 0; NULL behind the oldest. */
const struct web_record *web_ring_newest(const struct web_ring *ring, size_t i);

bool web_follow_wants(const struct web_follow *follow, const char *topic, uint8_t audience);

/** `listing.` means `v1.listing.`. @return 0, or 1 for what no topic begins with */
tip_nodiscard int web_prefix_make(const char *text, char prefix[static 256]);
