#include "golden.h"

#include <errno.h>

#include <tip/buf.h>

static struct tip_stamp stamp_of_golden(void)
{
    return (struct tip_stamp){.journal_id = golden_id(0x60),
                              .seq = (UINT64_C(1) << 40) + 1,
                              .class_seq = 43,
                              .epoch = UINT64_C(1767225600000000),
                              .pub_seq = 99,
                              .commit_unix_us = INT64_C(1767225600123456),
                              .tlp = TIP_TLP_AMBER,
                              .publisher = "blacklist",
                              .topic = "v1.listing.delta.drop_v4."};
}

static void test_record_write_gives_the_golden_bytes(void **state)
{
    uint8_t event[GOLDEN_MAX], record[GOLDEN_MAX];
    size_t n_event = golden_read("event", "listing.delta", event);
    size_t n = golden_read("record", "record", record);
    struct tip_stamp stamp = stamp_of_golden();
    tip_auto(tip_buf_deinit) struct tip_buf buf;

    (void)state;
    tip_buf_init(&buf, GOLDEN_MAX);
    assert_int_equal(tip_record_write(&stamp, event, n_event, &buf), 0);
    assert_int_equal(buf.len, n);
    assert_memory_equal(buf.data, record, n);
}

static void test_record_read_splits_in_place(void **state)
{
    uint8_t event[GOLDEN_MAX], record[GOLDEN_MAX];
    size_t n_event = golden_read("event", "listing.delta", event);
    size_t n = golden_read("record", "record", record);
    struct tip_stamp want = stamp_of_golden();
    struct tip_stamp stamp = {0};
    const uint8_t *at;
    size_t len;

    (void)state;
    assert_int_equal(tip_record_read(record, n, &stamp, &at, &len), 0);
    assert_int_equal(len, n_event);
    assert_ptr_equal(at, record + n - n_event);
    assert_memory_equal(at, event, len);
    assert_true(tip_id_equal(&stamp.journal_id, &want.journal_id));
    assert_true(stamp.seq == want.seq && stamp.class_seq == want.class_seq && stamp.epoch == want.epoch);
    assert_true(stamp.pub_seq == want.pub_seq && stamp.commit_unix_us == want.commit_unix_us);
    assert_int_equal(stamp.tlp, want.tlp);
    assert_string_equal(stamp.publisher, want.publisher);
    assert_string_equal(stamp.topic, want.topic);
}

static void test_record_read_refuses_every_cut(void **state)
{
    uint8_t record[GOLDEN_MAX];
    size_t n = golden_read("record", "record", record);
    struct tip_stamp stamp;
    const uint8_t *at;
    size_t len;

    (void)state;
    for (size_t cut = 0; cut < n; cut++) {
        int r = tip_record_read(record, cut, &stamp, &at, &len);

        /* a cut right behind the stamp leaves a record whose event is empty */
        assert_true(r == TIP_EVENT_E_MALFORMED || len == 0);
    }
}

static void test_record_keeps_what_it_does_not_know(void **state)
{
    static const uint8_t later[] = {0x18, 0x07, 0x25, 1, 2, 3, 4, 0x29, 1, 2, 3, 4, 5, 6, 7, 8, 0x32, 0x01, 0xff};
    uint8_t record[GOLDEN_MAX];
    size_t n = golden_read("record", "record", record);
    struct tip_stamp stamp;
    const uint8_t *at;
    size_t len;

    (void)state;
    memcpy(record + n, later, sizeof(later));
    assert_int_equal(tip_record_read(record, n + sizeof(later), &stamp, &at, &len), 0);
    assert_true(len > 0);
}

static void test_record_write_undoes_itself(void **state)
{
    struct tip_stamp stamp = stamp_of_golden();
    uint8_t event[200] = {0};
    tip_auto(tip_buf_deinit) struct tip_buf buf;

    (void)state;
    tip_buf_init(&buf, 250);
    assert_int_equal(tip_buf_append_text(&buf, "before"), 0);
    assert_int_equal(tip_record_write(&stamp, event, sizeof(event), &buf), -ENOBUFS);
    assert_string_equal(tip_buf_text(&buf), "before");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_record_write_gives_the_golden_bytes),
        cmocka_unit_test(test_record_read_splits_in_place),
        cmocka_unit_test(test_record_read_refuses_every_cut),
        cmocka_unit_test(test_record_keeps_what_it_does_not_know),
        cmocka_unit_test(test_record_write_undoes_itself),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
