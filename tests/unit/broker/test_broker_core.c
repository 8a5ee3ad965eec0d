/* The broker's rules: sequences, entries, prefixes. */
#include <check.h>
#include <stdio.h>

#include "core/backlog.h"
#include "core/entries.h"
#include "core/prefixes.h"
#include "core/sessions.h"

static struct broker_peer peer(const char *name)
{
    struct broker_peer out;

    assert_true(broker_peer_set(&out, name, strlen(name)));
    return out;
}

/* ---- sessions ---- */

static void test_hello(void **state)
{
    static const struct {
        struct ingest_session_hello hello;
        struct ingest_session_position position;
        enum ingest_session_welcome check, verdict;
    } rows[] = {
        {{1, "blacklist", 10, 1}, {0, 0, 0, false}, INGEST_SESSION_WELCOME, INGEST_SESSION_ADOPT},
        {{1, "blacklist", 10, 51}, {0, 0, 0, false}, INGEST_SESSION_WELCOME, INGEST_SESSION_ADOPT},
        {{1, "blacklist", 10, 51}, {10, 100, 100, false}, INGEST_SESSION_WELCOME, INGEST_SESSION_WELCOME}, /* overlap */
        {{1, "blacklist", 10, 101}, {10, 100, 100, false}, INGEST_SESSION_WELCOME, INGEST_SESSION_WELCOME},
        {{1, "blacklist", 10, 102}, {10, 100, 100, false}, INGEST_SESSION_WELCOME, INGEST_SESSION_ADOPT_GAP},
        {{1, "blacklist", 10, 101}, {10, 100, 90, false}, INGEST_SESSION_WELCOME, INGEST_SESSION_WAIT},
        {{1, "blacklist", 11, 1}, {10, 100, 90, false}, INGEST_SESSION_WELCOME, INGEST_SESSION_ADOPT},
        {{1, "blacklist", 10, 1}, {10, 0, 0, true}, INGEST_SESSION_WELCOME, INGEST_SESSION_WAIT}, /* not on disk yet */
        {{1, "blacklist", 9, 1}, {10, 0, 0, true}, INGEST_SESSION_WELCOME, INGEST_SESSION_FENCED},
        {{1, "blacklist", 11, 1}, {10, 0, 0, true}, INGEST_SESSION_WELCOME, INGEST_SESSION_ADOPT},
        {{1, "blacklist", 9, 1}, {10, 100, 100, false}, INGEST_SESSION_WELCOME, INGEST_SESSION_FENCED},
        {{2, "blacklist", 9, 1}, {0, 0, 0, false}, INGEST_SESSION_BAD_VERSION, 0},
        {{1, "", 9, 1}, {0, 0, 0, false}, INGEST_SESSION_BAD_NAME, 0},
        {{1, "a.b.c", 9, 1}, {0, 0, 0, false}, INGEST_SESSION_BAD_NAME, 0},
        {{1, "Upper", 9, 1}, {0, 0, 0, false}, INGEST_SESSION_BAD_NAME, 0},
        {{1, "tip.4711", 0, 1}, {0, 0, 0, false}, INGEST_SESSION_BAD_NUMBER, 0},
        {{1, "tip.4711", 1, 0}, {0, 0, 0, false}, INGEST_SESSION_BAD_NUMBER, 0},
        {{1, "tip.4711", 1, UINT64_MAX}, {0, 0, 0, false}, INGEST_SESSION_BAD_NUMBER, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(ingest_session_hello_check(&rows[i].hello), rows[i].check);
        if (rows[i].check == INGEST_SESSION_WELCOME)
            assert_int_equal(ingest_session_hello_judge(&rows[i].hello, &rows[i].position), rows[i].verdict);
    }
}

static void test_data(void **state)
{
    static const struct ingest_session_position at = {.epoch = 7, .appended = 100, .durable = 90};
    static const struct {
        uint64_t epoch, first;
        uint32_t n;
        enum ingest_session_accept verdict;
        uint32_t skip;
    } rows[] = {
        {7, 101, 5, INGEST_SESSION_ACCEPT, 0},
        {7, 99, 5, INGEST_SESSION_ACCEPT, 2},
        {7, 96, 5, INGEST_SESSION_ACCEPT, 5},
        {7, 1, 5, INGEST_SESSION_ACCEPT, 5},
        {7, 102, 5, INGEST_SESSION_GAP, 0},
        {6, 101, 5, INGEST_SESSION_LATE, 0},
        {8, 101, 5, INGEST_SESSION_UNKNOWN, 0},
        {7, 0, 5, INGEST_SESSION_OVERFLOW, 0},
        {7, UINT64_MAX, 5, INGEST_SESSION_OVERFLOW, 0},
        {7, 101, 0, INGEST_SESSION_ACCEPT, 0},
        {7, 1, UINT32_MAX, INGEST_SESSION_ACCEPT, 100},
    };
    uint32_t skip;

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_int_equal(ingest_session_data_judge(&at, rows[i].epoch, rows[i].first, rows[i].n, &skip),
                         rows[i].verdict);
        if (rows[i].verdict == INGEST_SESSION_ACCEPT)
            assert_int_equal(skip, rows[i].skip);
    }
}

