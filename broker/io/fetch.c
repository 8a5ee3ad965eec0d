#include "io/fetch.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <tip/alloc.h>
#include <tip/fail.h>
#include <tip/log.h>
#include <tip/loop.h>
#include <tip/pool.h>

#include "codec.h"
#include "core/budget.h"
#include "core/fetchers.h"
#include "core/guests.h"
#include "core/sessions.h"
#include "io/router.h"

enum {
    FETCH_HEAD_BYTES_MAX = 32 * 1024,
    FETCH_SEND_HWM = 2, /* batches of up to 4 MiB that wait for one peer */
    FETCH_RECEIVE_HWM = 100,
    FETCH_SMALL_BYTES = 64 * 1024,
    FETCH_THREADS = 2,
    FETCH_JOBS_MAX = 8,              /* each may hold a batch */
    FETCH_SCAN_BYTES_MAX = 32 << 20, /* of one reading; a selective consumer takes several */
    FETCH_OUTSIDE_SCAN_BYTES = 4 << 20,
    FETCH_OUTSIDE_READING_MAX = 1, /* of the threads; what is left is for the others */
    FETCH_OUTSIDE_REST_MS = 20,    /* before an outside one tries again for its turn */
    FETCH_OUTSIDE_NAMES_MAX = 4,   /* durable names of one outside key: each holds the journal */
    FETCH_SCAN_COST = 16           /* so many bytes passed over cost an outside key as much as one sent to it */
};

/** One reading in the pool. */
struct fetch_job {
    uint64_t fetcher;
    bool is_outside;
    struct journal_span span;
    struct journal_read read;
    char **prefixes; /* owned by the job */
    struct journal_batch batch;
    int result;
};

struct fetch {
    struct tip_loop *loop;
    struct fetch_options options;
    struct router *router;
    struct tip_pool *pool;
    struct fetchers fetchers;
    size_t reading_bytes; /* that the readings under way may come to */
    struct guests guests; /* connections of outside keys */
    struct tip_timer timer;
    bool stopped;
    unsigned n_reading, n_outside_reading;
    struct budgets budgets; /* of outside keys */
    size_t turn;            /* where the next round begins */
};

static void fetch_serve(struct fetch *fetch, struct fetcher *fetcher);

static void fetch_count(struct fetch *fetch, enum meter_metric metric, uint64_t n)
{
    tip_metric_add(fetch->options.meter->m[metric], n);
}

static struct journal_status fetch_status(const struct fetch *fetch)
{
    struct journal_status status;

    journal_status(fetch->options.journal, &status);
    return status;
}

/* ---- answers ---- */

static void fetch_answer(struct fetch *fetch, struct fetcher *fetcher, const struct codec_frame *frame,
                         const struct codec_bytes *body)
{
    (void)router_send(fetch->router, &fetcher->peer, frame, body); /* it asks again */
    fetchers_answered(fetcher);
}

static struct codec_bytes fetch_journal_id(const struct fetch *fetch)
{
    return (struct codec_bytes){journal_id(fetch->options.journal), JOURNAL_ID_BYTES};
}

static void fetch_spend(struct fetch *fetch, const struct fetcher *fetcher, uint64_t bytes)
{
    if (fetcher->is_outside)
        budgets_spend(&fetch->budgets, fetcher->peer.key->name, bytes, tip_loop_now_ms());
}

/* There is nothing, as far as was looked. */
static void fetch_answer_nothing(struct fetch *fetch, struct fetcher *fetcher)
{
    static const uint8_t none[1];
    static const struct codec_bytes body = {none, 0};
    struct journal_status status = fetch_status(fetch);
    const struct codec_frame frame = {
        .kind = CODEC_BATCH,
        .batch = {fetch_journal_id(fetch), fetcher->request.from, status.head_seq, status.first_seq, 0,
                  fetcher->request.request},
    };

    journal_consumer_fetched(fetch->options.journal, fetcher->request.consumer, 0, 0);
    fetch_answer(fetch, fetcher, &frame, &body);
}

