/*
 * Reading a journal that nobody writes to: a whole one is clean, every flipped byte of its records is told with file
 * and numbers, a torn tail is told apart, and the disk is left as it was.
 */
#include <check.h>
#include <errno.h>
#include <random.h>
#include <stdio.h>

#include <journal_verify.h>

#include "journal_fixture.h"

struct verified {
    struct journal_verify verify;
    struct journal_verify_damage last;
    char file[JOURNAL_VERIFY_NAME];
    unsigned n[JOURNAL_VERIFY_CONSUMERS + 1], n_segments;
    uint64_t n_records;
};

static void on_damage(void *ctx, const struct journal_verify_damage *damage)
{
    struct verified *verified = ctx;

    verified->n[damage->what]++;
    verified->last = *damage;
    (void)snprintf(verified->file, sizeof(verified->file), "%s", damage->file);
}

static void on_segment(void *ctx, const struct journal_verify_segment *segment)
{
    struct verified *verified = ctx;

    (void)segment;
    verified->n_segments++;
}

static void on_record(void *ctx, const struct journal_record *record)
{
    struct verified *verified = ctx;

    assert_non_null(record->payload);
    verified->n_records++;
}

static int run(struct verified *verified, struct sim_disk *sim)
{
    uint64_t before = sim->n_io;
    int r;

    *verified = (struct verified){.verify = {.disk = &sim->disk,
                                             .on_damage = on_damage,
                                             .on_segment = on_segment,
                                             .on_record = on_record,
                                             .ctx = verified}};
    r = journal_verify_run(&verified->verify);
    assert_int_equal(sim->n_io, before);
    return r;
}

static void end(struct verified *verified)
{
    journal_verify_deinit(&verified->verify);
}

/* Several segments, a consumer, and an epoch behind the last event of the first one. */
static void fill(struct fixture *fix, unsigned n_events)
{
    fixture_init(fix);
    assert_int_equal(fixture_open(fix), 0);
    assert_int_equal(journal_consumer_seen(fix->journal, "storage", 0), 0);
    for (unsigned i = 0; i < n_events; i++) {
        while (fixture_put(fix, i % FIX_PUBLISHERS, 300 + 37 * (i % 11)) == JOURNAL_E_FULL)
            (void)fixture_flush(fix);
        if (i % 9 == 8)
            assert_int_equal(fixture_adopt(fix, i % FIX_PUBLISHERS), 0);
        if (i % 3 == 2)
            (void)fixture_flush(fix);
    }
    (void)fixture_flush(fix);
    assert_int_equal(journal_consumer_seen(fix->journal, "storage", 7), 0);
    fixture_tick(fix, 1000);
    (void)fixture_flush(fix);
    fixture_close(fix);
}

static void test_clean(void **state)
{
    struct verified verified;
    struct fixture fix;

    (void)state;
    fill(&fix, 70);
    assert_int_equal(run(&verified, fix.sim), 0);
    assert_int_equal(verified.verify.n_damages, 0);
    assert_false(verified.verify.torn);
    assert_int_equal(verified.verify.first_seq, 1);
    assert_int_equal(verified.verify.last_seq, 70);
    assert_int_equal(verified.n_records, 70);
    assert_true(verified.n_segments > 1);
    assert_int_equal(verified.verify.holds.n, 1);
    assert_int_equal(verified.verify.holds.items[0].committed, 7);
    assert_int_equal(journal_table_find(&verified.verify.table, "publisher1", 10)->appended, 23);
    assert_int_equal(verified.verify.table.n_counters, FIX_PUBLISHERS);
    end(&verified);

    assert_int_equal(fixture_open(&fix), 0); /* and once more behind a recovery */
    fixture_close(&fix);
    assert_int_equal(run(&verified, fix.sim), 0);
    assert_int_equal(verified.verify.n_damages, 0);
    assert_int_equal(verified.n_records, 70);
    end(&verified);
    fixture_deinit(&fix);
}

