/* Frames of the bus from a stranger: what decodes encodes again, and decodes to the same; DATA reads as protobuf-c
 * reads it; and the entries of DATA. */
#include "fuzz.h"

#include <tip/v1/bus.pb-c.h>

#include "codec.h"
#include "core/entries.h"

static void fuzz_encode(const struct codec_frame *frame, struct tip_buf *out)
{
    tip_buf_init(out, 16 << 20);
    assert(codec_encode(frame, out) == 0);
}

static void fuzz_frame(const uint8_t *data, size_t size)
{
    struct codec_frame frame, again;
    struct tip_buf once, twice;

    if (codec_decode(&frame, data, size))
        return;
    assert(codec_kind_name(frame.kind));
    fuzz_encode(&frame, &once);
    assert(codec_decode(&again, tip_buf_text(&once), once.len) == 0);
    assert(again.kind == frame.kind);
    fuzz_encode(&again, &twice);
    assert(once.len == twice.len && (once.len == 0 || memcmp(once.data, twice.data, once.len) == 0));
    tip_buf_deinit(&once);
    tip_buf_deinit(&twice);
    codec_frame_deinit(&frame);
    codec_frame_deinit(&again);
}

static void fuzz_data(const uint8_t *data, size_t size)
{
    Tip__V1__Frame *oracle = tip__v1__frame__unpack(NULL, size, data);
    bool is_data = oracle && oracle->body_case == TIP__V1__FRAME__BODY_DATA;
    struct codec_frame frame;

    if (codec_decode(&frame, data, size) == 0) {
        assert(oracle && (frame.kind == CODEC_DATA) == is_data);
        if (is_data)
            assert(frame.data.epoch == oracle->data->epoch && frame.data.n == oracle->data->n &&
                   frame.data.first_pub_seq == oracle->data->first_pub_seq);
        codec_frame_deinit(&frame);
    }
    tip__v1__frame__free_unpacked(oracle, NULL);
}

static void fuzz_entries(const uint8_t *data, size_t size)
{
    struct entries entries;
    struct entry entry;
    uint64_t sum = 0;
    int r;

    entries_init(&entries, data, size, UINT32_MAX);
    while ((r = entries_next(&entries, &entry)) == 0) {
        assert(entry.topic_len > 0 && entry.event_len > 0);
        assert((const uint8_t *)entry.topic >= data && entry.event + entry.event_len <= data + size);
        for (uint32_t i = 0; i < entry.event_len; i++)
            sum += entry.event[i];
    }
    assert(entries_why(r) && sum < UINT64_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_frame(data, size);
    fuzz_data(data, size);
    fuzz_entries(data, size);
    return 0;
}
