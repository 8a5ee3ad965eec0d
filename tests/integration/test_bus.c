/* The bus client against a broker of a few lines, in one loop. */
#include "check.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <tip/bus.h>
#include <tip/log.h>

#include "fake_broker.h"

struct world {
    struct tip_loop *loop;
    struct fake_broker broker;
    char dir[64];
    struct tip_outbox *outbox;
    struct tip_bus *bus;
    struct tip_timer poll;
    int64_t deadline_ms;
    bool (*is_done)(struct world *world);
    bool timed_out;

    uint64_t published;
    unsigned n_space, n_flushed, n_fenced;

    struct tip_fetch *fetch;
    uint64_t next_seq, n_records, n_breaks;
    bool lazy; /* does not say done */
    bool wrong;

    int64_t began_ms;
    unsigned n_hellos; /* that are waited for */

    int64_t calm_ms; /* until then nothing is renewed */

    struct tip_serve *serve;
    unsigned n_ends, n_jobs;
    enum tip_failure failure;
    char answer[64];
};

static void world_on_poll(void *ctx)
{
    struct world *world = ctx;

    world->timed_out = tip_loop_now_ms() >= world->deadline_ms;
    if (world->timed_out || world->is_done(world))
        tip_loop_stop(world->loop);
}

static void run_until(struct world *world, bool (*is_done)(struct world *world), int64_t within_ms)
{
    world->is_done = is_done;
    world->deadline_ms = tip_loop_now_ms() + within_ms;
    tip_timer_every(&world->poll, 5);
    assert_int_equal(tip_loop_run(world->loop), 0);
    assert_false(world->timed_out);
}

static bool never(struct world *world)
{
    (void)world;
    return false;
}

static void run_for(struct world *world, int64_t ms)
{
    world->is_done = never;
    world->deadline_ms = tip_loop_now_ms() + ms;
    tip_timer_every(&world->poll, 5);
    assert_int_equal(tip_loop_run(world->loop), 0);
}

static void on_fenced(void *ctx)
{
    ((struct world *)ctx)->n_fenced++;
}

static void open_bus(struct world *world, bool with_outbox)
{
    struct tip_outbox_config config = {.dir = world->dir, .map_bytes = 4 << 20, .wall_unix_us = 1000};
    struct tip_bus_config bus = {.name = "test",
                                 .ingest = world->broker.endpoints[0],
                                 .fetch = world->broker.endpoints[1],
                                 .work = world->broker.endpoints[2],
                                 .feed = world->broker.endpoints[3],
                                 .on_fenced = on_fenced,
                                 .ctx = world};

    if (with_outbox)
        assert_int_equal(tip_outbox_open(&world->outbox, &config), 0);
    bus.outbox = world->outbox;
    assert_int_equal(tip_bus_open(&world->bus, world->loop, &bus), 0);
}

static void close_bus(struct world *world)
{
    tip_fetch_destroy(&world->fetch);
    tip_serve_destroy(&world->serve);
    tip_bus_destroy(&world->bus);
    tip_outbox_destroy(&world->outbox);
}

static int world_make(void **state)
{
    struct world *world = calloc(1, sizeof(*world));

    if (!world)
        return -1;
    (void)snprintf(world->dir, sizeof(world->dir), "/tmp/tip-bus-XXXXXX");
    if (!mkdtemp(world->dir))
        return -1;
    world->loop = tip_loop_new();
    tip_timer_init(&world->poll, world->loop, world_on_poll, world);
    fake_broker_start(&world->broker, world->loop);
    *state = world;
    return 0;
}

static int world_end(void **state)
{
    static const char *const names[] = {"data.mdb", "lock.mdb", "lock", "ingest"};
    struct world *world = *state;
    char path[128];

    close_bus(world);
    fake_broker_stop(&world->broker);
    tip_timer_deinit(&world->poll);
    tip_loop_destroy(&world->loop);
    for (size_t i = 0; i < 4; i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", world->dir, names[i]);
        (void)unlink(path);
    }
    (void)rmdir(world->dir);
    free(world);
    return 0;
}

