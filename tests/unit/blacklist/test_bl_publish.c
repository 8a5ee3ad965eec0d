/* A job that waits takes later changes along: it is not queued twice, also over a restart. One that has begun does not.
 */
#include "check.h"

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <tip/alloc.h>
#include <tip/cleanup.h>

#include "app.h"
#include "io/store.h"

struct site {
    char dir[40];
    struct app app;
    struct bl_spec spec; /* says another group than what is in force: verdicts are to follow */
    struct app_source a, b;
};

static void site_add(struct site *site, struct app_source *source, const char *name)
{
    source->app = &site->app;
    source->spec = &site->spec;
    source->stored.version = 1;
    strcpy(source->name, name);
    tip_hash_add_text(site->app.sources, name, source);
}

static int site_open(void **state)
{
    struct site *site = tip_new(struct site);
    struct tip_outbox_config config = {.dir = site->dir, .map_bytes = 1 << 22, .wall_unix_us = 1};

    *state = site;
    strcpy(site->dir, "/tmp/test_bl_publish.XXXXXX");
    assert_non_null(mkdtemp(site->dir));
    strcpy(site->spec.group, "new");
    site_add(site, &site->a, "a");
    site_add(site, &site->b, "b");
    voters_configure(&site->app);
    return tip_outbox_open(&site->app.outbox, &config);
}

static int site_close(void **state)
{
    static const char *const names[] = {"data.mdb", "lock.mdb", "lock"};
    struct site *site = *state;
    char path[64];

    tip_hash_remove(site->app.sources, &site->a);
    tip_hash_remove(site->app.sources, &site->b);
    tip_outbox_destroy(&site->app.outbox);
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        (void)snprintf(path, sizeof(path), "%s/%s", site->dir, names[i]);
        (void)unlink(path);
    }
    (void)rmdir(site->dir);
    free(site->app.jobs);
    free(site);
    return 0;
}

static int record_count(void *ctx, const void *key, size_t key_len, const void *bytes, size_t n)
{
    size_t *np = ctx;

    (void)key;
    (void)key_len;
    (void)bytes;
    (void)n;
    ++*np;
    return 0;
}

/* Its file has changed, twice. @param n  how many jobs there are then, in memory and stored */
static void check_weigh(struct site *site, struct app_source *source, size_t n)
{
    for (int turn = 0; turn < 2; turn++) {
        struct tip_outbox_txn *txn;
        size_t n_stored = 0;

        assert_int_equal(tip_outbox_begin(site->app.outbox, &txn), 0);
        assert_int_equal(publish_weigh(source, txn), 0);
        assert_int_equal(store_each(txn, STORE_JOB, record_count, &n_stored), 0);
        assert_int_equal(tip_outbox_commit(&txn), 0);
        assert_int_equal(site->app.n_jobs, n);
        assert_int_equal(n_stored, n);
        assert_true(publish_is_queued(&site->app, WORK_WEIGHT, source->name));
    }
}

static void site_start_again(struct site *site)
{
    struct tip_outbox_txn *txn;

    tip_free(&site->app.jobs);
    site->app.n_jobs = site->app.jobs_room = 0;
    site->app.publish.is_active = false;
    assert_int_equal(tip_outbox_begin(site->app.outbox, &txn), 0);
    assert_int_equal(publish_load(&site->app, txn), 0);
    assert_int_equal(tip_outbox_commit(&txn), 0);
}

static void test_publish_queues_no_job_twice(void **state)
{
    struct site *site = *state;

    assert_false(publish_is_queued(&site->app, WORK_WEIGHT, "a"));
    check_weigh(site, &site->a, 1);
    check_weigh(site, &site->b, 2);
    check_weigh(site, &site->a, 2);
    assert_false(publish_is_queued(&site->app, WORK_BASELINE, "a"));
    site_start_again(site);
    check_weigh(site, &site->a, 2);
    check_weigh(site, &site->b, 2);
}

/* What it publishes was settled when it began: a change after that is another job's. */
static void test_publish_of_a_job_that_has_begun(void **state)
{
    struct site *site = *state;

    check_weigh(site, &site->a, 1);
    site->app.publish.is_active = true; /* it is being planned */
    assert_false(publish_is_queued(&site->app, WORK_WEIGHT, "a"));
    check_weigh(site, &site->a, 2);
    site->app.publish.is_active = false;
    site->app.jobs[1].next = 1; /* parts of it are out */
    site->app.jobs[0].is_again = true;
    assert_false(publish_is_queued(&site->app, WORK_WEIGHT, "a"));
    check_weigh(site, &site->a, 3);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_publish_queues_no_job_twice, site_open, site_close),
        cmocka_unit_test_setup_teardown(test_publish_of_a_job_that_has_begun, site_open, site_close),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
