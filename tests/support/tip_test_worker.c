/*
 * A worker for tests: takes jobs of a queue, is busy with each for BUSY_MS in bursts of 10 ms, and answers with the
 * job's own body. It writes a line `KIND BODY ATTEMPT` for each: `began`; then `done`, or `left` when it found before a
 * burst that the job is not its own any more. A `told` says that the library told it so.
 *
 *     tip_test_worker FILE WORK QUEUE CREDIT BUSY_MS [MODE...]
 *
 * MODE renew: leases are renewed by the library. MODE blind: never asks whose a job is, answers in any case. MODE
 * unavailable: says so to every job.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tip/alloc.h>
#include <tip/bus.h>
#include <tip/log.h>

enum { BURST_MS = 10 };

struct hand {
    struct tip_loop *loop;
    struct tip_bus *bus;
    struct tip_serve *serve;
    FILE *out;
    int64_t busy_ms;
    bool renew, blind, unavailable;
};

struct task {
    struct hand *hand;
    struct tip_job *job;
    int64_t end_ms;
    struct tip_timer timer;
};

static void hand_write(struct hand *hand, const char *kind, const struct tip_job *job)
{
    size_t n;
    const uint8_t *body = tip_job_body(job, &n);

    (void)fprintf(hand->out, "%s %.*s %u\n", kind, (int)n, (const char *)body, tip_job_attempt(job));
    (void)fflush(hand->out);
}

static void task_leave(struct task *task)
{
    hand_write(task->hand, "left", task->job);
    tip_job_drop(&task->job);
}

static void task_answer(struct task *task)
{
    size_t n;
    const uint8_t *body = tip_job_body(task->job, &n);

    hand_write(task->hand, "done", task->job);
    if (task->hand->unavailable)
        tip_job_fail(&task->job, TIP_FAILURE_UNAVAILABLE, "nothing works here");
    else
        tip_job_done(&task->job, body, n);
}

static void task_on_burst(void *ctx)
{
    struct task *task = ctx;

    if (!task->hand->blind && !tip_job_is_ours(task->job))
        task_leave(task);
    else if (tip_loop_now_ms() >= task->end_ms)
        task_answer(task);
    else
        tip_timer_start(&task->timer, BURST_MS);
    if (task->job)
        return;
    tip_timer_deinit(&task->timer);
    free(task);
}

static void hand_on_job(void *ctx, struct tip_job *job)
{
    struct hand *hand = ctx;
    struct task *task = tip_new(struct task);

    *task = (struct task){.hand = hand, .job = job, .end_ms = tip_loop_now_ms() + hand->busy_ms};
    tip_timer_init(&task->timer, hand->loop, task_on_burst, task);
    hand_write(hand, "began", job);
    tip_timer_start(&task->timer, 0);
}

static void hand_on_lost(void *ctx, struct tip_job *job)
{
    hand_write(ctx, "told", job);
}

static void hand_mode(struct hand *hand, const char *mode)
{
    hand->renew |= strcmp(mode, "renew") == 0;
    hand->blind |= strcmp(mode, "blind") == 0;
    hand->unavailable |= strcmp(mode, "unavailable") == 0;
}

static int hand_run(struct hand *hand, char **argv)
{
    struct tip_bus_config bus = {.name = "worker", .work = argv[2]};
    int r;

    hand->loop = tip_loop_new();
    r = tip_bus_open(&hand->bus, hand->loop, &bus);
    if (!r)
        r = tip_serve_open(&hand->serve, hand->bus, argv[3], (uint32_t)strtoul(argv[4], NULL, 10), hand_on_job, hand);
    if (r)
        return r;
    tip_serve_leases(hand->serve, hand_on_lost, hand->renew);
    return tip_loop_run(hand->loop);
}

int main(int argc, char **argv)
{
    struct hand hand = {0};

    if (argc < 6)
        return 2;
    tip_log_init("worker");
    hand.out = fopen(argv[1], "ae");
    if (!hand.out)
        return 2;
    hand.busy_ms = strtoll(argv[5], NULL, 10);
    for (int i = 6; i < argc; i++)
        hand_mode(&hand, argv[i]);
    return hand_run(&hand, argv) ? 1 : 0;
}
