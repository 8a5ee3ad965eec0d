#pragma once
/*
 * Who is to be asked for a baseline, and when: what the database says is wanted, and how asking has gone so far.
 *
 * "*" asks for everything and goes first; while it is wanted nobody is asked alone, and for a while after it was taken
 * neither, since those baselines are on their way.
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    STORE_ASK_MAX = 64, /* targets known at once; the rest is told by the database later */
    STORE_ASK_NAME_MAX = 64,
    STORE_ASK_RUNNING_MAX = 4,
    STORE_ASK_LOW_MS = 1000,        /* after a call that failed, doubling … */
    STORE_ASK_HIGH_MS = 60000,      /* … up to here */
    STORE_ASK_PATIENCE_MS = 60000,  /* after a call that was taken, doubling … */
    STORE_ASK_PATIENCE_MAX = 600000 /* … up to here */
};

enum store_ask_end {
    STORE_ASK_TAKEN,  /* the owner will publish it */
    STORE_ASK_FAILED, /* nobody there, or no answer */
    STORE_ASK_REFUSED /* the owner will not */
};

struct store_ask {
    char name[STORE_ASK_NAME_MAX + 1];
    bool is_running, is_wanted;
    unsigned n_failed, n_taken;
    int64_t due_ms;
};

struct store_asks {
    struct store_ask items[STORE_ASK_MAX];
    size_t n;
    int64_t quiet_until_ms; /* for single sources, since everything was asked for */
};

/** What is wanted now; a target that is no longer named is forgotten once its call has ended. */
void store_asks_set(struct store_asks *asks, const char (*names)[STORE_ASK_NAME_MAX + 1], size_t n, int64_t now_ms);

/** The next target to be asked at once, marked as running; NULL for none. Valid until the next set or end. */
const char *store_asks_next(struct store_asks *asks, int64_t now_ms);

/** @param random  any 32 bits */
void store_asks_end(struct store_asks *asks, const char *name, enum store_ask_end end, int64_t now_ms, uint32_t random);

/** What was taken is wanted anew: asked for at once. */
void store_asks_again(struct store_asks *asks, const char *name, int64_t now_ms);

/** How many are wanted. */
size_t store_asks_wanted(const struct store_asks *asks);
