#pragma once
/*
 * Answers that were given to libzmq and have not left for their peers: whose they are, and what they take together.
 * libzmq says in a thread of its own when it needs one no more; all else is the loop's. With keys it says so too early:
 * what it has encrypted is another copy, held until the connection takes it. So the kernel is asked too, how many bytes
 * it was given for that connection: an answer has left when these are as many more as it has.
 *
 * Small frames on their way count for nothing here, so an answer may be thought to have left a few hundred bytes early.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "core/peer.h"

enum { UNREAD_PATIENCE_MS = 5000 /* of which nothing moved in so long, it is stuck */ };

struct unread_answer;

/**
 * Bytes that the kernel was given for a connection so far; UINT64_MAX when it is gone, or nobody knows.
 *
 * @param cookiep  the connection's; 0: whoever has the number, and set then
 * @param ackedp   set to what the other side has acknowledged of it; not when UINT64_MAX is returned
 */
typedef uint64_t unread_given_fn(int fd, uint64_t *cookiep, uint64_t *ackedp);

/** Zeroed but for `given` is empty. */
struct unread {
    unread_given_fn *given;
    struct unread_answer **items;
    size_t n, bytes; /* as unread_sweep has found them */
};

void unread_deinit(struct unread *unread);

/** Notes an answer of so many bytes, from malloc. @return the hint for unread_left, which must be called */
void *unread_add(struct unread *unread, const struct broker_peer *peer, size_t n_bytes, int64_t now_ms);

/** A zmq_free_fn, called once for each: frees the bytes, in whatever thread. */
void unread_left(void *data, void *hint);

/** The one with this hint was not sent, and was freed: the kernel never gets it. */
void unread_unsent(struct unread *unread, const void *hint);

/** Forgets what has left. */
void unread_sweep(struct unread *unread);

bool unread_has(const struct unread *unread, const struct broker_peer *peer);

/** A connection that takes nothing. */
struct unread_line {
    int fd;
    uint64_t cookie;
    size_t n_bytes; /* that it holds */
};

/** One that was stuck at the last unread_watch, and is not any more until it has been so long again; false for none. */
bool unread_stuck(struct unread *unread, int64_t now_ms, struct unread_line *linep);

/** Looks which connections move. About once a second. */
void unread_watch(struct unread *unread, int64_t now_ms);
