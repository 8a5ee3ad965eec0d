#include <tip/pool.h>

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <tip/alloc.h>
#include <tip/fail.h>
#include <tip/loop.h>

enum { POOL_THREADS_MAX = 64 };

struct pool_job {
    struct pool_job *next;
    struct pool_job *older; /* jobs that are not done, in order of submission */
    struct pool_job *newer;
    struct tip_pool_job job;
    int64_t submitted_ms;
    max_align_t copy[]; /* job.size bytes */
};

struct pool_queue {
    struct pool_job *first;
    struct pool_job **lastp;
    size_t n;
};

struct tip_pool {
    pthread_t threads[POOL_THREADS_MAX];
    unsigned n_threads;
    size_t n_jobs_max;
    int event_fd;
    struct tip_watch watch;

    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t wake;
    bool is_ending;
    struct pool_queue waiting;
    struct pool_queue done;
    struct pool_job *oldest;
    struct pool_job *newest;
    size_t n_running;
    uint64_t n_done;
    uint64_t n_refused;
};

static void pool_queue_init(struct pool_queue *queue)
{
    queue->first = NULL;
    queue->lastp = &queue->first;
    queue->n = 0;
}

static void pool_queue_push(struct pool_queue *queue, struct pool_job *job)
{
    job->next = NULL;
    *queue->lastp = job;
    queue->lastp = &job->next;
    queue->n++;
}

static struct pool_job *pool_queue_pop(struct pool_queue *queue)
{
    struct pool_job *job = queue->first;

    if (!job)
        return NULL;
    queue->first = job->next;
    if (!queue->first)
        queue->lastp = &queue->first;
    queue->n--;
    return job;
}

static void pool_age_add(struct tip_pool *pool, struct pool_job *job)
{
    job->older = pool->newest;
    job->newer = NULL;
    *(pool->newest ? &pool->newest->newer : &pool->oldest) = job;
    pool->newest = job;
}

static void pool_age_remove(struct tip_pool *pool, struct pool_job *job)
{
    *(job->older ? &job->older->newer : &pool->oldest) = job->newer;
    *(job->newer ? &job->newer->older : &pool->newest) = job->older;
}

static void pool_signal(struct tip_pool *pool)
{
    uint64_t one = 1;
    ssize_t n;

    do {
        n = write(pool->event_fd, &one, sizeof(one));
    } while (n == -1 && errno == EINTR);
}

/* --- in the threads --- */

static struct pool_job *pool_take(struct tip_pool *pool)
{
    struct pool_job *job;

    while (!(job = pool_queue_pop(&pool->waiting)) && !pool->is_ending)
        pthread_cond_wait(&pool->wake, &pool->lock);
    if (job)
        pool->n_running++;
    return job;
}

static void *pool_thread(void *ctx)
{
    struct tip_pool *pool = ctx;
    struct pool_job *job;

    pthread_mutex_lock(&pool->lock);
    while ((job = pool_take(pool))) {
        pthread_mutex_unlock(&pool->lock);
        job->job.work(job->copy);
        pthread_mutex_lock(&pool->lock);
        pool->n_running--;
        pool_age_remove(pool, job);
        pool_queue_push(&pool->done, job);
        pool_signal(pool);
    }
    pthread_mutex_unlock(&pool->lock);
    return NULL;
}

/* --- in the loop's thread --- */

static bool pool_deliver_one(struct tip_pool *pool)
{
    struct pool_job *job;

    pthread_mutex_lock(&pool->lock);
    job = pool_queue_pop(&pool->done);
    if (job)
        pool->n_done++;
    pthread_mutex_unlock(&pool->lock);
    if (!job)
        return false;
    job->job.done(job->job.ctx, job->copy);
    free(job);
    return true;
}

/* One a turn is enough to be fair and cheap: a job took a thread's while. */
static void pool_on_event(void *ctx, unsigned what)
{
    struct tip_pool *pool = ctx;
    uint64_t n;

    (void)what;
    if (read(pool->event_fd, &n, sizeof(n)) == -1)
        return;
    if (n > 1) {
        n--;
        while (write(pool->event_fd, &n, sizeof(n)) == -1 && errno == EINTR)
            continue;
    }
    (void)pool_deliver_one(pool); /* the counter and the queue agree */
}

