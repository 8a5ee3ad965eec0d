#include "io/feed.h"

#include <stdlib.h>
#include <string.h>

#include <tip/alloc.h>
#include <tip/fail.h>
#include <tip/log.h>
#include <tip/loop.h>
#include <tip/zpool.h>
#include <tip/zsock.h>

#include "core/backlog.h"
#include "core/prefixes.h"
#include "io/crowd.h"

enum {
    FEED_SUBSCRIPTION_BYTES_MAX = 1024, /* of a message from a subscriber: a topic, but CURVE's INITIATE needs more */
    FEED_RECEIVE_HWM = 1000,
    FEED_REOPEN_MS = 100,
    FEED_LOOK_BYTES = 64 << 10, /* of records, between two looks at what waits: each time would cost a twelfth */
    FEED_REOPEN_SHARES = 2      /* not before so large a part of what may wait has been let go */
};

struct feed_socket {
    struct feed *feed;
    struct tip_zsock *zsock;
    struct crowd *crowd;
    char *endpoint;
    uint8_t tlp_max;
    enum access_door door;
    bool asks; /* for a key */
    struct prefixes prefixes;
    struct tip_zpool *pool; /* of records */
    struct backlog backlog;
    uint64_t n_sent, n_overflows;
    struct tip_timer reopen; /* runs while the door is closed for a moment */
};

struct feed {
    struct tip_loop *loop;
    struct feed_options options;
    struct feed_socket doors[FEED_DOORS_MAX];
    size_t n_doors;
    struct backlog_level level;
    size_t unlooked;    /* bytes of records since what waits was looked at */
    int64_t base_bytes; /* of memory, before there was a subscriber */
};

static int feed_door_open(struct feed_socket *door);

/* What waits for subscribers at all doors. */
static int64_t feed_held_bytes(const struct feed *feed)
{
    size_t n = 0;

    for (size_t i = 0; i < feed->n_doors; i++)
        n += tip_zpool_bytes(feed->doors[i].pool);
    return (int64_t)n;
}

/* Slabs that have come back wait for nobody: near a bound they are looked for. */
static int64_t feed_held_exactly(const struct feed *feed)
{
    int64_t held = feed_held_bytes(feed);

    if (backlog_is_low(feed->options.bytes, held))
        return held;
    for (size_t i = 0; i < feed->n_doors; i++)
        tip_zpool_collect(feed->doors[i].pool);
    return feed_held_bytes(feed);
}

/* libzmq lets go of the address when it can, and of the records. */
static void feed_door_reopen(void *ctx)
{
    struct feed_socket *door = ctx;
    int64_t most = BACKLOG_SHARES * door->feed->options.bytes / FEED_REOPEN_SHARES;

    if ((int64_t)tip_zpool_bytes(door->pool) > most || feed_door_open(door))
        tip_timer_start(&door->reopen, FEED_REOPEN_MS);
}

static void feed_show(const struct feed *feed)
{
    int64_t n = 0;

    for (size_t i = 0; i < feed->n_doors; i++)
        n += (int64_t)prefixes_count(&feed->doors[i].prefixes);
    tip_metric_set(feed->options.meter->m[METER_FEED_SUBSCRIPTIONS], (double)n);
}

static void feed_door_close(struct feed_socket *door)
{
    crowd_destroy(&door->crowd);
    tip_zsock_destroy(&door->zsock);
}

/* Every subscriber loses its connection, and its prefixes; it connects anew by itself. */
static void feed_door_reset(struct feed_socket *door, const char *why)
{
    tip_warn("feed.reset", "endpoint=%s subscriptions=%zu why=%s", door->endpoint, prefixes_count(&door->prefixes),
             why);
    tip_metric_inc(door->feed->options.meter->m[METER_FEED_RESETS]);
    feed_door_close(door);
    prefixes_clear(&door->prefixes);
    feed_show(door->feed);
    tip_timer_start(&door->reopen, FEED_REOPEN_MS);
}

static void feed_malformed(const struct feed_socket *door)
{
    tip_metric_inc(door->feed->options.meter->refused[METER_FEED][METER_MALFORMED]);
}

static void feed_limit(struct feed_socket *door)
{
    feed_show(door->feed);
    if (!prefixes_are_too_many(&door->prefixes, (size_t)door->feed->options.subscriptions_max))
        return;
    tip_metric_inc(door->feed->options.meter->refused[METER_FEED][METER_LIMIT]);
    feed_door_reset(door, "too many prefixes");
}

static void feed_count(struct feed_socket *door, const struct tip_zframe *frame)
{
    const uint8_t *bytes = frame->data;

    if (frame->len == 0 || bytes[0] > 1)
        feed_malformed(door);
    else if (bytes[0])
        prefixes_add(&door->prefixes, bytes + 1, frame->len - 1);
    else
        prefixes_remove(&door->prefixes, bytes + 1, frame->len - 1);
}

