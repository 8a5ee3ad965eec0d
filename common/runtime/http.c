#include <tip/http.h>

#include <errno.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <unistd.h>

#include <curl/curl.h>

#include <tip/addr.h>
#include <tip/alloc.h>
#include <tip/loop.h>

enum {
    HTTP_CONNECT_MS = 10000,
    HTTP_TOTAL_MS = 60000,
    HTTP_BYTES_MAX = 64 << 20,
    HTTP_HEADER_BYTES_MAX = 64 << 10,
    HTTP_VALUE_BYTES_MAX = 1024, /* of a header that is kept */
    HTTP_READ_BYTES = 128 << 10, /* curl takes one read a turn of the loop, by default of 16 KiB */
    HTTP_WHY_BYTES = 320,
};

struct tip_http {
    struct tip_loop *loop;
    CURLM *multi;
    struct tip_timer timer;
    struct tip_http_transfer *first; /* all that run */
};

/* The headers of a response that are kept. */
enum { HTTP_ETAG, HTTP_LAST_MODIFIED, HTTP_CONTENT_TYPE, HTTP_CONTENT_ENCODING, HTTP_KEPT_COUNT };

static const char *const http_kept_names[HTTP_KEPT_COUNT] = {"etag", "last-modified", "content-type",
                                                             "content-encoding"};

struct tip_http_transfer {
    struct tip_http *http;
    struct tip_http_transfer *next;
    struct tip_http_transfer **prevp;
    CURL *easy;
    struct curl_slist *headers;
    struct tip_prefix *allowed;
    size_t n_allowed;
    int (*on_body)(void *ctx, const void *bytes, size_t n);
    void (*on_done)(void *ctx, const struct tip_http_result *result);
    void *ctx;
    char *url; /* of this hop */
    char *if_none_match;
    char *if_modified_since;
    char *unix_socket;
    char **extra; /* further headers */
    size_t n_extra;
    uint64_t bytes_max;
    unsigned redirects_max;
    int64_t total_ms;
    int64_t start_ms;
    uint64_t n_bytes;
    unsigned n_redirects;
    bool is_refused;          /* an address of this hop; another one may still have answered */
    bool is_redirect_refused; /* where the last response pointed */
    bool is_too_big;
    bool is_aborted;
    char why[HTTP_WHY_BYTES];
    char curl_why[CURL_ERROR_SIZE];

    size_t header_bytes; /* of this hop */
    char *kept[HTTP_KEPT_COUNT];
};

/* A socket of curl's. */
struct http_socket {
    struct tip_watch watch;
    struct tip_http *http;
};

const char *tip_http_end_name(enum tip_http_end end)
{
    static const char *const names[TIP_HTTP_END_COUNT] = {
        [TIP_HTTP_DONE] = "done",       [TIP_HTTP_FAILED] = "failed",   [TIP_HTTP_TIMEOUT] = "timeout",
        [TIP_HTTP_TOO_BIG] = "too_big", [TIP_HTTP_REFUSED] = "refused", [TIP_HTTP_ABORTED] = "aborted",
    };

    return names[end];
}

static void http_why(struct tip_http_transfer *transfer, const char *format, ...) tip_printf(2, 3);

static void http_why(struct tip_http_transfer *transfer, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    (void)vsnprintf(transfer->why, sizeof(transfer->why), format, args);
    va_end(args);
}

/* --- where it may connect to --- */

static bool http_addr_of(const struct sockaddr *at, struct tip_addr *addr)
{
    struct sockaddr_in6 six;
    struct sockaddr_in four;

    if (at->sa_family == AF_INET) {
        memcpy(&four, at, sizeof(four));
        *addr = tip_addr_from_bytes(&four.sin_addr, 4);
        return true;
    }
    if (at->sa_family == AF_INET6) {
        memcpy(&six, at, sizeof(six));
        *addr = tip_addr_from_bytes(&six.sin6_addr, 16);
        return true;
    }
    return false;
}

