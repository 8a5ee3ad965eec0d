#include "client.h"

#include <arpa/inet.h>
#include <errno.h>
#include <pwd.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <sodium.h>

#include <tip/hash.h>
#include <tip/keys.h>
#include <tip/log.h>
#include <topics.h>

#include "command.h"
#include "keys/keyring.h"
#include "up/tree.h"

#define CLIENT_KEY "tip" /* whose key we have unless TIP_KEY says another; what we publish as begins with it */

enum { CLIENT_EVENT_MAP_BYTES = 16 * 1024 * 1024 };

/* ---- is the broker there? ZeroMQ would only go on trying ---- */

static int client_connect(const struct sockaddr *address, socklen_t len)
{
    tip_auto(tip_fd_close) int fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

    return fd != -1 && connect(fd, address, len) == 0 ? 0 : -errno;
}

static int client_probe(const char *endpoint)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    struct sockaddr_in in = {.sin_family = AF_INET};
    char host[64];
    unsigned port;

    if (strncmp(endpoint, "ipc://", 6) == 0 && strlen(endpoint + 6) < sizeof(un.sun_path)) {
        strcpy(un.sun_path, endpoint + 6);
        return client_connect((const struct sockaddr *)&un, sizeof(un));
    }
    if (sscanf(endpoint, "tcp://%63[0-9.]:%u", host, &port) == 2 && inet_pton(AF_INET, host, &in.sin_addr) == 1) {
        in.sin_port = htons((uint16_t)port);
        return client_connect((const struct sockaddr *)&in, sizeof(in));
    }
    return 0; /* a name or IPv6: let ZeroMQ find out */
}

/* ---- beginning and end ---- */

static void client_on_interrupt(void *ctx)
{
    struct client *client = ctx;

    client->is_interrupted = true;
    tip_loop_stop(client->loop);
}

static void client_on_timer(void *ctx)
{
    struct client *client = ctx;

    client->is_late = true;
    tip_loop_stop(client->loop);
}

static int client_outbox(struct client *client)
{
    int r;

    strcpy(client->outbox_dir, "/tmp/tip-pub-XXXXXX");
    if (!mkdtemp(client->outbox_dir)) {
        client->outbox_dir[0] = '\0';
        cli_error("cannot make a temporary outbox: %s", strerror(errno));
        return CLI_FAILED;
    }
    r = tip_outbox_open(&client->outbox, &(struct tip_outbox_config){.dir = client->outbox_dir,
                                                                     .map_bytes = CLIENT_EVENT_MAP_BYTES,
                                                                     .wall_unix_us = tip_loop_wall_us()});
    if (r)
        cli_error("cannot make a temporary outbox: %s", strerror(-r));
    return r ? CLI_FAILED : CLI_OK;
}

const char *client_key(void)
{
    const char *chosen = getenv(CLI_KEY_VARIABLE);

    return chosen && *chosen ? chosen : CLIENT_KEY;
}

/* The operator's key lies where its user may read it; before a first start there is nothing yet. */
static int client_keys(struct client *client)
{
    const char *dir = client->options.bus.keys;
    int r = dir ? tip_keys_open(&client->keys, dir, client_key()) : 0;

    if (!r)
        return CLI_OK;
    if (access(dir, F_OK) == -1 && errno == ENOENT) {
        cli_error("nothing runs here yet: start it with `tip up`, which also makes the keys in %s", dir);
        return CLI_UNREACHABLE;
    }
    cli_error("key `%s` in %s: %s", client_key(), dir, tip_keys_why(r));
    return CLI_DENIED;
}

/* What the key's own certificate says of its audience; amber without keys, and of a key that was not made by us. */
static enum tip_tlp client_audience(const struct client *client)
{
    static const enum tip_tlp audiences[KEYMAP_AUDIENCE_COUNT] = {
        [KEYMAP_CLEAR] = TIP_TLP_CLEAR, [KEYMAP_GREEN] = TIP_TLP_GREEN, [KEYMAP_AMBER] = TIP_TLP_AMBER};
    struct keyring_cert cert = {.audience = ""};
    struct keyring ring;
    size_t i = KEYMAP_AUDIENCE_COUNT;

    if (client->keys && keyring_open(&ring, client->options.bus.keys, false) == 0) {
        if (keyring_look(&ring, client_key(), &cert) == 0)
            i = keymap_word(keymap_audience_names, KEYMAP_AUDIENCE_COUNT, cert.audience);
        keyring_close(&ring);
    }
    return i < KEYMAP_AUDIENCE_COUNT ? audiences[i] : TIP_TLP_AMBER;
}

