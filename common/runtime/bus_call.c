/*
 * Calls and jobs: a PUT repeated with one id until an answer comes or the deadline has passed, so a broker or a service
 * may restart in between. A connection that was lost is noticed by a PING that cannot be sent: then everything is
 * repeated at once, else ever more seldom. The broker itself ends a call at its deadline; when not even that is heard,
 * the broker is away.
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
    CALL_REPEAT_MAX_MS = 16000,
    CALL_RETRY_MS = 100, /* while not connected, or its queue is full */
    CALL_RETRY_MAX_MS = 1600,
    CALL_GRACE_MS = 500, /* for the broker's own answer at the deadline */
    CALL_PING_MS = 200,
    CALL_TICK_MS = 50
};

static void call_free(struct bus_call *call)
{
    free(call->queue);
    free(call->body);
    free(call);
}

/* Takes the call out and tells its owner, who may call again at once. */
static void call_end(struct tip_bus *bus, struct bus_call *call, enum tip_failure failure,
                     const struct bus_answer *answer)
{
    tip_hash_remove(bus->calls.calls, call);
    if (failure != TIP_FAILURE_NONE)
        bus->stats.calls_failed++;
    call->on_end(call->ctx, failure, answer->reason, answer->body, answer->body_len);
    call_free(call);
}

static int64_t call_doubled(int64_t ms, int64_t most_ms)
{
    return 2 * ms < most_ms ? 2 * ms : most_ms;
}

static void call_on_full(struct bus_call *call)
{
    call->next_ms = tip_loop_now_ms() + call->full_ms;
    call->full_ms = call_doubled(call->full_ms, CALL_RETRY_MAX_MS);
    call->repeat_ms = CALL_REPEAT_MS;
}

static void call_on_answer(struct tip_bus *bus, const struct bus_frame *frame)
{
    enum tip_failure failure = TIP_FAILURE_NONE;
    struct bus_call *call;

    tip_hash_find_key(bus->calls.calls, &frame->answer.id, call);
    if (!call)
        return; /* ended already */
    if (frame->kind == BUS_FRAME_FULL) {
        call_on_full(call);
        return;
    }
    if (frame->kind == BUS_FRAME_FAILED)
        failure = frame->answer.code > TIP_FAILURE_NONE && frame->answer.code < TIP_FAILURE_COUNT
                      ? (enum tip_failure)frame->answer.code
                      : TIP_FAILURE_REFUSED;
    call_end(bus, call, failure, &frame->answer);
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
                          .deadline_ms = (uint32_t)(call->deadline_ms - now_ms),
                          .lease_ms = call->lease_ms,
                          .max_attempts = call->max_attempts};
    int r;

    r = bus_write_put(&bus->calls.head, &put);
    if (!r)
        r = bus_send(bus->calls.socket, &bus->calls.head, NULL);
    call->next_ms = now_ms + (r ? CALL_RETRY_MS : call->repeat_ms);
    if (!r)
        call->repeat_ms = call_doubled(call->repeat_ms, CALL_REPEAT_MAX_MS);
}

static void call_repeat_all(struct tip_bus *bus, int64_t now_ms)
{
    struct bus_call *call, *next;

    tip_hash_each (bus->calls.calls, call, next) {
        call->next_ms = now_ms;
        call->repeat_ms = CALL_REPEAT_MS;
    }
}

/* Whether the connection is there, and perhaps another one than before. */
static void call_ping(struct tip_bus *bus, int64_t now_ms)
{
    int r;

    if (now_ms < bus->calls.ping_ms)
        return;
    bus->calls.ping_ms = now_ms + CALL_PING_MS;
    r = bus_write_ping(&bus->calls.head, 0);
    if (!r)
        r = bus_send(bus->calls.socket, &bus->calls.head, NULL);
    if (!r && bus->calls.is_cut)
        call_repeat_all(bus, now_ms);
    bus->calls.is_cut = r != 0;
}

/* One that the broker itself should have ended. Sought anew each time: whoever is told may begin and cancel others. */
static struct bus_call *call_over(const struct bus_calls *calls, int64_t now_ms)
{
    struct bus_call *call = calls->calls;

    while (call && now_ms < call->deadline_ms + CALL_GRACE_MS)
        call = call->hh.next;
    return call;
}