static bool http_addr_is_allowed(const struct tip_http_transfer *transfer, const struct tip_addr *addr)
{
    if (tip_addr_is_public(addr))
        return true;
    for (size_t i = 0; i < transfer->n_allowed; i++)
        if (tip_prefix_contains(&transfer->allowed[i], addr))
            return true;
    return false;
}

/* curl asks for a socket to an address it has resolved: the one place where both are known for certain. */
static curl_socket_t http_on_open(void *ctx, curlsocktype purpose, struct curl_sockaddr *at)
{
    struct tip_http_transfer *transfer = ctx;
    char text[TIP_ADDR_TEXT] = "a socket of another kind";
    struct tip_addr addr;

    (void)purpose;
    if (at->family == AF_UNIX && transfer->unix_socket)
        return socket(at->family, at->socktype | SOCK_CLOEXEC, at->protocol);
    if (http_addr_of(&at->addr, &addr)) {
        if (http_addr_is_allowed(transfer, &addr))
            return socket(at->family, at->socktype | SOCK_CLOEXEC, at->protocol);
        (void)tip_addr_format(&addr, text); /* its length */
    }
    transfer->is_refused = true;
    http_why(transfer, "refused to connect to %s, which is not a public address%s", text,
             transfer->n_redirects ? " (after a redirect)" : "");
    return CURL_SOCKET_BAD;
}

/* --- what comes in --- */

static long http_status(const struct tip_http_transfer *transfer)
{
    long status = 0;

    curl_easy_getinfo(transfer->easy, CURLINFO_RESPONSE_CODE, &status);
    return status;
}

static size_t http_on_body(char *bytes, size_t one, size_t n, void *ctx)
{
    struct tip_http_transfer *transfer = ctx;
    long status = http_status(transfer);

    (void)one;
    if (n > transfer->bytes_max - transfer->n_bytes) {
        transfer->is_too_big = true;
        http_why(transfer, "more than %llu bytes", (unsigned long long)transfer->bytes_max);
        return 0;
    }
    transfer->n_bytes += n;
    if (status < 200 || status > 299 || !transfer->on_body)
        return n;
    if (transfer->on_body(transfer->ctx, bytes, n)) {
        transfer->is_aborted = true;
        http_why(transfer, "the reader did not want more");
        return 0;
    }
    return n;
}

static void http_kept_clear(struct tip_http_transfer *transfer)
{
    for (int i = 0; i < HTTP_KEPT_COUNT; i++) {
        free(transfer->kept[i]);
        transfer->kept[i] = NULL;
    }
}

static void http_keep(struct tip_http_transfer *transfer, int which, const char *value, size_t n)
{
    while (n && strchr(" \t", value[0])) {
        value++;
        n--;
    }
    while (n && strchr(" \t\r\n", value[n - 1]))
        n--;
    if (n > HTTP_VALUE_BYTES_MAX || memchr(value, 0, n))
        return;
    free(transfer->kept[which]);
    transfer->kept[which] = tip_strndup(value, n);
}

static size_t http_on_header(char *line, size_t one, size_t n, void *ctx)
{
    struct tip_http_transfer *transfer = ctx;

    (void)one;
    transfer->header_bytes += n;
    if (transfer->header_bytes > HTTP_HEADER_BYTES_MAX) {
        transfer->is_too_big = true;
        http_why(transfer, "headers beyond %d bytes", HTTP_HEADER_BYTES_MAX);
        return 0;
    }
    if (n > 5 && strncmp(line, "HTTP/", 5) == 0) /* a new response: what was kept belonged to a 1xx */
        http_kept_clear(transfer);
    for (int i = 0; i < HTTP_KEPT_COUNT; i++) {
        size_t len = strlen(http_kept_names[i]);

        if (n > len && line[len] == ':' && strncasecmp(line, http_kept_names[i], len) == 0)
            http_keep(transfer, i, line + len + 1, n - len - 1);
    }
    return n;
}

/* --- one hop --- */

/* libcurl refuses an option only if it was built without it; Debian's has all of these. */
#define http_set(transfer, option, value)                                  \
    do {                                                                   \
        if (curl_easy_setopt((transfer)->easy, option, value) != CURLE_OK) \
            abort();                                                       \
    } while (0)

