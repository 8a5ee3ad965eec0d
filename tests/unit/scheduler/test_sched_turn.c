/* What a turn that cannot be stored leaves behind: nothing, also when the disk is well again a moment later. And when
 * reports count as heard. */
#include <check.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "app.h"
#include "turn.h"

static int commit_fails;
static bool bus_is_up, fetch_is_current;
static unsigned n_ends;

int __real_tip_outbox_commit(struct tip_outbox_txn **txnp);
int __wrap_tip_outbox_commit(struct tip_outbox_txn **txnp);
void __wrap_tip_service_fail(struct tip_service *service, const char *format, ...);
bool __wrap_tip_bus_is_up(const struct tip_bus *bus, const char **whyp);
bool __wrap_tip_fetch_is_current(const struct tip_fetch *fetch, uint64_t *lagp);

int __wrap_tip_outbox_commit(struct tip_outbox_txn **txnp)
{
    if (!commit_fails)
        return __real_tip_outbox_commit(txnp);
    tip_outbox_abort(txnp);
    return commit_fails;
}

void __wrap_tip_service_fail(struct tip_service *service, const char *format, ...)
{
    (void)service;
    (void)format;
    n_ends++;
}

bool __wrap_tip_bus_is_up(const struct tip_bus *bus, const char **whyp)
{
    (void)bus;
    (void)whyp;
    return bus_is_up;
}

bool __wrap_tip_fetch_is_current(const struct tip_fetch *fetch, uint64_t *lagp)
{
    (void)fetch;
    (void)lagp;
    return fetch_is_current;
}

struct bench {
    struct app app;
    struct tip_metrics *metrics;
    char dir[64];
};

static void bench_open(struct bench *bench)
{
    static const struct tip_metric_row row = {TIP_METRIC_HISTOGRAM, "x", "", "Takes whatever comes."};
    struct tip_outbox_config config = {.dir = bench->dir, .map_bytes = 1 << 20, .wall_unix_us = 1};

    *bench = (struct bench){.dir = "/tmp/tip-turn-XXXXXX"};
    assert_non_null(mkdtemp(bench->dir));
    assert_int_equal(tip_outbox_open(&bench->app.outbox, &config), 0);
    bench->app.sched = sched_new();
    bench->metrics = tip_metrics_new();
    for (size_t i = 0; i < APP_M_COUNT; i++)
        tip_metrics_add(bench->metrics, &row, 1, &bench->app.m[i]);
}

static void bench_close(struct bench *bench)
{
    char path[96];

    sched_destroy(&bench->app.sched);
    tip_metrics_destroy(&bench->metrics);
    tip_outbox_destroy(&bench->app.outbox);
    (void)snprintf(path, sizeof(path), "%s/data.mdb", bench->dir);
    (void)unlink(path);
    (void)snprintf(path, sizeof(path), "%s/lock.mdb", bench->dir);
    (void)unlink(path);
    (void)snprintf(path, sizeof(path), "%s/lock", bench->dir);
    (void)unlink(path);
    (void)rmdir(bench->dir);
}

/* An operator's run, as a turn whose input ends at next_seq. */
static int bench_turn(struct bench *bench, const char *module, uint64_t next_seq)
{
    const struct sched_event run = {.kind = SCHED_EV_RUN, .name = module, .target = "", .deadline_ms = 60000};
    struct turn turn;

    turn_begin(&bench->app, &turn);
    turn_step(&bench->app, &turn, &run);
    bench->app.next_seq = next_seq;
    return turn_commit(&bench->app, &turn, NULL, NULL);
}

static uint64_t bench_stored_seq(struct bench *bench)
{
    tip_auto(tip_outbox_abort) struct tip_outbox_txn *txn = NULL;
    struct tip_id journal;
    uint64_t next_seq;

    assert_int_equal(tip_outbox_begin(bench->app.outbox, &txn), 0);
    assert_int_equal(tip_outbox_input_get(txn, SCHED_CONSUMER, &journal, &next_seq), 0);
    return next_seq;
}

static void test_a_lost_turn_is_not_passed_over(void **state)
{
    struct bench bench;

    (void)state;
    bench_open(&bench);
    assert_int_equal(bench_turn(&bench, "one", 10), 0);
    assert_int_equal(bench_stored_seq(&bench), 10);
    assert_int_equal(tip_outbox_n_waiting(bench.app.outbox), 1);

    commit_fails = -ENOSPC;
    assert_int_equal(bench_turn(&bench, "two", 20), -ENOSPC);
    commit_fails = 0;
    assert_int_equal(n_ends, 1);
    assert_int_equal(bench_turn(&bench, "three", 30), -ECANCELED); /* before the process has ended */
    assert_int_equal(n_ends, 1);
    assert_int_equal(bench_stored_seq(&bench), 10);
    assert_int_equal(tip_outbox_n_waiting(bench.app.outbox), 1);
    assert_true(tip_metric_value(bench.app.m[APP_M_STARTED]) == 1);
    bench_close(&bench);
}

static bool bench_hears(struct bench *bench)
{
    struct turn turn;

    turn_begin(&bench->app, &turn);
    turn_drop(&turn);
    return turn.now.hears_reports;
}

/* A fetch stays current for a while after its last answer: a broker that is down may hold reports back. */
static void test_reports_are_heard_while_the_bus_is_up(void **state)
{
    struct bench bench;

    (void)state;
    bench_open(&bench);
    assert_false(bench_hears(&bench));
    bench.app.fetch = (struct tip_fetch *)&bench; /* only asked through what is above */
    bus_is_up = true;
    assert_false(bench_hears(&bench));
    fetch_is_current = true;
    assert_true(bench_hears(&bench));
    bus_is_up = false;
    assert_false(bench_hears(&bench));
    bus_is_up = true;
    fetch_is_current = false; /* a moment behind is no reason yet */
    assert_true(bench_hears(&bench));
    bench_close(&bench);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_lost_turn_is_not_passed_over),
        cmocka_unit_test(test_reports_are_heard_while_the_bus_is_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
