/* Frames as the bus client reads them, and the records behind a BATCH. */
#include "fuzz.h"

#include "../../common/runtime/bus_codec.h"

static void walk_batch(const uint8_t *at, size_t rest)
{
    const uint8_t *end = at + rest, *record;
    size_t len;

    while (rest > 0 && !bus_batch_next(&at, &rest, &record, &len))
        assert(record + len == at && at + rest == end);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct bus_frame frame;

    walk_batch(data, size);
    if (bus_frame_read(&frame, data, size))
        return 0;
    assert(frame.kind < BUS_FRAME_KIND_COUNT);
    if (frame.kind == BUS_FRAME_REFUSED)
        assert(strlen(frame.refused.reason) <= BUS_REASON_MAX);
    if (frame.kind == BUS_FRAME_JOB)
        assert(strlen(frame.job.queue) <= TIP_NAME_MAX && frame.job.body_len <= size);
    bus_frame_deinit(&frame);
    return 0;
}
