#include "core/work_private.h"

#include <stdlib.h>
#include <string.h>

#include <tip/alloc.h>

struct queue *work_queue_find(const struct work *work, const char *name)
{
    struct queue *queue;

    tip_hash_find_text(work->queues, name, queue);
    return queue;
}

struct queue *work_queue_make(struct work *work, const char *name)
{
    struct queue *queue = work_queue_find(work, name);

    if (queue && queue->is_kept) {
        TAILQ_REMOVE(&work->kept, queue, in_kept);
        queue->is_kept = false;
        work->n_kept--;
    }
    if (queue)
        return queue;
    queue = tip_new(struct queue);
    memcpy(queue->name, name, strlen(name));
    TAILQ_INIT(&queue->turns);
    TAILQ_INIT(&queue->idle);
    tip_hash_add_text(work->queues, name, queue);
    return queue;
}

void work_queue_ready(struct work *work, struct queue *queue)
{
    if (queue->is_ready)
        return;
    queue->is_ready = true;
    TAILQ_INSERT_TAIL(&work->ready, queue, in_ready);
}

static void queue_free(struct work *work, struct queue *queue)
{
    if (queue->is_ready)
        TAILQ_REMOVE(&work->ready, queue, in_ready);
    if (queue->is_kept) {
        TAILQ_REMOVE(&work->kept, queue, in_kept);
        work->n_kept--;
    }
    tip_hash_remove(work->queues, queue);
    free(queue);
}

/* The one that rests now is the youngest, so it is never the one that goes. */
void work_queue_rest(struct work *work, struct queue *queue)
{
    if (queue->n_waiting || queue->n_running || queue->n_workers || queue->is_kept)
        return;
    queue->is_kept = true;
    TAILQ_INSERT_TAIL(&work->kept, queue, in_kept);
    work->n_kept++;
    if (work->n_kept > WORK_QUEUES_KEPT)
        queue_free(work, TAILQ_FIRST(&work->kept));
}

void work_queues_free(struct work *work)
{
    struct queue *queue, *next;

    tip_hash_each (work->queues, queue, next)
        queue_free(work, queue);
}

/* ---- lines ---- */

struct line *work_line_find(const struct queue *queue, const char *caller)
{
    struct line *line;

    tip_hash_find_text(queue->lines, caller, line);
    return line;
}

struct line *work_line_make(struct queue *queue, const char *caller)
{
    struct line *line = work_line_find(queue, caller);

    if (line)
        return line;
    line = tip_new(struct line);
    memcpy(line->caller, caller, strlen(caller));
    line->queue = queue;
    TAILQ_INIT(&line->waiting);
    tip_hash_add_text(queue->lines, caller, line);
    return line;
}

void work_line_add(struct work *work, struct job *job, bool first)
{
    struct line *line = job->line;

    if (TAILQ_EMPTY(&line->waiting))
        TAILQ_INSERT_TAIL(&line->queue->turns, line, turn);
    if (first)
        TAILQ_INSERT_HEAD(&line->waiting, job, link);
    else
        TAILQ_INSERT_TAIL(&line->waiting, job, link);
    line->queue->n_waiting++;
    work->stats.n_waiting++;
    work_queue_ready(work, line->queue);
}

void work_line_remove(struct work *work, struct job *job)
{
    struct line *line = job->line;

    TAILQ_REMOVE(&line->waiting, job, link);
    if (TAILQ_EMPTY(&line->waiting))
        TAILQ_REMOVE(&line->queue->turns, line, turn);
    line->queue->n_waiting--;
    work->stats.n_waiting--;
}

struct job *work_line_next(struct queue *queue)
{
    struct line *line = TAILQ_FIRST(&queue->turns);

    if (!line)
        return NULL;
    TAILQ_REMOVE(&queue->turns, line, turn);
    TAILQ_INSERT_TAIL(&queue->turns, line, turn);
    return TAILQ_FIRST(&line->waiting);
}
