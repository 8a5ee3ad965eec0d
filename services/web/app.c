#include "app.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <tip/admin.h>
#include <tip/alloc.h>
#include <tip/log.h>
#include <topics.h>

#include "api.h"
#include "ask.h"
#include "control.h"
#include "core/gzip.h"
#include "core/header.h"
#include "events.h"
#include "gate.h"

enum { APP_PURGE_MS = 60000, APP_JSON_BYTES = 16 << 20, APP_GZIP_LEVEL = 4, APP_HEARD_MS = 60000, APP_LINE = 200 };

static const struct tip_metric_row app_metrics[APP_M_COUNT] = {
    [APP_M_LOGIN_OK] = {TIP_METRIC_COUNTER, "tip_web_logins_total", "end=\"ok\"", "Logins, by how they ended."},
    [APP_M_LOGIN_FAILED] = {TIP_METRIC_COUNTER, "tip_web_logins_total", "end=\"wrong\"", "Logins, by how they ended."},
    [APP_M_LOGIN_LIMITED] = {TIP_METRIC_COUNTER, "tip_web_logins_total", "end=\"limited\"",
                             "Logins, by how they ended."},
    [APP_M_TOKEN_WRONG] = {TIP_METRIC_COUNTER, "tip_web_denied_total", "why=\"token\"", "Requests not let in."},
    [APP_M_FORBIDDEN] = {TIP_METRIC_COUNTER, "tip_web_denied_total", "why=\"rights\"", "Requests not let in."},
    [APP_M_ORIGIN] = {TIP_METRIC_COUNTER, "tip_web_denied_total", "why=\"origin\"", "Requests not let in."},
    [APP_M_BUSY] = {TIP_METRIC_COUNTER, "tip_web_denied_total", "why=\"busy\"", "Requests not let in."},
    [APP_M_CALLS] = {TIP_METRIC_COUNTER, "tip_web_control_calls_total", "", "Calls of control.web."},
    [APP_M_TOKENS] = {TIP_METRIC_GAUGE, "tip_web_tokens", "", "Tokens."},
    [APP_M_SESSIONS] = {TIP_METRIC_GAUGE, "tip_web_sessions", "", "Logins in force."},
};

/* ---- replies ---- */

#define APP_POLICY                                                                                        \
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; " \
    "form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

struct web_reply app_headers(int status, const char *type)
{
    return (struct web_reply){.status = status,
                              .type = type,
                              .headers = {{"Content-Security-Policy", APP_POLICY},
                                          {"X-Content-Type-Options", "nosniff"},
                                          {"Referrer-Policy", "no-referrer"},
                                          {"Cache-Control", "no-store"}}};
}

/* Of our own: there is room for all of them. */
static void app_header(struct web_reply *reply, const char *name, const char *value)
{
    for (size_t i = 0; value && i < WEB_REPLY_HEADERS; i++) {
        if (reply->headers[i].name && strcmp(reply->headers[i].name, name) != 0)
            continue;
        reply->headers[i].name = name;
        reply->headers[i].value = value;
        return;
    }
}

void app_reply(struct web_request **requestp, const struct app_body *body)
{
    struct web_reply reply = app_headers(body->status, body->type);

    reply.body = body->bytes;
    reply.body_len = body->len;
    app_header(&reply, "ETag", body->etag);
    app_header(&reply, "Set-Cookie", body->cookie);
    app_header(&reply, "Retry-After", body->retry_after);
    app_header(&reply, "Allow", body->allow);
    app_header(&reply, "WWW-Authenticate", body->status == 401 ? "Bearer" : NULL);
    web_reply(requestp, &reply);
}

static void app_problem_with(struct web_request **requestp, struct app_body body, const char *detail)
{
    tip_auto(tip_buf_deinit) struct tip_buf text;

    tip_buf_init(&text, 8192);
    if (web_problem_write(body.status, detail, &text))
        tip_buf_clear(&text);
    body.type = "application/problem+json";
    body.bytes = text.data;
    body.len = text.len;
    app_reply(requestp, &body);
}

