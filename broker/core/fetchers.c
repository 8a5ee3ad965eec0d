#include "core/fetchers.h"

#include <stdlib.h>
#include <string.h>

#include <tip/alloc.h>

void fetchers_init(struct fetchers *fetchers, size_t max)
{
    *fetchers = (struct fetchers){.max = max};
}

static void fetcher_clear(struct fetcher *fetcher)
{
    for (size_t i = 0; i < fetcher->request.n_prefixes; i++)
        free(fetcher->request.prefixes[i]);
    tip_free(&fetcher->request.prefixes);
    fetcher->request = (struct fetch_request){0};
}

void fetchers_deinit(struct fetchers *fetchers)
{
    for (size_t i = 0; i < fetchers->n; i++)
        fetcher_clear(&fetchers->items[i]);
    free(fetchers->items);
    *fetchers = (struct fetchers){0};
}

/* The peer's own place, a new one, or that of the connection that has asked for nothing the longest. */
static struct fetcher *fetchers_place(struct fetchers *fetchers, const struct broker_peer *peer)
{
    struct fetcher *idle = NULL;

    for (size_t i = 0; i < fetchers->n; i++) {
        struct fetcher *fetcher = &fetchers->items[i];

        if (broker_peer_equal(&fetcher->peer, peer))
            return fetcher;
        if (!fetcher->waiting && !fetcher->reading && (!idle || fetcher->heard_ms < idle->heard_ms))
            idle = fetcher;
    }
    if (fetchers->n == fetchers->max)
        return idle;
    fetchers->items = tip_realloc(fetchers->items, fetchers->n + 1, sizeof(*fetchers->items));
    fetchers->items[fetchers->n] = (struct fetcher){0};
    return &fetchers->items[fetchers->n++];
}

/* An outside key takes neither all places nor, with many connections, those of other outside keys. */
static bool fetchers_admit(const struct fetchers *fetchers, const struct broker_peer *peer)
{
    size_t n_own = 0, n_outside = 0;

    for (size_t i = 0; i < fetchers->n; i++) {
        const struct fetcher *fetcher = &fetchers->items[i];

        if (!fetcher->is_outside || !fetcher->waiting || broker_peer_equal(&fetcher->peer, peer))
            continue;
        n_outside++;
        n_own += fetcher->peer.key == peer->key;
    }
    return access_is_internal(peer->key) || (n_own < FETCH_OUTSIDE_MAX && n_outside < (fetchers->max + 1) / 2);
}

static uint32_t fetch_bound(uint32_t value, uint32_t most)
{
    return value == 0 || value > most ? most : value;
}

struct fetcher *fetchers_ask(struct fetchers *fetchers, const struct broker_peer *peer,
                             const struct fetch_request *request, int64_t now_ms)
{
    struct fetcher *fetcher = fetchers_admit(fetchers, peer) ? fetchers_place(fetchers, peer) : NULL;
    char **prefixes;

    if (!fetcher)
        return NULL;
    fetcher_clear(fetcher);
    prefixes = tip_new_array(request->n_prefixes, char *);
    for (size_t i = 0; i < request->n_prefixes; i++)
        prefixes[i] = tip_strdup(request->prefixes[i]);
    *fetcher = (struct fetcher){.peer = *peer, .id = ++fetchers->last_id, .waiting = true, .heard_ms = now_ms};
    fetcher->readable = access_readable(peer->key);
    fetcher->is_outside = !access_is_internal(peer->key);
    fetcher->request = *request;
    fetcher->request.prefixes = prefixes;
    fetcher->request.asked = request->from;
    fetcher->request.max_bytes = fetch_bound(request->max_bytes, FETCH_BYTES_MAX);
    return fetcher;
}

struct fetcher *fetchers_get(const struct fetchers *fetchers, uint64_t id)
{
    for (size_t i = 0; i < fetchers->n; i++) {
        if (fetchers->items[i].id == id && fetchers->items[i].waiting)
            return &fetchers->items[i];
    }
    return NULL;
}

bool fetchers_is_content(const struct fetchers *fetchers, const char *consumer, uint64_t committed)
{
    for (size_t i = 0; i < fetchers->n; i++) {
        const struct fetcher *fetcher = &fetchers->items[i];

        if (fetcher->waiting && !fetcher->reading && !fetcher->stirred && fetcher->request.asked <= committed + 1 &&
            strcmp(fetcher->request.consumer, consumer) == 0)
            return true;
    }
    return false;
}

void fetchers_answered(struct fetcher *fetcher)
{
    fetcher_clear(fetcher);
    fetcher->waiting = fetcher->reading = false;
}

bool fetcher_wants(const struct fetcher *fetcher, uint8_t tlp, const char *topic, size_t len)
{
    const struct fetch_request *request = &fetcher->request;
    const bool is_readable = fetcher->readable >> tlp & 1;

    for (size_t i = 0; i < request->n_prefixes; i++) {
        size_t n = strlen(request->prefixes[i]);

        if (n <= len && memcmp(topic, request->prefixes[i], n) == 0)
            return is_readable;
    }
    return request->n_prefixes == 0 && is_readable;
}

int64_t fetchers_next_ms(const struct fetchers *fetchers)
{
    int64_t next = INT64_MAX;

    for (size_t i = 0; i < fetchers->n; i++) {
        const struct fetcher *fetcher = &fetchers->items[i];
        int64_t at = fetcher->rest_ms ? fetcher->rest_ms : fetcher->request.until_ms;

        if (fetcher->waiting && !fetcher->reading && at < next)
            next = at;
    }
    return next;
}
