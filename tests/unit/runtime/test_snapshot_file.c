#include "check.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <tip/cleanup.h>

#include "../../../common/runtime/snapshot_file.h"

struct scratch {
    struct snapshot_place place;
    struct snapshot_meta meta;
};

static struct tip_id id_of(uint8_t first)
{
    struct tip_id id;

    for (unsigned i = 0; i < sizeof(id.bytes); i++)
        id.bytes[i] = (uint8_t)(first + i);
    return id;
}

static int scratch_make(void **state)
{
    static struct scratch scratch;

    scratch = (struct scratch){.place = {.dir = "/tmp/tip-snapshot-test-XXXXXX", .stream = "verdict"}};
    scratch.meta = (struct snapshot_meta){
        .tlp = TIP_TLP_GREEN, .id = id_of(0x10), .journal_id = id_of(0x60), .seq = 77, .taken_unix_ms = 1767225600123};
    *state = &scratch;
    return mkdtemp(scratch.place.dir) && sodium_init() != -1 ? 0 : -1;
}

/* The names in the directory, removed if `is_last`; returns how many there were. */
static size_t scratch_list(const struct scratch *scratch, bool is_last)
{
    tip_auto(tip_dir_close) DIR *dir = opendir(scratch->place.dir);
    char path[SNAPSHOT_PATH];
    struct dirent *entry;
    size_t n = 0;

    assert_non_null(dir);
    while ((entry = readdir(dir))) {
        if (entry->d_name[0] == '.')
            continue;
        n++;
        (void)snprintf(path, sizeof(path), "%s/%s", scratch->place.dir, entry->d_name);
        if (is_last)
            (void)unlink(path);
    }
    return n;
}

static int scratch_remove(void **state)
{
    const struct scratch *scratch = *state;

    (void)scratch_list(scratch, true);
    return rmdir(scratch->place.dir);
}

/* n events, the i-th of i % 300 bytes, as a step adds them. */
static void write_events(struct snapshot_writer *writer, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        uint8_t event[4 + 300] = {(uint8_t)(i % 300), (uint8_t)((i % 300) >> 8)};

        memset(event + 4, (int)i, i % 300);
        assert_int_equal(snapshot_writer_put(writer, event, 4 + i % 300), 0);
    }
}

/* Sets *metap to what is on the disk then. */
static void write_snapshot(const struct scratch *scratch, struct snapshot_meta *metap, unsigned n)
{
    struct snapshot_writer writer;

    snapshot_writer_init(&writer, &scratch->place, metap, UINT64_MAX);
    write_events(&writer, n);
    assert_int_equal(snapshot_writer_finish(&writer), 0);
    *metap = writer.meta;
    snapshot_writer_deinit(&writer);
}

struct counted {
    unsigned n;
};

static int count_event(void *ctx, const uint8_t *event, size_t n)
{
    struct counted *counted = ctx;

    assert_int_equal(n, counted->n % 300);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(event[i], (uint8_t)counted->n);
    counted->n++;
    return 0;
}

static struct tip_snapshot_page *page_of(const struct scratch *scratch, const struct snapshot_meta *meta,
                                         uint32_t number)
{
    tip_auto(tip_buf_deinit) struct tip_buf body;
    struct tip_snapshot_page *page = NULL;

    tip_buf_init(&body, TIP_CALL_BYTES_MAX);
    assert_int_equal(snapshot_page_read(&scratch->place, meta, number, &body), 0);
    assert_int_equal(tip_snapshot_page_decode(body.data, body.len, &page), 0);
    return page;
}

static void spool_pages(const struct scratch *scratch, const struct snapshot_meta *meta, struct snapshot_spool *spool)
{
    for (uint32_t i = 0; i == 0 || i < tip_snapshot_pages(meta->size); i++) {
        tip_auto(tip_call_free) struct tip_snapshot_page *page = page_of(scratch, meta, i);

        if (i == 0)
            assert_int_equal(snapshot_spool_init(spool, scratch->place.dir, page), 0);
        assert_int_equal(snapshot_spool_add(spool, page), 0);
    }
}