static void call_on_tick(void *ctx)
{
    static const struct bus_answer silence = {.reason = "the broker does not answer"};
    struct tip_bus *bus = ctx;
    int64_t now_ms = tip_loop_now_ms();
    struct bus_call *call, *next;

    while ((call = call_over(&bus->calls, now_ms)))
        call_end(bus, call, TIP_FAILURE_UNAVAILABLE, &silence);
    call_ping(bus, now_ms);
    tip_hash_each (bus->calls.calls, call, next) {
        if (now_ms >= call->next_ms && now_ms < call->deadline_ms)
            call_put(bus, call, now_ms);
    }
    if (!bus->calls.calls)
        tip_timer_stop(&bus->calls.tick);
}

void bus_calls_init(struct tip_bus *bus)
{
    tip_buf_init(&bus->calls.head, BUS_FRAME_CALL_MAX);
    tip_timer_init(&bus->calls.tick, bus->loop, call_on_tick, bus);
}

void bus_calls_deinit(struct tip_bus *bus)
{
    struct bus_call *call, *next;

    tip_timer_deinit(&bus->calls.tick);
    tip_zsock_destroy(&bus->calls.socket);
    tip_hash_each (bus->calls.calls, call, next) {
        tip_hash_remove(bus->calls.calls, call);
        call_free(call);
    }
    tip_buf_deinit(&bus->calls.head);
}

static int call_connect(struct tip_bus *bus)
{
    struct bus_dealer dealer = {.endpoint = bus->work, .immediate = true, .on_message = call_on_message, .ctx = bus};

    return bus->calls.socket ? 0 : bus_dealer_open(&bus->calls.socket, bus, &dealer);
}

static int call_check(const struct tip_bus *bus, const struct tip_put *put)
{
    if (!bus->work || put->deadline_ms == 0 || put->deadline_ms > UINT32_MAX || put->lease_ms > UINT32_MAX)
        return tip_fail(-EINVAL);
    if (put->body_len > TIP_CALL_BYTES_MAX)
        return -EMSGSIZE;
    return tip_hash_count(bus->calls.calls) == BUS_CALLS_MAX ? -EAGAIN : 0;
}

static struct bus_call *call_new(const struct tip_put *put, tip_call_fn on_end, void *ctx)
{
    struct bus_call *call = tip_new(struct bus_call);

    call->id = *put->id;
    call->queue = tip_strdup(put->queue);
    call->body = tip_memdup(put->body, put->body_len);
    call->body_len = put->body_len;
    call->lease_ms = (uint32_t)put->lease_ms;
    call->max_attempts = put->max_attempts;
    call->deadline_ms = tip_loop_now_ms() + (int64_t)put->deadline_ms;
    call->repeat_ms = CALL_REPEAT_MS;
    call->full_ms = CALL_RETRY_MS;
    call->on_end = on_end;
    call->ctx = ctx;
    return call;
}

int tip_put(struct tip_bus *bus, const struct tip_put *put, tip_call_fn on_end, void *ctx)
{
    struct bus_call *call;
    int r;

    r = call_check(bus, put);
    if (!r)
        r = call_connect(bus);
    if (r)
        return r;
    call = call_new(put, on_end, ctx);
    tip_hash_add_key(bus->calls.calls, id, call);
    bus->stats.calls++;
    if (!tip_timer_is_running(&bus->calls.tick))
        tip_timer_every(&bus->calls.tick, CALL_TICK_MS);
    call_put(bus, call, tip_loop_now_ms());
    return 0;
}

int tip_call(struct tip_bus *bus, const struct tip_id *id, const char *queue, const uint8_t *body, size_t n,
             uint64_t deadline_ms, tip_call_fn on_end, void *ctx)
{
    return tip_put(bus,
                   &(struct tip_put){.id = id, .queue = queue, .body = body, .body_len = n, .deadline_ms = deadline_ms},
                   on_end, ctx);
}

void tip_call_cancel(struct tip_bus *bus, const struct tip_id *id)
{
    struct bus_call *call;

    tip_hash_find_key(bus->calls.calls, id, call);
    if (!call)
        return;
    tip_hash_remove(bus->calls.calls, call);
    call_free(call);
}
