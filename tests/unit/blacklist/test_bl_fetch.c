/* A body becomes a file once it is known to be another one, and what comes of it is what was sent. */
#include "check.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/http.h>

#include <tip/addr.h>
#include <tip/alloc.h>
#include <tip/cleanup.h>
#include <tip/loop.h>

#include "io/fetch.h"

enum { PATH = 128, LATE_MS = 20000 };

/* A web server with one body, without validators, and how the last transfer ended. */
struct web {
    struct tip_loop *loop;
    struct evhttp *server;
    struct tip_http *http;
    struct tip_timer timer;
    struct bl_spec spec;
    char dir[40], path[PATH], url[80];
    uint8_t *body;
    size_t n;
    int status;

    struct bl_fetch *fetch;
    struct bl_fetched fetched;
    char detail[200];
    int n_done;
};

static void web_on_request(struct evhttp_request *request, void *ctx)
{
    struct web *web = ctx;

    evbuffer_add(evhttp_request_get_output_buffer(request), web->body, web->n);
    evhttp_send_reply(request, web->status, NULL, NULL);
}

static void web_on_late(void *ctx)
{
    (void)ctx;
    fail_msg("timed out");
}

static int web_open(void **state)
{
    struct web *web = tip_new(struct web);
    struct evhttp_bound_socket *bound;
    struct sockaddr_in at;
    socklen_t len = sizeof(at);

    strcpy(web->dir, "/tmp/test_bl_fetch.XXXXXX");
    assert_non_null(mkdtemp(web->dir));
    (void)snprintf(web->path, sizeof(web->path), "%s/body", web->dir);
    web->loop = tip_loop_new();
    web->server = evhttp_new(tip_loop_base(web->loop));
    bound = evhttp_bind_socket_with_handle(web->server, "127.0.0.1", 0);
    assert_non_null(bound);
    assert_int_equal(getsockname(evhttp_bound_socket_get_fd(bound), (struct sockaddr *)&at, &len), 0);
    evhttp_set_gencb(web->server, web_on_request, web);
    web->http = tip_http_new(web->loop);
    tip_timer_init(&web->timer, web->loop, web_on_late, web);
    tip_timer_start(&web->timer, LATE_MS);
    (void)snprintf(web->url, sizeof(web->url), "http://127.0.0.1:%u/list", ntohs(at.sin_port));
    web->spec = (struct bl_spec){.url = web->url, .timeout_ms = LATE_MS, .max_bytes = 64 << 20, .n_allowed = 1};
    assert_int_equal(tip_prefix_parse(&web->spec.allowed[0], NULL, "127.0.0.1/32", 12), 0);
    web->status = 200;
    *state = web;
    return 0;
}

static int web_close(void **state)
{
    struct web *web = *state;

    bl_fetch_destroy(&web->fetch);
    tip_timer_deinit(&web->timer);
    tip_http_destroy(&web->http);
    evhttp_free(web->server);
    tip_loop_destroy(&web->loop);
    (void)unlink(web->path);
    (void)rmdir(web->dir);
    free(web->body);
    free(web);
    return 0;
}

/* Bytes that repeat with a period that no size of a buffer is a multiple of. */
static void web_serve(struct web *web, size_t n, uint8_t seed)
{
    free(web->body);
    web->body = malloc(n + 1);
    assert_non_null(web->body);
    web->n = n;
    for (size_t i = 0; i < n; i++)
        web->body[i] = (uint8_t)(i % 251 + seed);
}

static void web_on_end(void *ctx, const struct bl_fetched *fetched)
{
    struct web *web = ctx;

    web->n_done++;
    web->fetched = *fetched;
    (void)snprintf(web->detail, sizeof(web->detail), "%s", fetched->detail);
    bl_fetch_destroy(&web->fetch);
    tip_loop_stop(web->loop);
}

/* How it ends, with what was known before; NULL: nothing. */
static const char *web_get(struct web *web, const struct bl_validators *known)
{
    struct bl_fetch_order order = {
        .spec = &web->spec, .user_agent = "test", .path = web->path, .on_end = web_on_end, .ctx = web};

    if (known)
        order.validators = *known;
    web->n_done = 0;
    assert_int_equal(bl_fetch_open(&web->fetch, web->http, &order), 0);
    assert_int_equal(tip_loop_run(web->loop), 0);
    assert_int_equal(web->n_done, 1);
    return web->fetched.reason;
}

static bool web_has_file(const struct web *web)
{
    struct stat status;

    return !stat(web->path, &status);
}

