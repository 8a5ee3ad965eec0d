/*
 * A bit flips, or a file ends early: what is damaged is told as damaged, never served, never passed over; nothing
 * crashes. Every byte and every length of a sealed segment, and of the newest one (there, every seventh in the short
 * form).
 */
#include <check.h>
#include <errno.h>
#include <random.h>
#include <stdio.h>

#include "journal_fixture.h"

enum { DAMAGE_SEGMENT = 64 * 1024 };

static void damage_fill(struct fixture *fix, unsigned n_events)
{
    fixture_init(fix);
    fix->config.segment_bytes = DAMAGE_SEGMENT;
    fix->config.group_bytes = DAMAGE_SEGMENT;
    fix->config.keep_bytes = fix->config.cap_bytes = 16 * DAMAGE_SEGMENT;
    assert_int_equal(fixture_open(fix), 0);
    for (unsigned i = 0; i < n_events; i++) {
        assert_int_equal(fixture_put(fix, i % FIX_PUBLISHERS, 300 + 37 * (i % 11)), 0);
        if (i % 3 == 2)
            (void)fixture_flush(fix);
    }
    (void)fixture_flush(fix);
    fixture_tick(fix, 1000); /* the mark behind the last group */
    (void)fixture_flush(fix);
    assert_int_equal(fix->told_head, n_events);
}

/* Recovers a copy of the disk with `name` changed, and reads everything. */
struct damage_case {
    const char *name;
    size_t flip_at; /* SIZE_MAX: none */
    uint8_t bits;
    size_t cut_to; /* SIZE_MAX: not */
    bool newest;   /* its end may be taken for a torn tail */
};

static void damage_try(const struct fixture *original, const struct damage_case *damage)
{
    struct fixture fix = *original;
    struct sim_file *file;
    int r;

    fix.journal = NULL;
    fix.trouble = NULL;
    fix.config.ctx = &fix;
    fix.sim = sim_disk_copy(original->sim);
    file = sim_disk_file(fix.sim, damage->name);
    assert_non_null(file);
    if (damage->flip_at != SIZE_MAX)
        file->now[damage->flip_at] ^= damage->bits;
    if (damage->cut_to != SIZE_MAX)
        file->size = damage->cut_to;
    r = fixture_open(&fix);
    if (damage->newest && r == -EBADMSG) { /* nothing of it is left */
        assert_int_equal(fix.notices[JOURNAL_NOTICE_EMPTY], 1);
        assert_true(damage->cut_to < 1024);
        fixture_deinit(&fix);
        return;
    }
    assert_int_equal(r, 0);
    if (damage->newest)
        fix.told_head = 0;
    fix.trouble = NULL; /* positions of publishers may rest on what is damaged */
    fixture_check(&fix, true);
    if (fix.trouble)
        print_error("%s flip %zu cut %zu: %s at %llu\n", damage->name, damage->flip_at, damage->cut_to, fix.trouble,
                    (unsigned long long)fix.trouble_seq);
    assert_null(fix.trouble);
    fixture_deinit(&fix);
}

static const char damage_first[] = "0000000000000001.seg", damage_second[] = "0000000000000002.seg";

enum { DAMAGE_ONE = 110, DAMAGE_TWO = 140 }; /* events that fill one segment, and one and a bit */

/* Reads everything through the journal that is open. */
static void damage_read(struct fixture *fix, size_t at)
{
    fixture_check(fix, true);
    if (fix->trouble)
        print_error("at %zu: %s at %llu\n", at, fix->trouble, (unsigned long long)fix->trouble_seq);
    assert_null(fix->trouble);
}

static void test_flip_sealed_while_open(void **state)
{
    unsigned told = 0;
    struct sim_file *file;
    struct fixture fix;

    (void)state;
    damage_fill(&fix, DAMAGE_TWO);
    file = sim_disk_file(fix.sim, damage_first);
    for (size_t at = 0; at < DAMAGE_SEGMENT; at++) {
        file->now[at] ^= (uint8_t)(1 << at % 8);
        damage_read(&fix, at);
        told += fix.damages;
        file->now[at] ^= (uint8_t)(1 << at % 8);
    }
    assert_true(told > DAMAGE_SEGMENT / 10 * 9); /* all but header and footer */
    damage_read(&fix, DAMAGE_SEGMENT);
    assert_int_equal(fix.damages, 0);
    fixture_deinit(&fix);
}