static void test_sessions_are_bounded(void **state)
{
    struct broker_peer a = peer("a"), b = peer("b"), c = peer("c");
    struct ingest_sessions sessions;

    (void)state;
    ingest_sessions_init(&sessions, 2);
    assert_non_null(ingest_sessions_add(&sessions, &a, "one"));
    assert_non_null(ingest_sessions_add(&sessions, &b, "two"));
    assert_null(ingest_sessions_add(&sessions, &c, "three"));
    ingest_sessions_remove(&sessions, ingest_sessions_find(&sessions, &a));
    assert_null(ingest_sessions_find(&sessions, &a));
    assert_string_equal(ingest_sessions_find(&sessions, &b)->name, "two");
    assert_non_null(ingest_sessions_add(&sessions, &c, "three"));
    ingest_sessions_deinit(&sessions);
}

/* ---- entries ---- */

static void test_entries(void **state)
{
    static const uint8_t good[] = "\x07\0\x03\0\x02\0\0\0v1.a.b.xy\x01\0\x01\0\x01\0\0\0tz";
    struct entries entries;
    struct entry entry;

    (void)state;
    entries_init(&entries, good, sizeof(good) - 1, 2);
    assert_int_equal(entries_next(&entries, &entry), 0);
    assert_int_equal(entry.topic_len, 7);
    assert_memory_equal(entry.topic, "v1.a.b.", 7);
    assert_int_equal(entry.tlp, 3);
    assert_memory_equal(entry.event, "xy", 2);
    assert_int_equal(entries_next(&entries, &entry), 0);
    assert_int_equal(entry.event_len, 1);
    assert_int_equal(entries_next(&entries, &entry), ENTRIES_E_END);
    for (size_t n = 0; n + 1 < sizeof(good) - 1; n++) { /* cut anywhere */
        int r;

        entries_init(&entries, good, n, 2);
        while ((r = entries_next(&entries, &entry)) == 0)
            ;
        assert_int_equal(r, ENTRIES_E_SHORT);
    }
    entries_init(&entries, good, sizeof(good) - 1, 1); /* something behind the last */
    assert_int_equal(entries_next(&entries, &entry), 0);
    assert_int_equal(entries_next(&entries, &entry), ENTRIES_E_SHORT);
}

static void test_entries_refused(void **state)
{
    static const struct {
        uint8_t bytes[12];
        int code;
    } rows[] = {
        {"\0\0\x03\0\x01\0\0\0x", ENTRIES_E_TOPIC},         {"\0\x01\x03\0\x01\0\0\0x", ENTRIES_E_TOPIC},
        {"\x01\0\0\0\x01\0\0\0tx", ENTRIES_E_TLP},          {"\x01\0\x04\0\x01\0\0\0tx", ENTRIES_E_TLP},
        {"\x01\0\x01\x01\x01\0\0\0tx", ENTRIES_E_RESERVED}, {"\x01\0\x01\0\0\0\0\0tx", ENTRIES_E_EVENT},
        {"\x01\0\x01\0\x01\0\x02\0tx", ENTRIES_E_EVENT},    {"\x01\0\x01\0\xff\xff\xff\xfftx", ENTRIES_E_EVENT},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct entries entries;
        struct entry entry;

        entries_init(&entries, rows[i].bytes, 10, 1);
        assert_int_equal(entries_next(&entries, &entry), rows[i].code);
        assert_non_null(entries_why(rows[i].code));
    }
}

