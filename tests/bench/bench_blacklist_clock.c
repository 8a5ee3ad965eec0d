/*
 * The walk of the clock's job over many lists: how long one takes when little moves, and what it finds. In process, one
 * thread, processor time: it does not depend on what else the machine does.
 */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include <tip/alloc.h>
#include <tip/cleanup.h>

#include "core/tell.h"
#include "random.h"

enum { LISTS = 180, ENTRIES = 20 * 1000, SPACE = 1 << 24, DAY = 86400, NOW = 20000 * DAY, ROUNDS = 5 };

static int clock_compare(const void *a, const void *b)
{
    const struct bl_seen_ip4 *left = a, *right = b;

    return (left->addr > right->addr) - (left->addr < right->addr);
}

/* Half of a list has left it within the last 30 days; a third of the lists draw from one small space, and overlap. */
static struct bl_seen clock_list(uint64_t *random, size_t number)
{
    struct bl_seen_ip4 *entries = tip_new_array(ENTRIES, struct bl_seen_ip4);
    uint64_t space = number % 3 ? UINT32_MAX : SPACE / 16;
    size_t n = 0;

    for (size_t i = 0; i < ENTRIES; i++) {
        entries[i].addr = (uint32_t)(test_random(random) % space);
        entries[i].times = (struct bl_seen_times){.last_s = NOW - (uint32_t)(test_random(random) % (30 * DAY)),
                                                  .state = test_random(random) % 2 ? BL_SEEN_LISTED : 0};
    }
    qsort(entries, ENTRIES, sizeof(*entries), clock_compare);
    for (size_t i = 0; i < ENTRIES; i++) {
        if (!n || entries[n - 1].addr != entries[i].addr)
            entries[n++] = entries[i];
    }
    return (struct bl_seen){.ip4 = entries, .n_ip4 = n};
}

static int clock_compare_times(const void *a, const void *b)
{
    const double *left = a, *right = b;

    return (*left > *right) - (*left < *right);
}

static double clock_cpu_s(void)
{
    struct timespec at;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &at);
    return (double)at.tv_sec + (double)at.tv_nsec / 1e9;
}

int main(void)
{
    static struct bl_score_source sources[LISTS];
    tip_auto(tip_buf_deinit) struct tip_buf verdicts;
    uint64_t random = test_seed();
    struct bl_score_job job;
    struct bl_tell tell = {.job = &job, .verdicts = &verdicts};
    double took_s[ROUNDS];
    size_t n = 0;

    tip_buf_init(&verdicts, SIZE_MAX / 2);
    for (size_t i = 0; i < LISTS; i++) {
        struct bl_law law = {.weight = 0.1 + (double)(i % 8) / 10, .half_life_s = (int64_t)(1 + i % 14) * DAY};

        sources[i] = (struct bl_score_source){
            .law = {law, law}, .is_trusted = {true, true}, .kin = {{.group = i}, {.group = i}}};
        sources[i].seen[BL_BEFORE] = sources[i].seen[BL_AFTER] = clock_list(&random, i);
        n += sources[i].seen[BL_AFTER].n_ip4;
    }
    bl_score_job_init(&job, sources, LISTS);
    for (uint32_t round = 0; round < ROUNDS; round++) {
        double began = clock_cpu_s();

        tip_buf_clear(&verdicts);
        job.moment[BL_BEFORE].tau_s = NOW + round * 300;
        job.moment[BL_AFTER].tau_s = NOW + (round + 1) * 300;
        tell.next_s = job.moment[BL_AFTER].tau_s + 3600;
        tell.is_found = false;
        if (bl_tell_clock(&tell))
            return 1;
        took_s[round] = clock_cpu_s() - began;
    }
    qsort(took_s, ROUNDS, sizeof(*took_s), clock_compare_times);
    printf("{\"area\":\"blacklist\",\"case\":\"walk of the clock, %d lists, %zu entries\",\"ours\":%.3f,"
           "\"unit\":\"s of one core\"}\n",
           LISTS, n, took_s[ROUNDS / 2]);
    bl_score_job_deinit(&job);
    return 0;
}
