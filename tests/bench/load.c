#include "load.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { LOAD_PLACE_BYTES = 256, LOAD_TURN_US = 50, LOAD_BYTES_MAX = 64 * 1024, LOAD_BATCH_MAX = 65536 };

struct load_reader {
    _Atomic uint64_t received;
    _Atomic uint64_t end_ns;
    _Atomic int ready;
    char apart[40]; /* a cache line a reader */
};

struct load_shared {
    struct load_reader readers[LOAD_READERS_MAX];
    _Atomic uint64_t began_ns;
    _Atomic int serving;
    unsigned n_readers;
    char places[2][LOAD_PLACE_BYTES];
    uint64_t took_ns[]; /* of each event, in paced runs, by the first reader */
};

static struct load_shared *load_shared;

_Noreturn void load_die(const char *what, const char *why)
{
    fprintf(stderr, "load: %s: %s\n", what, why);
    exit(1);
}

static uint64_t load_now_ns(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

double load_now_s(void)
{
    return (double)load_now_ns() / 1e9;
}

/* ---- between the processes ---- */

void load_serving(const char *in, const char *out)
{
    snprintf(load_shared->places[0], LOAD_PLACE_BYTES, "%s", in);
    snprintf(load_shared->places[1], LOAD_PLACE_BYTES, "%s", out);
    load_shared->serving = 1;
}

const char *load_place(int i)
{
    return load_shared->places[i];
}

void load_ready(unsigned i)
{
    load_shared->readers[i].ready = 1;
}

bool load_all_ready(void)
{
    for (unsigned i = 0; i < load_shared->n_readers; i++) {
        if (!load_shared->readers[i].ready)
            return false;
    }
    return true;
}

void load_wait_ready(void (*probe)(void *ctx), void *ctx)
{
    for (int ms = 0; !load_all_ready(); ms++) {
        if (ms == LOAD_PATIENCE_MS)
            load_die("a subscriber", "did not get ready");
        if (probe)
            probe(ctx);
        usleep(1000);
    }
}

bool load_seen(const struct load *load, unsigned i, const void *event)
{
    struct load_reader *reader = &load_shared->readers[i];
    uint64_t n = atomic_load_explicit(&reader->received, memory_order_relaxed);
    uint64_t sent_ns;

    if (load->per_s && i == 0) {
        memcpy(&sent_ns, event, sizeof(sent_ns));
        load_shared->took_ns[n] = load_now_ns() - sent_ns;
    }
    if (n + 1 == load->n)
        reader->end_ns = load_now_ns();
    atomic_store_explicit(&reader->received, n + 1, memory_order_release);
    return n + 1 < load->n;
}

uint64_t load_received(const struct load *load)
{
    uint64_t least = UINT64_MAX;

    for (unsigned i = 0; i < load->n_readers; i++) {
        uint64_t received = atomic_load_explicit(&load_shared->readers[i].received, memory_order_acquire);

        least = received < least ? received : least;
    }
    return least;
}

void load_wait_received(const struct load *load)
{
    uint64_t before = 0, received;

    for (int ms = 0; (received = load_received(load)) < load->n; ms = received > before ? 0 : ms + 1) {
        if (ms == LOAD_PATIENCE_MS)
            load_die("a subscriber", "lost something");
        before = received;
        usleep(1000);
    }
}

/* ---- the publisher's pace ---- */

static void load_sleep_until(uint64_t ns)
{
    const struct timespec at = {.tv_sec = (time_t)(ns / 1000000000), .tv_nsec = (long)(ns % 1000000000)};

    clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL);
}

bool load_may_send(const struct load *load, uint64_t sent)
{
    if (!load_shared->began_ns)
        load_shared->began_ns = load_now_ns();
    if (load->per_s)
        load_sleep_until(load_shared->began_ns + sent * 1000000000 / load->per_s);
    return sent - load_received(load) <= LOAD_AHEAD;
}

void load_wait_turn(const struct load *load, uint64_t sent)
{
    for (int us = 0; !load_may_send(load, sent); us += LOAD_TURN_US) {
        if (us > LOAD_PATIENCE_MS * 1000)
            load_die("the subscribers", "hear nothing any more");
        usleep(LOAD_TURN_US);
    }
}

void load_stamp(const struct load *load, void *event)
{
    uint64_t now_ns;

    if (!load->per_s)
        return;
    now_ns = load_now_ns();
    memcpy(event, &now_ns, sizeof(now_ns));
}

