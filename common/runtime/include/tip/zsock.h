#pragma once
/*
 * A ZeroMQ socket in the loop. Its descriptor is edge-triggered and shared by both directions, so after every
 * operation the events are asked again before the loop sleeps, a turn drains at most 256 messages or 2 ms, and a
 * watchdog looks once a second: what it finds is a bug, counted in `watchdog_found`, and must stay 0.
 *
 * Callbacks never run from inside a call of yours, only from the loop. A socket may be destroyed in its own callback.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <zmq.h>

#include <tip/cleanup.h>

struct tip_loop;
struct tip_zpool;
struct tip_zsock;

enum {
    TIP_ZMSG_FRAMES_MAX = 8,              /* a message with more is counted and dropped */
    TIP_ZSOCK_DEALER_FRAMES_MAX = 2,      /* more cannot be sent all or nothing */
    TIP_ZSOCK_FRAME_BYTES_MAX = 4 << 20,  /* default ceiling of one frame; a peer that sends more is cut off */
    TIP_ZSOCK_HWM_DEFAULT = 1000,         /* messages a peer */
    TIP_ZSOCK_HEARTBEAT_DEFAULT_MS = 5000 /* a silent server is left after three */
};

/** Positive codes of tip_zsock_send. */
enum {
    TIP_ZSOCK_E_FULL = 1,        /* would block: nothing was sent, on_writable will be called */
    TIP_ZSOCK_E_UNREACHABLE = 2, /* a mandatory ROUTER does not know this peer (any more): nothing was sent */
};

/** The one ZeroMQ context of the process, made at first use, terminated at exit. */
void *tip_zmq_context(void);

/** Borrowed bytes. */
struct tip_zframe {
    const void *data;
    size_t len;
};

/** A received message; valid during the callback. n_frames >= 1. */
struct tip_zmsg {
    struct tip_zframe frames[TIP_ZMSG_FRAMES_MAX];
    size_t n_frames;
    const char *user; /* of a server with keys: what its ZAP handler calls the peer; else "" */
};

enum { TIP_ZSOCK_KEY_BYTES = 32 };

/**
 * CURVE: who we are, and, for clients, whom we expect. A server asks the ZAP handler of the process about every peer,
 * naming its domain; one that has no handler lets in everybody, so the handler is bound before it and outlives it.
 * Keys are TIP_ZSOCK_KEY_BYTES each.
 */
struct tip_zsock_keys {
    const uint8_t *public_key;
    const uint8_t *secret_key;
    const uint8_t *server_key; /* clients: the server's public key; NULL makes a server of the socket */
    const char *domain;        /* servers */
};

struct tip_zsock_options {
    int type;                /* ZMQ_ROUTER, ZMQ_DEALER, ZMQ_SUB, ZMQ_XPUB, … */
    int send_hwm;            /* 0: the default */
    int receive_hwm;         /* 0: the default */
    int64_t frame_bytes_max; /* 0: the default */
    int heartbeat_ms;        /* of those who connect, but for a SUB; 0: the default, -1: none */
    int reconnect_ms;        /* first pause before connecting again, doubling up to 5 s; 0: 100 */
    bool router_mandatory;   /* ROUTER: report peers that are gone or full instead of dropping in silence */
    bool xpub_verbose;       /* XPUB: hear of every subscription, not of the first of its kind only */

    const struct tip_zsock_keys *keys; /* for the call of open; NULL: plain */
    struct tip_zpool *pool;            /* borrowed: memory of its frames; NULL: libzmq's own */

    void (*on_message)(void *ctx, const struct tip_zmsg *msg); /* NULL for sockets that only send */
    void (*on_writable)(void *ctx);                            /* after TIP_ZSOCK_E_FULL; may be NULL */
    void (*on_surplus)(void *ctx); /* a message was dropped for its number of frames; may be NULL */
    void *ctx;
};

struct tip_zsock_stats {
    uint64_t received;       /* messages given to on_message */
    uint64_t received_bytes; /* of these */
    uint64_t sent;
    uint64_t sent_bytes;
    uint64_t would_block;    /* sends that answered TIP_ZSOCK_E_FULL */
    uint64_t unreachable;    /* sends that answered TIP_ZSOCK_E_UNREACHABLE */
    uint64_t refused;        /* messages dropped for their number of frames */
    uint64_t watchdog_found; /* must stay 0 */
};

