#pragma once
/*
 * The connections through which outside keys read the journal: so many a key. Each may hold a batch that it does not
 * read, so with many of them one key could make everybody's small. They are counted as long as they last; who is gone
 * is found out by whoever has the socket, when a key has too many.
 */
#include <stdbool.h>
#include <stddef.h>

#include "core/access.h"
#include "core/peer.h"

enum { GUESTS_MAX = 8 /* connections of one outside key */ };

struct guests {
    struct broker_peer *items;
    size_t n;
};

void guests_deinit(struct guests *guests);

/** @return false when its key has GUESTS_MAX others; those inside always may, and are not kept */
bool guests_enter(struct guests *guests, const struct broker_peer *peer);

/**
 * Forgets those whose key was revoked, and those of a key who are gone.
 *
 * @param key      NULL for none
 * @param is_gone  asked of each of its connections
 */
void guests_sweep(struct guests *guests, const struct access_key *key,
                  bool (*is_gone)(void *ctx, const struct broker_peer *peer), void *ctx);
