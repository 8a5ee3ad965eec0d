#pragma once
/*
 * The journal: every durable event, in one order, on disk before anybody hears of it.
 *
 *     journal_begin / journal_commit   an event goes into the group that is being filled
 *     journal_submit                   the group goes to the journal's thread: one write, one fdatasync
 *     journal_fd readable              journal_poll: the group is durable; ack it, feed it
 *     journal_tick                     each second: retention, consumers' positions, a mark behind the last group
 *
 * There are two groups: while one is flushed the other is filled; when both are in use begin answers JOURNAL_E_FULL
 * and the caller stops reading its sockets. All functions belong to one thread, but journal_span_read.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <tip/buf.h>
#include <tip/cleanup.h>

#include "journal_disk.h"
#include "journal_format.h"
#include "journal_holds.h"
#include "journal_table.h"

struct journal;

enum {
    JOURNAL_E_FULL = 1,    /* both groups in use, or the disk is full: again after journal_poll or journal_tick */
    JOURNAL_E_HELD = 2,    /* at the cap, and a required consumer has not read on: again after journal_tick */
    JOURNAL_E_TOPIC = 3,   /* a topic without class, or one class too many */
    JOURNAL_E_LARGE = 4,   /* does not fit into a segment */
    JOURNAL_E_TRIMMED = 5, /* older than the first available */
    JOURNAL_E_AHEAD = 6,   /* not written yet */
    JOURNAL_E_GAP = 7,     /* that part of the journal is missing */
    JOURNAL_E_BUSY = 8     /* no descriptor or memory to read with: again later */
};

/** What somebody should hear of; told on the owner's thread. */
enum journal_notice_kind {
    JOURNAL_NOTICE_FATAL,     /* the disk failed: end this process without another ack */
    JOURNAL_NOTICE_NO_SPACE,  /* events wait for room on the disk */
    JOURNAL_NOTICE_SPACE,     /* they wait no longer */
    JOURNAL_NOTICE_HELD,      /* at the cap: events wait for a required consumer */
    JOURNAL_NOTICE_RELEASED,  /* they wait no longer */
    JOURNAL_NOTICE_OVERTAKEN, /* a consumer was trimmed over */
    JOURNAL_NOTICE_TORN,      /* recovery cut off whole records of a group that was never acked */
    JOURNAL_NOTICE_DAMAGE,    /* recovery found [from, to] unreadable */
    JOURNAL_NOTICE_TABLE,     /* the publishers' positions could not be read back whole */
    JOURNAL_NOTICE_HOLDS,     /* the consumers' positions could not be read back */
    JOURNAL_NOTICE_EMPTY,     /* a segment without one whole record: kept as <name>.bad; the newest ends the start */
    JOURNAL_NOTICE_KIND_COUNT
};

struct journal_notice {
    enum journal_notice_kind kind;
    int code;             /* fatal; empty, when it ends the start: negative errno */
    const char *consumer; /* held, overtaken */
    uint64_t from, to;    /* damage; overtaken: what it did not read */
    const char *segment;  /* empty: its name */
};

struct journal_config {
    struct journal_disk *disk;             /* owned from the call on, also when opening fails */
    uint64_t segment_bytes;                /* of a file, 16 KiB to 1 GiB */
    uint64_t keep_bytes;                   /* of segments; more is trimmed unless a consumer holds it */
    uint64_t cap_bytes;                    /* of segments, whoever holds them */
    int64_t keep_us;                       /* age at which a segment is trimmed unless a consumer holds it */
    int64_t expiry_us;                     /* a consumer not seen for so long holds nothing */
    size_t group_bytes;                    /* of each of the two buffers */
    int64_t wall_us;                       /* now; where the age of a new journal begins */
    const char *const *required;           /* NULL-terminated names of consumers; for the call */
    void (*random)(void *bytes, size_t n); /* makes the journal's id */
    void (*on_notice)(void *ctx, const struct journal_notice *notice);
    void *ctx;
    bool inline_writer; /* no thread: journal_submit writes. For tests that count each I/O */
};

/**
 * Opens the journal and recovers it: when this returns, all that was ever acked and not trimmed can be read and the
 * unsealed tail has been written and flushed anew.
 *
 * @return 0, or negative errno; -EBADMSG when journal.id cannot be trusted, or nothing of the newest segment is left:
 *         its numbers would be given out again
 */
tip_nodiscard int journal_open(struct journal **journalp, const struct journal_config *config);

/** Finishes the group under way, unless the disk refuses. */
void journal_destroy(struct journal **journalp);

const uint8_t *journal_id(const struct journal *journal);

/** Readable when journal_poll has something to do. */
int journal_fd(const struct journal *journal);

struct journal_table *journal_tablep(struct journal *journal);

/* ---- append ---- */

struct journal_slot {
    uint64_t seq;
    uint64_t class_seq;
    int64_t commit_us;
    uint8_t *payload; /* room for payload_max bytes */
    struct journal_counter *counter;
};

struct journal_intent {
    const char *topic; /* topic_len bytes */
    uint8_t topic_len;
    uint8_t tlp;
    uint32_t payload_max; /* <= JOURNAL_PAYLOAD_MAX */
    int64_t wall_us;
};

/** @return 0, JOURNAL_E_FULL, _HELD, _TOPIC, _LARGE, or negative errno once the disk has failed */
tip_nodiscard int journal_begin(struct journal *journal, const struct journal_intent *intent,
                                struct journal_slot *slot);

