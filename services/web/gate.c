#include "gate.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <sodium.h>

#include <tip/addr.h>
#include <tip/log.h>

#include "codec.h"
#include "core/header.h"
#include "io/store.h"

enum { GATE_PURGE_MAX = 64, GATE_COOKIE = 256, GATE_ORIGIN = 272 };

static const uint8_t gate_no_hash[WEB_HASH_BYTES];

/* ---- what is stored ---- */

struct gate_load {
    struct app *app;
    enum web_store_table table;
};

static int gate_load_one(void *ctx, const uint8_t hash[static 32], const char *text, size_t len)
{
    const struct gate_load *load = ctx;
    uint8_t gone[WEB_HASH_BYTES];
    struct web_right right;

    if (codec_right_read(&right, text, len) ||
        (load->table == WEB_STORE_TOKENS && web_token_add(load->app->auth, hash, &right)))
        tip_warn("token.unreadable", "table=%d", (int)load->table);
    else if (load->table == WEB_STORE_SESSIONS)
        (void)web_session_add(load->app->auth, hash, &right, gone); /* one too many is only forgotten here */
    return 0;
}

static int gate_load(struct app *app)
{
    tip_auto(tip_outbox_abort) struct tip_outbox_txn *txn = NULL;
    int r = tip_outbox_begin(app->outbox, &txn);

    for (int table = WEB_STORE_TOKENS; table <= WEB_STORE_SESSIONS && !r; table++)
        r = web_store_each(txn, (enum web_store_table)table, gate_load_one,
                           &(struct gate_load){app, (enum web_store_table)table});
    return r;
}

static void gate_secret(char text[static WEB_SECRET_TEXT], uint8_t hash[static WEB_HASH_BYTES])
{
    uint8_t secret[WEB_SECRET_BYTES];

    randombytes_buf(secret, sizeof(secret));
    web_secret_text(secret, text);
    web_secret_hash(text, hash);
    sodium_memzero(secret, sizeof(secret));
}

/* Where a browser of this machine finds the page: 0.0.0.0 and :: are places to listen at, not to go to. */
static void gate_origin(const struct app *app, char text[static GATE_ORIGIN])
{
    struct tip_endpoint endpoint;

    if (app->origin)
        snprintf(text, GATE_ORIGIN, "%s", app->origin);
    else if (tip_endpoint_parse(&endpoint, app->listen, strlen(app->listen)) == 0 &&
             tip_addr_special(&endpoint.addr) == TIP_SPECIAL_THIS_NETWORK)
        snprintf(text, GATE_ORIGIN, "http://127.0.0.1:%u", (unsigned)endpoint.port);
    else
        snprintf(text, GATE_ORIGIN, "http://%s", app->listen);
}

static int gate_link(struct app *app)
{
    char text[WEB_SECRET_TEXT], origin[GATE_ORIGIN], link[GATE_ORIGIN + 2 * WEB_SECRET_TEXT];
    uint8_t hash[WEB_HASH_BYTES];
    int r;

    gate_secret(text, hash);
    gate_origin(app, origin);
    snprintf(link, sizeof(link), "%s/login#t=%s", origin, text);
    r = web_store_link(tip_service_data_dir(app->service), link);
    if (r)
        return r;
    web_once_set(app->auth, hash, tip_loop_wall_ms());
    tip_warn("web.first_start", "link=%s valid=15m text=%s", link,
             "no token is there: this link logs in once; then make one with `tip web token add`");
    return 0;
}

int gate_open(struct app *app)
{
    int r = gate_load(app);

    if (!r)
        r = app->auth->tokens.n ? web_store_link(tip_service_data_dir(app->service), NULL) : gate_link(app);
    return r;
}

static int gate_put(struct tip_outbox_txn *txn, enum web_store_table table, const uint8_t *hash,
                    const struct web_right *right)
{
    tip_auto(tip_free) char *text = codec_right_text(right);

    return web_store_put(txn, table, hash, text);
}

int gate_token_add(struct app *app, const uint8_t hash[static WEB_HASH_BYTES], const struct web_right *right,
                   struct tip_outbox_txn *txn)
{
    int r = web_token_add(app->auth, hash, right);

    return r ? -ENOSPC : gate_put(txn, WEB_STORE_TOKENS, hash, right);
}