/* What retention has taken from the front is no damage. */
static void test_trimmed_is_clean(void **state)
{
    struct verified verified;
    struct fixture fix;

    (void)state;
    fill(&fix, 70);
    assert_int_equal(fixture_open(&fix), 0);
    assert_int_equal(journal_consumer_seen(fix.journal, "storage", 70), 0);
    for (unsigned i = 0; i < 150; i++) {
        while (fixture_put(&fix, 0, 900) == JOURNAL_E_FULL)
            (void)fixture_flush(&fix);
        (void)fixture_flush(&fix);
    }
    fixture_close(&fix);
    assert_int_equal(run(&verified, fix.sim), 0);
    assert_int_equal(verified.verify.n_damages, 0);
    assert_true(verified.verify.first_seq > 70);
    assert_int_equal(verified.verify.last_seq, 220);
    end(&verified);
    fixture_deinit(&fix);
}

static void test_every_flip_is_told(void **state)
{
    const char first[] = "0000000000000001.seg";
    unsigned told = 0, records = 0;
    struct verified verified;
    struct sim_file *file;
    struct fixture fix;

    (void)state;
    fill(&fix, 70);
    file = sim_disk_file(fix.sim, first);
    assert_non_null(file);
    for (size_t at = 0; at < FIX_SEGMENT; at++) {
        file->now[at] ^= (uint8_t)(1 << at % 8);
        assert_int_equal(run(&verified, fix.sim), 0);
        file->now[at] ^= (uint8_t)(1 << at % 8);
        told += verified.verify.n_damages > 0;
        if (verified.verify.n_damages)
            assert_string_equal(verified.file, first);
        if (verified.n[JOURNAL_VERIFY_RECORDS]) {
            records++;
            assert_in_range(verified.last.offset, 1, at);
            assert_in_range(at, verified.last.offset, verified.last.offset + JOURNAL_RECORD_MAX);
            assert_true(verified.last.from && verified.last.to >= verified.last.from);
            assert_int_equal(verified.n_records, 70 - (verified.last.to - verified.last.from + 1));
        }
        end(&verified);
    }
    assert_true(told > FIX_SEGMENT / 10 * 8);    /* what follows the last record, and the footer's room, is nobody's */
    assert_true(records > FIX_SEGMENT / 10 * 7); /* but header, footer, epochs and marks */
    fixture_deinit(&fix);
}

static void test_torn_tail_is_no_damage(void **state)
{
    struct verified verified;
    struct sim_file *file;
    struct fixture fix;
    size_t at;

    (void)state;
    fixture_init(&fix);
    assert_int_equal(fixture_open(&fix), 0);
    for (unsigned i = 0; i < 5; i++)
        assert_int_equal(fixture_put(&fix, 0, 500), 0);
    assert_true(fixture_flush(&fix));
    assert_int_equal(fixture_put(&fix, 0, 500), 0);
    assert_int_equal(fixture_put(&fix, 0, 500), 0);
    assert_true(fixture_flush(&fix));
    fixture_close(&fix);
    file = sim_disk_file(fix.sim, "0000000000000001.seg");
    for (at = FIX_SEGMENT - 8192; at > 0 && !file->now[at]; at--)
        ; /* the last byte of the last record */
    file->now[at] ^= 1;
    assert_int_equal(run(&verified, fix.sim), 0);
    assert_int_equal(verified.verify.n_damages, 0);
    assert_true(verified.verify.torn);
    assert_string_equal(verified.verify.torn_file, "0000000000000001.seg");
    assert_int_equal(verified.verify.torn_seq, 7);
    assert_int_equal(verified.verify.last_seq, 6);
    end(&verified);
    file->now[at - 600] ^= 1; /* the whole group, and its second record whole again */
    file->now[at] ^= 1;
    assert_int_equal(run(&verified, fix.sim), 0);
    assert_int_equal(verified.verify.n_damages, 0);
    assert_true(verified.verify.torn);
    assert_int_equal(verified.verify.torn_seq, 6);
    end(&verified);
    file->now[at - 2500] ^= 1; /* but this was flushed before */
    assert_int_equal(run(&verified, fix.sim), 0);
    assert_int_equal(verified.n[JOURNAL_VERIFY_RECORDS], 1);
    end(&verified);
    fixture_deinit(&fix);
}