static void test_cut_sealed_while_open(void **state)
{
    struct sim_file *file;
    struct fixture fix;

    (void)state;
    damage_fill(&fix, DAMAGE_TWO);
    file = sim_disk_file(fix.sim, damage_first);
    for (size_t len = 0; len < DAMAGE_SEGMENT; len++) {
        file->size = len;
        damage_read(&fix, len);
    }
    fixture_deinit(&fix);
}

static void test_sealed_before_opening(void **state)
{
    struct fixture fix;

    (void)state;
    damage_fill(&fix, DAMAGE_TWO);
    for (size_t at = 0; at < DAMAGE_SEGMENT; at += at < 512 || at > DAMAGE_SEGMENT - 512 ? 1 : 61) {
        damage_try(&fix, &(struct damage_case){damage_first, at, (uint8_t)(1 << at % 8), SIZE_MAX, false});
        damage_try(&fix, &(struct damage_case){damage_first, SIZE_MAX, 0, at, false});
    }
    fixture_deinit(&fix);
}

/* Each of these is a whole recovery: the short form takes every seventh place, another seventh with another seed. */
static size_t damage_step(size_t *start)
{
    const char *is_long = getenv("TIP_LONG");
    bool all = is_long && strcmp(is_long, "1") == 0;

    *start = all ? 0 : test_seed() % 7;
    return all ? 1 : 7;
}

static void test_flip_newest(void **state)
{
    struct fixture fix;
    size_t step, start;

    (void)state;
    step = damage_step(&start);
    damage_fill(&fix, DAMAGE_ONE);
    for (size_t at = start; at < DAMAGE_SEGMENT; at += step)
        damage_try(&fix, &(struct damage_case){damage_first, at, (uint8_t)(1 << at % 8), SIZE_MAX, false});
    fixture_deinit(&fix);
}

static void test_cut_newest(void **state)
{
    struct fixture fix;
    size_t step, start;

    (void)state;
    step = damage_step(&start);
    damage_fill(&fix, DAMAGE_ONE);
    for (size_t len = start; len < DAMAGE_SEGMENT; len += step)
        damage_try(&fix, &(struct damage_case){damage_first, SIZE_MAX, 0, len, true});
    fixture_deinit(&fix);
}

/* A durable consumer has stored what the newest segment has lost: its numbers are told as damaged, not used again. */
static void test_consumer_remembers(void **state)
{
    struct journal_status status;
    struct fixture fix;

    (void)state;
    damage_fill(&fix, DAMAGE_TWO);
    assert_int_equal(journal_consumer_seen(fix.journal, "storage", DAMAGE_TWO), 0);
    fixture_tick(&fix, 1000);
    fixture_close(&fix);
    sim_disk_file(fix.sim, damage_second)->size = 4096;
    assert_int_equal(fixture_open(&fix), 0);
    fix.trouble = NULL;
    assert_int_equal(fix.notices[JOURNAL_NOTICE_DAMAGE], 1);
    journal_status(fix.journal, &status);
    assert_int_equal(status.next_seq, DAMAGE_TWO + 1);
    fixture_check(&fix, true);
    assert_null(fix.trouble);
    assert_int_equal(fix.damages, 1);
    fixture_deinit(&fix);
}

/* Without the newest segment its numbers would be given out again: better not to begin than to forget. */
static void test_newest_cannot_be_read(void **state)
{
    struct fixture fix;

    (void)state;
    damage_fill(&fix, DAMAGE_TWO);
    fixture_close(&fix);
    fix.sim->unreadable = sim_disk_file(fix.sim, damage_second);
    assert_int_equal(fixture_open(&fix), -EIO);
    fix.sim->unreadable = NULL;
    assert_int_equal(fixture_open(&fix), 0);
    fixture_check(&fix, false);
    assert_null(fix.trouble);
    fixture_deinit(&fix);
}

