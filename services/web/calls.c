#include "calls.h"

#include <stdlib.h>
#include <string.h>

#include <tip/alloc.h>
#include <topics.h>

enum { CALLS_TICK_MS = 100 };

enum calls_lane { LANE_STORE, LANE_OTHER, LANE_COUNT };

enum { M_UNDER_WAY, M_WAITING, M_REFUSED, M_LATE, M_COUNT };

static const struct tip_metric_row calls_rows[M_COUNT] = {
    [M_UNDER_WAY] = {TIP_METRIC_GAUGE, "tip_web_calls", "state=\"under_way\"", "Questions to other services."},
    [M_WAITING] = {TIP_METRIC_GAUGE, "tip_web_calls", "state=\"waiting\"", "Questions to other services."},
    [M_REFUSED] = {TIP_METRIC_COUNTER, "tip_web_calls_refused_total", "", "Questions refused: too many in line."},
    [M_LATE] = {TIP_METRIC_COUNTER, "tip_web_calls_late_total", "", "Questions whose deadline passed in line."},
};

struct web_call {
    struct web_calls *calls;
    struct tip_id id;
    enum calls_lane lane;
    bool is_under_way;
    char queue[TIP_NAME_MAX * 2];
    struct tip_buf body;
    int64_t until_ms;
    tip_call_fn on_end;
    void *ctx;
    struct web_call *next, *previous;
};

struct calls_lane_state {
    struct web_call *first, *last; /* in line */
    size_t n_under_way, n_waiting, max;
};

struct web_calls {
    struct tip_loop *loop;
    struct tip_bus *bus;
    struct tip_metrics *metrics;
    struct tip_timer tick;
    struct calls_lane_state lanes[LANE_COUNT];
    struct web_call *under_way;
    struct tip_metric *m[M_COUNT];
};

static void calls_unlink(struct web_call **firstp, struct web_call **lastp, struct web_call *call)
{
    *(call->previous ? &call->previous->next : firstp) = call->next;
    if (call->next)
        call->next->previous = call->previous;
    else if (lastp)
        *lastp = call->previous;
    call->next = call->previous = NULL;
}

static void calls_free(struct web_call *call)
{
    tip_buf_deinit(&call->body);
    free(call);
}

static void calls_go(struct web_calls *calls, enum calls_lane lane);

/* Out of all lists; the caller frees it. */
static void calls_remove(struct web_call *call)
{
    struct calls_lane_state *lane = &call->calls->lanes[call->lane];

    if (call->is_under_way) {
        calls_unlink(&call->calls->under_way, NULL, call);
        lane->n_under_way--;
    } else {
        calls_unlink(&lane->first, &lane->last, call);
        lane->n_waiting--;
    }
}

static void calls_on_end(void *ctx, enum tip_failure failure, const char *reason, const uint8_t *body, size_t n)
{
    struct web_call *call = ctx;
    struct web_calls *calls = call->calls;
    enum calls_lane lane = call->lane;

    calls_remove(call);
    call->on_end(call->ctx, failure, reason, body, n);
    calls_free(call);
    calls_go(calls, lane);
}

static bool calls_send(struct web_call *call)
{
    int64_t left = call->until_ms - tip_loop_now_ms();

    return left > 0 && tip_call(call->calls->bus, &call->id, call->queue, call->body.data, call->body.len,
                                (uint64_t)left, calls_on_end, call) == 0;
}

static void calls_end_late(struct web_call *call)
{
    tip_metric_inc(call->calls->m[M_LATE]);
    call->on_end(call->ctx, TIP_FAILURE_DEADLINE, "too many questions were in line", NULL, 0);
    calls_free(call);
}

static void calls_start(struct web_call *call)
{
    struct web_calls *calls = call->calls;
    struct calls_lane_state *lane = &calls->lanes[call->lane];

    calls_remove(call);
    if (!calls_send(call)) {
        calls_end_late(call);
        return;
    }
    call->is_under_way = true;
    lane->n_under_way++;
    call->next = calls->under_way;
    if (call->next)
        call->next->previous = call;
    calls->under_way = call;
}

static void calls_go(struct web_calls *calls, enum calls_lane lane)
{
    while (calls->lanes[lane].first && calls->lanes[lane].n_under_way < calls->lanes[lane].max)
        calls_start(calls->lanes[lane].first);
}

