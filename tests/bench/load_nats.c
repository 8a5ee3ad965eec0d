/*
 * Through JetStream of nats-server: js_PublishAsync into a file stream with at most -f events not acked, and a push
 * consumer without acks for each subscriber. nats-server acks when it has handed an event to the kernel; it flushes by
 * a timer.
 *
 *     load_nats [options] URL
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <nats/nats.h>

#include "load.h"

enum { NATS_NAME_BYTES = 64, NATS_WAIT_MS = 20 };

struct nats {
    natsConnection *connection;
    jsCtx *stream;
    char name[NATS_NAME_BYTES], subject[NATS_NAME_BYTES];
};

static void nats_need(natsStatus status, const char *what)
{
    if (status != NATS_OK)
        load_die(what, natsStatus_GetText(status));
}

static void nats_open(struct nats *nats, const struct load *load)
{
    jsOptions options;

    jsOptions_Init(&options);
    options.PublishAsync.MaxPending = load->batch;
    nats_need(natsConnection_ConnectTo(&nats->connection, load->where[0]), load->where[0]);
    nats_need(natsConnection_JetStream(&nats->stream, nats->connection, &options), "JetStream");
    snprintf(nats->name, sizeof(nats->name), "bench-%ld", load->run);
    snprintf(nats->subject, sizeof(nats->subject), "bench.%ld.x", load->run);
}

/* The publisher makes the stream; until then there is nothing to subscribe to. */
static natsSubscription *nats_subscription(struct nats *nats)
{
    natsSubscription *subscription = NULL;
    jsSubOptions options;
    natsStatus status = NATS_ERR;

    jsSubOptions_Init(&options);
    options.Config.AckPolicy = js_AckNone;
    options.Config.DeliverPolicy = js_DeliverAll;
    for (int ms = 0; status != NATS_OK && ms < LOAD_PATIENCE_MS; ms += NATS_WAIT_MS) {
        status = js_SubscribeSync(&subscription, nats->stream, nats->subject, NULL, &options, NULL);
        if (status != NATS_OK)
            usleep(NATS_WAIT_MS * 1000);
    }
    nats_need(status, "js_SubscribeSync");
    nats_need(natsSubscription_SetPendingLimits(subscription, -1, -1), "limits");
    return subscription;
}

static void nats_subscribe(const struct load *load, unsigned i)
{
    struct nats nats;
    natsSubscription *subscription;
    natsMsg *msg;
    bool more = true;

    nats_open(&nats, load);
    subscription = nats_subscription(&nats);
    load_ready(i);
    while (more) {
        nats_need(natsSubscription_NextMsg(&msg, subscription, LOAD_PATIENCE_MS), "a subscriber");
        more = load_seen(load, i, natsMsg_GetData(msg));
        natsMsg_Destroy(msg);
    }
}

static void nats_make_stream(struct nats *nats)
{
    const char *subjects[] = {nats->subject};
    jsStreamConfig config;

    jsStreamConfig_Init(&config);
    config.Name = nats->name;
    config.Subjects = subjects;
    config.SubjectsLen = 1;
    config.Storage = js_FileStorage;
    nats_need(js_AddStream(NULL, nats->stream, &config, NULL, NULL), "js_AddStream");
}

static void nats_publish(const struct load *load)
{
    struct nats nats;
    char *event = calloc(1, load->bytes);

    nats_open(&nats, load);
    nats_make_stream(&nats);
    load_wait_ready(NULL, NULL);
    for (uint64_t sent = 0; sent < load->n; sent++) {
        load_wait_turn(load, sent);
        load_stamp(load, event);
        nats_need(js_PublishAsync(nats.stream, nats.subject, event, (int)load->bytes, NULL), "js_PublishAsync");
    }
    nats_need(js_PublishAsyncComplete(nats.stream, NULL), "acks");
    load_wait_received(load);
    nats_need(js_DeleteStream(nats.stream, nats.name, NULL, NULL), "js_DeleteStream");
}

int main(int argc, char **argv)
{
    static const struct load_system system = {
        .usage = " URL", .n_where = 1, .subscribe = nats_subscribe, .publish = nats_publish};

    return load_main(argc, argv, &system);
}
