#pragma once
/* What a door needs to know who comes in: the broker's own keys and everybody's rights. */
#include <tip/keys.h>

#include "core/access.h"

struct guard {
    const struct tip_keys *keys; /* NULL: peers are local and may everything */
    const struct access_table *access;
};

/** Whether a door asks for a key. */
static inline bool guard_asks(const struct guard *guard, const char *endpoint)
{
    return guard->keys && tip_keys_endpoint(endpoint);
}

static inline struct tip_zsock_keys guard_server(const struct guard *guard, enum access_door door)
{
    return (struct tip_zsock_keys){
        .public_key = guard->keys->public_key, .secret_key = guard->keys->secret_key, .domain = access_door_name(door)};
}