/* The records leave with the answer. */
static void fetch_answer_batch(struct fetch *fetch, struct fetcher *fetcher, struct journal_batch *batch)
{
    struct journal_status status = fetch_status(fetch);
    const struct codec_frame frame = {
        .kind = CODEC_BATCH,
        .batch = {fetch_journal_id(fetch), batch->next_seq, status.head_seq, status.first_seq, batch->n,
                  fetcher->request.request},
    };
    size_t n_bytes = batch->records.len;

    fetch_spend(fetch, fetcher, n_bytes);
    fetch_count(fetch, METER_FETCHED, batch->n);
    fetch_count(fetch, METER_FETCHED_BYTES, n_bytes);
    journal_consumer_fetched(fetch->options.journal, fetcher->request.consumer, batch->n, n_bytes);
    (void)router_send_own(fetch->router, &fetcher->peer, &frame, tip_buf_take(&batch->records),
                          n_bytes); /* it asks again */
    fetchers_answered(fetcher);
}

/* TRIMMED or NEW_JOURNAL: where there is something to go on with. */
static void fetch_say_break(struct fetch *fetch, const struct broker_peer *peer, uint64_t request, enum codec_kind kind,
                            uint64_t first)
{
    const struct codec_frame frame = {
        .kind = kind,
        .batch = {.journal_id = fetch_journal_id(fetch), .first_available = first, .request = request},
    };

    fetch_count(fetch, METER_FETCH_BREAKS, 1);
    (void)router_send(fetch->router, peer, &frame, NULL); /* it asks again */
}

static void fetch_answer_trimmed(struct fetch *fetch, struct fetcher *fetcher)
{
    fetch_say_break(fetch, &fetcher->peer, fetcher->request.request, CODEC_TRIMMED, fetch_status(fetch).first_seq);
    fetchers_answered(fetcher);
}

static void fetch_answer_damaged(struct fetch *fetch, struct fetcher *fetcher, uint64_t from, uint64_t to)
{
    const struct codec_frame frame = {
        .kind = CODEC_DAMAGED,
        .damaged = {fetch_journal_id(fetch), from, to, fetcher->request.request},
    };

    fetch_count(fetch, METER_FETCH_BREAKS, 1);
    fetch->options.on_damage(fetch->options.ctx, from, to);
    fetch_answer(fetch, fetcher, &frame, NULL);
}

/* ---- reading ---- */

static void fetch_job_work(void *arg)
{
    struct fetch_job *job = arg;

    job->result = journal_span_read(&job->span, &job->read, &job->batch);
}

static void fetch_job_free(struct fetch_job *job)
{
    for (size_t i = 0; i < job->read.n_prefixes; i++)
        free(job->prefixes[i]);
    free(job->prefixes);
    tip_buf_deinit(&job->batch.records);
}

/* Nothing it wants was there. An outside one lets others have their turn, and is told in time how far it came. */
static void fetch_go_on(struct fetch *fetch, struct fetcher *fetcher)
{
    if (!fetcher->is_outside)
        fetch_serve(fetch, fetcher);
    else if (fetcher->request.until_ms <= tip_loop_now_ms())
        fetch_answer_nothing(fetch, fetcher);
    else
        fetcher->stirred = true;
}

/* What was read decides: an answer, another reading, or waiting on. */
static void fetch_job_result(struct fetch *fetch, struct fetcher *fetcher, struct fetch_job *job)
{
    struct journal_batch *batch = &job->batch;

    fetch_spend(fetch, fetcher, batch->scanned_bytes / FETCH_SCAN_COST);
    if (job->result)
        fetch_answer_damaged(fetch, fetcher, job->read.from, job->span.last_seq);
    else if (batch->n)
        fetch_answer_batch(fetch, fetcher, batch);
    else if (batch->damaged && batch->damage_from == job->read.from)
        fetch_answer_damaged(fetch, fetcher, batch->damage_from, batch->damage_to);
    else {
        fetcher->request.from = batch->damaged ? batch->damage_from : batch->next_seq;
        fetch_go_on(fetch, fetcher);
    }
}