static int gate_remove(struct web_grants *grants, enum web_store_table table, const char *name,
                       struct tip_outbox_txn *txn)
{
    const struct web_grant *grant;
    uint8_t hash[WEB_HASH_BYTES];
    int n = 0, r = 0;

    while (!r && (grant = web_grant_of(grants, name))) {
        memcpy(hash, grant->hash, sizeof(hash));
        r = web_store_delete(txn, table, hash);
        (void)web_grant_remove(grants, hash); /* it is there */
        n++;
    }
    return r ? r : n;
}

int gate_revoke(struct app *app, const char *name, struct tip_outbox_txn *txn)
{
    int tokens = gate_remove(&app->auth->tokens, WEB_STORE_TOKENS, name, txn);
    int sessions = tokens < 0 ? tokens : gate_remove(&app->auth->sessions, WEB_STORE_SESSIONS, name, txn);

    return sessions < 0 ? sessions : tokens + sessions;
}

/* A few at a time, in one transaction. */
void gate_purge(struct app *app)
{
    tip_auto(tip_outbox_abort) struct tip_outbox_txn *txn = NULL;
    const struct web_grant *grant;
    uint8_t hash[WEB_HASH_BYTES];
    int r = 0;

    if (!web_grant_expired(&app->auth->sessions, tip_loop_wall_ms()) || tip_outbox_begin(app->outbox, &txn))
        return;
    for (int i = 0; i < GATE_PURGE_MAX && !r; i++) {
        grant = web_grant_expired(&app->auth->sessions, tip_loop_wall_ms());
        if (!grant)
            break;
        memcpy(hash, grant->hash, sizeof(hash));
        r = web_store_delete(txn, WEB_STORE_SESSIONS, hash);
        (void)web_grant_remove(&app->auth->sessions, hash); /* it is there */
    }
    if (!r)
        r = tip_outbox_commit(&txn);
    if (r)
        tip_service_fail(app->service, "sessions cannot be stored: %s", strerror(-r));
}

/* ---- who asks ---- */

static bool gate_is_proxy(const struct app *app, const struct tip_addr *addr)
{
    for (size_t i = 0; i < app->trusted_proxy.n; i++) {
        if (tip_prefix_contains(&app->trusted_proxy.items[i], addr))
            return true;
    }
    return false;
}

/* The last one of X-Forwarded-For, which a proxy of ours has written. */
static struct tip_addr gate_address(const struct app *app, const struct web_request *request)
{
    const char *forwarded = web_request_header(request, "X-Forwarded-For"), *last;
    struct tip_addr addr;

    if (!forwarded || !gate_is_proxy(app, web_request_peer(request)))
        return *web_request_peer(request);
    last = strrchr(forwarded, ',');
    last = last ? last + 1 : forwarded;
    last += strspn(last, " ");
    return tip_addr_parse(&addr, last, strcspn(last, " ")) ? *web_request_peer(request) : addr;
}

static void gate_limited(struct app *app, struct web_request **requestp, int64_t wait_ms)
{
    static const char text[] = "{\"type\":\"about:blank\",\"title\":\"Too Many Requests\",\"status\":429,"
                               "\"detail\":\"too many wrong tokens: wait\"}";
    char after[24];

    tip_metric_inc(app->m[APP_M_LOGIN_LIMITED]);
    snprintf(after, sizeof(after), "%" PRId64, wait_ms / 1000 + 1);
    app_reply(requestp, &(struct app_body){.status = 429,
                                           .type = "application/problem+json",
                                           .bytes = text,
                                           .len = sizeof(text) - 1,
                                           .retry_after = after});
}

/* A secret was wrong. */
static void gate_wrong(struct app *app, struct web_request **requestp, int metric, int status, const char *why)
{
    struct tip_addr addr = gate_address(app, *requestp);
    int64_t wait_ms = web_limit_wait_ms(app->limit, &addr, tip_loop_now_ms());

    tip_metric_inc(app->m[metric]);
    web_limit_fail(app->limit, &addr, tip_loop_now_ms());
    if (wait_ms)
        gate_limited(app, requestp, wait_ms);
    else
        app_problem(requestp, status, why);
}

