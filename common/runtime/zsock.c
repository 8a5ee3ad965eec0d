#include <tip/zsock.h>

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include <tip/addr.h>
#include <tip/alloc.h>
#include <tip/fail.h>
#include <tip/loop.h>
#include <tip/zpool.h>

enum {
    ZSOCK_TURN_MESSAGES = 256,
    ZSOCK_TURN_MS = 2,
    ZSOCK_TURN_FRAMES = 256, /* of one message; a peer may send any number of them */
    ZSOCK_WATCHDOG_MS = 1000,
    ZSOCK_IDLE_MS = 50, /* a pump younger than this may have raced with what the watchdog sees */
    ZSOCK_ENDPOINT_BYTES = 256,
    ZSOCK_RECONNECT_MAX_MS = 5000,
    ZSOCK_HANDSHAKE_MS = 10000,
    ZSOCK_PROBE_S = 5, /* of TCP, on a silent connection */
    ZSOCK_PROBES = 3,
    ZSOCK_INLINE_BYTES = 33, /* a frame that needs no memory of its own (libzmq 4.3) */
    ZSOCK_REFUSAL_MS = 3000, /* libzmq 4.3.4 lets a connection that was not let in hang until the handshake's end */
};

struct tip_zsock {
    void *raw;
    struct tip_loop *loop;
    struct tip_zsock_options options;
    struct tip_zsock_stats stats;
    struct tip_watch watch;
    struct tip_timer kick;
    struct tip_timer watchdog;
    int fd;
    const struct tip_zsock_witness *witness; /* mostly NULL */
    bool is_curve_server;
    bool is_kicked; /* the timer runs */
    bool is_paused;
    bool wants_write;  /* someone was told TIP_ZSOCK_E_FULL */
    bool is_pumping;   /* callbacks are running */
    bool is_destroyed; /* in such a callback: the pump frees */
    int64_t pumped_ms;
    char endpoint[ZSOCK_ENDPOINT_BYTES];
    size_t n_frames; /* of the message that is being received; above the maximum they are dropped */
    zmq_msg_t frames[TIP_ZMSG_FRAMES_MAX];
};

static uint64_t zsock_watchdog_found;
static atomic_size_t zsock_n_open;

/* --- the context --- */

static void *zmq_the_context;

/* A process that exits in the middle has sockets open: terminating would wait for them for ever. */
static void zmq_context_end(void)
{
    if (atomic_load(&zsock_n_open) == 0)
        (void)zmq_ctx_term(zmq_the_context); /* nothing is left to be told */
}

static void zmq_context_make(void)
{
    zmq_the_context = zmq_ctx_new();
    if (!zmq_the_context)
        abort();
    (void)zmq_ctx_set(zmq_the_context, ZMQ_BLOCKY, 0); /* LINGER 0 for every socket; cannot fail with these */
    (void)zmq_ctx_set(zmq_the_context, ZMQ_IPV6, 0);
    atexit(zmq_context_end);
}

void *tip_zmq_context(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    pthread_once(&once, zmq_context_make);
    return zmq_the_context;
}

/* --- the pump --- */

static int zsock_events(struct tip_zsock *zsock)
{
    int events = 0;
    size_t size = sizeof(events);

    if (zmq_getsockopt(zsock->raw, ZMQ_EVENTS, &events, &size) == -1)
        return 0;
    return events;
}

static bool zsock_has_work(struct tip_zsock *zsock)
{
    int events;

    events = zsock_events(zsock);
    return ((events & ZMQ_POLLIN) && !zsock->is_paused && zsock->options.on_message) ||
           ((events & ZMQ_POLLOUT) && zsock->wants_write);
}

static void zsock_kick(struct tip_zsock *zsock)
{
    zsock->is_kicked = true;
    tip_timer_start(&zsock->kick, 0);
}

/* After any operation that may have consumed the edge of the descriptor. The pump itself looks again at its end. */
static void zsock_touch(struct tip_zsock *zsock)
{
    if (!zsock->is_pumping && !zsock->is_kicked && zsock_has_work(zsock))
        zsock_kick(zsock);
}

/* The same for a burst of operations: one look at its end instead of one each, which would be a system call each. */
static void zsock_touch_later(struct tip_zsock *zsock)
{
    if (!zsock->is_pumping && !zsock->is_kicked)
        zsock_kick(zsock);
}

