/* What is left mapped for the next plan is never another file than the one that stands there, nor a damaged one. */
#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <tip/clock.h>

#include "io/shelf.h"

enum { SETTLED_MS = 2000, PATH = 256, SEEN_BYTES = BL_SEEN_HEADER + sizeof(struct bl_seen_ip4) };

static int64_t clock_now_ms, clock_wall_ms;

static int64_t now_ms(void)
{
    return clock_now_ms;
}

static int64_t wall_ms(void)
{
    return clock_wall_ms;
}

struct fix {
    char dir[40];
    struct bl_shelf *shelf;
};

static void fix_path(const struct fix *fix, char path[static PATH], const char *file)
{
    (void)snprintf(path, PATH, "%s/%s", fix->dir, file);
}

static struct stat fix_stat(const struct fix *fix, const char *file)
{
    struct stat status;
    char path[PATH];

    fix_path(fix, path, file);
    assert_int_equal(stat(path, &status), 0);
    return status;
}

/* Version 1 of a source that lists one address; long ago, as far as the shelf knows. */
static void fix_keep(const struct fix *fix, const char *name, uint32_t addr)
{
    const struct bl_ip4 host = {.addr = addr};
    const struct bl_seen_update update = {.now = {.ip4 = &host, .n_ip4 = 1}, .version = 1, .now_s = 1000};
    struct stat status;
    char file[64];

    assert_int_equal(bl_files_keep_seen(fix->dir, name, &update), 0);
    (void)snprintf(file, sizeof(file), "%s-1.seen", name);
    status = fix_stat(fix, file);
    assert_int_equal(status.st_size, SEEN_BYTES);
    clock_wall_ms = status.st_ctim.tv_sec * TIP_SECOND_MS + status.st_ctim.tv_nsec / 1000000 + SETTLED_MS;
}

static int fix_open(void **state)
{
    struct fix *fix = calloc(1, sizeof(*fix));

    assert_non_null(fix);
    strcpy(fix->dir, "/tmp/test_bl_shelf.XXXXXX");
    assert_non_null(mkdtemp(fix->dir));
    clock_now_ms = 1;
    fix->shelf =
        bl_shelf_new(&(struct bl_shelf_options){.bytes_max = 2 * SEEN_BYTES, .now_ms = now_ms, .wall_ms = wall_ms});
    fix_keep(fix, "a", 1);
    *state = fix;
    return 0;
}

static bool sweep_nothing(void *ctx, const char *name, uint64_t version)
{
    (void)ctx;
    (void)name;
    (void)version;
    return false;
}

static int fix_close(void **state)
{
    struct fix *fix = *state;

    bl_shelf_destroy(&fix->shelf);
    bl_files_sweep(fix->dir, sweep_nothing, NULL);
    (void)rmdir(fix->dir);
    free(fix);
    return 0;
}

/* The address that a source lists by the file there, or a negative errno. */
static int64_t fix_ask(const struct fix *fix, const char *name)
{
    struct bl_seen_map map;
    int64_t addr;
    int r = bl_shelf_open(fix->shelf, &map, fix->dir, name, 1);

    if (r) {
        assert_null(map.file);
        return r;
    }
    assert_int_equal(map.seen.n_ip4, 1);
    addr = map.seen.ip4[0].addr;
    bl_seen_map_close(&map);
    return addr;
}

static void check_stats(const struct fix *fix, uint64_t n_checked, uint64_t n_taken, uint64_t n_files)
{
    struct bl_shelf_stats stats = bl_shelf_stats(fix->shelf);

    assert_int_equal(stats.n_checked, n_checked);
    assert_int_equal(stats.n_taken, n_taken);
    assert_int_equal(stats.bytes, n_files * SEEN_BYTES);
}

static void test_shelf_checks_a_file_once(void **state)
{
    struct fix *fix = *state;

    for (int i = 0; i < 10; i++)
        assert_int_equal(fix_ask(fix, "a"), 1);
    check_stats(fix, 1, 9, 1);
}

