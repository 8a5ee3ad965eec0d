#pragma once
/*
 * A private copy of a fetched batch, so that it can go to the thread that writes; and where in the journal it stands.
 */
#include <stddef.h>
#include <stdint.h>

#include <tip/bus.h>
#include <tip/uuid.h>

/** What has been stored: everything before next_seq of this journal. */
struct store_position {
    struct tip_uuid journal; /* zero: nothing yet */
    uint64_t next_seq;
};

struct store_record {
    uint64_t seq;
    int64_t commit_unix_us;
    int64_t epoch_unix_us; /* since when its publisher's outbox is: with it began the owner's stream; 0: unknown */
    int16_t tlp;
    uint32_t event_len;
    const char *topic, *publisher;
    const uint8_t *event;
};

/** One block: free it with store_batch_destroy. */
struct store_batch {
    struct store_position from, next; /* what must be stored before, and what is afterwards */
    size_t n_records, bytes;          /* bytes: of the whole block */
    struct store_record records[];
};

/** @param from  where the fetch stood */
struct store_batch *store_batch_new(const struct tip_fetch_batch *fetched, const struct store_position *from);
void store_batch_destroy(struct store_batch **batchp);

bool store_position_equal(const struct store_position *a, const struct store_position *b);

/** Ids of events and of tables are the same 16 bytes. */
struct tip_uuid store_uuid(const struct tip_id *id);
struct tip_id store_tip_id(const struct tip_uuid *uuid);
