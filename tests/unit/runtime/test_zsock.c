#include "check.h"

#include <errno.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <zmq.h>

#include <tip/alloc.h>
#include <tip/loop.h>
#include <tip/zsock.h>

enum { BURST = 5000, BURST_BYTES = 5120 /* together more than TCP's buffers hold */, PAIR_MS = 120000 };

struct pair {
    struct tip_loop *loop;
    struct tip_zsock *a; /* sends */
    struct tip_zsock *b; /* receives */
    struct tip_timer timer;
    uint32_t sent;
    uint32_t received;
    uint32_t echoed;
    uint32_t goal;
    size_t frames_seen;
    unsigned surplus;
    bool is_waiting; /* for on_writable */
    char first[64];
};

static void pair_on_late(void *ctx)
{
    (void)ctx;
    fail_msg("timed out");
}

static void pair_on_pause(void *ctx)
{
    struct pair *pair = ctx;

    tip_loop_stop(pair->loop);
}

static void pair_open(struct pair *pair, const struct tip_zsock_options *a, const struct tip_zsock_options *b)
{
    pair->loop = tip_loop_new();
    assert_int_equal(tip_zsock_open(&pair->a, pair->loop, a), 0);
    assert_int_equal(tip_zsock_open(&pair->b, pair->loop, b), 0);
    assert_int_equal(tip_zsock_bind(pair->b, "tcp://127.0.0.1:*"), 0);
    assert_int_equal(tip_zsock_connect(pair->a, tip_zsock_endpoint(pair->b)), 0);
    tip_timer_init(&pair->timer, pair->loop, pair_on_late, pair);
    tip_timer_start(&pair->timer, PAIR_MS);
}

static void pair_close(struct pair *pair)
{
    tip_timer_deinit(&pair->timer);
    tip_zsock_destroy(&pair->a);
    tip_zsock_destroy(&pair->b);
    tip_loop_destroy(&pair->loop);
}

/* --- a burst, with backpressure both ways --- */

static void burst_fill(void *ctx)
{
    struct pair *pair = ctx;
    char bytes[BURST_BYTES] = "";
    int r = 0;

    while (pair->sent < BURST && !r) {
        const struct tip_zframe frame = {.data = bytes, .len = sizeof(bytes)};

        memcpy(bytes, &pair->sent, sizeof(pair->sent));
        r = tip_zsock_send(pair->a, &frame, 1);
        if (!r)
            pair->sent++;
    }
    if (r)
        assert_int_equal(r, TIP_ZSOCK_E_FULL);
}

static void burst_stop_when_whole(struct pair *pair)
{
    if (pair->received == BURST && pair->echoed == BURST / 100)
        tip_loop_stop(pair->loop);
}

static void burst_on_message(void *ctx, const struct tip_zmsg *msg)
{
    struct pair *pair = ctx;
    uint32_t number;

    assert_int_equal(msg->n_frames, 2); /* identity of the peer, number */
    assert_int_equal(msg->frames[1].len, BURST_BYTES);
    memcpy(&number, msg->frames[1].data, sizeof(number));
    assert_int_equal(number, pair->received);
    pair->received++;
    if (number % 100 == 0) /* an answer from inside the pump */
        assert_int_equal(tip_zsock_send(pair->b, msg->frames, msg->n_frames), 0);
    burst_stop_when_whole(pair);
}

static void burst_on_echo(void *ctx, const struct tip_zmsg *msg)
{
    struct pair *pair = ctx;

    assert_int_equal(msg->n_frames, 1);
    pair->echoed++;
    burst_stop_when_whole(pair);
}

static void test_burst_arrives_whole_and_in_order(void **state)
{
    struct pair pair = {0};
    const struct tip_zsock_options a = {
        .type = ZMQ_DEALER, .on_message = burst_on_echo, .on_writable = burst_fill, .ctx = &pair};
    const struct tip_zsock_options b = {.type = ZMQ_ROUTER, .on_message = burst_on_message, .ctx = &pair};

    (void)state;
    pair_open(&pair, &a, &b);
    tip_loop_defer(pair.loop, burst_fill, &pair);
    assert_int_equal(tip_loop_run(pair.loop), 0);
    assert_int_equal(pair.received, BURST);
    assert_int_equal(tip_zsock_stats(pair.a)->sent, BURST);
    assert_true(tip_zsock_stats(pair.a)->would_block > 0);
    assert_int_equal(tip_zsock_stats(pair.b)->received, BURST);
    assert_int_equal(tip_zsock_stats(pair.b)->watchdog_found, 0);
    assert_int_equal(tip_zsock_watchdog_found(), 0);
    pair_close(&pair);
}

