#include <tip/admin.h>

#include <errno.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/http.h>
#include <event2/listener.h>

#include <tip/addr.h>
#include <tip/alloc.h>
#include <tip/buf.h>
#include <tip/fail.h>
#include <tip/log.h>
#include <tip/loop.h>
#include <tip/metrics.h>

enum {
    ADMIN_HEADER_BYTES_MAX = 8192,
    ADMIN_CONNECTIONS_MAX = 32,
    ADMIN_CONNECTION_MS_MAX = 30000,
    ADMIN_IDLE_S = 10,
    ADMIN_SWEEP_MS = 250,
    ADMIN_COMPONENTS_MAX = 32,
    ADMIN_NAME_BYTES = 64,
    ADMIN_TEXT_BYTES = 200,
    ADMIN_ANSWER_BYTES_MAX = 4 << 20,
    ADMIN_LISTENERS_MAX = 2,
};

struct admin_component {
    char name[ADMIN_NAME_BYTES];
    bool is_ok;
    char text[ADMIN_TEXT_BYTES];
};

/*
 * evhttp 2.1 tells nobody of connections that came and went. So each bufferevent it asks for is held for one turn of
 * the loop, until it has its descriptor, and known from then on by descriptor and inode.
 */
struct admin_connection {
    struct bufferevent *held; /* NULL once the descriptor is known */
    int fd;                   /* -1: the place is free */
    dev_t device;             /* of sockets: a file may have their number elsewhere */
    ino_t inode;
    int64_t since_ms;
};

struct tip_admin {
    struct tip_loop *loop;
    struct tip_metrics *metrics;
    char *service;
    char *socket; /* removed at the end */
    struct evhttp *http;
    struct evconnlistener *listeners[ADMIN_LISTENERS_MAX];
    size_t n_listeners;
    struct tip_timer sweep;
    struct admin_connection connections[ADMIN_CONNECTIONS_MAX];
    size_t n_connections;
    struct admin_component components[ADMIN_COMPONENTS_MAX];
    size_t n_components;
};

/* --- readiness --- */

static struct admin_component *admin_component(struct tip_admin *admin, const char *name)
{
    struct admin_component *component;

    for (size_t i = 0; i < admin->n_components; i++)
        if (strncmp(admin->components[i].name, name, ADMIN_NAME_BYTES - 1) == 0)
            return &admin->components[i];
    if (admin->n_components == ADMIN_COMPONENTS_MAX)
        return NULL;
    component = &admin->components[admin->n_components++];
    (void)snprintf(component->name, sizeof(component->name), "%s", name);
    return component;
}

void tip_admin_ready(struct tip_admin *admin, const char *name, bool ok, const char *format, ...)
{
    struct admin_component *component = admin_component(admin, name);
    va_list args;

    if (!component) {
        tip_warn("admin.component_refused", "name=%s", name);
        return;
    }
    component->is_ok = ok;
    va_start(args, format);
    (void)vsnprintf(component->text, sizeof(component->text), format, args);
    va_end(args);
}

bool tip_admin_is_ready(const struct tip_admin *admin)
{
    for (size_t i = 0; i < admin->n_components; i++)
        if (!admin->components[i].is_ok)
            return false;
    return admin->n_components > 0;
}

/* --- answers --- */

/* A JSON string. What is not printable ASCII becomes '?': these texts are ours, cut at a fixed length. */
static int admin_append_string(struct tip_buf *out, const char *text)
{
    int r = tip_buf_append_text(out, "\"");

    for (; *text && !r; text++) {
        char c = *text;

        if (c == '"' || c == '\\')
            r = tip_buf_append_format(out, "\\%c", c);
        else
            r = tip_buf_append_format(out, "%c", c < ' ' || c > '~' ? '?' : c);
    }
    return r ? r : tip_buf_append_text(out, "\"");
}