/* Subscriptions are applied by libzmq, also those behind frames that are none; here they are counted. */
static void feed_on_message(void *ctx, const struct tip_zmsg *msg)
{
    struct feed_socket *door = ctx;

    for (size_t i = 0; i < msg->n_frames; i++)
        feed_count(door, &msg->frames[i]);
    feed_limit(door);
}

/* At its end there may have been a subscription, which we have not seen. */
static void feed_on_surplus(void *ctx)
{
    struct feed_socket *door = ctx;

    feed_malformed(door);
    prefixes_add_unseen(&door->prefixes, FEED_SUBSCRIPTION_BYTES_MAX);
    feed_limit(door);
}

static void feed_door_lossy(struct feed_socket *door, bool lossy)
{
    int no_drop = !lossy;

    (void)zmq_setsockopt(tip_zsock_raw(door->zsock), ZMQ_XPUB_NODROP, &no_drop, sizeof(no_drop)); /* an XPUB has it */
}

static int feed_guard(struct feed_socket *door)
{
    const struct crowd_options crowd = {
        .name = access_door_name(door->door),
        .message_bytes_max = FEED_SUBSCRIPTION_BYTES_MAX,
        .cut = door->feed->options.meter->cut[METER_FEED],
    };

    return crowd_open(&door->crowd, door->feed->loop, door->zsock, &crowd);
}

/* Of every subscription we hear, also of what others asked for: it tells the door's crowd that a message ended. */
static int feed_door_open(struct feed_socket *door)
{
    struct tip_zsock_keys keys;
    struct tip_zsock_options options = {
        .type = ZMQ_XPUB,
        .send_hwm = (int)door->backlog.hwm,
        .receive_hwm = FEED_RECEIVE_HWM,
        .frame_bytes_max = FEED_SUBSCRIPTION_BYTES_MAX,
        .pool = door->pool,
        .xpub_verbose = true,
        .on_message = feed_on_message,
        .on_surplus = feed_on_surplus,
        .ctx = door,
    };
    int r;

    if (door->asks) {
        keys = guard_server(&door->feed->options.guard, door->door);
        options.keys = &keys;
    }
    prefixes_clear(&door->prefixes);
    r = tip_zsock_open(&door->zsock, door->feed->loop, &options);
    if (r)
        return tip_fail(r);
    feed_door_lossy(door, false);
    r = feed_guard(door);
    if (!r)
        r = tip_zsock_bind(door->zsock, door->endpoint);
    if (r)
        feed_door_close(door);
    return r ? tip_fail(r) : 0;
}

static int feed_add(struct feed *feed, const struct feed_door *from)
{
    struct feed_socket *door = &feed->doors[feed->n_doors++];
    int r;

    door->feed = feed;
    door->endpoint = tip_strdup(from->endpoint);
    door->tlp_max = from->tlp_max;
    door->door = from->door;
    door->pool = tip_zpool_new();
    backlog_init(&door->backlog, feed->options.bytes);
    door->asks = guard_asks(&feed->options.guard, from->endpoint) && !from->is_public;
    tip_timer_init(&door->reopen, feed->loop, feed_door_reopen, door);
    r = feed_door_open(door);
    if (r)
        tip_error("bus.bind", "endpoint=%s error=%s", door->endpoint, strerror(-r));
    return r;
}

int feed_open(struct feed **feedp, struct tip_loop *loop, const struct feed_options *options)
{
    tip_auto(feed_destroy) struct feed *feed = tip_new(struct feed);
    int r = 0;

    feed->loop = loop;
    feed->options = *options;
    for (size_t i = 0; i < options->n_doors && i < FEED_DOORS_MAX && !r; i++)
        r = feed_add(feed, &options->doors[i]);
    if (r)
        return tip_fail(r);
    feed->base_bytes = crowd_memory_bytes();
    *feedp = tip_take(feed);
    return 0;
}

void feed_destroy(struct feed **feedp)
{
    struct feed *feed = *feedp;

    if (!feed)
        return;
    for (size_t i = 0; i < feed->n_doors; i++) {
        tip_timer_deinit(&feed->doors[i].reopen);
        feed_door_close(&feed->doors[i]);
        prefixes_clear(&feed->doors[i].prefixes);
        tip_zpool_destroy(&feed->doors[i].pool);
        free(feed->doors[i].endpoint);
    }
    free(feed);
    *feedp = NULL;
}

/* ---- what may wait ---- */

static void feed_door_judge(struct feed_socket *door)
{
    const struct backlog_facts facts = {
        .n_subscribers = crowd_count(door->crowd),
        .held_bytes = crowd_memory_bytes() - door->feed->base_bytes,
        .n_overflows = door->n_overflows,
        .now_ms = tip_loop_now_ms(),
    };
    enum backlog_act act = backlog_judge(&door->backlog, &facts);
    int hwm = (int)door->backlog.hwm;

    if (act == BACKLOG_RAISE)
        (void)zmq_setsockopt(tip_zsock_raw(door->zsock), ZMQ_SNDHWM, &hwm, sizeof(hwm)); /* every socket has it */
    else if (act == BACKLOG_REOPEN)
        feed_door_reset(door, "slow readers hold too much");
}

