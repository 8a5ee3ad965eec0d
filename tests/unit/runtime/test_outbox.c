#include "check.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <tip/buf.h>
#include <tip/cleanup.h>
#include <tip/outbox.h>

#include "../../../common/runtime/outbox_bus.h"

enum { EPOCH = 1767225600, KILLS = 50 };

struct scratch {
    char dir[64];
    char sub[80];
};

static int scratch_make(void **state)
{
    static struct scratch scratch;

    (void)snprintf(scratch.dir, sizeof(scratch.dir), "/tmp/tip-outbox-XXXXXX");
    if (!mkdtemp(scratch.dir))
        return -1;
    (void)snprintf(scratch.sub, sizeof(scratch.sub), "%s/outbox", scratch.dir);
    *state = &scratch;
    return 0;
}

static int scratch_remove(void **state)
{
    const struct scratch *scratch = *state;
    static const char *const names[] = {"data.mdb", "lock.mdb", "lock"};
    char path[128];

    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", scratch->sub, names[i]);
        (void)unlink(path);
    }
    (void)rmdir(scratch->sub);
    return rmdir(scratch->dir);
}

static struct tip_outbox *outbox_of(void **state, size_t map_bytes)
{
    const struct scratch *scratch = *state;
    struct tip_outbox_config config = {.dir = scratch->sub, .map_bytes = map_bytes, .wall_unix_us = EPOCH};
    struct tip_outbox *outbox = NULL;

    assert_int_equal(tip_outbox_open(&outbox, &config), 0);
    return outbox;
}

/* An alarm that carries a number, and text to make it long. */
static int publish(struct tip_outbox_txn *txn, uint64_t number, const char *detail)
{
    char name[32];
    struct tip_event event = {.id = {{1}}, .kind = TIP_EVENT_SYSTEM_ALARM, .observed_unix_ms = 1};

    (void)snprintf(name, sizeof(name), "%llu", (unsigned long long)number);
    event.system_alarm = (struct tip_system_alarm){.service = "test", .name = name, .detail = detail};
    return tip_outbox_publish(txn, "v1.system.alarm.test.", TIP_TLP_AMBER, &event, NULL);
}

static void publish_one(struct tip_outbox *outbox, uint64_t number)
{
    struct tip_outbox_txn *txn;

    assert_int_equal(tip_outbox_begin(outbox, &txn), 0);
    assert_int_equal(publish(txn, number, ""), 0);
    assert_int_equal(tip_outbox_commit(&txn), 0);
}

struct walk {
    uint64_t next;
    uint64_t n;
    uint64_t stop_after;
    bool wrong;
};

/* Each record is whole, dense, and its number is its pub_seq. */
static int walk_each(void *ctx, uint64_t pub_seq, const void *record, size_t n)
{
    struct walk *walk = ctx;
    const uint8_t *at = record;
    size_t topic_len = at[0] | (size_t)at[1] << 8;
    size_t event_len = at[4] | (size_t)at[5] << 8 | (size_t)at[6] << 16 | (size_t)at[7] << 24;
    tip_auto(tip_event_destroy) struct tip_event *event = NULL;

    walk->wrong |= pub_seq != walk->next++ || at[2] != TIP_TLP_AMBER || at[3] != 0;
    walk->wrong |= n != OUTBOX_RECORD_HEAD + topic_len + event_len;
    walk->wrong |= !tip_topic_valid((const char *)at + OUTBOX_RECORD_HEAD, topic_len);
    walk->wrong |= tip_event_decode(at + OUTBOX_RECORD_HEAD + topic_len, event_len, &event, NULL) != 0;
    walk->wrong |= !event || strtoull(event->system_alarm.name, NULL, 10) != pub_seq;
    return ++walk->n == walk->stop_after ? 7 : 0;
}

