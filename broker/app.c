#include "app.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <sodium.h>
#include <topics.h>

#include <tip/admin.h>
#include <tip/alloc.h>
#include <tip/event.h>
#include <tip/fail.h>
#include <tip/log.h>
#include <tip/uuid.h>

#include "alarms.h"
#include "codec.h"
#include "io/calls.h"
#include "io/feed.h"
#include "io/fetch.h"
#include "io/ingest.h"
#include "io/view.h"
#include "io/zap.h"
#include "journal.h"
#include "keymap.h"
#include "meter.h"
#include "options.h"

enum {
    APP_TICK_MS = 1000,
    APP_GROUP_BYTES = 4 << 20,
    APP_FAREWELL_MS = 50,
    APP_FILES_MAX = 65536, /* connections, and some 40 of its own */
    APP_FILES_FEW = 4096
};

struct app {
    struct tip_service *service;
    struct meter meter;
    struct alarms alarms;
    struct tip_keys *keys; /* NULL: a site without */
    struct access_table access;
    struct zap *zap;
    struct journal *journal;
    struct feed *feed;
    struct ingest *ingest;
    struct fetch *fetch;
    struct calls *calls;
    struct view *view;
    struct tip_watch flushed;
    struct tip_timer tick;
    struct tip_timer farewell;
    struct tip_buf event; /* scratch */
    struct tip_uuid_gen ids;
    uint8_t record[TIP_EVENT_BYTES_MAX + 1024];
    bool stopping;
};

/* ---- what the broker itself says: live only, on every door ---- */

/* A record without a place in the journal. */
static void app_live(struct app *app, const struct codec_stamp *stamp, const uint8_t *event, uint32_t event_len,
                     struct feed_record *out)
{
    struct codec_record record = codec_record_put(app->record, stamp, event, event_len);

    *out = (struct feed_record){.topic = stamp->topic,
                                .topic_len = stamp->topic_len,
                                .tlp = stamp->tlp,
                                .bytes = app->record,
                                .len = record.len};
}

static struct codec_stamp app_live_stamp(const struct app *app, const char *publisher, const char *topic,
                                         size_t topic_len)
{
    return (struct codec_stamp){
        .journal_id = journal_id(app->journal),
        .commit_us = tip_loop_wall_us(),
        .publisher = publisher,
        .topic = topic,
        .topic_len = (uint8_t)topic_len,
        .tlp = TIP_TLP_CLEAR,
    };
}

static void app_on_live(void *ctx, const char *publisher, const char *topic, size_t topic_len, uint8_t tlp,
                        const uint8_t *event, uint32_t event_len)
{
    struct app *app = ctx;
    struct codec_stamp stamp = app_live_stamp(app, publisher, topic, topic_len);
    struct feed_record record;

    stamp.tlp = tlp;
    app_live(app, &stamp, event, event_len, &record);
    feed_send(app->feed, &record);
}

static bool app_encode(struct app *app, struct tip_event *event)
{
    struct tip_uuid id;
    uint8_t random[10];

    randombytes_buf(random, sizeof(random));
    id = tip_uuid_gen_next(&app->ids, tip_loop_wall_ms(), random);
    memcpy(event->id.bytes, id.bytes, sizeof(event->id.bytes));
    event->kind_name = "";
    event->observed_unix_ms = tip_loop_wall_ms();
    tip_buf_clear(&app->event);
    return tip_event_encode(event, &app->event) == 0;
}