static int pool_start_threads(struct tip_pool *pool, const struct tip_pool_options *options)
{
    sigset_t all;
    sigset_t before;
    int error = 0;

    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    while (pool->n_threads < options->n_threads && !error) {
        error = pthread_create(&pool->threads[pool->n_threads], NULL, pool_thread, pool);
        if (error)
            break;
        if (options->name)
            (void)pthread_setname_np(pool->threads[pool->n_threads], options->name); /* only a name */
        pool->n_threads++;
    }
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return error ? tip_fail(-error) : 0;
}

int tip_pool_open(struct tip_pool **poolp, struct tip_loop *loop, const struct tip_pool_options *options)
{
    tip_auto(tip_pool_destroy) struct tip_pool *pool = NULL;
    int fd;
    int r;

    if (options->n_threads < 1 || options->n_threads > POOL_THREADS_MAX || options->n_jobs_max < 1)
        return tip_fail(-EINVAL);
    fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (fd == -1)
        return tip_fail(-errno);
    pool = tip_new(struct tip_pool);
    pool->event_fd = fd;
    pool->n_jobs_max = options->n_jobs_max;
    pthread_mutex_init(&pool->lock, NULL);
    pthread_cond_init(&pool->wake, NULL);
    pool_queue_init(&pool->waiting);
    pool_queue_init(&pool->done);
    tip_watch_init(&pool->watch, loop, fd, pool_on_event, pool);
    tip_watch_set(&pool->watch, TIP_WATCH_READ);
    r = pool_start_threads(pool, options);
    if (r)
        return r;
    *poolp = tip_take(pool);
    return 0;
}

void tip_pool_destroy(struct tip_pool **poolp)
{
    struct tip_pool *pool = *poolp;

    if (!pool)
        return;
    pthread_mutex_lock(&pool->lock);
    pool->is_ending = true;
    pthread_cond_broadcast(&pool->wake);
    pthread_mutex_unlock(&pool->lock);
    for (unsigned i = 0; i < pool->n_threads; i++)
        pthread_join(pool->threads[i], NULL);
    while (pool_deliver_one(pool))
        continue;
    tip_watch_deinit(&pool->watch);
    tip_fd_close(&pool->event_fd);
    pthread_cond_destroy(&pool->wake);
    pthread_mutex_destroy(&pool->lock);
    free(pool);
    *poolp = NULL;
}

static struct pool_job *pool_job_new(const struct tip_pool_job *job)
{
    struct pool_job *copy;

    copy = tip_alloc(1, sizeof(*copy) + job->size);
    copy->job = *job;
    copy->job.input = NULL;
    copy->submitted_ms = tip_loop_now_ms();
    if (job->size)
        memcpy(copy->copy, job->input, job->size);
    return copy;
}

int tip_pool_submit(struct tip_pool *pool, const struct tip_pool_job *job)
{
    struct pool_job *copy;

    pthread_mutex_lock(&pool->lock);
    if (pool->is_ending || pool->waiting.n + pool->n_running + pool->done.n >= pool->n_jobs_max) {
        pool->n_refused++;
        pthread_mutex_unlock(&pool->lock);
        return -EAGAIN;
    }
    copy = pool_job_new(job);
    pool_age_add(pool, copy);
    pool_queue_push(&pool->waiting, copy);
    pthread_cond_signal(&pool->wake);
    pthread_mutex_unlock(&pool->lock);
    return 0;
}

void tip_pool_stats(struct tip_pool *pool, struct tip_pool_stats *stats)
{
    pthread_mutex_lock(&pool->lock);
    *stats = (struct tip_pool_stats){
        .n_waiting = pool->waiting.n,
        .n_running = pool->n_running,
        .oldest_ms = pool->oldest ? tip_loop_now_ms() - pool->oldest->submitted_ms : 0,
        .done = pool->n_done,
        .refused = pool->n_refused,
    };
    pthread_mutex_unlock(&pool->lock);
}
