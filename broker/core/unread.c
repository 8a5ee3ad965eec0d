#include "core/unread.h"

#include <stdatomic.h>
#include <stdlib.h>

#include <tip/alloc.h>

struct unread_batch {
    struct broker_peer peer;
    size_t n_bytes;
    atomic_int n_owners; /* the list and libzmq; the last one frees */
};

static void unread_release(struct unread_batch *batch)
{
    if (atomic_fetch_sub(&batch->n_owners, 1) == 1)
        free(batch);
}

void unread_deinit(struct unread *unread)
{
    for (size_t i = 0; i < unread->n; i++)
        unread_release(unread->items[i]);
    free(unread->items);
    *unread = (struct unread){0};
}

void *unread_add(struct unread *unread, const struct broker_peer *peer, size_t n_bytes)
{
    struct unread_batch *batch = tip_new(struct unread_batch);

    batch->peer = *peer;
    batch->n_bytes = n_bytes;
    atomic_init(&batch->n_owners, 2);
    unread->items = tip_realloc(unread->items, unread->n + 1, sizeof(struct unread_batch *));
    unread->items[unread->n++] = batch;
    unread->bytes += n_bytes;
    return batch;
}

void unread_left(void *data, void *hint)
{
    free(data);
    unread_release(hint);
}

void unread_sweep(struct unread *unread)
{
    size_t n = 0;

    for (size_t i = 0; i < unread->n; i++) {
        struct unread_batch *batch = unread->items[i];

        if (atomic_load(&batch->n_owners) == 2) {
            unread->items[n++] = batch;
            continue;
        }
        unread->bytes -= batch->n_bytes;
        unread_release(batch);
    }
    unread->n = n;
}

bool unread_has(const struct unread *unread, const struct broker_peer *peer)
{
    for (size_t i = 0; i < unread->n; i++) {
        if (broker_peer_equal(&unread->items[i]->peer, peer))
            return true;
    }
    return false;
}