/* The counters that a door may see. */
static void app_head(struct app *app, size_t door)
{
    const struct journal_table *table = journal_tablep(app->journal);
    tip_auto(tip_free) struct tip_class_head *classes = tip_new_array(table->n_counters, struct tip_class_head);
    struct codec_stamp stamp = app_live_stamp(app, "broker", TIP_TOPIC_BUS_HEAD, sizeof(TIP_TOPIC_BUS_HEAD) - 1);
    struct tip_event event = {.kind = TIP_EVENT_BUS_HEAD};
    struct journal_status status;
    struct feed_record record;

    journal_status(app->journal, &status);
    memcpy(event.bus_head.journal_id.bytes, journal_id(app->journal), JOURNAL_ID_BYTES);
    event.bus_head.head_seq = status.head_seq;
    event.bus_head.first_available = status.first_seq;
    event.bus_head.classes = classes;
    for (size_t i = 0; i < table->n_counters; i++) {
        const struct journal_counter *counter = table->counters[i];

        if (counter->told && counter->tlp <= feed_tlp_max(app->feed, door))
            classes[event.bus_head.n_classes++] =
                (struct tip_class_head){counter->name, (enum tip_tlp)counter->tlp, counter->told};
    }
    if (!app_encode(app, &event))
        return;
    app_live(app, &stamp, app->event.data, (uint32_t)app->event.len, &record);
    feed_send_to(app->feed, door, &record);
}

static void app_alarm(void *ctx, const char *name, bool raised, const char *detail)
{
    struct app *app = ctx;
    static const char topic[] = TIP_TOPIC_SYSTEM_ALARM "broker.";
    struct codec_stamp stamp = app_live_stamp(app, "broker", topic, sizeof(topic) - 1);
    struct tip_event event = {
        .kind = TIP_EVENT_SYSTEM_ALARM,
        .system_alarm = {.service = "broker", .name = name, .detail = detail, .raised = raised},
    };
    struct feed_record record;

    stamp.tlp = TIP_TLP_AMBER; /* it names services */
    if (!app_encode(app, &event))
        return;
    app_live(app, &stamp, app->event.data, (uint32_t)app->event.len, &record);
    feed_send(app->feed, &record);
}

/* ---- the journal ---- */

static void app_on_damage(void *ctx, uint64_t from, uint64_t to)
{
    struct app *app = ctx;

    if (alarms_damage(&app->alarms, from, to))
        tip_error("journal.damaged", "from=%llu to=%llu", (unsigned long long)from, (unsigned long long)to);
    tip_metric_inc(app->meter.m[METER_DAMAGED]);
}

static void app_notice_overtaken(const struct journal_notice *notice)
{
    tip_error("journal.overtaken", "consumer=%s from=%llu to=%llu", notice->consumer, (unsigned long long)notice->from,
              (unsigned long long)notice->to);
}

static void app_notice_empty(struct app *app, const struct journal_notice *notice)
{
    tip_error("journal.empty_segment", "segment=%s why=%s", notice->segment,
              notice->code ? "the newest has not one whole record, and its numbers would be given out again: put the "
                             "file back, or move the directory away and a new journal begins"
                           : "it has not one whole record: kept as .bad, its numbers are told as missing");
    tip_metric_inc(app->meter.m[METER_DAMAGED]);
    (void)alarms_damage(&app->alarms, 0, UINT64_MAX); /* said above */
}

/* A disk that failed once is not asked again: what it holds is found out by recovery, in a new process. */
static void app_notice_fatal(const struct journal_notice *notice)
{
    tip_error("journal.failed", "error=%s", strerror(-notice->code));
    _exit(1);
}

static void app_on_notice(void *ctx, const struct journal_notice *notice)
{
    struct app *app = ctx;

    switch (notice->kind) {
    case JOURNAL_NOTICE_FATAL:
        app_notice_fatal(notice);
        return;
    case JOURNAL_NOTICE_DAMAGE:
        app_on_damage(app, notice->from, notice->to);
        return;
    case JOURNAL_NOTICE_EMPTY:
        app_notice_empty(app, notice);
        return;
    case JOURNAL_NOTICE_OVERTAKEN:
        app_notice_overtaken(notice);
        return;
    case JOURNAL_NOTICE_HELD:
        tip_error("journal.held", "consumer=%s", notice->consumer);
        return;
    case JOURNAL_NOTICE_NO_SPACE:
        tip_error("journal.no_space", "");
        return;
    case JOURNAL_NOTICE_RELEASED:
    case JOURNAL_NOTICE_SPACE:
    case JOURNAL_NOTICE_TORN:
    case JOURNAL_NOTICE_TABLE:
    case JOURNAL_NOTICE_HOLDS:
    case JOURNAL_NOTICE_KIND_COUNT:
        tip_warn("journal.notice", "kind=%s from=%llu", journal_notice_name(notice->kind),
                 (unsigned long long)notice->from);
    }
}

