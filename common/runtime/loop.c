#include <tip/loop.h>

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <time.h>

#include <event2/event.h>

#include <tip/alloc.h>
#include <tip/fail.h>

struct loop_deferred {
    struct loop_deferred *next;
    tip_loop_fn *fn;
    void *ctx;
};

struct tip_loop {
    struct event_base *base;
    struct event *soon; /* a timeout of zero: the poller has its turn before it fires */
    bool is_stopped;    /* perhaps before it ran, which libevent would forget */
    struct loop_deferred *first;
    struct loop_deferred **lastp;
};

static const struct timeval no_time = {0};

/* Runs what was deferred before this turn; what these defer waits for the next one. */
static void loop_on_soon(evutil_socket_t fd, short what, void *ctx)
{
    struct tip_loop *loop = ctx;
    struct loop_deferred last = {.next = NULL};
    struct loop_deferred *deferred;

    (void)fd;
    (void)what;
    *loop->lastp = &last;
    loop->lastp = &last.next;
    while ((deferred = loop->first) != &last) {
        loop->first = deferred->next;
        deferred->fn(deferred->ctx);
        free(deferred);
    }
    loop->first = last.next;
    if (!loop->first)
        loop->lastp = &loop->first;
    else
        event_add(loop->soon, &no_time);
}

static struct event_base *loop_base_new(void)
{
    struct event_config *config;
    struct event_base *base;

    config = event_config_new();
    if (!config)
        abort();
    event_config_set_flag(config, EVENT_BASE_FLAG_PRECISE_TIMER);
    base = event_base_new_with_config(config);
    event_config_free(config);
    if (!base)
        abort();
    return base;
}

static struct event *loop_event_new(struct event_base *base, int fd, short what, event_callback_fn fn, void *ctx)
{
    struct event *event;

    event = event_new(base, fd, what, fn, ctx);
    if (!event)
        abort();
    return event;
}

struct tip_loop *tip_loop_new(void)
{
    struct tip_loop *loop;

    signal(SIGPIPE, SIG_IGN);
    loop = tip_new(struct tip_loop);
    loop->base = loop_base_new();
    loop->soon = loop_event_new(loop->base, -1, 0, loop_on_soon, loop);
    loop->lastp = &loop->first;
    return loop;
}

void tip_loop_destroy(struct tip_loop **loopp)
{
    struct tip_loop *loop = *loopp;
    struct loop_deferred *deferred;

    if (!loop)
        return;
    while ((deferred = loop->first)) {
        loop->first = deferred->next;
        free(deferred);
    }
    event_free(loop->soon);
    event_base_free(loop->base);
    free(loop);
    *loopp = NULL;
}

int tip_loop_run(struct tip_loop *loop)
{
    int r = 0;

    if (!loop->is_stopped)
        r = event_base_loop(loop->base, EVLOOP_NO_EXIT_ON_EMPTY);
    loop->is_stopped = false;
    return r == -1 ? tip_fail(-EIO) : 0;
}

void tip_loop_stop(struct tip_loop *loop)
{
    loop->is_stopped = true;
    event_base_loopbreak(loop->base);
}

struct event_base *tip_loop_base(struct tip_loop *loop)
{
    return loop->base;
}

