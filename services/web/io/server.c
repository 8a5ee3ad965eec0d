#include "io/server.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/http.h>
#include <event2/keyvalq_struct.h>
#include <event2/listener.h>

#include <tip/alloc.h>
#include <tip/fail.h>
#include <tip/log.h>
#include <tip/loop.h>
#include <tip/metrics.h>

#include "core/table.h"

enum {
    SERVER_SWEEP_MS = 250,
    SERVER_SPARE = 64, /* places for what is accepted before the listener rests */
    SERVER_BACKLOG = 128,
    SERVER_REPLY_MS = 60000, /* the longest that a reply may take to be read */
    SERVER_CROWD_MS = 1000,  /* when all places are taken, who has been idle that long must go */
    SERVER_STREAM_INPUT = 4096,
    SERVER_HEADER_ROOM = 2 * WEB_HEADER_BYTES_MAX + 2048, /* evhttp's bound, so that ours can answer properly */
};

enum {
    M_REQUESTS,
    M_CONNECTIONS,
    M_STREAMS,
    M_OPEN,
    M_STREAMS_OPEN,
    M_PARSER,
    M_HEADER,
    M_URL,
    M_STREAMS_FULL,
    M_SLOW,
    M_IDLE,
    M_UNREAD,
    M_STUCK,
    M_CROWD,
    M_SECONDS,
    M_COUNT
};

#define REFUSED "tip_web_refused_total"
#define CUT     "tip_web_connections_cut_total"

static const struct tip_metric_row server_rows[M_COUNT] = {
    [M_REQUESTS] = {TIP_METRIC_COUNTER, "tip_web_requests_total", "", "Requests answered."},
    [M_CONNECTIONS] = {TIP_METRIC_COUNTER, "tip_web_connections_total", "", "Connections taken."},
    [M_STREAMS] = {TIP_METRIC_COUNTER, "tip_web_streams_total", "", "Event streams begun."},
    [M_OPEN] = {TIP_METRIC_GAUGE, "tip_web_connections", "", "Open connections, streams left aside."},
    [M_STREAMS_OPEN] = {TIP_METRIC_GAUGE, "tip_web_streams", "", "Open event streams."},
    [M_PARSER] = {TIP_METRIC_COUNTER, REFUSED, "why=\"malformed\"", "Requests refused before they were looked at."},
    [M_HEADER] = {TIP_METRIC_COUNTER, REFUSED, "why=\"header\"", "Requests refused before they were looked at."},
    [M_URL] = {TIP_METRIC_COUNTER, REFUSED, "why=\"url\"", "Requests refused before they were looked at."},
    [M_STREAMS_FULL] = {TIP_METRIC_COUNTER, REFUSED, "why=\"streams\"", "Requests refused before they were looked at."},
    [M_SLOW] = {TIP_METRIC_COUNTER, CUT, "why=\"slow_request\"", "Connections cut."},
    [M_IDLE] = {TIP_METRIC_COUNTER, CUT, "why=\"idle\"", "Connections cut."},
    [M_UNREAD] = {TIP_METRIC_COUNTER, CUT, "why=\"slow_reader\"", "Connections cut."},
    [M_STUCK] = {TIP_METRIC_COUNTER, CUT, "why=\"stuck_stream\"", "Connections cut."},
    [M_CROWD] = {TIP_METRIC_COUNTER, CUT, "why=\"crowd\"", "Connections cut."},
    [M_SECONDS] = {TIP_METRIC_HISTOGRAM, "tip_web_request_seconds", "", "From a request to its reply."},
};

/*
 * evhttp 2.1 tells nobody of connections that came and went. So each bufferevent it asks for is held for one turn of
 * the loop, until it has its descriptor, and known from then on by descriptor and inode; a close callback, which wants
 * a first request, is quicker.
 */
struct server_place {
    struct web_server *server;
    struct bufferevent *held; /* NULL once the descriptor is known */
    struct bufferevent *bev;  /* evhttp's; to be compared only, until the first request has set a close callback */
    int fd;                   /* -1 with held NULL: the place is free */
    ino_t inode;
    int64_t since_ms;   /* of what it does now: nothing, or writing */
    int64_t request_ms; /* when the request that is being read began; 0: none */
    bool is_known;      /* there is a close callback */
    bool is_busy;       /* a request waits for its reply */
    bool is_replying;   /* what is being written is ours */
    struct web_stream *stream;
};