static int admin_append_component(struct tip_buf *out, const struct admin_component *component, const char *comma)
{
    int r;

    r = tip_buf_append_format(out, "%s{\"name\":", comma);
    if (!r)
        r = admin_append_string(out, component->name);
    if (!r)
        r = tip_buf_append_format(out, ",\"ok\":%s,\"text\":", component->is_ok ? "true" : "false");
    if (!r)
        r = admin_append_string(out, component->text);
    return r ? r : tip_buf_append_text(out, "}");
}

static int admin_answer_live(struct tip_admin *admin, struct tip_buf *out, int *statusp)
{
    (void)admin;
    *statusp = HTTP_OK;
    return tip_buf_append_text(out, "{\"live\":true}\n");
}

static int admin_answer_ready(struct tip_admin *admin, struct tip_buf *out, int *statusp)
{
    bool is_ready = tip_admin_is_ready(admin);
    int r;

    *statusp = is_ready ? HTTP_OK : HTTP_SERVUNAVAIL;
    r = tip_buf_append_format(out, "{\"ready\":%s,\"service\":\"%s\",\"components\":[", is_ready ? "true" : "false",
                              admin->service);
    for (size_t i = 0; i < admin->n_components && !r; i++)
        r = admin_append_component(out, &admin->components[i], i ? "," : "");
    return r ? r : tip_buf_append_text(out, "]}\n");
}

static int admin_answer_metrics(struct tip_admin *admin, struct tip_buf *out, int *statusp)
{
    *statusp = HTTP_OK;
    return tip_metrics_write(admin->metrics, out);
}

static int admin_answer_version(struct tip_admin *admin, struct tip_buf *out, int *statusp)
{
    *statusp = HTTP_OK;
    return tip_buf_append_format(out, "{\"service\":\"%s\",\"version\":\"%s\",\"pid\":%d}\n", admin->service,
                                 TIP_VERSION, (int)getpid());
}

static const struct admin_page {
    const char *path;
    const char *type;
    int (*answer)(struct tip_admin *admin, struct tip_buf *out, int *statusp);
} admin_pages[] = {
    {"/livez", "application/json", admin_answer_live},
    {"/readyz", "application/json", admin_answer_ready},
    {"/metrics", "text/plain; version=0.0.4; charset=utf-8", admin_answer_metrics},
    {"/version", "application/json", admin_answer_version},
};

static const struct admin_page *admin_page(struct evhttp_request *request)
{
    const char *path = evhttp_uri_get_path(evhttp_request_get_evhttp_uri(request));

    for (size_t i = 0; i < sizeof(admin_pages) / sizeof(admin_pages[0]); i++)
        if (path && strcmp(path, admin_pages[i].path) == 0)
            return &admin_pages[i];
    return NULL;
}

static void admin_on_request(struct evhttp_request *request, void *ctx)
{
    struct tip_admin *admin = ctx;
    const struct admin_page *page = admin_page(request);
    struct evkeyvalq *headers = evhttp_request_get_output_headers(request);
    tip_auto(tip_buf_deinit) struct tip_buf out;
    int status = HTTP_INTERNAL;

    tip_buf_init(&out, ADMIN_ANSWER_BYTES_MAX);
    evhttp_add_header(headers, "Connection", "close");
    if (!page) {
        evhttp_send_error(request, HTTP_NOTFOUND, NULL);
        return;
    }
    if (page->answer(admin, &out, &status)) {
        evhttp_send_error(request, HTTP_INTERNAL, NULL);
        return;
    }
    evhttp_add_header(headers, "Content-Type", page->type);
    evhttp_add_header(headers, "Cache-Control", "no-store");
    evbuffer_add(evhttp_request_get_output_buffer(request), out.data, out.len);
    evhttp_send_reply(request, status, NULL, NULL);
}

/* --- connections, bounded in number and in time --- */

static void admin_listen(struct tip_admin *admin, bool is_on)
{
    for (size_t i = 0; i < admin->n_listeners; i++)
        (void)(is_on ? evconnlistener_enable
                     : evconnlistener_disable)(admin->listeners[i]); /* only edits the poll set */
}

static void admin_connection_drop(struct tip_admin *admin, struct admin_connection *connection)
{
    if (connection->held)
        bufferevent_decref(connection->held);
    *connection = (struct admin_connection){.fd = -1};
    admin->n_connections--;
}