static int64_t loop_clock_us(clockid_t clock)
{
    struct timespec now;

    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

int64_t tip_loop_now_ms(void)
{
    return loop_clock_us(CLOCK_MONOTONIC) / 1000;
}

int64_t tip_loop_wall_ms(void)
{
    return loop_clock_us(CLOCK_REALTIME) / 1000;
}

int64_t tip_loop_wall_us(void)
{
    return loop_clock_us(CLOCK_REALTIME);
}

void tip_loop_defer(struct tip_loop *loop, tip_loop_fn *fn, void *ctx)
{
    struct loop_deferred *deferred;

    deferred = tip_new(struct loop_deferred);
    deferred->fn = fn;
    deferred->ctx = ctx;
    *loop->lastp = deferred;
    loop->lastp = &deferred->next;
    if (!event_pending(loop->soon, EV_TIMEOUT, NULL))
        event_add(loop->soon, &no_time);
}

static void loop_nothing(void *ctx)
{
    (void)ctx;
}

void tip_loop_defer_cancel(struct tip_loop *loop, const void *ctx)
{
    for (struct loop_deferred *deferred = loop->first; deferred; deferred = deferred->next)
        if (deferred->ctx == ctx)
            deferred->fn = loop_nothing;
}

/* --- timers --- */

static void timer_on_time(evutil_socket_t fd, short what, void *ctx)
{
    struct tip_timer *timer = ctx;

    (void)fd;
    (void)what;
    if (timer->period_ms)
        tip_timer_every(timer, timer->period_ms);
    timer->fn(timer->ctx); /* may free the timer */
}

void tip_timer_init(struct tip_timer *timer, struct tip_loop *loop, tip_loop_fn *fn, void *ctx)
{
    *timer = (struct tip_timer){.fn = fn, .ctx = ctx};
    timer->event = loop_event_new(loop->base, -1, 0, timer_on_time, timer);
}

void tip_timer_deinit(struct tip_timer *timer)
{
    if (timer->event)
        event_free(timer->event);
    *timer = (struct tip_timer){0};
}

static void timer_add(struct tip_timer *timer, int64_t delay_ms)
{
    struct timeval delay;

    delay.tv_sec = delay_ms / 1000;
    delay.tv_usec = delay_ms % 1000 * 1000;
    event_add(timer->event, &delay);
}

void tip_timer_start(struct tip_timer *timer, int64_t delay_ms)
{
    timer->period_ms = 0;
    timer_add(timer, delay_ms > 0 ? delay_ms : 0);
}

void tip_timer_every(struct tip_timer *timer, int64_t period_ms)
{
    timer->period_ms = period_ms > 0 ? period_ms : 1;
    timer_add(timer, timer->period_ms);
}

void tip_timer_stop(struct tip_timer *timer)
{
    timer->period_ms = 0;
    if (timer->event)
        event_del(timer->event);
}

bool tip_timer_is_running(const struct tip_timer *timer)
{
    return timer->event && event_pending(timer->event, EV_TIMEOUT, NULL);
}

/* --- descriptors --- */

static void watch_on_event(evutil_socket_t fd, short what, void *ctx)
{
    struct tip_watch *watch = ctx;
    unsigned seen = 0;

    (void)fd;
    if (what & EV_READ)
        seen |= TIP_WATCH_READ;
    if (what & EV_WRITE)
        seen |= TIP_WATCH_WRITE;
    watch->fn(watch->ctx, seen);
}

void tip_watch_init(struct tip_watch *watch, struct tip_loop *loop, int fd, tip_watch_fn *fn, void *ctx)
{
    *watch = (struct tip_watch){.base = loop->base, .fn = fn, .ctx = ctx, .fd = fd};
}

void tip_watch_deinit(struct tip_watch *watch)
{
    if (watch->event)
        event_free(watch->event);
    *watch = (struct tip_watch){.fd = -1};
}

void tip_watch_set(struct tip_watch *watch, unsigned what)
{
    short wanted = EV_PERSIST;

    if (what == watch->what)
        return;
    if (watch->event)
        event_free(watch->event);
    watch->event = NULL;
    watch->what = what;
    if (!what)
        return;
    if (what & TIP_WATCH_READ)
        wanted |= EV_READ;
    if (what & TIP_WATCH_WRITE)
        wanted |= EV_WRITE;
    watch->event = loop_event_new(watch->base, watch->fd, wanted, watch_on_event, watch);
    event_add(watch->event, NULL);
}

/* --- signals --- */

static void signal_on_event(evutil_socket_t number, short what, void *ctx)
{
    struct tip_signal *sig = ctx;

    (void)number;
    (void)what;
    sig->fn(sig->ctx);
}

void tip_signal_init(struct tip_signal *sig, struct tip_loop *loop, int number, tip_loop_fn *fn, void *ctx)
{
    *sig = (struct tip_signal){.fn = fn, .ctx = ctx};
    sig->event = loop_event_new(loop->base, number, EV_SIGNAL | EV_PERSIST, signal_on_event, sig);
    event_add(sig->event, NULL);
}

void tip_signal_deinit(struct tip_signal *sig)
{
    if (sig->event)
        event_free(sig->event);
    *sig = (struct tip_signal){0};
}
