#include "core/unread.h"

#include <stdatomic.h>
#include <stdlib.h>

#include <tip/alloc.h>

struct unread_answer {
    struct broker_peer peer;
    uint64_t cookie; /* 0: the kernel does not know its connection */
    size_t n_bytes;
    uint64_t until; /* it has left when the kernel was given so much for its connection */
    uint64_t acked; /* by the other side, at the last look */
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
static uint64_t unread_from(const struct unread *unread, const struct unread_answer *answer, uint64_t given)
{
    const struct unread_answer *last = unread_last(unread, &answer->peer);

    return last && last->cookie == answer->cookie && last->until > given ? last->until : given;
}

/* Its connection may be gone, and the number another one's. */
static void unread_measure(const struct unread *unread, struct unread_answer *answer)
{
    uint64_t cookie = answer->peer.cookie;
    uint64_t given = unread->given ? unread->given(answer->peer.fd, &cookie, &answer->acked) : UINT64_MAX;

    if (given == UINT64_MAX)
        return;
    answer->cookie = cookie;
    answer->until = unread_from(unread, answer, given) + answer->n_bytes;
}

void *unread_add(struct unread *unread, const struct broker_peer *peer, size_t n_bytes, int64_t now_ms)
{
    struct unread_answer *answer = tip_new(struct unread_answer);

    answer->peer = *peer;
    answer->n_bytes = n_bytes;
    answer->moved_ms = now_ms;
    unread_measure(unread, answer);
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
    uint64_t acked;

    if (atomic_load(&answer->n_owners) == 2)
        return true;
    return answer->until && unread->given(answer->peer.fd, &answer->cookie, &acked) < answer->until;
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

/* The kernel takes from libzmq in leaps of a third of its buffer: what the other side acknowledges comes steadily. */
void unread_watch(struct unread *unread, int64_t now_ms)
{
    unread_sweep(unread);
    for (size_t i = 0; i < unread->n; i++) {
        struct unread_answer *answer = unread->items[i];
        uint64_t acked = answer->acked;

        if (answer->cookie)
            (void)unread->given(answer->peer.fd, &answer->cookie, &acked); /* of one that is gone it stays */
        if (acked != answer->acked)
            answer->moved_ms = now_ms;
        answer->acked = acked;
    }
}

/* All that it holds; each counts as moved now. */
static struct unread_line unread_line_of(struct unread *unread, const struct unread_answer *of, int64_t now_ms)
{
    struct unread_line line = {of->peer.fd, of->cookie, 0};

    for (size_t i = 0; i < unread->n; i++) {
        if (unread->items[i]->cookie != line.cookie)
            continue;
        line.n_bytes += unread->items[i]->n_bytes;
        unread->items[i]->moved_ms = now_ms;
    }
    return line;
}

bool unread_stuck(struct unread *unread, int64_t now_ms, struct unread_line *linep)
{
    for (size_t i = 0; i < unread->n; i++) {
        const struct unread_answer *answer = unread->items[i];

        if (!answer->cookie || now_ms - answer->moved_ms < UNREAD_PATIENCE_MS)
            continue;
        *linep = unread_line_of(unread, answer, now_ms);
        return true;
    }
    return false;
}