static int publish(struct world *world, unsigned n)
{
    tip_auto(tip_outbox_abort) struct tip_outbox_txn *txn = NULL;
    int r = 0;

    assert_int_equal(tip_outbox_begin(world->outbox, &txn), 0);
    for (unsigned i = 0; !r && i < n; i++) {
        char name[24];
        struct tip_event event = {.id = tip_id_new(world->loop), .kind = TIP_EVENT_SYSTEM_ALARM};

        (void)snprintf(name, sizeof(name), "%llu", (unsigned long long)(world->published + i + 1));
        event.observed_unix_ms = 1;
        event.system_alarm = (struct tip_system_alarm){.service = "test", .name = name};
        r = tip_outbox_publish(txn, "v1.system.alarm.test.", TIP_TLP_AMBER, &event, NULL);
    }
    if (r)
        return r;
    assert_int_equal(tip_outbox_commit(&txn), 0);
    world->published += n;
    return 0;
}

/* Everything arrived once, in order, whatever happened on the way. */
static void assert_arrived(struct world *world)
{
    assert_int_equal(world->broker.n_events, world->published);
    for (size_t i = 0; i < world->broker.n_events; i++)
        assert_int_equal(strtoull(world->broker.events[i].name, NULL, 10), i + 1);
}

static bool is_up(struct world *world)
{
    return tip_bus_is_up(world->bus, NULL);
}

static bool is_drained(struct world *world)
{
    return tip_outbox_n_waiting(world->outbox) == 0;
}

static void on_flushed(void *ctx)
{
    struct world *world = ctx;

    assert_int_equal(world->broker.n_events, world->published);
    world->n_flushed++;
}

static void test_bus_publishes_and_flushes(void **state)
{
    struct world *world = *state;

    open_bus(world, true);
    assert_false(tip_bus_is_up(world->bus, NULL));
    for (unsigned i = 0; i < 20; i++)
        assert_int_equal(publish(world, 100), 0);
    assert_int_equal(tip_bus_flush(world->bus, on_flushed, world), 0);
    assert_int_equal(world->n_flushed, 0); /* never from inside the call */
    run_until(world, is_drained, 5000);
    assert_arrived(world);
    assert_int_equal(world->n_flushed, 1);
    assert_int_equal(tip_bus_stats(world->bus)->acked, 2000);
    assert_int_equal(tip_bus_flush(world->bus, on_flushed, world), 0);
    run_for(world, 20);
    assert_int_equal(world->n_flushed, 2);
    assert_int_equal(tip_zsock_watchdog_found(), 0);
}

static void test_bus_resumes_where_the_broker_stands(void **state)
{
    struct world *world = *state;

    open_bus(world, true);
    world->broker.withhold_acks = true;
    assert_int_equal(publish(world, 50), 0);
    run_for(world, 200);
    assert_int_equal(world->broker.n_events, 50);
    close_bus(world); /* dies before it hears an ack */
    world->broker.withhold_acks = false;
    open_bus(world, true);
    assert_int_equal(tip_outbox_n_waiting(world->outbox), 50);
    assert_int_equal(publish(world, 50), 0);
    run_until(world, is_drained, 5000);
    assert_arrived(world);
}

static void test_bus_survives_a_restart_of_the_broker(void **state)
{
    struct world *world = *state;

    open_bus(world, true);
    run_until(world, is_up, 5000);
    world->broker.withhold_acks = true;
    assert_int_equal(publish(world, 300), 0);
    run_for(world, 100);
    fake_broker_stop(&world->broker);
    assert_int_equal(publish(world, 300), 0);
    run_for(world, 300);
    world->broker.withhold_acks = false;
    fake_broker_start(&world->broker, world->loop);
    run_until(world, is_drained, 10000);
    assert_arrived(world);
}

static void test_bus_repeats_what_is_not_acked(void **state)
{
    struct world *world = *state;

    open_bus(world, true);
    world->broker.withhold_acks = true;
    assert_int_equal(publish(world, 10), 0);
    run_for(world, 1000);
    world->broker.withhold_acks = false; /* the ack is lost for good: only a repetition brings another */
    run_until(world, is_drained, 5000);
    assert_arrived(world);
    assert_int_equal(world->broker.n_hellos, 2);
}