static void http_header_add(struct tip_http_transfer *transfer, const char *text)
{
    struct curl_slist *longer = curl_slist_append(transfer->headers, text);

    if (!longer)
        abort();
    transfer->headers = longer;
}

static void http_header_value(struct tip_http_transfer *transfer, const char *name, const char *value)
{
    char *line;

    if (!value || strpbrk(value, "\r\n"))
        return;
    if (asprintf(&line, "%s: %s", name, value) == -1)
        abort();
    http_header_add(transfer, line);
    free(line);
}

/* Headers that were meant for one host are not told to another. */
static void http_headers(struct tip_http_transfer *transfer)
{
    curl_slist_free_all(transfer->headers);
    transfer->headers = NULL;
    http_header_value(transfer, "If-None-Match", transfer->if_none_match);
    http_header_value(transfer, "If-Modified-Since", transfer->if_modified_since);
    for (size_t i = 0; i < transfer->n_extra; i++)
        http_header_add(transfer, transfer->extra[i]);
    http_set(transfer, CURLOPT_HTTPHEADER, transfer->headers);
}

static void http_hop(struct tip_http_transfer *transfer)
{
    int64_t left_ms = transfer->total_ms - (tip_loop_now_ms() - transfer->start_ms);

    transfer->header_bytes = 0;
    transfer->n_bytes = 0;
    transfer->is_refused = false;
    transfer->curl_why[0] = '\0';
    http_kept_clear(transfer);
    http_headers(transfer);
    http_set(transfer, CURLOPT_URL, transfer->url);
    http_set(transfer, CURLOPT_TIMEOUT_MS, (long)(left_ms > 1 ? left_ms : 1));
    if (curl_multi_add_handle(transfer->http->multi, transfer->easy) != CURLM_OK)
        abort();
}

/* --- the end, or the next hop --- */

static void http_transfer_free(struct tip_http_transfer *transfer)
{
    if (transfer->next)
        transfer->next->prevp = transfer->prevp;
    *transfer->prevp = transfer->next;
    curl_easy_cleanup(transfer->easy);
    curl_slist_free_all(transfer->headers);
    http_kept_clear(transfer);
    for (size_t i = 0; i < transfer->n_extra; i++)
        free(transfer->extra[i]);
    free(transfer->extra);
    free(transfer->allowed);
    free(transfer->url);
    free(transfer->if_none_match);
    free(transfer->if_modified_since);
    free(transfer->unix_socket);
    free(transfer);
}

static enum tip_http_end http_end_of(struct tip_http_transfer *transfer, CURLcode code)
{
    if (transfer->is_aborted)
        return TIP_HTTP_ABORTED;
    if (transfer->is_too_big)
        return TIP_HTTP_TOO_BIG;
    if (code == CURLE_OK)
        return transfer->is_redirect_refused ? TIP_HTTP_REFUSED : TIP_HTTP_DONE;
    if (transfer->is_refused)
        return TIP_HTTP_REFUSED;
    http_why(transfer, "%s", transfer->curl_why[0] ? transfer->curl_why : curl_easy_strerror(code));
    if (code == CURLE_UNSUPPORTED_PROTOCOL)
        return TIP_HTTP_REFUSED;
    if (code == CURLE_FILESIZE_EXCEEDED)
        return TIP_HTTP_TOO_BIG;
    return code == CURLE_OPERATION_TIMEDOUT ? TIP_HTTP_TIMEOUT : TIP_HTTP_FAILED;
}

static int64_t http_retry_after(const struct tip_http_transfer *transfer)
{
    curl_off_t seconds = 0;
    struct curl_header *header;

    if (curl_easy_header(transfer->easy, "Retry-After", 0, CURLH_HEADER, -1, &header) != CURLHE_OK)
        return -1;
    curl_easy_getinfo(transfer->easy, CURLINFO_RETRY_AFTER, &seconds);
    return seconds;
}

