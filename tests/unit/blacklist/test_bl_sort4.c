/* Hosts by address: short lists, long ones, and such as a sort by digits does not like. */
#include "check.h"

#include <stdlib.h>

#include <tip/alloc.h>
#include <tip/cleanup.h>

#include "core/build.h"
#include "core/sort4.h"
#include "random.h"

static uint32_t addr_any(uint64_t *random, size_t i)
{
    (void)i;
    return (uint32_t)test_random(random);
}

static uint32_t addr_of_one_net(uint64_t *random, size_t i)
{
    (void)i;
    return 0x0a0b0000 + (uint32_t)(test_random(random) & 0xffff);
}

static uint32_t addr_of_two(uint64_t *random, size_t i)
{
    (void)i;
    return test_random(random) & 1 ? UINT32_MAX : 0;
}

static uint32_t addr_same(uint64_t *random, size_t i)
{
    (void)random;
    (void)i;
    return 0xc0000201;
}

static uint32_t addr_by_highest_byte(uint64_t *random, size_t i)
{
    (void)i;
    return (uint32_t)(test_random(random) & 0xff) << 24 | 7;
}

static uint32_t addr_down(uint64_t *random, size_t i)
{
    (void)random;
    return UINT32_MAX - (uint32_t)i;
}

static uint32_t (*const addrs[])(uint64_t *random, size_t i) = {addr_any,  addr_of_one_net,      addr_of_two,
                                                                addr_same, addr_by_highest_byte, addr_down};

enum { ROOM = 1000 };

static const size_t counts[] = {0, 1, 2, 100, ROOM, ROOM + 1, 300 * ROOM + 5};

/* Each is still there, once, with what belongs to it: its line says where it stood. */
static void check_sorted(const struct bl_ip4 *sorted, const struct bl_ip4 *items, size_t n)
{
    tip_auto(tip_free) bool *seen = tip_new_array(n + 1, bool);

    for (size_t i = 0; i < n; i++) {
        assert_true(!i || sorted[i - 1].addr <= sorted[i].addr);
        assert_true(sorted[i].line < n && !seen[sorted[i].line]);
        seen[sorted[i].line] = true;
        assert_memory_equal(&sorted[i], &items[sorted[i].line], sizeof(*sorted));
    }
}

static void test_sort4_sorts(void **state)
{
    uint64_t random = test_seed();

    (void)state;
    for (size_t kind = 0; kind < sizeof(addrs) / sizeof(*addrs); kind++) {
        for (size_t i = 0; i < sizeof(counts) / sizeof(*counts); i++) {
            size_t n = counts[i];
            tip_auto(tip_free) struct bl_ip4 *items = tip_new_array(n + 1, struct bl_ip4);
            tip_auto(tip_free) struct bl_ip4 *sorted = tip_new_array(n + 1, struct bl_ip4);

            for (size_t k = 0; k < n; k++)
                sorted[k] = items[k] = (struct bl_ip4){.addr = addrs[kind](&random, k),
                                                       .line = (uint32_t)k,
                                                       .at = (uint32_t)test_random(&random),
                                                       .flags = (uint32_t)test_random(&random)};
            assert_int_equal(bl_sort4(sorted, n, ROOM), 0);
            check_sorted(sorted, items, n);
        }
    }
}

/* A long list in which everything stands twice or more, far apart. */
static void test_sort4_the_first_line_wins(void **state)
{
    enum { N = BL_BUILD_BESIDE + BL_BUILD_BESIDE / 4, ADDRS = N / 3 };
    tip_auto(tip_free) uint32_t *lines = tip_new_array(ADDRS, uint32_t); /* where each stood first, and all its flags */
    tip_auto(tip_free) uint32_t *flags = tip_new_array(ADDRS, uint32_t);
    uint64_t random = test_seed();
    struct bl_build build;
    struct bl_set set;
    size_t n = 0;

    (void)state;
    bl_build_init(&build, N);
    for (uint32_t line = 1; line <= N; line++) {
        uint32_t addr = (uint32_t)(test_random(&random) % ADDRS), flag = 1u << test_random(&random) % 5;
        struct bl_ip4 *room = bl_build_room4(&build);

        assert_non_null(room);
        *room = (struct bl_ip4){.addr = addr * 3001, .line = line, .flags = flag};
        bl_build_push4(&build, room->addr);
        n += !lines[addr];
        lines[addr] = lines[addr] ? lines[addr] : line;
        flags[addr] |= flag;
    }
    assert_int_equal(bl_build_finish(&build), 0);
    set = bl_build_set(&build);
    assert_int_equal(set.n_ip4, n);
    for (size_t i = 0; i < n; i++) {
        uint32_t addr = set.ip4[i].addr / 3001;

        assert_true(set.ip4[i].line == lines[addr] && set.ip4[i].flags == flags[addr]);
        assert_true(!i || set.ip4[i - 1].addr < set.ip4[i].addr);
    }
    bl_build_deinit(&build);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_sort4_sorts),
                                       cmocka_unit_test(test_sort4_the_first_line_wins)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
