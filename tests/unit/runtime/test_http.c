#include "check.h"

#include <arpa/inet.h>
#include <dlfcn.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/http.h>

#include <tip/addr.h>
#include <tip/http.h>
#include <tip/loop.h>

/* A web server on 127.0.0.1 and 127.0.0.2, and what the last transfer brought. */
struct web {
    struct tip_loop *loop;
    struct evhttp *server;
    struct tip_http *http;
    struct tip_timer timer;
    uint16_t port;
    int n_requests;
    char header_seen[100];

    struct tip_http_result result;
    char error[400];
    char url[200];
    char etag[60];
    char last_modified[60];
    char encoding[30];
    char body[4096];
    size_t len;
    size_t stop_after;
    int n_done;
};

/* Stands before the C library's, which curl's threads ask: a name server that takes its time. */
int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **found)
{
    int (*next)(const char *, const char *, const struct addrinfo *, struct addrinfo **);
    void *symbol = dlsym(RTLD_NEXT, "getaddrinfo");

    if (node && strcmp(node, "slow.test") == 0) {
        sleep(3);
        return EAI_AGAIN;
    }
    memcpy(&next, &symbol, sizeof(next));
    return next(node, service, hints, found);
}

static struct tip_prefix allow_1;
static struct tip_prefix allow_2;

static struct tip_prefix prefix_of(const char *text)
{
    struct tip_prefix prefix;

    assert_int_equal(tip_prefix_parse(&prefix, NULL, text, strlen(text)), 0);
    return prefix;
}

/* --- the server --- */

static void reply(struct evhttp_request *request, int status, const char *body)
{
    evbuffer_add(evhttp_request_get_output_buffer(request), body, strlen(body));
    evhttp_send_reply(request, status, NULL, NULL);
}

static void reply_header(struct evhttp_request *request, const char *name, const char *value)
{
    evhttp_add_header(evhttp_request_get_output_headers(request), name, value);
}

static void serve_list(struct web *web, struct evhttp_request *request)
{
    const char *seen = evhttp_find_header(evhttp_request_get_input_headers(request), "If-None-Match");

    (void)web;
    reply_header(request, "ETag", "\"v1\"");
    reply_header(request, "Last-Modified", "Sun, 22 Nov 2026 10:00:00 GMT");
    if (seen && strcmp(seen, "\"v1\"") == 0)
        reply(request, 304, "");
    else
        reply(request, 200, "192.0.2.1\n192.0.2.2\n");
}

static void serve_to(struct evhttp_request *request, const char *location)
{
    reply_header(request, "Location", location);
    reply(request, 302, "<html>moved</html>");
}

static void serve_to_other(struct web *web, struct evhttp_request *request)
{
    char location[80];

    (void)snprintf(location, sizeof(location), "http://127.0.0.1:%u/list", web->port);
    serve_to(request, location);
}

static void serve_hop(struct web *web, struct evhttp_request *request)
{
    (void)web;
    serve_to(request, "/list");
}

static void serve_loop(struct web *web, struct evhttp_request *request)
{
    (void)web;
    serve_to(request, "/loop");
}

static void serve_file(struct web *web, struct evhttp_request *request)
{
    (void)web;
    serve_to(request, "file:///etc/passwd");
}

static void serve_big(struct web *web, struct evhttp_request *request)
{
    char block[1000];

    (void)web;
    memset(block, 'x', sizeof(block) - 1);
    block[sizeof(block) - 1] = '\0';
    for (int i = 0; i < 9; i++)
        evbuffer_add(evhttp_request_get_output_buffer(request), block, sizeof(block) - 1);
    reply(request, 200, block);
}

