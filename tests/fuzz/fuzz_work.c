/* Work in any order: four bytes a step. However callers and workers behave, no job is at two workers, and all end. */
#include "fuzz.h"

#include <string.h>

#include "core/work.h"

enum { STEP_BYTES = 4, JOBS = 16, PEERS = 6, QUEUES = 3 };

struct fuzz_model {
    int holder[JOBS]; /* worker + 1 */
    uint32_t attempt[JOBS];
    unsigned gone; /* peers that cannot be reached: bits */
};

static struct broker_peer fuzz_peer(unsigned n)
{
    struct broker_peer peer;
    uint8_t byte = (uint8_t)('a' + n % PEERS);

    assert(broker_peer_set(&peer, &byte, 1));
    return peer;
}

static enum work_sent fuzz_reach(struct fuzz_model *model, const struct broker_peer *to)
{
    unsigned n = to->bytes[0] - 'a';

    if (!(model->gone >> n & 1))
        return WORK_SENT;
    for (size_t i = 0; i < JOBS; i++)
        model->holder[i] = model->holder[i] == (int)n + 1 ? 0 : model->holder[i];
    return WORK_GONE;
}

static enum work_sent fuzz_job(void *ctx, const struct broker_peer *to, const struct work_job *job)
{
    struct fuzz_model *model = ctx;
    unsigned i = job->id[0];

    assert(model->holder[i] == 0 && job->lease_ms > 0 && job->lease_ms <= job->left_ms);
    if (fuzz_reach(model, to) == WORK_GONE)
        return WORK_GONE;
    model->holder[i] = to->bytes[0] - 'a' + 1;
    model->attempt[i] = job->attempt;
    return WORK_SENT;
}

static void fuzz_result(void *ctx, const struct broker_peer *to, const uint8_t *id, const uint8_t *body, size_t n)
{
    struct fuzz_model *model = ctx;

    (void)to;
    (void)body;
    (void)n;
    model->holder[id[0]] = 0;
}

static void fuzz_failed(void *ctx, const struct broker_peer *to, const uint8_t *id, const char *reason, uint32_t code)
{
    assert(reason[0] && code);
    fuzz_result(ctx, to, id, NULL, 0);
}

static void fuzz_lost(void *ctx, const struct broker_peer *to, const uint8_t *id, uint32_t attempt)
{
    struct fuzz_model *model = ctx;

    assert(model->holder[id[0]] == to->bytes[0] - 'a' + 1 && model->attempt[id[0]] == attempt);
    model->holder[id[0]] = 0;
}

static enum work_sent fuzz_probe(void *ctx, const struct broker_peer *to)
{
    return fuzz_reach(ctx, to);
}

static void fuzz_put(struct work *work, const uint8_t *step, int64_t now_ms)
{
    static const char *const queues[QUEUES] = {"one", "two", "Not a queue"};
    uint8_t id[WORK_ID_BYTES] = {step[1] % JOBS};
    struct broker_peer from = fuzz_peer(step[2]);
    const struct work_put put = {.id = id,
                                 .id_len = step[2] == 255 ? 3 : sizeof(id),
                                 .queue = queues[step[3] % QUEUES],
                                 .caller = step[3] & 8 ? "c" : "",
                                 .body = step,
                                 .body_len = step[3] & 3,
                                 .deadline_ms = step[3] * 100u,
                                 .lease_ms = step[2] * 20u,
                                 .max_attempts = step[3] >> 4};

    (void)!work_put(work, &from, &put, now_ms);
}

/* DONE, FAIL or RENEW: accepted of the holder alone. */
static void fuzz_word(struct work *work, struct fuzz_model *model, const uint8_t *step, int64_t now_ms)
{
    unsigned i = step[1] % JOBS;
    uint8_t id[WORK_ID_BYTES] = {(uint8_t)i};
    struct broker_peer from = fuzz_peer(step[2]);
    uint32_t attempt = step[3] & 3;
    bool is_held = model->holder[i] == from.bytes[0] - 'a' + 1 && model->attempt[i] == attempt;
    const struct work_answer answer = {id, sizeof(id), attempt, step, 2, step[3] & 4 ? "no" : NULL, step[3] >> 4};
    int r;

    if (step[3] & 8) {
        r = work_renew(work, &from, &(struct work_renewal){id, sizeof(id), attempt, step[3] * 50u}, now_ms);
    } else {
        model->holder[i] = is_held ? 0 : model->holder[i];
        r = work_answer(work, &from, &answer, now_ms);
    }
    assert(r == (is_held ? 0 : WORK_E_LOST));
}

static void fuzz_worker(struct work *work, struct fuzz_model *model, const uint8_t *step, int64_t now_ms)
{
    struct broker_peer from = fuzz_peer(step[1]);
    unsigned bit = 1u << (from.bytes[0] - 'a');

    if (step[2] & 128) {
        model->gone ^= bit;
    } else if (step[2] & 64) {
        model->gone |= bit;
        (void)fuzz_reach(model, &from);
        work_gone(work, &from, now_ms);
    } else if (!(model->gone & bit)) {
        (void)!work_take(work, &from, step[2] & 1 ? "one" : "two", step[3] & 7, now_ms);
    }
}

static void fuzz_step(struct work *work, struct fuzz_model *model, const uint8_t *step, int64_t *now_msp)
{
    switch (step[0] & 3) {
    case 0:
        fuzz_put(work, step, *now_msp);
        return;
    case 1:
        fuzz_word(work, model, step, *now_msp);
        return;
    case 2:
        fuzz_worker(work, model, step, *now_msp);
        return;
    default:
        *now_msp += step[1] * (step[2] & 1 ? 100 : 1);
        work_tick(work, *now_msp);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct work_limits limits = {
        .queue_max = 8, .caller_max = 6, .jobs_max = 12, .workers_max = 6, .bytes_max = 20};
    struct fuzz_model model = {0};
    const struct work_out out = {fuzz_job, fuzz_result, fuzz_failed, fuzz_lost, fuzz_probe, &model};
    struct work *work = work_new(&limits, &out, 0);
    struct work_stats stats;
    int64_t now_ms = 1000;

    for (size_t at = 0; at + STEP_BYTES <= size; at += STEP_BYTES) {
        fuzz_step(work, &model, data + at, &now_ms);
        work_stats(work, &stats);
        assert(stats.n_waiting + stats.n_running <= limits.jobs_max && stats.bytes <= limits.bytes_max);
    }
    work_tick(work, now_ms + WORK_DEADLINE_MAX_MS);
    work_stats(work, &stats);
    assert(stats.n_waiting + stats.n_running + stats.n_workers == 0 && work_next_ms(work) == INT64_MAX);
    work_destroy(&work);
    return 0;
}
