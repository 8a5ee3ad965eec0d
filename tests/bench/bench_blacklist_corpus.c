/*
 * All numbers about many lists, from their files: 180 lists of 3.5 million lines are read and checked, joined to one
 * set, and every pair's overlap, what only one has and the histogram are counted. Beside it Debian's iprange on the
 * same files: once to join them, once to compare them all, which together say a part of that.
 *
 * Sizes fall as 1 / rank, as those of public lists do; two lines of five come from half a million addresses that many
 * lists share, the rest from crowded networks. Two lists of three are sorted, one of twelve holds networks. Both
 * programs must find the same number of addresses. Called with files it is one such process.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <tip/alloc.h>
#include <tip/cleanup.h>
#include <tip/overlap.h>

#include "core/parse.h"
#include "process.h"
#include "random.h"

enum {
    LISTS = 180,
    LINES = 3500 * 1000,
    SHARED = 512 * 1024,
    NETWORKS = 20 * 1000,
    ROUNDS = 3,
    CHUNK = 256 * 1024,
    RANGES_MAX = 1 << 24,
    PATH_LEN = 64,
};

static struct bl_parse *bench_parse(const char *path)
{
    static char chunk[CHUNK];
    tip_auto(tip_fd_close) int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct bl_format format;
    struct bl_parse *parse;
    ssize_t n;
    int r = 0;

    bl_format_init(&format, BL_KIND_LINES, BL_TYPE_AUTO);
    parse = bl_parse_new(&format);
    while (!r && (n = read(fd, chunk, sizeof(chunk))) > 0)
        r = bl_parse_feed(parse, chunk, (size_t)n);
    if (r || bl_parse_end(parse))
        exit(2);
    return parse;
}

static int bench_list(struct tip_ranges4_build *build, struct tip_ranges4 *ranges, const char *path)
{
    tip_auto(bl_parse_destroy) struct bl_parse *parse = bench_parse(path);
    struct bl_set set = bl_parse_set(parse);
    int r = 0;

    tip_ranges4_build_init(build, RANGES_MAX);
    for (size_t i = 0; !r && i < set.n_ip4; i++)
        r = tip_ranges4_add(build, set.ip4[i].addr, set.ip4[i].addr);
    for (size_t i = 0; !r && i < set.n_text; i++) {
        struct tip_prefix prefix;
        struct tip_addr last;

        if (tip_prefix_parse(&prefix, NULL, set.arena + set.text[i].text, set.text[i].len) || prefix.addr.family != 4)
            continue;
        last = tip_prefix_last(&prefix);
        r = tip_ranges4_add(build, tip_addr_to4(&prefix.addr), tip_addr_to4(&last));
    }
    return r ? r : tip_ranges4_build_finish(build, ranges);
}

/* One process: everything there is to know, the addresses in the union on the output. */
static int bench_once(char *const *paths, size_t n)
{
    struct tip_ranges4_build *builds = tip_new_array(n, struct tip_ranges4_build);
    struct tip_ranges4 *sets = tip_new_array(n, struct tip_ranges4);
    struct tip_buf joined;
    struct tip_ranges4 all;
    struct tip_overlap4 *overlap = NULL;
    int r = 0;

    for (size_t i = 0; !r && i < n; i++)
        r = bench_list(&builds[i], &sets[i], paths[i]);
    tip_buf_init(&joined, RANGES_MAX * sizeof(struct tip_range4));
    r = r ? r : tip_overlap4_open(&overlap, sets, n, &joined);
    all = tip_ranges4_of(&joined);
    if (r || overlap->total != tip_ranges4_count(&all))
        return 2;
    printf("%llu\n", (unsigned long long)overlap->total);
    return 0; /* the memory goes with the process, as iprange's does */
}

struct bench_world {
    uint64_t random;
    uint32_t *shared;
    uint32_t *networks;
    uint32_t *lines;
};

static uint32_t bench_addr(struct bench_world *world)
{
    uint64_t n = test_random(&world->random);

    if (n % 5 < 2)
        return world->shared[(n >> 8) % SHARED];
    return world->networks[(n >> 8) % NETWORKS] | (uint32_t)(n >> 40 & 0xffff);
}

static int bench_order(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a;
    uint32_t y = *(const uint32_t *)b;

    return (x > y) - (x < y);
}

static void bench_write(struct bench_world *world, const char *path, size_t rank, size_t n)
{
    tip_auto(tip_file_close) FILE *out = fopen(path, "we");
    const char *mask = rank % 12 == 11 ? "/24" : "";

    if (!out)
        exit(1);
    for (size_t i = 0; i < n; i++)
        world->lines[i] = bench_addr(world) & (*mask ? 0xffffff00 : 0xffffffff);
    if (rank % 3)
        qsort(world->lines, n, sizeof(*world->lines), bench_order);
    fprintf(out, "# list %zu\n", rank);
    for (size_t i = 0; i < n; i++) {
        uint32_t addr = world->lines[i];

        fprintf(out, "%u.%u.%u.%u%s\n", addr >> 24, addr >> 16 & 255, addr >> 8 & 255, addr & 255, mask);
    }
}

