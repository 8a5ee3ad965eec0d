#include "bus_session.h"

static const char *const session_state_names[SESSION_STATE_COUNT] = {
    [SESSION_CLOSED] = "closed",   [SESSION_HELLO] = "hello",   [SESSION_OPEN] = "open",
    [SESSION_RESTING] = "resting", [SESSION_FENCED] = "fenced",
};

const char *session_state_name(enum session_state state)
{
    return session_state_names[state];
}

void session_init(struct session *session)
{
    *session = (struct session){.patience_ms = SESSION_ANSWER_MS};
}

static void session_forget_frames(struct session *session)
{
    session->first_frame = 0;
    session->n_frames = 0;
    session->bytes = 0;
    session->sent = session->acked;
}

static enum session_act session_connect(struct session *session, int64_t now_ms)
{
    session->state = SESSION_HELLO;
    session->answered = false;
    session->said_ms = now_ms;
    session_forget_frames(session);
    return SESSION_CONNECT;
}

static enum session_act session_tick_open(struct session *session, int64_t now_ms)
{
    if (now_ms - session->heard_ms >= SESSION_ANSWER_MS)
        return session_connect(session, now_ms);
    if (session->n_frames > 0 && now_ms - session->progress_ms >= session->patience_ms) {
        session->patience_ms *= 2;
        if (session->patience_ms > SESSION_PATIENCE_MS)
            session->patience_ms = SESSION_PATIENCE_MS;
        return session_connect(session, now_ms);
    }
    if (now_ms - session->heard_ms < SESSION_IDLE_MS || now_ms - session->said_ms < SESSION_IDLE_MS)
        return SESSION_NOTHING;
    session->said_ms = now_ms;
    return SESSION_PING;
}

enum session_act session_tick(struct session *session, int64_t now_ms)
{
    switch (session->state) {
    case SESSION_CLOSED:
        return session_connect(session, now_ms);
    case SESSION_HELLO:
        return now_ms - session->said_ms >= SESSION_ANSWER_MS ? session_connect(session, now_ms) : SESSION_NOTHING;
    case SESSION_OPEN:
        return session_tick_open(session, now_ms);
    case SESSION_RESTING:
        return now_ms >= session->until_ms ? session_connect(session, now_ms) : SESSION_NOTHING;
    case SESSION_FENCED:
    case SESSION_STATE_COUNT:
        break;
    }
    return SESSION_NOTHING;
}

int session_welcome(struct session *session, uint64_t durable, uint64_t first, uint64_t next, int64_t now_ms)
{
    if (session->state == SESSION_OPEN && durable >= session->acked && durable <= session->sent) {
        session->acked = durable; /* what was sent behind it was dropped: it goes out again */
        session_forget_frames(session);
        session->progress_ms = now_ms;
    }
    if (session->state != SESSION_HELLO)
        return 0; /* late, of a session that is over */
    if (durable + 1 < first || durable >= next)
        return SESSION_E_FOREIGN;
    if (durable > session->acked)
        session->patience_ms = SESSION_ANSWER_MS;
    session->state = SESSION_OPEN;
    session->acked = durable;
    session->heard_ms = now_ms;
    session->progress_ms = now_ms;
    session_forget_frames(session);
    return 0;
}

void session_window(struct session *session, uint64_t events, uint64_t bytes)
{
    session->window_events = events;
    session->window_bytes = bytes;
}

bool session_ack(struct session *session, uint64_t durable, int64_t now_ms)
{
    struct session_frame *frame;

    session_heard(session, now_ms);
    if (session->state != SESSION_OPEN || durable <= session->acked || durable > session->sent)
        return false;
    session->acked = durable;
    session->progress_ms = now_ms;
    session->patience_ms = SESSION_ANSWER_MS;
    while (session->n_frames > 0) {
        frame = &session->frames[session->first_frame];
        if (frame->last_seq > durable)
            break;
        session->bytes -= frame->bytes;
        session->first_frame = (session->first_frame + 1) % SESSION_FRAMES_MAX;
        session->n_frames--;
    }
    return true;
}

void session_heard(struct session *session, int64_t now_ms)
{
    session->answered = true;
    session->heard_ms = now_ms;
}

uint64_t session_room(const struct session *session, uint64_t *bytesp)
{
    uint64_t flying = session->sent - session->acked;

    if (session->state != SESSION_OPEN || session->n_frames == SESSION_FRAMES_MAX || flying >= session->window_events)
        return 0;
    if (session->n_frames > 0 && session->bytes >= session->window_bytes)
        return 0;
    *bytesp = session->n_frames > 0 ? session->window_bytes - session->bytes : session->window_bytes;
    return session->window_events - flying;
}

void session_sent(struct session *session, uint64_t last_seq, uint64_t bytes, int64_t now_ms)
{
    uint32_t at = (session->first_frame + session->n_frames) % SESSION_FRAMES_MAX;

    if (session->n_frames == 0)
        session->progress_ms = now_ms;
    session->frames[at] = (struct session_frame){.last_seq = last_seq, .bytes = bytes};
    session->n_frames++;
    session->bytes += bytes;
    session->sent = last_seq;
    session->said_ms = now_ms;
}

void session_rest(struct session *session, int64_t rest_ms, int64_t now_ms)
{
    if (session->state == SESSION_FENCED)
        return;
    session->state = SESSION_RESTING;
    session->until_ms = now_ms + rest_ms;
    session->grace_ms = 0;
    session_forget_frames(session);
}

void session_again(struct session *session, int64_t rest_ms, int64_t now_ms)
{
    bool was_open = session->state == SESSION_OPEN;

    session_rest(session, rest_ms, now_ms);
    if (was_open)
        session->grace_ms = session->until_ms + SESSION_ANSWER_MS;
}

void session_fence(struct session *session)
{
    session->state = SESSION_FENCED;
    session_forget_frames(session);
}

bool session_is_up(const struct session *session, int64_t now_ms)
{
    if (session->state == SESSION_RESTING || session->state == SESSION_HELLO)
        return now_ms < session->grace_ms;
    return session->state == SESSION_OPEN;
}
