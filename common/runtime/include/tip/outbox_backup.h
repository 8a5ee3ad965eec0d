#pragma once
/*
 * An outbox is copied while its service works, and made ready to be used again where the copy is put back.
 *
 * What was put back is older than the last that the world heard of it. So it is a new volume to everybody else: another
 * epoch, another stream; events that the journal beside it already has are dropped, what it had not goes out.
 */
#include <stdint.h>

#include <tip/cleanup.h>
#include <tip/event.h>

/**
 * Copies the environment in `dir` as it is at one moment; its service may be at work.
 *
 * @param fd  a file, written from its beginning
 * @return 0, -ENOENT when there is no outbox, -ESTALE when a service older than this function has it, negative errno
 */
tip_nodiscard int tip_outbox_copy(const char *dir, int fd);

struct tip_outbox_renewal {
    int64_t wall_unix_us;        /* the new epoch */
    struct tip_id before, after; /* of the journal; input positions go along */
    /** The last pub_seq that the journal has of this outbox in that epoch; 0: none. */
    uint64_t (*durable)(void *ctx, uint64_t epoch);
    void *ctx;
    uint64_t n_dropped, n_kept; /* found: waiting events */
};

/** Of an outbox that was put back and has not been opened since. @return 0 or negative errno */
tip_nodiscard int tip_outbox_renew(const char *dir, struct tip_outbox_renewal *renewal);