static void zsock_frames_close(struct tip_zsock *zsock)
{
    size_t n = zsock->n_frames < TIP_ZMSG_FRAMES_MAX ? zsock->n_frames : TIP_ZMSG_FRAMES_MAX;

    for (size_t i = 0; i < n; i++)
        zmq_msg_close(&zsock->frames[i]);
    zsock->n_frames = 0;
}

/* One frame into its place, or away when there are too many. Returns -1 with errno, or whether more follow. */
static int zsock_receive_frame(struct tip_zsock *zsock)
{
    zmq_msg_t surplus;
    zmq_msg_t *frame = &surplus;
    int more;

    if (zsock->n_frames < TIP_ZMSG_FRAMES_MAX)
        frame = &zsock->frames[zsock->n_frames];
    zmq_msg_init(frame);
    if (zmq_msg_recv(frame, zsock->raw, ZMQ_DONTWAIT) == -1) {
        zmq_msg_close(frame);
        return -1;
    }
    more = zmq_msg_more(frame);
    if (frame == &surplus)
        zmq_msg_close(frame);
    zsock->n_frames++;
    return more;
}

/*
 * The name by which the ZAP handler knows the peer. Every frame carries it but the first one of a ROUTER, the routing
 * id, which loses it when a poll has fetched it ahead (libzmq 4.3.4), so the last one is asked.
 */
static const char *zsock_user(struct tip_zsock *zsock)
{
    const char *user = NULL;

    if (zsock->is_curve_server)
        user = zmq_msg_gets(&zsock->frames[zsock->n_frames - 1], "User-Id");
    return user ? user : "";
}

/* Of the frames that were kept the last one, as with the name. */
int tip_zsock_from(const struct tip_zsock *zsock)
{
    size_t n = zsock->n_frames < TIP_ZMSG_FRAMES_MAX ? zsock->n_frames : TIP_ZMSG_FRAMES_MAX;

    return n ? zmq_msg_get(&zsock->frames[n - 1], ZMQ_SRCFD) : -1;
}

static void zsock_deliver(struct tip_zsock *zsock)
{
    struct tip_zmsg msg = {.n_frames = zsock->n_frames};

    if (zsock->n_frames > TIP_ZMSG_FRAMES_MAX) {
        zsock->stats.refused++;
        if (zsock->options.on_surplus)
            zsock->options.on_surplus(zsock->options.ctx);
        return;
    }
    for (size_t i = 0; i < zsock->n_frames; i++) {
        msg.frames[i].data = zmq_msg_data(&zsock->frames[i]);
        msg.frames[i].len = zmq_msg_size(&zsock->frames[i]);
        zsock->stats.received_bytes += msg.frames[i].len;
    }
    msg.user = zsock_user(zsock);
    zsock->stats.received++;
    zsock->options.on_message(zsock->options.ctx, &msg);
}

/*
 * Returns whether there was something. Parts arrive all or none, so an interrupted message does not exist; one of a
 * million parts does, and is taken in many steps, so that the loop can turn between them.
 */
static bool zsock_receive(struct tip_zsock *zsock)
{
    int more = 1;

    for (int n = 0; n < ZSOCK_TURN_FRAMES && more > 0; n++)
        more = zsock_receive_frame(zsock);
    if (more > 0)
        return true;
    if (more == 0 && zsock->witness)
        zsock->witness->on_from(zsock->witness->ctx, tip_zsock_from(zsock));
    else if (zsock->witness && errno == EAGAIN)
        zsock->witness->on_empty(zsock->witness->ctx);
    if (more == 0)
        zsock_deliver(zsock);
    zsock_frames_close(zsock);
    return more == 0;
}

static void zsock_free(struct tip_zsock *zsock)
{
    tip_timer_deinit(&zsock->kick);
    tip_timer_deinit(&zsock->watchdog);
    tip_watch_deinit(&zsock->watch);
    zsock_frames_close(zsock);
    (void)zmq_close(zsock->raw); /* fails for no socket of ours */
    atomic_fetch_sub(&zsock_n_open, 1);
    free(zsock);
}