void app_problem(struct web_request **requestp, int status, const char *detail)
{
    app_problem_with(requestp, (struct app_body){.status = status, .retry_after = status == 503 ? "1" : NULL}, detail);
}

static void app_method(struct web_request **requestp, const char *allow, const char *detail)
{
    app_problem_with(requestp, (struct app_body){.status = 405, .allow = allow}, detail);
}

/* Sends what is known by its tag as 304, and what is long compressed. */
static void app_send(struct web_request **requestp, struct web_reply *reply, const char *etag, bool is_packed)
{
    tip_auto(tip_buf_deinit) struct tip_buf gzip;

    tip_buf_init(&gzip, APP_JSON_BYTES);
    app_header(reply, "ETag", etag);
    app_header(reply, "Vary", "Accept-Encoding");
    if (web_etag_matches(web_request_header(*requestp, "If-None-Match"), etag)) {
        reply->status = 304;
        reply->type = NULL;
    } else if (!is_packed && reply->body_len > WEB_GZIP_MIN &&
               web_accepts_gzip(web_request_header(*requestp, "Accept-Encoding")) &&
               !web_gzip(reply->body, reply->body_len, APP_GZIP_LEVEL, &gzip)) {
        app_header(reply, "Content-Encoding", "gzip");
        reply->body = gzip.data;
        reply->body_len = gzip.len;
    }
    web_reply(requestp, reply);
}

void app_content(struct web_request **requestp, const struct app_body *body, bool is_long)
{
    struct web_reply reply = app_headers(body->status, body->type);

    app_header(&reply, "Cache-Control", "no-cache");
    reply.body = body->bytes;
    reply.body_len = body->len;
    app_send(requestp, &reply, body->etag, is_long);
}

void app_json(struct web_request **requestp, json_t *json)
{
    tip_auto(tip_buf_deinit) struct tip_buf text;
    struct web_reply reply = app_headers(200, "application/json");
    char etag[WEB_ETAG_TEXT];
    int r;

    tip_buf_init(&text, APP_JSON_BYTES);
    r = json ? web_json_write(json, &text) : -EINVAL;
    json_decref(json);
    if (r) {
        app_problem(requestp, 500, "the answer cannot be written");
        return;
    }
    reply.body = text.data;
    reply.body_len = text.len;
    web_etag(text.data, text.len, etag);
    app_send(requestp, &reply, etag, false);
}

/* ---- pages ---- */

static const char app_plain_page[] =
    "<!doctype html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><title>TIP</title>\n"
    "<meta name=\"viewport\" content=\"width=device-width\"></head>\n<body>\n<h1>TIP</h1>\n%s"
    "<p>tip-web runs, and answers under <a href=\"/api/v1/openapi.json\">/api/v1</a>. The dashboard has not been "
    "built: "
    "install npm (<code>apt-get install npm</code>), then run <code>make</code> and start again.</p>\n"
    "<p>Option <code>web.ui</code> says where the built files are.</p>\n</body>\n</html>\n";

static void app_plain(struct app *app, struct web_request **requestp)
{
    char text[sizeof(app_plain_page) + APP_LINE];
    int n = snprintf(text, sizeof(text), app_plain_page,
                     app->is_simulated
                         ? "<p><strong>SIMULATED: every address, name and list in here is made up.</strong></p>\n"
                         : "");
    struct app_body body = {.status = 200, .type = "text/html; charset=utf-8", .bytes = text, .len = (size_t)n};

    app_reply(requestp, &body);
}

static void app_file(struct web_request **requestp, const struct web_file *file)
{
    struct web_reply reply = app_headers(200, file->type);
    bool is_packed = file->gzip && web_accepts_gzip(web_request_header(*requestp, "Accept-Encoding"));

    app_header(&reply, "Cache-Control", file->is_immutable ? "public, max-age=31536000, immutable" : "no-cache");
    if (is_packed)
        app_header(&reply, "Content-Encoding", "gzip");
    reply.body = is_packed ? file->gzip : file->bytes;
    reply.body_len = is_packed ? file->gzip_len : file->len;
    app_send(requestp, &reply, file->etag, true);
}

