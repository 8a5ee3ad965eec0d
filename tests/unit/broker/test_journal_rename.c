/*
 * A journal under another identity: the same records at the same numbers, damage where it was, and nothing that is
 * readable under the old name.
 */
#include <check.h>
#include <errno.h>
#include <string.h>

#include <journal_rename.h>
#include <journal_verify.h>

#include "journal_fixture.h"

struct seen {
    uint64_t n_records, n_damages, hash;
    uint64_t first_seq, last_seq, committed;
    uint8_t id[JOURNAL_ID_BYTES];
};

static void on_record(void *ctx, const struct journal_record *record)
{
    struct seen *seen = ctx;

    seen->n_records++;
    for (uint32_t i = 0; i < record->payload_len; i++)
        seen->hash = seen->hash * 1099511628211U + record->payload[i];
    seen->hash = seen->hash * 31 + record->seq + record->class_seq + (uint64_t)record->commit_us + record->pub_seq;
}

static struct seen look(struct sim_disk *sim)
{
    struct seen seen = {0};
    struct journal_verify verify = {.disk = &sim->disk, .on_record = on_record, .ctx = &seen};

    assert_int_equal(journal_verify_run(&verify), 0);
    seen.n_damages = verify.n_damages;
    seen.first_seq = verify.first_seq;
    seen.last_seq = verify.last_seq;
    memcpy(seen.id, verify.identity.id, sizeof(seen.id));
    if (verify.holds.n)
        seen.committed = verify.holds.items[0].committed;
    journal_verify_deinit(&verify);
    return seen;
}

/* The fixture's payloads have no stamps; that the old and the new id are handed over is looked at here. */
static bool payload(uint8_t *bytes, size_t n, const uint8_t *old_id, const uint8_t *new_id)
{
    return bytes && n && memcmp(old_id, new_id, JOURNAL_ID_BYTES) != 0;
}

static bool payload_is_wrong(uint8_t *bytes, size_t n, const uint8_t *old_id, const uint8_t *new_id)
{
    (void)bytes, (void)n, (void)old_id, (void)new_id;
    return false;
}

static void fill(struct fixture *fix)
{
    fixture_init(fix);
    assert_int_equal(fixture_open(fix), 0);
    assert_int_equal(journal_consumer_seen(fix->journal, "storage", 0), 0);
    for (unsigned i = 0; i < 70; i++) {
        while (fixture_put(fix, i % FIX_PUBLISHERS, 300 + 37 * (i % 11)) == JOURNAL_E_FULL)
            (void)fixture_flush(fix);
        if (i % 9 == 8)
            assert_int_equal(fixture_adopt(fix, i % FIX_PUBLISHERS), 0);
        if (i % 3 == 2)
            (void)fixture_flush(fix);
    }
    (void)fixture_flush(fix);
    assert_int_equal(journal_consumer_seen(fix->journal, "storage", 60), 0);
    fixture_tick(fix, 1000);
    (void)fixture_flush(fix);
    fixture_close(fix);
}

static struct journal_rename order(struct sim_disk *sim)
{
    struct journal_rename rename = {.disk = &sim->disk, .payload = payload, .consumer = "storage", .committed = 41};

    memset(&rename.identity, 0xa7, sizeof(rename.identity));
    return rename;
}

static void test_same_records_under_another_name(void **state)
{
    struct journal_rename rename;
    struct seen before, after;
    struct fixture fix;

    (void)state;
    fill(&fix);
    before = look(fix.sim);
    assert_int_equal(before.n_records, 70);
    rename = order(fix.sim);
    assert_int_equal(journal_rename_run(&rename), 0);
    assert_memory_equal(rename.before.id, before.id, sizeof(before.id));
    assert_true(rename.n_records > 70); /* marks and epochs, too */
    after = look(fix.sim);
    assert_int_equal(after.n_damages, 0);
    assert_memory_equal(after.id, rename.identity.id, sizeof(after.id));
    assert_int_equal(after.committed, 41);
    memcpy(after.id, before.id, sizeof(after.id));
    after.committed = before.committed;
    assert_memory_equal(&after, &before, sizeof(after));

    assert_int_equal(fixture_open(&fix), 0); /* and the broker goes on behind the last one */
    fix.trouble = NULL;
    fixture_check(&fix, false);
    assert_null(fix.trouble);
    assert_int_equal(fixture_put(&fix, 1, 500), 0);
    assert_true(fixture_flush(&fix));
    fixture_close(&fix);
    assert_int_equal(look(fix.sim).last_seq, 71);
    assert_int_equal(look(fix.sim).n_damages, 0);
    fixture_deinit(&fix);
}

/* A position that is behind stays: the consumer has stored no more than that. */
static void test_position_is_not_moved_on(void **state)
{
    struct journal_rename rename;
    struct fixture fix;

    (void)state;
    fill(&fix);
    rename = order(fix.sim);
    rename.committed = 65;
    assert_int_equal(journal_rename_run(&rename), 0);
    assert_int_equal(look(fix.sim).committed, 60);
    fixture_deinit(&fix);
}

/* Every byte of a segment in turn: as many records and as much damage under the new name as under the old one. */
static void test_damage_stays_what_it_was(void **state)
{
    struct fixture fix;

    (void)state;
    fill(&fix);
    for (size_t at = 0; at < FIX_SEGMENT; at += 7) {
        struct sim_disk *copy = sim_disk_copy(fix.sim);
        struct journal_rename rename = order(copy);
        struct seen before, after;

        sim_disk_file(copy, "0000000000000002.seg")->now[at] ^= (uint8_t)(1 << at % 8);
        before = look(copy);
        assert_int_equal(journal_rename_run(&rename), 0);
        after = look(copy);
        assert_int_equal(after.n_records, before.n_records);
        assert_int_equal(after.n_damages, before.n_damages);
        assert_int_equal(after.hash, before.hash);
        sim_disk_free(&copy);
    }
    fixture_deinit(&fix);
}

static void test_refuses(void **state)
{
    struct journal_rename rename;
    struct fixture fix;

    (void)state;
    fill(&fix);
    rename = order(fix.sim);
    rename.payload = payload_is_wrong;
    assert_int_equal(journal_rename_run(&rename), -EBADMSG);
    sim_disk_file(fix.sim, "journal.id")->now[20] ^= 1;
    rename.payload = payload;
    assert_int_equal(journal_rename_run(&rename), -EBADMSG);
    assert_int_equal(fix.sim->disk.unlink(&fix.sim->disk, "journal.id"), 0);
    assert_int_equal(journal_rename_run(&rename), -ENOENT);
    fixture_deinit(&fix);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_same_records_under_another_name),
        cmocka_unit_test(test_position_is_not_moved_on),
        cmocka_unit_test(test_damage_stays_what_it_was),
        cmocka_unit_test(test_refuses),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