/* @return whether the socket said that there is no more: it has just looked, and will tell of what comes now */
static bool zsock_drain(struct tip_zsock *zsock, int64_t start_ms)
{
    for (int n = 1; n <= ZSOCK_TURN_MESSAGES && !zsock->is_paused && !zsock->is_destroyed; n++) {
        if (!zsock_receive(zsock))
            return true;
        if (n % 16 == 0 && tip_loop_now_ms() - start_ms >= ZSOCK_TURN_MS)
            return false;
    }
    return false;
}

static void zsock_pump(void *ctx)
{
    struct tip_zsock *zsock = ctx;
    bool is_empty = false;

    zsock->is_kicked = false;
    zsock->pumped_ms = tip_loop_now_ms();
    zsock->is_pumping = true;
    if (zsock->wants_write && (zsock_events(zsock) & ZMQ_POLLOUT)) {
        zsock->wants_write = false;
        if (zsock->options.on_writable)
            zsock->options.on_writable(zsock->options.ctx);
    }
    if (zsock->options.on_message)
        is_empty = zsock_drain(zsock, zsock->pumped_ms);
    zsock->is_pumping = false;
    if (zsock->is_destroyed)
        zsock_free(zsock);
    else if (!is_empty || zsock->wants_write)
        zsock_touch(zsock);
}

static void zsock_on_readable(void *ctx, unsigned what)
{
    (void)what;
    zsock_pump(ctx);
}

/* Work behind a descriptor that does not tell of it is a lost edge: found here, served, counted. */
static void zsock_on_watchdog(void *ctx)
{
    struct tip_zsock *zsock = ctx;
    struct pollfd pollfd = {.fd = zsock->fd, .events = POLLIN};

    if (zsock->is_kicked || tip_loop_now_ms() - zsock->pumped_ms < ZSOCK_IDLE_MS)
        return;
    if (poll(&pollfd, 1, 0) != 0 || !zsock_has_work(zsock))
        return;
    zsock->stats.watchdog_found++;
    zsock_watchdog_found++;
    zsock_pump(zsock);
}

uint64_t tip_zsock_watchdog_found(void)
{
    return zsock_watchdog_found;
}

/* --- making one --- */

static int zsock_set(struct tip_zsock *zsock, int option, int value)
{
    if (zmq_setsockopt(zsock->raw, option, &value, sizeof(value)) == -1)
        return tip_fail(-errno);
    return 0;
}

static void zsock_defaults(struct tip_zsock_options *options)
{
    if (!options->send_hwm)
        options->send_hwm = TIP_ZSOCK_HWM_DEFAULT;
    if (!options->receive_hwm)
        options->receive_hwm = TIP_ZSOCK_HWM_DEFAULT;
    if (!options->frame_bytes_max)
        options->frame_bytes_max = TIP_ZSOCK_FRAME_BYTES_MAX;
    if (!options->heartbeat_ms)
        options->heartbeat_ms = TIP_ZSOCK_HEARTBEAT_DEFAULT_MS;
    if (!options->reconnect_ms)
        options->reconnect_ms = 100;
}

/*
 * Who listens sends no heartbeats of ZMTP, nor does a SUB: libzmq 4.3.4 aborts (stream_engine_base.cpp, out_event:
 * !_io_error) when one is due on a connection that ended while nobody took what it had sent. Other clients take in all
 * that they have asked for.
 */
static int zsock_beat_ms(const struct tip_zsock_options *options)
{
    return options->type == ZMQ_SUB || options->heartbeat_ms < 0 ? 0 : options->heartbeat_ms;
}

static int zsock_configure(struct tip_zsock *zsock)
{
    const struct tip_zsock_options *options = &zsock->options;
    int beat_ms = zsock_beat_ms(options);
    const struct {
        int option;
        int value;
        bool applies;
    } table[] = {
        {ZMQ_LINGER, 0, true},
        {ZMQ_SNDHWM, options->send_hwm, true},
        {ZMQ_RCVHWM, options->receive_hwm, true},
        {ZMQ_IPV6, 0, true},
        {ZMQ_RECONNECT_IVL, options->reconnect_ms, true},
        {ZMQ_RECONNECT_IVL_MAX, ZSOCK_RECONNECT_MAX_MS, true},
        {ZMQ_HANDSHAKE_IVL, ZSOCK_HANDSHAKE_MS, true},
        {ZMQ_HEARTBEAT_IVL, beat_ms, beat_ms > 0},
        {ZMQ_HEARTBEAT_TIMEOUT, beat_ms * 3, beat_ms > 0},
        {ZMQ_ROUTER_MANDATORY, 1, options->router_mandatory},
        {ZMQ_XPUB_VERBOSE, 1, options->xpub_verbose},
    };
    int r;

    if (zmq_setsockopt(zsock->raw, ZMQ_MAXMSGSIZE, &options->frame_bytes_max, sizeof(int64_t)) == -1)
        return tip_fail(-errno);
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        r = table[i].applies ? zsock_set(zsock, table[i].option, table[i].value) : 0;
        if (r)
            return r;
    }
    return 0;
}

