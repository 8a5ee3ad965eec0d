#include <tip/service_bus.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <tip/admin.h>
#include <tip/alloc.h>
#include <tip/keys.h>
#include <tip/log.h>
#include <tip/metrics.h>
#include <tip/utf8.h>

#include <topics.h>

enum { SERVICE_BUS_TICK_MS = 1000, SERVICE_BUS_BEAT_TICKS = 2, SERVICE_BUS_DRAIN_MS = 2000 };

enum {
    M_UP,
    M_OUTBOX_EVENTS,
    M_OUTBOX_BYTES,
    M_ACKED,
    M_REFUSED,
    M_CONNECTS,
    M_LIVE,
    M_LIVE_DROPPED,
    M_CALLS,
    M_CALLS_FAILED,
    M_JOBS,
    M_JOBS_FAILED,
    M_JOBS_LOST,
    M_FEEDS_RENEWED,
    M_MALFORMED,
    M_COUNT,
};

static const struct tip_metric_row service_bus_rows[M_COUNT] = {
    [M_UP] = {TIP_METRIC_GAUGE, "tip_bus_up", "", "1 while the broker answers."},
    [M_OUTBOX_EVENTS] = {TIP_METRIC_GAUGE, "tip_outbox_events", "", "Events not yet acked by the broker."},
    [M_OUTBOX_BYTES] = {TIP_METRIC_GAUGE, "tip_outbox_bytes", "", "What they take."},
    [M_ACKED] = {TIP_METRIC_COUNTER, "tip_bus_acked_total", "", "Events the broker has made durable."},
    [M_REFUSED] = {TIP_METRIC_COUNTER, "tip_bus_refused_total", "", "Events the broker refused for good."},
    [M_CONNECTS] = {TIP_METRIC_COUNTER, "tip_bus_connects_total", "", "Sessions begun with the broker."},
    [M_LIVE] = {TIP_METRIC_COUNTER, "tip_bus_live_total", "", "Live events sent."},
    [M_LIVE_DROPPED] = {TIP_METRIC_COUNTER, "tip_bus_live_dropped_total", "",
                        "Live events dropped while the broker was away."},
    [M_CALLS] = {TIP_METRIC_COUNTER, "tip_bus_calls_total", "", "Calls made."},
    [M_CALLS_FAILED] = {TIP_METRIC_COUNTER, "tip_bus_calls_failed_total", "", "Calls that ended without a result."},
    [M_JOBS] = {TIP_METRIC_COUNTER, "tip_bus_jobs_total", "", "Calls taken from others."},
    [M_JOBS_FAILED] = {TIP_METRIC_COUNTER, "tip_bus_jobs_failed_total", "", "Calls answered with a failure."},
    [M_JOBS_LOST] = {TIP_METRIC_COUNTER, "tip_bus_jobs_lost_total", "",
                     "Calls and jobs that were not ours any more before they ended."},
    [M_FEEDS_RENEWED] = {TIP_METRIC_COUNTER, "tip_bus_feeds_renewed_total", "",
                         "Connections to the feed given up because nothing came, not even the broker's head."},
    [M_MALFORMED] = {TIP_METRIC_COUNTER, "tip_bus_malformed_total", "", "Messages that could not be read."},
};

struct tip_service_bus {
    struct tip_service *service;
    struct tip_outbox *outbox;
    struct tip_keys *keys;
    struct tip_bus *bus;
    struct tip_timer tick, drain;
    struct tip_metric *m[M_COUNT];
    int64_t started_ms;
    unsigned n_ticks;
    char name[TIP_NAME_MAX + 1]; /* the publisher */
    char detail[256];
};

/* ---- what it says of itself ---- */

static void service_bus_event(struct tip_service_bus *place, enum tip_event_kind kind, struct tip_event *event)
{
    struct tip_service *service = place->service;

    *event = (struct tip_event){.id = tip_id_new(tip_service_loop(service)), .kind = kind};
    event->observed_unix_ms = tip_loop_wall_ms();
    event->system_state = (struct tip_system_state){
        .service = tip_service_name(service),
        .version = TIP_VERSION,
        .instance = place->name,
        .detail = place->detail,
        .pid = (uint64_t)getpid(),
        .uptime_ms = (uint64_t)(tip_loop_now_ms() - place->started_ms),
        .rss_bytes = tip_service_memory_bytes(),
        .outbox_events = tip_outbox_n_waiting(place->outbox),
        .ready = tip_admin_is_ready(tip_service_admin(service)),
        .insecure = tip_bus_options_insecure(tip_service_bus_options(service)),
        .simulated = tip_service_is_simulated(service),
    };
}

