#pragma once
/*
 * Who is at the other end of a ROUTER: a routing id, which names a connection and not a person, and the key by which
 * that connection came in. Two connections are the same only if both are. Its descriptor is noted where somebody asks
 * the kernel about it.
 */
#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct access_key;

enum { BROKER_PEER_MAX = 43 };

struct broker_peer {
    const struct access_key *key; /* core/access.h; NULL: a local peer */
    uint8_t len;
    uint8_t bytes[BROKER_PEER_MAX]; /* zero behind len, so that they can be hashed */
    int32_t fd;                     /* libzmq's, 0 when it was not asked for; its number may be another one's by now */
    uint64_t cookie;                /* of the socket behind that number; 0: likewise */
};

/** Who it is; behind that, how the kernel knows it. */
enum { BROKER_PEER_WHO_BYTES = offsetof(struct broker_peer, fd) };

static_assert(BROKER_PEER_WHO_BYTES == sizeof(void *) + 1 + BROKER_PEER_MAX, "no padding: peers are hashed");

/** Without a key. False for an id that is too long for us. */
static inline bool broker_peer_set(struct broker_peer *peer, const void *bytes, size_t len)
{
    *peer = (struct broker_peer){0};
    if (len == 0 || len > BROKER_PEER_MAX)
        return false;
    peer->len = (uint8_t)len;
    memcpy(peer->bytes, bytes, len);
    return true;
}

static inline bool broker_peer_equal(const struct broker_peer *a, const struct broker_peer *b)
{
    return a->key == b->key && a->len == b->len && memcmp(a->bytes, b->bytes, a->len) == 0;
}