/* The clock of files ticks slowly: what has just been written may be written again without another time. */
static void test_shelf_does_not_trust_what_was_just_written(void **state)
{
    struct fix *fix = *state;

    clock_wall_ms--;
    for (int i = 0; i < 3; i++)
        assert_int_equal(fix_ask(fix, "a"), 1);
    check_stats(fix, 3, 0, 0);
    clock_wall_ms -= 10 * TIP_DAY_MS; /* somebody has set the clock back */
    assert_int_equal(fix_ask(fix, "a"), 1);
    check_stats(fix, 4, 0, 0);
}

/* Its name, its version, its size and its time stay: the file is another one. */
static void test_shelf_never_gives_what_was_replaced(void **state)
{
    struct fix *fix = *state;
    struct stat before = fix_stat(fix, "a-1.seen");
    char path[PATH];

    assert_int_equal(fix_ask(fix, "a"), 1);
    fix_keep(fix, "a", 2);
    fix_path(fix, path, "a-1.seen");
    assert_int_equal(utimensat(AT_FDCWD, path, (const struct timespec[]){before.st_atim, before.st_mtim}, 0), 0);
    clock_wall_ms += TIP_HOUR_MS; /* that has changed it, too */
    assert_int_equal(fix_ask(fix, "a"), 2);
    assert_int_equal(fix_ask(fix, "a"), 2);
    check_stats(fix, 2, 1, 1);
}

static void test_shelf_has_one_version_of_each(void **state)
{
    const struct bl_ip4 host = {.addr = 9};
    const struct bl_seen_update update = {.now = {.ip4 = &host, .n_ip4 = 1}, .version = 2, .now_s = 1000};
    struct fix *fix = *state;
    struct bl_seen_map map;

    assert_int_equal(fix_ask(fix, "a"), 1);
    assert_int_equal(bl_files_keep_seen(fix->dir, "a", &update), 0);
    clock_wall_ms += TIP_HOUR_MS;
    assert_int_equal(bl_shelf_open(fix->shelf, &map, fix->dir, "a", 2), 0);
    assert_int_equal(map.seen.ip4[0].addr, 9);
    bl_seen_map_close(&map);
    check_stats(fix, 2, 0, 1);
    assert_int_equal(fix_ask(fix, "a"), 1);
    check_stats(fix, 3, 0, 1);
}

static void fix_damage(const struct fix *fix, const char *file)
{
    struct stat before = fix_stat(fix, file), after;
    char path[PATH];
    int fd;

    fix_path(fix, path, file);
    fd = open(path, O_WRONLY | O_CLOEXEC);
    assert_int_not_equal(fd, -1);
    do { /* until the clock of files has ticked */
        assert_int_equal(pwrite(fd, "\xff", 1, SEEN_BYTES - 1), 1);
        after = fix_stat(fix, file);
    } while (after.st_ctim.tv_sec == before.st_ctim.tv_sec && after.st_ctim.tv_nsec == before.st_ctim.tv_nsec);
    assert_int_equal(close(fd), 0);
}

static void test_shelf_never_gives_what_was_damaged(void **state)
{
    struct fix *fix = *state;

    assert_int_equal(fix_ask(fix, "a"), 1);
    fix_damage(fix, "a-1.seen");
    assert_int_equal(fix_ask(fix, "a"), -EBADMSG);
    assert_int_equal(fix_ask(fix, "a"), -EBADMSG);
    check_stats(fix, 3, 0, 0);
    fix_keep(fix, "a", 3);
    assert_int_equal(fix_ask(fix, "a"), 3);
}

static void test_shelf_never_gives_what_was_cut(void **state)
{
    struct fix *fix = *state;
    char path[PATH];

    fix_path(fix, path, "a-1.seen");
    for (off_t size = SEEN_BYTES - 1; size >= 0; size -= SEEN_BYTES - 1) {
        assert_int_equal(fix_ask(fix, "a"), 1);
        assert_int_equal(truncate(path, size), 0);
        assert_int_equal(fix_ask(fix, "a"), -EBADMSG);
        fix_keep(fix, "a", 1);
    }
}

