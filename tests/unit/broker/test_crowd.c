/* What peers have taken in a stall counts though they go away, with real connections. */
#include "check.h"

#include <stdio.h>
#include <stdlib.h>

#include <zmq.h>

#include <tip/alloc.h>
#include <tip/loop.h>
#include <tip/metrics.h>
#include <tip/zsock.h>

#include "io/crowd.h"

enum { N_MESSAGES = 64, MESSAGE_BYTES = 1024, SENT = N_MESSAGES * MESSAGE_BYTES, DEADLINE_MS = 20000, POLL_MS = 5 };

struct fix {
    struct tip_loop *loop;
    struct tip_timer poll, deadline;
    struct tip_zsock *server;
    struct crowd *crowd;
    void *clients[2];
    uint64_t n_received;
    bool (*is_so)(struct fix *fix); /* what is waited for */
    bool is_late;
};

static void fix_on_message(void *ctx, const struct tip_zmsg *msg)
{
    struct fix *fix = ctx;

    (void)msg;
    fix->n_received++;
}

static void fix_on_poll(void *ctx)
{
    struct fix *fix = ctx;

    if (fix->is_so(fix))
        tip_loop_stop(fix->loop);
}

static void fix_on_deadline(void *ctx)
{
    struct fix *fix = ctx;

    fix->is_late = true;
    tip_loop_stop(fix->loop);
}

static void fix_wait(struct fix *fix, bool (*is_so)(struct fix *fix))
{
    fix->is_so = is_so;
    tip_timer_every(&fix->poll, POLL_MS);
    tip_timer_start(&fix->deadline, DEADLINE_MS);
    assert_int_equal(tip_loop_run(fix->loop), 0);
    tip_timer_stop(&fix->poll);
    tip_timer_stop(&fix->deadline);
    assert_false(fix->is_late);
}

static void *fix_connect(struct fix *fix)
{
    int none = 0;
    void *client = zmq_socket(tip_zmq_context(), ZMQ_DEALER);

    assert_non_null(client);
    assert_int_equal(zmq_setsockopt(client, ZMQ_LINGER, &none, sizeof(none)), 0);
    assert_int_equal(zmq_connect(client, tip_zsock_endpoint(fix->server)), 0);
    return client;
}

static void fix_send(void *client)
{
    static const char bytes[MESSAGE_BYTES];

    for (int i = 0; i < N_MESSAGES; i++)
        assert_int_equal(zmq_send(client, bytes, sizeof(bytes), 0), MESSAGE_BYTES);
}

static int fix_open(void **state)
{
    struct fix *fix = tip_new(struct fix);
    const struct tip_zsock_options server = {.type = ZMQ_ROUTER, .on_message = fix_on_message, .ctx = fix};
    const struct crowd_options options = {.name = "test", .message_bytes_max = 1 << 20};

    *state = fix;
    fix->loop = tip_loop_new();
    tip_timer_init(&fix->poll, fix->loop, fix_on_poll, fix);
    tip_timer_init(&fix->deadline, fix->loop, fix_on_deadline, fix);
    assert_int_equal(tip_zsock_open(&fix->server, fix->loop, &server), 0);
    assert_int_equal(crowd_open(&fix->crowd, fix->loop, fix->server, &options), 0);
    assert_int_equal(tip_zsock_bind(fix->server, "tcp://127.0.0.1:*"), 0);
    for (int i = 0; i < 2; i++)
        fix->clients[i] = fix_connect(fix);
    return 0;
}

static void fix_leave(void **clientp)
{
    if (*clientp)
        assert_int_equal(zmq_close(*clientp), 0);
    *clientp = NULL;
}

static int fix_close(void **state)
{
    struct fix *fix = *state;

    for (int i = 0; i < 2; i++)
        fix_leave(&fix->clients[i]);
    tip_timer_deinit(&fix->poll);
    tip_timer_deinit(&fix->deadline);
    crowd_destroy(&fix->crowd);
    tip_zsock_destroy(&fix->server);
    tip_loop_destroy(&fix->loop);
    free(fix);
    return 0;
}

static bool both_are_here(struct fix *fix)
{
    return crowd_count(fix->crowd) == 2;
}

static bool one_is_left(struct fix *fix)
{
    return crowd_count(fix->crowd) == 1;
}

static bool nobody_is_left(struct fix *fix)
{
    return crowd_count(fix->crowd) == 0;
}

/* As the ingest door asks every 20 ms of a stall. */
static bool all_of_one_is_taken(struct fix *fix)
{
    return crowd_taken_bytes(fix->crowd) >= SENT;
}

static bool all_of_both_is_taken(struct fix *fix)
{
    return crowd_taken_bytes(fix->crowd) >= 2 * SENT;
}

static void test_crowd_what_the_gone_have_taken_counts(void **state)
{
    struct fix *fix = *state;
    uint64_t of_both;

    fix_wait(fix, both_are_here);
    crowd_note_taken(fix->crowd);
    fix_send(fix->clients[0]);
    fix_wait(fix, all_of_one_is_taken);
    fix_leave(&fix->clients[0]);
    fix_wait(fix, one_is_left);
    assert_true(crowd_taken_bytes(fix->crowd) >= SENT);
    fix_send(fix->clients[1]);
    fix_wait(fix, all_of_both_is_taken);
    of_both = crowd_taken_bytes(fix->crowd);
    fix_leave(&fix->clients[1]);
    fix_wait(fix, nobody_is_left);
    assert_true(crowd_taken_bytes(fix->crowd) >= of_both);
    assert_true(of_both < 3 * SENT); /* and nothing twice */
}

/* The next stall begins anew: neither who is gone nor who has stayed has taken anything in it yet. */
static void test_crowd_counts_since_it_was_noted(void **state)
{
    struct fix *fix = *state;

    fix_wait(fix, both_are_here);
    crowd_note_taken(fix->crowd);
    for (int i = 0; i < 2; i++)
        fix_send(fix->clients[i]);
    fix_wait(fix, all_of_both_is_taken);
    fix_leave(&fix->clients[0]);
    fix_wait(fix, one_is_left);
    crowd_note_taken(fix->crowd);
    assert_true(crowd_taken_bytes(fix->crowd) < SENT);
    fix_leave(&fix->clients[1]);
    fix_wait(fix, nobody_is_left);
    assert_true(crowd_taken_bytes(fix->crowd) < SENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_crowd_what_the_gone_have_taken_counts, fix_open, fix_close),
        cmocka_unit_test_setup_teardown(test_crowd_counts_since_it_was_noted, fix_open, fix_close),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
