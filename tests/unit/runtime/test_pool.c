#include "check.h"

#include <errno.h>
#include <pthread.h>
#include <unistd.h>

#include <tip/loop.h>
#include <tip/pool.h>

struct sum_job {
    int from, to;
    long sum;
    pthread_t thread;
};

struct sums {
    struct tip_loop *loop;
    struct tip_pool *pool;
    int n_done;
    int goal;
    long total;
    pthread_t thread;
};

static void sum_work(void *job)
{
    struct sum_job *sum = job;

    for (int i = sum->from; i < sum->to; i++)
        sum->sum += i;
    sum->thread = pthread_self();
}

static void sum_done(void *ctx, void *job)
{
    struct sums *sums = ctx;
    const struct sum_job *sum = job;

    assert_true(pthread_equal(pthread_self(), sums->thread));
    assert_false(pthread_equal(sum->thread, sums->thread));
    sums->total += sum->sum;
    if (++sums->n_done == sums->goal)
        tip_loop_stop(sums->loop);
}

static void sums_open(struct sums *sums, unsigned n_threads, size_t n_jobs_max)
{
    const struct tip_pool_options options = {.name = "test", .n_threads = n_threads, .n_jobs_max = n_jobs_max};

    *sums = (struct sums){.loop = tip_loop_new(), .thread = pthread_self()};
    assert_int_equal(tip_pool_open(&sums->pool, sums->loop, &options), 0);
}

static int sums_submit(struct sums *sums, int from, int to)
{
    struct sum_job job = {.from = from, .to = to};
    const struct tip_pool_job pool_job = {
        .input = &job, .size = sizeof(job), .work = sum_work, .done = sum_done, .ctx = sums};
    int r;

    r = tip_pool_submit(sums->pool, &pool_job);
    memset(&job, 0xff, sizeof(job)); /* the pool has its own copy */
    return r;
}

static void test_results_come_back_to_the_loop(void **state)
{
    struct tip_pool_stats stats;
    struct sums sums;

    (void)state;
    sums_open(&sums, 4, 1000);
    for (int i = 0; i < 1000; i++)
        assert_int_equal(sums_submit(&sums, i, i + 10), 0);
    assert_int_equal(sums_submit(&sums, 0, 1), -EAGAIN);
    sums.goal = 1000;
    assert_int_equal(tip_loop_run(sums.loop), 0);
    assert_int_equal(sums.total, 10L * 499500 + 1000 * 45);
    tip_pool_stats(sums.pool, &stats);
    assert_int_equal(stats.done, 1000);
    assert_int_equal(stats.refused, 1);
    assert_int_equal(stats.oldest_ms, 0);
    assert_int_equal(stats.n_waiting + stats.n_running, 0);
    tip_pool_destroy(&sums.pool);
    tip_loop_destroy(&sums.loop);
}

static void nap_work(void *job)
{
    (void)job;
    usleep(50000);
}

static void nap_done(void *ctx, void *job)
{
    int *n = ctx;

    (void)job;
    ++*n;
}

static void test_destroy_finishes_and_delivers(void **state)
{
    struct tip_pool_stats stats;
    struct sums sums;
    int n = 0;
    const struct tip_pool_job job = {.work = nap_work, .done = nap_done, .ctx = &n};

    (void)state;
    sums_open(&sums, 2, 6);
    for (int i = 0; i < 6; i++)
        assert_int_equal(tip_pool_submit(sums.pool, &job), 0);
    usleep(20000);
    tip_pool_stats(sums.pool, &stats);
    assert_true(stats.oldest_ms >= 15);
    assert_int_equal(stats.n_waiting + stats.n_running, 6);
    tip_pool_destroy(&sums.pool);
    assert_null(sums.pool);
    assert_int_equal(n, 6);
    tip_pool_destroy(&sums.pool);
    tip_loop_destroy(&sums.loop);
}

static void test_bad_options_are_refused(void **state)
{
    struct tip_loop *loop = tip_loop_new();
    struct tip_pool *pool = NULL;

    (void)state;
    assert_int_equal(tip_pool_open(&pool, loop, &(struct tip_pool_options){.n_jobs_max = 1}), -EINVAL);
    assert_null(pool);
    tip_loop_destroy(&loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_results_come_back_to_the_loop),
        cmocka_unit_test(test_destroy_finishes_and_delivers),
        cmocka_unit_test(test_bad_options_are_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
