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
    for (size_t i = 0; i < fetchers->n_line; i++)
        fetcher_clear(&fetchers->line[i]);
    free(fetchers->items);
    free(fetchers->line);
    *fetchers = (struct fetchers){0};
}

/* ---- the line ---- */

static struct fetcher *fetchers_in_line(const struct fetchers *fetchers, const struct broker_peer *peer)
{
    for (size_t i = 0; i < fetchers->n_line; i++) {
        if (broker_peer_equal(&fetchers->line[i].peer, peer))
            return &fetchers->line[i];
    }
    return NULL;
}

/* An outside key takes neither all of the line nor, with many connections, what is there for other outside keys. */
static bool fetchers_admit(const struct fetchers *fetchers, const struct broker_peer *peer)
{
    size_t n_own = 0, n_outside = 0;

    if (access_is_internal(peer->key))
        return fetchers->n_line < FETCH_LINE_MAX;
    for (size_t i = 0; i < fetchers->n; i++) {
        const struct fetcher *fetcher = &fetchers->items[i];

        n_own += fetcher->waiting && fetcher->peer.key == peer->key && !broker_peer_equal(&fetcher->peer, peer);
    }
    for (size_t i = 0; i < fetchers->n_line; i++) {
        n_own += fetchers->line[i].peer.key == peer->key;
        n_outside += fetchers->line[i].is_outside;
    }
    return n_own < FETCH_OUTSIDE_MAX && n_outside < FETCH_LINE_MAX / 2 && fetchers->n_line < FETCH_LINE_MAX;
}

static uint32_t fetch_bound(uint32_t value, uint32_t most)
{
    return value == 0 || value > most ? most : value;
}

static void fetcher_set(struct fetcher *fetcher, const struct broker_peer *peer, const struct fetch_request *request)
{
    char **prefixes = tip_new_array(request->n_prefixes, char *);

    for (size_t i = 0; i < request->n_prefixes; i++)
        prefixes[i] = tip_strdup(request->prefixes[i]);
    *fetcher = (struct fetcher){.peer = *peer};
    fetcher->readable = access_readable(peer->key);
    fetcher->is_outside = !access_is_internal(peer->key);
    fetcher->request = *request;
    fetcher->request.prefixes = prefixes;
    fetcher->request.asked = request->from;
    fetcher->request.max_bytes = fetch_bound(request->max_bytes, FETCH_BYTES_MAX);
}

bool fetchers_ask(struct fetchers *fetchers, const struct broker_peer *peer, const struct fetch_request *request)
{
    struct fetcher *fetcher = fetchers_in_line(fetchers, peer);

    if (fetcher) {
        fetcher_clear(fetcher);
    } else {
        if (!fetchers_admit(fetchers, peer))
            return false;
        fetchers_forget(fetchers, peer);
        if (!fetchers->line)
            fetchers->line = tip_new_array(FETCH_LINE_MAX, struct fetcher);
        fetcher = &fetchers->line[fetchers->n_line++];
    }
    fetcher_set(fetcher, peer, request);
    fetcher->id = ++fetchers->last_id;
    return true;
}

static void fetchers_leave_line(struct fetchers *fetchers, struct fetcher *fetcher)
{
    size_t at = (size_t)(fetcher - fetchers->line);

    fetchers->n_line--;
    memmove(fetcher, fetcher + 1, (fetchers->n_line - at) * sizeof(*fetcher));
}

/* ---- places ---- */

static bool fetchers_has_place(const struct fetchers *fetchers)
{
    for (size_t i = 0; i < fetchers->n; i++) {
        if (!fetchers->items[i].waiting)
            return true;
    }
    return fetchers->n < fetchers->max;
}

static struct fetcher *fetchers_free_place(struct fetchers *fetchers)
{
    for (size_t i = 0; i < fetchers->n; i++) {
        if (!fetchers->items[i].waiting)
            return &fetchers->items[i];
    }
    if (fetchers->n == fetchers->max)
        return NULL;
    fetchers->items = tip_realloc(fetchers->items, fetchers->n + 1, sizeof(*fetchers->items));
    fetchers->items[fetchers->n] = (struct fetcher){0};
    return &fetchers->items[fetchers->n++];
}

static size_t fetchers_outside(const struct fetchers *fetchers)
{
    size_t n = 0;

    for (size_t i = 0; i < fetchers->n; i++)
        n += fetchers->items[i].waiting && fetchers->items[i].is_outside;
    return n;
}

static struct fetcher *fetchers_first(const struct fetchers *fetchers, bool is_outside)
{
    for (size_t i = 0; i < fetchers->n_line; i++) {
        if (fetchers->line[i].is_outside == is_outside)
            return &fetchers->line[i];
    }
    return NULL;
}

/* One place of several is for those outside, if anybody there wants it; else those inside would keep them out for ever.
 */
static bool fetchers_owe_outside(const struct fetchers *fetchers)
{
    return fetchers->max > 1 && fetchers_outside(fetchers) == 0 && fetchers_first(fetchers, true);
}

