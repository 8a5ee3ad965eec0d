#pragma once
/*
 * Who may see and do what: tokens, the sessions that come from them, and the one link of a first start. Secrets are
 * 32 random bytes; only their hashes are kept. Time and randomness are arguments.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <tip/cleanup.h>

#include "core/header.h"
#include "core/route.h"

enum {
    WEB_SECRET_BYTES = 32,
    WEB_HASH_BYTES = 32,
    WEB_TOKENS_MAX = 1024,
    WEB_SESSIONS_MAX = 4096,
    WEB_TOKEN_NAME_MAX = 64,
    WEB_ONCE_MS = 15 * 60 * 1000
};

#define WEB_ONCE_NAME "first-start" /* whom the link lets in */

enum web_audience { WEB_CLEAR = 1, WEB_GREEN, WEB_AMBER, WEB_AUDIENCE_COUNT }; /* enum tip_tlp */

extern const char *const web_audience_names[WEB_AUDIENCE_COUNT];

/** What a token or a session may. */
struct web_right {
    char name[WEB_TOKEN_NAME_MAX + 1];
    uint8_t scope;    /* enum web_scope: READ or OPERATE, which may both */
    uint8_t audience; /* enum web_audience */
    int64_t made_unix_ms;
    int64_t expires_unix_ms; /* 0: never */
};

struct web_grant {
    uint8_t hash[WEB_HASH_BYTES];
    struct web_right right;
    uint64_t id; /* of this process: streams ask whether their grant is still there */
};

struct web_grants {
    size_t n, max;
    struct web_grant *items;
    uint64_t next_id;
};

struct web_auth {
    struct web_grants tokens, sessions;
    uint8_t once[WEB_HASH_BYTES];
    int64_t once_until_unix_ms; /* 0: there is no link */
};

struct web_auth *web_auth_new(void);
void web_auth_destroy(struct web_auth **authp);

/** A secret as people and browsers carry it. */
void web_secret_text(const uint8_t secret[static WEB_SECRET_BYTES], char text[static WEB_SECRET_TEXT]);
void web_secret_hash(const char *text, uint8_t hash[static WEB_HASH_BYTES]);

enum {
    WEB_AUTH_E_NAME = 1, /* letters, digits, `.`, `_`, `-`, 1 to 64 */
    WEB_AUTH_E_EXISTS,   /* a token has this name */
    WEB_AUTH_E_FULL,     /* there are too many */
};

tip_nodiscard int web_token_add(struct web_auth *auth, const uint8_t hash[static WEB_HASH_BYTES],
                                const struct web_right *right);

/** The grant behind a secret, unless it has expired; NULL when nobody knows it. Compares in constant time. */
const struct web_grant *web_token_find(const struct web_auth *auth, const char *secret, int64_t now_unix_ms);
const struct web_grant *web_session_find(const struct web_auth *auth, const char *secret, int64_t now_unix_ms);
const struct web_grant *web_token_named(const struct web_auth *auth, const char *name);

/** True while a token or session with this id has neither been revoked nor expired. */
bool web_grant_lives(const struct web_auth *auth, uint64_t id, int64_t now_unix_ms);

/**
 * A session with the rights of a grant, until `until` or the end of the grant. When there are too many the oldest goes.
 *
 * @param gone  set to the hash of the session that had to go; all zero when none
 */
const struct web_grant *web_session_add(struct web_auth *auth, const uint8_t hash[static WEB_HASH_BYTES],
                                        const struct web_right *right, uint8_t gone[static WEB_HASH_BYTES]);

/** The rights of a session that is made of others. */
struct web_right web_session_right(const struct web_right *from, int64_t now_unix_ms, int64_t ttl_ms);

/** Takes one away: what is left keeps its id. @return whether it was there */
bool web_grant_remove(struct web_grants *grants, const uint8_t hash[static WEB_HASH_BYTES]);

/** The first of this name, or that has expired; NULL when there is none. */
const struct web_grant *web_grant_of(const struct web_grants *grants, const char *name);
const struct web_grant *web_grant_expired(const struct web_grants *grants, int64_t now_unix_ms);

/** The link: set once, taken once within WEB_ONCE_MS. @return whether this is its secret; then it is gone */
void web_once_set(struct web_auth *auth, const uint8_t hash[static WEB_HASH_BYTES], int64_t now_unix_ms);
bool web_once_take(struct web_auth *auth, const char *secret, int64_t now_unix_ms);

/** Whether a right suffices for a route. */
bool web_right_allows(const struct web_right *right, enum web_scope scope);

bool web_token_name_is_good(const char *name);