static void test_bus_goes_back_when_welcomed_again(void **state)
{
    struct world *world = *state;

    world->broker.window_events = 100;
    world->broker.n_drops = 2;
    open_bus(world, true);
    run_until(world, is_up, 5000);
    assert_int_equal(publish(world, 50), 0);
    run_for(world, 50);
    assert_int_equal(publish(world, 500), 0);
    run_until(world, is_drained, 5000);
    assert_arrived(world);
    assert_int_equal(world->broker.n_hellos, 1); /* on the same connection */
}

static void test_bus_keeps_the_window(void **state)
{
    struct world *world = *state;

    world->broker.window_events = 100;
    world->broker.withhold_acks = true;
    open_bus(world, true);
    assert_int_equal(publish(world, 1000), 0);
    run_for(world, 500);
    assert_int_equal(world->broker.n_events, 100);
    world->broker.withhold_acks = false;
    run_until(world, is_drained, 10000);
    assert_arrived(world);
}

static bool has_space(struct world *world)
{
    return world->n_space > 0;
}

static void on_space(void *ctx)
{
    struct world *world = ctx;

    world->n_space++;
    assert_int_equal(publish(world, 1), 0);
}

static void test_bus_tells_when_there_is_room(void **state)
{
    struct world *world = *state;
    int r = 0;

    world->broker.withhold_acks = true;
    open_bus(world, true);
    tip_bus_on_space(world->bus, on_space, world);
    while (!r)
        r = publish(world, 1000);
    assert_int_equal(r, -ENOBUFS);
    run_for(world, 100);
    assert_int_equal(world->n_space, 0);
    world->broker.withhold_acks = false;
    run_until(world, has_space, 15000);
    run_until(world, is_drained, 15000);
    assert_arrived(world);
}

/* More than there can be at once was asked for, and nothing waits whose ack would tell. */
static void test_bus_tells_of_room_without_acks(void **state)
{
    struct world *world = *state;

    open_bus(world, true);
    tip_bus_on_space(world->bus, on_space, world);
    assert_false(tip_outbox_has_room(world->outbox, SIZE_MAX));
    run_until(world, has_space, 5000);
}

static void test_bus_replaces_what_is_refused(void **state)
{
    struct world *world = *state;

    world->broker.refuse_seq = 7;
    open_bus(world, true);
    assert_int_equal(publish(world, 20), 0);
    run_until(world, is_drained, 5000);
    assert_int_equal(world->broker.n_events, 20);
    assert_string_equal(world->broker.events[5].name, "6");
    assert_string_equal(world->broker.events[6].name, "event.refused");
    assert_string_equal(world->broker.events[7].name, "8");
    assert_int_equal(tip_bus_stats(world->bus)->refused, 1);
}

static bool is_fenced(struct world *world)
{
    return world->n_fenced > 0;
}

static void test_bus_ends_when_fenced(void **state)
{
    struct world *world = *state;
    const char *why;

    world->broker.fence = true;
    open_bus(world, true);
    assert_int_equal(publish(world, 1), 0);
    run_until(world, is_fenced, 5000);
    run_for(world, 700);
    assert_int_equal(world->n_fenced, 1);
    assert_int_equal(world->broker.n_hellos, 1);
    assert_false(tip_bus_is_up(world->bus, &why));
    assert_string_equal(why, "another process publishes under this name");
}

static void test_bus_renews_its_epoch_when_set_back(void **state)
{
    struct world *world = *state;

    open_bus(world, true);
    assert_int_equal(publish(world, 10), 0);
    run_until(world, is_drained, 5000);
    close_bus(world);
    world->broker.durable = 4; /* an older copy of the journal */
    world->broker.n_events = 0;
    world->published = 0;
    open_bus(world, true);
    assert_int_equal(publish(world, 3), 0);
    run_until(world, is_drained, 5000);
    assert_arrived(world);
    assert_int_equal(world->broker.durable, 13);
    assert_true(world->broker.epoch > 1000);
}

static bool has_live(struct world *world)
{
    return world->broker.n_live > 0;
}

static bool has_pinged_twice(struct world *world)
{
    return world->broker.n_pings > 2; /* the first one instead of HELLO */
}

