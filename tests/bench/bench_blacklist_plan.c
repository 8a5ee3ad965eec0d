/*
 * From a body that has arrived to the plan of what is published: what the pool of tip-blacklist does with a list that
 * has changed. It is read and checked, compared with the version before, the new version and what the source has said
 * over time are written and flushed, the versions are read back, and what changed is scored beside the other lists and
 * cut into events. Once with no other list, once beside 180 others of 3.5 million lines (corpus.h).
 *
 * The others have rested for long, so the first plan leaves what they have said on the shelf (io/shelf.h) for those
 * that follow; what it costs itself, as after a start, is a row of its own. One line of 50 changes each time. Times are
 * those of the clock, with the disk's flushes; the processor's stand in a row of their own. Medians.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include <tip/alloc.h>
#include <tip/cleanup.h>

#include "corpus.h"
#include "plan.h"
#include "process.h"
#include "random.h"
#include "work.h"

enum { LINES = 3500 * 1000, LINES_SMOKE = 20 * 1000, ROUNDS = 7, CHANGED = 50, NAME = 32, VOTERS_SMOKE = 9 };

#define BENCH_DAY_MS  86400000LL
#define BENCH_SHELVED (256 << 20)

static const int64_t bench_now_unix_ms = 1700000000000;

struct bench_case {
    const char *what;
    size_t lines, smoke;
    double bound_ms;
};

static const struct bench_case bench_cases[] = {
    {"300,000 lines", 300 * 1000, 3000, 100},
    {"20,000 lines (280 KB)", 20 * 1000, 1000, 10},
};

struct bench_world {
    struct corpus corpus;
    char dir[CORPUS_PATH]; /* of versions */
    struct bl_shelf *shelf;
    uint64_t random;
};

struct bench_times {
    double wall[ROUNDS], cpu[ROUNDS]; /* ms */
    size_t n;
};

static void bench_need(bool ok, const char *what)
{
    if (!ok) {
        fprintf(stderr, "bench_blacklist_plan: %s\n", what);
        exit(1);
    }
}