int client_door_of(const char *name, enum tip_tlp *doorp)
{
    *doorp = TIP_TLP_NONE;
    for (enum tip_tlp door = TIP_TLP_CLEAR; name && door < TIP_TLP_COUNT; door++) {
        if (strcmp(tip_tlp_name(door), name) == 0)
            *doorp = door;
    }
    if (!name || *doorp)
        return 0;
    cli_error("--door is clear, green or amber, not \"%s\"", name);
    return CLI_E_USAGE;
}

int client_door(const struct client *client, enum tip_tlp *doorp)
{
    const enum tip_tlp audience = client_audience(client);

    if (!*doorp)
        *doorp = audience;
    if (*doorp <= audience)
        return CLI_OK;
    cli_error("the audience of key `%s` is %s: that door does not open to it; try --door %s", client_key(),
              tip_tlp_name(audience), tip_tlp_name(audience));
    return CLI_DENIED;
}

/* The endpoint of the door; NULL when none is wanted. A door that stays shut would only be silent, so it is refused. */
static int client_feed(const struct client *client, unsigned needs, const char **endpointp)
{
    const struct tip_bus_options *bus = &client->options.bus;
    const char *const doors[TIP_TLP_COUNT] = {
        [TIP_TLP_CLEAR] = bus->feed_clear, [TIP_TLP_GREEN] = bus->feed_green, [TIP_TLP_AMBER] = bus->feed};
    enum tip_tlp door = (enum tip_tlp)(needs / CLIENT_DOOR);
    int r;

    *endpointp = NULL;
    if (!(needs & CLIENT_FEED))
        return CLI_OK;
    r = client_door(client, &door);
    if (r == CLI_OK)
        *endpointp = doors[door];
    return r;
}

static int client_bus(struct client *client, unsigned needs)
{
    const struct tip_bus_options *bus = &client->options.bus;
    char name[TIP_NAME_MAX + 1];
    const char *feed = NULL;
    int r = client_feed(client, needs, &feed);
    struct tip_bus_config config = {
        .name = name,
        .ingest = needs & CLIENT_PUBLISH ? bus->ingest : NULL,
        .feed = feed,
        .fetch = needs & CLIENT_FETCH ? bus->fetch : NULL,
        .work = needs & CLIENT_CALLS ? bus->work : NULL,
        .keys = client->keys,
        .outbox = client->outbox,
    };
    const char *const endpoints[] = {config.ingest, config.feed, config.fetch, config.work};

    if (r)
        return r;
    snprintf(name, sizeof(name), "%.48s.%d", client_key(), (int)getpid());
    for (size_t i = 0; i < sizeof(endpoints) / sizeof(endpoints[0]); i++) {
        r = endpoints[i] ? client_probe(endpoints[i]) : 0;
        if (r) {
            cli_error("the broker does not answer at %s: %s", endpoints[i], strerror(-r));
            return CLI_UNREACHABLE;
        }
    }
    r = tip_bus_open(&client->bus, client->loop, &config);
    if (r)
        cli_error("cannot open the bus: %s", strerror(-r));
    return r ? CLI_FAILED : CLI_OK;
}

static void client_seed(void)
{
    uint8_t key[16];

    if (sodium_init() == -1)
        abort();
    randombytes_buf(key, sizeof(key));
    tip_hash_seed(key);
}

int client_open(struct client *client, const char *config, unsigned needs)
{
    int r;

    *client = (struct client){.deadline_ms = CLIENT_DEADLINE_MS};
    tip_log_init("tip");
    tip_log_set_level(TIP_LOG_ERROR);
    client_seed();
    r = options_load(&client->options, config);
    if (r)
        return r;
    client->loop = tip_loop_new();
    tip_signal_init(&client->interrupt, client->loop, SIGINT, client_on_interrupt, client);
    tip_signal_init(&client->terminate, client->loop, SIGTERM, client_on_interrupt, client);
    tip_timer_init(&client->timer, client->loop, client_on_timer, client);
    r = client_keys(client);
    if (!r && needs & CLIENT_PUBLISH)
        r = client_outbox(client);
    return r ? r : client_bus(client, needs);
}

void client_close(struct client *client)
{
    tip_bus_destroy(&client->bus);
    tip_keys_destroy(&client->keys);
    tip_outbox_destroy(&client->outbox);
    if (client->outbox_dir[0] && tree_remove(client->outbox_dir))
        cli_error("could not remove %s", client->outbox_dir);
    if (client->loop) {
        tip_timer_deinit(&client->timer);
        tip_signal_deinit(&client->interrupt);
        tip_signal_deinit(&client->terminate);
        tip_loop_destroy(&client->loop);
    }
    options_free(&client->options);
}