static void test_bus_sends_live_without_an_outbox(void **state)
{
    struct world *world = *state;
    struct tip_event event = {.id = tip_id_random(), .kind = TIP_EVENT_SYSTEM_HEARTBEAT, .observed_unix_ms = 1};

    event.system_state = (struct tip_system_state){.service = "test"};
    open_bus(world, false);
    assert_int_equal(tip_bus_live(world->bus, "v1.system.heartbeat.test.", TIP_TLP_AMBER, &event), 0);
    assert_int_equal(tip_bus_stats(world->bus)->live_dropped, 1);
    run_until(world, is_up, 5000);
    assert_int_equal(tip_bus_live(world->bus, "v1.system.heartbeat.test.", TIP_TLP_AMBER, &event), 0);
    run_until(world, has_live, 5000);
    run_until(world, has_pinged_twice, 5000); /* that there is no session is no news to it */
    run_for(world, 300);
    assert_int_equal(tip_bus_stats(world->bus)->connects, 1);
    assert_int_equal(tip_bus_live(world->bus, "v1", TIP_TLP_AMBER, &event), -EINVAL);
}

static void test_bus_notices_silence(void **state)
{
    struct world *world = *state;

    open_bus(world, true);
    run_until(world, is_up, 5000);
    fake_broker_stop(&world->broker);
    run_for(world, 3000);
    assert_false(is_up(world));
    fake_broker_start(&world->broker, world->loop);
    run_until(world, is_up, 10000);
}

/* Nobody is told of an outage when the session is back at once; one that lasted 2 s is one. */
static void watch_up(struct world *world)
{
    if (!is_up(world) && tip_loop_now_ms() - world->began_ms < 1500)
        world->wrong = true;
}

static bool has_said_hello(struct world *world)
{
    watch_up(world);
    return world->broker.n_hellos == world->n_hellos;
}

static void restart_broker(struct world *world)
{
    fake_broker_stop(&world->broker);
    world->began_ms = tip_loop_now_ms();
    run_for(world, 300);
    fake_broker_start(&world->broker, world->loop);
}

static void assert_idle_comes_back(struct world *world)
{
    open_bus(world, true);
    run_until(world, is_up, 5000);
    assert_int_equal(world->broker.n_hellos, 1);
    restart_broker(world);
    world->n_hellos = 2;
    run_until(world, has_said_hello, 10000);
    run_for(world, 1200); /* now it is known */
    assert_int_equal(world->broker.n_hellos, 2);
    assert_int_equal(world->broker.n_data, 0);
    assert_true(is_up(world));
    assert_false(world->wrong);
}

static void test_bus_comes_back_when_idle(void **state)
{
    assert_idle_comes_back(*state);
}

static void test_bus_comes_back_when_idle_over_ipc(void **state)
{
    struct world *world = *state;

    fake_broker_stop(&world->broker);
    memset(world->broker.endpoints, 0, sizeof(world->broker.endpoints)); /* the old ports are free in a moment only */
    (void)snprintf(world->broker.endpoints[0], sizeof(world->broker.endpoints[0]), "ipc://%.40s/ingest", world->dir);
    fake_broker_start(&world->broker, world->loop);
    assert_idle_comes_back(world);
}

static bool is_drained_and_up(struct world *world)
{
    watch_up(world);
    return is_drained(world);
}

/* A broker of before says it to the next DATA, and that is not shown either. */
static void test_bus_comes_back_to_an_old_broker(void **state)
{
    struct world *world = *state;

    world->broker.is_old = true;
    world->broker.n_strange = 1;
    open_bus(world, true);
    run_until(world, is_up, 5000);
    restart_broker(world);
    run_for(world, 1200);
    assert_int_equal(world->broker.n_hellos, 1);
    world->began_ms = tip_loop_now_ms();
    assert_int_equal(publish(world, 20), 0);
    run_until(world, is_drained_and_up, 10000);
    assert_arrived(world);
    assert_int_equal(world->broker.n_hellos, 2);
    assert_false(world->wrong);
}

/* ---- fetch ---- */

static void on_batch(void *ctx, const struct tip_fetch_batch *batch)
{
    struct world *world = ctx;

    for (size_t i = 0; i < batch->n_records; i++) {
        const struct tip_record *record = &batch->records[i];
        char name[24] = "";

        memcpy(name, record->event, record->event_len);
        world->wrong |= record->stamp.seq != world->next_seq || strtoull(name, NULL, 10) != world->next_seq;
        world->next_seq++;
        world->n_records++;
    }
    if (!world->lazy)
        tip_fetch_done(world->fetch, &batch->journal_id, batch->next_seq);
}

