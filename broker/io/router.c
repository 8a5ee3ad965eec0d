#include "io/router.h"

#include <stdlib.h>

#include <tip/alloc.h>
#include <tip/buf.h>
#include <tip/fail.h>
#include <tip/log.h>
#include <tip/loop.h>
#include <tip/zsock.h>

#include "core/unread.h"
#include "io/crowd.h"
#include "io/line.h"

enum {
    ROUTER_FRAME_BYTES_MAX = 2 << 20,
    ROUTER_LARGE_BYTES = 16 << 10 /* smaller frames are bounded by their number */
};

struct router {
    struct router_options options;
    bool asks; /* for a key: then every frame has one */
    struct tip_zsock *socket;
    struct crowd *crowd;
    struct unread unread;
    struct tip_buf out;
};

/* ---- what goes out ---- */

static enum router_sent router_result(struct router *router, int r)
{
    if (r)
        tip_metric_inc(router->options.meter->m[METER_UNDELIVERED]);
    if (r == TIP_ZSOCK_E_UNREACHABLE)
        return ROUTER_GONE;
    return r ? ROUTER_BUSY : ROUTER_SENT;
}

/* The last frame is from malloc; what waits for its peer is counted until it has left. */
static enum router_sent router_put_own(struct router *router, const struct broker_peer *to,
                                       const struct tip_zframe *frames, size_t n, struct tip_zframe_own *last)
{
    int r;

    last->gone = unread_left;
    last->hint = unread_add(&router->unread, to, last->len, tip_loop_now_ms());
    r = tip_zsock_send_own(router->socket, frames, n, last);
    if (r)
        unread_unsent(&router->unread, last->hint);
    return router_result(router, r);
}

/* Who has not taken the last one gets no other while too much waits, and nobody does while that is twice as much. */
static bool router_has_room(struct router *router, const struct broker_peer *to)
{
    size_t held = router_held_bytes(router), max = router->options.held_max;

    return held <= max || (held <= 2 * max && !unread_has(&router->unread, to));
}

static enum router_sent router_put_large(struct router *router, const struct broker_peer *to)
{
    const struct tip_zframe frames[1] = {{to->bytes, to->len}};
    struct tip_zframe_own own = {.len = router->out.len};

    if (!router_has_room(router, to))
        return router_result(router, TIP_ZSOCK_E_FULL);
    own.data = tip_memdup(router->out.data, router->out.len);
    return router_put_own(router, to, frames, 1, &own);
}

enum router_sent router_offer(struct router *router, const struct broker_peer *to, const struct codec_frame *frame,
                              const struct codec_bytes *body)
{
    struct tip_zframe frames[3] = {{to->bytes, to->len}};
    int r;

    tip_buf_clear(&router->out);
    r = codec_encode(frame, &router->out);
    if (r)
        return router_result(router, r);
    if (!body && router->options.held_max && router->out.len >= ROUTER_LARGE_BYTES)
        return router_put_large(router, to);
    frames[1] = (struct tip_zframe){router->out.data, router->out.len};
    if (body)
        frames[2] = (struct tip_zframe){body->data, body->len};
    return router_result(router, tip_zsock_send(router->socket, frames, body ? 3 : 2));
}

bool router_send(struct router *router, const struct broker_peer *to, const struct codec_frame *frame,
                 const struct codec_bytes *body)
{
    return router_offer(router, to, frame, body) == ROUTER_SENT;
}

bool router_send_own(struct router *router, const struct broker_peer *to, const struct codec_frame *frame, void *body,
                     size_t n)
{
    struct tip_zframe frames[2] = {{to->bytes, to->len}};
    struct tip_zframe_own own = {.data = body, .len = n};
    int r;

    tip_buf_clear(&router->out);
    r = codec_encode(frame, &router->out);
    if (r) {
        free(body);
        return router_result(router, r) == ROUTER_SENT;
    }
    frames[1] = (struct tip_zframe){router->out.data, router->out.len};
    return router_put_own(router, to, frames, 2, &own) == ROUTER_SENT;
}

/* ---- what has not left ---- */

size_t router_held_bytes(struct router *router)
{
    unread_sweep(&router->unread);
    return router->unread.bytes;
}

bool router_owes(struct router *router, const struct broker_peer *peer)
{
    unread_sweep(&router->unread);
    return unread_has(&router->unread, peer);
}

static void router_cut(struct router *router, const struct unread_line *at)
{
    const struct crowd_line line = {at->fd, at->cookie, at->n_bytes};

    (void)crowd_end_line(router->crowd, &line, "it does not take what it asked for"); /* or it has ended by itself */
}

/* No more than needed; libzmq lets go of what they hold in a moment. */
void router_watch(struct router *router)
{
    size_t most = router->options.held_max + router->options.held_max / 2, held;
    int64_t now_ms = tip_loop_now_ms();
    struct unread_line line;

    unread_watch(&router->unread, now_ms);
    for (held = router->unread.bytes; held > most && unread_stuck(&router->unread, now_ms, &line); held -= line.n_bytes)
        router_cut(router, &line);
}

/* ---- what comes in ---- */

void router_refuse(struct router *router, const struct broker_peer *to, const struct router_refusal *refusal)
{
    const struct codec_frame frame = {
        .kind = CODEC_REFUSED,
        .refused = {.reason = refusal->reason, .pub_seq = refusal->pub_seq, .fatal = refusal->fatal},
    };

    tip_metric_inc(router->options.meter->refused[router->options.socket][refusal->why]);
    (void)router_send(router, to, &frame, NULL); /* who sends garbage may miss the answer */
}