/* A page of the dashboard is index.html, whose script looks at the path; a name with a dot in its last part is a file.
 */
static void app_page(struct app *app, struct web_request **requestp, const struct web_uri *uri)
{
    const struct web_file *file = web_files_find(app->files, uri->path);
    const char *name = strrchr(uri->path, '/');

    if (file)
        app_file(requestp, file);
    else if (name && strchr(name, '.') && strncmp(uri->path, "/indicator/", 11) != 0 &&
             strncmp(uri->path, "/sources/", 9) != 0)
        app_problem(requestp, 404, "there is no such file");
    else if ((file = web_files_find(app->files, "/index.html")))
        app_file(requestp, file);
    else
        app_plain(app, requestp);
}

static void app_openapi(struct app *app, struct web_request **requestp)
{
    struct web_reply reply = app_headers(200, "application/json");
    char etag[WEB_ETAG_TEXT];

    reply.body = web_openapi;
    reply.body_len = web_openapi_len;
    web_etag(web_openapi, web_openapi_len, etag);
    (void)app;
    app_send(requestp, &reply, etag, false);
}

/* ---- requests ---- */

static void app_session(struct web_request **requestp, const struct web_right *right)
{
    app_json(requestp, codec_session_json(right));
}

static void app_ask(struct app *app, struct web_request **requestp, const struct ask *asked)
{
    struct ask *ask = ask_new(app, requestp);

    if (!ask)
        return;
    ask->route = asked->route;
    ask->right = asked->right;
    memcpy(ask->value, asked->value, sizeof(ask->value));
    (void)!web_uri_parse(&ask->uri, web_request_target(ask->request)); /* it was parsed before */
    api_begin(ask);
}

static void app_route(struct app *app, struct web_request **requestp, const struct ask *asked, uint64_t grant_id)
{
    if (asked->route == WEB_ROUTE_LOGIN)
        gate_login(app, requestp);
    else if (asked->route == WEB_ROUTE_LOGOUT)
        gate_logout(app, requestp);
    else if (asked->route == WEB_ROUTE_SESSION)
        app_session(requestp, &asked->right);
    else if (asked->route == WEB_ROUTE_OPENAPI)
        app_openapi(app, requestp);
    else if (asked->route == WEB_ROUTE_EVENTS)
        events_open(app->events, requestp, &asked->uri, &asked->right, grant_id);
    else
        app_ask(app, requestp, asked);
}

static void app_api(struct app *app, struct web_request **requestp, struct ask *asked)
{
    const char *value;
    char methods[64];
    uint64_t grant_id;
    size_t len;
    int r = web_route_find(web_request_method(*requestp), asked->uri.path, &asked->route, &value, &len);

    if (r == WEB_ROUTE_E_METHOD) {
        web_route_methods(asked->uri.path, methods);
        app_method(requestp, methods, "this path has other methods: see Allow");
    } else if (r) {
        app_problem(requestp, 404, "there is no such path: /api/v1/openapi.json lists them");
    } else if (web_uri_decode(asked->value, value, len)) {
        app_problem(requestp, 400, "the path cannot be decoded");
    } else if (!gate_enter(app, requestp, asked->route, &asked->right, &grant_id)) {
        app_route(app, requestp, asked, grant_id);
    }
}

static void app_on_request(void *ctx, struct web_request *request)
{
    struct ask *asked = tip_new(struct ask); /* what is known of it so far: too much for the stack */
    struct app *app = ctx;
    int r = web_uri_parse(&asked->uri, web_request_target(request));

    if (r)
        app_problem(&request, 400, web_uri_reason(r));
    else if (strncmp(asked->uri.path, WEB_API, sizeof(WEB_API) - 1) == 0 ||
             strncmp(asked->uri.path, WEB_EXPORT, sizeof(WEB_EXPORT) - 1) == 0)
        app_api(app, &request, asked);
    else if (web_request_method(request) != WEB_GET)
        app_method(&request, "GET, HEAD", "pages are read");
    else
        app_page(app, &request, &asked->uri);
    free(asked);
}