struct web_request {
    struct web_server *server;
    struct evhttp_request *request;
    struct server_place *place;
    struct tip_addr peer;
    int64_t since_ms;
    struct web_request *next, **link; /* all that wait */
};

struct web_stream {
    struct web_server *server;
    struct evhttp_request *request;
    struct server_place *place;
    struct bufferevent *bev;
    struct web_stream_config config;
    size_t pending; /* when last looked at */
    int64_t moved_ms;
};

struct web_server {
    struct web_server_config config;
    struct evhttp *http;
    struct evconnlistener *listener;
    struct tip_timer sweep;
    struct server_place *places;
    size_t n_places, n_open, n_streams;
    bool is_draining;
    struct web_request *requests;
    struct tip_metric *m[M_COUNT];
};

/* ---- places ---- */

static void server_listen(struct web_server *server)
{
    bool is_on = !server->is_draining && server->n_open - server->n_streams < WEB_CONNECTIONS_MAX;

    if (server->listener)
        (void)(is_on ? evconnlistener_enable : evconnlistener_disable)(server->listener); /* only edits the poll set */
}

static void server_free(struct web_server *server, struct server_place *place)
{
    if (place->held)
        bufferevent_decref(place->held);
    *place = (struct server_place){.server = server, .fd = -1};
    server->n_open--;
    server_listen(server);
}

static struct server_place *server_find(struct web_server *server, const struct bufferevent *bev)
{
    for (size_t i = 0; i < server->n_places; i++) {
        if (server->places[i].bev == bev)
            return &server->places[i];
    }
    return NULL;
}

/* evhttp has given the bufferevent its descriptor by now, or freed it and left it to our reference. */
static void server_learn(struct web_server *server, struct server_place *place)
{
    struct stat st;

    place->fd = bufferevent_getfd(place->held);
    if (place->fd == -1 || fstat(place->fd, &st) == -1) {
        server_free(server, place);
        return;
    }
    place->inode = st.st_ino;
    bufferevent_decref(place->held);
    place->held = NULL;
}

static void server_cut(struct web_server *server, struct server_place *place, int metric)
{
    tip_metric_inc(server->m[metric]);
    (void)shutdown(place->fd, SHUT_RDWR); /* evhttp then reads the end and frees it */
    place->since_ms = place->request_ms = tip_loop_now_ms();
}

static void server_judge_stream(struct web_server *server, struct server_place *place, int64_t now_ms)
{
    struct web_stream *stream = place->stream;
    size_t pending = evbuffer_get_length(bufferevent_get_output(stream->bev));

    if (pending == 0 || pending < stream->pending)
        stream->moved_ms = now_ms;
    stream->pending = pending;
    if (now_ms - stream->moved_ms > WEB_STREAM_STUCK_MS) {
        server_cut(server, place, M_STUCK);
        stream->moved_ms = now_ms;
    }
}

/* All that was replied has been taken. */
static bool server_is_silent(const struct server_place *place)
{
    return place->is_known && evbuffer_get_length(bufferevent_get_output(place->bev)) == 0;
}

static void server_judge(struct web_server *server, struct server_place *place, int64_t now_ms)
{
    int64_t idle_ms = now_ms - place->since_ms;
    bool is_crowded = server->n_open - server->n_streams >= WEB_CONNECTIONS_MAX;

    if (place->stream)
        server_judge_stream(server, place, now_ms);
    else if (place->is_busy)
        return;
    else if (place->request_ms && now_ms - place->request_ms > WEB_HEADER_MS)
        server_cut(server, place, M_SLOW);
    else if (idle_ms > SERVER_REPLY_MS)
        server_cut(server, place, M_UNREAD);
    else if (idle_ms > WEB_IDLE_MS && !place->request_ms && server_is_silent(place))
        server_cut(server, place, M_IDLE);
    else if (!place->request_ms && is_crowded && idle_ms > SERVER_CROWD_MS)
        server_cut(server, place, M_CROWD);
}

static void server_check(struct web_server *server, struct server_place *place, int64_t now_ms)
{
    struct stat st;

    if (place->held)
        server_learn(server, place);
    if (place->fd == -1)
        return;
    if (fstat(place->fd, &st) == -1 || st.st_ino != place->inode)
        server_free(server, place);
    else
        server_judge(server, place, now_ms);
}