/**
 * A socket, neither bound nor connected. LINGER 0: who needs an answer waits for it; no IPv6.
 *
 * @return 0 or a negative errno
 */
tip_nodiscard int tip_zsock_open(struct tip_zsock **zsockp, struct tip_loop *loop,
                                 const struct tip_zsock_options *options);
void tip_zsock_destroy(struct tip_zsock **zsockp);

/** `tcp://127.0.0.1:*` takes a free port: see tip_zsock_endpoint. @return 0 or a negative errno (-EADDRINUSE, …) */
tip_nodiscard int tip_zsock_bind(struct tip_zsock *zsock, const char *endpoint);
tip_nodiscard int tip_zsock_connect(struct tip_zsock *zsock, const char *endpoint);
tip_nodiscard int tip_zsock_disconnect(struct tip_zsock *zsock, const char *endpoint);

/** What was last bound or connected, with its real port; valid until the next bind or connect. */
const char *tip_zsock_endpoint(const struct tip_zsock *zsock);

/** SUB only. The empty prefix takes everything. */
tip_nodiscard int tip_zsock_subscribe(struct tip_zsock *zsock, const void *prefix, size_t len);
tip_nodiscard int tip_zsock_unsubscribe(struct tip_zsock *zsock, const void *prefix, size_t len);

/**
 * Sends one message of 1 to TIP_ZMSG_FRAMES_MAX frames, a DEALER of at most TIP_ZSOCK_DEALER_FRAMES_MAX: all of it or
 * nothing. The bytes are copied.
 *
 * @return 0, TIP_ZSOCK_E_FULL, TIP_ZSOCK_E_UNREACHABLE, or a negative errno
 */
tip_nodiscard int tip_zsock_send(struct tip_zsock *zsock, const struct tip_zframe *frames, size_t n_frames);

/** Bytes that libzmq takes over: `gone` is called once, in whatever thread, when they are needed no more. */
struct tip_zframe_own {
    void *data;
    size_t len;
    void (*gone)(void *data, void *hint);
    void *hint;
};

/** As tip_zsock_send; `last` follows the one frame or more without being copied. What was not sent is gone, too. */
tip_nodiscard int tip_zsock_send_own(struct tip_zsock *zsock, const struct tip_zframe *frames, size_t n_frames,
                                     const struct tip_zframe_own *last);

/** Stops reading, so that backpressure reaches the peers; on_message rests until resume. */
void tip_zsock_pause(struct tip_zsock *zsock);
void tip_zsock_resume(struct tip_zsock *zsock);

/** In on_message: libzmq's descriptor of the connection that the message came by; -1: it had none. A look-up. */
int tip_zsock_from(const struct tip_zsock *zsock);

/** Sees which connections messages come from: a look-up for each message, so for a while only. */
struct tip_zsock_witness {
    void (*on_from)(void *ctx, int fd); /* libzmq's descriptor of a message that came whole; -1: it had none */
    void (*on_empty)(void *ctx);        /* every message that was whole has been received */
    void *ctx;
};

/**
 * Witnesses from now on, until it is called with NULL. The connections with whole messages will have their turn one
 * after the other, and on_empty comes by itself, unless the socket is paused.
 *
 * @param witness  borrowed
 */
void tip_zsock_witness(struct tip_zsock *zsock, const struct tip_zsock_witness *witness);

const struct tip_zsock_stats *tip_zsock_stats(const struct tip_zsock *zsock);

/** What the watchdogs of all sockets of this process found together; 0 unless this file is wrong. */
uint64_t tip_zsock_watchdog_found(void);

/** The socket itself, for options that only one place needs, before bind or connect. Never send or receive on it. */
void *tip_zsock_raw(struct tip_zsock *zsock);

/** Whether an endpoint cannot be reached from another machine: ipc, inproc, or tcp on a loopback address. */
bool tip_zsock_endpoint_is_local(const char *endpoint);
