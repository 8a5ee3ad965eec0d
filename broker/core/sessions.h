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
#include "core/window.h"

enum { INGEST_SESSION_NAME_MAX = 64 };

struct ingest_session_position {
    uint64_t epoch; /* 0: never heard of */
    uint64_t appended, durable;
    bool is_new; /* the epoch is not on disk yet */
};

/** What a HELLO leads to. */
enum ingest_session_welcome {
    INGEST_SESSION_WELCOME,    /* the position stands */
    INGEST_SESSION_ADOPT,      /* a new epoch: its numbers start at first_unacked; answer once it is durable */
    INGEST_SESSION_ADOPT_GAP,  /* likewise, and events that were acked are missing here: raise an alarm */
    INGEST_SESSION_WAIT,       /* answer once the epoch, and all that was appended, is durable */
    INGEST_SESSION_FENCED,     /* a younger epoch is known */
    INGEST_SESSION_BAD_NAME,   /* not "name" or "name.instance" */
    INGEST_SESSION_BAD_NUMBER, /* epoch or first_unacked is 0 */
    INGEST_SESSION_BAD_VERSION
};

struct ingest_session_hello {
    uint32_t version;
    const char *name;
    uint64_t epoch, first_unacked;
};

/** Whether the frame makes sense at all: INGEST_SESSION_WELCOME or one of the INGEST_SESSION_BAD_… */
enum ingest_session_welcome ingest_session_hello_check(const struct ingest_session_hello *hello);

/** What to do with a sensible one. The position is not changed. */
enum ingest_session_welcome ingest_session_hello_judge(const struct ingest_session_hello *hello,
                                                       const struct ingest_session_position *position);

/** What DATA leads to. */
enum ingest_session_accept {
    INGEST_SESSION_ACCEPT,  /* skip the first `skip` events, append the rest (perhaps none) */
    INGEST_SESSION_GAP,     /* answer with the current ack */
    INGEST_SESSION_LATE,    /* a lower epoch than the session's: FENCED */
    INGEST_SESSION_UNKNOWN, /* of an epoch that never said hello */
    INGEST_SESSION_OVERFLOW /* numbers beyond 2^63 */
};

enum ingest_session_accept ingest_session_data_judge(const struct ingest_session_position *position, uint64_t epoch,
                                                     uint64_t first, uint32_t n, uint32_t *skipp);

/** [a-z0-9_-] and at most one dot inside, 1 to 64 bytes. */
bool ingest_session_name_valid(const char *name);

/* ---- who is connected ---- */

struct ingest_session {
    struct broker_peer peer;
    char name[INGEST_SESSION_NAME_MAX + 1];
    uint64_t epoch;
    void *publisher;        /* of the journal's table */
    bool waiting;           /* for its WELCOME */
    bool dropped;           /* DATA of it, since its WELCOME: it is told by another one when it may come again */
    uint64_t first_unacked; /* as its HELLO said */
    int64_t heard_ms;
    uint32_t window_bytes; /* that it may send ahead of its acks */
    struct window window;  /* what it has sent ahead of its acks */
};

enum { INGEST_SESSION_WINDOW_MIN = 256 << 10 };

struct ingest_sessions {
    struct ingest_session *items;
    size_t n, max;
};

void ingest_sessions_init(struct ingest_sessions *sessions, size_t max);
void ingest_sessions_deinit(struct ingest_sessions *sessions);

/** By connection; NULL when there is none. Valid until the next add or remove. */
struct ingest_session *ingest_sessions_find(const struct ingest_sessions *sessions, const struct broker_peer *peer);
struct ingest_session *ingest_sessions_of(const struct ingest_sessions *sessions, const void *publisher);

/** NULL when there are `max` already. */
struct ingest_session *ingest_sessions_add(struct ingest_sessions *sessions, const struct broker_peer *peer,
                                           const char *name);
void ingest_sessions_remove(struct ingest_sessions *sessions, struct ingest_session *session);

/**
 * What the next one may send ahead of its acks: half of what the others have left of `bytes_all`, so that those who
 * come later have something too; at most `most`, at least INGEST_SESSION_WINDOW_MIN.
 */
uint32_t ingest_sessions_grant(const struct ingest_sessions *sessions, uint64_t bytes_all, uint32_t most);

/** What may wait of all of them: twice `bytes_all`, and never less than what they were given and a quarter. */
uint64_t ingest_sessions_most(const struct ingest_sessions *sessions, uint64_t bytes_all);