static int zsock_set_key(struct tip_zsock *zsock, int option, const uint8_t *key)
{
    if (zmq_setsockopt(zsock->raw, option, key, TIP_ZSOCK_KEY_BYTES) == -1)
        return tip_fail(-errno);
    return 0;
}

static int zsock_set_server(struct tip_zsock *zsock, const char *domain)
{
    int r;

    r = zsock_set(zsock, ZMQ_CURVE_SERVER, 1);
    if (r)
        return r;
    if (zmq_setsockopt(zsock->raw, ZMQ_ZAP_DOMAIN, domain, strlen(domain)) == -1)
        return tip_fail(-errno);
    return zsock_set(zsock, ZMQ_HANDSHAKE_IVL, ZSOCK_REFUSAL_MS);
}

static int zsock_secure(struct tip_zsock *zsock, const struct tip_zsock_keys *keys)
{
    int r;

    if (!keys)
        return 0;
    zsock->is_curve_server = !keys->server_key;
    if (zsock->is_curve_server)
        r = keys->domain ? zsock_set_server(zsock, keys->domain) : tip_fail(-EINVAL);
    else
        r = zsock_set_key(zsock, ZMQ_CURVE_SERVERKEY, keys->server_key);
    if (!r)
        r = zsock_set_key(zsock, ZMQ_CURVE_PUBLICKEY, keys->public_key);
    if (!r)
        r = zsock_set_key(zsock, ZMQ_CURVE_SECRETKEY, keys->secret_key);
    return r;
}

int tip_zsock_open(struct tip_zsock **zsockp, struct tip_loop *loop, const struct tip_zsock_options *options)
{
    tip_auto(tip_zsock_destroy) struct tip_zsock *zsock = NULL;
    size_t size = sizeof(zsock->fd);
    void *raw;
    int r;

    raw = zmq_socket(tip_zmq_context(), options->type);
    if (!raw)
        return tip_fail(-errno);
    atomic_fetch_add(&zsock_n_open, 1);
    zsock = tip_new(struct tip_zsock);
    zsock->raw = raw;
    zsock->loop = loop;
    zsock->options = *options;
    zsock->options.keys = NULL; /* borrowed for this call only */
    zsock_defaults(&zsock->options);
    r = zsock_configure(zsock);
    if (!r)
        r = zsock_secure(zsock, options->keys);
    if (r)
        return r;
    if (zmq_getsockopt(raw, ZMQ_FD, &zsock->fd, &size) == -1)
        return tip_fail(-errno);
    tip_timer_init(&zsock->kick, loop, zsock_pump, zsock);
    tip_timer_init(&zsock->watchdog, loop, zsock_on_watchdog, zsock);
    tip_watch_init(&zsock->watch, loop, zsock->fd, zsock_on_readable, zsock);
    tip_watch_set(&zsock->watch, TIP_WATCH_READ);
    tip_timer_every(&zsock->watchdog, ZSOCK_WATCHDOG_MS);
    zsock_kick(zsock);
    *zsockp = tip_take(zsock);
    return 0;
}

void tip_zsock_destroy(struct tip_zsock **zsockp)
{
    struct tip_zsock *zsock = *zsockp;

    *zsockp = NULL;
    if (!zsock)
        return;
    if (zsock->is_pumping)
        zsock->is_destroyed = true;
    else
        zsock_free(zsock);
}

static int zsock_remember_endpoint(struct tip_zsock *zsock)
{
    size_t size = sizeof(zsock->endpoint);

    zsock_touch(zsock);
    if (zmq_getsockopt(zsock->raw, ZMQ_LAST_ENDPOINT, zsock->endpoint, &size) == -1)
        return tip_fail(-errno);
    return 0;
}