static void server_on_sweep(void *ctx)
{
    struct web_server *server = ctx;
    int64_t now_ms = tip_loop_now_ms();

    for (size_t i = 0; i < server->n_places; i++)
        server_check(server, &server->places[i], now_ms);
    server_listen(server);
    if (server->n_open)
        tip_timer_start(&server->sweep, SERVER_SWEEP_MS);
}

/* ---- what evhttp does by itself ---- */

static void server_on_input(struct evbuffer *buffer, const struct evbuffer_cb_info *info, void *ctx)
{
    struct server_place *place = ctx;

    (void)buffer;
    if (info->n_added && !place->request_ms && !place->is_busy)
        place->request_ms = tip_loop_now_ms();
}

static bool server_is_interim(struct evbuffer *buffer, size_t n_added)
{
    char head[12] = {0};
    struct evbuffer_ptr at;

    if (evbuffer_ptr_set(buffer, &at, evbuffer_get_length(buffer) - n_added, EVBUFFER_PTR_SET) == -1)
        return false;
    return evbuffer_copyout_from(buffer, &at, head, sizeof(head)) == (ev_ssize_t)sizeof(head) &&
           !memcmp(head + 8, " 100", 4);
}

/* A status line that is not ours: the parser has refused the request. */
static void server_on_output(struct evbuffer *buffer, const struct evbuffer_cb_info *info, void *ctx)
{
    struct server_place *place = ctx;
    char head[5];

    if (!info->n_added || place->is_replying || place->stream || info->n_added < sizeof(head))
        return;
    if (info->orig_size == 0 && evbuffer_copyout(buffer, head, sizeof(head)) == (ev_ssize_t)sizeof(head) &&
        !memcmp(head, "HTTP/", 5) && !server_is_interim(buffer, info->n_added))
        tip_metric_inc(place->server->m[M_PARSER]);
}

static struct bufferevent *server_on_connection(struct event_base *base, void *ctx)
{
    struct web_server *server = ctx;
    struct bufferevent *bev = bufferevent_socket_new(base, -1, 0);

    if (!bev)
        abort();
    tip_metric_inc(server->m[M_CONNECTIONS]);
    for (size_t i = 0; i < server->n_places; i++) {
        struct server_place *place = &server->places[i];

        if (place->fd != -1 || place->held)
            continue;
        bufferevent_incref(bev);
        *place =
            (struct server_place){.server = server, .held = bev, .bev = bev, .fd = -1, .since_ms = tip_loop_now_ms()};
        place->request_ms = place->since_ms; /* a first request is awaited from now on */
        evbuffer_add_cb(bufferevent_get_input(bev), server_on_input, place);
        evbuffer_add_cb(bufferevent_get_output(bev), server_on_output, place);
        server->n_open++;
        break;
    }
    server_listen(server);
    tip_timer_start(&server->sweep, 0);
    return bev;
}

/* ---- requests ---- */

static const struct {
    enum evhttp_cmd_type type;
    enum web_method method;
} server_methods[] = {{EVHTTP_REQ_GET, WEB_GET},
                      {EVHTTP_REQ_HEAD, WEB_GET},
                      {EVHTTP_REQ_POST, WEB_POST},
                      {EVHTTP_REQ_DELETE, WEB_DELETE}};

enum web_method web_request_method(const struct web_request *request)
{
    for (size_t i = 0; i < sizeof(server_methods) / sizeof(server_methods[0]); i++) {
        if (server_methods[i].type == evhttp_request_get_command(request->request))
            return server_methods[i].method;
    }
    return WEB_OTHER;
}

bool web_request_is_head(const struct web_request *request)
{
    return evhttp_request_get_command(request->request) == EVHTTP_REQ_HEAD;
}

const char *web_request_target(const struct web_request *request)
{
    return evhttp_request_get_uri(request->request);
}

const char *web_request_header(const struct web_request *request, const char *name)
{
    return evhttp_find_header(evhttp_request_get_input_headers(request->request), name);
}

const uint8_t *web_request_body(const struct web_request *request, size_t *np)
{
    struct evbuffer *body = evhttp_request_get_input_buffer(request->request);

    *np = evbuffer_get_length(body);
    return *np ? evbuffer_pullup(body, -1) : (const uint8_t *)"";
}

