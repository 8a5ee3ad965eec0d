#include "io/crowd.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tip/alloc.h>
#include <tip/fail.h>
#include <tip/hash.h>
#include <tip/zsock.h>

/** A descriptor of libzmq's that is open. */
struct crowd_peer {
    int32_t fd;
    UT_hash_handle hh;
};

struct crowd {
    struct tip_zsock *watched; /* borrowed */
    struct tip_zsock *monitor;
    struct crowd_peer *peers;
};

static void crowd_note(struct crowd *crowd, int event, int32_t fd)
{
    struct crowd_peer *peer;

    tip_hash_find_key(crowd->peers, &fd, peer);
    if (event == ZMQ_EVENT_ACCEPTED && !peer) {
        peer = tip_new(struct crowd_peer);
        peer->fd = fd;
        tip_hash_add_key(crowd->peers, fd, peer);
    } else if (event == ZMQ_EVENT_DISCONNECTED && peer) {
        tip_hash_remove(crowd->peers, peer);
        free(peer);
    }
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

int crowd_open(struct crowd **crowdp, struct tip_loop *loop, struct tip_zsock *zsock)
{
    static unsigned n_opened;
    tip_auto(crowd_destroy) struct crowd *crowd = tip_new(struct crowd);
    const struct tip_zsock_options options = {.type = ZMQ_PAIR, .on_message = crowd_on_message, .ctx = crowd};
    char endpoint[64];
    int r;

    crowd->watched = zsock;
    r = tip_zsock_open(&crowd->monitor, loop, &options);
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
    (void)zmq_socket_monitor(tip_zsock_raw(crowd->watched), NULL, 0); /* ends it, if it has begun */
    tip_zsock_destroy(&crowd->monitor);
    tip_hash_each (crowd->peers, peer, next) {
        tip_hash_remove(crowd->peers, peer);
        free(peer);
    }
    free(crowd);
    *crowdp = NULL;
}

size_t crowd_count(const struct crowd *crowd)
{
    return tip_hash_count(crowd->peers);
}
