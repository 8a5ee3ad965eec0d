#pragma once
/* The inside of a bus client, shared by its files: one noun each. */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <tip/bus.h>
#include <tip/hash.h>
#include <tip/zsock.h>

#include "bus_codec.h"
#include "bus_session.h"
#include "outbox_bus.h"

enum {
    BUS_FLUSHES_MAX = 64,
    BUS_CALLS_MAX = 1024,
    BUS_TICK_MS = 250,
    BUS_DATA_EVENTS_MAX = 256,       /* a DATA frame */
    BUS_DATA_BYTES_MAX = 256 * 1024, /* of it, or one event */
    BUS_DATA_FRAMES_A_TURN = 16
};

struct bus_flush {
    uint64_t pub_seq; /* the last one that must be acked */
    void (*fn)(void *ctx);
    void *ctx;
};

/** Publishing: the session, its socket, and what hangs on acks. */
struct bus_publish {
    struct session session;
    struct tip_id journal_id; /* of the last WELCOME; zero before */
    struct tip_zsock *socket;
    struct tip_timer tick;
    struct tip_buf head, data;
    bool pump_waits;       /* deferred already */
    int64_t sweep_ms;      /* acked events are deleted then; 0: none are there */
    int64_t sweep_rest_ms; /* not before, since it failed */
    uint64_t last_refused;
    struct bus_flush flushes[BUS_FLUSHES_MAX];
    size_t n_flushes;
    void (*on_space)(void *ctx);
    void *on_space_ctx;
};

/** A call or a job that was put. */
struct bus_call {
    struct tip_id id;
    char *queue;
    uint8_t *body;
    size_t body_len;
    uint32_t lease_ms, max_attempts;
    int64_t deadline_ms; /* monotonic */
    int64_t next_ms;     /* to repeat it */
    int64_t repeat_ms;   /* the pause behind that */
    int64_t full_ms;     /* the pause behind the next FULL */
    tip_call_fn on_end;
    void *ctx;
    UT_hash_handle hh;
};

/** Calls of ours that are under way. */
struct bus_calls {
    struct tip_zsock *socket; /* made with the first call */
    struct tip_timer tick;
    struct tip_buf head;
    struct bus_call *calls; /* by id */
    int64_t ping_ms;        /* the next */
    bool is_cut;            /* the last one could not be sent */
};

struct tip_bus {
    struct tip_loop *loop;
    struct tip_outbox *outbox;
    const struct tip_keys *keys;
    char *name, *ingest, *feed, *fetch, *work;
    void (*on_fenced)(void *ctx);
    void *ctx;
    char why[160]; /* it is not up */
    struct bus_publish publish;
    struct bus_calls calls;
    struct tip_bus_stats stats;
};

/** A DEALER to an endpoint. `immediate`: nothing is queued while there is no connection. */
struct bus_dealer {
    const char *endpoint;
    bool immediate;
    void (*on_message)(void *ctx, const struct tip_zmsg *msg);
    void (*on_writable)(void *ctx);
    void *ctx;
};

tip_nodiscard int bus_dealer_open(struct tip_zsock **socketp, const struct tip_bus *bus,
                                  const struct bus_dealer *dealer);

/** Sends `head` as the only frame, or with `data` behind it. @return 0, TIP_ZSOCK_E_FULL, or negative errno */
tip_nodiscard int bus_send(struct tip_zsock *socket, const struct tip_buf *head, const struct tip_buf *data);

/** Sends what will be said again, or noticed when it is missing. */
void bus_say(struct tip_zsock *socket, const struct tip_buf *head);

/** Answers a Ping and counts garbage. True when the frame is for the caller, who then deinits it. */
bool bus_receive(struct tip_bus *bus, struct tip_zsock *socket, const struct tip_zmsg *msg, struct bus_frame *frame);

tip_nodiscard int bus_publish_init(struct tip_bus *bus);
void bus_publish_deinit(struct tip_bus *bus);
void bus_calls_init(struct tip_bus *bus);
void bus_calls_deinit(struct tip_bus *bus);
