#pragma once
/* Who is at the other end of a ROUTER: a routing id. It names a connection, not a person. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { BROKER_PEER_MAX = 32 };

struct broker_peer {
    uint8_t len;
    uint8_t bytes[BROKER_PEER_MAX]; /* zero behind len, so that whole structs compare */
};

/** False for an id that is too long for us. */
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
    return a->len == b->len && memcmp(a->bytes, b->bytes, a->len) == 0;
}
