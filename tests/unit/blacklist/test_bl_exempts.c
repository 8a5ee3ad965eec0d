/* A table that cannot be opened for want of descriptors is tried again; one that is gone is made anew. */
#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

#include <tip/alloc.h>
#include <tip/cleanup.h>

#include "app.h"
#include "io/files.h"

enum { OLD = 6, NEW = 7, STAMP = 77 };

/* A service with a table in force and a job that has begun to put another one in its place. */
struct site {
    struct app app;
    struct bl_job job;
};

static void table_write(const char *dir, uint64_t number, const char *exempt)
{
    tip_auto(bl_exempt_build_deinit) struct bl_exempt_build build;
    tip_auto(tip_buf_deinit) struct tip_buf file;

    bl_exempt_build_init(&build);
    tip_buf_init(&file, BL_EXEMPT_BYTES_MAX);
    assert_int_equal(bl_exempt_build_add(&build, BL_ROLE_RESOLVER, "public-dns-v4", exempt, strlen(exempt)), 0);
    assert_int_equal(bl_exempt_build_finish(&build, &file), 0);
    assert_int_equal(bl_exempt_keep(dir, number, &file), 0);
}

static int site_open(void **state)
{
    struct site *site = tip_new(struct site);
    struct app_exempts *exempts = &site->app.exempts;

    *state = site;
    strcpy(exempts->dir, "/tmp/test_bl_exempts.XXXXXX");
    assert_non_null(mkdtemp(exempts->dir));
    table_write(exempts->dir, OLD, "45.1.0.53");
    table_write(exempts->dir, NEW, "45.1.0.54");
    exempts->in_force = OLD;
    exempts->last = NEW;
    exempts->stamp = STAMP;
    site->job = (struct bl_job){.kind = WORK_EXEMPT, .from = OLD, .to = NEW, .next = 1};
    site->app.jobs = &site->job;
    site->app.n_jobs = 1;
    return bl_exempt_map_open(&exempts->map, exempts->dir, OLD);
}

static int site_close(void **state)
{
    struct site *site = *state;

    exempts_free(&site->app);
    bl_allow_destroy(&site->app.operator.allow);
    bl_exempt_sweep(site->app.exempts.dir, 1, 0);
    (void)rmdir(site->app.exempts.dir);
    free(site);
    return 0;
}

/* No descriptor is left, until it is given back. */
static struct rlimit descriptors_take(void)
{
    struct rlimit before, none;
    int next = open("/dev/null", O_RDONLY | O_CLOEXEC);

    assert_true(next != -1 && close(next) == 0);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = (struct rlimit){.rlim_cur = (rlim_t)next, .rlim_max = before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    return before;
}

static int order_give(struct site *site, uint64_t *numberp)
{
    struct work_order order;
    int r = exempts_order(&site->app, &site->job, &order);

    *numberp = order.exempt_to ? order.exempt_to->number : 0;
    assert_true(order.from == OLD && order.to == NEW && !order.is_lost);
    work_order_deinit(&order);
    return r;
}

static uint64_t stands(struct site *site)
{
    tip_auto(bl_exempt_map_destroy) struct bl_exempt_map *map = exempts_stand(&site->app);

    return map ? map->number : 0;
}

static void check_nothing_is_lost(const struct app_exempts *exempts)
{
    assert_true(!exempts->lost && !exempts->is_wanted && exempts->stamp == STAMP);
    assert_non_null(exempts->map);
    assert_true(exempts->in_force == OLD && exempts->map->number == OLD);
}

static void test_exempts_without_a_descriptor_are_not_lost(void **state)
{
    struct site *site = *state;
    struct rlimit before = descriptors_take();
    uint64_t number, stood;
    int ordered, put;

    ordered = order_give(site, &number);
    stood = stands(site);
    put = exempts_in_force_set(&site->app, NULL, NEW); /* it does not come to the transaction */
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_true(ordered == -EMFILE && number == 0 && put == -EMFILE);
    assert_false(bl_files_is_lost(-EMFILE) || bl_files_is_lost(-ENFILE) || bl_files_is_lost(-ENOMEM));
    assert_int_equal(stood, OLD);
    check_nothing_is_lost(&site->app.exempts);
    assert_int_equal(order_give(site, &number), 0);
    assert_int_equal(number, NEW);
    assert_int_equal(stands(site), NEW);
    check_nothing_is_lost(&site->app.exempts);
}

static void table_remove(const char *dir)
{
    char path[WORK_PATH + 32];

    (void)snprintf(path, sizeof(path), "%s/%d.exempt", dir, NEW);
    assert_int_equal(unlink(path), 0);
}

static void table_spoil(const char *dir)
{
    char path[WORK_PATH + 32];

    (void)snprintf(path, sizeof(path), "%s/%d.exempt", dir, NEW);
    assert_int_equal(truncate(path, 40), 0);
}

static void test_exempts_that_are_gone_are_lost(void **state)
{
    static void (*const ways[])(const char *dir) = {table_remove, table_spoil};
    struct site *site = *state;
    struct app_exempts *exempts = &site->app.exempts;
    uint64_t number;

    for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++) {
        bl_exempt_map_destroy(&exempts->coming);
        table_write(exempts->dir, NEW, "45.1.0.54");
        exempts->lost = 0;
        exempts->is_wanted = false;
        exempts->stamp = STAMP;
        ways[i](exempts->dir);
        assert_int_equal(order_give(site, &number), 0);
        assert_true(number == 0 && exempts->lost == NEW && exempts->is_wanted && !exempts->stamp);
        assert_int_equal(stands(site), 0);
        assert_int_equal(exempts->map->number, OLD);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_exempts_without_a_descriptor_are_not_lost, site_open, site_close),
        cmocka_unit_test_setup_teardown(test_exempts_that_are_gone_are_lost, site_open, site_close),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