/* ---- the run ---- */

static pid_t load_start(void)
{
    pid_t pid = fork();

    if (pid == 0)
        prctl(PR_SET_PDEATHSIG, SIGKILL);
    return pid;
}

static pid_t load_start_server(const struct load_system *system, struct load *load)
{
    pid_t pid = load_start();

    if (pid == 0) {
        system->serve(load);
        _exit(1);
    }
    for (int ms = 0; !load_shared->serving; ms++) {
        if (ms == LOAD_PATIENCE_MS)
            load_die("the server", "did not get ready");
        usleep(1000);
    }
    return pid;
}

static void load_wait_readers(const struct load *load, const pid_t *pids)
{
    int status;

    for (unsigned i = 0; i < load->n_readers; i++) {
        if (waitpid(pids[i], &status, 0) == -1 || status != 0)
            load_die("a subscriber", "failed");
    }
}

static int load_compare(const void *a, const void *b)
{
    const uint64_t *left = a, *right = b;

    return *left < *right ? -1 : *left > *right;
}

static void load_print(const struct load *load)
{
    uint64_t end_ns = 0;

    if (load->per_s) {
        qsort(load_shared->took_ns, load->n, sizeof(uint64_t), load_compare);
        printf("{\"p50_us\": %.1f, \"p99_us\": %.1f}\n", (double)load_shared->took_ns[load->n / 2] / 1e3,
               (double)load_shared->took_ns[load->n - 1 - load->n / 100] / 1e3);
        return;
    }
    for (unsigned i = 0; i < load->n_readers; i++) {
        if (load_shared->readers[i].end_ns > end_ns)
            end_ns = load_shared->readers[i].end_ns;
    }
    printf("{\"per_s\": %.0f}\n", (double)load->n * 1e9 / (double)(end_ns - load_shared->began_ns));
}

static void load_run(const struct load_system *system, struct load *load)
{
    pid_t readers[LOAD_READERS_MAX], server = 0;

    if (system->serve)
        server = load_start_server(system, load);
    for (unsigned i = 0; i < load->n_readers; i++) {
        readers[i] = load_start();
        if (readers[i] == 0) {
            system->subscribe(load, i);
            _exit(0);
        }
    }
    system->publish(load);
    load_wait_received(load);
    load_wait_readers(load, readers);
    load_print(load);
    if (server) {
        kill(server, SIGKILL);
        waitpid(server, NULL, 0);
    }
}

static bool load_options(struct load *load, int argc, char **argv)
{
    int option;

    while ((option = getopt(argc, argv, "n:b:f:s:r:k:")) != -1) {
        uint32_t value = optarg ? (uint32_t)strtoul(optarg, NULL, 10) : 0;

        switch (option) {
        case 'n':
            load->n = value;
            break;
        case 'b':
            load->bytes = value;
            break;
        case 'f':
            load->batch = value;
            break;
        case 's':
            load->n_readers = value;
            break;
        case 'r':
            load->per_s = value;
            break;
        case 'k':
            load->keys = optarg;
            break;
        default:
            return false;
        }
    }
    for (int i = 0; i < 4 && optind + i < argc; i++)
        load->where[i] = argv[optind + i];
    return load->n && load->bytes >= 8 && load->bytes <= LOAD_BYTES_MAX && load->batch &&
           load->batch <= LOAD_BATCH_MAX && load->n_readers && load->n_readers <= LOAD_READERS_MAX;
}

int load_main(int argc, char **argv, const struct load_system *system)
{
    struct load load = {.n = 100000, .bytes = 100, .batch = 1, .n_readers = 1, .run = getpid()};

    if (!load_options(&load, argc, argv) || argc - optind != system->n_where) {
        fprintf(stderr, "usage: %s [-n N] [-b BYTES] [-f A_FRAME] [-s SUBSCRIBERS] [-r PER_S] [-k KEYS]%s\n", argv[0],
                system->usage);
        return 2;
    }
    load_shared = mmap(NULL, sizeof(*load_shared) + load.n * sizeof(uint64_t), PROT_READ | PROT_WRITE,
                       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (load_shared == MAP_FAILED)
        load_die("mmap", "no memory");
    load_shared->n_readers = load.n_readers;
    load_run(system, &load);
    return 0;
}