static void test_what_is_missing(void **state)
{
    struct verified verified;
    struct fixture fix;

    (void)state;
    fill(&fix, 70);
    assert_int_equal(fix.sim->disk.unlink(&fix.sim->disk, "0000000000000002.seg"), 0);
    assert_int_equal(run(&verified, fix.sim), 0);
    assert_int_equal(verified.verify.n_damages, 1);
    assert_int_equal(verified.n[JOURNAL_VERIFY_MISSING], 1);
    assert_int_equal(verified.n_records, 70 - (verified.last.to - verified.last.from + 1));
    end(&verified);

    sim_disk_file(fix.sim, "consumers")->now[30] ^= 1;
    assert_int_equal(run(&verified, fix.sim), 0);
    assert_int_equal(verified.n[JOURNAL_VERIFY_CONSUMERS], 1);
    end(&verified);

    sim_disk_file(fix.sim, "journal.id")->now[10] ^= 1;
    assert_int_equal(run(&verified, fix.sim), 0);
    assert_int_equal(verified.n[JOURNAL_VERIFY_IDENTITY], 1);
    assert_int_equal(verified.n_segments, 0);
    end(&verified);
    fixture_deinit(&fix);
}

/* What a recovery had to give up is told by verify too, as what it is. */
static void test_lost_before(void **state)
{
    struct verified verified;
    struct sim_file *file;
    struct fixture fix;

    (void)state;
    fill(&fix, 20);
    file = sim_disk_file(fix.sim, "0000000000000001.seg");
    file->now[2000] ^= 1;
    assert_int_equal(fixture_open(&fix), 0);
    fixture_close(&fix);
    assert_int_equal(run(&verified, fix.sim), 0);
    assert_int_equal(verified.verify.n_damages, 1);
    assert_int_equal(verified.n[JOURNAL_VERIFY_LOST], 1);
    assert_int_equal(verified.last.from, verified.last.to);
    end(&verified);
    fixture_deinit(&fix);
}

/* Whole records that do not continue each other: a fault of the program, not of the disk. */
static void test_order(void **state)
{
    struct journal_counter *counter;
    struct verified verified;
    struct fixture fix;

    (void)state;
    fixture_init(&fix);
    assert_int_equal(fixture_open(&fix), 0);
    assert_int_equal(fixture_put(&fix, 1, 500), 0);
    assert_int_equal(journal_table_counter(journal_tablep(fix.journal), "class1", 6, 3, &counter), 0);
    counter->count++;
    assert_int_equal(fixture_put(&fix, 1, 500), 0);
    fix.next[1]--;
    assert_int_equal(fixture_put(&fix, 1, 500), 0);
    assert_true(fixture_flush(&fix));
    fixture_close(&fix);
    assert_int_equal(run(&verified, fix.sim), 0);
    assert_int_equal(verified.n[JOURNAL_VERIFY_ORDER], 2);
    assert_int_equal(verified.last.from, 3);
    end(&verified);
    fixture_deinit(&fix);
}

static void test_no_journal(void **state)
{
    struct sim_disk *sim = sim_disk_new();
    struct verified verified;

    (void)state;
    assert_int_equal(run(&verified, sim), -ENOENT);
    end(&verified);
    sim_disk_free(&sim);
}

/* Garbage, cut and shuffled: it ends, and the sanitizers see nothing. */
static void test_garbage(void **state)
{
    uint64_t random = test_seed();
    struct verified verified;
    struct fixture fix;

    (void)state;
    fill(&fix, 70);
    for (unsigned i = 0; i < 300; i++) {
        struct sim_disk *copy = sim_disk_copy(fix.sim);
        char name[32];

        (void)snprintf(name, sizeof(name), "%016x.seg", 1 + (unsigned)(test_random(&random) % 3));
        for (unsigned n = 0; n < 1 + i % 40; n++) {
            struct sim_file *file = sim_disk_file(copy, name);

            if (file)
                file->now[test_random(&random) % FIX_SEGMENT] = (uint8_t)test_random(&random);
            if (file && n == 39)
                file->size = test_random(&random) % FIX_SEGMENT;
        }
        assert_int_equal(run(&verified, copy), 0);
        end(&verified);
        sim_disk_free(&copy);
    }
    fixture_deinit(&fix);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_clean),
        cmocka_unit_test(test_trimmed_is_clean),
        cmocka_unit_test(test_every_flip_is_told),
        cmocka_unit_test(test_torn_tail_is_no_damage),
        cmocka_unit_test(test_what_is_missing),
        cmocka_unit_test(test_lost_before),
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_no_journal),
        cmocka_unit_test(test_garbage),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