/* ---- waiting ---- */

int client_wait(struct client *client, uint64_t deadline_ms)
{
    int r;

    client->is_late = false;
    if (client->is_interrupted)
        return CLI_INTERRUPTED;
    if (deadline_ms)
        tip_timer_start(&client->timer, (int64_t)deadline_ms);
    r = tip_loop_run(client->loop);
    tip_timer_stop(&client->timer);
    if (client->is_interrupted)
        return CLI_INTERRUPTED;
    if (r)
        cli_error("the event loop failed: %s", strerror(-r));
    return r ? CLI_FAILED : CLI_OK;
}

void client_wake(struct client *client)
{
    tip_loop_stop(client->loop);
}

/* ---- calls ---- */

struct client_call {
    struct client *client;
    enum tip_failure failure;
    bool is_ended;
    struct tip_buf body, reason;
};

static void client_on_answer(void *ctx, enum tip_failure failure, const char *reason, const uint8_t *body, size_t n)
{
    struct client_call *call = ctx;

    call->is_ended = true;
    call->failure = failure;
    if (tip_buf_append_text(&call->reason, reason ? reason : "") || (n && tip_buf_append(&call->body, body, n)))
        call->failure = TIP_FAILURE_INVALID;
    client_wake(call->client);
}

static void client_why(const struct client *client, const char *format, ...) tip_printf(2, 3);

/* Why a call came to nothing: to stderr, or to who draws there. */
static void client_why(const struct client *client, const char *format, ...)
{
    tip_auto(tip_free) char *why = NULL;
    va_list args;

    va_start(args, format);
    if (vasprintf(&why, format, args) == -1)
        abort();
    va_end(args);
    if (client->why)
        snprintf(client->why, CLIENT_WHY_BYTES, "%s", why);
    else
        cli_error("%s", why);
}

/* Who answers a queue; operators know programs, not queues. */
static const char *client_who(const char *queue)
{
    static const struct {
        const char *prefix, *who;
    } table[] = {
        {TIP_QUEUE_STORE_QUERY, "storage"}, {TIP_QUEUE_BUS_QUERY, "the broker"}, {TIP_QUEUE_LOOKUP, "blacklist"}};

    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        if (strncmp(queue, table[i].prefix, strlen(table[i].prefix)) == 0)
            return table[i].who;
    }
    return strncmp(queue, TIP_QUEUE_CONTROL, strlen(TIP_QUEUE_CONTROL)) == 0 ? queue + strlen(TIP_QUEUE_CONTROL)
                                                                             : queue;
}

/* The broker's own refusals of a key begin like this; a service that refuses has other reasons. */
static bool client_is_denied(const struct client_call *call)
{
    return call->failure == TIP_FAILURE_REFUSED && strncmp(tip_buf_text(&call->reason), "this key ", 9) == 0;
}

/* A service that refuses says why; of one that says nothing it is said what to do. */
static int client_failed(const char *queue, const struct client_call *call)
{
    static const enum cli_exit exits[TIP_FAILURE_COUNT] = {
        [TIP_FAILURE_REFUSED] = CLI_FAILED,          [TIP_FAILURE_NOT_FOUND] = CLI_NOT_FOUND,
        [TIP_FAILURE_DEADLINE] = CLI_UNREACHABLE,    [TIP_FAILURE_NO_WORKER] = CLI_UNREACHABLE,
        [TIP_FAILURE_UNAVAILABLE] = CLI_UNREACHABLE, [TIP_FAILURE_INVALID] = CLI_USAGE,
    };
    const char *reason = tip_buf_text(&call->reason), *who = client_who(queue);
    const bool is_late = call->failure == TIP_FAILURE_DEADLINE && *reason;
    const bool is_silent = call->failure == TIP_FAILURE_NO_WORKER || call->failure == TIP_FAILURE_DEADLINE;

    if (client_is_denied(call))
        client_why(call->client, "key `%s` may not ask %s for that: its role and audience do not allow %s",
                   client_key(), who, queue);
    else if (is_silent)
        client_why(call->client, "%s does not answer%s%s; `tip status` says how it is", who, is_late ? ": " : "",
                   is_late ? reason : "");
    else
        client_why(call->client, "%s", *reason ? reason : tip_failure_name(call->failure));
    return client_is_denied(call) ? CLI_DENIED : exits[call->failure];
}

/* @param call  its buffers are the caller's to free */
static int client_call(struct client *client, const char *queue, const struct tip_buf *request,
                       struct client_call *call)
{
    struct tip_id id = tip_id_random();
    int r;

