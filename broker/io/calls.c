#include "io/calls.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tip/alloc.h>
#include <tip/fail.h>
#include <tip/loop.h>
#include <tip/utf8.h>

#include "codec.h"
#include "io/router.h"

enum {
    CALLS_FRAME_BYTES_MAX = WORK_BODY_MAX + 4096,
    CALLS_SEND_HWM = 64,
    CALLS_RECEIVE_HWM = 64,
    CALLS_TICK_MIN_MS = 10,
    CALLS_TICK_MAX_MS = 1000,
    CALLS_REASON_BYTES = 1024
};

struct calls {
    struct tip_loop *loop;
    struct calls_options options;
    struct router *router;
    struct work *work;
    struct tip_timer timer; /* deadlines, leases, silence */
    int64_t armed_ms;       /* the timer's, while it runs */
    uint64_t nonce;
    struct tip_buf own; /* scratch: an answer of the broker itself */
};

/* ---- what work wants sent ---- */

static enum work_sent calls_offer(struct calls *calls, const struct broker_peer *to, const struct codec_frame *frame)
{
    static const enum work_sent sent[] = {
        [ROUTER_SENT] = WORK_SENT, [ROUTER_BUSY] = WORK_BUSY, [ROUTER_GONE] = WORK_GONE};

    return sent[router_offer(calls->router, to, frame, NULL)];
}

static enum work_sent calls_out_job(void *ctx, const struct broker_peer *to, const struct work_job *job)
{
    const struct codec_frame frame = {
        .kind = CODEC_JOB,
        .put = {.id = {job->id, WORK_ID_BYTES},
                .body = {job->body, job->body_len},
                .queue = job->queue,
                .caller = job->caller,
                .deadline_ms = (uint32_t)job->left_ms,
                .lease_ms = (uint32_t)job->lease_ms,
                .attempt = job->attempt},
    };

    return calls_offer(ctx, to, &frame);
}

static enum work_sent calls_out_probe(void *ctx, const struct broker_peer *to)
{
    struct calls *calls = ctx;
    const struct codec_frame frame = {.kind = CODEC_PING, .nonce = ++calls->nonce};

    return calls_offer(calls, to, &frame);
}

static void calls_out_lost(void *ctx, const struct broker_peer *to, const uint8_t *id, uint32_t attempt)
{
    struct calls *calls = ctx;
    const struct codec_frame frame = {.kind = CODEC_LOST, .answer = {.id = {id, WORK_ID_BYTES}, .attempt = attempt}};

    (void)router_send(calls->router, to, &frame, NULL); /* its answer is refused in any case */
}

static void calls_out_result(void *ctx, const struct broker_peer *to, const uint8_t *id, const uint8_t *body, size_t n)
{
    struct calls *calls = ctx;
    const struct codec_frame frame = {.kind = CODEC_RESULT, .answer = {.id = {id, WORK_ID_BYTES}, .body = {body, n}}};

    (void)router_send(calls->router, to, &frame, NULL); /* the caller repeats its call */
}

static void calls_out_failed(void *ctx, const struct broker_peer *to, const uint8_t *id, const char *reason,
                             uint32_t code)
{
    struct calls *calls = ctx;
    const struct codec_frame frame = {.kind = CODEC_FAILED,
                                      .answer = {.id = {id, WORK_ID_BYTES}, .reason = reason, .code = code}};

    (void)router_send(calls->router, to, &frame, NULL); /* likewise */
}

/* ---- what peers say ---- */

static void calls_refuse_invalid(struct calls *calls, const struct broker_peer *from)
{
    static const struct router_refusal invalid = {
        METER_NAME, "an id has 16 bytes, a body at most 1 MiB, names are [a-z0-9_.-] of 1 to 64", 0, true};

    router_refuse(calls->router, from, &invalid);
}

/* A call that the broker answers itself. */
static void calls_on_own(struct calls *calls, const struct broker_peer *from, const struct codec_put *frame)
{
    struct calls_answer answer = {.body = &calls->own};

    if (frame->id.len != WORK_ID_BYTES) {
        calls_refuse_invalid(calls, from);
        return;
    }
    tip_buf_clear(&calls->own);
    calls->options.on_own(calls->options.ctx, frame->body.data, frame->body.len, &answer);
    if (answer.code)
        calls_out_failed(calls, from, frame->id.data, answer.reason, answer.code);
    else
        calls_out_result(calls, from, frame->id.data, calls->own.data, calls->own.len);
}

/* A call that may not be made ends at once, with the reason. */
static bool calls_may_put(struct calls *calls, const struct broker_peer *from, const struct codec_put *put)
{
    const bool is_own = access_owns_name(from->key, put->caller);
    const struct codec_frame failed = {
        .kind = CODEC_FAILED,
        .answer = {.id = put->id,
                   .code = WORK_FAILURE_REFUSED,
                   .reason = is_own ? "this key may not call this queue" : "this key does not call under that name"}};

    if (is_own && access_may_call(from->key, put->queue))
        return true;
    tip_metric_inc(calls->options.meter->refused[METER_WORK][METER_ACCESS]);
    (void)router_send(calls->router, from, &failed, NULL); /* it repeats its call, and hears the same */
    return false;
}

