#pragma once
/*
 * The service. A request comes in (app.c), is let in or not (gate.c), asks other services (ask.c) what its route needs
 * (api.c), and is answered; streams follow the journal (events.c); tokens are managed over the bus (control.c).
 */
#include <jansson.h>

#include <tip/bus.h>
#include <tip/metrics.h>
#include <tip/service.h>
#include <tip/service_bus.h>

#include "calls.h"
#include "core/auth.h"
#include "core/limit.h"
#include "core/ring.h"
#include "core/uri.h"
#include "io/files.h"
#include "io/server.h"
#include "options.h"

#define WEB_COOKIE "tip_session"

enum { APP_SERVICES_MAX = 64, APP_RECENT = 20 };

enum {
    APP_M_LOGIN_OK,
    APP_M_LOGIN_FAILED,
    APP_M_LOGIN_LIMITED,
    APP_M_TOKEN_WRONG,
    APP_M_FORBIDDEN,
    APP_M_ORIGIN,
    APP_M_BUSY,
    APP_M_CALLS,
    APP_M_TOKENS,
    APP_M_SESSIONS,
    APP_M_COUNT
};

struct events;
struct ask;

/** A service as its last heartbeat said. */
struct app_service {
    char name[TIP_NAME_MAX + 1]; /* of its instance: several may do the same */
    struct tip_event *event;     /* owned */
    int64_t heard_unix_ms;
};

/** The first page is asked for often, by many: one answer for all of an audience. */
struct app_overview {
    json_t *json; /* the last one; NULL while there is none */
    int64_t made_ms;
    struct ask *asking;  /* who asks for all */
    struct ask *waiting; /* who came meanwhile, by their `peer` */
};

struct app {
    struct tip_service *service;
    struct tip_loop *loop;
    struct tip_service_bus *place;
    struct tip_outbox *outbox; /* the place's, as is the bus */
    struct tip_bus *bus;
    struct tip_serve *serve;
    struct tip_sub *sub; /* heartbeats and heads */
    struct web_server *server;
    struct web_calls *calls;
    struct web_auth *auth;
    struct web_limit *limit;
    struct web_files *files;
    struct events *events;
    struct ask *asks;
    size_t n_asks;
    size_t n_exports; /* being read */
    char *origin, *listen, *ui;
    int64_t streams_max;
    bool is_https, is_simulated;
    int64_t deadline_ms, session_ttl_ms;
    struct tip_opt_prefixes trusted_proxy;
    struct app_overview overviews[WEB_AUDIENCE_COUNT];
    struct app_service services[APP_SERVICES_MAX];
    size_t n_services;
    struct tip_timer purge;
    struct tip_metric *m[APP_M_COUNT];
};

/** @return 0, or a negative errno after an error line */
tip_nodiscard int app_open(struct app **appp, struct tip_service *service, const struct web_options *options);
void app_destroy(struct app **appp);

/** Where it listens, its files and the number of streams want a restart; all else is taken. */
tip_nodiscard int app_reload(struct app *app, const struct web_options *options, char *why);

/** Takes nothing in any more. */
void app_stop(struct app *app);

/* ---- replies: with the headers that everything has ---- */

struct app_body {
    int status;
    const char *type;
    const void *bytes;
    size_t len;
    const char *etag;        /* may be NULL */
    const char *cookie;      /* Set-Cookie, may be NULL */
    const char *retry_after; /* may be NULL */
    const char *allow;       /* may be NULL */
};

void app_reply(struct web_request **requestp, const struct app_body *body);
void app_problem(struct web_request **requestp, int status, const char *detail);

/** What a reader may have already: 304, and gzip unless it is too long for that. Cached under its tag. */
void app_content(struct web_request **requestp, const struct app_body *body, bool is_long);

/** JSON; gzip and 304 as the request wants. Takes the JSON. */
void app_json(struct web_request **requestp, json_t *json);

/** services/web/openapi.json, part of the program. */
extern const char web_openapi[];
extern const size_t web_openapi_len;

/** Its headers. */
struct web_reply app_headers(int status, const char *type);
