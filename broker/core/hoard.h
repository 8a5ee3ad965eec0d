#pragma once
/*
 * Who sends parts of one message and never its end. libzmq keeps such parts (64 bytes each, of 2 on the wire), counts
 * them nowhere, and tells nobody before the message is whole. What can be known of a connection is how many bytes were
 * taken off it, and whether a message came of them.
 *
 * Messages cost something to count, so at first only bytes are. Where many have come the connection is watched: from
 * there on its messages are counted too, and the first one clears it. Suppose it was watched and had so many bytes
 * taken off it at one look; if everything that was whole then has been received at the next look (`swept`), and nothing
 * of it was this connection's, then these bytes are parts of a message that is not whole: that is proven. One message
 * may be large; more than the largest legal one has is too much.
 *
 * Messages that are whole may wait, because we do not read or because others are served first: without a sweep nothing
 * is proven, however much that is. Sweeps come: no socket rests for longer than ingest waits for a flush.
 *
 * Heartbeats are no messages. So many bytes a second are forgiven; who hoards at that pace is found by `hoard_unclear`,
 * which forgives nothing, once memory is short.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    HOARD_HEARTBEAT_BYTES_PER_S = 64, /* PING and PONG each second under CURVE: 54 */
    HOARD_MARGIN_BYTES = 64 << 10,    /* the handshake, and what libzmq has read and not yet cut into frames: 8 KiB */
    HOARD_WATCH_BYTES = 256 << 10,
    HOARD_TURNS = 3 /* of one peer: sockets serve their peers in turn, so in between everybody was served */
};

/** Zeroed is a connection that has just begun, at time 0. */
struct hoard {
    uint64_t taken;  /* bytes off the connection, at the last look */
    uint64_t from;   /* bytes are counted from here */
    uint64_t told;   /* where the connection began, or was last known to have made a message */
    uint64_t proven; /* bytes of a message that is not whole, of the look before */
    int64_t at_ms;   /* of the last look, monotonic */
    unsigned n_heard;
    bool is_watched;
};

struct hoard_facts {
    uint64_t taken;
    uint64_t message_bytes_max; /* the largest legal message, with all its parts */
    int64_t now_ms;
    bool swept; /* since the last look all that was whole then has been received */
};

/** A look, some times a second. */
void hoard_look(struct hoard *hoard, const struct hoard_facts *facts);

/** Whether no legal message can have so many bytes. */
bool hoard_is_too_much(const struct hoard *hoard, uint64_t message_bytes_max);

/** From now on its messages are counted, and until the first one comes all bytes since it was last known to make one.
 */
void hoard_watch(struct hoard *hoard);

/** A message came. @return whether everybody has had a turn since the last look */
bool hoard_heard(struct hoard *hoard);

/** What it may have been keeping at the last look, heartbeats and all; of one that was not watched perhaps nothing. */
uint64_t hoard_unclear(const struct hoard *hoard);
