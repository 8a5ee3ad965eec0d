#pragma once
/*
 * Threads for work that blocks. A job is a private copy of its input; it is worked on in one thread, comes back to
 * the loop's as a message, and touches nothing else.
 *
 *     struct parse_job { char path[256]; int result; struct set *set; };
 *
 *     r = tip_pool_submit(pool, &(struct tip_pool_job){
 *         .input = &job, .size = sizeof(job), .work = parse_work, .done = parse_done, .ctx = app});
 */
#include <stddef.h>
#include <stdint.h>

#include <tip/cleanup.h>

struct tip_loop;
struct tip_pool;

struct tip_pool_options {
    const char *name;   /* of the threads, <= 15 bytes */
    unsigned n_threads; /* 1 to 64 */
    size_t n_jobs_max;  /* waiting, running, and done but not yet delivered */
};

struct tip_pool_job {
    const void *input; /* copied */
    size_t size;
    void (*work)(void *job);            /* in a thread: may block; sees only its copy, and writes results into it */
    void (*done)(void *ctx, void *job); /* in the loop's thread; takes or releases what the copy points at */
    void *ctx;                          /* for done only */
};

struct tip_pool_stats {
    size_t n_waiting;
    size_t n_running;
    int64_t oldest_ms; /* age of the oldest job that is not done; 0: none */
    uint64_t done;
    uint64_t refused; /* submits that found it full */
};

tip_nodiscard int tip_pool_open(struct tip_pool **poolp, struct tip_loop *loop, const struct tip_pool_options *options);

/** Finishes every job, delivers it, and ends the threads; so it blocks as long as the work does. */
void tip_pool_destroy(struct tip_pool **poolp);

/** @return 0, or -EAGAIN when n_jobs_max is reached: try again after a `done` */
tip_nodiscard int tip_pool_submit(struct tip_pool *pool, const struct tip_pool_job *job);

void tip_pool_stats(struct tip_pool *pool, struct tip_pool_stats *stats);
