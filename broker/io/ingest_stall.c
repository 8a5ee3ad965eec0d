#include "io/ingest_private.h"

#include <tip/alloc.h>
#include <tip/log.h>

enum {
    INGEST_STALL_MS = 1000, /* longer than any flush: the journal takes nothing */
    INGEST_LOOK_MS = 20,    /* how often it is asked meanwhile what has come */
    INGEST_LOOK_PEERS = 50, /* so many peers make that a millisecond longer */
};

void ingest_drop(struct ingest *ingest, struct ingest_session *session)
{
    struct journal_publisher *publisher = session->publisher;

    ingest_count(ingest, METER_CLOSED_DROPS, 1);
    publisher->n_dropped++;
    session->dropped = true;
}

static void ingest_look_later(struct ingest *ingest)
{
    tip_timer_start(&ingest->look, INGEST_LOOK_MS + (int64_t)(router_count(ingest->router) / INGEST_LOOK_PEERS));
}

/* The rest of a message is kept, the socket rests. */
void ingest_stall(struct ingest *ingest, const struct ingest_rest *rest)
{
    size_t n = (size_t)(rest->entries.end - rest->entries.at);

    ingest->rest = *rest;
    ingest->rest.bytes = tip_memdup(rest->entries.at, n);
    ingest->rest.entries.at = ingest->rest.bytes;
    ingest->rest.entries.end = ingest->rest.bytes + n;
    ingest->stalled_ms = tip_loop_now_ms();
    router_note_taken(ingest->router);
    ingest_count(ingest, METER_STALLS, 1);
    router_pause(ingest->router);
    ingest_look_later(ingest);
}

static void ingest_unstall(struct ingest *ingest)
{
    tip_free(&ingest->rest.bytes);
    tip_timer_stop(&ingest->look);
    ingest->stalled_ms = 0;
    if (!ingest->stopped)
        router_resume(ingest->router);
}

static const char *ingest_why(const struct ingest *ingest)
{
    struct journal_status status;

    journal_status(ingest->options.journal, &status);
    return status.held ? "the journal is full of events that a required consumer has not read"
                       : "the disk takes nothing";
}

/* What was kept of a message goes, too. */
static void ingest_drop_rest(struct ingest *ingest)
{
    struct ingest_session *session = ingest_sessions_of(&ingest->sessions, ingest->rest.publisher);

    if (session)
        ingest_drop(ingest, session);
}

static void ingest_close(struct ingest *ingest, const char *why)
{
    ingest->closed = why;
    tip_warn("ingest.closed", "reason=%s", ingest->closed);
    if (ingest->stalled_ms)
        ingest_drop_rest(ingest);
    ingest_unstall(ingest);
}

static void ingest_close_flooded(struct ingest *ingest)
{
    ingest->is_flooded = true;
    ingest->closed_ms = tip_loop_now_ms();
    ingest_close(ingest, "more came than may wait while the disk is slow");
}

static void ingest_close_stuck(struct ingest *ingest)
{
    ingest->is_flooded = false;
    ingest_close(ingest, ingest_why(ingest));
}

/* While the socket rests everything that is taken off the connections waits. */
void ingest_on_look(void *ctx)
{
    struct ingest *ingest = ctx;

    if (router_taken_bytes(ingest->router) > ingest_sessions_most(&ingest->sessions, ingest->options.bytes))
        ingest_close_flooded(ingest);
    else
        ingest_look_later(ingest);
}

static void ingest_reopen(struct ingest *ingest)
{
    if (!journal_has_room(ingest->options.journal)) {
        if (ingest->is_flooded && tip_loop_now_ms() - ingest->closed_ms > INGEST_STALL_MS)
            ingest_close_stuck(ingest); /* it was not only slow */
        return;
    }
    tip_info("ingest.opened", "");
    ingest->closed = NULL;
    for (size_t i = 0; i < ingest->sessions.n; i++) {
        struct ingest_session *session = &ingest->sessions.items[i];

        if (session->dropped && !session->waiting)
            ingest_send_welcome(ingest, session); /* what was dropped can come again */
    }
}

void ingest_resume(struct ingest *ingest)
{
    tip_metric_set(ingest->options.meter->m[METER_SESSIONS], (double)ingest->sessions.n);
    if (ingest->closed)
        ingest_reopen(ingest);
    else if (ingest->stalled_ms && ingest_append_all(ingest, &ingest->rest) == 0)
        ingest_unstall(ingest);
    else if (ingest->stalled_ms && tip_loop_now_ms() - ingest->stalled_ms > INGEST_STALL_MS)
        ingest_close_stuck(ingest);
    ingest_welcome_waiting(ingest);
}
