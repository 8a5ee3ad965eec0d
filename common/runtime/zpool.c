#include <tip/zpool.h>

#include <stdalign.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <tip/alloc.h>

enum {
    ZPOOL_LINE_BYTES = 64, /* of the cache: what two threads write stands apart */
    ZPOOL_ALIGN = 8,
    ZPOOL_OPEN = 1 << 30 /* frames that a slab seems to have as long as more are written to it */
};

/** Frames apart from slabs. Whoever lets go of it last frees it: the pool, or the last such frame. */
struct zpool_apart {
    atomic_size_t n_bytes;
    atomic_size_t n_owners;
};

struct zpool_frame {
    struct zpool_apart *apart;
    size_t n_bytes;
    uint8_t bytes[];
};

struct zpool_slab {
    struct zpool_slab *next;
    struct tip_zpool *pool;
    atomic_uint n_frames;
    alignas(ZPOOL_LINE_BYTES) uint8_t bytes[];
};

enum { ZPOOL_ROOM = TIP_ZPOOL_SLAB_BYTES - sizeof(struct zpool_slab) };

struct tip_zpool {
    struct zpool_slab *open; /* being written; NULL: none */
    size_t used;             /* of its bytes */
    unsigned n_made;         /* frames in it */
    struct zpool_apart *apart;
    struct zpool_slab *spare;
    size_t n_slabs, n_spare, n_spare_least;                    /* least: since the last trim */
    alignas(ZPOOL_LINE_BYTES) struct zpool_slab *_Atomic back; /* a list of what came back; or the end's mark */
    atomic_size_t n_left;                                      /* after destroy: slabs that have not come back */
};

/* In `back` once the owner is gone: whoever gives back the last slab frees the pool. */
static struct zpool_slab zpool_end;

static void *zpool_alloc(size_t n)
{
    void *memory = aligned_alloc(ZPOOL_LINE_BYTES, n);

    if (!memory)
        abort();
    return memory;
}

struct tip_zpool *tip_zpool_new(void)
{
    struct tip_zpool *pool = zpool_alloc(sizeof(*pool));

    memset(pool, 0, sizeof(*pool));
    pool->apart = tip_new(struct zpool_apart);
    atomic_init(&pool->apart->n_bytes, 0);
    atomic_init(&pool->apart->n_owners, 1);
    return pool;
}

/* ---- any thread ---- */

static void zpool_left(struct tip_zpool *pool, size_t n)
{
    if (atomic_fetch_sub(&pool->n_left, n) == n)
        free(pool);
}

static void zpool_give_back(struct zpool_slab *slab)
{
    struct tip_zpool *pool = slab->pool;

    slab->next = atomic_load_explicit(&pool->back, memory_order_acquire);
    do {
        if (slab->next == &zpool_end) {
            free(slab);
            zpool_left(pool, 1);
            return;
        }
    } while (!atomic_compare_exchange_weak_explicit(&pool->back, &slab->next, slab, memory_order_release,
                                                    memory_order_acquire));
}

static void zpool_apart_release(struct zpool_apart *apart)
{
    if (atomic_fetch_sub_explicit(&apart->n_owners, 1, memory_order_acq_rel) == 1)
        free(apart);
}

static void zpool_on_free_apart(void *bytes, void *hint)
{
    struct zpool_frame *frame = hint;

    (void)bytes;
    atomic_fetch_sub_explicit(&frame->apart->n_bytes, frame->n_bytes, memory_order_relaxed);
    zpool_apart_release(frame->apart);
    free(frame);
}

/* Whether these were its last frames. */
static bool zpool_release(struct zpool_slab *slab, unsigned n)
{
    return atomic_fetch_sub_explicit(&slab->n_frames, n, memory_order_acq_rel) == n;
}

static void zpool_on_free(void *bytes, void *hint)
{
    (void)bytes;
    if (zpool_release(hint, 1))
        zpool_give_back(hint);
}

/* ---- the owner's thread ---- */

static void zpool_keep(struct tip_zpool *pool, struct zpool_slab *slab)
{
    slab->next = pool->spare;
    pool->spare = slab;
    pool->n_spare++;
}

void tip_zpool_collect(struct tip_zpool *pool)
{
    struct zpool_slab *slab, *next;

    if (!atomic_load_explicit(&pool->back, memory_order_relaxed))
        return;
    for (slab = atomic_exchange_explicit(&pool->back, NULL, memory_order_acquire); slab; slab = next) {
        next = slab->next;
        zpool_keep(pool, slab);
    }
}