static void app_on_record(void *ctx, const struct journal_record *record)
{
    struct app *app = ctx;
    const struct feed_record out = {
        .topic = journal_record_topic(record),
        .topic_len = record->topic_len,
        .tlp = record->tlp,
        .bytes = record->payload,
        .len = record->payload_len,
    };

    feed_send(app->feed, &out);
    fetch_durable(app->fetch, record);
}

static void app_on_publisher(void *ctx, struct journal_publisher *publisher)
{
    struct app *app = ctx;

    ingest_durable(app->ingest, publisher);
}

static void app_farewell(void *ctx)
{
    struct app *app = ctx;

    tip_service_stopped(app->service);
}

/* While draining: once nothing is left to be flushed, the last acks get a moment to leave. */
static void app_drained(struct app *app)
{
    struct journal_status status;

    journal_status(app->journal, &status);
    if (status.next_seq == status.head_seq + 1 && !tip_timer_is_running(&app->farewell))
        tip_timer_start(&app->farewell, APP_FAREWELL_MS);
}

static void app_on_flushed(void *ctx, unsigned what)
{
    struct app *app = ctx;
    const struct journal_sink sink = {app_on_record, app_on_publisher, app};
    struct journal_status status;
    int r;

    (void)what; /* it is only ever readable */
    r = journal_poll(app->journal, &sink);
    if (r == 1) {
        journal_status(app->journal, &status);
        tip_metric_observe(app->meter.m[METER_FLUSH_SECONDS], (double)status.flush_us / 1e6);
        view_flushed(app->view, status.flush_us);
        fetch_wake(app->fetch);
    }
    ingest_resume(app->ingest);
    (void)journal_submit(app->journal); /* what was filled meanwhile */
    if (app->stopping)
        app_drained(app);
}

/* ---- each second ---- */

static void app_show_consumers(struct app *app, const struct journal_status *status)
{
    const struct journal_holds *holds = journal_consumers(app->journal);
    const struct journal_hold *oldest = journal_holds_oldest(holds, true);

    tip_metric_set(app->meter.m[METER_CONSUMERS], (double)holds->n);
    tip_metric_set(app->meter.m[METER_LAG_MAX], oldest ? (double)(status->head_seq - oldest->committed) : 0);
}

static void app_show_turned_away(struct app *app)
{
    for (int door = 0; door <= ACCESS_DOOR_COUNT && app->zap; door++) {
        for (int verdict = ZAP_WELCOME + 1; verdict < ZAP_VERDICT_COUNT; verdict++)
            tip_metric_set(app->meter.turned_away[door][verdict],
                           (double)zap_count(app->zap, (enum access_door)door, (enum zap_verdict)verdict));
    }
}

static void app_show(struct app *app)
{
    struct tip_admin *admin = tip_service_admin(app->service);
    const char *closed = ingest_is_flooded(app->ingest) ? NULL : ingest_why_closed(app->ingest);
    const char *alarm = alarms_worst(&app->alarms);
    struct tip_metric **m = app->meter.m;
    struct journal_status status;

    journal_status(app->journal, &status);
    if (!closed && status.no_space)
        closed = "the disk takes nothing"; /* even if nobody has sent so much that it had to be turned away */
    tip_metric_set(m[METER_GROUPS], (double)status.n_groups);
    tip_metric_set(m[METER_JOURNAL_WRITTEN], (double)status.n_bytes);
    tip_metric_set(m[METER_JOURNAL_BYTES], (double)status.bytes);
    tip_metric_set(m[METER_JOURNAL_SEGMENTS], (double)status.n_segments);
    tip_metric_set(m[METER_HEAD], (double)status.head_seq);
    tip_metric_set(m[METER_FIRST], (double)status.first_seq);
    tip_metric_set(m[METER_HELD], status.held);
    tip_metric_set(m[METER_NO_SPACE], status.no_space);
    app_show_consumers(app, &status);
    app_show_turned_away(app);
    tip_admin_ready(admin, "journal", !closed, "%s%s%s", closed ? closed : "events are taken", alarm ? "; " : "",
                    alarm ? alarm : "");
}

