#include "io/fetch.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/evp.h>

#include <tip/alloc.h>
#include <tip/buf.h>
#include <tip/fail.h>
#include <tip/utf8.h>

enum { FETCH_REDIRECTS_MAX = 5, FETCH_DETAIL_BYTES = 400 };

struct bl_fetch {
    struct tip_http_transfer *transfer;
    struct bl_fetch_order order; /* spec and texts are gone after open */
    char *path;
    int fd;              /* -1: there is no file yet */
    struct tip_buf held; /* of the body: what is not written yet */
    int error;           /* errno of the first write that failed */
    EVP_MD_CTX *hash;    /* SHA-256: most of what an unchanged list costs, and OpenSSL has the processor's own */
    char detail[FETCH_DETAIL_BYTES];
};

static int fetch_stop(struct bl_fetch *fetch, int error)
{
    fetch->error = error;
    return 1;
}

/* Writes what is held; from now on there is a file. Not 0: fetch->error says why. */
static int fetch_write(struct bl_fetch *fetch)
{
    const uint8_t *at = fetch->held.data;
    size_t n = fetch->held.len;
    ssize_t done;

    if (fetch->fd == -1)
        fetch->fd = open(fetch->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fetch->fd == -1)
        return fetch_stop(fetch, errno);
    while (n) {
        done = write(fetch->fd, at, n);
        if (done == -1 && errno == EINTR)
            continue;
        if (done == -1)
            return fetch_stop(fetch, errno);
        at += done;
        n -= (size_t)done;
    }
    tip_buf_clear(&fetch->held);
    return 0;
}

static int fetch_on_body(void *ctx, const void *bytes, size_t n)
{
    struct bl_fetch *fetch = ctx;

    if (EVP_DigestUpdate(fetch->hash, bytes, n) != 1)
        return fetch_stop(fetch, ENOMEM);
    if (!tip_buf_append(&fetch->held, bytes, n))
        return 0;
    if (fetch_write(fetch))
        return 1;
    return tip_buf_append(&fetch->held, bytes, n) ? fetch_stop(fetch, ENOBUFS) : 0; /* curl hands over 16 KiB at most */
}

/* A validator we cannot send back as it came is none. */
static void fetch_copy(char to[static BL_ETAG_MAX + 1], const char *text)
{
    to[0] = '\0';
    if (text && strlen(text) <= BL_ETAG_MAX && tip_utf8_valid(text, strlen(text)))
        strcpy(to, text);
}

static void fetch_validators(struct bl_fetch *fetch, const struct tip_http_result *result, struct bl_fetched *fetched)
{
    fetch_copy(fetched->validators.etag, result->etag);
    fetch_copy(fetched->validators.last_modified, result->last_modified);
    fetched->validators.known = EVP_DigestFinal_ex(fetch->hash, fetched->validators.hash, NULL) == 1;
}

/* Disk, quota, or the most that one file may have: an operator makes room. */
static bool fetch_lacks_room(int error)
{
    return error == ENOSPC || error == EDQUOT || error == EFBIG;
}

static void fetch_unwritten(struct bl_fetch *fetch, struct bl_fetched *fetched)
{
    strcpy(fetched->reason, fetch_lacks_room(fetch->error) ? "no_space" : "io_error");
    (void)snprintf(fetch->detail, sizeof(fetch->detail), "%s", strerror(fetch->error));
}

static void fetch_status(struct bl_fetch *fetch, const struct tip_http_result *result, struct bl_fetched *fetched)
{
    const struct bl_validators *known = &fetch->order.validators;
    bool is_conditional = known->known && (*known->etag || *known->last_modified);

    if (result->status == 304 && is_conditional) {
        strcpy(fetched->reason, "not_modified");
        fetched->detail = "the server says that nothing changed";
    } else if (result->status != 200) {
        (void)snprintf(fetched->reason, sizeof(fetched->reason), "http_%d", result->status);
        (void)snprintf(fetch->detail, sizeof(fetch->detail), "the server answered with status %d", result->status);
    } else {
        fetch_validators(fetch, result, fetched);
        if (known->known && fetched->validators.known && !memcmp(known->hash, fetched->validators.hash, BL_HASH_BYTES))
            strcpy(fetched->reason, "unchanged");
        else if (fetch_write(fetch))
            fetch_unwritten(fetch, fetched);
    }
}

