#pragma once
/* The inside of work, shared by its files: jobs, the lines they wait in, and who serves them. */
#include <sys/queue.h>

#include <tip/hash.h>

#include "core/access.h"
#include "core/due.h"
#include "core/outside.h"
#include "core/work.h"

struct job;
struct worker;

TAILQ_HEAD(jobs, job);
TAILQ_HEAD(lines, line);
TAILQ_HEAD(workers, worker);
TAILQ_HEAD(queues, queue);
TAILQ_HEAD(conns, conn);

/** The jobs of one caller in one queue. */
struct line {
    char caller[WORK_NAME_MAX + 1];
    struct queue *queue;
    size_t n_jobs;       /* waiting and running */
    struct jobs waiting; /* first come, first served; what goes back stands first */
    TAILQ_ENTRY(line) turn;
    UT_hash_handle hh;
};

struct queue {
    char name[WORK_NAME_MAX + 1];
    struct line *lines;  /* by caller */
    struct lines turns;  /* lines with waiting jobs, in the order in which they are served */
    struct workers idle; /* workers with credit, in the order in which they get jobs */
    size_t n_waiting, n_running, n_workers;
    uint64_t done, failed, late, nobody, retried, lost, full;
    bool is_ready; /* in work->ready */
    bool is_kept;  /* in work->kept */
    TAILQ_ENTRY(queue) in_ready, in_kept;
    UT_hash_handle hh;
};

struct job {
    uint8_t id[WORK_ID_BYTES];
    struct line *line;
    struct worker *worker;            /* NULL: waits */
    const struct access_key *outside; /* whose it is, of those outside; NULL: somebody's inside */
    struct broker_peer callers[WORK_CALLERS_MAX];
    size_t n_callers;
    uint32_t attempt; /* leases so far */
    uint32_t max_attempts;
    uint32_t lease_ms; /* 0: as long as the deadline */
    int64_t put_ms, deadline_ms, lease_end_ms;
    char *why;           /* the last lease ended without an answer; NULL: none did */
    struct due_item due; /* deadline or end of the lease */
    uint8_t *body;
    size_t body_len;
    TAILQ_ENTRY(job) link; /* in its line while it waits, with its worker while it runs */
    UT_hash_handle hh;
};

/** A connection that has said TAKE. */
struct conn {
    struct broker_peer peer;
    int64_t heard_ms;
    size_t n_running;
    bool is_gone;           /* in work->gone instead of work->heard */
    const char *why;        /* it is gone */
    struct workers workers; /* one a queue that it serves */
    TAILQ_ENTRY(conn) link;
    UT_hash_handle hh;
};

/** What one connection has said about one queue. */
struct worker_key {
    const struct queue *queue;
    const struct conn *conn;
};

struct worker {
    struct worker_key key;
    struct queue *queue;
    struct conn *conn;
    uint32_t credit; /* above 0: in queue->idle */
    struct jobs running;
    TAILQ_ENTRY(worker) in_conn, in_idle;
    UT_hash_handle hh;
};

struct work {
    struct work_limits limits;
    struct work_out out;
    struct job *jobs;
    struct queue *queues;
    struct conn *conns;
    struct worker *workers;
    struct outside outside;
    int64_t born_ms;
    struct due due;
    struct conns heard;  /* the longest silent first */
    struct conns gone;   /* to be settled */
    struct queues ready; /* perhaps with a job for a worker */
    struct queues kept;  /* only their counters, the oldest first */
    size_t n_kept;
    int64_t probe_ms; /* the next time */
    struct work_stats stats;
};

/* ---- queues and lines ---- */

struct queue *work_queue_find(const struct work *work, const char *name);
struct queue *work_queue_make(struct work *work, const char *name);

/** To be dispatched when all else is settled. */
void work_queue_ready(struct work *work, struct queue *queue);

/** Without jobs and workers only its counters are kept, for a while. */
void work_queue_rest(struct work *work, struct queue *queue);
void work_queues_free(struct work *work);

struct line *work_line_find(const struct queue *queue, const char *caller);
struct line *work_line_make(struct queue *queue, const char *caller);

/** Puts a job that does not run in its line, at the end or first; takes it out. */
void work_line_add(struct work *work, struct job *job, bool first);
void work_line_remove(struct work *work, struct job *job);

/** The job whose turn it is, or NULL; the turn passes on. */
struct job *work_line_next(struct queue *queue);

/* ---- workers ---- */

struct conn *work_conn_find(const struct work *work, const struct broker_peer *peer);
void work_conn_heard(struct work *work, struct conn *conn, int64_t now_ms);

/** Gets nothing more; what it has goes back when the connection is settled. */
void work_conn_leave(struct work *work, struct conn *conn, const char *why);
void work_conn_free(struct work *work, struct conn *conn);

/** NULL when there are too many. */
struct worker *work_worker_make(struct work *work, const struct broker_peer *peer, struct queue *queue, int64_t now_ms);
void work_worker_credit(struct worker *worker, uint32_t credit);

/** The worker whose turn it is, or NULL; the turn passes on, with one credit less. */
struct worker *work_worker_next(struct queue *queue);
void work_worker_free(struct work *work, struct worker *worker);
