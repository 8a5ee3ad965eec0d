/* Which rows and columns there are: one fact a line. What they mean is written in broker/README.md. */
#include <stdio.h>
#include <string.h>

#include <tip/alloc.h>
#include <tip/event.h>
#include <tip/uuid.h>

#include "io/view_private.h"

/* ---- cells ---- */

static void cell_text(struct view_cell *cell, const char *text)
{
    cell->is_set = true;
    (void)snprintf(cell->text, sizeof(cell->text), "%s", text); /* names and endpoints fit */
}

static void cell_int(struct view_cell *cell, uint64_t value)
{
    cell->is_set = true;
    cell->integer = (int64_t)value;
}

static void cell_real(struct view_cell *cell, double value)
{
    cell->is_set = true;
    cell->real = value;
}

static void cell_bool(struct view_cell *cell, bool yes)
{
    cell->is_set = true;
    cell->yes = yes;
}

static void cell_rates(struct view_cell *cells, const struct rates *rates)
{
    static const struct rates none;
    struct rate second = rates_second(rates ? rates : &none), minute = rates_minute(rates ? rates : &none);

    cell_real(&cells[0], second.events_per_s);
    cell_real(&cells[1], second.bytes_per_s);
    cell_real(&cells[2], minute.events_per_s);
    cell_real(&cells[3], minute.bytes_per_s);
}

#define RATE_COLUMNS                                                                                            \
    {"events_per_s", TIP_COLUMN_REAL}, {"bytes_per_s", TIP_COLUMN_REAL}, {"events_per_s_60s", TIP_COLUMN_REAL}, \
    {                                                                                                           \
        "bytes_per_s_60s", TIP_COLUMN_REAL                                                                      \
    }

#define N_OF(array) (sizeof(array) / sizeof((array)[0]))

/* ---- publishers ---- */

enum {
    PUB_NAME,
    PUB_UP,
    PUB_EPOCH,
    PUB_EVENTS,
    PUB_BYTES,
    PUB_RATES,
    PUB_WINDOW_EVENTS = PUB_RATES + 4,
    PUB_WINDOW_BYTES,
    PUB_WINDOW_EVENTS_MAX,
    PUB_WINDOW_BYTES_MAX,
    PUB_OLDEST_MS,
    PUB_HEARD_MS,
    PUB_LAST_SEQ,
    PUB_DROPPED
};

static const struct tip_column publisher_columns[] = {
    {"publisher", TIP_COLUMN_TEXT},
    {"up", TIP_COLUMN_BOOL},
    {"epoch", TIP_COLUMN_INT},
    {"events", TIP_COLUMN_INT},
    {"bytes", TIP_COLUMN_INT},
    RATE_COLUMNS,
    {"window_events", TIP_COLUMN_INT},
    {"window_bytes", TIP_COLUMN_INT},
    {"window_events_max", TIP_COLUMN_INT},
    {"window_bytes_max", TIP_COLUMN_INT},
    {"oldest_unacked_ms", TIP_COLUMN_INT},
    {"heard_ago_ms", TIP_COLUMN_INT},
    {"last_seq", TIP_COLUMN_INT},
    {"dropped", TIP_COLUMN_INT},
};

static size_t publisher_count(struct view *view)
{
    return journal_tablep(view->options.journal)->n_publishers;
}

static void publisher_session(const struct view *view, const struct ingest_view *session, struct view_cell *cells)
{
    cell_int(&cells[PUB_WINDOW_EVENTS], session->window.events);
    cell_int(&cells[PUB_WINDOW_BYTES], session->window.bytes);
    cell_int(&cells[PUB_WINDOW_EVENTS_MAX], view->options.window_events);
    cell_int(&cells[PUB_WINDOW_BYTES_MAX], session->window_bytes);
    cell_int(&cells[PUB_HEARD_MS], (uint64_t)(view->now_ms - session->heard_ms));
    if (session->window.events)
        cell_int(&cells[PUB_OLDEST_MS], (uint64_t)(view->now_ms - session->window.since_ms));
}

