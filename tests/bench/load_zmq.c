#include "load_zmq.h"

#include <stdio.h>
#include <stdlib.h>

#include "load.h"

enum { LOAD_HWM = 200000, LOAD_KEY_CHARS = 40 };

static void load_set(void *socket, int option, int value)
{
    if (zmq_setsockopt(socket, option, &value, sizeof(value)))
        load_die("zmq_setsockopt", zmq_strerror(zmq_errno()));
}

static void load_set_keys(void *socket, const char *keys)
{
    char server[LOAD_KEY_CHARS + 1], public[LOAD_KEY_CHARS + 1], secret[LOAD_KEY_CHARS + 1];

    if (sscanf(keys, "%40[^,],%40[^,],%40s", server, public, secret) != 3 ||
        zmq_setsockopt(socket, ZMQ_CURVE_SERVERKEY, server, sizeof(server)) ||
        zmq_setsockopt(socket, ZMQ_CURVE_PUBLICKEY, public, sizeof(public)) ||
        zmq_setsockopt(socket, ZMQ_CURVE_SECRETKEY, secret, sizeof(secret)))
        load_die("-k", "three keys with commas");
}

/* One context a process; it ends with the process. */
void *load_socket(int type, const char *keys)
{
    static void *context;
    void *socket;

    if (!context)
        context = zmq_ctx_new();
    socket = zmq_socket(context, type);
    load_set(socket, ZMQ_SNDHWM, LOAD_HWM);
    load_set(socket, ZMQ_RCVHWM, LOAD_HWM);
    load_set(socket, ZMQ_LINGER, 0);
    load_set(socket, ZMQ_RCVTIMEO, LOAD_PATIENCE_MS);
    if (keys)
        load_set_keys(socket, keys);
    return socket;
}

void load_connect(void *socket, const char *where)
{
    if (zmq_connect(socket, where))
        load_die(where, zmq_strerror(zmq_errno()));
}

void load_frame_send(void *socket, const Tip__V1__Frame *frame, const void *body, size_t body_len)
{
    uint8_t bytes[512];
    size_t n = tip__v1__frame__pack(frame, bytes);

    if (zmq_send(socket, bytes, n, body ? ZMQ_SNDMORE : 0) < 0 || (body && zmq_send(socket, body, body_len, 0) < 0))
        load_die("zmq_send", zmq_strerror(zmq_errno()));
}

Tip__V1__Frame *load_frame_receive(void *socket, int flags)
{
    uint8_t bytes[512];
    int n = zmq_recv(socket, bytes, sizeof(bytes), flags);
    Tip__V1__Frame *frame;

    if (n < 0 && (flags & ZMQ_DONTWAIT))
        return NULL;
    if (n < 0)
        load_die("the broker", "does not answer");
    frame = tip__v1__frame__unpack(NULL, (size_t)n, bytes);
    if (!frame)
        load_die("the broker", "sends what is not a frame");
    return frame;
}

void load_frame_free(Tip__V1__Frame *frame)
{
    tip__v1__frame__free_unpacked(frame, NULL);
}