static void http_finish(struct tip_http_transfer *transfer, CURLcode code)
{
    struct tip_http_result result = {
        .end = http_end_of(transfer, code),
        .curl_code = (int)code,
        .status = (int)http_status(transfer),
        .etag = transfer->kept[HTTP_ETAG],
        .last_modified = transfer->kept[HTTP_LAST_MODIFIED],
        .content_type = transfer->kept[HTTP_CONTENT_TYPE],
        .content_encoding = transfer->kept[HTTP_CONTENT_ENCODING],
        .effective_url = transfer->url,
        .retry_after_s = http_retry_after(transfer),
        .n_bytes = transfer->n_bytes,
        .n_redirects = transfer->n_redirects,
        .elapsed_ms = tip_loop_now_ms() - transfer->start_ms,
    };

    if (result.end != TIP_HTTP_DONE)
        result.error = transfer->why;
    if (transfer->on_done)
        transfer->on_done(transfer->ctx, &result);
    http_transfer_free(transfer);
}

static bool http_is_redirect(long status)
{
    return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

static char *http_url_part(const char *url, CURLUPart part)
{
    CURLU *parsed = curl_url();
    char *text = NULL;
    char *copy;

    if (!parsed)
        abort();
    if (curl_url_set(parsed, CURLUPART_URL, url, 0) == CURLUE_OK)
        (void)curl_url_get(parsed, part, &text, CURLU_DEFAULT_PORT); /* NULL when it has none */
    copy = tip_strdup(text ? text : "");
    curl_free(text);
    curl_url_cleanup(parsed);
    return copy;
}

static bool http_url_same(const char *a, const char *b, CURLUPart part)
{
    tip_auto(tip_free) char *part_a = http_url_part(a, part);
    tip_auto(tip_free) char *part_b = http_url_part(b, part);

    return strcasecmp(part_a, part_b) == 0;
}

static void http_drop_extra(struct tip_http_transfer *transfer)
{
    for (size_t i = 0; i < transfer->n_extra; i++)
        free(transfer->extra[i]);
    transfer->n_extra = 0;
}

/* Whether another hop was begun or refused; `url` is where the response points. */
static bool http_redirect(struct tip_http_transfer *transfer, const char *url)
{
    tip_auto(tip_free) char *from = http_url_part(transfer->url, CURLUPART_SCHEME);
    tip_auto(tip_free) char *to = http_url_part(url, CURLUPART_SCHEME);
    bool is_same_host = http_url_same(transfer->url, url, CURLUPART_HOST) &&
                        http_url_same(transfer->url, url, CURLUPART_PORT) && strcmp(from, to) == 0;

    if (strcmp(to, "https") != 0 && strcmp(to, "http") != 0) {
        http_why(transfer, "refused a redirect to another protocol: %.200s", url);
        return false;
    }
    if (strcmp(from, "https") == 0 && strcmp(to, "https") != 0) {
        http_why(transfer, "refused a redirect from https to http: %.200s", url);
        return false;
    }
    if (transfer->n_redirects >= transfer->redirects_max) {
        http_why(transfer, "more than %u redirects", transfer->redirects_max);
        return false;
    }
    if (!is_same_host)
        http_drop_extra(transfer);
    transfer->n_redirects++;
    free(transfer->url);
    transfer->url = tip_strdup(url);
    http_hop(transfer);
    return true;
}

static void http_on_end(struct tip_http_transfer *transfer, CURLcode code)
{
    char *url = NULL;
    bool is_redirect = code == CURLE_OK && http_is_redirect(http_status(transfer)) && transfer->redirects_max;

    curl_multi_remove_handle(transfer->http->multi, transfer->easy);
    if (is_redirect)
        curl_easy_getinfo(transfer->easy, CURLINFO_REDIRECT_URL, &url);
    if (url) {
        if (http_redirect(transfer, url))
            return;
        transfer->is_redirect_refused = true;
    }
    http_finish(transfer, code);
}

/* --- curl in the loop: curl_multi_socket_action(3) --- */

static void http_collect(struct tip_http *http)
{
    struct tip_http_transfer *transfer;
    CURLMsg *message;
    int n;

    while ((message = curl_multi_info_read(http->multi, &n))) {
        CURLcode code = message->data.result;
        char *private = NULL;

        if (message->msg != CURLMSG_DONE)
            continue;
        curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &private);
        memcpy(&transfer, &private, sizeof(transfer));
        http_on_end(transfer, code);
    }
}

