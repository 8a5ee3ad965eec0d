#include "check.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>

#include <tip/zpool.h>

enum { FRAME = 1000, IN_SLAB = (TIP_ZPOOL_SLAB_BYTES - 64) / FRAME, MANY = 2 * IN_SLAB + 1 };

static void message(struct tip_zpool *pool, zmq_msg_t *msg, uint8_t fill)
{
    uint8_t bytes[FRAME];

    memset(bytes, fill, sizeof(bytes));
    assert_true(tip_zpool_message(pool, msg, bytes, sizeof(bytes)));
}

static void closes(zmq_msg_t *msg, uint8_t fill)
{
    const uint8_t *bytes = zmq_msg_data(msg);

    assert_int_equal(zmq_msg_size(msg), FRAME);
    for (size_t i = 0; i < FRAME; i++)
        assert_int_equal(bytes[i], fill);
    assert_int_equal(zmq_msg_close(msg), 0);
}

static void has(const struct tip_zpool *pool, size_t n_slabs, size_t n_spare)
{
    struct tip_zpool_stats stats;

    tip_zpool_stats(pool, &stats);
    assert_int_equal(stats.n_slabs, n_slabs);
    assert_int_equal(stats.n_spare, n_spare);
}

static void test_frames_keep_their_bytes(void **state)
{
    struct tip_zpool *pool = tip_zpool_new();
    zmq_msg_t messages[MANY];

    (void)state;
    for (unsigned i = 0; i < MANY; i++)
        message(pool, &messages[i], (uint8_t)i);
    has(pool, 3, 0);
    for (unsigned i = 0; i < MANY; i++)
        closes(&messages[i], (uint8_t)i);
    assert_int_equal(tip_zpool_bytes(pool), 3 * TIP_ZPOOL_SLAB_BYTES); /* nobody has looked */
    tip_zpool_collect(pool);
    assert_int_equal(tip_zpool_bytes(pool), TIP_ZPOOL_SLAB_BYTES); /* the open one */
    tip_zpool_destroy(&pool);
    assert_null(pool);
}

static void test_slabs_are_used_again(void **state)
{
    struct tip_zpool *pool = tip_zpool_new();
    zmq_msg_t msg;

    (void)state;
    for (unsigned i = 0; i < 10 * MANY; i++) {
        message(pool, &msg, (uint8_t)i);
        closes(&msg, (uint8_t)i);
    }
    has(pool, 1, 0);
    tip_zpool_destroy(&pool);
}

static void test_what_does_not_leave_is_bounded(void **state)
{
    struct tip_zpool *pool = tip_zpool_new();
    zmq_msg_t held[TIP_ZPOOL_SLABS_MAX], msg;

    (void)state;
    for (unsigned i = 0; i < TIP_ZPOOL_SLABS_MAX; i++) { /* one frame of each slab */
        message(pool, &held[i], 7);
        for (unsigned k = 1; k < IN_SLAB; k++) {
            message(pool, &msg, 8);
            closes(&msg, 8);
        }
    }
    assert_false(tip_zpool_message(pool, &msg, held, FRAME));
    has(pool, TIP_ZPOOL_SLABS_MAX, 0);
    closes(&held[3], 7);
    message(pool, &msg, 9);
    closes(&msg, 9);
    closes(&held[0], 7);
    for (unsigned i = 1; i < TIP_ZPOOL_SLABS_MAX; i++) {
        if (i != 3)
            closes(&held[i], 7);
    }
    tip_zpool_destroy(&pool);
}

static void test_large_frames_are_not_taken(void **state)
{
    static const uint8_t large[TIP_ZPOOL_FRAME_MAX + 1];
    struct tip_zpool *pool = tip_zpool_new();
    zmq_msg_t msg;

    (void)state;
    assert_false(tip_zpool_message(pool, &msg, large, sizeof(large)));
    assert_true(tip_zpool_message(pool, &msg, large, sizeof(large) - 1));
    assert_int_equal(zmq_msg_close(&msg), 0);
    tip_zpool_destroy(&pool);
}

