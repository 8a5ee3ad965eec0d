#include "batch.h"

#include <stdlib.h>
#include <string.h>

#include <tip/alloc.h>

struct tip_uuid store_uuid(const struct tip_id *id)
{
    struct tip_uuid uuid;

    memcpy(uuid.bytes, id->bytes, sizeof(uuid.bytes));
    return uuid;
}

struct tip_id store_tip_id(const struct tip_uuid *uuid)
{
    struct tip_id id;

    memcpy(id.bytes, uuid->bytes, sizeof(id.bytes));
    return id;
}

bool store_position_equal(const struct store_position *a, const struct store_position *b)
{
    return a->next_seq == b->next_seq && tip_uuid_compare(&a->journal, &b->journal) == 0;
}

static void *batch_keep(char **atp, const void *bytes, size_t n)
{
    void *kept = memcpy(*atp, bytes, n);

    *atp += n;
    return kept;
}

/* To the millisecond, as times of events are. A clock ahead of the broker's says nothing that could be compared. */
static int64_t batch_epoch_us(const struct tip_stamp *stamp)
{
    return stamp->epoch < (uint64_t)stamp->commit_unix_us ? (int64_t)(stamp->epoch - stamp->epoch % 1000) : 0;
}

struct store_batch *store_batch_new(const struct tip_fetch_batch *fetched, const struct store_position *from)
{
    size_t bytes = sizeof(struct store_batch) + fetched->n_records * sizeof(struct store_record);
    struct store_batch *batch;
    char *at;

    for (size_t i = 0; i < fetched->n_records; i++) {
        const struct tip_record *record = &fetched->records[i];

        bytes += record->event_len + strlen(record->stamp.topic) + strlen(record->stamp.publisher) + 2;
    }
    at = tip_alloc(1, bytes); /* bounded by what the bus client lets into a batch */
    batch = (struct store_batch *)(void *)at;
    *batch = (struct store_batch){.from = *from, .n_records = fetched->n_records, .bytes = bytes};
    batch->next = (struct store_position){store_uuid(&fetched->journal_id), fetched->next_seq};
    at += sizeof(*batch) + fetched->n_records * sizeof(struct store_record);
    for (size_t i = 0; i < fetched->n_records; i++) {
        const struct tip_record *record = &fetched->records[i];

        batch->records[i] = (struct store_record){
            .seq = record->stamp.seq,
            .commit_unix_us = record->stamp.commit_unix_us,
            .epoch_unix_us = batch_epoch_us(&record->stamp),
            .tlp = (int16_t)record->stamp.tlp,
            .event_len = (uint32_t)record->event_len,
            .topic = batch_keep(&at, record->stamp.topic, strlen(record->stamp.topic) + 1),
            .publisher = batch_keep(&at, record->stamp.publisher, strlen(record->stamp.publisher) + 1),
            .event = batch_keep(&at, record->event, record->event_len),
        };
    }
    return batch;
}

void store_batch_destroy(struct store_batch **batchp)
{
    free(*batchp);
    *batchp = NULL;
}
