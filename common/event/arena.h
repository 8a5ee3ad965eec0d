#pragma once
/*
 * One block of memory, more or less: what a decoded message and its plain struct live in. It grows in chunks up to a
 * cap, never gives back a part, and fits protobuf-c as its allocator.
 */
#include <stddef.h>

#include <protobuf-c/protobuf-c.h>

struct arena_chunk;

struct arena {
    ProtobufCAllocator allocator; /* allocates here, frees nothing */
    struct arena_chunk *chunks;   /* the one in use first */
    size_t used;                  /* of the first chunk */
    size_t bytes;                 /* of all chunks */
    size_t bytes_max;
};

/** An empty arena of at most bytes_max. Must not be moved afterwards. */
void arena_init(struct arena *arena, size_t bytes_max);
void arena_deinit(struct arena *arena);

/** Zeroed, aligned for anything; NULL above the cap or for n * size out of range. */
void *arena_alloc(struct arena *arena, size_t n, size_t size);
