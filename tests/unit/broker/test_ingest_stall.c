/*
 * The ingest door while the journal takes nothing: when it rests, when it is closed, and when that makes the broker not
 * ready. The journal, the socket and the clock are this test's.
 */
#include "check.h"

#include <stdlib.h>

#include <tip/alloc.h>
#include <tip/cleanup.h>
#include <tip/metrics.h>

#include "io/ingest_private.h"

enum { BYTES = 1000, MOST = 2 * BYTES, STALL_MS = 1000 };

int64_t __wrap_tip_loop_now_ms(void);

static struct {
    int64_t now_ms;
    uint64_t taken;
    bool has_room, is_held, is_paused;
    const struct ingest_session *welcomed; /* the last one */
    unsigned n_welcomes;
} world;

int64_t __wrap_tip_loop_now_ms(void)
{
    return world.now_ms;
}

uint64_t router_taken_bytes(const struct router *router)
{
    (void)router;
    return world.taken;
}

size_t router_count(const struct router *router)
{
    (void)router;
    return 1;
}

void router_note_taken(struct router *router)
{
    (void)router;
    world.taken = 0;
}

void router_pause(struct router *router)
{
    (void)router;
    world.is_paused = true;
}

void router_resume(struct router *router)
{
    (void)router;
    world.is_paused = false;
}

bool journal_has_room(struct journal *journal)
{
    (void)journal;
    return world.has_room;
}

void journal_status(const struct journal *journal, struct journal_status *status)
{
    (void)journal;
    *status = (struct journal_status){.held = world.is_held};
}

int ingest_append_all(struct ingest *ingest, struct ingest_rest *rest)
{
    (void)ingest;
    (void)rest;
    return world.has_room ? 0 : 1;
}

void ingest_send_welcome(struct ingest *ingest, struct ingest_session *session)
{
    (void)ingest;
    session->dropped = false;
    world.welcomed = session;
    world.n_welcomes++;
}

void ingest_welcome_waiting(struct ingest *ingest)
{
    (void)ingest;
}

struct fix {
    struct tip_metrics *metrics;
    struct meter meter;
    struct ingest ingest;
};

static int fix_open(void **state)
{
    struct fix *fix = tip_new(struct fix);
    struct ingest *ingest = &fix->ingest;

    *state = fix;
    world.now_ms = 5000;
    world.has_room = world.is_held = false;
    world.n_welcomes = 0;
    fix->metrics = tip_metrics_new();
    meter_init(&fix->meter, fix->metrics);
    ingest->loop = tip_loop_new();
    ingest->options = (struct ingest_options){.meter = &fix->meter, .bytes = BYTES};
    tip_timer_init(&ingest->look, ingest->loop, ingest_on_look, ingest);
    ingest_stall(ingest, &(struct ingest_rest){.pub_seq = 1});
    assert_true(world.is_paused);
    return 0;
}

static int fix_close(void **state)
{
    struct fix *fix = *state;

    tip_free(&fix->ingest.rest.bytes);
    tip_timer_deinit(&fix->ingest.look);
    tip_loop_destroy(&fix->ingest.loop);
    tip_metrics_destroy(&fix->metrics);
    free(fix);
    return 0;
}

/* Of the door: rests, takes, is closed for a flood (which does not touch readiness), is closed (which ends it). */
enum door { DOOR_RESTS, DOOR_OPEN, DOOR_FLOODED, DOOR_STUCK };

static enum door door_of(const struct fix *fix)
{
    if (fix->ingest.closed)
        return fix->ingest.is_flooded ? DOOR_FLOODED : DOOR_STUCK;
    return world.is_paused ? DOOR_RESTS : DOOR_OPEN;
}

/* A turn of the loop, so long after the one before; and what the door is then. */
static void check_turn(struct fix *fix, int64_t after_ms, enum door door)
{
    world.now_ms += after_ms;
    if (!fix->ingest.closed && fix->ingest.stalled_ms)
        ingest_on_look(&fix->ingest);
    ingest_resume(&fix->ingest);
    assert_int_equal(door_of(fix), door);
    assert_int_equal(world.is_paused, door == DOOR_RESTS); /* what comes to a closed door is dropped, not left */
}

