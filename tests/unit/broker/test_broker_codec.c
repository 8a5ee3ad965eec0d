/* Frames both ways, and records as <tip/event.h> reads them. */
#include <check.h>

#include <tip/event.h>
#include <tip/v1/bus.pb-c.h>

#include "codec.h"

static void test_every_kind(void **state)
{
    (void)state;
    for (int kind = CODEC_NONE; kind < CODEC_KIND_COUNT; kind++) {
        struct codec_frame frame = {.kind = (enum codec_kind)kind}, again;
        struct tip_buf out;

        tip_buf_init(&out, 4096);
        assert_int_equal(codec_encode(&frame, &out), 0);
        assert_int_equal(codec_decode(&again, tip_buf_text(&out), out.len), 0);
        assert_int_equal(again.kind, kind);
        assert_true(codec_kind_name(again.kind)[0]);
        codec_frame_deinit(&again);
        tip_buf_deinit(&out);
    }
}

static void test_fetch_frame(void **state)
{
    static const uint8_t id[16] = "0123456789abcdef";
    static const char *const prefixes[] = {"v1.a.", "v1.b."};
    const struct codec_frame frame = {.kind = CODEC_FETCH,
                                      .fetch = {"storage", {id, 16}, 5, 4, prefixes, 2, 100, 10, 1000, 77}};
    struct codec_frame again;
    struct tip_buf out;

    (void)state;
    tip_buf_init(&out, 4096);
    assert_int_equal(codec_encode(&frame, &out), 0);
    assert_int_equal(codec_decode(&again, out.data, out.len), 0);
    assert_string_equal(again.fetch.consumer, "storage");
    assert_memory_equal(again.fetch.journal_id.data, id, 16);
    assert_int_equal(again.fetch.n_prefixes, 2);
    assert_string_equal(again.fetch.prefixes[1], "v1.b.");
    assert_int_equal(again.fetch.request, 77);
    codec_frame_deinit(&again);
    tip_buf_deinit(&out);
}

static void test_garbage(void **state)
{
    struct codec_frame frame;

    (void)state;
    assert_int_equal(codec_decode(&frame, "\xff\xff\xff", 3), CODEC_E_MALFORMED);
    assert_int_equal(codec_decode(&frame, "", 0), 0); /* a frame with nothing in it */
    assert_int_equal(frame.kind, CODEC_NONE);
    codec_frame_deinit(&frame);
}

/* Whatever the bytes are, they mean to codec.c what they mean to protobuf-c. */
static bool check_as_protobuf(const uint8_t *bytes, size_t n)
{
    Tip__V1__Frame *oracle = tip__v1__frame__unpack(NULL, n, bytes);
    struct codec_frame frame;
    int r = codec_decode(&frame, bytes, n);
    bool is_data = oracle && oracle->body_case == TIP__V1__FRAME__BODY_DATA;

    assert_int_equal(r, oracle ? 0 : CODEC_E_MALFORMED);
    assert_int_equal(!r && frame.kind == CODEC_DATA, is_data);
    if (is_data) {
        assert_true(frame.data.epoch == oracle->data->epoch);
        assert_true(frame.data.first_pub_seq == oracle->data->first_pub_seq);
        assert_int_equal(frame.data.n, oracle->data->n);
    }
    if (!r)
        codec_frame_deinit(&frame);
    tip__v1__frame__free_unpacked(oracle, NULL);
    return is_data;
}

/* Every byte of a frame to every value, and every length. */
static void check_changed(const uint8_t *bytes, size_t n)
{
    uint8_t changed[64] = {0};

    memcpy(changed, bytes, n);
    for (size_t at = 0; at < n; at++) {
        for (int value = 0; value < 256; value++) {
            changed[at] = (uint8_t)value;
            check_as_protobuf(changed, n);
        }
        changed[at] = bytes[at];
    }
    for (size_t len = 0; len <= n + 3; len++)
        check_as_protobuf(changed, len);
}

