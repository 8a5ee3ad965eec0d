#include "journal_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tip/alloc.h>
#include <tip/crc32c.h>

#include "le.h"

static void fixture_notice(void *ctx, const struct journal_notice *notice)
{
    struct fixture *fix = ctx;

    fix->notices[notice->kind]++;
    fix->last = *notice;
    fix->last.consumer = fix->last.segment = NULL;
}

static void fixture_random(void *bytes, size_t n)
{
    memset(bytes, 0x5a, n);
}

void fixture_init(struct fixture *fix)
{
    *fix = (struct fixture){.sim = sim_disk_new(), .now_ms = 1000};
    fix->config = (struct journal_config){
        .segment_bytes = FIX_SEGMENT,
        .keep_bytes = 4 * FIX_SEGMENT,
        .cap_bytes = 8 * FIX_SEGMENT,
        .keep_us = INT64_MAX / 4,
        .expiry_us = 3600 * 1000000LL,
        .group_bytes = FIX_SEGMENT,
        .random = fixture_random,
        .on_notice = fixture_notice,
        .ctx = fix,
        .inline_writer = true,
    };
}

void fixture_close(struct fixture *fix)
{
    journal_destroy(&fix->journal);
}

void fixture_deinit(struct fixture *fix)
{
    fixture_close(fix);
    sim_disk_free(&fix->sim);
}

static void fixture_name(char name[static 16], unsigned publisher)
{
    (void)snprintf(name, 16, "publisher%u", publisher);
}

static struct journal_publisher *fixture_publisher(struct fixture *fix, unsigned publisher)
{
    struct journal_publisher *entry;
    char name[16];

    fixture_name(name, publisher);
    if (journal_table_publisher(journal_tablep(fix->journal), name, strlen(name), &entry))
        abort();
    return entry;
}

static void fixture_trouble(struct fixture *fix, const char *what, uint64_t seq)
{
    if (fix->trouble)
        return;
    fix->trouble = what;
    fix->trouble_seq = seq;
}

int fixture_open(struct fixture *fix)
{
    int r;

    fix->config.disk = &fix->sim->disk;
    fix->config.wall_us = (int64_t)fix->now_ms * 1000;
    r = journal_open(&fix->journal, &fix->config);
    if (r)
        return r;
    for (unsigned i = 0; i < FIX_PUBLISHERS; i++) {
        struct journal_publisher *entry = fixture_publisher(fix, i);

        if (entry->epoch == 0)
            *entry =
                (struct journal_publisher){.epoch = 7, .appended = fix->acked[i], .durable = fix->acked[i], .refs = 1};
        memset(entry->name, 0, sizeof(entry->name));
        fixture_name(entry->name, i);
        if (entry->durable < fix->acked[i])
            fixture_trouble(fix, "an acked event is gone (publisher's position)", entry->durable);
        if (entry->epoch < fix->epoch[i])
            fixture_trouble(fix, "an epoch that was welcomed is forgotten", entry->epoch);
        fix->next[i] = entry->durable + 1;
    }
    return 0;
}

int fixture_adopt(struct fixture *fix, unsigned publisher)
{
    struct journal_publisher *entry = fixture_publisher(fix, publisher);

    entry->epoch++;
    entry->appended = entry->durable = fix->next[publisher] - 1;
    entry->appended_seq = entry->durable_seq = 0;
    return journal_epoch(fix->journal, entry);
}