/* --- single messages with pauses between them: where a lost edge would hang until the watchdog --- */

static void pong_send(void *ctx)
{
    struct pair *pair = ctx;
    const struct tip_zframe frame = {.data = "ping", .len = 4};

    assert_int_equal(tip_zsock_send(pair->a, &frame, 1), 0);
}

static void pong_on_message(void *ctx, const struct tip_zmsg *msg)
{
    struct pair *pair = ctx;

    assert_int_equal(tip_zsock_send(pair->b, msg->frames, msg->n_frames), 0);
}

static void pong_on_answer(void *ctx, const struct tip_zmsg *msg)
{
    struct pair *pair = ctx;

    (void)msg;
    if (++pair->echoed == pair->goal)
        tip_loop_stop(pair->loop);
    else
        tip_loop_defer(pair->loop, pong_send, pair);
}

static void test_no_edge_is_lost_between_single_messages(void **state)
{
    struct pair pair = {.goal = 3000};
    const struct tip_zsock_options a = {.type = ZMQ_DEALER, .on_message = pong_on_answer, .ctx = &pair};
    const struct tip_zsock_options b = {.type = ZMQ_ROUTER, .on_message = pong_on_message, .ctx = &pair};
    int64_t start_ms = tip_loop_now_ms();

    (void)state;
    pair_open(&pair, &a, &b);
    pong_send(&pair);
    assert_int_equal(tip_loop_run(pair.loop), 0);
    assert_int_equal(tip_zsock_watchdog_found(), 0);
    assert_true(tip_loop_now_ms() - start_ms < 20000);
    pair_close(&pair);
}

/* --- frames --- */

static void frames_on_message(void *ctx, const struct tip_zmsg *msg)
{
    struct pair *pair = ctx;

    pair->received++;
    pair->frames_seen = msg->n_frames;
    (void)snprintf(pair->first, sizeof(pair->first), "%.*s", (int)msg->frames[0].len,
                   (const char *)msg->frames[0].data);
    tip_loop_stop(pair->loop);
}

static void frames_on_surplus(void *ctx)
{
    struct pair *pair = ctx;

    pair->surplus++;
}

/* More of them than are taken in one turn. */
static void test_too_many_frames_are_counted_and_dropped(void **state)
{
    struct pair pair = {0};
    const struct tip_zsock_options a = {.type = ZMQ_DEALER};
    const struct tip_zsock_options b = {
        .type = ZMQ_DEALER, .on_message = frames_on_message, .on_surplus = frames_on_surplus, .ctx = &pair};
    struct tip_zframe frames[TIP_ZSOCK_DEALER_FRAMES_MAX + 1];

    (void)state;
    pair_open(&pair, &a, &b);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(zmq_send(tip_zsock_raw(pair.a), "x", 1, i < 999 ? ZMQ_SNDMORE : 0), 1);
    for (size_t i = 0; i <= TIP_ZSOCK_DEALER_FRAMES_MAX; i++)
        frames[i] = (struct tip_zframe){.data = "good", .len = 4};
    assert_int_equal(tip_zsock_send(pair.a, frames, TIP_ZSOCK_DEALER_FRAMES_MAX + 1), -EINVAL);
    assert_int_equal(tip_zsock_send(pair.a, frames, TIP_ZSOCK_DEALER_FRAMES_MAX), 0);
    assert_int_equal(tip_loop_run(pair.loop), 0);
    assert_int_equal(pair.received, 1);
    assert_int_equal(pair.frames_seen, TIP_ZSOCK_DEALER_FRAMES_MAX);
    assert_string_equal(pair.first, "good");
    assert_int_equal(tip_zsock_stats(pair.b)->refused, 1);
    assert_int_equal(pair.surplus, 1);
    pair_close(&pair);
}

static void frame_on_gone(void *data, void *hint)
{
    free(data);
    atomic_fetch_add((atomic_uint *)hint, 1);
}

static struct tip_zframe_own frame_own(const char *text, atomic_uint *n_gone)
{
    return (struct tip_zframe_own){
        .data = tip_strdup(text), .len = strlen(text) + 1, .gone = frame_on_gone, .hint = n_gone};
}

