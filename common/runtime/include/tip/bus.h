#pragma once
/*
 * The bus as a service sees it: publish (through the outbox), publish live, fetch, subscribe, call, serve.
 * Everything happens on the loop's thread; callbacks may call any function here but tip_bus_destroy.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <tip/call.h>
#include <tip/event.h>
#include <tip/loop.h>
#include <tip/outbox.h>

struct tip_bus;
struct tip_keys;

struct tip_bus_config {
    const char *name;   /* publisher: "blacklist" or "tip.4711"; with keys the key's name, or that and an instance */
    const char *ingest; /* endpoints; NULL where this program does not need one */
    const char *feed;
    const char *fetch;
    const char *work;
    const struct tip_keys *keys; /* <tip/keys.h>, borrowed; NULL: plain. ipc is plain in any case */
    struct tip_outbox *outbox;   /* borrowed; NULL for a program that publishes nothing durable */
    /** The broker knows a younger epoch of this name: log an error line and end the process. */
    void (*on_fenced)(void *ctx);
    void *ctx;
};

/** @return 0 or negative errno; a broker that is away is no error, tip_bus_is_up tells */
tip_nodiscard int tip_bus_open(struct tip_bus **busp, struct tip_loop *loop, const struct tip_bus_config *config);

/** Fetches, subscriptions and served queues must have been destroyed before; calls under way end unheard. */
void tip_bus_destroy(struct tip_bus **busp);

/**
 * True while the broker answers on ingest (WELCOME heard, acks or pongs flowing), and for 2 s while one that has
 * restarted is asked for another WELCOME. Text: why not.
 */
bool tip_bus_is_up(const struct tip_bus *bus, const char **whyp);

/** The journal of the broker that said WELCOME last; false before the first one, and without an outbox. */
bool tip_bus_journal(const struct tip_bus *bus, struct tip_id *idp);

struct tip_bus_stats {
    uint64_t acked;        /* events */
    uint64_t refused;      /* events that an alarm took the place of */
    uint64_t connects;     /* sessions begun, the first included */
    uint64_t live;         /* live events sent */
    uint64_t live_dropped; /* while the broker was away */
    uint64_t calls;
    uint64_t calls_failed;
    uint64_t jobs; /* taken by tip_serve */
    uint64_t jobs_failed;
    uint64_t jobs_lost;     /* of these taken: no longer ours before they ended */
    uint64_t feeds_renewed; /* subscriptions connected anew because nothing came */
    uint64_t malformed;     /* frames and records from the broker that could not be read */
};

const struct tip_bus_stats *tip_bus_stats(const struct tip_bus *bus);

/** Called when the outbox has room again after tip_outbox_has_room said no or publish said -ENOBUFS. */
void tip_bus_on_space(struct tip_bus *bus, void (*on_space)(void *ctx), void *ctx);

/** Calls back once all that is in the outbox now has been acked. At most 64 at a time: -EAGAIN. */
tip_nodiscard int tip_bus_flush(struct tip_bus *bus, void (*on_flushed)(void *ctx), void *ctx);

/** For the feed alone: no journal, no ack; dropped and counted when the broker is away. */
tip_nodiscard int tip_bus_live(struct tip_bus *bus, const char *topic, enum tip_tlp tlp, const struct tip_event *event);

/* ---- fetch: nothing is missed ---- */

struct tip_fetch;

/** One record of a batch; pointers live until the callback returns. */
struct tip_record {
    struct tip_stamp stamp;
    const uint8_t *event; /* bytes for tip_event_decode */
    size_t event_len;
};

enum tip_fetch_break {
    TIP_FETCH_NEW_JOURNAL, /* another journal than the consumer's */
    TIP_FETCH_TRIMMED,     /* wanted records are gone */
    TIP_FETCH_DAMAGED      /* [from, to] cannot be read */
};

struct tip_fetch_batch {
    struct tip_id journal_id;
    uint64_t next_seq, head_seq;
    size_t n_records;
    const struct tip_record *records;
};

struct tip_fetch_config {
    const char *consumer;        /* durable name, or "" */
    const char *const *prefixes; /* NULL-terminated; NULL for everything */
    uint32_t max_bytes;          /* of a batch; 0 for 4 MiB */
    uint32_t max_events;         /* 0 for 10,000 */
    uint32_t max_wait_ms;        /* long poll; 0 for 1,000 */
    struct tip_id journal_id;    /* zero for a consumer without history */
    uint64_t from_seq;           /* 0: the first available */
    /**
     * A batch that moves the position; n_records may be 0. The consumer handles it, makes it durable, and calls
     * tip_fetch_done, now or later; the next FETCH goes out only then.
     */
    void (*on_batch)(void *ctx, const struct tip_fetch_batch *batch);
    /**
     * State was lost on the way: ask its owners again. Go on with tip_fetch_done at the position given here.
     *
     * @param next_seq  first available; after the damage
     */
    void (*on_break)(void *ctx, enum tip_fetch_break why, const struct tip_id *journal_id, uint64_t next_seq);
    void *ctx;
};

tip_nodiscard int tip_fetch_open(struct tip_fetch **fetchp, struct tip_bus *bus, const struct tip_fetch_config *config);
void tip_fetch_destroy(struct tip_fetch **fetchp);