/* The door at which most waits; when that is closed already, libzmq is about to let go of it. */
static void feed_close_fullest(struct feed *feed)
{
    struct feed_socket *most = &feed->doors[0];

    for (size_t i = 1; i < feed->n_doors; i++) {
        if (tip_zpool_bytes(feed->doors[i].pool) > tip_zpool_bytes(most->pool))
            most = &feed->doors[i];
    }
    if (!most->zsock)
        return;
    backlog_shrink(&most->backlog, crowd_count(most->crowd), tip_loop_now_ms());
    feed_door_reset(most, "slow readers hold too much");
}

static void feed_note(struct feed *feed)
{
    for (size_t i = 0; i < feed->n_doors; i++) {
        if (feed->doors[i].zsock)
            crowd_note_given(feed->doors[i].crowd);
    }
}

static void feed_end_deaf(struct feed *feed)
{
    for (size_t i = 0; i < feed->n_doors; i++) {
        if (feed->doors[i].zsock)
            (void)crowd_end_deaf(feed->doors[i].crowd);
    }
}

/* What waits is known to the byte, and bounded as it is sent: at the speed of memory a second is too long. */
static void feed_bound(struct feed *feed, size_t n_bytes)
{
    feed->unlooked += n_bytes;
    if (feed->unlooked < FEED_LOOK_BYTES)
        return;
    feed->unlooked = 0;
    switch (backlog_level_step(&feed->level, feed->options.bytes, feed_held_exactly(feed), tip_loop_now_ms())) {
    case BACKLOG_GO_ON:
        return;
    case BACKLOG_NOTE:
        feed_note(feed);
        return;
    case BACKLOG_END_DEAF:
        feed_end_deaf(feed);
        return;
    case BACKLOG_CLOSE:
        feed_close_fullest(feed);
    }
}

/* First without loss; if a subscriber's queue is full, with loss for that one, and the loss is counted. */
void feed_send_to(struct feed *feed, size_t at, const struct feed_record *record)
{
    struct feed_socket *door = &feed->doors[at];
    const struct tip_zframe frames[2] = {{record->topic, record->topic_len}, {record->bytes, record->len}};
    int r;

    if (door->prefixes.n_asked == 0)
        return; /* nobody ever listened, or the door is being opened again: nothing is copied for it */
    backlog_sent(&door->backlog, record->len, crowd_count(door->crowd));
    r = tip_zsock_send(door->zsock, frames, 2);
    if (r == TIP_ZSOCK_E_FULL) {
        tip_metric_inc(feed->options.meter->m[METER_FEED_DROPPED]);
        door->n_overflows++;
        feed_door_lossy(door, true);
        r = tip_zsock_send(door->zsock, frames, 2);
        feed_door_lossy(door, false);
    }
    if (r == 0)
        door->n_sent++;
    feed_bound(feed, record->len);
    if (door->zsock && backlog_is_due(&door->backlog))
        feed_door_judge(door);
}

void feed_send(struct feed *feed, const struct feed_record *record)
{
    for (size_t i = 0; i < feed->n_doors; i++) {
        if (record->tlp <= feed->doors[i].tlp_max)
            feed_send_to(feed, i, record);
    }
}

void feed_revoke(struct feed *feed, unsigned doors)
{
    for (size_t i = 0; i < feed->n_doors; i++) {
        struct feed_socket *door = &feed->doors[i];

        if (door->asks && (doors >> door->door & 1) && door->zsock)
            feed_door_reset(door, "a key was revoked");
    }
}

void feed_tick(struct feed *feed)
{
    for (size_t i = 0; i < feed->n_doors; i++) {
        tip_zpool_trim(feed->doors[i].pool);
        if (feed->doors[i].zsock)
            feed_door_judge(&feed->doors[i]);
    }
}

void feed_tell(const struct feed *feed)
{
    uint64_t n_sent = 0;

    for (size_t i = 0; i < feed->n_doors; i++)
        n_sent += feed->doors[i].n_sent;
    tip_metric_set(feed->options.meter->m[METER_FEED_SENT], (double)n_sent);
    tip_metric_set(feed->options.meter->m[METER_FEED_HELD], (double)feed_held_bytes(feed));
}

size_t feed_n_doors(const struct feed *feed)
{
    return feed->n_doors;
}

uint8_t feed_tlp_max(const struct feed *feed, size_t door)
{
    return feed->doors[door].tlp_max;
}

void feed_view(const struct feed *feed, size_t door, struct feed_view *view)
{
    const struct feed_socket *at = &feed->doors[door];

    *view = (struct feed_view){at->endpoint, at->tlp_max, (int64_t)prefixes_count(&at->prefixes), at->n_sent,
                               at->n_overflows};
}