static void http_act(struct tip_http *http, curl_socket_t fd, int what)
{
    int running;

    (void)curl_multi_socket_action(http->multi, fd, what, &running); /* each transfer tells its own end */
    http_collect(http);
}

static void http_on_time(void *ctx)
{
    http_act(ctx, CURL_SOCKET_TIMEOUT, 0);
}

static void http_on_ready(void *ctx, unsigned what)
{
    struct http_socket *sock = ctx;
    int seen = 0;

    if (what & TIP_WATCH_READ)
        seen |= CURL_CSELECT_IN;
    if (what & TIP_WATCH_WRITE)
        seen |= CURL_CSELECT_OUT;
    http_act(sock->http, sock->watch.fd, seen); /* may free the socket */
}

static int http_on_socket(CURL *easy, curl_socket_t fd, int what, void *ctx, void *socket_ctx)
{
    struct tip_http *http = ctx;
    struct http_socket *sock = socket_ctx;
    unsigned wanted = 0;

    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        if (sock)
            tip_watch_deinit(&sock->watch);
        free(sock);
        return 0;
    }
    if (!sock) {
        sock = tip_new(struct http_socket);
        sock->http = http;
        tip_watch_init(&sock->watch, http->loop, fd, http_on_ready, sock);
        curl_multi_assign(http->multi, fd, sock);
    }
    if (what & CURL_POLL_IN)
        wanted |= TIP_WATCH_READ;
    if (what & CURL_POLL_OUT)
        wanted |= TIP_WATCH_WRITE;
    tip_watch_set(&sock->watch, wanted);
    return 0;
}

/* curl must not be entered from here, so zero waits for the next turn too. */
static int http_on_timer(CURLM *multi, long ms, void *ctx)
{
    struct tip_http *http = ctx;

    (void)multi;
    if (ms < 0)
        tip_timer_stop(&http->timer);
    else
        tip_timer_start(&http->timer, ms);
    return 0;
}

struct tip_http *tip_http_new(struct tip_loop *loop)
{
    struct tip_http *http;

    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        abort();
    http = tip_new(struct tip_http);
    http->loop = loop;
    http->multi = curl_multi_init();
    if (!http->multi)
        abort();
    tip_timer_init(&http->timer, loop, http_on_time, http);
    curl_multi_setopt(http->multi, CURLMOPT_SOCKETFUNCTION, http_on_socket);
    curl_multi_setopt(http->multi, CURLMOPT_SOCKETDATA, http);
    curl_multi_setopt(http->multi, CURLMOPT_TIMERFUNCTION, http_on_timer);
    curl_multi_setopt(http->multi, CURLMOPT_TIMERDATA, http);
    curl_multi_setopt(http->multi, CURLMOPT_PIPELINING, CURLPIPE_NOTHING);
    return http;
}

void tip_http_destroy(struct tip_http **httpp)
{
    struct tip_http *http = *httpp;
    struct tip_http_transfer *transfer;

    if (!http)
        return;
    while ((transfer = http->first))
        tip_http_cancel(&transfer);
    curl_multi_cleanup(http->multi);
    tip_timer_deinit(&http->timer);
    free(http);
    curl_global_cleanup();
    *httpp = NULL;
}

/* --- starting --- */