static int service_bus_publish_in(struct tip_service_bus *place, const char *prefix, enum tip_event_kind kind)
{
    tip_auto(tip_outbox_abort) struct tip_outbox_txn *txn = NULL;
    char topic[TIP_TOPIC_MAX + 1];
    struct tip_event event;
    int r;

    service_bus_event(place, kind, &event);
    r = tip_topic(topic, prefix, tip_service_name(place->service));
    if (!r)
        r = tip_outbox_begin(place->outbox, &txn);
    if (!r)
        r = tip_outbox_publish(txn, topic, TIP_TLP_AMBER, &event, NULL);
    if (!r)
        r = tip_outbox_commit(&txn);
    return r;
}

static void service_bus_publish(struct tip_service_bus *place, const char *prefix, enum tip_event_kind kind)
{
    int r = service_bus_publish_in(place, prefix, kind);

    if (r)
        tip_warn("system.unsaid", "kind=%s error=%s", tip_event_kind_name(kind), strerror(-r));
}

static void service_bus_beat(struct tip_service_bus *place)
{
    char topic[TIP_TOPIC_MAX + 1];
    struct tip_event event;
    int r;

    service_bus_event(place, TIP_EVENT_SYSTEM_HEARTBEAT, &event);
    r = tip_topic(topic, TIP_TOPIC_SYSTEM_HEARTBEAT, tip_service_name(place->service));
    if (!r)
        r = tip_bus_live(place->bus, topic, TIP_TLP_AMBER, &event);
    if (r)
        tip_warn("system.unsaid", "kind=%s error=%s", "system.heartbeat", strerror(-r));
}

static void service_bus_show_ready(struct tip_service_bus *place)
{
    const char *why;
    bool is_up = tip_bus_is_up(place->bus, &why);

    tip_admin_ready(tip_service_admin(place->service), "bus", is_up, "%s", is_up ? "up" : why);
}

static void service_bus_on_tick(void *ctx)
{
    struct tip_service_bus *place = ctx;

    service_bus_show_ready(place);
    if (place->n_ticks++ % SERVICE_BUS_BEAT_TICKS == 0)
        service_bus_beat(place);
}

static void service_bus_on_ready(void *ctx)
{
    service_bus_publish(ctx, TIP_TOPIC_SYSTEM_HELLO, TIP_EVENT_SYSTEM_HELLO);
}

static void service_bus_on_stop(void *ctx)
{
    service_bus_publish(ctx, TIP_TOPIC_SYSTEM_GOODBYE, TIP_EVENT_SYSTEM_GOODBYE);
}

static void service_bus_on_metrics(void *ctx)
{
    struct tip_service_bus *place = ctx;
    const struct tip_bus_stats *stats = tip_bus_stats(place->bus);
    const double values[M_COUNT] = {
        [M_UP] = tip_bus_is_up(place->bus, NULL),
        [M_OUTBOX_EVENTS] = (double)tip_outbox_n_waiting(place->outbox),
        [M_OUTBOX_BYTES] = (double)tip_outbox_bytes_waiting(place->outbox),
        [M_ACKED] = (double)stats->acked,
        [M_REFUSED] = (double)stats->refused,
        [M_CONNECTS] = (double)stats->connects,
        [M_LIVE] = (double)stats->live,
        [M_LIVE_DROPPED] = (double)stats->live_dropped,
        [M_CALLS] = (double)stats->calls,
        [M_CALLS_FAILED] = (double)stats->calls_failed,
        [M_JOBS] = (double)stats->jobs,
        [M_JOBS_FAILED] = (double)stats->jobs_failed,
        [M_JOBS_LOST] = (double)stats->jobs_lost,
        [M_FEEDS_RENEWED] = (double)stats->feeds_renewed,
        [M_MALFORMED] = (double)stats->malformed,
    };

    for (size_t i = 0; i < M_COUNT; i++)
        tip_metric_set(place->m[i], values[i]);
}

/* ---- open, drain, end ---- */

static void service_bus_on_fenced(void *ctx)
{
    struct tip_service_bus *place = ctx;

    tip_service_fail(place->service, "another process publishes as %s", place->name);
}

static int service_bus_open_outbox(struct tip_service_bus *place)
{
    char dir[4096];
    struct tip_outbox_config config = {.dir = dir,
                                       .map_bytes = (size_t)tip_service_bus_options(place->service)->outbox_bytes,
                                       .wall_unix_us = tip_loop_wall_us()};
    int r;

    (void)snprintf(dir, sizeof(dir), "%s/outbox", tip_service_data_dir(place->service)); /* a cut path does not open */
    r = tip_outbox_open(&place->outbox, &config);
    if (r)
        tip_error("service.refused", "why=%s dir=%s error=%s", "cannot open the outbox", dir, strerror(-r));
    return r;
}

