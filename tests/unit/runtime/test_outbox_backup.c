/* An outbox copied while its owner writes, and used again where the copy was put back. */
#include "check.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <lmdb.h>

#include <tip/cleanup.h>
#include <tip/outbox.h>
#include <tip/outbox_backup.h>

#include "../../../common/runtime/outbox_bus.h"

enum {
    EPOCH = 1767225600,
    LATER = EPOCH + 1000,
    COPIES = 5,
    BATCH = 50,
    PAGES = 1500,
    PAGE = 3000,
    TURN_BYTES = 1 << 20
};

struct place {
    char dir[64], live[80], back[80], file[96];
};

static int place_make(void **state)
{
    static struct place place;

    (void)snprintf(place.dir, sizeof(place.dir), "/tmp/tip-outbox-XXXXXX");
    if (!mkdtemp(place.dir))
        return -1;
    (void)snprintf(place.live, sizeof(place.live), "%s/live", place.dir);
    (void)snprintf(place.back, sizeof(place.back), "%s/back", place.dir);
    (void)snprintf(place.file, sizeof(place.file), "%s/data.mdb", place.back);
    *state = &place;
    return mkdir(place.back, 0700);
}

static int place_remove(void **state)
{
    static const char *const names[] = {"data.mdb", "lock.mdb", "lock"};
    const struct place *place = *state;
    const char *const dirs[] = {place->live, place->back};
    char path[128];

    for (size_t d = 0; d < 2; d++) {
        for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
            (void)snprintf(path, sizeof(path), "%s/%s", dirs[d], names[i]);
            (void)unlink(path);
        }
        (void)rmdir(dirs[d]);
    }
    return rmdir(place->dir);
}

static struct tip_outbox *outbox_at(const char *dir)
{
    const struct tip_outbox_config config = {.dir = dir, .map_bytes = 256 << 20, .wall_unix_us = EPOCH};
    struct tip_outbox *outbox = NULL;

    assert_int_equal(tip_outbox_open(&outbox, &config), 0);
    return outbox;
}

/* A batch of alarms, and in the same transaction how many there are. */
static void publish(struct tip_outbox *outbox, unsigned n)
{
    struct tip_event event = {.id = {{1}}, .kind = TIP_EVENT_SYSTEM_ALARM, .observed_unix_ms = 1};
    const struct tip_id journal = {{7}};
    struct tip_outbox_txn *txn;
    uint64_t last = 0;

    event.system_alarm = (struct tip_system_alarm){.service = "test", .name = "x", .detail = "some words of it"};
    assert_int_equal(tip_outbox_begin(outbox, &txn), 0);
    for (unsigned i = 0; i < n; i++)
        assert_int_equal(tip_outbox_publish(txn, "v1.system.alarm.test.", TIP_TLP_AMBER, &event, &last), 0);
    assert_int_equal(tip_outbox_put(txn, "state", "last", 4, &last, sizeof(last)), 0);
    assert_int_equal(tip_outbox_input_put(txn, "due", &journal, last + 1), 0);
    assert_int_equal(tip_outbox_commit(&txn), 0);
}