static void on_break(void *ctx, enum tip_fetch_break why, const struct tip_id *journal_id, uint64_t next_seq)
{
    struct world *world = ctx;

    assert_int_equal(why, TIP_FETCH_TRIMMED);
    world->n_breaks++;
    world->next_seq = next_seq;
    tip_fetch_done(world->fetch, journal_id, next_seq);
}

static void open_fetch(struct world *world)
{
    struct tip_fetch_config config = {.consumer = "test",
                                      .max_events = 100,
                                      .max_wait_ms = 200,
                                      .on_batch = on_batch,
                                      .on_break = on_break,
                                      .ctx = world};

    world->next_seq = 1;
    assert_int_equal(tip_fetch_open(&world->fetch, world->bus, &config), 0);
}

static bool has_fetched_all(struct world *world)
{
    return world->next_seq == world->published + 1;
}

static void test_fetch_follows(void **state)
{
    struct world *world = *state;
    uint64_t lag;

    open_bus(world, true);
    assert_int_equal(publish(world, 1000), 0);
    run_until(world, is_drained, 5000);
    open_fetch(world);
    run_until(world, has_fetched_all, 5000);
    run_for(world, 50);
    assert_false(world->wrong);
    assert_int_equal(world->n_records, 1000);
    assert_int_equal(world->broker.from_seq, 1001);
    assert_int_equal(world->broker.committed_seq, 1000);
    assert_true(tip_fetch_is_current(world->fetch, &lag));
    assert_int_equal(lag, 0);
}

static void test_fetch_waits_for_its_consumer(void **state)
{
    struct world *world = *state;
    uint64_t lag;

    open_bus(world, true);
    assert_int_equal(publish(world, 150), 0);
    run_until(world, is_drained, 5000);
    world->lazy = true;
    open_fetch(world);
    run_for(world, 300);
    assert_int_equal(world->n_records, 100);
    assert_int_equal(world->broker.n_fetches, 1);
    assert_false(tip_fetch_is_current(world->fetch, &lag));
    world->next_seq = 1;
    tip_fetch_retry(world->fetch, 100); /* the same batch comes again */
    run_for(world, 50);
    assert_int_equal(world->broker.n_fetches, 1);
    run_for(world, 200);
    assert_int_equal(world->n_records, 200);
    assert_false(world->wrong);
    tip_fetch_pause(world->fetch);
    world->lazy = false;
    tip_fetch_done(world->fetch, &world->broker.journal_id, 101);
    run_for(world, 100);
    assert_int_equal(world->broker.n_fetches, 2);
    tip_fetch_resume(world->fetch);
    run_until(world, has_fetched_all, 5000);
    assert_false(world->wrong);
}

static void test_fetch_tells_of_breaks_and_asks_again(void **state)
{
    struct world *world = *state;

    open_bus(world, true);
    assert_int_equal(publish(world, 20), 0);
    run_until(world, is_drained, 5000);
    world->broker.trimmed_below = 11;
    open_fetch(world);
    run_until(world, has_fetched_all, 5000);
    assert_int_equal(world->n_breaks, 1);
    assert_int_equal(world->n_records, 10);
    fake_broker_stop(&world->broker); /* the long poll is lost with it */
    run_for(world, 100);
    fake_broker_start(&world->broker, world->loop);
    assert_int_equal(publish(world, 5), 0);
    run_until(world, has_fetched_all, 15000);
    assert_false(world->wrong);
}

static bool has_asked_again(struct world *world)
{
    return world->broker.n_fetches >= 2;
}

static bool has_connected_again(struct world *world)
{
    return world->broker.n_fetchers >= 2;
}

/* Who stands in line would lose its turn with its connection; where nobody is there, another one is tried. */
static void test_fetch_asks_again_where_somebody_is_there(void **state)
{
    struct world *world = *state;

    open_bus(world, true);
    open_fetch(world);
    run_until(world, has_asked_again, 6000);
    assert_int_equal(world->broker.n_fetchers, 1);
    world->broker.silent = true;
    run_until(world, has_connected_again, 7000);
    assert_int_equal(world->broker.n_fetches, 3);
}

