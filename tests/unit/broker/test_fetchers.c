/* Who is read for next: places, the line, turns; and what of it has not been read. */
#include <check.h>
#include <stdio.h>

#include "core/fetchers.h"
#include "core/unread.h"

static struct broker_peer peer_of(const struct access_key *key, const char *name)
{
    struct broker_peer peer;

    assert_true(broker_peer_set(&peer, name, strlen(name)));
    peer.key = key;
    return peer;
}

static bool ask(struct fetchers *fetchers, const struct access_key *key, const char *name)
{
    const struct fetch_request request = {.from = 5, .until_ms = 10000};
    struct broker_peer peer = peer_of(key, name);

    return fetchers_ask(fetchers, &peer, &request);
}

/* Whoever gets a free place at now_ms has this name; "" for nobody. */
static struct fetcher *expect_next(struct fetchers *fetchers, int64_t now_ms, const char *name)
{
    struct fetcher *fetcher = fetchers_next(fetchers, now_ms);
    char got[BROKER_PEER_MAX + 1] = "";

    if (fetcher) {
        memcpy(got, fetcher->peer.bytes, fetcher->peer.len);
        assert_true(fetcher->waiting);
    }
    assert_string_equal(got, name);
    return fetcher;
}

static void test_request(void **state)
{
    char *prefixes[] = {(char[]){"v1.listing."}, (char[]){"v1.source.ok."}};
    const struct fetch_request request = {.from = 5, .until_ms = 100, .prefixes = prefixes, .n_prefixes = 2};
    struct broker_peer a = peer_of(NULL, "a");
    struct fetchers fetchers;
    struct fetcher *fetcher;
    uint64_t first;

    (void)state;
    fetchers_init(&fetchers, 2);
    assert_int_equal(fetchers_next_ms(&fetchers), INT64_MAX);
    assert_true(fetchers_ask(&fetchers, &a, &request));
    fetcher = expect_next(&fetchers, 1, "a");
    first = fetcher->id;
    assert_int_equal(fetcher->request.max_bytes, FETCH_BYTES_MAX);
    assert_true(fetcher_wants(fetcher, 3, "v1.listing.delta.x.", 19));
    assert_true(fetcher_wants(fetcher, 3, "v1.source.ok.", 13));
    assert_false(fetcher_wants(fetcher, 3, "v1.source.failed.x.", 19));
    assert_false(fetcher_wants(fetcher, 3, "v1.list", 7));
    assert_int_equal(fetchers_next_ms(&fetchers), 100);
    assert_true(fetchers_ask(&fetchers, &a, &request)); /* anew */
    assert_null(fetchers_get(&fetchers, first));
    fetcher = expect_next(&fetchers, 2, "a");
    assert_ptr_equal(fetchers_get(&fetchers, fetcher->id), fetcher);
    expect_next(&fetchers, 2, "");
    fetchers_deinit(&fetchers);
}

/* Who asks again and again does not come before who asked once. */
static void test_line(void **state)
{
    struct fetchers fetchers;
    struct fetcher *fetcher;

    (void)state;
    fetchers_init(&fetchers, 1);
    assert_true(ask(&fetchers, NULL, "greedy"));
    fetcher = expect_next(&fetchers, 1, "greedy");
    assert_true(ask(&fetchers, NULL, "b"));
    assert_true(ask(&fetchers, NULL, "c"));
    expect_next(&fetchers, 2, "");
    fetchers_answered(fetcher);
    assert_true(ask(&fetchers, NULL, "greedy")); /* sooner than the others have looked */
    assert_true(ask(&fetchers, NULL, "b"));      /* asking anew in the line keeps its turn */
    fetcher = expect_next(&fetchers, 3, "b");
    expect_next(&fetchers, 3, "");
    assert_true(ask(&fetchers, NULL, "b")); /* asking anew with a place gives it up */
    expect_next(&fetchers, 4, "c");
    fetchers_answered(fetcher);
    fetcher = expect_next(&fetchers, 5, "greedy");
    fetchers_answered(fetcher);
    expect_next(&fetchers, 6, "b");
    expect_next(&fetchers, 6, "");
    fetchers_deinit(&fetchers);
}

static void test_line_is_bounded(void **state)
{
    struct broker_peer gone = peer_of(NULL, "l7");
    struct fetchers fetchers;
    char name[16];

    (void)state;
    fetchers_init(&fetchers, 1);
    assert_true(ask(&fetchers, NULL, "a"));
    expect_next(&fetchers, 1, "a");
    for (int i = 0; i < FETCH_LINE_MAX; i++) {
        (void)snprintf(name, sizeof(name), "l%d", i);
        assert_true(ask(&fetchers, NULL, name));
    }
    assert_false(ask(&fetchers, NULL, "z"));
    assert_true(ask(&fetchers, NULL, "l0")); /* stands in it */
    fetchers_forget(&fetchers, &gone);
    assert_true(ask(&fetchers, NULL, "z"));
    assert_int_equal(fetchers.n_line, FETCH_LINE_MAX);
    fetchers_deinit(&fetchers);
}