/* 100,000 zeros, gzip: 133 bytes. */
static void serve_bomb(struct web *web, struct evhttp_request *request)
{
    static const unsigned char head[] = {0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 255};
    FILE *pipe_ = popen("head -c 100000 /dev/zero | gzip -9n", "r");
    char bytes[400];
    size_t n;

    (void)web;
    assert_non_null(pipe_);
    n = fread(bytes, 1, sizeof(bytes), pipe_);
    assert_int_equal(pclose(pipe_), 0);
    assert_memory_equal(bytes, head, 4);
    reply_header(request, "Content-Encoding", "gzip");
    evbuffer_add(evhttp_request_get_output_buffer(request), bytes, n);
    evhttp_send_reply(request, 200, NULL, NULL);
}

static void serve_busy(struct web *web, struct evhttp_request *request)
{
    (void)web;
    reply_header(request, "Retry-After", "120");
    reply(request, 503, "<html>busy</html>");
}

static void serve_never(struct web *web, struct evhttp_request *request)
{
    (void)web;
    (void)request; /* freed with the server */
}

static void serve_echo(struct web *web, struct evhttp_request *request)
{
    const char *seen = evhttp_find_header(evhttp_request_get_input_headers(request), "X-Key");

    (void)snprintf(web->header_seen, sizeof(web->header_seen), "%s", seen ? seen : "(none)");
    reply(request, 200, evhttp_find_header(evhttp_request_get_input_headers(request), "User-Agent"));
}

static void serve_echo_other(struct web *web, struct evhttp_request *request)
{
    char location[80];

    (void)snprintf(location, sizeof(location), "http://127.0.0.2:%u/echo", web->port);
    serve_to(request, location);
}

static const struct {
    const char *path;
    void (*serve)(struct web *web, struct evhttp_request *request);
} pages[] = {
    {"/list", serve_list},
    {"/to-other", serve_to_other},
    {"/hop", serve_hop},
    {"/loop", serve_loop},
    {"/file", serve_file},
    {"/big", serve_big},
    {"/bomb", serve_bomb},
    {"/busy", serve_busy},
    {"/never", serve_never},
    {"/echo", serve_echo},
    {"/echo-other", serve_echo_other},
};

static void web_on_request(struct evhttp_request *request, void *ctx)
{
    const char *path = evhttp_uri_get_path(evhttp_request_get_evhttp_uri(request));
    struct web *web = ctx;

    web->n_requests++;
    for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++) {
        if (strcmp(path, pages[i].path) == 0) {
            pages[i].serve(web, request);
            return;
        }
    }
    reply(request, 404, "no such page");
}

static void web_on_late(void *ctx)
{
    (void)ctx;
    fail_msg("timed out");
}

static int web_open(void **state)
{
    struct web *web = calloc(1, sizeof(*web));
    struct evhttp_bound_socket *bound;
    struct sockaddr_in at;
    socklen_t len = sizeof(at);

    allow_1 = prefix_of("127.0.0.1/32");
    allow_2 = prefix_of("127.0.0.2/32");
    web->loop = tip_loop_new();
    web->server = evhttp_new(tip_loop_base(web->loop));
    bound = evhttp_bind_socket_with_handle(web->server, "127.0.0.1", 0);
    assert_non_null(bound);
    assert_int_equal(getsockname(evhttp_bound_socket_get_fd(bound), (struct sockaddr *)&at, &len), 0);
    web->port = ntohs(at.sin_port);
    assert_int_equal(evhttp_bind_socket(web->server, "127.0.0.2", web->port), 0);
    evhttp_set_gencb(web->server, web_on_request, web);
    web->http = tip_http_new(web->loop);
    tip_timer_init(&web->timer, web->loop, web_on_late, web);
    tip_timer_start(&web->timer, 20000);
    *state = web;
    return 0;
}

static int web_close(void **state)
{
    struct web *web = *state;

    tip_timer_deinit(&web->timer);
    tip_http_destroy(&web->http);
    evhttp_free(web->server);
    tip_loop_destroy(&web->loop);
    free(web);
    return 0;
}

/* --- the client --- */

static int web_on_body(void *ctx, const void *bytes, size_t n)
{
    struct web *web = ctx;

    if (web->stop_after && web->len + n > web->stop_after)
        return 1;
    if (web->len + n < sizeof(web->body)) {
        memcpy(web->body + web->len, bytes, n);
        web->body[web->len + n] = '\0';
    }
    web->len += n;
    return 0;
}

