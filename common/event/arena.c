#include "arena.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum { ARENA_ALIGN = 16, ARENA_FIRST_BYTES = 2048 };

struct arena_chunk {
    struct arena_chunk *next;
    size_t room;
    _Alignas(ARENA_ALIGN) uint8_t data[];
};

static void *arena_take(void *ctx, size_t size)
{
    return arena_alloc(ctx, 1, size);
}

static void arena_keep(void *ctx, void *pointer)
{
    (void)ctx;
    (void)pointer; /* everything goes at once, in arena_deinit */
}

void arena_init(struct arena *arena, size_t bytes_max)
{
    *arena = (struct arena){.bytes_max = bytes_max};
    arena->allocator = (ProtobufCAllocator){.alloc = arena_take, .free = arena_keep, .allocator_data = arena};
}

void arena_deinit(struct arena *arena)
{
    struct arena_chunk *chunk, *next;

    for (chunk = arena->chunks; chunk; chunk = next) {
        next = chunk->next;
        free(chunk);
    }
    arena->chunks = NULL;
}

/* Doubles what there is, so that the number of chunks stays small. */
static int arena_grow(struct arena *arena, size_t need)
{
    struct arena_chunk *chunk;
    size_t room;

    room = arena->bytes > ARENA_FIRST_BYTES ? arena->bytes : ARENA_FIRST_BYTES;
    if (room > arena->bytes_max - arena->bytes)
        room = arena->bytes_max - arena->bytes;
    if (room < need)
        room = need;
    if (room > arena->bytes_max - arena->bytes)
        return -1;
    chunk = malloc(sizeof(*chunk) + room);
    if (!chunk)
        return -1;
    chunk->next = arena->chunks;
    chunk->room = room;
    arena->chunks = chunk;
    arena->bytes += room;
    arena->used = 0;
    return 0;
}

void *arena_alloc(struct arena *arena, size_t n, size_t size)
{
    size_t need;
    void *pointer;

    if (__builtin_mul_overflow(n, size, &need) || need > arena->bytes_max)
        return NULL;
    need = (need + ARENA_ALIGN - 1) & ~(size_t)(ARENA_ALIGN - 1);
    if ((!arena->chunks || need > arena->chunks->room - arena->used) && arena_grow(arena, need))
        return NULL;
    pointer = arena->chunks->data + arena->used;
    arena->used += need;
    memset(pointer, 0, need);
    return pointer;
}