static bool publisher_fill(struct view *view, size_t i, struct view_cell *cells)
{
    const struct journal_publisher *publisher = journal_tablep(view->options.journal)->publishers[i];
    struct ingest_view session;

    ingest_view(view->options.ingest, publisher, &session);
    cell_text(&cells[PUB_NAME], publisher->name);
    cell_bool(&cells[PUB_UP], session.is_up);
    cell_int(&cells[PUB_EPOCH], publisher->epoch);
    cell_int(&cells[PUB_EVENTS], publisher->n_events);
    cell_int(&cells[PUB_BYTES], publisher->n_bytes);
    cell_rates(&cells[PUB_RATES], rates_table_get(&view->publishers, publisher->name));
    cell_int(&cells[PUB_LAST_SEQ], publisher->durable_seq);
    cell_int(&cells[PUB_DROPPED], publisher->n_dropped);
    if (session.is_up)
        publisher_session(view, &session, cells);
    return true;
}

/* clang-format off */
static const struct tip_metric_row publisher_rows[] = {
    {TIP_METRIC_COUNTER, "tip_broker_publisher_events_total", "publisher", "Events accepted, of publishers with a session."},
    {TIP_METRIC_COUNTER, "tip_broker_publisher_bytes_total", "publisher", "Bytes of these events."},
    {TIP_METRIC_GAUGE, "tip_broker_publisher_window_events", "publisher", "Events it has sent ahead of its acks."},
    {TIP_METRIC_GAUGE, "tip_broker_publisher_window_bytes", "publisher", "Bytes of these events, at most."},
    {TIP_METRIC_GAUGE, "tip_broker_publisher_unacked_seconds", "publisher", "Since its oldest unacked event came."},
    {TIP_METRIC_COUNTER, "tip_broker_publisher_dropped_total", "publisher", "DATA of it that must come again, because the disk was slow."},
};
/* clang-format on */

static const struct view_metric publisher_metrics[] = {
    {PUB_EVENTS, 1},       {PUB_BYTES, 1},        {PUB_WINDOW_EVENTS, 1},
    {PUB_WINDOW_BYTES, 1}, {PUB_OLDEST_MS, 1e-3}, {PUB_DROPPED, 1},
};

/* ---- consumers ---- */

enum {
    CON_NAME,
    CON_COMMITTED,
    CON_LAG_EVENTS,
    CON_LAG_S,
    CON_FETCHED,
    CON_FETCHED_BYTES,
    CON_RATES,
    CON_SEEN_MS = CON_RATES + 4,
    CON_REQUIRED,
    CON_HOLDS,
    CON_OVERTAKEN,
    CON_TRIMMED_IN,
    CON_STOPS_IN
};

static const struct tip_column consumer_columns[] = {
    {"consumer", TIP_COLUMN_TEXT},
    {"committed_seq", TIP_COLUMN_INT},
    {"lag_events", TIP_COLUMN_INT},
    {"lag_s", TIP_COLUMN_REAL},
    {"events", TIP_COLUMN_INT},
    {"bytes", TIP_COLUMN_INT},
    RATE_COLUMNS,
    {"seen_ago_ms", TIP_COLUMN_INT},
    {"required", TIP_COLUMN_BOOL},
    {"holds", TIP_COLUMN_BOOL},
    {"overtaken", TIP_COLUMN_BOOL},
    {"trimmed_in_s", TIP_COLUMN_REAL},
    {"stops_acks_in_s", TIP_COLUMN_REAL},
};

static size_t consumer_count(struct view *view)
{
    return journal_consumers(view->options.journal)->n;
}

/* None when all that is behind is filtered out; the age is null when nobody remembers when that was. */
static void consumer_lag(const struct view *view, const struct journal_hold *hold, struct view_cell *cells)
{
    int64_t since_us = journal_commit_us(view->options.journal, hold->committed + 1);
    struct journal_status status;
    uint64_t behind;

    journal_status(view->options.journal, &status);
    behind = status.head_seq > hold->committed ? status.head_seq - hold->committed : 0;
    if (fetch_is_content(view->options.fetch, hold->name, hold->committed))
        behind = 0;
    cell_int(&cells[CON_LAG_EVENTS], behind);
    if (!behind || since_us)
        cell_real(&cells[CON_LAG_S], behind && since_us < view->wall_us ? (double)(view->wall_us - since_us) / 1e6 : 0);
}