/* ---- subscribe ---- */

static void on_record(void *ctx, const struct tip_record *record)
{
    struct world *world = ctx;

    assert_int_equal(record->event_len, 5);
    assert_memory_equal(record->event, "hello", 5);
    world->n_records++;
}

static bool has_record(struct world *world)
{
    if (world->n_records == 0)
        fake_broker_feed(&world->broker, "hello"); /* until the subscription has arrived */
    return world->n_records > 0;
}

static void test_sub_hears(void **state)
{
    static const char *const prefixes[] = {"v1.system.", NULL};
    struct world *world = *state;
    struct tip_sub_config config = {.prefixes = prefixes, .on_record = on_record, .ctx = world};
    struct tip_sub *sub = NULL;

    open_bus(world, false);
    assert_int_equal(tip_sub_open(&sub, world->bus, &config), 0);
    run_until(world, has_record, 5000);
    tip_sub_destroy(&sub);
}

static bool has_renewed_thrice(struct world *world)
{
    return tip_bus_stats(world->bus)->feeds_renewed >= 3;
}

/* Nothing comes, on a connection that stands: it is made anew, and hears. */
static void test_sub_leaves_a_silent_connection(void **state)
{
    static const char *const prefixes[] = {"v1.system.", NULL};
    struct world *world = *state;
    struct tip_sub_config config = {.prefixes = prefixes, .silence_ms = 50, .on_record = on_record, .ctx = world};
    struct tip_sub *sub = NULL;

    open_bus(world, false);
    assert_int_equal(tip_sub_open(&sub, world->bus, &config), 0);
    run_until(world, has_renewed_thrice, 20000);
    run_until(world, has_record, 20000);
    tip_sub_destroy(&sub);
}

static bool has_heard_heads(struct world *world)
{
    fake_broker_head(&world->broker);
    return tip_loop_now_ms() >= world->calm_ms;
}

/* The head alone keeps it, and is for nobody who did not ask. */
static void test_sub_stays_where_the_head_comes(void **state)
{
    static const char *const prefixes[] = {"v1.system.", NULL};
    struct world *world = *state;
    struct tip_sub_config config = {.prefixes = prefixes, .silence_ms = 1000, .on_record = on_record, .ctx = world};
    struct tip_sub *sub = NULL;
    uint64_t n_before;

    open_bus(world, false);
    assert_int_equal(tip_sub_open(&sub, world->bus, &config), 0);
    run_until(world, has_record, 20000);
    n_before = world->n_records;
    world->calm_ms = tip_loop_now_ms() + 3000;
    run_until(world, has_heard_heads, 20000);
    assert_int_equal(tip_bus_stats(world->bus)->feeds_renewed, 0);
    run_for(world, 50);
    assert_int_equal(world->n_records, n_before);
    tip_sub_destroy(&sub);
}

/* ---- calls ---- */

static void on_end(void *ctx, enum tip_failure failure, const char *reason, const uint8_t *body, size_t n)
{
    struct world *world = ctx;

    world->n_ends++;
    world->failure = failure;
    if (failure)
        (void)snprintf(world->answer, sizeof(world->answer), "%s", reason);
    else
        (void)snprintf(world->answer, sizeof(world->answer), "%.*s", (int)n, (const char *)body);
}

static void on_job(void *ctx, struct tip_job *job)
{
    struct world *world = ctx;
    size_t n;
    const uint8_t *body = tip_job_body(job, &n);

    world->n_jobs++;
    assert_string_equal(tip_job_caller(job), "test");
    assert_true(tip_job_deadline_ms(job) > (uint64_t)tip_loop_now_ms());
    if (n == 4 && memcmp(body, "fail", 4) == 0)
        tip_job_fail(&job, TIP_FAILURE_NOT_FOUND, "no such thing");
    else
        tip_job_done(&job, body, n);
    assert_null(job);
}

static void call(struct world *world, const char *body, uint64_t deadline_ms)
{
    struct tip_id id = tip_id_random();

    assert_int_equal(
        tip_call(world->bus, &id, "store.query", (const uint8_t *)body, strlen(body), deadline_ms, on_end, world), 0);
}

static bool has_end(struct world *world)
{
    return world->n_ends > 0;
}