/* Given away: gone once, whether it arrives or cannot be sent. */
static void test_a_frame_that_is_given_away(void **state)
{
    struct pair pair = {0};
    const struct tip_zsock_options a = {.type = ZMQ_DEALER};
    const struct tip_zsock_options b = {
        .type = ZMQ_ROUTER, .router_mandatory = true, .on_message = frames_on_message, .ctx = &pair};
    const struct tip_zframe head = {.data = "head", .len = 4};
    atomic_uint n_gone = 0;
    struct tip_zframe_own last = frame_own("tail, so long that libzmq does not keep it in its own memory", &n_gone);

    (void)state;
    pair_open(&pair, &a, &b);
    assert_int_equal(tip_zsock_send_own(pair.a, &head, 1, &last), 0);
    assert_int_equal(tip_loop_run(pair.loop), 0);
    assert_int_equal(pair.frames_seen, 3); /* behind the routing id */
    last = frame_own("nobody is there by that name", &n_gone);
    assert_int_equal(tip_zsock_send_own(pair.b, &head, 1, &last), TIP_ZSOCK_E_UNREACHABLE);
    last = frame_own("too many", &n_gone);
    assert_int_equal(tip_zsock_send_own(pair.a, (struct tip_zframe[]){head, head}, 2, &last), -EINVAL);
    pair_close(&pair);
    for (int i = 0; i < 3000 && atomic_load(&n_gone) < 3; i++)
        (void)poll(NULL, 0, 10); /* the first one goes in libzmq's thread */
    assert_int_equal(atomic_load(&n_gone), 3);
}

static void oversized_on_again(void *ctx)
{
    struct pair *pair = ctx;
    const struct tip_zframe small = {.data = "small", .len = 5};

    assert_int_equal(tip_zsock_send(pair->a, &small, 1), 0);
}

/* What is said before the connection ends is lost with it, so it is said until it is heard. */
static void test_oversized_frame_cuts_its_sender_off(void **state)
{
    struct pair pair = {0};
    struct tip_timer again;
    const struct tip_zsock_options a = {.type = ZMQ_DEALER, .reconnect_ms = 10};
    const struct tip_zsock_options b = {
        .type = ZMQ_DEALER, .frame_bytes_max = 1000, .on_message = frames_on_message, .ctx = &pair};
    const char big[2000] = "big";
    const struct tip_zframe frame = {.data = big, .len = sizeof(big)};

    (void)state;
    pair_open(&pair, &a, &b);
    assert_int_equal(tip_zsock_send(pair.a, &frame, 1), 0);
    tip_timer_init(&again, pair.loop, oversized_on_again, &pair);
    tip_timer_every(&again, 200);
    assert_int_equal(tip_loop_run(pair.loop), 0);
    assert_string_equal(pair.first, "small");
    tip_timer_deinit(&again);
    pair_close(&pair);
}

/* --- pause, unreachable peers, destroy inside a callback --- */

static void destroy_on_message(void *ctx, const struct tip_zmsg *msg)
{
    struct pair *pair = ctx;

    pair->received++;
    tip_zsock_destroy(&pair->b);
    assert_int_equal(msg->frames[0].len, 1); /* still there */
    tip_loop_stop(pair->loop);
}

static void test_destroy_inside_a_callback(void **state)
{
    struct pair pair = {0};
    const struct tip_zsock_options a = {.type = ZMQ_DEALER};
    const struct tip_zsock_options b = {.type = ZMQ_DEALER, .on_message = destroy_on_message, .ctx = &pair};
    const struct tip_zframe frame = {.data = "x", .len = 1};

    (void)state;
    pair_open(&pair, &a, &b);
    assert_int_equal(tip_zsock_send(pair.a, &frame, 1), 0);
    assert_int_equal(tip_zsock_send(pair.a, &frame, 1), 0);
    assert_int_equal(tip_loop_run(pair.loop), 0);
    assert_int_equal(pair.received, 1);
    pair_close(&pair);
}

static void test_pause_holds_and_resume_delivers(void **state)
{
    struct pair pair = {0};
    const struct tip_zsock_options a = {.type = ZMQ_DEALER};
    const struct tip_zsock_options b = {.type = ZMQ_DEALER, .on_message = frames_on_message, .ctx = &pair};
    const struct tip_zframe frame = {.data = "x", .len = 1};

    (void)state;
    pair_open(&pair, &a, &b);
    tip_zsock_pause(pair.b);
    assert_int_equal(tip_zsock_send(pair.a, &frame, 1), 0);
    tip_timer_deinit(&pair.timer);
    tip_timer_init(&pair.timer, pair.loop, pair_on_pause, &pair);
    tip_timer_start(&pair.timer, 200);
    assert_int_equal(tip_loop_run(pair.loop), 0);
    assert_int_equal(pair.received, 0);
    tip_zsock_resume(pair.b);
    tip_timer_start(&pair.timer, 10000);
    assert_int_equal(tip_loop_run(pair.loop), 0);
    assert_int_equal(pair.received, 1);
    assert_int_equal(tip_zsock_watchdog_found(), 0);
    pair_close(&pair);
}