/* At the last minute's rate: when the cap is reached although all before its oldest record is gone. */
static void consumer_cap(const struct view *view, const struct journal_hold *hold, struct view_cell *cell)
{
    double per_s = rates_minute(&view->journal).bytes_per_s;
    double used = (double)journal_bytes_from(view->options.journal, hold->committed + 1);
    double room = (double)view->options.cap_bytes - (double)view->options.segment_bytes - used;

    if (per_s > 0)
        cell_real(cell, room > 0 ? room / per_s : 0);
}

static bool consumer_fill(struct view *view, size_t i, struct view_cell *cells)
{
    const struct journal_hold *hold = &journal_consumers(view->options.journal)->items[i];
    int64_t heard_us = hold->heard_us ? hold->heard_us : hold->seen_us;

    cell_text(&cells[CON_NAME], hold->name);
    cell_int(&cells[CON_COMMITTED], hold->committed);
    consumer_lag(view, hold, cells);
    cell_int(&cells[CON_FETCHED], hold->n_fetched);
    cell_int(&cells[CON_FETCHED_BYTES], hold->n_fetched_bytes);
    cell_rates(&cells[CON_RATES], rates_table_get(&view->consumers, hold->name));
    cell_int(&cells[CON_SEEN_MS], (uint64_t)(journal_age_us(view->options.journal) - heard_us) / 1000);
    cell_bool(&cells[CON_REQUIRED], hold->required);
    cell_bool(&cells[CON_HOLDS], !hold->away);
    cell_bool(&cells[CON_OVERTAKEN], hold->overtaken);
    if (cells[CON_LAG_EVENTS].integer && !hold->away && !hold->overtaken)
        consumer_cap(view, hold, &cells[hold->required ? CON_STOPS_IN : CON_TRIMMED_IN]);
    return true;
}

/* clang-format off */
static const struct tip_metric_row consumer_rows[] = {
    {TIP_METRIC_GAUGE, "tip_broker_consumer_committed_seq", "consumer", "What a durable consumer has stored for good."},
    {TIP_METRIC_GAUGE, "tip_broker_consumer_lag_events", "consumer", "Events in the journal behind that."},
    {TIP_METRIC_GAUGE, "tip_broker_consumer_lag_seconds", "consumer", "Age of the oldest of them."},
    {TIP_METRIC_COUNTER, "tip_broker_consumer_fetched_total", "consumer", "Records given to it."},
    {TIP_METRIC_COUNTER, "tip_broker_consumer_fetched_bytes_total", "consumer", "Bytes of these records."},
    {TIP_METRIC_GAUGE, "tip_broker_consumer_overtaken", "consumer", "1 while records it had not stored are gone."},
    {TIP_METRIC_GAUGE, "tip_broker_consumer_trimmed_in_seconds", "consumer", "Until the cap takes what it has not stored, at this rate."},
    {TIP_METRIC_GAUGE, "tip_broker_consumer_stops_acks_in_seconds", "consumer", "Until publishers wait for a required one, at this rate."},
};
/* clang-format on */

static const struct view_metric consumer_metrics[] = {
    {CON_COMMITTED, 1},     {CON_LAG_EVENTS, 1}, {CON_LAG_S, 1},      {CON_FETCHED, 1},
    {CON_FETCHED_BYTES, 1}, {CON_OVERTAKEN, 1},  {CON_TRIMMED_IN, 1}, {CON_STOPS_IN, 1},
};

/* ---- queues ---- */

enum {
    QUEUE_NAME,
    QUEUE_WAITING,
    QUEUE_RUNNING,
    QUEUE_WORKERS,
    QUEUE_CALLERS,
    QUEUE_CREDIT,
    QUEUE_OLDEST_MS,
    QUEUE_DONE,
    QUEUE_FAILED,
    QUEUE_LATE,
    QUEUE_NOBODY,
    QUEUE_RETRIED,
    QUEUE_LOST,
    QUEUE_FULL,
    QUEUE_PER_S,
    QUEUE_PER_S_60S
};

