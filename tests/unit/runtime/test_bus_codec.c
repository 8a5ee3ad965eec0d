/* Frames against the bytes of python3-protobuf. */
#include "golden.h"

#include "../../../common/runtime/bus_codec.h"

static void assert_written(const char *name, int r, const struct tip_buf *buf)
{
    uint8_t bytes[GOLDEN_MAX];
    size_t n = golden_read("frame", name, bytes);

    assert_int_equal(r, 0);
    if (buf->len != n || memcmp(buf->data, bytes, n) != 0)
        fail_msg("%s: differs from its golden bytes", name);
}

static void test_what_clients_write(void **state)
{
    static const char *const prefixes[] = {"v1.listing.", "v1.source."};
    struct bus_hello hello = {.publisher = "blacklist", .epoch = 5, .first_unacked = 17};
    struct bus_data data = {.epoch = 5, .first_pub_seq = 17, .n = 3};
    struct bus_fetch fetch = {.consumer = "storage",
                              .journal_id = golden_id(0x60),
                              .from_seq = 7,
                              .committed_seq = 6,
                              .prefixes = prefixes,
                              .n_prefixes = 2,
                              .max_bytes = 4 << 20,
                              .max_events = 10000,
                              .max_wait_ms = 200,
                              .request = 3};
    struct bus_put put = {.id = golden_id(0x50),
                          .queue = "store.query",
                          .caller = "tip.4711",
                          .body = (const uint8_t *)"\0body",
                          .body_len = 5,
                          .deadline_ms = 5000};
    struct bus_end done = {.id = golden_id(0x50), .attempt = 1, .body = (const uint8_t *)"answer", .body_len = 6};
    struct bus_end failed = {.id = golden_id(0x50), .attempt = 1, .reason = "no such query", .code = 2};
    tip_auto(tip_buf_deinit) struct tip_buf buf = {0};

    (void)state;
    tip_buf_init(&buf, BUS_FRAME_CALL_MAX);
    assert_written("hello", bus_write_hello(&buf, &hello), &buf);
    assert_written("data", bus_write_data(&buf, &data), &buf);
    assert_written("live", bus_write_live(&buf, "blacklist", 1), &buf);
    assert_written("fetch", bus_write_fetch(&buf, &fetch), &buf);
    assert_written("put", bus_write_put(&buf, &put), &buf);
    assert_written("take", bus_write_take(&buf, "store.query", 4, "storage"), &buf);
    assert_written("done", bus_write_done(&buf, &done), &buf);
    assert_written("fail", bus_write_fail(&buf, &failed), &buf);
    assert_written("renew", bus_write_renew(&buf, &put.id, 1, 1000), &buf);
    put.lease_ms = 2500;
    put.max_attempts = 3;
    assert_written("put_job", bus_write_put(&buf, &put), &buf);
    assert_written("ping", bus_write_ping(&buf, 7), &buf);
    assert_written("pong", bus_write_pong(&buf, 7), &buf);
}

static void read_golden(const char *name, enum bus_frame_kind kind, struct bus_frame *frame)
{
    uint8_t bytes[GOLDEN_MAX];
    size_t n = golden_read("frame", name, bytes);

    if (bus_frame_read(frame, bytes, n) || frame->kind != kind)
        fail_msg("%s: cannot be read", name);
}

static void test_what_publishers_read(void **state)
{
    struct tip_id journal = golden_id(0x60);
    struct bus_frame frame;

    (void)state;
    read_golden("welcome", BUS_FRAME_WELCOME, &frame);
    assert_true(tip_id_equal(&frame.welcome.journal_id, &journal));
    assert_int_equal(frame.welcome.durable_pub_seq, 16);
    assert_int_equal(frame.welcome.window_events, 16384);
    assert_int_equal(frame.welcome.window_bytes, 8 << 20);
    bus_frame_deinit(&frame);
    read_golden("ack", BUS_FRAME_ACK, &frame);
    assert_int_equal(frame.ack.epoch, 5);
    assert_int_equal(frame.ack.durable_pub_seq, 19);
    bus_frame_deinit(&frame);
    read_golden("fenced", BUS_FRAME_FENCED, &frame);
    assert_int_equal(frame.fenced_by, 6);
    bus_frame_deinit(&frame);
    read_golden("refused", BUS_FRAME_REFUSED, &frame);
    assert_string_equal(frame.refused.reason, "topic is not allowed");
    assert_int_equal(frame.refused.pub_seq, 18);
    assert_true(frame.refused.fatal);
    bus_frame_deinit(&frame);
    read_golden("pong", BUS_FRAME_PONG, &frame);
    assert_int_equal(frame.pong.nonce, 7);
    assert_false(frame.pong.no_session);
    bus_frame_deinit(&frame);
    read_golden("pong_no_session", BUS_FRAME_PONG, &frame);
    assert_int_equal(frame.pong.nonce, 7);
    assert_true(frame.pong.no_session);
    bus_frame_deinit(&frame);
}