/* ---- prefixes ---- */

static void test_prefixes(void **state)
{
    struct prefixes prefixes = {0};
    char text[16];

    (void)state;
    prefixes_add(&prefixes, "v1.", 3);
    prefixes_add(&prefixes, "v1.", 3); /* said twice, after a lie */
    prefixes_add(&prefixes, "", 0);
    prefixes_remove(&prefixes, "v2.", 3); /* a lie */
    assert_int_equal(prefixes_count(&prefixes), 2);
    assert_int_equal(prefixes.n_bytes, 3);
    assert_false(prefixes_are_too_many(&prefixes, 2));
    assert_true(prefixes_are_too_many(&prefixes, 1));
    prefixes_remove(&prefixes, "v1.", 3);
    assert_int_equal(prefixes.n_bytes, 0);
    for (int i = 0; i < 17; i++) { /* lies about each: the count stays, what was asked for counts */
        assert_false(prefixes_are_too_many(&prefixes, 2));
        (void)snprintf(text, sizeof(text), "v1.%d.", i);
        prefixes_add(&prefixes, text, strlen(text));
        prefixes_remove(&prefixes, text, strlen(text));
    }
    for (int i = 0; i < 100; i++)
        prefixes_add(&prefixes, "a", 1); /* many want the same */
    assert_false(prefixes_are_too_many(&prefixes, 2));
    prefixes_remove(&prefixes, "a", 1);
    prefixes_add(&prefixes, "a", 1);
    assert_true(prefixes_are_too_many(&prefixes, 2));
    prefixes_clear(&prefixes);
    prefixes_add(&prefixes, "v1.a.prefix.that.is.longer.than.most.and.costs.libzmq.as.much.as.two.", 70);
    assert_true(prefixes_are_too_many(&prefixes, 2));
    prefixes_clear(&prefixes);
    prefixes_add_unseen(&prefixes, 64);
    assert_false(prefixes_are_too_many(&prefixes, 2));
    prefixes_add_unseen(&prefixes, 64);
    assert_true(prefixes_are_too_many(&prefixes, 2));
    prefixes_clear(&prefixes);
    assert_int_equal(prefixes_count(&prefixes), 0);
}

/* ---- what may wait for subscribers ---- */

enum { TEST_BACKLOG_BYTES = 32 << 20 };

static enum backlog_act backlog_at(struct backlog *backlog, int64_t held_mib, uint64_t n_overflows, int64_t now_ms)
{
    const struct backlog_facts facts = {1, held_mib << 20, n_overflows, now_ms};

    return backlog_judge(backlog, &facts);
}

static void backlog_send(struct backlog *backlog, size_t len)
{
    for (int i = 0; i < 20 * BACKLOG_MEAN_RECORDS; i++)
        backlog_sent(backlog, len, 1);
}

static void test_backlog_is_lowered_only_when_memory_is_taken(void **state)
{
    struct backlog backlog;

    (void)state;
    backlog_init(&backlog, TEST_BACKLOG_BYTES);
    assert_int_equal(backlog.hwm, 32768);
    backlog_send(&backlog, 200);
    assert_int_equal(backlog_at(&backlog, 900, 0, 1), BACKLOG_STAY); /* small records: it is not the feed */
    backlog_send(&backlog, 60000);
    assert_int_equal(backlog_at(&backlog, 127, 0, 2), BACKLOG_STAY); /* readers keep up */
    assert_int_equal(backlog.hwm, 32768);
    assert_int_equal(backlog_at(&backlog, 129, 0, 3), BACKLOG_REOPEN);
    assert_in_range(backlog.hwm, 540, 580);
    assert_int_equal(backlog_at(&backlog, 900, 0, 4), BACKLOG_STAY); /* it fits: opening it again would not help */
}

