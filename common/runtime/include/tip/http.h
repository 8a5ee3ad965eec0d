#pragma once
/*
 * HTTP GET in the loop, for fetching what others publish. Redirects are followed here, one hop at a time, and every
 * hop is checked on the address that is really connected to: public addresses, or those the request allows. No
 * proxies, no cookies, no reused connections; http and https only, and never from https back to http.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <tip/cleanup.h>

struct tip_loop;
struct tip_prefix;
struct tip_http;
struct tip_http_transfer;

/** How a transfer ended. */
enum tip_http_end {
    TIP_HTTP_DONE,    /* the response is complete, whatever its status */
    TIP_HTTP_FAILED,  /* could not resolve, connect, or read all of it */
    TIP_HTTP_TIMEOUT, /* connecting or the whole took too long */
    TIP_HTTP_TOO_BIG, /* more decoded bytes than max_bytes, or headers beyond 64 KiB */
    TIP_HTTP_REFUSED, /* an address, a protocol or a redirect that is not allowed */
    TIP_HTTP_ABORTED, /* on_body said so */
    TIP_HTTP_END_COUNT
};

/** Valid during on_done. Texts are NULL when the server did not say. */
struct tip_http_result {
    enum tip_http_end end;
    const char *error; /* a sentence for people; NULL with TIP_HTTP_DONE */
    int curl_code;     /* CURLcode of the last hop */
    int status;        /* HTTP status of the last hop; 0: none came */
    const char *etag;
    const char *last_modified;
    const char *content_type;
    const char *content_encoding; /* as sent; on_body got the decoded bytes */
    const char *effective_url;    /* after redirects */
    int64_t retry_after_s;        /* -1: not said */
    uint64_t n_bytes;             /* decoded bytes of the last hop */
    unsigned n_redirects;
    int64_t elapsed_ms;
};

/** Everything is copied. Zero means the default in brackets. */
struct tip_http_request {
    const char *url;
    const char *user_agent;        /* [tip/VERSION] */
    const char *if_none_match;     /* an ETag as it came [none] */
    const char *if_modified_since; /* a Last-Modified as it came [none] */
    const char *const *headers;    /* further "Name: value"; not sent to another host after a redirect */
    size_t n_headers;
    int64_t connect_timeout_ms; /* a hop [10 s] */
    int64_t total_timeout_ms;   /* all hops together [60 s] */
    uint64_t max_bytes;         /* decoded [64 MiB] */
    unsigned max_redirects;     /* [0: none; 3xx is then the result] */
    const struct tip_prefix *allowed;
    size_t n_allowed;        /* addresses allowed besides public ones */
    const char *unix_socket; /* connect here instead of where the URL says (admin sockets) */

    /** Bytes of a 2xx response, decoded. Nonzero aborts. May be NULL. */
    int (*on_body)(void *ctx, const void *bytes, size_t n);
    /** Once, from the loop, unless cancelled. The transfer is gone afterwards. */
    void (*on_done)(void *ctx, const struct tip_http_result *result);
    void *ctx;
};

struct tip_http *tip_http_new(struct tip_loop *loop);

/** Cancels what runs. Not from inside a callback. */
void tip_http_destroy(struct tip_http **httpp);

/**
 * Starts a transfer; callbacks come later, from the loop, never from here.
 *
 * @param transferp  may be NULL; valid until on_done or tip_http_cancel
 */
void tip_http_get(struct tip_http *http, const struct tip_http_request *request, struct tip_http_transfer **transferp);

/** Ends it without on_done. Sets the pointer to NULL, accepts NULL. Not from inside on_body: return nonzero there. */
void tip_http_cancel(struct tip_http_transfer **transferp);

/** "failed", "refused", …: stable names. */
const char *tip_http_end_name(enum tip_http_end end);
