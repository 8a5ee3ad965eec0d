#include "check.h"

#include <sodium.h>

#include "core/auth.h"

enum { NOW = 1000000 };

static void add(struct web_auth *auth, const char *name, const char *secret, int64_t expires)
{
    struct web_right right = {.scope = WEB_SCOPE_READ, .audience = WEB_GREEN, .expires_unix_ms = expires};
    uint8_t hash[WEB_HASH_BYTES];

    strcpy(right.name, name);
    web_secret_hash(secret, hash);
    assert_int_equal(web_token_add(auth, hash, &right), 0);
}

static void test_tokens_are_found_by_their_secret(void **state)
{
    tip_auto(web_auth_destroy) struct web_auth *auth = web_auth_new();
    struct web_right right = {.scope = WEB_SCOPE_READ, .audience = WEB_CLEAR};
    uint8_t hash[WEB_HASH_BYTES] = {1};

    (void)state;
    add(auth, "a", "secret-a", 0);
    add(auth, "b", "secret-b", NOW + 1);
    assert_string_equal(web_token_find(auth, "secret-a", NOW)->right.name, "a");
    assert_string_equal(web_token_find(auth, "secret-b", NOW)->right.name, "b");
    assert_null(web_token_find(auth, "secret-b", NOW + 1));
    assert_null(web_token_find(auth, "secret-c", NOW));
    assert_null(web_token_find(auth, "", NOW));
    assert_null(web_session_find(auth, "secret-a", NOW));
    strcpy(right.name, "a");
    assert_int_equal(web_token_add(auth, hash, &right), WEB_AUTH_E_EXISTS);
    strcpy(right.name, "a/b");
    assert_int_equal(web_token_add(auth, hash, &right), WEB_AUTH_E_NAME);
    strcpy(right.name, "");
    assert_int_equal(web_token_add(auth, hash, &right), WEB_AUTH_E_NAME);
}

static void test_sessions_end_no_later_than_their_token(void **state)
{
    struct web_right right = {.expires_unix_ms = NOW + 10};

    (void)state;
    assert_int_equal(web_session_right(&right, NOW, 100).expires_unix_ms, NOW + 10);
    assert_int_equal(web_session_right(&right, NOW, 5).expires_unix_ms, NOW + 5);
    right.expires_unix_ms = 0;
    assert_int_equal(web_session_right(&right, NOW, 100).expires_unix_ms, NOW + 100);
}

static void test_sessions_are_bounded(void **state)
{
    tip_auto(web_auth_destroy) struct web_auth *auth = web_auth_new();
    const struct web_right right = {.name = "a", .expires_unix_ms = NOW + 1};
    uint8_t hash[WEB_HASH_BYTES] = {0}, gone[WEB_HASH_BYTES];
    uint64_t first = 0, last = 0;

    (void)state;
    for (size_t i = 0; i <= WEB_SESSIONS_MAX; i++) {
        memcpy(hash, &i, sizeof(i));
        hash[31] = 1;
        last = web_session_add(auth, hash, &right, gone)->id;
        first = first ? first : last;
    }
    assert_int_equal(auth->sessions.n, WEB_SESSIONS_MAX);
    assert_int_equal(gone[31], 1); /* the first had to go */
    assert_false(web_grant_lives(auth, first, NOW));
    assert_true(web_grant_lives(auth, last, NOW));
    assert_false(web_grant_lives(auth, last, NOW + 1));
    assert_true(web_grant_remove(&auth->sessions, hash));
    assert_false(web_grant_remove(&auth->sessions, hash));
    assert_false(web_grant_lives(auth, last, NOW));
    assert_non_null(web_grant_expired(&auth->sessions, NOW + 1));
    assert_null(web_grant_expired(&auth->sessions, NOW));
}

static void test_the_link_opens_once_and_in_time(void **state)
{
    tip_auto(web_auth_destroy) struct web_auth *auth = web_auth_new();
    uint8_t hash[WEB_HASH_BYTES];

    (void)state;
    assert_false(web_once_take(auth, "", NOW));
    web_secret_hash("link", hash);
    web_once_set(auth, hash, NOW);
    assert_false(web_once_take(auth, "other", NOW));
    assert_false(web_once_take(auth, "link", NOW + WEB_ONCE_MS));
    assert_true(web_once_take(auth, "link", NOW + WEB_ONCE_MS - 1));
    assert_false(web_once_take(auth, "link", NOW));
}

static void test_rights(void **state)
{
    const struct web_right reads = {.scope = WEB_SCOPE_READ}, operates = {.scope = WEB_SCOPE_OPERATE},
                           none = {.scope = 0};

    (void)state;
    assert_true(web_right_allows(&reads, WEB_SCOPE_READ) && !web_right_allows(&reads, WEB_SCOPE_OPERATE));
    assert_true(web_right_allows(&operates, WEB_SCOPE_READ) && web_right_allows(&operates, WEB_SCOPE_OPERATE));
    assert_true(web_right_allows(&none, WEB_SCOPE_NONE) && !web_right_allows(&none, WEB_SCOPE_READ));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_tokens_are_found_by_their_secret),
        cmocka_unit_test(test_sessions_end_no_later_than_their_token),
        cmocka_unit_test(test_sessions_are_bounded),
        cmocka_unit_test(test_the_link_opens_once_and_in_time),
        cmocka_unit_test(test_rights),
    };

    return sodium_init() == -1 ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