const struct tip_addr *web_request_peer(const struct web_request *request)
{
    return &request->peer;
}

int64_t web_request_age_ms(const struct web_request *request)
{
    return tip_loop_now_ms() - request->since_ms;
}

static void request_forget(struct web_request *request)
{
    *request->link = request->next;
    if (request->next)
        request->next->link = request->link;
    free(request);
}

static void request_headers(struct evhttp_request *to, const struct web_reply *reply)
{
    struct evkeyvalq *headers = evhttp_request_get_output_headers(to);

    if (reply->type)
        evhttp_add_header(headers, "Content-Type", reply->type);
    for (size_t i = 0; i < WEB_REPLY_HEADERS && reply->headers[i].name; i++)
        evhttp_add_header(headers, reply->headers[i].name, reply->headers[i].value);
}

/* evhttp leaves the length away where it leaves the body away. */
static void request_body(struct evhttp_request *to, const struct web_reply *reply)
{
    char length[24];

    if (reply->type && evhttp_request_get_command(to) == EVHTTP_REQ_HEAD) {
        snprintf(length, sizeof(length), "%zu", reply->body_len);
        evhttp_add_header(evhttp_request_get_output_headers(to), "Content-Length", length);
    } else if (reply->type) {
        evbuffer_add(evhttp_request_get_output_buffer(to), reply->body, reply->body_len);
    }
}

void web_reply(struct web_request **requestp, const struct web_reply *reply)
{
    struct web_request *request = *requestp;
    struct web_server *server = request->server;
    struct server_place *place = request->place;

    tip_metric_inc(server->m[M_REQUESTS]);
    tip_metric_observe(server->m[M_SECONDS], (double)web_request_age_ms(request) / 1000);
    request_headers(request->request, reply);
    if (server->is_draining)
        evhttp_add_header(evhttp_request_get_output_headers(request->request), "Connection", "close");
    request_body(request->request, reply);
    if (place) {
        place->is_busy = false;
        place->since_ms = tip_loop_now_ms();
        place->is_replying = true;
    }
    evhttp_send_reply(request->request, reply->status, web_status_text(reply->status), NULL);
    if (place)
        place->is_replying = false;
    request_forget(request);
    *requestp = NULL;
}

static void server_on_close(struct evhttp_connection *connection, void *ctx)
{
    struct web_server *server = ctx;
    struct server_place *place = server_find(server, evhttp_connection_get_bufferevent(connection));
    struct web_stream *stream = place ? place->stream : NULL;

    if (!place)
        return;
    for (struct web_request *at = server->requests; at; at = at->next) {
        if (at->place == place)
            at->place = NULL; /* cannot happen while evhttp does not read; then its reply goes nowhere */
    }
    if (stream)
        server->n_streams--;
    server_free(server, place);
    if (!stream)
        return;
    stream->config.on_close(stream->config.ctx);
    free(stream);
}

static void request_peer(struct evhttp_connection *connection, struct tip_addr *peer)
{
    char *text = NULL;
    ev_uint16_t port = 0;

    evhttp_connection_get_peer(connection, &text, &port);
    if (!text || tip_addr_parse(peer, text, strcspn(text, "%")))
        *peer = (struct tip_addr){.family = 4};
}

static void request_refuse(struct web_request *request, int metric, int status, const char *why)
{
    char body[160];
    int len =
        snprintf(body, sizeof(body), "{\"type\":\"about:blank\",\"title\":\"%s\",\"status\":%d,\"detail\":\"%s\"}",
                 web_status_text(status), status, why);

    tip_metric_inc(request->server->m[metric]);
    web_reply(&request, &(struct web_reply){.status = status,
                                            .type = "application/problem+json",
                                            .body = body,
                                            .body_len = (size_t)len,
                                            .headers = {{"Connection", "close"}, {"Cache-Control", "no-store"}}});
}

static size_t request_header_bytes(struct evhttp_request *request)
{
    const struct evkeyvalq *headers = evhttp_request_get_input_headers(request);
    const struct evkeyval *header;
    size_t n = 0;

    TAILQ_FOREACH (header, headers, next)
        n += strlen(header->key) + strlen(header->value) + 4;
    return n;
}

