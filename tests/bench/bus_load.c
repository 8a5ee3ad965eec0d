/*
 * Load for bench_bus.py: publishes events and counts what a subscriber gets, through a durable broker or through a bare
 * zmq_proxy. Speaks the wire itself, so that neither side has our client in it.
 *
 *     bus_load durable INGEST FEED N BYTES BATCH     bus_load proxy N BYTES
 *
 * Prints events per second as the subscriber sees them. The publisher stays at most AHEAD events before the subscriber,
 * so that neither side drops; a loss ends the run with an error.
 */
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <zmq.h>

#include <tip/v1/bus.pb-c.h>

enum { AHEAD = 20000, HWM = 200000, WINDOW = 16384, PATIENCE_MS = 20000 };

static const char topic[] = "v1.bench.load.x.";
static const char any_port[] = "tcp://127.0.0.1:*";

struct shared {
    _Atomic uint64_t received;
    _Atomic int ready;
    char in[256], out[256];
};

static struct shared *shared;

static void die(const char *what)
{
    fprintf(stderr, "bus_load: %s: %s\n", what, zmq_strerror(zmq_errno()));
    exit(1);
}

static double now_s(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void *open_socket(void *context, int type, const char *connect_to)
{
    void *socket = zmq_socket(context, type);
    int hwm = HWM;
    int linger = 0;
    int patience = PATIENCE_MS;

    zmq_setsockopt(socket, ZMQ_SNDHWM, &hwm, sizeof(hwm));
    zmq_setsockopt(socket, ZMQ_RCVHWM, &hwm, sizeof(hwm));
    zmq_setsockopt(socket, ZMQ_LINGER, &linger, sizeof(linger));
    zmq_setsockopt(socket, ZMQ_RCVTIMEO, &patience, sizeof(patience));
    if (connect_to && zmq_connect(socket, connect_to))
        die(connect_to);
    return socket;
}

/* Child: counts until N have come; "ready" at the first message of any kind. */
static void subscribe(const char *feed, uint64_t n)
{
    void *socket = open_socket(zmq_ctx_new(), ZMQ_SUB, feed);
    zmq_msg_t part;

    zmq_setsockopt(socket, ZMQ_SUBSCRIBE, "v1.", 3);
    zmq_msg_init(&part);
    while (shared->received < n) {
        if (zmq_msg_recv(&part, socket, 0) < 0)
            die("the subscriber hears nothing");
        if (zmq_msg_size(&part) == sizeof(topic) - 1 && !memcmp(zmq_msg_data(&part), topic, sizeof(topic) - 1))
            shared->received++;
        shared->ready = 1;
        while (zmq_msg_more(&part))
            if (zmq_msg_recv(&part, socket, 0) < 0)
                die("a message without its end");
    }
    _exit(0);
}

static pid_t start(void (*run)(const char *arg, uint64_t n), const char *arg, uint64_t n)
{
    pid_t pid = fork();

    if (pid == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        run(arg, n);
    }
    return pid;
}

static void wait_until(_Atomic int *flag)
{
    for (int i = 0; !*flag; i++) {
        if (i == PATIENCE_MS)
            die("nobody got ready");
        usleep(1000);
    }
}

static void send_frame(void *socket, const Tip__V1__Frame *frame, const void *body, size_t body_len)
{
    uint8_t bytes[512];
    size_t n = tip__v1__frame__pack(frame, bytes);

    if (zmq_send(socket, bytes, n, body ? ZMQ_SNDMORE : 0) < 0 || (body && zmq_send(socket, body, body_len, 0) < 0))
        die("send");
}

/* The number that the broker's next answer says is durable. */
static uint64_t hear(void *socket, int flags, uint64_t durable)
{
    uint8_t bytes[512];
    Tip__V1__Frame *frame;
    int n = zmq_recv(socket, bytes, sizeof(bytes), flags);

    if (n < 0) {
        if (flags & ZMQ_DONTWAIT)
            return durable;
        die("the broker does not answer");
    }
    frame = tip__v1__frame__unpack(NULL, (size_t)n, bytes);
    if (frame && frame->body_case == TIP__V1__FRAME__BODY_ACK)
        durable = frame->ack->durable_pub_seq;
    else if (frame && frame->body_case == TIP__V1__FRAME__BODY_WELCOME)
        durable = frame->welcome->durable_pub_seq;
    else
        die("the broker refuses");
    tip__v1__frame__free_unpacked(frame, NULL);
    return durable;
}

static size_t fill_batch(uint8_t *out, const uint8_t *event, uint32_t event_len, uint32_t n)
{
    size_t at = 0;
    uint16_t topic_len = sizeof(topic) - 1;

    for (uint32_t i = 0; i < n; i++) {
        memcpy(out + at, &topic_len, 2);
        out[at + 2] = 3;
        out[at + 3] = 0;
        memcpy(out + at + 4, &event_len, 4);
        memcpy(out + at + 8, topic, topic_len);
        memcpy(out + at + 8 + topic_len, event, event_len);
        at += 8u + topic_len + event_len;
    }
    return at;
}

static void publish_durable(const char *ingest, uint64_t n, uint32_t event_len, uint32_t batch)
{
    void *socket = open_socket(zmq_ctx_new(), ZMQ_DEALER, ingest);
    uint8_t *event = calloc(1, event_len);
    uint8_t *body = malloc((size_t)batch * (event_len + 64));
    size_t body_len = fill_batch(body, event, event_len, batch);
    char name[32]; /* protobuf-c wants it writable */
    Tip__V1__Hello hello;
    Tip__V1__Data data;
    Tip__V1__Frame frame;
    uint64_t sent = 0;
    uint64_t durable;

    tip__v1__hello__init(&hello);
    tip__v1__data__init(&data);
    tip__v1__frame__init(&frame);
    snprintf(name, sizeof(name), "bench.%d", (int)getpid());
    hello.version = 1;
    hello.publisher = name;
    hello.epoch = data.epoch = 1;
    hello.first_unacked = 1;
    frame.body_case = TIP__V1__FRAME__BODY_HELLO;
    frame.hello = &hello;
    send_frame(socket, &frame, NULL, 0);
    durable = hear(socket, 0, 0);
    frame.body_case = TIP__V1__FRAME__BODY_DATA;
    frame.data = &data;
    data.n = batch;
    while (durable < n) {
        bool blocked = sent >= n || sent - durable + batch > WINDOW;

        if (!blocked && sent - shared->received > AHEAD) {
            usleep(50);
            continue;
        }
        if (!blocked) {
            data.first_pub_seq = sent + 1;
            send_frame(socket, &frame, body, body_len);
            sent += batch;
        }
        durable = hear(socket, blocked ? 0 : ZMQ_DONTWAIT, durable);
    }
    free(event);
    free(body);
}

static void run_proxy(const char *unused, uint64_t n)
{
    void *context = zmq_ctx_new();
    void *in = open_socket(context, ZMQ_XSUB, NULL);
    void *out = open_socket(context, ZMQ_XPUB, NULL);
    size_t len = sizeof(shared->in);

    (void)unused;
    (void)n;
    if (zmq_bind(in, any_port) || zmq_bind(out, any_port))
        die("bind");
    zmq_getsockopt(in, ZMQ_LAST_ENDPOINT, shared->in, &len);
    len = sizeof(shared->out);
    zmq_getsockopt(out, ZMQ_LAST_ENDPOINT, shared->out, &len);
    shared->ready = 1;
    zmq_proxy(in, out, NULL);
    _exit(0);
}

static void publish_plain(uint64_t n, uint32_t event_len)
{
    void *socket = open_socket(zmq_ctx_new(), ZMQ_PUB, shared->in);
    uint8_t *event = calloc(1, event_len);

    for (int i = 0; !shared->ready && i < PATIENCE_MS; i++) { /* until the subscription has come through */
        zmq_send(socket, "v1.ready", 8, 0);
        usleep(1000);
    }
    for (uint64_t sent = 0; sent < n; sent++) {
        while (sent - shared->received > AHEAD)
            usleep(50);
        if (zmq_send(socket, topic, sizeof(topic) - 1, ZMQ_SNDMORE) < 0 || zmq_send(socket, event, event_len, 0) < 0)
            die("send");
    }
    free(event);
    while (shared->received < n)
        usleep(100);
}

static void finish(pid_t subscriber, double began, uint64_t n)
{
    int status;

    if (waitpid(subscriber, &status, 0) < 0 || status != 0)
        die("the subscriber lost something");
    printf("%.0f\n", (double)n / (now_s() - began));
}

int main(int argc, char **argv)
{
    bool durable = argc == 7 && !strcmp(argv[1], "durable");
    uint64_t n;
    uint32_t bytes;
    pid_t subscriber;
    double began;

    if (!durable && !(argc == 4 && !strcmp(argv[1], "proxy"))) {
        fprintf(stderr, "usage: bus_load durable INGEST FEED N BYTES BATCH | bus_load proxy N BYTES\n");
        return 2;
    }
    shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    n = strtoull(argv[durable ? 4 : 2], NULL, 10);
    bytes = (uint32_t)strtoul(argv[durable ? 5 : 3], NULL, 10);
    if (durable) {
        subscriber = start(subscribe, argv[3], n);
        wait_until(&shared->ready); /* v1.bus.head. comes each second */
        began = now_s();
        publish_durable(argv[2], n, bytes, (uint32_t)strtoul(argv[6], NULL, 10));
        finish(subscriber, began, n);
        return 0;
    }
    pid_t proxy = start(run_proxy, NULL, 0);
    wait_until(&shared->ready);
    shared->ready = 0;
    subscriber = start(subscribe, shared->out, n);
    began = now_s();
    publish_plain(n, bytes);
    finish(subscriber, began, n);
    kill(proxy, SIGKILL);
    waitpid(proxy, NULL, 0);
    return 0;
}