static double bench_clock_ms(clockid_t clock)
{
    struct timespec now;

    (void)clock_gettime(clock, &now); /* both exist */
    return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static int64_t bench_now_ms(void)
{
    return (int64_t)bench_clock_ms(CLOCK_MONOTONIC);
}

/* A day later: the others were written long ago. */
static int64_t bench_wall_ms(void)
{
    return (int64_t)bench_clock_ms(CLOCK_REALTIME) + BENCH_DAY_MS;
}

static void bench_version(const struct bench_world *world, const char *name, const char *body, uint64_t to)
{
    struct work_parse job = {.shelf = world->shelf,
                             .container = BL_CONTAINER_NONE,
                             .max_bytes = 1 << 30,
                             .from = to - 1,
                             .to = to,
                             .interval_ms = BENCH_DAY_MS,
                             .now_unix_ms = bench_now_unix_ms + (int64_t)to * BENCH_DAY_MS,
                             .ok_unix_ms = bench_now_unix_ms + (int64_t)(to - 1) * BENCH_DAY_MS};

    bl_format_init(&job.format, BL_KIND_LINES, BL_TYPE_AUTO);
    (void)snprintf(job.dir, sizeof(job.dir), "%s", world->dir);
    (void)snprintf(job.name, sizeof(job.name), "%s", name);
    (void)snprintf(job.body, sizeof(job.body), "%s", body);
    work_parse_run(&job);
    bench_need(!*job.why && !*job.hold, *job.why ? job.why : job.hold);
}

/* The list itself is one of them: the last. */
static void bench_voters(struct work_order *order, bool has_others)
{
    struct work_voter *self;

    order->voters = tip_new_array(CORPUS_LISTS + 1, struct work_voter);
    order->n_voters = has_others ? process_size(CORPUS_LISTS, VOTERS_SMOKE) : 0;
    for (size_t i = 0; i < order->n_voters; i++) {
        struct work_voter *voter = &order->voters[i];

        (void)snprintf(voter->name, NAME, "list%03zu", i);
        voter->version = 1;
        voter->law = (struct bl_law){.weight = 0.2 + (double)(i % 7) / 10, .half_life_s = 7 * 86400};
        voter->tlp = TIP_TLP_AMBER;
    }
    order->self = order->n_voters++;
    self = &order->voters[order->self];
    (void)snprintf(self->name, sizeof(self->name), "%s", order->name);
    self->version = order->from;
    self->law = order->law_before;
    self->tlp = TIP_TLP_AMBER;
}

static void bench_plan(const struct bench_world *world, const char *name, uint64_t to, bool has_voters)
{
    struct work_plan_job job = {.order = {.kind = WORK_VERSION,
                                          .shelf = world->shelf,
                                          .from = to - 1,
                                          .to = to,
                                          .law_before = {0.5, 7 * 86400, false}}};

    (void)snprintf(job.order.dir, sizeof(job.order.dir), "%s", world->dir);
    (void)snprintf(job.order.name, sizeof(job.order.name), "%s", name);
    job.order.law_after = job.order.law_before;
    job.order.tau_s = (uint32_t)((bench_now_unix_ms + (int64_t)to * BENCH_DAY_MS) / 1000);
    bench_voters(&job.order, has_voters);
    work_plan_run(&job);
    bench_need(!job.error && work_plan_listings(job.plan), "there is no plan");
    work_plan_destroy(&job.plan);
}

static void bench_body(const char *path, const uint32_t *addrs, size_t n)
{
    tip_auto(tip_file_close) FILE *out = fopen(path, "we");

    bench_need(out, "cannot write");
    for (size_t i = 0; i < n; i++)
        fprintf(out, "%u.%u.%u.%u\n", addrs[i] >> 24, addrs[i] >> 16 & 255, addrs[i] >> 8 & 255, addrs[i] & 255);
}

static uint32_t bench_addr(struct bench_world *world)
{
    return 0x01000000 + (uint32_t)(test_random(&world->random) % 0xde000000);
}

static void bench_rounds(struct bench_world *world, const char *name, uint32_t *addrs, size_t n, bool has_voters,
                         struct bench_times *times)
{
    char body[CORPUS_PATH * 2];

    (void)snprintf(body, sizeof(body), "%s/%s.fetch", world->dir, name);
    for (uint64_t version = 1; version <= times->n + 1; version++) {
        double wall, cpu;

        for (size_t i = 0; i < n / CHANGED; i++)
            addrs[test_random(&world->random) % n] = bench_addr(world);
        bench_body(body, addrs, n);
        wall = bench_clock_ms(CLOCK_MONOTONIC);
        cpu = bench_clock_ms(CLOCK_PROCESS_CPUTIME_ID);
        bench_version(world, name, body, version);
        if (version > 1) { /* the first one is what the others follow on */
            bench_plan(world, name, version, has_voters);
            times->wall[version - 2] = bench_clock_ms(CLOCK_MONOTONIC) - wall;
            times->cpu[version - 2] = bench_clock_ms(CLOCK_PROCESS_CPUTIME_ID) - cpu;
            bl_files_remove(world->dir, name, version - 1);
        }
    }
    bl_files_remove(world->dir, name, times->n + 1);
}

static void bench_case_run(struct bench_world *world, const struct bench_case *it, bool has_voters)
{
    struct bench_times times = {.n = process_size(ROUNDS, 1)};
    size_t n = process_size(it->lines, it->smoke);
    uint32_t *addrs = tip_new_array(n, uint32_t);
    const char *beside = has_voters ? "beside 180 lists" : "alone";
    double wall, first;

    for (size_t i = 0; i < n; i++)
        addrs[i] = bench_addr(world);
    world->shelf = bl_shelf_new(&(struct bl_shelf_options){BENCH_SHELVED, bench_now_ms, bench_wall_ms});
    bench_rounds(world, "measured", addrs, n, has_voters, &times);
    bl_shelf_destroy(&world->shelf);
    first = times.cpu[0];
    wall = process_median(times.wall, times.n);
    printf("{\"area\":\"blacklist\",\"case\":\"%s, 2 %% changed, %s: body to plan\",\"ours\":%.2f,\"unit\":\"ms\","
           "\"peer\":\"stated bound\",\"theirs\":%.0f,\"ratio\":%.2f,\"bar\":1}\n",
           it->what, beside, wall, it->bound_ms, it->bound_ms / wall);
    printf("{\"area\":\"blacklist\",\"case\":\"the same, processor time\",\"ours\":%.2f,\"unit\":\"ms\"}\n",
           process_median(times.cpu, times.n));
    if (has_voters)
        printf("{\"area\":\"blacklist\",\"case\":\"the same, of the first plan after a start\",\"ours\":%.2f,"
               "\"unit\":\"ms\"}\n",
               first);
    free(addrs);
}

/* Each list of the corpus becomes a first version; its body goes with it. */
static void bench_neighbours(const struct bench_world *world)
{
    char name[NAME];

    for (size_t i = 0; i < process_size(CORPUS_LISTS, VOTERS_SMOKE); i++) {
        (void)snprintf(name, sizeof(name), "list%03zu", i);
        bench_version(world, name, world->corpus.paths[i], 1);
    }
}

int main(void)
{
    static struct bench_world world;
    char name[NAME];

    corpus_make(&world.corpus, process_size(LINES, LINES_SMOKE));
    world.random = test_seed();
    (void)snprintf(world.dir, sizeof(world.dir), "/tmp/tip-bench-XXXXXX");
    bench_need(mkdtemp(world.dir), "no directory");
    bench_neighbours(&world);
    for (size_t i = 0; i < sizeof(bench_cases) / sizeof(*bench_cases); i++) {
        bench_case_run(&world, &bench_cases[i], false);
        bench_case_run(&world, &bench_cases[i], true);
    }
    for (size_t i = 0; i < CORPUS_LISTS; i++) {
        (void)snprintf(name, sizeof(name), "list%03zu", i);
        bl_files_remove(world.dir, name, 1);
    }
    (void)rmdir(world.dir);
    corpus_remove(&world.corpus);
    return 0;
}
