/* The publisher's session in virtual time. */
#include "check.h"

#include "../../../common/runtime/bus_session.h"

static struct session session;

/* Open at 1000 ms, with events 1 to 100 in the outbox. */
static int open_session(void **state)
{
    (void)state;
    session_init(&session);
    session_window(&session, 50, 1000);
    if (session_tick(&session, 1000) != SESSION_CONNECT || session.state != SESSION_HELLO)
        return -1;
    return session_welcome(&session, 0, 1, 101, 1000);
}

static void test_session_asks_until_it_is_answered(void **state)
{
    (void)state;
    session_init(&session);
    assert_int_equal(session_tick(&session, 0), SESSION_CONNECT);
    assert_int_equal(session_tick(&session, 1999), SESSION_NOTHING);
    assert_int_equal(session_tick(&session, 2000), SESSION_CONNECT);
    assert_int_equal(session_tick(&session, 3999), SESSION_NOTHING);
    assert_int_equal(session_tick(&session, 4000), SESSION_CONNECT);
    assert_int_equal(session_welcome(&session, 41, 40, 50, 4100), 0);
    assert_int_equal(session.state, SESSION_OPEN);
    assert_int_equal(session.sent, 41);
}

static void test_session_keeps_its_window(void **state)
{
    uint64_t bytes;

    (void)state;
    assert_int_equal(session_room(&session, &bytes), 50);
    assert_int_equal(bytes, 1000);
    session_sent(&session, 30, 400, 1000);
    assert_int_equal(session_room(&session, &bytes), 20);
    assert_int_equal(bytes, 600);
    session_sent(&session, 40, 600, 1000);
    assert_int_equal(session_room(&session, &bytes), 0); /* by bytes */
    assert_true(session_ack(&session, 30, 1100));
    assert_int_equal(session_room(&session, &bytes), 40);
    assert_int_equal(bytes, 400);
    session_sent(&session, 80, 1, 1100);
    assert_int_equal(session_room(&session, &bytes), 0); /* by events */
    assert_true(session_ack(&session, 35, 1200));        /* within a frame */
    assert_int_equal(session.bytes, 601);
    assert_int_equal(session_room(&session, &bytes), 5);
}

static void test_session_ignores_foolish_acks(void **state)
{
    (void)state;
    session_sent(&session, 10, 100, 1000);
    assert_true(session_ack(&session, 5, 1001));
    assert_false(session_ack(&session, 5, 1001));
    assert_false(session_ack(&session, 4, 1001));
    assert_false(session_ack(&session, 11, 1001)); /* never sent */
    assert_int_equal(session.acked, 5);
}

static void test_session_goes_back_after_silence(void **state)
{
    (void)state;
    session_sent(&session, 10, 100, 1000);
    assert_true(session_ack(&session, 4, 1500));
    assert_int_equal(session_tick(&session, 2000), SESSION_PING);
    assert_int_equal(session_tick(&session, 2400), SESSION_NOTHING);
    assert_int_equal(session_tick(&session, 3499), SESSION_PING);
    assert_int_equal(session_tick(&session, 3500), SESSION_CONNECT);
    assert_int_equal(session.sent, 4);
    assert_int_equal(session.bytes, 0);
    assert_int_equal(session_welcome(&session, 7, 1, 101, 3600), 0); /* an ack was lost */
    assert_int_equal(session.sent, 7);
}

/* A broker that withholds acks (its disk is full) but answers pings is asked less and less often. */
static void test_session_is_patient_with_a_full_broker(void **state)
{
    int64_t connects[6];
    unsigned n = 0;

    (void)state;
    session_sent(&session, 10, 100, 1000);
    for (int64_t now = 1000; n < 6 && now < 400000; now += 250) {
        session_heard(&session, now);
        if (session_tick(&session, now) == SESSION_CONNECT) {
            connects[n++] = now;
            assert_int_equal(session_welcome(&session, 0, 1, 101, now), 0);
            session_sent(&session, 10, 100, now);
        }
    }
    assert_int_equal(n, 6);
    assert_int_equal(connects[1] - connects[0], 4000);
    assert_int_equal(connects[2] - connects[1], 8000);
    assert_int_equal(connects[5] - connects[4], SESSION_PATIENCE_MS);
    session_heard(&session, connects[5]);
    assert_true(session_ack(&session, 10, connects[5]));
    assert_int_equal(session.patience_ms, SESSION_ANSWER_MS);
}

static void test_session_pings_when_idle(void **state)
{
    (void)state;
    assert_int_equal(session_tick(&session, 1499), SESSION_NOTHING);
    assert_int_equal(session_tick(&session, 1500), SESSION_PING);
    session_heard(&session, 1501);
    assert_int_equal(session_tick(&session, 1999), SESSION_NOTHING);
    assert_int_equal(session_tick(&session, 2001), SESSION_PING);
}

/* DATA was dropped at a bad time: the second WELCOME says from where it may come again. */
static void test_session_goes_back_when_welcomed_again(void **state)
{
    (void)state;
    session_sent(&session, 10, 100, 1000);
    session_sent(&session, 20, 100, 1000);
    assert_true(session_ack(&session, 4, 1100));
    assert_int_equal(session_welcome(&session, 10, 1, 101, 1200), 0);
    assert_int_equal(session.state, SESSION_OPEN);
    assert_int_equal(session.acked, 10);
    assert_int_equal(session.sent, 10);
    assert_int_equal(session.bytes, 0);
    session_sent(&session, 20, 100, 1200);
    assert_int_equal(session_welcome(&session, 9, 1, 101, 1300), 0);  /* never back behind an ack */
    assert_int_equal(session_welcome(&session, 21, 1, 101, 1300), 0); /* never sent */
    assert_int_equal(session.acked, 10);
    assert_int_equal(session.sent, 20);
}

