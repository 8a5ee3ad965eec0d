#include "core/sessions.h"

#include <stdlib.h>
#include <string.h>

#include <tip/alloc.h>

bool ingest_session_name_valid(const char *name)
{
    size_t n = strlen(name), dots = 0;

    if (n == 0 || n > INGEST_SESSION_NAME_MAX || name[0] == '.' || name[n - 1] == '.')
        return false;
    for (const char *at = name; *at; at++) {
        if (*at == '.')
            dots++;
        else if (!((*at >= 'a' && *at <= 'z') || (*at >= '0' && *at <= '9') || *at == '_' || *at == '-'))
            return false;
    }
    return dots <= 1;
}

enum ingest_session_welcome ingest_session_hello_check(const struct ingest_session_hello *hello)
{
    if (hello->version != 1)
        return INGEST_SESSION_BAD_VERSION;
    if (!ingest_session_name_valid(hello->name))
        return INGEST_SESSION_BAD_NAME;
    if (hello->epoch == 0 || hello->first_unacked == 0 || hello->first_unacked > INT64_MAX)
        return INGEST_SESSION_BAD_NUMBER;
    return INGEST_SESSION_WELCOME;
}

enum ingest_session_welcome ingest_session_hello_judge(const struct ingest_session_hello *hello,
                                                       const struct ingest_session_position *position)
{
    if (hello->epoch > position->epoch)
        return INGEST_SESSION_ADOPT;
    if (hello->epoch < position->epoch)
        return INGEST_SESSION_FENCED;
    if (position->is_new || position->appended != position->durable)
        return INGEST_SESSION_WAIT;
    return hello->first_unacked > position->durable + 1 ? INGEST_SESSION_ADOPT_GAP : INGEST_SESSION_WELCOME;
}

enum ingest_session_accept ingest_session_data_judge(const struct ingest_session_position *position, uint64_t epoch,
                                                     uint64_t first, uint32_t n, uint32_t *skipp)
{
    uint64_t next = position->appended + 1;

    *skipp = 0;
    if (epoch < position->epoch)
        return INGEST_SESSION_LATE;
    if (epoch > position->epoch)
        return INGEST_SESSION_UNKNOWN;
    if (first == 0 || first > INT64_MAX)
        return INGEST_SESSION_OVERFLOW;
    if (first > next)
        return INGEST_SESSION_GAP;
    *skipp = next - first < n ? (uint32_t)(next - first) : n;
    return INGEST_SESSION_ACCEPT;
}

void ingest_sessions_init(struct ingest_sessions *sessions, size_t max)
{
    *sessions = (struct ingest_sessions){.max = max};
}

void ingest_sessions_deinit(struct ingest_sessions *sessions)
{
    free(sessions->items);
    ingest_sessions_init(sessions, 0);
}

struct ingest_session *ingest_sessions_find(const struct ingest_sessions *sessions, const struct broker_peer *peer)
{
    for (size_t i = 0; i < sessions->n; i++) {
        if (broker_peer_equal(&sessions->items[i].peer, peer))
            return &sessions->items[i];
    }
    return NULL;
}

struct ingest_session *ingest_sessions_of(const struct ingest_sessions *sessions, const void *publisher)
{
    for (size_t i = 0; i < sessions->n; i++) {
        if (sessions->items[i].publisher == publisher)
            return &sessions->items[i];
    }
    return NULL;
}

struct ingest_session *ingest_sessions_add(struct ingest_sessions *sessions, const struct broker_peer *peer,
                                           const char *name)
{
    struct ingest_session *session;

    if (sessions->n == sessions->max)
        return NULL;
    sessions->items = tip_realloc(sessions->items, sessions->n + 1, sizeof(*sessions->items));
    session = &sessions->items[sessions->n++];
    *session = (struct ingest_session){.peer = *peer};
    memcpy(session->name, name, strnlen(name, INGEST_SESSION_NAME_MAX));
    return session;
}

void ingest_sessions_remove(struct ingest_sessions *sessions, struct ingest_session *session)
{
    *session = sessions->items[--sessions->n];
}

static uint64_t ingest_sessions_given(const struct ingest_sessions *sessions)
{
    uint64_t given = 0;

    for (size_t i = 0; i < sessions->n; i++)
        given += sessions->items[i].window_bytes;
    return given;
}

uint64_t ingest_sessions_most(const struct ingest_sessions *sessions, uint64_t bytes_all)
{
    uint64_t given = ingest_sessions_given(sessions), most = given + given / 4;

    return most > 2 * bytes_all ? most : 2 * bytes_all;
}

uint32_t ingest_sessions_grant(const struct ingest_sessions *sessions, uint64_t bytes_all, uint32_t most)
{
    uint64_t given = ingest_sessions_given(sessions), share;

    share = given < bytes_all ? (bytes_all - given) / 2 : 0;
    if (share > most)
        return most;
    return share > INGEST_SESSION_WINDOW_MIN ? (uint32_t)share : INGEST_SESSION_WINDOW_MIN;
}