static void check_file(const struct web *web)
{
    tip_auto(tip_file_close) FILE *file = fopen(web->path, "re");
    tip_auto(tip_free) uint8_t *bytes = malloc(web->n + 1);

    assert_non_null(file);
    assert_non_null(bytes);
    assert_int_equal(fread(bytes, 1, web->n + 1, file), web->n);
    assert_true(!web->n || !memcmp(bytes, web->body, web->n));
    assert_int_equal(unlink(web->path), 0);
}

static const size_t sizes[] = {
    0, 1, 16384, 280 * 1000, BL_FETCH_HELD - 1, BL_FETCH_HELD, BL_FETCH_HELD + 1, 3 * BL_FETCH_HELD + 7};

static void test_fetch_brings_what_was_sent(void **state)
{
    struct web *web = *state;

    for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
        struct bl_validators known;

        web_serve(web, sizes[i], 0);
        assert_string_equal(web_get(web, NULL), "");
        assert_int_equal(web->fetched.n_bytes, sizes[i]);
        assert_true(web->fetched.validators.known);
        known = web->fetched.validators;
        check_file(web);
        assert_string_equal(web_get(web, &known), "unchanged");
        assert_false(web_has_file(web));
        if (!sizes[i])
            continue;
        web->body[sizes[i] - 1]++; /* the last byte alone */
        assert_string_equal(web_get(web, &known), "");
        check_file(web);
    }
}

/* Where no file can be made the same body is the same, and another one is an error. */
static void test_fetch_of_the_same_needs_no_disk(void **state)
{
    struct web *web = *state;
    struct bl_validators known;

    web_serve(web, BL_FETCH_HELD, 0);
    assert_string_equal(web_get(web, NULL), "");
    known = web->fetched.validators;
    check_file(web);
    (void)snprintf(web->path, sizeof(web->path), "%s/none/body", web->dir);
    assert_string_equal(web_get(web, &known), "unchanged");
    web_serve(web, BL_FETCH_HELD, 1);
    assert_string_equal(web_get(web, &known), "io_error"); /* at its end */
    assert_string_equal(web->detail, "No such file or directory");
    web_serve(web, 2 * BL_FETCH_HELD, 1);
    assert_string_equal(web_get(web, &known), "io_error"); /* on the way */
    assert_string_equal(web->detail, "No such file or directory");
}

static void test_fetch_of_what_no_disk_holds(void **state)
{
    struct web *web = *state;
    struct rlimit before;

    (void)signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &(struct rlimit){1000, before.rlim_max}), 0);
    web_serve(web, 1001, 0);
    assert_string_equal(web_get(web, NULL), "no_space");
    assert_string_equal(web->detail, "File too large");
    assert_false(web_has_file(web));
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
}

/* Only a disk that is full is told as one. */
static void test_fetch_says_what_the_disk_said(void **state)
{
    static const struct {
        const char *file, *reason, *detail;
    } disks[] = {
        {"/dev/full", "no_space", "No space left on device"},
        {"/proc/self/mem", "io_error", "Input/output error"}, /* there is nothing at address 0 */
    };
    struct web *web = *state;

    web_serve(web, 2 * BL_FETCH_HELD, 0);
    for (size_t i = 0; i < sizeof(disks) / sizeof(*disks); i++) {
        assert_int_equal(symlink(disks[i].file, web->path), 0);
        assert_string_equal(web_get(web, NULL), disks[i].reason);
        assert_string_equal(web->detail, disks[i].detail);
        assert_false(web_has_file(web));
    }
}

static void test_fetch_that_failed_leaves_nothing(void **state)
{
    struct web *web = *state;

    web_serve(web, 3 * BL_FETCH_HELD, 0);
    web->status = 404;
    assert_string_equal(web_get(web, NULL), "http_404");
    assert_false(web_has_file(web));
    web->status = 203;
    assert_string_equal(web_get(web, NULL), "http_203");
    assert_false(web_has_file(web));
    web->status = 200;
    web->spec.max_bytes = 3 * BL_FETCH_HELD - 1;
    assert_string_equal(web_get(web, NULL), "too_large");
    assert_false(web_has_file(web));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_fetch_brings_what_was_sent, web_open, web_close),
        cmocka_unit_test_setup_teardown(test_fetch_of_the_same_needs_no_disk, web_open, web_close),
        cmocka_unit_test_setup_teardown(test_fetch_of_what_no_disk_holds, web_open, web_close),
        cmocka_unit_test_setup_teardown(test_fetch_says_what_the_disk_said, web_open, web_close),
        cmocka_unit_test_setup_teardown(test_fetch_that_failed_leaves_nothing, web_open, web_close),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