/* What ZeroMQ holds is known: frames of their own to the byte, slabs whole. */
static void test_what_is_held_is_known(void **state)
{
    static const uint8_t large[100000];
    struct tip_zpool *pool = tip_zpool_new();
    zmq_msg_t apart[2], copy, msg;

    (void)state;
    assert_int_equal(tip_zpool_bytes(pool), 0);
    tip_zpool_message_apart(pool, &apart[0], large, sizeof(large));
    tip_zpool_message_apart(pool, &apart[1], large, 7);
    assert_int_equal(tip_zpool_bytes(pool), sizeof(large) + 7);
    message(pool, &msg, 1);
    assert_int_equal(tip_zpool_bytes(pool), sizeof(large) + 7 + TIP_ZPOOL_SLAB_BYTES);
    assert_int_equal(zmq_msg_init(&copy), 0);
    assert_int_equal(zmq_msg_copy(&copy, &apart[0]), 0); /* as for a second subscriber: it is there once */
    assert_int_equal(tip_zpool_bytes(pool), sizeof(large) + 7 + TIP_ZPOOL_SLAB_BYTES);
    assert_int_equal(zmq_msg_close(&apart[0]), 0);
    assert_int_equal(tip_zpool_bytes(pool), sizeof(large) + 7 + TIP_ZPOOL_SLAB_BYTES);
    assert_memory_equal(zmq_msg_data(&copy), large, sizeof(large));
    assert_int_equal(zmq_msg_close(&copy), 0);
    assert_int_equal(tip_zpool_bytes(pool), 7 + TIP_ZPOOL_SLAB_BYTES);
    closes(&msg, 1);
    tip_zpool_destroy(&pool);
    assert_int_equal(zmq_msg_size(&apart[1]), 7); /* it outlives the pool */
    assert_int_equal(zmq_msg_close(&apart[1]), 0);
}

static void test_idle_slabs_are_freed(void **state)
{
    struct tip_zpool *pool = tip_zpool_new();
    zmq_msg_t messages[MANY];

    (void)state;
    for (unsigned i = 0; i < MANY; i++)
        message(pool, &messages[i], 1);
    for (unsigned i = 0; i < MANY; i++)
        closes(&messages[i], 1);
    tip_zpool_trim(pool);
    has(pool, 3, 2); /* needed since the last time */
    tip_zpool_trim(pool);
    has(pool, 1, 0);
    tip_zpool_destroy(&pool);
}

static void test_frames_outlive_the_pool(void **state)
{
    struct tip_zpool *pool = tip_zpool_new();
    zmq_msg_t messages[MANY];

    (void)state;
    for (unsigned i = 0; i < MANY; i++)
        message(pool, &messages[i], (uint8_t)i);
    tip_zpool_destroy(&pool);
    for (unsigned i = 0; i < MANY; i++)
        closes(&messages[i], (uint8_t)i);
}

/* ---- another thread gives back, as ZeroMQ's does ---- */

enum { RING = 256, THROUGH = 200000 };

struct ring {
    zmq_msg_t messages[RING];
    atomic_uint written;
    atomic_uint read;
};

static void *ring_read(void *arg)
{
    struct ring *ring = arg;

    for (unsigned i = 0; i < THROUGH; i++) {
        while (atomic_load_explicit(&ring->written, memory_order_acquire) == i)
            sched_yield();
        if (*(const uint8_t *)zmq_msg_data(&ring->messages[i % RING]) != (uint8_t)i)
            abort();
        zmq_msg_close(&ring->messages[i % RING]);
        atomic_store_explicit(&ring->read, i + 1, memory_order_release);
    }
    return NULL;
}

static void test_another_thread_gives_back(void **state)
{
    struct ring *ring = calloc(1, sizeof(*ring));
    struct tip_zpool *pool = tip_zpool_new();
    struct tip_zpool_stats stats;
    pthread_t reader;

    (void)state;
    assert_non_null(ring);
    assert_int_equal(pthread_create(&reader, NULL, ring_read, ring), 0);
    for (unsigned i = 0; i < THROUGH; i++) {
        while (i - atomic_load_explicit(&ring->read, memory_order_acquire) == RING)
            sched_yield();
        message(pool, &ring->messages[i % RING], (uint8_t)i);
        if (i % 1000 == 0)
            tip_zpool_trim(pool);
        atomic_store_explicit(&ring->written, i + 1, memory_order_release);
    }
    tip_zpool_stats(pool, &stats);
    assert_in_range(stats.n_slabs, 1, RING / IN_SLAB + 4);
    tip_zpool_destroy(&pool); /* while the last ones are out */
    pthread_join(reader, NULL);
    free(ring);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_frames_keep_their_bytes),        cmocka_unit_test(test_slabs_are_used_again),
        cmocka_unit_test(test_what_does_not_leave_is_bounded), cmocka_unit_test(test_large_frames_are_not_taken),
        cmocka_unit_test(test_what_is_held_is_known),          cmocka_unit_test(test_idle_slabs_are_freed),
        cmocka_unit_test(test_frames_outlive_the_pool),        cmocka_unit_test(test_another_thread_gives_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