/* A moment without descriptors is no loss; a file that is gone is one, of its own numbers only. */
static void test_file_cannot_be_opened(void **state)
{
    struct journal_status status;
    struct journal_span span;
    struct fixture fix;
    uint64_t top = 0;

    (void)state;
    damage_fill(&fix, DAMAGE_TWO);
    journal_status(fix.journal, &status);
    fix.sim->open_error = -EMFILE;
    assert_int_equal(journal_pin(fix.journal, 1, &span, &top), JOURNAL_E_BUSY);
    fix.sim->open_error = -EACCES;
    assert_int_equal(journal_pin(fix.journal, 1, &span, &top), JOURNAL_E_GAP);
    assert_in_range(top, 1, status.head_seq - 1);
    assert_int_equal(journal_pin(fix.journal, status.head_seq, &span, &top), JOURNAL_E_GAP);
    assert_int_equal(top, status.head_seq);
    fix.sim->open_error = 0;
    fixture_check(&fix, false);
    assert_null(fix.trouble);
    fixture_deinit(&fix);
}

/* A segment of zeros: an older one is set aside and told as damaged, the newest one ends the start. */
static void test_zeroed_segment(void **state)
{
    struct fixture fix;
    struct sim_file *file;

    (void)state;
    damage_fill(&fix, DAMAGE_TWO);
    fixture_close(&fix);
    file = sim_disk_file(fix.sim, damage_second);
    memset(file->now, 0, file->size);
    assert_int_equal(fixture_open(&fix), -EBADMSG);
    assert_int_equal(fix.notices[JOURNAL_NOTICE_EMPTY], 1);
    assert_int_equal(fix.last.code, -EBADMSG);
    assert_non_null(sim_disk_file(fix.sim, damage_second));
    fixture_deinit(&fix);

    damage_fill(&fix, DAMAGE_TWO);
    fixture_close(&fix);
    file = sim_disk_file(fix.sim, damage_first);
    memset(file->now, 0, file->size);
    assert_int_equal(fixture_open(&fix), 0);
    assert_int_equal(fix.notices[JOURNAL_NOTICE_EMPTY], 1);
    assert_null(sim_disk_file(fix.sim, damage_first));
    assert_ptr_equal(sim_disk_file(fix.sim, "0000000000000001.seg.bad"), file);
    fix.trouble = NULL; /* positions of publishers were there */
    fixture_check(&fix, true);
    assert_null(fix.trouble);
    fixture_deinit(&fix);
}

static void test_missing_segment(void **state)
{
    struct fixture fix;

    (void)state;
    damage_fill(&fix, DAMAGE_TWO);
    for (unsigned i = 0; i < 200; i++) {
        while (fixture_put(&fix, 0, 1000) == JOURNAL_E_FULL)
            (void)fixture_flush(&fix);
        (void)fixture_flush(&fix);
    }
    fixture_close(&fix);
    assert_int_equal(fix.sim->disk.unlink(&fix.sim->disk, damage_second), 0);
    assert_int_equal(fixture_open(&fix), 0);
    fix.trouble = NULL;
    fixture_check(&fix, true);
    assert_null(fix.trouble);
    assert_int_equal(fix.damages, 1);
    fixture_deinit(&fix);
}

static void test_identity_is_not_guessed(void **state)
{
    struct fixture fix;

    (void)state;
    damage_fill(&fix, DAMAGE_TWO);
    fixture_close(&fix);
    sim_disk_file(fix.sim, "journal.id")->now[20] ^= 1;
    assert_int_equal(fixture_open(&fix), -EBADMSG);
    assert_int_equal(fix.sim->disk.unlink(&fix.sim->disk, "journal.id"), 0);
    assert_int_equal(fixture_open(&fix), -EBADMSG);
    fixture_deinit(&fix);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_flip_sealed_while_open),
        cmocka_unit_test(test_cut_sealed_while_open),
        cmocka_unit_test(test_sealed_before_opening),
        cmocka_unit_test(test_flip_newest),
        cmocka_unit_test(test_cut_newest),
        cmocka_unit_test(test_consumer_remembers),
        cmocka_unit_test(test_newest_cannot_be_read),
        cmocka_unit_test(test_file_cannot_be_opened),
        cmocka_unit_test(test_zeroed_segment),
        cmocka_unit_test(test_missing_segment),
        cmocka_unit_test(test_identity_is_not_guessed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
