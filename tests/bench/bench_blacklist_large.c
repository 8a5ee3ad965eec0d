/*
 * A list of 22 million lines: how much memory it takes to know which addresses it covers. The set engine keeps ranges
 * and joins them as they come, so the memory should be that of the ranges, not of the lines. Three such lists: one that
 * is sorted and one that is not, of 2,200 blocks of 10,000 addresses each; and one of which no two addresses touch.
 * Beside it Debian's iprange on the same bytes, which come through a pipe: a process each, peak memory, one round,
 * since memory does not vary. Both must find as many addresses. The last row is the same list as the collector keeps
 * it, with the line of every entry: that is in proportion to the lines, and it refuses so many unless it is told
 * otherwise.
 *
 * Called with a word it is one such process.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <tip/addr.h>
#include <tip/alloc.h>
#include <tip/cleanup.h>
#include <tip/ranges.h>

#include "core/parse.h"
#include "process.h"

enum { LINES = 22 * 1000 * 1000, LINES_SMOKE = 22 * 1000, BLOCKS = 2200, CHUNK = 256 * 1024, LINE_BYTES = 16 };

enum { RANGE_BYTES_MAX = 20 }; /* as <tip/ranges.h> states it: 8, and 2.5 times that while it sorts */
enum { BASE = 0x10000000, BLOCK_STEP = 64 * 1024 }; /* where blocks begin, and how far apart */

/* ---- the lists ---- */

static uint32_t bench_block_addr(size_t i, size_t n)
{
    size_t size = n / BLOCKS;

    return BASE + (uint32_t)(i / size) * BLOCK_STEP + (uint32_t)(i % size);
}

static uint32_t bench_sorted(size_t i, size_t n)
{
    return bench_block_addr(i, n);
}

/* A prime that divides no n of ours: each line comes once. */
static uint32_t bench_mixed(size_t i, size_t n)
{
    return bench_block_addr(i * 15485863 % n, n);
}

static uint32_t bench_scattered(size_t i, size_t n)
{
    return BASE + 2 * (uint32_t)(i * 15485863 % n);
}

static const struct bench_list {
    const char *name, *what;
    uint32_t (*addr)(size_t i, size_t n);
} bench_lists[] = {
    {"sorted", "2,200 ranges, sorted", bench_sorted},
    {"mixed", "2,200 ranges, in no order", bench_mixed},
    {"scattered", "no two touch, in no order", bench_scattered},
};

static size_t bench_print(char *text, uint32_t addr)
{
    char *at = text;

    for (int shift = 24; shift >= 0; shift -= 8) {
        unsigned part = addr >> shift & 255;

        if (part > 99)
            *at++ = (char)('0' + part / 100);
        if (part > 9)
            *at++ = (char)('0' + part / 10 % 10);
        *at++ = (char)('0' + part % 10);
        *at++ = shift ? '.' : '\n';
    }
    return (size_t)(at - text);
}

static void bench_put(const char *bytes, size_t n)
{
    while (n) {
        ssize_t done = write(STDOUT_FILENO, bytes, n);

        if (done <= 0)
            _exit(1); /* the reader is gone */
        bytes += done;
        n -= (size_t)done;
    }
}

static int bench_write(const struct bench_list *list, size_t n)
{
    static char chunk[CHUNK];
    size_t len = 0;

    for (size_t i = 0; i < n; i++) {
        len += bench_print(chunk + len, list->addr(i, n));
        if (len > CHUNK - LINE_BYTES) {
            bench_put(chunk, len);
            len = 0;
        }
    }
    bench_put(chunk, len);
    return 0;
}

/* ---- one process ---- */

/* Takes whole lines; returns what remains of the last one. */
static size_t bench_lines(struct tip_ranges4_build *build, char *bytes, size_t n)
{
    const char *at = bytes, *end = bytes + n, *line_end;
    uint32_t addr = 0;

    for (; (line_end = memchr(at, '\n', (size_t)(end - at))); at = line_end + 1) {
        if (tip_addr4_parse_fast(at, line_end, &addr) != (size_t)(line_end - at) || tip_ranges4_add(build, addr, addr))
            exit(2);
    }
    memmove(bytes, at, (size_t)(end - at));
    return (size_t)(end - at);
}

/* Addresses, then ranges. */
static int bench_ranges(void)
{
    static char chunk[CHUNK];
    struct tip_ranges4_build build;
    struct tip_ranges4 set;
    size_t kept = 0;
    ssize_t n;

    tip_ranges4_build_init(&build, LINES);
    while ((n = read(STDIN_FILENO, chunk + kept, CHUNK - kept)) > 0)
        kept = bench_lines(&build, chunk, kept + (size_t)n);
    if (n || kept || tip_ranges4_build_finish(&build, &set))
        return 2;
    printf("%llu %zu\n", (unsigned long long)tip_ranges4_count(&set), set.n);
    return 0;
}

/* As the collector reads it. */
static int bench_parse(void)
{
    static char chunk[CHUNK];
    struct bl_format format;
    tip_auto(bl_parse_destroy) struct bl_parse *parse = NULL;
    struct bl_set set;
    ssize_t n;
    int r = 0;

    bl_format_init(&format, BL_KIND_LINES, BL_TYPE_IP4);
    format.entries_max = LINES;
    parse = bl_parse_new(&format);
    while (!r && (n = read(STDIN_FILENO, chunk, CHUNK)) > 0)
        r = bl_parse_feed(parse, chunk, (size_t)n);
    if (r || bl_parse_end(parse))
        return 2;
    set = bl_parse_set(parse);
    printf("%zu %zu\n", bl_set_count(&set), bl_set_count(&set));
    return 0;
}

/* ---- beside each other ---- */