static const struct web_grant *gate_find(struct app *app, const struct web_request *request, bool *is_bearerp,
                                         bool *is_wrongp)
{
    const char *authorization = web_request_header(request, "Authorization");
    char secret[WEB_SECRET_TEXT];
    const struct web_grant *grant = NULL;

    *is_bearerp = authorization != NULL;
    *is_wrongp = false;
    if (authorization) {
        if (!web_bearer_get(authorization, secret))
            grant = web_token_find(app->auth, secret, tip_loop_wall_ms());
        *is_wrongp = !grant;
    } else if (!web_cookie_get(web_request_header(request, "Cookie"), WEB_COOKIE, secret)) {
        grant = web_session_find(app->auth, secret, tip_loop_wall_ms());
        if (!grant)
            tip_metric_inc(app->m[APP_M_TOKEN_WRONG]); /* most of them have only expired */
    }
    sodium_memzero(secret, sizeof(secret));
    return grant;
}

static bool gate_is_ours(struct app *app, const struct web_request *request, bool has_credential)
{
    const struct web_from from = {.origin = web_request_header(request, "Origin"),
                                  .host = web_request_header(request, "Host"),
                                  .ours = app->origin,
                                  .has_credential = has_credential};
    bool is_ours = web_origin_is_ours(&from);

    if (!is_ours)
        tip_metric_inc(app->m[APP_M_ORIGIN]);
    return is_ours;
}

int gate_enter(struct app *app, struct web_request **requestp, enum web_route_id route, struct web_right *rightp,
               uint64_t *idp)
{
    enum web_scope scope = web_routes[route].scope;
    const struct web_grant *grant;
    bool is_bearer, is_wrong;

    *rightp = (struct web_right){.scope = WEB_SCOPE_NONE};
    *idp = 0;
    if (scope == WEB_SCOPE_NONE)
        return 0;
    grant = gate_find(app, *requestp, &is_bearer, &is_wrong);
    if (is_wrong)
        gate_wrong(app, requestp, APP_M_TOKEN_WRONG, 401, "this token is not known here, or has expired");
    else if (!grant && scope == WEB_SCOPE_OPEN)
        return 0;
    else if (!grant)
        app_problem(requestp, 401, "log in, or send a token: `tip web token add` makes one");
    else if (!web_right_allows(&grant->right, scope)) {
        tip_metric_inc(app->m[APP_M_FORBIDDEN]);
        app_problem(requestp, 403, "this token may read, not operate");
    } else if (web_routes[route].method != WEB_GET && !gate_is_ours(app, *requestp, is_bearer))
        app_problem(requestp, 403, "the request comes from another page");
    else {
        *rightp = grant->right;
        *idp = grant->id;
        return 0;
    }
    return GATE_E_ANSWERED;
}

/* ---- sessions ---- */

static void gate_cookie(const struct app *app, const char *secret, int64_t for_ms, char cookie[static GATE_COOKIE])
{
    snprintf(cookie, GATE_COOKIE, WEB_COOKIE "=%s; Path=/; Max-Age=%" PRId64 "; HttpOnly; SameSite=Strict%s", secret,
             for_ms / 1000, app->is_https ? "; Secure" : "");
}

/* @return NULL when it cannot be stored: the process ends */
static const struct web_grant *gate_session(struct app *app, const struct web_right *from,
                                            char cookie[static GATE_COOKIE])
{
    tip_auto(tip_outbox_abort) struct tip_outbox_txn *txn = NULL;
    struct web_right right = web_session_right(from, tip_loop_wall_ms(), app->session_ttl_ms);
    uint8_t hash[WEB_HASH_BYTES], gone[WEB_HASH_BYTES];
    const struct web_grant *grant;
    char secret[WEB_SECRET_TEXT];
    int r = tip_outbox_begin(app->outbox, &txn);

    gate_secret(secret, hash);
    grant = web_session_add(app->auth, hash, &right, gone);
    gate_cookie(app, secret, right.expires_unix_ms - right.made_unix_ms, cookie);
    sodium_memzero(secret, sizeof(secret));
    if (!r && memcmp(gone, gate_no_hash, sizeof(gone)) != 0)
        r = web_store_delete(txn, WEB_STORE_SESSIONS, gone);
    if (!r)
        r = gate_put(txn, WEB_STORE_SESSIONS, hash, &right);
    if (!r)
        r = tip_outbox_commit(&txn);
    if (!r)
        return grant;
    tip_service_fail(app->service, "a session cannot be stored: %s", strerror(-r));
    return NULL;
}

