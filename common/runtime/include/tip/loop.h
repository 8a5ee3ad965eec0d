#pragma once
/*
 * The event loop of one thread: timers, descriptors, signals, and "soon". Handlers never block and never loop over
 * unbounded input; blocking work goes to <tip/pool.h>. Everything here belongs to the thread that runs the loop.
 */
#include <stdbool.h>
#include <stdint.h>

#include <tip/cleanup.h>

struct event;
struct event_base;
struct tip_loop;

typedef void tip_loop_fn(void *ctx);

/** Never NULL. SIGPIPE is ignored from here on: writers look at their errno. */
struct tip_loop *tip_loop_new(void);

/** Timers, watches and signals must have been deinitialised before. */
void tip_loop_destroy(struct tip_loop **loopp);

/** Runs until tip_loop_stop. @return 0, or a negative errno when the kernel's poller failed. */
tip_nodiscard int tip_loop_run(struct tip_loop *loop);

/** Makes tip_loop_run return after the current handler. */
void tip_loop_stop(struct tip_loop *loop);

/** For adapters of other libraries only. */
struct event_base *tip_loop_base(struct tip_loop *loop);

/** Monotonic milliseconds: leases, timeouts, pacing. */
int64_t tip_loop_now_ms(void);

/** Wall clock, UTC: what people and events see. It may jump. */
int64_t tip_loop_wall_ms(void);
int64_t tip_loop_wall_us(void);

/** Calls fn(ctx) once, from the loop, after the current handler and before it sleeps again. */
void tip_loop_defer(struct tip_loop *loop, tip_loop_fn *fn, void *ctx);

/** Forgets every deferred call with this ctx: for destroy functions. */
void tip_loop_defer_cancel(struct tip_loop *loop, const void *ctx);

/** A timer, embedded in what it serves. Zeroed memory is a timer that was never initialised; deinit accepts it. */
struct tip_timer {
    struct event *event;
    tip_loop_fn *fn;
    void *ctx;
    int64_t period_ms; /* 0: one shot */
};

void tip_timer_init(struct tip_timer *timer, struct tip_loop *loop, tip_loop_fn *fn, void *ctx);
void tip_timer_deinit(struct tip_timer *timer);

/** Fires once, delay_ms (>= 0; less counts as 0) from now. A timer that runs is set anew. */
void tip_timer_start(struct tip_timer *timer, int64_t delay_ms);

/** Fires every period_ms (>= 1), first after one period. */
void tip_timer_every(struct tip_timer *timer, int64_t period_ms);

void tip_timer_stop(struct tip_timer *timer);
bool tip_timer_is_running(const struct tip_timer *timer);

enum { TIP_WATCH_READ = 1, TIP_WATCH_WRITE = 2 };

typedef void tip_watch_fn(void *ctx, unsigned what);

/** Watches a borrowed descriptor, level-triggered. Zeroed memory as with timers. */
struct tip_watch {
    struct event *event;
    struct event_base *base;
    tip_watch_fn *fn;
    void *ctx;
    int fd;
    unsigned what;
};

/** Watches nothing until tip_watch_set. */
void tip_watch_init(struct tip_watch *watch, struct tip_loop *loop, int fd, tip_watch_fn *fn, void *ctx);

/** Before the descriptor is closed. */
void tip_watch_deinit(struct tip_watch *watch);

/** @param what  TIP_WATCH_READ | TIP_WATCH_WRITE, or 0 to rest */
void tip_watch_set(struct tip_watch *watch, unsigned what);

/** A signal, delivered as an ordinary handler of the loop. One loop of a process has signals. */
struct tip_signal {
    struct event *event;
    tip_loop_fn *fn;
    void *ctx;
};

void tip_signal_init(struct tip_signal *sig, struct tip_loop *loop, int number, tip_loop_fn *fn, void *ctx);
void tip_signal_deinit(struct tip_signal *sig);
