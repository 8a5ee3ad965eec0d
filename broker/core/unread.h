#pragma once
/*
 * Batches that were given to libzmq and have not left for their peers: who has one is not read for, and what they take
 * together is known. libzmq says in a thread of its own that one has left; all else is the loop's.
 */
#include <stdbool.h>
#include <stddef.h>

#include "core/peer.h"

struct unread_batch;

struct unread {
    struct unread_batch **items;
    size_t n, bytes; /* as unread_sweep has found them */
};

void unread_deinit(struct unread *unread);

/** Notes a batch of so many bytes, from malloc. @return the hint for unread_left, which must be called */
void *unread_add(struct unread *unread, const struct broker_peer *peer, size_t n_bytes);

/** A zmq_free_fn, called once for each: frees the bytes, in whatever thread. */
void unread_left(void *data, void *hint);

/** Forgets what has left. */
void unread_sweep(struct unread *unread);

bool unread_has(const struct unread *unread, const struct broker_peer *peer);