static void test_stall_a_disk_that_is_only_slow(void **state)
{
    struct fix *fix = *state;

    check_turn(fix, STALL_MS, DOOR_RESTS);
    world.taken = MOST;
    check_turn(fix, 0, DOOR_RESTS);
    world.has_room = true;
    check_turn(fix, 0, DOOR_OPEN);
    assert_int_equal(fix->ingest.stalled_ms, 0);
}

static void test_stall_a_disk_that_takes_nothing(void **state)
{
    struct fix *fix = *state;

    check_turn(fix, STALL_MS + 1, DOOR_STUCK);
    assert_string_equal(fix->ingest.closed, "the disk takes nothing");
    check_turn(fix, 10 * STALL_MS, DOOR_STUCK);
    world.has_room = true;
    check_turn(fix, 0, DOOR_OPEN);
}

/* More than may wait is no fault of the disk: only when that still takes nothing a second later. */
static void test_stall_a_flood_is_a_matter_of_readiness_after_a_second(void **state)
{
    struct fix *fix = *state;

    world.taken = MOST + 1;
    check_turn(fix, 20, DOOR_FLOODED);
    check_turn(fix, STALL_MS, DOOR_FLOODED);
    check_turn(fix, 1, DOOR_STUCK);
    assert_string_equal(fix->ingest.closed, "the disk takes nothing");
    world.has_room = true;
    check_turn(fix, 0, DOOR_OPEN);
}

/* Who was under way when the door closed has lost the rest of its message, and hears when it may come again. */
static void test_stall_tells_whose_rest_was_dropped(void **state)
{
    struct fix *fix = *state;
    struct ingest_sessions *sessions = &fix->ingest.sessions;
    struct journal_publisher publishers[2] = {{.name = "calm"}, {.name = "stalled"}};
    struct broker_peer peer;

    ingest_sessions_init(sessions, 2);
    for (size_t i = 0; i < 2; i++) {
        assert_true(broker_peer_set(&peer, i ? "s" : "c", 1));
        ingest_sessions_add(sessions, &peer, publishers[i].name)->publisher = &publishers[i];
    }
    fix->ingest.rest.publisher = &publishers[1];
    check_turn(fix, STALL_MS + 1, DOOR_STUCK);
    assert_int_equal(publishers[1].n_dropped, 1);
    world.has_room = true;
    check_turn(fix, 0, DOOR_OPEN);
    assert_int_equal(world.n_welcomes, 1);
    assert_ptr_equal(world.welcomed->publisher, &publishers[1]);
    ingest_sessions_deinit(sessions);
}

static void test_stall_a_flood_that_the_disk_gets_over(void **state)
{
    struct fix *fix = *state;

    world.taken = MOST + 1;
    check_turn(fix, STALL_MS, DOOR_FLOODED); /* of its own second, not of the stall's */
    check_turn(fix, STALL_MS, DOOR_FLOODED);
    world.has_room = true;
    check_turn(fix, 0, DOOR_OPEN);
}

static void test_stall_says_that_a_consumer_holds_the_journal(void **state)
{
    struct fix *fix = *state;

    world.is_held = true;
    check_turn(fix, STALL_MS + 1, DOOR_STUCK);
    assert_string_equal(fix->ingest.closed, "the journal is full of events that a required consumer has not read");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_stall_a_disk_that_is_only_slow, fix_open, fix_close),
        cmocka_unit_test_setup_teardown(test_stall_a_disk_that_takes_nothing, fix_open, fix_close),
        cmocka_unit_test_setup_teardown(test_stall_a_flood_is_a_matter_of_readiness_after_a_second, fix_open,
                                        fix_close),
        cmocka_unit_test_setup_teardown(test_stall_a_flood_that_the_disk_gets_over, fix_open, fix_close),
        cmocka_unit_test_setup_teardown(test_stall_tells_whose_rest_was_dropped, fix_open, fix_close),
        cmocka_unit_test_setup_teardown(test_stall_says_that_a_consumer_holds_the_journal, fix_open, fix_close),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