static void test_backlog_is_raised_after_a_quiet_while(void **state)
{
    struct backlog backlog;

    (void)state;
    backlog_init(&backlog, TEST_BACKLOG_BYTES);
    backlog_send(&backlog, 60000);
    assert_int_equal(backlog_at(&backlog, 500, 0, 1000), BACKLOG_REOPEN);
    backlog_send(&backlog, 200);
    assert_int_equal(backlog_at(&backlog, 0, 7, 2000), BACKLOG_STAY);
    assert_int_equal(backlog_at(&backlog, 0, 7, 2000 + BACKLOG_QUIET_MS - 1), BACKLOG_STAY);
    assert_int_equal(backlog_at(&backlog, 0, 8, 2000 + BACKLOG_QUIET_MS), BACKLOG_STAY); /* another overflow */
    assert_int_equal(backlog_at(&backlog, 0, 8, 2000 + 2 * BACKLOG_QUIET_MS), BACKLOG_RAISE);
    assert_true(backlog.hwm > 30000);
}

static void test_backlog_of_a_crowd(void **state)
{
    struct backlog backlog;
    const struct backlog_facts facts = {1000, 200 << 20, 0, 1};

    (void)state;
    backlog_init(&backlog, TEST_BACKLOG_BYTES);
    assert_int_equal(backlog_judge(&backlog, &facts), BACKLOG_REOPEN);
    assert_true(backlog.hwm * BACKLOG_SLOT_BYTES * 1001 <= BACKLOG_SHARES * (int64_t)TEST_BACKLOG_BYTES);
}

/* Readers that came one after the other hold different records: a bound that fits each of them is too much for all. */
static void test_backlog_that_is_full_shrinks_whatever_fits(void **state)
{
    struct backlog backlog;

    (void)state;
    backlog_init(&backlog, TEST_BACKLOG_BYTES);
    backlog_shrink(&backlog, 5, 1);
    assert_int_equal(backlog.hwm, 16384); /* records of 1 KiB: the half of what fits each */
    backlog_send(&backlog, 60000);
    backlog_shrink(&backlog, 5, 2);
    assert_in_range(backlog.hwm, 540, 580); /* what fits, which is less than the half */
    for (int i = 0; i < 20; i++)
        backlog_shrink(&backlog, 5, 3);
    assert_int_equal(backlog.hwm, BACKLOG_MIN);
}

static void test_backlog_levels(void **state)
{
    enum { NOTED = 10000, OLD = NOTED + BACKLOG_NOTE_MS, AGAIN = OLD + 10, FAST = 30000, LATE = 40000 };
    static const struct {
        int64_t now_ms, held_mib;
        enum backlog_step step;
    } steps[] = {
        {0, 0, BACKLOG_GO_ON},
        {NOTED, 64, BACKLOG_GO_ON},
        {NOTED, 65, BACKLOG_NOTE},
        {NOTED, 64, BACKLOG_GO_ON}, /* about the half */
        {NOTED + 1, 65, BACKLOG_GO_ON},
        {OLD - 1, 49, BACKLOG_GO_ON},
        {OLD - 1, 96, BACKLOG_GO_ON},
        {OLD, 96, BACKLOG_NOTE}, /* what is compared then is not of hours */
        {OLD + 1, 97, BACKLOG_GO_ON},
        {OLD + BACKLOG_PATIENCE_MS - 1, 112, BACKLOG_GO_ON},
        {OLD + BACKLOG_PATIENCE_MS, 97, BACKLOG_END_DEAF},
        {OLD + BACKLOG_PATIENCE_MS, 128, BACKLOG_GO_ON},
        {OLD + BACKLOG_PATIENCE_MS, 129, BACKLOG_CLOSE},
        {OLD + BACKLOG_PATIENCE_MS, 48, BACKLOG_GO_ON}, /* it is over */
        {AGAIN + BACKLOG_PATIENCE_MS, 100, BACKLOG_NOTE},
        {FAST, 48, BACKLOG_GO_ON},
        {FAST, 65, BACKLOG_NOTE},
        {FAST + 1, 112, BACKLOG_GO_ON},
        {FAST + 2, 113, BACKLOG_END_DEAF}, /* no time for patience */
        {FAST + 3, 113, BACKLOG_GO_ON},
        {FAST + BACKLOG_NOTE_MS, 113, BACKLOG_NOTE}, /* it did not help, and somebody else may have stopped */
        {FAST + BACKLOG_NOTE_MS + 1, 113, BACKLOG_END_DEAF},
        {LATE, 130, BACKLOG_CLOSE},
        {LATE, 130, BACKLOG_CLOSE},
    };
    struct backlog_level level = {0};

    (void)state;
    for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
        assert_int_equal(backlog_level_step(&level, TEST_BACKLOG_BYTES, steps[i].held_mib << 20, steps[i].now_ms),
                         steps[i].step);
}

