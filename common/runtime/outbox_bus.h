#pragma once
/*
 * The other side of the outbox: what the bus client reads, and deletes once it has been acked. A record is what DATA
 * carries for one event: { u16 topic_len, u8 tlp, u8 0, u32 event_len, topic, event }, little-endian.
 */
#include <stdint.h>

#include <tip/outbox.h>

enum {
    OUTBOX_DELETE_MAX = 256,   /* a transaction */
    OUTBOX_REFUSED_MAX = 1000, /* kept for people to look at … */
    OUTBOX_REFUSED_PART = 32,  /* … in at most this part of the budget: 4 MiB of the usual map */
    OUTBOX_RECORD_HEAD = 8,
    OUTBOX_RECORD_MAX = OUTBOX_RECORD_HEAD + 255 + TIP_EVENT_BYTES_MAX
};

/** The lowest pub_seq that is still here, and the one the next event will get; equal when there is none. */
uint64_t outbox_first(const struct tip_outbox *outbox);
uint64_t outbox_next(const struct tip_outbox *outbox);

/**
 * Gives the records from `from` on, in order, until `each` returns something else than 0.
 *
 * @return 0, what each returned, or negative errno
 */
tip_nodiscard int outbox_read(struct tip_outbox *outbox, uint64_t from,
                              int (*each)(void *ctx, uint64_t pub_seq, const void *record, size_t n), void *ctx);

/**
 * Deletes at most OUTBOX_DELETE_MAX records up to `acked`.
 *
 * @return 0, -EBUSY while a transaction is open, or negative errno; outbox_first says how far it came
 */
tip_nodiscard int outbox_delete_acked(struct tip_outbox *outbox, uint64_t acked);

/**
 * The broker will never take this record: it moves to the table of refused ones, and the given event takes its place,
 * so that the sequence stays dense. Of refused ones the newest are kept, by number and bytes.
 *
 * @return 0, -ENOENT, or negative errno
 */
tip_nodiscard int outbox_replace(struct tip_outbox *outbox, uint64_t pub_seq, const char *topic, enum tip_tlp tlp,
                                 const struct tip_event *event);

/**
 * A younger epoch: the broker's position and ours contradict each other, since one of them was set back to an old copy.
 * What waits keeps its numbers.
 */
tip_nodiscard int outbox_renew_epoch(struct tip_outbox *outbox, uint64_t wall_unix_us);

/** Called after each commit that queued events, from inside it. */
void outbox_on_commit(struct tip_outbox *outbox, void (*fn)(void *ctx), void *ctx);

/** True once, when somebody was told that there is no room, and now there is an eighth of the budget at least. */
bool outbox_space_returned(struct tip_outbox *outbox);

/** One record for an event that is not kept. @return as tip_outbox_publish */
tip_nodiscard int outbox_record_write(struct tip_buf *out, const char *topic, enum tip_tlp tlp,
                                      const struct tip_event *event);