static bool calls_may_take(struct calls *calls, const struct broker_peer *from, const struct codec_take *take)
{
    static const struct router_refusal foreign = {
        METER_ACCESS, "this key does not serve that queue, or not under that name", 0, true};

    if (access_owns_name(from->key, take->worker) && access_may_serve(from->key, take->queue))
        return true;
    router_refuse(calls->router, from, &foreign);
    return false;
}

static void calls_nobody(struct calls *calls, const struct broker_peer *from, const struct codec_put *put)
{
    char reason[CALLS_REASON_BYTES];

    (void)snprintf(reason, sizeof(reason), "no service answers '%s'", put->queue); /* at most 64 bytes */
    calls_out_failed(calls, from, put->id.data, reason, WORK_FAILURE_NO_WORKER);
}

static void calls_on_put(struct calls *calls, const struct broker_peer *from, const struct codec_put *frame)
{
    const struct work_put put = {
        .id = frame->id.data,
        .id_len = frame->id.len,
        .queue = frame->queue,
        .caller = frame->caller,
        .body = frame->body.data,
        .body_len = frame->body.len,
        .deadline_ms = frame->deadline_ms,
        .lease_ms = frame->lease_ms,
        .max_attempts = frame->max_attempts,
    };
    const struct codec_frame full = {.kind = CODEC_FULL, .answer = {.id = frame->id, .queue = frame->queue}};
    int r;

    if (!calls_may_put(calls, from, frame))
        return;
    if (calls->options.own_queue && strcmp(frame->queue, calls->options.own_queue) == 0) {
        calls_on_own(calls, from, frame);
        return;
    }
    r = work_put(calls->work, from, &put, tip_loop_now_ms());
    if (r == WORK_E_FULL) {
        tip_metric_inc(calls->options.meter->refused[METER_WORK][METER_LIMIT]);
        (void)router_send(calls->router, from, &full, NULL); /* the caller repeats its call */
    } else if (r == WORK_E_NOBODY) {
        calls_nobody(calls, from, frame);
    } else if (r) {
        calls_refuse_invalid(calls, from);
    }
}

static void calls_on_take(struct calls *calls, const struct broker_peer *from, const struct codec_take *take)
{
    static const struct router_refusal many = {METER_LIMIT, "too many workers", 0, false};
    int r;

    if (!calls_may_take(calls, from, take))
        return;
    r = work_take(calls->work, from, take->queue, take->credit, tip_loop_now_ms());
    if (r == WORK_E_FULL)
        router_refuse(calls->router, from, &many);
    else if (r)
        calls_refuse_invalid(calls, from);
}

static void calls_lost(struct calls *calls, const struct broker_peer *from, const struct codec_answer *answer)
{
    const struct codec_frame lost = {.kind = CODEC_LOST, .answer = {.id = answer->id, .attempt = answer->attempt}};

    tip_metric_inc(calls->options.meter->refused[METER_WORK][METER_LOST]);
    (void)router_send(calls->router, from, &lost, NULL); /* it is over either way */
}

static void calls_on_answer(struct calls *calls, const struct broker_peer *from, const struct codec_frame *frame)
{
    const struct codec_answer *in = &frame->answer;
    char reason[CALLS_REASON_BYTES];
    struct work_answer answer = {
        .id = in->id.data,
        .id_len = in->id.len,
        .attempt = in->attempt,
        .body = in->body.data,
        .body_len = in->body.len,
        .code = in->code,
    };
    int r;

    if (frame->kind == CODEC_FAIL) {
        tip_utf8_copy(reason, sizeof(reason), in->reason, strlen(in->reason));
        answer.reason = reason;
    }
    r = work_answer(calls->work, from, &answer, tip_loop_now_ms());
    if (r == WORK_E_LOST)
        calls_lost(calls, from, in);
    else if (r)
        calls_refuse_invalid(calls, from);
}

static void calls_on_renew(struct calls *calls, const struct broker_peer *from, const struct codec_answer *answer)
{
    const struct work_renewal renewal = {answer->id.data, answer->id.len, answer->attempt, answer->lease_ms};

    if (work_renew(calls->work, from, &renewal, tip_loop_now_ms()))
        calls_lost(calls, from, answer);
}

static void calls_show(struct calls *calls)
{
    struct tip_metric **m = calls->options.meter->m;
    struct work_stats stats;

    work_stats(calls->work, &stats);
    tip_metric_set(m[METER_CALLS_WAITING], (double)stats.n_waiting);
    tip_metric_set(m[METER_CALLS_RUNNING], (double)stats.n_running);
    tip_metric_set(m[METER_CALLS_BYTES], (double)stats.bytes);
    tip_metric_set(m[METER_WORKERS], (double)stats.n_workers);
    tip_metric_set(m[METER_CALLS_DONE], (double)stats.done);
    tip_metric_set(m[METER_CALLS_FAILED], (double)stats.failed);
    tip_metric_set(m[METER_CALLS_LATE], (double)stats.late);
    tip_metric_set(m[METER_CALLS_NOBODY], (double)stats.nobody);
    tip_metric_set(m[METER_CALLS_RETRIED], (double)stats.retried);
}