static void fetch_job_done(void *ctx, void *arg)
{
    struct fetch *fetch = ctx;
    struct fetch_job *job = arg;
    struct fetcher *fetcher = fetchers_get(&fetch->fetchers, job->fetcher);

    journal_unpin(fetch->options.journal, &job->span);
    fetch->n_reading--;
    fetch->reading_bytes -= job->read.max_bytes;
    fetch->n_outside_reading -= job->is_outside;
    if (fetcher && !fetch->stopped) {
        fetcher->reading = false;
        fetch_job_result(fetch, fetcher, job);
    }
    fetch_job_free(job);
    if (!fetch->stopped)
        fetch_wake(fetch); /* others may have waited for a place in the pool */
}

static size_t fetch_held_max(const struct fetch *fetch)
{
    return fetch->fetchers.max * FETCH_BYTES_MAX;
}

/* What is being read and what was not taken yet, by whomever, is a batch a place; beyond it they are small. */
static uint32_t fetch_max_bytes(struct fetch *fetch, const struct fetch_request *request)
{
    size_t taken = router_held_bytes(fetch->router) + fetch->reading_bytes, most = fetch_held_max(fetch);
    size_t left = taken + FETCH_SMALL_BYTES < most ? most - taken : FETCH_SMALL_BYTES;

    return request->max_bytes < left ? request->max_bytes : (uint32_t)left;
}

static void fetch_read(struct fetch *fetch, struct fetcher *fetcher, const struct journal_span *span)
{
    const struct fetch_request *request = &fetcher->request;
    struct fetch_job job = {.fetcher = fetcher->id, .is_outside = fetcher->is_outside, .span = *span};
    const struct tip_pool_job task = {&job, sizeof(job), fetch_job_work, fetch_job_done, fetch};

    job.prefixes = tip_new_array(request->n_prefixes, char *);
    for (size_t i = 0; i < request->n_prefixes; i++)
        job.prefixes[i] = tip_strdup(request->prefixes[i]);
    job.read = (struct journal_read){
        .from = request->from,
        .prefixes = (const char *const *)job.prefixes,
        .n_prefixes = request->n_prefixes,
        .tlps = fetcher->readable,
        .max_bytes = fetch_max_bytes(fetch, request),
        .max_events = request->max_events,
        .max_scan_bytes = fetcher->is_outside ? FETCH_OUTSIDE_SCAN_BYTES : FETCH_SCAN_BYTES_MAX,
    };
    tip_buf_init(&job.batch.records, FETCH_BYTES_MAX + JOURNAL_RECORD_MAX);
    if (tip_pool_submit(fetch->pool, &task) == 0) {
        fetcher->reading = true;
        fetch->n_reading++;
        fetch->reading_bytes += job.read.max_bytes;
        fetch->n_outside_reading += job.is_outside;
        return;
    }
    fetcher->stirred = true; /* the pool is busy: whatever ends there wakes us */
    journal_unpin(fetch->options.journal, &job.span);
    fetch_job_free(&job);
}

static void fetch_arm(struct fetch *fetch)
{
    int64_t next_ms = fetchers_next_ms(&fetch->fetchers);

    if (next_ms != INT64_MAX)
        tip_timer_start(&fetch->timer, next_ms - tip_loop_now_ms());
}