/** Whether any event would be taken now. */
bool journal_has_room(struct journal *journal);

struct journal_entry {
    struct journal_publisher *publisher; /* of this journal's table; its epoch is the record's */
    uint64_t pub_seq;
    uint32_t payload_len;
    uint16_t topic_at, name_at; /* where topic and publisher stand in the payload */
    uint8_t topic_len, name_len;
    uint8_t tlp;
};

/** The payload stands in the slot: the event takes its place. Follows begin at once. */
void journal_commit(struct journal *journal, const struct journal_slot *slot, const struct journal_entry *entry);

/**
 * The publisher's epoch, which the caller has changed together with `appended`, goes into the journal by itself; it is
 * on disk once epoch_durable says so. Until then nobody may be told of it.
 *
 * @return 0, JOURNAL_E_FULL, _HELD, _LARGE, or negative errno once the disk has failed
 */
tip_nodiscard int journal_epoch(struct journal *journal, struct journal_publisher *publisher);

/** Hands the filled group to the journal's thread. False when there is none or another is still under way. */
bool journal_submit(struct journal *journal);

/** Both are called, neither may be NULL. */
struct journal_sink {
    /** Each event that became durable; a record's payload lives until the callback returns. */
    void (*on_record)(void *ctx, const struct journal_record *record);
    /** Then, once a group, each publisher in it: durable, durable_seq or epoch_durable have moved. */
    void (*on_publisher)(void *ctx, struct journal_publisher *publisher);
    void *ctx;
};

/** @return 1 when a group became durable, 0 when not, negative errno when the disk has failed */
tip_nodiscard int journal_poll(struct journal *journal, const struct journal_sink *sink);

/** @param now_ms  monotonic */
void journal_tick(struct journal *journal, uint64_t now_ms);

/** A durable consumer asks on: 0, or as journal_holds_get. */
tip_nodiscard int journal_consumer_seen(struct journal *journal, const char *name, uint64_t committed);
const struct journal_holds *journal_consumers(const struct journal *journal);

/** Records were given to it; nothing for a name that is not known. */
void journal_consumer_fetched(struct journal *journal, const char *name, uint32_t n, uint64_t bytes);

struct journal_status {
    uint64_t head_seq;  /* the last durable one, 0 for none */
    uint64_t next_seq;  /* the next to be given out */
    uint64_t first_seq; /* the first available; head + 1 when there is none */
    uint64_t bytes;     /* of segment files */
    uint64_t n_segments;
    uint64_t n_groups, n_events, n_bytes; /* flushed since opened */
    uint64_t flush_us;                    /* of the last group */
    bool no_space, held, dead;
};

void journal_status(const struct journal *journal, struct journal_status *status);

/**
 * When a durable event was committed, wall time: that moment or one before it, by at most 1 s or 1/32 of its age; of
 * what stood in full segments when the journal was opened, by what its segment spans. 0 when it is not known.
 */
int64_t journal_commit_us(const struct journal *journal, uint64_t seq);

/** Bytes of the segments from the one that has `seq` on: what the cap counts once all before are gone. */
uint64_t journal_bytes_from(const struct journal *journal, uint64_t seq);

/** The clock of retention and of journal_hold.heard_us. */
int64_t journal_age_us(const struct journal *journal);

/* ---- read ---- */

/**
 * A piece of one segment, pinned: its file is not reused, and trimmed only at the cap; it stays readable, and its room
 * taken, until it is unpinned. May be read on any thread.
 */
struct journal_span {
    struct journal_disk *disk;
    int file;
    uint32_t salt;
    uint64_t segment, file_bytes;
    uint64_t offset, offset_seq; /* a record known to be before or at what was asked for */
    uint64_t end, last_seq;
    bool has_footer;
};

/**
 * Pins the segment that has `from`; a seq of 0 is not valid.
 *
 * @param gap_top  for JOURNAL_E_GAP: the last missing seq; a segment whose file cannot be opened is missing
 * @return 0, JOURNAL_E_TRIMMED, _AHEAD, _GAP or _BUSY
 */
tip_nodiscard int journal_pin(struct journal *journal, uint64_t from, struct journal_span *span, uint64_t *gap_top);
void journal_unpin(struct journal *journal, struct journal_span *span);

struct journal_read {
    uint64_t from;
    const char *const *prefixes; /* of topics; n_prefixes 0 for all */
    size_t n_prefixes;
    unsigned tlps;           /* of these markings: bit 1 << tlp of each; 0 for all */
    uint32_t max_bytes;      /* of records with their lengths; one record is always given */
    uint32_t max_events;     /* 0 for no limit */
    uint64_t max_scan_bytes; /* the reading ends there, found or not */
};

struct journal_batch {
    struct tip_buf records; /* n x { u32 len, Record }; initialised by the caller */
    uint32_t n;
    uint64_t next_seq; /* where to go on */
    uint64_t scanned_bytes;
    bool damaged; /* [damage_from, damage_to] begins where reading was to begin; next_seq is behind it */
    uint64_t damage_from, damage_to;
};

/** Reads on until the batch is full or the span ends. @return 0, or -ENOBUFS when the buffer's cap is too small */
tip_nodiscard int journal_span_read(const struct journal_span *span, const struct journal_read *read,
                                    struct journal_batch *batch);

const char *journal_notice_name(enum journal_notice_kind kind);