static void fetch_failed(struct bl_fetch *fetch, const struct tip_http_result *result, struct bl_fetched *fetched)
{
    static const char *const reasons[TIP_HTTP_END_COUNT] = {
        [TIP_HTTP_DONE] = "",           [TIP_HTTP_FAILED] = "transport",
        [TIP_HTTP_TIMEOUT] = "timeout", [TIP_HTTP_TOO_BIG] = "too_large",
        [TIP_HTTP_REFUSED] = "refused", [TIP_HTTP_ABORTED] = "io_error",
    };

    if (fetch->error) {
        fetch_unwritten(fetch, fetched);
        return;
    }
    strcpy(fetched->reason, reasons[result->end]);
    (void)snprintf(fetch->detail, sizeof(fetch->detail), "%s", result->error ? result->error : "");
}

static void fetch_on_done(void *ctx, const struct tip_http_result *result)
{
    struct bl_fetch *fetch = ctx;
    struct bl_fetched fetched = {.detail = fetch->detail, .n_bytes = result->n_bytes};

    fetch->transfer = NULL;
    fetch->detail[0] = '\0';
    if (result->retry_after_s > 0)
        fetched.retry_after_ms = result->retry_after_s > INT64_MAX / 1000 ? INT64_MAX : result->retry_after_s * 1000;
    if (result->end == TIP_HTTP_DONE)
        fetch_status(fetch, result, &fetched);
    else
        fetch_failed(fetch, result, &fetched);
    if (!*fetched.reason) {
        free(fetch->path); /* the file is the caller's now */
        fetch->path = NULL;
    }
    fetch->order.on_end(fetch->order.ctx, &fetched);
}

static void fetch_start(struct bl_fetch *fetch, struct tip_http *http)
{
    const struct bl_fetch_order *order = &fetch->order;
    const struct tip_http_request request = {
        .url = order->spec->url,
        .user_agent = order->user_agent,
        .if_none_match = order->validators.known && *order->validators.etag ? order->validators.etag : NULL,
        .if_modified_since =
            order->validators.known && *order->validators.last_modified ? order->validators.last_modified : NULL,
        .headers = (const char *const *)&order->spec->auth_header,
        .n_headers = order->spec->auth_header ? 1 : 0,
        .total_timeout_ms = order->spec->timeout_ms,
        .max_bytes = (uint64_t)order->spec->max_bytes,
        .max_redirects = FETCH_REDIRECTS_MAX,
        .allowed = order->spec->allowed,
        .n_allowed = order->spec->n_allowed,
        .on_body = fetch_on_body,
        .on_done = fetch_on_done,
        .ctx = fetch,
    };

    tip_http_get(http, &request, &fetch->transfer);
    fetch->order.spec = NULL;
    fetch->order.user_agent = fetch->order.path = NULL;
}

int bl_fetch_open(struct bl_fetch **fetchp, struct tip_http *http, const struct bl_fetch_order *order)
{
    tip_auto(bl_fetch_destroy) struct bl_fetch *fetch = tip_new(struct bl_fetch);

    fetch->order = *order;
    fetch->path = tip_strdup(order->path);
    fetch->fd = -1;
    tip_buf_init(&fetch->held, BL_FETCH_HELD);
    fetch->hash = EVP_MD_CTX_new();
    if (!fetch->hash || EVP_DigestInit_ex(fetch->hash, EVP_sha256(), NULL) != 1)
        return tip_fail(-ENOMEM);
    fetch_start(fetch, http);
    *fetchp = tip_take(fetch);
    return 0;
}

void bl_fetch_destroy(struct bl_fetch **fetchp)
{
    struct bl_fetch *fetch = tip_take(*fetchp);

    if (!fetch)
        return;
    tip_http_cancel(&fetch->transfer);
    if (fetch->fd != -1)
        (void)close(fetch->fd); /* what was written is removed */
    if (fetch->fd != -1 && fetch->path)
        (void)unlink(fetch->path);
    tip_buf_deinit(&fetch->held);
    free(fetch->path);
    EVP_MD_CTX_free(fetch->hash);
    free(fetch);
}