/* Those in line are told from the loop, never from web_call. */
static void calls_on_tick(void *ctx)
{
    struct web_calls *calls = ctx;
    int64_t now_ms = tip_loop_now_ms();
    bool is_waiting = false;

    for (int lane = 0; lane < LANE_COUNT; lane++) {
        calls_go(calls, (enum calls_lane)lane);
        while (calls->lanes[lane].first && calls->lanes[lane].first->until_ms <= now_ms) {
            struct web_call *call = calls->lanes[lane].first;

            calls_remove(call);
            calls_end_late(call);
        }
        is_waiting = is_waiting || calls->lanes[lane].first;
    }
    if (is_waiting)
        tip_timer_start(&calls->tick, CALLS_TICK_MS);
}

struct web_call *web_call(struct web_calls *calls, const char *queue, struct tip_buf *body, int64_t deadline_ms,
                          tip_call_fn on_end, void *ctx)
{
    enum calls_lane lane = strcmp(queue, TIP_QUEUE_STORE_QUERY) == 0 ? LANE_STORE : LANE_OTHER;
    struct calls_lane_state *state = &calls->lanes[lane];
    struct web_call *call;

    if (state->n_waiting >= WEB_CALLS_WAITING_MAX || strlen(queue) >= sizeof(call->queue)) {
        tip_metric_inc(calls->m[M_REFUSED]);
        return NULL;
    }
    call = tip_new(struct web_call);
    *call = (struct web_call){.calls = calls, .id = tip_id_random(), .lane = lane, .on_end = on_end, .ctx = ctx};
    strcpy(call->queue, queue);
    call->body = *body;
    *body = (struct tip_buf){.cap = body->cap};
    call->until_ms = tip_loop_now_ms() + deadline_ms;
    call->previous = state->last;
    *(state->last ? &state->last->next : &state->first) = call;
    state->last = call;
    state->n_waiting++;
    tip_timer_start(&calls->tick, 0);
    return call;
}

void web_call_cancel(struct web_call **callp)
{
    struct web_call *call = *callp;
    struct web_calls *calls;

    *callp = NULL;
    if (!call)
        return;
    calls = call->calls;
    if (call->is_under_way)
        tip_call_cancel(calls->bus, &call->id);
    calls_remove(call);
    calls_free(call);
    tip_timer_start(&calls->tick, 0);
}

static void calls_on_read(void *ctx)
{
    struct web_calls *calls = ctx;

    tip_metric_set(calls->m[M_UNDER_WAY],
                   (double)(calls->lanes[LANE_STORE].n_under_way + calls->lanes[LANE_OTHER].n_under_way));
    tip_metric_set(calls->m[M_WAITING],
                   (double)(calls->lanes[LANE_STORE].n_waiting + calls->lanes[LANE_OTHER].n_waiting));
}

struct web_calls *web_calls_new(struct tip_loop *loop, struct tip_bus *bus, struct tip_metrics *metrics,
                                size_t store_max)
{
    struct web_calls *calls = tip_new(struct web_calls);

    *calls = (struct web_calls){.loop = loop, .bus = bus, .metrics = metrics};
    calls->lanes[LANE_STORE].max = store_max;
    calls->lanes[LANE_OTHER].max = WEB_CALLS_OTHER;
    tip_timer_init(&calls->tick, loop, calls_on_tick, calls);
    tip_metrics_add(metrics, calls_rows, M_COUNT, calls->m);
    tip_metrics_on_read(metrics, calls_on_read, calls);
    return calls;
}

void web_calls_max(struct web_calls *calls, size_t store_max)
{
    calls->lanes[LANE_STORE].max = store_max;
    tip_timer_start(&calls->tick, 0);
}

void web_calls_destroy(struct web_calls **callsp)
{
    struct web_calls *calls = *callsp;

    if (!calls)
        return;
    for (int lane = 0; lane < LANE_COUNT; lane++) {
        while (calls->lanes[lane].first) {
            struct web_call *call = calls->lanes[lane].first;

            calls_remove(call);
            calls_free(call);
        }
    }
    while (calls->under_way) {
        struct web_call *call = calls->under_way;

        tip_call_cancel(calls->bus, &call->id);
        calls_remove(call);
        calls_free(call);
    }
    tip_metrics_on_read_cancel(calls->metrics, calls);
    tip_timer_deinit(&calls->tick);
    free(calls);
    *callsp = NULL;
}
