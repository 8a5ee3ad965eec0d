/* What decodes keeps its bounds: it encodes again, to bytes that decode to the same, and has a JSON form. */
#include "fuzz.h"

#include <tip/buf.h>
#include <tip/event.h>

static void encode(const struct tip_event *event, struct tip_buf *out)
{
    int r = tip_event_encode(event, out);

    assert(r == 0);
}

static void check_json(const struct tip_event *event)
{
    tip_auto(tip_buf_deinit) struct tip_buf json = {0};

    tip_buf_init(&json, 4 << 20);
    assert(tip_event_json(event, NULL, &json) == 0);
    assert(json.len > 2 && json.data[0] == '{' && !memchr(json.data, '\n', json.len));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    tip_auto(tip_event_destroy) struct tip_event *event = NULL;
    tip_auto(tip_event_destroy) struct tip_event *again = NULL;
    tip_auto(tip_buf_deinit) struct tip_buf first = {0}, second = {0};
    const char *reason = NULL;
    int r = tip_event_decode(data, size, &event, &reason);

    assert(reason);
    if (r) {
        assert((r == TIP_EVENT_E_MALFORMED || r == TIP_EVENT_E_INVALID) && *reason && !event);
        return 0;
    }
    check_json(event);
    if (event->kind == TIP_EVENT_NONE)
        return 0;
    tip_buf_init(&first, TIP_EVENT_BYTES_MAX);
    tip_buf_init(&second, TIP_EVENT_BYTES_MAX);
    encode(event, &first);
    assert(tip_event_decode(first.data, first.len, &again, NULL) == 0);
    encode(again, &second);
    assert(first.len == second.len && memcmp(first.data, second.data, first.len) == 0);
    return 0;
}