static bool gate_is_json(const struct web_request *request)
{
    const char *type = web_request_header(request, "Content-Type");

    return type && !strncasecmp(type, "application/json", 16) && (!type[16] || type[16] == ';' || type[16] == ' ');
}

static void gate_welcome(struct app *app, struct web_request **requestp, const struct web_right *from)
{
    char cookie[GATE_COOKIE], *text;
    const struct web_grant *grant = gate_session(app, from, cookie);
    json_t *json;

    if (!grant) {
        app_problem(requestp, 503, "the session cannot be stored");
        return;
    }
    tip_metric_inc(app->m[APP_M_LOGIN_OK]);
    tip_info("session.begun", "name=%s", grant->right.name);
    json = codec_session_json(&grant->right);
    text = json_dumps(json, JSON_COMPACT);
    app_reply(requestp,
              &(struct app_body){
                  .status = 200, .type = "application/json", .bytes = text, .len = strlen(text), .cookie = cookie});
    free(text);
    json_decref(json);
}

/* The link's secret, once: what is behind # in an address stays in the browser, which sends it as a token. */
static bool gate_once(struct app *app, const char *secret, struct web_right *rightp)
{
    if (!web_once_take(app->auth, secret, tip_loop_wall_ms()))
        return false;
    (void)!web_store_link(tip_service_data_dir(app->service), NULL); /* it opens nothing any more */
    *rightp = (struct web_right){
        .name = WEB_ONCE_NAME, .scope = WEB_SCOPE_OPERATE, .audience = WEB_AMBER, .made_unix_ms = tip_loop_wall_ms()};
    return true;
}

static bool gate_right_of(struct app *app, const char *secret, struct web_right *rightp)
{
    const struct web_grant *grant = web_token_find(app->auth, secret, tip_loop_wall_ms());

    if (!grant)
        return gate_once(app, secret, rightp);
    *rightp = grant->right;
    return true;
}

void gate_login(struct app *app, struct web_request **requestp)
{
    struct tip_addr addr = gate_address(app, *requestp);
    int64_t wait_ms = web_limit_wait_ms(app->limit, &addr, tip_loop_now_ms());
    tip_auto(tip_free) char *token = NULL;
    struct web_right right;
    size_t n;
    const uint8_t *body = web_request_body(*requestp, &n);

    token = codec_login_read(body, n);
    if (!gate_is_ours(app, *requestp, true))
        app_problem(requestp, 403, "the request comes from another page");
    else if (wait_ms)
        gate_limited(app, requestp, wait_ms);
    else if (!gate_is_json(*requestp) || !token)
        app_problem(requestp, gate_is_json(*requestp) ? 400 : 415, "a login is {\"token\": \"…\"} as application/json");
    else if (!gate_right_of(app, token, &right))
        gate_wrong(app, requestp, APP_M_LOGIN_FAILED, 401, "this token is not known here, was used, or has expired");
    else
        gate_welcome(app, requestp, &right);
}

void gate_logout(struct app *app, struct web_request **requestp)
{
    tip_auto(tip_outbox_abort) struct tip_outbox_txn *txn = NULL;
    char secret[WEB_SECRET_TEXT], cookie[GATE_COOKIE];
    uint8_t hash[WEB_HASH_BYTES];
    int r = 0;

    if (!web_cookie_get(web_request_header(*requestp, "Cookie"), WEB_COOKIE, secret)) {
        web_secret_hash(secret, hash);
        (void)web_grant_remove(&app->auth->sessions, hash); /* one that has just expired is gone, too */
        r = tip_outbox_begin(app->outbox, &txn);
        if (!r)
            r = web_store_delete(txn, WEB_STORE_SESSIONS, hash);
        if (!r)
            r = tip_outbox_commit(&txn);
    }
    if (r)
        tip_service_fail(app->service, "sessions cannot be stored: %s", strerror(-r));
    gate_cookie(app, "", 0, cookie);
    app_reply(requestp, &(struct app_body){.status = 204, .cookie = cookie});
}
