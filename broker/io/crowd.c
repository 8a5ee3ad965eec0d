#include "io/crowd.h"

#include <errno.h>
#include <malloc.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tip/alloc.h>
#include <tip/fail.h>
#include <tip/hash.h>
#include <tip/log.h>
#include <tip/loop.h>
#include <tip/metrics.h>
#include <tip/zsock.h>

#include "core/hoard.h"
#include "io/line.h"

enum {
    CROWD_LOOK_MS = 100,
    CROWD_LOOK_PEERS = 4,           /* so many peers make that a millisecond longer */
    CROWD_LOOK_AGAIN_MS = 20,       /* while somebody who is watched goes on sending */
    CROWD_CLEAR_MS = 100,           /* between looks for what many hold, each of them a little */
    CROWD_HELD_BYTES = 2 << 20,     /* may be held for all peers of a socket, at 2 bytes that cost 64, ... */
    CROWD_MEMORY_BYTES = 128 << 20, /* ... once the process has taken so much memory */
    CROWD_LOG_MS = 1000             /* between two lines about those who were cut */
};

/** A descriptor of libzmq's that is open, or was until a moment ago: the cookie tells whether it still is that one. */
struct crowd_peer {
    int32_t fd;
    bool is_tcp;
    uint64_t cookie;
    uint64_t given;              /* when it was noted; UINT64_MAX: it was not */
    uint64_t taken, taken_noted; /* at the last question of crowd_taken_bytes; when they were noted */
    struct hoard hoard;
    UT_hash_handle hh;
};

struct crowd {
    struct crowd_options options;
    struct tip_zsock *watched; /* borrowed */
    struct tip_zsock *monitor;
    struct tip_zsock_witness witness;
    struct tip_timer look;
    struct crowd_peer *peers;
    bool is_witnessing;
    bool swept;  /* since the last look */
    bool is_hot; /* somebody who is watched goes on sending */
    int64_t clear_ms;
    int64_t logged_ms;
    uint64_t n_unlogged;
    uint64_t gone_taken; /* since they were noted, off those that are gone */
};

int64_t crowd_memory_bytes(void)
{
    const struct mallinfo2 info = mallinfo2();

    return (int64_t)(info.uordblks + info.hblkhd);
}

/* ---- one connection ---- */

static void crowd_log(struct crowd *crowd, const char *address, uint64_t n_bytes, const char *why)
{
    int64_t now_ms = tip_loop_now_ms();

    if (crowd->logged_ms && now_ms - crowd->logged_ms < CROWD_LOG_MS) {
        crowd->n_unlogged++;
        return;
    }
    tip_warn("bus.cut", "socket=%s peer=%s bytes=%llu more=%llu why=%s", crowd->options.name, address,
             (unsigned long long)n_bytes, (unsigned long long)crowd->n_unlogged, why);
    crowd->logged_ms = now_ms;
    crowd->n_unlogged = 0;
}

static void crowd_drop(struct crowd *crowd, struct crowd_peer *peer)
{
    crowd->gone_taken += peer->taken - peer->taken_noted;
    tip_hash_remove(crowd->peers, peer);
    free(peer);
}

int crowd_end_line(struct crowd *crowd, const struct crowd_line *line, const char *why)
{
    char address[LINE_ADDRESS_BYTES];
    int r = line_cut(line->fd, line->cookie, address);

    if (r)
        return r;
    crowd_log(crowd, address, line->n_bytes, why);
    tip_metric_inc(crowd->options.cut);
    return 0;
}

/* The peer is forgotten; only when it could not be looked at it is kept, for the next look. */
static void crowd_end(struct crowd *crowd, struct crowd_peer *peer, uint64_t n_bytes, const char *why)
{
    const struct crowd_line line = {peer->fd, peer->cookie, n_bytes};

    if (crowd_end_line(crowd, &line, why) != LINE_E_BUSY)
        crowd_drop(crowd, peer);
}

static void crowd_cut(struct crowd *crowd, struct crowd_peer *peer)
{
    crowd_end(crowd, peer, peer->hoard.proven, "a message that does not end");
}

/* ---- looking at all ---- */

static void crowd_look_at(struct crowd *crowd, struct crowd_peer *peer)
{
    struct hoard_facts facts = {
        .message_bytes_max = crowd->options.message_bytes_max,
        .now_ms = tip_loop_now_ms(),
        .swept = crowd->swept,
    };
    uint64_t before = peer->hoard.taken;

    if (!line_taken(peer->fd, &facts.taken)) {
        crowd_drop(crowd, peer); /* closed, and libzmq did not tell */
        return;
    }
    hoard_look(&peer->hoard, &facts);
    if (hoard_is_too_much(&peer->hoard, facts.message_bytes_max))
        crowd_cut(crowd, peer);
    else if (peer->hoard.is_watched && facts.taken != before)
        crowd->is_hot = true;
}