static void test_mandatory_router_says_who_is_gone(void **state)
{
    struct tip_loop *loop = tip_loop_new();
    struct tip_zsock *router = NULL;
    const struct tip_zsock_options options = {.type = ZMQ_ROUTER, .router_mandatory = true};
    const struct tip_zframe frames[] = {{.data = "nobody", .len = 6}, {.data = "x", .len = 1}};

    (void)state;
    assert_int_equal(tip_zsock_open(&router, loop, &options), 0);
    assert_int_equal(tip_zsock_bind(router, "tcp://127.0.0.1:*"), 0);
    assert_int_equal(tip_zsock_send(router, frames, 2), TIP_ZSOCK_E_UNREACHABLE);
    assert_int_equal(tip_zsock_stats(router)->unreachable, 1);
    tip_zsock_destroy(&router);
    tip_loop_destroy(&loop);
}

/* --- what was taken from a queue, and is not told yet --- */

static void test_a_queue_that_was_emptied_takes_more(void **state)
{
    const struct tip_zsock_options options = {.type = ZMQ_ROUTER, .router_mandatory = true, .send_hwm = 1};
    const struct tip_zframe frames[] = {{.data = "peer", .len = 4}, {.data = "x", .len = 1}};
    struct tip_loop *loop = tip_loop_new();
    struct tip_zsock *router = NULL;
    void *context = zmq_ctx_new(), *peer = zmq_socket(context, ZMQ_DEALER);
    char got;

    (void)state;
    assert_int_equal(tip_zsock_open(&router, loop, &options), 0);
    assert_int_equal(tip_zsock_bind(router, "tcp://127.0.0.1:*"), 0);
    assert_int_equal(zmq_setsockopt(peer, ZMQ_ROUTING_ID, "peer", 4), 0);
    assert_int_equal(zmq_connect(peer, tip_zsock_endpoint(router)), 0);
    for (int i = 0; i < 3000 && tip_zsock_send(router, frames, 2); i++)
        (void)poll(NULL, 0, 10); /* it has not come yet */
    for (int i = 0; i < 500; i++) {
        assert_int_equal(zmq_recv(peer, &got, 1, 0), 1); /* so it has left the queue */
        assert_int_equal(tip_zsock_send(router, frames, 2), 0);
    }
    assert_int_equal(tip_zsock_stats(router)->would_block, 0);
    tip_zsock_destroy(&router);
    tip_loop_destroy(&loop);
    assert_int_equal(zmq_close(peer), 0);
    assert_int_equal(zmq_ctx_term(context), 0);
}

/* --- CURVE: a server, a ZAP handler in the same loop, and a client with the right key, a wrong one, or none --- */

struct keyed {
    struct pair pair;
    struct tip_zsock *zap;
    uint8_t server[2][32], client[2][32]; /* public, secret */
    const uint8_t *allowed;               /* the one key that the handler lets in */
    char user[32], domain[32];
    uint32_t asked;
};

static void keyed_make(uint8_t pair[2][32])
{
    char text[2][41];

    assert_int_equal(zmq_curve_keypair(text[0], text[1]), 0);
    assert_non_null(zmq_z85_decode(pair[0], text[0]));
    assert_non_null(zmq_z85_decode(pair[1], text[1]));
}

static void keyed_on_zap(void *ctx, const struct tip_zmsg *msg)
{
    struct keyed *keyed = ctx;
    const bool is_allowed =
        msg->n_frames == 7 && msg->frames[6].len == 32 && memcmp(msg->frames[6].data, keyed->allowed, 32) == 0;
    const struct tip_zframe answer[6] = {{"1.0", 3}, msg->frames[1], {is_allowed ? "200" : "400", 3},
                                         {"", 0},    {"alice", 5},   {"", 0}};

    assert_int_equal(msg->n_frames, 7);
    memcpy(keyed->domain, msg->frames[2].data, msg->frames[2].len);
    keyed->asked++;
    assert_int_equal(tip_zsock_send(keyed->zap, answer, 6), 0);
}