static void app_on_tick(void *ctx)
{
    struct app *app = ctx;

    journal_tick(app->journal, (uint64_t)tip_loop_now_ms());
    ingest_resume(app->ingest);
    (void)journal_submit(app->journal); /* nothing waits, mostly */
    fetch_tick(app->fetch);
    calls_tick(app->calls);
    feed_tick(app->feed);
    for (size_t i = 0; i < feed_n_doors(app->feed); i++)
        app_head(app, i);
    view_tick(app->view, tip_loop_now_ms());
    alarms_look(&app->alarms, app->journal, tip_loop_now_ms());
    app_show(app);
}

static void app_on_metrics_read(void *ctx)
{
    struct app *app = ctx;

    if (app->feed)
        feed_tell(app->feed);
    if (app->fetch)
        fetch_tell(app->fetch);
    if (app->calls)
        calls_tell(app->calls);
}

static void app_on_question(void *ctx, const uint8_t *body, size_t n, struct calls_answer *answer)
{
    struct app *app = ctx;

    view_answer(app->view, body, n, answer);
}

/* ---- life ---- */

static int app_open_journal(struct app *app, const struct broker_options *options)
{
    tip_auto(tip_free) const char **required = tip_new_array(options->required.n + 1, const char *);
    struct journal_config config = {
        .segment_bytes = (uint64_t)options->segment_bytes & ~7ULL,
        .keep_bytes = (uint64_t)options->keep_bytes,
        .cap_bytes = (uint64_t)options->cap_bytes,
        .keep_us = options->keep_ms * 1000,
        .expiry_us = options->consumer_expiry_ms * 1000,
        .group_bytes = APP_GROUP_BYTES,
        .wall_us = tip_loop_wall_us(),
        .required = required,
        .random = randombytes_buf,
        .on_notice = app_on_notice,
        .ctx = app,
    };
    char dir[4096];
    int r;

    for (size_t i = 0; i < options->required.n; i++)
        required[i] = options->required.items[i];
    if ((size_t)snprintf(dir, sizeof(dir), "%s/journal", tip_service_data_dir(app->service)) >= sizeof(dir))
        return tip_fail(-ENAMETOOLONG);
    r = journal_disk_open(&config.disk, dir);
    if (!r)
        r = journal_open(&app->journal, &config);
    if (r) {
        tip_error("journal.open", "dir=%s error=%s", dir, strerror(-r));
        return tip_fail(r);
    }
    return 0;
}

static int app_load_keymap(const char *dir, struct access_table *table)
{
    tip_auto(tip_conf_destroy) struct tip_conf *conf = tip_conf_new();
    tip_auto(tip_free) char *path = NULL;
    int r;

    if (asprintf(&path, "%s/" KEYMAP_FILE, dir) == -1)
        abort();
    r = keymap_load(table, conf, path);
    for (size_t i = 0; i < tip_conf_n_errors(conf); i++)
        tip_error("keys.refused", "error=%s", tip_conf_error(conf, i));
    return r ? -EINVAL : 0;
}

/* Before the doors: the handler must be there when they open. */
static int app_open_keys(struct app *app, const char *dir)
{
    int r;

    if (!dir)
        return 0;
    r = tip_keys_open(&app->keys, dir, TIP_KEYS_BROKER);
    if (r) {
        tip_error("service.refused", "why=%s name=%s keys=%s", tip_keys_why(r), TIP_KEYS_BROKER, dir);
        return -EACCES;
    }
    r = app_load_keymap(dir, &app->access);
    if (!r)
        r = zap_open(&app->zap, &app->access);
    tip_metric_set(app->meter.m[METER_KEYS], (double)app->access.n);
    return r;
}

