/*
 * One FETCH at a time on a socket of its own. Without an answer for max_wait + 4 s a PING asks whether the broker is
 * there. If it is, we stand in line: asking again on the same connection keeps our turn. If not, a second later there
 * is a new socket with the same question. An answer to an older question is dropped by its request number.
 */
#include "bus_private.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <tip/alloc.h>
#include <tip/fail.h>
#include <tip/log.h>

enum {
    FETCH_BYTES = 4 << 20,
    FETCH_EVENTS = 10000,
    FETCH_WAIT_MS = 1000,
    FETCH_WAIT_MAX_MS = 30000,
    FETCH_PATIENCE_MS = 5000,
    FETCH_PONG_MS = 1000, /* the last part of it */
    FETCH_REFUSED_MS = 1000
};

enum fetch_state {
    FETCH_RESTING,  /* until the timer fires */
    FETCH_ASKING,   /* a FETCH is under way, the timer guards it */
    FETCH_DOUBTING, /* likewise, for long; and a PING */
    FETCH_HANDING,  /* the consumer has a batch or a break */
    FETCH_PAUSED    /* would ask, but must not */
};

struct tip_fetch {
    struct tip_bus *bus;
    enum fetch_state state;
    bool is_paused;
    char *consumer;
    char **prefixes;
    size_t n_prefixes;
    uint32_t max_bytes, max_events, max_wait_ms;
    struct tip_id journal_id;
    uint64_t from_seq;
    uint64_t request;
    uint64_t head_seq;
    int64_t answered_ms; /* 0: never */
    struct tip_zsock *socket;
    struct tip_timer timer;
    struct tip_buf head;
    struct tip_record *records;
    size_t n_records_room;
    void (*on_batch)(void *ctx, const struct tip_fetch_batch *batch);
    void (*on_break)(void *ctx, enum tip_fetch_break why, const struct tip_id *journal_id, uint64_t next_seq);
    void *ctx;
};

static void fetch_on_message(void *ctx, const struct tip_zmsg *msg);

static int fetch_connect(struct tip_fetch *fetch)
{
    struct bus_dealer dealer = {.endpoint = fetch->bus->fetch, .on_message = fetch_on_message, .ctx = fetch};

    tip_zsock_destroy(&fetch->socket);
    return bus_dealer_open(&fetch->socket, fetch->bus, &dealer);
}

static int fetch_say(struct tip_fetch *fetch)
{
    struct bus_fetch frame = {.consumer = fetch->consumer,
                              .journal_id = fetch->journal_id,
                              .from_seq = fetch->from_seq,
                              .committed_seq = fetch->from_seq ? fetch->from_seq - 1 : 0,
                              .prefixes = (const char *const *)fetch->prefixes,
                              .n_prefixes = fetch->n_prefixes,
                              .max_bytes = fetch->max_bytes,
                              .max_events = fetch->max_events,
                              .max_wait_ms = fetch->max_wait_ms};
    int r;

    frame.request = ++fetch->request;
    r = bus_write_fetch(&fetch->head, &frame);
    return r ? r : bus_send(fetch->socket, &fetch->head, NULL);
}

static void fetch_ask(struct tip_fetch *fetch)
{
    int r;

    if (fetch->is_paused) {
        fetch->state = FETCH_PAUSED;
        tip_timer_stop(&fetch->timer);
        return;
    }
    r = fetch_say(fetch);
    if (r)
        tip_warn("fetch.not_sent", "consumer=%s error=%s", fetch->consumer, r < 0 ? strerror(-r) : "busy");
    fetch->state = FETCH_ASKING;
    tip_timer_start(&fetch->timer, (int64_t)fetch->max_wait_ms + FETCH_PATIENCE_MS - FETCH_PONG_MS);
}

static bool fetch_is_asking(const struct tip_fetch *fetch)
{
    return fetch->state == FETCH_ASKING || fetch->state == FETCH_DOUBTING;
}

static void fetch_doubt(struct tip_fetch *fetch)
{
    int r = bus_write_ping(&fetch->head, fetch->request);

    if (!r)
        r = bus_send(fetch->socket, &fetch->head, NULL);
    tip_debug("fetch.unanswered", "consumer=%s ping=%d", fetch->consumer, r);
    fetch->state = FETCH_DOUBTING;
    tip_timer_start(&fetch->timer, FETCH_PONG_MS);
}

/* The broker is there, and our turn has not come. */
static void fetch_on_pong(struct tip_fetch *fetch, uint64_t nonce)
{
    if (fetch->state == FETCH_DOUBTING && nonce == fetch->request)
        fetch_ask(fetch);
}

static void fetch_rest(struct tip_fetch *fetch, uint64_t delay_ms)
{
    fetch->state = FETCH_RESTING;
    tip_timer_start(&fetch->timer, (int64_t)delay_ms);
}