/* An outside one reads when its budget is not spent and no other one does. @return whether it must rest */
static bool fetch_rests(struct fetch *fetch, struct fetcher *fetcher)
{
    int64_t now_ms = tip_loop_now_ms(), wait_ms;

    fetcher->rest_ms = 0;
    if (!fetcher->is_outside)
        return false;
    wait_ms = budgets_wait_ms(&fetch->budgets, fetcher->peer.key->name, now_ms);
    if (wait_ms)
        fetch_count(fetch, METER_FETCH_RESTS, 1);
    else if (fetch->n_outside_reading >= FETCH_OUTSIDE_READING_MAX)
        wait_ms = FETCH_OUTSIDE_REST_MS;
    if (!wait_ms)
        return false;
    fetcher->rest_ms = now_ms + wait_ms;
    fetcher->stirred = true;
    return true;
}

/* Reads on for a fetcher, answers it, or lets it wait. */
static void fetch_serve(struct fetch *fetch, struct fetcher *fetcher)
{
    struct journal_span span;
    uint64_t gap_top = 0;
    int r;

    if (fetch_rests(fetch, fetcher)) {
        fetch_arm(fetch);
        return;
    }
    r = journal_pin(fetch->options.journal, fetcher->request.from, &span, &gap_top);
    fetcher->stirred = false;
    if (r == 0)
        fetch_read(fetch, fetcher, &span);
    else if (r == JOURNAL_E_TRIMMED)
        fetch_answer_trimmed(fetch, fetcher);
    else if (r == JOURNAL_E_GAP)
        fetch_answer_damaged(fetch, fetcher, fetcher->request.from, gap_top);
    else if (fetcher->request.until_ms <= tip_loop_now_ms())
        fetch_answer_nothing(fetch, fetcher);
    else {
        fetcher->stirred = r == JOURNAL_E_BUSY; /* looked at again each second */
        fetch_arm(fetch);
    }
}

/* Free places go to those who stand in line. */
static void fetch_place(struct fetch *fetch)
{
    struct fetcher *fetcher;

    while ((fetcher = fetchers_next(&fetch->fetchers, tip_loop_now_ms())))
        fetch_serve(fetch, fetcher);
    fetch_arm(fetch);
}

static void fetch_on_timer(void *ctx)
{
    struct fetch *fetch = ctx;
    struct fetcher *yielding, forsaken;

    if (fetch->stopped)
        return;
    for (size_t i = 0; i < fetch->fetchers.n; i++) {
        struct fetcher *fetcher = &fetch->fetchers.items[i];

        if (fetcher->waiting && !fetcher->reading && fetcher->rest_ms <= tip_loop_now_ms() &&
            (fetcher->stirred || fetcher->request.until_ms <= tip_loop_now_ms()))
            fetch_serve(fetch, fetcher);
    }
    while (fetchers_forsaken(&fetch->fetchers, tip_loop_now_ms(), &forsaken))
        fetch_answer_nothing(fetch, &forsaken);
    while ((yielding = fetchers_yielding(&fetch->fetchers, tip_loop_now_ms()))) {
        fetch_answer_nothing(fetch, yielding);
        fetch_place(fetch); /* one place for each who stands in line, not all of them for the first */
    }
    fetch_place(fetch);
}

void fetch_durable(struct fetch *fetch, const struct journal_record *record)
{
    for (size_t i = 0; i < fetch->fetchers.n; i++) {
        struct fetcher *fetcher = &fetch->fetchers.items[i];

        if (fetcher->waiting && !fetcher->stirred && record->seq >= fetcher->request.from)
            fetcher->stirred = fetcher_wants(fetcher, record->tlp, journal_record_topic(record), record->topic_len);
    }
}

/* One round over those outside, or those inside. */
static void fetch_wake_some(struct fetch *fetch, bool outside, size_t first)
{
    for (size_t i = 0; i < fetch->fetchers.n && !fetch->stopped; i++) {
        struct fetcher *fetcher = &fetch->fetchers.items[(first + i) % fetch->fetchers.n];

        if (fetcher->is_outside == outside && fetcher->waiting && !fetcher->reading && fetcher->stirred)
            fetch_serve(fetch, fetcher);
    }
}

