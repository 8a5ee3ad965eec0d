#include "check.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <tip/admin.h>
#include <tip/http.h>
#include <tip/loop.h>
#include <tip/metrics.h>

struct desk {
    char dir[48];
    char socket[64];
    struct tip_loop *loop;
    struct tip_metrics *metrics;
    struct tip_admin *admin;
    struct tip_http *http;
    struct tip_timer timer;
    int status;
    enum tip_http_end end;
    char type[80];
    char body[65536];
    size_t len;
};

static void desk_on_late(void *ctx)
{
    (void)ctx;
    fail_msg("timed out");
}

static struct tip_admin_options desk_options(struct desk *desk)
{
    return (struct tip_admin_options){.service = "test", .socket = desk->socket, .metrics = desk->metrics};
}

static int desk_open(void **state)
{
    struct desk *desk = calloc(1, sizeof(*desk));
    struct tip_admin_options options;

    (void)snprintf(desk->dir, sizeof(desk->dir), "/tmp/tip-admin-XXXXXX");
    assert_non_null(mkdtemp(desk->dir));
    (void)snprintf(desk->socket, sizeof(desk->socket), "%s/a.sock", desk->dir);
    desk->loop = tip_loop_new();
    desk->metrics = tip_metrics_new();
    desk->http = tip_http_new(desk->loop);
    options = desk_options(desk);
    assert_int_equal(tip_admin_open(&desk->admin, desk->loop, &options), 0);
    tip_timer_init(&desk->timer, desk->loop, desk_on_late, desk);
    tip_timer_start(&desk->timer, 20000);
    *state = desk;
    return 0;
}

static int desk_close(void **state)
{
    struct desk *desk = *state;

    tip_timer_deinit(&desk->timer);
    tip_http_destroy(&desk->http);
    tip_admin_destroy(&desk->admin);
    assert_int_equal(access(desk->socket, F_OK), -1);
    tip_metrics_destroy(&desk->metrics);
    tip_loop_destroy(&desk->loop);
    assert_int_equal(rmdir(desk->dir), 0);
    free(desk);
    return 0;
}

static int desk_on_body(void *ctx, const void *bytes, size_t n)
{
    struct desk *desk = ctx;

    assert_true(desk->len + n < sizeof(desk->body));
    memcpy(desk->body + desk->len, bytes, n);
    desk->len += n;
    desk->body[desk->len] = '\0';
    return 0;
}

static void desk_on_done(void *ctx, const struct tip_http_result *result)
{
    struct desk *desk = ctx;

    desk->status = result->status;
    desk->end = result->end;
    (void)snprintf(desk->type, sizeof(desk->type), "%s", result->content_type ? result->content_type : "");
    tip_loop_stop(desk->loop);
}

static int desk_get(struct desk *desk, const char *path)
{
    char url[120];
    const struct tip_http_request request = {
        .url = url, .unix_socket = desk->socket, .on_body = desk_on_body, .on_done = desk_on_done, .ctx = desk};

    (void)snprintf(url, sizeof(url), "http://localhost%s", path);
    desk->len = 0;
    desk->body[0] = '\0';
    tip_http_get(desk->http, &request, NULL);
    assert_int_equal(tip_loop_run(desk->loop), 0);
    assert_int_equal(desk->end, TIP_HTTP_DONE);
    return desk->status;
}

static void test_pages(void **state)
{
    struct desk *desk = *state;
    struct stat st;

    assert_int_equal(desk_get(desk, "/livez"), 200);
    assert_string_equal(desk->body, "{\"live\":true}\n");
    assert_int_equal(desk_get(desk, "/version"), 200);
    assert_non_null(strstr(desk->body, "\"service\":\"test\",\"version\":\"" TIP_VERSION "\""));
    assert_int_equal(desk_get(desk, "/metrics?x=1"), 200);
    assert_non_null(strstr(desk->body, "# TYPE tip_metrics_refused_total counter\n"));
    assert_string_equal(desk->type, "text/plain; version=0.0.4; charset=utf-8");
    assert_int_equal(desk_get(desk, "/nothing"), 404);
    assert_int_equal(stat(desk->socket, &st), 0);
    assert_int_equal(st.st_mode & 0777, 0666);
}

static void test_readiness_has_reasons(void **state)
{
    struct desk *desk = *state;

    assert_int_equal(desk_get(desk, "/readyz"), 503); /* nobody has spoken */
    tip_admin_ready(desk->admin, "database", true, "connected to %s", "\"x\"");
    tip_admin_ready(desk->admin, "broker", false, "no answer");
    assert_false(tip_admin_is_ready(desk->admin));
    assert_int_equal(desk_get(desk, "/readyz"), 503);
    tip_admin_ready(desk->admin, "broker", true, "up");
    assert_true(tip_admin_is_ready(desk->admin));
    assert_int_equal(desk_get(desk, "/readyz"), 200);
    assert_string_equal(desk->body, "{\"ready\":true,\"service\":\"test\",\"components\":["
                                    "{\"name\":\"database\",\"ok\":true,\"text\":\"connected to \\\"x\\\"\"},"
                                    "{\"name\":\"broker\",\"ok\":true,\"text\":\"up\"}]}\n");
}

