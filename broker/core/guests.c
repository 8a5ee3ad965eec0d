#include "core/guests.h"

#include <stdlib.h>

#include <tip/alloc.h>

void guests_deinit(struct guests *guests)
{
    free(guests->items);
    *guests = (struct guests){0};
}

bool guests_enter(struct guests *guests, const struct broker_peer *peer)
{
    size_t n_own = 0;

    if (access_is_internal(peer->key))
        return true;
    for (size_t i = 0; i < guests->n; i++) {
        if (broker_peer_equal(&guests->items[i], peer))
            return true;
        n_own += guests->items[i].key == peer->key;
    }
    if (n_own >= GUESTS_MAX)
        return false;
    guests->items = tip_realloc(guests->items, guests->n + 1, sizeof(*guests->items));
    guests->items[guests->n++] = *peer;
    return true;
}

void guests_sweep(struct guests *guests, const struct access_key *key,
                  bool (*is_gone)(void *ctx, const struct broker_peer *peer), void *ctx)
{
    size_t n = 0;

    for (size_t i = 0; i < guests->n; i++) {
        const struct broker_peer *guest = &guests->items[i];

        if (guest->key->revoked || (guest->key == key && is_gone(ctx, guest)))
            continue;
        guests->items[n++] = *guest;
    }
    guests->n = n;
}
