/*
 * The power goes at every change that a short history makes on the disk; what was not flushed is lost, torn or
 * reordered at random; afterwards the rules hold:
 *   I1 what was acked is there   I2 each publisher's events once and in order   I3 numbers are dense and never reused
 *   I4 what was told is there, byte for byte
 * And the history itself is tested: with a disk that lies, or a journal without its salt, the rules must break.
 */
#include <check.h>
#include <random.h>

#include <tip/crc32c.h>

#include "journal_fixture.h"
#include "le.h"

static bool crash_no_salt; /* the mutant: checksums that any segment's records pass */

uint32_t journal_salt(const struct journal_identity *identity, uint64_t segment)
{
    uint8_t number[8];

    le64_put(number, crash_no_salt ? 0 : segment);
    return tip_crc32c(tip_crc32c(0, identity, sizeof(*identity)), number, sizeof(number));
}

enum { CRASH_STEPS = 90, CRASH_ROUNDS = 10, CRASH_ROUNDS_LONG = 60, CRASH_ROUNDS_MUTANT = 3 };

/* What of the unflushed survives: a share of it at random, or one sector alone, or all but one. */
struct survival {
    uint64_t random;
    unsigned chance; /* of 4: 0 loses all, 4 keeps all; 5: only the one picked, 6: all but it */
    size_t at, picked;
};

static bool crash_keep(void *ctx, int file, size_t sector)
{
    struct survival *survival = ctx;

    (void)file;
    (void)sector;
    if (survival->chance > 4)
        return (survival->at++ == survival->picked) == (survival->chance == 5);
    return test_random(&survival->random) % 4 < survival->chance;
}

static size_t crash_n_dirty(const struct sim_disk *sim)
{
    size_t n = 0;

    for (int i = 0; i < sim->n_files; i++) {
        for (size_t sector = 0; sector < sim->files[i].room / SIM_SECTOR; sector++)
            n += sim->files[i].dirty[sector];
    }
    return n;
}

static void crash_power(struct fixture *fix, uint64_t random)
{
    struct survival survival = {.random = random};

    survival.chance = (unsigned)(test_random(&survival.random) % 7);
    fixture_close(fix);
    survival.picked = test_random(&survival.random) % (crash_n_dirty(fix->sim) + 1);
    sim_disk_crash(fix->sim, crash_keep, &survival,
                   (unsigned)(test_random(&survival.random) % (unsigned)(fix->sim->n_ops + 1)));
}

/* One step of a history; false once the journal is dead. */
static bool crash_step(struct fixture *fix, uint64_t *random)
{
    uint64_t dice = test_random(random);

    if (!fix->journal && fixture_open(fix))
        return false;
    switch (dice % 16) {
    case 0:
        fixture_tick(fix, 100);
        break;
    case 1:
        if (journal_consumer_seen(fix->journal, "storage", fix->told_head))
            return false;
        fixture_tick(fix, 1000);
        break;
    case 2:
        if (dice >> 32 & 1)
            fixture_close(fix);
        else if (fixture_adopt(fix, (unsigned)(dice >> 40) % FIX_PUBLISHERS) < 0)
            return false;
        break;
    case 3:
    case 4:
    case 5:
    case 6:
        (void)fixture_flush(fix);
        break;
    default:
        for (unsigned n = dice >> 16 & 3; n < 4; n++) {
            int r = fixture_put(fix, (unsigned)(test_random(random) % FIX_PUBLISHERS), (dice >> 24) % 1500);

            if (r < 0)
                return false;
            if (r)
                (void)fixture_flush(fix);
        }
    }
    return !fix->sim->dead;
}

static void crash_history(struct fixture *fix, uint64_t *random)
{
    for (unsigned i = 0; i < CRASH_STEPS && crash_step(fix, random); i++)
        ;
}

/* Opens after a crash and compares. Opening may meet the next cut. */
static bool crash_recover(struct fixture *fix)
{
    if (fixture_open(fix))
        return false;
    fixture_check(fix, false);
    return true;
}

/* A whole life: run, cut, recover, run on, cut again, recover, run on, compare. */
static void crash_life(struct fixture *fix, uint64_t seed, uint64_t cut)
{
    uint64_t random = seed, chaos = seed * 31 + cut;

    fix->sim->cut_at = cut;
    crash_history(fix, &random);
    crash_power(fix, test_random(&chaos));
    fix->sim->cut_at = 1 + test_random(&chaos) % 60; /* often inside the recovery */
    if (crash_recover(fix))
        crash_history(fix, &random);
    crash_power(fix, test_random(&chaos));
    if (!crash_recover(fix)) {
        fix->trouble = "cannot be opened";
        return;
    }
    crash_history(fix, &random);
    if (fix->journal || fixture_open(fix) == 0) {
        (void)fixture_flush(fix);
        (void)fixture_flush(fix);
        fixture_check(fix, false);
    }
}