static int app_open_doors(struct app *app, const struct broker_options *options, const struct tip_bus_options *bus)
{
    struct tip_loop *loop = tip_service_loop(app->service);
    const struct guard guard = {app->keys, &app->access};
    const struct feed_door doors[] = {
        {bus->feed, TIP_TLP_AMBER, ACCESS_FEED_AMBER, false},
        {bus->feed_green, TIP_TLP_GREEN, ACCESS_FEED_GREEN, false},
        {bus->feed_clear, TIP_TLP_CLEAR, ACCESS_FEED_CLEAR, bus->public_clear},
    };
    int r;

    r = feed_open(&app->feed, loop,
                  &(struct feed_options){doors, sizeof(doors) / sizeof(doors[0]), options->feed_bytes,
                                         options->feed_subscriptions_max, guard, &app->meter});
    if (!r)
        r = fetch_open(&app->fetch, loop,
                       &(struct fetch_options){bus->fetch, guard, app->journal, &app->meter,
                                               (size_t)options->fetchers_max, options->external_bytes_per_s,
                                               app_on_damage, app});
    if (!r)
        r = calls_open(&app->calls, loop,
                       &(struct calls_options){bus->work,
                                               guard,
                                               {(size_t)options->queue_max, (size_t)options->queue_caller_max,
                                                (size_t)options->calls_max, (size_t)options->calls_max,
                                                (size_t)options->calls_bytes},
                                               &app->meter,
                                               TIP_QUEUE_BUS_QUERY,
                                               app_on_question,
                                               app});
    if (!r)
        r = ingest_open(&app->ingest, loop,
                        &(struct ingest_options){bus->ingest, guard, app->journal, &app->meter,
                                                 (uint32_t)options->window_events, (uint32_t)options->window_bytes,
                                                 (uint64_t)options->ingest_bytes, (size_t)options->sessions_max,
                                                 app_on_live, app});
    return r ? tip_fail(r) : 0;
}

static struct view *app_view(struct app *app, const struct broker_options *options)
{
    return view_new(&(struct view_options){
        .journal = app->journal,
        .ingest = app->ingest,
        .fetch = app->fetch,
        .feed = app->feed,
        .calls = app->calls,
        .access = &app->access,
        .metrics = tip_service_metrics(app->service),
        .window_events = (uint64_t)options->window_events,
        .segment_bytes = (uint64_t)options->segment_bytes,
        .cap_bytes = (uint64_t)options->cap_bytes,
        .keep_bytes = (uint64_t)options->keep_bytes,
        .series_max = (size_t)options->sessions_max,
    });
}

static void app_log_start(const struct app *app)
{
    struct journal_status status;
    char id[TIP_UUID_TEXT];
    struct tip_uuid uuid;

    memcpy(uuid.bytes, journal_id(app->journal), sizeof(uuid.bytes));
    tip_uuid_format(&uuid, id);
    journal_status(app->journal, &status);
    tip_info("journal.recovered", "id=%s first=%llu head=%llu segments=%llu", id, (unsigned long long)status.first_seq,
             (unsigned long long)status.head_seq, (unsigned long long)status.n_segments);
}

/* A connection is an open file; more of them than that, and the journal could not open its own. */
static void app_take_files(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) == -1 || limit.rlim_cur >= APP_FILES_MAX)
        return;
    limit.rlim_cur = limit.rlim_max < APP_FILES_MAX ? limit.rlim_max : APP_FILES_MAX;
    if (setrlimit(RLIMIT_NOFILE, &limit) == -1 || limit.rlim_cur < APP_FILES_FEW)
        tip_warn("service.few_files", "files=%llu", (unsigned long long)limit.rlim_cur);
}

