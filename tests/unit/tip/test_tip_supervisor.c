/* Real processes under the supervisor: /bin/sh plays the services. */
#include "check.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <tip/loop.h>

#include "up/backoff.h"
#include "up/supervisor.h"
#include "up/tree.h"

struct fixture {
    struct tip_loop *loop;
    struct sup *sup;
    struct tip_timer timer;
    char dir[64];
    char news[4096];
    int once_code;
};

static void fixture_news(void *ctx, const char *name, const char *text)
{
    struct fixture *f = ctx;
    size_t len = strlen(f->news);

    snprintf(f->news + len, sizeof(f->news) - len, "[%s] %s\n", name, text);
}

static void fixture_stop_loop(void *ctx)
{
    struct fixture *f = ctx;

    tip_loop_stop(f->loop);
}

static int fixture_open(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    strcpy(f->dir, "/tmp/tip-unit-XXXXXX");
    assert_non_null(mkdtemp(f->dir));
    f->loop = tip_loop_new();
    f->sup = sup_new(&(struct sup_config){.loop = f->loop, .log_dir = f->dir, .on_news = fixture_news, .ctx = f});
    tip_timer_init(&f->timer, f->loop, fixture_stop_loop, f);
    *state = f;
    return 0;
}

static int fixture_close(void **state)
{
    struct fixture *f = *state;

    sup_destroy(&f->sup);
    tip_timer_deinit(&f->timer);
    tip_loop_destroy(&f->loop);
    assert_int_equal(tree_remove(f->dir), 0);
    free(f);
    return 0;
}

static void fixture_run(struct fixture *f, int64_t ms)
{
    tip_timer_start(&f->timer, ms);
    assert_int_equal(tip_loop_run(f->loop), 0);
}

/* Until it is said, 10 s at most. */
static void fixture_wait(struct fixture *f, const char *news)
{
    for (int i = 0; i < 500 && !strstr(f->news, news); i++)
        fixture_run(f, 20);
    assert_non_null(strstr(f->news, news));
}

static void fixture_keep(struct fixture *f, const char *name, const char *script, unsigned rank)
{
    sup_keep(f->sup, &(struct sup_spec){.name = name,
                                        .path = "/bin/sh",
                                        .args = (const char *const[]){"-c", script, NULL},
                                        .env = (const char *const[]){"GREETING=hello", NULL},
                                        .rank = rank});
}

static void test_supervisor_restarts_what_dies(void **state)
{
    struct fixture *f = *state;

    fixture_keep(f, "broken", "echo level=error $GREETING; exit 3", 0);
    fixture_wait(f, "starts again in 0.4 s\n");
    assert_true(sup_info(f->sup, 0).n_restarts >= 1);
    assert_non_null(strstr(f->news, "[broken] level=error hello\n"));
    assert_non_null(strstr(f->news, "[broken] broken has ended with exit code 3; starts again in 0.2 s\n"));
}

static void test_supervisor_says_what_cannot_run(void **state)
{
    struct fixture *f = *state;

    sup_keep(f->sup, &(struct sup_spec){.name = "missing", .path = "/nonexistent/program"});
    fixture_run(f, 100);
    assert_non_null(strstr(f->news, "cannot run /nonexistent/program: No such file"));
    assert_int_equal(sup_info(f->sup, 0).state, SUP_BACKING_OFF);
}

static void fixture_once(void *ctx, int code)
{
    struct fixture *f = ctx;

    f->once_code = code;
    tip_loop_stop(f->loop);
}

static void test_supervisor_runs_once(void **state)
{
    struct fixture *f = *state;

    for (int code = 5; code < 7; code++) {
        char script[20];

        snprintf(script, sizeof(script), "exit %d", code);
        sup_once(
            f->sup,
            &(struct sup_spec){.name = "once", .path = "/bin/sh", .args = (const char *const[]){"-c", script, NULL}},
            fixture_once, f);
        fixture_run(f, 3000);
        assert_int_equal(f->once_code, code);
    }
    assert_int_equal(sup_count(f->sup), 0);
}

static void test_supervisor_ends_by_rank(void **state)
{
    struct fixture *f = *state;
    char log[4096] = "", path[200];
    FILE *file;

    snprintf(path, sizeof(path), "trap 'echo last >> %s/order; exit 0' TERM; while :; do sleep 0.02; done", f->dir);
    fixture_keep(f, "last", path, 1);
    snprintf(path, sizeof(path), "trap 'sleep 0.1; echo first >> %s/order; exit 0' TERM; while :; do sleep 0.02; done",
             f->dir);
    fixture_keep(f, "first", path, 0);
    fixture_run(f, 200);
    sup_stop(f->sup, fixture_stop_loop, f);
    fixture_run(f, 5000);
    assert_int_equal(sup_info(f->sup, 0).state, SUP_ENDED);
    assert_int_equal(sup_info(f->sup, 1).state, SUP_ENDED);
    snprintf(path, sizeof(path), "%s/order", f->dir);
    file = fopen(path, "r");
    assert_non_null(file);
    assert_true(fread(log, 1, sizeof(log) - 1, file) > 0);
    fclose(file);
    assert_string_equal(log, "first\nlast\n");
}

static void test_supervisor_reloads_what_can(void **state)
{
    static const char script[] =
        "trap 'echo level=error reloads' HUP; echo level=error ready; while :; do sleep 0.02; done";
    struct fixture *f = *state;

    sup_keep(f->sup, &(struct sup_spec){.name = "service",
                                        .path = "/bin/sh",
                                        .args = (const char *const[]){"-c", script, NULL},
                                        .reloads = true});
    fixture_keep(f, "other", "while :; do sleep 0.02; done", 0); /* SIGHUP would end it */
    fixture_wait(f, "ready\n");
    sup_reload(f->sup);
    fixture_wait(f, "reloads\n");
    fixture_run(f, 100);
    assert_string_equal(f->news, "[service] level=error ready\n[service] level=error reloads\n");
}

static void test_backoff_doubles_and_starts_over(void **state)
{
    static const struct {
        int64_t last_ms, ran_ms, next_ms;
    } table[] = {
        {0, 0, 200}, {200, 10, 400}, {400, 9999, 800}, {20000, 0, 30000}, {30000, 5000, 30000}, {30000, 10000, 200},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
        assert_int_equal(backoff_next(table[i].last_ms, table[i].ran_ms), table[i].next_ms);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_supervisor_restarts_what_dies, fixture_open, fixture_close),
        cmocka_unit_test_setup_teardown(test_supervisor_says_what_cannot_run, fixture_open, fixture_close),
        cmocka_unit_test_setup_teardown(test_supervisor_runs_once, fixture_open, fixture_close),
        cmocka_unit_test_setup_teardown(test_supervisor_ends_by_rank, fixture_open, fixture_close),
        cmocka_unit_test_setup_teardown(test_supervisor_reloads_what_can, fixture_open, fixture_close),
        cmocka_unit_test(test_backoff_doubles_and_starts_over),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
