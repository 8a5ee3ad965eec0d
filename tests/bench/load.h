#pragma once
/*
 * One measured run of a bus: subscribers as processes of their own, the publisher in this one.
 *
 *     load_X [-n EVENTS] [-b BYTES] [-f EVENTS A FRAME] [-s SUBSCRIBERS] [-r EVENTS A SECOND] [-k KEYS] WHERE...
 *
 * Without -r as fast as it goes: prints {"per_s": …}, from the first event sent to the last one seen by the slowest
 * subscriber. With -r prints {"p50_us": …, "p99_us": …}, from sending to seeing. The publisher stays at most LOAD_AHEAD
 * events before the slowest subscriber, so that no system has to drop; an event that never comes ends the run with 1.
 * (libzmq tells a sender of half a queue at once, and the broker's feed has queues of 32,768: half of that never
 * drops.)
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { LOAD_AHEAD = 16000, LOAD_PATIENCE_MS = 10000, LOAD_READERS_MAX = 16 };

struct load {
    uint64_t n;
    uint32_t bytes; /* of an event, at least 8: it begins with the time it was sent */
    uint32_t batch; /* events a frame, or a group of what the system has for that */
    uint32_t n_readers;
    uint32_t per_s;       /* 0: as fast as it goes */
    const char *keys;     /* NULL: in the clear */
    const char *where[4]; /* endpoints */
    long run;             /* a number that no other run has */
};

struct load_system {
    const char *usage;
    int n_where;
    /** A process of its own, before the others; may be NULL. Says load_serving(), never returns. */
    void (*serve)(struct load *load);
    /** Process of subscriber i: load_ready(), then load_seen() until it says that was all. */
    void (*subscribe)(const struct load *load, unsigned i);
    /** Connects, waits for load_wait_ready(), then load_next() before each frame until it says there is no more. */
    void (*publish)(const struct load *load);
};

int load_main(int argc, char **argv, const struct load_system *system);

_Noreturn void load_die(const char *what, const char *why);
double load_now_s(void);

/** Of the server's process: where it can be found; the others read load_place(i). */
void load_serving(const char *in, const char *out);
const char *load_place(int i);

/** Subscriber i hears the bus. */
void load_ready(unsigned i);
/** @return true once all subscribers do */
bool load_all_ready(void);
/** Calls `probe`, which may be NULL, each millisecond until they do. */
void load_wait_ready(void (*probe)(void *ctx), void *ctx);

/** Subscriber i has got an event. @return false when it was the last one */
bool load_seen(const struct load *load, unsigned i, const void *event);

/** Events seen by the slowest subscriber. */
uint64_t load_received(const struct load *load);
/** Waits until they have seen all. */
void load_wait_received(const struct load *load);

/** Whether event number `sent` (from 0) may go now. Paced runs: waits for its time. */
bool load_may_send(const struct load *load, uint64_t sent);
/** Waits until it may. */
void load_wait_turn(const struct load *load, uint64_t sent);

/** Writes the time into an event, in a paced run. */
void load_stamp(const struct load *load, void *event);