/* TCP asks whether the other machine is there. */
static int zsock_configure_listener(struct tip_zsock *zsock)
{
    static const struct {
        int option;
        int value;
    } table[] = {
        {ZMQ_HEARTBEAT_IVL, 0},
        {ZMQ_TCP_KEEPALIVE, 1},
        {ZMQ_TCP_KEEPALIVE_IDLE, ZSOCK_PROBE_S},
        {ZMQ_TCP_KEEPALIVE_INTVL, ZSOCK_PROBE_S},
        {ZMQ_TCP_KEEPALIVE_CNT, ZSOCK_PROBES},
    };
    int r = 0;

    for (size_t i = 0; !r && i < sizeof(table) / sizeof(table[0]); i++)
        r = zsock_set(zsock, table[i].option, table[i].value);
    return r;
}

int tip_zsock_bind(struct tip_zsock *zsock, const char *endpoint)
{
    int r = zsock_configure_listener(zsock);

    if (r)
        return r;
    if (zmq_bind(zsock->raw, endpoint) == -1)
        return tip_fail(-errno);
    return zsock_remember_endpoint(zsock);
}

int tip_zsock_connect(struct tip_zsock *zsock, const char *endpoint)
{
    if (zmq_connect(zsock->raw, endpoint) == -1)
        return tip_fail(-errno);
    return zsock_remember_endpoint(zsock);
}

int tip_zsock_disconnect(struct tip_zsock *zsock, const char *endpoint)
{
    if (zmq_disconnect(zsock->raw, endpoint) == -1)
        return tip_fail(-errno);
    zsock_touch(zsock);
    return 0;
}

const char *tip_zsock_endpoint(const struct tip_zsock *zsock)
{
    return zsock->endpoint;
}

static int zsock_prefix(struct tip_zsock *zsock, int option, const void *prefix, size_t len)
{
    if (zmq_setsockopt(zsock->raw, option, prefix, len) == -1)
        return tip_fail(-errno);
    zsock_touch(zsock);
    return 0;
}

int tip_zsock_subscribe(struct tip_zsock *zsock, const void *prefix, size_t len)
{
    return zsock_prefix(zsock, ZMQ_SUBSCRIBE, prefix, len);
}

int tip_zsock_unsubscribe(struct tip_zsock *zsock, const void *prefix, size_t len)
{
    return zsock_prefix(zsock, ZMQ_UNSUBSCRIBE, prefix, len);
}

/* --- sending --- */

static int zsock_send_failed(struct tip_zsock *zsock, int error)
{
    if (error == EAGAIN) {
        zsock->stats.would_block++;
        zsock->wants_write = true;
        return TIP_ZSOCK_E_FULL;
    }
    if (error == EHOSTUNREACH) {
        zsock->stats.unreachable++;
        return TIP_ZSOCK_E_UNREACHABLE;
    }
    return tip_fail(-error);
}

static int zsock_send_frame(struct tip_zsock *zsock, const struct tip_zframe *frame, int flags)
{
    zmq_msg_t msg;
    int r;

    if (!zsock->options.pool || frame->len <= ZSOCK_INLINE_BYTES)
        return zmq_send(zsock->raw, frame->data, frame->len, flags);
    if (!tip_zpool_message(zsock->options.pool, &msg, frame->data, frame->len))
        tip_zpool_message_apart(zsock->options.pool, &msg, frame->data, frame->len);
    r = zmq_msg_send(&msg, zsock->raw, flags);
    if (r == -1) {
        int error = errno;

        zmq_msg_close(&msg);
        errno = error;
    }
    return r;
}

/*
 * A queue may seem full and be empty: what libzmq's own thread has taken from it is told by a command, and zmq_send
 * looks for commands once in a millisecond only. Asking for the events takes them in.
 */
static int zsock_send_first(struct tip_zsock *zsock, const struct tip_zframe *frame, int flags)
{
    int r = zsock_send_frame(zsock, frame, flags);

    if (r != -1 || errno != EAGAIN || zsock->options.type != ZMQ_ROUTER)
        return r; /* others have long queues, and look again later */
    (void)zsock_events(zsock);
    return zsock_send_frame(zsock, frame, flags);
}