static void test_shelf_never_gives_what_is_gone(void **state)
{
    struct fix *fix = *state;
    char path[PATH], away[PATH];

    assert_int_equal(fix_ask(fix, "a"), 1);
    fix_path(fix, path, "a-1.seen");
    assert_int_equal(unlink(path), 0);
    assert_int_equal(fix_ask(fix, "a"), -ENOENT);
    check_stats(fix, 2, 0, 0);
    fix_keep(fix, "a", 2);
    assert_int_equal(fix_ask(fix, "a"), 2);
    (void)snprintf(away, sizeof(away), "%s.away", fix->dir); /* the volume */
    assert_int_equal(rename(fix->dir, away), 0);
    assert_int_equal(fix_ask(fix, "a"), -ENOENT);
    assert_int_equal(mkdir(fix->dir, 0700), 0); /* another one in its place */
    assert_int_equal(fix_ask(fix, "a"), -ENOENT);
    fix_keep(fix, "a", 4);
    assert_int_equal(fix_ask(fix, "a"), 4);
    bl_files_sweep(away, sweep_nothing, NULL);
    assert_int_equal(rmdir(away), 0);
}

/* What the file system does not tell of is found in the end. */
static void test_shelf_checks_again_after_an_hour(void **state)
{
    struct fix *fix = *state;

    assert_int_equal(fix_ask(fix, "a"), 1);
    clock_now_ms += TIP_HOUR_MS - 1;
    assert_int_equal(fix_ask(fix, "a"), 1);
    check_stats(fix, 1, 1, 1);
    clock_now_ms++;
    assert_int_equal(fix_ask(fix, "a"), 1);
    check_stats(fix, 2, 1, 1);
}

/* Three where two have room, asked for in turn: the two that came first stay, until nobody asks for one any more. */
static void test_shelf_is_bounded(void **state)
{
    struct fix *fix = *state;

    fix_keep(fix, "b", 2);
    fix_keep(fix, "c", 3);
    for (uint64_t round = 0; round < 5; round++) {
        assert_int_equal(fix_ask(fix, "a"), 1);
        assert_int_equal(fix_ask(fix, "b"), 2);
        assert_int_equal(fix_ask(fix, "c"), 3);
        check_stats(fix, 3 + round, 2 * round, 2);
    }
    clock_now_ms += TIP_HOUR_MS;
    bl_shelf_sweep(fix->shelf);
    assert_int_equal(fix_ask(fix, "c"), 3);
    check_stats(fix, 8, 8, 1);
    assert_int_equal(fix_ask(fix, "c"), 3);
    check_stats(fix, 8, 9, 1);
    bl_shelf_bound(fix->shelf, SEEN_BYTES);
    check_stats(fix, 8, 9, 1);
    bl_shelf_bound(fix->shelf, SEEN_BYTES - 1);
    check_stats(fix, 8, 9, 0);
    assert_int_equal(fix_ask(fix, "c"), 3);
    check_stats(fix, 9, 9, 0);
}

/* Its source is gone, and no other is looked at either: the file's disk is given back. */
static void test_shelf_lets_go_what_nobody_asks_for(void **state)
{
    struct fix *fix = *state;
    char path[PATH];

    fix_keep(fix, "b", 2);
    assert_int_equal(fix_ask(fix, "a"), 1);
    assert_int_equal(fix_ask(fix, "b"), 2);
    fix_path(fix, path, "a-1.seen");
    assert_int_equal(unlink(path), 0);
    clock_now_ms += TIP_HOUR_MS - 1;
    bl_shelf_sweep(fix->shelf);
    assert_int_equal(fix_ask(fix, "b"), 2);
    check_stats(fix, 2, 1, 2);
    clock_now_ms++;
    bl_shelf_sweep(fix->shelf);
    check_stats(fix, 2, 1, 1);
    assert_int_equal(fix_ask(fix, "a"), -ENOENT);
}

