#include "bus_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <tip/alloc.h>
#include <tip/fail.h>
#include <tip/keys.h>
#include <tip/log.h>

#include <topics.h>

/*
 * A connection that a middlebox forgot says nothing for ever, and a SUB has nothing to send that would find out, nor
 * heartbeats of ZMTP (zsock.c says why). But the broker's head comes each second, so silence is the sign.
 *
 * Looks are counted, not time: a process that was stopped, or slow, looks once and then reads what has waited.
 */
enum { SUB_SILENCE_MS = 10000, SUB_LOOKS = 10, SUB_LOOKS_MAX = 80 /* a broker that is away is not stormed */ };

struct tip_sub {
    struct tip_bus *bus;
    struct tip_zsock *socket;
    struct tip_timer look;
    unsigned n_silent; /* looks since anything came */
    unsigned patience; /* so many, then the socket is made anew */
    char **prefixes;   /* NULL-terminated */
    void (*on_record)(void *ctx, const struct tip_record *record);
    void *ctx;
};

/* The head is asked for in any case. */
static bool sub_is_wanted(const struct tip_sub *sub, const struct tip_zframe *topic)
{
    for (size_t i = 0; sub->prefixes[i]; i++) {
        size_t len = strlen(sub->prefixes[i]);

        if (len <= topic->len && memcmp(sub->prefixes[i], topic->data, len) == 0)
            return true;
    }
    return false;
}

static void sub_on_message(void *ctx, const struct tip_zmsg *msg)
{
    struct tip_sub *sub = ctx;
    struct tip_record record;

    sub->n_silent = 0;
    sub->patience = SUB_LOOKS;
    if (!sub_is_wanted(sub, &msg->frames[0]))
        return;
    if (msg->n_frames != 2 ||
        tip_record_read(msg->frames[1].data, msg->frames[1].len, &record.stamp, &record.event, &record.event_len)) {
        sub->bus->stats.malformed++;
        tip_warn("sub.malformed", "frames=%zu", msg->n_frames);
        return;
    }
    sub->on_record(sub->ctx, &record); /* may be the end of sub */
}

static int sub_connect(struct tip_sub *sub)
{
    tip_auto(tip_zsock_destroy) struct tip_zsock *socket = NULL;
    const struct tip_zsock_options options = {.type = ZMQ_SUB,
                                              .receive_hwm = 10000,
                                              .keys = tip_keys_client(sub->bus->keys, sub->bus->feed),
                                              .on_message = sub_on_message,
                                              .ctx = sub};
    int r;

    r = tip_zsock_open(&socket, sub->bus->loop, &options);
    if (!r)
        r = tip_zsock_subscribe(socket, TIP_TOPIC_BUS_HEAD, strlen(TIP_TOPIC_BUS_HEAD));
    for (size_t i = 0; !r && sub->prefixes[i]; i++)
        r = tip_zsock_subscribe(socket, sub->prefixes[i], strlen(sub->prefixes[i]));
    if (!r)
        r = tip_zsock_connect(socket, sub->bus->feed);
    if (r)
        return r;
    sub->socket = tip_take(socket);
    return 0;
}

static void sub_on_look(void *ctx)
{
    struct tip_sub *sub = ctx;

    if (++sub->n_silent < sub->patience)
        return;
    tip_warn("sub.silent", "endpoint=%s looks=%u", sub->bus->feed, sub->n_silent);
    sub->bus->stats.feeds_renewed++;
    sub->n_silent = 0;
    sub->patience = sub->patience * 2 < SUB_LOOKS_MAX ? sub->patience * 2 : SUB_LOOKS_MAX;
    tip_zsock_destroy(&sub->socket);
    (void)sub_connect(sub); /* told in the log; tried again after the next silence */
}

static void sub_keep_prefixes(struct tip_sub *sub, const char *const *prefixes)
{
    size_t n = 0;

    while (prefixes[n])
        n++;
    sub->prefixes = tip_new_array(n + 1, char *);
    for (size_t i = 0; i < n; i++)
        sub->prefixes[i] = tip_strdup(prefixes[i]);
}

int tip_sub_open(struct tip_sub **subp, struct tip_bus *bus, const struct tip_sub_config *config)
{
    tip_auto(tip_sub_destroy) struct tip_sub *sub = NULL;
    int r;

    if (!bus->feed || !config->prefixes || !config->prefixes[0])
        return tip_fail(-EINVAL);
    sub = tip_new(struct tip_sub);
    sub->bus = bus;
    sub->patience = SUB_LOOKS;
    sub->on_record = config->on_record;
    sub->ctx = config->ctx;
    sub_keep_prefixes(sub, config->prefixes);
    tip_timer_init(&sub->look, bus->loop, sub_on_look, sub);
    r = sub_connect(sub);
    if (r)
        return r;
    tip_timer_every(&sub->look, (config->silence_ms ? config->silence_ms : SUB_SILENCE_MS) / SUB_LOOKS);
    *subp = tip_take(sub);
    return 0;
}

void tip_sub_destroy(struct tip_sub **subp)
{
    struct tip_sub *sub = *subp;

    if (!sub)
        return;
    tip_timer_deinit(&sub->look);
    tip_zsock_destroy(&sub->socket);
    for (size_t i = 0; sub->prefixes[i]; i++)
        free(sub->prefixes[i]);
    free(sub->prefixes);
    free(sub);
    *subp = NULL;
}