/* ---- what the feed says ---- */

static struct app_service *app_service_of(struct app *app, const char *name)
{
    for (size_t i = 0; i < app->n_services; i++) {
        if (!strcmp(app->services[i].name, name))
            return &app->services[i];
    }
    if (app->n_services == APP_SERVICES_MAX || strlen(name) > TIP_NAME_MAX)
        return NULL;
    strcpy(app->services[app->n_services].name, name);
    return &app->services[app->n_services++];
}

static void app_service_drop(struct app *app, size_t i)
{
    tip_event_destroy(&app->services[i].event);
    app->services[i] = app->services[--app->n_services];
    app->services[app->n_services] = (struct app_service){.event = NULL};
}

static void app_on_record(void *ctx, const struct tip_record *record)
{
    tip_auto(tip_event_destroy) struct tip_event *event = NULL;
    struct app *app = ctx;
    struct app_service *service;

    if (tip_event_decode(record->event, record->event_len, &event, NULL) || event->kind != TIP_EVENT_SYSTEM_HEARTBEAT)
        return;
    service = app_service_of(app, event->system_state.instance);
    if (!service)
        return;
    tip_event_destroy(&service->event);
    service->event = tip_take(event);
    service->heard_unix_ms = tip_loop_wall_ms();
}

static void app_on_purge(void *ctx)
{
    struct app *app = ctx;

    for (size_t i = app->n_services; i-- > 0;) {
        if (tip_loop_wall_ms() - app->services[i].heard_unix_ms > APP_HEARD_MS)
            app_service_drop(app, i);
    }
    gate_purge(app);
}

static void app_on_metrics(void *ctx)
{
    struct app *app = ctx;

    tip_metric_set(app->m[APP_M_TOKENS], (double)app->auth->tokens.n);
    tip_metric_set(app->m[APP_M_SESSIONS], (double)app->auth->sessions.n);
}

/* ---- beginning and end ---- */

static int app_open_files(struct app *app, const char *ui)
{
    char dir[4096], path[4096];
    ssize_t n = readlink("/proc/self/exe", path, sizeof(path) - 1);
    char *slash;

    path[n > 0 ? n : 0] = '\0';
    slash = strrchr(path, '/');
    if (slash)
        *slash = '\0';
    snprintf(dir, sizeof(dir), "%.3800s/../share/tip/ui", path);
    return web_files_open(&app->files, ui ? ui : dir);
}

static void app_take_options(struct app *app, const struct web_options *options)
{
    free(app->origin);
    free(app->trusted_proxy.items);
    app->origin = tip_strdup(options->origin);
    app->is_https = app->origin && strncmp(app->origin, "https://", 8) == 0;
    app->deadline_ms = options->deadline_ms;
    app->session_ttl_ms = options->session_ttl_ms;
    app->trusted_proxy.n = options->trusted_proxy.n;
    app->trusted_proxy.items =
        tip_memdup(options->trusted_proxy.items, options->trusted_proxy.n * sizeof(*options->trusted_proxy.items));
}

/* What only a restart changes. */
static void app_keep_options(struct app *app, const struct web_options *options)
{
    app->listen = tip_strdup(options->listen);
    app->ui = tip_strdup(options->ui);
    app->streams_max = options->streams_max;
}

static bool app_is_same(const char *a, const char *b)
{
    return !strcmp(a ? a : "", b ? b : "");
}

int app_reload(struct app *app, const struct web_options *options, char *why)
{
    if (!app_is_same(app->listen, options->listen) || !app_is_same(app->ui, options->ui) ||
        app->streams_max != options->streams_max) {
        snprintf(why, TIP_SERVICE_WHY_BYTES, "listen, ui and sse_clients_max change with a restart only");
        return -EBUSY;
    }
    app_take_options(app, options);
    web_calls_max(app->calls, (size_t)options->calls);
    return 0;
}

