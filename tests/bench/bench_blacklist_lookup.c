/*
 * Lookups in process, one thread, processor time: from the text of an address to what is told of it, with what it
 * inherits; beside a plain bsearch() for the number in one sorted array of all hosts, which knows no networks.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <tip/addr.h>
#include <tip/alloc.h>
#include <tip/cleanup.h>

#include "core/index.h"
#include "random.h"

enum { LISTS = 180, NETS = 100 * 1000, TEXT = 20, DAY = 86400, NOW = 20000 * DAY };

static double lookup_cpu_s(void)
{
    struct timespec at;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &at);
    return (double)at.tv_sec + (double)at.tv_nsec / 1e9;
}

static int lookup_compare_hosts(const void *a, const void *b)
{
    const struct bl_seen_ip4 *left = a, *right = b;

    return (left->addr > right->addr) - (left->addr < right->addr);
}

static int lookup_compare(const void *a, const void *b)
{
    const uint32_t *left = a, *right = b;

    return (*left > *right) - (*left < *right);
}

static struct bl_seen lookup_list(uint64_t *random, size_t n_entries)
{
    struct bl_seen_ip4 *entries = tip_new_array(n_entries, struct bl_seen_ip4);
    size_t n = 0;

    for (size_t i = 0; i < n_entries; i++) {
        entries[i].addr = (uint32_t)test_random(random);
        entries[i].times = (struct bl_seen_times){.last_s = NOW - (uint32_t)(test_random(random) % 30) * DAY,
                                                  .state = test_random(random) % 4 ? BL_SEEN_LISTED : 0};
    }
    qsort(entries, n_entries, sizeof(*entries), lookup_compare_hosts);
    for (size_t i = 0; i < n_entries; i++) {
        if (!n || entries[n - 1].addr != entries[i].addr)
            entries[n++] = entries[i];
    }
    return (struct bl_seen){.ip4 = entries, .n_ip4 = n};
}

/* Of lengths from /10 to /30; sorted as texts, which is the order of the sets. */
static int lookup_compare_texts(const void *a, const void *b)
{
    return strcmp(a, b);
}

static struct bl_seen lookup_nets(uint64_t *random, size_t n_nets)
{
    char(*texts)[TEXT] = tip_alloc(n_nets, sizeof(*texts));
    struct bl_seen_text *entries = tip_new_array(n_nets, struct bl_seen_text);
    size_t n = 0;

    for (size_t i = 0; i < n_nets; i++) {
        struct tip_addr addr = tip_addr_from4((uint32_t)test_random(random));
        struct tip_prefix prefix = tip_prefix_of(&addr, (uint8_t)(10 + test_random(random) % 21));
        char text[TIP_PREFIX_TEXT];

        (void)tip_prefix_format(&prefix, text);
        (void)snprintf(texts[i], sizeof(texts[i]), "%.18s", text);
    }
    qsort(texts, n_nets, sizeof(*texts), lookup_compare_texts);
    for (size_t i = 0; i < n_nets; i++) {
        if (i && !strcmp(texts[i - 1], texts[i]))
            continue;
        entries[n++] = (struct bl_seen_text){.text = (uint32_t)(i * sizeof(*texts)),
                                             .len = (uint16_t)strlen(texts[i]),
                                             .kind = TIP_KIND_NET,
                                             .times = {.last_s = NOW, .state = BL_SEEN_LISTED}};
    }
    return (struct bl_seen){.text = entries, .arena = (const char *)texts, .n_text = n};
}

/* Half of what is asked about is listed. */
static char (*lookup_questions(uint64_t *random, const struct bl_score_source *sources, uint32_t *numbers,
                               size_t n))[TEXT]
{
    char(*texts)[TEXT] = tip_alloc(n, sizeof(*texts));

    for (size_t i = 0; i < n; i++) {
        const struct bl_seen *seen = &sources[test_random(random) % (LISTS - 1)].seen[BL_AFTER];
        struct tip_addr addr;
        char text[TIP_ADDR_TEXT];

        numbers[i] = i % 2 ? (uint32_t)test_random(random) : seen->ip4[test_random(random) % seen->n_ip4].addr;
        addr = tip_addr_from4(numbers[i]);
        (void)tip_addr_format(&addr, text);
        (void)snprintf(texts[i], sizeof(texts[i]), "%.15s", text);
    }
    return texts;
}

