#pragma once
/*
 * The frames of proto/tip/v1/bus.proto as plain structs: the only door of the bus client to the generated messages.
 * Writing borrows; a frame that was read owns one unpacked message, which its pointers point into.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <tip/buf.h>
#include <tip/event.h>

enum {
    BUS_PROTOCOL = 1,
    BUS_FRAME_HEAD_MAX = 64 * 1024,                        /* of a frame without a body of a call */
    BUS_FRAME_CALL_MAX = 1024 * 1024 + BUS_FRAME_HEAD_MAX, /* TIP_CALL_BYTES_MAX and what is around it */
    BUS_PREFIXES_MAX = 64,
    BUS_REASON_MAX = 1024
};

enum bus_frame_kind {
    BUS_FRAME_OTHER, /* one that no client gets, or a later version's */
    BUS_FRAME_WELCOME,
    BUS_FRAME_ACK,
    BUS_FRAME_FENCED,
    BUS_FRAME_REFUSED,
    BUS_FRAME_BATCH,
    BUS_FRAME_TRIMMED,
    BUS_FRAME_NEW_JOURNAL,
    BUS_FRAME_DAMAGED,
    BUS_FRAME_JOB,
    BUS_FRAME_RESULT,
    BUS_FRAME_FAILED,
    BUS_FRAME_FULL,
    BUS_FRAME_LOST,
    BUS_FRAME_PING,
    BUS_FRAME_PONG,
    BUS_FRAME_KIND_COUNT
};

struct bus_welcome {
    struct tip_id journal_id;
    uint64_t durable_pub_seq;
    uint32_t version, window_events, window_bytes;
};

struct bus_ack {
    uint64_t epoch, durable_pub_seq;
};

struct bus_refused {
    const char *reason;
    uint64_t pub_seq;
    bool fatal;
};

/** Batch, Trimmed, NewJournal, Damaged: every answer to a Fetch says where to go on. */
struct bus_position {
    struct tip_id journal_id;
    uint64_t next_seq, head_seq; /* head_seq and n of a Batch only */
    uint64_t request;
    uint32_t n;
};

struct bus_job {
    struct tip_id id;
    uint32_t attempt, deadline_ms, lease_ms;
    const char *queue, *caller;
    const uint8_t *body;
    size_t body_len;
};

/** Result, Failed, Full, Lost: how a call goes on or ends. */
struct bus_answer {
    struct tip_id id;
    const char *reason;
    uint32_t code, attempt;
    const uint8_t *body;
    size_t body_len;
};

struct bus_pong {
    uint64_t nonce;
    bool no_session; /* ingest knows none of this connection */
};

struct bus_frame {
    enum bus_frame_kind kind;
    union {
        struct bus_welcome welcome;
        struct bus_ack ack;
        uint64_t fenced_by; /* epoch */
        struct bus_refused refused;
        struct bus_position position;
        struct bus_job job;
        struct bus_answer answer;
        uint64_t nonce; /* ping */
        struct bus_pong pong;
    };
    void *message; /* owned */
};

enum { BUS_E_MALFORMED = 1 };

/** @return 0 or BUS_E_MALFORMED; only after 0 there is something to deinit */
tip_nodiscard int bus_frame_read(struct bus_frame *frame, const void *bytes, size_t n);
void bus_frame_deinit(struct bus_frame *frame);

struct bus_hello {
    const char *publisher;
    uint64_t epoch, first_unacked;
};

struct bus_data {
    uint64_t epoch, first_pub_seq;
    uint32_t n;
};

struct bus_fetch {
    const char *consumer;
    struct tip_id journal_id;
    uint64_t from_seq, committed_seq;
    const char *const *prefixes;
    size_t n_prefixes;
    uint32_t max_bytes, max_events, max_wait_ms;
    uint64_t request;
};

struct bus_put {
    struct tip_id id;
    const char *queue, *caller;
    const uint8_t *body;
    size_t body_len;
    uint32_t deadline_ms, lease_ms, max_attempts;
};

struct bus_end {
    struct tip_id id;
    uint32_t attempt, code;
    const char *reason;
    const uint8_t *body;
    size_t body_len;
};

/** Each replaces what `out` holds. @return 0 or -ENOBUFS */
tip_nodiscard int bus_write_hello(struct tip_buf *out, const struct bus_hello *hello);
tip_nodiscard int bus_write_data(struct tip_buf *out, const struct bus_data *data);
tip_nodiscard int bus_write_live(struct tip_buf *out, const char *publisher, uint32_t n);
tip_nodiscard int bus_write_fetch(struct tip_buf *out, const struct bus_fetch *fetch);
tip_nodiscard int bus_write_put(struct tip_buf *out, const struct bus_put *put);
tip_nodiscard int bus_write_take(struct tip_buf *out, const char *queue, uint32_t credit, const char *worker);
tip_nodiscard int bus_write_done(struct tip_buf *out, const struct bus_end *end);
tip_nodiscard int bus_write_fail(struct tip_buf *out, const struct bus_end *end);
tip_nodiscard int bus_write_renew(struct tip_buf *out, const struct tip_id *id, uint32_t attempt, uint32_t lease_ms);
tip_nodiscard int bus_write_ping(struct tip_buf *out, uint64_t nonce);
tip_nodiscard int bus_write_pong(struct tip_buf *out, uint64_t nonce);

/** The records of a BATCH: next length-prefixed one. @return 0, or BUS_E_MALFORMED */
tip_nodiscard int bus_batch_next(const uint8_t **atp, size_t *restp, const uint8_t **recordp, size_t *lenp);