static int app_listen(struct app *app, const struct web_options *options)
{
    static const char *const heartbeats[] = {TIP_TOPIC_SYSTEM_HEARTBEAT, NULL};
    const struct web_server_config server = {.loop = app->loop,
                                             .metrics = tip_service_metrics(app->service),
                                             .listen = options->listen,
                                             .streams_max = (size_t)options->streams_max,
                                             .on_request = app_on_request,
                                             .ctx = app};
    int r = tip_sub_open(&app->sub, app->bus,
                         &(struct tip_sub_config){.prefixes = heartbeats, .on_record = app_on_record, .ctx = app});

    if (!r)
        r = tip_serve_open(&app->serve, app->bus, TIP_QUEUE_CONTROL "web", CONTROL_CREDIT, control_on_job, app);
    if (!r)
        r = web_server_open(&app->server, &server);
    return r;
}

static int app_start(struct app *app, const struct web_options *options)
{
    int r = app_open_files(app, options->ui);

    app->outbox = tip_service_bus_outbox(app->place);
    app->bus = tip_service_bus_bus(app->place);
    app->calls = web_calls_new(app->loop, app->bus, tip_service_metrics(app->service), (size_t)options->calls);
    app->events = events_new(app);
    if (!r)
        r = gate_open(app);
    if (!r)
        r = app_listen(app, options);
    if (r) {
        tip_error("service.refused", "why=%s error=%s listen=%s", "cannot begin", strerror(-r), options->listen);
        return r;
    }
    events_start(app->events);
    tip_timer_every(&app->purge, APP_PURGE_MS);
    tip_admin_ready(tip_service_admin(app->service), "http", true, "listens at %s, %zu files of the dashboard",
                    app->listen, web_files_count(app->files));
    tip_info("web.listening", "listen=%s files=%zu", app->listen, web_files_count(app->files));
    return 0;
}

int app_open(struct app **appp, struct tip_service *service, const struct web_options *options)
{
    tip_auto(app_destroy) struct app *app = tip_new(struct app);
    int r;

    app->service = service;
    app->loop = tip_service_loop(service);
    app->is_simulated = tip_service_is_simulated(service);
    app->auth = web_auth_new();
    app->limit = web_limit_new();
    app_keep_options(app, options);
    app_take_options(app, options);
    tip_metrics_add(tip_service_metrics(service), app_metrics, APP_M_COUNT, app->m);
    tip_metrics_on_read(tip_service_metrics(service), app_on_metrics, app);
    tip_timer_init(&app->purge, app->loop, app_on_purge, app);
    r = tip_service_bus_open(&app->place, service);
    if (!r)
        r = app_start(app, options);
    if (r)
        return r;
    *appp = tip_take(app);
    return 0;
}

void app_stop(struct app *app)
{
    tip_timer_stop(&app->purge);
    events_stop(app->events);
    web_server_drain(app->server);
    tip_serve_destroy(&app->serve);
    tip_sub_destroy(&app->sub);
    tip_service_bus_drain(app->place);
}

void app_destroy(struct app **appp)
{
    struct app *app = *appp;

    if (!app)
        return;
    tip_metrics_on_read_cancel(tip_service_metrics(app->service), app);
    tip_timer_deinit(&app->purge);
    while (app->asks) {
        struct ask *ask = app->asks;

        ask_destroy(&ask);
    }
    for (size_t i = 0; i < WEB_AUDIENCE_COUNT; i++)
        json_decref(app->overviews[i].json);
    events_destroy(&app->events);
    web_server_destroy(&app->server);
    web_calls_destroy(&app->calls);
    tip_serve_destroy(&app->serve);
    tip_sub_destroy(&app->sub);
    tip_service_bus_destroy(&app->place);
    while (app->n_services)
        app_service_drop(app, app->n_services - 1);
    web_files_destroy(&app->files);
    web_limit_destroy(&app->limit);
    web_auth_destroy(&app->auth);
    free(app->trusted_proxy.items);
    free(app->listen);
    free(app->ui);
    free(app->origin);
    free(app);
    *appp = NULL;
}