int fixture_put(struct fixture *fix, unsigned publisher, size_t bytes)
{
    struct journal_publisher *entry = fixture_publisher(fix, publisher);
    char topic[64], name[16];
    struct journal_intent intent = {.topic = topic, .tlp = 3, .wall_us = (int64_t)fix->now_ms * 1000};
    struct journal_slot slot;
    int r;

    fixture_name(name, publisher);
    (void)snprintf(topic, sizeof(topic), "v1.class%u.kind.x.", publisher);
    intent.topic_len = (uint8_t)strlen(topic);
    if (bytes < 64)
        bytes = 64;
    intent.payload_max = (uint32_t)bytes;
    r = journal_begin(fix->journal, &intent, &slot);
    if (r)
        return r;
    for (size_t i = 0; i < bytes; i++)
        slot.payload[i] = (uint8_t)(publisher * 31 + fix->next[publisher] * 7 + i);
    memcpy(slot.payload, topic, intent.topic_len);
    le64_put(slot.payload + 20, fix->next[publisher]);
    slot.payload[28] = (uint8_t)publisher;
    memcpy(slot.payload + 32, name, strlen(name));
    le64_put(slot.payload + 48, slot.seq);
    le64_put(slot.payload + 56, slot.class_seq);
    journal_commit(fix->journal, &slot,
                   &(struct journal_entry){
                       .publisher = entry,
                       .pub_seq = fix->next[publisher],
                       .payload_len = (uint32_t)bytes,
                       .topic_at = 0,
                       .name_at = 32,
                       .topic_len = intent.topic_len,
                       .name_len = (uint8_t)strlen(name),
                       .tlp = 3,
                   });
    fix->next[publisher]++;
    return 0;
}

static uint64_t fixture_hash(const uint8_t *bytes, size_t n)
{
    return (uint64_t)tip_crc32c(1, bytes, n) << 1 | 1;
}

static void fixture_on_record(void *ctx, const struct journal_record *record)
{
    struct fixture *fix = ctx;

    if (record->seq >= FIX_SEQS)
        return; /* the book ends there; fuzzing may begin behind it */
    if (fix->told[record->seq] && fix->told[record->seq] != fixture_hash(record->payload, record->payload_len))
        fixture_trouble(fix, "a number was given out twice", record->seq);
    fix->told[record->seq] = fixture_hash(record->payload, record->payload_len);
    fix->told_head = record->seq;
}

static void fixture_on_publisher(void *ctx, struct journal_publisher *publisher)
{
    struct fixture *fix = ctx;

    unsigned number = (unsigned)(publisher->name[strlen(publisher->name) - 1] - '0');

    fix->acked[number] = publisher->durable;
    fix->epoch[number] = publisher->epoch_durable;
}

bool fixture_flush(struct fixture *fix)
{
    const struct journal_sink sink = {fixture_on_record, fixture_on_publisher, fix};
    int r;

    (void)journal_submit(fix->journal); /* false: one is under way, or nothing to do */
    r = journal_poll(fix->journal, &sink);
    (void)journal_submit(fix->journal); /* what was filled meanwhile */
    return r == 1;
}

void fixture_tick(struct fixture *fix, uint64_t ms)
{
    fix->now_ms += ms;
    journal_tick(fix->journal, fix->now_ms);
    (void)fixture_flush(fix);
}

/* ---- reading back ---- */

struct reading {
    struct fixture *fix;
    uint64_t expected;
    uint64_t pub_seen[FIX_PUBLISHERS];
};

static void fixture_read_publisher(struct reading *reading, unsigned publisher, uint64_t pub_seq, uint64_t seq)
{
    uint64_t *seen = &reading->pub_seen[publisher];

    if (*seen && !reading->fix->damages && pub_seq != *seen + 1)
        fixture_trouble(reading->fix, "a publisher's events are not in order, once", seq);
    *seen = pub_seq;
}

static void fixture_read_record(struct reading *reading, const uint8_t *payload, size_t len)
{
    struct fixture *fix = reading->fix;
    uint64_t seq = le64_get(payload + 48);

    if (seq < reading->expected)
        fixture_trouble(fix, "numbers go back", seq);
    if (seq > reading->expected)
        fixture_trouble(fix, "a number is missing", reading->expected);
    if (seq < FIX_SEQS && fix->told[seq] && fix->told[seq] != fixture_hash(payload, len))
        fixture_trouble(fix, "a record differs from what was told", seq);
    reading->expected = seq + 1;
    fixture_read_publisher(reading, payload[28], le64_get(payload + 20), seq);
}

