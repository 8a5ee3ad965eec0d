/*
 * The set engine for tests: files of addresses, prefixes and ranges (`lo-hi`), one a line, IPv4 and IPv6 mixed.
 *
 *     tip_test_sets union FILE...   the fewest prefixes of all files, hosts without a length, IPv4 first
 *     tip_test_sets diff OLD NEW    added and removed, as rows
 *     tip_test_sets metrics FILE... volume, exclusive, common, union, listed_in_K of each family, as rows
 *
 * A row: family, metric, file number, other file number, addresses; tabs between, `-` where there is none.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <tip/overlap.h>

enum { RANGES_MAX = 1 << 24, FILES_MAX = 512 };

struct test_list {
    struct tip_ranges4_build build4;
    struct tip_ranges6_build build6;
};

static struct test_list lists[FILES_MAX];
static struct tip_ranges4 sets4[FILES_MAX];
static struct tip_ranges6 sets6[FILES_MAX];

static void test_die(const char *what, const char *which)
{
    fprintf(stderr, "tip_test_sets: %s: %s\n", what, which);
    exit(2);
}

static int test_add(struct test_list *list, const struct tip_addr *lo, const struct tip_addr *hi)
{
    if (lo->family != hi->family)
        return TIP_ADDR_E_FAMILY;
    if (lo->family == 4)
        return tip_ranges4_add(&list->build4, tip_addr_to4(lo), tip_addr_to4(hi));
    return tip_ranges6_add(&list->build6, tip_addr_to6(lo), tip_addr_to6(hi));
}

static int test_line(struct test_list *list, const char *line)
{
    size_t len = strcspn(line, "\n");
    const char *dash = memchr(line, '-', len);
    struct tip_prefix prefix;
    struct tip_addr lo, hi;
    int r;

    if (!dash) {
        r = tip_prefix_parse(&prefix, NULL, line, len);
        if (r)
            return r;
        hi = tip_prefix_last(&prefix);
        return test_add(list, &prefix.addr, &hi);
    }
    r = tip_addr_parse(&lo, line, (size_t)(dash - line));
    r = r ? r : tip_addr_parse(&hi, dash + 1, (size_t)(line + len - dash - 1));
    return r ? r : test_add(list, &lo, &hi);
}

static void test_read(const char *path, size_t i)
{
    tip_auto(tip_file_close) FILE *in = fopen(path, "re");
    char line[256];

    if (!in)
        test_die("cannot be read", path);
    tip_ranges4_build_init(&lists[i].build4, RANGES_MAX);
    tip_ranges6_build_init(&lists[i].build6, RANGES_MAX);
    while (fgets(line, sizeof(line), in)) {
        if (test_line(&lists[i], line))
            test_die("no address, prefix or range", line);
    }
    if (tip_ranges4_build_finish(&lists[i].build4, &sets4[i]) || tip_ranges6_build_finish(&lists[i].build6, &sets6[i]))
        test_die("too many ranges", path);
}

static void test_number(tip_u128 n)
{
    char digits[40];
    size_t at = sizeof(digits);

    digits[--at] = 0;
    do
        digits[--at] = (char)('0' + (int)(n % 10));
    while (n /= 10);
    puts(digits + at);
}

static void test_row(int family, const char *metric, int one, int other, tip_u128 n)
{
    printf("%d\t%s\t", family, metric);
    printf(one < 0 ? "-\t" : "%d\t", one);
    printf(other < 0 ? "-\t" : "%d\t", other);
    test_number(n);
}

static void test_prefix(const struct tip_prefix *prefix)
{
    char text[TIP_PREFIX_TEXT];

    if (prefix->len == tip_addr_bits(&prefix->addr))
        tip_addr_format(&prefix->addr, text);
    else
        tip_prefix_format(prefix, text);
    puts(text);
}

static int test_union(int n)
{
    struct test_list all;
    struct tip_ranges4_cut cut4 = {0};
    struct tip_ranges6_cut cut6 = {0};
    struct tip_prefix prefix;

    tip_ranges4_build_init(&all.build4, RANGES_MAX);
    tip_ranges6_build_init(&all.build6, RANGES_MAX);
    for (int i = 0; i < n; i++) {
        if (tip_ranges4_add_set(&all.build4, &sets4[i]) || tip_ranges6_add_set(&all.build6, &sets6[i]))
            return 2;
    }
    if (tip_ranges4_build_finish(&all.build4, &cut4.set) || tip_ranges6_build_finish(&all.build6, &cut6.set))
        return 2;
    while (tip_ranges4_cut_next(&cut4, &prefix))
        test_prefix(&prefix);
    while (tip_ranges6_cut_next(&cut6, &prefix))
        test_prefix(&prefix);
    tip_ranges4_build_deinit(&all.build4);
    tip_ranges6_build_deinit(&all.build6);
    return 0;
}

static int test_diff(int n)
{
    static const char *const names[] = {"added", "removed"};
    tip_auto(tip_buf_deinit) struct tip_buf out;
    struct tip_ranges4 less4;
    struct tip_ranges6 less6;

    if (n != 2)
        return 2;
    tip_buf_init(&out, SIZE_MAX / 4);
    for (int i = 0; i < 2; i++) {
        if (tip_ranges4_subtract(&out, &sets4[!i], &sets4[i]))
            return 2;
        less4 = tip_ranges4_of(&out);
        test_row(4, names[i], -1, -1, tip_ranges4_count(&less4));
        if (tip_ranges6_subtract(&out, &sets6[!i], &sets6[i]))
            return 2;
        less6 = tip_ranges6_of(&out);
        test_row(6, names[i], -1, -1, tip_ranges6_count(&less6));
    }
    return 0;
}

static int test_metrics(int n)
{
    tip_auto(tip_overlap4_destroy) struct tip_overlap4 *over4 = NULL;
    tip_auto(tip_overlap6_destroy) struct tip_overlap6 *over6 = NULL;

    if (tip_overlap4_open(&over4, sets4, (size_t)n, NULL) || tip_overlap6_open(&over6, sets6, (size_t)n, NULL))
        return 2;
    test_row(4, "union", -1, -1, over4->total);
    test_row(6, "union", -1, -1, over6->total);
    for (int i = 0; i < n; i++) {
        char listed[32];

        (void)snprintf(listed, sizeof(listed), "listed_in_%d", i + 1);
        test_row(4, listed, -1, -1, over4->histogram[i + 1]);
        test_row(6, listed, -1, -1, over6->histogram[i + 1]);
        test_row(4, "volume", i, -1, over4->volume[i]);
        test_row(6, "volume", i, -1, over6->volume[i]);
        test_row(4, "exclusive", i, -1, over4->exclusive[i]);
        test_row(6, "exclusive", i, -1, over6->exclusive[i]);
        for (int j = i + 1; j < n; j++) {
            test_row(4, "common", i, j, tip_overlap4_pair(over4, (size_t)i, (size_t)j));
            test_row(6, "common", i, j, tip_overlap6_pair(over6, (size_t)i, (size_t)j));
        }
    }
    return 0;
}

static const struct {
    const char *name;
    int (*run)(int n);
} commands[] = {{"union", test_union}, {"diff", test_diff}, {"metrics", test_metrics}};

int main(int argc, char **argv)
{
    int n = argc - 2;
    int r = 2;

    if (n < 0 || n > FILES_MAX)
        return 2;
    for (int i = 0; i < n; i++)
        test_read(argv[2 + i], (size_t)i);
    for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++) {
        if (!strcmp(argv[1], commands[i].name))
            r = commands[i].run(n);
    }
    for (int i = 0; i < n; i++) {
        tip_ranges4_build_deinit(&lists[i].build4);
        tip_ranges6_build_deinit(&lists[i].build6);
    }
    return r;
}