    *call = (struct client_call){.client = client};
    tip_buf_init(&call->body, TIP_CALL_BYTES_MAX);
    tip_buf_init(&call->reason, 4096);
    r = tip_call(client->bus, &id, queue, request->data, request->len, client->deadline_ms, client_on_answer, call);
    if (r) {
        client_why(client, "%s cannot be asked: %s", client_who(queue), strerror(-r));
        return CLI_FAILED;
    }
    while (!call->is_ended) {
        r = client_wait(client, 0);
        if (r)
            return r;
    }
    return call->failure == TIP_FAILURE_NONE ? CLI_OK : client_failed(queue, call);
}

static void client_call_deinit(struct client_call *call)
{
    tip_buf_deinit(&call->body);
    tip_buf_deinit(&call->reason);
}

static int client_unreadable(const struct client *client, const char *queue)
{
    client_why(client, "what %s answers cannot be read: is it of another version?", client_who(queue));
    return CLI_FAILED;
}

static int client_ask(struct client *client, const char *queue, const struct tip_store_query *query,
                      struct tip_store_answer **answerp)
{
    tip_auto(tip_buf_deinit) struct tip_buf request;
    struct client_call call = {.client = NULL};
    int r;

    tip_buf_init(&request, TIP_CALL_BYTES_MAX);
    if (tip_store_query_encode(query, &request)) {
        client_why(client, "that is too long to ask");
        return CLI_USAGE;
    }
    r = client_call(client, queue, &request, &call);
    if (r == CLI_OK && tip_store_answer_decode(call.body.data, call.body.len, answerp))
        r = client_unreadable(client, queue);
    client_call_deinit(&call);
    return r;
}

int client_query(struct client *client, const struct tip_store_query *query, struct tip_store_answer **answerp)
{
    return client_ask(client, TIP_QUEUE_STORE_QUERY, query, answerp);
}

int client_bus_query(struct client *client, const struct tip_store_query *query, struct tip_store_answer **answerp)
{
    return client_ask(client, TIP_QUEUE_BUS_QUERY, query, answerp);
}

int client_lookup(struct client *client, enum tip_tlp audience, const struct tip_verdict_lookup *lookup,
                  struct tip_verdict_answer **answerp)
{
    tip_auto(tip_buf_deinit) struct tip_buf body;
    struct client_call call = {.client = NULL};
    char queue[sizeof(TIP_QUEUE_LOOKUP) + TIP_NAME_MAX];
    int r;

    (void)snprintf(queue, sizeof(queue), TIP_QUEUE_LOOKUP "%s", tip_tlp_name(audience));
    tip_buf_init(&body, TIP_CALL_BYTES_MAX);
    if (tip_verdict_lookup_encode(lookup, &body)) {
        client_why(client, "a value has control characters or is no UTF-8, or all together are too long");
        return CLI_USAGE;
    }
    r = client_call(client, queue, &body, &call);
    if (r == CLI_OK && tip_verdict_answer_decode(call.body.data, call.body.len, answerp))
        r = client_unreadable(client, queue);
    client_call_deinit(&call);
    return r;
}

int client_control(struct client *client, const char *service, struct tip_control_request *request,
                   struct tip_control_answer **answerp)
{
    tip_auto(tip_buf_deinit) struct tip_buf body;
    struct client_call call = {.client = NULL};
    char queue[sizeof(TIP_QUEUE_CONTROL) + TIP_NAME_MAX];
    int r;

    snprintf(queue, sizeof(queue), TIP_QUEUE_CONTROL "%s", service);
    request->actor = client_actor();
    tip_buf_init(&body, TIP_CALL_BYTES_MAX);
    if (tip_control_request_encode(request, &body)) {
        cli_error("that is too long to ask");
        return CLI_USAGE;
    }
    r = client_call(client, queue, &body, &call);
    if (r == CLI_OK && tip_control_answer_decode(call.body.data, call.body.len, answerp))
        r = client_unreadable(client, queue);
    if (r == CLI_OK && !(*answerp)->ok) {
        client_why(client, "%s", (*answerp)->result);
        r = CLI_FAILED;
    }
    client_call_deinit(&call);
    return r;
}

const char *client_actor(void)
{
    static char actor[TIP_NAME_MAX + 1];
    const struct passwd *entry = getpwuid(getuid());
    const char *sudo = getenv("SUDO_USER");

    snprintf(actor, sizeof(actor), "%s", sudo && getuid() == 0 ? sudo : entry ? entry->pw_name : "unknown");
    return actor;
}
