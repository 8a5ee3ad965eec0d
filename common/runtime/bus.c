#include "bus_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include <tip/alloc.h>
#include <tip/fail.h>
#include <tip/keys.h>
#include <tip/log.h>
#include <tip/uuid.h>

int tip_bus_open(struct tip_bus **busp, struct tip_loop *loop, const struct tip_bus_config *config)
{
    tip_auto(tip_bus_destroy) struct tip_bus *bus = tip_new(struct tip_bus);
    int r;

    bus->loop = loop;
    bus->outbox = config->outbox;
    bus->keys = config->keys;
    bus->name = tip_strdup(config->name);
    bus->ingest = tip_strdup(config->ingest);
    bus->feed = tip_strdup(config->feed);
    bus->fetch = tip_strdup(config->fetch);
    bus->work = tip_strdup(config->work);
    bus->on_fenced = config->on_fenced;
    bus->ctx = config->ctx;
    if (sodium_init() == -1)
        return tip_fail(-EIO);
    bus_calls_init(bus);
    r = bus_publish_init(bus);
    if (r)
        return r;
    *busp = tip_take(bus);
    return 0;
}

void tip_bus_destroy(struct tip_bus **busp)
{
    struct tip_bus *bus = *busp;

    if (!bus)
        return;
    bus_publish_deinit(bus);
    bus_calls_deinit(bus);
    free(bus->name);
    free(bus->ingest);
    free(bus->feed);
    free(bus->fetch);
    free(bus->work);
    free(bus);
    *busp = NULL;
}

const struct tip_bus_stats *tip_bus_stats(const struct tip_bus *bus)
{
    return &bus->stats;
}

static int bus_set_immediate(struct tip_zsock *socket)
{
    int yes = 1;

    if (zmq_setsockopt(tip_zsock_raw(socket), ZMQ_IMMEDIATE, &yes, sizeof(yes)) == -1)
        return tip_fail(-errno);
    return 0;
}

int bus_dealer_open(struct tip_zsock **socketp, const struct tip_bus *bus, const struct bus_dealer *dealer)
{
    tip_auto(tip_zsock_destroy) struct tip_zsock *socket = NULL;
    struct tip_zsock_options options = {.type = ZMQ_DEALER,
                                        .send_hwm = 2 * SESSION_FRAMES_MAX,
                                        .frame_bytes_max = 8 << 20,
                                        .keys = tip_keys_client(bus->keys, dealer->endpoint),
                                        .on_message = dealer->on_message,
                                        .on_writable = dealer->on_writable,
                                        .ctx = dealer->ctx};
    int r;

    r = tip_zsock_open(&socket, bus->loop, &options);
    if (!r && dealer->immediate)
        r = bus_set_immediate(socket);
    if (!r)
        r = tip_zsock_connect(socket, dealer->endpoint);
    if (r)
        return r;
    *socketp = tip_take(socket);
    return 0;
}

int bus_send(struct tip_zsock *socket, const struct tip_buf *head, const struct tip_buf *data)
{
    struct tip_zframe frames[2] = {{.data = head->data, .len = head->len}};

    if (data)
        frames[1] = (struct tip_zframe){.data = data->data, .len = data->len};
    return tip_zsock_send(socket, frames, data ? 2 : 1);
}

void bus_say(struct tip_zsock *socket, const struct tip_buf *head)
{
    int r = bus_send(socket, head, NULL);

    if (r)
        tip_debug("bus.unsaid", "error=%s", r < 0 ? strerror(-r) : "not connected");
}

static void bus_answer_ping(struct tip_zsock *socket, uint64_t nonce)
{
    tip_auto(tip_buf_deinit) struct tip_buf head = {0};

    tip_buf_init(&head, BUS_FRAME_HEAD_MAX);
    if (!bus_write_pong(&head, nonce))
        bus_say(socket, &head);
}

bool bus_receive(struct tip_bus *bus, struct tip_zsock *socket, const struct tip_zmsg *msg, struct bus_frame *frame)
{
    if (bus_frame_read(frame, msg->frames[0].data, msg->frames[0].len)) {
        bus->stats.malformed++;
        tip_warn("bus.malformed", "bytes=%zu", msg->frames[0].len);
        return false;
    }
    if (frame->kind != BUS_FRAME_PING)
        return true;
    bus_answer_ping(socket, frame->nonce);
    bus_frame_deinit(frame);
    return false;
}

struct tip_id tip_id_random(void)
{
    struct tip_id id;

    randombytes_buf(id.bytes, sizeof(id.bytes));
    return id;
}

/* Never goes back within a process, so one generator for all; the loop is where wall time comes from. */
struct tip_id tip_id_new(struct tip_loop *loop)
{
    static struct tip_uuid_gen gen;
    struct tip_uuid uuid;
    struct tip_id id;
    uint8_t random[10];

    (void)loop;
    randombytes_buf(random, sizeof(random));
    uuid = tip_uuid_gen_next(&gen, tip_loop_wall_ms(), random);
    memcpy(id.bytes, uuid.bytes, sizeof(id.bytes));
    return id;
}