static void test_outbox_keeps_identity_and_order(void **state)
{
    tip_auto(tip_outbox_destroy) struct tip_outbox *outbox = outbox_of(state, 0);
    struct tip_id stream = *tip_outbox_stream(outbox);
    struct walk walk = {.next = 1};

    assert_int_equal(tip_outbox_epoch(outbox), EPOCH);
    assert_false(tip_id_is_zero(&stream));
    for (uint64_t i = 1; i <= 3; i++)
        publish_one(outbox, i);
    tip_outbox_destroy(&outbox);

    outbox = outbox_of(state, 0);
    assert_true(tip_id_equal(tip_outbox_stream(outbox), &stream));
    assert_int_equal(tip_outbox_n_waiting(outbox), 3);
    assert_int_equal(outbox_read(outbox, 1, walk_each, &walk), 0);
    assert_int_equal(walk.n, 3);
    assert_false(walk.wrong);
    walk = (struct walk){.next = 2, .stop_after = 1};
    assert_int_equal(outbox_read(outbox, 2, walk_each, &walk), 7);
    assert_false(walk.wrong);
}

static void test_outbox_numbers_go_on_after_acks(void **state)
{
    tip_auto(tip_outbox_destroy) struct tip_outbox *outbox = outbox_of(state, 0);

    for (uint64_t i = 1; i <= 300; i++)
        publish_one(outbox, i);
    assert_int_equal(outbox_delete_acked(outbox, 300), 0);
    assert_int_equal(outbox_first(outbox), 1 + OUTBOX_DELETE_MAX);
    assert_int_equal(outbox_delete_acked(outbox, 9999), 0);
    assert_int_equal(tip_outbox_n_waiting(outbox), 0);
    assert_int_equal(tip_outbox_bytes_waiting(outbox), 0);
    tip_outbox_destroy(&outbox);

    outbox = outbox_of(state, 0);
    assert_int_equal(outbox_next(outbox), 301);
    assert_int_equal(outbox_first(outbox), 301);
}

static void test_outbox_abort_leaves_nothing(void **state)
{
    tip_auto(tip_outbox_destroy) struct tip_outbox *outbox = outbox_of(state, 0);
    struct tip_outbox_txn *txn;
    const void *value;
    size_t n;

    assert_int_equal(tip_outbox_begin(outbox, &txn), 0);
    assert_int_equal(publish(txn, 1, ""), 0);
    assert_int_equal(tip_outbox_put(txn, "state", "k", 1, "v", 1), 0);
    assert_int_equal(tip_outbox_get(txn, "state", "k", 1, &value, &n), 0);
    tip_outbox_abort(&txn);
    assert_null(txn);
    tip_outbox_abort(&txn);

    assert_int_equal(tip_outbox_begin(outbox, &txn), 0);
    assert_int_equal(tip_outbox_get(txn, "state", "k", 1, &value, &n), -ENOENT);
    assert_int_equal(tip_outbox_commit(&txn), 0);
    assert_int_equal(tip_outbox_n_waiting(outbox), 0);
    assert_int_equal(outbox_next(outbox), 1);
}

static int each_collect(void *ctx, const void *key, size_t key_len, const void *value, size_t value_len)
{
    struct tip_buf *buf = ctx;

    if (key_len == 1 && *(const char *)key == 'z')
        return 9;
    assert_int_equal(tip_buf_append(buf, key, key_len), 0);
    assert_int_equal(tip_buf_append(buf, value, value_len), 0);
    return 0;
}