static void keyed_on_message(void *ctx, const struct tip_zmsg *msg)
{
    struct keyed *keyed = ctx;

    keyed->pair.received++;
    (void)snprintf(keyed->user, sizeof(keyed->user), "%s", msg->user);
    tip_loop_stop(keyed->pair.loop);
}

static void keyed_open(struct keyed *keyed)
{
    const struct tip_zsock_keys server = {keyed->server[0], keyed->server[1], NULL, "fetch"};
    const struct tip_zsock_options zap = {.type = ZMQ_REP, .on_message = keyed_on_zap, .ctx = keyed};
    const struct tip_zsock_options b = {
        .type = ZMQ_ROUTER, .keys = &server, .on_message = keyed_on_message, .ctx = keyed};
    struct pair *pair = &keyed->pair;

    pair->loop = tip_loop_new();
    assert_int_equal(tip_zsock_open(&keyed->zap, pair->loop, &zap), 0);
    assert_int_equal(tip_zsock_bind(keyed->zap, "inproc://zeromq.zap.01"), 0);
    assert_int_equal(tip_zsock_open(&pair->b, pair->loop, &b), 0);
    assert_int_equal(tip_zsock_bind(pair->b, "tcp://127.0.0.1:*"), 0);
    tip_timer_init(&pair->timer, pair->loop, pair_on_pause, pair);
}

static void keyed_close(struct keyed *keyed)
{
    tip_timer_deinit(&keyed->pair.timer);
    tip_zsock_destroy(&keyed->pair.b);
    tip_zsock_destroy(&keyed->zap); /* after the socket that it guards */
    tip_loop_destroy(&keyed->pair.loop);
}

/* Sends one message; afterwards `received` says whether it came within the time. */
static void keyed_try(struct keyed *keyed, const struct tip_zsock_keys *client, int64_t wait_ms)
{
    const struct tip_zsock_options a = {.type = ZMQ_DEALER, .keys = client};
    struct pair *pair = &keyed->pair;

    assert_int_equal(tip_zsock_open(&pair->a, pair->loop, &a), 0);
    assert_int_equal(tip_zsock_connect(pair->a, tip_zsock_endpoint(pair->b)), 0);
    assert_int_equal(tip_zsock_send(pair->a, &(struct tip_zframe){"x", 1}, 1), 0);
    tip_timer_start(&pair->timer, wait_ms);
    assert_int_equal(tip_loop_run(pair->loop), 0);
    tip_zsock_destroy(&pair->a);
}

static void test_a_key_opens_and_says_who(void **state)
{
    struct keyed keyed = {.allowed = keyed.client[0]};
    struct tip_zsock_keys client = {keyed.client[0], keyed.client[1], keyed.server[0], NULL};
    uint8_t other[2][32];

    (void)state;
    keyed_make(keyed.server);
    keyed_make(keyed.client);
    keyed_make(other);
    keyed_open(&keyed);
    keyed_try(&keyed, &client, 30000);
    assert_int_equal(keyed.pair.received, 1);
    assert_string_equal(keyed.user, "alice");
    assert_string_equal(keyed.domain, "fetch");

    client = (struct tip_zsock_keys){other[0], other[1], keyed.server[0], NULL};
    keyed_try(&keyed, &client, 500); /* a key that nobody knows: asked about, not let in */
    assert_int_equal(keyed.pair.received, 1);
    assert_true(keyed.asked >= 2);

    client = (struct tip_zsock_keys){keyed.client[0], keyed.client[1], other[0], NULL};
    keyed_try(&keyed, &client, 500); /* another server than the one expected */
    keyed_try(&keyed, NULL, 500);    /* no key at all */
    assert_int_equal(keyed.pair.received, 1);
    keyed_close(&keyed);
}