/* Nobody waits in vain with a place for longer than a turn while others stand in line. */
static void test_turns(void **state)
{
    struct fetchers fetchers;
    struct fetcher *a, *b;

    (void)state;
    fetchers_init(&fetchers, 2);
    assert_true(ask(&fetchers, NULL, "a") && ask(&fetchers, NULL, "b"));
    a = expect_next(&fetchers, 0, "a");
    b = fetchers_next(&fetchers, 10);
    a = &fetchers.items[0]; /* pointers live until the next call */
    assert_int_equal(fetchers_next_ms(&fetchers), 10000);
    assert_null(fetchers_yielding(&fetchers, 9999)); /* nobody stands in line */
    assert_true(ask(&fetchers, NULL, "c"));
    assert_int_equal(fetchers_next_ms(&fetchers), FETCH_TURN_MS);
    assert_null(fetchers_yielding(&fetchers, FETCH_TURN_MS - 1));
    assert_ptr_equal(fetchers_yielding(&fetchers, FETCH_TURN_MS + 50), a);
    a->stirred = true; /* there is something for it: it is read for, and leaves then */
    assert_ptr_equal(fetchers_yielding(&fetchers, FETCH_TURN_MS + 50), b);
    b->reading = true;
    assert_null(fetchers_yielding(&fetchers, FETCH_TURN_MS + 50));
    fetchers_answered(b);
    expect_next(&fetchers, FETCH_TURN_MS + 50, "c");
    assert_null(fetchers_yielding(&fetchers, 2 * FETCH_TURN_MS));
    fetchers_deinit(&fetchers);
}

/* Those outside have half of the places at most, come behind those inside, and take turns among themselves. */
static void test_outside(void **state)
{
    static const struct access_key soc = {.name = "soc", .roles = 1U << ACCESS_CONSUMER},
                                   csirt = {.name = "csirt", .roles = 1U << ACCESS_CONSUMER};
    struct fetchers fetchers;

    (void)state;
    fetchers_init(&fetchers, 4);
    for (int i = 0; i < FETCH_OUTSIDE_MAX; i++)
        assert_true(ask(&fetchers, &soc, (char[]){(char)('a' + i), '\0'}));
    assert_false(ask(&fetchers, &soc, "e"));
    expect_next(&fetchers, 1, "a");
    expect_next(&fetchers, 2, "b");
    expect_next(&fetchers, 2, "");
    assert_false(ask(&fetchers, &soc, "e")); /* with a place or without, it waits four times */
    assert_true(ask(&fetchers, &csirt, "x"));
    assert_true(ask(&fetchers, NULL, "in"));
    expect_next(&fetchers, 3, "in");
    expect_next(&fetchers, 3, "");
    assert_ptr_equal(fetchers_yielding(&fetchers, 2000), &fetchers.items[0]);
    fetchers_answered(&fetchers.items[0]);
    expect_next(&fetchers, 2000, "c");
    assert_ptr_equal(fetchers_yielding(&fetchers, 2000), &fetchers.items[1]);
    fetchers_answered(&fetchers.items[1]);
    expect_next(&fetchers, 2000, "d");
    assert_null(fetchers_yielding(&fetchers, 2000)); /* not the one inside, for one outside */
    fetchers_answered(&fetchers.items[0]);
    expect_next(&fetchers, 2000, "x");
    fetchers_deinit(&fetchers);
}

static void test_unread(void **state)
{
    struct broker_peer a = peer_of(NULL, "a"), b = peer_of(NULL, "b");
    struct unread unread = {0};
    void *of_a, *of_b, *more_of_a;

    (void)state;
    assert_false(unread_has(&unread, &a));
    of_a = unread_add(&unread, &a, 100);
    of_b = unread_add(&unread, &b, 1000);
    more_of_a = unread_add(&unread, &a, 10);
    unread_sweep(&unread);
    assert_int_equal(unread.bytes, 1110);
    unread_left(NULL, of_a);
    unread_left(NULL, of_b);
    unread_sweep(&unread);
    assert_int_equal(unread.bytes, 10);
    assert_true(unread_has(&unread, &a));
    assert_false(unread_has(&unread, &b));
    unread_deinit(&unread);
    unread_left(NULL, more_of_a); /* after the door was closed */
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_request), cmocka_unit_test(test_line),    cmocka_unit_test(test_line_is_bounded),
        cmocka_unit_test(test_turns),   cmocka_unit_test(test_outside), cmocka_unit_test(test_unread),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