static void test_backlog_is_looked_at_when_slots_could_matter(void **state)
{
    const struct backlog_facts facts = {1000, 0, 0, 1};
    struct backlog backlog;

    (void)state;
    backlog_init(&backlog, TEST_BACKLOG_BYTES);
    for (int i = 0; i < TEST_BACKLOG_BYTES / BACKLOG_SLOT_BYTES / 1000; i++)
        backlog_sent(&backlog, 100, 1000);
    assert_false(backlog_is_due(&backlog));
    backlog_sent(&backlog, 100, 1000);
    assert_true(backlog_is_due(&backlog));
    assert_int_equal(backlog_judge(&backlog, &facts), BACKLOG_STAY);
    assert_false(backlog_is_due(&backlog));
}

/* What all may send ahead is shared: late ones have less, and never nothing. */
static void test_windows_are_granted_from_one_budget(void **state)
{
    enum { MIB = 1 << 20, SESSIONS = 40 };
    static const uint32_t first[] = {8 * MIB, 8 * MIB, 8 * MIB, 8 * MIB, 8 * MIB, 8 * MIB, 8 * MIB, 4 * MIB, 2 * MIB};
    struct ingest_sessions sessions;
    struct broker_peer peer;
    uint64_t sum = 0;

    (void)state;
    ingest_sessions_init(&sessions, SESSIONS);
    for (uint32_t i = 0; i < SESSIONS; i++) {
        uint32_t window = ingest_sessions_grant(&sessions, 64 * MIB, 8 * MIB);

        if (i < sizeof(first) / sizeof(first[0]))
            assert_int_equal(window, first[i]);
        assert_true(broker_peer_set(&peer, &i, sizeof(i)));
        ingest_sessions_add(&sessions, &peer, "p")->window_bytes = window;
        sum += window;
        assert_true(window >= INGEST_SESSION_WINDOW_MIN);
        assert_true(sum <= 64 * MIB + (uint64_t)i * INGEST_SESSION_WINDOW_MIN);
        assert_int_equal(ingest_sessions_most(&sessions, 64 * MIB), 128 * MIB);
        assert_int_equal(ingest_sessions_most(&sessions, MIB), sum + sum / 4); /* who keeps to it is never too much */
    }
    ingest_sessions_remove(&sessions, &sessions.items[0]);
    ingest_sessions_remove(&sessions, &sessions.items[0]);
    assert_true(ingest_sessions_grant(&sessions, 64 * MIB, 8 * MIB) > INGEST_SESSION_WINDOW_MIN);
    ingest_sessions_deinit(&sessions);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_backlog_that_is_full_shrinks_whatever_fits),
        cmocka_unit_test(test_backlog_levels),
        cmocka_unit_test(test_backlog_is_looked_at_when_slots_could_matter),
        cmocka_unit_test(test_windows_are_granted_from_one_budget),
        cmocka_unit_test(test_backlog_is_lowered_only_when_memory_is_taken),
        cmocka_unit_test(test_backlog_is_raised_after_a_quiet_while),
        cmocka_unit_test(test_backlog_of_a_crowd),
        cmocka_unit_test(test_hello),
        cmocka_unit_test(test_data),
        cmocka_unit_test(test_sessions_are_bounded),
        cmocka_unit_test(test_entries),
        cmocka_unit_test(test_entries_refused),
        cmocka_unit_test(test_prefixes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