static void server_on_request(struct evhttp_request *from, void *ctx)
{
    struct web_server *server = ctx;
    struct evhttp_connection *connection = evhttp_request_get_connection(from);
    struct web_request *request = tip_new(struct web_request);

    *request = (struct web_request){.server = server, .request = from, .since_ms = tip_loop_now_ms()};
    request->place = server_find(server, evhttp_connection_get_bufferevent(connection));
    request->link = &server->requests;
    request->next = server->requests;
    if (request->next)
        request->next->link = &request->next;
    server->requests = request;
    request_peer(connection, &request->peer);
    evhttp_connection_set_closecb(connection, server_on_close, server);
    if (request->place) {
        request->place->is_known = true;
        request->place->request_ms = 0;
        request->place->is_busy = true;
    }
    if (strlen(evhttp_request_get_uri(from)) > WEB_HEADER_BYTES_MAX)
        request_refuse(request, M_URL, 414, "the address is longer than 8 KiB");
    else if (request_header_bytes(from) > WEB_HEADER_BYTES_MAX)
        request_refuse(request, M_HEADER, 431, "the header is longer than 8 KiB");
    else
        server->config.on_request(server->config.ctx, request);
}

/* ---- streams ---- */

size_t web_server_n_streams(const struct web_server *server)
{
    return server->n_streams;
}

struct web_stream *web_stream_open(struct web_request **requestp, const struct web_stream_config *config)
{
    struct web_request *request = *requestp;
    struct web_server *server = request->server;
    struct web_stream *stream;

    *requestp = NULL;
    if (!request->place || server->n_streams >= server->config.streams_max || server->is_draining) {
        request_refuse(request, M_STREAMS_FULL, 503, "there are too many event streams");
        return NULL;
    }
    stream = tip_new(struct web_stream);
    *stream =
        (struct web_stream){.server = server, .request = request->request, .place = request->place, .config = *config};
    stream->bev = evhttp_connection_get_bufferevent(evhttp_request_get_connection(stream->request));
    stream->moved_ms = tip_loop_now_ms();
    stream->place->stream = stream;
    stream->place->is_busy = false;
    server->n_streams++;
    tip_metric_inc(server->m[M_STREAMS]);
    request_headers(stream->request, &config->reply);
    evhttp_send_reply_start(stream->request, 200, "OK");
    bufferevent_set_timeouts(stream->bev, NULL, NULL);
    bufferevent_setwatermark(stream->bev, EV_READ, 0, SERVER_STREAM_INPUT);
    request_forget(request);
    server_listen(server);
    return stream;
}

bool web_stream_has_room(const struct web_stream *stream)
{
    return evbuffer_get_length(bufferevent_get_output(stream->bev)) < WEB_STREAM_BYTES;
}

static void stream_on_drained(struct evhttp_connection *connection, void *ctx)
{
    struct web_stream *stream = ctx;

    (void)connection;
    stream->moved_ms = tip_loop_now_ms();
    stream->config.on_drained(stream->config.ctx);
}

static void stream_on_sent(const void *bytes, size_t n, void *ctx)
{
    struct web_text *text = ctx;

    (void)bytes, (void)n;
    web_text_destroy(&text);
}

void web_stream_send(struct web_stream *stream, struct web_text *text)
{
    struct evbuffer *buffer = evbuffer_new();

    if (!buffer || evbuffer_add_reference(buffer, text->bytes, text->len, stream_on_sent, web_text_own(text)) == -1)
        abort();
    evhttp_send_reply_chunk_with_cb(stream->request, buffer, stream_on_drained, stream);
    evbuffer_free(buffer);
}

void web_stream_close(struct web_stream **streamp)
{
    struct web_stream *stream = *streamp;

    *streamp = NULL;
    if (!stream)
        return;
    stream->server->n_streams--;
    stream->place->stream = NULL;
    stream->place->since_ms = tip_loop_now_ms();
    evhttp_add_header(evhttp_request_get_output_headers(stream->request), "Connection", "close");
    evhttp_send_reply_end(stream->request);
    free(stream);
}

/* ---- opening ---- */

static void server_on_read(void *ctx)
{
    struct web_server *server = ctx;

    tip_metric_set(server->m[M_OPEN], (double)(server->n_open - server->n_streams));
    tip_metric_set(server->m[M_STREAMS_OPEN], (double)server->n_streams);
}

