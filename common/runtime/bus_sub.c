#include "bus_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <tip/alloc.h>
#include <tip/fail.h>
#include <tip/keys.h>
#include <tip/log.h>

struct tip_sub {
    struct tip_bus *bus;
    struct tip_zsock *socket;
    void (*on_record)(void *ctx, const struct tip_record *record);
    void *ctx;
};

static void sub_on_message(void *ctx, const struct tip_zmsg *msg)
{
    struct tip_sub *sub = ctx;
    struct tip_record record;

    if (msg->n_frames != 2 ||
        tip_record_read(msg->frames[1].data, msg->frames[1].len, &record.stamp, &record.event, &record.event_len)) {
        sub->bus->stats.malformed++;
        tip_warn("sub.malformed", "frames=%zu", msg->n_frames);
        return;
    }
    sub->on_record(sub->ctx, &record); /* may be the end of sub */
}

int tip_sub_open(struct tip_sub **subp, struct tip_bus *bus, const struct tip_sub_config *config)
{
    tip_auto(tip_sub_destroy) struct tip_sub *sub = NULL;
    struct tip_zsock_options options = {.type = ZMQ_SUB, .receive_hwm = 10000, .on_message = sub_on_message};
    int r;

    if (!bus->feed || !config->prefixes || !config->prefixes[0])
        return tip_fail(-EINVAL);
    sub = tip_new(struct tip_sub);
    sub->bus = bus;
    sub->on_record = config->on_record;
    sub->ctx = config->ctx;
    options.ctx = sub;
    options.keys = tip_keys_client(bus->keys, bus->feed);
    r = tip_zsock_open(&sub->socket, bus->loop, &options);
    for (size_t i = 0; !r && config->prefixes[i]; i++)
        r = tip_zsock_subscribe(sub->socket, config->prefixes[i], strlen(config->prefixes[i]));
    if (!r)
        r = tip_zsock_connect(sub->socket, bus->feed);
    if (r)
        return r;
    *subp = tip_take(sub);
    return 0;
}

void tip_sub_destroy(struct tip_sub **subp)
{
    struct tip_sub *sub = *subp;

    if (!sub)
        return;
    tip_zsock_destroy(&sub->socket);
    free(sub);
    *subp = NULL;
}
