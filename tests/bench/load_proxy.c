/*
 * Through a bare zmq_proxy, XSUB to XPUB: two frames an event, topic and body, in memory only. With -k (whatever it
 * says) both sides speak CURVE, under keys made here.
 *
 *     load_proxy [options]
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "load.h"
#include "load_zmq.h"

static const char proxy_topic[] = "v1.bench.load.x.";

enum { PROXY_TOPIC_BYTES = sizeof(proxy_topic) - 1, PROXY_KEY_BYTES = 41 };

/* Made before the processes part: the proxy's pair, and the pair of everybody else. */
static char proxy_secret[PROXY_KEY_BYTES], proxy_keys[3 * PROXY_KEY_BYTES];

static void proxy_make_keys(void)
{
    char server[PROXY_KEY_BYTES], public[PROXY_KEY_BYTES], secret[PROXY_KEY_BYTES];

    if (zmq_curve_keypair(server, proxy_secret) || zmq_curve_keypair(public, secret))
        load_die("zmq_curve_keypair", zmq_strerror(zmq_errno()));
    snprintf(proxy_keys, sizeof(proxy_keys), "%s,%s,%s", server, public, secret);
}

static void *proxy_bind(int type, bool curve, char *where, size_t size)
{
    void *socket = load_socket(type, NULL);
    int server = 1;

    if (curve && (zmq_setsockopt(socket, ZMQ_CURVE_SERVER, &server, sizeof(server)) ||
                  zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, proxy_secret, sizeof(proxy_secret))))
        load_die("CURVE", zmq_strerror(zmq_errno()));
    if (zmq_bind(socket, "tcp://127.0.0.1:*") || zmq_getsockopt(socket, ZMQ_LAST_ENDPOINT, where, &size))
        load_die("bind", zmq_strerror(zmq_errno()));
    return socket;
}

static void proxy_serve(struct load *load)
{
    char in[256], out[256];
    void *from = proxy_bind(ZMQ_XSUB, load->keys, in, sizeof(in));
    void *to = proxy_bind(ZMQ_XPUB, load->keys, out, sizeof(out));

    load_serving(in, out);
    zmq_proxy(from, to, NULL);
}

static void *proxy_connect(const struct load *load, int type, int place)
{
    void *socket = load_socket(type, load->keys ? proxy_keys : NULL);

    load_connect(socket, load_place(place));
    return socket;
}

static void proxy_subscribe(const struct load *load, unsigned i)
{
    void *socket = proxy_connect(load, ZMQ_SUB, 1);
    zmq_msg_t topic, body;
    bool more = true;

    zmq_setsockopt(socket, ZMQ_SUBSCRIBE, "v1.", 3);
    zmq_msg_init(&topic);
    zmq_msg_init(&body);
    while (more) {
        if (zmq_msg_recv(&topic, socket, 0) < 0 || zmq_msg_recv(&body, socket, 0) < 0)
            load_die("a subscriber", "hears nothing");
        load_ready(i);
        if (zmq_msg_size(&topic) == PROXY_TOPIC_BYTES && !memcmp(zmq_msg_data(&topic), proxy_topic, PROXY_TOPIC_BYTES))
            more = load_seen(load, i, zmq_msg_data(&body));
    }
}

static void proxy_send(void *socket, const char *topic, const void *event, size_t n)
{
    if (zmq_send(socket, topic, strlen(topic), ZMQ_SNDMORE) < 0 || zmq_send(socket, event, n, 0) < 0)
        load_die("zmq_send", zmq_strerror(zmq_errno()));
}

static void proxy_probe(void *ctx)
{
    proxy_send(ctx, "v1.ready.", "?", 1);
}

static void proxy_publish(const struct load *load)
{
    void *socket = proxy_connect(load, ZMQ_PUB, 0);
    uint8_t *event = calloc(1, load->bytes);

    load_wait_ready(proxy_probe, socket);
    for (uint64_t sent = 0; sent < load->n; sent++) {
        load_wait_turn(load, sent);
        load_stamp(load, event);
        proxy_send(socket, proxy_topic, event, load->bytes);
    }
    load_wait_received(load); /* what is not yet sent would be lost with the socket */
    free(event);
}

int main(int argc, char **argv)
{
    static const struct load_system system = {
        .usage = "", .serve = proxy_serve, .subscribe = proxy_subscribe, .publish = proxy_publish};

    proxy_make_keys();
    return load_main(argc, argv, &system);
}
