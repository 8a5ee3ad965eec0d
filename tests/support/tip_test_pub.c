/*
 * A publisher for tests: events numbered 1 to COUNT through an outbox, as fast as it takes them. Killed at any moment
 * and started again it goes on; the number stands in the same transaction as its event.
 *
 *     tip_test_pub DIR INGEST NAME COUNT [EVENTS_A_TRANSACTION]
 *
 * Ends with 0 and a line `acked COUNT` once the broker has everything, with 3 when fenced.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tip/bus.h>
#include <tip/log.h>

struct pub {
    struct tip_loop *loop;
    struct tip_outbox *outbox;
    struct tip_bus *bus;
    const char *name;
    char topic[256];
    uint64_t count;
    uint64_t batch;
    uint64_t done; /* committed */
    int exit_code;
};

static void pub_end(struct pub *pub, int exit_code)
{
    pub->exit_code = exit_code;
    tip_loop_stop(pub->loop);
}

static void pub_on_acked(void *ctx)
{
    struct pub *pub = ctx;

    printf("acked %llu\n", (unsigned long long)pub->count);
    pub_end(pub, 0);
}

static void pub_on_fenced(void *ctx)
{
    pub_end(ctx, 3);
}

static int pub_one(struct pub *pub, struct tip_outbox_txn *txn, uint64_t number)
{
    char text[24];
    struct tip_event event = {.id = tip_id_new(pub->loop), .kind = TIP_EVENT_SYSTEM_ALARM};

    (void)snprintf(text, sizeof(text), "%llu", (unsigned long long)number);
    event.observed_unix_ms = tip_loop_wall_ms();
    event.system_alarm = (struct tip_system_alarm){.service = pub->name, .name = text, .detail = "a test"};
    return tip_outbox_publish(txn, pub->topic, TIP_TLP_AMBER, &event, NULL);
}

/* One transaction: some events, and the number they lead to. */
static int pub_some(struct pub *pub)
{
    tip_auto(tip_outbox_abort) struct tip_outbox_txn *txn = NULL;
    uint64_t number = pub->done;
    int r;

    r = tip_outbox_begin(pub->outbox, &txn);
    for (uint64_t i = 0; !r && i < pub->batch && number < pub->count; i++)
        r = pub_one(pub, txn, ++number);
    if (!r)
        r = tip_outbox_put(txn, "state", "done", 4, &number, sizeof(number));
    if (!r)
        r = tip_outbox_commit(&txn);
    if (!r)
        pub->done = number;
    return r;
}

static void pub_go_on(void *ctx)
{
    struct pub *pub = ctx;
    int r = 0;

    if (pub->done < pub->count)
        r = pub_some(pub);
    if (r == -ENOBUFS)
        return; /* called back when there is room */
    if (!r && pub->done == pub->count)
        r = tip_bus_flush(pub->bus, pub_on_acked, pub);
    else if (!r)
        tip_loop_defer(pub->loop, pub_go_on, pub);
    if (r) {
        (void)fprintf(stderr, "tip_test_pub: %s\n", strerror(-r));
        pub_end(pub, 1);
    }
}

static int pub_load(struct pub *pub)
{
    tip_auto(tip_outbox_abort) struct tip_outbox_txn *txn = NULL;
    const void *value;
    size_t n;
    int r;

    r = tip_outbox_begin(pub->outbox, &txn);
    if (!r)
        r = tip_outbox_get(txn, "state", "done", 4, &value, &n);
    if (!r)
        memcpy(&pub->done, value, sizeof(pub->done));
    return r == -ENOENT ? 0 : r;
}

static int pub_run(struct pub *pub, const char *dir, const char *ingest)
{
    struct tip_outbox_config outbox = {.dir = dir, .map_bytes = 8 << 20, .wall_unix_us = tip_loop_wall_us()};
    struct tip_bus_config bus = {.name = pub->name, .ingest = ingest, .on_fenced = pub_on_fenced, .ctx = pub};
    int r;

    r = tip_topic(pub->topic, "v1.system.alarm.", pub->name);
    if (!r)
        r = tip_outbox_open(&pub->outbox, &outbox);
    if (!r)
        r = pub_load(pub);
    bus.outbox = pub->outbox;
    if (!r)
        r = tip_bus_open(&pub->bus, pub->loop, &bus);
    if (r)
        return r;
    tip_bus_on_space(pub->bus, pub_go_on, pub);
    tip_loop_defer(pub->loop, pub_go_on, pub);
    return tip_loop_run(pub->loop);
}

int main(int argc, char **argv)
{
    struct pub pub = {.exit_code = 1, .batch = 32};
    int r;

    if (argc < 5)
        return 2;
    tip_log_init(argv[3]);
    pub.name = argv[3];
    pub.count = strtoull(argv[4], NULL, 10);
    if (argc > 5)
        pub.batch = strtoull(argv[5], NULL, 10);
    pub.loop = tip_loop_new();
    r = pub_run(&pub, argv[1], argv[2]);
    if (r)
        (void)fprintf(stderr, "tip_test_pub: %s\n", strerror(-r));
    tip_loop_defer_cancel(pub.loop, &pub);
    tip_bus_destroy(&pub.bus);
    tip_outbox_destroy(&pub.outbox);
    tip_loop_destroy(&pub.loop);
    return pub.exit_code;
}