static double lookup_ours(const struct bl_index *index, char (*texts)[TEXT], size_t n, size_t *toldp)
{
    double began = lookup_cpu_s();

    for (size_t i = 0; i < n; i++) {
        struct tip_indicator indicator;

        if (tip_indicator_parse(&indicator, TIP_KIND_NONE, texts[i], strlen(texts[i])))
            abort();
        *toldp += bl_index_find(index, indicator.kind, indicator.value, indicator.len).score > 0;
    }
    return lookup_cpu_s() - began;
}

static double lookup_theirs(const uint32_t *all, size_t n_all, const uint32_t *numbers, size_t n, size_t *foundp)
{
    double began = lookup_cpu_s();

    for (size_t i = 0; i < n; i++)
        *foundp += bsearch(&numbers[i], all, n_all, sizeof(*all), lookup_compare) != NULL;
    return lookup_cpu_s() - began;
}

int main(void)
{
    bool is_smoke = getenv("TIP_BENCH_SMOKE") != NULL;
    size_t n_entries = is_smoke ? 200 : 20 * 1000, n_asked = is_smoke ? 10 * 1000 : 4 * 1000 * 1000, n_all = 0;
    static struct bl_score_source sources[LISTS];
    uint64_t random = test_seed();
    tip_auto(tip_free) uint32_t *numbers = tip_new_array(n_asked, uint32_t);
    tip_auto(tip_free) uint32_t *all = tip_new_array(LISTS * n_entries, uint32_t);
    tip_auto(bl_index_destroy) struct bl_index *index = bl_index_new();
    const struct bl_seen none = {.n_ip4 = 0};
    size_t told = 0, found = 0;
    struct bl_index_stats stats;
    double began, built_s, ours_s, theirs_s;
    struct bl_score_job job;
    char(*texts)[TEXT];

    for (size_t i = 0; i < LISTS; i++) {
        struct bl_law law = {.weight = 0.3 + (double)(i % 6) / 10, .half_life_s = (int64_t)(1 + i % 14) * DAY};

        sources[i] = (struct bl_score_source){
            .law = {law, law}, .is_trusted = {true, true}, .kin = {{.group = i}, {.group = i}}};
        sources[i].seen[BL_AFTER] = i + 1 < LISTS ? lookup_list(&random, n_entries) : lookup_nets(&random, NETS);
        sources[i].seen[BL_BEFORE] = sources[i].seen[BL_AFTER];
        for (size_t k = 0; k < sources[i].seen[BL_AFTER].n_ip4; k++)
            all[n_all++] = sources[i].seen[BL_AFTER].ip4[k].addr;
    }
    qsort(all, n_all, sizeof(*all), lookup_compare);
    texts = lookup_questions(&random, sources, numbers, n_asked);
    bl_score_job_init(&job, sources, LISTS);
    job.moment[BL_BEFORE].tau_s = job.moment[BL_AFTER].tau_s = NOW;
    began = lookup_cpu_s();
    if (bl_index_fill(index, &job, &none, NULL))
        return 1;
    built_s = lookup_cpu_s() - began;
    ours_s = lookup_ours(index, texts, n_asked, &told);
    theirs_s = lookup_theirs(all, n_all, numbers, n_asked, &found);
    stats = bl_index_stats(index);
    printf("{\"area\":\"blacklist\",\"case\":\"lookups of addresses as text, %zu verdicts, %zu of networks\","
           "\"ours\":%.0f,\"unit\":\"lookups/s of one core\",\"peer\":\"the bar\",\"theirs\":1000000,\"ratio\":%.2f,"
           "\"bar\":1}\n",
           stats.n_ip4 + stats.n_text, stats.n_nets, (double)n_asked / ours_s, (double)n_asked / ours_s / 1e6);
    printf("{\"area\":\"blacklist\",\"case\":\"the same beside bsearch() for the number, %zu in one array\","
           "\"ours\":%.0f,\"unit\":\"lookups/s of one core\",\"peer\":\"bsearch, no networks\",\"theirs\":%.0f,"
           "\"ratio\":%.2f}\n",
           n_all, (double)n_asked / ours_s, (double)n_asked / theirs_s, theirs_s / ours_s);
    printf("{\"area\":\"blacklist\",\"case\":\"index for lookups made of %d lists, %zu bytes, %zu told "
           "alike\",\"ours\":%.3f,"
           "\"unit\":\"s of one core\"}\n",
           LISTS, stats.bytes, stats.n_records, built_s);
    bl_score_job_deinit(&job);
    free(texts);
    return told + found ? 0 : 1;
}