/* Those inside first; each time another one begins, so that nobody is always the last. */
void fetch_wake(struct fetch *fetch)
{
    fetch_wake_some(fetch, false, fetch->turn);
    fetch_wake_some(fetch, true, fetch->turn);
    fetch->turn++;
    if (!fetch->stopped)
        fetch_place(fetch);
}

void fetch_tick(struct fetch *fetch)
{
    router_watch(fetch->router);
    fetch_wake(fetch); /* nobody, unless files could not be opened */
}

void fetch_tell(const struct fetch *fetch)
{
    size_t n_waiting = 0;

    for (size_t i = 0; i < fetch->fetchers.n; i++)
        n_waiting += fetch->fetchers.items[i].waiting;
    tip_metric_set(fetch->options.meter->m[METER_FETCHERS], (double)n_waiting);
    tip_metric_set(fetch->options.meter->m[METER_FETCH_LINE], (double)fetch->fetchers.n_line);
    tip_metric_set(fetch->options.meter->m[METER_FETCH_HELD], (double)router_held_bytes(fetch->router));
}

bool fetch_is_content(const struct fetch *fetch, const char *consumer, uint64_t committed)
{
    return fetchers_is_content(&fetch->fetchers, consumer, committed);
}

/* ---- requests ---- */

static const char *fetch_refuse_why(const struct codec_fetch *ask)
{
    if (ask->consumer[0] && !ingest_session_name_valid(ask->consumer))
        return "a consumer is called name or name.instance: [a-z0-9_-], at most 64 bytes";
    if (ask->journal_id.len != 0 && ask->journal_id.len != JOURNAL_ID_BYTES)
        return "a journal id has 16 bytes";
    if (ask->n_prefixes > FETCH_PREFIXES_MAX)
        return "at most 64 prefixes";
    for (size_t i = 0; i < ask->n_prefixes; i++) {
        if (strlen(ask->prefixes[i]) > FETCH_PREFIX_BYTES_MAX)
            return "a prefix has at most 255 bytes";
    }
    return NULL;
}

/* Each durable name holds the journal for a while; so an outside key has a few. */
static bool fetch_may_hold(struct fetch *fetch, const struct access_key *key, const char *name)
{
    const struct journal_holds *holds = journal_consumers(fetch->options.journal);
    size_t n_other = 0;

    for (size_t i = 0; i < holds->n && !access_is_internal(key); i++) {
        if (strcmp(holds->items[i].name, name) == 0)
            return true;
        n_other += access_owns_name(key, holds->items[i].name);
    }
    return n_other < FETCH_OUTSIDE_NAMES_MAX;
}

/* Keeps what the consumer may still need; another journal's numbers mean nothing here. */
static bool fetch_note_consumer(struct fetch *fetch, const struct broker_peer *from, const struct codec_fetch *ask,
                                bool same_journal)
{
    uint64_t committed = same_journal ? ask->committed_seq : 0;

    if (!ask->consumer[0])
        return true;
    return fetch_may_hold(fetch, from->key, ask->consumer) &&
           journal_consumer_seen(fetch->options.journal, ask->consumer, committed) == 0;
}

static bool fetch_ask(struct fetch *fetch, const struct broker_peer *from, const struct codec_fetch *ask)
{
    struct fetch_request request = {
        .from = ask->from_seq ? ask->from_seq : fetch_status(fetch).first_seq,
        .max_bytes = ask->max_bytes ? ask->max_bytes : FETCH_BYTES_MAX,
        .max_events = ask->max_events,
        .request = ask->request,
        .n_prefixes = ask->n_prefixes,
    };
    uint32_t wait_ms = ask->max_wait_ms < FETCH_WAIT_MAX_MS ? ask->max_wait_ms : FETCH_WAIT_MAX_MS;

    memcpy(&request.prefixes, &ask->prefixes, sizeof(request.prefixes)); /* copied there */
    memcpy(request.consumer, ask->consumer, strnlen(ask->consumer, FETCH_NAME_MAX));
    request.until_ms = tip_loop_now_ms() + wait_ms;
    if (!access_is_internal(from->key) && (int64_t)request.max_bytes - 1 >= fetch->options.external_bytes_per_s)
        request.max_bytes = (uint32_t)fetch->options.external_bytes_per_s; /* a debt is paid within a second or so */
    return fetchers_ask(&fetch->fetchers, from, &request);
}

