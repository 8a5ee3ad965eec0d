#include "corpus.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <tip/alloc.h>
#include <tip/cleanup.h>

#include "random.h"

enum { CORPUS_SHARED = 512 * 1024, CORPUS_NETWORKS = 20 * 1000, CORPUS_KINDS = 12 };

enum corpus_kind { CORPUS_FEED, CORPUS_COUNTRY, CORPUS_AGGREGATE };

static const enum corpus_kind corpus_kinds[CORPUS_KINDS] = {[3] = CORPUS_AGGREGATE, [11] = CORPUS_COUNTRY};

struct corpus_world {
    uint64_t random;
    uint32_t *shared;
    uint32_t *networks;
    uint32_t *lines;
};

static void corpus_fail(const char *what)
{
    perror(what);
    exit(1);
}

static uint32_t corpus_own(struct corpus_world *world)
{
    uint64_t n = test_random(&world->random);

    return world->networks[n % CORPUS_NETWORKS] | (uint32_t)(n >> 40 & 0xffff);
}

static int corpus_order(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a;
    uint32_t y = *(const uint32_t *)b;

    return (x > y) - (x < y);
}

/* An odd step through a power of two: no shared address comes twice before all have come. */
static void corpus_fill(struct corpus_world *world, enum corpus_kind kind, size_t n)
{
    uint64_t at = test_random(&world->random);
    uint64_t step = test_random(&world->random) | 1;
    unsigned shared_percent = kind == CORPUS_AGGREGATE ? 95 : 40;

    for (size_t i = 0; i < n; i++) {
        bool is_shared = kind != CORPUS_COUNTRY && test_random(&world->random) % 100 < shared_percent;

        world->lines[i] = is_shared ? world->shared[(at += step) % CORPUS_SHARED] : corpus_own(world);
    }
}

/* One of /16 to /30 by the first half of the address, so that what is in order stays so; mostly /24. */
static unsigned corpus_prefix_len(uint32_t addr)
{
    static const uint8_t lens[] = {24, 24, 24, 24, 24, 24, 24, 23, 23, 22, 22, 21, 20, 29, 30, 28};
    uint32_t hash = (addr >> 16) * 2654435761u >> 16;

    return hash % 512 ? lens[hash % sizeof(lens)] : 16;
}

static void corpus_print(FILE *out, uint32_t addr, enum corpus_kind kind)
{
    unsigned len = kind == CORPUS_COUNTRY ? corpus_prefix_len(addr) : 32;

    addr &= UINT32_MAX << (32 - len);
    fprintf(out, "%u.%u.%u.%u", addr >> 24, addr >> 16 & 255, addr >> 8 & 255, addr & 255);
    if (len < 32)
        fprintf(out, "/%u", len);
    putc('\n', out);
}

static void corpus_write(struct corpus_world *world, const char *path, size_t rank, size_t n)
{
    tip_auto(tip_file_close) FILE *out = fopen(path, "we");
    enum corpus_kind kind = corpus_kinds[rank % CORPUS_KINDS];

    if (!out)
        corpus_fail(path);
    corpus_fill(world, kind, n);
    if (rank % 3 || kind == CORPUS_COUNTRY)
        qsort(world->lines, n, sizeof(*world->lines), corpus_order);
    fprintf(out, "# list %zu\n#\n# %zu lines, made for measuring\n", rank, n);
    for (size_t i = 0; i < n; i++)
        corpus_print(out, world->lines[i], kind);
    if (ferror(out))
        corpus_fail(path);
}

static void corpus_world_make(struct corpus_world *world, size_t lines)
{
    *world = (struct corpus_world){.random = test_seed(),
                                   .shared = tip_new_array(CORPUS_SHARED, uint32_t),
                                   .networks = tip_new_array(CORPUS_NETWORKS, uint32_t),
                                   .lines = tip_new_array(lines + 1, uint32_t)};
    for (size_t i = 0; i < CORPUS_NETWORKS; i++)
        world->networks[i] = (0x0100 + (uint32_t)(test_random(&world->random) % 0xde00)) << 16;
    for (size_t i = 0; i < CORPUS_SHARED; i++)
        world->shared[i] = corpus_own(world);
}

void corpus_make(struct corpus *corpus, size_t lines)
{
    struct corpus_world world;
    double sum = 0;

    (void)snprintf(corpus->dir, sizeof(corpus->dir), "/tmp/tip-bench-XXXXXX");
    if (!mkdtemp(corpus->dir))
        corpus_fail(corpus->dir);
    corpus_world_make(&world, lines);
    for (size_t i = 0; i < CORPUS_LISTS; i++)
        sum += 1.0 / (double)(i + 4);
    for (size_t i = 0; i < CORPUS_LISTS; i++) {
        (void)snprintf(corpus->paths[i], CORPUS_PATH, "%.32s/list%03zu", corpus->dir, i);
        corpus_write(&world, corpus->paths[i], i, (size_t)((double)lines / sum / (double)(i + 4)));
    }
    free(world.shared);
    free(world.networks);
    free(world.lines);
}

void corpus_remove(struct corpus *corpus)
{
    for (size_t i = 0; i < CORPUS_LISTS; i++)
        (void)unlink(corpus->paths[i]); /* what a job took is gone already */
    (void)rmdir(corpus->dir);
}