static void bench_generate(char paths[LISTS][PATH_LEN])
{
    struct bench_world world = {.random = test_seed()};
    double sum = 0;

    world.shared = tip_new_array(SHARED, uint32_t);
    world.networks = tip_new_array(NETWORKS, uint32_t);
    world.lines = tip_new_array(LINES, uint32_t);
    for (size_t i = 0; i < NETWORKS; i++)
        world.networks[i] = (0x0100 + (uint32_t)(test_random(&world.random) % 0xde00)) << 16;
    for (size_t i = 0; i < SHARED; i++)
        world.shared[i] = world.networks[i % NETWORKS] | (uint32_t)(test_random(&world.random) & 0xffff);
    for (size_t i = 0; i < LISTS; i++)
        sum += 1.0 / (double)(i + 4);
    for (size_t i = 0; i < LISTS; i++)
        bench_write(&world, paths[i], i, (size_t)(LINES / sum / (double)(i + 4)));
    free(world.shared);
    free(world.networks);
    free(world.lines);
}

/* The last number in the output of a shell command. */
static unsigned long long bench_answer(const char *command)
{
    FILE *pipe = popen(command, "re");
    unsigned long long n = 0;
    int c;

    while (pipe && (c = fgetc(pipe)) != EOF) {
        if (c >= '0' && c <= '9')
            n = n * 10 + (unsigned long long)(c - '0');
        else if (c == ',')
            n = 0;
    }
    return pipe && !pclose(pipe) ? n : 0;
}

static int bench_agree(const char *dir)
{
    char command[256];
    unsigned long long ours, theirs;
    ssize_t n = readlink("/proc/self/exe", command, sizeof(command) - 1);

    if (n <= 0)
        return 1;
    command[n] = 0;
    (void)snprintf(command + n, sizeof(command) - (size_t)n, " %s/*", dir);
    ours = bench_answer(command);
    (void)snprintf(command, sizeof(command), "iprange -C %s/*", dir);
    theirs = bench_answer(command);
    if (ours && ours == theirs)
        return 0;
    fprintf(stderr, "bench_sets: %llu addresses, and %llu by iprange\n", ours, theirs);
    return 1;
}

static void bench_rows(double *ours, double *theirs, double our_mb, double their_mb)
{
    double our_s = process_median(ours, ROUNDS);
    double their_s = process_median(theirs, ROUNDS);

    printf("{\"area\":\"sets\",\"case\":\"180 lists, 3,500,000 lines: read, join, all metrics\",\"ours\":%.3f,"
           "\"unit\":\"s of one core\",\"peer\":\"iprange merge + "
           "--compare\",\"theirs\":%.3f,\"ratio\":%.2f,\"bar\":2.5}\n",
           our_s, their_s, their_s / our_s);
    printf("{\"area\":\"sets\",\"case\":\"the same, peak memory\",\"ours\":%.1f,\"unit\":\"MiB\","
           "\"peer\":\"stated bound\",\"theirs\":150,\"ratio\":%.2f,\"bar\":1}\n",
           our_mb, 150 / our_mb);
    printf("{\"area\":\"sets\",\"case\":\"the same, beside iprange\",\"ours\":%.1f,\"unit\":\"MiB\","
           "\"peer\":\"iprange --compare\",\"theirs\":%.1f,\"ratio\":%.2f}\n",
           our_mb, their_mb, their_mb / our_mb);
}

static int bench_all(char paths[LISTS][PATH_LEN])
{
    static char self[] = "/proc/self/exe", iprange[] = "iprange", compare[] = "--compare";
    char *our_argv[LISTS + 2] = {self}, *join_argv[LISTS + 2] = {iprange};
    char *compare_argv[LISTS + 3] = {iprange, compare};
    double ours[ROUNDS], theirs[ROUNDS];
    struct process_run our_run = {0}, join_run = {0}, compare_run = {0};

    for (size_t i = 0; i < LISTS; i++)
        our_argv[1 + i] = join_argv[1 + i] = compare_argv[2 + i] = paths[i];
    for (size_t i = 0; i < ROUNDS; i++) {
        if (process_run(our_argv, &our_run) || process_run(join_argv, &join_run) ||
            process_run(compare_argv, &compare_run)) {
            fprintf(stderr, "bench_sets: a program is missing or failed\n");
            return 1;
        }
        ours[i] = our_run.seconds;
        theirs[i] = join_run.seconds + compare_run.seconds;
    }
    bench_rows(ours, theirs, our_run.megabytes, compare_run.megabytes);
    return 0;
}

int main(int argc, char **argv)
{
    static char paths[LISTS][PATH_LEN];
    char dir[] = "/tmp/tip-bench-XXXXXX";
    int r;

    if (argc > 1)
        return bench_once(argv + 1, (size_t)argc - 1);
    if (!mkdtemp(dir))
        return 1;
    for (size_t i = 0; i < LISTS; i++)
        (void)snprintf(paths[i], PATH_LEN, "%s/list%03zu", dir, i);
    bench_generate(paths);
    r = bench_agree(dir);
    r = r ? r : bench_all(paths);
    for (size_t i = 0; i < LISTS; i++)
        (void)unlink(paths[i]);
    (void)rmdir(dir);
    return r;
}