static bool router_hears(struct router *router, const struct broker_peer *from)
{
    return router->options.on_heard && router->options.on_heard(router->options.ctx, from);
}

static void router_frame(struct router *router, const struct broker_peer *from, const struct codec_frame *frame,
                         const struct codec_bytes *body)
{
    struct codec_frame pong = {.kind = CODEC_PONG};

    switch (frame->kind) {
    case CODEC_PING:
        pong.pong = (struct codec_pong){frame->nonce, router_hears(router, from)};
        (void)router_send(router, from, &pong, NULL); /* it asks again */
        return;
    case CODEC_PONG:
        (void)router_hears(router, from); /* it was asked nothing about sessions */
        return;
    default: /* each socket has its own; the rest is refused there */
        router->options.on_frame(router->options.ctx, from, frame, body);
    }
}

/* A connection that was let in may have outlived its key, or its right to be here. */
static bool router_admits(struct router *router, struct broker_peer *from, const char *user)
{
    static const struct router_refusal unknown = {METER_ACCESS, "this key is not known here, or not any more", 0, true};
    static const struct router_refusal elsewhere = {METER_ACCESS, "this key does not open this door", 0, true};

    if (!router->asks)
        return true;
    from->key = access_table_find(router->options.guard.access, user);
    if (from->key && access_may_enter(from->key, router->options.door))
        return true;
    router_refuse(router, from, from->key ? &elsewhere : &unknown);
    return false;
}

static void router_on_message(void *ctx, const struct tip_zmsg *msg)
{
    static const struct router_refusal malformed = {METER_MALFORMED, "this is not a frame of tip.v1", 0, true};
    struct router *router = ctx;
    struct codec_frame frame;
    struct codec_bytes body;
    struct broker_peer from;

    if (!broker_peer_set(&from, msg->frames[0].data, msg->frames[0].len)) {
        tip_metric_inc(router->options.meter->refused[router->options.socket][METER_MALFORMED]);
        return;
    }
    if (!router_admits(router, &from, msg->user))
        return;
    if (router->options.held_max) {
        from.fd = tip_zsock_from(router->socket);
        from.cookie = line_cookie(from.fd);
    }
    if (msg->n_frames < 2 || msg->n_frames > 3 || msg->frames[1].len > router->options.head_bytes_max ||
        codec_decode(&frame, msg->frames[1].data, msg->frames[1].len)) {
        router_refuse(router, &from, &malformed);
        return;
    }
    if (msg->n_frames == 3)
        body = (struct codec_bytes){msg->frames[2].data, msg->frames[2].len};
    router_frame(router, &from, &frame, msg->n_frames == 3 ? &body : NULL);
    codec_frame_deinit(&frame);
}

static void router_on_surplus(void *ctx)
{
    const struct router *router = ctx;

    tip_metric_inc(router->options.meter->refused[router->options.socket][METER_MALFORMED]);
}

static int router_guard(struct router *router, struct tip_loop *loop)
{
    const struct router_options *options = &router->options;
    const struct crowd_options crowd = {
        .name = meter_socket_name(options->socket),
        .message_bytes_max = options->head_bytes_max + options->frame_bytes_max,
        .cut = options->meter->cut[options->socket],
    };

    return crowd_open(&router->crowd, loop, router->socket, &crowd);
}

int router_open(struct router **routerp, struct tip_loop *loop, const struct router_options *options)
{
    tip_auto(router_destroy) struct router *router = tip_new(struct router);
    struct tip_zsock_keys keys;
    struct tip_zsock_options zsock = {
        .type = ZMQ_ROUTER,
        .send_hwm = options->send_hwm,
        .receive_hwm = options->receive_hwm,
        .frame_bytes_max = (int64_t)options->frame_bytes_max,
        .router_mandatory = true,
        .on_message = router_on_message,
        .on_surplus = router_on_surplus,
        .ctx = router,
    };
    int r;

    router->options = *options;
    router->unread.given = line_given;
    router->asks = guard_asks(&options->guard, options->endpoint);
    if (router->asks) {
        keys = guard_server(&options->guard, options->door);
        zsock.keys = &keys;
    }
    tip_buf_init(&router->out, ROUTER_FRAME_BYTES_MAX);
    r = tip_zsock_open(&router->socket, loop, &zsock);
    if (!r)
        r = router_guard(router, loop);
    if (!r)
        r = tip_zsock_bind(router->socket, options->endpoint);
    if (r) {
        tip_error("bus.bind", "endpoint=%s error=%s", options->endpoint, strerror(-r));
        return tip_fail(r);
    }
    *routerp = tip_take(router);
    return 0;
}

void router_destroy(struct router **routerp)
{
    struct router *router = *routerp;

    if (!router)
        return;
    crowd_destroy(&router->crowd);
    tip_zsock_destroy(&router->socket);
    unread_deinit(&router->unread);
    tip_buf_deinit(&router->out);
    free(router);
    *routerp = NULL;
}

void router_note_taken(struct router *router)
{
    crowd_note_taken(router->crowd);
}

uint64_t router_taken_bytes(const struct router *router)
{
    return crowd_taken_bytes(router->crowd);
}

size_t router_count(const struct router *router)
{
    return crowd_count(router->crowd);
}

void router_pause(struct router *router)
{
    tip_zsock_pause(router->socket);
}

void router_resume(struct router *router)
{
    tip_zsock_resume(router->socket);
}