static void test_data_as_protobuf(void **state)
{
    static const struct codec_data datas[] = {
        {1, 1, 1},
        {1, 2, 127},
        {1790000000000000, 1ULL << 40, 128},
        {UINT64_MAX, UINT64_MAX, 16384},
        {1, 1, (1 << 21) - 1},
        {1, 1, 1 << 21},
        {1, 1, UINT32_MAX},
        {0, 1, 1},
        {1, 0, 1},
        {1, 1, 0},
        {0x0a0a0a0a0a0a0a0a, 0x1818181818181818, 24},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(datas) / sizeof(datas[0]); i++) {
        const struct codec_frame frame = {.kind = CODEC_DATA, .data = datas[i]};
        struct tip_buf out;

        tip_buf_init(&out, 4096);
        assert_int_equal(codec_encode(&frame, &out), 0);
        assert_true(check_as_protobuf(out.data, out.len));
        check_changed(out.data, out.len);
        tip_buf_deinit(&out);
    }
}

static void check_record(const struct codec_stamp *stamp, const uint8_t *event, uint32_t event_len)
{
    static uint8_t bytes[TIP_EVENT_BYTES_MAX + 1024];
    struct codec_record record = codec_record_put(bytes, stamp, event, event_len);
    struct tip_stamp read;
    const uint8_t *found;
    size_t found_len;

    assert_true(record.len <= codec_record_max(event_len));
    assert_int_equal(tip_record_read(bytes, record.len, &read, &found, &found_len), 0);
    assert_memory_equal(read.journal_id.bytes, stamp->journal_id, 16);
    assert_int_equal(read.seq, stamp->seq);
    assert_int_equal(read.class_seq, stamp->class_seq);
    assert_int_equal(read.commit_unix_us, stamp->commit_us);
    assert_string_equal(read.publisher, stamp->publisher);
    assert_int_equal(read.epoch, stamp->epoch);
    assert_int_equal(read.pub_seq, stamp->pub_seq);
    assert_int_equal(strlen(read.topic), stamp->topic_len);
    assert_memory_equal(read.topic, stamp->topic, stamp->topic_len);
    assert_int_equal(read.tlp, stamp->tlp);
    assert_int_equal(found_len, event_len);
    assert_memory_equal(found, event, event_len);
    assert_memory_equal(bytes + record.topic_at, stamp->topic, stamp->topic_len);
    assert_memory_equal(bytes + record.name_at, stamp->publisher, record.name_len);
}

static void test_records(void **state)
{
    static const uint8_t id[16] = "0123456789abcdef";
    static uint8_t event[TIP_EVENT_BYTES_MAX];
    char topic[256] = "v1.a.b.", name[65];
    struct codec_stamp stamp = {.journal_id = id,
                                .seq = 1,
                                .class_seq = 1,
                                .commit_us = 1795326355631495,
                                .publisher = "blacklist",
                                .epoch = 1795326355000000,
                                .pub_seq = 1,
                                .topic = topic,
                                .topic_len = 7,
                                .tlp = 3};

    (void)state;
    memset(event, 0xa5, sizeof(event));
    check_record(&stamp, event, 1);
    check_record(&stamp, event, 127);
    check_record(&stamp, event, 128);
    check_record(&stamp, event, sizeof(event));
    memset(topic + 7, 'x', 247);
    topic[254] = '.';
    memset(name, 'n', 64);
    name[64] = 0;
    stamp = (struct codec_stamp){id, UINT64_MAX, UINT64_MAX, INT64_MIN, name, UINT64_MAX, UINT64_MAX, topic, 255, 1};
    check_record(&stamp, event, sizeof(event));
    stamp.seq = stamp.class_seq = stamp.epoch = stamp.pub_seq = 0; /* live */
    check_record(&stamp, event, 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_kind),       cmocka_unit_test(test_fetch_frame), cmocka_unit_test(test_garbage),
        cmocka_unit_test(test_data_as_protobuf), cmocka_unit_test(test_records),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