static void web_on_done(void *ctx, const struct tip_http_result *result)
{
    struct web *web = ctx;

    web->n_done++;
    web->result = *result;
    (void)snprintf(web->error, sizeof(web->error), "%s", result->error ? result->error : "");
    (void)snprintf(web->url, sizeof(web->url), "%s", result->effective_url);
    (void)snprintf(web->etag, sizeof(web->etag), "%s", result->etag ? result->etag : "");
    (void)snprintf(web->last_modified, sizeof(web->last_modified), "%s",
                   result->last_modified ? result->last_modified : "");
    (void)snprintf(web->encoding, sizeof(web->encoding), "%s",
                   result->content_encoding ? result->content_encoding : "");
    tip_loop_stop(web->loop);
}

/* GET host/path with what `request` says; the default host is the allowed one, 127.0.0.2. */
static void web_get(struct web *web, const char *path, struct tip_http_request request)
{
    char url[120];

    (void)snprintf(url, sizeof(url), "http://127.0.0.2:%u%s", web->port, path);
    if (!request.url)
        request.url = url;
    if (!request.allowed) {
        request.allowed = &allow_2;
        request.n_allowed = 1;
    }
    request.on_body = web_on_body;
    request.on_done = web_on_done;
    request.ctx = web;
    web->len = 0;
    web->body[0] = '\0';
    web->n_done = 0;
    tip_http_get(web->http, &request, NULL);
    assert_int_equal(web->n_done, 0);
    assert_int_equal(tip_loop_run(web->loop), 0);
    assert_int_equal(web->n_done, 1);
}

static void test_conditional_get(void **state)
{
    struct web *web = *state;

    web_get(web, "/list", (struct tip_http_request){0});
    assert_int_equal(web->result.end, TIP_HTTP_DONE);
    assert_int_equal(web->result.status, 200);
    assert_string_equal(web->body, "192.0.2.1\n192.0.2.2\n");
    assert_string_equal(web->etag, "\"v1\"");
    assert_string_equal(web->last_modified, "Sun, 22 Nov 2026 10:00:00 GMT");
    assert_int_equal(web->result.n_bytes, 20);
    assert_int_equal(web->result.retry_after_s, -1);
    web_get(web, "/list", (struct tip_http_request){.if_none_match = "\"v1\""});
    assert_int_equal(web->result.end, TIP_HTTP_DONE);
    assert_int_equal(web->result.status, 304);
    assert_int_equal(web->len, 0);
}

static void test_redirects_are_followed_and_checked(void **state)
{
    struct web *web = *state;

    web_get(web, "/hop", (struct tip_http_request){.max_redirects = 3});
    assert_int_equal(web->result.status, 200);
    assert_string_equal(web->body, "192.0.2.1\n192.0.2.2\n");
    assert_int_equal(web->result.n_redirects, 1);
    assert_non_null(strstr(web->url, "/list"));

    web_get(web, "/hop", (struct tip_http_request){0});
    assert_int_equal(web->result.end, TIP_HTTP_DONE);
    assert_int_equal(web->result.status, 302);
    assert_int_equal(web->len, 0);

    web_get(web, "/loop", (struct tip_http_request){.max_redirects = 3});
    assert_int_equal(web->result.end, TIP_HTTP_REFUSED);
    assert_string_equal(web->error, "more than 3 redirects");

    web_get(web, "/file", (struct tip_http_request){.max_redirects = 3});
    assert_int_equal(web->result.end, TIP_HTTP_REFUSED);
    assert_string_equal(web->error, "refused a redirect to another protocol: file:///etc/passwd");
}