static void test_outbox_tables(void **state)
{
    tip_auto(tip_outbox_destroy) struct tip_outbox *outbox = outbox_of(state, 0);
    tip_auto(tip_outbox_abort) struct tip_outbox_txn *txn = NULL;
    tip_auto(tip_buf_deinit) struct tip_buf buf;
    struct tip_id journal = {{9}}, read;
    uint64_t next;

    tip_buf_init(&buf, 100);
    assert_int_equal(tip_outbox_begin(outbox, &txn), 0);
    assert_int_equal(tip_outbox_each(txn, "a", each_collect, &buf), 0);
    assert_int_equal(tip_outbox_put(txn, "a", "y", 1, "2", 1), 0);
    assert_int_equal(tip_outbox_put(txn, "a", "x", 1, "1", 1), 0);
    assert_int_equal(tip_outbox_put(txn, "b", "x", 1, "3", 1), 0);
    assert_int_equal(tip_outbox_input_get(txn, "due", &read, &next), -ENOENT);
    assert_int_equal(tip_outbox_input_put(txn, "due", &journal, 77), 0);
    assert_int_equal(tip_outbox_put(txn, "a", "", 0, "1", 1), -EINVAL);
    assert_int_equal(tip_outbox_commit(&txn), 0);
    tip_outbox_destroy(&outbox);

    outbox = outbox_of(state, 0);
    assert_int_equal(tip_outbox_begin(outbox, &txn), 0);
    assert_int_equal(tip_outbox_each(txn, "a", each_collect, &buf), 0);
    assert_string_equal(tip_buf_text(&buf), "x1y2");
    assert_int_equal(tip_outbox_put(txn, "a", "z", 1, "", 0), 0);
    assert_int_equal(tip_outbox_each(txn, "a", each_collect, &buf), 9);
    assert_int_equal(tip_outbox_delete(txn, "a", "x", 1), 0);
    assert_int_equal(tip_outbox_delete(txn, "a", "x", 1), -ENOENT);
    assert_int_equal(tip_outbox_input_get(txn, "due", &read, &next), 0);
    assert_true(tip_id_equal(&read, &journal));
    assert_int_equal(next, 77);
}

static void test_outbox_has_one_owner(void **state)
{
    tip_auto(tip_outbox_destroy) struct tip_outbox *outbox = outbox_of(state, 0);
    const struct scratch *scratch = *state;
    struct tip_outbox_config config = {.dir = scratch->sub, .wall_unix_us = EPOCH};
    struct tip_outbox *second = NULL;
    struct tip_outbox_txn *txn, *other;

    assert_int_equal(tip_outbox_open(&second, &config), -EBUSY);
    assert_null(second);
    assert_int_equal(tip_outbox_begin(outbox, &txn), 0);
    assert_int_equal(tip_outbox_begin(outbox, &other), -EDEADLK);
    tip_outbox_abort(&txn);
}

static uint64_t fill_up(struct tip_outbox *outbox, const char *detail)
{
    struct tip_outbox_txn *txn;
    uint64_t n = 0;
    int r;

    for (;;) {
        assert_int_equal(tip_outbox_begin(outbox, &txn), 0);
        r = publish(txn, outbox_next(outbox), detail);
        if (r)
            break;
        assert_int_equal(tip_outbox_commit(&txn), 0);
        n++;
    }
    assert_int_equal(r, -ENOBUFS);
    tip_outbox_abort(&txn);
    return n;
}

static void test_outbox_holds_its_budget(void **state)
{
    tip_auto(tip_outbox_destroy) struct tip_outbox *outbox = outbox_of(state, 1 << 20);
    char detail[1001];
    uint64_t n;

    memset(detail, 'x', sizeof(detail) - 1);
    detail[sizeof(detail) - 1] = 0;
    n = fill_up(outbox, detail);
    assert_in_range(n, 400, 520); /* half a MiB of about 1.1 KiB each */
    assert_int_equal(tip_outbox_n_waiting(outbox), n);
    assert_false(outbox_space_returned(outbox));
    assert_false(tip_outbox_has_room(outbox, 4096));
    assert_int_equal(outbox_delete_acked(outbox, n), 0);
    assert_true(outbox_space_returned(outbox));
    assert_false(outbox_space_returned(outbox)); /* said once */
    assert_true(tip_outbox_has_room(outbox, 4096));
    for (unsigned round = 0; round < 20; round++) { /* freed pages are used again */
        (void)fill_up(outbox, detail);
        while (tip_outbox_n_waiting(outbox) > 0)
            assert_int_equal(outbox_delete_acked(outbox, UINT64_MAX), 0);
    }
}

static void test_outbox_survives_a_full_map(void **state)
{
    tip_auto(tip_outbox_destroy) struct tip_outbox *outbox = outbox_of(state, 1 << 20);
    static char value[100000];
    struct tip_outbox_txn *txn;
    int r = 0;

    publish_one(outbox, 1);
    assert_int_equal(tip_outbox_begin(outbox, &txn), 0);
    for (unsigned i = 0; !r && i < 100; i++)
        r = tip_outbox_put(txn, "big", &i, sizeof(i), value, sizeof(value));
    assert_int_equal(r, -ENOBUFS);
    tip_outbox_abort(&txn);
    publish_one(outbox, 2);
    assert_int_equal(tip_outbox_n_waiting(outbox), 2);
}

