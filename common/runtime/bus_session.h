#pragma once
/*
 * A publisher's session with the broker, without socket, outbox or clock: what is in flight, when to ask again, when
 * to begin anew. Go-back-N: after any doubt there is a new connection, a HELLO, and everything unacked is sent again.
 */
#include <stdbool.h>
#include <stdint.h>

enum {
    SESSION_FRAMES_MAX = 1024,
    SESSION_ANSWER_MS = 2000,    /* to HELLO, to Ping, and at first for an ack */
    SESSION_PATIENCE_MS = 30000, /* for an ack, when the broker withholds them and says so by its pongs */
    SESSION_IDLE_MS = 500        /* then a Ping */
};

enum session_state {
    SESSION_CLOSED, /* nothing tried yet */
    SESSION_HELLO,  /* asked, no answer yet */
    SESSION_OPEN,
    SESSION_RESTING, /* refused: asks again after a while */
    SESSION_FENCED,  /* over: somebody younger has our name */
    SESSION_STATE_COUNT
};

enum session_act {
    SESSION_NOTHING,
    SESSION_CONNECT, /* a new socket, HELLO */
    SESSION_PING
};

struct session_frame {
    uint64_t last_seq;
    uint64_t bytes;
};

struct session {
    enum session_state state;
    uint64_t acked; /* everything up to here is durable */
    uint64_t sent;  /* everything up to here went out in this session */
    uint64_t window_events, window_bytes;
    uint64_t bytes; /* in flight */
    int64_t heard_ms, said_ms, progress_ms, until_ms;
    int64_t patience_ms;
    int64_t grace_ms; /* a session that was open and is asked for another HELLO counts as up until then */
    bool answered;    /* since this connection was made; without WELCOME: the broker is there and takes no events */
    uint32_t first_frame, n_frames; /* ring of what is in flight */
    struct session_frame frames[SESSION_FRAMES_MAX];
};

void session_init(struct session *session);

/** Time has passed. SESSION_CONNECT moves to HELLO: the caller performs it at once. */
enum session_act session_tick(struct session *session, int64_t now_ms);

enum {
    SESSION_E_FOREIGN = 1, /* the broker's number is none of this outbox's: one of the two was set back */
};

/**
 * WELCOME: goes on behind `durable`; a second one of an open session goes back to it.
 *
 * @param first  lowest pub_seq the outbox holds
 * @param next   the one it gives next
 * @return 0, SESSION_E_FOREIGN (then the state is as before)
 */
int session_welcome(struct session *session, uint64_t durable, uint64_t first, uint64_t next, int64_t now_ms);
void session_window(struct session *session, uint64_t events, uint64_t bytes);

/** ACK. True when it moved. */
bool session_ack(struct session *session, uint64_t durable, int64_t now_ms);

/** Anything came from the broker. */
void session_heard(struct session *session, int64_t now_ms);

/** How many events, and bytes, may go out now; the first frame in flight may always have its bytes. */
uint64_t session_room(const struct session *session, uint64_t *bytesp);

/** Events sent + 1 … last_seq went out as one frame. */
void session_sent(struct session *session, uint64_t last_seq, uint64_t bytes, int64_t now_ms);

/** Refused: rest, then connect anew. */
void session_rest(struct session *session, int64_t rest_ms, int64_t now_ms);

/**
 * The broker is there and knows nothing of this session, or wants another one: likewise. It may have restarted, or the
 * connection was made anew. Until WELCOME is late, that is no outage.
 */
void session_again(struct session *session, int64_t rest_ms, int64_t now_ms);
void session_fence(struct session *session);

bool session_is_up(const struct session *session, int64_t now_ms);

const char *session_state_name(enum session_state state);