static void service_bus_name(struct tip_service_bus *place, bool is_instance)
{
    const uint8_t *stream = tip_outbox_stream(place->outbox)->bytes;
    const char *service = tip_service_name(place->service);

    if (is_instance)
        (void)snprintf(place->name, sizeof(place->name), "%.48s.%02x%02x%02x%02x", service, stream[0], stream[1],
                       stream[2], stream[3]);
    else
        (void)snprintf(place->name, sizeof(place->name), "%s", service);
}

static int service_bus_open_keys(struct tip_service_bus *place)
{
    const char *dir = tip_service_bus_options(place->service)->keys;
    const char *name = tip_service_name(place->service);
    int r;

    if (!dir)
        return 0;
    r = tip_keys_open(&place->keys, dir, name);
    if (!r)
        return 0;
    tip_error("service.refused", "why=%s name=%s keys=%s", tip_keys_why(r), name, dir);
    return -EACCES;
}

static int service_bus_open_bus(struct tip_service_bus *place)
{
    const struct tip_bus_options *options = tip_service_bus_options(place->service);
    const struct tip_bus_config config = {
        .name = place->name,
        .ingest = options->ingest,
        .feed = options->feed,
        .fetch = options->fetch,
        .work = options->work,
        .keys = place->keys,
        .outbox = place->outbox,
        .on_fenced = service_bus_on_fenced,
        .ctx = place,
    };
    int r;

    r = tip_bus_open(&place->bus, tip_service_loop(place->service), &config);
    if (r)
        tip_error("service.refused", "why=%s error=%s", "cannot open the bus", strerror(-r));
    return r;
}

static void service_bus_on_drain_late(void *ctx)
{
    struct tip_service_bus *place = ctx;

    tip_warn("bus.undrained", "events=%llu", (unsigned long long)tip_outbox_n_waiting(place->outbox));
    tip_service_stopped(place->service);
}

static int service_bus_open(struct tip_service_bus **placep, struct tip_service *service, bool is_instance)
{
    tip_auto(tip_service_bus_destroy) struct tip_service_bus *place = tip_new(struct tip_service_bus);
    int r;

    place->service = service;
    place->started_ms = tip_loop_now_ms();
    tip_timer_init(&place->tick, tip_service_loop(service), service_bus_on_tick, place);
    tip_timer_init(&place->drain, tip_service_loop(service), service_bus_on_drain_late, place);
    r = service_bus_open_outbox(place);
    if (r)
        return r;
    service_bus_name(place, is_instance);
    r = service_bus_open_keys(place);
    if (r)
        return r;
    r = service_bus_open_bus(place);
    if (r)
        return r;
    tip_metrics_add(tip_service_metrics(service), service_bus_rows, M_COUNT, place->m);
    tip_metrics_on_read(tip_service_metrics(service), service_bus_on_metrics, place);
    tip_service_on_ready(service, service_bus_on_ready, place);
    tip_service_on_stop(service, service_bus_on_stop, place);
    service_bus_show_ready(place);
    tip_timer_every(&place->tick, SERVICE_BUS_TICK_MS);
    *placep = tip_take(place);
    return 0;
}

int tip_service_bus_open(struct tip_service_bus **placep, struct tip_service *service)
{
    return service_bus_open(placep, service, false);
}

int tip_service_bus_open_instance(struct tip_service_bus **placep, struct tip_service *service)
{
    return service_bus_open(placep, service, true);
}

void tip_service_bus_destroy(struct tip_service_bus **placep)
{
    struct tip_service_bus *place = *placep;

    if (!place)
        return;
    tip_metrics_on_read_cancel(tip_service_metrics(place->service), place);
    tip_timer_deinit(&place->tick);
    tip_timer_deinit(&place->drain);
    tip_bus_destroy(&place->bus);
    tip_outbox_destroy(&place->outbox);
    tip_keys_destroy(&place->keys);
    free(place);
    *placep = NULL;
}

struct tip_bus *tip_service_bus_bus(struct tip_service_bus *place)
{
    return place->bus;
}

struct tip_outbox *tip_service_bus_outbox(struct tip_service_bus *place)
{
    return place->outbox;
}

static void service_bus_on_flushed(void *ctx)
{
    struct tip_service_bus *place = ctx;

    tip_service_stopped(place->service);
}

void tip_service_bus_drain(struct tip_service_bus *place)
{
    if (tip_bus_flush(place->bus, service_bus_on_flushed, place))
        tip_service_stopped(place->service);
    else
        tip_timer_start(&place->drain, SERVICE_BUS_DRAIN_MS);
}

void tip_service_bus_detail(struct tip_service_bus *place, const char *detail)
{
    (void)tip_utf8_copy(place->detail, sizeof(place->detail), detail, strlen(detail)); /* cut at its room */
}