static const struct tip_column queue_columns[] = {
    {"queue", TIP_COLUMN_TEXT},
    {"waiting", TIP_COLUMN_INT},
    {"running", TIP_COLUMN_INT},
    {"workers", TIP_COLUMN_INT},
    {"callers", TIP_COLUMN_INT},
    {"credit", TIP_COLUMN_INT},
    {"oldest_waiting_ms", TIP_COLUMN_INT},
    {"done", TIP_COLUMN_INT},
    {"failed", TIP_COLUMN_INT},
    {"late", TIP_COLUMN_INT},
    {"nobody", TIP_COLUMN_INT},
    {"retried", TIP_COLUMN_INT},
    {"lost", TIP_COLUMN_INT},
    {"full", TIP_COLUMN_INT},
    {"ended_per_s", TIP_COLUMN_REAL},
    {"ended_per_s_60s", TIP_COLUMN_REAL},
};

static void queue_on_each(void *ctx, const struct work_queue_stats *stats)
{
    struct view *view = ctx;

    if (view->n_queues == view->queue_room) {
        view->queue_room = view->queue_room ? 2 * view->queue_room : 16;
        view->queue_list = tip_realloc(view->queue_list, view->queue_room, sizeof(*view->queue_list));
    }
    view->queue_list[view->n_queues++] = *stats;
}

static size_t queue_count(struct view *view)
{
    view->n_queues = 0;
    calls_each_queue(view->options.calls, queue_on_each, view);
    return view->n_queues;
}

static bool queue_fill(struct view *view, size_t i, struct view_cell *cells)
{
    static const struct rates none;
    const struct work_queue_stats *queue = &view->queue_list[i];
    const struct rates *rates = rates_table_get(&view->queues, queue->name);

    cell_text(&cells[QUEUE_NAME], queue->name);
    cell_int(&cells[QUEUE_WAITING], queue->n_waiting);
    cell_int(&cells[QUEUE_RUNNING], queue->n_running);
    cell_int(&cells[QUEUE_WORKERS], queue->n_workers);
    cell_int(&cells[QUEUE_CALLERS], queue->n_callers);
    cell_int(&cells[QUEUE_CREDIT], queue->credit);
    if (queue->n_waiting)
        cell_int(&cells[QUEUE_OLDEST_MS], (uint64_t)queue->oldest_ms);
    cell_int(&cells[QUEUE_DONE], queue->done);
    cell_int(&cells[QUEUE_FAILED], queue->failed);
    cell_int(&cells[QUEUE_LATE], queue->late);
    cell_int(&cells[QUEUE_NOBODY], queue->nobody);
    cell_int(&cells[QUEUE_RETRIED], queue->retried);
    cell_int(&cells[QUEUE_LOST], queue->lost);
    cell_int(&cells[QUEUE_FULL], queue->full);
    cell_real(&cells[QUEUE_PER_S], rates_second(rates ? rates : &none).events_per_s);
    cell_real(&cells[QUEUE_PER_S_60S], rates_minute(rates ? rates : &none).events_per_s);
    return true;
}

/* clang-format off */
static const struct tip_metric_row queue_rows[] = {
    {TIP_METRIC_GAUGE, "tip_broker_queue_waiting", "queue", "Jobs that no worker has yet."},
    {TIP_METRIC_GAUGE, "tip_broker_queue_running", "queue", "Jobs a worker has."},
    {TIP_METRIC_GAUGE, "tip_broker_queue_workers", "queue", "Connections that serve it."},
    {TIP_METRIC_GAUGE, "tip_broker_queue_credit", "queue", "Jobs its workers would take now."},
    {TIP_METRIC_GAUGE, "tip_broker_queue_oldest_seconds", "queue", "Since its oldest waiting job came."},
    {TIP_METRIC_COUNTER, "tip_broker_queue_done_total", "queue", "Jobs answered with a result."},
    {TIP_METRIC_COUNTER, "tip_broker_queue_failed_total", "queue", "Jobs that failed, for whatever reason."},
    {TIP_METRIC_COUNTER, "tip_broker_queue_late_total", "queue", "Of these: served, but not in time."},
    {TIP_METRIC_COUNTER, "tip_broker_queue_nobody_total", "queue", "Of these: nobody serves the queue."},
    {TIP_METRIC_COUNTER, "tip_broker_queue_retried_total", "queue", "Leases after which a job went back."},
    {TIP_METRIC_COUNTER, "tip_broker_queue_lost_total", "queue", "What workers said about jobs no longer theirs."},
    {TIP_METRIC_COUNTER, "tip_broker_queue_full_total", "queue", "Calls that were not taken: too many wait, of all or of their caller."},
};
/* clang-format on */

