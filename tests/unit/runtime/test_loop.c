#include "check.h"

#include <signal.h>
#include <unistd.h>

#include <tip/loop.h>

struct seen {
    struct tip_loop *loop;
    struct tip_timer timer;
    struct tip_watch watch;
    struct tip_signal sig;
    int fd;
    int64_t start_ms;
    int64_t at_ms;
    int n;
    char order[16];
};

static void seen_stop(void *ctx)
{
    struct seen *seen = ctx;

    seen->n++;
    seen->at_ms = tip_loop_now_ms();
    tip_loop_stop(seen->loop);
}

static void test_timer_fires_once_and_not_early(void **state)
{
    struct seen seen = {.loop = tip_loop_new(), .start_ms = tip_loop_now_ms()};

    (void)state;
    tip_timer_init(&seen.timer, seen.loop, seen_stop, &seen);
    assert_false(tip_timer_is_running(&seen.timer));
    tip_timer_start(&seen.timer, 500);
    tip_timer_start(&seen.timer, 30);
    assert_true(tip_timer_is_running(&seen.timer));
    assert_int_equal(tip_loop_run(seen.loop), 0);
    assert_int_equal(seen.n, 1);
    assert_in_range(seen.at_ms - seen.start_ms, 29, 400);
    assert_false(tip_timer_is_running(&seen.timer));
    tip_timer_deinit(&seen.timer);
    tip_timer_deinit(&seen.timer);
    tip_loop_destroy(&seen.loop);
    assert_null(seen.loop);
}

static void seen_third(void *ctx)
{
    struct seen *seen = ctx;

    if (++seen->n == 3) {
        tip_timer_deinit(&seen->timer); /* from its own handler */
        tip_loop_stop(seen->loop);
    }
}

static void test_timer_repeats_until_it_is_gone(void **state)
{
    struct seen seen = {.loop = tip_loop_new()};

    (void)state;
    tip_timer_init(&seen.timer, seen.loop, seen_third, &seen);
    tip_timer_every(&seen.timer, 5);
    assert_int_equal(tip_loop_run(seen.loop), 0);
    assert_int_equal(seen.n, 3);
    tip_loop_destroy(&seen.loop);
}

static void seen_append(struct seen *seen, char c)
{
    size_t n = strlen(seen->order);

    if (n < sizeof(seen->order) - 1)
        seen->order[n] = c;
}

static void seen_b(void *ctx)
{
    seen_append(ctx, 'b');
    seen_stop(ctx);
}

static void seen_a(void *ctx)
{
    struct seen *seen = ctx;

    seen_append(seen, 'a');
    tip_loop_defer(seen->loop, seen_b, seen);
}

static void seen_x(void *ctx)
{
    char *text = ctx;

    *text = 'x';
}

static void test_deferred_calls_keep_their_order(void **state)
{
    struct seen seen = {.loop = tip_loop_new()};
    char cancelled = '-';

    (void)state;
    tip_loop_defer(seen.loop, seen_x, &cancelled);
    tip_loop_defer(seen.loop, seen_a, &seen);
    tip_loop_defer_cancel(seen.loop, &cancelled);
    assert_int_equal(tip_loop_run(seen.loop), 0);
    assert_string_equal(seen.order, "ab");
    assert_int_equal(cancelled, '-');
    tip_loop_defer(seen.loop, seen_x, &cancelled); /* never run: freed with the loop */
    tip_loop_destroy(&seen.loop);
}

static void test_stop_before_run_is_not_forgotten(void **state)
{
    struct tip_loop *loop = tip_loop_new();

    (void)state;
    tip_loop_stop(loop);
    assert_int_equal(tip_loop_run(loop), 0);
    tip_loop_destroy(&loop);
}

static void seen_read(void *ctx, unsigned what)
{
    struct seen *seen = ctx;
    char c;

    assert_int_equal(what, TIP_WATCH_READ);
    assert_int_equal(read(seen->fd, &c, 1), 1);
    seen_append(seen, c);
    tip_watch_set(&seen->watch, 0);
    seen_stop(seen);
}

static void test_watch_tells_of_bytes(void **state)
{
    struct seen seen = {.loop = tip_loop_new()};
    int fds[2];

    (void)state;
    assert_int_equal(pipe(fds), 0);
    seen.fd = fds[0];
    tip_watch_init(&seen.watch, seen.loop, fds[0], seen_read, &seen);
    tip_watch_set(&seen.watch, TIP_WATCH_READ);
    assert_int_equal(write(fds[1], "q", 1), 1);
    assert_int_equal(tip_loop_run(seen.loop), 0);
    assert_string_equal(seen.order, "q");
    tip_watch_deinit(&seen.watch);
    close(fds[0]);
    close(fds[1]);
    tip_loop_destroy(&seen.loop);
}

static void test_signal_is_a_handler(void **state)
{
    struct seen seen = {.loop = tip_loop_new()};

    (void)state;
    tip_signal_init(&seen.sig, seen.loop, SIGUSR2, seen_stop, &seen);
    raise(SIGUSR2);
    assert_int_equal(seen.n, 0);
    assert_int_equal(tip_loop_run(seen.loop), 0);
    assert_int_equal(seen.n, 1);
    tip_signal_deinit(&seen.sig);
    tip_loop_destroy(&seen.loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_timer_fires_once_and_not_early),
        cmocka_unit_test(test_timer_repeats_until_it_is_gone),
        cmocka_unit_test(test_deferred_calls_keep_their_order),
        cmocka_unit_test(test_stop_before_run_is_not_forgotten),
        cmocka_unit_test(test_watch_tells_of_bytes),
        cmocka_unit_test(test_signal_is_a_handler),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