/* Whether it asks in this journal, for what this journal has or will have; else it is told where to go on. */
static bool fetch_follows(struct fetch *fetch, const struct broker_peer *from, const struct codec_fetch *ask, bool same)
{
    struct journal_status status = fetch_status(fetch);

    if (same && ask->from_seq <= status.next_seq)
        return true;
    fetchers_forget(&fetch->fetchers, from);
    if (!same)
        fetch_say_break(fetch, from, ask->request, CODEC_NEW_JOURNAL, status.first_seq);
    else
        fetch_say_break(fetch, from, ask->request, CODEC_TRIMMED,
                        status.head_seq + 1); /* it knows what was lost here */
    return false;
}

static void fetch_on_fetch(struct fetch *fetch, const struct broker_peer *from, const struct codec_fetch *ask)
{
    static const struct router_refusal many = {METER_LIMIT, "too many consumers", 0, false};
    bool same = ask->journal_id.len == 0 ||
                (ask->journal_id.len == JOURNAL_ID_BYTES &&
                 memcmp(ask->journal_id.data, journal_id(fetch->options.journal), JOURNAL_ID_BYTES) == 0);
    struct router_refusal refusal = {METER_NAME, fetch_refuse_why(ask), 0, true};

    if (!refusal.reason && ask->consumer[0] && !access_owns_name(from->key, ask->consumer))
        refusal = (struct router_refusal){METER_ACCESS, "this key does not read under that name", 0, true};
    if (refusal.reason) {
        router_refuse(fetch->router, from, &refusal);
        return;
    }
    if (!fetch_note_consumer(fetch, from, ask, same))
        router_refuse(fetch->router, from, &many);
    else if (!fetch_follows(fetch, from, ask, same))
        return;
    else if (!fetch_ask(fetch, from, ask))
        router_refuse(fetch->router, from, &many);
    else
        fetch_place(fetch);
}

/* Who has not read what was read for it last is not read for again, and nobody is while that is too much. */
static bool fetch_has_read(struct fetch *fetch, const struct broker_peer *from)
{
    static const struct router_refusal unread = {METER_LIMIT, "read the last answer, then ask again", 0, false};
    static const struct router_refusal full = {METER_LIMIT, "others do not read their answers: ask again later", 0,
                                               false};
    bool owes = router_owes(fetch->router, from);

    if (!owes && router_held_bytes(fetch->router) < 2 * fetch_held_max(fetch))
        return true;
    router_refuse(fetch->router, from, owes ? &unread : &full);
    return false;
}

/* Also who is not gone hears it, and says PONG, which is not waited for. */
static bool fetch_is_gone(void *ctx, const struct broker_peer *peer)
{
    static const struct codec_frame ping = {.kind = CODEC_PING};
    struct fetch *fetch = ctx;

    return router_offer(fetch->router, peer, &ping, NULL) == ROUTER_GONE;
}

static bool fetch_is_welcome(struct fetch *fetch, const struct broker_peer *from)
{
    static const struct router_refusal crowded = {METER_LIMIT, "too many connections of this key", 0, false};

    if (guests_enter(&fetch->guests, from))
        return true;
    guests_sweep(&fetch->guests, from->key, fetch_is_gone, fetch);
    if (guests_enter(&fetch->guests, from))
        return true;
    router_refuse(fetch->router, from, &crowded);
    return false;
}

