#include "core/unread.h"

#include <stdatomic.h>
#include <stdlib.h>

#include <tip/alloc.h>

struct unread_answer {
    struct broker_peer peer;
    uint64_t cookie;
    size_t n_bytes;
    uint64_t until; /* it has left when the kernel was given so much for its connection */
    uint64_t given; /* at the last look */
    int64_t moved_ms;
    atomic_int n_owners; /* the list and libzmq; the last one frees */
};

static void unread_release(struct unread_answer *answer)
{
    if (atomic_fetch_sub(&answer->n_owners, 1) == 1)
        free(answer);
}

void unread_deinit(struct unread *unread)
{
    for (size_t i = 0; i < unread->n; i++)
        unread_release(unread->items[i]);
    free(unread->items);
    *unread = (struct unread){0};
}

/* The newest of a connection. */
static struct unread_answer *unread_last(const struct unread *unread, const struct broker_peer *peer)
{
    for (size_t i = unread->n; i-- > 0;) {
        if (broker_peer_equal(&unread->items[i]->peer, peer))
            return unread->items[i];
    }
    return NULL;
}

/* What is on its way already leaves first. */
static uint64_t unread_from(const struct unread *unread, const struct unread_answer *answer)
{
    const struct unread_answer *last = unread_last(unread, &answer->peer);

    return last && last->cookie == answer->cookie && last->until > answer->given ? last->until : answer->given;
}

void *unread_add(struct unread *unread, const struct broker_peer *peer, size_t n_bytes, int64_t now_ms)
{
    struct unread_answer *answer = tip_new(struct unread_answer);

    answer->peer = *peer;
    answer->n_bytes = n_bytes;
    answer->moved_ms = now_ms;
    answer->given = unread->given ? unread->given(peer->fd, &answer->cookie) : UINT64_MAX;
    if (answer->given != UINT64_MAX)
        answer->until = unread_from(unread, answer) + n_bytes;
    atomic_init(&answer->n_owners, 2);
    unread->items = tip_realloc(unread->items, unread->n + 1, sizeof(struct unread_answer *));
    unread->items[unread->n++] = answer;
    unread->bytes += n_bytes;
    return answer;
}

void unread_left(void *data, void *hint)
{
    free(data);
    unread_release(hint);
}

void unread_unsent(struct unread *unread, const void *hint)
{
    for (size_t i = unread->n; i-- > 0;) {
        if (unread->items[i] == hint) {
            unread->items[i]->until = 0;
            return;
        }
    }
}

static bool unread_is_held(const struct unread *unread, struct unread_answer *answer)
{
    if (atomic_load(&answer->n_owners) == 2)
        return true;
    return answer->until && unread->given(answer->peer.fd, &answer->cookie) < answer->until;
}

void unread_sweep(struct unread *unread)
{
    size_t n = 0;

    for (size_t i = 0; i < unread->n; i++) {
        struct unread_answer *answer = unread->items[i];

        if (unread_is_held(unread, answer)) {
            unread->items[n++] = answer;
            continue;
        }
        unread->bytes -= answer->n_bytes;
        unread_release(answer);
    }
    unread->n = n;
}

bool unread_has(const struct unread *unread, const struct broker_peer *peer)
{
    return unread_last(unread, peer) != NULL;
}

void unread_watch(struct unread *unread, int64_t now_ms)
{
    unread_sweep(unread);
    for (size_t i = 0; i < unread->n; i++) {
        struct unread_answer *answer = unread->items[i];
        uint64_t given = answer->until ? unread->given(answer->peer.fd, &answer->cookie) : answer->given;

        if (given != answer->given)
            answer->moved_ms = now_ms;
        answer->given = given;
    }
}

bool unread_stuck(const struct unread *unread, int64_t now_ms, size_t *atp, struct unread_line *linep)
{
    for (; *atp < unread->n; ++*atp) {
        const struct unread_answer *answer = unread->items[*atp];

        if (!answer->cookie || now_ms - answer->moved_ms < UNREAD_PATIENCE_MS)
            continue;
        *linep = (struct unread_line){answer->peer.fd, answer->cookie};
        ++*atp;
        return true;
    }
    return false;
}