static void test_endpoints_that_stay_on_this_machine(void **state)
{
    static const struct {
        const char *endpoint;
        bool is_local;
    } table[] = {
        {"tcp://127.0.0.1:5550", true},         {"tcp://127.9.0.1:1", true},   {"ipc:///run/tip/x", true},
        {"tcp://localhost:5550", true},         {"tcp://0.0.0.0:5550", false}, {"tcp://*:5550", false},
        {"tcp://192.0.2.1:5550", false},        {"tcp://eth0:5550", false},    {"pgm://127.0.0.1:1", false},
        {"tcp://127.0.0.1.evil.test:1", false}, {"tcp://127.0.0.1", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        assert_int_equal(tip_zsock_endpoint_is_local(table[i].endpoint), table[i].is_local);
}

/* --- a peer that goes while nobody takes what it sent --- */

static void gone_send(const char *endpoint)
{
    void *context = zmq_ctx_new(), *push = zmq_socket(context, ZMQ_PUSH);
    int linger = 0, refused = 0;

    assert_int_equal(zmq_setsockopt(push, ZMQ_LINGER, &linger, sizeof(linger)), 0);
    assert_int_equal(zmq_connect(push, endpoint), 0);
    while (refused < 10) { /* everything on the way is full */
        if (zmq_send(push, "a message", 9, ZMQ_DONTWAIT) == 9)
            continue;
        refused++;
        usleep(5000);
    }
    zmq_close(push);
    zmq_ctx_term(context);
}

static void test_a_peer_that_goes_before_it_was_heard(void **state)
{
    const struct tip_zsock_options options = {.type = ZMQ_PULL, .receive_hwm = 2, .heartbeat_ms = 200};
    struct tip_loop *loop = tip_loop_new();
    struct tip_zsock *pull;
    char endpoint[64];

    (void)state;
    snprintf(endpoint, sizeof(endpoint), "ipc:///tmp/tip-test-zsock-%ld", (long)getpid());
    assert_int_equal(tip_zsock_open(&pull, loop, &options), 0);
    assert_int_equal(tip_zsock_bind(pull, endpoint), 0);
    gone_send(endpoint);
    usleep(500 * 1000); /* the time of a heartbeat, if there were any: libzmq would have aborted */
    tip_zsock_destroy(&pull);
    tip_loop_destroy(&loop);
}

/* The same the other way round: a subscriber that does not read, and its server's end. */
static void test_a_server_that_goes_before_it_was_heard(void **state)
{
    const struct tip_zsock_options options = {
        .type = ZMQ_SUB, .receive_hwm = 2, .heartbeat_ms = 200, .reconnect_ms = 60000};
    struct tip_loop *loop = tip_loop_new();
    void *context = zmq_ctx_new(), *xpub = zmq_socket(context, ZMQ_XPUB);
    int linger = 0, no_drop = 1, refused = 0;
    struct tip_zsock *sub;
    char endpoint[64], bytes[8];

    (void)state;
    snprintf(endpoint, sizeof(endpoint), "ipc:///tmp/tip-test-zsock-%ld", (long)getpid());
    assert_int_equal(zmq_setsockopt(xpub, ZMQ_LINGER, &linger, sizeof(linger)), 0);
    assert_int_equal(zmq_setsockopt(xpub, ZMQ_XPUB_NODROP, &no_drop, sizeof(no_drop)), 0);
    assert_int_equal(zmq_bind(xpub, endpoint), 0);
    assert_int_equal(tip_zsock_open(&sub, loop, &options), 0);
    assert_int_equal(tip_zsock_subscribe(sub, "", 0), 0);
    assert_int_equal(tip_zsock_connect(sub, endpoint), 0);
    assert_int_equal(zmq_recv(xpub, bytes, sizeof(bytes), 0), 1); /* its subscription */
    while (refused < 10) {                                        /* everything on the way is full */
        if (zmq_send(xpub, "a message", 9, ZMQ_DONTWAIT) == 9)
            continue;
        refused++;
        usleep(5000);
    }
    zmq_close(xpub);
    zmq_ctx_term(context);
    usleep(500 * 1000);
    tip_zsock_destroy(&sub);
    tip_loop_destroy(&loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_burst_arrives_whole_and_in_order),
        cmocka_unit_test(test_no_edge_is_lost_between_single_messages),
        cmocka_unit_test(test_too_many_frames_are_counted_and_dropped),
        cmocka_unit_test(test_a_frame_that_is_given_away),
        cmocka_unit_test(test_oversized_frame_cuts_its_sender_off),
        cmocka_unit_test(test_destroy_inside_a_callback),
        cmocka_unit_test(test_pause_holds_and_resume_delivers),
        cmocka_unit_test(test_mandatory_router_says_who_is_gone),
        cmocka_unit_test(test_a_queue_that_was_emptied_takes_more),
        cmocka_unit_test(test_a_key_opens_and_says_who),
        cmocka_unit_test(test_endpoints_that_stay_on_this_machine),
        cmocka_unit_test(test_a_peer_that_goes_before_it_was_heard),
        cmocka_unit_test(test_a_server_that_goes_before_it_was_heard),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