static void fetch_on_frame(void *ctx, const struct broker_peer *from, const struct codec_frame *frame,
                           const struct codec_bytes *body)
{
    static const struct router_refusal kind = {METER_KIND, "fetch takes FETCH", 0, true};
    struct fetch *fetch = ctx;

    if (frame->kind != CODEC_FETCH || body)
        router_refuse(fetch->router, from, &kind);
    else if (fetch_is_welcome(fetch, from) && fetch_has_read(fetch, from))
        fetch_on_fetch(fetch, from, &frame->fetch);
}

/* ---- life ---- */

int fetch_open(struct fetch **fetchp, struct tip_loop *loop, const struct fetch_options *options)
{
    tip_auto(fetch_destroy) struct fetch *fetch = tip_new(struct fetch);
    const struct tip_pool_options pool = {.name = "fetch", .n_threads = FETCH_THREADS, .n_jobs_max = FETCH_JOBS_MAX};
    const struct router_options router = {
        .endpoint = options->endpoint,
        .socket = METER_FETCH,
        .door = ACCESS_FETCH,
        .guard = options->guard,
        .head_bytes_max = FETCH_HEAD_BYTES_MAX,
        .frame_bytes_max = FETCH_HEAD_BYTES_MAX,
        .send_hwm = FETCH_SEND_HWM,
        .receive_hwm = FETCH_RECEIVE_HWM,
        .held_max = options->fetchers_max * FETCH_BYTES_MAX,
        .meter = options->meter,
        .on_frame = fetch_on_frame,
        .ctx = fetch,
    };
    int r;

    fetch->loop = loop;
    fetch->options = *options;
    fetchers_init(&fetch->fetchers, options->fetchers_max);
    budgets_init(&fetch->budgets, options->external_bytes_per_s);
    tip_timer_init(&fetch->timer, loop, fetch_on_timer, fetch);
    r = tip_pool_open(&fetch->pool, loop, &pool);
    if (!r)
        r = router_open(&fetch->router, loop, &router);
    if (r)
        return tip_fail(r);
    *fetchp = tip_take(fetch);
    return 0;
}

static bool fetch_is_revoked(struct fetch *fetch, const struct fetcher *fetcher)
{
    static const struct router_refusal revoked = {METER_ACCESS, "this key was revoked or changed: ask again", 0, false};

    if (!fetcher->peer.key || !fetcher->peer.key->revoked)
        return false;
    tip_warn("fetch.revoked", "key=%s", fetcher->peer.key->name);
    router_refuse(fetch->router, &fetcher->peer, &revoked);
    return true;
}

/* What is being read for it is thrown away. */
void fetch_revoke(struct fetch *fetch)
{
    struct fetchers *fetchers = &fetch->fetchers;

    for (size_t i = 0; i < fetchers->n; i++) {
        if (fetchers->items[i].waiting && fetch_is_revoked(fetch, &fetchers->items[i]))
            fetchers_answered(&fetchers->items[i]);
    }
    for (size_t i = fetchers->n_line; i-- > 0;) {
        if (fetch_is_revoked(fetch, &fetchers->line[i]))
            fetchers_forget(fetchers, &fetchers->line[i].peer);
    }
    guests_sweep(&fetch->guests, NULL, NULL, NULL);
    fetch_place(fetch);
}

void fetch_stop(struct fetch *fetch)
{
    fetch->stopped = true;
    router_pause(fetch->router);
    tip_timer_stop(&fetch->timer);
}

void fetch_destroy(struct fetch **fetchp)
{
    struct fetch *fetch = *fetchp;

    if (!fetch)
        return;
    fetch->stopped = true;
    tip_pool_destroy(&fetch->pool);
    tip_timer_deinit(&fetch->timer);
    router_destroy(&fetch->router);
    fetchers_deinit(&fetch->fetchers);
    guests_deinit(&fetch->guests);
    budgets_deinit(&fetch->budgets);
    free(fetch);
    *fetchp = NULL;
}