static void test_outbox_refuses_bad_events(void **state)
{
    tip_auto(tip_outbox_destroy) struct tip_outbox *outbox = outbox_of(state, 0);
    tip_auto(tip_outbox_abort) struct tip_outbox_txn *txn = NULL;
    struct tip_event event = {.id = {{1}}, .kind = TIP_EVENT_SYSTEM_ALARM, .observed_unix_ms = 1};

    event.system_alarm = (struct tip_system_alarm){.service = "test", .name = "x"};
    assert_int_equal(tip_outbox_begin(outbox, &txn), 0);
    assert_int_equal(tip_outbox_publish(txn, "system.alarm", TIP_TLP_AMBER, &event, NULL), -EINVAL);
    assert_int_equal(tip_outbox_publish(txn, "v1.system.alarm.", TIP_TLP_NONE, &event, NULL), -EINVAL);
    event.system_alarm.name = "";
    assert_int_equal(tip_outbox_publish(txn, "v1.system.alarm.", TIP_TLP_AMBER, &event, NULL), -EINVAL);
}

static void test_outbox_replaces_a_refused_event(void **state)
{
    tip_auto(tip_outbox_destroy) struct tip_outbox *outbox = outbox_of(state, 0);
    struct tip_event event = {.id = {{1}}, .kind = TIP_EVENT_SYSTEM_ALARM, .observed_unix_ms = 1};
    struct walk walk = {.next = 1};
    uint64_t bytes;

    for (uint64_t i = 1; i <= 3; i++)
        publish_one(outbox, i == 2 ? 999 : i); /* the second one is wrong */
    bytes = tip_outbox_bytes_waiting(outbox);
    event.system_alarm = (struct tip_system_alarm){.service = "test", .name = "2", .detail = "instead"};
    assert_int_equal(outbox_replace(outbox, 2, "v1.system.alarm.test.", TIP_TLP_AMBER, &event), 0);
    assert_int_equal(outbox_replace(outbox, 9, "v1.system.alarm.test.", TIP_TLP_AMBER, &event), -ENOENT);
    assert_int_equal(outbox_read(outbox, 1, walk_each, &walk), 0);
    assert_false(walk.wrong);
    assert_int_equal(walk.n, 3);
    assert_true(tip_outbox_bytes_waiting(outbox) > bytes);
    bytes = tip_outbox_bytes_waiting(outbox);
    tip_outbox_destroy(&outbox);
    outbox = outbox_of(state, 0);
    assert_int_equal(tip_outbox_bytes_waiting(outbox), bytes);
}

/* Refused events are large, and stay: they must leave room for others. */
static void test_outbox_bounds_the_refused(void **state)
{
    tip_auto(tip_outbox_destroy) struct tip_outbox *outbox = outbox_of(state, 2 << 20);
    struct tip_event event = {.id = {{1}}, .kind = TIP_EVENT_SYSTEM_ALARM, .observed_unix_ms = 1};
    char detail[1001];

    memset(detail, 'x', sizeof(detail) - 1);
    detail[sizeof(detail) - 1] = 0;
    event.system_alarm = (struct tip_system_alarm){.service = "test", .name = "2", .detail = "instead"};
    for (unsigned i = 0; i < 5; i++) {
        uint64_t first = outbox_next(outbox);
        uint64_t n = fill_up(outbox, detail);

        for (uint64_t seq = first; seq < first + n; seq++)
            assert_int_equal(outbox_replace(outbox, seq, "v1.system.alarm.test.", TIP_TLP_AMBER, &event), 0);
        while (tip_outbox_n_waiting(outbox) > 0)
            assert_int_equal(outbox_delete_acked(outbox, UINT64_MAX), 0);
        assert_true(i == 0 || n > 800); /* a MiB of about 1.1 KiB each, again and again */
    }
}

/* ---- SIGKILL: the counter in the state and the events agree, whenever it hits ---- */

