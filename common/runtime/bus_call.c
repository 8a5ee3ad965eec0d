/*
 * Calls: a PUT repeated with one id until an answer comes or the deadline has passed, so a broker or a service may
 * restart in between. The broker itself ends a call at its deadline; when not even that is heard, the broker is away.
 */
#include "bus_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <tip/alloc.h>
#include <tip/call.h>
#include <tip/fail.h>
#include <tip/log.h>

enum {
    CALL_REPEAT_MS = 2000,
    CALL_RETRY_MS = 100, /* while not connected, or its queue is full */
    CALL_GRACE_MS = 500, /* for the broker's own answer at the deadline */
    CALL_TICK_MS = 50
};

static void call_free(struct bus_call *call)
{
    free(call->queue);
    free(call->body);
    free(call);
}

/* Takes the call out and tells its owner, who may call again at once. */
static void call_end(struct tip_bus *bus, size_t i, enum tip_failure failure, const struct bus_answer *answer)
{
    struct bus_call *call = bus->calls.calls[i];

    bus->calls.calls[i] = bus->calls.calls[--bus->calls.n];
    if (failure != TIP_FAILURE_NONE)
        bus->stats.calls_failed++;
    call->on_end(call->ctx, failure, answer->reason, answer->body, answer->body_len);
    call_free(call);
}

static size_t call_find(const struct bus_calls *calls, const struct tip_id *id)
{
    for (size_t i = 0; i < calls->n; i++) {
        if (tip_id_equal(&calls->calls[i]->id, id))
            return i;
    }
    return calls->n;
}

static void call_on_answer(struct tip_bus *bus, const struct bus_frame *frame)
{
    size_t i = call_find(&bus->calls, &frame->answer.id);
    enum tip_failure failure = TIP_FAILURE_NONE;

    if (i == bus->calls.n)
        return; /* ended already */
    if (frame->kind == BUS_FRAME_FULL) {
        bus->calls.calls[i]->next_ms = tip_loop_now_ms() + CALL_RETRY_MS;
        return;
    }
    if (frame->kind == BUS_FRAME_FAILED)
        failure = frame->answer.code > TIP_FAILURE_NONE && frame->answer.code < TIP_FAILURE_COUNT
                      ? (enum tip_failure)frame->answer.code
                      : TIP_FAILURE_REFUSED;
    call_end(bus, i, failure, &frame->answer);
}

static void call_on_message(void *ctx, const struct tip_zmsg *msg)
{
    struct tip_bus *bus = ctx;
    struct bus_frame frame;

    if (!bus_receive(bus, bus->calls.socket, msg, &frame))
        return;
    if (frame.kind == BUS_FRAME_RESULT || frame.kind == BUS_FRAME_FAILED || frame.kind == BUS_FRAME_FULL)
        call_on_answer(bus, &frame);
    else if (frame.kind == BUS_FRAME_REFUSED)
        tip_warn("call.refused", "reason=%s", frame.refused.reason);
    bus_frame_deinit(&frame);
}

static void call_put(struct tip_bus *bus, struct bus_call *call, int64_t now_ms)
{
    struct bus_put put = {.id = call->id,
                          .queue = call->queue,
                          .caller = bus->name,
                          .body = call->body,
                          .body_len = call->body_len,
                          .deadline_ms = (uint32_t)(call->deadline_ms - now_ms)};
    int r;

    r = bus_write_put(&bus->calls.head, &put);
    if (!r)
        r = bus_send(bus->calls.socket, &bus->calls.head, NULL);
    call->next_ms = now_ms + (r ? CALL_RETRY_MS : CALL_REPEAT_MS);
}

static void call_on_tick(void *ctx)
{
    static const struct bus_answer silence = {.reason = "the broker does not answer"};
    struct tip_bus *bus = ctx;
    int64_t now_ms = tip_loop_now_ms();

    for (size_t i = bus->calls.n; i-- > 0;) {
        struct bus_call *call;

        if (i >= bus->calls.n)
            continue; /* others ended meanwhile */
        call = bus->calls.calls[i];
        if (now_ms >= call->deadline_ms + CALL_GRACE_MS)
            call_end(bus, i, TIP_FAILURE_UNAVAILABLE, &silence);
        else if (now_ms >= call->next_ms && now_ms < call->deadline_ms)
            call_put(bus, call, now_ms);
    }
    if (bus->calls.n == 0)
        tip_timer_stop(&bus->calls.tick);
}

void bus_calls_init(struct tip_bus *bus)
{
    tip_buf_init(&bus->calls.head, BUS_FRAME_CALL_MAX);
    tip_timer_init(&bus->calls.tick, bus->loop, call_on_tick, bus);
}

void bus_calls_deinit(struct tip_bus *bus)
{
    tip_timer_deinit(&bus->calls.tick);
    tip_zsock_destroy(&bus->calls.socket);
    for (size_t i = 0; i < bus->calls.n; i++)
        call_free(bus->calls.calls[i]);
    tip_buf_deinit(&bus->calls.head);
}

static int call_connect(struct tip_bus *bus)
{
    struct bus_dealer dealer = {.endpoint = bus->work, .immediate = true, .on_message = call_on_message, .ctx = bus};

    return bus->calls.socket ? 0 : bus_dealer_open(&bus->calls.socket, bus, &dealer);
}

int tip_call(struct tip_bus *bus, const struct tip_id *id, const char *queue, const uint8_t *body, size_t n,
             uint64_t deadline_ms, tip_call_fn on_end, void *ctx)
{
    struct bus_call *call;
    int r;

    if (!bus->work || deadline_ms == 0 || deadline_ms > UINT32_MAX)
        return tip_fail(-EINVAL);
    if (n > TIP_CALL_BYTES_MAX)
        return -EMSGSIZE;
    if (bus->calls.n == BUS_CALLS_MAX)
        return -EAGAIN;
    r = call_connect(bus);
    if (r)
        return r;
    call = tip_new(struct bus_call);
    *call = (struct bus_call){.id = *id, .queue = tip_strdup(queue), .body = tip_memdup(body, n), .body_len = n};
    call->deadline_ms = tip_loop_now_ms() + (int64_t)deadline_ms;
    call->on_end = on_end;
    call->ctx = ctx;
    bus->calls.calls[bus->calls.n++] = call;
    bus->stats.calls++;
    if (!tip_timer_is_running(&bus->calls.tick))
        tip_timer_every(&bus->calls.tick, CALL_TICK_MS);
    call_put(bus, call, tip_loop_now_ms());
    return 0;
}

void tip_call_cancel(struct tip_bus *bus, const struct tip_id *id)
{
    struct bus_calls *calls = &bus->calls;
    size_t i = call_find(calls, id);

    if (i == calls->n)
        return;
    call_free(calls->calls[i]);
    calls->calls[i] = calls->calls[--calls->n];
}