static const struct view_metric queue_metrics[] = {
    {QUEUE_WAITING, 1},      {QUEUE_RUNNING, 1}, {QUEUE_WORKERS, 1}, {QUEUE_CREDIT, 1},
    {QUEUE_OLDEST_MS, 1e-3}, {QUEUE_DONE, 1},    {QUEUE_FAILED, 1},  {QUEUE_LATE, 1},
    {QUEUE_NOBODY, 1},       {QUEUE_RETRIED, 1}, {QUEUE_LOST, 1},    {QUEUE_FULL, 1},
};

/* ---- doors of the feed ---- */

enum { DOOR_TLP, DOOR_ENDPOINT, DOOR_SUBSCRIPTIONS, DOOR_SENT, DOOR_OVERFLOWS, DOOR_PER_S, DOOR_PER_S_60S };

static const struct tip_column door_columns[] = {
    {"tlp", TIP_COLUMN_TEXT},
    {"endpoint", TIP_COLUMN_TEXT},
    {"subscriptions", TIP_COLUMN_INT},
    {"sent", TIP_COLUMN_INT},
    {"overflows", TIP_COLUMN_INT},
    {"sent_per_s", TIP_COLUMN_REAL},
    {"sent_per_s_60s", TIP_COLUMN_REAL},
};

static size_t door_count(struct view *view)
{
    return feed_n_doors(view->options.feed);
}

static bool door_fill(struct view *view, size_t i, struct view_cell *cells)
{
    static const struct rates none;
    const struct rates *rates;
    struct feed_view door;

    feed_view(view->options.feed, i, &door);
    cell_text(&cells[DOOR_TLP], tip_tlp_name((enum tip_tlp)door.tlp_max));
    rates = rates_table_get(&view->doors, cells[DOOR_TLP].text);
    cell_text(&cells[DOOR_ENDPOINT], door.endpoint);
    cell_int(&cells[DOOR_SUBSCRIPTIONS], (uint64_t)door.n_subscriptions);
    cell_int(&cells[DOOR_SENT], door.sent);
    cell_int(&cells[DOOR_OVERFLOWS], door.overflows);
    cell_real(&cells[DOOR_PER_S], rates_second(rates ? rates : &none).events_per_s);
    cell_real(&cells[DOOR_PER_S_60S], rates_minute(rates ? rates : &none).events_per_s);
    return true;
}

/* clang-format off */
static const struct tip_metric_row door_rows[] = {
    {TIP_METRIC_COUNTER, "tip_broker_door_sent_total", "tlp", "Records given to a door of the feed."},
    {TIP_METRIC_COUNTER, "tip_broker_door_overflows_total", "tlp", "Times that a subscriber's queue was full: it loses records until it has read on."},
    {TIP_METRIC_GAUGE, "tip_broker_door_subscriptions", "tlp", "Different prefixes subscribed to at a door."},
};
/* clang-format on */

static const struct view_metric door_metrics[] = {{DOOR_SENT, 1}, {DOOR_OVERFLOWS, 1}, {DOOR_SUBSCRIPTIONS, 1}};

/* ---- the journal: one row ---- */

enum {
    JOU_ID,
    JOU_FIRST,
    JOU_HEAD,
    JOU_EVENTS,
    JOU_BYTES,
    JOU_RATES,
    JOU_SIZE = JOU_RATES + 4,
    JOU_SEGMENTS,
    JOU_KEEP,
    JOU_CAP,
    JOU_FLUSH_P50,
    JOU_FLUSH_P99,
    JOU_HELD,
    JOU_NO_SPACE,
    JOU_CLOSED
};

