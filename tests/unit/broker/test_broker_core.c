/* The broker's rules: sequences, entries, calls, long polls. */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include <tip/cleanup.h>

#include "core/entries.h"
#include "core/fetchers.h"
#include "core/sessions.h"
#include "core/work.h"

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

/* ---- calls ---- */

struct said {
    char text[2000];
    bool gone; /* workers cannot be reached */
};

static void say(struct said *said, const char *what, const struct broker_peer *to, const uint8_t *id, const char *more)
{
    size_t at = strlen(said->text);

    (void)snprintf(said->text + at, sizeof(said->text) - at, "%s(%.*s,%c,%s) ", what, to->len, (const char *)to->bytes,
                   id[0], more);
}

static bool said_job(void *ctx, const struct broker_peer *to, const struct work_job *job)
{
    struct said *said = ctx;
    char more[32];

    if (said->gone)
        return false;
    (void)snprintf(more, sizeof(more), "%.*s", (int)job->body_len, (const char *)job->body);
    say(said, "job", to, job->id, more);
    return true;
}

static void said_result(void *ctx, const struct broker_peer *to, const uint8_t *id, const uint8_t *body, size_t n)
{
    char more[32];

    (void)snprintf(more, sizeof(more), "%.*s", (int)n, (const char *)body);
    say(ctx, "result", to, id, more);
}

static void said_failed(void *ctx, const struct broker_peer *to, const uint8_t *id, const char *reason, uint32_t code)
{
    char more[128];

    (void)snprintf(more, sizeof(more), "%u %s", code, reason);
    say(ctx, "failed", to, id, more);
}

static struct work *work_of(struct said *said)
{
    const struct work_out out = {said_job, said_result, said_failed, said};

    *said = (struct said){0};
    return work_new(&(struct work_limits){.queue_max = 3, .jobs_max = 5, .workers_max = 2, .bytes_max = 100}, &out);
}

static int put(struct work *work, const char *from, char id, const char *queue, const char *body, uint32_t deadline_ms)
{
    uint8_t bytes[WORK_ID_BYTES];
    struct broker_peer caller = peer(from);

    memset(bytes, id, sizeof(bytes));
    return work_put(
        work, &caller,
        &(struct work_put){bytes, sizeof(bytes), queue, "test", (const uint8_t *)body, strlen(body), deadline_ms},
        1000);
}

static int take(struct work *work, const char *from, const char *queue, uint32_t credit)
{
    struct broker_peer worker = peer(from);

    return work_take(work, &worker, queue, credit, 1000);
}

static int done(struct work *work, const char *from, char id, uint32_t attempt, const char *reason)
{
    uint8_t bytes[WORK_ID_BYTES];
    struct broker_peer worker = peer(from);

    memset(bytes, id, sizeof(bytes));
    return work_answer(work, &worker,
                       &(struct work_answer){bytes, sizeof(bytes), attempt, (const uint8_t *)"yes", 3, reason, 0});
}

#define assert_said(said, expected)                  \
    do {                                             \
        assert_string_equal((said)->text, expected); \
        (said)->text[0] = 0;                         \
    } while (0)

static void test_call(void **state)
{
    tip_auto(work_destroy) struct work *work = NULL;
    struct said said;

    (void)state;
    work = work_of(&said);
    assert_int_equal(put(work, "c", 'a', "store.query", "?", 5000), 0);
    assert_said(&said, "");
    assert_int_equal(take(work, "w", "store.query", 1), 0);
    assert_said(&said, "job(w,a,?) ");
    assert_int_equal(put(work, "c", 'b', "store.query", "more", 5000), 0); /* no credit left */
    assert_said(&said, "");
    assert_int_equal(put(work, "d", 'a', "store.query", "?", 5000), 0); /* joins */
    assert_int_equal(done(work, "w", 'a', 1, NULL), 0);
    assert_said(&said, "result(c,a,yes) result(d,a,yes) ");
    assert_int_equal(take(work, "w", "store.query", 2), 0);
    assert_said(&said, "job(w,b,more) ");
    assert_int_equal(done(work, "w", 'b', 1, "no such thing"), 0);
    assert_said(&said, "failed(c,b,1 no such thing) ");
    assert_int_equal(done(work, "w", 'b', 1, NULL), WORK_E_LOST);
}

static void test_call_answers_are_checked(void **state)
{
    tip_auto(work_destroy) struct work *work = NULL;
    struct said said;

    (void)state;
    work = work_of(&said);
    assert_int_equal(take(work, "w", "q", 1), 0);
    assert_int_equal(put(work, "c", 'a', "q", "", 5000), 0);
    assert_int_equal(done(work, "x", 'a', 1, NULL), WORK_E_LOST);
    assert_int_equal(done(work, "w", 'a', 2, NULL), WORK_E_LOST);
    assert_int_equal(done(work, "w", 'z', 1, NULL), WORK_E_LOST);
    assert_int_equal(done(work, "w", 'a', 1, NULL), 0);
}

