#include "core/sessions.h"

#include <stdlib.h>
#include <string.h>

#include <tip/alloc.h>

bool session_name_valid(const char *name)
{
    size_t n = strlen(name), dots = 0;

    if (n == 0 || n > SESSION_NAME_MAX || name[0] == '.' || name[n - 1] == '.')
        return false;
    for (const char *at = name; *at; at++) {
        if (*at == '.')
            dots++;
        else if (!((*at >= 'a' && *at <= 'z') || (*at >= '0' && *at <= '9') || *at == '_' || *at == '-'))
            return false;
    }
    return dots <= 1;
}

enum session_welcome session_hello_check(const struct session_hello *hello)
{
    if (hello->version != 1)
        return SESSION_BAD_VERSION;
    if (!session_name_valid(hello->name))
        return SESSION_BAD_NAME;
    if (hello->epoch == 0 || hello->first_unacked == 0 || hello->first_unacked > INT64_MAX)
        return SESSION_BAD_NUMBER;
    return SESSION_WELCOME;
}

enum session_welcome session_hello_judge(const struct session_hello *hello, const struct session_position *position)
{
    if (hello->epoch > position->epoch)
        return SESSION_ADOPT;
    if (hello->epoch < position->epoch)
        return SESSION_FENCED;
    if (position->appended != position->durable)
        return SESSION_WAIT;
    return hello->first_unacked > position->durable + 1 ? SESSION_ADOPT_GAP : SESSION_WELCOME;
}

enum session_accept session_data_judge(const struct session_position *position, uint64_t epoch, uint64_t first,
                                       uint32_t n, uint32_t *skipp)
{
    uint64_t next = position->appended + 1;

    *skipp = 0;
    if (epoch < position->epoch)
        return SESSION_LATE;
    if (epoch > position->epoch)
        return SESSION_UNKNOWN;
    if (first == 0 || first > INT64_MAX)
        return SESSION_OVERFLOW;
    if (first > next)
        return SESSION_GAP;
    *skipp = next - first < n ? (uint32_t)(next - first) : n;
    return SESSION_ACCEPT;
}

void sessions_init(struct sessions *sessions, size_t max)
{
    *sessions = (struct sessions){.max = max};
}

void sessions_deinit(struct sessions *sessions)
{
    free(sessions->items);
    sessions_init(sessions, 0);
}

struct session *sessions_find(const struct sessions *sessions, const struct broker_peer *peer)
{
    for (size_t i = 0; i < sessions->n; i++) {
        if (broker_peer_equal(&sessions->items[i].peer, peer))
            return &sessions->items[i];
    }
    return NULL;
}

struct session *sessions_of(const struct sessions *sessions, const void *publisher)
{
    for (size_t i = 0; i < sessions->n; i++) {
        if (sessions->items[i].publisher == publisher)
            return &sessions->items[i];
    }
    return NULL;
}

struct session *sessions_add(struct sessions *sessions, const struct broker_peer *peer, const char *name)
{
    struct session *session;

    if (sessions->n == sessions->max)
        return NULL;
    sessions->items = tip_realloc(sessions->items, sessions->n + 1, sizeof(*sessions->items));
    session = &sessions->items[sessions->n++];
    *session = (struct session){.peer = *peer};
    memcpy(session->name, name, strnlen(name, SESSION_NAME_MAX));
    return session;
}

void sessions_remove(struct sessions *sessions, struct session *session)
{
    *session = sessions->items[--sessions->n];
}
