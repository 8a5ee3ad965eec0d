/*
 * Reading two versions of a list and finding what changed, beside Debian's iprange on the same files.
 *
 * Each round runs both as processes of their own, one after the other, so that start-up, reading and memory count for
 * both alike. Both have one thread, so processor time is what counts: it does not depend on what else the machine does.
 * The figures are medians of ROUNDS interleaved rounds. Called with two files it is one such process.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <tip/alloc.h>
#include <tip/cleanup.h>

#include "core/diff.h"
#include "core/parse.h"
#include "process.h"
#include "random.h"

enum { LINES = 1000 * 1000, LINES_SMOKE = 10 * 1000, CHANGED = 50, ROUNDS = 7, CHUNK = 256 * 1024 }; /* one of 50 */

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

static int bench_once(const char *old_path, const char *new_path)
{
    tip_auto(bl_parse_destroy) struct bl_parse *old = bench_parse(old_path);
    tip_auto(bl_parse_destroy) struct bl_parse *new = bench_parse(new_path);
    struct bl_set from = bl_parse_set(old);
    struct bl_set to = bl_parse_set(new);
    struct bl_diff diff;

    bl_diff_init(&diff);
    if (bl_diff_run(&diff, &from, &to))
        return 2;
    printf("%zu added, %zu removed\n", bl_diff_count(&diff.added), bl_diff_count(&diff.removed));
    bl_diff_deinit(&diff);
    return 0;
}

static void bench_write(const char *path, const uint32_t *addrs, size_t lines)
{
    tip_auto(tip_file_close) FILE *out = fopen(path, "we");

    for (size_t i = 0; out && i < lines; i++)
        fprintf(out, "%u.%u.%u.%u\n", addrs[i] >> 24, addrs[i] >> 16 & 255, addrs[i] >> 8 & 255, addrs[i] & 255);
}

/* Unsorted public-looking addresses; the second file has 2 % others. */
static void bench_generate(const char *old_path, const char *new_path, size_t lines)
{
    uint32_t *addrs = tip_new_array(lines, uint32_t);
    uint64_t random = test_seed();

    for (size_t i = 0; i < lines; i++)
        addrs[i] = 0x01000000 + (uint32_t)(test_random(&random) % 0xde000000);
    bench_write(old_path, addrs, lines);
    for (size_t i = 0; i < lines / CHANGED; i++)
        addrs[test_random(&random) % lines] = 0x01000000 + (uint32_t)(test_random(&random) % 0xde000000);
    bench_write(new_path, addrs, lines);
    free(addrs);
}

struct bench_figures {
    double ours[ROUNDS], theirs[ROUNDS], ratios[ROUNDS]; /* s of a processor */
    size_t n;
};

static void bench_rows(struct bench_figures *found, size_t lines, double our_mb, double their_mb)
{
    double our_s = process_median(found->ours, found->n);
    double their_s = process_median(found->theirs, found->n);

    printf("{\"area\":\"blacklist\",\"case\":\"parse two lists of %zu IPv4 lines and diff\",\"ours\":%.0f,"
           "\"unit\":\"lines/s of one core\",\"peer\":\"iprange --diff\",\"theirs\":%.0f,\"ratio\":%.2f,\"bar\":3}\n",
           lines, 2.0 * (double)lines / our_s, 2.0 * (double)lines / their_s, process_median(found->ratios, found->n));
    printf("{\"area\":\"blacklist\",\"case\":\"the same, peak memory\",\"ours\":%.1f,\"unit\":\"MiB\","
           "\"peer\":\"iprange --diff\",\"theirs\":%.1f,\"ratio\":%.2f}\n",
           our_mb, their_mb, their_mb / our_mb);
}

static int bench_all(char *old_path, char *new_path, size_t lines)
{
    static char self[] = "/proc/self/exe", iprange[] = "iprange", count[] = "-C", diff[] = "--diff";
    char *const our_argv[] = {self, old_path, new_path, NULL};
    char *const their_argv[] = {iprange, count, old_path, diff, new_path, NULL};
    struct bench_figures found = {.n = process_size(ROUNDS, 1)};
    struct process_run our_run = {0}, their_run = {0};

    for (size_t i = 0; i < found.n; i++) {
        if (process_run(our_argv, &our_run))
            return 1;
        if (process_run(their_argv, &their_run) != 1) { /* 1: they differ */
            fprintf(stderr, "bench_blacklist: iprange is missing or failed\n");
            return 1;
        }
        found.ours[i] = our_run.seconds;
        found.theirs[i] = their_run.seconds;
        found.ratios[i] = their_run.seconds / our_run.seconds;
    }
    bench_rows(&found, lines, our_run.megabytes, their_run.megabytes);
    return 0;
}

int main(int argc, char **argv)
{
    char dir[] = "/tmp/tip-bench-XXXXXX";
    char old_path[64], new_path[64];
    size_t lines = process_size(LINES, LINES_SMOKE);
    int r;

    if (argc == 3)
        return bench_once(argv[1], argv[2]);
    if (!mkdtemp(dir))
        return 1;
    (void)snprintf(old_path, sizeof(old_path), "%s/old", dir);
    (void)snprintf(new_path, sizeof(new_path), "%s/new", dir);
    bench_generate(old_path, new_path, lines);
    r = bench_all(old_path, new_path, lines);
    (void)unlink(old_path);
    (void)unlink(new_path);
    (void)rmdir(dir);
    return r;
}