static void test_redirect_to_an_address_that_is_not_allowed(void **state)
{
    struct web *web = *state;
    const struct tip_prefix both[] = {allow_1, allow_2};

    web_get(web, "/to-other", (struct tip_http_request){.max_redirects = 3});
    assert_int_equal(web->result.end, TIP_HTTP_REFUSED);
    assert_string_equal(web->error,
                        "refused to connect to 127.0.0.1, which is not a public address (after a redirect)");
    assert_int_equal(web->n_requests, 1);
    web_get(web, "/to-other", (struct tip_http_request){.max_redirects = 3, .allowed = both, .n_allowed = 2});
    assert_int_equal(web->result.end, TIP_HTTP_DONE);
    assert_int_equal(web->result.status, 200);
}

static void test_private_address_is_refused_in_every_spelling(void **state)
{
    static const char *const hosts[] = {"127.0.0.1",          "2130706433", "0x7f.1",
                                        "[::ffff:127.0.0.1]", "localhost",  "0.0.0.0"};
    struct web *web = *state;
    char url[120];

    for (size_t i = 0; i < sizeof(hosts) / sizeof(hosts[0]); i++) {
        (void)snprintf(url, sizeof(url), "http://%s:%u/list", hosts[i], web->port);
        web_get(web, NULL, (struct tip_http_request){.url = url});
        assert_int_equal(web->result.end, TIP_HTTP_REFUSED);
        assert_non_null(strstr(web->error, "not a public address"));
    }
    assert_int_equal(web->n_requests, 0);
    web_get(web, NULL, (struct tip_http_request){.url = "ftp://127.0.0.2/x"});
    assert_int_equal(web->result.end, TIP_HTTP_REFUSED);
    web_get(web, NULL, (struct tip_http_request){.url = "not a url"});
    assert_int_equal(web->result.end, TIP_HTTP_FAILED);
}

static void test_caps(void **state)
{
    struct web *web = *state;

    web_get(web, "/big", (struct tip_http_request){.max_bytes = 5000});
    assert_int_equal(web->result.end, TIP_HTTP_TOO_BIG);
    web_get(web, "/big", (struct tip_http_request){.max_bytes = 10000});
    assert_int_equal(web->result.end, TIP_HTTP_DONE);
    assert_int_equal(web->len, 9990);
    web_get(web, "/bomb", (struct tip_http_request){.max_bytes = 50000});
    assert_int_equal(web->result.end, TIP_HTTP_TOO_BIG);
    assert_string_equal(web->error, "more than 50000 bytes");
    web_get(web, "/bomb", (struct tip_http_request){.max_bytes = 100000});
    assert_int_equal(web->result.end, TIP_HTTP_DONE);
    assert_int_equal(web->len, 100000);
    assert_string_equal(web->encoding, "gzip");
    web->stop_after = 50;
    web_get(web, "/big", (struct tip_http_request){0});
    assert_int_equal(web->result.end, TIP_HTTP_ABORTED);
    web->stop_after = 0;
}

static void test_errors_of_the_server(void **state)
{
    struct web *web = *state;

    web_get(web, "/busy", (struct tip_http_request){0});
    assert_int_equal(web->result.end, TIP_HTTP_DONE);
    assert_int_equal(web->result.status, 503);
    assert_int_equal(web->result.retry_after_s, 120);
    assert_int_equal(web->len, 0); /* an error page is no list */
    web_get(web, "/nowhere", (struct tip_http_request){0});
    assert_int_equal(web->result.status, 404);
    web_get(web, NULL, (struct tip_http_request){.url = "http://127.0.0.2:1/"});
    assert_int_equal(web->result.end, TIP_HTTP_FAILED);
    assert_non_null(strstr(web->error, "Failed to connect"));
}

static void test_timeout(void **state)
{
    struct web *web = *state;
    int64_t start_ms = tip_loop_now_ms();

    web_get(web, "/never", (struct tip_http_request){.total_timeout_ms = 200});
    assert_int_equal(web->result.end, TIP_HTTP_TIMEOUT);
    assert_in_range(tip_loop_now_ms() - start_ms, 150, 5000);
}

struct pulse {
    struct tip_timer timer;
    int64_t last_ms, longest_ms;
};

