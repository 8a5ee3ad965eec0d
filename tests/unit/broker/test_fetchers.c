/* Who is read for next: places, the line, turns; who may come at all; and what of it has not been read. */
#include <check.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "core/fetchers.h"
#include "core/guests.h"
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

/* Who is answered for the one that stands in line makes room for it; nobody else need go. */
static void test_one_yields_for_one(void **state)
{
    struct fetchers fetchers;

    (void)state;
    fetchers_init(&fetchers, 3);
    assert_true(ask(&fetchers, NULL, "a") && ask(&fetchers, NULL, "b") && ask(&fetchers, NULL, "c"));
    expect_next(&fetchers, 0, "a");
    expect_next(&fetchers, 0, "b");
    expect_next(&fetchers, 0, "c");
    assert_true(ask(&fetchers, NULL, "d"));
    fetchers_answered(fetchers_yielding(&fetchers, FETCH_TURN_MS));
    assert_null(fetchers_yielding(&fetchers, FETCH_TURN_MS));
    expect_next(&fetchers, FETCH_TURN_MS, "d");
    assert_null(fetchers_yielding(&fetchers, FETCH_TURN_MS));
    fetchers_deinit(&fetchers);
}

/* Who waits for the pool is looked at when that moves: a time that is over must not be asked for again and again. */
static void test_no_time_while_the_pool_is_full(void **state)
{
    struct fetchers fetchers;
    struct fetcher *fetcher;

    (void)state;
    fetchers_init(&fetchers, 1);
    assert_true(ask(&fetchers, NULL, "a"));
    fetcher = expect_next(&fetchers, 1, "a");
    assert_int_equal(fetchers_next_ms(&fetchers), 10000);
    fetcher->stirred = true;
    assert_int_equal(fetchers_next_ms(&fetchers), INT64_MAX);
    fetcher->rest_ms = 300; /* of an outside one: a time to come */
    assert_int_equal(fetchers_next_ms(&fetchers), 300);
    fetchers_deinit(&fetchers);
}

/* Asking again in line keeps the turn and begins a new time; who does not, has left. */
static void test_left_the_line(void **state)
{
    enum { GONE_MS = 10000 + FETCH_LINE_PATIENCE_MS };
    const struct fetch_request again = {.from = 5, .until_ms = 16000};
    struct broker_peer c = peer_of(NULL, "c");
    struct fetchers fetchers;
    struct fetcher left, *a;

    (void)state;
    fetchers_init(&fetchers, 1);
    assert_true(ask(&fetchers, NULL, "a"));
    a = expect_next(&fetchers, 1, "a");
    a->reading = true;
    assert_true(ask(&fetchers, NULL, "b") && ask(&fetchers, NULL, "c") && ask(&fetchers, NULL, "d"));
    assert_true(fetchers_ask(&fetchers, &c, &again));
    assert_int_equal(fetchers_next_ms(&fetchers), GONE_MS);
    assert_false(fetchers_forsaken(&fetchers, GONE_MS - 1, &left));
    for (int i = 0; i < 2; i++) {
        assert_true(fetchers_forsaken(&fetchers, GONE_MS, &left));
        assert_memory_equal(left.peer.bytes, i ? "d" : "b", 1);
        fetchers_answered(&left);
    }
    assert_false(fetchers_forsaken(&fetchers, GONE_MS, &left));
    assert_int_equal(fetchers_next_ms(&fetchers), 16000 + FETCH_LINE_PATIENCE_MS);
    fetchers_answered(a);
    expect_next(&fetchers, GONE_MS, "c");
    assert_int_equal(fetchers.n_line, 0);
    fetchers_deinit(&fetchers);
}

/* By the peer as it stands in the line, which moves then: as revoking does. */
static void test_forgotten_in_line(void **state)
{
    static const struct access_key soc = {.name = "soc", .roles = 1U << ACCESS_CONSUMER};
    struct fetchers fetchers;

    (void)state;
    fetchers_init(&fetchers, 1);
    assert_true(ask(&fetchers, NULL, "a"));
    expect_next(&fetchers, 1, "a");
    assert_true(ask(&fetchers, &soc, "x") && ask(&fetchers, NULL, "b") && ask(&fetchers, &soc, "y"));
    fetchers.items[0].peer = peer_of(NULL, "b"); /* what would be forgotten too, were the line looked at again */
    for (size_t i = fetchers.n_line; i-- > 0;) {
        if (fetchers.line[i].peer.key == &soc)
            fetchers_forget(&fetchers, &fetchers.line[i].peer);
    }
    assert_int_equal(fetchers.n_line, 1);
    assert_true(fetchers.items[0].waiting);
    fetchers_answered(&fetchers.items[0]);
    expect_next(&fetchers, 2, "b");
    fetchers_deinit(&fetchers);
}