static void http_configure(struct tip_http_transfer *transfer, const struct tip_http_request *request)
{
    int64_t connect_ms = request->connect_timeout_ms > 0 ? request->connect_timeout_ms : HTTP_CONNECT_MS;

    http_set(transfer, CURLOPT_PRIVATE, transfer);
    http_set(transfer, CURLOPT_ERRORBUFFER, transfer->curl_why);
    http_set(transfer, CURLOPT_PROTOCOLS_STR, "http,https");
    http_set(transfer, CURLOPT_FOLLOWLOCATION, 0L);
    http_set(transfer, CURLOPT_PROXY, ""); /* the environment's would be what the address check sees */
    http_set(transfer, CURLOPT_NOSIGNAL, 1L);
    http_set(transfer, CURLOPT_BUFFERSIZE, (long)HTTP_READ_BYTES);
    http_set(transfer, CURLOPT_QUICK_EXIT, 1L);    /* a thread that still resolves is left alone, not waited for */
    http_set(transfer, CURLOPT_FRESH_CONNECT, 1L); /* one made under another request's rights is no precedent */
    http_set(transfer, CURLOPT_FORBID_REUSE, 1L);
    http_set(transfer, CURLOPT_ACCEPT_ENCODING, "");
    http_set(transfer, CURLOPT_MAXFILESIZE_LARGE, (curl_off_t)transfer->bytes_max);
    http_set(transfer, CURLOPT_CONNECTTIMEOUT_MS, (long)connect_ms);
    http_set(transfer, CURLOPT_USERAGENT, request->user_agent ? request->user_agent : "tip/" TIP_VERSION);
    http_set(transfer, CURLOPT_OPENSOCKETFUNCTION, http_on_open);
    http_set(transfer, CURLOPT_OPENSOCKETDATA, transfer);
    http_set(transfer, CURLOPT_WRITEFUNCTION, http_on_body);
    http_set(transfer, CURLOPT_WRITEDATA, transfer);
    http_set(transfer, CURLOPT_HEADERFUNCTION, http_on_header);
    http_set(transfer, CURLOPT_HEADERDATA, transfer);
    if (transfer->unix_socket)
        http_set(transfer, CURLOPT_UNIX_SOCKET_PATH, transfer->unix_socket);
}

static struct tip_http_transfer *http_transfer_new(struct tip_http *http, const struct tip_http_request *request)
{
    struct tip_http_transfer *transfer = tip_new(struct tip_http_transfer);

    transfer->http = http;
    transfer->allowed = tip_memdup(request->allowed, request->n_allowed * sizeof(*request->allowed));
    transfer->n_allowed = request->n_allowed;
    transfer->on_body = request->on_body;
    transfer->on_done = request->on_done;
    transfer->ctx = request->ctx;
    transfer->url = tip_strdup(request->url);
    transfer->if_none_match = tip_strdup(request->if_none_match);
    transfer->if_modified_since = tip_strdup(request->if_modified_since);
    transfer->unix_socket = tip_strdup(request->unix_socket);
    transfer->extra = tip_new_array(request->n_headers, char *);
    for (size_t i = 0; i < request->n_headers; i++)
        if (!strpbrk(request->headers[i], "\r\n"))
            transfer->extra[transfer->n_extra++] = tip_strdup(request->headers[i]);
    transfer->bytes_max = request->max_bytes ? request->max_bytes : HTTP_BYTES_MAX;
    transfer->redirects_max = request->max_redirects;
    transfer->total_ms = request->total_timeout_ms > 0 ? request->total_timeout_ms : HTTP_TOTAL_MS;
    transfer->start_ms = tip_loop_now_ms();
    return transfer;
}

void tip_http_get(struct tip_http *http, const struct tip_http_request *request, struct tip_http_transfer **transferp)
{
    struct tip_http_transfer *transfer = http_transfer_new(http, request);

    transfer->next = http->first;
    transfer->prevp = &http->first;
    if (http->first)
        http->first->prevp = &transfer->next;
    http->first = transfer;
    transfer->easy = curl_easy_init();
    if (!transfer->easy)
        abort();
    http_configure(transfer, request);
    http_hop(transfer);
    if (transferp)
        *transferp = transfer;
}

void tip_http_cancel(struct tip_http_transfer **transferp)
{
    struct tip_http_transfer *transfer = *transferp;

    if (!transfer)
        return;
    *transferp = NULL;
    curl_multi_remove_handle(transfer->http->multi, transfer->easy);
    http_transfer_free(transfer);
}
