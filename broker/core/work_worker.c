#include "core/work_private.h"

#include <stdlib.h>
#include <string.h>

#include <tip/alloc.h>

/* ---- connections ---- */

struct conn *work_conn_find(const struct work *work, const struct broker_peer *peer)
{
    struct conn *conn;

    tip_hash_find_bytes(work->conns, peer, BROKER_PEER_WHO_BYTES, conn);
    return conn;
}

static struct conn *conn_make(struct work *work, const struct broker_peer *peer, int64_t now_ms)
{
    struct conn *conn = work_conn_find(work, peer);

    if (conn) {
        conn->peer = *peer; /* who names itself may have come back on another connection */
        return conn;
    }
    conn = tip_new(struct conn);
    conn->peer = *peer;
    conn->heard_ms = now_ms;
    TAILQ_INIT(&conn->workers);
    TAILQ_INSERT_TAIL(&work->heard, conn, link);
    HASH_ADD(hh, work->conns, peer, BROKER_PEER_WHO_BYTES, conn);
    return conn;
}

void work_conn_heard(struct work *work, struct conn *conn, int64_t now_ms)
{
    conn->heard_ms = now_ms;
    TAILQ_REMOVE(&work->heard, conn, link);
    TAILQ_INSERT_TAIL(&work->heard, conn, link);
}

void work_conn_leave(struct work *work, struct conn *conn, const char *why)
{
    struct worker *worker;

    if (conn->is_gone)
        return;
    conn->is_gone = true;
    conn->why = why;
    TAILQ_REMOVE(&work->heard, conn, link);
    TAILQ_INSERT_TAIL(&work->gone, conn, link);
    TAILQ_FOREACH (worker, &conn->workers, in_conn) {
        work_worker_credit(worker, 0);
    }
}

void work_conn_free(struct work *work, struct conn *conn)
{
    struct worker *worker;

    while ((worker = TAILQ_FIRST(&conn->workers)))
        work_worker_free(work, worker);
    if (conn->is_gone)
        TAILQ_REMOVE(&work->gone, conn, link);
    else
        TAILQ_REMOVE(&work->heard, conn, link);
    tip_hash_remove(work->conns, conn);
    free(conn);
}

/* ---- workers ---- */

static struct worker *worker_find(const struct work *work, const struct worker_key *key)
{
    struct worker *worker;

    tip_hash_find_key(work->workers, key, worker);
    return worker;
}

struct worker *work_worker_make(struct work *work, const struct broker_peer *peer, struct queue *queue, int64_t now_ms)
{
    struct worker_key key = {queue, work_conn_find(work, peer)};
    struct worker *worker = key.conn ? worker_find(work, &key) : NULL;

    if (worker)
        return worker;
    if (work->stats.n_workers == work->limits.workers_max)
        return NULL;
    worker = tip_new(struct worker);
    worker->queue = queue;
    worker->conn = conn_make(work, peer, now_ms);
    worker->key = (struct worker_key){queue, worker->conn};
    TAILQ_INIT(&worker->running);
    TAILQ_INSERT_TAIL(&worker->conn->workers, worker, in_conn);
    tip_hash_add_key(work->workers, key, worker);
    queue->n_workers++;
    work->stats.n_workers++;
    return worker;
}

void work_worker_credit(struct worker *worker, uint32_t credit)
{
    if (credit && !worker->credit)
        TAILQ_INSERT_TAIL(&worker->queue->idle, worker, in_idle);
    else if (!credit && worker->credit)
        TAILQ_REMOVE(&worker->queue->idle, worker, in_idle);
    worker->credit = credit;
}

struct worker *work_worker_next(struct queue *queue)
{
    struct worker *worker = TAILQ_FIRST(&queue->idle);

    if (!worker)
        return NULL;
    TAILQ_REMOVE(&queue->idle, worker, in_idle);
    worker->credit--;
    if (worker->credit)
        TAILQ_INSERT_TAIL(&queue->idle, worker, in_idle);
    return worker;
}

/* Its jobs have gone elsewhere before. */
void work_worker_free(struct work *work, struct worker *worker)
{
    work_worker_credit(worker, 0);
    TAILQ_REMOVE(&worker->conn->workers, worker, in_conn);
    tip_hash_remove(work->workers, worker);
    worker->queue->n_workers--;
    work->stats.n_workers--;
    work_queue_rest(work, worker->queue);
    free(worker);
}
