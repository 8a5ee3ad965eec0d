#pragma once
/*
 * A ROUTER that speaks frames: decodes what comes, answers PING, counts and refuses what is not a frame. Where answers
 * may be large it knows what of them has not left for which peer (core/unread.h), and ends connections that take
 * nothing when that becomes too much.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <tip/cleanup.h>

#include "codec.h"
#include "core/peer.h"
#include "io/guard.h"
#include "meter.h"

struct tip_loop;
struct router;

struct router_options {
    const char *endpoint;
    enum meter_socket socket;
    enum access_door door;
    struct guard guard;    /* what it points at is borrowed */
    size_t head_bytes_max; /* of the first frame */
    size_t frame_bytes_max;
    int send_hwm, receive_hwm;
    size_t held_max;     /* bytes of answers that may wait for all peers, about; 0: they are small, and not counted */
    struct meter *meter; /* borrowed */
    /** Every frame but ping and pong; `body` is the second ZeroMQ frame, NULL when there is none. */
    void (*on_frame)(void *ctx, const struct broker_peer *from, const struct codec_frame *frame,
                     const struct codec_bytes *body);
    /** A peer has said PING or PONG; may be NULL. @return whether its PONG says that it has no session */
    bool (*on_heard)(void *ctx, const struct broker_peer *from);
    void *ctx;
};

/** Binds. @return 0 or negative errno */
tip_nodiscard int router_open(struct router **routerp, struct tip_loop *loop, const struct router_options *options);
void router_destroy(struct router **routerp);

enum router_sent {
    ROUTER_SENT,
    ROUTER_BUSY, /* the peer does not read */
    ROUTER_GONE  /* there is no such connection any more */
};

/** What is not sent is counted. */
enum router_sent router_offer(struct router *router, const struct broker_peer *to, const struct codec_frame *frame,
                              const struct codec_bytes *body);

/** @return false when the peer is gone or does not read; counted */
bool router_send(struct router *router, const struct broker_peer *to, const struct codec_frame *frame,
                 const struct codec_bytes *body);

/** As router_send for a body of n bytes from malloc, which is not copied, and freed also when it is not sent. */
bool router_send_own(struct router *router, const struct broker_peer *to, const struct codec_frame *frame, void *body,
                     size_t n);

/** What waits for peers that have not taken it: bodies of router_send_own, and frames of 16 KiB or more. */
size_t router_held_bytes(struct router *router);

/** Whether something of that waits for this peer. */
bool router_owes(struct router *router, const struct broker_peer *peer);

/** Once a second: ends connections that have taken nothing for a while, if more waits than half above held_max. */
void router_watch(struct router *router);

/** REFUSED, counted by reason. */
struct router_refusal {
    enum meter_refusal why;
    const char *reason; /* a sentence */
    uint64_t pub_seq;
    bool fatal;
};

void router_refuse(struct router *router, const struct broker_peer *to, const struct router_refusal *refusal);

/** What was taken off all connections since it was noted, see crowd_taken_bytes; and how many connections there are. */
void router_note_taken(struct router *router);
uint64_t router_taken_bytes(const struct router *router);
size_t router_count(const struct router *router);

void router_pause(struct router *router);
void router_resume(struct router *router);
