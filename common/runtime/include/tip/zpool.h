#pragma once
/*
 * Memory of small frames that are sent in numbers. ZeroMQ frees a frame in its own thread while the one that sends asks
 * for the next, and both then wait for the one lock of the heap. Here frames are written one behind the other into
 * slabs, and only a slab whose frames have all left goes from thread to thread. One thread makes messages and trims;
 * ZeroMQ's may give back at any time, also after destroy.
 *
 * A frame that does not leave keeps its slab; so their number is bounded. Who finds none, or has a large frame, makes
 * it apart, in memory of its own. What has not come back is known to the byte, slabs counting whole.
 */
#include <stdbool.h>
#include <stddef.h>

#include <zmq.h>

#include <tip/cleanup.h>

struct tip_zpool;

enum {
    TIP_ZPOOL_SLAB_BYTES = 32 * 1024,
    TIP_ZPOOL_SLABS_MAX = 256, /* 8 MiB */
    TIP_ZPOOL_FRAME_MAX = 2048 /* larger frames are not taken */
};

struct tip_zpool *tip_zpool_new(void);

/** What is still with ZeroMQ is freed when it comes back. */
void tip_zpool_destroy(struct tip_zpool **poolp);

/**
 * A message with a copy of the n bytes, to be sent or closed like any other.
 *
 * @return false: too large, or no slab is left; msg is not initialised then
 */
tip_nodiscard bool tip_zpool_message(struct tip_zpool *pool, zmq_msg_t *msg, const void *bytes, size_t n);

/** As above for a frame of any size, in memory of its own. */
void tip_zpool_message_apart(struct tip_zpool *pool, zmq_msg_t *msg, const void *bytes, size_t n);

/** What ZeroMQ has not given back: frames apart, and slabs with frames, or not looked at since they came back. */
size_t tip_zpool_bytes(const struct tip_zpool *pool);

/** Looks at the slabs that came back: tip_zpool_bytes is exact then. */
void tip_zpool_collect(struct tip_zpool *pool);

/** Frees the slabs that were not needed since the last time. About once a second. */
void tip_zpool_trim(struct tip_zpool *pool);

struct tip_zpool_stats {
    size_t n_slabs; /* all of them */
    size_t n_spare; /* those without a frame, as far as it was looked */
};

void tip_zpool_stats(const struct tip_zpool *pool, struct tip_zpool_stats *stats);
