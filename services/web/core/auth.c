#include "core/auth.h"

#include <stdlib.h>
#include <string.h>

#include <sodium.h>

#include <tip/alloc.h>

const char *const web_audience_names[WEB_AUDIENCE_COUNT] = {
    [0] = "", [WEB_CLEAR] = "clear", [WEB_GREEN] = "green", [WEB_AMBER] = "amber"};

struct web_auth *web_auth_new(void)
{
    struct web_auth *auth = tip_new(struct web_auth);

    auth->tokens = (struct web_grants){.max = WEB_TOKENS_MAX, .next_id = 1};
    auth->sessions = (struct web_grants){.max = WEB_SESSIONS_MAX, .next_id = UINT64_C(1) << 32};
    auth->tokens.items = tip_new_array(WEB_TOKENS_MAX, struct web_grant);
    auth->sessions.items = tip_new_array(WEB_SESSIONS_MAX, struct web_grant);
    return auth;
}

void web_auth_destroy(struct web_auth **authp)
{
    struct web_auth *auth = *authp;

    if (!auth)
        return;
    free(auth->tokens.items);
    free(auth->sessions.items);
    free(auth);
    *authp = NULL;
}

void web_secret_text(const uint8_t secret[static WEB_SECRET_BYTES], char text[static WEB_SECRET_TEXT])
{
    sodium_bin2base64(text, WEB_SECRET_TEXT, secret, WEB_SECRET_BYTES, sodium_base64_VARIANT_URLSAFE_NO_PADDING);
}

void web_secret_hash(const char *text, uint8_t hash[static WEB_HASH_BYTES])
{
    crypto_generichash(hash, WEB_HASH_BYTES, (const unsigned char *)text, strlen(text), NULL, 0);
}

bool web_token_name_is_good(const char *name)
{
    size_t len = strlen(name);

    return len > 0 && len <= WEB_TOKEN_NAME_MAX &&
           strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-") == len;
}

/* ---- grants ---- */

static bool auth_is_expired(const struct web_right *right, int64_t now_unix_ms)
{
    return right->expires_unix_ms && right->expires_unix_ms <= now_unix_ms;
}

/* Looks at all of them: how long it takes says nothing about which one it is. */
static struct web_grant *auth_find(const struct web_grants *grants, const uint8_t *hash)
{
    struct web_grant *found = NULL;

    for (size_t i = 0; i < grants->n; i++) {
        if (sodium_memcmp(grants->items[i].hash, hash, WEB_HASH_BYTES) == 0)
            found = &grants->items[i];
    }
    return found;
}

static const struct web_grant *auth_find_secret(const struct web_grants *grants, const char *secret, int64_t now)
{
    uint8_t hash[WEB_HASH_BYTES];
    const struct web_grant *grant;

    web_secret_hash(secret, hash);
    grant = auth_find(grants, hash);
    return grant && !auth_is_expired(&grant->right, now) ? grant : NULL;
}

static const struct web_grant *auth_add(struct web_grants *grants, const uint8_t *hash, const struct web_right *right)
{
    struct web_grant *grant = &grants->items[grants->n++];

    *grant = (struct web_grant){.right = *right, .id = grants->next_id++};
    memcpy(grant->hash, hash, WEB_HASH_BYTES);
    return grant;
}

const struct web_grant *web_grant_of(const struct web_grants *grants, const char *name)
{
    for (size_t i = 0; i < grants->n; i++) {
        if (!strcmp(grants->items[i].right.name, name))
            return &grants->items[i];
    }
    return NULL;
}

const struct web_grant *web_grant_expired(const struct web_grants *grants, int64_t now_unix_ms)
{
    for (size_t i = 0; i < grants->n; i++) {
        if (auth_is_expired(&grants->items[i].right, now_unix_ms))
            return &grants->items[i];
    }
    return NULL;
}

bool web_grant_remove(struct web_grants *grants, const uint8_t hash[static WEB_HASH_BYTES])
{
    struct web_grant *grant = auth_find(grants, hash);

    if (!grant)
        return false;
    grants->n--;
    memmove(grant, grant + 1, (size_t)(&grants->items[grants->n] - grant) * sizeof(*grant));
    return true;
}

bool web_grant_lives(const struct web_auth *auth, uint64_t id, int64_t now_unix_ms)
{
    const struct web_grants *grants = id < auth->sessions.next_id && id >> 32 ? &auth->sessions : &auth->tokens;

    for (size_t i = 0; i < grants->n; i++) {
        if (grants->items[i].id == id)
            return !auth_is_expired(&grants->items[i].right, now_unix_ms);
    }
    return false;
}

/* ---- tokens and sessions ---- */

const struct web_grant *web_token_named(const struct web_auth *auth, const char *name)
{
    return web_grant_of(&auth->tokens, name);
}

int web_token_add(struct web_auth *auth, const uint8_t hash[static WEB_HASH_BYTES], const struct web_right *right)
{
    if (!web_token_name_is_good(right->name))
        return WEB_AUTH_E_NAME;
    if (web_token_named(auth, right->name))
        return WEB_AUTH_E_EXISTS;
    if (auth->tokens.n == auth->tokens.max)
        return WEB_AUTH_E_FULL;
    (void)auth_add(&auth->tokens, hash, right); /* there is room */
    return 0;
}

const struct web_grant *web_token_find(const struct web_auth *auth, const char *secret, int64_t now_unix_ms)
{
    return auth_find_secret(&auth->tokens, secret, now_unix_ms);
}

const struct web_grant *web_session_find(const struct web_auth *auth, const char *secret, int64_t now_unix_ms)
{
    return auth_find_secret(&auth->sessions, secret, now_unix_ms);
}

const struct web_grant *web_session_add(struct web_auth *auth, const uint8_t hash[static WEB_HASH_BYTES],
                                        const struct web_right *right, uint8_t gone[static WEB_HASH_BYTES])
{
    memset(gone, 0, WEB_HASH_BYTES);
    if (auth->sessions.n == auth->sessions.max) {
        memcpy(gone, auth->sessions.items[0].hash, WEB_HASH_BYTES);
        (void)web_grant_remove(&auth->sessions, gone); /* it is there */
    }
    return auth_add(&auth->sessions, hash, right);
}

struct web_right web_session_right(const struct web_right *from, int64_t now_unix_ms, int64_t ttl_ms)
{
    struct web_right right = *from;

    right.made_unix_ms = now_unix_ms;
    if (!right.expires_unix_ms || right.expires_unix_ms > now_unix_ms + ttl_ms)
        right.expires_unix_ms = now_unix_ms + ttl_ms;
    return right;
}

/* ---- the link ---- */

void web_once_set(struct web_auth *auth, const uint8_t hash[static WEB_HASH_BYTES], int64_t now_unix_ms)
{
    memcpy(auth->once, hash, WEB_HASH_BYTES);
    auth->once_until_unix_ms = now_unix_ms + WEB_ONCE_MS;
}

bool web_once_take(struct web_auth *auth, const char *secret, int64_t now_unix_ms)
{
    uint8_t hash[WEB_HASH_BYTES];

    web_secret_hash(secret, hash);
    if (!auth->once_until_unix_ms || auth->once_until_unix_ms <= now_unix_ms ||
        sodium_memcmp(hash, auth->once, WEB_HASH_BYTES) != 0)
        return false;
    auth->once_until_unix_ms = 0;
    return true;
}

bool web_right_allows(const struct web_right *right, enum web_scope scope)
{
    return scope <= WEB_SCOPE_ANY || right->scope >= scope;
}