static void test_what_consumers_read(void **state)
{
    static const struct {
        const char *name;
        enum bus_frame_kind kind;
        uint64_t next_seq, head_seq;
        uint32_t n;
    } rows[] = {{"batch", BUS_FRAME_BATCH, 9, 8, 2},
                {"trimmed", BUS_FRAME_TRIMMED, 5, 0, 0},
                {"new_journal", BUS_FRAME_NEW_JOURNAL, 1, 0, 0},
                {"damaged", BUS_FRAME_DAMAGED, 7, 0, 0}};
    struct tip_id journal = golden_id(0x60);
    struct bus_frame frame;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        read_golden(rows[i].name, rows[i].kind, &frame);
        assert_true(tip_id_equal(&frame.position.journal_id, &journal));
        assert_int_equal(frame.position.next_seq, rows[i].next_seq);
        assert_int_equal(frame.position.head_seq, rows[i].head_seq);
        assert_int_equal(frame.position.n, rows[i].n);
        assert_int_equal(frame.position.request, 3);
        bus_frame_deinit(&frame);
    }
}

static void test_what_callers_and_workers_read(void **state)
{
    struct tip_id id = golden_id(0x50);
    struct bus_frame frame;

    (void)state;
    read_golden("job", BUS_FRAME_JOB, &frame);
    assert_true(tip_id_equal(&frame.job.id, &id));
    assert_int_equal(frame.job.attempt, 1);
    assert_int_equal(frame.job.deadline_ms, 4990);
    assert_int_equal(frame.job.lease_ms, 4990);
    assert_string_equal(frame.job.queue, "store.query");
    assert_string_equal(frame.job.caller, "tip.4711");
    assert_memory_equal(frame.job.body, "\0body", 5);
    bus_frame_deinit(&frame);
    read_golden("result", BUS_FRAME_RESULT, &frame);
    assert_memory_equal(frame.answer.body, "answer", 6);
    bus_frame_deinit(&frame);
    read_golden("failed", BUS_FRAME_FAILED, &frame);
    assert_string_equal(frame.answer.reason, "nobody serves it");
    assert_int_equal(frame.answer.code, 4);
    bus_frame_deinit(&frame);
    read_golden("full", BUS_FRAME_FULL, &frame);
    assert_true(tip_id_equal(&frame.answer.id, &id));
    bus_frame_deinit(&frame);
    read_golden("lost", BUS_FRAME_LOST, &frame);
    assert_int_equal(frame.answer.attempt, 1);
    bus_frame_deinit(&frame);
    read_golden("hello", BUS_FRAME_OTHER, &frame);
    bus_frame_deinit(&frame);
}

static void test_garbage(void **state)
{
    static const uint8_t short_id[] = {0x92, 0x02, 0x03, 0x0a, 0x01, 0x07}; /* Job{id: 1 byte} is field 34 */
    static const uint8_t batch[] = {2, 0, 0, 0, 'a', 'b', 5, 0, 0, 0, 'c'};
    struct bus_frame frame;
    const uint8_t *at = batch, *record;
    size_t rest = sizeof(batch), len;

    (void)state;
    assert_int_equal(bus_frame_read(&frame, "\xff", 1), BUS_E_MALFORMED);
    assert_int_equal(bus_frame_read(&frame, short_id, sizeof(short_id)), BUS_E_MALFORMED);
    assert_int_equal(bus_frame_read(&frame, "", 0), 0); /* of a later version */
    assert_int_equal(frame.kind, BUS_FRAME_OTHER);
    bus_frame_deinit(&frame);
    assert_int_equal(bus_batch_next(&at, &rest, &record, &len), 0);
    assert_int_equal(len, 2);
    assert_memory_equal(record, "ab", 2);
    assert_int_equal(bus_batch_next(&at, &rest, &record, &len), BUS_E_MALFORMED);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_clients_write),
        cmocka_unit_test(test_what_publishers_read),
        cmocka_unit_test(test_what_consumers_read),
        cmocka_unit_test(test_what_callers_and_workers_read),
        cmocka_unit_test(test_garbage),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