/*
 * A message is taken whole or not at all. Queues count whole messages, so only a first frame can find one full. A
 * connection that ends between two frames makes a DEALER refuse the second (libzmq 4.3.4, lb_t::sendpipe), forget the
 * first, and swallow what follows up to the end of a message: with a third frame still unsent that would be the end of
 * the next message, so a DEALER has two at most. ROUTER and XPUB take the later frames whatever happens.
 */
static int zsock_send_frames(struct tip_zsock *zsock, const struct tip_zframe *frames, size_t n_frames, zmq_msg_t *last)
{
    int flags;

    for (size_t i = 0; i < n_frames; i++) {
        flags = ZMQ_DONTWAIT | (i + 1 < n_frames || last ? ZMQ_SNDMORE : 0);
        if ((i ? zsock_send_frame : zsock_send_first)(zsock, &frames[i], flags) == -1)
            return zsock_send_failed(zsock, errno);
        zsock->stats.sent_bytes += frames[i].len;
    }
    if (last && zmq_msg_send(last, zsock->raw, ZMQ_DONTWAIT) == -1)
        return zsock_send_failed(zsock, errno);
    zsock->stats.sent++;
    return 0;
}

static size_t zsock_frames_max(const struct tip_zsock *zsock)
{
    return zsock->options.type == ZMQ_DEALER ? TIP_ZSOCK_DEALER_FRAMES_MAX : TIP_ZMSG_FRAMES_MAX;
}

static int zsock_send(struct tip_zsock *zsock, const struct tip_zframe *frames, size_t n_frames, zmq_msg_t *last)
{
    int r;

    if (n_frames == 0 || n_frames + (last ? 1 : 0) > zsock_frames_max(zsock) || zsock->is_destroyed)
        return tip_fail(-EINVAL);
    r = zsock_send_frames(zsock, frames, n_frames, last);
    zsock_touch_later(zsock);
    return r;
}

int tip_zsock_send(struct tip_zsock *zsock, const struct tip_zframe *frames, size_t n_frames)
{
    return zsock_send(zsock, frames, n_frames, NULL);
}

int tip_zsock_send_own(struct tip_zsock *zsock, const struct tip_zframe *frames, size_t n_frames,
                       const struct tip_zframe_own *last)
{
    zmq_msg_t msg;
    int r;

    if (zmq_msg_init_data(&msg, last->data, last->len, last->gone, last->hint))
        abort(); /* no memory for forty bytes */
    r = zsock_send(zsock, frames, n_frames, &msg);
    if (r == 0)
        zsock->stats.sent_bytes += last->len;
    (void)zmq_msg_close(&msg); /* once sent it is empty */
    return r;
}

void tip_zsock_pause(struct tip_zsock *zsock)
{
    zsock->is_paused = true;
}

void tip_zsock_resume(struct tip_zsock *zsock)
{
    zsock->is_paused = false;
    zsock_touch(zsock);
}

/* Asking for the events makes libzmq take in what its own thread has handed over: from then on they have their turns.
 */
void tip_zsock_witness(struct tip_zsock *zsock, const struct tip_zsock_witness *witness)
{
    zsock->witness = witness;
    if (!witness)
        return;
    (void)zsock_events(zsock);
    tip_timer_start(&zsock->kick, 0);
}

const struct tip_zsock_stats *tip_zsock_stats(const struct tip_zsock *zsock)
{
    return &zsock->stats;
}

void *tip_zsock_raw(struct tip_zsock *zsock)
{
    return zsock->raw;
}

bool tip_zsock_endpoint_is_local(const char *endpoint)
{
    struct tip_addr addr;
    const char *host;
    const char *colon;

    if (strncmp(endpoint, "ipc://", 6) == 0 || strncmp(endpoint, "inproc://", 9) == 0)
        return true;
    if (strncmp(endpoint, "tcp://", 6) != 0)
        return false;
    host = endpoint + 6;
    colon = strrchr(host, ':');
    if (colon && strncmp(host, "localhost:", 10) == 0)
        return true;
    if (!colon || tip_addr_parse(&addr, host, (size_t)(colon - host)))
        return false;
    return tip_addr_special(&addr) == TIP_SPECIAL_LOOPBACK;
}
