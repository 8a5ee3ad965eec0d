/* The bound that README.md states: 1,000,000 IPv4 lines within 40 MiB, mapped files not counted, held by the kernel. */
#include "check.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include <tip/cleanup.h>

#include "core/diff.h"
#include "core/parse.h"
#include "core/setfile.h"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define MEMORY_IS_OURS 0
#else
#define MEMORY_IS_OURS 1
#endif

enum { LINES = 1000 * 1000, BOUND = 40 << 20 };

/* From here on private memory may grow by so much and no more. */
static void bound_memory(rlim_t bytes)
{
    tip_auto(tip_file_close) FILE *status = fopen("/proc/self/status", "re");
    unsigned long long used_kib = 0;
    char line[256];

    while (status && fgets(line, sizeof(line), status)) {
        if (sscanf(line, "VmData: %llu", &used_kib) == 1)
            break;
    }
    assert_true(used_kib > 0);
    assert_int_equal(setrlimit(RLIMIT_DATA, &(struct rlimit){used_kib * 1024 + bytes, RLIM_INFINITY}), 0);
}

/* LINES addresses in no order: multiples of an odd number, from an offset that keeps two lists apart. */
static struct bl_parse *parse_many(uint32_t offset)
{
    static char chunk[64 * 1024];
    struct bl_format format;
    struct bl_parse *parse;
    size_t used = 0;
    int r = 0;

    bl_format_init(&format, BL_KIND_LINES, BL_TYPE_IP4);
    parse = bl_parse_new(&format);
    for (uint32_t i = 0; !r && i < LINES; i++) {
        used += bl_ip4_format((i * 2 + offset) * 2654435761u, chunk + used);
        chunk[used++] = '\n';
        if (used > sizeof(chunk) - 16 || i == LINES - 1) {
            r = bl_parse_feed(parse, chunk, used);
            used = 0;
        }
    }
    assert_int_equal(r ? r : bl_parse_end(parse), 0);
    assert_int_equal(bl_parse_set(parse).n_ip4, LINES);
    return parse;
}

static int put(void *ctx, const void *bytes, size_t n)
{
    return fwrite(bytes, 1, n, ctx) == n ? 0 : -EIO;
}

static void keep(const struct bl_parse *parse, FILE *out)
{
    struct bl_setfile file = {.version = 1, .set = bl_parse_set(parse)};
    unsigned char head[BL_SETFILE_HEADER];

    assert_int_equal(bl_setfile_write(&file, put, out, head), 0);
    rewind(out);
    assert_int_equal(put(out, head, sizeof(head)), 0);
    assert_int_equal(fflush(out), 0);
}

static void test_memory_of_a_million_lines(void **state)
{
    tip_auto(tip_file_close) FILE *out = tmpfile();
    struct bl_parse *parse;
    struct bl_setfile old;
    struct bl_set set;
    struct bl_diff diff;
    const void *mapped;
    size_t n = BL_SETFILE_HEADER + LINES * sizeof(struct bl_ip4);

    (void)state;
    if (MEMORY_IS_OURS)
        bound_memory(BOUND);
    parse = parse_many(0);
    keep(parse, out);
    bl_parse_destroy(&parse);
    mapped = mmap(NULL, n, PROT_READ, MAP_SHARED, fileno(out), 0);
    assert_true(mapped != MAP_FAILED);
    assert_int_equal(bl_setfile_read(&old, mapped, n), 0);
    parse = parse_many(1);
    set = bl_parse_set(parse);
    bl_diff_init(&diff);
    assert_int_equal(bl_diff_run(&diff, &old.set, &set), 0);
    assert_int_equal(bl_diff_count(&diff.added), LINES);
    assert_int_equal(bl_diff_count(&diff.removed), LINES);
    bl_diff_deinit(&diff);
    bl_parse_destroy(&parse);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_memory_of_a_million_lines)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