static int desk_connect(const struct desk *desk)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    memcpy(at.sun_path, desk->socket, strlen(desk->socket));
    assert_int_equal(connect(fd, (const struct sockaddr *)&at, sizeof(at)), 0);
    return fd;
}

static void desk_stop(void *ctx)
{
    struct desk *desk = ctx;

    tip_loop_stop(desk->loop);
}

static void desk_run(struct desk *desk, int64_t ms)
{
    struct tip_timer timer;

    tip_timer_init(&timer, desk->loop, desk_stop, desk);
    tip_timer_start(&timer, ms);
    assert_int_equal(tip_loop_run(desk->loop), 0);
    tip_timer_deinit(&timer);
}

/* The answer to a request written by hand, up to its end or 300 ms. */
static const char *desk_ask(struct desk *desk, const char *request)
{
    static char answer[16384];
    int fd = desk_connect(desk);
    size_t len = 0;
    ssize_t n;

    assert_int_equal(send(fd, request, strlen(request), MSG_NOSIGNAL), (ssize_t)strlen(request));
    desk_run(desk, 300);
    while ((n = recv(fd, answer + len, sizeof(answer) - 1 - len, MSG_DONTWAIT)) > 0)
        len += (size_t)n;
    answer[len] = '\0';
    close(fd);
    return answer;
}

static void test_only_get_and_head_and_small(void **state)
{
    struct desk *desk = *state;
    char big[12000];
    const char *answer;

    assert_non_null(strstr(desk_ask(desk, "HEAD /livez HTTP/1.1\r\nHost: x\r\n\r\n"), " 200 "));
    answer = desk_ask(desk, "POST /livez HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc");
    assert_null(strstr(answer, " 200 "));
    answer = desk_ask(desk, "GET /livez HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc");
    assert_null(strstr(answer, "live"));
    memset(big, 'x', sizeof(big));
    (void)snprintf(big, 60, "GET /livez HTTP/1.1\r\nHost: x\r\nX: ");
    big[strlen(big)] = 'y';
    (void)strcpy(big + sizeof(big) - 5, "\r\n\r\n");
    assert_null(strstr(desk_ask(desk, big), "live"));
    assert_null(strstr(desk_ask(desk, "nonsense\r\n\r\n"), " 200 "));
    assert_int_equal(desk_get(desk, "/livez"), 200);
}

/* Connected unix sockets of ours that stem from accept: those with a path. */
static int desk_n_taken(void)
{
    struct sockaddr_un at;
    socklen_t len;
    int listens;
    int n = 0;

    for (int fd = 3; fd < 256; fd++) {
        len = sizeof(at);
        if (getsockname(fd, (struct sockaddr *)&at, &len) == -1 || at.sun_family != AF_UNIX ||
            len <= sizeof(sa_family_t) + 1)
            continue;
        len = sizeof(listens);
        if (getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &len) == 0 && !listens)
            n++;
    }
    return n;
}

static void test_connections_are_bounded_and_freed(void **state)
{
    struct desk *desk = *state;
    int fds[60];

    for (size_t i = 0; i < 60; i++) {
        fds[i] = desk_connect(desk);
        if (i == 29)
            desk_run(desk, 200);
    }
    desk_run(desk, 400); /* 32 are taken, the others wait in the backlog */
    assert_int_equal(desk_n_taken(), 32);
    for (size_t i = 0; i < 60; i++)
        close(fds[i]);
    desk_run(desk, 700);
    assert_int_equal(desk_get(desk, "/livez"), 200);
    for (int i = 0; i < 100; i++)
        assert_int_equal(desk_get(desk, "/livez"), 200);
}

static void test_address_in_use_and_stale_socket(void **state)
{
    struct desk *desk = *state;
    struct tip_admin_options options = desk_options(desk);
    struct tip_admin *second = NULL;
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    char stale[80];
    int fd;

    assert_int_equal(tip_admin_open(&second, desk->loop, &options), -EADDRINUSE);
    assert_int_equal(access(desk->socket, F_OK), 0);
    (void)snprintf(stale, sizeof(stale), "%s/b.sock", desk->dir);
    memcpy(at.sun_path, stale, strlen(stale));
    fd = socket(AF_UNIX, SOCK_STREAM, 0);
    assert_int_equal(bind(fd, (const struct sockaddr *)&at, sizeof(at)), 0);
    close(fd);
    options.socket = stale;
    assert_int_equal(tip_admin_open(&second, desk->loop, &options), 0);
    tip_admin_destroy(&second);
    options.socket = NULL;
    options.listen = "0.0.0.0:9551";
    assert_int_equal(tip_admin_open(&second, desk->loop, &options), -EACCES);
    options.listen = "nonsense";
    assert_int_equal(tip_admin_open(&second, desk->loop, &options), -EINVAL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_pages, desk_open, desk_close),
        cmocka_unit_test_setup_teardown(test_readiness_has_reasons, desk_open, desk_close),
        cmocka_unit_test_setup_teardown(test_only_get_and_head_and_small, desk_open, desk_close),
        cmocka_unit_test_setup_teardown(test_connections_are_bounded_and_freed, desk_open, desk_close),
        cmocka_unit_test_setup_teardown(test_address_in_use_and_stale_socket, desk_open, desk_close),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
