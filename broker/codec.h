#pragma once
/*
 * The frames of proto/tip/v1/bus.proto as plain structs, and records as they are written into the journal. The only
 * file of the broker that knows protobuf.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <tip/buf.h>
#include <tip/cleanup.h>

enum codec_kind {
    CODEC_NONE, /* a frame of a later version, or an empty one */
    CODEC_HELLO,
    CODEC_WELCOME,
    CODEC_DATA,
    CODEC_ACK,
    CODEC_FENCED,
    CODEC_LIVE,
    CODEC_REFUSED,
    CODEC_FETCH,
    CODEC_BATCH,
    CODEC_TRIMMED,
    CODEC_NEW_JOURNAL,
    CODEC_DAMAGED,
    CODEC_PUT,
    CODEC_TAKE,
    CODEC_JOB,
    CODEC_DONE,
    CODEC_FAIL,
    CODEC_LOST,
    CODEC_FULL,
    CODEC_RESULT,
    CODEC_FAILED,
    CODEC_RENEW,
    CODEC_PING,
    CODEC_PONG,
    CODEC_KIND_COUNT
};

struct codec_bytes {
    const uint8_t *data;
    size_t len;
};

struct codec_hello {
    uint32_t version;
    const char *publisher;
    uint64_t epoch, first_unacked;
};

struct codec_welcome {
    uint32_t version;
    struct codec_bytes journal_id;
    uint64_t durable_pub_seq;
    uint32_t window_events, window_bytes;
};

struct codec_data {
    uint64_t epoch, first_pub_seq;
    uint32_t n;
};

struct codec_ack {
    uint64_t epoch, durable_pub_seq, seq;
};

struct codec_live {
    const char *publisher;
    uint32_t n;
};

struct codec_refused {
    const char *reason;
    uint64_t pub_seq;
    bool fatal;
};

struct codec_fetch {
    const char *consumer;
    struct codec_bytes journal_id;
    uint64_t from_seq, committed_seq;
    const char *const *prefixes;
    size_t n_prefixes;
    uint32_t max_bytes, max_events, max_wait_ms;
    uint64_t request;
};

/** BATCH; TRIMMED and NEW_JOURNAL without next, head and n. */
struct codec_batch {
    struct codec_bytes journal_id;
    uint64_t next_seq, head_seq, first_available;
    uint32_t n;
    uint64_t request;
};

struct codec_damaged {
    struct codec_bytes journal_id;
    uint64_t from_seq, to_seq, request;
};

/** PUT and JOB. */
struct codec_put {
    struct codec_bytes id, body;
    const char *queue, *caller;
    uint32_t deadline_ms, lease_ms, max_attempts, attempt;
};

struct codec_take {
    const char *queue, *worker;
    uint32_t credit;
};

/** What is said of one job: DONE, FAIL, LOST, FULL, RESULT, FAILED, RENEW, each with the fields it has. */
struct codec_answer {
    struct codec_bytes id, body;
    const char *reason, *queue;
    uint32_t attempt, code, lease_ms;
};

struct codec_pong {
    uint64_t nonce;
    bool no_session;
};

struct codec_frame {
    enum codec_kind kind;
    union {
        struct codec_hello hello;
        struct codec_welcome welcome;
        struct codec_data data;
        struct codec_ack ack;
        uint64_t fenced_epoch;
        struct codec_live live;
        struct codec_refused refused;
        struct codec_fetch fetch;
        struct codec_batch batch; /* also trimmed, new_journal */
        struct codec_damaged damaged;
        struct codec_put put; /* also job */
        struct codec_take take;
        struct codec_answer answer;
        uint64_t nonce; /* ping */
        struct codec_pong pong;
    };
    void *owner; /* what decoding allocated */
};

enum { CODEC_E_MALFORMED = 1 };

/**
 * Reads a frame; its pointers live until codec_frame_deinit. Memory is bounded by a multiple of n.
 *
 * @return 0 or CODEC_E_MALFORMED
 */
tip_nodiscard int codec_decode(struct codec_frame *frame, const void *bytes, size_t n);
void codec_frame_deinit(struct codec_frame *frame);

/** Appends the frame. @return 0 or -ENOBUFS */
tip_nodiscard int codec_encode(const struct codec_frame *frame, struct tip_buf *out);

/** "hello", …; "none". */
const char *codec_kind_name(enum codec_kind kind);

/* ---- records ---- */

struct codec_stamp {
    const uint8_t *journal_id; /* 16 bytes */
    uint64_t seq, class_seq;
    int64_t commit_us;
    const char *publisher;
    uint64_t epoch, pub_seq;
    const char *topic; /* topic_len bytes */
    uint8_t topic_len;
    uint8_t tlp;
};

struct codec_record {
    uint32_t len;
    uint16_t topic_at, name_at; /* where topic and publisher stand */
    uint8_t name_len;
};

/** Room that a record of such an event may take at most. */
uint32_t codec_record_max(uint32_t event_len);

/** Writes Record{stamp, event}; the event is copied as it is. `out` has room for codec_record_max. */
struct codec_record codec_record_put(uint8_t *out, const struct codec_stamp *stamp, const uint8_t *event,
                                     uint32_t event_len);