static int copy_to(const struct place *place)
{
    tip_auto(tip_fd_close) int fd = open(place->file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

    assert_true(fd != -1);
    return tip_outbox_copy(place->live, fd);
}

static _Atomic uint64_t *n_written; /* shared with the writer: its turns */

/* Lets the writer have a turn after every MiB, of which LMDB keeps two in buffers. */
static void take_slowly(const struct place *place, int in)
{
    int fd = open(place->file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    char bytes[65536];
    uint64_t before, taken = 0;
    ssize_t n;

    while ((n = read(in, bytes, sizeof(bytes))) > 0) {
        before = *n_written;
        if (write(fd, bytes, (size_t)n) != n)
            _exit(1);
        taken += (uint64_t)n;
        while (taken >= TURN_BYTES && *n_written == before)
            sched_yield();
        taken %= TURN_BYTES;
    }
    _exit(n != 0);
}

static int copy_slowly(const struct place *place)
{
    int ends[2], status, r;
    pid_t pid;

    assert_int_equal(pipe(ends), 0);
    pid = fork();
    if (pid == 0) {
        (void)close(ends[1]);
        take_slowly(place, ends[0]);
    }
    (void)close(ends[0]);
    r = tip_outbox_copy(place->live, ends[1]);
    (void)close(ends[1]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
    return r;
}

/* Much that changes with each transaction, so that its pages are used again soon. */
static void rewrite(struct tip_outbox *outbox, uint64_t number)
{
    uint64_t page[PAGE / sizeof(uint64_t)];
    struct tip_outbox_txn *txn;

    for (size_t i = 0; i < sizeof(page) / sizeof(page[0]); i++)
        page[i] = number;
    assert_int_equal(tip_outbox_begin(outbox, &txn), 0);
    for (unsigned i = 0; i < PAGES; i++)
        assert_int_equal(tip_outbox_put(txn, "page", &i, sizeof(i), page, sizeof(page)), 0);
    assert_int_equal(tip_outbox_commit(&txn), 0);
}

struct pages {
    uint64_t number;
    unsigned n;
};

static int same_number(void *ctx, const void *key, size_t key_len, const void *value, size_t n)
{
    struct pages *pages = ctx;
    uint64_t number;

    assert_true(key && key_len == sizeof(unsigned) && n == PAGE);
    for (size_t at = 0; at < n; at += sizeof(number)) {
        memcpy(&number, (const char *)value + at, sizeof(number));
        if (pages->n == 0 && at == 0)
            pages->number = number;
        assert_int_equal(number, pages->number);
    }
    pages->n++;
    return 0;
}

/* Writes, and acks, without end. */
static void writer(const char *dir)
{
    struct tip_outbox *outbox = outbox_at(dir);

    assert_int_equal(prctl(PR_SET_PDEATHSIG, SIGKILL), 0); /* a failed test leaves nobody behind */
    for (uint64_t i = 0;; i++) {
        rewrite(outbox, i);
        publish(outbox, BATCH);
        if (outbox_delete_acked(outbox, outbox_next(outbox) - BATCH / 2))
            _exit(1);
        ++*n_written;
    }
}

static int walk_each(void *ctx, uint64_t pub_seq, const void *record, size_t n)
{
    uint64_t *next = ctx;

    assert_true(record && n);
    assert_true(!*next || pub_seq == *next);
    *next = pub_seq + 1;
    return 0;
}

/* What belongs together is there together. */
static uint64_t check_copy(const char *dir)
{
    struct tip_outbox *outbox = outbox_at(dir);
    struct tip_outbox_txn *txn;
    struct pages pages = {0};
    uint64_t last = 0, next = 0;
    const void *value;
    size_t n;

    assert_int_equal(tip_outbox_epoch(outbox), EPOCH);
    assert_int_equal(tip_outbox_begin(outbox, &txn), 0);
    assert_int_equal(tip_outbox_get(txn, "state", "last", 4, &value, &n), 0);
    memcpy(&last, value, sizeof(last));
    assert_int_equal(tip_outbox_each(txn, "page", same_number, &pages), 0);
    assert_int_equal(pages.n, PAGES);
    tip_outbox_abort(&txn);
    assert_int_equal(last + 1, outbox_next(outbox));
    assert_int_equal(outbox_read(outbox, 0, walk_each, &next), 0);
    assert_true(!next || next == last + 1);
    tip_outbox_destroy(&outbox);
    return last;
}

static bool has_begun(const char *dir)
{
    struct tip_outbox *outbox = outbox_at(dir);
    bool has = outbox_next(outbox) > 1;

    tip_outbox_destroy(&outbox);
    return has;
}

static void test_copies_of_an_outbox_at_work_are_whole(void **state)
{
    const struct place *place = *state;
    uint64_t last = 0, before = 0;
    pid_t pid;

    n_written = mmap(NULL, sizeof(*n_written), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_true(n_written != MAP_FAILED);
    pid = fork();
    if (pid == 0)
        writer(place->live);
    while (!*n_written || copy_to(place) || !has_begun(place->back))
        assert_int_equal(waitpid(pid, NULL, WNOHANG), 0);
    for (unsigned i = 0; i < COPIES; i++) {
        struct tip_outbox *outbox = NULL;
        const struct tip_outbox_config config = {.dir = place->live, .wall_unix_us = EPOCH};

        assert_int_equal(tip_outbox_open(&outbox, &config), -EBUSY);
        assert_int_equal(copy_slowly(place), 0);
        last = check_copy(place->back);
        assert_true(last >= before);
        before = last;
    }
    assert_int_equal(waitpid(pid, NULL, WNOHANG), 0); /* it still writes */
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    assert_int_equal(copy_to(place), 0); /* and without its owner */
    assert_true(check_copy(place->back) >= last);
    assert_int_equal(munmap(n_written, sizeof(*n_written)), 0);
}

static uint64_t durable_30(void *ctx, uint64_t epoch)
{
    assert_int_equal(epoch, EPOCH);
    (*(unsigned *)ctx)++;
    return 30;
}

static void test_put_back_is_a_new_volume(void **state)
{
    const struct place *place = *state;
    struct tip_outbox *outbox = outbox_at(place->live);
    struct tip_id stream = *tip_outbox_stream(outbox), journal;
    unsigned n_asked = 0;
    struct tip_outbox_renewal renewal = {
        .wall_unix_us = LATER, .before = {{7}}, .after = {{9}}, .durable = durable_30, .ctx = &n_asked};
    struct tip_outbox_txn *txn;
    uint64_t next = 0;

    publish(outbox, 40);
    assert_int_equal(outbox_delete_acked(outbox, 10), 0);
    assert_int_equal(copy_to(place), 0);
    tip_outbox_destroy(&outbox);
    assert_int_equal(tip_outbox_renew(place->back, &renewal), 0);
    assert_int_equal(n_asked, 1);
    assert_int_equal(renewal.n_dropped, 20);
    assert_int_equal(renewal.n_kept, 10);

    outbox = outbox_at(place->back);
    assert_int_equal(tip_outbox_epoch(outbox), LATER);
    assert_true(memcmp(tip_outbox_stream(outbox), &stream, sizeof(stream)) != 0);
    assert_int_equal(outbox_first(outbox), 31);
    assert_int_equal(outbox_next(outbox), 41);
    assert_int_equal(tip_outbox_n_waiting(outbox), 10);
    assert_int_equal(outbox_read(outbox, 0, walk_each, &next), 0);
    assert_int_equal(next, 41);
    assert_int_equal(tip_outbox_begin(outbox, &txn), 0);
    assert_int_equal(tip_outbox_input_get(txn, "due", &journal, &next), 0);
    assert_int_equal(next, 41);
    assert_memory_equal(&journal, &renewal.after, sizeof(journal));
    tip_outbox_abort(&txn);
    tip_outbox_destroy(&outbox);
}

/* Values that are mostly holes in the file, so that they cost nothing. Two: LMDB would spill a larger one, and leaks
 * then. */
static void fill(const char *dir, size_t bytes)
{
    MDB_val data = {.mv_size = bytes / 2};
    MDB_env *env;
    MDB_txn *txn;
    MDB_dbi dbi;

    assert_int_equal(mdb_env_create(&env), 0);
    assert_int_equal(mdb_env_set_maxdbs(env, 40), 0);
    assert_int_equal(mdb_env_set_mapsize(env, bytes + (64 << 20)), 0);
    assert_int_equal(mdb_env_open(env, dir, MDB_WRITEMAP | MDB_NOSYNC, 0600), 0);
    assert_int_equal(mdb_txn_begin(env, NULL, 0, &txn), 0);
    assert_int_equal(mdb_dbi_open(txn, "t.state", MDB_CREATE, &dbi), 0);
    for (size_t i = 0; i < 2; i++) {
        MDB_val key = {sizeof(i), &i};

        assert_int_equal(mdb_put(txn, dbi, &key, &data, MDB_RESERVE), 0);
    }
    assert_int_equal(mdb_txn_commit(txn), 0);
    mdb_env_close(env);
}

/* `bus.outbox_bytes` may be more than what is usual, and all of it may be in use. */
static void test_one_larger_than_usual_is_put_back(void **state)
{
    const struct place *place = *state;
    struct tip_outbox *outbox = outbox_at(place->back);
    unsigned n_asked = 0;
    struct tip_outbox_renewal renewal = {
        .wall_unix_us = LATER, .before = {{7}}, .after = {{9}}, .durable = durable_30, .ctx = &n_asked};

    publish(outbox, 40);
    tip_outbox_destroy(&outbox);
    fill(place->back, 300 << 20);
    assert_int_equal(tip_outbox_renew(place->back, &renewal), 0);
    assert_int_equal(renewal.n_kept, 10);
}

static void test_nothing_to_copy(void **state)
{
    const struct place *place = *state;

    assert_int_equal(copy_to(place), -ENOENT);
}

/* A service from before LMDB's lock was used: its pages would move under our hands. */
static void test_an_older_service_is_refused(void **state)
{
    const struct place *place = *state;
    struct tip_outbox *outbox = outbox_at(place->live);
    char path[128];

    (void)snprintf(path, sizeof(path), "%s/lock.mdb", place->live);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(copy_to(place), -ESTALE);
    tip_outbox_destroy(&outbox);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_copies_of_an_outbox_at_work_are_whole, place_make, place_remove),
        cmocka_unit_test_setup_teardown(test_put_back_is_a_new_volume, place_make, place_remove),
        cmocka_unit_test_setup_teardown(test_one_larger_than_usual_is_put_back, place_make, place_remove),
        cmocka_unit_test_setup_teardown(test_nothing_to_copy, place_make, place_remove),
        cmocka_unit_test_setup_teardown(test_an_older_service_is_refused, place_make, place_remove),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