static void test_there_and_back(void **state)
{
    const struct scratch *scratch = *state;
    struct snapshot_meta meta = scratch->meta;
    struct snapshot_spool spool;
    struct snapshot_cut cut;
    struct counted counted = {0};
    uint8_t bytes[8191];
    ssize_t n;

    write_snapshot(scratch, &meta, 5000);
    assert_true(tip_snapshot_pages(meta.size) > 2);
    spool_pages(scratch, &meta, &spool);
    assert_int_equal(snapshot_spool_check(&spool), 0);
    snapshot_cut_init(&cut);
    assert_int_equal(lseek(spool.fd, 0, SEEK_SET), 0);
    while ((n = read(spool.fd, bytes, sizeof(bytes))) > 0)
        assert_int_equal(snapshot_cut_feed(&cut, bytes, (size_t)n, count_event, &counted), 0);
    assert_int_equal(snapshot_cut_end(&cut), 0);
    assert_int_equal(counted.n, 5000);
    assert_int_equal(cut.n_events, 5000);
    assert_int_equal(scratch_list(scratch, false), 2); /* the spool has no name */
    snapshot_cut_deinit(&cut);
    snapshot_spool_deinit(&spool);
}

static void test_nothing_is_a_snapshot_too(void **state)
{
    const struct scratch *scratch = *state;
    struct snapshot_meta meta = scratch->meta;
    struct snapshot_spool spool;

    write_snapshot(scratch, &meta, 0);
    assert_int_equal(meta.size, 0);
    spool_pages(scratch, &meta, &spool);
    assert_int_equal(snapshot_spool_check(&spool), 0);
    snapshot_spool_deinit(&spool);
}

/* Any byte of the meta file, any length but the right one. */
static void test_damaged_meta_is_refused(void **state)
{
    const struct scratch *scratch = *state;
    uint8_t bytes[SNAPSHOT_META_BYTES + 1] = {0};
    struct snapshot_meta back;

    snapshot_meta_write(&scratch->meta, bytes);
    assert_int_equal(snapshot_meta_read(&back, bytes, SNAPSHOT_META_BYTES), 0);
    assert_memory_equal(&back, &scratch->meta, sizeof(back));
    for (size_t i = 0; i < SNAPSHOT_META_BYTES; i++) {
        bytes[i] ^= 1;
        assert_int_equal(snapshot_meta_read(&back, bytes, SNAPSHOT_META_BYTES), SNAPSHOT_E_DAMAGED);
        bytes[i] ^= 1;
    }
    for (size_t n = 0; n <= sizeof(bytes); n++)
        assert_int_equal(snapshot_meta_read(&back, bytes, n), n == SNAPSHOT_META_BYTES ? 0 : SNAPSHOT_E_DAMAGED);
}

static void flip(const char *path, off_t at)
{
    tip_auto(tip_fd_close) int fd = open(path, O_RDWR | O_CLOEXEC);
    uint8_t byte;

    assert_int_equal(pread(fd, &byte, 1, at), 1);
    byte ^= 0x10;
    assert_int_equal(pwrite(fd, &byte, 1, at), 1);
}

static void test_damaged_events_are_refused(void **state)
{
    const struct scratch *scratch = *state;
    struct snapshot_meta meta = scratch->meta;
    struct snapshot_spool spool;
    char path[SNAPSHOT_PATH];

    write_snapshot(scratch, &meta, 30);
    snapshot_path(&scratch->place, &meta, "snap", path);
    for (off_t i = 0; i < (off_t)meta.size; i++) {
        flip(path, i);
        spool_pages(scratch, &meta, &spool);
        assert_int_equal(snapshot_spool_check(&spool), SNAPSHOT_E_DAMAGED);
        snapshot_spool_deinit(&spool);
        flip(path, i);
    }
}

static void test_shorter_file_has_no_such_page(void **state)
{
    const struct scratch *scratch = *state;
    tip_auto(tip_buf_deinit) struct tip_buf body;
    struct snapshot_meta meta = scratch->meta;
    char path[SNAPSHOT_PATH];

    tip_buf_init(&body, TIP_CALL_BYTES_MAX);
    write_snapshot(scratch, &meta, 30);
    snapshot_path(&scratch->place, &meta, "snap", path);
    assert_int_equal(truncate(path, (off_t)meta.size - 1), 0);
    assert_int_equal(snapshot_page_read(&scratch->place, &meta, 0, &body), -EIO);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(snapshot_page_read(&scratch->place, &meta, 0, &body), -ENOENT);
    assert_int_equal(body.len, 0);
}

