#pragma once
/*
 * HTTP/1.1 for whoever connects: requests in, replies and streams out. It decides nothing but what is too much:
 * connections in number, headers and bodies in bytes, clients in time. All of it is counted.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <tip/addr.h>

#include "core/ring.h"
#include "core/route.h"

struct tip_loop;
struct tip_metrics;
struct web_server;
struct web_request;
struct web_stream;

enum {
    WEB_CONNECTIONS_MAX = 256, /* besides streams */
    WEB_HEADER_BYTES_MAX = 8192,
    WEB_BODY_BYTES_MAX = 64 * 1024,
    WEB_HEADER_MS = 10000, /* from the first byte of a request to its last */
    WEB_IDLE_MS = 30000,
    WEB_STREAM_BYTES = 64 * 1024, /* more is not written ahead of a reader */
    WEB_STREAM_STUCK_MS = 30000,  /* a reader that takes nothing for so long is dropped */
};

struct web_server_config {
    struct tip_loop *loop;
    struct tip_metrics *metrics;
    const char *listen; /* 127.0.0.1:8080 */
    size_t streams_max;
    /** Keeps the request until it calls web_reply or web_stream_open, now or later, exactly once. */
    void (*on_request)(void *ctx, struct web_request *request);
    void *ctx;
};

/** @return 0 or a negative errno */
tip_nodiscard int web_server_open(struct web_server **serverp, const struct web_server_config *config);

/** Takes nothing new any more. */
void web_server_drain(struct web_server *server);

/** Requests that wait for their reply must be forgotten before; streams end without on_close. */
void web_server_destroy(struct web_server **serverp);

/* ---- a request; texts live until the reply ---- */

bool web_request_is_head(const struct web_request *request);
enum web_method web_request_method(const struct web_request *request);
const char *web_request_target(const struct web_request *request);
const char *web_request_header(const struct web_request *request, const char *name); /* NULL when not there */
const uint8_t *web_request_body(const struct web_request *request, size_t *np);
const struct tip_addr *web_request_peer(const struct web_request *request);
int64_t web_request_age_ms(const struct web_request *request);

enum { WEB_REPLY_HEADERS = 8 };

struct web_reply {
    int status;
    const char *type; /* NULL: no body */
    const void *body;
    size_t body_len;
    struct {
        const char *name, *value;
    } headers[WEB_REPLY_HEADERS];
};

/** Ends it. */
void web_reply(struct web_request **requestp, const struct web_reply *reply);

/* ---- a stream ---- */

struct web_stream_config {
    void (*on_drained)(void *ctx); /* there is room again */
    void (*on_close)(void *ctx);   /* the other side has gone, or was dropped: the stream is no more */
    void *ctx;
    struct web_reply reply; /* its headers */
};

/** NULL, with a 503 reply sent, when there are too many. The request is gone. */
struct web_stream *web_stream_open(struct web_request **requestp, const struct web_stream_config *config);

/** Whether a write would wait in memory no longer than for one more text. */
bool web_stream_has_room(const struct web_stream *stream);

/** Sends; borrows the text by an owner more. May call on_close, later. */
void web_stream_send(struct web_stream *stream, struct web_text *text);

/** Ends it from this side, without on_close. */
void web_stream_close(struct web_stream **streamp);

size_t web_server_n_streams(const struct web_server *server);
