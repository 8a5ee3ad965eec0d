/*
 * A publisher for tests: events numbered 1 to COUNT through an outbox, as fast as it takes them. Killed at any moment
 * and started again it goes on; the number stands in the same transaction as its event.
 *
 *     tip_test_pub DIR INGEST NAME COUNT [EVENTS_A_TRANSACTION [LOG]]
 *
 * Ends with 0 and a line `acked COUNT` once the broker has everything, with 3 when fenced. A file DIR/stop ends it
 * early: what is published then is all there is.
 *
 * LOG gets a line `sent EPOCH PUB_SEQ DIGEST` for each event before it is committed, and `acked EPOCH PUB_SEQ`, which
 * may lag behind. An event is made of its publisher's name and number alone, so after a kill the same line comes again.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sodium.h>

#include <tip/bus.h>
#include <tip/log.h>

enum { PUB_OBSERVED_UNIX_MS = 1000000000, PUB_LINES_BYTES = 1 << 20 };

struct pub {
    struct tip_loop *loop;
    struct tip_outbox *outbox;
    struct tip_bus *bus;
    const char *name;
    char stop[4096];
    char topic[256];
    uint64_t count;
    uint64_t batch;
    uint64_t done; /* committed */
    uint64_t acked;
    int log; /* -1: none */
    struct tip_buf lines;
    struct tip_buf bytes; /* of one event */
    int exit_code;
};

/* A line of the log; what a kill may not take is written before it counts. */
static void pub_line(struct pub *pub, const char *format, uint64_t pub_seq, const char *digest)
{
    char line[128];
    int n;

    if (pub->log == -1)
        return;
    n = snprintf(line, sizeof(line), "%s %llu %llu %s\n", format, (unsigned long long)tip_outbox_epoch(pub->outbox),
                 (unsigned long long)pub_seq, digest);
    if (tip_buf_append(&pub->lines, line, (size_t)n))
        abort(); /* a transaction's lines fit */
}

static void pub_write(struct pub *pub)
{
    if (pub->lines.len && write(pub->log, pub->lines.data, pub->lines.len) != (ssize_t)pub->lines.len)
        abort();
    tip_buf_clear(&pub->lines);
}

static void pub_line_acked(struct pub *pub)
{
    uint64_t acked = pub->done - tip_outbox_n_waiting(pub->outbox);

    if (acked > pub->acked)
        pub_line(pub, "acked", acked, "");
    pub->acked = acked;
    pub_write(pub);
}

static void pub_end(struct pub *pub, int exit_code)
{
    pub->exit_code = exit_code;
    tip_loop_stop(pub->loop);
}

static void pub_on_acked(void *ctx)
{
    struct pub *pub = ctx;

    pub_line_acked(pub);
    printf("acked %llu\n", (unsigned long long)pub->count);
    pub_end(pub, 0);
}

static void pub_on_fenced(void *ctx)
{
    pub_end(ctx, 3);
}

static int pub_one(struct pub *pub, struct tip_outbox_txn *txn, uint64_t number)
{
    char text[24], name[sizeof(pub->topic) + sizeof(text)], digest[2 * 8 + 1];
    struct tip_event event = {.kind = TIP_EVENT_SYSTEM_ALARM, .kind_name = ""};
    uint8_t hash[crypto_generichash_BYTES_MIN];
    uint64_t pub_seq;
    int r;

    (void)snprintf(text, sizeof(text), "%llu", (unsigned long long)number);
    (void)snprintf(name, sizeof(name), "%s%s", pub->topic, text);
    crypto_generichash(event.id.bytes, sizeof(event.id.bytes), (const uint8_t *)name, strlen(name), NULL, 0);
    event.observed_unix_ms = PUB_OBSERVED_UNIX_MS + (int64_t)number;
    event.system_alarm = (struct tip_system_alarm){.service = pub->name, .name = text, .detail = "a test"};
    r = tip_outbox_publish(txn, pub->topic, TIP_TLP_AMBER, &event, &pub_seq);
    tip_buf_clear(&pub->bytes);
    if (!r)
        r = tip_event_encode(&event, &pub->bytes);
    if (r)
        return r;
    crypto_generichash(hash, sizeof(hash), pub->bytes.data, pub->bytes.len, NULL, 0);
    (void)sodium_bin2hex(digest, sizeof(digest), hash, 8);
    pub_line(pub, "sent", pub_seq, digest);
    return 0;
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
    pub_write(pub);
    if (!r)
        r = tip_outbox_commit(&txn);
    if (r)
        return r;
    pub->done = number;
    pub_line_acked(pub);
    return 0;
}

static void pub_go_on(void *ctx)
{
    struct pub *pub = ctx;
    int r = 0;

    if (access(pub->stop, F_OK) == 0)
        pub->count = pub->done;
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
    struct pub pub = {.exit_code = 1, .batch = 32, .log = -1};
    int r;

    if (argc < 5)
        return 2;
    tip_log_init(argv[3]);
    pub.name = argv[3];
    (void)snprintf(pub.stop, sizeof(pub.stop), "%s/stop", argv[1]);
    pub.count = strtoull(argv[4], NULL, 10);
    if (argc > 5)
        pub.batch = strtoull(argv[5], NULL, 10);
    if (argc > 6)
        pub.log = open(argv[6], O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    tip_buf_init(&pub.lines, PUB_LINES_BYTES);
    tip_buf_init(&pub.bytes, TIP_EVENT_BYTES_MAX);
    pub.loop = tip_loop_new();
    r = pub_run(&pub, argv[1], argv[2]);
    if (r)
        (void)fprintf(stderr, "tip_test_pub: %s\n", strerror(-r));
    tip_loop_defer_cancel(pub.loop, &pub);
    tip_bus_destroy(&pub.bus);
    tip_outbox_destroy(&pub.outbox);
    tip_buf_deinit(&pub.lines);
    tip_buf_deinit(&pub.bytes);
    tip_loop_destroy(&pub.loop);
    return pub.exit_code;
}