static bool has_credit(struct world *world)
{
    return world->broker.credit == 4;
}

static void test_calls_are_served(void **state)
{
    struct world *world = *state;

    open_bus(world, false);
    assert_int_equal(tip_serve_open(&world->serve, world->bus, "store.query", 4, on_job, world), 0);
    run_until(world, has_credit, 5000);
    call(world, "ask", 2000);
    assert_int_equal(world->n_ends, 0);
    run_until(world, has_end, 2000);
    assert_int_equal(world->failure, TIP_FAILURE_NONE);
    assert_string_equal(world->answer, "ask");
    world->n_ends = 0;
    call(world, "fail", 2000);
    run_until(world, has_end, 2000);
    assert_int_equal(world->failure, TIP_FAILURE_NOT_FOUND);
    assert_string_equal(world->answer, "no such thing");
    assert_int_equal(world->n_jobs, 2);
    assert_int_equal(tip_bus_stats(world->bus)->calls, 2);
    assert_int_equal(tip_bus_stats(world->bus)->calls_failed, 1);
}

static void test_call_without_worker(void **state)
{
    struct world *world = *state;

    open_bus(world, false);
    call(world, "ask", 2000);
    run_until(world, has_end, 2000);
    assert_int_equal(world->failure, TIP_FAILURE_NO_WORKER);
}

static void test_call_into_silence_ends(void **state)
{
    struct world *world = *state;

    world->broker.silent = true;
    open_bus(world, false);
    call(world, "ask", 300);
    run_until(world, has_end, 2000);
    assert_int_equal(world->failure, TIP_FAILURE_UNAVAILABLE);
    assert_string_equal(world->answer, "the broker does not answer");
}

static void test_call_outlives_a_restart(void **state)
{
    struct world *world = *state;

    fake_broker_stop(&world->broker);
    open_bus(world, false);
    assert_int_equal(tip_serve_open(&world->serve, world->bus, "store.query", 4, on_job, world), 0);
    call(world, "ask", 8000);
    run_for(world, 300);
    fake_broker_start(&world->broker, world->loop);
    world->broker.silent = true; /* the first PUT is lost */
    run_for(world, 700);
    world->broker.silent = false;
    run_until(world, has_end, 5000);
    assert_int_equal(world->failure, TIP_FAILURE_NONE);
    assert_string_equal(world->answer, "ask");
}

#define WORLD_TEST(name) cmocka_unit_test_setup_teardown(name, world_make, world_end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WORLD_TEST(test_bus_publishes_and_flushes),
        WORLD_TEST(test_bus_resumes_where_the_broker_stands),
        WORLD_TEST(test_bus_survives_a_restart_of_the_broker),
        WORLD_TEST(test_bus_repeats_what_is_not_acked),
        WORLD_TEST(test_bus_goes_back_when_welcomed_again),
        WORLD_TEST(test_bus_keeps_the_window),
        WORLD_TEST(test_bus_tells_when_there_is_room),
        WORLD_TEST(test_bus_tells_of_room_without_acks),
        WORLD_TEST(test_bus_replaces_what_is_refused),
        WORLD_TEST(test_bus_ends_when_fenced),
        WORLD_TEST(test_bus_renews_its_epoch_when_set_back),
        WORLD_TEST(test_bus_sends_live_without_an_outbox),
        WORLD_TEST(test_bus_notices_silence),
        WORLD_TEST(test_bus_comes_back_when_idle),
        WORLD_TEST(test_bus_comes_back_when_idle_over_ipc),
        WORLD_TEST(test_bus_comes_back_to_an_old_broker),
        WORLD_TEST(test_fetch_follows),
        WORLD_TEST(test_fetch_waits_for_its_consumer),
        WORLD_TEST(test_fetch_tells_of_breaks_and_asks_again),
        WORLD_TEST(test_fetch_asks_again_where_somebody_is_there),
        WORLD_TEST(test_sub_hears),
        WORLD_TEST(test_sub_leaves_a_silent_connection),
        WORLD_TEST(test_sub_stays_where_the_head_comes),
        WORLD_TEST(test_calls_are_served),
        WORLD_TEST(test_call_without_worker),
        WORLD_TEST(test_call_into_silence_ends),
        WORLD_TEST(test_call_outlives_a_restart),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
