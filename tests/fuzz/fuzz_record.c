/* A record is split within its own bytes; written again it splits to the same. */
#include "fuzz.h"

#include <tip/buf.h>
#include <tip/event.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    tip_auto(tip_buf_deinit) struct tip_buf buf = {0};
    struct tip_stamp stamp, again;
    const uint8_t *event, *event_again;
    size_t len, len_again;

    if (tip_record_read(data, size, &stamp, &event, &len))
        return 0;
    assert(len == 0 || (event >= data && event + len <= data + size));
    assert(strlen(stamp.topic) < sizeof(stamp.topic) && strlen(stamp.publisher) <= TIP_NAME_MAX);
    if (len > TIP_EVENT_BYTES_MAX)
        return 0;
    tip_buf_init(&buf, 2 * TIP_EVENT_BYTES_MAX);
    assert(tip_record_write(&stamp, event, len, &buf) == 0);
    assert(tip_record_read(buf.data, buf.len, &again, &event_again, &len_again) == 0);
    assert(len == len_again && again.seq == stamp.seq && strcmp(again.topic, stamp.topic) == 0);
    assert(len == 0 || memcmp(event, event_again, len) == 0);
    return 0;
}