/* Who of the line would get a place now. */
static struct fetcher *fetchers_chosen(const struct fetchers *fetchers)
{
    struct fetcher *inside = fetchers_first(fetchers, false);

    if (inside && !fetchers_owe_outside(fetchers))
        return inside;
    return fetchers_outside(fetchers) < (fetchers->max + 1) / 2 ? fetchers_first(fetchers, true) : NULL;
}

struct fetcher *fetchers_next(struct fetchers *fetchers, int64_t now_ms)
{
    struct fetcher *first = fetchers_chosen(fetchers);
    struct fetcher *place = first ? fetchers_free_place(fetchers) : NULL;

    if (!place)
        return NULL;
    *place = *first;
    fetchers_leave_line(fetchers, first);
    place->waiting = true;
    place->placed_ms = now_ms;
    return place;
}

/* Whose place those who stand in line would have. */
enum fetchers_want { FETCHERS_WANT_NONE, FETCHERS_WANT_OUTSIDE, FETCHERS_WANT_ANY };

/* One inside would have anybody's place, one outside that of one outside, or the one that is for those outside. */
static enum fetchers_want fetchers_want(const struct fetchers *fetchers)
{
    if (fetchers->n_line == 0)
        return FETCHERS_WANT_NONE;
    if (fetchers_has_place(fetchers) && fetchers_chosen(fetchers))
        return FETCHERS_WANT_NONE; /* who was answered last has made room, and it is not taken yet */
    return fetchers_first(fetchers, false) || fetchers_owe_outside(fetchers) ? FETCHERS_WANT_ANY
                                                                             : FETCHERS_WANT_OUTSIDE;
}

/* Nothing is there for it, and somebody would have its place. */
static bool fetcher_may_yield(const struct fetcher *fetcher, enum fetchers_want want)
{
    return fetcher->waiting && !fetcher->reading && !fetcher->stirred &&
           (want == FETCHERS_WANT_ANY || (want == FETCHERS_WANT_OUTSIDE && fetcher->is_outside));
}

struct fetcher *fetchers_yielding(const struct fetchers *fetchers, int64_t now_ms)
{
    const enum fetchers_want want = fetchers_want(fetchers);
    struct fetcher *oldest = NULL;

    for (size_t i = 0; i < fetchers->n; i++) {
        struct fetcher *fetcher = &fetchers->items[i];

        if (fetcher_may_yield(fetcher, want) && fetcher->placed_ms + FETCH_TURN_MS <= now_ms &&
            (!oldest || fetcher->placed_ms < oldest->placed_ms))
            oldest = fetcher;
    }
    return oldest;
}

static bool fetcher_is_forsaken(const struct fetcher *queued, int64_t now_ms)
{
    return queued->request.until_ms + FETCH_LINE_PATIENCE_MS <= now_ms;
}

bool fetchers_forsaken(struct fetchers *fetchers, int64_t now_ms, struct fetcher *fetcherp)
{
    for (size_t i = 0; i < fetchers->n_line; i++) {
        struct fetcher *queued = &fetchers->line[i];

        if (!fetcher_is_forsaken(queued, now_ms))
            continue;
        *fetcherp = *queued;
        fetchers_leave_line(fetchers, queued);
        return true;
    }
    return false;
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

void fetchers_forget(struct fetchers *fetchers, const struct broker_peer *borrowed)
{
    const struct broker_peer copy = *borrowed, *peer = &copy; /* it may be one of ours, and they move */
    struct fetcher *queued = fetchers_in_line(fetchers, peer);

    if (queued) {
        fetcher_clear(queued);
        fetchers_leave_line(fetchers, queued);
    }
    for (size_t i = 0; i < fetchers->n; i++) {
        if (fetchers->items[i].waiting && broker_peer_equal(&fetchers->items[i].peer, peer))
            fetchers_answered(&fetchers->items[i]);
    }
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

/* INT64_MAX when a job's end, or the tick, is what it waits for. */
static int64_t fetcher_next_ms(const struct fetcher *fetcher, enum fetchers_want want)
{
    int64_t at = fetcher->rest_ms ? fetcher->rest_ms : fetcher->request.until_ms;

    if (!fetcher->waiting || fetcher->reading || (fetcher->stirred && !fetcher->rest_ms))
        return INT64_MAX;
    if (fetcher_may_yield(fetcher, want) && fetcher->placed_ms + FETCH_TURN_MS < at)
        return fetcher->placed_ms + FETCH_TURN_MS;
    return at;
}

int64_t fetchers_next_ms(const struct fetchers *fetchers)
{
    const enum fetchers_want want = fetchers_want(fetchers);
    int64_t next = INT64_MAX;

    for (size_t i = 0; i < fetchers->n; i++) {
        int64_t at = fetcher_next_ms(&fetchers->items[i], want);

        next = at < next ? at : next;
    }
    for (size_t i = 0; i < fetchers->n_line; i++) {
        int64_t at = fetchers->line[i].request.until_ms + FETCH_LINE_PATIENCE_MS;

        next = at < next ? at : next;
    }
    return next;
}