/* However many ask inside, one place of several is for those outside. */
static void test_outside_does_not_starve(void **state)
{
    static const struct access_key soc = {.name = "soc", .roles = 1U << ACCESS_CONSUMER};
    struct fetchers fetchers;

    (void)state;
    fetchers_init(&fetchers, 2);
    assert_true(ask(&fetchers, NULL, "a") && ask(&fetchers, NULL, "b"));
    expect_next(&fetchers, 0, "a");
    expect_next(&fetchers, 0, "b");
    assert_true(ask(&fetchers, &soc, "x")); /* nobody inside stands in line; these two have nothing to do */
    fetchers_answered(fetchers_yielding(&fetchers, FETCH_TURN_MS));
    assert_true(ask(&fetchers, NULL, "c"));
    expect_next(&fetchers, FETCH_TURN_MS, "x");
    assert_true(ask(&fetchers, &soc, "y"));
    fetchers_answered(&fetchers.items[1]);
    expect_next(&fetchers, FETCH_TURN_MS, "c"); /* those outside have their place */
    fetchers_deinit(&fetchers);
}

/* A single place is for those inside. */
static void test_outside_of_one_place(void **state)
{
    static const struct access_key soc = {.name = "soc", .roles = 1U << ACCESS_CONSUMER};
    struct fetchers fetchers;

    (void)state;
    fetchers_init(&fetchers, 1);
    assert_true(ask(&fetchers, &soc, "x") && ask(&fetchers, NULL, "a"));
    fetchers_answered(expect_next(&fetchers, 0, "a"));
    expect_next(&fetchers, 0, "x");
    fetchers_deinit(&fetchers);
}