static const struct tip_column journal_columns[] = {
    {"journal_id", TIP_COLUMN_BYTES}, {"first_seq", TIP_COLUMN_INT},     {"head_seq", TIP_COLUMN_INT},
    {"events", TIP_COLUMN_INT},       {"bytes", TIP_COLUMN_INT},         RATE_COLUMNS,
    {"size_bytes", TIP_COLUMN_INT},   {"segments", TIP_COLUMN_INT},      {"keep_bytes", TIP_COLUMN_INT},
    {"cap_bytes", TIP_COLUMN_INT},    {"flush_p50_ms", TIP_COLUMN_REAL}, {"flush_p99_ms", TIP_COLUMN_REAL},
    {"held", TIP_COLUMN_BOOL},        {"no_space", TIP_COLUMN_BOOL},     {"closed", TIP_COLUMN_TEXT},
};

static size_t journal_count(struct view *view)
{
    (void)view; /* there is one */
    return 1;
}

static void journal_id_cell(const struct view *view, struct view_cell *cell)
{
    const uint8_t *id = journal_id(view->options.journal);

    cell->is_set = true;
    for (size_t i = 0; i < JOURNAL_ID_BYTES; i++)
        (void)snprintf(cell->text + 2 * i, 3, "%02x", id[i]);
}

static bool journal_fill(struct view *view, size_t i, struct view_cell *cells)
{
    const char *closed = ingest_why_closed(view->options.ingest);
    struct journal_status status;

    (void)i; /* there is one */
    journal_status(view->options.journal, &status);
    journal_id_cell(view, &cells[JOU_ID]);
    cell_int(&cells[JOU_FIRST], status.first_seq);
    cell_int(&cells[JOU_HEAD], status.head_seq);
    cell_int(&cells[JOU_EVENTS], status.n_events);
    cell_int(&cells[JOU_BYTES], status.n_bytes);
    cell_rates(&cells[JOU_RATES], &view->journal);
    cell_int(&cells[JOU_SIZE], status.bytes);
    cell_int(&cells[JOU_SEGMENTS], status.n_segments);
    cell_int(&cells[JOU_KEEP], view->options.keep_bytes);
    cell_int(&cells[JOU_CAP], view->options.cap_bytes);
    cell_real(&cells[JOU_FLUSH_P50], (double)tip_recent_quantile(&view->flush_us, 0.5) / 1e3);
    cell_real(&cells[JOU_FLUSH_P99], (double)tip_recent_quantile(&view->flush_us, 0.99) / 1e3);
    cell_bool(&cells[JOU_HELD], status.held);
    cell_bool(&cells[JOU_NO_SPACE], status.no_space);
    if (closed)
        cell_text(&cells[JOU_CLOSED], closed);
    return true;
}

/* ---- classes ---- */

enum { CLASS_NAME, CLASS_TLP, CLASS_EVENTS, CLASS_PER_S, CLASS_PER_S_60S };

static const struct tip_column class_columns[] = {
    {"class", TIP_COLUMN_TEXT},
    {"tlp", TIP_COLUMN_TEXT},
    {"events", TIP_COLUMN_INT},
    {"events_per_s", TIP_COLUMN_REAL},
    {"events_per_s_60s", TIP_COLUMN_REAL},
};

void view_class_name(char name[static RATES_NAME_MAX + 1], const struct journal_counter *counter)
{
    (void)snprintf(name, RATES_NAME_MAX + 1, "%s/%u", counter->name, (unsigned)counter->tlp); /* it fits */
}

static size_t class_count(struct view *view)
{
    return journal_tablep(view->options.journal)->n_counters;
}

