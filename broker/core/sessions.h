#pragma once
/*
 * The rules of publishing: who may say what in which order. Pure: the journal's positions are arguments, what to
 * answer is the result.
 *
 * A publisher is a name and an epoch. Its position is the last pub_seq given to the journal (appended) and the last
 * one on disk (durable).
 */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <tip/cleanup.h>

#include "core/peer.h"

enum { SESSION_NAME_MAX = 64 };

struct session_position {
    uint64_t epoch; /* 0: never heard of */
    uint64_t appended, durable;
};

/** What a HELLO leads to. */
enum session_welcome {
    SESSION_WELCOME,    /* the position stands */
    SESSION_ADOPT,      /* a new epoch: its numbers start at first_unacked */
    SESSION_ADOPT_GAP,  /* likewise, and events that were acked are missing here: raise an alarm */
    SESSION_WAIT,       /* answer once all that was appended is durable */
    SESSION_FENCED,     /* a younger epoch is known */
    SESSION_BAD_NAME,   /* not "name" or "name.instance" */
    SESSION_BAD_NUMBER, /* epoch or first_unacked is 0 */
    SESSION_BAD_VERSION
};

struct session_hello {
    uint32_t version;
    const char *name;
    uint64_t epoch, first_unacked;
};

/** Whether the frame makes sense at all: SESSION_WELCOME or one of the SESSION_BAD_… */
enum session_welcome session_hello_check(const struct session_hello *hello);

/** What to do with a sensible one. The position is not changed. */
enum session_welcome session_hello_judge(const struct session_hello *hello, const struct session_position *position);

/** What DATA leads to. */
enum session_accept {
    SESSION_ACCEPT,  /* skip the first `skip` events, append the rest (perhaps none) */
    SESSION_GAP,     /* answer with the current ack */
    SESSION_LATE,    /* a lower epoch than the session's: FENCED */
    SESSION_UNKNOWN, /* of an epoch that never said hello */
    SESSION_OVERFLOW /* numbers beyond 2^63 */
};

enum session_accept session_data_judge(const struct session_position *position, uint64_t epoch, uint64_t first,
                                       uint32_t n, uint32_t *skipp);

/** [a-z0-9_-] and at most one dot inside, 1 to 64 bytes. */
bool session_name_valid(const char *name);

/* ---- who is connected ---- */

struct session {
    struct broker_peer peer;
    char name[SESSION_NAME_MAX + 1];
    uint64_t epoch;
    void *publisher;        /* of the journal's table */
    bool waiting;           /* for its WELCOME */
    uint64_t first_unacked; /* as its HELLO said */
    int64_t heard_ms;
};

struct sessions {
    struct session *items;
    size_t n, max;
};

void sessions_init(struct sessions *sessions, size_t max);
void sessions_deinit(struct sessions *sessions);

/** By connection; NULL when there is none. Valid until the next add or remove. */
struct session *sessions_find(const struct sessions *sessions, const struct broker_peer *peer);
struct session *sessions_of(const struct sessions *sessions, const void *publisher);

/** NULL when there are `max` already. */
struct session *sessions_add(struct sessions *sessions, const struct broker_peer *peer, const char *name);
void sessions_remove(struct sessions *sessions, struct session *session);