static void test_unread(void **state)
{
    struct broker_peer a = peer_of(NULL, "a"), b = peer_of(NULL, "b");
    struct unread unread = {0};
    void *of_a, *of_b, *more_of_a;

    (void)state;
    assert_false(unread_has(&unread, &a));
    of_a = unread_add(&unread, &a, 100, 0);
    of_b = unread_add(&unread, &b, 1000, 0);
    more_of_a = unread_add(&unread, &a, 10, 0);
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

/* What the kernel was given for three connections; the cookie is the descriptor's hundredfold. */
static uint64_t test_given[3], test_acked[3];

static uint64_t given(int fd, uint64_t *cookiep, uint64_t *ackedp)
{
    uint64_t cookie = 100 * (uint64_t)fd;

    if (!*cookiep)
        *cookiep = cookie;
    if (*cookiep != cookie)
        return UINT64_MAX;
    *ackedp = test_acked[fd];
    return test_given[fd];
}

/* What was encrypted is free for libzmq, and is held all the same. */
static void test_unread_until_the_kernel_has_it(void **state)
{
    struct broker_peer a = peer_of(NULL, "a"), b = peer_of(NULL, "b");
    struct unread unread = {.given = given};
    void *first, *second;

    (void)state;
    a.fd = 1;
    b.fd = 2;
    test_given[1] = 5000;
    test_given[2] = 70;
    first = unread_add(&unread, &a, 1000, 0);
    second = unread_add(&unread, &a, 200, 0);
    unread_left(NULL, first);
    unread_left(NULL, second);
    unread_sweep(&unread);
    assert_int_equal(unread.bytes, 1200);
    test_given[1] = 6010;
    unread_sweep(&unread);
    assert_int_equal(unread.bytes, 200);
    test_given[1] = 6199; /* what went before is no part of it */
    unread_sweep(&unread);
    assert_true(unread_has(&unread, &a));
    test_given[1] = 6200;
    unread_sweep(&unread);
    assert_int_equal(unread.bytes, 0);
    first = unread_add(&unread, &b, 30, 0);
    unread_left(NULL, first);
    unread_unsent(&unread, first); /* the kernel never gets it */
    unread_sweep(&unread);
    assert_false(unread_has(&unread, &b));
    unread_left(NULL, unread_add(&unread, &b, 30, 0));
    test_given[2] = UINT64_MAX; /* it is gone */
    unread_sweep(&unread);
    assert_int_equal(unread.bytes, 0);
    unread_deinit(&unread);
}

/* Who asked has gone, and the number is a stranger's: what that one takes says nothing, and it is not cut. */
static void test_unread_of_a_number_that_is_used_again(void **state)
{
    struct broker_peer a = peer_of(NULL, "a");
    struct unread unread = {.given = given};
    struct unread_line line;
    void *hint;

    (void)state;
    a.fd = 1;
    a.cookie = 77;
    test_given[1] = 10;
    hint = unread_add(&unread, &a, 100, 0);
    unread_watch(&unread, 1000);
    assert_int_equal(unread.bytes, 100);
    assert_false(unread_stuck(&unread, UNREAD_PATIENCE_MS, &line));
    unread_left(NULL, hint);
    unread_sweep(&unread);
    assert_int_equal(unread.bytes, 0);
    unread_deinit(&unread);
}

/*
 * Of whom nothing moves is stuck, once with all that it holds; whose other side takes a byte now and then is not, nor
 * one whom the kernel does not know.
 */
static void test_unread_that_is_stuck(void **state)
{
    struct broker_peer a = peer_of(NULL, "a"), b = peer_of(NULL, "b"), local = peer_of(NULL, "l");
    struct unread unread = {.given = given};
    struct unread_line line;
    void *hints[4];

    (void)state;
    a.fd = 1;
    b.fd = 2;
    test_given[0] = UINT64_MAX;
    test_given[1] = test_given[2] = 10;
    test_acked[1] = test_acked[2] = 5;
    hints[0] = unread_add(&unread, &local, 100, 0);
    hints[1] = unread_add(&unread, &b, 100, 0);
    hints[2] = unread_add(&unread, &a, 100, 0);
    hints[3] = unread_add(&unread, &a, 7, 0);
    test_acked[2]++; /* though the kernel was given nothing more */
    unread_watch(&unread, 1000);
    assert_false(unread_stuck(&unread, UNREAD_PATIENCE_MS - 1, &line));
    assert_true(unread_stuck(&unread, UNREAD_PATIENCE_MS, &line));
    assert_int_equal(line.fd, 1);
    assert_int_equal(line.cookie, 100);
    assert_int_equal(line.n_bytes, 107);
    assert_false(unread_stuck(&unread, UNREAD_PATIENCE_MS, &line));
    assert_true(unread_stuck(&unread, UNREAD_PATIENCE_MS + 1000, &line));
    assert_int_equal(line.fd, 2);
    assert_false(unread_stuck(&unread, UNREAD_PATIENCE_MS + 1000, &line));
    unread_deinit(&unread);
    for (size_t i = 0; i < 4; i++)
        unread_left(NULL, hints[i]);
}

/* libzmq tells from its own thread, some before a sweep and some behind it: each is freed once and counted once. */
static void *leave_all(void *arg)
{
    void **hints = arg;

    for (size_t i = 0; hints[i]; i++)
        unread_left(malloc(100), hints[i]);
    return NULL;
}

static void test_unread_across_threads(void **state)
{
    enum { BATCHES = 5000 };
    static void *hints[BATCHES + 1];
    struct broker_peer a = peer_of(NULL, "a");
    struct unread unread = {0};
    pthread_t thread;

    (void)state;
    for (size_t i = 0; i < BATCHES; i++)
        hints[i] = unread_add(&unread, &a, 100, 0);
    assert_int_equal(pthread_create(&thread, NULL, leave_all, hints), 0);
    for (size_t n = BATCHES; n > 0;) {
        unread_sweep(&unread);
        assert_true(unread.n <= n);
        assert_int_equal(unread.bytes, unread.n * 100);
        n = unread.n;
    }
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_false(unread_has(&unread, &a));
    unread_deinit(&unread);
}

static bool is_even(void *ctx, const struct broker_peer *peer)
{
    ++*(unsigned *)ctx;
    return peer->bytes[0] % 2 == 0;
}

/* So many connections a key; who was there before comes in again; those who are gone make room. */
static void test_guests(void **state)
{
    struct access_key soc = {.name = "soc", .roles = 1U << ACCESS_CONSUMER}, csirt = soc;
    const struct access_key inside = {.name = "web", .roles = 1U << ACCESS_SERVICE};
    struct broker_peer peers[3 * GUESTS_MAX], late = peer_of(&soc, "z");
    struct guests guests = {0};
    unsigned n_asked = 0;

    (void)state;
    for (int i = 0; i < 3 * GUESTS_MAX; i++)
        peers[i] = peer_of(i < GUESTS_MAX ? &soc : i % 2 ? &inside : NULL, (char[]){(char)('A' + i), '\0'});
    for (int i = 0; i < 3 * GUESTS_MAX; i++)
        assert_true(guests_enter(&guests, &peers[i]));
    assert_int_equal(guests.n, GUESTS_MAX);
    assert_false(guests_enter(&guests, &late));
    assert_true(guests_enter(&guests, &peers[0]));
    late.key = &csirt; /* another key with a connection of that name */
    assert_true(guests_enter(&guests, &late));
    guests_sweep(&guests, &soc, is_even, &n_asked);
    assert_int_equal(n_asked, GUESTS_MAX);
    assert_int_equal(guests.n, GUESTS_MAX / 2 + 1);
    late.key = &soc;
    assert_true(guests_enter(&guests, &late));
    soc.revoked = true;
    guests_sweep(&guests, NULL, NULL, NULL);
    assert_int_equal(guests.n, 1);
    assert_ptr_equal(guests.items[0].key, &csirt);
    guests_deinit(&guests);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_request),
        cmocka_unit_test(test_line),
        cmocka_unit_test(test_line_is_bounded),
        cmocka_unit_test(test_turns),
        cmocka_unit_test(test_outside),
        cmocka_unit_test(test_one_yields_for_one),
        cmocka_unit_test(test_no_time_while_the_pool_is_full),
        cmocka_unit_test(test_left_the_line),
        cmocka_unit_test(test_forgotten_in_line),
        cmocka_unit_test(test_outside_does_not_starve),
        cmocka_unit_test(test_outside_of_one_place),
        cmocka_unit_test(test_unread),
        cmocka_unit_test(test_unread_until_the_kernel_has_it),
        cmocka_unit_test(test_unread_of_a_number_that_is_used_again),
        cmocka_unit_test(test_unread_that_is_stuck),
        cmocka_unit_test(test_unread_across_threads),
        cmocka_unit_test(test_guests),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