struct bench_run {
    double seconds, megabytes;
    unsigned long long numbers[2]; /* the last of its output */
};

static pid_t bench_spawn(char *const argv[], int in, int out)
{
    pid_t pid = fork();

    if (pid == 0) {
        if ((in != -1 && dup2(in, STDIN_FILENO) == -1) || dup2(out, STDOUT_FILENO) == -1)
            _exit(126);
        execvp(argv[0], argv);
        _exit(127);
    }
    return pid;
}

/* Numbers of the first line: those of iprange are ranges and addresses. */
static int bench_numbers(int fd, unsigned long long numbers[2])
{
    char text[64] = "";
    ssize_t n = read(fd, text, sizeof(text) - 1);
    char *rest;

    if (n <= 0)
        return -1;
    numbers[0] = strtoull(text, &rest, 10);
    numbers[1] = strtoull(*rest ? rest + 1 : rest, NULL, 10);
    return 0;
}

static int bench_end(pid_t pid, struct rusage *usage)
{
    int status = 0;

    return wait4(pid, &status, 0, usage) == pid && WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* Runs a program on a list that another process of ours writes. */
static int bench_run(const struct bench_list *list, char *const argv[], struct bench_run *run)
{
    static char self[] = "/proc/self/exe", word[] = "write";
    char name[16];
    char *const writer_argv[] = {self, word, name, NULL};
    int lines[2], answer[2];
    struct rusage usage;
    pid_t writer, reader;
    int r;

    (void)snprintf(name, sizeof(name), "%s", list->name);
    if (pipe2(lines, O_CLOEXEC) || pipe2(answer, O_CLOEXEC))
        return -1;
    (void)fcntl(lines[1], F_SETPIPE_SZ, 1024 * 1024); /* else it is slower, no more */
    writer = bench_spawn(writer_argv, -1, lines[1]);
    reader = bench_spawn(argv, lines[0], answer[1]);
    (void)close(lines[0]);
    (void)close(lines[1]);
    (void)close(answer[1]);
    r = bench_numbers(answer[0], run->numbers);
    (void)close(answer[0]);
    r = bench_end(reader, &usage) || r;
    run->seconds = process_seconds(&usage);
    run->megabytes = (double)usage.ru_maxrss / 1024;
    return bench_end(writer, &usage) || r ? -1 : 0;
}

static void bench_row(const struct bench_list *list, size_t n, const struct bench_run *ours,
                      const struct bench_run *theirs)
{
    double a_range = ours->megabytes * 1024 * 1024 / (double)ours->numbers[1];

    printf("{\"area\":\"blacklist\",\"case\":\"%zu lines, %s: peak memory\",\"ours\":%.1f,\"unit\":\"MiB\","
           "\"peer\":\"iprange\",\"theirs\":%.1f,\"ratio\":%.2f,\"ranges\":%llu}\n",
           n, list->what, ours->megabytes, theirs->megabytes, theirs->megabytes / ours->megabytes, ours->numbers[1]);
    printf("{\"area\":\"blacklist\",\"case\":\"%zu lines, %s: time\",\"ours\":%.2f,\"unit\":\"s of one core\","
           "\"peer\":\"iprange\",\"theirs\":%.2f,\"ratio\":%.2f}\n",
           n, list->what, ours->seconds, theirs->seconds, theirs->seconds / ours->seconds);
    if (ours->numbers[1] == n) /* every line a range: what one takes, start of the process and sorting included */
        printf("{\"area\":\"blacklist\",\"case\":\"the same, bytes a range at the peak\",\"ours\":%.1f,\"unit\":\"B\","
               "\"peer\":\"stated bound\",\"theirs\":%d,\"ratio\":%.2f,\"bar\":1}\n",
               a_range, RANGE_BYTES_MAX, RANGE_BYTES_MAX / a_range);
}

static int bench_all(size_t n)
{
    static char self[] = "/proc/self/exe", ranges[] = "ranges", parse[] = "parse", iprange[] = "iprange",
                count[] = "-C";
    char *const our_argv[] = {self, ranges, NULL}, *const parse_argv[] = {self, parse, NULL};
    char *const their_argv[] = {iprange, count, NULL};
    struct bench_run ours, theirs, parsed;

    for (size_t i = 0; i < sizeof(bench_lists) / sizeof(*bench_lists); i++) {
        const struct bench_list *list = &bench_lists[i];

        if (bench_run(list, our_argv, &ours) || bench_run(list, their_argv, &theirs))
            return 1;
        if (ours.numbers[0] != n || theirs.numbers[1] != n)
            return 1;
        bench_row(list, n, &ours, &theirs);
    }
    if (bench_run(&bench_lists[1], parse_argv, &parsed) || parsed.numbers[0] != n)
        return 1;
    printf("{\"area\":\"blacklist\",\"case\":\"%zu lines kept line by line, as a source's version: peak memory\","
           "\"ours\":%.1f,\"unit\":\"MiB\",\"bytes_a_line\":%.1f}\n",
           n, parsed.megabytes, parsed.megabytes * 1024 * 1024 / (double)n);
    return 0;
}

int main(int argc, char **argv)
{
    size_t n = process_size(LINES, LINES_SMOKE);
    int r;

    if (argc == 2 && !strcmp(argv[1], "ranges"))
        return bench_ranges();
    if (argc == 2 && !strcmp(argv[1], "parse"))
        return bench_parse();
    for (size_t i = 0; argc == 3 && i < sizeof(bench_lists) / sizeof(*bench_lists); i++) {
        if (!strcmp(argv[2], bench_lists[i].name))
            return bench_write(&bench_lists[i], n);
    }
    r = bench_all(n);
    if (r)
        fprintf(stderr, "bench_blacklist_large: iprange is missing, or they do not agree\n");
    return r;
}