static void fetch_on_timer(void *ctx)
{
    struct tip_fetch *fetch = ctx;
    int r = 0;

    if (fetch->state == FETCH_ASKING) {
        fetch_doubt(fetch);
        return;
    }
    if (fetch->state == FETCH_DOUBTING)
        r = fetch_connect(fetch);
    if (r) {
        tip_warn("fetch.not_connected", "consumer=%s error=%s", fetch->consumer, strerror(-r));
        fetch_rest(fetch, FETCH_REFUSED_MS);
        return;
    }
    fetch_ask(fetch);
}

/* ---- answers ---- */

static struct tip_record *fetch_records(struct tip_fetch *fetch, size_t n)
{
    if (n > fetch->n_records_room) {
        fetch->records = tip_realloc(fetch->records, n, sizeof(*fetch->records));
        fetch->n_records_room = n;
    }
    return fetch->records;
}

/* The number of records is checked against the bytes that are there before anything is allocated. */
static int fetch_split(struct tip_fetch *fetch, const struct tip_zmsg *msg, uint32_t n)
{
    const uint8_t *at = msg->n_frames > 1 ? msg->frames[1].data : NULL;
    size_t rest = msg->n_frames > 1 ? msg->frames[1].len : 0;
    struct tip_record *records;
    const uint8_t *bytes;
    size_t len;

    if (n > rest / 4 || n > FETCH_EVENTS)
        return BUS_E_MALFORMED;
    records = fetch_records(fetch, n);
    for (uint32_t i = 0; i < n; i++) {
        if (bus_batch_next(&at, &rest, &bytes, &len) ||
            tip_record_read(bytes, len, &records[i].stamp, &records[i].event, &records[i].event_len))
            return BUS_E_MALFORMED;
    }
    return rest ? BUS_E_MALFORMED : 0;
}

static void fetch_on_batch(struct tip_fetch *fetch, const struct bus_position *position, const struct tip_zmsg *msg)
{
    struct tip_fetch_batch batch = {.journal_id = position->journal_id,
                                    .next_seq = position->next_seq,
                                    .head_seq = position->head_seq,
                                    .n_records = position->n};

    if (fetch_split(fetch, msg, position->n)) {
        fetch->bus->stats.malformed++;
        tip_error("fetch.malformed", "consumer=%s from=%llu records=%u", fetch->consumer,
                  (unsigned long long)fetch->from_seq, position->n);
        fetch_rest(fetch, FETCH_PATIENCE_MS);
        return;
    }
    fetch->head_seq = position->head_seq;
    if (position->n == 0 && position->next_seq == fetch->from_seq &&
        tip_id_equal(&position->journal_id, &fetch->journal_id)) {
        fetch_ask(fetch); /* nothing has moved */
        return;
    }
    batch.records = fetch->records;
    fetch->state = FETCH_HANDING;
    tip_timer_stop(&fetch->timer);
    fetch->on_batch(fetch->ctx, &batch); /* may be the end of fetch */
}

static void fetch_on_break(struct tip_fetch *fetch, enum tip_fetch_break why, const struct bus_position *position)
{
    struct bus_position copy = *position;

    tip_warn("fetch.break", "consumer=%s why=%d from=%llu next=%llu", fetch->consumer, (int)why,
             (unsigned long long)fetch->from_seq, (unsigned long long)copy.next_seq);
    fetch->state = FETCH_HANDING;
    tip_timer_stop(&fetch->timer);
    fetch->on_break(fetch->ctx, why, &copy.journal_id, copy.next_seq); /* may be the end of fetch */
}

/* Which break an answer is; Batch is none. */
static enum tip_fetch_break fetch_break_of(enum bus_frame_kind kind)
{
    if (kind == BUS_FRAME_NEW_JOURNAL)
        return TIP_FETCH_NEW_JOURNAL;
    return kind == BUS_FRAME_TRIMMED ? TIP_FETCH_TRIMMED : TIP_FETCH_DAMAGED;
}

static bool fetch_is_position(enum bus_frame_kind kind)
{
    return kind == BUS_FRAME_BATCH || kind == BUS_FRAME_TRIMMED || kind == BUS_FRAME_NEW_JOURNAL ||
           kind == BUS_FRAME_DAMAGED;
}

static void fetch_on_answer(struct tip_fetch *fetch, const struct bus_frame *frame, const struct tip_zmsg *msg)
{
    if (!fetch_is_asking(fetch) || frame->position.request != fetch->request)
        return; /* late */
    fetch->answered_ms = tip_loop_now_ms();
    if (fetch->is_paused)
        fetch_ask(fetch); /* asked again after the pause */
    else if (frame->kind == BUS_FRAME_BATCH)
        fetch_on_batch(fetch, &frame->position, msg);
    else
        fetch_on_break(fetch, fetch_break_of(frame->kind), &frame->position);
}