static socklen_t server_sockaddr(const struct tip_endpoint *endpoint, struct sockaddr_storage *at)
{
    struct sockaddr_in6 *six = (struct sockaddr_in6 *)at;
    struct sockaddr_in *four = (struct sockaddr_in *)at;

    memset(at, 0, sizeof(*at));
    if (endpoint->addr.family == 4) {
        four->sin_family = AF_INET;
        four->sin_port = htons(endpoint->port);
        memcpy(&four->sin_addr, endpoint->addr.bytes, 4);
        return sizeof(*four);
    }
    six->sin6_family = AF_INET6;
    six->sin6_port = htons(endpoint->port);
    memcpy(&six->sin6_addr, endpoint->addr.bytes, 16);
    return sizeof(*six);
}

static int server_bind(struct web_server *server, const char *listen)
{
    struct sockaddr_storage at;
    struct tip_endpoint endpoint;
    socklen_t len;

    if (tip_endpoint_parse(&endpoint, listen, strlen(listen)))
        return tip_fail(-EINVAL);
    len = server_sockaddr(&endpoint, &at);
    server->listener = evconnlistener_new_bind(tip_loop_base(server->config.loop), NULL, NULL,
                                               LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC | LEV_OPT_REUSEABLE,
                                               SERVER_BACKLOG, (struct sockaddr *)&at, (int)len);
    if (!server->listener)
        return tip_fail(-errno);
    if (!evhttp_bind_listener(server->http, server->listener)) {
        evconnlistener_free(server->listener);
        return tip_fail(-ENOMEM);
    }
    return 0;
}

static void server_make_http(struct web_server *server)
{
    server->http = evhttp_new(tip_loop_base(server->config.loop));
    if (!server->http)
        abort();
    evhttp_set_max_headers_size(server->http, SERVER_HEADER_ROOM);
    evhttp_set_max_body_size(server->http, WEB_BODY_BYTES_MAX);
    evhttp_set_timeout(server->http, SERVER_REPLY_MS / 1000); /* sweeps come first */
    evhttp_set_default_content_type(server->http, NULL);
    evhttp_set_allowed_methods(server->http, EVHTTP_REQ_GET | EVHTTP_REQ_HEAD | EVHTTP_REQ_POST | EVHTTP_REQ_DELETE |
                                                 EVHTTP_REQ_PUT | EVHTTP_REQ_PATCH | EVHTTP_REQ_OPTIONS);
    evhttp_set_bevcb(server->http, server_on_connection, server);
    evhttp_set_gencb(server->http, server_on_request, server);
}

int web_server_open(struct web_server **serverp, const struct web_server_config *config)
{
    tip_auto(web_server_destroy) struct web_server *server = tip_new(struct web_server);
    int r;

    server->config = *config;
    server->n_places = WEB_CONNECTIONS_MAX + config->streams_max + SERVER_SPARE;
    server->places = tip_new_array(server->n_places, struct server_place);
    for (size_t i = 0; i < server->n_places; i++)
        server->places[i] = (struct server_place){.server = server, .fd = -1};
    tip_metrics_add(config->metrics, server_rows, M_COUNT, server->m);
    tip_metrics_on_read(config->metrics, server_on_read, server);
    tip_timer_init(&server->sweep, config->loop, server_on_sweep, server);
    server_make_http(server);
    r = server_bind(server, config->listen);
    if (r)
        return r;
    *serverp = tip_take(server);
    return 0;
}

void web_server_drain(struct web_server *server)
{
    server->is_draining = true;
    server_listen(server);
}

static void server_drop_streams(struct web_server *server)
{
    for (size_t i = 0; i < server->n_places; i++) {
        free(server->places[i].stream);
        server->places[i].stream = NULL;
    }
    server->n_streams = 0;
}

void web_server_destroy(struct web_server **serverp)
{
    struct web_server *server = *serverp;

    if (!server)
        return;
    server->is_draining = true;
    server_drop_streams(server);
    while (server->requests)
        request_forget(server->requests);
    server->listener = NULL;   /* the first that goes */
    evhttp_free(server->http); /* with its listener and connections */
    for (size_t i = 0; i < server->n_places; i++) {
        if (server->places[i].held)
            bufferevent_decref(server->places[i].held);
    }
    tip_metrics_on_read_cancel(server->config.metrics, server);
    tip_timer_deinit(&server->sweep);
    free(server->places);
    free(server);
    *serverp = NULL;
}