static void child_run(const struct scratch *scratch)
{
    struct tip_outbox_config config = {.dir = scratch->sub, .map_bytes = 16 << 20, .wall_unix_us = EPOCH};
    struct tip_outbox *outbox;
    struct tip_outbox_txn *txn;
    const void *value;
    size_t n;

    if (tip_outbox_open(&outbox, &config))
        _exit(2);
    for (unsigned turn = 0;; turn++) {
        uint64_t count = 0;

        if (tip_outbox_begin(outbox, &txn))
            _exit(3);
        if (tip_outbox_get(txn, "state", "count", 5, &value, &n) == 0)
            memcpy(&count, value, sizeof(count));
        for (unsigned i = 0; i <= turn % 5; i++) {
            if (publish(txn, ++count, ""))
                _exit(4);
        }
        if (tip_outbox_put(txn, "state", "count", 5, &count, sizeof(count)))
            _exit(5);
        if (turn % 7 == 6)
            tip_outbox_abort(&txn);
        else if (tip_outbox_commit(&txn))
            _exit(6);
        if (turn % 3 == 0 && count > 20 && outbox_delete_acked(outbox, count - 20))
            _exit(7);
    }
}

static void kill_once(const struct scratch *scratch, unsigned *seedp)
{
    struct timespec pause = {.tv_nsec = 1000000 + rand_r(seedp) % 20000000};
    int status;
    pid_t pid;

    pid = fork();
    assert_true(pid >= 0);
    if (pid == 0)
        child_run(scratch);
    (void)nanosleep(&pause, NULL);
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status)); /* it did not fail by itself */
}

static void check_agreement(void **state)
{
    tip_auto(tip_outbox_destroy) struct tip_outbox *outbox = outbox_of(state, 16 << 20);
    struct tip_outbox_txn *txn;
    struct walk walk;
    const void *value;
    uint64_t count = 0;
    size_t n;

    assert_int_equal(tip_outbox_begin(outbox, &txn), 0);
    if (tip_outbox_get(txn, "state", "count", 5, &value, &n) == 0)
        memcpy(&count, value, sizeof(count));
    tip_outbox_abort(&txn);
    walk = (struct walk){.next = outbox_first(outbox)};
    assert_int_equal(outbox_read(outbox, 0, walk_each, &walk), 0);
    assert_false(walk.wrong);
    assert_int_equal(walk.next, outbox_next(outbox));
    assert_int_equal(count + 1, outbox_next(outbox));
}

static void test_outbox_survives_kills(void **state)
{
    const char *given = getenv("TIP_SEED");
    unsigned seed = given ? (unsigned)strtoul(given, NULL, 10) : (unsigned)time(NULL);

    print_message("TIP_SEED=%u\n", seed);
    for (unsigned i = 0; i < KILLS; i++) {
        kill_once(*state, &seed);
        check_agreement(state);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_outbox_keeps_identity_and_order, scratch_make, scratch_remove),
        cmocka_unit_test_setup_teardown(test_outbox_numbers_go_on_after_acks, scratch_make, scratch_remove),
        cmocka_unit_test_setup_teardown(test_outbox_abort_leaves_nothing, scratch_make, scratch_remove),
        cmocka_unit_test_setup_teardown(test_outbox_tables, scratch_make, scratch_remove),
        cmocka_unit_test_setup_teardown(test_outbox_has_one_owner, scratch_make, scratch_remove),
        cmocka_unit_test_setup_teardown(test_outbox_holds_its_budget, scratch_make, scratch_remove),
        cmocka_unit_test_setup_teardown(test_outbox_survives_a_full_map, scratch_make, scratch_remove),
        cmocka_unit_test_setup_teardown(test_outbox_refuses_bad_events, scratch_make, scratch_remove),
        cmocka_unit_test_setup_teardown(test_outbox_replaces_a_refused_event, scratch_make, scratch_remove),
        cmocka_unit_test_setup_teardown(test_outbox_bounds_the_refused, scratch_make, scratch_remove),
        cmocka_unit_test_setup_teardown(test_outbox_survives_kills, scratch_make, scratch_remove),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