/* The next time somebody's time may come, and once more after the last frame, to show what has changed. */
static void calls_arm(struct calls *calls)
{
    int64_t now_ms = tip_loop_now_ms();
    int64_t next_ms = work_next_ms(calls->work);

    if (next_ms < now_ms + CALLS_TICK_MIN_MS)
        next_ms = now_ms + CALLS_TICK_MIN_MS;
    if (next_ms > now_ms + CALLS_TICK_MAX_MS)
        next_ms = now_ms + CALLS_TICK_MAX_MS;
    if (tip_timer_is_running(&calls->timer) && calls->armed_ms <= next_ms)
        return;
    calls->armed_ms = next_ms;
    tip_timer_start(&calls->timer, next_ms - now_ms);
}

static void calls_on_timer(void *ctx)
{
    struct calls *calls = ctx;

    work_tick(calls->work, tip_loop_now_ms());
    calls_show(calls);
    if (work_next_ms(calls->work) < INT64_MAX)
        calls_arm(calls);
}

static bool calls_on_heard(void *ctx, const struct broker_peer *from)
{
    struct calls *calls = ctx;

    work_heard(calls->work, from, tip_loop_now_ms());
    return false; /* there are no sessions here */
}

static void calls_on_frame(void *ctx, const struct broker_peer *from, const struct codec_frame *frame,
                           const struct codec_bytes *body)
{
    static const struct router_refusal kind = {METER_KIND, "work takes PUT, TAKE, DONE, FAIL and RENEW in one frame", 0,
                                               true};
    struct calls *calls = ctx;

    switch (body ? CODEC_NONE : frame->kind) {
    case CODEC_PUT:
        calls_on_put(calls, from, &frame->put);
        break;
    case CODEC_TAKE:
        calls_on_take(calls, from, &frame->take);
        break;
    case CODEC_DONE:
    case CODEC_FAIL:
        calls_on_answer(calls, from, frame);
        break;
    case CODEC_RENEW:
        calls_on_renew(calls, from, &frame->answer);
        break;
    default: /* of another socket */
        router_refuse(calls->router, from, &kind);
        return;
    }
    calls_arm(calls);
}

int calls_open(struct calls **callsp, struct tip_loop *loop, const struct calls_options *options)
{
    tip_auto(calls_destroy) struct calls *calls = tip_new(struct calls);
    const struct work_out out = {calls_out_job,  calls_out_result, calls_out_failed,
                                 calls_out_lost, calls_out_probe,  calls};
    const struct router_options router = {
        .endpoint = options->endpoint,
        .socket = METER_WORK,
        .door = ACCESS_WORK,
        .guard = options->guard,
        .head_bytes_max = CALLS_FRAME_BYTES_MAX,
        .frame_bytes_max = CALLS_FRAME_BYTES_MAX,
        .send_hwm = CALLS_SEND_HWM,
        .receive_hwm = CALLS_RECEIVE_HWM,
        .held_max = options->limits.bytes_max,
        .meter = options->meter,
        .on_frame = calls_on_frame,
        .on_heard = calls_on_heard,
        .ctx = calls,
    };
    int r;

    calls->loop = loop;
    calls->options = *options;
    tip_buf_init(&calls->own, WORK_BODY_MAX);
    calls->work = work_new(&options->limits, &out, tip_loop_now_ms());
    tip_timer_init(&calls->timer, loop, calls_on_timer, calls);
    r = router_open(&calls->router, loop, &router);
    if (r)
        return tip_fail(r);
    *callsp = tip_take(calls);
    return 0;
}

void calls_each_queue(const struct calls *calls, void (*fn)(void *ctx, const struct work_queue_stats *stats), void *ctx)
{
    work_each_queue(calls->work, tip_loop_now_ms(), fn, ctx);
}

void calls_revoke(struct calls *calls)
{
    work_revoke(calls->work, tip_loop_now_ms());
    calls_arm(calls);
}

void calls_tick(struct calls *calls)
{
    router_watch(calls->router);
}

void calls_tell(const struct calls *calls)
{
    tip_metric_set(calls->options.meter->m[METER_CALLS_HELD], (double)router_held_bytes(calls->router));
}

void calls_stop(struct calls *calls)
{
    router_pause(calls->router);
}

void calls_destroy(struct calls **callsp)
{
    struct calls *calls = *callsp;

    if (!calls)
        return;
    tip_timer_deinit(&calls->timer);
    router_destroy(&calls->router);
    work_destroy(&calls->work);
    tip_buf_deinit(&calls->own);
    free(calls);
    *callsp = NULL;
}