static void fixture_read_batch(struct reading *reading, const struct journal_batch *batch)
{
    const uint8_t *at = batch->records.data, *end = at + batch->records.len;

    while (at < end) {
        uint32_t len = le32_get(at);

        fixture_read_record(reading, at + 4, len);
        at += 4 + len;
    }
    if (reading->expected != batch->next_seq && !batch->damaged)
        fixture_trouble(reading->fix, "next_seq is not behind the last record", batch->next_seq);
    reading->expected = batch->next_seq;
}

/* One piece: true to go on. */
static bool fixture_read_piece(struct reading *reading, struct journal_batch *batch, int *endp)
{
    struct journal_read read = {.from = reading->expected, .max_bytes = 24 * 1024, .max_scan_bytes = UINT64_MAX};
    struct fixture *fix = reading->fix;
    struct journal_span span;
    uint64_t gap_top = 0;

    *endp = journal_pin(fix->journal, read.from, &span, &gap_top);
    if (*endp == JOURNAL_E_GAP) {
        fix->damages++;
        reading->expected = gap_top + 1;
        return true;
    }
    if (*endp)
        return false;
    tip_buf_clear(&batch->records);
    if (journal_span_read(&span, &read, batch))
        fixture_trouble(fix, "reading failed", read.from);
    journal_unpin(fix->journal, &span);
    if (batch->damaged)
        fix->damages++;
    if (batch->damaged && batch->damage_from != read.from)
        fixture_trouble(fix, "damage does not begin where reading began", read.from);
    fixture_read_batch(reading, batch);
    return true;
}

void fixture_check(struct fixture *fix, bool damage_allowed)
{
    tip_auto(tip_free) struct reading *reading = tip_new(struct reading);
    struct journal_batch batch = {0};
    struct journal_status status;
    int end = 0;

    journal_status(fix->journal, &status);
    fix->damages = 0;
    reading->fix = fix;
    reading->expected = status.first_seq;
    tip_buf_init(&batch.records, 256 * 1024);
    while (fixture_read_piece(reading, &batch, &end))
        ;
    tip_buf_deinit(&batch.records);
    if (end != JOURNAL_E_AHEAD)
        fixture_trouble(fix, "reading ended early", reading->expected);
    if (reading->expected != status.head_seq + 1)
        fixture_trouble(fix, "reading did not reach the head", reading->expected);
    for (unsigned i = 0; i < FIX_PUBLISHERS; i++) {
        if (!fix->damages && reading->pub_seen[i] && reading->pub_seen[i] != fixture_publisher(fix, i)->durable)
            fixture_trouble(fix, "a publisher's position is not its last event", i);
    }
    if (status.head_seq < fix->told_head)
        fixture_trouble(fix, "what was told is gone", status.head_seq);
    if (fix->damages && !damage_allowed)
        fixture_trouble(fix, "damage where there should be none", 0);
}

uint64_t fixture_count(struct fixture *fix, uint64_t from, const char *prefix, int *endp)
{
    const char *prefixes[] = {prefix};
    struct journal_read read = {
        .from = from, .prefixes = prefixes, .n_prefixes = prefix ? 1 : 0, .max_bytes = 4096, .max_scan_bytes = 4096};
    struct journal_batch batch = {0};
    struct journal_span span;
    uint64_t n = 0, gap_top;

    tip_buf_init(&batch.records, 64 * 1024);
    while ((*endp = journal_pin(fix->journal, read.from, &span, &gap_top)) == 0) {
        tip_buf_clear(&batch.records);
        if (journal_span_read(&span, &read, &batch))
            abort();
        journal_unpin(fix->journal, &span);
        n += batch.n;
        read.from = batch.next_seq;
    }
    tip_buf_deinit(&batch.records);
    return n;
}