struct mutant {
    bool lie_sync, lie_sync_dir, no_salt;
};

/* The long form: more than 10,000 power cuts. */
static unsigned crash_rounds(void)
{
    const char *is_long = getenv("TIP_LONG");

    return is_long && strcmp(is_long, "1") == 0 ? CRASH_ROUNDS_LONG : CRASH_ROUNDS;
}

/* Lives with a rule broken; each one printed when `loud`. */
static unsigned crash_matrix(const struct mutant *mutant, uint64_t seed, bool loud)
{
    const unsigned rounds = loud ? crash_rounds() : CRASH_ROUNDS_MUTANT;
    unsigned broken = 0;
    uint64_t n_io = 0;

    for (uint64_t cut = 1; cut <= n_io + 1; cut++) {
        for (unsigned round = 0; round < rounds; round++) {
            struct fixture fix;

            fixture_init(&fix);
            fix.sim->lie_sync = mutant->lie_sync;
            fix.sim->lie_sync_dir = mutant->lie_sync_dir;
            if (n_io == 0) {
                uint64_t random = seed;

                crash_history(&fix, &random);
                n_io = fix.sim->n_io;
                assert_true(n_io > 60);
                fixture_deinit(&fix);
                fixture_init(&fix);
                fix.sim->lie_sync = mutant->lie_sync;
                fix.sim->lie_sync_dir = mutant->lie_sync_dir;
            }
            crash_life(&fix, seed + round, cut);
            if (fix.trouble && loud)
                print_error("seed %llu cut %llu: %s at %llu\n", (unsigned long long)(seed + round),
                            (unsigned long long)cut, fix.trouble, (unsigned long long)fix.trouble_seq);
            broken += fix.trouble != NULL;
            fixture_deinit(&fix);
        }
    }
    print_message("%llu cuts, %u lives, %u broken\n", (unsigned long long)n_io, (unsigned)(n_io + 1) * rounds, broken);
    return broken;
}

static void test_every_cut(void **state)
{
    (void)state;
    assert_int_equal(crash_matrix(&(struct mutant){0}, test_seed(), true), 0);
}

/* ---- stale records: a torn group's whole records lie in a file that is used again ---- */

static bool stale_keep(void *ctx, int file, size_t sector)
{
    size_t *torn = ctx;

    (void)file;
    return sector != *torn; /* the first sector of the torn group is lost, the rest survives */
}

static void stale_life(struct fixture *fix)
{
    struct journal_status status;
    size_t torn;

    assert_int_equal(fixture_open(fix), 0);
    for (unsigned i = 0; i < 9; i++)
        assert_int_equal(fixture_put(fix, 0, 1024), 0);
    assert_true(fixture_flush(fix));
    torn = (64 + 9 * (64 + 1024)) / SIM_SECTOR + 1; /* inside the first record of the next group */
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(fixture_put(fix, 0, 1024), 0);
    fix->sim->cut_at = fix->sim->n_io + 2; /* written, not flushed */
    assert_false(fixture_flush(fix));
    fixture_close(fix);
    sim_disk_crash(fix->sim, stale_keep, &torn, 0);

    assert_int_equal(fixture_open(fix), 0);
    assert_int_equal(fix->notices[JOURNAL_NOTICE_TORN], 1);
    journal_status(fix->journal, &status);
    assert_int_equal(status.head_seq, 9);
    assert_int_equal(fixture_put(fix, 1, 8 * 1024), 0); /* does not fit behind: begins another file */
    (void)fixture_flush(fix);
    (void)fixture_flush(fix);
    assert_int_equal(fix->told_head, 10);
    for (unsigned i = 0; i < 2; i++) { /* the first copies it into the file with the torn group */
        fixture_close(fix);
        if (fixture_open(fix)) {
            fix->trouble = "cannot be opened";
            return;
        }
    }
    journal_status(fix->journal, &status);
    if (status.head_seq != 10)
        fix->trouble = "records of an earlier life came back";
    fixture_check(fix, false);
}

static bool stale_broken(void)
{
    struct fixture fix;
    bool broken;

    fixture_init(&fix);
    stale_life(&fix);
    broken = fix.trouble != NULL;
    fixture_deinit(&fix);
    return broken;
}

static void test_stale_records(void **state)
{
    (void)state;
    assert_false(stale_broken());
}

/* ---- the tests are tested ---- */

static void test_mutants_are_caught(void **state)
{
    (void)state;
    print_message("ack before flush: ");
    assert_true(crash_matrix(&(struct mutant){.lie_sync = true}, test_seed(), false) > 0);
    print_message("names not flushed: ");
    assert_true(crash_matrix(&(struct mutant){.lie_sync_dir = true}, test_seed(), false) > 0);
    crash_no_salt = true;
    assert_true(stale_broken());
    crash_no_salt = false;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_cut),
        cmocka_unit_test(test_stale_records),
        cmocka_unit_test(test_mutants_are_caught),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