static bool class_fill(struct view *view, size_t i, struct view_cell *cells)
{
    static const struct rates none;
    const struct journal_counter *counter = journal_tablep(view->options.journal)->counters[i];
    char name[RATES_NAME_MAX + 1];
    const struct rates *rates;

    if (!counter->told)
        return false; /* room for its first event, nothing more */
    view_class_name(name, counter);
    rates = rates_table_get(&view->classes, name);
    cell_text(&cells[CLASS_NAME], counter->name);
    cell_text(&cells[CLASS_TLP], tip_tlp_name((enum tip_tlp)counter->tlp));
    cell_int(&cells[CLASS_EVENTS], counter->told);
    cell_real(&cells[CLASS_PER_S], rates_second(rates ? rates : &none).events_per_s);
    cell_real(&cells[CLASS_PER_S_60S], rates_minute(rates ? rates : &none).events_per_s);
    return true;
}

/* clang-format off */
static const struct tip_metric_row class_rows[] = {
    {TIP_METRIC_COUNTER, "tip_broker_class_events_total", "class,tlp", "Events of a class in this journal: its class_seq."},
};
/* clang-format on */

static const struct view_metric class_metrics[] = {{CLASS_EVENTS, 1}};

/* ---- keys ---- */

enum { KEY_NAME, KEY_ROLES, KEY_AUDIENCE, KEY_PUBLISHERS, KEY_CONSUMERS };

static const struct tip_column key_columns[] = {
    {"key", TIP_COLUMN_TEXT},       {"roles", TIP_COLUMN_TEXT},    {"audience", TIP_COLUMN_TEXT},
    {"publishers", TIP_COLUMN_INT}, {"consumers", TIP_COLUMN_INT},
};

static size_t key_count(struct view *view)
{
    return view->options.access->n;
}

static size_t key_publishers(const struct view *view, const struct access_key *key)
{
    const struct journal_table *table = journal_tablep(view->options.journal);
    struct ingest_view session;
    size_t n = 0;

    for (size_t i = 0; i < table->n_publishers; i++) {
        if (!access_owns_name(key, table->publishers[i]->name))
            continue;
        ingest_view(view->options.ingest, table->publishers[i], &session);
        n += session.is_up;
    }
    return n;
}

static size_t key_consumers(const struct view *view, const struct access_key *key)
{
    const struct journal_holds *holds = journal_consumers(view->options.journal);
    size_t n = 0;

    for (size_t i = 0; i < holds->n; i++)
        n += access_owns_name(key, holds->items[i].name);
    return n;
}

static bool key_fill(struct view *view, size_t i, struct view_cell *cells)
{
    const struct access_key *key = view->options.access->items[i];
    size_t len = 0;

    cell_text(&cells[KEY_NAME], key->name);
    cell_text(&cells[KEY_ROLES], "");
    for (int role = 0; role < ACCESS_ROLE_COUNT; role++) {
        if (key->roles & 1U << role)
            len += (size_t)snprintf(cells[KEY_ROLES].text + len, VIEW_TEXT_MAX - len, "%s%s", len ? "," : "",
                                    access_role_name((enum access_role)role)); /* three short words */
    }
    cell_text(&cells[KEY_AUDIENCE], tip_tlp_name((enum tip_tlp)key->audience));
    cell_int(&cells[KEY_PUBLISHERS], key_publishers(view, key));
    cell_int(&cells[KEY_CONSUMERS], key_consumers(view, key));
    return true;
}

/* ---- all of them ---- */

#define TABLE(table_name, noun, gate_column)                                                                     \
    {                                                                                                            \
        .name = table_name, .columns = noun##_columns, .n_columns = N_OF(noun##_columns), .count = noun##_count, \
        .fill = noun##_fill, .rows = noun##_rows, .metrics = noun##_metrics, .n_metrics = N_OF(noun##_metrics),  \
        .gate = gate_column                                                                                      \
    }

const struct view_table view_tables[] = {
    TABLE("publishers", publisher, PUB_UP),
    TABLE("consumers", consumer, 0),
    TABLE("queues", queue, 0),
    TABLE("doors", door, 0),
    TABLE("classes", class, 0),
    {.name = "keys", .columns = key_columns, .n_columns = N_OF(key_columns), .count = key_count, .fill = key_fill},
    {.name = "journal",
     .columns = journal_columns,
     .n_columns = N_OF(journal_columns),
     .count = journal_count,
     .fill = journal_fill},
};

const size_t view_tables_n = N_OF(view_tables);
