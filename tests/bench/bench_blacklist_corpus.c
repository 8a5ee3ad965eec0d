/*
 * All numbers about many lists, from their files: 180 lists of 3.5 million lines (corpus.h) are read and checked,
 * joined to one set, and every pair's overlap, what only one has and the histogram are counted. Beside it Debian's
 * iprange on the same files: once to join them, once to compare them all, which together say a part of that. Both must
 * find the same number of addresses. Called with files it is one such process.
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
#include "corpus.h"
#include "process.h"

enum { LINES = 3500 * 1000, LINES_SMOKE = 20 * 1000, ROUNDS = 5, CHUNK = 256 * 1024, RANGES_MAX = 1 << 24 };

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
    fprintf(stderr, "bench_blacklist_corpus: %llu addresses, and %llu by iprange\n", ours, theirs);
    return 1;
}

struct bench_figures {
    double ours[ROUNDS], theirs[ROUNDS], ratios[ROUNDS]; /* s of a processor */
    double our_mb, their_mb;
    size_t n;
};

static void bench_rows(struct bench_figures *found)
{
    double our_s = process_median(found->ours, found->n);
    double their_s = process_median(found->theirs, found->n);

    printf("{\"area\":\"blacklist\",\"case\":\"%d lists, %zu lines: read, join, all metrics\",\"ours\":%.3f,"
           "\"unit\":\"s of one core\",\"peer\":\"iprange merge + "
           "--compare\",\"theirs\":%.3f,\"ratio\":%.2f,\"bar\":2.5}\n",
           CORPUS_LISTS, process_size(LINES, LINES_SMOKE), our_s, their_s, process_median(found->ratios, found->n));
    printf("{\"area\":\"blacklist\",\"case\":\"the same, peak memory\",\"ours\":%.1f,\"unit\":\"MiB\","
           "\"peer\":\"stated bound\",\"theirs\":150,\"ratio\":%.2f,\"bar\":1}\n",
           found->our_mb, 150 / found->our_mb);
    printf("{\"area\":\"blacklist\",\"case\":\"the same, beside iprange\",\"ours\":%.1f,\"unit\":\"MiB\","
           "\"peer\":\"iprange\",\"theirs\":%.1f,\"ratio\":%.2f}\n",
           found->our_mb, found->their_mb, found->their_mb / found->our_mb);
}

static double bench_most(double a, double b)
{
    return a > b ? a : b;
}

static int bench_all(struct corpus *corpus)
{
    static char self[] = "/proc/self/exe", iprange[] = "iprange", compare[] = "--compare";
    char *our_argv[CORPUS_LISTS + 2] = {self}, *join_argv[CORPUS_LISTS + 2] = {iprange};
    char *compare_argv[CORPUS_LISTS + 3] = {iprange, compare};
    struct bench_figures found = {.n = process_size(ROUNDS, 1)};
    struct process_run ours = {0}, join = {0}, pairs = {0};

    for (size_t i = 0; i < CORPUS_LISTS; i++)
        our_argv[1 + i] = join_argv[1 + i] = compare_argv[2 + i] = corpus->paths[i];
    for (size_t i = 0; i < found.n; i++) {
        if (process_run(our_argv, &ours) || process_run(join_argv, &join) || process_run(compare_argv, &pairs)) {
            fprintf(stderr, "bench_blacklist_corpus: a program is missing or failed\n");
            return 1;
        }
        found.ours[i] = ours.seconds;
        found.theirs[i] = join.seconds + pairs.seconds;
        found.ratios[i] = found.theirs[i] / found.ours[i];
        found.our_mb = bench_most(found.our_mb, ours.megabytes);
        found.their_mb = bench_most(found.their_mb, bench_most(join.megabytes, pairs.megabytes));
    }
    bench_rows(&found);
    return 0;
}

int main(int argc, char **argv)
{
    static struct corpus corpus;
    int r;

    if (argc > 1)
        return bench_once(argv + 1, (size_t)argc - 1);
    corpus_make(&corpus, process_size(LINES, LINES_SMOKE));
    r = bench_agree(corpus.dir);
    r = r ? r : bench_all(&corpus);
    corpus_remove(&corpus);
    return r;
}