/* evhttp has given the bufferevent its descriptor by now, or freed it and left it to our reference. */
static void admin_connection_learn(struct tip_admin *admin, struct admin_connection *connection)
{
    struct stat st;

    connection->fd = bufferevent_getfd(connection->held);
    if (connection->fd == -1 || fstat(connection->fd, &st) == -1) {
        admin_connection_drop(admin, connection);
        return;
    }
    connection->device = st.st_dev;
    connection->inode = st.st_ino;
    bufferevent_decref(connection->held);
    connection->held = NULL;
}

static void admin_connection_check(struct tip_admin *admin, struct admin_connection *connection)
{
    struct stat st;

    if (connection->held) {
        admin_connection_learn(admin, connection);
        return;
    }
    if (connection->fd == -1)
        return;
    if (fstat(connection->fd, &st) == -1 || st.st_dev != connection->device || st.st_ino != connection->inode)
        admin_connection_drop(admin, connection);
    else if (tip_loop_now_ms() - connection->since_ms > ADMIN_CONNECTION_MS_MAX)
        (void)shutdown(connection->fd, SHUT_RDWR); /* evhttp then reads the end and frees it */
}

static void admin_on_sweep(void *ctx)
{
    struct tip_admin *admin = ctx;

    for (size_t i = 0; i < ADMIN_CONNECTIONS_MAX; i++)
        admin_connection_check(admin, &admin->connections[i]);
    if (admin->n_connections < ADMIN_CONNECTIONS_MAX)
        admin_listen(admin, true);
    if (admin->n_connections)
        tip_timer_start(&admin->sweep, ADMIN_SWEEP_MS);
}

static struct bufferevent *admin_on_connection(struct event_base *base, void *ctx)
{
    struct tip_admin *admin = ctx;
    struct bufferevent *bev = bufferevent_socket_new(base, -1, 0);

    if (!bev)
        abort();
    for (size_t i = 0; i < ADMIN_CONNECTIONS_MAX; i++) {
        struct admin_connection *connection = &admin->connections[i];

        if (connection->fd != -1 || connection->held)
            continue;
        bufferevent_incref(bev);
        *connection = (struct admin_connection){.held = bev, .fd = -1, .since_ms = tip_loop_now_ms()};
        admin->n_connections++;
        break;
    }
    if (admin->n_connections == ADMIN_CONNECTIONS_MAX)
        admin_listen(admin, false);
    tip_timer_start(&admin->sweep, 0);
    return bev;
}

/* --- opening --- */

static int admin_take_listener(struct tip_admin *admin, int fd)
{
    struct evconnlistener *listener;

    listener = evconnlistener_new(tip_loop_base(admin->loop), NULL, NULL, LEV_OPT_CLOSE_ON_FREE | LEV_OPT_CLOSE_ON_EXEC,
                                  ADMIN_CONNECTIONS_MAX, fd);
    if (!listener)
        return tip_fail(-errno);
    if (!evhttp_bind_listener(admin->http, listener)) {
        evconnlistener_free(listener);
        return tip_fail(-ENOMEM);
    }
    admin->listeners[admin->n_listeners++] = listener;
    return 0;
}

/* A socket file that nobody answers at was left behind by a process that died. */
static int admin_unlink_stale(const struct sockaddr_un *at)
{
    tip_auto(tip_fd_close) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    if (fd == -1)
        return tip_fail(-errno);
    if (connect(fd, (const struct sockaddr *)at, sizeof(*at)) == 0)
        return tip_fail(-EADDRINUSE);
    if (errno == ENOENT)
        return 0;
    if (errno != ECONNREFUSED)
        return tip_fail(-errno);
    return unlink(at->sun_path) == -1 ? tip_fail(-errno) : 0;
}

static int admin_bind_fd(int fd, const struct sockaddr *at, socklen_t len)
{
    if (bind(fd, at, len) == -1)
        return tip_fail(-errno);
    return 0;
}