static void test_pages_of_another_file_are_refused(void **state)
{
    const struct scratch *scratch = *state;
    struct snapshot_meta meta = scratch->meta;
    struct tip_snapshot_page other;
    struct snapshot_spool spool;

    write_snapshot(scratch, &meta, 5000);
    tip_auto(tip_call_free) struct tip_snapshot_page *first = page_of(scratch, &meta, 0);
    tip_auto(tip_call_free) struct tip_snapshot_page *last = page_of(scratch, &meta, tip_snapshot_pages(meta.size) - 1);

    assert_int_equal(snapshot_spool_init(&spool, scratch->place.dir, first), 0);
    assert_int_equal(snapshot_spool_add(&spool, last), SNAPSHOT_E_DAMAGED); /* not its turn */
    other = *first;
    other.snapshot_id.bytes[0] ^= 1;
    assert_int_equal(snapshot_spool_add(&spool, &other), SNAPSHOT_E_DAMAGED);
    other = *first;
    other.seq++;
    assert_int_equal(snapshot_spool_add(&spool, &other), SNAPSHOT_E_DAMAGED);
    other = *first;
    other.sha256[31] ^= 1;
    assert_int_equal(snapshot_spool_add(&spool, &other), SNAPSHOT_E_DAMAGED);
    assert_int_equal(snapshot_spool_add(&spool, first), 0);
    assert_int_equal(snapshot_spool_add(&spool, first), SNAPSHOT_E_DAMAGED);
    assert_int_equal(snapshot_spool_check(&spool), SNAPSHOT_E_DAMAGED); /* not whole */
    snapshot_spool_deinit(&spool);
}

static int ignore_event(void *ctx, const uint8_t *event, size_t n)
{
    (void)ctx;
    (void)event;
    return n == 3 ? -ECANCELED : 0;
}

static void test_cut_has_bounds(void **state)
{
    static const uint8_t long_event[] = {1, 0, 2, 0}; /* 128 KiB + 1 */
    static const uint8_t two[] = {1, 0, 0, 0, 'a', 0, 0, 0, 0, 2, 0, 0, 0, 'b'};
    static const uint8_t three[] = {3, 0, 0, 0, 'x', 'y', 'z'};
    struct snapshot_cut cut;

    (void)state;
    for (size_t split = 0; split <= sizeof(two); split++) {
        snapshot_cut_init(&cut);
        assert_int_equal(snapshot_cut_feed(&cut, two, split, ignore_event, NULL), 0);
        assert_int_equal(snapshot_cut_feed(&cut, two + split, sizeof(two) - split, ignore_event, NULL), 0);
        assert_int_equal(cut.n_events, 2);
        assert_int_equal(snapshot_cut_end(&cut), SNAPSHOT_E_DAMAGED);
        snapshot_cut_deinit(&cut);
    }
    for (size_t split = 0; split <= sizeof(long_event); split++) {
        int r;

        snapshot_cut_init(&cut);
        r = snapshot_cut_feed(&cut, long_event, split, ignore_event, NULL);
        if (!r)
            r = snapshot_cut_feed(&cut, long_event + split, sizeof(long_event) - split, ignore_event, NULL);
        assert_int_equal(r, SNAPSHOT_E_DAMAGED);
        snapshot_cut_deinit(&cut);
    }
    snapshot_cut_init(&cut);
    assert_int_equal(snapshot_cut_feed(&cut, three, sizeof(three), ignore_event, NULL), -ECANCELED);
    snapshot_cut_deinit(&cut);
}

static void test_writer_that_fails_leaves_nothing(void **state)
{
    const struct scratch *scratch = *state;
    struct snapshot_writer writer;
    struct rlimit before, none = {.rlim_cur = 100};
    static const uint8_t bytes[200] = {0};

    snapshot_writer_init(&writer, &scratch->place, &scratch->meta, 199);
    assert_int_equal(snapshot_writer_put(&writer, bytes, 150), 0);
    assert_int_equal(snapshot_writer_put(&writer, bytes, 50), -EFBIG);
    snapshot_writer_deinit(&writer);
    assert_int_equal(scratch_list(scratch, false), 0);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    none.rlim_max = before.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &none), 0); /* a short write, then an error, as on a full disk */
    snapshot_writer_init(&writer, &scratch->place, &scratch->meta, UINT64_MAX);
    assert_int_equal(snapshot_writer_put(&writer, bytes, 200), -EFBIG);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    snapshot_writer_deinit(&writer);
    assert_int_equal(scratch_list(scratch, false), 0);
}

/* ---- the shelf ---- */

static void write_at(const struct scratch *scratch, uint8_t id, enum tip_tlp tlp, int64_t taken_unix_ms)
{
    struct snapshot_meta meta = scratch->meta;

    meta.id = id_of(id);
    meta.tlp = tlp;
    meta.taken_unix_ms = taken_unix_ms;
    write_snapshot(scratch, &meta, 10);
}

static void touch(const struct scratch *scratch, const char *name)
{
    char path[SNAPSHOT_PATH];

    (void)snprintf(path, sizeof(path), "%s/%s", scratch->place.dir, name);
    tip_auto(tip_fd_close) int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
}

