#include "io/zap.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <zmq.h>

#include <tip/alloc.h>
#include <tip/fail.h>
#include <tip/log.h>
#include <tip/zsock.h>

#define ZAP_ENDPOINT "inproc://zeromq.zap.01"

enum { ZAP_FRAMES_KEPT = ZAP_FRAMES + 1 /* one more shows that there are too many */ };

struct zap {
    void *socket; /* the thread's, once it runs */
    int stop_fd;
    pthread_t thread;
    bool is_running;
    pthread_mutex_t lock; /* of passes */
    struct zap_passes passes;
    atomic_uint_fast64_t counts[ACCESS_DOOR_COUNT + 1][ZAP_VERDICT_COUNT];
};

/** A request; the frames live in the messages. */
struct zap_request {
    zmq_msg_t parts[ZAP_FRAMES_KEPT];
    struct zap_frame frames[ZAP_FRAMES_KEPT];
    size_t n;
};

/* ---- on its own thread ---- */

static void zap_request_close(struct zap_request *request)
{
    for (size_t i = 0; i < request->n; i++)
        (void)zmq_msg_close(&request->parts[i]); /* fails for no message of ours */
}

/* Parts come all or none. @return false when there is no request */
static bool zap_receive(struct zap *zap, struct zap_request *request)
{
    bool more = true;
    zmq_msg_t *part;

    request->n = 0;
    while (more) {
        if (request->n == ZAP_FRAMES_KEPT)
            (void)zmq_msg_close(&request->parts[--request->n]); /* of too many the last one is kept */
        part = &request->parts[request->n];
        (void)zmq_msg_init(part); /* cannot fail */
        if (zmq_msg_recv(part, zap->socket, ZMQ_DONTWAIT) == -1) {
            (void)zmq_msg_close(part); /* as above */
            return false;
        }
        request->frames[request->n++] = (struct zap_frame){zmq_msg_data(part), zmq_msg_size(part)};
        more = zmq_msg_more(part);
    }
    return true;
}

/* Without a handler everybody would come in. */
static void zap_die(const char *what)
{
    tip_error("zap.failed", "in=%s error=%s", what, zmq_strerror(errno));
    _exit(1);
}

/*
 * "300" and not "400": told that it is refused for good, libzmq's client would never connect again, and a key that is
 * added a moment later would have to wait for somebody to restart its owner.
 */
static const char *zap_status(enum zap_verdict verdict)
{
    return verdict == ZAP_WELCOME ? "200" : "300";
}

static void zap_reply(struct zap *zap, const struct zap_request *request, const struct zap_answer *answer,
                      const char *user)
{
    static const struct zap_frame none = {"", 0};
    const char *status = zap_status(answer->verdict), *text = zap_verdict_name(answer->verdict);
    const struct zap_frame frames[] = {
        {"1.0", 3}, request->n > 1 ? request->frames[1] : none, {status, 3}, {text, strlen(text)}, {user, strlen(user)},
        none,
    };
    const size_t n = sizeof(frames) / sizeof(frames[0]);

    for (size_t i = 0; i < n; i++) {
        if (zmq_send(zap->socket, frames[i].data, frames[i].len, ZMQ_DONTWAIT | (i + 1 < n ? ZMQ_SNDMORE : 0)) == -1)
            zap_die("send"); /* it takes what is for a peer that is gone, too */
    }
}

static void zap_answer(struct zap *zap, const struct zap_request *request)
{
    char user[ACCESS_USER_BYTES] = "";
    struct zap_answer answer;

    pthread_mutex_lock(&zap->lock);
    zap_judge(&zap->passes, request->frames, request->n, &answer);
    if (answer.verdict == ZAP_WELCOME)
        memcpy(user, answer.pass->user, sizeof(user));
    pthread_mutex_unlock(&zap->lock);
    atomic_fetch_add(&zap->counts[answer.door][answer.verdict], 1);
    zap_reply(zap, request, &answer, user);
}

static void *zap_main(void *arg)
{
    struct zap *zap = arg;
    zmq_pollitem_t items[] = {{.socket = zap->socket, .events = ZMQ_POLLIN},
                              {.fd = zap->stop_fd, .events = ZMQ_POLLIN}};
    struct zap_request request;

    while (!items[1].revents) {
        if (zmq_poll(items, 2, -1) == -1 && errno != EINTR)
            zap_die("poll");
        while (zap_receive(zap, &request)) {
            zap_answer(zap, &request);
            zap_request_close(&request);
        }
    }
    return NULL;
}

/* ---- for the owner ---- */

static int zap_bind(struct zap *zap)
{
    const int linger = 0;

    zap->socket = zmq_socket(tip_zmq_context(), ZMQ_REP);
    if (!zap->socket)
        return tip_fail(-errno);
    if (zmq_setsockopt(zap->socket, ZMQ_LINGER, &linger, sizeof(linger)) == -1 ||
        zmq_bind(zap->socket, ZAP_ENDPOINT) == -1)
        return tip_fail(-errno);
    return 0;
}

/* Signals are the loop's. */
static int zap_start(struct zap *zap)
{
    sigset_t all, before;
    int r;

    zap->stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (zap->stop_fd == -1)
        return tip_fail(-errno);
    (void)sigfillset(&all); /* cannot fail */
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    r = pthread_create(&zap->thread, NULL, zap_main, zap);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    zap->is_running = r == 0;
    return r ? tip_fail(-r) : 0;
}

int zap_open(struct zap **zapp, const struct access_table *table)
{
    tip_auto(zap_destroy) struct zap *zap = tip_new(struct zap);
    int r;

    zap->stop_fd = -1;
    pthread_mutex_init(&zap->lock, NULL);
    zap_passes_init(&zap->passes, table);
    r = zap_bind(zap);
    if (!r)
        r = zap_start(zap);
    if (r)
        return r;
    *zapp = tip_take(zap);
    return 0;
}

static void zap_stop(struct zap *zap)
{
    const uint64_t one = 1;

    if (!zap->is_running)
        return;
    if (write(zap->stop_fd, &one, sizeof(one)) != (ssize_t)sizeof(one))
        abort(); /* an eventfd takes its first 1 */
    pthread_join(zap->thread, NULL);
}

void zap_destroy(struct zap **zapp)
{
    struct zap *zap = *zapp;

    if (!zap)
        return;
    zap_stop(zap);
    if (zap->socket)
        (void)zmq_close(zap->socket); /* fails for no socket of ours */
    tip_fd_close(&zap->stop_fd);
    pthread_mutex_destroy(&zap->lock);
    zap_passes_deinit(&zap->passes);
    free(zap);
    *zapp = NULL;
}

void zap_exchange(struct zap *zap, const struct access_table *table)
{
    struct zap_passes fresh, old;

    zap_passes_init(&fresh, table);
    pthread_mutex_lock(&zap->lock);
    old = zap->passes;
    zap->passes = fresh;
    pthread_mutex_unlock(&zap->lock);
    zap_passes_deinit(&old);
}

uint64_t zap_count(const struct zap *zap, enum access_door door, enum zap_verdict verdict)
{
    return atomic_load(&zap->counts[door][verdict]);
}
