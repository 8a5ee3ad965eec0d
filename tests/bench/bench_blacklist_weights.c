/*
 * Weighing 200 sources that know 3.5 million entries, a third of which have left: trust, independence, lead, freshness
 * and half-lives of all of them, and what each two share, beside 70,000 reference addresses. In memory, as the service
 * has them from its mapped files.
 *
 * Sizes fall as 1 / rank, as those of public lists do; two entries of five are shared by many sources.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <tip/alloc.h>
#include <tip/cleanup.h>

#include "core/weight.h"
#include "process.h"
#include "random.h"

enum {
    SOURCES = 200,
    ENTRIES = 3500 * 1000,
    ENTRIES_SMOKE = 20 * 1000,
    SHARED = 512 * 1024,
    REFERENCES = 70 * 1000,
    ROUNDS = 5,
    NOW_S = 1700000000,
    DAY_S = 86400
};

static const double bound_s = 1;

struct bench_source {
    char name[16];
    struct bl_seen_ip4 *entries;
};

static int bench_compare(const void *a, const void *b)
{
    uint32_t x = ((const struct bl_seen_ip4 *)a)->addr, y = ((const struct bl_seen_ip4 *)b)->addr;

    return (x > y) - (x < y);
}

static struct bl_seen_ip4 bench_entry(uint64_t *random, const uint32_t *shared)
{
    uint64_t n = test_random(random);
    uint32_t since_s = NOW_S - (uint32_t)(test_random(random) % (60 * DAY_S));
    bool is_gone = n % 3 == 0;
    uint32_t last_s = is_gone ? since_s + (uint32_t)(n >> 32) % (NOW_S - since_s + 1) : NOW_S;

    return (struct bl_seen_ip4){
        .addr = n % 5 < 2 ? shared[(n >> 8) % SHARED] : (uint32_t)(n >> 16),
        .times = {.first_s = since_s, .since_s = since_s, .last_s = last_s, .state = is_gone ? 0 : BL_SEEN_LISTED}};
}

static struct bl_seen bench_seen(struct bench_source *source, size_t n, uint64_t *random, const uint32_t *shared)
{
    size_t kept = 0;

    source->entries = tip_new_array(n, struct bl_seen_ip4);
    for (size_t i = 0; i < n; i++)
        source->entries[i] = bench_entry(random, shared);
    qsort(source->entries, n, sizeof(*source->entries), bench_compare);
    for (size_t i = 0; i < n; i++) {
        if (!kept || source->entries[kept - 1].addr != source->entries[i].addr)
            source->entries[kept++] = source->entries[i];
    }
    return (struct bl_seen){.ip4 = source->entries, .n_ip4 = kept, .born_s = NOW_S - 70 * DAY_S, .updated_s = NOW_S};
}

static size_t bench_generate(struct bench_source *made, struct bl_weigh_source *sources)
{
    tip_auto(tip_free) uint32_t *shared = tip_new_array(SHARED, uint32_t);
    uint64_t random = test_seed();
    size_t entries = process_size(ENTRIES, ENTRIES_SMOKE);
    size_t total = 0;
    double ranks = 0;

    for (size_t i = 0; i < SHARED; i++)
        shared[i] = (uint32_t)test_random(&random);
    for (size_t i = 0; i < SOURCES; i++)
        ranks += 1.0 / (double)(i + 1);
    for (size_t i = 0; i < SOURCES; i++) {
        (void)snprintf(made[i].name, sizeof(made[i].name), "list%03zu", i);
        sources[i] = (struct bl_weigh_source){
            .name = made[i].name, .group = made[i].name, .ok_s = NOW_S - 1000, .interval_s = 3600};
        sources[i].seen = bench_seen(&made[i], (size_t)((double)entries / ranks / (double)(i + 1)), &random, shared);
        total += sources[i].seen.n_ip4;
    }
    return total;
}

static int bench_references(struct bl_reference *reference)
{
    uint64_t random = 7;
    int r = 0;

    for (size_t i = 0; !r && i < REFERENCES; i++) {
        uint64_t n = test_random(&random);
        char text[32];
        int len = snprintf(text, sizeof(text), "%u.%u.%u.0/24", (unsigned)(n % 223 + 1), (unsigned)(n >> 16 & 255),
                           (unsigned)(n >> 32 & 255));

        r = bl_reference_add(reference, i % 2 ? BL_ROLE_RESOLVER : BL_ROLE_INFRASTRUCTURE, text, (size_t)len);
    }
    return r ? r : bl_reference_finish(reference);
}

static double bench_seconds(void)
{
    struct timespec now;

    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now); /* it exists */
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

int main(void)
{
    static struct bench_source made[SOURCES];
    static struct bl_weigh_source sources[SOURCES];
    static struct bl_weight weights[SOURCES];
    tip_auto(bl_reference_destroy) struct bl_reference *reference = bl_reference_new();
    struct bl_weigh_job job = {.sources = sources, .n_sources = SOURCES, .reference = reference, .now_s = NOW_S};
    double seconds[ROUNDS], took;
    size_t rounds = process_size(ROUNDS, 1);
    size_t total = bench_generate(made, sources);

    if (bench_references(reference))
        return 1;
    for (size_t i = 0; i < rounds; i++) {
        tip_auto(bl_overlaps_destroy) struct bl_overlaps *overlaps = NULL;
        double begun = bench_seconds();

        job.overlaps = overlaps = bl_overlaps_new(SOURCES);
        if (bl_weigh(&job, weights))
            return 1;
        seconds[i] = bench_seconds() - begun;
    }
    took = process_median(seconds, rounds);
    printf("{\"area\":\"blacklist\",\"case\":\"200 sources weighed, %zu entries\",\"ours\":%.3f,"
           "\"unit\":\"s of one core\",\"peer\":\"stated bound\",\"theirs\":%.0f,\"ratio\":%.2f,\"bar\":1}\n",
           total, took, bound_s, bound_s / took);
    for (size_t i = 0; i < SOURCES; i++)
        free(made[i].entries);
    return 0;
}