static void test_shelf_what_is_held_outlives_it(void **state)
{
    struct fix *fix = *state;
    struct bl_seen_map old, new;

    assert_int_equal(bl_shelf_open(fix->shelf, &old, fix->dir, "a", 1), 0);
    fix_keep(fix, "a", 2);
    assert_int_equal(bl_shelf_open(fix->shelf, &new, fix->dir, "a", 1), 0);
    bl_shelf_destroy(&fix->shelf);
    assert_int_equal(old.seen.ip4[0].addr, 1);
    assert_int_equal(new.seen.ip4[0].addr, 2);
    bl_seen_map_close(&old);
    bl_seen_map_close(&new);
    bl_seen_map_close(&new);
}

static void test_shelf_is_not_needed(void **state)
{
    struct fix *fix = *state;

    bl_shelf_destroy(&fix->shelf);
    assert_int_equal(fix_ask(fix, "a"), 1);
    assert_int_equal(fix_ask(fix, "b"), -ENOENT);
}

/* Of many threads, while a file is replaced again and again: each gets one that was there. */
static void *asker(void *ctx)
{
    const struct fix *fix = ctx;
    bool is_bad = false;

    for (int i = 0; i < 300; i++) {
        struct bl_seen_map map;

        if (bl_shelf_open(fix->shelf, &map, fix->dir, i % 2 ? "a" : "b", 1))
            return ctx;
        is_bad |= map.seen.n_ip4 != 1 || (i % 2 ? map.seen.ip4[0].addr != 1 : map.seen.ip4[0].addr - 2 >= 50);
        bl_seen_map_close(&map);
    }
    return is_bad ? ctx : NULL;
}

static void test_shelf_is_for_any_thread(void **state)
{
    struct fix *fix = *state;
    pthread_t askers[3];
    void *failed = NULL;

    fix_keep(fix, "b", 2);
    clock_wall_ms += TIP_HOUR_MS; /* and stays */
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(pthread_create(&askers[i], NULL, asker, fix), 0);
    for (uint32_t i = 0; i < 50; i++) {
        const struct bl_ip4 host = {.addr = 2 + i};
        const struct bl_seen_update update = {.now = {.ip4 = &host, .n_ip4 = 1}, .version = 1, .now_s = 1000};

        assert_int_equal(bl_files_keep_seen(fix->dir, "b", &update), 0);
    }
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(pthread_join(askers[i], &failed), 0);
        assert_null(failed);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_shelf_checks_a_file_once, fix_open, fix_close),
        cmocka_unit_test_setup_teardown(test_shelf_does_not_trust_what_was_just_written, fix_open, fix_close),
        cmocka_unit_test_setup_teardown(test_shelf_never_gives_what_was_replaced, fix_open, fix_close),
        cmocka_unit_test_setup_teardown(test_shelf_has_one_version_of_each, fix_open, fix_close),
        cmocka_unit_test_setup_teardown(test_shelf_never_gives_what_was_damaged, fix_open, fix_close),
        cmocka_unit_test_setup_teardown(test_shelf_never_gives_what_was_cut, fix_open, fix_close),
        cmocka_unit_test_setup_teardown(test_shelf_never_gives_what_is_gone, fix_open, fix_close),
        cmocka_unit_test_setup_teardown(test_shelf_checks_again_after_an_hour, fix_open, fix_close),
        cmocka_unit_test_setup_teardown(test_shelf_is_bounded, fix_open, fix_close),
        cmocka_unit_test_setup_teardown(test_shelf_lets_go_what_nobody_asks_for, fix_open, fix_close),
        cmocka_unit_test_setup_teardown(test_shelf_what_is_held_outlives_it, fix_open, fix_close),
        cmocka_unit_test_setup_teardown(test_shelf_is_not_needed, fix_open, fix_close),
        cmocka_unit_test_setup_teardown(test_shelf_is_for_any_thread, fix_open, fix_close),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
