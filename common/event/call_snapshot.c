/* Bodies of calls about snapshots: by hand, since a page is mostly one long field. */
#include <tip/call.h>

#include <errno.h>
#include <string.h>

#include <tip/event.h>
#include <tip/v1/call.pb-c.h>

#include "wire.h"

enum { SNAPSHOT_ARENA_MAX = 2 * TIP_CALL_BYTES_MAX };

uint32_t tip_snapshot_pages(uint64_t size)
{
    return (uint32_t)((size + TIP_SNAPSHOT_PAGE_BYTES - 1) / TIP_SNAPSHOT_PAGE_BYTES);
}

size_t tip_snapshot_page_bytes(uint64_t size, uint32_t page)
{
    uint64_t at = (uint64_t)page * TIP_SNAPSHOT_PAGE_BYTES;

    if (at >= size)
        return 0;
    return size - at < TIP_SNAPSHOT_PAGE_BYTES ? (size_t)(size - at) : TIP_SNAPSHOT_PAGE_BYTES;
}

/* ---- the request ---- */

int tip_snapshot_request_encode(const struct tip_snapshot_request *request, struct tip_buf *out)
{
    Tip__V1__SnapshotRequest message = TIP__V1__SNAPSHOT_REQUEST__INIT;

    message.snapshot_id = wire_id(&request->snapshot_id);
    message.other_than = wire_id(&request->other_than);
    message.page = request->page;
    return wire_pack(&message.base, TIP_CALL_BYTES_MAX, out);
}

static int snapshot_request_read(const Tip__V1__SnapshotRequest *message, struct tip_snapshot_request *request)
{
    request->page = message->page;
    if (wire_id_read(&message->snapshot_id, &request->snapshot_id) ||
        wire_id_read(&message->other_than, &request->other_than))
        return TIP_EVENT_E_INVALID;
    return request->page && tip_id_is_zero(&request->snapshot_id) ? TIP_EVENT_E_INVALID : 0;
}

int tip_snapshot_request_decode(const uint8_t *bytes, size_t n, struct tip_snapshot_request **requestp)
{
    tip_auto(tip_call_free) struct tip_snapshot_request *request = wire_box_new(sizeof(*request), SNAPSHOT_ARENA_MAX);
    Tip__V1__SnapshotRequest *message = NULL;
    int r;

    if (n <= TIP_CALL_BYTES_MAX)
        message = tip__v1__snapshot_request__unpack(&wire_box_arena(request)->allocator, n, bytes);
    if (!message)
        return TIP_EVENT_E_MALFORMED;
    r = snapshot_request_read(message, request);
    if (r)
        return r;
    *requestp = tip_take(request);
    return 0;
}

/* ---- the page ---- */

static bool snapshot_page_valid(const struct tip_snapshot_page *page)
{
    return !tip_id_is_zero(&page->snapshot_id) && !tip_id_is_zero(&page->journal_id) && page->taken_unix_ms >= 0 &&
           page->size <= TIP_SNAPSHOT_BYTES_MAX && page->n_pages == tip_snapshot_pages(page->size) &&
           (page->page < page->n_pages || (page->page == 0 && page->n_pages == 0)) &&
           page->data_len == tip_snapshot_page_bytes(page->size, page->page);
}

int tip_snapshot_page_encode(const struct tip_snapshot_page *page, struct tip_buf *out)
{
    Tip__V1__SnapshotPage message = TIP__V1__SNAPSHOT_PAGE__INIT;

    if (!snapshot_page_valid(page))
        return -EINVAL;
    message.snapshot_id = wire_id(&page->snapshot_id);
    message.journal_id = wire_id(&page->journal_id);
    message.seq = page->seq;
    message.taken_unix_ms = page->taken_unix_ms;
    message.size = page->size;
    message.sha256 = (ProtobufCBinaryData){.len = sizeof(page->sha256), .data = wire_borrow(page->sha256)};
    message.n_pages = page->n_pages;
    message.page = page->page;
    message.data = (ProtobufCBinaryData){.len = page->data_len, .data = wire_borrow(page->data)};
    return wire_pack(&message.base, TIP_CALL_BYTES_MAX, out);
}

static int snapshot_page_read(const Tip__V1__SnapshotPage *message, struct tip_snapshot_page *page)
{
    *page = (struct tip_snapshot_page){
        .seq = message->seq,
        .taken_unix_ms = message->taken_unix_ms,
        .size = message->size,
        .n_pages = message->n_pages,
        .page = message->page,
        .data = message->data.data,
        .data_len = message->data.len,
    };
    if (wire_id_read(&message->snapshot_id, &page->snapshot_id) ||
        wire_id_read(&message->journal_id, &page->journal_id) || message->sha256.len != sizeof(page->sha256))
        return TIP_EVENT_E_INVALID;
    memcpy(page->sha256, message->sha256.data, sizeof(page->sha256));
    return snapshot_page_valid(page) ? 0 : TIP_EVENT_E_INVALID;
}

int tip_snapshot_page_decode(const uint8_t *bytes, size_t n, struct tip_snapshot_page **pagep)
{
    tip_auto(tip_call_free) struct tip_snapshot_page *page = wire_box_new(sizeof(*page), SNAPSHOT_ARENA_MAX);
    Tip__V1__SnapshotPage *message = NULL;
    int r;

    if (n <= TIP_CALL_BYTES_MAX)
        message = tip__v1__snapshot_page__unpack(&wire_box_arena(page)->allocator, n, bytes);
    if (!message)
        return TIP_EVENT_E_MALFORMED;
    r = snapshot_page_read(message, page);
    if (r)
        return r;
    *pagep = tip_take(page);
    return 0;
}
