/* Bodies of calls: the first byte chooses which one; what decodes encodes again. */
#include "fuzz.h"

#include <tip/buf.h>
#include <tip/call.h>

static void fuzz_query(const uint8_t *data, size_t size, struct tip_buf *out)
{
    tip_auto(tip_call_free) struct tip_store_query *query = NULL;

    if (!tip_store_query_decode(data, size, &query))
        assert(tip_store_query_encode(query, out) == 0);
}

static void fuzz_answer(const uint8_t *data, size_t size, struct tip_buf *out)
{
    tip_auto(tip_call_free) struct tip_store_answer *answer = NULL;

    if (tip_store_answer_decode(data, size, &answer))
        return;
    for (size_t i = 0; i < answer->n_rows * answer->n_columns; i++)
        assert(!answer->cells[i] || strlen(answer->cells[i]) <= size);
    assert(tip_store_answer_encode(answer, out) == 0);
}

static void fuzz_request(const uint8_t *data, size_t size, struct tip_buf *out)
{
    tip_auto(tip_call_free) struct tip_control_request *request = NULL;

    if (!tip_control_request_decode(data, size, &request))
        assert(tip_control_request_encode(request, out) == 0);
}

static void fuzz_told(const uint8_t *data, size_t size, struct tip_buf *out)
{
    tip_auto(tip_call_free) struct tip_control_answer *answer = NULL;

    if (!tip_control_answer_decode(data, size, &answer))
        assert(tip_control_answer_encode(answer, out) == 0);
}

static void fuzz_snapshot_request(const uint8_t *data, size_t size, struct tip_buf *out)
{
    tip_auto(tip_call_free) struct tip_snapshot_request *request = NULL;

    if (!tip_snapshot_request_decode(data, size, &request))
        assert(tip_snapshot_request_encode(request, out) == 0);
}

static void fuzz_snapshot_page(const uint8_t *data, size_t size, struct tip_buf *out)
{
    tip_auto(tip_call_free) struct tip_snapshot_page *page = NULL;

    if (tip_snapshot_page_decode(data, size, &page))
        return;
    assert(page->data_len <= size && page->data_len <= TIP_SNAPSHOT_PAGE_BYTES);
    assert(tip_snapshot_page_encode(page, out) == 0);
}

static void fuzz_lookup(const uint8_t *data, size_t size, struct tip_buf *out)
{
    tip_auto(tip_call_free) struct tip_verdict_lookup *lookup = NULL;

    if (tip_verdict_lookup_decode(data, size, &lookup))
        return;
    assert(lookup->n_items <= TIP_LOOKUP_MAX);
    for (size_t i = 0; i < lookup->n_items; i++)
        assert(strlen(lookup->items[i].value) <= TIP_INDICATOR_MAX);
    assert(tip_verdict_lookup_encode(lookup, out) == 0);
}

static void fuzz_found(const uint8_t *data, size_t size, struct tip_buf *out)
{
    tip_auto(tip_call_free) struct tip_verdict_answer *answer = NULL;

    if (!tip_verdict_answer_decode(data, size, &answer))
        assert(tip_verdict_answer_encode(answer, out) == 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const bodies[])(const uint8_t *data, size_t size, struct tip_buf *out) = {
        fuzz_query,         fuzz_answer, fuzz_request, fuzz_told, fuzz_snapshot_request,
        fuzz_snapshot_page, fuzz_lookup, fuzz_found};
    tip_auto(tip_buf_deinit) struct tip_buf out = {0};

    if (size == 0)
        return 0;
    tip_buf_init(&out, TIP_CALL_BYTES_MAX);
    bodies[data[0] % 8](data + 1, size - 1, &out);
    return 0;
}