int app_start(struct tip_service *service, const void *options, void **appp)
{
    struct app *app = tip_new(struct app);
    int r;

    *appp = app;
    app->service = service;
    app_take_files();
    tip_buf_init(&app->event, TIP_EVENT_BYTES_MAX);
    meter_init(&app->meter, tip_service_metrics(service));
    tip_metrics_on_read(tip_service_metrics(service), app_on_metrics_read, app);
    alarms_init(&app->alarms, tip_service_metrics(service), app_alarm, app);
    r = app_open_journal(app, options);
    if (!r)
        r = app_open_keys(app, tip_service_bus_options(service)->keys);
    if (!r)
        r = app_open_doors(app, options, tip_service_bus_options(service));
    if (r)
        return tip_fail(r);
    app->view = app_view(app, options);
    tip_watch_init(&app->flushed, tip_service_loop(service), journal_fd(app->journal), app_on_flushed, app);
    tip_watch_set(&app->flushed, TIP_WATCH_READ);
    tip_timer_init(&app->tick, tip_service_loop(service), app_on_tick, app);
    tip_timer_init(&app->farewell, tip_service_loop(service), app_farewell, app);
    tip_timer_every(&app->tick, APP_TICK_MS);
    app_log_start(app);
    app_show(app);
    return 0;
}

void app_stop(void *ctx)
{
    struct app *app = ctx;

    app->stopping = true;
    ingest_stop(app->ingest);
    calls_stop(app->calls);
    fetch_stop(app->fetch);
    (void)journal_submit(app->journal); /* or it follows the one under way */
    app_drained(app);
}

void app_destroy(void **appp)
{
    struct app *app = *appp;

    tip_metrics_on_read_cancel(tip_service_metrics(app->service), app);
    tip_watch_deinit(&app->flushed);
    tip_timer_deinit(&app->tick);
    tip_timer_deinit(&app->farewell);
    view_destroy(&app->view);
    ingest_destroy(&app->ingest);
    calls_destroy(&app->calls);
    fetch_destroy(&app->fetch);
    feed_destroy(&app->feed);
    zap_destroy(&app->zap);
    access_table_deinit(&app->access);
    tip_keys_destroy(&app->keys);
    journal_destroy(&app->journal);
    tip_buf_deinit(&app->event);
    free(app);
    *appp = NULL;
}

static bool app_same_options(const struct broker_options *a, const struct broker_options *b)
{
    struct broker_options left = *a, right = *b;

    if (a->required.n != b->required.n)
        return false;
    for (size_t i = 0; i < a->required.n; i++) {
        if (strcmp(a->required.items[i], b->required.items[i]) != 0)
            return false;
    }
    left.required = right.required = (struct tip_opt_list){0};
    return memcmp(&left, &right, sizeof(left)) == 0; /* the rest is numbers of one size */
}

/* New connections are judged by the new map before old ones are ended by it. */
static void app_take_keys(struct app *app, struct access_table *fresh)
{
    size_t n_revoked = app->access.n_revoked;
    unsigned doors;

    doors = access_table_replace(&app->access, fresh);
    zap_exchange(app->zap, &app->access);
    n_revoked = app->access.n_revoked - n_revoked;
    tip_info("keys.reloaded", "keys=%zu revoked=%zu", app->access.n, n_revoked);
    tip_metric_set(app->meter.m[METER_KEYS], (double)app->access.n);
    tip_metric_add(app->meter.m[METER_REVOKED], n_revoked);
    if (n_revoked == 0)
        return;
    ingest_revoke(app->ingest);
    fetch_revoke(app->fetch);
    calls_revoke(app->calls);
    feed_revoke(app->feed, doors);
}

/* The map of keys is what a running broker takes anew. */
int app_reload(void *ctx, const void *options, char *why)
{
    struct app *app = ctx;
    struct access_table fresh = {0};

    if (!app_same_options(tip_service_options(app->service), options)) {
        (void)snprintf(why, TIP_SERVICE_WHY_BYTES, "the broker takes new options at its start only"); /* it fits */
        return -ENOTSUP;
    }
    if (!app->keys)
        return 0;
    if (app_load_keymap(tip_service_bus_options(app->service)->keys, &fresh)) {
        (void)snprintf(why, TIP_SERVICE_WHY_BYTES,
                       KEYMAP_FILE " is not right: the keys stay as they were"); /* likewise */
        return -EINVAL;
    }
    app_take_keys(app, &fresh);
    return 0;
}