/** The last batch (or break) is durable; everything before next_seq is committed. Sends the next FETCH. */
void tip_fetch_done(struct tip_fetch *fetch, const struct tip_id *journal_id, uint64_t next_seq);

/** Repeats the last position after a delay, e.g. while the database is away: the batch comes again. */
void tip_fetch_retry(struct tip_fetch *fetch, uint64_t delay_ms);

/** No FETCH goes out while paused. */
void tip_fetch_pause(struct tip_fetch *fetch);
void tip_fetch_resume(struct tip_fetch *fetch);

/** True when the last answer is young and its next_seq is past the head. */
bool tip_fetch_is_current(const struct tip_fetch *fetch, uint64_t *lagp);

/* ---- subscribe: live, best effort, loss is visible ---- */

struct tip_sub;

struct tip_sub_config {
    const char *const *prefixes; /* NULL-terminated, at least one; copied */
    uint32_t silence_ms;         /* with nothing for so long, not even the broker's head, it connects anew; 0: 10 s */
    void (*on_record)(void *ctx, const struct tip_record *record);
    void *ctx;
};

tip_nodiscard int tip_sub_open(struct tip_sub **subp, struct tip_bus *bus, const struct tip_sub_config *config);
void tip_sub_destroy(struct tip_sub **subp);

/* ---- calls ---- */

/**
 * The end of a call. failure is TIP_FAILURE_NONE with a body, or the reason as a sentence.
 */
typedef void (*tip_call_fn)(void *ctx, enum tip_failure failure, const char *reason, const uint8_t *body, size_t n);

/**
 * Asks the service behind a queue. Repeated to the broker until answered or the deadline has passed, with one id.
 *
 * @param id  16 random bytes of the caller's, e.g. tip_id_random
 * @return 0; -EAGAIN with 1,024 calls under way; -EMSGSIZE
 */
tip_nodiscard int tip_call(struct tip_bus *bus, const struct tip_id *id, const char *queue, const uint8_t *body,
                           size_t n, uint64_t deadline_ms, tip_call_fn on_end, void *ctx);

/** Forgets a call of that id, if it is under way: on_end is not called. */
void tip_call_cancel(struct tip_bus *bus, const struct tip_id *id);

/** A job: a call that may go to another worker when the first one does not end it in time. */
struct tip_put {
    const struct tip_id *id;
    const char *queue;
    const uint8_t *body;
    size_t body_len;
    uint64_t deadline_ms;
    uint64_t lease_ms;     /* how long a worker has it; 0: as long as the deadline; at least 2 s */
    uint32_t max_attempts; /* workers that may try, at most 100; 0 and 1: a call */
};

/** As tip_call. It is done at least once, perhaps by two workers after the broker has restarted, and ends once. */
tip_nodiscard int tip_put(struct tip_bus *bus, const struct tip_put *put, tip_call_fn on_end, void *ctx);

struct tip_job; /* a call this service must answer */

struct tip_serve;

/**
 * Serves a queue with at most `credit` jobs at once.
 *
 * @param on_job  keeps the job until it has called tip_job_done, _fail or _drop, exactly once; then it is gone
 */
tip_nodiscard int tip_serve_open(struct tip_serve **servep, struct tip_bus *bus, const char *queue, uint32_t credit,
                                 void (*on_job)(void *ctx, struct tip_job *job), void *ctx);
void tip_serve_destroy(struct tip_serve **servep);

/**
 * What becomes of leases; without it nothing is renewed and nobody told.
 *
 * @param on_lost  once a job is not ours any more; it still wants tip_job_drop, now or later; may be NULL
 * @param renew    each lease is renewed before half of it is over, for as long as this loop turns
 */
void tip_serve_leases(struct tip_serve *serve, void (*on_lost)(void *ctx, struct tip_job *job), bool renew);

const struct tip_id *tip_job_id(const struct tip_job *job);
const char *tip_job_caller(const struct tip_job *job);
const uint8_t *tip_job_body(const struct tip_job *job, size_t *np);
uint64_t tip_job_deadline_ms(const struct tip_job *job); /* monotonic */
uint32_t tip_job_attempt(const struct tip_job *job);     /* from 1; above: another worker may have begun with it */

/**
 * Whether no other worker can have it: to be asked before each burst of work. It errs on the safe side, by the
 * monotonic clock and what the broker is known to have heard of us, so it holds for a process that was stopped too.
 */
bool tip_job_is_ours(const struct tip_job *job);

/** Asks for more time, from now: `lease_ms`, or 0 for the time it was put with. Counts once the broker has answered. */
void tip_job_renew(struct tip_job *job, uint64_t lease_ms);

void tip_job_done(struct tip_job **jobp, const uint8_t *body, size_t n);
void tip_job_fail(struct tip_job **jobp, enum tip_failure failure, const char *reason);

/** Says nothing: for a job that is not ours any more, or that another worker shall have when its lease ends. */
void tip_job_drop(struct tip_job **jobp);

/** 16 random bytes, and a UUIDv7 of now. */
struct tip_id tip_id_random(void);
struct tip_id tip_id_new(struct tip_loop *loop);