static void test_call_deadlines(void **state)
{
    tip_auto(work_destroy) struct work *work = NULL;
    struct said said;

    (void)state;
    work = work_of(&said);
    assert_int_equal(take(work, "w", "served", 1), 0);
    assert_int_equal(put(work, "c", 'a', "served", "", 500), 0);
    assert_int_equal(put(work, "c", 'b', "nobody", "", 500), 0);
    assert_said(&said, "job(w,a,) ");
    work_tick(work, 1499);
    assert_said(&said, "");
    work_tick(work, 1500);
    assert_said(&said, "failed(c,a,3 'served' did not answer in time) failed(c,b,4 no service answers 'nobody') ");
    assert_int_equal(done(work, "w", 'a', 1, NULL), WORK_E_LOST);
}

static void test_call_limits(void **state)
{
    tip_auto(work_destroy) struct work *work = NULL;
    char big[101];
    struct said said;

    (void)state;
    work = work_of(&said);
    memset(big, 'x', 100);
    big[100] = 0;
    for (char id = 'a'; id < 'd'; id++)
        assert_int_equal(put(work, "c", id, "q", "", 500), 0);
    assert_int_equal(put(work, "c", 'd', "q", "", 500), WORK_E_FULL); /* of a queue */
    assert_int_equal(put(work, "c", 'e', "r", big, 500), 0);
    assert_int_equal(put(work, "c", 'f', "s", "x", 500), WORK_E_FULL); /* bytes */
    assert_int_equal(put(work, "c", 'f', "s", "", 500), 0);
    assert_int_equal(put(work, "c", 'g', "t", "", 500), WORK_E_FULL); /* in all */
    assert_int_equal(put(work, "c", 'h', "No", "", 500), WORK_E_INVALID);
    assert_int_equal(take(work, "v", "x", 1), 0);
    assert_int_equal(take(work, "w", "x", 1), 0);
    assert_int_equal(take(work, "x", "x", 1), WORK_E_FULL);
    assert_int_equal(take(work, "x", "", 1), WORK_E_INVALID);
}

static void test_worker_that_is_gone(void **state)
{
    tip_auto(work_destroy) struct work *work = NULL;
    struct said said;

    (void)state;
    work = work_of(&said);
    assert_int_equal(take(work, "w", "q", 5), 0);
    said.gone = true;
    assert_int_equal(put(work, "c", 'a', "q", "", 500), 0);
    said.gone = false;
    assert_int_equal(take(work, "v", "q", 1), 0);
    assert_said(&said, "job(v,a,) ");
    work_tick(work, 1000 + WORK_SILENCE_MS + 1); /* and v falls silent */
    assert_int_equal(put(work, "c", 'b', "q", "", 500), 0);
    work_tick(work, 1000 + WORK_SILENCE_MS + 2);
    assert_non_null(strstr(said.text, "no service answers 'q'"));
}

/* ---- long polls ---- */

static void test_fetchers(void **state)
{
    char *prefixes[] = {(char[]){"v1.listing."}, (char[]){"v1.source.ok."}};
    struct fetch_request request = {.from = 5, .until_ms = 100, .prefixes = prefixes, .n_prefixes = 2};
    struct broker_peer a = peer("a"), b = peer("b"), c = peer("c");
    struct fetchers fetchers;
    struct fetcher *fetcher;
    uint64_t first;

    (void)state;
    fetchers_init(&fetchers, 2);
    assert_int_equal(fetchers_next_ms(&fetchers), INT64_MAX);
    fetcher = fetchers_ask(&fetchers, &a, &request, 1);
    first = fetcher->id;
    assert_int_equal(fetcher->request.max_bytes, FETCH_BYTES_MAX);
    assert_true(fetcher_wants(fetcher, "v1.listing.delta.x.", 19));
    assert_true(fetcher_wants(fetcher, "v1.source.ok.", 13));
    assert_false(fetcher_wants(fetcher, "v1.source.failed.x.", 19));
    assert_false(fetcher_wants(fetcher, "v1.list", 7));
    assert_int_equal(fetchers_next_ms(&fetchers), 100);
    fetcher = fetchers_ask(&fetchers, &a, &request, 2); /* asks anew */
    assert_null(fetchers_get(&fetchers, first));
    assert_ptr_equal(fetchers_get(&fetchers, fetcher->id), fetcher);
    assert_non_null(fetchers_ask(&fetchers, &b, &request, 3));
    assert_null(fetchers_ask(&fetchers, &c, &request, 4));
    fetchers_answered(&fetchers.items[0]);
    assert_non_null(fetchers_ask(&fetchers, &c, &request, 5)); /* in the place of one that asks for nothing */
    fetchers_deinit(&fetchers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_hello),
        cmocka_unit_test(test_data),
        cmocka_unit_test(test_sessions_are_bounded),
        cmocka_unit_test(test_entries),
        cmocka_unit_test(test_entries_refused),
        cmocka_unit_test(test_call),
        cmocka_unit_test(test_call_answers_are_checked),
        cmocka_unit_test(test_call_deadlines),
        cmocka_unit_test(test_call_limits),
        cmocka_unit_test(test_worker_that_is_gone),
        cmocka_unit_test(test_fetchers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