static void fetch_on_message(void *ctx, const struct tip_zmsg *msg)
{
    struct tip_fetch *fetch = ctx;
    struct bus_frame frame;

    if (!bus_receive(fetch->bus, fetch->socket, msg, &frame))
        return;
    if (frame.kind == BUS_FRAME_REFUSED) {
        tip_warn("fetch.refused", "consumer=%s reason=%s", fetch->consumer, frame.refused.reason);
        if (fetch_is_asking(fetch))
            fetch_rest(fetch, FETCH_REFUSED_MS);
    } else if (frame.kind == BUS_FRAME_PONG) {
        fetch_on_pong(fetch, frame.pong.nonce);
    } else if (fetch_is_position(frame.kind)) {
        fetch_on_answer(fetch, &frame, msg);
    }
    bus_frame_deinit(&frame);
}

/* ---- for consumers ---- */

static size_t fetch_count(const char *const *prefixes)
{
    size_t n = 0;

    while (prefixes && prefixes[n])
        n++;
    return n;
}

static uint32_t fetch_limit(uint32_t asked, uint32_t fallback, uint32_t max)
{
    if (asked == 0)
        return fallback;
    return asked < max ? asked : max;
}

int tip_fetch_open(struct tip_fetch **fetchp, struct tip_bus *bus, const struct tip_fetch_config *config)
{
    tip_auto(tip_fetch_destroy) struct tip_fetch *fetch = NULL;
    int r;

    if (!bus->fetch || fetch_count(config->prefixes) > BUS_PREFIXES_MAX)
        return tip_fail(-EINVAL);
    fetch = tip_new(struct tip_fetch);
    fetch->bus = bus;
    fetch->consumer = tip_strdup(config->consumer ? config->consumer : "");
    fetch->n_prefixes = fetch_count(config->prefixes);
    fetch->prefixes = tip_new_array(fetch->n_prefixes, char *);
    for (size_t i = 0; i < fetch->n_prefixes; i++)
        fetch->prefixes[i] = tip_strdup(config->prefixes[i]);
    fetch->max_bytes = fetch_limit(config->max_bytes, FETCH_BYTES, FETCH_BYTES);
    fetch->max_events = fetch_limit(config->max_events, FETCH_EVENTS, FETCH_EVENTS);
    fetch->max_wait_ms = fetch_limit(config->max_wait_ms, FETCH_WAIT_MS, FETCH_WAIT_MAX_MS);
    fetch->journal_id = config->journal_id;
    fetch->from_seq = config->from_seq;
    fetch->on_batch = config->on_batch;
    fetch->on_break = config->on_break;
    fetch->ctx = config->ctx;
    tip_buf_init(&fetch->head, BUS_FRAME_HEAD_MAX);
    tip_timer_init(&fetch->timer, bus->loop, fetch_on_timer, fetch);
    r = fetch_connect(fetch);
    if (r)
        return r;
    fetch_rest(fetch, 0);
    *fetchp = tip_take(fetch);
    return 0;
}

void tip_fetch_destroy(struct tip_fetch **fetchp)
{
    struct tip_fetch *fetch = *fetchp;

    if (!fetch)
        return;
    tip_zsock_destroy(&fetch->socket);
    tip_timer_deinit(&fetch->timer);
    tip_buf_deinit(&fetch->head);
    for (size_t i = 0; i < fetch->n_prefixes; i++)
        free(fetch->prefixes[i]);
    free(fetch->prefixes);
    free(fetch->consumer);
    free(fetch->records);
    free(fetch);
    *fetchp = NULL;
}

/* Asked from the loop, so that a consumer that is done at once does not recurse. */
void tip_fetch_done(struct tip_fetch *fetch, const struct tip_id *journal_id, uint64_t next_seq)
{
    fetch->journal_id = *journal_id;
    fetch->from_seq = next_seq;
    fetch_rest(fetch, 0);
}

void tip_fetch_retry(struct tip_fetch *fetch, uint64_t delay_ms)
{
    fetch_rest(fetch, delay_ms);
}

void tip_fetch_pause(struct tip_fetch *fetch)
{
    fetch->is_paused = true;
}

void tip_fetch_resume(struct tip_fetch *fetch)
{
    fetch->is_paused = false;
    if (fetch->state == FETCH_PAUSED)
        fetch_rest(fetch, 0);
}

bool tip_fetch_is_current(const struct tip_fetch *fetch, uint64_t *lagp)
{
    int64_t young_ms = (int64_t)fetch->max_wait_ms + FETCH_PATIENCE_MS;
    uint64_t lag = fetch->head_seq + 1 > fetch->from_seq ? fetch->head_seq + 1 - fetch->from_seq : 0;

    if (lagp)
        *lagp = lag;
    return lag == 0 && fetch->answered_ms && tip_loop_now_ms() - fetch->answered_ms <= young_ms;
}
