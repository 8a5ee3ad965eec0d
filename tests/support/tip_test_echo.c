/*
 * A service that publishes what it consumes, for tests: each event of its own topic that it reads leads to two more,
 * one deeper, until DEPTH; the first one it publishes itself. So it has said all when 2^(DEPTH+1) - 1 events stand in
 * the journal. Its outbox holds a few hundred of them: it is full nearly all the time. It keeps the rule of the bus:
 * who has no room stops fetching, and never waits in publish.
 *
 *     tip_test_echo OUTBOX INGEST FETCH NAME DEPTH
 *
 * Says `held N` at the end: how often it found its outbox full. Ends with 0 when all is acked.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tip/bus.h>
#include <tip/log.h>
#include <tip/outbox.h>

enum { ECHO_MAP_BYTES = 512 * 1024, ECHO_DETAIL = 400, ECHO_EVENT_BYTES = 1024, ECHO_RETRY_MS = 50 };

struct echo {
    struct tip_loop *loop;
    struct tip_outbox *outbox;
    struct tip_bus *bus;
    struct tip_fetch *fetch;
    const char *name;
    char topic[256];
    long depth;
    uint64_t said, wanted, held;
};

static int echo_publish(struct echo *echo, struct tip_outbox_txn *txn, long depth)
{
    char detail[ECHO_DETAIL + 1], text[24];
    struct tip_event event = {.kind = TIP_EVENT_SYSTEM_ALARM, .kind_name = "", .id = tip_id_random()};

    memset(detail, 'e', ECHO_DETAIL);
    detail[ECHO_DETAIL] = '\0';
    (void)snprintf(text, sizeof(text), "%ld", depth);
    event.observed_unix_ms = 1;
    event.system_alarm = (struct tip_system_alarm){.service = echo->name, .name = text, .detail = detail};
    echo->said++;
    return tip_outbox_publish(txn, echo->topic, TIP_TLP_AMBER, &event, NULL);
}

static int echo_record(struct echo *echo, struct tip_outbox_txn *txn, const struct tip_record *record)
{
    struct tip_event *event = NULL;
    long depth;
    int r = 0;

    if (tip_event_decode(record->event, record->event_len, &event, NULL))
        abort(); /* it is our own */
    depth = strtol(event->system_alarm.name, NULL, 10);
    tip_event_destroy(&event);
    for (int i = 0; !r && i < 2 && depth < echo->depth; i++)
        r = echo_publish(echo, txn, depth + 1);
    return r;
}

static void echo_on_acked(void *ctx)
{
    struct echo *echo = ctx;

    printf("held %llu\n", (unsigned long long)echo->held);
    tip_loop_stop(echo->loop);
}

static void echo_on_batch(void *ctx, const struct tip_fetch_batch *batch)
{
    struct echo *echo = ctx;
    struct tip_outbox_txn *txn = NULL;
    int r;

    if (!tip_outbox_has_room(echo->outbox, 2 * batch->n_records * ECHO_EVENT_BYTES)) {
        echo->held++;
        tip_fetch_retry(echo->fetch, ECHO_RETRY_MS);
        return;
    }
    r = tip_outbox_begin(echo->outbox, &txn);
    for (size_t i = 0; !r && i < batch->n_records; i++)
        r = echo_record(echo, txn, &batch->records[i]);
    r = r ? r : tip_outbox_input_put(txn, echo->name, &batch->journal_id, batch->next_seq);
    r = r ? r : tip_outbox_commit(&txn);
    if (r)
        abort();
    tip_fetch_done(echo->fetch, &batch->journal_id, batch->next_seq);
    if (echo->said == echo->wanted && batch->n_records && tip_bus_flush(echo->bus, echo_on_acked, echo))
        abort();
}

static void echo_on_break(void *ctx, enum tip_fetch_break why, const struct tip_id *journal_id, uint64_t next_seq)
{
    (void)ctx;
    (void)why;
    (void)journal_id;
    (void)next_seq;
    abort(); /* nothing is lost in this test */
}

static int echo_begin(struct echo *echo)
{
    struct tip_outbox_txn *txn = NULL;
    int r = tip_outbox_begin(echo->outbox, &txn);

    r = r ? r : echo_publish(echo, txn, 0);
    return r ? r : tip_outbox_commit(&txn);
}

int main(int argc, char **argv)
{
    struct tip_outbox_config outbox = {.map_bytes = ECHO_MAP_BYTES, .wall_unix_us = tip_loop_wall_us()};
    struct echo echo = {0};
    struct tip_bus_config bus = {.ctx = &echo};
    const char *const prefixes[] = {echo.topic, NULL};
    struct tip_fetch_config fetch = {
        .prefixes = prefixes, .on_batch = echo_on_batch, .on_break = echo_on_break, .max_events = 50, .ctx = &echo};
    int r;

    if (argc != 6)
        return 2;
    tip_log_init(argv[4]);
    echo.name = fetch.consumer = bus.name = argv[4];
    echo.depth = strtol(argv[5], NULL, 10);
    echo.wanted = (2ULL << echo.depth) - 1;
    (void)snprintf(echo.topic, sizeof(echo.topic), "v1.system.alarm.%s.", echo.name); /* a short name */
    outbox.dir = argv[1];
    bus.ingest = argv[2];
    bus.fetch = argv[3];
    echo.loop = tip_loop_new();
    r = tip_outbox_open(&echo.outbox, &outbox);
    bus.outbox = echo.outbox;
    r = r ? r : tip_bus_open(&echo.bus, echo.loop, &bus);
    r = r ? r : echo_begin(&echo);
    r = r ? r : tip_fetch_open(&echo.fetch, echo.bus, &fetch);
    return r || tip_loop_run(echo.loop) ? 1 : 0;
}