static void test_session_sees_foreign_positions(void **state)
{
    (void)state;
    assert_int_equal(session_tick(&session, 9000), SESSION_CONNECT);
    assert_int_equal(session_welcome(&session, 48, 50, 60, 9000), SESSION_E_FOREIGN); /* the journal was set back */
    assert_int_equal(session_welcome(&session, 60, 50, 60, 9000), SESSION_E_FOREIGN); /* the outbox was */
    assert_int_equal(session.state, SESSION_HELLO);
    assert_int_equal(session_welcome(&session, 49, 50, 60, 9000), 0);
    assert_int_equal(session_welcome(&session, 55, 50, 60, 9000), 0); /* late: nothing happens */
    assert_int_equal(session.acked, 49);
}

static void test_session_rests_and_ends(void **state)
{
    uint64_t bytes;

    (void)state;
    session_sent(&session, 10, 100, 1000);
    session_rest(&session, 500, 1000);
    assert_int_equal(session_room(&session, &bytes), 0);
    assert_int_equal(session_tick(&session, 1499), SESSION_NOTHING);
    assert_int_equal(session_tick(&session, 1500), SESSION_CONNECT);
    session_fence(&session);
    session_rest(&session, 0, 1500);
    assert_int_equal(session_tick(&session, 999999), SESSION_NOTHING);
    assert_string_equal(session_state_name(session.state), "fenced");
}

/* A broker that restarted is there and wants a HELLO: that is an outage only when no WELCOME comes. */
static void test_session_asked_again_is_no_outage(void **state)
{
    (void)state;
    assert_true(session_is_up(&session, 1000));
    session_sent(&session, 10, 100, 1000);
    session_again(&session, 100, 1000);
    assert_int_equal(session.sent, 0);
    assert_int_equal(session_tick(&session, 1099), SESSION_NOTHING);
    assert_true(session_is_up(&session, 1099));
    assert_int_equal(session_tick(&session, 1100), SESSION_CONNECT);
    assert_true(session_is_up(&session, 3099));
    assert_false(session_is_up(&session, 3100));
    assert_int_equal(session_welcome(&session, 0, 1, 101, 3200), 0);
    assert_true(session_is_up(&session, 3200));
    assert_int_equal(session_tick(&session, 5200), SESSION_CONNECT); /* silence */
    assert_false(session_is_up(&session, 5200));
    session_again(&session, 100, 5300); /* not open: nothing to be up by */
    assert_false(session_is_up(&session, 5300));
}

/* Asked again, and then refused for another reason. */
static void test_session_refused_is_an_outage(void **state)
{
    (void)state;
    session_again(&session, 100, 1000);
    assert_int_equal(session_tick(&session, 1100), SESSION_CONNECT);
    session_again(&session, 100, 1101);
    assert_false(session_is_up(&session, 1101));
    assert_int_equal(session_tick(&session, 1201), SESSION_CONNECT);
    assert_int_equal(session_welcome(&session, 0, 1, 101, 1202), 0);
    session_rest(&session, 100, 1203);
    assert_false(session_is_up(&session, 1203));
    session_fence(&session);
    session_again(&session, 100, 1204);
    assert_false(session_is_up(&session, 1204));
    assert_string_equal(session_state_name(session.state), "fenced");
}

static void test_session_bounds_its_frames(void **state)
{
    uint64_t bytes, seq = 0;

    (void)state;
    session_window(&session, 1 << 20, 1 << 20);
    while (session_room(&session, &bytes) > 0)
        session_sent(&session, ++seq, 1, 1000);
    assert_int_equal(seq, SESSION_FRAMES_MAX);
    for (uint64_t round = 0; round < 3 * SESSION_FRAMES_MAX; round++) { /* around the ring */
        assert_true(session_ack(&session, round + 1, 1000));
        assert_true(session_room(&session, &bytes) > 0);
        session_sent(&session, ++seq, 1, 1000);
    }
    assert_int_equal(session.bytes, SESSION_FRAMES_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_session_asks_until_it_is_answered),
        cmocka_unit_test_setup(test_session_keeps_its_window, open_session),
        cmocka_unit_test_setup(test_session_ignores_foolish_acks, open_session),
        cmocka_unit_test_setup(test_session_goes_back_after_silence, open_session),
        cmocka_unit_test_setup(test_session_goes_back_when_welcomed_again, open_session),
        cmocka_unit_test_setup(test_session_is_patient_with_a_full_broker, open_session),
        cmocka_unit_test_setup(test_session_pings_when_idle, open_session),
        cmocka_unit_test_setup(test_session_sees_foreign_positions, open_session),
        cmocka_unit_test_setup(test_session_rests_and_ends, open_session),
        cmocka_unit_test_setup(test_session_asked_again_is_no_outage, open_session),
        cmocka_unit_test_setup(test_session_refused_is_an_outage, open_session),
        cmocka_unit_test_setup(test_session_bounds_its_frames, open_session),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