/** All peers of the socket together. */
struct crowd_sums {
    size_t n, n_watched;
    uint64_t proven, unclear;
};

static struct crowd_sums crowd_sum(const struct crowd *crowd)
{
    struct crowd_sums sums = {0};
    struct crowd_peer *peer, *next;

    tip_hash_each (crowd->peers, peer, next) {
        sums.n++;
        sums.n_watched += peer->hoard.is_watched;
        sums.proven += peer->hoard.proven;
        sums.unclear += hoard_unclear(&peer->hoard);
    }
    return sums;
}

static bool crowd_memory_is_short(void)
{
    return crowd_memory_bytes() > CROWD_MEMORY_BYTES;
}

/* Each may hold its share. Who was in the middle of a large message that was in order sends it again. */
static void crowd_cut_hoards(struct crowd *crowd, const struct crowd_sums *sums)
{
    struct crowd_peer *peer, *next;

    if (sums->proven <= CROWD_HELD_BYTES || !crowd_memory_is_short())
        return;
    tip_hash_each (crowd->peers, peer, next) {
        if (peer->hoard.proven > CROWD_HELD_BYTES / 2 / sums->n)
            crowd_cut(crowd, peer);
    }
}

/* Those who were never conspicuous are asked for a message. */
static void crowd_watch_all(struct crowd *crowd, const struct crowd_sums *sums)
{
    struct crowd_peer *peer, *next;
    int64_t now_ms = tip_loop_now_ms();

    if (now_ms - crowd->clear_ms < CROWD_CLEAR_MS)
        return;
    crowd->clear_ms = now_ms;
    if (sums->unclear <= CROWD_HELD_BYTES || !crowd_memory_is_short())
        return;
    tip_hash_each (crowd->peers, peer, next)
        hoard_watch(&peer->hoard);
}

/* Also to begin the next sweep: what libzmq has taken by now is received first. */
static void crowd_witness(struct crowd *crowd, bool is_watching)
{
    crowd->swept = false;
    if (is_watching || crowd->is_witnessing)
        tip_zsock_witness(crowd->watched, is_watching ? &crowd->witness : NULL);
    crowd->is_witnessing = is_watching;
}

static void crowd_on_look(void *ctx)
{
    struct crowd *crowd = ctx;
    struct crowd_peer *peer, *next;
    struct crowd_sums sums;

    crowd->is_hot = false;
    tip_hash_each (crowd->peers, peer, next) {
        if (peer->is_tcp)
            crowd_look_at(crowd, peer);
    }
    sums = crowd_sum(crowd);
    crowd_cut_hoards(crowd, &sums);
    crowd_watch_all(crowd, &sums);
    crowd_witness(crowd, crowd_sum(crowd).n_watched > 0);
    if (sums.n)
        tip_timer_start(&crowd->look,
                        crowd->is_hot ? CROWD_LOOK_AGAIN_MS : CROWD_LOOK_MS + (int64_t)(sums.n / CROWD_LOOK_PEERS));
}

/* ---- what the socket tells ---- */

static struct crowd_peer *crowd_find(const struct crowd *crowd, int32_t fd)
{
    struct crowd_peer *peer;

    tip_hash_find_key(crowd->peers, &fd, peer);
    return peer;
}

static void crowd_on_from(void *ctx, int fd)
{
    struct crowd *crowd = ctx;
    struct crowd_peer *peer = crowd_find(crowd, fd);

    if (peer && hoard_heard(&peer->hoard))
        crowd->swept = true;
}

static void crowd_on_empty(void *ctx)
{
    struct crowd *crowd = ctx;

    crowd->swept = true;
}

/* ---- what the monitor tells ---- */

static void crowd_add(struct crowd *crowd, int32_t fd)
{
    struct crowd_peer *peer = tip_new(struct crowd_peer);
    uint64_t arrived;

    peer->fd = fd;
    peer->cookie = line_cookie(fd);
    peer->given = UINT64_MAX;
    peer->is_tcp = line_arrived(fd, &arrived);
    peer->hoard.at_ms = tip_loop_now_ms();
    tip_hash_add_key(crowd->peers, fd, peer);
    if (!tip_timer_is_running(&crowd->look))
        tip_timer_start(&crowd->look, CROWD_LOOK_MS);
}

static void crowd_note(struct crowd *crowd, int event, int32_t fd)
{
    struct crowd_peer *peer = crowd_find(crowd, fd);

    if (peer)
        crowd_drop(crowd, peer);
    if (event == ZMQ_EVENT_ACCEPTED)
        crowd_add(crowd, fd);
}