static void test_start_keeps_the_last_two_of_a_view(void **state)
{
    const struct scratch *scratch = *state;
    struct snapshot_shelf shelves[TIP_TLP_COUNT];

    write_at(scratch, 0x20, TIP_TLP_GREEN, 3000);
    write_at(scratch, 0x30, TIP_TLP_GREEN, 1000);
    write_at(scratch, 0x40, TIP_TLP_GREEN, 2000);
    write_at(scratch, 0x50, TIP_TLP_AMBER, 500);
    assert_int_equal(snapshot_shelves_load(shelves, &scratch->place), 0);
    assert_int_equal(shelves[TIP_TLP_CLEAR].n, 0);
    assert_int_equal(shelves[TIP_TLP_GREEN].n, 2);
    assert_int_equal(shelves[TIP_TLP_GREEN].items[0].id.bytes[0], 0x20);
    assert_int_equal(shelves[TIP_TLP_GREEN].items[1].id.bytes[0], 0x40);
    assert_int_equal(shelves[TIP_TLP_AMBER].n, 1);
    assert_int_equal(scratch_list(scratch, false), 6);
}

static void test_start_removes_what_is_not_whole(void **state)
{
    const struct scratch *scratch = *state;
    struct snapshot_shelf shelves[TIP_TLP_COUNT];
    struct snapshot_meta meta = scratch->meta;
    char path[SNAPSHOT_PATH];

    write_at(scratch, 0x20, TIP_TLP_GREEN, 3000);
    write_at(scratch, 0x30, TIP_TLP_GREEN, 2000); /* its events will be cut short */
    write_at(scratch, 0x40, TIP_TLP_GREEN, 1000); /* its meta file will be damaged */
    meta.id = id_of(0x30);
    snapshot_path(&scratch->place, &meta, "snap", path);
    assert_int_equal(truncate(path, 20), 0);
    meta.id = id_of(0x40);
    snapshot_path(&scratch->place, &meta, "meta", path);
    flip(path, 50);
    touch(scratch, "verdict.green.00.snap.new");
    touch(scratch, "verdict.green.00.meta.new");
    touch(scratch, "verdict.green.11.snap");
    touch(scratch, "verdicts.green.11.snap"); /* another stream's */
    assert_int_equal(snapshot_shelves_load(shelves, &scratch->place), 0);
    assert_int_equal(shelves[TIP_TLP_GREEN].n, 1);
    assert_int_equal(shelves[TIP_TLP_GREEN].items[0].id.bytes[0], 0x20);
    assert_int_equal(scratch_list(scratch, false), 3);
}

static void test_the_third_pushes_the_first_out(void **state)
{
    const struct scratch *scratch = *state;
    struct snapshot_shelf shelf = {0};
    struct snapshot_meta meta = scratch->meta, gone;

    assert_false(snapshot_shelf_add(&shelf, &meta, &gone));
    meta.id = id_of(0x20);
    assert_false(snapshot_shelf_add(&shelf, &meta, &gone));
    meta.id = id_of(0x30);
    assert_true(snapshot_shelf_add(&shelf, &meta, &gone));
    assert_true(tip_id_equal(&gone.id, &scratch->meta.id));
    assert_null(snapshot_shelf_find(&shelf, &scratch->meta.id));
    assert_ptr_equal(snapshot_shelf_find(&shelf, &meta.id), &shelf.items[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_there_and_back, scratch_make, scratch_remove),
        cmocka_unit_test_setup_teardown(test_nothing_is_a_snapshot_too, scratch_make, scratch_remove),
        cmocka_unit_test_setup_teardown(test_damaged_meta_is_refused, scratch_make, scratch_remove),
        cmocka_unit_test_setup_teardown(test_damaged_events_are_refused, scratch_make, scratch_remove),
        cmocka_unit_test_setup_teardown(test_shorter_file_has_no_such_page, scratch_make, scratch_remove),
        cmocka_unit_test_setup_teardown(test_pages_of_another_file_are_refused, scratch_make, scratch_remove),
        cmocka_unit_test(test_cut_has_bounds),
        cmocka_unit_test_setup_teardown(test_writer_that_fails_leaves_nothing, scratch_make, scratch_remove),
        cmocka_unit_test_setup_teardown(test_start_keeps_the_last_two_of_a_view, scratch_make, scratch_remove),
        cmocka_unit_test_setup_teardown(test_start_removes_what_is_not_whole, scratch_make, scratch_remove),
        cmocka_unit_test_setup_teardown(test_the_third_pushes_the_first_out, scratch_make, scratch_remove),
    };

    (void)signal(SIGXFSZ, SIG_IGN);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