static void pulse_beat(void *ctx)
{
    struct pulse *pulse = ctx;
    int64_t now_ms = tip_loop_now_ms();

    if (now_ms - pulse->last_ms > pulse->longest_ms)
        pulse->longest_ms = now_ms - pulse->last_ms;
    pulse->last_ms = now_ms;
}

static void test_slow_name_server_does_not_block(void **state)
{
    struct web *web = *state;
    struct pulse pulse = {.last_ms = tip_loop_now_ms()};

    tip_timer_init(&pulse.timer, web->loop, pulse_beat, &pulse);
    tip_timer_every(&pulse.timer, 10);
    web_get(web, NULL, (struct tip_http_request){.url = "http://slow.test/", .total_timeout_ms = 200});
    pulse_beat(&pulse);
    tip_timer_deinit(&pulse.timer);
    assert_int_equal(web->result.end, TIP_HTTP_TIMEOUT);
    assert_in_range(pulse.longest_ms, 0, 1000);
}

static void test_headers_stay_with_their_host(void **state)
{
    struct web *web = *state;
    const char *const headers[] = {"X-Key: secret"};
    const struct tip_prefix both[] = {allow_1, allow_2};
    char url[80];

    web_get(web, "/echo", (struct tip_http_request){.headers = headers, .n_headers = 1, .user_agent = "me/1"});
    assert_string_equal(web->header_seen, "secret");
    assert_string_equal(web->body, "me/1");
    (void)snprintf(url, sizeof(url), "http://127.0.0.1:%u/echo-other", web->port);
    web_get(web, NULL,
            (struct tip_http_request){
                .url = url, .headers = headers, .n_headers = 1, .allowed = both, .n_allowed = 2, .max_redirects = 1});
    assert_int_equal(web->result.status, 200);
    assert_string_equal(web->header_seen, "(none)");
    assert_string_equal(web->body, "tip/" TIP_VERSION);
}

static void web_stop(void *ctx)
{
    struct web *web = ctx;

    tip_loop_stop(web->loop);
}

static void test_cancel_is_silent(void **state)
{
    struct web *web = *state;
    struct tip_http_transfer *transfer = NULL;
    struct tip_http_request request = {.allowed = &allow_2, .n_allowed = 1, .on_done = web_on_done, .ctx = web};
    char url[80];

    (void)snprintf(url, sizeof(url), "http://127.0.0.2:%u/never", web->port);
    request.url = url;
    tip_http_get(web->http, &request, &transfer);
    tip_timer_deinit(&web->timer);
    tip_timer_init(&web->timer, web->loop, web_stop, web);
    tip_timer_start(&web->timer, 100);
    assert_int_equal(tip_loop_run(web->loop), 0);
    assert_int_equal(web->n_requests, 1);
    tip_http_cancel(&transfer);
    assert_null(transfer);
    tip_timer_start(&web->timer, 50);
    assert_int_equal(tip_loop_run(web->loop), 0);
    assert_int_equal(web->n_done, 0);
    tip_http_get(web->http, &request, NULL); /* ended by destroy */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_conditional_get, web_open, web_close),
        cmocka_unit_test_setup_teardown(test_redirects_are_followed_and_checked, web_open, web_close),
        cmocka_unit_test_setup_teardown(test_redirect_to_an_address_that_is_not_allowed, web_open, web_close),
        cmocka_unit_test_setup_teardown(test_private_address_is_refused_in_every_spelling, web_open, web_close),
        cmocka_unit_test_setup_teardown(test_caps, web_open, web_close),
        cmocka_unit_test_setup_teardown(test_errors_of_the_server, web_open, web_close),
        cmocka_unit_test_setup_teardown(test_timeout, web_open, web_close),
        cmocka_unit_test_setup_teardown(test_slow_name_server_does_not_block, web_open, web_close),
        cmocka_unit_test_setup_teardown(test_headers_stay_with_their_host, web_open, web_close),
        cmocka_unit_test_setup_teardown(test_cancel_is_silent, web_open, web_close),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
