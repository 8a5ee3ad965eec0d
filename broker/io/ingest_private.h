#pragma once
/* What the files of the ingest door share. */
#include "core/entries.h"
#include "core/sessions.h"
#include "io/ingest.h"
#include "io/router.h"

#include <tip/loop.h>

/** DATA that did not fit in whole: its rest is kept until there is room. */
struct ingest_rest {
    uint8_t *bytes;
    struct entries entries;
    struct journal_publisher *publisher;
    uint64_t pub_seq; /* of the next entry */
};

struct ingest {
    struct tip_loop *loop;
    struct ingest_options options;
    struct router *router;
    struct ingest_sessions sessions;
    struct ingest_rest rest;
    int64_t stalled_ms; /* since when; 0: not */
    struct tip_timer look;
    int64_t asked_ms;
    const char *closed; /* NULL or why */
    bool is_flooded;    /* that is why, not the disk */
    int64_t closed_ms;  /* since when */
    bool stopped;
};

static inline void ingest_count(struct ingest *ingest, enum meter_metric metric, uint64_t n)
{
    tip_metric_add(ingest->options.meter->m[metric], n);
}

/* ---- ingest_session.c: who may publish, and how far it has come ---- */

void ingest_session_end(struct ingest *ingest, struct ingest_session *session);
struct ingest_session_position ingest_position(const struct journal_publisher *publisher);

/** It goes on, or back, to what is durable. */
void ingest_send_welcome(struct ingest *ingest, struct ingest_session *session);
void ingest_send_ack(struct ingest *ingest, const struct ingest_session *session);
void ingest_send_fenced(struct ingest *ingest, const struct broker_peer *to, uint64_t epoch);

void ingest_on_hello(struct ingest *ingest, const struct broker_peer *from, const struct codec_hello *frame);

/** The WELCOMEs that waited for the disk. */
void ingest_welcome_waiting(struct ingest *ingest);

/** @return false after a refusal: the key is another one's */
bool ingest_name_taken(struct ingest *ingest, const struct broker_peer *from, const char *name);

/* ---- ingest.c: events into the journal ---- */

/** Goes on with validated entries: 0 when all are in, else what stopped it. */
int ingest_append_all(struct ingest *ingest, struct ingest_rest *rest);

/* ---- ingest_stall.c: when the journal takes nothing ---- */

/** The rest of a message is kept, the socket rests. */
void ingest_stall(struct ingest *ingest, const struct ingest_rest *rest);

/** DATA of it is not taken, now: it hears by another WELCOME when it may come again. */
void ingest_drop(struct ingest *ingest, struct ingest_session *session);

/** Of the timer: what has come meanwhile. */
void ingest_on_look(void *ctx);
