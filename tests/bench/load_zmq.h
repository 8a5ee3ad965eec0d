#pragma once
/* Sockets of a load program, in the clear or with CURVE, and frames of proto/tip/v1/bus.proto on them. */
#include <stddef.h>
#include <stdint.h>

#include <zmq.h>

#include <tip/v1/bus.pb-c.h>

/** @param keys  NULL, or three keys in Z85 with commas: the server's, ours, our secret one */
void *load_socket(int type, const char *keys);
void load_connect(void *socket, const char *where);

/** A Frame, and behind it a body unless that is NULL. */
void load_frame_send(void *socket, const Tip__V1__Frame *frame, const void *body, size_t body_len);

/** The first ZeroMQ frame of the next message as a Frame; NULL when there is none. @param flags  0 or ZMQ_DONTWAIT */
Tip__V1__Frame *load_frame_receive(void *socket, int flags);
void load_frame_free(Tip__V1__Frame *frame);