/* Nothing more is written to the open slab. */
static void zpool_shut(struct tip_zpool *pool)
{
    if (pool->open && zpool_release(pool->open, ZPOOL_OPEN - pool->n_made))
        zpool_keep(pool, pool->open);
    pool->open = NULL;
}

/* NULL when there is none. */
static struct zpool_slab *zpool_take(struct tip_zpool *pool)
{
    struct zpool_slab *slab = pool->spare;

    if (!slab)
        return NULL;
    pool->spare = slab->next;
    pool->n_spare--;
    if (pool->n_spare < pool->n_spare_least)
        pool->n_spare_least = pool->n_spare;
    return slab;
}

static bool zpool_open(struct tip_zpool *pool)
{
    struct zpool_slab *slab;

    zpool_shut(pool);
    if (!pool->spare)
        tip_zpool_collect(pool);
    slab = zpool_take(pool);
    if (!slab && pool->n_slabs == TIP_ZPOOL_SLABS_MAX)
        return false;
    if (!slab) {
        slab = zpool_alloc(TIP_ZPOOL_SLAB_BYTES);
        slab->pool = pool;
        pool->n_slabs++;
    }
    atomic_store_explicit(&slab->n_frames, ZPOOL_OPEN, memory_order_relaxed);
    pool->open = slab;
    pool->used = 0;
    pool->n_made = 0;
    return true;
}

bool tip_zpool_message(struct tip_zpool *pool, zmq_msg_t *msg, const void *bytes, size_t n)
{
    uint8_t *at;

    if (n > TIP_ZPOOL_FRAME_MAX || ((!pool->open || pool->used + n > ZPOOL_ROOM) && !zpool_open(pool)))
        return false;
    at = pool->open->bytes + pool->used;
    memcpy(at, bytes, n);
    pool->used += (n + ZPOOL_ALIGN - 1) / ZPOOL_ALIGN * ZPOOL_ALIGN;
    pool->n_made++;
    if (zmq_msg_init_data(msg, at, n, zpool_on_free, pool->open))
        abort(); /* no memory for forty bytes */
    return true;
}

void tip_zpool_message_apart(struct tip_zpool *pool, zmq_msg_t *msg, const void *bytes, size_t n)
{
    struct zpool_frame *frame = malloc(sizeof(*frame) + n);

    if (!frame)
        abort();
    frame->apart = pool->apart;
    frame->n_bytes = n;
    memcpy(frame->bytes, bytes, n);
    atomic_fetch_add_explicit(&pool->apart->n_bytes, n, memory_order_relaxed);
    atomic_fetch_add_explicit(&pool->apart->n_owners, 1, memory_order_relaxed);
    if (zmq_msg_init_data(msg, frame->bytes, n, zpool_on_free_apart, frame))
        abort(); /* no memory for forty bytes */
}

size_t tip_zpool_bytes(const struct tip_zpool *pool)
{
    return atomic_load_explicit(&pool->apart->n_bytes, memory_order_relaxed) +
           (pool->n_slabs - pool->n_spare) * TIP_ZPOOL_SLAB_BYTES;
}

void tip_zpool_trim(struct tip_zpool *pool)
{
    size_t n_idle = pool->n_spare_least;

    tip_zpool_collect(pool);
    for (size_t i = 0; i < n_idle; i++)
        free(zpool_take(pool));
    pool->n_slabs -= n_idle;
    pool->n_spare_least = pool->n_spare;
}

void tip_zpool_stats(const struct tip_zpool *pool, struct tip_zpool_stats *stats)
{
    *stats = (struct tip_zpool_stats){.n_slabs = pool->n_slabs, .n_spare = pool->n_spare};
}

void tip_zpool_destroy(struct tip_zpool **poolp)
{
    struct tip_zpool *pool = *poolp;
    struct zpool_slab *slab;
    size_t n_back = 1; /* the owner itself counts as one */

    *poolp = NULL;
    if (!pool)
        return;
    zpool_shut(pool);
    zpool_apart_release(pool->apart);
    atomic_store(&pool->n_left, pool->n_slabs + 1);
    slab = atomic_exchange(&pool->back, &zpool_end);
    for (; slab; n_back++) {
        struct zpool_slab *next = slab->next;

        free(slab);
        slab = next;
    }
    for (; (slab = zpool_take(pool)); n_back++)
        free(slab);
    zpool_left(pool, n_back);
}