/* zmq_socket_monitor(3): 16 bits of event, 32 of value; then the endpoint. */
static void crowd_on_message(void *ctx, const struct tip_zmsg *msg)
{
    const uint8_t *bytes = msg->frames[0].data;
    uint16_t event;
    int32_t value;

    if (msg->frames[0].len != sizeof(event) + sizeof(value))
        return;
    memcpy(&event, bytes, sizeof(event));
    memcpy(&value, bytes + sizeof(event), sizeof(value));
    crowd_note(ctx, event, value);
}

/* ---- life ---- */

/* Without a bound: libzmq's own thread would wait for us at one. */
static int crowd_listen(struct crowd *crowd, const char *endpoint)
{
    int none = 0;

    if (zmq_setsockopt(tip_zsock_raw(crowd->monitor), ZMQ_RCVHWM, &none, sizeof(none)) == -1)
        return tip_fail(-errno);
    if (zmq_socket_monitor(tip_zsock_raw(crowd->watched), endpoint, ZMQ_EVENT_ACCEPTED | ZMQ_EVENT_DISCONNECTED) == -1)
        return tip_fail(-errno);
    return tip_zsock_connect(crowd->monitor, endpoint);
}

int crowd_open(struct crowd **crowdp, struct tip_loop *loop, struct tip_zsock *zsock,
               const struct crowd_options *options)
{
    static unsigned n_opened;
    tip_auto(crowd_destroy) struct crowd *crowd = tip_new(struct crowd);
    const struct tip_zsock_options monitor = {.type = ZMQ_PAIR, .on_message = crowd_on_message, .ctx = crowd};
    char endpoint[64];
    int r;

    crowd->options = *options;
    crowd->watched = zsock;
    crowd->witness = (struct tip_zsock_witness){crowd_on_from, crowd_on_empty, crowd};
    tip_timer_init(&crowd->look, loop, crowd_on_look, crowd);
    r = tip_zsock_open(&crowd->monitor, loop, &monitor);
    if (r)
        return r;
    (void)snprintf(endpoint, sizeof(endpoint), "inproc://crowd-%u", ++n_opened);
    r = crowd_listen(crowd, endpoint);
    if (r)
        return r;
    *crowdp = tip_take(crowd);
    return 0;
}

void crowd_destroy(struct crowd **crowdp)
{
    struct crowd *crowd = *crowdp;
    struct crowd_peer *peer, *next;

    if (!crowd)
        return;
    tip_zsock_witness(crowd->watched, NULL);
    (void)zmq_socket_monitor(tip_zsock_raw(crowd->watched), NULL, 0); /* ends it, if it has begun */
    tip_timer_deinit(&crowd->look);
    tip_zsock_destroy(&crowd->monitor);
    tip_hash_each (crowd->peers, peer, next)
        crowd_drop(crowd, peer);
    free(crowd);
    *crowdp = NULL;
}

size_t crowd_count(const struct crowd *crowd)
{
    return tip_hash_count(crowd->peers);
}

/* Of one that is gone the last answer stays. */
static uint64_t crowd_peer_taken(struct crowd_peer *peer)
{
    uint64_t taken;

    if (peer->is_tcp && line_taken(peer->fd, &taken) && taken > peer->taken)
        peer->taken = taken;
    return peer->taken - peer->taken_noted;
}

void crowd_note_taken(struct crowd *crowd)
{
    struct crowd_peer *peer, *next;

    tip_hash_each (crowd->peers, peer, next) {
        (void)crowd_peer_taken(peer);
        peer->taken_noted = peer->taken;
    }
    crowd->gone_taken = 0;
}

uint64_t crowd_taken_bytes(struct crowd *crowd)
{
    struct crowd_peer *peer, *next;
    uint64_t sum = crowd->gone_taken;

    tip_hash_each (crowd->peers, peer, next)
        sum += crowd_peer_taken(peer);
    return sum;
}

void crowd_note_given(struct crowd *crowd)
{
    struct crowd_peer *peer, *next;
    uint64_t acked;

    tip_hash_each (crowd->peers, peer, next)
        peer->given = peer->is_tcp ? line_given(peer->fd, &peer->cookie, &acked) : UINT64_MAX;
}

/* Who is sent little may have taken little: for that one nothing waits but what the kernel has. */
static bool crowd_is_deaf(struct crowd_peer *peer)
{
    uint64_t acked;

    return peer->given != UINT64_MAX && line_given(peer->fd, &peer->cookie, &acked) != UINT64_MAX &&
           acked < peer->given && line_is_full(peer->fd);
}

size_t crowd_end_deaf(struct crowd *crowd)
{
    struct crowd_peer *peer, *next;
    size_t n = 0;

    tip_hash_each (crowd->peers, peer, next) {
        if (!crowd_is_deaf(peer))
            continue;
        crowd_end(crowd, peer, peer->given, "it does not read, or too slowly");
        n++;
    }
    return n;
}