static int admin_open_unix(struct tip_admin *admin, const char *path)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};
    tip_auto(tip_fd_close) int fd = -1;
    int r;

    if (strlen(path) >= sizeof(at.sun_path))
        return tip_fail(-ENAMETOOLONG);
    memcpy(at.sun_path, path, strlen(path));
    r = admin_unlink_stale(&at);
    if (r)
        return r;
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd == -1)
        return tip_fail(-errno);
    r = admin_bind_fd(fd, (const struct sockaddr *)&at, sizeof(at));
    if (r)
        return r;
    admin->socket = tip_strdup(path);
    if (chmod(path, 0666) == -1)
        return tip_fail(-errno);
    r = admin_take_listener(admin, fd);
    if (!r)
        fd = -1;
    return r;
}

static socklen_t admin_sockaddr(const struct tip_endpoint *endpoint, struct sockaddr_storage *at)
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

static int admin_open_tcp(struct tip_admin *admin, const char *listen, bool anywhere)
{
    struct sockaddr_storage at;
    struct tip_endpoint endpoint;
    tip_auto(tip_fd_close) int fd = -1;
    socklen_t len;
    int one = 1;
    int r;

    if (tip_endpoint_parse(&endpoint, listen, strlen(listen)))
        return tip_fail(-EINVAL);
    if (!anywhere && tip_addr_special(&endpoint.addr) != TIP_SPECIAL_LOOPBACK)
        return tip_fail(-EACCES);
    len = admin_sockaddr(&endpoint, &at);
    fd = socket(at.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd == -1 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) == -1)
        return tip_fail(-errno);
    r = admin_bind_fd(fd, (const struct sockaddr *)&at, len);
    if (!r)
        r = admin_take_listener(admin, fd);
    if (!r)
        fd = -1;
    return r;
}

static int admin_open_listeners(struct tip_admin *admin, const struct tip_admin_options *options)
{
    int r = 0;

    if (options->socket)
        r = admin_open_unix(admin, options->socket);
    if (!r && options->listen && *options->listen)
        r = admin_open_tcp(admin, options->listen, options->listen_anywhere);
    return r;
}

int tip_admin_open(struct tip_admin **adminp, struct tip_loop *loop, const struct tip_admin_options *options)
{
    tip_auto(tip_admin_destroy) struct tip_admin *admin = tip_new(struct tip_admin);
    int r;

    admin->loop = loop;
    admin->metrics = options->metrics;
    admin->service = tip_strdup(options->service);
    for (size_t i = 0; i < ADMIN_CONNECTIONS_MAX; i++)
        admin->connections[i].fd = -1;
    tip_timer_init(&admin->sweep, loop, admin_on_sweep, admin);
    admin->http = evhttp_new(tip_loop_base(loop));
    if (!admin->http)
        abort();
    evhttp_set_max_headers_size(admin->http, ADMIN_HEADER_BYTES_MAX);
    evhttp_set_max_body_size(admin->http, 0);
    evhttp_set_timeout(admin->http, ADMIN_IDLE_S);
    evhttp_set_allowed_methods(admin->http, EVHTTP_REQ_GET | EVHTTP_REQ_HEAD);
    evhttp_set_bevcb(admin->http, admin_on_connection, admin);
    evhttp_set_gencb(admin->http, admin_on_request, admin);
    r = admin_open_listeners(admin, options);
    if (r)
        return r;
    *adminp = tip_take(admin);
    return 0;
}

void tip_admin_destroy(struct tip_admin **adminp)
{
    struct tip_admin *admin = *adminp;

    if (!admin)
        return;
    evhttp_free(admin->http); /* with its listeners and connections */
    for (size_t i = 0; i < ADMIN_CONNECTIONS_MAX; i++)
        if (admin->connections[i].held)
            bufferevent_decref(admin->connections[i].held);
    tip_timer_deinit(&admin->sweep);
    if (admin->socket)
        (void)unlink(admin->socket); /* the next one finds it stale otherwise */
    free(admin->socket);
    free(admin->service);
    free(admin);
    *adminp = NULL;
}
